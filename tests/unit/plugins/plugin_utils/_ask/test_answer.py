# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said of a relay's other ports where the chosen one fails."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.answer import advise
from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import CAUSES
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import parse_settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.alternatives import other_port
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import Verdict

REFUSED = parse_settings({"host": "relay.test", "port": 465, "secure": True}, probed=True)


def told(port: int, security: str, cause: str) -> str:
    """The message of a refused 465 beside this port."""
    probe: dict[str, t.Any] = {"ok": False, "layer": "tcp", "message": "It is refused.", "remedy": "Ask."}
    advise("testhost", REFUSED, Verdict(probe, [other_port(port, security, False, cause)], None))
    return str(probe["message"])


@pytest.mark.parametrize("cause", sorted({row.code for row in CAUSES}))
def test_whatever_an_other_port_fails_with_can_be_told(cause: str) -> None:
    assert told(587, "starttls", cause).startswith("It is refused.")


def test_a_port_that_answers_and_fails_is_told() -> None:
    assert told(587, "starttls", "certificate_expired").endswith(
        "Port 587 answers, but fails with certificate_expired."
    )
    assert told(587, "starttls", "connection_refused") == "It is refused."


def test_a_port_of_the_other_mode_says_which() -> None:
    assert told(587, "starttls", "mode_mismatch").endswith(
        "Port 587 answers, but speaks TLS from the first byte (secure: true)."
    )
    assert told(2465, "implicit_tls", "mode_mismatch").endswith("Port 2465 answers, but greets in cleartext.")


def test_a_port_that_works_beside_a_relay_in_trouble_is_doubted() -> None:
    """A dead milter of Postfix shows at STARTTLS on 587, and on 465 only when mail comes."""
    settings = parse_settings({"host": "relay.test", "port": 587, "secure": False}, probed=True)
    works = other_port(465, "implicit_tls", True, None)
    for in_trouble in (True, False):
        probe: dict[str, t.Any] = {"ok": False, "layer": "starttls", "message": "It is refused.", "remedy": "Ask."}
        advise("testhost", settings, Verdict(probe, [works], works, in_trouble=in_trouble))
        assert ("may be so there, too" in probe["remedy"]) == in_trouble
        assert "this works from testhost, it was just tried." in probe["remedy"]
