# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies whose lines or codes say two things at once, at each step of a session that is sound otherwise: none of them passes."""

from __future__ import annotations

import datetime
import re

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._observe.endpoint import ContextPool, observe
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import plan_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import HostFacts, Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import judge

from tests.support.faulty import Behaviour, FaultyServer, Peer

# What is right at each step, and what it is when the reply is not one.
STEPS = {
    "greeting": (b"220", "not_smtp"), "EHLO": (b"250", "ehlo_rejected"), "AUTH": (b"235", "auth_rejected"), "MAIL": (b"250", "message_rejected"),
    "RCPT": (b"250", "message_rejected"), "DATA": (b"354", "message_rejected"), ".": (b"250", "message_rejected"),
}  # fmt: skip
# G is the right code, B a refusal.
MIXED = {
    "refused first": b"B-no\r\nG ok\r\n", "refused in the middle": b"G-a\r\nB-b\r\nG c\r\n",
    "line feeds": b"B-no\nG ok\n", "another digit": b"G0 ok\r\n", "a tab": b"G\tok\r\n", "a blank before it": b" G ok\r\n",
    "a code of other digits": "２３５ ok\r\n".encode(), "preliminary": b"100-wait\r\nG ok\r\n", "an empty line before it": b"\r\nG ok\r\n",
    "a line end of Unicode": b"B-no\xc2\x85G ok\r\nG ok\r\n", "a lone carriage return": b"B-no\rG ok\r\nG ok\r\n",
}  # fmt: skip
# A relay that refuses behind a line that did not (postscreen does) has refused; HELO is asked after EHLO, and offers no login.
CHANGED_ITS_MIND = {
    "greeting": "greeting_rejected", "EHLO": "auth_not_offered", "AUTH": "auth_rejected", "MAIL": "sender_rejected", "RCPT": "recipient_rejected",
    "DATA": "message_rejected", ".": "message_rejected",
}  # fmt: skip
# Success of another command, where it is no success of this one.
OTHERS = [
    ("AUTH", "250"), ("AUTH", "220"), ("AUTH", "221"), ("AUTH", "200"), ("MAIL", "220"), ("MAIL", "235"), ("RCPT", "221"),
    (".", "220"), (".", "221"), (".", "235"),
]  # fmt: skip
MESSAGE = {"sender": "a@example.com", "recipients": ["b@example.com"], "message": "x\r\n", "deliver": True}


def relay(step: str, said: bytes) -> Behaviour:
    """Sound, but for what it says at this step."""

    def answer(peer: Peer, verb: str, right: str) -> None:
        peer.send(said if verb == step else right + "\r\n")

    def run(peer: Peer) -> None:
        answer(peer, "greeting", "220 odd.test ESMTP")
        while True:
            verb = peer.line().partition(" ")[0].upper()
            if verb == "EHLO":
                answer(peer, verb, "250-odd.test\r\n250 AUTH PLAIN")
                continue
            answer(peer, verb, {"AUTH": "235 in", "DATA": "354 go", "QUIT": "221 bye"}.get(verb, "250 ok"))
            if verb == "DATA":
                while peer.line() != ".":
                    pass
                answer(peer, ".", "250 queued")

    return run


def verdict(step: str, said: bytes) -> tuple[bool, str | None, str]:
    with FaultyServer(relay(step, said)) as server:
        settings = Settings("localhost", server.port, "cleartext", timeout=20, ip_version="4")
        policy = Policy(cleartext_networks=("127.0.0.0/8",))
        plan = plan_of(settings, policy, transaction=MESSAGE)
        (found,) = observe([plan], [("app", "s3cret", None)], ContextPool())
    probe = judge(settings, found, policy, HostFacts(datetime.datetime.now(datetime.UTC)))
    return probe["ok"], probe["cause"], probe["message"] or ""


@pytest.mark.parametrize("step", STEPS)
def test_a_reply_of_two_minds_never_passes(step: str) -> None:
    right, cause = STEPS[step]
    assert verdict(step, right + b"-one\r\n" + right + b" two\r\n")[0] or step == "EHLO"
    for kind, shape in MIXED.items():
        said = re.sub(rb"\bB\b", b"550", re.sub(rb"\bG(?=0?\b)", right, shape))
        assert verdict(step, said)[:2] == (False, cause), kind
    assert verdict(step, right + b"-ok\r\n550 no\r\n")[:2] == (False, CHANGED_ITS_MIND[step])


@pytest.mark.parametrize(("step", "code"), OTHERS)
def test_success_of_another_command_is_none_of_this_one(step: str, code: str) -> None:
    ok, cause, message = verdict(step, code.encode() + b" here you are\r\n")
    assert (ok, cause) == (False, STEPS[step][1])
    assert f"('{code} here you are')" in message, message
    signs = (
        "it answers with a code that does not belong to the command",
        "it greets a second time where another reply belongs",
    )
    assert any(sign in message for sign in signs), message
