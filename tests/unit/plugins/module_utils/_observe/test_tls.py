# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read off a TLS handshake in flight: whatever a relay sends, nothing escapes."""

from __future__ import annotations

import contextlib
import signal
import socket
import ssl
import types
import typing as t
from pathlib import Path

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._observe import tls
from ansible_collections.mailops.smtp.plugins.module_utils._observe.clock import Deadline
from ansible_collections.mailops.smtp.plugins.module_utils._observe.failure import Failure
from ansible_collections.mailops.smtp.plugins.module_utils._observe.tls import TLSContexts, looks_like_tls
from ansible_collections.mailops.smtp.plugins.module_utils._observe.wire import Wire
from hypothesis import given
from hypothesis import strategies as st


def message(certificates: list[bytes], tls_1_3: bool, context: bytes = b"", extensions: bytes = b"") -> bytes:
    """A Certificate message (RFC 8446 section 4.4.2, RFC 5246 section 7.4.2)."""
    entries = b""
    for der in certificates:
        entries += len(der).to_bytes(3, "big") + der
        if tls_1_3:
            entries += len(extensions).to_bytes(2, "big") + extensions
    body = (bytes([len(context)]) + context if tls_1_3 else b"") + len(entries).to_bytes(3, "big") + entries
    return b"\x0b" + len(body).to_bytes(3, "big") + body


@given(st.lists(st.binary(max_size=40), max_size=16), st.booleans(), st.binary(max_size=10), st.binary(max_size=10))
def test_certificates_as_sent(certificates: list[bytes], tls_1_3: bool, context: bytes, extensions: bytes) -> None:
    assert tls._certificates(message(certificates, tls_1_3, context, extensions), tls_1_3) == certificates


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_as_certificate_message(data: bytes, tls_1_3: bool) -> None:
    found = tls._certificates(data, tls_1_3)
    assert len(found) <= 16
    assert sum(len(der) for der in found) <= len(data)


@pytest.mark.parametrize("tls_1_3", [True, False])
def test_a_message_cut_anywhere(tls_1_3: bool) -> None:
    whole = message([b"first", b"second" * 50], tls_1_3, b"ctx", b"ext")
    for end in range(len(whole)):
        assert len(tls._certificates(whole[:end], tls_1_3)) <= 2


@given(
    st.sampled_from(["read", "write"]),
    st.integers(0, 0x10000),
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=60),
)
def test_the_callback_takes_anything(
    direction: str, version: int, content_type: int, message_type: int, data: bytes
) -> None:
    session = types.SimpleNamespace(
        chain=(), chain_seen=False, certificate_requested=False, seen_version=None, dh_bits=None
    )
    tls._note(session, direction, version, content_type, message_type, data)
    assert session.chain_seen == (direction == "read" and content_type == 22 and message_type == 11)
    assert session.certificate_requested == (direction == "read" and content_type == 22 and message_type == 13)


@pytest.mark.parametrize(
    ("message", "bits"),
    [
        (b"\x00\x80" + b"\xff" * 128 + b"\x00\x01\x02", 1024),
        (b"\x00\x80" + b"\x0f" * 128 + b"\x00\x01\x02", 1020),
        (b"\x01\x00" + b"\x80" * 256, 2048),
        (b"\x03\x00\x1d\x20" + b"k" * 32, None),  # ECDHE with X25519
        (b"\x00\x80" + b"\xff" * 99, None),  # cut off
        (b"", None),
        (b"\x00", None),
    ],
)
def test_the_size_of_the_group(message: bytes, bits: int | None) -> None:
    assert tls._group_bits(message) == bits


def test_a_million_certificates_are_not_kept() -> None:
    assert len(tls._certificates(message([b"x"] * 5000, True), True)) == 16


@pytest.mark.parametrize(
    "data, verdict",
    [
        (b"\x16\x03\x01\x02\x00", True),
        (b"\x15\x03\x03", True),
        (b"\x16", True),
        (b"\x16\x02", False),
        (b"", False),
        (b"220 x", False),
        (b"\x80\x2e\x01", False),
    ],
)
def test_looks_like_tls(data: bytes, verdict: bool) -> None:
    assert looks_like_tls(data) is verdict


def test_one_context_for_all_and_as_strict_as_apps() -> None:
    contexts = TLSContexts(True, None, "TLSv1.2")
    context = contexts.context()
    assert context is contexts.context()
    assert context.check_hostname
    assert context.verify_mode == tls.ssl.CERT_REQUIRED
    assert context.minimum_version == tls.ssl.TLSVersion.TLSv1_2
    assert not TLSContexts(False, None, "TLSv1.2").context().check_hostname


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("minimum", ["TLSv1", "TLSv1.1", "TLSv1.2"])
def test_no_suite_without_certificate_or_encryption_is_ever_offered(verify: bool, minimum: str) -> None:
    contexts = TLSContexts(verify, None, minimum)
    for context in (contexts.context(), contexts.legacy()):
        suites = context.get_ciphers()
        assert suites
        for suite in suites:
            assert suite["auth"] not in ("auth-null", "auth-psk", "auth-srp"), suite["name"]
            assert suite["strength_bits"] >= 56, suite["name"]
            assert "EXP" not in suite["name"] and "NULL" not in suite["name"]


def test_a_host_that_offers_anonymous_suites_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an openssl.cnf may ask for."""
    bare = tls._bare_context

    def loose() -> tls.ssl.SSLContext:
        context = bare()
        context.set_ciphers("ALL:aNULL:eNULL:@SECLEVEL=0")
        assert any(suite["auth"] == "auth-null" for suite in context.get_ciphers())
        return context

    monkeypatch.setattr(tls, "_bare_context", loose)
    assert not any(
        suite["auth"] == "auth-null" or not suite["strength_bits"]
        for suite in TLSContexts(True, None, "TLSv1.2").context().get_ciphers()
    )


def test_ca_file(tmp_path: object) -> None:
    for content in ("", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        path = f"{tmp_path}/ca.pem"
        with open(path, "w", encoding="ascii") as file:
            file.write(content)
        with pytest.raises(OSError if not content else tls.ssl.SSLError):
            TLSContexts(True, path, "TLSv1.2").load_ca_file(20)
    with pytest.raises(OSError):
        TLSContexts(True, f"{tmp_path}/none.pem", "TLSv1.2").load_ca_file(20)
    with pytest.raises(OSError):
        TLSContexts(False, f"{tmp_path}/none.pem", "TLSv1.2").load_ca_file(20)


def test_a_ca_file_that_vanishes(tmp_path: Path) -> None:
    from tests.support.tiny import self_signed

    self_signed(str(tmp_path))
    contexts = TLSContexts(True, f"{tmp_path}/cert.pem", "TLSv1.2")
    contexts.load_ca_file(20)
    (tmp_path / "cert.pem").unlink()
    assert not contexts.has_more()
    assert TLSContexts(False, None, "TLSv1.2").has_more()


@pytest.fixture
def store(tmp_path: Path) -> dict[str, t.Any]:
    """A system's store as Debian makes it: a bundle among links by hash."""
    texts = [f"-----BEGIN CERTIFICATE-----\n{number}\n-----END CERTIFICATE-----\n" for number in range(3)]
    for number, text in enumerate(texts):
        (tmp_path / f"ca{number}.pem").write_text(text)
        (tmp_path / f"0123abc{number}.{number}").symlink_to(f"ca{number}.pem")
    (tmp_path / "bundle.crt").write_text("".join(texts))
    return {"file": str(tmp_path / "bundle.crt"), "folder": str(tmp_path)}


def test_a_bundle_that_is_in_its_folder_need_not_be_read(store: dict[str, t.Any], tmp_path: Path) -> None:
    assert tls._folder_has_all(store)
    (tmp_path / "9999ffff.0").write_text("-----BEGIN CERTIFICATE-----\nmore\n-----END CERTIFICATE-----\n")
    assert tls._folder_has_all(store)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (
            (folder / "bundle.crt").open("a").write("-----BEGIN CERTIFICATE-----\nby hand\n-----END CERTIFICATE-----\n")
        ),
        lambda folder: (
            (folder / "bundle.crt")
            .open("a")
            .write("-----BEGIN TRUSTED CERTIFICATE-----\nby hand\n-----END TRUSTED CERTIFICATE-----\n")
        ),
        lambda folder: (folder / "0123abc1.1").unlink(),
        lambda folder: (folder / "ca1.pem").unlink(),
        lambda folder: (folder / "ca1.pem").write_text(""),
        lambda folder: (folder / "bundle.crt").unlink(),
    ],
)
def test_a_bundle_that_says_more_than_its_folder_is_read(
    store: dict[str, t.Any], tmp_path: Path, change: t.Callable[[Path], t.Any]
) -> None:
    change(tmp_path)
    assert not tls._folder_has_all(store)


def test_a_bundle_elsewhere_is_read(store: dict[str, t.Any], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert not tls._folder_has_all({**store, "folder": str(tmp_path / "other")})
    assert not tls._folder_has_all({**store, "file": None})
    assert not tls._folder_has_all({**store, "folder": None})
    (tmp_path / "other" / "cert.pem").symlink_to(store["file"])
    assert tls._folder_has_all({**store, "file": str(tmp_path / "other" / "cert.pem")})


@pytest.mark.parametrize(("answer", "sent"), [(b"its own", b"hello EHLO"), (b"", None)])
def test_a_command_waits_for_a_handshake_that_the_relay_has_begun(answer: bytes, sent: bytes | None) -> None:
    """TLS 1.2: a HelloRequest is obeyed, and OpenSSL sends nothing else until the new handshake is complete."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        ours = stack.enter_context(socket.create_connection(listener.getsockname()))
        theirs = stack.enter_context(listener.accept()[0])
        wire = Wire((), socket.AF_INET, Deadline(20), sock=ours)

        class Session:
            """Python's server cannot ask for it, so this stands for what OpenSSL does."""

            begun = False

            def write(self, data: bytes) -> int:
                if wire._incoming.eof:
                    raise ssl.SSLEOFError
                if not wire._incoming.pending:
                    wire._outgoing.write(b"" if self.begun else b"hello ")
                    self.begun = True
                    raise ssl.SSLWantReadError
                return wire._outgoing.write(data)

        wire.tls = t.cast(ssl.SSLObject, Session())
        theirs.sendall(answer) if answer else theirs.shutdown(socket.SHUT_WR)
        if sent is None:
            with pytest.raises(Failure, match="closed"):
                wire.send(b"EHLO")
            return
        wire.send(b"EHLO")
        assert theirs.recv(len(sent), socket.MSG_WAITALL) == sent


def test_a_ca_file_is_looked_at_where_the_end_of_a_child_is_ignored(tmp_path: Path) -> None:
    """A parent may have left it so, and then no child can be waited for."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        assert tls._is_read_within(str(tmp_path / "none.pem"), 20.0)
    finally:
        signal.signal(signal.SIGCHLD, before)
