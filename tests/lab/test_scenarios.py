# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every row of the table, on every target Python and from every controller: one row, one test. The rows run in batches before the first is looked at."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

import pytest

from lab.controllers import CONTROLLERS, supports
from lab.scenario import Row, complaints, rows
from lab.stage import TARGET_HOSTS, Stage, dealt

ROWS = {row.name: row for row in rows()}
MODULES = {"gate": "smtp_gate", "send": "smtp_send"}
NEWEST = CONTROLLERS[-1]


class Case(NamedTuple):
    """One row, run by one ansible-core on one Python. Rows of one call each are dealt to the Pythons, so `python` is none there."""

    release: str
    python: str
    row: str

    def __str__(self) -> str:
        return f"core{self.release}-{f'py{self.python}-' if self.python else ''}{self.row}"


# Healthy or failing, one of every layer and every kind of timing: these run on every controller and every Python that it manages.
EVERYWHERE = """
postfix postfix-587 cleartext-by-name both-families-465 expiring nxdomain dead-aaaa nothing-listens drop-465 reject-admin reset-on-accept refuses-554 ssh
implicit-on-587 starttls-on-465 ehlo-refused
no-starttls masked-x starttls-454 tls10-only client-certificate-13 stall-after-hello expired not-yet-valid self-signed
untrusted no-intermediate wrong-name weak-rsa system-store
login wrong-password no-auth gate-opens gate-filtered-465 gate-fallback gate-mismatch send-login send-greylisted send-not-weaker
""".split()
# The whole table: from the oldest Python and from OpenSSL 1.1.1, 3.0 and the newest.
WHOLE = {("2.19", "3.8"), (NEWEST, "3.9"), (NEWEST, "3.11"), (NEWEST, "3.14")}


def _cases() -> tuple[list[Case], list[Case]]:
    """What is probed (release, Python, row) and what is called (release, row)."""
    probes, calls = [], []
    for release in CONTROLLERS:
        for row in ROWS.values():
            if row.call != "probe":
                if release == NEWEST or row.name in EVERYWHERE:
                    calls.append(Case(release, "", row.name))
                continue
            for python in TARGET_HOSTS:
                if supports(release, python) and ((release, python) in WHOLE or row.name in EVERYWHERE):
                    probes.append(Case(release, python, row.name))
    return probes, calls


PROBES, CALLS = _cases()


@pytest.fixture(scope="session")
def asked(request: pytest.FixtureRequest) -> list[Case]:
    """The cases that this run of pytest has selected: only these are put to the relays."""
    return [
        item.callspec.params["case"]
        for item in request.session.items
        if hasattr(item, "callspec") and "case" in item.callspec.params
    ]


@pytest.fixture(scope="session")
def probed(stage: Stage, asked: list[Case]) -> dict[Case, dict[str, Any]]:
    """The verdict of every selected case of smtp_endpoint_info.

    A verdict that is right and late, while all hosts probed at once on a few cores, is asked for once more with nobody else about.
    """
    wanted: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for case in asked:
        if case.python:
            wanted[case.release, case.python].append(ROWS[case.row])
    verdicts: dict[Case, dict[str, Any]] = {}
    for release in CONTROLLERS:
        shares = {TARGET_HOSTS[python].name: some for (of, python), some in wanted.items() if of == release}
        verdicts |= _verdicts(release, stage.probe(release, shares) if shares else {})
    late = [
        case
        for case, probe in verdicts.items()
        if complaints(ROWS[case.row], probe) and not complaints(ROWS[case.row], {**probe, "elapsed_ms": 0})
    ]
    for release, python in dict.fromkeys((case.release, case.python) for case in late):
        again = [ROWS[case.row] for case in late if (case.release, case.python) == (release, python)]
        verdicts |= _verdicts(release, stage.probe(release, {TARGET_HOSTS[python].name: again}, batch=5))
    return verdicts


def _verdicts(release: str, found: dict[tuple[str, str], dict[str, Any]]) -> dict[Case, dict[str, Any]]:
    python_of = {host.name: python for python, host in TARGET_HOSTS.items()}
    return {Case(release, python_of[host], row): probe for (host, row), probe in found.items()}


@pytest.fixture(scope="session")
def called(stage: Stage, asked: list[Case]) -> dict[Case, dict[str, Any]]:
    """The result of every selected case of smtp_gate and smtp_send."""
    results: dict[Case, dict[str, Any]] = {}
    for release in CONTROLLERS:
        for call, module in MODULES.items():
            wanted = [ROWS[case.row] for case in asked if case.release == release and ROWS[case.row].call == call]
            if not wanted:
                continue
            hosts = [host for python, host in TARGET_HOSTS.items() if supports(release, python)]
            found, _printed = stage.one_by_one(release, module, dealt(wanted, hosts))
            results |= {Case(release, "", name): result for (_host, name), result in found.items()}
    return results


def _check(row: Row, result: dict[str, Any] | None) -> None:
    wrong = complaints(row, result) if result is not None else ["the row was not run at all"]
    if wrong:
        pytest.fail("\n".join([f"{row.name}: {row.fault}", *wrong]), pytrace=False)


@pytest.mark.parametrize("case", PROBES, ids=str)
def test_probe(case: Case, probed: dict[Case, dict[str, Any]]) -> None:
    """smtp_endpoint_info names the fault."""
    _check(ROWS[case.row], probed.get(case))


@pytest.mark.parametrize("case", CALLS, ids=str)
def test_call(case: Case, called: dict[Case, dict[str, Any]]) -> None:
    """smtp_gate and smtp_send name the fault, and what works instead."""
    _check(ROWS[case.row], called.get(case))
