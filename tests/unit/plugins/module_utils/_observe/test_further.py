# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a relay that is silent, out of step or fails shows.

Replies out of step, other suites, both modes, proxies, client certificates.
"""

from __future__ import annotations

import base64
import itertools
import re
import select
import socket
import ssl
import subprocess
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._observe import tls
from ansible_collections.mailops.smtp.plugins.module_utils._observe.climb import Climb
from ansible_collections.mailops.smtp.plugins.module_utils._observe.clock import Deadline
from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Attempt, Security
from ansible_collections.mailops.smtp.plugins.module_utils._observe.ladder import ClimbOptions
from ansible_collections.mailops.smtp.plugins.module_utils._observe.resolve import Address
from ansible_collections.mailops.smtp.plugins.module_utils._observe.tls import TLSContexts

from tests.support.shape import mismatches
from tests.support.tiny import Peer, TinyServer, esmtp, self_signed

STARTTLS = "250-tiny.test\r\n250 STARTTLS\r\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def context(folder: str) -> ssl.SSLContext:
    return self_signed(folder)


def server_context(folder: str, **settings: t.Any) -> ssl.SSLContext:
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    found.load_cert_chain(f"{folder}/cert.pem", f"{folder}/key.pem")
    suites = settings.pop("suites", None)
    if suites:
        found.set_ciphers(suites)
    for name, value in settings.items():
        setattr(found, name, value)
    return found


def climb(
    server: TinyServer, security: Security, contexts: TLSContexts | None = None, timeout: float = 5.0, **options: t.Any
) -> Attempt:
    address = Address(socket.AF_INET, ("127.0.0.1", server.port))
    contexts = contexts or TLSContexts(False, None, "TLSv1.2")
    found = Climb(
        address, security, ClimbOptions(server_name="localhost", **options), contexts, Deadline(timeout)
    ).run()
    assert mismatches(found, Attempt) == []
    return found


def why(attempt: Attempt) -> tuple[str, str] | None:
    return attempt["failure"] and (attempt["failure"]["layer"], attempt["failure"]["kind"])


# -- replies out of step


def out_of_step(first: str, *replies: str) -> t.Callable[[Peer], None]:
    """Says ``first`` of itself, then one of the replies for each line."""

    def play(peer: Peer) -> None:
        peer.say(first)
        for reply in replies:
            peer.line()
            peer.say(reply)
        peer.hold()

    return play


EHLO = "250-tiny.test\r\n250-SIZE 1000\r\n250 STARTTLS\r\n"


@pytest.mark.parametrize("security", ["starttls", "cleartext", "opportunistic", "auto"])
@pytest.mark.parametrize(
    "play, sign, code",
    [
        (out_of_step("220 front\r\n", "220 back ESMTP\r\n", EHLO), "second_greeting", 220),
        (out_of_step("220 front\r\n220 back ESMTP\r\n", EHLO), "second_greeting", 220),
        # A proxy's header in front of a server that does not know it: one reply too many.
        (
            out_of_step("220 back ESMTP\r\n502 5.5.2 Error: command not recognized\r\n", EHLO, "250 back\r\n"),
            "unasked",
            502,
        ),
        (
            out_of_step("220 back ESMTP\r\n", "502 5.5.2 Error: command not recognized\r\n", EHLO, "250 back\r\n"),
            "late_reply",
            502,
        ),
        (
            out_of_step("220 back ESMTP\r\n", "500 unrecognized command\r\n", "250 back\r\n250 back\r\n"),
            "late_reply",
            500,
        ),
        (out_of_step("220 x\r\n", "214 help\r\n"), "wrong_code", 214),
        (out_of_step("220 x\r\n", "354 go\r\n"), "wrong_code", 354),
        (out_of_step("220 x\r\n", "251-x\r\n251 STARTTLS\r\n"), "wrong_code", 251),
    ],
    ids=[
        "greets twice",
        "greets twice at once",
        "a header before, at once",
        "a header before",
        "a header before, no extensions",
        "help",
        "data",
        "251",
    ],
)
def test_replies_out_of_step(play: t.Callable[[Peer], None], sign: str, code: int, security: Security) -> None:
    with TinyServer(play) as server:
        found = climb(server, security)
        assert why(found) == ("ehlo", "out_of_step")
        assert (found["failure"]["sign"], found["failure"]["code"]) == (sign, code)


@pytest.mark.parametrize("injection", [True, False])
def test_a_second_greeting_in_tls(context: ssl.SSLContext, injection: bool) -> None:
    def play(peer: Peer) -> None:
        peer.say("220 front\r\n")
        peer.line()
        peer.say(STARTTLS)
        peer.line()
        peer.say("220 go\r\n")
        peer.start_tls(context)
        peer.say("220 back ESMTP\r\n")
        peer.line()
        peer.say("250-back\r\n250 SIZE\r\n")
        peer.hold()

    with TinyServer(play) as server:
        found = climb(server, "starttls", try_injection=injection)
        assert why(found) == ("ehlo", "out_of_step")
        assert found["failure"]["sign"] == "second_greeting"


def test_421_behind_the_greeting() -> None:
    for play, kind in (
        (out_of_step("220 x\r\n421 4.7.0 too many connections\r\n"), "out_of_step"),
        (out_of_step("220 x\r\n", "421 4.7.0 too many connections\r\n"), "reply"),
    ):
        with TinyServer(play) as server:
            found = climb(server, "starttls")
        assert why(found) == ("ehlo", kind)
        assert (found["failure"]["code"], found["failure"]["lines"]) == (421, ["4.7.0 too many connections"])


def test_a_server_without_extensions_is_in_step() -> None:
    with TinyServer(out_of_step("220 old\r\n", "502 what\r\n", "250 old\r\n")) as server:
        found = climb(server, "cleartext")
        assert found["failure"] is None
        assert found["helo"]["code"] == 250


@pytest.mark.parametrize("end", [Peer.reset, lambda peer: None, Peer.hold], ids=["reset", "closed", "silent"])
def test_a_refused_ehlo_keeps_its_words(end: t.Callable[[Peer], None]) -> None:
    def play(peer: Peer) -> None:
        peer.say("220 x\r\n")
        peer.line()
        peer.say("550 5.7.1 we do not know you\r\n")
        peer.line()
        end(peer)

    with TinyServer(play) as server:
        found = climb(server, "starttls", timeout=1.0)
        assert why(found) == ("ehlo", "reply")
        assert found["failure"]["lines"] == ["5.7.1 we do not know you"]
        assert found["helo_failure"]["kind"] in ("reset", "closed", "timeout")


def test_the_last_words_of_a_relay_that_hangs_up() -> None:
    def play(peer: Peer) -> None:
        peer.say("220 x\r\n")
        peer.line()
        peer.say(EHLO)
        peer.line()
        peer.say("250 ok\r\n554 5.7.1 go away\r\n")
        peer.wait(0.1)
        peer.reset()

    message = {"sender": "a@x.test", "recipients": ["b@x.test", "c@x.test"], "message": "x\r\n", "deliver": True}
    with TinyServer(play) as server:
        found = climb(server, "cleartext", cleartext_allowed=True, transaction=message)
        assert why(found) == ("transaction", "reply")
        assert found["failure"]["lines"] == ["5.7.1 go away"]


# -- suites


@pytest.mark.parametrize("security", ["implicit_tls", "starttls"])
@pytest.mark.parametrize("own", ["", "DEFAULT"], ids=["Python's choice", "OpenSSL's choice"])
@pytest.mark.parametrize(
    "suites",
    [
        "AES128-SHA",
        "AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-SHA",
        "ECDHE-RSA-AES256-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
    ],
)
def test_suites_that_not_every_library_has(
    suites: str, own: str, security: Security, folder: str, context: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However this Python was built, what is found is the same; what is modern costs no connection more."""
    assert context
    chosen_by(own, monkeypatch)
    there = server_context(folder, suites=suites, maximum_version=ssl.TLSVersion.TLSv1_2)
    contexts = TLSContexts(True, f"{folder}/cert.pem", "TLSv1.2")
    play = esmtp(
        ehlo=STARTTLS,
        ehlo_after_tls="250-tiny.test\r\n250 AUTH PLAIN\r\n",
        context=there,
        implicit=security == "implicit_tls",
        users={"app": "x"},
    )
    with TinyServer(play) as server:
        found = climb(server, security, contexts, credentials=("app", "x", None))
        assert found["failure"] is None
        assert found["tls"]["cipher"] == suites
        assert found["tls"]["verified"] is True
        modern = suites == "ECDHE-RSA-AES128-GCM-SHA256"
        assert ("python_refused" in found) == (not modern)
        if modern:
            assert server.connections == 1
        else:
            assert found["python_refused"]["layer"] == "tls"
            assert server.connections == 2  # refused, and the one that counts


def chosen_by(suites: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if this Python had been built so, or its system's policy were that: its contexts begin with these suites."""
    bare = tls._bare_context

    def built() -> ssl.SSLContext:
        context = bare()
        if suites:
            context.set_ciphers(suites)
        return context

    monkeypatch.setattr(tls, "_bare_context", built)


@pytest.mark.parametrize("policy", ["ECDHE+AESGCM:@SECLEVEL=3", "ECDHE+AESGCM:AES256-SHA", "ALL:aNULL:@SECLEVEL=0"])
def test_no_more_than_the_system_takes(policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen_by(policy, monkeypatch)
    contexts = TLSContexts(False, None, "TLSv1.2")
    names = [
        {suite["name"] for suite in context.get_ciphers()}
        for context in (contexts.offering("more"), tls._bare_context())
    ]
    assert names[0] <= names[1]
    assert contexts.has_more() == ("AES256-SHA" in names[1])
    if hasattr(contexts.context(), "security_level"):
        levels = {contexts.offering(suites).security_level for suites in ("usual", "more")}
        assert levels == {tls._bare_context().security_level}


def test_an_old_version_that_is_good_enough_is_tried_second(folder: str, context: ssl.SSLContext) -> None:
    """The first try is the same whatever is allowed, so that it shows what every library would be told."""
    assert context
    there = server_context(folder, suites="ALL:@SECLEVEL=0", maximum_version=ssl.TLSVersion.TLSv1_1)
    there.minimum_version = ssl.TLSVersion.TLSv1
    with TinyServer(esmtp(context=there, implicit=True)) as server:
        found = climb(server, "implicit_tls", TLSContexts(True, f"{folder}/cert.pem", "TLSv1.1"))
        assert found["failure"] is None
        assert found["tls"]["version"] == "TLSv1.1"
        assert "python_refused" in found
        assert server.connections == 2


def test_other_suites_do_not_help_a_bad_certificate(folder: str, context: ssl.SSLContext) -> None:
    assert context
    there = server_context(folder, suites="AES128-SHA", maximum_version=ssl.TLSVersion.TLSv1_2)
    with TinyServer(esmtp(context=there, implicit=True)) as server:
        found = climb(server, "implicit_tls", TLSContexts(True, None, "TLSv1.2"), credentials=("app", "x", None))
        assert why(found) == ("certificate", "certificate")
        assert server.heard() == []


# -- client certificates


@pytest.mark.parametrize("security", ["implicit_tls", "starttls"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_certificate_that_is_asked_for(
    version: ssl.TLSVersion, security: Security, folder: str, context: ssl.SSLContext
) -> None:
    assert context
    there = server_context(folder, verify_mode=ssl.CERT_REQUIRED, maximum_version=version, minimum_version=version)
    with TinyServer(esmtp(ehlo=STARTTLS, context=there, implicit=security == "implicit_tls")) as server:
        found = climb(server, security)
        assert found["failure"] is not None
        assert found["tls"]["certificate_requested"] is True


# -- odd certificates


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize(
    "odd",
    [
        ["-set_serial", "-5"],
        ["-addext", "subjectAltName=DER:30:0d:82:0b:6c:6f:63:61:6c:68:6f:73:74:00:78"],  # "localhost", a NUL, "x"
    ],
    ids=["negative serial", "NUL in a name"],
)
def test_odd_certificates(odd: list[str], verify: bool, tmp_path: Path) -> None:
    """Whatever stands in them, they are shown as they came, and a name with a NUL is no other name."""
    names = ["/CN=localhost", *odd]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", *names]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subprocess.run([*command, *files], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    there = server_context(str(tmp_path))
    sent = ssl.PEM_cert_to_DER_cert((tmp_path / "cert.pem").read_text())
    contexts = TLSContexts(verify, str(tmp_path / "cert.pem"), "TLSv1.2")
    with TinyServer(esmtp(context=there, implicit=True)) as server:
        found = climb(server, "implicit_tls", contexts, credentials=("app", "hunter2-S3cret", None))
        assert found["chain"] == [base64.b64encode(sent).decode()]
        good = not verify or odd[0] == "-set_serial"
        assert good or why(found) == ("certificate", "certificate")
        assert found["tls"]["verified"] is (verify and good)


# -- silence


def sslh(context: ssl.SSLContext) -> t.Callable[[Peer], None]:
    """TLS for who begins with a ClientHello, cleartext for who says anything else, or nothing for a while."""

    def play(peer: Peer) -> None:
        peer.sock.settimeout(1.5)
        try:
            first = peer.sock.recv(5, socket.MSG_PEEK)
        except socket.timeout:
            first = b""
        peer.sock.settimeout(None)
        esmtp(ehlo=STARTTLS, context=context, implicit=first[:1] == b"\x16")(peer)

    return play


@pytest.mark.parametrize("security", ["starttls", "implicit_tls", "opportunistic", "cleartext"])
def test_a_port_of_both_modes(security: Security, context: ssl.SSLContext) -> None:
    with TinyServer(sslh(context)) as server:
        found = climb(server, security)
        assert found["failure"] is None
        assert found["security"] == security
        assert found.get("both_modes") is (None if security == "implicit_tls" else True)


def test_a_port_of_one_mode(context: ssl.SSLContext) -> None:
    with TinyServer(esmtp(context=context, implicit=True)) as server:
        started = time.monotonic()
        found = climb(server, "starttls")
        assert time.monotonic() - started < 4.5
        assert why(found) == ("mode", "tls_spoken")
        assert found["both_modes"] is False


@pytest.mark.parametrize("in_tls", [False, True])
def test_a_port_that_wants_a_proxy_in_front(in_tls: bool, context: ssl.SSLContext) -> None:
    def play(peer: Peer) -> None:
        said = b""
        while not said.endswith(b"\n") and (said[:6] == b"PROXY " or said in b"PROXY "):
            said += peer.sock.recv(1) or b"\n"  # a ClientHello may come in one piece with the header
        if said.startswith(b"PROXY "):
            esmtp(context=context, implicit=in_tls)(peer)

    with TinyServer(play) as server:
        started = time.monotonic()
        found = climb(server, "starttls", timeout=20.0)
        assert time.monotonic() - started < 15, "it says so, and need not be waited for to the end"
        assert why(found) == ("greeting", "timeout")
        assert found["after_proxy_header"]["code"] == (0 if in_tls else 220)


def test_a_port_that_is_silent_to_all_but_a_proxy() -> None:
    def play(peer: Peer) -> None:
        said = b""
        while not said.endswith(b"\n"):
            said += peer.sock.recv(1) or b"\n"  # a ClientHello may hold a line end, and is silence too
        if re.fullmatch(rb"PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n", said):
            esmtp()(peer)
        else:
            peer.hold()

    with TinyServer(play) as server:
        started = time.monotonic()
        found = climb(server, "starttls", timeout=20.0)
        assert time.monotonic() - started < 15
        assert why(found) == ("greeting", "timeout")
        assert found["after_proxy_header"]["code"] == 220
        assert server.connections == 5  # twice each way, but for the ClientHello


def test_later_connections_that_are_greeted_are_no_proxy() -> None:
    turns = itertools.count()

    def play(peer: Peer) -> None:
        if next(turns) < 2:
            peer.hold()
        else:
            esmtp()(peer)

    with TinyServer(play) as server:
        found = climb(server, "cleartext", timeout=20.0)
        assert found["failure"] is None and found["unserved"] and "after_proxy_header" not in found


def test_a_port_that_greets_whoever_speaks_first_is_behind_no_proxy() -> None:
    def play(peer: Peer) -> None:
        if not peer.some().startswith(b"\x16"):
            esmtp()(peer)

    with TinyServer(play) as server:
        found = climb(server, "starttls", timeout=20.0)
        assert why(found) == ("greeting", "timeout")
        assert found["speaks_second"] and "after_proxy_header" not in found


def test_a_deaf_port_gets_no_further_connections() -> None:
    with TinyServer(Peer.hold) as server:
        found = climb(server, "starttls", timeout=1.0)
        assert why(found) == ("greeting", "timeout")
        assert "after_proxy_header" not in found
        assert server.connections == 2


def test_a_relay_that_keeps_clients_waiting_and_hangs_up_on_those_who_do_not() -> None:
    def play(peer: Peer) -> None:
        if select.select([peer.sock], [], [], 1.2)[0]:
            peer.say("503 5.5.0 Improper use of SMTP command pipelining\r\n")
        else:
            esmtp()(peer)

    with TinyServer(play) as server:
        found = climb(server, "implicit_tls", timeout=20.0)
        assert why(found) == ("mode", "plaintext")
        assert found["other_mode"]["greeting"]["code"] == 220


@pytest.mark.parametrize(
    "said, greeting", [("450 4.3.2 try later\r\n", 450), ("554 5.7.1 not you\r\n", 554), ("220 hi\r\n", 220)]
)
def test_cleartext_in_answer_to_a_client_hello(said: str, greeting: int) -> None:
    with TinyServer(out_of_step(said)) as server:
        found = climb(server, "implicit_tls", timeout=2.0)
        assert why(found) == ("mode", "plaintext")
        assert found["failure"]["text"] == said.strip()
        assert found["other_mode"]["greeting"]["code"] == greeting
