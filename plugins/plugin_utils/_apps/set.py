# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules of the role mail_config about its apps as a whole, in the names of its own variables. Pure."""

from __future__ import annotations

import difflib
import re
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.model import Descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.address import is_bare_address
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import POLICY_OPTIONS, parse_policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import parse_settings, to_bool

__all__ = (
    "accepted",
    "checked_entries",
    "checked_settings",
    "endpoints_of",
    "in_own_words",
    "kind_of",
    "label_of",
    "misspelt",
    "refuse_twice",
    "spoken",
    "test_command",
    "told_once",
)

Entry = Mapping[str, t.Any]
_CODE = re.compile("[a-z][a-z0-9_]*")
_OF_AN_ENTRY = (
    "app", "path", "form", "carrier", "service", "owner", "group", "mode", "backup", "validate", "template", "dest",
)  # fmt: skip
_RESTART = frozenset(("service", "command", "chdir"))
_OF_THE_ROLE = ("exact_security", "descriptors", *POLICY_OPTIONS)


def checked_settings(args: Mapping[str, t.Any]) -> None:
    """Refuse settings and policy that cannot work. Raises SettingsError, in the names of the role's variables."""
    given = args.get("settings")
    if not given:
        words = "mail_config_settings is empty; write host, port and secure into it."
        raise SettingsError(words, "mail_config_settings")
    if not isinstance(given, Mapping):
        # The value is not shown: a text may hold the password.
        words = "mail_config_settings is not a dictionary; write {host: smtp.example.com, port: 465, secure: true}."
        raise SettingsError(words, "mail_config_settings")
    probed = to_bool(args.get("probed") or False, "mail_config_gate")
    parse_settings(given, probed=probed, needs_credentials=True, prefix="mail_config_settings.")
    try:
        parse_policy(args)
    except SettingsError as error:
        raise SettingsError(f"mail_config_{error}", f"mail_config_{error.option}") from None
    _checked_proof(args.get("prove"), args.get("recipient"), given)


def _checked_proof(prove: object, recipient: object, settings: Mapping[str, t.Any]) -> None:
    if prove not in (None, "auto"):
        try:
            to_bool(prove, "mail_config_prove")
        except SettingsError:
            words = f"mail_config_prove is {show(prove)}; write auto, true or false."
            raise SettingsError(words, "mail_config_prove") from None
    if not recipient:
        return
    if not is_bare_address(str(recipient)):
        words = f"mail_config_prove_recipient is {show(recipient)}, which is not one bare mail address; write ops@example.com."
        raise SettingsError(words, "mail_config_prove_recipient")
    if not settings.get("sender"):
        words = "mail_config_prove_recipient needs a sender; write sender: app@example.com in mail_config_settings."
        raise SettingsError(words, "mail_config_prove_recipient")


def accepted(raw: object) -> list[str]:
    """The codes of mail_config_accept, a list or a text with commas: a part of a code is no code. Raises SettingsError."""
    if raw in (None, ""):
        return []
    listed = raw.split(",") if isinstance(raw, str) else raw
    codes = [str(one).strip() for one in listed] if isinstance(listed, Sequence) else [""]
    wrong = next((one for one in codes if not _CODE.fullmatch(one)), None)
    if wrong is not None:
        words = f"mail_config_accept is {show(raw)}; write codes of findings, such as [ca_not_expressible]."
        raise SettingsError(words, "mail_config_accept")
    return codes


def checked_entries(entries: object, recipient: str = "") -> None:
    """Refuse an empty list, entries that are neither app nor template, and the same file twice. Raises SettingsError."""
    example = "[{app: pangolin, path: /opt/pangolin/config/config.yml}]"
    if not entries:
        raise SettingsError(f"mail_config_apps is empty; write a list such as {example}.", "mail_config_apps")
    if isinstance(entries, str) or not isinstance(entries, Sequence):
        raise SettingsError(f"mail_config_apps is not a list; write one such as {example}.", "mail_config_apps")
    for index, entry in enumerate(entries):
        name = f"mail_config_apps[{index}]"
        if not isinstance(entry, Mapping):
            raise SettingsError(f"{name} is {show(entry)}; write {{app: ..., path: ...}}.", name)
        needed = ("template", "dest") if kind_of(entry) == "template" else ("app", "path")
        other = ("app", "path", "form", "carrier", "service") if needed[0] == "template" else ("dest",)
        for key in needed:
            if not entry.get(key):
                words = f"{name}.{key} is missing; write {{app: ..., path: ...}}, or {{template: ..., dest: ...}}."
                raise SettingsError(words, name)
        if not str(entry[needed[1]]).startswith(("/", "~", "$")):
            words = f"{name}.{needed[1]} is {show(entry[needed[1]])}; write the whole path on the host, which begins with /."
            raise SettingsError(words, name)
        wrong = next((key for key in other if entry.get(key)), None)
        if wrong:
            words = f"{name}.{wrong} stands beside {needed[0]}; write an entry of its own for it, or leave it out."
            raise SettingsError(words, name)
        _checked_restart(entry.get("restart"), name)
        _checked_test(entry, name, recipient)
    refuse_twice([{"path": _path(entry), "item": entry} for entry in entries])


def _checked_restart(restart: object, name: str) -> None:
    if restart is None:
        return
    keys = set(restart) if isinstance(restart, Mapping) else set()
    if (
        not isinstance(restart, Mapping)
        or bool(restart.get("service")) == bool(restart.get("command"))
        or keys - _RESTART
    ):
        words = f"{name}.restart is {show(restart)}; write {{service: name}} or {{command: [...]}}, or leave it out."
        raise SettingsError(words, name)
    command = restart.get("command")
    if command and (isinstance(command, str) or not isinstance(command, Sequence)):
        raise SettingsError(
            f"{name}.restart.command is {show(command)}; write a list, such as [docker, compose, restart, pangolin].",
            name,
        )


def _checked_test(entry: Entry, name: str, recipient: str) -> None:
    test = entry.get("test_mail")
    if test is None:
        return
    if not isinstance(test, Mapping) or not isinstance(test.get("command") or [], list):
        words = f"{name}.test_mail is {show(test)}; write {{command: [...], chdir: ...}}, or {{}} for the app's own."
        raise SettingsError(words, name)
    if not recipient:
        words = (
            f"{name}.test_mail needs an address; write mail_config_prove_recipient: ops@example.com, or leave it out."
        )
        raise SettingsError(words, name)
    if not test.get("command") and kind_of(entry) == "template":
        raise SettingsError(f"{name}.test_mail.command is missing; a template has no test mail of its own.", name)


def test_command(entry: Entry, descriptor: Descriptor | None, recipient: str) -> list[str]:
    """The arguments with which an entry's app sends its own test mail. Raises SettingsError."""
    given = (entry.get("test_mail") or {}).get("command")
    command = given or (descriptor.test_command if descriptor is not None else ())
    if not command:
        what = f" (it has {descriptor.test_mail})" if descriptor is not None and descriptor.test_mail else ""
        raise SettingsError(
            f"{label_of(entry)} has no command for a test mail{what}; write test_mail: {{command: [...]}}, or leave it"
            " out.",
            "mail_config_apps",
        )
    return [str(part).replace("{recipient}", recipient).replace("{path}", _path(entry)) for part in command]


def kind_of(entry: Entry) -> str:
    """Whether an entry is an app of ours or a template of the user's."""
    return "template" if entry.get("template") else "app"


def _path(entry: Entry) -> str:
    return str(entry.get("dest") if kind_of(entry) == "template" else entry.get("path"))


def label_of(entry: Entry) -> str:
    """What an entry is called in sentences."""
    return str(entry.get("template") if kind_of(entry) == "template" else entry.get("app"))


def refuse_twice(results: Sequence[Mapping[str, t.Any]]) -> None:
    """Refuse two entries that write one file; several services of one file are no such thing. Raises SettingsError."""
    seen: dict[tuple[str, str], int] = {}
    for index, one in enumerate(results):
        # A unit is the same one with and without its ending.
        path, service = str(one["path"]), str(one["item"].get("service") or "").removesuffix(".service")
        there = next(
            (
                number
                for (other, name), number in seen.items()
                if other == path and (name == service or not name or not service)
            ),
            None,
        )
        if there is not None:
            words = (
                f"mail_config_apps[{index}] has the file {path}, and so has mail_config_apps[{there}];"
                " write each file once, or the service of each where they are several of one file."
            )
            raise SettingsError(words, f"mail_config_apps[{index}]")
        seen[(path, service)] = index


def spoken(settings: Mapping[str, t.Any]) -> str:
    """Which port and mode settings mean, as a text to compare."""
    parsed = parse_settings(settings, probed=True)
    return f"{parsed.port} {parsed.security}"


def told_once(
    results: Sequence[Mapping[str, t.Any]], of_the_gate: Sequence[Mapping[str, t.Any]], accept: Sequence[str]
) -> list[dict[str, t.Any]]:
    """Every finding once, without those that are accepted; what was planned with other settings does not count any more."""
    last = {str(one["path"]) + str(one["item"].get("service")): one for one in results}
    found: dict[tuple[str, str], dict[str, t.Any]] = {}
    for one in [*(finding for result in last.values() for finding in result["findings"]), *of_the_gate]:
        if one["code"] not in accept:
            found.setdefault((one["code"], one["message"]), dict(one))
    return list(found.values())


def misspelt(accept: Sequence[str], findings: Sequence[Mapping[str, t.Any]]) -> list[str]:
    """A sentence for each accepted code that no finding has and one nearly has. ``findings``: those that were accepted, too."""
    codes = list(dict.fromkeys(str(one["code"]) for one in findings))
    meant = {one: difflib.get_close_matches(one, codes, 1, 0.8) for one in accept if one not in codes}
    return [
        f"mail_config_accept has {one}, which accepts nothing here; write {near[0]}."
        for one, near in meant.items()
        if near
    ]


def endpoints_of(settings: Mapping[str, t.Any], read: Sequence[Mapping[str, t.Any]]) -> list[dict[str, t.Any]]:
    """One endpoint for every different set of settings that the files hold; what a file cannot hold is as given."""
    endpoints: dict[object, dict[str, t.Any]] = {}
    for one in read:
        endpoint = {**settings, **one["settings"]}
        # The same in two spellings is the same: one message is one message.
        endpoints.setdefault(parse_settings(endpoint, probed=True), endpoint)
    return list(endpoints.values())


def in_own_words(sentence: str, index: int, host: str) -> str:
    """A sentence of a task about one file, with the names that these options have in the role."""
    words = sentence.removeprefix(f"{host}: ")
    first = words.partition(" ")[0]
    if first in _OF_AN_ENTRY and re.match(rf"{first} (is|has|holds|must|cannot)\b", words):
        words = f"mail_config_apps[{index}].{words}"
    elif first in _OF_THE_ROLE:
        words = f"mail_config_{words}"
    else:
        words = re.sub(r"(?<![\w.])exact_security(?=:)", "mail_config_exact_security", words)
    return f"{host}: {words}"
