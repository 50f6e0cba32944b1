# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret is never seen before TLS, whatever a relay says, except where cleartext was chosen by name for that network."""

from __future__ import annotations

import base64
import ssl
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._observe.endpoint import ContextPool, observe
from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Plan, Security
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.support.tiny import Peer, TinyServer, self_signed

USER, SECRET = "app", "hunter2-S3cret"
MESSAGE = "Subject: x\r\n\r\nprivate-words\r\n"
MODES: t.List[Security] = ["implicit_tls", "starttls", "opportunistic", "cleartext", "auto"]


class Recorder:
    """A relay that says what it was told to, and keeps all lines apart: what came in cleartext, what in TLS."""

    def __init__(self, script: t.Mapping[str, t.Any], context: ssl.SSLContext) -> None:
        self.script = script
        self.context = context
        self.cleartext: list[str] = []
        self.encrypted: list[str] = []

    def __call__(self, peer: Peer) -> None:
        script = self.script
        if script["implicit"]:
            peer.start_tls(self.context)
        peer.say(script["greeting"])
        while True:
            line = peer.line()
            (self.encrypted if peer.tls else self.cleartext).append(line)
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                peer.say(
                    "250-tiny.test\r\n"
                    + "".join(f"250-{word}\r\n" for word in script["after" if peer.tls else "before"])
                    + "250 SIZE\r\n"
                )
            elif verb == "STARTTLS":
                peer.say(script["starttls"])
                if script["starts"]:
                    peer.start_tls(self.context)
            elif verb == "AUTH":
                peer.say(script["auth"])
            elif verb == "QUIT":
                return
            else:
                peer.say("354 go\r\n" if verb == "DATA" else "250 ok\r\n")


AUTH = ["AUTH PLAIN", "AUTH LOGIN", "AUTH CRAM-MD5", "AUTH PLAIN LOGIN", "AUTH=LOGIN PLAIN", "AUTH"]
SCRIPTS = st.fixed_dictionaries(
    {
        "implicit": st.booleans(),
        "greeting": st.sampled_from(
            ["220 hi\r\n", "220-hi\r\n220 there\r\n", "220 hi\r\n250 AUTH PLAIN\r\n", "334 \r\n", "554 no\r\n"]
        ),
        "before": st.lists(st.sampled_from(["STARTTLS", *AUTH]), max_size=3),
        "after": st.lists(st.sampled_from(["STARTTLS", *AUTH]), max_size=2),
        "starttls": st.sampled_from(
            [
                "220 go\r\n",
                "220 go\r\n250-x\r\n250 AUTH PLAIN\r\n",
                "250 ok\r\n",
                "454 no\r\n",
                "334 \r\n",
                "502 what\r\n",
            ]
        ),
        "starts": st.booleans(),
        "auth": st.sampled_from(
            [
                "235 ok\r\n",
                "334 \r\n",
                "334 VXNlcm5hbWU6\r\n",
                "334 PDEyQHg+\r\n",
                "535 no\r\n",
                "454 later\r\n",
                "530 starttls first\r\n",
            ]
        ),
    }
)
ASKED = st.fixed_dictionaries(
    {
        "security": st.sampled_from(MODES),
        "validate_certs": st.booleans(),
        "minimum_tls_version": st.sampled_from(["TLSv1", "TLSv1.2"]),
        "login_tls_version": st.sampled_from(["TLSv1", "TLSv1.2", "TLSv1.3"]),
        "cleartext_networks": st.sampled_from([[], ["127.0.0.0/8"], ["10.0.0.0/8"]]),
        "require_all_addresses": st.booleans(),
        "login_required": st.booleans(),
        "fallback": st.booleans(),
        "ask_chosen": st.booleans(),
        "try_injection": st.booleans(),
        "transaction": st.sampled_from(
            [None, {"sender": "a@x.test", "recipients": ["b@x.test"], "message": MESSAGE, "deliver": True}]
        ),
    }
)


SOUND = {
    "implicit": False,
    "greeting": "220 hi\r\n",
    "before": ["STARTTLS", "AUTH PLAIN"],
    "after": ["AUTH PLAIN"],
    "starttls": "220 go\r\n",
    "starts": True,
    "auth": "235 ok\r\n",
}
PLAINLY = {
    "security": "cleartext",
    "validate_certs": False,
    "minimum_tls_version": "TLSv1.2",
    "login_tls_version": "TLSv1.2",
    "cleartext_networks": [],
    "require_all_addresses": False,
    "login_required": True,
    "fallback": False,
    "ask_chosen": True,
    "try_injection": False,
    "transaction": None,
}


def forms(text: str) -> list[str]:
    """How a secret travels."""
    return [text, base64.b64encode(text.encode()).decode(), base64.b64encode(f"\0{USER}\0{text}".encode()).decode()]


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return self_signed(str(tmp_path_factory.mktemp("tls")))


def test_no_secret_before_tls(context: ssl.SSLContext) -> None:
    seen = {"cleartext": 0, "encrypted": 0}

    @settings(max_examples=examples(60), deadline=None, suppress_health_check=list(HealthCheck))
    @example(SOUND, SOUND, PLAINLY, "starttls", None)
    @example(SOUND, SOUND, {**PLAINLY, "security": "starttls"}, "starttls", None)
    @example(
        {**SOUND, "greeting": "554 no\r\n"},
        SOUND,
        {**PLAINLY, "security": "opportunistic", "fallback": True},
        "auto",
        None,
    )
    @example(
        {**SOUND, "greeting": "554 no\r\n"},
        {**SOUND, "before": ["AUTH PLAIN"]},
        {**PLAINLY, "security": "opportunistic", "fallback": True},
        "auto",
        None,
    )
    @given(SCRIPTS, SCRIPTS, ASKED, st.sampled_from(MODES), st.sampled_from([None, "PLAIN", "LOGIN", "CRAM-MD5"]))
    def check(
        script: dict[str, t.Any],
        other: dict[str, t.Any],
        asked: dict[str, t.Any],
        other_security: Security,
        mechanism: str | None,
    ) -> None:
        chosen, alternative = Recorder(script, context), Recorder(other, context)
        with TinyServer(chosen) as first, TinyServer(alternative) as second:
            plan = {
                "host": "127.0.0.1",
                "port": first.port,
                "ca_path": None,
                "server_name": "localhost",
                "helo_name": None,
                "source_address": None,
                "ip_version": "any",
                "timeout": 0.8,
                "control_port": None,
                "alternatives": [{"port": second.port, "security": other_security}],
                **asked,
            }
            observe([t.cast(Plan, plan)], [(USER, SECRET, mechanism)], ContextPool())
            for server in (first, second):
                server.heard()
        by_name = asked["security"] == "cleartext" and asked["cleartext_networks"] in ([], ["127.0.0.0/8"])
        for relay in (chosen, alternative):
            told = any(form in line for line in relay.cleartext for form in forms(SECRET)) or any(
                line.startswith("AUTH") for line in relay.cleartext
            )
            assert by_name or not told, relay.cleartext
            in_tls = any(line.startswith("AUTH") for line in relay.encrypted)
            assert not (in_tls and asked["validate_certs"]), "the certificate is not trusted"
            seen["cleartext"] += told
            seen["encrypted"] += in_tls
        mail_by_name = by_name or (
            asked["security"] == "opportunistic" and asked["cleartext_networks"] in ([], ["127.0.0.0/8"])
        )
        assert mail_by_name or not any("private-words" in line for line in chosen.cleartext)
        assert not any("private-words" in line for line in alternative.cleartext + alternative.encrypted), (
            "a message is sent once, on the chosen port"
        )

    check()
    assert seen["cleartext"] and seen["encrypted"], "the search must have met both"
