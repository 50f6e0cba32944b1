# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One known text and the cause that it stands for, and the families of texts that every platform builds in the same way.

A text is plain words in lower case, no pattern language: " .. " stands for "and later in the same message". That
keeps matching linear whatever the input. Hyphens, underscores and CamelCase make no difference (see spelling). Where
several texts match, the surest wins, then the longest: "greeting never received" beats "etimedout".
"""

from __future__ import annotations

import typing as t

from .spelling import fold

__all__ = ("CONFIDENCES", "Rule", "alerts", "errno", "rules", "verify_errors")

# From the surest to the least sure.
CONFIDENCES = ("certain", "likely", "possible")


class Rule(t.NamedTuple):
    """One text.

    ``also``: causes that it leaves possible. ``note``: a sentence added to the message. ``remedy``: in place of that
    of the cause's row.

    ``echo`` tells how a line repeats others, so that one incident is counted once: "pair", the line before it said
    the same; "burst", it comes several times in a row; "follow", it adds nothing to an explained line shortly before
    it or after it.
    """

    cause: str
    variant: str
    confidence: str
    parts: tuple[str, ...]
    also: tuple[str, ...] = ()
    note: str = ""
    echo: str = ""
    remedy: str = ""


def rules(
    cause: str,
    confidence: str,
    *families: tuple[str, ...],
    texts: str = "",
    variant: str = "",
    also: tuple[str, ...] = (),
    note: str = "",
    echo: str = "",
    remedy: str = "",
) -> tuple[Rule, ...]:
    """A rule for each line of ``texts`` and each text of ``families``. A line that begins with "# " is a comment."""
    lines = [line.strip() for line in texts.splitlines()]
    each = [text for family in families for text in family] + [
        line for line in lines if line and not line.startswith("# ")
    ]
    return tuple(
        Rule(cause, variant, confidence, tuple(fold(part) for part in text.split(" .. ")), also, note, echo, remedy)
        for text in each
    )


def errno(name: str, linux: int, windows: int, *sentences: str) -> tuple[str, ...]:
    """All ways to write one error of the kernel.

    C's strerror, Node ("connect ECONNREFUSED"), Python ("[Errno 111]"), Rust ("os error 111"), Ruby
    ("Errno::ECONNREFUSED"), OpenSSL ("connect:errno=111"), Erlang (":econnrefused"), PHP and .NET ("(111)" behind the
    sentence), Windows ("WinError 10061").
    """
    numbers = (
        f"errno {linux}]",
        f"errno={linux}",
        f"errno: {linux},",
        f"(errno: {linux})",
        f"os error {linux})",
        f"error number {linux}",
        f"error {linux}:",
    )
    return (name, *numbers, f"winerror {windows}", f"os error {windows})", f"({windows})", *sentences)


def alerts(*known: tuple[int, str]) -> tuple[str, ...]:
    """All ways to write a TLS alert (RFC 8446 section 6).

    OpenSSL ("alert handshake failure", "alert number 40"), Java and rustls ("received fatal alert: "), Go ("remote
    error: tls: "), Erlang ("{tls_alert, {handshake_failure, ...}}", "Fatal - Handshake Failure"), NSS
    ("..._FAILURE_ALERT"), .NET ("TLS alert: '40'").
    """
    found: list[str] = []
    for number, name in known:
        found += [
            f"alert {name}",
            f"alert number {number}",
            f"fatal alert: {name}",
            f"remote error: tls: {name}",
            f"tls_alert,{{{name}",
            f"fatal - {name}",
        ]
        found += [
            f"tls_alert, {{:{name}",
            f"error {name} alert",
            f"tls alert: '{number}'",
            f"tls alert '{number}'",
            f"tls alert, {name}",
        ]
    return tuple(found)


def verify_errors(*known: tuple[int, str]) -> tuple[str, ...]:
    """All ways in which OpenSSL says that it refuses a certificate: by number, and by the sentence that stands beside the number."""
    found: list[str] = []
    for number, sentence in known:
        found += [
            f"verify error:num={number}:",
            f"verify return code: {number} ",
            f"verify result: {number} ",
            f"({number}) {sentence}",
            sentence,
        ]
    return tuple(found)
