# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
What one host and one endpoint (or app) gave in a run, as one line of JSON: the record of the callback ``verdicts``.

record = parse_line(line)          # raises RecordError, one sentence
for each in read_lines(file):      # a Record, or an Unreadable for a line that is none

Times are UTC in ISO 8601, milliseconds are floats. No record holds a login: whether one was given is ``settings.login``.
Who changes a key changes FORMAT. What is read is printable, whoever wrote the file.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import typing as t
from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import EvidenceError, Observation, checked
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.schema import Maybe, ShapeError, check
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import show
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_data

__all__ = (
    "APP_KINDS",
    "ENDPOINT_KINDS",
    "FORMAT",
    "KINDS",
    "LONGEST",
    "Record",
    "RecordError",
    "Unreadable",
    "as_line",
    "parse_line",
    "probes_and_ports",
    "read_lines",
)

FORMAT: t.Final = 1
# Bytes of one line; a record of eight addresses with long chains has a tenth of it.
LONGEST: t.Final = 4 * 1024 * 1024

# Asked about an endpoint: smtp_gate, smtp_endpoint_info, smtp_send.
ENDPOINT_KINDS = ("gate", "probe", "send")
# Asked about an app's file: app_mail_config, app_mail_config_info.
APP_KINDS = ("app", "audit")
# Asked about Mailpit, and the hosts that gave no verdict.
KINDS = (*ENDPOINT_KINDS, *APP_KINDS, "mailpit", "unreachable", "skipped", "not_asked")
_State = t.Literal["asked", "failed", "unreachable", "skipped", "not_asked"]
_Data = Mapping[str, t.Any]


class RecordError(ValueError):
    """A line is no record that this release reads; the text says what is wrong and what to do."""


@dataclasses.dataclass(frozen=True)
class Record:
    """One line. What is not known is null or empty.

    ``kind``: one of KINDS. ``ok``: true passes, false fails, null: no verdict (not reached, skipped, not asked, or the
    task broke). ``layer``, ``cause``, ``message``, ``remedy``: of that verdict; where there is none, ``message`` says why.
    ``selected``: the other port with which a gate let the host pass although the endpoint fails.
    """

    time: str  # such as 2026-11-29T21:00:00.123456+00:00
    kind: str
    host: str  # inventory name
    run: str = ""  # the same for all records of one ansible-playbook
    playbook: str = ""
    play: str = ""
    task: str = ""
    action: str = ""  # smtp_gate, app_mail_config, ...
    groups: tuple[str, ...] = ()
    variables: _Data = dataclasses.field(
        default_factory=dict
    )  # of the host: provider, datacenter, ... where it has them
    # Where was asked from: {host, container, addresses, local}; host differs from the record's with delegate_to. local:
    # that host is the controller itself (connection: local).
    vantage: _Data = dataclasses.field(default_factory=dict)
    check_mode: bool = False
    endpoint: _Data | None = None  # {host, port, security, server_name, ip_version}
    app: _Data | None = None  # {app, path, form, carrier, service}
    settings: _Data | None = None  # the model without username and password, and login: bool
    policy: _Data | None = None  # the gate's policy options, as they were applied
    ok: bool | None = None
    layer: str | None = None
    cause: str | None = None
    message: str | None = None
    remedy: str | None = None
    alternatives: tuple[_Data, ...] = ()  # {port, secure, security, ok, cause}, best first
    selected: _Data | None = None
    findings: tuple[_Data, ...] = ()  # {severity, code, message, remedy}
    probe: _Data | None = None  # an entry of ``probes`` with the certificates' PEM
    # What the verdict was made from: {observation, clock, skew, trust_store_empty, ca_subjects}.
    evidence: _Data | None = None

    @property
    def state(self) -> _State:
        """What became of the question; failed: the task broke before there was a verdict.

        A file in which there is nothing to judge counts as skipped.
        """
        if self.ok is None and self.kind in APP_KINDS and self.app is not None:
            return "skipped"
        if self.kind in ("unreachable", "skipped", "not_asked"):
            return t.cast(_State, self.kind)
        return "asked" if self.ok is not None else "failed"

    @property
    def when(self) -> datetime.datetime:
        """``time``, aware, UTC."""
        return datetime.datetime.fromisoformat(self.time).astimezone(datetime.UTC)

    @property
    def subject(self) -> str:
        """What was asked about, for a person: host:port, the app's file, or nothing."""
        if self.endpoint is not None:
            host = str(self.endpoint["host"])
            return f"[{host}]:{self.endpoint['port']}" if ":" in host else f"{host}:{self.endpoint['port']}"
        return "" if self.app is None else f"{self.app['app']} {self.app['path']}"

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes two records statements on the same thing: host, vantage point, container, subject."""
        container = self.vantage.get("container")
        return self.host, str(self.vantage.get("host") or self.host), str(container or ""), self.subject

    @property
    def observation(self) -> Observation | None:
        """The evidence of a probe, to be judged again. Raises RecordError for one of another format."""
        if self.evidence is None:
            return None
        try:
            return checked(self.evidence["observation"])
        except EvidenceError as error:
            raise RecordError(str(error)) from None


class Unreadable(t.NamedTuple):
    """A line that is no record: where it stands, and one sentence."""

    number: int
    sentence: str


# -- shapes of what comes from a file

_SEVERITIES = ("info", "warning", "error")
_TEXTS = [str]
_NUMBER = (int, float)
_FINDING = {"severity": str, "code": str, "message": str, "remedy": Maybe(str)}
_CERTIFICATE = {
    "subject": str, "issuer": str, "sans": _TEXTS, "not_before": str, "not_after": str, "days_left": int, "serial": str,
    "sha256": str, "spki_sha256": Maybe(str), "key_type": str, "key_bits": Maybe(int), "signature_algorithm": Maybe(str),
    "self_signed": bool, "pem": Maybe(str),
}  # fmt: skip
_OTHER_PORT = {"port": int, "secure": bool, "security": str, "ok": Maybe(bool), "cause": Maybe(str)}
_PROBE = {
    "host": str, "port": int, "security": str, "security_observed": Maybe(str), "ok": bool, "layer": Maybe(str),
    "cause": Maybe(str), "message": Maybe(str), "remedy": Maybe(str),
    "addresses": [{"address": str, "family": int, "ok": Maybe(bool), "cause": Maybe(str), "ms": _NUMBER}],
    "layers": [{"layer": str, "ok": bool, "ms": _NUMBER}],
    "greeting": Maybe(str),
    "capabilities": {"before_tls": {str: _TEXTS}, "after_tls": {str: _TEXTS}},
    "tls": {"version": Maybe(str), "cipher": Maybe(str), "verified": Maybe(bool), "verify_error": Maybe(str)},
    "certificates": [_CERTIFICATE], "chain_available": bool, "transaction": Maybe(dict), "findings": [_FINDING],
    "elapsed_ms": _NUMBER,
}  # fmt: skip
_EVIDENCE = {
    "observation": dict, "clock": _NUMBER, "skew": _NUMBER, "trust_store_empty": bool, "ca_subjects": {str: _TEXTS},
}  # fmt: skip
_SHAPE = {
    "time": str, "run": str, "playbook": str, "play": str, "task": str, "action": str, "kind": str, "host": str,
    "groups": _TEXTS, "variables": {str: (str, int, float, bool)},
    "vantage": {"host": Maybe(str), "container": Maybe(str), "addresses": Maybe(_TEXTS), "local": Maybe(bool)},
    "check_mode": bool,
    "endpoint": Maybe(
        {"host": str, "port": int, "security": str, "server_name": Maybe(str), "ip_version": Maybe(str)}
    ),
    "app": Maybe({"app": str, "path": str, "form": Maybe(str), "carrier": Maybe(str), "service": Maybe(str)}),
    "settings": Maybe(dict), "policy": Maybe(dict), "ok": Maybe(bool), "layer": Maybe(str), "cause": Maybe(str),
    "message": Maybe(str), "remedy": Maybe(str), "alternatives": [_OTHER_PORT],
    "selected": Maybe({"host": str, "port": int, "secure": bool, "security": str}),
    "findings": [_FINDING], "probe": Maybe(_PROBE), "evidence": Maybe(_EVIDENCE),
}  # fmt: skip


# -- lines


def as_line(record: Record) -> str:
    """The record as one line of JSON in ASCII, with its line end."""
    found = {"format": FORMAT, **{one.name: getattr(record, one.name) for one in dataclasses.fields(record)}}
    return json.dumps(printable_data(found), separators=(",", ":"), allow_nan=False) + "\n"


def parse_line(line: str | bytes) -> Record:
    """The record of one line. Raises RecordError with one sentence."""
    if len(line) > LONGEST:
        raise RecordError(
            f"It has more than {LONGEST} bytes, which no record has; name a file of the callback verdicts."
        )
    try:
        found = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        if line[-1:] not in ("\n", b"\n"):
            raise RecordError("It is not whole: a run was killed there, or is still writing.") from None
        raise RecordError("It is no JSON; name a file that the callback verdicts has written.") from None
    if not isinstance(found, dict):
        raise RecordError(f"It is {show(found)} and no JSON object; name a file of the callback verdicts.")
    _check_format(found.pop("format", None))
    try:
        check(found, _SHAPE, "", tuple(one.name for one in dataclasses.fields(Record)[3:]))
        if found["kind"] not in KINDS:
            raise ShapeError(f"kind is {show(found['kind'])}, and not one of {', '.join(KINDS)}")
        _check_values(found)
    except ShapeError as error:
        raise RecordError(f"It is no record: {error}; leave the file as the callback verdicts wrote it.") from None
    known = {one.name for one in dataclasses.fields(Record)}
    kept: dict[str, t.Any] = printable_data({key: value for key, value in found.items() if key in known})
    tuples: dict[str, t.Any] = {key: tuple(value) for key, value in kept.items() if isinstance(value, list)}
    return Record(**{**kept, **tuples})


def probes_and_ports(probes: object, ports: object) -> tuple[list[dict[str, t.Any]], list[dict[str, t.Any]]] | None:
    """What a result has as ``probes`` and ``alternatives``; null is put in where it may be and nothing is. Null where it is none."""
    try:
        check(probes, [_PROBE], "probes")
        check(ports, [_OTHER_PORT], "alternatives")
    except ShapeError:
        return None
    return t.cast("list[dict[str, t.Any]]", probes), t.cast("list[dict[str, t.Any]]", ports)


def read_lines(lines: Iterable[str | bytes]) -> Iterator[Record | Unreadable]:
    """Each line of an open file as a record, or as what is wrong with it. Empty lines are left out."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield parse_line(line)
        except RecordError as error:
            yield Unreadable(number, str(error))


def _refuse_constant(word: str) -> t.NoReturn:
    raise ValueError(word)


def _check_format(number: object) -> None:
    if number is None:
        raise RecordError("It has no format number, so it is no record; name a file of the callback verdicts.")
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise RecordError(
            "Its format is no number, so it is no record; leave the file as the callback verdicts wrote it."
        )
    if number != FORMAT:
        older = isinstance(number, int) and number < FORMAT
        advice = "run the playbook again" if older else "read it with the release that wrote it"
        raise RecordError(f"It has format {show(number)}, and this release of mailops.smtp reads {FORMAT}; {advice}.")


def _check_values(found: _Data) -> None:
    """What a type alone does not say. Raises ShapeError."""
    try:
        when = datetime.datetime.fromisoformat(found["time"])
        # In UTC it may lie outside of the years from 1 to 9999.
        when.astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        when = None
    if when is None or when.tzinfo is None:
        raise ShapeError(f"time is {show(found['time'])}, and no ISO 8601 time with its zone")
    for name in ("endpoint", "probe"):
        if found.get(name) is not None and not 0 < found[name]["port"] < 65536:
            raise ShapeError(f"{name}.port is {show(found[name]['port'])}, and not from 1 to 65535")
    probe, evidence = found.get("probe"), found.get("evidence")
    for one in probe["addresses"] if probe else ():
        if one["family"] not in (4, 6):
            raise ShapeError(f"the family of an address is {show(one['family'])}, and not 4 or 6")
    for one in (*(found.get("findings") or ()), *(probe["findings"] if probe else ())):
        if one["severity"] not in _SEVERITIES:
            raise ShapeError(
                f"the severity of a finding is {show(one['severity'])}, and not one of {', '.join(_SEVERITIES)}"
            )
    numbers = [probe["elapsed_ms"], *(one["ms"] for one in (*probe["layers"], *probe["addresses"]))] if probe else []
    numbers += [evidence["clock"], evidence["skew"]] if evidence else []
    # 1e999 is valid JSON, and infinite; a whole number may be larger than any float.
    if not all(abs(one) < 1e15 for one in numbers):
        raise ShapeError("a time in it is without end")
