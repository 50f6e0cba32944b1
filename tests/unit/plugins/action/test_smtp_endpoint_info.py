# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The probe as data: a bad relay never fails the task, bad input does."""

from __future__ import annotations

import contextlib
import typing as t

import pytest

from tests.support.acting import Host, act
from tests.support.contract import PROBE_KEYS
from tests.support.faulty import FaultyServer, smtp
from tests.support.process import closed_ports

PROBE = "smtp_endpoint_info"


def test_good_and_bad_relays_are_data() -> None:
    (closed,) = closed_ports(1)
    with contextlib.ExitStack() as stack:
        works, refuses = (
            stack.enter_context(FaultyServer(behaviour)) for behaviour in (smtp(), smtp(greeting="554 5.7.1 no"))
        )
        host = Host()
        answer = act(
            PROBE,
            host,
            host="127.0.0.1",
            security="auto",
            timeout=5,
            endpoints=[{"port": port} for port in (works.port, refuses.port, closed)],
        )
    assert "failed" not in answer and answer["changed"] is False
    assert [(one["port"], one["ok"], one["cause"]) for one in answer["probes"]] == [
        (works.port, True, None),
        (refuses.port, False, "greeting_rejected"),
        (closed, False, "connection_refused"),
    ]
    assert all(list(one) == PROBE_KEYS for one in answer["probes"])
    assert len(host.calls) == 1
    # The ports of one relay were tried in one call: the advice knows of it.
    assert not [
        one
        for one in answer["probes"]
        if str(closed) in (one["remedy"] or "") or str(refuses.port) in (one["remedy"] or "")
    ]


@pytest.mark.parametrize(
    "options, words",
    [
        ({}, "host is empty; write the relay's name"),
        ({"host": "localhost", "prot": 1}, "prot is not an option; write port."),
        (
            {"host": "localhost", "port": 465, "check_credentials": True},
            "check_credentials is true, but there is no username",
        ),
        (
            {"host": "localhost", "port": 465, "check_injection": "perhaps"},
            "check_injection is 'perhaps', which is neither true nor false",
        ),
        ({"host": "localhost", "port": 465, "security": "auto", "secure": True}, "leave out secure"),
        ({"endpoints": []}, "endpoints is an empty list"),
        (
            {"host": "localhost", "port": 465, "auth_mechanism": "DIGEST-MD5"},
            "auth_mechanism is 'DIGEST-MD5', which is not known here",
        ),
    ],
)
def test_bad_input(options: dict[str, t.Any], words: str) -> None:
    host = Host(lambda _plans: {})
    answer = act(PROBE, host, **options)
    assert answer["failed"] and words in answer["msg"] and host.calls == []
    assert (answer["cause"], answer["layer"], answer["probes"]) == ("invalid_settings", "settings", [])


def test_what_the_host_says_of_an_option_is_bad_input() -> None:
    said = {
        "failed": True,
        "msg": "ca_path is /x, and on this host: no such file or directory; write ...",
        "option": "ca_path",
    }
    answer = act(PROBE, Host(lambda _plans: said), host="localhost", port=465)
    assert (
        answer["failed"]
        and answer["cause"] == "invalid_settings"
        and answer["msg"].startswith("testhost: ca_path is /x")
    )


def test_a_password_is_handed_over_only_for_a_login() -> None:
    options: dict[str, t.Any] = {"host": "localhost", "port": 465, "username": "app", "password": "hunter2-S3cret"}
    for check, sealed in ((False, False), (True, True)):
        host = Host(lambda _plans: {"failed": True, "msg": "enough"})
        act(PROBE, host, check_credentials=check, **options)
        assert ("logins" in host.calls[0]) is sealed
        assert "hunter2" not in str(host.calls)
