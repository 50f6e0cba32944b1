# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The app's old file and the settings give the new file and all that is told about it: a pure function."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import yaml_edit
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import AppError, Descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.render import render
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.yaml_tree import Node, YamlError, parse
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import SECURITY_MODES, Settings

__all__ = ("Plan", "mask", "plan_absent", "plan_present")

_MASK = "********"
# What a descriptor says nothing about is reported when it was given: keys that steer what the app does on the wire.
_REPORTED = ("sender", "ca_path", "server_name", "auth_mechanism", "sender_name", "helo_name", "timeout", "source_address", "ip_version")


@dataclass(frozen=True)
class Plan:
    """``content`` is the file's new bytes, ``security`` the mode that the app is in with them, ``settings`` what it reads from them."""

    content: bytes
    changed: bool
    security: str | None
    findings: list[dict[str, str]]
    settings: dict[str, t.Any]
    before: str
    after: str


def plan_present(descriptor: Descriptor, settings: Settings, given: Mapping[str, t.Any], old: bytes | None, *, exact_security: bool = False) -> Plan:
    """Put the settings into the file. ``given`` is what the user wrote, ``old`` is None when there is no file. Raises AppError."""
    findings = [*_security_findings(descriptor, settings, exact_security), *_limit_findings(descriptor, settings, given)]
    rendered = render(descriptor, settings)
    text = _decode(old)
    try:
        managed = [key for key in descriptor.managed if key in rendered.values or key not in descriptor.keep]
        new = yaml_edit.edit(text, descriptor.section, rendered.values, managed, rendered.text)
    except YamlError as error:
        raise AppError(f"it cannot be edited: {error}.") from None
    read_back = _read_back(descriptor, new, settings.security)
    findings += [limit.finding("") for name, limit in descriptor.missing.items() if read_back.get(name) is None]
    return Plan(
        content=new.encode("utf-8"),
        changed=old is None or new != text,
        security=descriptor.security[settings.security].means,
        findings=findings,
        settings=read_back,
        before=_shown(descriptor, text, new, "the old password"),
        after=_shown(descriptor, new, text, "the new password"),
    )


def plan_absent(descriptor: Descriptor, old: bytes | None) -> Plan:
    """Take the app's mail settings out of the file. Raises AppError."""
    text = _decode(old)
    try:
        new = yaml_edit.remove(text, descriptor.section, descriptor.managed)
    except YamlError as error:
        raise AppError(f"it cannot be edited: {error}.") from None
    shown = _shown(descriptor, text, new, "the old password"), _shown(descriptor, new, text, "")
    return Plan(new.encode("utf-8"), new != text, None, [], {}, *shown)


def mask(words: str, *contents: bytes) -> str:
    """A validator's output without the files' values and comments, as it may quote any line of them. Names of keys stay."""
    hidden: set[str] = set()
    keys: set[str] = set()
    for content in contents:
        text = _decode(content)
        hidden |= {line.strip() for line in text.splitlines()} | set(re.split(r"[\s\"':,={}\[\]]+", text))
        todo = [parse(text).root]
        while todo:
            node = todo.pop()
            if node is None:
                continue
            keys |= {key.value for key, _value in node.pairs}
            todo += [*node.entries, *(value for _key, value in node.pairs)]
            if node.kind == "scalar":
                hidden |= {node.value, text[node.start:node.end], *node.value.splitlines(), repr(node.value)[1:-1]}
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

def _security_findings(descriptor: Descriptor, settings: Settings, exact_security: bool) -> list[dict[str, str]]:
    mode, asked = descriptor.security[settings.security], settings.security
    note = f" {mode.note}" if mode.note else ""
    if mode.can == "no":
        able = [name for name in SECURITY_MODES if descriptor.security[name].can == "exact"]
        raise AppError(f"{descriptor.name} has no setting for security: {asked}; write security: {' or '.join(able)}, with the port that goes with it.{note}")
    exposed = "mail and password" if settings.username is not None else "mails"
    if mode.can == "weaker":
        if exact_security:
            raise AppError(
                f"{descriptor.name} cannot require STARTTLS, and exact_security was asked for; write port: 465 with secure: true (security: implicit_tls),"
                f" or exact_security: false.{note}"
            )
        return [{
            "severity": "warning",
            "code": "downgrade_possible",
            "message": f"{descriptor.name} cannot require STARTTLS: where the relay, or someone on the way, does not offer it,"
                       f" {exposed} go out in cleartext.{note}",
            "remedy": "Use port 465 with secure: true if the relay has it; nothing on the way can take TLS away there.",
        }]
    if mode.can == "stronger":
        return [{
            "severity": "info",
            "code": "stronger_than_asked",
            "message": f"{descriptor.name} cannot be kept from STARTTLS: it is used wherever the relay offers it.{note}",
            "remedy": "Nothing needs to be done unless the relay's certificate cannot be verified: then install its CA, or set validate_certs: false.",
        }]
    if asked == "opportunistic":
        return [{
            "severity": "warning",
            "code": "downgrade_possible",
            "message": f"security: opportunistic lets {exposed} go out in cleartext where STARTTLS is not offered.",
            "remedy": "Use security: starttls if the app can require it, or port 465 with secure: true.",
        }]
    return []


def _limit_findings(descriptor: Descriptor, settings: Settings, given: Mapping[str, t.Any]) -> list[dict[str, str]]:
    findings = []
    for name in _REPORTED:
        value = given.get(name)
        if value is None or value == "" or name in descriptor.keys:
            continue
        if name == "server_name" and settings.certificate_name == settings.host:
            continue
        limit = descriptor.limits.get(name)
        if limit is None:
            findings.append({
                "severity": "info",
                "code": "not_expressible",
                "message": f"{descriptor.name} has no setting for {name}, so it is not written.",
                "remedy": f"Leave out {name} for this app.",
            })
            continue
        finding = limit.finding(getattr(settings, name))
        if limit.refuse and (name != "server_name" or settings.validate_certs):
            raise AppError(f"{finding['message']} {finding['remedy']}")
        findings.append(finding)
    return findings


def _read_back(descriptor: Descriptor, text: str, asked: str) -> dict[str, t.Any]:
    """What the app reads from the file, as our model, without the password."""
    values = yaml_edit.read(text, descriptor.section) or {}
    settings: dict[str, t.Any] = {}
    for name, key in descriptor.keys.items():
        value = values.get(key)
        if name == "password" or value is None or isinstance(value, Node):
            continue
        settings[name] = not value if name in descriptor.inverted else value
    # The file may fit several modes (Pangolin's false is STARTTLS or cleartext); the one asked for counts when it is among them.
    fitting = [name for name, mode in descriptor.security.items() if mode.can != "no" and all(values.get(key) == value for key, value in mode.values.items())]
    if fitting:
        settings["security"] = asked if asked in fitting else fitting[0]
        settings["secure"] = settings["security"] == "implicit_tls"
    return settings


def _shown(descriptor: Descriptor, text: str, other: str, password: str) -> str:
    """The app's section for a diff: our keys only, and of the password only that it is another one."""
    values, others = (yaml_edit.read(one, descriptor.section) or {} for one in (text, other))
    secret = descriptor.keys.get("password")
    lines = []
    for key in descriptor.managed:
        if key not in values:
            continue
        value = values[key]
        if key == secret:
            same = key in others and not isinstance(value, Node) and others[key] == value
            lines.append(f"{key}: {_MASK}" + ("" if same or not password else f" ({password})"))
        elif isinstance(value, Node):
            found = value.resolved()
            lines.append(f"{key}: {found.value if found.kind == 'scalar' else '(' + found.kind + ')'}")
        else:
            lines.append(f"{key}: {yaml_edit.quote(value)}")
    indent = "    " if descriptor.section and lines else ""
    head = [".".join(descriptor.section) + ":"] if indent else []
    return "".join(line + "\n" for line in [*head, *(indent + line for line in lines)])
