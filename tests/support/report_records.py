# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records for the tests of reports: a small fleet with everything in it, and one that means harm."""

from __future__ import annotations

import dataclasses
import functools
import json
import pathlib
import tempfile
import typing as t

from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record, as_line, parse_line
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.slices import missing_records
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import Report

from .fleet import Endpoint, Fleet, Host, chains_of_a_fleet

__all__ = ["HOSTILE", "hostile", "hostile_others", "report_of", "small_fleet", "without_verdict"]

# What a relay, a certificate, a name or an inventory may say.
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)\" x='",
    "]]><!--<svg/onload=alert(1)>",
    "</style><style>*{display:none}",
    "\x1b[2J\x1b]0;owned\x07",
    "\u202egnp.exe\u2066\u200b\ufeff",
    "=cmd|'/C calc'!A0",
    "+1+cmd", "-2+3", "@SUM(1)", "\t=1", "\r\n=1+1", " =1", "\uff1d1",
    "{{ lookup('pipe', 'id') }}",
    'a"b\\c\nmailops_smtp_up{x="1"} 1',
    "&lt;b&gt; &#60;b&#62;",
    "\ud800 \ufffe \u2028 \u0000",
    "[link](javascript:alert(1))",
    "__proto__",
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;',
    '"} 1\n# HELP mailops_smtp_up owned\nmailops_smtp_up{host="',
    "\x00\x0b\x0c\x1c\x7f\x85\x9b31m\u061c\u2028\u2069\ufff9\U000e0041",
    "\u05e9\u05dc\u05d5\u05dd (587) \u0645\u0631\u062d\u0628\u0627",
    ",=1;=2\t=3", "\xa0=1", "'=1", '"=1', "\ufeff=1", "\u2003@SUM(1)",
    "a" * 5000,
    "constructor", "%2e%2e/%00", "::1]:25", "..", "a\u0300" * 900, "\\" * 99,
    "<base href=//evil.test/><meta http-equiv=refresh content=0;url=data:text/html,x>",
    "<iframe srcdoc='<script>alert(1)</script>'></title><!--<script>",
    "<math><mtext></mtext><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
    "x' style='background:url(//evil.test/x)' y='",
)  # fmt: skip


@functools.cache
def chains() -> dict[str, list[str]]:
    """Made once: keys cost time."""
    with tempfile.TemporaryDirectory() as folder:
        return chains_of_a_fleet(pathlib.Path(folder))


PLAN = {
    "h00001": "filtered", "h00002": "filtered", "h00003": "own firewall", "h00004": "expired", "h00005": "expiring",
    "h00006": "no ipv6", "h00007": "wrong clock", "h00008": "too many", "h00009": "relay unknown",
}  # fmt: skip


def small_fleet(hosts: int = 12, endpoints: int = 2, plan: t.Mapping[str, str] = PLAN) -> list[Record]:
    """One fault a host on the first endpoint, the rest works; then a host each without a verdict."""

    def planted(host: Host, endpoint: Endpoint) -> str | None:
        return plan.get(host.name) if endpoint.port == 465 else None

    records = list(Fleet(chains(), hosts, endpoints).plant(planted).records())
    return [*records, *(without_verdict(records[0], kind) for kind in ("unreachable", "skipped", "gate"))]


def without_verdict(like: Record, kind: str) -> Record:
    """A record of a host from which nothing was seen."""
    return Record(
        time=like.time, run=like.run, playbook="", play="", task="", action="smtp_gate", kind=kind, host=f"{kind}-host",
        groups=("odd",), message=f"said of {kind}", vantage={"host": f"{kind}-host", "container": None, "addresses": []},
    )  # fmt: skip


def hostile(record: Record, evil: str) -> Record:
    """The record with the text in every place that a stranger fills."""
    found = json.loads(as_line(record))
    probe = found["probe"]
    for one in probe["certificates"]:
        one.update(subject=f"CN={evil}", issuer=evil, sans=[evil], serial=evil, key_type=evil, signature_algorithm=evil)
    probe["capabilities"] = {when: {evil: [evil], "AUTH": [evil]} for when in ("before_tls", "after_tls")}
    probe.update(
        greeting=evil,
        security_observed=evil,
        message=evil,
        remedy=evil,
        tls={**probe["tls"], "cipher": evil, "verify_error": evil},
    )
    probe["tls"]["version"] = evil
    probe["layers"] = [{**one, "layer": evil} for one in probe["layers"]]
    probe["addresses"] = [{**one, "address": evil, "cause": evil} for one in probe["addresses"]]
    found["alternatives"] = [{"port": 587, "secure": False, "security": evil, "ok": True, "cause": evil}]
    found.update(run=evil, playbook=evil, play=evil, task=evil, variables={"provider": evil, evil: evil})
    found.update(host=f"{evil}{record.host}", groups=[evil, "web"], message=evil, remedy=evil)
    found["endpoint"].update(host=evil, security=evil)
    found["findings"] = [{"severity": "warning", "code": evil, "message": evil, "remedy": evil}]
    if found["ok"] is False:
        found.update(cause=evil, layer=evil)
    found["vantage"] = {"host": evil, "container": evil, "addresses": [evil]}
    return parse_line(json.dumps(found) + "\n")


def hostile_others(record: Record, evil: str) -> list[Record]:
    """The same of records without a probe: hosts without a verdict, a slice that is missing, an app's file, a port that was looked at."""
    lone = [
        dataclasses.replace(
            without_verdict(record, kind), host=f"{evil} {kind}", groups=(evil,), message=evil, vantage={"host": evil},
        )
        for kind in ("unreachable", "skipped", "gate")
    ]  # fmt: skip
    (gone,) = missing_records({f"{evil} gone": evil}, {f"{evil} gone": [evil]}, record.time, evil)
    app = {"app": evil, "path": evil, "form": evil, "carrier": evil, "service": evil}
    file = dataclasses.replace(
        lone[2], kind="audit", host=f"{evil} app", ok=False, cause=evil, layer=evil, remedy=evil, app=app
    )
    looked = dataclasses.replace(record, kind="probe", host=f"{evil} looked", message=evil, remedy=evil)
    endpoint = {**(record.endpoint or {}), "host": evil}
    ports = [
        dataclasses.replace(looked, endpoint={**endpoint, "port": 465}, ok=True, cause=None, layer=None),
        dataclasses.replace(looked, endpoint={**endpoint, "port": 25}, ok=False, cause=evil, layer="tcp"),
    ]
    return [parse_line(as_line(one)) for one in (*lone, gone, file, *ports)]


def report_of(records: t.Iterable[Record]) -> Report:
    """The report made of them."""
    report = Report()
    report.take(records)
    return report


def changed(record: Record, **fields: t.Any) -> Record:
    """The record with other fields."""
    return dataclasses.replace(record, **fields)
