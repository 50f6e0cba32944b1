# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for messages against an HTTP server that plays Mailpit, well and badly."""

from __future__ import annotations

import http.server
import json
import threading
import time
import typing as t
import urllib.parse

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.api import Api, ApiError, Wanted, summary, wait_for

MESSAGE = {
    "ID": "abc", "MessageID": "1@example.com", "Subject": "Hello", "From": {"Name": "App", "Address": "app@example.com"},
    "To": [{"Name": "", "Address": "New-User@example.com"}], "Cc": None, "Bcc": [{"Name": "", "Address": "hidden@example.com"}],
    "Created": "2026-01-01T00:00:00Z", "Username": "app", "Tags": [], "Size": 100, "Snippet": "Hi",
}  # fmt: skip


class Server(http.server.ThreadingHTTPServer):
    """Answers each request with the next of ``answers`` (the last one stays), and notes what was asked."""

    def __init__(self, *answers: t.Any) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = list(answers)
        self.asked: t.List[t.Tuple[str, t.Optional[str]]] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((urllib.parse.unquote_plus(self.path), self.headers.get("Authorization")))
        answer = self.server.answers.pop(0) if len(self.server.answers) > 1 else self.server.answers[0]
        if isinstance(answer, int):
            self.send_response(answer)
            self.send_header("Location", "http://192.0.2.1/")
            self.end_headers()
            return
        body = answer if isinstance(answer, bytes) else json.dumps({"messages": answer}).encode()
        self.send_response(200)
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass

    def log_message(self, *args: t.Any) -> None:
        pass


@pytest.fixture
def serve() -> t.Iterator[t.Callable[..., Server]]:
    servers: t.List[Server] = []

    def start(*answers: t.Any) -> Server:
        servers.append(Server(*answers))
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    "wanted, fits",
    [
        (Wanted(subject="Hello"), True),
        (Wanted(subject="hello"), False),
        (Wanted(subject="Hell"), False),
        (Wanted(recipients=["new-user@EXAMPLE.com", "hidden@example.com"]), True),
        (Wanted(recipients=["new-user@example.com", "other@example.com"]), False),
        (Wanted(sender="APP@example.com"), True),
        (Wanted(sender="App"), False),
        (Wanted(message_id="<1@example.com>"), True),
        (Wanted(message_id="2@example.com"), False),
        (Wanted(username="app", subject="Hello"), True),
        (Wanted(username="other", subject="Hello"), False),
    ],
)
def test_what_fits(wanted: Wanted, fits: bool) -> None:
    assert wanted.fits(summary(MESSAGE)) == fits


@pytest.mark.parametrize(
    "wanted, query",
    [
        (Wanted(subject="Hello there", message_id="<1@example.com>"), 'message-id:"1@example.com"'),
        (Wanted(subject="Hello there"), 'subject:"Hello there"'),
        (Wanted(subject='say "hi" -to:x'), ""),
        (Wanted(subject="Grüße"), ""),
        (Wanted(subject="100%"), ""),
        (Wanted(recipients=["a@example.com"]), 'addressed:"a@example.com"'),
        (Wanted(username="app"), ""),
    ],
)
def test_searches_only_for_what_has_no_meaning_in_a_search(wanted: Wanted, query: str) -> None:
    assert wanted.query() == query


def test_waits_until_there_are_enough(serve: t.Callable[..., Server]) -> None:
    server = serve([], [MESSAGE], [MESSAGE, {**MESSAGE, "ID": "def"}])
    found, trouble = wait_for(Api(server.url, "tester", "s3cret"), Wanted(subject="Hello"), 2, 5)
    assert [message["id"] for message in found] == ["abc", "def"] and trouble is None
    assert server.asked == [('/api/v1/search?query=subject:"Hello"&limit=200', "Basic dGVzdGVyOnMzY3JldA==")] * 3


def test_time_is_over(serve: t.Callable[..., Server]) -> None:
    begin = time.monotonic()
    found, trouble = wait_for(Api(serve([MESSAGE]).url), Wanted(subject="Other"), 1, 0.6)
    assert found == [] and trouble is None and time.monotonic() - begin < 2


def test_a_mailpit_that_restarts_is_waited_for(serve: t.Callable[..., Server]) -> None:
    found, trouble = wait_for(Api(serve(503, [MESSAGE]).url), Wanted(subject="Hello"), 1, 5)
    assert len(found) == 1 and trouble is None


@pytest.mark.parametrize(
    "answer, words",
    [
        (401, "wants a login"),
        (404, "there is no Mailpit API"),
        (302, "sends elsewhere"),
        (b"<html>not Mailpit</html>", "is not Mailpit's API"),
        (b'{"no": "messages"}', "is not Mailpit's API"),
        (b"[" * 9_000_000, "is not Mailpit's API"),
    ],
    ids=["401", "404", "302", "html", "other-json", "endless"],
)
def test_what_waiting_will_not_change(serve: t.Callable[..., Server], answer: t.Any, words: str) -> None:
    server = serve(answer)
    with pytest.raises(ApiError, match=words) as caught:
        wait_for(Api(server.url, "tester", "s3cret"), Wanted(subject="Hello"), 1, 30)
    assert caught.value.final and "s3cret" not in str(caught.value) and len(server.asked) == 1


def test_a_mailpit_that_records_no_logins_is_said_to_be_one(serve: t.Callable[..., Server]) -> None:
    older = {name: value for name, value in MESSAGE.items() if name != "Username"}
    with pytest.raises(ApiError, match="leave username out"):
        wait_for(Api(serve([older]).url), Wanted(subject="Hello", username="app"), 1, 30)
    found, _trouble = wait_for(Api(serve([older]).url), Wanted(subject="Hello"), 1, 5)
    assert len(found) == 1 and found[0]["username"] is None


def test_nobody_there() -> None:
    found, trouble = wait_for(Api("http://127.0.0.1:9"), Wanted(subject="Hello"), 1, 0.3)
    assert found == [] and "cannot be reached" in str(trouble)


def test_a_proxy_of_the_environment_is_not_used(serve: t.Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:3128")
    assert wait_for(Api(serve([MESSAGE]).url), Wanted(subject="Hello"), 1, 5)[0]
