# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The app's old text and the settings give the new text and all that is told about it: a pure function."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import Place, load_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import FormatError, KeyPath, Opaque, Value
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.model import AppError, Descriptor, Form, Limit, Trap
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.pattern import Scalar
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.reading import (
    NODE_VERIFIES,
    interpret,
    node_verifies_nothing,
    part_findings,
    password_keys_elsewhere,
    several_findings,
    trap_findings,
    traps_of,
    with_entries,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.render import Rendered, render
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.unknown import around_findings, unknown_findings
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import SECURITY_MODES, Settings

__all__ = ("Plan", "check_present", "mask", "plan_absent", "plan_present")

_MASK = "********"
# What a descriptor says nothing about is reported when it was given: keys that steer what the app does on the wire.
_REPORTED = (
    "sender",
    "ca_path",
    "server_name",
    "auth_mechanism",
    "sender_name",
    "helo_name",
    "timeout",
    "source_address",
    "ip_version",
)


@dataclass(frozen=True)
class Plan:
    """``content`` is the file's new bytes, ``security`` the mode that the app is in with them, ``settings`` what it
    reads from them.
    """

    content: bytes
    changed: bool
    security: str | None
    findings: list[dict[str, str]]
    settings: dict[str, t.Any]
    before: str
    after: str


def check_present(
    descriptor: Descriptor,
    settings: Settings,
    given: Mapping[str, t.Any],
    place: Place,
    *,
    exact_security: bool = False,
    offered: Collection[str] | None = None,
) -> None:
    """Whether the app can be told these settings at all, before its text is known. Raises AppError."""
    if place.form.inside:
        raise AppError(f"{place.form.inside} is read here and not changed: {place.form.note}")
    render(descriptor, place.form, settings, offered)
    _security_findings(descriptor, settings, exact_security)
    _limit_findings(descriptor, place.form, settings, given)


def plan_present(
    descriptor: Descriptor,
    settings: Settings,
    given: Mapping[str, t.Any],
    old: bytes | None,
    *,
    exact_security: bool = False,
    place: Place | None = None,
    offered: Collection[str] | None = None,
) -> Plan:
    """Put the settings into the text. ``given`` is what the user wrote, ``old`` is None when there is no file. Raises
    AppError.

    ``place`` says which form it is and what carries it (by default the app's own file). ``offered`` are the mechanisms
    of the relay.
    """
    place = place or load_place(descriptor)
    form = place.form
    rendered = render(
        descriptor, form, settings, offered, [name for name, value in given.items() if value not in (None, "")]
    )
    text = _decode(old)
    try:
        before = place.read(text)
    except FormatError as error:
        raise AppError(f"it cannot be edited: {error}.") from None
    findings = [
        *_security_findings(descriptor, settings, exact_security),
        *_limit_findings(descriptor, form, settings, given, before),
    ]
    try:
        # Most apps refuse to start with two passwords, and others take the one that is not ours.
        remove = [*rendered.remove, *password_keys_elsewhere(form, before)]
        new = place.edit(text, _with_foreign(form, rendered.values, before), remove)
        values = place.read(new)
    except FormatError as error:
        raise AppError(f"it cannot be edited: {error}.") from None
    findings += with_entries(descriptor, place, new, values)[1]
    read_back = _read_back(descriptor, form, values, settings.security)
    traps = traps_of(descriptor, form, _state(descriptor, form, settings, rendered), values)
    _refuse_traps(traps)
    findings += trap_findings(traps)
    findings += [limit.finding() for name, limit in descriptor.missing.items() if read_back.get(name) is None]
    findings += [*part_findings(descriptor), *_form_findings(descriptor, form, values), *place.parts(new)]
    findings += [*several_findings(descriptor, form, before, written=True), *around_findings(descriptor, place, new)]
    return Plan(
        content=new.encode("utf-8"),
        changed=old is None or new != text,
        security=descriptor.security[settings.security].means,
        findings=findings,
        settings=read_back,
        before=_shown(form, before, values, "the old password"),
        after=_shown(form, values, before, "the new password"),
    )


def _refuse_traps(traps: Sequence[Trap]) -> None:
    """Raises AppError where the app would not start with what is written and stands beside it."""
    for trap in traps:
        if trap.limit.refuse:
            raise AppError(f"{trap.limit.message} {trap.limit.remedy}")


def _form_findings(descriptor: Descriptor, form: Form, values: Mapping[KeyPath, Value]) -> list[dict[str, str]]:
    findings = []
    if form.apply:
        findings.append(
            {
                "severity": "info",
                "code": "not_read_by_itself",
                "message": f"{descriptor.name} does not read this file by itself.",
                "remedy": form.apply,
            }
        )
    if node_verifies_nothing(descriptor, form, values):
        name = NODE_VERIFIES[0]
        findings.append(
            {
                "severity": "warning",
                "code": "certificate_not_verified",
                "message": f"{name}=0 stands beside the settings, so {descriptor.name} verifies no certificate at all.",
                "remedy": f"Take {name} out, and name a private CA in NODE_EXTRA_CA_CERTS.",
            }
        )
    if form.refuses_unknown:
        findings += unknown_findings(descriptor, form, values)
    return findings


def _with_foreign(
    form: Form, wanted: Mapping[KeyPath, Scalar], before: Mapping[KeyPath, Value]
) -> dict[KeyPath, Scalar]:
    """What is written, with what stands there already and may stay: parameters of a URL, another word as good as ours. A key
    that is only changed where it is there is none where it is not.
    """
    values = dict(wanted)
    for key in form.keys:
        if key.if_there and key.path not in before:
            values.pop(key.path, None)
            continue
        old, new = before.get(key.path), values.get(key.path)
        if new is not None and not isinstance(old, Opaque) and (old in key.accept or (old and "*" in key.accept)):
            values[key.path] = old
        if isinstance(old, str) and isinstance(new, str) and key.patterns:
            foreign = key.patterns[0].foreign(old)
            if foreign:
                values[key.path] = new + ("&" if "?" in new else "?") + "&".join(foreign)
    return values


def plan_absent(descriptor: Descriptor, old: bytes | None, *, place: Place | None = None) -> Plan:
    """Take the app's mail settings out of the text. Raises AppError."""
    place = place or load_place(descriptor)
    text = _decode(old)
    try:
        before = place.read(text)
        new = place.edit(text, {}, [*place.form.managed, *password_keys_elsewhere(place.form, before)])
        values = place.read(new)
    except FormatError as error:
        raise AppError(f"it cannot be edited: {error}.") from None
    shown = _shown(place.form, before, values, "the old password"), _shown(place.form, values, before, "")
    return Plan(new.encode("utf-8"), new != text, None, [], {}, *shown)


def mask(words: str, *contents: bytes, place: Place | None = None) -> str:
    """A validator's output without the files' values and comments, as it may quote any line of them. Names of keys
    stay.
    """
    hidden: set[str] = set()
    keys: set[str] = set()
    for content in contents:
        text = _decode(content)
        more, names = place.words(text) if place is not None else Place.words_of("yaml", text)
        hidden |= more
        keys |= names
    for value in sorted((value.strip() for value in hidden - keys), key=len, reverse=True):
        if len(value) > 3:
            words = words.replace(value, _MASK)
    return words


def _decode(content: bytes | None) -> str:
    try:
        return (content or b"").decode("utf-8")
    except UnicodeDecodeError:
        raise AppError("it is not UTF-8 text.") from None


# What is told


def _state(descriptor: Descriptor, form: Form, settings: Settings, rendered: Rendered) -> dict[str, t.Any]:
    """What conditions of traps look at."""
    state: dict[str, t.Any] = {**rendered.words}
    if not form.names & {"timeout", "timeout_always"}:
        state["timeout"] = None
    elif "timeout_always" in form.names:
        state["timeout"] = settings.timeout
    return {**state, "asked": settings.security, "security": descriptor.security[settings.security].means}


def _security_findings(descriptor: Descriptor, settings: Settings, exact_security: bool) -> list[dict[str, str]]:
    mode, asked = descriptor.security[settings.security], settings.security
    note = f" {mode.note}" if mode.note else ""
    if mode.can == "no":
        able = [name for name in SECURITY_MODES if descriptor.security[name].can == "exact"]
        raise AppError(
            f"{descriptor.name} has no setting for security: {asked}; write security: {' or '.join(able)}, with the"
            f" port that goes with it.{note}"
        )
    decided = descriptor.port_decides.get(settings.port)
    if (decided is not None and decided != mode.means) or (mode.ports and settings.port not in mode.ports):
        means = decided or f"something else than {asked}"
        advice = f"port {' or '.join(str(port) for port in mode.ports)}" if mode.ports else "another port"
        raise AppError(
            f"{descriptor.name} takes port {settings.port} for {means}, whatever else it is told; write {advice} for"
            f" security: {asked}.{note}"
        )
    exposed = "mail and password" if settings.username is not None else "mails"
    if mode.can == "weaker":
        if exact_security:
            raise AppError(
                f"{descriptor.name} cannot require STARTTLS, and exact_security was asked for; write port: 465 with"
                " secure: true (security: implicit_tls),"
                f" or exact_security: false.{note}"
            )
        return [
            {
                "severity": "warning",
                "code": "downgrade_possible",
                "message": f"{descriptor.name} cannot require STARTTLS: where the relay, or someone on the way, does"
                " not offer it,"
                f" {exposed} go out in cleartext.{note}",
                "remedy": "Use port 465 with secure: true if the relay has it; nothing on the way can take TLS away"
                " there.",
            }
        ]
    if mode.can == "stronger":
        return [
            {
                "severity": "info",
                "code": "stronger_than_asked",
                "message": f"{descriptor.name} cannot be kept from STARTTLS: it is used wherever the relay offers"
                f" it.{note}",
                "remedy": "Nothing needs to be done unless the relay's certificate cannot be verified: then install"
                " its CA, or set validate_certs: false.",
            }
        ]
    if asked == "opportunistic":
        return [
            {
                "severity": "warning",
                "code": "downgrade_possible",
                "message": f"security: opportunistic lets {exposed} go out in cleartext where STARTTLS is not offered.",
                "remedy": "Use security: starttls if the app can require it, or port 465 with secure: true.",
            }
        ]
    return []


def _limit_findings(
    descriptor: Descriptor,
    form: Form,
    settings: Settings,
    given: Mapping[str, t.Any],
    before: Collection[KeyPath] | None = None,
) -> list[dict[str, str]]:
    findings: list[dict[str, str]] = []
    if descriptor.part_of:
        # The app whose part it is tells all of this once.
        return findings
    expressed = _expressed(descriptor, form, before)
    for name in (*_REPORTED, "validate_certs"):
        value = given.get(name)
        if (
            value is None
            or value == ""
            or name in expressed
            or (name == "validate_certs" and (settings.validate_certs or settings.security == "cleartext"))
        ):
            continue
        if name == "server_name" and settings.certificate_name == settings.host:
            continue
        limit = descriptor.limits.get(name) or _usual_limit(descriptor, name)
        finding = limit.finding(getattr(settings, name))
        if limit.refuse and (name != "server_name" or settings.validate_certs):
            raise AppError(f"{finding['message']} {finding['remedy']}")
        findings.append(finding)
    return findings


def _usual_limit(descriptor: Descriptor, name: str) -> Limit:
    """What is true of most apps that lack a key."""
    app = descriptor.name
    if name == "ca_path":
        trust = descriptor.trust or "the store of its runtime"
        return Limit(
            "ca_not_expressible",
            "warning",
            f"{app} has no key for a CA file, so {{value}} is not in its settings.",
            f"Put the CA where {app} looks for it: {trust}.",
        )
    if name == "server_name":
        return Limit(
            "not_expressible",
            "info",
            f"{app} checks the certificate against host and has no key for another name, so server_name {{value}}"
            " cannot be"
            " written.",
            "Write the name of the certificate as host, or leave out server_name.",
            refuse=True,
        )
    if name == "validate_certs":
        return Limit(
            "not_expressible",
            "warning",
            f"{app} has no setting that switches verification off, so the relay's certificate is verified.",
            f"Give {app} the relay's CA ({descriptor.trust or 'the store of its runtime'}), or leave out"
            " validate_certs.",
        )
    return Limit(
        "not_expressible",
        "info",
        f"{app} has no setting for {name}, so it is not written.",
        f"Leave out {name} for this app.",
    )


def _expressed(descriptor: Descriptor, form: Form, before: Collection[KeyPath] | None) -> set[str]:
    """The settings that this form holds, by themselves or in a word. ``before``: the keys that the text has already."""
    held = [key for key in form.keys if not key.if_there or before is None or key.path in before]
    names = {name for key in held for name in key.names}
    names |= {
        word.follows for name, word in descriptor.words.items() if name in names and isinstance(word.follows, str)
    }
    if "timeout_always" in names:
        names.add("timeout")
    if any(mode.unverified for mode in descriptor.security.values()):
        names.add("validate_certs")
    if {"sender_local", "sender_domain"} <= names:
        names.add("sender")
    return names


def _read_back(descriptor: Descriptor, form: Form, values: Mapping[KeyPath, Value], asked: str) -> dict[str, t.Any]:
    """What the app reads from the text, as our model, without the password. Of modes that look alike there, the one
    asked for.
    """
    settings = dict(interpret(descriptor, form, values).settings)
    settings["security"], settings["secure"] = asked, asked == "implicit_tls"
    return settings


def _shown(form: Form, values: Mapping[KeyPath, Value], others: Mapping[KeyPath, Value], password: str) -> str:
    """The app's keys for a diff: ours only, and of the password only that it is another one."""
    lines = []
    for key in form.keys:
        if key.path not in values:
            continue
        value, name = values[key.path], ".".join(key.path[len(form.section) :])
        if "password" in key.names:
            same = key.path in others and not isinstance(value, Opaque) and others[key.path] == value
            lines.append(f"{name}: {_MASK}" + ("" if same or not password else f" ({password})"))
        elif isinstance(value, Opaque):
            lines.append(f"{name}: {value.text if value.kind == 'unclear' else '(' + value.kind + ')'}")
        else:
            lines.append(f"{name}: {json.dumps(value, ensure_ascii=False)}")
    indent = "    " if form.section and lines else ""
    head = [".".join(form.section) + ":"] if indent else []
    return "".join(line + "\n" for line in [*head, *(indent + line for line in lines)])
