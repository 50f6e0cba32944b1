# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Servers that are no Mailpit, or one gone bad: every one ends in one sentence, in time, and never with the password.

All rows run side by side, each against a server of its own.
"""

from __future__ import annotations

import base64
import concurrent.futures
import contextlib
import json
import os
import pathlib
import socket
import ssl
import subprocess
import threading
import time
import typing as t

import hypothesis
import hypothesis.strategies as st
import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.api import Api
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.arrival import Asked, look
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.connect import in_words
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.messages import Message, Wanted
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.shown import Shown
from ansible_collections.mailops.smtp.plugins.module_utils._observe.failure import Failure

from tests.support.examples import examples

# For the rows that end with their time only, side by side.
TIMEOUT = 4.0
# What a loaded machine may add; the rows that hang would hang for ever.
GRACE = 2.0
# For the rows that end because of what the server says, which takes the time that the machine takes.
LONG = 20.0
PASSWORD = "s3cret-of-the-ui"
TOKEN = base64.b64encode(f"tester:{PASSWORD}".encode()).decode()
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
MESSAGE = {
    "ID": "abc", "MessageID": "1@example.com", "Subject": "Hello", "From": {"Name": "App", "Address": "app@example.com"},
    "To": [{"Name": "", "Address": "a@example.com"}], "Cc": None, "Bcc": None, "Created": "2026-01-01T00:00:00Z", "Username": "", "Tags": [],
    "Size": 100, "Snippet": "Hi",
}  # fmt: skip
Script = t.Callable[[socket.socket, bytes], None]


def body(text: t.Any, head: bytes = OK) -> bytes:
    data = text if isinstance(text, bytes) else json.dumps(text).encode()
    return head + b"Content-Length: %d\r\n\r\n" % len(data) + data


def says(data: bytes) -> Script:
    return lambda sock, request: sock.sendall(data)


def drips(first: bytes, again: bytes, pause: float = 0.02) -> Script:
    def script(sock: socket.socket, request: bytes) -> None:
        sock.sendall(first)
        while True:
            sock.sendall(again)
            time.sleep(pause)

    return script


def floods(first: bytes, again: bytes) -> Script:
    def script(sock: socket.socket, request: bytes) -> None:
        sock.sendall(first)
        while True:
            sock.sendall(again)

    return script


def holds(first: bytes) -> Script:
    def script(sock: socket.socket, request: bytes) -> None:
        sock.sendall(first)
        sock.recv(1)

    return script


def echoes(form: str) -> Script:
    """Repeats the login of the request at some place of the answer."""

    def script(sock: socket.socket, request: bytes) -> None:
        token = request.partition(b"Basic ")[2].split(b"\r\n")[0]
        shown = {"encoded": token, "plain": base64.b64decode(token)}[form.partition("-")[0]]
        place = form.partition("-")[2]
        if place == "location":
            sock.sendall(
                b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/" + shown + b"\r\nContent-Length: 0\r\n\r\n"
            )
        elif place == "line":
            sock.sendall(b"login was " + shown + b"\r\n")
        elif place == "smtp":
            sock.sendall(b"500 5.5.1 unknown command " + shown + b"\r\n")
        elif place == "json":
            other = {**MESSAGE, "Subject": shown.decode(), "Snippet": "x" * 90 + shown.decode()}
            sock.sendall(body({"messages": [other], "total": 1}))
        else:
            sock.sendall(body(b"<html>" + shown))

    return script


def message(**fields: t.Any) -> Script:
    return says(body({"messages": [{**MESSAGE, **fields}], "total": 1}))


def full_page(sock: socket.socket, request: bytes) -> None:
    limit = int(request.partition(b"limit=")[2].split(b" ")[0])
    sock.sendall(body({"messages": [MESSAGE] * limit}))


NOT_MAILPIT = "not Mailpit's API"
LATE = "no whole answer in time"
# name: what it does, words of the sentence
ROWS: dict[str, tuple[Script, str]] = {
    # time
    "silent": (holds(b""), LATE),
    "half a status line": (holds(b"HTTP/1.1 200"), LATE),
    "dripped status line": (drips(b"HTTP/1.1 200 ", b"O"), LATE),
    "dripped headers": (drips(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"), LATE),
    "dripped header line": (drips(b"HTTP/1.1 200 OK\r\nX: ", b"x"), LATE),
    "dripped body": (drips(OK + b"Content-Length: 100000\r\n\r\n", b"x"), LATE),
    "dripped body without length": (drips(OK + b"\r\n", b" "), LATE),
    "dripped chunks": (drips(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"), LATE),
    "dripped chunk size": (drips(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0", 0.05), LATE),
    "dripped trailer": (drips(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: b\r\n"), LATE),
    "100 Continue dripped": (drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.3), "url"),
    # sizes
    "100 Continue without end": (floods(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "put off again and again"),
    "103 Early Hints without end": (floods(b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"), "put off again and again"),
    "headers without end": (floods(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n" * 100), "head is too long"),
    "headers that are wide": (floods(b"HTTP/1.1 200 OK\r\n", b"X-A: " + b"b" * 8000 + b"\r\n"), "head is too long"),
    "header line without end": (floods(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 65536), "line is too long"),
    "status line without end": (floods(b"HTTP/1.1 200 ", b"x" * 65536), "line is too long"),
    "body of a gigabyte": (floods(OK + b"Content-Length: 1073741824\r\n\r\n", b"[" * 65536), "body is too long"),
    "body without end": (floods(OK + b"\r\n", b" " * 65536), "body is too long"),
    "chunks without end": (floods(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b" " * 4096 + b"\r\n"), "body is too long"),
    "chunks of one byte without end": (floods(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n" * 5000), "url"),
    "chunk of a gigabyte": (floods(OK + b"Transfer-Encoding: chunked\r\n\r\n40000000\r\n", b" " * 65536), "body is too long"),
    "chunk extension without end": (floods(OK + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x" * 65536), "line is too long"),
    "trailer without end": (floods(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: b\r\n" * 100), "head is too long"),
    "length of 400 digits": (says(OK + b"Content-Length: " + b"9" * 400 + b"\r\n\r\n"), "Content-Length that is no number"),
    # HTTP that is none
    "length is negative": (says(OK + b"Content-Length: -1\r\n\r\n"), "Content-Length that is no number"),
    "two lengths": (says(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} "), "differ"),
    "body shorter than its length": (says(OK + b"Content-Length: 50\r\n\r\n{}"), "without a whole answer"),
    "chunk size is no number": (says(OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n"), "no number"),
    "chunk size is negative": (says(OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n{}\r\n0\r\n\r\n"), "no number"),
    "chunk size is huge": (says(OK + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n"), "no number"),
    "chunk longer than its size": (says(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}xxxxxxxx\r\n0\r\n\r\n"), "url"),
    "closed in a chunk": (says(OK + b"Transfer-Encoding: chunked\r\n\r\n20\r\n{}"), "without a whole answer"),
    "closed at once": (says(b""), "without a whole answer"),
    "closed in the status line": (says(b"HTTP/1.1 2"), "without a whole answer"),
    "strange transfer coding": (says(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n"), "transfer coding"),
    "gzip unasked": (says(OK + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"), "compressed"),
    "HTTP/0.9": (says(b"<html>\xff\x1b]0;x\x07 hello\n"), "is no HTTP"),
    "HTTP/2": (says(b"HTTP/2 200\r\n\r\n{}"), "is no HTTP"),
    "HTTP/1.1 of letters": (says(b"HTTP/1.1 abc OK\r\n\r\n"), "status line"),
    "status 99999": (says(b"HTTP/1.1 99999 OK\r\n\r\n"), "status line"),
    "status 000": (says(b"HTTP/1.1 000 OK\r\n\r\n"), "status line"),
    "header without colon": (says(b"HTTP/1.1 200 OK\r\nnothing\x1b[31m\r\n\r\n{}"), "header that is none"),
    "header with a space before the colon": (says(b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n{}"), "header that is none"),
    "folded header": (says(b"HTTP/1.1 200 OK\r\nA: b\r\n  c\r\n\r\n{}"), "header that is none"),
    "other protocol": (says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"), "another protocol"),
    "NUL bytes": (says(b"\0" * 5000), "is no HTTP"),
    "no content": (says(b"HTTP/1.1 204 No Content\r\n\r\n"), "answered with 204"),
    # other servers
    "SMTP": (says(b"220 mail.example.com ESMTP Mailpit\r\n500 5.5.2 Syntax error\r\n"), "an SMTP server"),
    "SMTP of many lines": (says(b"220-mail.example.com\r\n220 hello\r\n"), "an SMTP server"),
    "SMTP that is busy": (says(b"421 4.3.2 too many\r\n"), "an SMTP server"),
    "POP3": (says(b"+OK POP3 ready\r\n"), "a POP3 server"),
    "IMAP": (says(b"* OK IMAP4rev1\r\n"), "an IMAP server"),
    "SSH": (says(b"SSH-2.0-OpenSSH_9.2\r\n"), "an SSH server"),
    "TLS alert": (says(b"\x15\x03\x01\x00\x02\x02\x46"), "write https://"),
    "Go wants HTTPS": (says(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"), "write https://"),
    "nginx wants HTTPS": (
        says(body(b"<html><title>400 The plain HTTP request was sent to HTTPS port</title>", b"HTTP/1.1 400 Bad Request\r\n")), "write https://"
    ),
    # other answers
    "401": (says(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"), "does not take this login"),
    "403": (says(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"), "answered with 403"),
    "404": (says(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), "there is no Mailpit API"),
    "500": (says(b"HTTP/1.1 500 Oh\x1b[2J\r\nContent-Length: 0\r\n\r\n"), "answered with 500"),
    "503": (says(b"HTTP/1.1 503 Later\r\nContent-Length: 0\r\n\r\n"), "answered with 503"),
    "redirect to itself": (says(b"HTTP/1.1 302 Found\r\nLocation: /api/v1/messages\r\nContent-Length: 0\r\n\r\n"), "sends elsewhere (302, to /api"),
    "redirect to elsewhere": (says(b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:TRAP/\r\nContent-Length: 0\r\n\r\n"), "which is not followed"),
    "redirect to a file": (says(b"HTTP/1.1 301 Go\r\nLocation: file:///etc/passwd\x1b[2J\r\nContent-Length: 0\r\n\r\n"), "which is not followed"),
    "redirect to nowhere": (says(b"HTTP/1.1 308 Go\r\nContent-Length: 0\r\n\r\n"), "sends elsewhere (308)"),
    # JSON
    "HTML": (says(body(b"<!DOCTYPE html><title>\x1b[31mLogin</title>")), "begins with: <!DOCTYPE html>"),
    "empty": (says(body(b"")), "its answer is empty"),
    "cut JSON": (says(body(b'{"messages": [')), NOT_MAILPIT),
    "deep lists": (says(body(b"[" * 1_000_000)), NOT_MAILPIT),
    "deep objects": (says(body(b'{"messages":' * 200_000)), NOT_MAILPIT),
    "deep and whole": (says(body(b'{"messages":' + b"[" * 200_000 + b"]" * 200_000 + b"}")), NOT_MAILPIT),
    "not UTF-8": (says(body(b'{"messages": [], "x": "\xff\xfe"}')), "not UTF-8"),
    "UTF-16": (says(body('{"messages": []}'.encode("utf-16"))), "not UTF-8"),
    "NaN": (says(body(b'{"messages": [], "total": NaN}')), NOT_MAILPIT),
    "Infinity": (says(body(b'{"messages": [], "total": -Infinity}')), NOT_MAILPIT),
    "number of a million digits": (says(body(b'{"messages": [], "total": ' + b"9" * 1_000_000 + b"}")), NOT_MAILPIT),
    "a text": (says(body("messages")), NOT_MAILPIT),
    "null": (says(body(None)), NOT_MAILPIT),
    "a number": (says(body(1)), NOT_MAILPIT),
    "other JSON": (says(body({"status": "up"})), NOT_MAILPIT),
    "messages is null": (says(body({"messages": None})), NOT_MAILPIT),
    "messages is a text": (says(body({"messages": "none"})), NOT_MAILPIT),
    "messages is an object": (says(body({"messages": {"0": MESSAGE}})), NOT_MAILPIT),
    "more messages than asked for": (says(body({"messages": [MESSAGE] * 300})), NOT_MAILPIT),
    "a message is null": (says(body({"messages": [None]})), NOT_MAILPIT),
    "a message is a list": (says(body({"messages": [[]]})), NOT_MAILPIT),
    "a message is empty": (says(body({"messages": [{}]})), "has no ID"),
    **{f"{name} is {value!r}": (message(**{name: value}), NOT_MAILPIT)
       for name in ("ID", "MessageID", "Subject", "Created", "Username", "Snippet", "From", "To", "Cc", "Tags")
       for value in (7, True, [7], {"Address": 7})},
    "an address is null": (message(To=[None]), NOT_MAILPIT),
    "a tag is null": (message(Tags=[None]), NOT_MAILPIT),
    # numbers that are none are left out: the message is still one that is not wanted
    "huge size": (message(Size=10**30), "1 is there, among them: 'Hello'"),
    "size is a float": (message(Size=1e308), "1 is there, among them: 'Hello'"),
    "total is a text": (says(body({"messages": [MESSAGE], "total": "many"})), "1 is there, among them: 'Hello'"),
    "total is huge": (says(body({"messages": [MESSAGE], "total": 10**30})), "1 is there, among them: 'Hello'"),
    "the same full page for ever": (full_page, "among them: 'Hello'"),
    "escape sequences": (message(Subject="\x1b]0;owned\x07\u202e\r\nok: [forged]", Snippet="\u2028"), "\\x1b]0;owned\\x07\\u202e\\r\\nok: [forged]"),
    "a lone surrogate": (says(body(b'{"messages": [%s]}' % json.dumps({**MESSAGE, "Subject": "\ud800"}).encode())), "\\ud800"),
    "a template": (message(Subject="{{ lookup('pipe', 'id') }}"), "{{ lookup"),
    # the login comes back
    **{f"echo {form}": (echoes(form), "url" if not form.endswith("json") else "is there")
       for form in ("encoded-location", "encoded-line", "encoded-smtp", "encoded-json", "encoded-html",
                    "plain-location", "plain-line", "plain-smtp", "plain-json", "plain-html")},
}  # fmt: skip
TLS_ROWS: dict[str, tuple[Script, str]] = {
    "SMTP in TLS": (says(b"220 mail.example.com ESMTP\r\n"), "an SMTP server"),
    "silent in TLS": (holds(b""), LATE),
    "dripped headers in TLS": (drips(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"), LATE),
    "body without end in TLS": (floods(OK + b"\r\n", b" " * 16384), "more than Mailpit does"),
    "100 Continue in TLS": (floods(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "put off again and again"),
}
# These are asked in TLS and do not speak it.
NOT_TLS_ROWS: dict[str, tuple[Script, str]] = {
    "HTTP where TLS is wanted": (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "write http://"),
    "SMTP where TLS is wanted": (says(b"220 mail.example.com ESMTP\r\n"), "an SMTP server"),
    "silent where TLS is wanted": (holds(b""), LATE),
    "half a record": (holds(b"\x16\x03\x03\x40\x00\x02"), LATE),
    "dripped record": (drips(b"\x16\x03\x03\x40\x00\x02", b"\0"), LATE),
    "rubbish as a handshake": (says(b"\x16\x03\x03\x00\x05hello"), "TLS at url"),
    "closed in the handshake": (says(b""), "without a whole answer"),
    "records without end": (floods(b"", b"\x16\x03\x03\x00\x04\x00\x00\x00\x00"), "url"),
}


class Server:
    """Plays one script to each client. ``tls`` is a context, or None; ``asked`` counts the clients."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None, reads: bool = True) -> None:
        self._script, self._tls, self._reads = script, tls, reads
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.asked = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                self.asked += 1
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(20)
        with client, contextlib.suppress(OSError):
            sock = self._tls.wrap_socket(client, server_side=True) if self._tls else client
            request = b""
            while self._reads and b"\r\n\r\n" not in request:
                piece = sock.recv(65536)
                if not piece:
                    return
                request += piece
            if not self._reads:
                sock.recv(65536)
            self._script(sock, request)
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_WR)
                sock.recv(65536)


# An answer that can be read and does not hold the message is asked for again until the time is over.
ASKED_AGAIN = ("is there", "among them", "\\x1b]0;owned", "\\ud800", "{{ lookup")


def time_for(words: str) -> float:
    return TIMEOUT if words in (LATE, "url") or any(part in words for part in ASKED_AGAIN) else LONG


def ask(url: str, timeout: float = TIMEOUT, **options: t.Any) -> tuple[dict[str, t.Any], float]:
    begin = time.monotonic()
    api = Api(url, "tester", PASSWORD, validate_certs=False)
    result = look(api, Asked(Wanted(subject="Wanted"), timeout=timeout, **options), begin)
    return result, time.monotonic() - begin


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    folder: pathlib.Path = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", f"{folder}/key", "-out", f"{folder}/cert"],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/cert", f"{folder}/key")
    return context


@pytest.fixture(scope="module")
def outcomes(certificate: ssl.SSLContext) -> t.Iterator[dict[str, t.Any]]:
    """What became of every row, and of the trap that no redirect may lead to."""
    trap = Server(says(body({"messages": []})), None)
    servers: dict[str, tuple[str, float, Server]] = {}
    for rows, scheme, tls, reads in (
        (ROWS, "http", None, True),
        (TLS_ROWS, "https", certificate, True),
        (NOT_TLS_ROWS, "https", None, False),
    ):
        for name, (script, words) in rows.items():
            servers[name] = (scheme, time_for(words), Server(script, tls, reads))
    # Few at once: what a row costs in processor time must not look like a hang of another.
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        running = {
            name: pool.submit(ask, f"{scheme}://127.0.0.1:{server.port}/", seconds)
            for name, (scheme, seconds, server) in servers.items()
        }
        found: dict[str, t.Any] = {name: future.result() for name, future in running.items()}
    for _scheme, _seconds, server in servers.values():
        server.close()
    found["trap"] = trap.asked
    trap.close()
    yield found


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("EAI_NONAME", "the name was not found (EAI_NONAME)"),
        ("EAI_AGAIN", "the name server gave no usable answer (EAI_AGAIN)"),
        ("EAI_FAIL", "the name server gave no usable answer (EAI_FAIL)"),
    ],
)
def test_a_name_server_that_fails_is_no_name_that_is_not_there(error: str, said: str) -> None:
    assert in_words(Failure("resolver", error=error)) == said


@pytest.mark.parametrize("name", [*ROWS, *TLS_ROWS, *NOT_TLS_ROWS])
def test_a_bad_server_is_one_sentence_in_time(outcomes: dict[str, t.Any], name: str) -> None:
    result, seconds = outcomes[name]
    words = {**ROWS, **TLS_ROWS, **NOT_TLS_ROWS}[name][1]
    assert result["found"] is False and result["messages"] == []
    assert words in result["msg"] and result["msg"] == result["message"]
    assert "url" in result["msg"] or "http://127.0.0.1" in result["msg"]
    assert len(result["msg"]) < 2000 and seconds < time_for(words) + GRACE
    written = json.dumps(result, ensure_ascii=False)
    assert all(char.isprintable() for char in written)
    assert PASSWORD not in written and TOKEN not in written and TOKEN[4:-4] not in written


def test_no_redirect_is_followed(outcomes: dict[str, t.Any]) -> None:
    assert outcomes["trap"] == 0


PATHS = {
    "headers": ("/headers", {}),
    "content": ("/abc", {"content": True}),
    "html": ("/html-check", {"checks": ["html"]}),
    "links": ("/link-check", {"checks": ["links"]}),
    "spam": ("/sa-check", {"checks": ["spam"]}),
}
LATER: dict[str, Script] = {
    "drip": drips(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "no JSON": says(body(b"\x1b[2J")),
    "a list": says(body([1, 2])),
    "wrong types": says(body({
        "Received": 7, "Text": 7, "HTML": [], "Attachments": 7, "Inline": [7], "Total": 7, "Warnings": [7], "Links": 7, "Errors": "x", "Rules": {}, "IsSpam": 7,
        "Error": 7, "Score": "x",
    })),
    "closed": says(b""),
    "gone": says(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    "other types": says(body({"Total": {"Supported": True}, "Warnings": [{"Score": None}], "Links": [{"StatusCode": 10**30}]})),
}  # fmt: skip


@pytest.mark.parametrize("at", PATHS)
def test_a_server_that_turns_bad_later_keeps_what_was_found(at: str) -> None:
    path, options = PATHS[at]

    def turned(bad: Script) -> Script:
        def script(sock: socket.socket, request: bytes) -> None:
            asked = request.split(b" ")[1].decode()
            if asked.endswith(path):
                bad(sock, request)
            elif asked.endswith("/headers"):
                sock.sendall(body({"Received": ["from a\x1b[2J"]}))
            else:
                sock.sendall(body({"messages": [{**MESSAGE, "Subject": "Wanted"}]}))

        return script

    def row(bad: Script) -> tuple[dict[str, t.Any], float]:
        server = Server(turned(bad), None)
        try:
            return ask(f"http://127.0.0.1:{server.port}", **options)
        finally:
            server.close()

    with concurrent.futures.ThreadPoolExecutor(len(LATER)) as pool:
        for name, (result, seconds) in zip(LATER, pool.map(row, LATER.values())):
            assert result["found"] is True and result["messages"][0]["id"] == "abc", name
            assert seconds < TIMEOUT + GRACE, name
            assert all(char.isprintable() for char in json.dumps(result, ensure_ascii=False)), name
            assert (
                "could be read" in result["msg"]
                or result["messages"][0]["checks"]
                or at == "headers"
                or name == "other types"
            ), (name, result)


def test_many_pages_without_end_stop_with_the_time() -> None:
    numbers = iter(range(10**9))

    def script(sock: socket.socket, request: bytes) -> None:
        sock.sendall(body({"messages": [{**MESSAGE, "ID": str(next(numbers))} for _each in range(200)]}))

    server = Server(script, None)
    # Short, as the messages that are looked at are counted, too.
    result, seconds = ask(f"http://127.0.0.1:{server.port}", 0.5)
    server.close()
    assert result["found"] is False and "in time" in result["msg"] and seconds < 0.5 + GRACE


TEXT = st.text(st.characters(), max_size=400)


@hypothesis.given(
    st.builds(
        Message,
        TEXT,
        TEXT,
        TEXT,
        TEXT,
        st.lists(TEXT, max_size=3),
        TEXT,
        st.none(),
        TEXT,
        st.lists(TEXT, max_size=3),
        TEXT,
    )
)
@hypothesis.settings(max_examples=examples(60), deadline=None)
def test_whatever_stands_in_a_message_is_printable(message: Message) -> None:
    shown = Shown("tester", PASSWORD)
    written = json.dumps(message.as_result(shown), ensure_ascii=False)
    assert all(char.isprintable() for char in written)
    lines, _cut = shown.lines(message.snippet * 20, 3000)
    assert all(line.isprintable() for line in lines) and sum(map(len, lines)) <= 3000 * 10


@hypothesis.given(
    st.text(max_size=200), st.sampled_from([PASSWORD, TOKEN]), st.text(max_size=200), st.integers(20, 400)
)
@hypothesis.settings(max_examples=examples(200), deadline=None)
def test_no_place_in_a_text_shows_the_password(before: str, secret: str, after: str, limit: int) -> None:
    shown = Shown("tester", PASSWORD).text(before + secret + after, limit)
    assert PASSWORD not in shown and secret not in shown and secret[:12] not in shown


def test_a_ca_path_that_would_be_read_for_ever_is_refused(tmp_path: pathlib.Path) -> None:
    os.mkfifo(f"{tmp_path}/fifo")
    (tmp_path / "empty").touch()  # as the kernel's log is, which never ends
    for path in (f"{tmp_path}/fifo", "/dev/zero", str(tmp_path), f"{tmp_path}/none", f"{tmp_path}/empty"):
        with pytest.raises(OSError):
            Api("https://127.0.0.1:1", ca_path=path)


def test_no_thread_left_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    result, _seconds = ask("http://127.0.0.1:1")
    assert "no further thread (ulimit -u, or -v)" in result["msg"]


@pytest.mark.parametrize("timeout", [1e-9, 0.001, 0.05])
def test_a_very_short_time_is_none_too_short_for_a_sentence(timeout: float) -> None:
    server = Server(holds(b""), None)
    result, seconds = ask(f"http://127.0.0.1:{server.port}", timeout)
    server.close()
    assert not result["found"] and "url" in result["msg"] and seconds < 10


@pytest.mark.parametrize("name", ["a\0b", "", "x" * 300, "\ud800", "..", "127.0.0.1", "*.example.com"])
def test_an_odd_server_name_is_a_sentence(name: str, certificate: ssl.SSLContext) -> None:
    server = Server(says(body({"messages": []})), certificate)
    api = Api(f"https://127.0.0.1:{server.port}", server_name=name)
    result = look(api, Asked(Wanted(subject="x"), timeout=1), time.monotonic())
    server.close()
    assert not result["found"] and "url" in result["msg"]


def test_what_was_seen_before_it_broke_off_is_kept() -> None:
    def script(sock: socket.socket, request: bytes) -> None:
        if b"start=0&" not in request:
            drips(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n")(sock, request)
        sock.sendall(body({"messages": [{**MESSAGE, "Subject": "Wanted", "ID": str(number)} for number in range(200)]}))

    server = Server(script, None)
    result, _seconds = ask(f"http://127.0.0.1:{server.port}", number=300)
    server.close()
    assert not result["found"] and len(result["messages"]) == 200
    assert "200 messages with the subject 'Wanted' are in Mailpit; the others could not be seen: url" in result["msg"]
