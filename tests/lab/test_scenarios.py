# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every row of the table, on every target Python and from every controller: one row, one test. The rows run in batches before the first is looked at."""

from __future__ import annotations

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


# Healthy or failing, one of every layer and every kind of timing: these run on every controller and every Python.
EVERYWHERE = """
postfix postfix-587 cleartext-by-name both-families-465 expiring nxdomain dead-aaaa nothing-listens drop-465 reject-admin reset-on-accept refuses-554 ssh
implicit-on-587 starttls-on-465 ehlo-refused no-starttls masked-x starttls-454 tls10-only client-certificate-13 stall-after-hello expired not-yet-valid self-signed
untrusted no-intermediate wrong-name weak-rsa system-store
""".split()

PROBES = [Case(NEWEST, python, row.name) for python in TARGET_HOSTS if supports(NEWEST, python) for row in ROWS.values() if row.call == "probe"]
PROBES += [Case(release, python, name) for release in CONTROLLERS[:-1] for python in TARGET_HOSTS if supports(release, python) for name in EVERYWHERE]
CALLS = [Case(release, "", row.name) for release in CONTROLLERS for row in ROWS.values() if row.call != "probe"]


@pytest.fixture(scope="session")
def asked(request: pytest.FixtureRequest) -> list[Case]:
    """The cases that this run of pytest has selected: only these are put to the relays."""
    return [item.callspec.params["case"] for item in request.session.items if hasattr(item, "callspec") and "case" in item.callspec.params]


@pytest.fixture(scope="session")
def probed(stage: Stage, asked: list[Case]) -> dict[Case, dict[str, Any]]:
    """The verdict of every selected case of smtp_endpoint_info."""
    verdicts = {}
    for release in CONTROLLERS:
        cases = [case for case in asked if case.release == release and case.python]
        if not cases:
            continue
        hosts = [TARGET_HOSTS[python] for python in TARGET_HOSTS if any(case.python == python for case in cases)]
        wanted = list(dict.fromkeys(case.row for case in cases))
        found = stage.probe(release, hosts, [ROWS[name] for name in wanted])
        verdicts |= {Case(release, host.python, name): found[host.name, name] for host in hosts for name in wanted if (host.name, name) in found}
    return verdicts


@pytest.fixture(scope="session")
def called(stage: Stage, asked: list[Case]) -> dict[Case, dict[str, Any]]:
    """The result of every selected case of smtp_gate and smtp_send."""
    results = {}
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
