# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence as the host's half returns it, in short form: what the rows of `_verdict/rows` are built of, which say what it means.

row.evidence(chains)   one observation; chains: a name of CHAINS -> what a relay sent (base64 DER, leaf first)
"""

from __future__ import annotations

import base64
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import (
    FORMAT,
    Attempt,
    Dns,
    EhloEntry,
    FailureEntry,
    Kind,
    Layer,
    Observation,
    ReplyEntry,
    Rung,
    Security,
    TLSEntry,
)
from cryptography.hazmat.primitives.serialization import Encoding

from .pki import EXPIRED, EXPIRING, NOT_YET_VALID, Pki, name_and_address

__all__ = ["Row", "attempt", "make_chains", "observation", "steps"]


def make_chains(folder: Path) -> dict[str, list[str]]:
    """Chains of every kind that the table names, all for relay.test."""
    pki = Pki(folder)
    name = "relay.test"
    issued = {
        "good": pki.issue(name),
        "expired": pki.issue(name, valid=EXPIRED),
        "expired issuer": pki.issue(name, issuer=pki.expired_intermediate()),
        "expiring": pki.issue(name, valid=EXPIRING),
        "expiring issuer": pki.issue(name, issuer=pki.root.authority("soon over", valid=EXPIRING)),
        "not yet": pki.issue(name, valid=NOT_YET_VALID),
        "self-signed": pki.issue(name, issuer=None),
        "self-signed expired": pki.issue(name, issuer=None, valid=EXPIRED),
        "stranger": pki.issue(name, issuer=pki.stranger()),
        "stranger with root": pki.issue(name, issuer=pki.stranger(), chain=["leaf", "intermediate", "root"]),
        "leaf only": pki.issue(name, chain=["leaf"]),
        "leaf only online": pki.issue(
            name, chain=["leaf"], issuer=pki.new_root("Company CA"), aia="http://ca.test/ca.crt"
        ),
        "leaf of root": pki.issue(name, issuer="root", chain=["leaf"]),
        "leaf of some CA": pki.issue(name, issuer=pki.new_root("Company CA"), chain=["leaf"]),
        "other name": pki.issue("other.test", names=["other.test", "www.other.test"]),
        "many names": pki.issue("other.test", names=[f"n{number}.test" for number in range(9)]),
        "no names": pki.issue(name, names=[]),
        "only addresses": pki.issue(name, names=[], ips=["192.0.2.9"]),
        "odd address": pki.issue(name, san=name_and_address(name, b"\x7f\0\1")),
        "names cut short": pki.issue(name, san=name_and_address(name, b"\x7f\0\0\1")[:-3]),
        "address as name": pki.issue("192.0.2.7"),
        "version 1": pki.issue(name, version=1),
        "weak key": pki.issue(name, key_type="rsa", bits=1024),
        "sha1": pki.issue(name, hash_name="sha1"),
        "disordered": pki.issue(name, chain=["leaf", "root", "intermediate"]),
        "doubled": pki.issue(name, chain=["leaf", "leaf", "intermediate", "intermediate"]),
        "root as well": pki.issue(name, chain=["leaf", "intermediate", "root"]),
    }
    return {
        name: [base64.b64encode(one.public_bytes(Encoding.DER)).decode() for one in each.chain]
        for name, each in issued.items()
    }


def steps(text: str, ms: float = 5.0) -> list[Rung]:
    """ "tcp greeting ehlo!" as rungs; the one with "!" broke."""
    return [{"layer": t.cast(Layer, word.rstrip("!")), "ok": not word.endswith("!"), "ms": ms} for word in text.split()]


def reply(code: int, *lines: str) -> ReplyEntry:
    return {"code": code, "lines": list(lines or ("",))}


GREETING = reply(220, "relay.test ESMTP")
TLS: TLSEntry = {
    "version": "TLSv1.3",
    "cipher": "TLS_AES_256_GCM_SHA384",
    "verified": True,
    "verify_error": None,
    "certificate_requested": False,
}


def attempt(
    security: Security = "starttls",
    rungs: str = "tcp greeting ehlo starttls tls certificate ehlo",
    failure: FailureEntry | None = None,
    **more: t.Any,
) -> Attempt:
    """One address. ``more``: greeting, ehlo, tls, chain, other_mode, ... as the ladder keeps them."""
    found: Attempt = {
        "address": "192.0.2.1",
        "family": 4,
        "security": security,
        "rungs": steps(rungs),
        "failure": failure,
    }
    return t.cast(Attempt, {**found, **more})


def observation(*attempts: Attempt, dns: Dns | None = None, **more: t.Any) -> Observation:
    """One endpoint."""
    found: Observation = {
        "format": FORMAT,
        "dns": dns or {"ok": True, "known": len(attempts), "ms": 1.0},
        "attempts": list(attempts),
        "alternatives": [],
        "elsewhere": [],
        "elapsed_ms": 42.0,
    }
    return t.cast(Observation, {**found, **more})


def broken(layer: Layer, kind: Kind, **facts: t.Any) -> FailureEntry:
    return t.cast(FailureEntry, {"layer": layer, "kind": kind, **facts})


def ehlo(before: t.Sequence[str] | None = ("SIZE 1000", "STARTTLS"), after: t.Sequence[str] | None = None) -> EhloEntry:
    found: EhloEntry = {}
    if before is not None:
        found["before_tls"] = reply(250, "relay.test", *before)
    if after is not None:
        found["after_tls"] = reply(250, "relay.test", *after)
    return found


def up_to_ehlo(**more: t.Any) -> dict[str, t.Any]:
    return {"greeting": GREETING, "ehlo": ehlo(), **more}


def in_tls(**more: t.Any) -> dict[str, t.Any]:
    return {
        "greeting": GREETING,
        "ehlo": ehlo(after=("SIZE 1000", "AUTH PLAIN LOGIN")),
        "tls": TLS,
        "chain": "good",
        "chain_available": True,
        **more,
    }


def cert(chain: str, code: int, text: str = "some words of OpenSSL") -> Attempt:
    """A verification that failed, on implicit TLS."""
    return attempt(
        "implicit_tls",
        "tcp tls certificate!",
        broken("certificate", "certificate", verify_code=code, text=text),
        tls={**TLS, "verified": False, "verify_error": text},
        chain=chain,
        chain_available=True,
    )


@dataclass(frozen=True)
class Row:
    """Evidence, and the verdict that it must get."""

    id: str
    made: Observation
    code: str | None
    layer: str | None = None
    variant: str = ""
    observed: str | None = None
    says: str = ""  # a part of the message
    findings: frozenset[str] = frozenset()
    settings: t.Mapping[str, t.Any] = field(default_factory=dict)
    policy: t.Mapping[str, t.Any] = field(default_factory=dict)
    facts: t.Mapping[str, t.Any] = field(default_factory=dict)

    def evidence(self, chains: t.Mapping[str, list[str]]) -> Observation:
        """The observation with its certificates put in."""
        return t.cast(Observation, _with_chains(self.made, chains))


def _with_chains(found: t.Any, chains: t.Mapping[str, list[str]]) -> t.Any:
    if isinstance(found, dict):
        return {
            key: chains[value] if key == "chain" and isinstance(value, str) else _with_chains(value, chains)
            for key, value in found.items()
        }
    return [_with_chains(each, chains) for each in found] if isinstance(found, list) else found


def row(
    id_: str,
    made: Attempt | Observation,
    code: str | None,
    layer: str | None = None,
    variant: str = "",
    observed: str | None = None,
    says: str = "",
    findings: str = "",
    settings: dict[str, t.Any] | None = None,
    policy: dict[str, t.Any] | None = None,
    facts: dict[str, t.Any] | None = None,
) -> Row:
    whole = t.cast(Observation, made) if "attempts" in made else observation(t.cast(Attempt, made))
    return Row(
        id_,
        whole,
        code,
        layer,
        variant,
        observed,
        says,
        frozenset(findings.split()),
        settings or {},
        policy or {},
        facts or {},
    )


IMPLICIT = {"port": 465, "security": "implicit_tls"}


def dns(kind: Kind, **facts: t.Any) -> Observation:
    return observation(dns={"ok": False, "ms": 10.0, "failure": broken("dns", kind, **facts)})


def tcp(kind: Kind, **facts: t.Any) -> Attempt:
    return attempt(rungs="tcp!", failure=broken("tcp", kind, **facts))


def greets(kind: Kind, **facts: t.Any) -> Attempt:
    return attempt(rungs="tcp greeting!", failure=broken("greeting", kind, **facts))


def tls_fails(
    kind: Kind,
    legacy: TLSEntry | None = None,
    other: Attempt | None = None,
    tls: TLSEntry | None = None,
    **facts: t.Any,
) -> Attempt:
    found = attempt(
        "implicit_tls",
        "tcp tls!",
        broken("tls", kind, **facts),
        tls=tls or {**TLS, "version": None, "cipher": None, "verified": False},
    )
    if legacy is not None:
        found["legacy"] = legacy
    if other is not None:
        found["other_mode"] = other
    return found


def auth_fails(kind: Kind, **facts: t.Any) -> Attempt:
    return attempt(
        rungs="tcp greeting ehlo starttls tls certificate ehlo auth!", failure=broken("auth", kind, **facts), **in_tls()
    )


def mail_fails(stage: str, code: int, *lines: str, **facts: t.Any) -> Attempt:
    failure = broken("transaction", "reply", stage=stage, code=code, lines=list(lines), **facts)
    return attempt(rungs="tcp greeting ehlo starttls tls certificate ehlo transaction!", failure=failure, **in_tls())


CLEARTEXT_LOOK = attempt("cleartext", "tcp greeting ehlo", **up_to_ehlo())
PLAIN_LOOK = attempt("cleartext", "tcp greeting ehlo", greeting=GREETING, ehlo=ehlo(("SIZE 1000",)))
TLS_LOOK = attempt("implicit_tls", "tcp tls certificate greeting ehlo", **in_tls(ehlo=ehlo(None, ("SIZE 1000",))))
SILENT_LOOK = attempt("cleartext", "tcp greeting!", broken("greeting", "timeout", partial=""))


# What the relay offered before and after TLS, in short.
def session(*auth: str, security: Security = "starttls", **more: t.Any) -> Attempt:
    """A session that came through, whose relay offers these mechanisms."""
    lines = ("SIZE 1000", f"AUTH {' '.join(auth)}") if auth else ("SIZE 1000",)
    if security == "implicit_tls":
        return attempt(security, "tcp tls certificate greeting ehlo", **in_tls(ehlo=ehlo(None, lines), **more))
    if security == "cleartext":
        return attempt(security, "tcp greeting ehlo", greeting=GREETING, ehlo=ehlo(lines), **more)
    return attempt(security, **in_tls(ehlo=ehlo(after=lines), **more))


def in_cleartext(failure: FailureEntry, *before: str) -> Attempt:
    """A refusal in a session without TLS."""
    return attempt("cleartext", f"tcp greeting ehlo {failure['layer']}!", failure, greeting=GREETING, ehlo=ehlo(before))


def refused(layer: Layer, code: int, *lines: str, **more: t.Any) -> Attempt:
    """The greeting, EHLO or STARTTLS is answered with this."""
    rungs = {"greeting": "tcp greeting!", "ehlo": "tcp greeting ehlo!", "starttls": "tcp greeting ehlo starttls!"}[
        layer
    ]
    seen = {
        "greeting": {},
        "ehlo": {"greeting": GREETING, "ehlo": {"before_tls": reply(code, *lines)}},
        "starttls": up_to_ehlo(),
    }[layer]
    return attempt(rungs=rungs, failure=broken(layer, "reply", code=code, lines=list(lines)), **{**seen, **more})


ASKED: TLSEntry = {**TLS, "certificate_requested": True}
LOGIN = {"username": "app", "password": "s3cret"}
CLEARTEXT = {"port": 25, "security": "cleartext"}
NO_LOGIN = ("sender_rejected", "transaction", "auth_required", "starttls")


def after_handshake(kind: Kind, security: Security = "implicit_tls", tls: TLSEntry = ASKED, **facts: t.Any) -> Attempt:
    """The relay leaves, or refuses, at the first words inside TLS."""
    if security == "implicit_tls":
        return attempt(
            security,
            "tcp tls certificate greeting!",
            broken("greeting", kind, **facts),
            tls=tls,
            chain="good",
            chain_available=True,
        )
    rungs = "tcp greeting ehlo starttls tls certificate ehlo!"
    return attempt(
        security, rungs, broken("ehlo", kind, **facts), **up_to_ehlo(tls=tls, chain="good", chain_available=True)
    )
