# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys that an app does not know, in its section and around it: most apps ignore them, and some refuse their configuration."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import Place
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import KeyPath, Opaque, Value, load_format
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.model import Descriptor, Form

__all__ = ("around_findings", "is_variable", "misplaced_findings", "parents_of", "unknown_findings")

_LIKE_A_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,40}")
Finding = dict[str, str]


def unknown_findings(descriptor: Descriptor, form: Form, values: Mapping[KeyPath, Value]) -> list[Finding]:
    """Keys of the section that the app does not read: all others where the descriptor knows them all, else those that
    look like one of ours.
    """
    ours = {key.path for key in form.keys}
    known = {path[-1] for path in ours} | set(form.known_keys) | set(form.overrides)
    findings = _superseded(descriptor, form, values)
    told = set()
    flat = all(len(path) == len(form.section) + 1 for path in ours)
    parents = {path[:-1] for path in ours}
    above = parents_of(form, values)
    for path in values:
        if path[: len(form.section)] != form.section or path in ours or path in above:
            continue
        rest = path[len(form.section) :]
        closed = any(fnmatch.fnmatchcase(".".join(rest), one) for one in form.closed)
        if not closed and len(rest) > 1 and (flat or not form.section) and path[:-1] not in parents:
            # Another account of the same file, or something else of an app's one file for everything.
            continue
        if form.refuses_unknown and flat:
            # It refuses a command in every account of its file.
            rest = rest[-1:]
        if _is_known(form, rest) or (*form.section, *rest) in ours or ".".join(rest) in form.superseded:
            continue
        inside = [
            one
            for one in ours
            if one[: len(form.section) + 1] == path[: len(form.section) + 1] and len(one) > len(form.section) + 1
        ]
        name = ".".join(rest) if inside else rest[0]
        alike = sorted(
            one for one in known if one.partition(".")[0] == rest[-1].partition(".")[0] or "." not in rest[-1]
        )
        near = difflib.get_close_matches(rest[-1], alike, 1, 0.8 if closed else 0.88)
        if name in told or not (closed or near):
            continue
        told.add(name)
        findings.append(_unknown_key(descriptor, form, name, near))
    return findings


def _unknown_key(
    descriptor: Descriptor,
    form: Form,
    name: str,
    near: Sequence[str],
    place: KeyPath | None = None,
    known: Sequence[str] = (),
) -> Finding:
    # Where every word that begins a line is taken for a key, a login that has got there may be among them.
    shown = f"the key {'.'.join((*(form.section if place is None else place), name))}"
    if form.refuses_unknown and not _LIKE_A_KEY.fullmatch(name):
        shown = "a word that stands in the place of a key"
    advice = (
        f"Write {near[0]} if that is what is meant"
        if near
        else "Take it out, or move its values to the keys that the app reads"
    )
    does = (
        "refuses its configuration for it, so no mail goes out" if form.refuses_unknown else "ignores it without a word"
    )
    return {
        "severity": "error" if form.refuses_unknown else "warning",
        "code": "unknown_key",
        "message": f"{descriptor.name} does not know {shown} and {does}.",
        "remedy": f"{advice}: {', '.join(known or [key.text for key in form.keys])}.",
    }


def _is_known(form: Form, rest: KeyPath) -> bool:
    names = (rest[0], ".".join(rest))
    if any(one.startswith(f"{names[1]}.") for one in form.known_keys):
        return True
    if rest[0] in form.overrides or not {*names}.isdisjoint(form.password_elsewhere):
        return True
    return any(fnmatch.fnmatchcase(name, one) for one in form.known_keys for name in names)


def _superseded(descriptor: Descriptor, form: Form, values: Mapping[KeyPath, Value]) -> list[Finding]:
    """Keys that the app once had."""
    read = {".".join(key.path[len(form.section) :]) for key in form.keys if key.is_old}
    findings = []
    for old, new in form.superseded.items():
        if (*form.section, *old.split(".")) not in values and (*form.section, old) not in values:
            continue
        still = "still reads where the new one is not there." if old in read else "ignores or mixes with the new one."
        stops = form.refuses_unknown and old not in read
        findings.append(
            {
                "severity": "error" if stops else "warning",
                "code": "unknown_key",
                "message": f"{descriptor.name} takes {new} in place of the old {old}, which it "
                + ("refuses its configuration for, so no mail goes out." if stops else still),
                "remedy": f"Take {old} out and write {new}.",
            }
        )
    return findings


def around_findings(descriptor: Descriptor, place: Place, text: str) -> list[Finding]:
    """Keys that the app does not know at other places of its file: in a list of receivers, say, of which each may name a relay."""
    form, findings = place.form, []
    told: set[tuple[KeyPath, str]] = set()
    for where, known in form.known_at.items():
        for entry in place.around(text, where):
            for path in entry:
                name = ".".join(path)
                first = path[0]
                # Some apps take a name with dots in it for levels.
                if _is_one_of(known, first, name, first.partition(".")[0]) or (where, name) in told:
                    continue
                if any(one.startswith(f"{name}.") for one in known):
                    continue
                told.add((where, name))
                nested = any(one.startswith(f"{first}.") for one in known)
                near = difflib.get_close_matches(name if nested else first, known, 1, 0.75)
                shown = [one for one in known if nested == ("." in one) and "*" not in one]
                findings.append(_unknown_key(descriptor, form, name if nested else first, near, where, shown))
    return findings + _two_of_one(descriptor, place, text)


def misplaced_findings(descriptor: Descriptor, place: Place, text: str) -> list[Finding]:
    """The key of the relay at another place of the app's own file, where the app does not look for it."""
    form = place.form
    if place.carrier or not form.section or form.format not in ("ini", "yaml", "toml") or form.dotted:
        return []
    ours = [key.path for key in form.keys if "host" in key.names]
    findings = []
    for path in load_format(form.format).read(text, (), form.dialect):
        around = {".".join(path[:length]) for length in range(1, len(path) + 1)}
        mine = next((one for one in ours if one[-1] == path[-1] and _is_of_mail(path, one)), None)
        elsewhere = mine is not None and path != mine and around.isdisjoint(map(".".join, form.known_at))
        if mine is None or not elsewhere or path[: len(form.section)] == form.section:
            continue
        findings.append(
            {
                "severity": "error" if form.refuses_unknown else "warning",
                "code": "unknown_key",
                "message": f"{descriptor.name} reads {'.'.join(mine)} and not {'.'.join(path)}, which is at another place of the file.",
                "remedy": f"Move it to {'.'.join(mine)}, with the keys that belong to it.",
            }
        )
    return findings


def _is_of_mail(path: KeyPath, ours: KeyPath) -> bool:
    """Whether a key of the same last name is meant for mail: by that name, by its section, or as ours is called in its section."""
    above = path[-2].lower() if len(path) > 1 else ""
    return bool(
        re.search(r"smtp|mail", path[-1], re.IGNORECASE)
        or above in ("smtp", "mail", "mailer", "email")
        or (len(ours) > 1 and path[-2:] == ours[-2:])
    )


def _two_of_one(descriptor: Descriptor, place: Place, text: str) -> list[Finding]:
    """Keys that the app refuses beside each other."""
    findings = []
    for where, groups in place.form.one_of.items():
        for entry in place.around(text, where):
            names = {path[0] for path, value in entry.items() if value not in (None, "")}
            for group in groups:
                both = [".".join((*where, one)) for one in group if one in names]
                finding = {
                    "severity": "error",
                    "code": "invalid_settings",
                    "message": f"{descriptor.name} does not start with {' and '.join(both)}: it takes one of them.",
                    "remedy": f"Take out {' or '.join(both)}, whichever is not meant.",
                }
                if len(both) > 1 and finding not in findings:
                    findings.append(finding)
    return findings


def _is_one_of(known: Sequence[str], *names: str) -> bool:
    return any(fnmatch.fnmatchcase(name, one) for one in known for name in names)


def is_variable(value: Value) -> bool:
    return isinstance(value, Opaque) and value.kind == "variable"


def parents_of(form: Form, values: Mapping[KeyPath, Value]) -> dict[KeyPath, Opaque]:
    """Values from elsewhere in the place of a whole group of our keys."""
    above = {path[:length] for path in form.managed for length in range(len(form.section) + 1, len(path))}
    return {
        path: value for path in sorted(above) if isinstance(value := values.get(path), Opaque) and is_variable(value)
    }
