# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One known text and the cause that it stands for, and the families of texts that every platform builds in the same way.

A text is plain words in lower case, no pattern language: " .. " stands for "and later in the same message", and
"connection (closed|lost|)" for the three texts that it spells. That keeps matching linear whatever the input.
Hyphens, underscores and CamelCase make no difference (see spelling). Where several texts match, the surest wins, then
the longest: "greeting never received" beats "etimedout".
"""

from __future__ import annotations

import re
import typing as t

from .spelling import fold

__all__ = (
    "CONFIDENCES",
    "Rule",
    "absent",
    "alerts",
    "apple",
    "cannot",
    "curl",
    "differing",
    "errno",
    "failing",
    "lacking",
    "mbedtls",
    "refusing",
    "resolver",
    "rules",
    "schannel",
    "verify_errors",
    "while_connecting",
    "winsock",
    "wolfssl",
)

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
    """A rule for each text that ``texts`` spells, a line each, and each of ``families``. A line that begins with "# " is a comment."""
    lines = [line.strip() for line in texts.splitlines()]
    each = [text for family in families for text in family]
    each += [text for line in lines if line and not line.startswith("# ") for text in _spelt(line)]
    return tuple(
        Rule(cause, variant, confidence, tuple(fold(part) for part in text.split(" .. ")), also, note, echo, remedy)
        for text in each
    )


_CHOICE = re.compile(r"\(([^()|]*(?:\|[^()|]*)+)\)")


def _spelt(line: str) -> list[str]:
    """All texts of a line: one of each choice in parentheses, "(host|hostname|)"; a parenthesis without "|" is itself."""
    found = _CHOICE.search(line)
    if found is None:
        return [line]
    return [
        text
        for word in found.group(1).split("|")
        for text in _spelt(f"{line[: found.start()]}{word}{line[found.end() :]}")
    ]


def errno(name: str, numbers: tuple[int, int, int, int], *sentences: str) -> tuple[str, ...]:
    """All ways to write one error of the kernel. ``numbers``: Linux's, that of macOS and BSD, Windows' (0: it means something else there),
    libuv's on Windows.

    C's strerror, Node ("connect ECONNREFUSED", "errno: -111"), Python ("[Errno 111]"), Rust ("os error 111"), Ruby
    ("Errno::ECONNREFUSED"), OpenSSL ("connect:errno=111"), Erlang (":econnrefused"), Dart ("errno = 111"), PHP and .NET
    ("(111)" behind the sentence), Windows ("WinError 10061", "Socket Error # 10061", 0x8007274D).
    """
    linux, bsd, windows, libuv = numbers
    of_linux = (
        f"errno={linux}",
        f"errno = {linux}",
        f"errno: {linux},",
        f"(errno: {linux})",
        f"error number {linux}",
        f"error {linux}:",
    )
    of_both = [words.format(number) for number in (linux, bsd) for words in ("errno {}]", "os error {})")]
    of_node = [f"{key} -{number}" for number in (linux, bsd, libuv) for key in ("errno:", 'errno":')]
    of_node += [f'errno":-{number}' for number in (linux, bsd, libuv)]
    return (name, f"wsa{name}", *of_linux, *of_both, *of_node, *(winsock(windows) if windows else ()), *sentences)


def winsock(number: int) -> tuple[str, ...]:
    """All ways to write an error of the kernel by its number on Windows."""
    before = (
        "winerror ",
        "socket error # ",
        "socket error ",
        "socket error code ",
        "socketerror ",
        "winsock error code: ",
        "win32 error code: ",
        "wsa error ",
    )
    return (
        *(f"{words}{number}" for words in before),
        f"os error {number})",
        f"errno {number}]",
        f"({number})",
        f"0x8007{number:04x}",
    )


def resolver(name: str, libuv: int, windows: int) -> tuple[str, ...]:
    """All ways to write one error of getaddrinfo: its name, libuv's number (Node beside EDNS), Windows' (WSAHOST_NOT_FOUND and its kin)."""
    of_node = [f"errno:{libuv}", f"errno: {libuv}", f'errno":{libuv}', f'errno": {libuv}']
    return (name, *of_node, *(words.format(windows) for words in _WINSOCK))


_WINSOCK = (
    "({})", "errno {}]", "winerror {}", "error {}", "error: {}", "error # {}", "error code: {}", "error code {}", "os error {}",
)  # fmt: skip
_CONNECTING = (
    "connect {}", "connect: {}", "connect(): {}", "connect to .. {}", "connecting to .. {}", "connection to .. {}",
    "connect(2) for .. {}", "create_connection .. {}", "dial tcp .. {}", "could not connect .. {}", "cannot connect .. {}",
    "unable to connect .. {}", "failed to connect to .. {}", "connection could not be established .. {}",
    "connectexception: {}", "socket.connect .. {}", "socketexception: {}",
)  # fmt: skip


def while_connecting(*reasons: str) -> tuple[str, ...]:
    """A reason of the kernel in the words of a client that says that it was connecting when it came."""
    return tuple(words.format(reason) for reason in reasons for words in _CONNECTING)


def lacking(*things: str, available: bool = True) -> tuple[str, ...]:
    """All ways to say that the peer does not have something: "STARTTLS not supported", "does not offer STARTTLS".

    ``available`` false: where "not available" means that it is there and out of order.
    """
    been = ("supported", "advertised", "offered", "announced", *(("available", "enabled") if available else ()))
    do = ("support", "advertise", "offer", "announce", "provide")
    found = []
    for thing in things:
        found += [f"{thing} {no}{verb}" for no in ("not ", "is not ", "was not ", "isn't ", "wasn't ") for verb in been]
        found += [f"{no} {verb} {the}{thing}" for no in ("not", "n't") for verb in do for the in ("", "the ", "any ")]
        found += [f"no {thing} {verb}" for verb in (*been, "support")]
        found += [f"{verb} no {thing}" for verb in ("supports", "offers", "advertises", "announces")]
        found += [
            f"missing {thing}",
            f"missing capability: {thing}",
            f"lacks {thing}",
            f"{thing} not found",
            f"{thing} is missing",
            f"{thing} unsupported",
            *([f"{thing} unavailable"] if available else ()),
        ]
    return tuple(found)


def refusing(*things: str) -> tuple[str, ...]:
    """All ways in which a client says that something of it was refused: "sender rejected", "recipient refused", "rejection of the sender"."""
    verbs = ("rejected", "refused", "denied", "declined", "not accepted", "rejection", "refusal")
    been = ("was ", "were ", "is ")
    found = [f"{thing} {verb}" for thing in things for verb in verbs]
    found += [f"{thing} {word}{verb}" for thing in things for word in been for verb in verbs[:5]]
    found += [
        f"{verb} {the}{thing}"
        for thing in things
        for verb in ("rejected", "refused", "rejects")
        for the in ("", "the ")
    ]
    return tuple(found)


def failing(*things: str) -> tuple[str, ...]:
    """All ways in which a client says that a step of its own went wrong: "greeting failed", "greeting error", "failed greeting"."""
    found = [
        f"{thing} {verb}"
        for thing in things
        for verb in ("failed", "failure", "error", "unsuccessful", "was not successful")
    ]
    return tuple(found + [f"failed {thing}" for thing in things])


def cannot(*deeds: str) -> tuple[str, ...]:
    """All ways in which a client says that it did not get something done: "could not authenticate", "unable to authenticate"."""
    before = (
        "could not",
        "couldn't",
        "cannot",
        "can not",
        "can't",
        "unable to",
        "failed to",
        "was not able to",
        "impossible to",
    )
    return tuple(f"{no} {deed}" for deed in deeds for no in before)


def curl(*known: tuple[int, str]) -> tuple[str, ...]:
    """All ways to write an error of curl: the tool, PHP, Guzzle and R, who print the number, and libcurl's own sentence for it."""
    before = (
        "curl: ({})",
        "libcurl: ({})",
        "curl error {}:",
        "curl error: {}",
        "curl error ({})",
        "curl error code: {}",
        "pycurl.error: ({},",
    )
    return tuple(
        text
        for number, sentence in known
        for text in (*(words.format(number) for words in before), *([sentence] if sentence else ()))
    )


def differing(*names: str) -> tuple[str, ...]:
    """All ways to say that a name is another one than the certificate's: "hostname does not match", "did not match the host name"."""
    verbs = (
        "does not match",
        "doesn't match",
        "do not match",
        "did not match",
        "didn't match",
        "not match",
        "mismatch",
    )
    pairs = [(name, verb) for name in names for verb in verbs]
    return tuple(text for name, verb in pairs for text in (f"{name} .. {verb}", f"{verb} .. {name}"))


def schannel(*known: tuple[int, str]) -> tuple[str, ...]:
    """All ways to write a status of Windows' TLS: its name, the number in hex, and as .NET and Rust print it (-2146893019)."""
    return tuple(
        text
        for number, name in known
        for text in (*([name] if name else ()), f"0x{number:08x}", f"-{(1 << 32) - number}")
    )


def apple(*known: tuple[int, str]) -> tuple[str, ...]:
    """All ways to write an OSStatus of Apple's Secure Transport (SecureTransport.h): its name, and the negative number."""
    before = ("(-{}", "error -{}", "code=-{}", "code -{}", "code: -{}", "osstatus -{}", "status -{}", "failed: -{}")
    return tuple(text for number, name in known for text in (name, *(words.format(number) for words in before)))


def mbedtls(*known: tuple[int, str]) -> tuple[str, ...]:
    """All ways to write an error of Mbed TLS, as small devices print it: the negative number in hex or not, and its sentence."""
    return tuple(
        text
        for number, sentence in known
        for text in dict.fromkeys((f"-0x{number:04x}", f"-0x{number:x}", f"(-{number})", sentence))
        if text
    )


def wolfssl(*known: tuple[int, str]) -> tuple[str, ...]:
    """All ways to write an error of wolfSSL (its error-ssl.h): the negative number behind its name, and its sentence."""
    before = (
        "wolfssl error -{},",
        "wolfssl error -{}:",
        "wolfssl error: -{},",
        "wolfssl: -{},",
        "wolfssl .. failed: -{},",
    )
    return tuple(text for number, sentence in known for text in (sentence, *(words.format(number) for words in before)))


def absent(*programs: str) -> tuple[str, ...]:
    """All ways to say that a program is not there: those of shells, of C's exec and of who calls it from Python, Node, Go or Perl."""
    behind = (
        ": not found", ": command not found", ": no such file", ": executable not found", " enoent", '": executable file not found',
        "' not found", '" not found', " (not found|is not installed|does not exist|not installed|binary not found|command not found|executable not found)",
    )  # fmt: skip
    before = (
        "no such file or directory(: '| - |: )",
        "(unable to find|cannot find|could not find|can't find|not find) (|the )(|command |program |binary |executable )(|'|\"|`)",
        "(could not execute|cannot execute|unable to execute|failed to execute|can't exec|cannot exec|cannot run|can't execute)(|:) (|'|\"|`)",
    )
    folders = "(|/usr/sbin/|/usr/lib/|/usr/bin/|/usr/local/bin/)"
    either = f"({'|'.join(programs)})"
    return tuple(
        text
        for line in (*(f"{either}{words}" for words in behind), *(f"{words}{folders}{either}" for words in before))
        for text in _spelt(line)
    )


# What GnuTLS, Go and rustls (from 0.24 on) call an alert where that is not the RFC's name.
_ALERT_WORDS: dict[int, tuple[str, str, str]] = {
    10: ("unexpected message", "", "received an unexpected message"),
    20: ("bad record mac", "", "failed to verify a message"),
    21: ("decryption failed", "", "failed to decrypt a message"),
    22: ("record overflow", "", "rejected an over-length message"),
    40: ("handshake failed", "", "failed to negotiate an acceptable set of security parameters"),
    42: ("certificate is bad", "", "rejected the certificate as corrupt or incorrectly signed"),
    43: ("certificate is not supported", "", "did not support the certificate"),
    44: ("certificate was revoked", "revoked certificate", "found the certificate to be revoked"),
    45: ("certificate is expired", "expired certificate", "found the certificate to be expired"),
    46: ("unknown certificate", "unknown certificate", "rejected the certificate for an unspecified reason"),
    47: ("illegal parameter", "", "rejected a message because a field was incorrect"),
    48: ("ca is unknown", "unknown certificate authority", "found the certificate was not issued by a trusted ca"),
    49: ("access was denied", "", "denied access"),
    50: ("decode error", "error decoding message", "failed to decode a message"),
    51: ("decrypt error", "error decrypting message", "failed to perform a handshake cryptographic operation"),
    70: ("error in protocol version", "protocol version not supported", "did not support a suitable tls version"),
    71: ("insufficient security", "insufficient security level", "required a higher security level"),
    80: ("internal error", "", "encountered an internal error"),
    86: ("inappropriate fallback", "", "detected an attempted version downgrade"),
    90: ("user canceled", "", "canceled the handshake"),
    109: ("an extension was expected", "", "required a specific extension"),
    110: ("an unsupported extension was sent", "", "rejected an unsolicited extension"),
    112: ("the server name sent was not recognized", "", "did not recognize a name"),
    116: ("certificate is required", "", "required a client certificate"),
    120: ("no supported application protocol", "", "did not support any of the offered application protocols"),
}


def alerts(*known: tuple[int, str]) -> tuple[str, ...]:
    """All ways to write a TLS alert (RFC 8446 section 6).

    OpenSSL ("alert handshake failure", "alert number 40"), Java and rustls ("received fatal alert: "; in its Debug form
    "AlertReceived(HandshakeFailure)"), Go ("remote error: tls: "), GnuTLS ("fatal alert has been received: "), Erlang
    ("{tls_alert, {handshake_failure, ...}}", "Fatal - Handshake Failure"), NSS ("..._FAILURE_ALERT"), .NET ("TLS alert:
    '40'"), Haskell ("(AlertLevel_Fatal,HandshakeFailure)").
    """
    found: list[str] = []
    for number, name in known:
        gnutls, go, rustls = _ALERT_WORDS.get(number, ("", "", ""))
        camel = name.replace(" ", "")
        found += [
            f"alert {name}",
            f"alert number {number}",
            f"fatal alert: {name}",
            f"alertreceived({camel}",
            f"remote error: tls: {go or name}",
            f"tls_alert,{{{name}",
            f"fatal - {name}",
        ]
        found += [
            f"tls_alert, {{:{name}",
            f"error {name} alert",
            f"tls alert: '{number}'",
            f"tls alert '{number}'",
            f"tls alert: '{camel}'",
            f"tls alert, {name}",
            f"alertlevel fatal,{camel}",
            f'error protocol .. " {camel})',
            f"error protocol .. true,{camel})",
        ]
        found += [
            f"alert has been received: {gnutls or name}",
            *([f"fatal alert: the peer {rustls}"] if rustls else ()),
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
            f"certificate (error {number})",
            sentence,
        ]
    return tuple(found)
