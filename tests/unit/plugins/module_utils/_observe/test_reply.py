# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies in tables, and as properties: any bytes, in any pieces."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._observe.failure import Failure
from ansible_collections.mailops.smtp.plugins.module_utils._observe.reply import (
    LINE_LIMIT,
    LINES_LIMIT,
    REPLY_LIMIT,
    Reply,
    ReplyParser,
    capabilities,
    status_code,
)
from hypothesis import given
from hypothesis import strategies as st


def parse(pieces: t.Iterable[bytes]) -> tuple[list[Reply], str | None]:
    """All replies, and the kind of the failure that ended the parse. What waits stays below the limits."""
    parser, replies = ReplyParser(), []
    try:
        for piece in pieces:
            parser.feed(piece)
            while True:
                reply = parser.next_reply()
                if reply is None:
                    break
                replies.append(reply)
            assert parser.pending <= LINE_LIMIT
            assert len(parser.partial) <= 4 * REPLY_LIMIT + 4 * LINES_LIMIT
    except Failure as failure:
        return replies, failure.kind
    return replies, None


def cut(data: bytes, at: t.Iterable[int]) -> list[bytes]:
    edges = [0, *sorted(point % (len(data) + 1) for point in at), len(data)]
    return [data[left:right] for left, right in zip(edges, edges[1:])]


@pytest.mark.parametrize(
    "data, expected",
    [
        (b"220 mx.example.com ESMTP\r\n", [Reply(220, ["mx.example.com ESMTP"])]),
        (b"220\r\n", [Reply(220, [""])]),
        (b"220 \r\n", [Reply(220, [""])]),
        (b"220-\r\n220-b\r\n220 c\r\n", [Reply(220, ["", "b", "c"])]),
        (b"250-a\n250 b\n", [Reply(250, ["a", "b"])]),
        (b"250-a\r\n250\r\n", [Reply(250, ["a", ""])]),
        (b"220 a\r\n250 b\r\n", [Reply(220, ["a"]), Reply(250, ["b"])]),
        (b"250-a\r\n", []),
        (b"250 not yet", []),
        (b"220 gr\x00\xfc\xdf \xc3\xbc\x1b[31m\x7f\r\n", [Reply(220, ["gr\\x00\\xfc\\xdf ü\\x1b[31m\\x7f"])]),
        (b"220 a\rb\r\n", [Reply(220, ["a\\rb"])]),
        (b"220 x\r\r\n", [Reply(220, ["x"])]),
        (b"354 go\r\n", [Reply(354, ["go"])]),
        (b"599 x\r\n", [Reply(599, ["x"])]),
    ],
)
def test_replies(data: bytes, expected: list[Reply]) -> None:
    assert parse([data]) == (expected, None)
    assert parse(data[at : at + 1] for at in range(len(data))) == (expected, None)


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"\n",
        b"hello\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"* OK IMAP4rev1\r\n",
        b"+OK POP3\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
        b" 220 x\r\n",
        b"22 x\r\n",
        b"2200 x\r\n",
        b"220x\r\n",
        b"120 x\r\n",
        b"620 x\r\n",
        b"220\tx\r\n",
        b"2\xb20 x\r\n",
        b"\x00\x00\x00\x00",
        b"\x80\x2e\x01\x00",
        b"250-a\r\nb\r\n",
        b"250-a\r\n\r\n250 b\r\n",
        b"hello",
        b"SSH-",
        b"22x",
        b"220x",
        b"220\rx\r\n",
        # RFC 5321 section 4.2.1: one code a reply.
        b"535-no\r\n235 ok\r\n",
        b"250-a\r\n251-b\r\n250 c\r\n",
        b"250-a\r\n220\r\n",
        b"25\x000 x\r\n",
    ],
)
def test_what_is_not_smtp(data: bytes) -> None:
    """Said as soon as it is certain: without waiting for the line's end."""
    assert parse([data])[1] == "malformed"
    assert parse(data[at : at + 1] for at in range(len(data)))[1] == "malformed"


@pytest.mark.parametrize(
    "data",
    [b"220-hello\r\n521 5.7.1 no\r\n", b"250-a\r\n421-b\r\n421 c\r\n", b"235-ok\r\n535 no\r\n", b"450-a\r\n550 b\r\n"],
)
def test_a_refusal_in_the_middle_of_a_reply_is_one(data: bytes) -> None:
    """As postscreen does: the first line of a greeting, then what it has against the client."""
    lines = data.decode().split("\r\n")
    refusing = [line for line in lines if line[:3] == lines[-2][:3]]
    replies, failure = parse([data])
    assert failure is None
    assert [(reply.code, reply.lines) for reply in replies] == [(int(lines[-2][:3]), [line[4:] for line in refusing])]


@pytest.mark.parametrize(
    "data, limit",
    [
        (b"220 " + b"x" * LINE_LIMIT, "line"),
        (b"220 " + b"x" * LINE_LIMIT + b"\r\n", "line"),
        (b"220 " + b"\r" * LINE_LIMIT + b"\n", "line"),
        (b"220-x\r\n" * (LINES_LIMIT + 1), "reply"),
        ((b"220-" + b"x" * 8000 + b"\r\n") * 9, "reply"),
    ],
    ids=["endless line", "long line", "long line end", "many lines", "many long lines"],
)
def test_limits(data: bytes, limit: str) -> None:
    for pieces in ([data], [data[at : at + 1000] for at in range(0, len(data), 1000)]):
        parser = ReplyParser()
        with pytest.raises(Failure) as caught:
            for piece in pieces:
                parser.feed(piece)
                parser.next_reply()
        assert caught.value.kind == "limit"
        assert caught.value.facts["limit"] == limit
        assert len(caught.value.facts["text"]) <= 1000


def test_the_longest_line_and_the_longest_reply_pass() -> None:
    line = b"220 " + b"x" * (LINE_LIMIT - 5) + b"\r\n"
    for pieces in ([line], cut(line, range(0, len(line), 100)), cut(line, [len(line) - 1])):
        replies, failure = parse(pieces)
        assert failure is None
        assert len(replies) == 1
    assert parse([b"220-x\r\n" * (LINES_LIMIT - 1) + b"220 x\r\n"])[1] is None


def test_a_reply_of_two_codes_shows_both() -> None:
    parser = ReplyParser()
    parser.feed(b"535-no\r\n235 ok\r\n")
    with pytest.raises(Failure) as caught:
        parser.next_reply()
    assert caught.value.facts["text"] == "535-no | 235 ok"
    parser.feed(b"220 next\r\n")
    with pytest.raises(Failure):
        parser.next_reply()


def test_of_a_long_reply_the_beginning_is_kept() -> None:
    reply = Reply(250, [f"{number} {'x' * 500}" for number in range(100)])
    kept = reply.as_entry()["lines"]
    assert kept == reply.lines[: len(kept)] and 5 < len(kept) < 20
    assert Reply(250, ["x" * 9000]).as_entry()["lines"] == ["x" * 9000]
    assert Reply(250, ["a", "b"]).as_entry() == {"code": 250, "lines": ["a", "b"]}


def test_drop_forgets_what_came_before_tls() -> None:
    parser = ReplyParser()
    parser.feed(b"250-a\r\n250 injec")
    assert parser.next_reply() is None
    assert parser.partial == "a | 250 injec"
    parser.drop()
    assert (parser.pending, parser.partial) == (0, "")
    parser.feed(b"220 fresh\r\n")
    assert parser.next_reply() == Reply(220, ["fresh"])


_LINES = st.lists(
    st.one_of(
        st.builds(
            lambda code, mark, text: code + mark + text + b"\r\n",
            st.sampled_from([b"220", b"250", b"550", b"199", b"25"]),
            st.sampled_from([b" ", b"-", b"", b"\t"]),
            st.binary(max_size=30),
        ),
        st.binary(max_size=40),
    ),
    max_size=8,
).map(b"".join)


@given(st.one_of(st.binary(max_size=200), _LINES), st.lists(st.integers(0, 10000), max_size=12))
def test_any_bytes_in_any_pieces(data: bytes, at: list[int]) -> None:
    """Never anything but Failure, and the pieces change nothing of the replies."""
    whole, broken = parse([data])
    replies, failure = parse(cut(data, at))
    assert replies == whole
    assert (failure is None) == (broken is None)
    for reply in whole:
        assert 200 <= reply.code <= 599
        assert reply.lines
        assert all(line.isprintable() and len(line) <= 4000 for line in reply.lines)


@given(st.binary(min_size=1, max_size=500), st.integers(1, 400))
def test_memory_is_bounded_whatever_is_repeated(piece: bytes, times: int) -> None:
    parse([piece * 200] * times)


@pytest.mark.parametrize(
    "lines, expected",
    [
        (["mx.example.com"], {}),
        ([], {}),
        (["mx", "SIZE 10240000", "8BITMIME"], {"SIZE": ["10240000"], "8BITMIME": []}),
        (["mx", "size 1", "StartTls"], {"SIZE": ["1"], "STARTTLS": []}),
        (["mx", "AUTH PLAIN LOGIN"], {"AUTH": ["PLAIN", "LOGIN"]}),
        (["mx", "AUTH=PLAIN LOGIN"], {"AUTH": ["PLAIN", "LOGIN"]}),
        (["mx", "AUTH PLAIN LOGIN", "AUTH=PLAIN XOAUTH2"], {"AUTH": ["PLAIN", "LOGIN", "XOAUTH2"]}),
        (["mx", "AUTH"], {"AUTH": []}),
        (["mx", "", "  ", "HELP"], {"HELP": []}),
        (["mx", "XXXXXXXA", "****"], {"XXXXXXXA": [], "****": []}),
        (["STARTTLS"], {}),  # the first line is the greeting
    ],
)
def test_capabilities(lines: list[str], expected: dict[str, list[str]]) -> None:
    assert capabilities(lines) == expected


@given(st.lists(st.text(max_size=50), max_size=20))
def test_capabilities_take_any_text(lines: list[str]) -> None:
    found = capabilities(lines)
    assert len(found) <= len(lines)
    assert all(len(set(words)) == len(words) for words in found.values())


@pytest.mark.parametrize(
    "line, code",
    [
        ("5.7.1 no", "5.7.1"),
        ("4.2.0", "4.2.0"),
        ("  2.0.0 ok", "2.0.0"),
        ("no 5.7.1", None),
        ("3.1.1 x", None),
        ("5.7", None),
        ("", None),
        ("5.1234.1 x", None),
        ("[192.0.2.1] x", None),
    ],
)
def test_status_code(line: str, code: str | None) -> None:
    assert status_code(line) == code
