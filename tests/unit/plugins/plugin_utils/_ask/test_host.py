# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the host is told, and what comes back."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._observe.report import answer
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import HostError, plan_of, probe_host, reason_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings

from tests.support.acting import report
from tests.support.faulty import FaultyServer, smtp

HOST = "smtp.example.com"
NOTHING_SEEN: dict[str, t.Any] = {
    "format": 1, "dns": {"ok": True, "ms": 0.5}, "attempts": [], "alternatives": [], "elsewhere": [], "elapsed_ms": 1
}  # fmt: skip


def settings(port: int = 465, security: str = "implicit_tls", **more: t.Any) -> Settings:
    return Settings(HOST, port, security, **more)


def test_the_plan_has_no_secret() -> None:
    plan = plan_of(settings(username="app", password="hunter2-S3cret"), Policy())
    assert "hunter2" not in json.dumps(plan)
    assert "app" not in plan.values()


@pytest.mark.parametrize(
    "version, told", [("TLSv1", "TLSv1"), ("TLSv1.1", "TLSv1.1"), ("TLSv1.2", "TLSv1.2"), ("TLSv1.3", "TLSv1.2")]
)
def test_the_host_tries_what_it_can_and_the_policy_is_judged(version: str, told: str) -> None:
    assert plan_of(settings(), Policy(version))["minimum_tls_version"] == told


def test_an_internationalised_name_travels_in_ascii() -> None:
    plan = plan_of(Settings("bücher.example", 465, "implicit_tls"), Policy())
    assert (plan["host"], plan["server_name"]) == ("xn--bcher-kva.example", "xn--bcher-kva.example")


def test_logins_travel_sealed_in_the_option_that_is_masked() -> None:
    called: dict[str, t.Any] = {}

    def execute(_module: str, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        called.clear()
        called.update(arguments)
        return report([NOTHING_SEEN] * 3)

    logins = [settings(username="app", password="hunter2"), settings(), settings(username="b")]
    run = probe_host(execute, logins, [plan_of(one, Policy()) for one in logins], True)
    assert json.loads(base64.b64decode(called["logins"])) == [["app", "hunter2", None], None, None]
    assert "hunter2" not in str(called["plans"])
    assert abs(run.host.skew) < 5
    probe_host(execute, logins, [plan_of(one, Policy()) for one in logins], False)
    assert "logins" not in called


PASSWORD = "hunter2-S3cret.is-long"


@pytest.mark.parametrize(
    "said", [PASSWORD, PASSWORD.upper(), PASSWORD[::-1], base64.b64encode(PASSWORD.encode()).decode()]
)
def test_a_login_that_is_not_tried_is_masked_in_what_a_relay_says(said: str) -> None:
    """The relay knows it from the app; the host, which was not given it, cannot look for it."""
    words = smtp(greeting=f"220 {said}", ehlo=f"250-{said}\n250-AUTH PLAIN\n250 X-{said}")
    with FaultyServer(words) as server:
        asked = Settings("127.0.0.1", server.port, "opportunistic", username="app", password=PASSWORD, timeout=5)
        plans = [plan_of(asked, Policy())]
        run = probe_host(lambda _module, arguments: answer(arguments["plans"]), [asked], plans, False)
    text = json.dumps(run.observations)
    assert "AUTH PLAIN" in text and "********" in text
    assert said.lower() not in text.lower()


@pytest.mark.parametrize(
    "result",
    [
        {"failed": True, "msg": "ca_path is /x", "option": "ca_path"},
        {"failed": True, "msg": "no python"},
        {"unreachable": True, "msg": "gone"},
        {},
    ],
)
def test_a_host_that_cannot_probe(result: dict[str, t.Any]) -> None:
    with pytest.raises(HostError) as caught:
        probe_host(
            lambda _module, _arguments: dict(result, invocation={"password": "x"}),
            [settings()],
            [plan_of(settings(), Policy())],
            False,
        )
    assert "invocation" not in caught.value.result
    assert str(caught.value)


@pytest.mark.parametrize(
    ("result", "said"),
    [({"msg": "no room\x1b[2K"}, r"no room\x1b[2K"), ({"msg": None}, "the host gave no reason"), ({}, "the host gave no reason")],
)  # fmt: skip
def test_the_reason_of_a_module_that_broke_off_is_told(result: dict[str, t.Any], said: str) -> None:
    assert reason_of(result) == str(HostError(result)) == said
