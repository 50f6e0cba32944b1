# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an audit says of an app: fine, broken and why, or will break and why. Pure: readings and verdicts go in.

What the app's file says is judged first; a live probe outranks the port's convention, and nothing else of it.
"""

from __future__ import annotations

import posixpath
import re
import typing as t
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import Place, load_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.compose_files import variables_beside
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import FormatError
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.model import Descriptor, Form
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.places import Spot, Stranger, unit_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.readable import readable_finding
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.reading import Reading, read_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.spelled import mode_spelled, verification_spelled
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import (
    MODEL_OPTIONS,
    clash_sentence,
    convention_clash,
)

__all__ = ("STATES", "Entry", "joined", "judged", "looked_at", "unnamed")

STATES = ("broken", "will_break", "unknown", "fine", "none")
_WORDS = {
    "broken": "BROKEN",
    "will_break": "WILL BREAK",
    "unknown": "NOT KNOWN",
    "fine": "fine",
    "none": "no relay",
}
# What should be seen, though it stops no mail and lets nobody on the way read it.
_NOTES = ("password_readable", "overridden", "variable", "more_files", "unconventional_port", "address_unreachable")
# What keeps a state from being known.
_UNCLEAR = ("variable", "app_not_known")
# Where a relay fails whatever the app that asks it.
_RELAY_ALONE = ("dns", "tcp", "greeting", "ehlo")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

Finding = dict[str, str]


@dataclass
class Entry:
    """One app at one place, and what was read there; ``app`` is None where variables name a relay and no app that is known here.
    ``password`` of the reading is for a login that was asked for; it is in no result. ``named`` are files that the place names, and that
    are read as a part of it; ``nexthop`` is the relay as it is spelt there. ``spellings`` are the app and its parts, with the form of each.
    """

    spot: Spot
    app: Descriptor | None
    form: str
    carrier: str | None
    reading: Reading
    keys: dict[str, str] = field(default_factory=dict)
    spellings: list[tuple[Descriptor, Form]] = field(default_factory=list)
    problem: str = ""
    there: bool = True
    table: str = field(default="", repr=False)
    named: tuple[str, ...] = ()
    nexthop: str = ""

    @property
    def name(self) -> str:
        return self.app.name if self.app is not None else "this app"

    @property
    def part_of(self) -> str:
        return self.app.part_of if self.app is not None else ""

    @property
    def relay(self) -> dict[str, t.Any] | None:
        """The settings to probe with; None where they are no relay, or no mode."""
        settings = self.reading.settings
        if not self.spot.app:
            return settings if settings.get("port") else None
        if _mails_elsewhere(self.reading.findings):
            return None
        if self.problem or not settings.get("host") or self.reading.security is None or not settings.get("port"):
            return None
        return settings


def looked_at(app: Descriptor, spot: Spot, texts: Mapping[str, str], modes: Mapping[str, int]) -> Entry:
    """Read one place. What cannot be read is a problem of the entry. Raises AppError for options that cannot work."""
    place = load_place(app, spot.path, spot.form, spot.carrier, spot.service)
    text = spot.text if spot.text is not None else texts.get(spot.path)
    if text is None and app.part_of and app.words:
        # Without it the app has its defaults.
        text = ""
    carrier = place.carrier or None
    entry = Entry(spot, app, place.form.kind, carrier, Reading(False), _keys(app, place.form), [(app, place.form)])
    if text is None:
        entry.there = False
        return entry
    entry.table = text if app.looked_up else ""
    folder = posixpath.dirname(unit_of(spot.path))
    try:
        variables = variables_beside(spot.path, texts) if place.carrier == "compose" else {}
        written = {one: posixpath.normpath(posixpath.join(folder, one)) for one in place.files(text, variables)}
        others = {one: texts[path] for one, path in written.items() if path in texts}
        entry.named = tuple(written[one] for one in others)
        entry.nexthop = _nexthop(place, text) if app.parts else ""
        entry.reading = read_place(app, place, text, spot.environment, others, variables)
    except FormatError as error:
        entry.problem = str(error)
        return entry
    if entry.reading.password_set and (finding := readable_finding(spot.path, modes.get(spot.path, 0))):
        entry.reading.findings.append(finding)
    return entry


def _nexthop(place: Place, text: str) -> str:
    """The text of the key that holds the relay."""
    values = place.read(text)
    texts = (values.get(key.path) for key in place.form.keys if "host" in key.names)
    return next((str(one) for one in texts if isinstance(one, str)), "")


def unnamed(stranger: Stranger) -> Entry:
    """Variables of an app that is not known here: where its relay is can be said, and how the app speaks with it cannot."""
    spot = Spot("", stranger.path, "environment", stranger.carrier, stranger.service)
    settings: dict[str, t.Any] = {"host": stranger.host}
    if stranger.port is not None:
        settings.update(port=stranger.port)
    finding = {
        "severity": "info",
        "code": "app_not_known",
        "message": f"{' and '.join(stranger.names)} {'name' if len(stranger.names) > 1 else 'names'} a relay, and which app reads"
        " that is not known here, so the mode that it is in is not, either.",
        "remedy": "Name the app in mail_audit_apps, with a descriptor of your own where it is none of those that are known.",
    }
    reading = Reading(True, settings, findings=[finding])
    keys = dict(zip(("host", "port"), stranger.names))
    return Entry(spot, None, "environment", stranger.carrier, reading, keys)


def _keys(app: Descriptor, form: Form) -> dict[str, str]:
    """Which key of the app holds a setting, for advice; the word for a setting is that setting, too."""
    found: dict[str, str] = {}
    for key in form.keys:
        for name in key.names:
            found.setdefault(name, key.text)
    for name, word in app.words.items():
        if word.follows in MODEL_OPTIONS and name in found:
            found.setdefault(str(word.follows), found[name])
    return found


def joined(entries: Sequence[Entry]) -> list[Entry]:
    """The entries with the parts of an app, such as Postfix's table of logins, put into the one that they belong to."""
    whole = []
    for entry in entries:
        if entry.part_of:
            continue
        parts = _parts_of(entry, entries)
        if parts:
            told = [finding for one in parts for finding in _other_login(entry, one)]
            entry.reading = _together(entry.reading, [one.reading for one in parts])
            entry.reading.findings.extend(told)
            for part in parts:
                entry.keys = {**part.keys, **entry.keys}
                entry.spellings += part.spellings
        whole.append(entry)
    parents = {one.spot.app for one in whole}
    return [*whole, *(one for one in entries if one.part_of and one.part_of not in parents)]


def _parts_of(entry: Entry, entries: Sequence[Entry]) -> list[Entry]:
    """The parts of an app that belong to this file of it: those beside it, else those that are beside no other file of it."""
    parts = [one for one in entries if one.part_of == entry.spot.app and one.there]
    folder = posixpath.dirname(entry.spot.path)
    beside = [one for one in parts if posixpath.dirname(one.spot.path) == folder]
    taken = {posixpath.dirname(one.spot.path) for one in entries if one.spot.app == entry.spot.app}
    return beside or [one for one in parts if posixpath.dirname(one.spot.path) not in taken]


def _other_login(entry: Entry, part: Entry) -> list[Finding]:
    """That a table of logins has none for the relay: the app looks its name up there."""
    host = entry.reading.settings.get("host")
    lines = [line.strip() for line in part.table.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    shape = part.app.looked_up if part.app is not None else ""
    names = {found[1].lower() for line in lines if (found := re.match(shape, line))}
    # With an address in front of a login it is the sender that is looked for, too.
    if not host or not names or {host.lower(), entry.nexthop.lower()} & names or any("@" in one for one in names):
        return []
    return [
        {
            "severity": "warning",
            "code": "login_unused",
            "message": f"{part.spot.path} has no login for {host}, which {entry.name} looks for there, so it does not log in.",
            "remedy": f"Write the login for {host} into {part.spot.path}, spelt as the relay is in {entry.spot.path}.",
        }
    ]


def _together(main: Reading, parts: Sequence[Reading]) -> Reading:
    settings = {name: value for part in parts for name, value in part.settings.items()}
    settings.update(main.settings)
    security = next((one.security for one in (main, *parts) if one.security), None)
    if security:
        settings.update(security=security, secure=security == "implicit_tls")
    findings = [one for reading in (main, *parts) for one in reading.findings if one["code"] != "more_files"]
    port = main.settings.get("port")
    if security and not main.security and isinstance(port, int) and convention_clash(port, security):
        message, _mark, remedy = clash_sentence(port, security).partition("; ")
        clash = {"severity": "error", "code": "mode_mismatch", "message": f"{message[:1].upper()}{message[1:]}."}
        findings.insert(0, {**clash, "remedy": remedy[:1].upper() + remedy[1:]})
    password = next((one.password for one in (main, *parts) if one.password), "")
    return Reading(main.found, settings, security, bool(password), findings, password)


def judged(entry: Entry, probe: Mapping[str, t.Any] | None, why_not: str = "") -> dict[str, t.Any]:
    """The result for one app. ``probe`` is the verdict of a probe with its settings, ``why_not`` why there is none."""
    reading = entry.reading
    told: dict[str, t.Any] = {
        "app": entry.spot.app,
        "path": entry.spot.path,
        "form": entry.form,
        "carrier": entry.carrier,
        "service": entry.spot.service,
        "settings": reading.settings,
        "security": reading.security,
        "password_set": reading.password_set,
    }
    findings = _login(entry) + list(reading.findings)
    if probe is not None and probe["ok"]:
        findings = _outranked(reading, findings)
    findings = sorted(_unique(findings), key=lambda one: ("error", "warning", "info").index(one["severity"]))
    if probe is not None:
        findings = _by_the_offer(entry, findings, probe)
        exposed = _login_without_tls(entry, probe)
        findings = (
            [exposed, *(one for one in findings if one["code"] != exposed["code"])]
            if exposed
            else _with_probe(findings, probe)
        )
    state, reasons = _state(entry, findings, probe is None and bool(why_not))
    told.update(state=state, findings=findings, app_keys=entry.keys, probe=probe)
    told["cause"] = reasons[0]["code"] if reasons else "unreadable" if entry.problem else None
    told.update({name: reasons[0][name] if reasons else None for name in ("message", "remedy")})
    told["line"] = _line(entry, state, reasons, findings, why_not)
    return told


def _outranked(reading: Reading, findings: Sequence[Finding]) -> list[Finding]:
    """Without what only the port's convention says, as live evidence outranks it. What the app itself makes of a port does not show in a probe,
    and stays as something that may be: which of its versions it is, is not known here.
    """
    port, mode = reading.settings.get("port"), reading.security
    if isinstance(port, int) and mode and not convention_clash(port, mode):
        return [{**one, "severity": "warning"} if one["code"] == "mode_mismatch" else one for one in findings]
    return [one for one in findings if one["code"] != "mode_mismatch"]


def _by_the_offer(entry: Entry, findings: Sequence[Finding], probe: Mapping[str, t.Any]) -> list[Finding]:
    """Of traps that leave the app few ways to log in, it shows in what the relay offers whether there is one."""
    capabilities = probe.get("capabilities") or {}
    offered = (capabilities.get("after_tls") or capabilities.get("before_tls") or {}).get("AUTH")
    told = [
        (trap, trap.limit.finding()) for trap in (entry.app.traps if entry.app is not None else ()) if trap.logs_in_by
    ]
    if not offered or not told:
        return list(findings)
    kept = []
    for one in findings:
        trap = next((trap for trap, finding in told if finding == one), None)
        if trap is None:
            kept.append(one)
        elif not set(trap.logs_in_by) & set(offered):
            relay = f"{entry.reading.settings['host']} offers {' and '.join(offered)}, so no mail goes out"
            kept.append({**one, "severity": "error", "message": f"{trap.limit.message.rstrip('.')}: {relay}."})
    return sorted(kept, key=lambda one: one["severity"] != "error")


def _login_without_tls(entry: Entry, probe: Mapping[str, t.Any]) -> Finding | None:
    """What becomes of the login of an app that goes on without TLS, at a relay that offers a login and no TLS. The probe never makes one there."""
    settings, before = entry.reading.settings, (probe.get("capabilities") or {}).get("before_tls") or {}
    opportunistic = entry.reading.security == "opportunistic" and probe.get("security_observed") == "cleartext"
    if not opportunistic or not settings.get("username") or probe["cause"] not in (None, "auth_requires_tls"):
        return None
    does = entry.app.cleartext_login if entry.app is not None else ""
    if not before.get("AUTH") or "STARTTLS" in before or not does:
        return None
    relay = f"{settings['host']}:{settings['port']}"
    sent = does == "sent" or settings["host"] in _LOOPBACK
    becomes = (
        f"so {entry.name} sends mail and password in cleartext today"
        if sent
        else f"and {entry.name} sends no password in cleartext, so it does not log in there"
    )
    return {
        "severity": "warning" if sent else "error",
        "code": "downgrade_possible" if sent else "auth_requires_tls",
        "message": f"{relay} offers no STARTTLS, {becomes}.",
        "remedy": "Ask the relay's operator to switch STARTTLS on, or use port 465 with secure: true if the relay has it.",
    }


def _login(entry: Entry) -> list[Finding]:
    """A login of which one half is missing."""
    reading, form_has = entry.reading, "password" in entry.keys
    codes = {one["code"] for one in reading.findings}
    elsewhere = any(name.endswith("_FILE") for name in entry.spot.environment) or codes & {"variable", "overridden"}
    if not reading.settings.get("username") or reading.password_set or not form_has or elsewhere:
        return []
    if "wrong_type" in codes or entry.part_of:
        return []
    stops = entry.app is not None and entry.app.half_login == "stops"
    without = f"{entry.name} has the user name {reading.settings['username']} and no password beside it"
    return [
        {
            "severity": "error" if stops else "warning",
            "code": "password_missing",
            "message": f"{without}, and does not start so." if stops else f"{without}.",
            "remedy": f"Write {entry.keys['password']}, or take the user name out.",
        }
    ]


def _unique(findings: Sequence[Finding]) -> list[Finding]:
    """Each once; of two that say the same of one thing, the one of the app's own trap is enough."""
    seen, kept = set(), []
    for one in findings:
        mark = one["code"] if one["code"] in ("downgrade_possible", "mode_mismatch") else (one["code"], one["message"])
        if mark not in seen:
            seen.add(mark)
            kept.append(one)
    return kept


def _with_probe(findings: list[Finding], probe: Mapping[str, t.Any]) -> list[Finding]:
    """With what the probe saw: its cause behind what the file says by itself, unless both say the same."""
    known = {one["code"] for one in findings}
    seen = [one for one in probe["findings"] if one["code"] not in known]
    if probe["ok"]:
        return findings + seen
    if any(one["code"] == "app_not_known" for one in findings) and probe["layer"] not in _RELAY_ALONE:
        return findings
    cause = {"severity": "error", "code": probe["cause"], "message": probe["message"], "remedy": probe["remedy"]}
    # What is told of flag and port without a probe, the probe tells better.
    own = [
        one for one in findings if one["severity"] == "error" and one["code"] not in ("mode_mismatch", cause["code"])
    ]
    rest = [one for one in findings if one["severity"] != "error" or one["code"] == "mode_mismatch"]
    return [*own, cause, *(one for one in rest if one["code"] != cause["code"]), *seen]


def _state(entry: Entry, findings: Sequence[Finding], not_probed: bool) -> tuple[str, list[Finding]]:
    """The state, and the findings that it comes from, the first one first."""
    if entry.problem:
        return "broken", []
    if not entry.there:
        return "none", []
    if _mails_elsewhere(findings):
        return "none", []
    settings = entry.reading.settings
    # Without a relay there is no connection whose mode could be wrong.
    relay = settings.get("host") or any(one["code"] == "variable" for one in findings)
    errors = [one for one in findings if one["severity"] == "error" and (relay or one["code"] != "mode_mismatch")]
    if errors:
        return "broken", errors
    if not entry.spot.app:
        return "unknown", []
    if not settings.get("host"):
        if any(one["code"] == "variable" for one in findings):
            return "unknown", []
        ignored = [one for one in findings if one["code"] == "unknown_key"]
        return ("broken", ignored) if ignored else ("none", [])
    harmless: tuple[str, ...] = _NOTES
    if settings["host"] in _LOOPBACK and settings.get("port") == 25 and not settings.get("username"):
        # The mail server of the host itself.
        harmless = (*harmless, "cleartext")
    if warnings := [one for one in findings if one["severity"] == "warning" and one["code"] not in harmless]:
        return "will_break", warnings
    if entry.relay is None and any(one["code"] == "variable" for one in findings):
        return "unknown", []
    return "unknown" if not_probed else "fine", []


def _line(entry: Entry, state: str, reasons: Sequence[Finding], findings: Sequence[Finding], why_not: str) -> str:
    """One line for a person: the app, where, its state, the cause, and the setting to change."""
    where = f"{entry.spot.app or 'unknown app'} {entry.spot.path}" + (
        f" ({entry.spot.service})" if entry.spot.service else ""
    )
    if entry.problem:
        return f"{where}: {_WORDS[state]}: it cannot be read: {entry.problem}."
    if not entry.there:
        return f"{where}: not found"
    if state == "none":
        if other := _mails_elsewhere(findings):
            return f"{where}: {_WORDS[state]}: {other}"
        return f"{where}: {_WORDS[state]}: it names no relay of {entry.name}."
    settings = entry.reading.settings
    relay = ""
    if settings.get("host"):
        relay = f" {settings['host']}:{settings.get('port', '?')} {entry.reading.security or ''}".rstrip()
    told = reasons[0]["code"] if reasons else ""
    rest = [one["code"] for one in findings if one["code"] != told and one["severity"] != "info"]
    also = f" Also: {', '.join(dict.fromkeys(rest))}." if rest else ""
    if not reasons:
        unclear = [one["message"] for one in findings if one["code"] in _UNCLEAR] if state == "unknown" else []
        why_not = why_not[:1].upper() + why_not[1:] if unclear else why_not
        why = f": {' '.join([*unclear, *([why_not] if why_not else [])])}" if state == "unknown" else ""
        return f"{where}: {_WORDS[state]}{relay}{why}{'.' if also and not why else ''}{also}"
    first = reasons[0]
    advice = f"{first['message']} {first['remedy']}{_named_keys(entry, first)}"
    return f"{where}: {_WORDS[state]}{relay}: {first['code']}: {advice}{also}"


def _mails_elsewhere(findings: Sequence[Finding]) -> str:
    """The words that an app mails another way than through a relay of its own, which is no fault."""
    codes = ("settings_unused", "info")
    return next((one["message"] for one in findings if (one["code"], one["severity"]) == codes), "")


# Causes that are about the place of the relay, whose names a person looks up next.
_ABOUT_THE_PLACE = ("mode_", "connection_", "no_route", "starttls_", "greeting_", "not_smtp", "name_", "tls_")
_SETTINGS = ("host", "port", "ca_path", "server_name", "auth_mechanism", "username", "password", "helo_name", "timeout")
# What a remedy asks for, how that is called here, and the mode that it is.
_MODES = (
    (r"secure: true|security: implicit_tls", "secure: true", "implicit_tls"),
    (r"secure: false|security: starttls", "security: starttls", "starttls"),
)


def _named_keys(entry: Entry, finding: Finding) -> str:
    """What the settings that an advice names are called by this app, and what to write for the mode that it names."""
    remedy = finding["remedy"]
    if any(key in remedy for key in entry.keys.values() if len(key) > 4 and key not in MODEL_OPTIONS):
        return ""  # it speaks the app's language already
    spelt = [
        f"{name} is {text}"
        for asked, name, mode in _MODES
        if re.search(asked, remedy) and (text := _spelt(entry, mode_spelled, mode)) not in ("", name)
    ]
    if "validate_certs: true" in remedy and (text := _spelt(entry, verification_spelled)):
        spelt.append(f"validate_certs: true is {text}")
    place = ("host", "port") if finding["code"].startswith(_ABOUT_THE_PLACE) else ()
    named: dict[str, str] = {}
    for name in _SETTINGS:
        if name in entry.keys and (name in place or re.search(rf"\b{name}\b", remedy)):
            named.setdefault(entry.keys[name], name)
    # A key that holds all of it, such as a URL, is named by what to write into it.
    parts = [
        f"{name} is {key}" for key, name in named.items() if key != name and not any(key in text for text in spelt)
    ]
    return f" (In {entry.name} {', '.join([*parts, *spelt])}.)" if parts or spelt else ""


def _spelt(entry: Entry, spelled: t.Callable[..., str], *what: str) -> str:
    """What the app, or the part of it that has the words for it, is told."""
    texts = (spelled(app, form, entry.reading.settings, *what) for app, form in entry.spellings)
    return next(filter(None, texts), "")
