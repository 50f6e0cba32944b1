# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One target of the fuzzer: python -m tests.fuzz TARGET [libFuzzer's options] [folder of the corpus]."""

from __future__ import annotations

import base64
import datetime
import json
import pathlib
import socket
import ssl
import sys
import tempfile

import atheris
from cryptography.hazmat.primitives.serialization import Encoding

from tests.support.pki import Pki

from .fake import Script, no_network

with atheris.instrument_imports(include=["ansible_collections"]):
    from ansible_collections.mailops.smtp.plugins.module_utils._observe import further, ladder, sasl, tls, wire
    from ansible_collections.mailops.smtp.plugins.module_utils._observe.climb import Climb
    from ansible_collections.mailops.smtp.plugins.module_utils._observe.clock import Deadline
    from ansible_collections.mailops.smtp.plugins.module_utils._observe.failure import Failure
    from ansible_collections.mailops.smtp.plugins.module_utils._observe.redact import redact, secret_forms
    from ansible_collections.mailops.smtp.plugins.module_utils._observe.reply import (
        LINE_LIMIT,
        Reply,
        ReplyParser,
        capabilities,
        status_code,
    )
    from ansible_collections.mailops.smtp.plugins.module_utils._observe.resolve import Address
    from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings
    from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.certificates import read_chain
    from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.chains import (
        chain_verdict,
        disordered,
        weakness,
    )
    from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import HostFacts, Policy
    from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import judge

MODES = ["implicit_tls", "starttls", "opportunistic", "cleartext", "auto"]
PASSWORD = "hunter2-S3cret"
CLOCK = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


class Wrong(Exception):
    """What must hold did not."""


def pieces_of(source: atheris.FuzzedDataProvider) -> list[bytes]:
    """The rest of the input, cut where the input says."""
    found = []
    while source.remaining_bytes():
        found.append(source.ConsumeBytes(source.ConsumeIntInRange(1, 200)))
    return [piece for piece in found if piece]


def parse(pieces: list[bytes]) -> tuple[list[Reply], bool]:
    """All replies, and whether it ended in a failure."""
    parser, found = ReplyParser(), []
    try:
        for piece in pieces:
            parser.feed(piece)
            while (reply := parser.next_reply()) is not None:
                found.append(reply)
            if parser.pending > LINE_LIMIT:
                raise Wrong("more is kept than a line may have")
    except Failure:
        return found, True
    return found, False


def reply(data: bytes) -> None:
    """Replies in any pieces are those of the whole, and their words are safe to show."""
    pieces = pieces_of(atheris.FuzzedDataProvider(data))
    found = parse(pieces)
    if found != parse([b"".join(pieces)]):
        raise Wrong("the pieces make a difference")
    forms = secret_forms("app", PASSWORD)
    for one in found[0]:
        if not all(line.isprintable() for line in one.lines):
            raise Wrong("what is not printable")
        capabilities(one.lines)
        status_code(one.lines[0])
        if PASSWORD in str(redact(one.as_entry(), forms)):
            raise Wrong("the password")


def certificates(data: bytes) -> None:
    """A Certificate message, and whatever it holds, read on the controller."""
    source = atheris.FuzzedDataProvider(data)
    kind = source.ConsumeIntInRange(0, 2)  # from the last byte; 2: a bare certificate
    rest = source.ConsumeBytes(atheris.ALL_REMAINING)
    found = [rest] if kind == 2 else tls._certificates(rest, kind == 1)
    chain = read_chain([base64.b64encode(der).decode() for der in found], CLOCK, (None, None))
    for certificate in chain:
        json.dumps(certificate.as_dict(True))
    weakness(chain)
    disordered(chain)
    for code in (9, 10, 18, 19, 20, 62, 66, 1):
        chain_verdict(code, "words", chain, "relay.test", ["words"])


class Answering:
    """A wire for AUTH alone: the relay's replies, one after the other."""

    def __init__(self, replies: list[Reply]) -> None:
        self.replies = replies
        self.lines = 0

    def command(self, _line: str) -> Reply:
        """The next reply."""
        self.lines += 1
        return self.replies.pop(0) if self.replies else Reply(535, ["no"])


def auth(data: bytes) -> None:
    """The dialogue of each mechanism ends, whatever the challenges."""
    source = atheris.FuzzedDataProvider(data)
    mechanism = source.PickValueInList(sorted(sasl._STEPS))
    replies = parse([source.ConsumeBytes(atheris.ALL_REMAINING)])[0]
    relay = Answering([one._replace(code=334) if one.code < 400 else one for one in replies])
    sasl.authenticate(relay, mechanism, "app", PASSWORD, [])  # type: ignore[arg-type]
    if relay.lines > 9:
        raise Wrong("no end")


with tempfile.TemporaryDirectory() as folder:
    pki = Pki(pathlib.Path(folder))
    issued = pki.issue("localhost", ips=["127.0.0.1"])
    CONTEXTS = tls.TLSContexts(True, str(pki.ca_file), "TLSv1.2")
    CONTEXTS.context()
    SERVER = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    SERVER.load_cert_chain(issued.chain_file, issued.key_file)


def climb(data: bytes) -> None:
    """The ladder and the judge over a relay that says anything, in cleartext and behind a sound handshake."""
    source = atheris.FuzzedDataProvider(data)
    mode, options, end = source.PickValueInList(MODES), source.ConsumeIntInRange(0, 31), source.ConsumeIntInRange(0, 3)
    plan = ladder.ClimbOptions(
        server_name="localhost",
        helo_name="fuzz.test",
        credentials=("app", PASSWORD, None) if options & 1 else None,
        transaction={"sender": "a@x.test", "recipients": ["b@x.test"], "message": "x\r\n", "deliver": True}
        if options & 2
        else None,
        try_injection=bool(options & 4),
        cleartext_allowed=bool(options & 8),
    )
    script = Script(pieces_of(source), end, SERVER if options & 16 else None)
    with no_network(ladder, wire, further, script):
        evidence = Climb(Address(socket.AF_INET, ("127.0.0.1", 25)), mode, plan, CONTEXTS, Deadline(5)).run()
    seen = {
        "format": 1,
        "dns": {"ok": True, "known": 1, "ms": 0.1},
        "attempts": [evidence],
        "alternatives": [],
        "elsewhere": [],
        "elapsed_ms": 1.0,
    }
    seen = redact(seen, secret_forms("app", PASSWORD))
    probe = judge(Settings("localhost", 25, mode), json.loads(json.dumps(seen)), Policy(), HostFacts(CLOCK))
    text = json.dumps(probe, ensure_ascii=False)
    if not text.isprintable() or PASSWORD in text or (not probe["ok"] and not probe["cause"]):
        raise Wrong(text)


def seeds(target: str) -> list[bytes]:
    """Sound inputs to start from."""
    ders = [one.public_bytes(Encoding.DER) for one in issued.chain]
    entries = b"".join(len(der).to_bytes(3, "big") + der + b"\0\0" for der in ders)
    message = b"\x0b" + (len(entries) + 4).to_bytes(3, "big") + b"\0" + len(entries).to_bytes(3, "big") + entries
    dialogue = (
        b"220 relay.test ESMTP\r\n",
        b"250-relay.test\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n",
        b"220 go\r\n",
        b"235 ok\r\n",
        b"250 ok\r\n" * 2,
        b"354 go\r\n",
    )
    # What the provider reads as numbers comes from the end of the input: here the sizes of the pieces, the end, the options, the mode.
    sizes = bytes(min(len(piece), 200) - 1 for piece in reversed(dialogue))
    found = {
        "reply": [b"".join(dialogue) + sizes],
        "certificates": [*(der + b"\x02" for der in ders), message + b"\x01"],
        "auth": [b"334 PDEuMkB4Pg==\r\n235 ok\r\n" + bytes([number]) for number in range(6)],
        "climb": [
            b"".join(dialogue) + sizes + bytes([0, options, mode])
            for options in (0, 3, 7, 11, 19, 31)
            for mode in range(5)
        ],
    }
    return found[target]


TARGETS = {"reply": reply, "certificates": certificates, "auth": auth, "climb": climb}

if __name__ == "__main__":
    for number, seed in enumerate(seeds(sys.argv[1])):
        pathlib.Path(sys.argv[-1], f"seed-{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], *sys.argv[2:]], TARGETS[sys.argv[1]])
    atheris.Fuzz()
