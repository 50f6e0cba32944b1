# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The search for messages against an HTTP server that plays Mailpit. Hostile ones are in test_hostile.py."""

from __future__ import annotations

import http.server
import json
import threading
import time
import typing as t
import urllib.parse

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit import arrival
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.api import Api, ApiError
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.arrival import Asked
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.messages import Message, Wanted
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.messages import wait_for as wait_until
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.web import BadUrl, Site, parse_url
from ansible_collections.mailops.smtp.plugins.module_utils._observe.clock import Deadline

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


HELD = Message(
    "abc", "1@example.com", "Hello", "app@example.com", ["New-User@example.com", "hidden@example.com"], "2026-01-01T00:00:00Z", 100, "app", [], "Hi"
)  # fmt: skip


def wait_for(api: Api, wanted: Wanted, count: int, seconds: float) -> t.Tuple[t.List[Message], t.Optional[str]]:
    found, trouble = wait_until(api, wanted, count, Deadline(seconds))
    return found.messages, trouble


@pytest.mark.parametrize(
    "wanted, misses",
    [
        (Wanted(subject="Hello"), 0),
        (Wanted(subject="hello"), 1),
        (Wanted(subject="Hell"), 1),
        (Wanted(subject=""), 1),
        (Wanted(recipients=["new-user@EXAMPLE.com", "hidden@example.com"]), 0),
        (Wanted(recipients=["new-user@example.com", "other@example.com"]), 1),
        (Wanted(sender="APP@example.com"), 0),
        (Wanted(sender="App"), 1),
        (Wanted(message_id="<1@example.com>"), 0),
        (Wanted(message_id="2@example.com"), 1),
        (Wanted(username="app", subject="Hello"), 0),
        (Wanted(username="other", subject="Other"), 2),
    ],
)
def test_what_fits(wanted: Wanted, misses: int) -> None:
    assert wanted.misses(HELD) == misses


@pytest.mark.parametrize(
    ("asked", "held", "fits"),
    [
        ("a@exämple.com", "A@xn--exmple-cua.com", True),
        ("a@xn--exmple-cua.com", "a@Exämple.com", True),
        ("a@exmple.com", "a@exämple.com", False),
        ('"a b"@example.com', "a b@example.com", True),
        ('"a\\"b"@example.com', 'a"b@example.com', True),
        ('"@example.com', "@example.com", False),
        ("a@\ud800é", "a@é", False),
        ("a" * 70 + "@" + "é" * 70, "b", False),
    ],
)
def test_an_address_fits_in_each_spelling(asked: str, held: str, fits: bool) -> None:
    message = HELD._replace(sender=held, recipients=[held, "b@example.com"])
    assert (Wanted(sender=asked).misses(message), Wanted(recipients=[asked]).misses(message)) == (not fits, not fits)


@pytest.mark.parametrize(
    "wanted, query",
    [
        (Wanted(subject="Hello there", message_id="<1@example.com>"), 'message-id:"1@example.com" subject:"Hello there"'),
        (Wanted(subject="Hi", recipients=["a@example.com", "b@example.com"], sender="c@example.com"),
         'from:"c@example.com" addressed:"a@example.com" addressed:"b@example.com" subject:"Hi"'),
        (Wanted(subject='say "hi you" -to:x'), 'subject:"hi you" subject:"-to:x" subject:"say"'),
        (Wanted(subject="Grüße 100% $HOME"), 'subject:"Grüße 100% $HOME"'),
        (Wanted(subject='"'), ""),
        (Wanted(subject=""), ""),
        (Wanted(subject="\x00\ud800"), ""),
        (Wanted(subject="x" * 5000), f'subject:"{"x" * 100}"'),
        (Wanted(recipients=["o'brien&sons@example.com"]), 'addressed:"sons@example.com"'),
        (Wanted(recipients=["jörg@exämple.com"]), 'addressed:"rg"'),
        (Wanted(sender="app@XN--exmple-cua.com"), 'from:"app"'),
        (Wanted(username="app"), ""),
    ],
)  # fmt: skip
def test_one_search_holds_all_that_can_be_searched_for(wanted: Wanted, query: str) -> None:
    assert wanted.query() == query


@pytest.mark.parametrize(
    "url, site",
    [
        ("http://127.0.0.1:8025", Site(False, "127.0.0.1", 8025, "")),
        ("HTTPS://Mail.Example.com/", Site(True, "mail.example.com", 443, "")),
        ("http://[::1]:8025/mail/box/", Site(False, "::1", 8025, "/mail/box")),
        ("http://bücher.example/grüße", Site(False, "xn--bcher-kva.example", 80, "/gr%C3%BC%C3%9Fe")),
        ("http://host/a b\x1b", Site(False, "host", 80, "/a%20b%1B")),
    ],
)
def test_urls(url: str, site: Site) -> None:
    assert parse_url(url) == site


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:8025", "ftp://host", "http://", "http://:8025", "http://host:0", "http://host:65536", "http://host:x", "http://[::1", "http://a b/",
        "http://host/?x=1", "http://host/#x", "http://host?", "http://user:s3cret@host:8025", "http://us@er:s3/cr#et@host", "s3cret@host", "http://a\x00b/",
        "http://" + "a" * 300, "", "http://h\r\nX: y/", "http://..%00/",
    ],
)  # fmt: skip
def test_urls_that_are_refused_by_name_and_without_their_login(url: str) -> None:
    with pytest.raises(BadUrl, match="url") as caught:
        parse_url(url)
    assert "s3cret" not in str(caught.value) and str(caught.value).isprintable()


def test_waits_until_there_are_enough(serve: t.Callable[..., Server]) -> None:
    server = serve([], [], [MESSAGE], [MESSAGE], [MESSAGE, {**MESSAGE, "ID": "def"}])
    found, trouble = wait_for(Api(server.url, "tester", "s3cret"), Wanted(subject="Hello"), 2, 5)
    assert [message.id for message in found] == ["abc", "def"] and trouble is None
    assert {login for _path, login in server.asked} == {"Basic dGVzdGVyOnMzY3JldA=="}
    assert {path for path, _login in server.asked} == {
        '/api/v1/search?query=subject:"Hello"&start=0&limit=200',
        "/api/v1/messages?start=0&limit=20",
    }


def test_time_is_over(serve: t.Callable[..., Server]) -> None:
    begin = time.monotonic()
    found, trouble = wait_for(Api(serve([MESSAGE]).url), Wanted(subject="Other"), 1, 0.6)
    assert found == [] and trouble is None and time.monotonic() - begin < 10


def test_a_mailpit_that_restarts_is_waited_for(serve: t.Callable[..., Server]) -> None:
    found, trouble = wait_for(Api(serve(503, [MESSAGE]).url), Wanted(subject="Hello"), 1, 5)
    assert len(found) == 1 and trouble is None


@pytest.mark.parametrize(
    "answer, words",
    [
        (401, "does not take this login"),
        (404, "there is no Mailpit API"),
        (302, "sends elsewhere"),
        (b"<html>not Mailpit</html>", "is not Mailpit's API"),
        (b'{"no": "messages"}', "is not Mailpit's API"),
    ],
    ids=["401", "404", "302", "html", "other-json"],
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
    assert len(found) == 1 and found[0].username is None


def test_nobody_there() -> None:
    found, trouble = wait_for(Api("http://127.0.0.1:9"), Wanted(subject="Hello"), 1, 0.3)
    assert found == [] and "cannot be reached" in str(trouble)


def test_a_proxy_of_the_environment_is_not_used(
    serve: t.Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:3128")
    assert wait_for(Api(serve([MESSAGE]).url), Wanted(subject="Hello"), 1, 5)[0]


def test_without_a_login_the_options_for_one_are_named(serve: t.Callable[..., Server]) -> None:
    with pytest.raises(ApiError, match="wants a login: give url_username and url_password"):
        wait_for(Api(serve(401).url), Wanted(subject="Hello"), 1, 30)


def test_what_came_instead_is_said_the_most_alike_first(serve: t.Callable[..., Server]) -> None:
    others = [{**MESSAGE, "ID": str(number), "Subject": f"No {number}", "To": []} for number in range(9)] + [
        {**MESSAGE, "Subject": "Hallo"}
    ]
    wanted = Wanted(subject="Hello", recipients=["new-user@example.com"])
    result = arrival.look(Api(serve(others).url), Asked(wanted, timeout=0.5), time.monotonic())
    assert result["found"] is False and len(result["newest"]) == 5
    assert result["msg"].startswith(
        "no message with the subject 'Hello' to new-user@example.com is in Mailpit at http://127.0.0.1"
    )
    assert (
        "; 10 are there, among them: 'Hallo' from app@example.com to New-User@example.com, hidden@example.com; 'No 0' from"
        in result["msg"]
    )


def test_an_empty_box_is_said(serve: t.Callable[..., Server]) -> None:
    result = arrival.look(Api(serve([]).url), Asked(Wanted(subject=""), number=3, timeout=0.3), time.monotonic())
    assert "no message without a subject is in Mailpit where 3 were to be at http" in result["msg"] and result[
        "msg"
    ].endswith("it holds no message at all")


def test_a_message_that_an_old_search_misses_is_found(serve: t.Callable[..., Server]) -> None:
    assert wait_for(Api(serve([], [MESSAGE]).url), Wanted(subject="Hello"), 1, 5)[0] == [HELD]


def test_pages_that_are_too_long_are_asked_for_in_parts() -> None:
    wide = {**MESSAGE, "Subject": "Wide", "Bcc": [], "To": [{"Address": "x" * 60}] * 300}
    box = [{**wide, "ID": str(number)} for number in range(399)] + [MESSAGE]

    class Paged(Handler):
        def do_GET(self) -> None:
            asked = urllib.parse.parse_qs(self.path.partition("?")[2])
            start = int(asked["start"][0])
            self.server.answers = [box[start : start + int(asked["limit"][0])]]
            super().do_GET()

    server = Server()
    server.RequestHandlerClass = Paged
    try:
        assert wait_for(Api(server.url), Wanted(username="app", recipients=["hidden@example.com"]), 1, 20)[0] == [HELD]
        assert wait_for(Api(server.url), Wanted(username="app"), 399, 20)[0][0].id == "0"
    finally:
        server.shutdown()
        server.server_close()


def test_a_search_whose_words_an_old_mailpit_does_not_know() -> None:
    """1.16.0 finds nobody with ``addressed:``. Twenty others are newer than the message."""
    others = [{**MESSAGE, "ID": str(number), "Subject": "Filler"} for number in range(20)]
    version = json.dumps({"Version": "v1.16.0"}).encode()
    server = Server([], others, version, [*others, MESSAGE])
    try:
        found, trouble = wait_until(Api(server.url), Wanted("Hello", ["new-user@example.com"]), 1, Deadline(10))
    finally:
        server.shutdown()
        server.server_close()
    assert [message.id for message in found.messages] == ["abc"] and trouble is None
    assert [path.partition("?")[0] for path, _login in server.asked] == [
        "/api/v1/search", "/api/v1/messages", "/api/v1/info", "/api/v1/messages",
    ]  # fmt: skip
