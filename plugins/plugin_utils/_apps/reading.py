# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an app's file or environment holds, as our model: the mode that the app is really in, and what is wrong with it.

A pure function of keys and values. The password is never part of the outcome, only whether there is one.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import re
import typing as t
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import Place
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers.interpolation import interpolated
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import KeyPath, Opaque, Value, load_format
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.model import Descriptor, Form, Key, Switch, Trap, Word
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.pattern import Scalar
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.spelled import example, mode_spelled
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.unknown import (
    around_findings,
    is_variable,
    misplaced_findings,
    parents_of,
    unknown_findings,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.words import base_words, holds, mode_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import without_login
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import clash_sentence, convention_clash

__all__ = (
    "NODE_VERIFIES",
    "Reading",
    "interpret",
    "node_verifies_nothing",
    "part_findings",
    "password_keys_elsewhere",
    "read_place",
    "read_settings",
    "several_findings",
    "trap_findings",
    "traps_of",
    "with_entries",
)

_SHOWN = (
    "host",
    "port",
    "validate_certs",
    "ca_path",
    "server_name",
    "username",
    "auth_mechanism",
    "sender",
    "sender_name",
    "helo_name",
    "timeout",
)
# With 0 in it Node verifies no certificate at all, whatever the app's own settings say.
NODE_VERIFIES = ("NODE_TLS_REJECT_UNAUTHORIZED",)
# How files name variables: as shells do, as Grafana does, and as Ruby, PHP, Python and JavaScript do.
_VARIABLES = re.compile(
    r"\$\{?([A-Za-z_]\w*)|\$__env\{(\w+)\}"
    r"|\b(?:ENV(?:\.fetch)?|getenv|environ(?:\.get)?|env)\s*[\[(]\s*['\"]([A-Za-z_]\w*)['\"]|\bprocess\.env\.(\w+)"
)
# A name and its port, with one colon (an IPv6 address has more), or a URL.
_NO_HOST = re.compile(r"^[^:]*:\d*$|://")
Finding = dict[str, str]


@dataclass(frozen=True)
class Reading:
    """``settings`` is our model without the password, ``security`` the mode that the app is really in (None: it is in
    none). ``password`` is for a login that was asked for by name, and part of no result.
    """

    found: bool
    settings: dict[str, t.Any] = field(default_factory=dict)
    security: str | None = None
    password_set: bool = False
    findings: list[Finding] = field(default_factory=list)
    password: str = field(default="", repr=False)


def read_place(
    descriptor: Descriptor,
    place: Place,
    text: str,
    environment: Mapping[str, str] | None = None,
    others: Mapping[str, str] | None = None,
    variables: Mapping[str, str] | None = None,
) -> Reading:
    """Read the text of one place. Raises FormatError.

    ``environment`` are variables of the app's process, where they are known. ``others`` are the texts of the files that
    the text takes variables from (``place.files``), by their paths as they are written there. ``variables`` are those
    that compose puts into its file.
    """
    known = variables or {}
    raw_values = place.read(text)
    values = {key: interpolated(key[-1], value, known) for key, value in raw_values.items()}
    findings = _cut_short(descriptor, place.form, text, raw_values)
    for path in place.files(text, known):
        if path not in (others or {}) and path not in place.optional(text, known):
            findings.append(_missing_file(path))
    gathered: dict[KeyPath, tuple[Value, str]] = {}
    for path in place.files(text, known):
        other = (others or {}).get(path, "")
        findings += _cut_short(descriptor, place.form, other, place.read_other(other))
        for key, raw in place.read_other(other).items():
            value = interpolated(key[-1], raw, known)
            if key in gathered and gathered[key][0] != value:
                findings += _hidden_by(descriptor, place.form, key, gathered[key][1], path)
            gathered[key] = (value, path)
    for key, value in values.items():
        if key in gathered and gathered[key][0] != value:
            both = ("Environment=", gathered[key][1]) if place.files_win else (gathered[key][1], "environment")
            findings += _hidden_by(descriptor, place.form, key, *both)
    values, told = with_entries(descriptor, place, text, values)
    findings += told
    theirs = {key: value for key, (value, _path) in gathered.items()}
    together = {**values, **theirs} if place.files_win else {**theirs, **values}
    reading = interpret(descriptor, place.form, together, environment)
    findings += around_findings(descriptor, place, text)
    if not reading.settings.get("host"):
        findings += misplaced_findings(descriptor, place, text)
    return dataclasses.replace(reading, findings=[*reading.findings, *findings, *place.findings(text)])


def _cut_short(descriptor: Descriptor, form: Form, text: str, values: Mapping[KeyPath, Value]) -> list[Finding]:
    """Values that the app ends at a sign for comments with no space in front of it, where a person meant it as a part of the value."""
    findings: list[Finding] = []
    for key in form.keys:
        value = values.get(key.path)
        if not key.patterns or not isinstance(value, str) or not value:
            continue
        line = rf"""(?m)^[ \t]*(?:export[ \t]+)?{re.escape(key.path[-1])}[ \t]*[=:][ \t]*{re.escape(value)}([#;])\S"""
        if found := re.search(line, text):
            findings.append(
                {
                    "severity": "warning",
                    "code": "comment_in_value",
                    "message": f"{key.text} ends at the first {found[1]} in it, as {descriptor.name} takes the rest for a comment.",
                    "remedy": f"Put it into {'backticks' if form.format == 'ini' else 'quotes'}; app_mail_config does.",
                }
            )
    return findings


def with_entries(
    descriptor: Descriptor, place: Place, text: str, values: dict[KeyPath, Value]
) -> tuple[dict[KeyPath, Value], list[Finding]]:
    """The values as the first entry of the file's lists changes them, and what is told of entries that win over ours."""
    entries = [one for one in place.entries(text) if one]
    usual = [key for key in place.form.managed if key in values]
    told = {key for one in entries for key, value in one.items() if key in usual and values[key] != value}
    told |= {key for one in entries for key, value in one.items() if any(other.get(key) != value for other in entries)}
    findings = [
        {
            "severity": "warning",
            "code": "overridden",
            "message": f"{key[-1]} is overridden in {'.'.join(place.form.entries)}, which say something else.",
            "remedy": f"Leave it to {'.'.join(key)}, and take it out of the entries of {descriptor.name}.",
        }
        for key in place.form.managed
        if key in told
    ]
    return {**values, **(entries[0] if entries else {})}, findings


def _missing_file(path: str) -> Finding:
    return {
        "severity": "warning",
        "code": "file_missing",
        "message": f"Variables are taken from {path}, which is not there or cannot be read.",
        "remedy": f"Create {path}, or take it out.",
    }


def _hidden_by(descriptor: Descriptor, form: Form, key: KeyPath, loser: str, winner: str) -> list[Finding]:
    if key not in form.managed:
        return []
    return [
        {
            "severity": "warning",
            "code": "overridden",
            "message": f"{key[0]} of {loser} is overridden by {winner}, which says something else.",
            "remedy": f"Leave {key[0]} in one place.",
        }
    ]


def read_settings(descriptor: Descriptor, form: Form, values: Mapping[KeyPath, Value]) -> dict[str, Scalar]:
    """The settings and words that the keys hold, the password too; what has a wrong shape or type is not among them."""
    known: dict[str, Scalar] = {}
    for key in form.keys:
        value = values.get(key.path)
        patterns = (*key.patterns, *key.also_read)
        if value is None or isinstance(value, Opaque) or not patterns:
            continue
        for name, found in (_of_key(form, patterns, value) or {}).items():
            # Of several keys that verify something, such as the chain and the name, one is enough to let anybody in.
            if name not in known or (name == "validate_certs" and found is False):
                known[name] = found
    if "timeout_always" in known:
        known["timeout"] = known.pop("timeout_always")
    local, domain = known.pop("sender_local", None), known.pop("sender_domain", None)
    if local and domain:
        known.setdefault("sender", f"{local}@{domain}")
    return known


def _of_key(form: Form, patterns: Iterable[t.Any], value: Value) -> dict[str, Scalar] | None:
    if load_format(form.format).typed and not form.texts and not form.lenient:
        # A quoted number is no number to such an app.
        for pattern in patterns:
            found = pattern.read(value, form.booleans)
            first = pattern.parts[0]
            whole = len(pattern.parts) == 1 and first.kind in ("port", "number", "boolean") and first.codec != "text"
            if found is not None and not (whole and isinstance(value, str)):
                return t.cast("dict[str, Scalar]", found)
        return None
    # PHP and Ruby people write 0 and 1 for false and true.
    also: list[Value] = [bool(value)] if form.lenient and value in (0, 1) and not isinstance(value, bool) else []
    if form.lenient and isinstance(value, (int, float)) and not isinstance(value, bool):
        also.append(str(value))
    for one in (value, *also):
        for pattern in patterns:
            found = pattern.read(one, form.booleans)
            if found is not None:
                return t.cast("dict[str, Scalar]", found)
    return None


def interpret(
    descriptor: Descriptor, form: Form, values: Mapping[KeyPath, Value], environment: Mapping[str, str] | None = None
) -> Reading:
    """Read the keys of one form as the app does. ``environment`` are variables of the app's process, where they are
    known.
    """
    # A key without a value is one that such an app does not know, either.
    named = dict(values) if form.refuses_unknown else None
    values = {path: value for path, value in values.items() if value is not None and not _is_null(form, value)}
    values = {path: _templated(form, path, value) for path, value in values.items()}
    parents = parents_of(form, values)
    found = bool(parents) or any(key.path in values for key in form.keys if key.patterns or key.is_old)
    # A part of an app that says nothing of its mode means what the app does by default.
    if not found and not (descriptor.part_of and descriptor.words):
        return Reading(False, findings=unknown_findings(descriptor, form, named or values))
    further = several_findings(descriptor, form, values)
    values = {path: _first_relay(form, path, value) for path, value in values.items()}
    unused = _unused(descriptor, form, values)
    # A URL of another transport is no wrong one, and names no relay.
    used = {path: value for path, value in values.items() if not _is_unused(form, path, value)}
    if len(used) < len(values) and not any(key.path in used for key in form.keys if key.patterns):
        return Reading(True, findings=[*unused, *further, *unknown_findings(descriptor, form, named or values)])
    values = used
    findings = [
        *_wrong(descriptor, form, values),
        *unused,
        *further,
        *unknown_findings(descriptor, form, named or values),
    ]
    findings += [_from_elsewhere(".".join(path), value) for path, value in parents.items()]
    known = read_settings(descriptor, form, values)
    findings += _overridden(descriptor, form, known, environment or {})
    port = known.get("port")
    words, word_findings = _words(descriptor, form, known, port if isinstance(port, int) else None)
    findings += word_findings
    elsewhere = any(not descriptor.holds(form, word) for mode in descriptor.security.values() for word in mode.words)
    if elsewhere or (descriptor.part_of and not descriptor.words):
        words = {}
    unclear = _unclear(descriptor, form, values, known)
    words = {name: word for name, word in words.items() if name not in unclear}
    hidden = bool(unclear & _deciding(descriptor))
    mode, port = _mode_and_port(descriptor, form, known, words, unclear, hidden)
    settings = _settings(descriptor, form, values, known, words, mode, port)
    findings += _blanks(descriptor, form, values) + _other_booleans(descriptor, form, values)
    login = bool(known.get("username")) or "username" in unclear
    state = {**words, **settings, "security": mode, "login": login, **dict.fromkeys(unclear, "?")}
    if words or not (elsewhere or descriptor.part_of):
        findings += _mode_findings(descriptor, form, values, settings, mode, login, hidden)
        findings += _login_unused(descriptor, form, words) if login else []
    findings += part_findings(descriptor)
    findings += _with_its_file(descriptor, form, values)
    caught = traps_of(descriptor, form, state, values)
    traps = trap_findings(caught)
    findings += _no_host(descriptor, form, known, caught)
    if any(one["code"] == "certificate_not_verified" for one in traps):
        settings["validate_certs"] = False
    findings += traps
    findings += [limit.finding() for name, limit in descriptor.missing.items() if name not in {*settings, *unclear}]
    password = str(known.get("password") or "")
    return Reading(found, settings, mode, bool(password) or _password_elsewhere(form, values), findings, password)


def _settings(
    descriptor: Descriptor,
    form: Form,
    values: Mapping[KeyPath, Value],
    known: Mapping[str, Scalar],
    words: Mapping[str, Scalar],
    mode: str | None,
    port: Scalar,
) -> dict[str, t.Any]:
    """What is known, as our model."""
    settings: dict[str, t.Any] = {name: known[name] for name in _SHOWN if known.get(name) not in (None, "")}
    if "host" in settings:
        # A whole URL there is a mistake that is told, and its login is not.
        settings["host"] = without_login(str(settings["host"]))
    if port is not None:
        settings["port"] = port
    _follow(descriptor, words, settings)
    if node_verifies_nothing(descriptor, form, values):
        settings["validate_certs"] = False
    if mode is not None:
        settings.update(security=mode, secure=mode == "implicit_tls")
    return settings


def _unclear(
    descriptor: Descriptor, form: Form, values: Mapping[KeyPath, Value], known: Mapping[str, Scalar]
) -> set[str]:
    """The names whose value is not known here, as a variable holds it, and those that follow from them. Nothing follows
    from the app's defaults then.
    """
    parents = parents_of(form, values)
    names = {
        name
        for key in form.keys
        if is_variable(values.get(key.path)) or any(key.path[: len(path)] == path for path in parents)
        for name in key.read_names
        if known.get(name) is None
    }
    if names & {"sender_local", "sender_domain"} and known.get("sender") is None:
        names.add("sender")
    for name, word in descriptor.words.items():
        if isinstance(word.follows, tuple) and name in names:
            names |= set(word.follows)
        if "port" in names and isinstance(word.default, Mapping) and known.get(name) in (None, ""):
            names.add(name)
    return names


def _deciding(descriptor: Descriptor) -> set[str]:
    """The names that decide in which mode the app is."""
    names = {word for mode in descriptor.security.values() for word in (*mode.words, *mode.unverified)}
    names |= {name for when, _mode in descriptor.reads for name in when}
    by_port = descriptor.port_decides or any(mode.ports for mode in descriptor.security.values())
    return names | {"port"} if by_port else names


def _mode_and_port(
    descriptor: Descriptor,
    form: Form,
    known: Mapping[str, Scalar],
    words: Mapping[str, Scalar],
    unclear: set[str],
    hidden: bool,
) -> tuple[str | None, Scalar]:
    """The mode that the app is really in, and its port; None where it is in none, or where that is not known."""
    port = known.get("port")
    mode = None
    if not hidden and words:
        mode = mode_of(descriptor, port if isinstance(port, int) else None, words)
    if port is None and "port" not in unclear:
        port = _default_port(descriptor, form, mode, words)
        if not hidden and (words or not descriptor.part_of):
            mode = mode_of(descriptor, port, words) or mode
    return mode, port


# What is put into a file before the app reads it, or by the app while it does: {{ secret "x" }}, ${HOST}, and a name alone.
_FILLED_IN = re.compile(r"\{\{.*\}\}|(?<![\^$])\$\{[A-Za-z_]\w*(?::?[-+?=][^}]*)?\}|\A\$[A-Z_][A-Z0-9_]*\Z", re.DOTALL)
_BRACES = re.compile(r"\{\{.*\}\}", re.DOTALL)
# Formats whose own readers say here what a variable is; and where a dollar sign is nothing of the kind.
_OWN_VARIABLES = ("dotenv", "properties", "php", "ruby", "python", "postfix", "line")


def _templated(form: Form, path: KeyPath, value: Value) -> Value:
    """A value that something fills in (``{{ secret "x" }}``, ``${HOST}``) is not known here. A password may look so."""
    filled = _BRACES if form.format in _OWN_VARIABLES else _FILLED_IN
    if not isinstance(value, str) or not filled.search(value):
        return value
    password = any("password" in key.names for key in form.keys if key.path == path)
    return value if password else Opaque("variable", value)


def _is_null(form: Form, value: Value) -> bool:
    return isinstance(value, str) and value.lower() in form.nulls


def _values_at_once(value: object, words: Iterable[str]) -> list[str]:
    """The values in ``failover(first second)``, those of one inside another, too; empty where it is a single one."""
    found = re.fullmatch(rf"\s*(?:{'|'.join(map(re.escape, words))})\((.*)\)\s*(?:\?[^()]*)?", str(value), re.DOTALL)
    if found is None:
        return []
    depth, pieces = 0, [""]
    for char in found.group(1):
        depth += {"(": 1, ")": -1}.get(char, 0)
        if char.isspace() and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += char
    return [one for piece in pieces if piece for one in (_values_at_once(piece, words) or [piece])]


def _first_relay(form: Form, path: KeyPath, value: Value) -> Value:
    """The first of several values at once that is one of a relay."""
    key = next((one for one in form.keys if one.path == path and one.several), None)
    if key is None or not isinstance(value, str):
        return value
    listed = _values_at_once(value, key.several)
    relays = [one for one in listed if _of_key(form, key.patterns, one) is not None]
    return next(iter((*relays, *listed)), value)


def several_findings(
    descriptor: Descriptor, form: Form, values: Mapping[KeyPath, Value], *, written: bool = False
) -> list[Finding]:
    """That a key holds several relays of which one is read, or that one was written in their place."""
    findings = []
    for key in form.keys:
        value = values.get(key.path)
        listed = _values_at_once(value, key.several) if key.several and isinstance(value, str) else []
        if not listed:
            continue
        first = str(_first_relay(form, key.path, value))
        shown = [re.sub(r"\?.*", "", without_login(one), flags=re.DOTALL) for one in listed if one != first]
        held, word = f"{key.text} of {descriptor.name}", str(value).strip().partition("(")[0]
        message = (
            f"{held} names {len(listed)} transports at once ({word}); this is the first relay, and not looked at are"
        )
        if written:
            message = f"{held} named {len(listed)} transports at once ({word}); the one relay took the place of"
        findings.append(
            {
                "severity": "warning" if written else "info",
                "code": "several_relays",
                "message": f"{message} {', '.join(shown) or 'the same ones again'}.",
                "remedy": "Write the others into it again by hand." if written else "Look at the others by themselves.",
            }
        )
    return findings


def password_keys_elsewhere(form: Form, values: Mapping[KeyPath, Value]) -> list[KeyPath]:
    """The keys there with which the app gets its password from another place: a file or a command."""
    paths = [
        (*key.path[:-1], key.path[-1] + end)
        for key in form.keys
        if "password" in key.names
        for end in ("_FILE", "__FILE", "_file", "_path")
    ]
    paths += [(*form.section, *name.split(".")) for name in form.password_elsewhere]
    return [path for path in dict.fromkeys(paths) if values.get(path) not in (None, "") and path not in form.managed]


def _password_elsewhere(form: Form, values: Mapping[KeyPath, Value]) -> bool:
    """Whether there is a password that is not known here."""
    opaque = any("password" in key.names and isinstance(values.get(key.path), Opaque) for key in form.keys)
    return opaque or bool(password_keys_elsewhere(form, values))


def node_verifies_nothing(descriptor: Descriptor, form: Form, values: Mapping[KeyPath, Value]) -> bool:
    """Whether Node's own variable beside the settings switches off every verification; an app of no known runtime may be Node's."""
    return form.kind == "environment" and descriptor.runtime in ("node", "") and values.get(NODE_VERIFIES) == "0"


def traps_of(
    descriptor: Descriptor, form: Form, state: Mapping[str, t.Any], values: Mapping[KeyPath, Value]
) -> list[Trap]:
    """The traps that these settings and keys have walked into. ``state`` is what their conditions look at."""
    texts: dict[str, str] = {}
    for path, value in values.items():
        if path[: len(form.section)] == form.section:
            shown = value.text or "?" if isinstance(value, Opaque) else "" if value is None else str(value)
            texts[".".join(path[len(form.section) :])] = shown
    return [
        trap
        for trap in descriptor.traps
        if all(
            key not in texts if text is None else fnmatch.fnmatchcase(texts.get(key, ""), text)
            for key, text in trap.holds.items()
        )
        and holds(trap.when, state)
    ]


def trap_findings(traps: Sequence[Trap]) -> list[Finding]:
    """What is told of them, each once."""
    findings: list[Finding] = []
    for trap in traps:
        if (finding := trap.limit.finding()) not in findings:
            findings.append(finding)
    return findings


def part_findings(descriptor: Descriptor) -> list[Finding]:
    """What of an app's settings stands in other files."""
    return [
        {
            "severity": "info",
            "code": "more_files",
            "message": f"{descriptor.name} has another part of its mail settings in {path}.",
            "remedy": f"Name it, too: app: {app}, path: {path}.",
        }
        for app, path in descriptor.parts.items()
    ]


def _default_port(descriptor: Descriptor, form: Form, mode: str | None, words: Mapping[str, Scalar]) -> int | None:
    """The port that the app takes when none is there; ``word=value`` in place of a mode says on which word it depends."""
    default = form.default_port if form.default_port is not None else descriptor.default_port
    if not isinstance(default, Mapping):
        return default
    for key, port in default.items():
        name, mark, value = str(key).partition("=")
        if mark and str(words.get(name)) == value:
            return port
    return default.get(mode, default.get("otherwise"))


def _words(
    descriptor: Descriptor, form: Form, known: Mapping[str, Scalar], port: int | None
) -> tuple[dict[str, Scalar], list[Finding]]:
    words: dict[str, Scalar] = {}
    findings = []
    known = dict(known)
    for name, word in descriptor.words.items():
        if isinstance(word.follows, tuple) and known.get(name) is not None:
            told = base_words(word, known[name])
            for other, text in told.items():
                if text:
                    known.setdefault(other, text)
            if not told:
                findings.append(_unknown_word(descriptor, form, word, known[name]))
    for name, word in descriptor.words.items():
        if isinstance(word.follows, tuple):
            continue
        value = known.get(name)
        if value is not None and word.open:
            words[name] = value
            continue
        if value is None or (value == "" and "" not in word.values.values()):
            words[name] = word.default_for(port)
            continue
        same = [one for one in word.values.values() if _same_word(word, str(one), str(value))]
        if same:
            words[name] = same[0]
            continue
        words[name] = word.unknown
        findings.append(_unknown_word(descriptor, form, word, value))
    return words, findings


def _same_word(word: Word, one: str, other: str) -> bool:
    return one == other or (not word.exact_case and one.lower() == other.lower())


def _unknown_word(descriptor: Descriptor, form: Form, word: Word, value: Scalar) -> Finding:
    able = ", ".join(dict.fromkeys(f"'{one}'" for one in word.values.values()))
    key = next((one.text for one in form.keys if word.name in one.read_names), word.name.replace("_", " "))
    means = f" and takes it for '{word.unknown}'" if word.unknown is not None else ""
    return {
        "severity": "error" if word.unknown is None else "warning",
        "code": "unknown_value",
        "message": f"{descriptor.name} does not know '{str(value)[:40]}' for {key}{means}.",
        "remedy": f"Write one of {able}.",
    }


def _follow(descriptor: Descriptor, words: Mapping[str, Scalar], settings: dict[str, t.Any]) -> None:
    """Our settings that the app says with words of its own."""
    for name, word in descriptor.words.items():
        reverse = {value: source for source, value in word.values.items()}
        source = reverse.get(words.get(name))
        if word.follows == "validate_certs" and isinstance(source, bool):
            settings["validate_certs"] = source and settings.get("validate_certs") is not False
        elif word.follows == "auth_mechanism" and source not in (None, "none", "any"):
            settings.setdefault("auth_mechanism", source)
    for mode in descriptor.security.values():
        if mode.unverified and mode.means == settings.get("security", mode.means):
            if all(words.get(word) == value for word, value in {**mode.words, **mode.unverified}.items()):
                settings["validate_certs"] = False


def _mode_findings(
    descriptor: Descriptor,
    form: Form,
    values: Mapping[KeyPath, Value],
    settings: Mapping[str, t.Any],
    mode: str | None,
    login: bool,
    hidden: bool,
) -> list[Finding]:
    findings = []
    port = settings.get("port")
    exposed = "mail and password" if login else "mails"
    if mode is None and not hidden:
        findings.append(_contradiction(descriptor, form, values, settings))
    elif mode is not None and isinstance(port, int) and convention_clash(port, mode):
        sentence = clash_sentence(port, mode)
        message, _mark, remedy = sentence.partition("; ")
        findings.append(
            {
                "severity": "error",
                "code": "mode_mismatch",
                "message": f"{descriptor.name}: {message}.",
                "remedy": remedy[:1].upper() + remedy[1:],
            }
        )
    if mode == "opportunistic":
        findings.append(
            {
                "severity": "warning",
                "code": "downgrade_possible",
                "message": f"{descriptor.name} goes on in cleartext where the relay, or someone on the way, does not"
                f" offer STARTTLS: {exposed} can be read then.",
                "remedy": _without_downgrade(descriptor),
            }
        )
    elif mode == "cleartext":
        findings.append(
            {
                "severity": "warning",
                "code": "cleartext",
                "message": f"{descriptor.name} sends {exposed} in cleartext.",
                "remedy": "Use port 465 with secure: true, or port 587 with security: starttls.",
            }
        )
    if settings.get("validate_certs") is False and mode != "cleartext":
        findings.append(
            {
                "severity": "warning",
                "code": "certificate_not_verified",
                "message": f"{descriptor.name} does not verify the relay's certificate, so anybody on the way can be"
                " the relay.",
                "remedy": "Set validate_certs: true, and give the app the relay's CA where it is a private one.",
            }
        )
    return findings


def _without_downgrade(descriptor: Descriptor) -> str:
    mode = descriptor.security["starttls"]
    insist = (
        "Have it insist on STARTTLS (security: starttls), or use"
        if mode.means == "starttls" and mode.can != "no"
        else "Use"
    )
    return f"{insist} port 465 with secure: true if the relay has it; nothing on the way can take TLS away there."


def _contradiction(
    descriptor: Descriptor, form: Form, values: Mapping[KeyPath, Value], settings: Mapping[str, t.Any]
) -> Finding:
    """Words that are no mode of the app together. What they are is shown where a key holds nothing but such a word."""
    words = {name for mode in descriptor.security.values() for name in mode.words}
    held = []
    for key in form.keys:
        value = values.get(key.path)
        if key.names & words and value is not None and not isinstance(value, Opaque):
            said = f" ({str(value).lower() if isinstance(value, bool) else value!s:.40})" if key.names <= words else ""
            held.append(f"{key.text}{said}")
    modes = ("starttls", "implicit_tls") if settings.get("port") != 465 else ("implicit_tls", "starttls")
    spelt = [(mode, mode_spelled(descriptor, form, settings, mode)) for mode in modes]
    advice = [f"{text} for {_PLAIN[mode]}" for mode, text in spelt if text]
    about = f": {' and '.join(held)}" if held else ""
    return {
        "severity": "error",
        "code": "invalid_settings",
        "message": f"{descriptor.name}'s mail settings contradict each other, so that they are no mode that it has{about}.",
        "remedy": f"Write {', or '.join(advice)}; app_mail_config does."
        if advice
        else "Write them anew with app_mail_config; docs/apps-table.md says what each mode is for this app.",
    }


_PLAIN = {"starttls": "STARTTLS (port 587)", "implicit_tls": "TLS from the first byte (port 465)"}


def _login_unused(descriptor: Descriptor, form: Form, words: Mapping[str, Scalar]) -> list[Finding]:
    """A word that keeps the app from using the login that it has."""
    findings = []
    for name, word in descriptor.words.items():
        key = next((one.text for one in form.keys if name in one.names), None)
        meant = {source for source, value in word.values.items() if value == words.get(name)}
        off = {"login": {False}, "auth_mechanism": {"none"}}.get(str(word.follows))
        if key is None or word.default is None or meant != off:
            continue
        findings.append(
            {
                "severity": "warning",
                "code": "login_unused",
                "message": f"{descriptor.name} has a user name and does not log in with it, because {key} is"
                f" '{str(words[name]).lower()}' or not there.",
                "remedy": f"Write {key}, or take the user name out.",
            }
        )
    return findings


def _wrong(descriptor: Descriptor, form: Form, values: Mapping[KeyPath, Value]) -> list[Finding]:
    """Keys of ours whose value the app cannot take: another type or shape, a variable that is not resolved here."""
    findings = []
    for key in form.keys:
        value = values.get(key.path)
        if (
            not key.patterns
            or value is None
            or value == ""
            or (_of_key(form, (*key.patterns, *key.also_read), value) is not None and not isinstance(value, Opaque))
        ):
            continue
        if isinstance(value, Opaque) and value.kind == "encrypted":
            continue
        if isinstance(value, Opaque) and value.kind == "variable":
            findings.append(_from_elsewhere(key.text, value))
            continue
        findings.append(
            {
                "severity": "error",
                "code": "wrong_type",
                "message": f"{key.text} holds {_shape(value)} where {descriptor.name} wants"
                f" {_wanted(descriptor, form, key)}.",
                "remedy": "Write it anew; app_mail_config does." + _percent_codes(key, value),
            }
        )
    return findings


def _percent_codes(key: Key, value: Value) -> str:
    """What a URL cannot hold as it is: behind such a sign the rest is something else to whoever reads it."""
    in_url = any(one.codec == "url" for pattern in key.patterns for one in pattern.fields)
    if not in_url or not isinstance(value, str) or "://" not in value:
        return ""
    return " In user and password, signs that mean something in a URL stand in percent codes: / as %2F, # as %23, ? as %3F."


def _from_elsewhere(name: str, value: Opaque) -> Finding:
    return {
        "severity": "info",
        "code": "variable",
        "message": f"{name} takes its value from {_origin(value.text)}.",
        "remedy": "Read the place that the variable comes from, too.",
    }


def _origin(code: str) -> str:
    """Where a value comes from, by the variables that it names; what they are when they are not there is not said, as it
    may be a password.
    """
    names = list(dict.fromkeys(name for found in _VARIABLES.findall(code) for name in found if name))
    if not names:
        return "a variable, which is not known here"
    many = len(names) > 1
    return f"the variable{'s' if many else ''} {' and '.join(names)}, which {'are' if many else 'is'} not known here"


def _blanks(descriptor: Descriptor, form: Form, values: Mapping[KeyPath, Value]) -> list[Finding]:
    """Blanks around the name of a relay: no server has such a name, and not every app takes them away."""
    return [
        {
            "severity": "warning",
            "code": "blanks_in_value",
            "message": f"{key.text} begins or ends with a blank, which {descriptor.name} may take for a part of the relay's name.",
            "remedy": "Write it without, and with quotes only where the file has them.",
        }
        for key in form.keys
        for value in [values.get(key.path)]
        if "host" in key.names and isinstance(value, str) and value != value.strip()
    ]


def _no_host(descriptor: Descriptor, form: Form, known: Mapping[str, Scalar], caught: Sequence[Trap]) -> list[Finding]:
    """A port or a scheme in the place of the relay's name alone. PHPMailer alone takes them apart."""
    host = known.get("host")
    relays = {key.text for key in form.keys if "host" in key.read_names}
    # What the app makes of its relay's spelling, its own trap says better.
    if any(relays & {".".join((*form.section, name)) for name in trap.holds} for trap in caught):
        return []
    if form.host_with_port or not isinstance(host, str) or not _NO_HOST.search(host):
        return []
    # PHP takes ssl:// in front of a name for TLS.
    if descriptor.runtime == "php" and "://" in host:
        return []
    found = next((one for one in form.keys if "host" in one.read_names), None)
    key = found.text if found else "host"
    remedy = f"Leave the name alone in {key}; the port and the mode have keys of their own."
    if found and found.patterns and len(found.patterns[0].parts) > 1:
        remedy = f"Write it as in {example(descriptor, form, found.path)}."
    return [
        {
            "severity": "error",
            "code": "host_not_a_name",
            "message": f"{key} says {_shown(host)} where {descriptor.name} wants a name or an address, so it finds no server.",
            "remedy": remedy,
        }
    ]


def _other_booleans(descriptor: Descriptor, form: Form, values: Mapping[KeyPath, Value]) -> list[Finding]:
    """Texts that are neither true nor false to the app, and that it takes for one of them all the same."""
    means, findings = form.booleans.otherwise, []
    for key in form.keys if means is not None else ():
        value, part = values.get(key.path), key.patterns[0].parts[0] if key.patterns else ""
        if isinstance(part, str) or part.kind != "boolean" or len(key.patterns[0].parts) > 1:
            continue
        if not isinstance(value, str) or not value or form.booleans.named(value) is not None:
            continue
        findings.append(
            {
                "severity": "warning",
                "code": "unknown_value",
                "message": f"{descriptor.name} does not know the {key.text} '{value[:40]}' and takes it for {str(means).lower()}.",
                "remedy": f"Write {form.booleans.write(True)} or {form.booleans.write(False)}.",
            }
        )
    return findings


def _shape(value: Value) -> str:
    if isinstance(value, Opaque):
        return {"list": "a list", "mapping": "a mapping"}.get(value.kind, "a value that not every reader takes alike")
    return "true or false" if isinstance(value, bool) else "a number" if isinstance(value, (int, float)) else "a text"


def _wanted(descriptor: Descriptor, form: Form, key: Key) -> str:
    pattern = key.patterns[0]
    if len(pattern.parts) == 1 and not isinstance(pattern.parts[0], str):
        kind = pattern.parts[0].kind
        return {
            "port": "a number from 1 to 65535",
            "number": "a number",
            "boolean": "true or false",
            "address": "a mail address",
        }.get(kind, "a text")
    shown = example(descriptor, form, key.path)
    return f"one such as {shown}" if shown else f"'{pattern.source}'"


def _unused(descriptor: Descriptor, form: Form, values: Mapping[KeyPath, Value]) -> list[Finding]:
    """Keys that say that the app does not mail with these settings: it is switched off, or mails another way."""
    findings = []
    relay = any("host" in key.read_names and values.get(key.path) for key in form.keys)
    for path, switch in form.switches.items():
        value = values.get(path)
        # Variables beside a file that has the rest: what is not there stands in that file.
        if isinstance(value, Opaque) or (value is None and not relay and form.kind == "environment"):
            continue
        word = None if value is None else _word_of(value, form)
        used = not switch.used or word in [None if one is None else _word_of(one, form) for one in switch.used]
        key = ".".join(path)
        if _fits(word, switch.elsewhere):
            findings.append(_mails_elsewhere(descriptor, key, value))
            continue
        if used and not _fits(word, switch.unused):
            continue
        is_there = f"{key} is {_shown(value)}" if value is not None else f"{key} is not there"
        findings.append(
            {
                "severity": "error",
                "code": "settings_unused",
                "message": f"{descriptor.name} does not mail with these settings, because {is_there}.",
                "remedy": _used_again(descriptor, form, path, switch),
            }
        )
    return findings


def _used_again(descriptor: Descriptor, form: Form, path: KeyPath, switch: Switch) -> str:
    """What to write for the app to mail with its settings."""
    key = ".".join(path)
    for one in switch.used:
        if one is not None:
            return f"Write {str(one).lower()} for {key}."
    shown = example(descriptor, form, path)
    return f"Write the relay into {key}, such as {shown}." if shown else f"Take it out: {key}."


def _mails_elsewhere(descriptor: Descriptor, key: str, value: Value) -> Finding:
    return {
        "severity": "info",
        "code": "settings_unused",
        "message": f"{descriptor.name} mails another way, as {key} is {_shown(value)}, and not with these settings.",
        "remedy": "Nothing needs to be done if that is meant; that way is not looked at here.",
    }


def _is_unused(form: Form, path: KeyPath, value: Value) -> bool:
    """Whether a key of ours holds what says that the app mails another way."""
    switch = form.switches.get(path)
    other = (*switch.unused, *switch.elsewhere) if switch is not None else ()
    return path in form.managed and _fits(_word_of(value, form), other)


def _fits(word: str | None, patterns: Iterable[Scalar]) -> bool:
    return any(fnmatch.fnmatchcase(word or "", str(one).lower()) for one in patterns)


def _word_of(value: t.Any, form: Form) -> str:
    """A value of a switch as one word: all words for true are the same one."""
    text = str(value).lower()
    return "true" if text in [one.lower() for one in form.booleans.true] else text


def _shown(value: Value) -> str:
    """A value of a switch; a URL may have a login, or a key, in front of its host."""
    return "no single value" if isinstance(value, Opaque) else repr(re.sub(r"://.*", "://...", str(value))[:60])


def _overridden(
    descriptor: Descriptor, form: Form, known: dict[str, Scalar], environment: Mapping[str, str]
) -> list[Finding]:
    """Variables that win over the file; ``known`` then holds what they say."""
    findings = []
    for variable, setting in form.overrides.items():
        if variable not in environment:
            continue
        value = environment[variable]
        empty = value == ""
        if empty and form.ignores_empty:
            continue
        if not variable.endswith("_FILE"):
            says = _of_variable(descriptor, variable, setting, value)
            if value and all(known.get(name) == one for name, one in says.items()):
                continue
            known.update(says)
        elif form.with_file == "stops" and known.get(setting):
            findings.append(_both_set(descriptor, f"{setting} of the file", variable))
            continue
        findings.append(
            {
                "severity": "error" if empty else "warning",
                "code": "overridden",
                "message": f"The variable {variable} wins over {setting} of the file"
                + (", and it is empty." if empty else "."),
                "remedy": f"Take {variable} out of the environment of {descriptor.name}, or set it there only.",
            }
        )
    return findings + _given_twice(descriptor, form, environment)


def _given_twice(descriptor: Descriptor, form: Form, environment: Mapping[str, str]) -> list[Finding]:
    """A variable beside the one that names a file with the same value."""
    return [
        _both_set(descriptor, name, f"{name}_FILE")
        for name in form.overrides
        if f"{name}_FILE" in form.overrides and environment.get(name) and environment.get(f"{name}_FILE")
    ]


def _with_its_file(descriptor: Descriptor, form: Form, values: Mapping[KeyPath, Value]) -> list[Finding]:
    """A variable beside the one that names a file with the same value, in one environment."""
    findings: list[Finding] = []
    for path in form.managed if form.with_file else ():
        name = path[-1]
        other = next((f"{name}{end}" for end in ("_FILE", "__FILE") if values.get((*path[:-1], name + end))), "")
        if not other or values.get(path) in (None, ""):
            continue
        finding = _both_set(descriptor, name, other)
        if form.with_file == "file":
            finding["severity"], finding["code"] = "warning", "overridden"
            finding["message"] = f"{other} wins over {name} in the same environment: its file holds the value."
        findings.append(finding)
    return findings


def _both_set(descriptor: Descriptor, one: str, other: str) -> Finding:
    return {
        "severity": "error",
        "code": "invalid_settings",
        "message": f"{one} and {other} are both set, and {descriptor.name} does not start then.",
        "remedy": f"Take out {one} or {other}, whichever is not meant.",
    }


def _of_variable(descriptor: Descriptor, variable: str, setting: str, value: str) -> dict[str, Scalar]:
    """What a variable says: by the pattern that the app has for it, which may hold several settings, else as it is."""
    form = descriptor.forms.get("environment")
    if form is not None and value:
        for key in form.keys:
            if key.path == (variable,) and (found := _of_key(form, key.patterns, value)) is not None:
                return found
    if setting == "port":
        return {"port": int(value) if value.isdecimal() else None}
    return {setting: value}
