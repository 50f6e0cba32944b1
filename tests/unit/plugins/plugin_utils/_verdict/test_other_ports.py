# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No remedy of any cause or finding names a port that the same call has found not to work."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._observe.ports import CONVENTIONAL_PORTS
from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import CAUSES, FINDINGS, Cause, Finding, fill
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.other_ports import (
    OtherPort,
    failing_ports,
    order_of,
    port_words,
)

ROWS: list[Cause | Finding] = [
    # Without a probe there is no port that was found not to work.
    *[row for row in CAUSES if row.layer != "settings"],
    *FINDINGS,
]


class Words(dict[str, t.Any]):
    """Whatever else a row names."""

    def __missing__(self, key: str) -> str:
        return f"<{key}>"


@pytest.mark.parametrize("wanted", [None, 465, 587])
def test_failing_ports_are_not_named(wanted: int | None) -> None:
    settings = Settings("relay.test", 1025, "starttls")
    words = Words(port_words(settings, set(CONVENTIONAL_PORTS), False, wanted))
    for row in ROWS:
        remedy = fill(row.remedy, words)
        assert not {str(port) for port in CONVENTIONAL_PORTS} & set(re.findall(r"\d+", remedy)), remedy
        assert "[" not in remedy and "None" not in remedy and remedy.endswith(".")
        # Nor is one guessed beside a port that is known to work.
        assert fill(row.remedy, Words(port_words(settings, set(), True, wanted))) == remedy


@pytest.mark.parametrize(
    "port, security, failing, named",
    [
        (465, "implicit_tls", set(), (587, 2465, "587", "587 (secure: false)")),
        (465, "implicit_tls", {587}, (2587, 2465, None, None)),
        (587, "starttls", set(), (465, 465, "465", "465 (secure: true)")),
        (587, "starttls", {465}, (2465, 2465, None, None)),
        (587, "starttls", {465, 2465}, (None, None, None, None)),
        (1025, "cleartext", set(), (465, 465, "465, 587", "465 (secure: true) or 587 (secure: false)")),
        (1025, "implicit_tls", {465}, (587, 2465, "587", "587 (secure: false)")),
    ],
)
def test_which_port_is_named(port: int, security: str, failing: set[int], named: tuple[t.Any, ...]) -> None:
    assert tuple(port_words(Settings("relay.test", port, security), failing, False, None).values()) == named


def other(port: int, security: str, ok: bool | None) -> OtherPort:
    return {"port": port, "secure": security == "implicit_tls", "security": security, "ok": ok, "cause": None}


def test_best_first() -> None:
    best = [
        other(587, "starttls", True), other(465, "implicit_tls", True), other(26, "opportunistic", True), other(25, "cleartext", True),
        other(2465, "implicit_tls", None), other(2525, "starttls", False),
    ]  # fmt: skip
    backwards = best[::-1]
    assert sorted(backwards, key=order_of) == [best[1], best[0], *best[2:]]
    assert failing_ports(best, {"elsewhere": []}) == {2525}  # type: ignore[typeddict-item]


def test_a_port_that_one_address_answers_on_is_not_failing() -> None:
    asked = [
        {"address": "192.0.2.1", "port": 587, "result": "timeout"},
        {"address": "192.0.2.2", "port": 587, "result": "open"},
    ]
    assert failing_ports([], {"elsewhere": asked}) == set()  # type: ignore[typeddict-item]
    assert failing_ports([], {"elsewhere": asked[:1]}) == {587}  # type: ignore[typeddict-item]
