# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence as the host's half returns it, in short form, and the table of what it means: every cause and every finding once at least.

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
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import AppClient
from cryptography.hazmat.primitives.serialization import Encoding

from .pki import EXPIRED, EXPIRING, NOT_YET_VALID, Pki

__all__ = ["ROWS", "Row", "attempt", "make_chains", "observation", "steps"]


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


MORE_ROWS: tuple[Row, ...] = (
    # a login is given: EHLO says whether it is of use
    row("login offered", session("PLAIN"), None, observed="starttls", settings=LOGIN),
    row("login, not offered", session(), "auth_not_offered", "auth", observed="starttls", settings=LOGIN),
    row(
        "login, implicit, not offered",
        session(security="implicit_tls"),
        "auth_not_offered",
        "auth",
        observed="implicit_tls",
        settings={**IMPLICIT, **LOGIN},
    ),
    row("login, not required", session(), None, observed="starttls", settings={**LOGIN, "login_required": False}),
    row(
        "login, another mechanism",
        session("PLAIN", "LOGIN"),
        "auth_mechanism_not_offered",
        "auth",
        observed="starttls",
        says="CRAM-MD5 was asked for, PLAIN, LOGIN are",
        settings={**LOGIN, "auth_mechanism": "CRAM-MD5"},
    ),
    row(
        "login, tokens only",
        session("XOAUTH2", "OAUTHBEARER"),
        "auth_mechanism_not_offered",
        "auth",
        "token",
        "starttls",
        settings=LOGIN,
    ),
    row(
        "login, tokens asked for",
        session("XOAUTH2"),
        None,
        observed="starttls",
        settings={**LOGIN, "auth_mechanism": "XOAUTH2"},
    ),
    row(
        "login, domain logins only",
        session("NTLM", "GSSAPI"),
        "auth_mechanism_not_offered",
        "auth",
        "none",
        "starttls",
        says="NTLM, GSSAPI are offered",
        settings=LOGIN,
    ),
    row(
        "login, only after TLS",
        in_cleartext(broken("auth", "missing", what="auth", starttls=True), "STARTTLS"),
        "auth_requires_tls",
        "auth",
        observed="starttls",
        settings={**CLEARTEXT, **LOGIN},
    ),
    row(
        "login, only after TLS, not tried",
        attempt("cleartext", "tcp greeting ehlo", **up_to_ehlo()),
        "auth_requires_tls",
        "auth",
        observed="starttls",
        settings={**CLEARTEXT, **LOGIN},
    ),
    row(
        "login, only HELO",
        attempt(
            "cleartext",
            "tcp greeting ehlo",
            greeting=GREETING,
            helo=reply(250, "x"),
            ehlo={"before_tls": reply(502, "no")},
        ),
        "auth_not_offered",
        "auth",
        observed="cleartext",
        findings="ehlo_refused",
        settings={**CLEARTEXT, **LOGIN},
    ),
    row(
        "login in cleartext refused for TLS",
        in_cleartext(broken("auth", "reply", code=538, lines=["5.7.11 Encryption required"]), "AUTH PLAIN"),
        "auth_requires_tls",
        "auth",
        observed="cleartext",
        findings="auth_offered_in_cleartext",
        settings={**CLEARTEXT, **LOGIN},
    ),
    row(
        "password with a line end",
        auth_fails("reply", code=535, lines=["5.7.8 no"]),
        "auth_rejected",
        "auth",
        observed="starttls",
        says="the password begins or ends in a line break",
        settings={**LOGIN, "password": "s3cret\n"},
    ),
    row(
        "login, other tokens only",
        session("OAUTHBEARER"),
        "auth_mechanism_not_offered",
        "auth",
        "none",
        "starttls",
        settings=LOGIN,
    ),
    # tls
    row(
        "anonymous session",
        attempt(**in_tls(tls={**TLS, "version": "TLSv1.2", "cipher": "ADH-AES256-GCM-SHA384"})),
        "tls_handshake_failed",
        "tls",
        "no_certificate",
        "starttls",
        says="ADH-AES256",
        settings={"validate_certs": False},
        findings="certificate_not_verified",
    ),
    row(
        "anonymous only",
        tls_fails(
            "tls",
            legacy={**TLS, "version": "TLSv1.2", "cipher": "AECDH-AES256-SHA"},
            reason="SSLV3_ALERT_HANDSHAKE_FAILURE",
            text="x",
        ),
        "tls_handshake_failed",
        "tls",
        "no_certificate",
        "implicit_tls",
        says="AECDH",
        settings=IMPLICIT,
    ),
    row(
        "unknown server name",
        tls_fails("tls", reason="TLSV1_UNRECOGNIZED_NAME", text="x"),
        "tls_handshake_failed",
        "tls",
        "server_name",
        "implicit_tls",
        says="does not know the name relay.test",
        settings=IMPLICIT,
    ),
    row(
        "client certificate, closed after TLS 1.3",
        after_handshake("closed", partial=""),
        "client_certificate_required",
        "tls",
        observed="implicit_tls",
        says="got none, and closed",
        settings=IMPLICIT,
    ),
    row(
        "client certificate, reset after TLS 1.3",
        after_handshake("reset", partial=""),
        "client_certificate_required",
        "tls",
        observed="implicit_tls",
        says="reset the connection",
        settings=IMPLICIT,
    ),
    row(
        "client certificate, closed after STARTTLS",
        after_handshake("closed", "starttls", partial=""),
        "client_certificate_required",
        "tls",
        observed="starttls",
    ),
    row(
        "client certificate, nginx",
        after_handshake("reply", "starttls", code=421, lines=["4.7.1 No SSL certificate"]),
        "client_certificate_required",
        "tls",
        observed="starttls",
        says="'421 4.7.1 No SSL certificate'",
    ),
    row(
        "no certificate asked for, closed",
        after_handshake("closed", tls=TLS, partial=""),
        "connection_closed",
        "greeting",
        observed="implicit_tls",
        settings=IMPLICIT,
    ),
    row(
        "old suites",
        attempt(
            **in_tls(
                tls={**TLS, "version": "TLSv1.2", "cipher": "AES256-SHA"},
                python_refused=broken("tls", "tls", reason="X", text="x"),
            )
        ),
        None,
        observed="starttls",
        findings="tls_ciphers_old",
    ),
    row(
        "a small group",
        attempt(
            **in_tls(tls={**TLS, "version": "TLSv1.2", "cipher": "DHE-RSA-AES256-GCM-SHA384", "dh_bits": 1024}),
        ),
        None,
        observed="starttls",
        findings="tls_group_small",
    ),
    row(
        "a group that is too small here",
        tls_fails(
            "tls", tls={**TLS, "cipher": None, "dh_bits": 1024}, reason="DH_KEY_TOO_SMALL", text="dh key too small"
        ),
        "tls_handshake_failed",
        "tls",
        "small_group",
        observed="implicit_tls",
        says="1024 bits",
        settings=IMPLICIT,
    ),
    row(
        "old suites, an app that has none of them",
        attempt(
            **in_tls(
                tls={**TLS, "version": "TLSv1.2", "cipher": "AES256-SHA"},
                python_refused=broken("tls", "tls", reason="X", text="x"),
            )
        ),
        "tls_handshake_failed",
        "tls",
        "app",
        observed="starttls",
        findings="tls_ciphers_old",
        says="but Safe refuses its TLS: rustls has no suite like AES256-SHA",
        policy={"apps": (AppClient("Pages", "node"), AppClient("Safe", "rustls"))},
    ),
    row(
        "old suites, an app that has them",
        attempt(
            **in_tls(
                tls={**TLS, "version": "TLSv1.2", "cipher": "AES256-SHA"},
                python_refused=broken("tls", "tls", reason="X", text="x"),
            )
        ),
        None,
        observed="starttls",
        findings="tls_ciphers_old",
        policy={"apps": (AppClient("Pages", "node"), AppClient("Own"))},
    ),
    row(
        "DHE by the relay's choice, which may have more",
        attempt(**in_tls(tls={**TLS, "version": "TLSv1.2", "cipher": "DHE-RSA-AES256-GCM-SHA384", "dh_bits": 3072})),
        None,
        observed="starttls",
        findings="tls_ciphers_old",
        policy={"apps": (AppClient("Safe", "rustls"),)},
    ),
    row(
        "no names, an app that wants them",
        attempt(**in_tls(chain="no names")),
        "certificate_name_mismatch",
        "certificate",
        "app",
        observed="starttls",
        says="Forge refuses the certificate",
        policy={"apps": (AppClient("Forge", "go"),)},
    ),
    row(
        "no names, not verified by the app either",
        attempt(**in_tls(chain="no names")),
        None,
        observed="starttls",
        settings={"validate_certs": False},
        findings="certificate_without_names certificate_not_verified",
        policy={"apps": (AppClient("Forge", "go"),)},
    ),
    row(
        "no mechanism for the app",
        attempt(**in_tls()),
        "auth_mechanism_not_offered",
        "auth",
        "app",
        observed="starttls",
        says="PLAIN, LOGIN are offered, Old can do CRAM-MD5",
        settings={"username": "app", "password": "x"},
        policy={"apps": (AppClient("Old", "", ("CRAM-MD5",)),)},
    ),
    row(
        "a mechanism for the app",
        attempt(**in_tls()),
        None,
        observed="starttls",
        settings={"username": "app", "password": "x"},
        policy={"apps": (AppClient("New", "", ("CRAM-MD5", "LOGIN")), AppClient("Unknown"))},
    ),
    # greeting, ehlo
    row(
        "banned",
        refused("greeting", 554, "5.7.1 Service unavailable; Client host [192.0.2.4] blocked using zen.example"),
        "greeting_rejected",
        "greeting",
        "address",
    ),
    row("busy", refused("greeting", 421, "4.7.0 Too many connections"), "temporarily_rejected", "transaction", "limit"),
    row(
        "busy behind the greeting",
        attempt(
            rungs="tcp greeting!",
            failure=broken("greeting", "out_of_step", code=421, lines=["4.3.2 Too many sessions"], sign="unasked"),
            greeting=GREETING,
        ),
        "temporarily_rejected",
        "transaction",
        "limit",
    ),
    row(
        "busy at EHLO",
        refused("ehlo", 421, "too many concurrent connections"),
        "temporarily_rejected",
        "transaction",
        "limit",
    ),
    row("name at EHLO", refused("ehlo", 501, "5.5.4 Invalid EHLO name"), "ehlo_rejected", "ehlo", "name"),
    row(
        "EHLO refused, then gone",
        refused("ehlo", 550, "not today", helo_failure=broken("ehlo", "closed", partial="")),
        "ehlo_rejected",
        "ehlo",
        says="'550 not today' and then closed the connection",
    ),
    row(
        "silence after TLS",
        after_handshake("timeout", "starttls", tls=TLS, partial=""),
        "ehlo_rejected",
        "ehlo",
        "no_answer_in_tls",
        "starttls",
    ),
    row(
        "late reply",
        attempt(
            rungs="tcp greeting ehlo!",
            failure=broken("ehlo", "out_of_step", code=250, lines=["x"], sign="late_reply"),
            greeting=GREETING,
        ),
        "ehlo_rejected",
        "ehlo",
        "out_of_step",
        says="comes behind the next one",
    ),
    # starttls
    row(
        "starttls, no certificate",
        refused("starttls", 454, "4.7.0 TLS not available due to local problem"),
        "starttls_rejected",
        "starttls",
        observed="starttls",
    ),
    row(
        "starttls, policy",
        refused("starttls", 530, "5.7.0 access denied"),
        "starttls_rejected",
        "starttls",
        "policy",
        "starttls",
    ),
    row(
        "starttls, milter",
        refused("starttls", 454, "4.7.1 Service unavailable, milter does not answer"),
        "starttls_rejected",
        "starttls",
        "policy",
        "starttls",
    ),
    row(
        "starttls, resources",
        refused("starttls", 454, "4.3.0 Not enough memory"),
        "starttls_rejected",
        "starttls",
        "resources",
        "starttls",
    ),
    row(
        "starttls, limit",
        refused("starttls", 421, "4.7.0 Too many sessions"),
        "temporarily_rejected",
        "transaction",
        "limit",
        "starttls",
    ),
    # mode
    row(
        "a refusal in answer to a ClientHello",
        attempt(
            "implicit_tls",
            "tcp tls!",
            broken("mode", "plaintext", text="554 5.7.1 go away"),
            other_mode=attempt(
                "cleartext", "tcp greeting!", broken("greeting", "reply", code=554, lines=["5.7.1 go away"])
            ),
        ),
        "greeting_rejected",
        "greeting",
        says="'554 5.7.1 go away'",
        settings=IMPLICIT,
    ),
    row(
        "a limit in answer to a ClientHello",
        attempt(
            "implicit_tls",
            "tcp tls!",
            broken("mode", "plaintext", text="421 4.7.0 too many connections"),
            other_mode=SILENT_LOOK,
        ),
        "temporarily_rejected",
        "transaction",
        "limit",
        settings=IMPLICIT,
    ),
    row(
        "a refusal, and the other mode greets",
        attempt("implicit_tls", "tcp tls!", broken("mode", "plaintext", text="500 what"), other_mode=CLEARTEXT_LOOK),
        "mode_mismatch",
        "mode",
        "cleartext_spoken",
        "starttls",
        settings=IMPLICIT,
    ),
    row(
        "the first connection was left waiting",
        attempt(greeting=GREETING, ehlo=ehlo(after=["SIZE 1000"]), tls=TLS, unserved=True),
        None,
        observed="starttls",
        findings="connection_unserved",
    ),
    row(
        "both modes",
        attempt(**in_tls(both_modes=True)),
        None,
        observed="starttls",
        findings="both_modes",
        settings={"port": 465},
    ),
    # tcp
    row(
        "sinkhole",
        {**tcp("os", errno="ECONNREFUSED"), "address": "0.0.0.0"},
        "connection_refused",
        "tcp",
        "sinkhole",
        says="answers 0.0.0.0 for relay.test",
    ),
    row(
        "sinkhole, not asked", {**tcp("sinkhole"), "address": "::ffff:0.0.0.0"}, "connection_refused", "tcp", "sinkhole"
    ),
    row("sinkhole, silent", {**tcp("timeout"), "address": "::"}, "connection_refused", "tcp", "sinkhole"),
    row(
        "no IPv6", {**tcp("os", errno="ENETUNREACH"), "address": "2001:db8::1", "family": 6}, "no_route", "tcp", "ipv6"
    ),
    row(
        "no IPv6, address given",
        {**tcp("os", errno="ENETUNREACH"), "address": "2001:db8::1", "family": 6},
        "no_route",
        "tcp",
        "ipv6_address",
        settings={"host": "2001:db8::1"},
    ),
    row(
        "link local",
        {**tcp("os", errno="EINVAL"), "address": "fe80::1", "family": 6},
        "no_route",
        "tcp",
        "link_local",
    ),
    row(
        "this host itself",
        {**tcp("os", errno="ECONNREFUSED"), "address": "127.0.0.1"},
        "connection_refused",
        "tcp",
        says="relay.test leads to this host itself",
        findings="leads_to_this_host",
    ),
    # certificates
    row(
        "own CA expired",
        cert("good", 10),
        "certificate_expired",
        "certificate",
        "own_ca",
        "implicit_tls",
        settings={**IMPLICIT, "ca_path": "/etc/ca.pem"},
    ),
    row(
        "clock weeks off",
        cert("expired", 10),
        "certificate_expired",
        "certificate",
        observed="implicit_tls",
        says="clock is 21 days ahead",
        settings=IMPLICIT,
        facts={"skew": 21 * 86400.0},
    ),
    row(
        "clock a day off",
        cert("expired", 10),
        "certificate_expired",
        "certificate",
        observed="implicit_tls",
        says="clock is 30 hours behind",
        settings=IMPLICIT,
        facts={"skew": -30 * 3600.0},
    ),
    *(
        row(
            f"misissued: {text}",
            cert("good", code, text),
            "certificate_untrusted",
            "certificate",
            "misissued",
            "implicit_tls",
            says=text,
            settings=IMPLICIT,
        )
        for code, text in (
            (25, "path length constraint exceeded"),
            (32, "key usage does not include certificate signing"),
            (34, "unhandled critical extension"),
            (47, "permitted subtree violation"),
            (48, "excluded subtree violation"),
            (79, "invalid CA certificate"),
            (24, "invalid CA certificate"),
        )
    ),
    row(
        "bad signature",
        cert("good", 7, "certificate signature failure"),
        "certificate_untrusted",
        "certificate",
        "signature",
        "implicit_tls",
        settings=IMPLICIT,
    ),
    row(
        "address as a name",
        cert("address as name", 64),
        "certificate_name_mismatch",
        "certificate",
        "address_as_name",
        "implicit_tls",
        settings={**IMPLICIT, "host": "192.0.2.7"},
    ),
    row(
        "version 1",
        attempt(**in_tls(chain="version 1")),
        None,
        observed="starttls",
        findings="certificate_without_names",
    ),
    # transaction
    row(
        "helo at RCPT",
        mail_fails(
            "rcpt",
            504,
            "5.5.2 <25aea30808b2>: Helo command rejected: need fully-qualified hostname",
            recipient="b@example.com",
        ),
        "ehlo_rejected",
        "ehlo",
        "name",
        "starttls",
        says="RCPT",
    ),
    row(
        "helo at RCPT, for now",
        mail_fails("rcpt", 450, "4.7.1 <25aea30808b2>: Helo command rejected: Host not found"),
        "ehlo_rejected",
        "ehlo",
        "name",
        "starttls",
    ),
    row(
        "sender at RCPT",
        mail_fails("rcpt", 550, "Sender verify failed"),
        "sender_rejected",
        "transaction",
        observed="starttls",
    ),
    row(
        "sender's domain at RCPT",
        mail_fails("rcpt", 450, "4.1.8 <a@nowhere.test>: Sender address rejected: Domain not found"),
        "sender_rejected",
        "transaction",
        "no_domain",
        "starttls",
    ),
    row(
        "client at RCPT, no login made",
        mail_fails("rcpt", 554, "5.7.1 <app1[192.0.2.4]>: Client host rejected: Access denied"),
        *NO_LOGIN,
    ),
    row(
        "client at RCPT, logged in",
        {
            **mail_fails("rcpt", 554, "5.7.1 <app1[192.0.2.4]>: Client host rejected: Access denied"),
            "rungs": steps("tcp greeting ehlo starttls tls certificate ehlo auth transaction!"),
        },
        "greeting_rejected",
        "greeting",
        "address",
        "starttls",
    ),
    row(
        "client at RCPT, no login there",
        {**mail_fails("rcpt", 554, "5.7.1 Client host rejected: Access denied"), "ehlo": ehlo(after=("SIZE 1",))},
        "greeting_rejected",
        "greeting",
        "address",
        "starttls",
    ),
    row(
        "relay denied",
        mail_fails("rcpt", 554, "5.7.1 <b@example.net>: Relay access denied"),
        "recipient_rejected",
        "transaction",
        "relay",
        "starttls",
    ),
    row(
        "mailbox full",
        mail_fails("rcpt", 552, "5.2.2 over quota"),
        "recipient_rejected",
        "transaction",
        "mailbox_full",
        "starttls",
    ),
    row(
        "mailbox full, for now",
        mail_fails("rcpt", 452, "4.2.2 Mailbox full"),
        "temporarily_rejected",
        "transaction",
        "mailbox_full",
        "starttls",
    ),
    row(
        "disk full",
        mail_fails("mail", 452, "4.3.1 Insufficient system storage"),
        "temporarily_rejected",
        "transaction",
        "no_space",
        "starttls",
    ),
    row(
        "no PTR",
        mail_fails("rcpt", 450, "4.7.25 Client host rejected: cannot find your hostname, [192.0.2.4]"),
        "temporarily_rejected",
        "transaction",
        "reverse_name",
        "starttls",
    ),
    row(
        "no PTR, for good",
        mail_fails("rcpt", 550, "5.7.25 no PTR record"),
        "message_rejected",
        "transaction",
        "reverse_name",
        "starttls",
    ),
    row(
        "rate",
        mail_fails("rcpt", 450, "4.7.1 Error: too much mail from 192.0.2.4"),
        "temporarily_rejected",
        "transaction",
        "limit",
        "starttls",
    ),
    row(
        "starttls wanted at MAIL",
        in_cleartext(
            broken("transaction", "reply", stage="mail", code=530, lines=["5.7.0 Must issue a STARTTLS command first"]),
            "STARTTLS",
        ),
        "auth_requires_tls",
        "auth",
        observed="starttls",
        settings=CLEARTEXT,
    ),
)


ROWS: tuple[Row, ...] = (
    # healthy
    row("starttls", attempt(**in_tls()), None, observed="starttls"),
    row(
        "implicit",
        attempt("implicit_tls", "tcp tls certificate greeting ehlo", **in_tls(ehlo=ehlo(None, ("SIZE 1000",)))),
        None,
        observed="implicit_tls",
        settings=IMPLICIT,
    ),
    row("cleartext", PLAIN_LOOK, None, observed="cleartext", settings={"port": 25, "security": "cleartext"}),
    row(
        "cleartext though starttls",
        CLEARTEXT_LOOK,
        None,
        observed="starttls",
        settings={"port": 25, "security": "cleartext"},
    ),
    row("auto cleartext", PLAIN_LOOK, None, observed="cleartext", settings={"port": 1025, "security": "auto"}),
    # findings of a healthy endpoint
    row(
        "opportunistic",
        attempt("opportunistic", **in_tls()),
        None,
        observed="starttls",
        findings="downgrade_possible",
        settings={"security": "opportunistic"},
    ),
    row(
        "opportunistic without",
        {**PLAIN_LOOK, "security": "opportunistic"},
        None,
        observed="cleartext",
        findings="downgrade_possible",
        settings={"security": "opportunistic", "port": 25},
    ),
    row("expiring", attempt(**in_tls(chain="expiring")), None, observed="starttls", findings="certificate_expiring"),
    row("weak key", attempt(**in_tls(chain="weak key")), None, observed="starttls", findings="certificate_weak"),
    row("sha1", attempt(**in_tls(chain="sha1")), None, observed="starttls", findings="certificate_weak"),
    row(
        "doubled",
        attempt(**in_tls(chain="doubled")),
        None,
        observed="starttls",
        findings="certificate_chain_superfluous",
    ),
    row("root as well", attempt(**in_tls(chain="root as well")), None, observed="starttls"),
    row(
        "disordered",
        attempt(**in_tls(chain="disordered")),
        None,
        observed="starttls",
        findings="certificate_chain_disordered",
    ),
    row(
        "no names", attempt(**in_tls(chain="no names")), None, observed="starttls", findings="certificate_without_names"
    ),
    row(
        "not verified",
        attempt(**in_tls(tls={**TLS, "verified": None})),
        None,
        observed="starttls",
        findings="certificate_not_verified",
        settings={"validate_certs": False},
    ),
    row(
        "auth in cleartext",
        attempt(**in_tls(ehlo=ehlo(("SIZE 1000", "STARTTLS", "AUTH PLAIN"), ("SIZE 1000", "AUTH PLAIN")))),
        None,
        observed="starttls",
        findings="auth_offered_in_cleartext",
    ),
    row(
        "capabilities change",
        attempt(**in_tls(ehlo=ehlo(("STARTTLS", "HELP"), ("SIZE 1000",)))),
        None,
        observed="starttls",
        findings="capabilities_changed",
    ),
    row("injection", attempt(**in_tls(injected=True)), None, observed="starttls", findings="starttls_injection"),
    row(
        "old tls",
        attempt(**in_tls(tls={**TLS, "version": "TLSv1"})),
        None,
        observed="starttls",
        findings="tls_version_old",
        policy={"minimum_tls_version": "TLSv1"},
    ),
    row(
        "implicit on 587",
        attempt("implicit_tls", **in_tls(ehlo=ehlo(None, ("SIZE 1",)))),
        None,
        observed="implicit_tls",
        findings="unconventional_port",
        settings={"port": 587, "security": "implicit_tls"},
    ),
    row(
        "starttls on 465",
        attempt(**in_tls()),
        None,
        observed="starttls",
        findings="unconventional_port",
        settings={"port": 465},
    ),
    row(
        "slow",
        {**attempt(**in_tls()), "rungs": steps("tcp") + steps("greeting", 6000.0)},
        None,
        observed="starttls",
        findings="greeting_slow",
    ),
    row(
        "helo only",
        attempt(
            "cleartext",
            "tcp greeting ehlo",
            greeting=GREETING,
            helo=reply(250, "x"),
            ehlo={"before_tls": reply(502, "no")},
        ),
        None,
        observed="cleartext",
        findings="ehlo_refused",
        settings={"port": 25, "security": "cleartext"},
    ),
    row(
        "very many addresses",
        observation(attempt(**in_tls()), dns={"ok": True, "known": 10000, "ms": 1.0}),
        None,
        observed="starttls",
        findings="addresses_left_out",
    ),
    row(
        "one dead address",
        observation({**tcp("timeout"), "address": "192.0.2.9"}, attempt(**in_tls())),
        None,
        observed="starttls",
        findings="address_unreachable",
    ),
    row(
        "one bad address",
        observation({**greets("closed", partial=""), "address": "192.0.2.9"}, attempt(**in_tls())),
        None,
        observed="starttls",
        findings="address_fails",
    ),
    row(
        "all must work",
        observation({**tcp("timeout"), "address": "192.0.2.9"}, attempt(**in_tls())),
        "connection_timeout",
        "tcp",
        findings="",
        policy={"require_all_addresses": True},
    ),
    row(
        "one address was not waited for",
        observation(
            attempt(rungs="tcp greeting!", failure=broken("greeting", "unfinished", waited_ms=2000.0)),
            attempt(**in_tls()),
        ),
        None,
        observed="starttls",
    ),
    row(
        "one address was not asked",
        observation(attempt(rungs="", failure=broken("tcp", "not_asked", lack="files")), attempt(**in_tls())),
        None,
        observed="starttls",
    ),
    # settings
    row(
        "cleartext outside the networks",
        PLAIN_LOOK,
        "invalid_settings",
        "settings",
        "cleartext_networks",
        observed="cleartext",
        says="outside cleartext_networks (10.0.0.0/8)",
        settings={"port": 25, "security": "cleartext"},
        policy={"cleartext_networks": ("10.0.0.0/8",)},
    ),
    row(
        "password held back by the networks",
        attempt(
            "cleartext",
            "tcp greeting ehlo auth!",
            broken("auth", "withheld", what="password", starttls=False),
            greeting=GREETING,
            ehlo=ehlo(["AUTH PLAIN"]),
        ),
        "invalid_settings",
        "settings",
        "cleartext_networks",
        observed="cleartext",
        says="outside cleartext_networks (10.0.0.0/8)",
        findings="auth_offered_in_cleartext",
        settings={"port": 25, "security": "cleartext", "username": "app", "password": "x"},
        policy={"cleartext_networks": ("10.0.0.0/8",)},
    ),
    row(
        "source address",
        tcp("bind", errno="EADDRNOTAVAIL"),
        "invalid_settings",
        "settings",
        "source_address",
        says="source_address 192.0.2.77",
        settings={"source_address": "192.0.2.77"},
    ),
    # dns
    row("nxdomain", dns("resolver", error="EAI_NONAME"), "name_not_found", "dns", says="relay.test does not exist"),
    row("nodata", dns("resolver", error="EAI_NODATA"), "name_not_found", "dns", "no_address", says="has no address"),
    row("family", dns("resolver", error="EAI_ADDRFAMILY"), "name_not_found", "dns", "no_address"),
    row(
        "no such family",
        dns("resolver", error="EAI_ADDRFAMILY"),
        "name_not_found",
        "dns",
        "family",
        says="no IPv6 address, and ip_version",
        settings={"ip_version": "6"},
    ),
    row(
        "no such interface",
        dns("resolver", error="EAI_NONAME"),
        "invalid_settings",
        "settings",
        "interface",
        says="interface eth9",
        settings={"host": "fe80::1%eth9"},
    ),
    row("servfail", dns("resolver", error="EAI_AGAIN"), "name_server_failure", "dns", says="EAI_AGAIN"),
    row("dns fails", dns("resolver", error="EAI_FAIL"), "name_server_failure", "dns"),
    row(
        "dns slow",
        observation(
            attempt(greeting=GREETING, ehlo=ehlo(after=["SIZE 1000"]), tls=TLS), dns={"ok": True, "ms": 5000.0}
        ),
        None,
        observed="starttls",
        findings="name_server_slow",
    ),
    row("dns silent", dns("timeout"), "name_server_failure", "dns", says="within 0 s"),
    # tcp
    *(
        row(
            f"not asked, {lack}",
            attempt(rungs="", failure=broken("tcp", "not_asked", lack=lack)),
            "not_asked",
            "tcp",
            says=says,
        )
        for lack, says in (
            ("time", "before its turn"),
            ("threads", "ulimit -u"),
            ("files", "ulimit -n"),
            ("memory", "ulimit -v"),
        )
    ),
    row("filtered", tcp("timeout"), "connection_timeout", "tcp", says="192.0.2.1 port 587 did not answer"),
    row(
        "filtered and a clash",
        tcp("timeout"),
        "connection_timeout",
        "tcp",
        says="Besides, port 587 starts in cleartext",
        settings={"port": 587, "security": "implicit_tls"},
    ),
    row(
        "filtered elsewhere open",
        observation(tcp("timeout"), elsewhere=[{"address": "192.0.2.1", "port": 465, "result": "open"}]),
        "connection_timeout",
        "tcp",
        findings="port_filtered_elsewhere_open",
    ),
    row(
        "filtered alternative open",
        observation(tcp("timeout"), alternatives=[{"port": 465, "security": "implicit_tls", "attempts": [TLS_LOOK]}]),
        "connection_timeout",
        "tcp",
        findings="port_filtered_elsewhere_open",
    ),
    row("refused", tcp("os", errno="ECONNREFUSED"), "connection_refused", "tcp"),
    row(
        "refused by icmp",
        tcp("os", errno="ECONNREFUSED", icmp=[4, 3, 3], icmp_from="198.51.100.1"),
        "connection_refused",
        "tcp",
        says="198.51.100.1",
    ),
    row("no network", tcp("os", errno="ENETUNREACH"), "no_route", "tcp"),
    row(
        "no network by icmp",
        tcp("os", errno="ENETUNREACH", icmp=[4, 3, 0], icmp_from="198.51.100.1"),
        "no_route",
        "tcp",
        says="198.51.100.1",
    ),
    row("host unreachable at once", tcp("os", errno="EHOSTUNREACH"), "no_route", "tcp", "or_blocked"),
    row(
        "host unreachable by icmp",
        tcp("os", errno="EHOSTUNREACH", icmp=[4, 3, 1], icmp_from="198.51.100.1"),
        "no_route",
        "tcp",
    ),
    row(
        "prohibited by icmp",
        tcp("os", errno="EHOSTUNREACH", icmp=[4, 3, 13], icmp_from="198.51.100.1"),
        "connection_blocked",
        "tcp",
        says="198.51.100.1",
    ),
    row("prohibited locally", tcp("os", errno="EPERM"), "connection_blocked", "tcp"),
    row(
        "unreachable yet elsewhere",
        observation(
            tcp("os", errno="EHOSTUNREACH"), elsewhere=[{"address": "192.0.2.1", "port": 465, "result": "ECONNREFUSED"}]
        ),
        "connection_blocked",
        "tcp",
    ),
    row("odd error", tcp("os", errno="unknown"), "no_route", "tcp"),
    row("reset", tcp("reset"), "connection_reset", "tcp"),
    row(
        "reset by tls",
        attempt("implicit_tls", "tcp!", broken("tcp", "reset"), other_mode=SILENT_LOOK),
        "tls_handshake_failed",
        "tls",
        settings=IMPLICIT,
    ),
    # greeting
    row("silence", greets("timeout", partial=""), "greeting_timeout", "greeting", says="it stayed silent"),
    row("drip", greets("timeout", partial="220 rel"), "greeting_timeout", "greeting", says="only '220 rel' came"),
    row(
        "silence behind tls",
        attempt(
            "implicit_tls",
            "tcp tls certificate greeting!",
            broken("greeting", "timeout", partial=""),
            tls=TLS,
            chain="good",
            chain_available=True,
        ),
        "greeting_timeout",
        "greeting",
        observed="implicit_tls",
        says="after the TLS handshake",
        settings=IMPLICIT,
    ),
    row(
        "554",
        greets("reply", code=554, lines=["5.7.1 go away"]),
        "greeting_rejected",
        "greeting",
        says="'554 5.7.1 go away'",
    ),
    row("421", greets("reply", code=421, lines=["come back later"]), "temporarily_rejected", "transaction"),
    row("ssh", greets("malformed", text="SSH-2.0-OpenSSH_9.2"), "not_smtp", "greeting", says="an SSH server"),
    row("http", greets("malformed", text="HTTP/1.1 400 Bad Request"), "not_smtp", "greeting", says="a web server"),
    row("imap", greets("malformed", text="* OK Dovecot ready."), "not_smtp", "greeting", says="an IMAP server"),
    row(
        "endless line", greets("limit", limit="line", text="220 xxx"), "not_smtp", "greeting", says="a line without end"
    ),
    row("closed", greets("closed", partial=""), "connection_closed", "greeting", says="not one byte came"),
    row(
        "closed within", greets("closed", partial="220-re"), "connection_closed", "greeting", says="only '220-re' came"
    ),
    row("network lost", greets("os", errno="EHOSTUNREACH"), "connection_closed", "greeting", says="EHOSTUNREACH"),
    # mode
    row(
        "tls on cleartext",
        attempt(rungs="tcp", failure=broken("mode", "tls_spoken"), other_mode=TLS_LOOK),
        "mode_mismatch",
        "mode",
        "implicit_spoken",
        "implicit_tls",
        says="secure: false",
    ),
    row(
        "tls on cleartext with a fault",
        attempt(rungs="tcp", failure=broken("mode", "tls_spoken"), other_mode=cert("expired", 10)),
        "mode_mismatch",
        "mode",
        "implicit_spoken",
        "implicit_tls",
        says="certificate_expired",
        findings="",
    ),
    row(
        "imaps",
        attempt(
            rungs="tcp",
            failure=broken("mode", "tls_spoken"),
            other_mode=attempt(
                "implicit_tls", "tcp tls greeting!", broken("greeting", "malformed", text="* OK x"), tls=TLS
            ),
        ),
        "not_smtp",
        "greeting",
        observed="implicit_tls",
        says="behind TLS",
    ),
    row(
        "cleartext on tls",
        attempt(
            "implicit_tls",
            "tcp tls!",
            broken("mode", "plaintext", text="220 relay.test ESMTP"),
            other_mode=CLEARTEXT_LOOK,
        ),
        "mode_mismatch",
        "mode",
        "cleartext_spoken",
        "starttls",
        says="it said '220 relay.test ESMTP'",
        settings=IMPLICIT,
    ),
    row(
        "cleartext on tls without starttls",
        attempt("implicit_tls", "tcp tls!", broken("mode", "plaintext", text="220 x"), other_mode=PLAIN_LOOK),
        "mode_mismatch",
        "mode",
        "cleartext_only",
        "cleartext",
        settings=IMPLICIT,
    ),
    row(
        "cleartext seen after a reset",
        attempt("implicit_tls", "tcp!", broken("tcp", "reset"), other_mode=CLEARTEXT_LOOK),
        "mode_mismatch",
        "mode",
        "cleartext_spoken",
        "starttls",
        settings=IMPLICIT,
    ),
    row(
        "cleartext seen after a close",
        tls_fails("closed", other=CLEARTEXT_LOOK, silent=True),
        "mode_mismatch",
        "mode",
        "cleartext_spoken",
        "starttls",
        settings=IMPLICIT,
    ),
    row(
        "http on tls",
        attempt("implicit_tls", "tcp tls!", broken("mode", "plaintext", text="HTTP/1.1 400 Bad Request")),
        "not_smtp",
        "greeting",
        says="a web server",
        settings=IMPLICIT,
    ),
    row(
        "ftp on tls",
        attempt("implicit_tls", "tcp tls!", broken("mode", "plaintext", text="220 ProFTPD Server")),
        "not_smtp",
        "greeting",
        says="an FTP server",
        settings=IMPLICIT,
    ),
    # ehlo
    row(
        "ehlo refused",
        attempt(
            rungs="tcp greeting ehlo!",
            failure=broken("ehlo", "reply", code=550, lines=["no"]),
            greeting=GREETING,
            ehlo={"before_tls": reply(550, "no")},
        ),
        "ehlo_rejected",
        "ehlo",
        says="'550 no'",
    ),
    row(
        "ehlo unanswered",
        attempt(rungs="tcp greeting ehlo!", failure=broken("ehlo", "timeout", partial=""), greeting=GREETING),
        "ehlo_rejected",
        "ehlo",
        "no_answer",
    ),
    row(
        "ftp",
        attempt(
            rungs="tcp greeting ehlo!",
            failure=broken("ehlo", "reply", code=500, lines=["what"]),
            greeting=reply(220, "ProFTPD Server"),
        ),
        "not_smtp",
        "greeting",
        says="an FTP server",
    ),
    row(
        "knows nothing",
        attempt(
            rungs="tcp greeting ehlo!",
            failure=broken("ehlo", "reply", code=502, lines=["what"]),
            greeting=reply(220, "hi"),
            helo=reply(502, "what"),
        ),
        "not_smtp",
        "greeting",
        says="neither EHLO nor HELO",
    ),
    row(
        "knows only HELO",
        attempt(
            rungs="tcp greeting ehlo!",
            failure=broken("ehlo", "reply", code=502, lines=["what"]),
            greeting=GREETING,
            helo=reply(250, "x"),
        ),
        "ehlo_rejected",
        "ehlo",
        "only_helo",
        says="takes only HELO",
    ),
    row(
        "HELO has the reason",
        attempt(
            rungs="tcp greeting ehlo!",
            failure=broken("ehlo", "reply", code=502, lines=["what"]),
            greeting=GREETING,
            helo=reply(421, "4.7.0 too many connections"),
        ),
        "temporarily_rejected",
        "transaction",
        "limit",
        says="in answer to HELO, as EHLO was answered with '502 what'",
    ),
    row(
        "TLS only for a proxy",
        attempt(
            "implicit_tls",
            "tcp tls!",
            failure=broken("tls", "closed", silent=True),
            after_proxy_header={"code": 0, "lines": []},
        ),
        "greeting_timeout",
        "greeting",
        "proxy_expected",
        says="nobody but a proxy",
        settings={"port": 465, "security": "implicit_tls"},
    ),
    row(
        "greets twice",
        attempt(
            rungs="tcp greeting ehlo!",
            failure=broken("ehlo", "out_of_step", code=220, lines=["relay.test"], sign="second_greeting"),
            greeting=GREETING,
        ),
        "ehlo_rejected",
        "ehlo",
        "out_of_step",
        says="greets a second time",
    ),
    row(
        "greets only a proxy",
        attempt(rungs="tcp greeting!", failure=broken("greeting", "timeout", partial=""), after_proxy_header=GREETING),
        "greeting_timeout",
        "greeting",
        "proxy_expected",
        says="nobody but a proxy",
    ),
    row(
        "not offered",
        attempt(
            rungs="tcp greeting ehlo starttls!",
            failure=broken("starttls", "missing", what="starttls"),
            greeting=GREETING,
            ehlo=ehlo(("SIZE 1",)),
        ),
        "starttls_not_offered",
        "starttls",
        observed="cleartext",
    ),
    row(
        "masked",
        attempt(
            rungs="tcp greeting ehlo starttls!",
            failure=broken("starttls", "missing", what="starttls"),
            greeting=GREETING,
            ehlo=ehlo(("SIZE 1", "XXXXXXXA")),
        ),
        "starttls_not_offered",
        "starttls",
        observed="cleartext",
        says="XXXXXXXA",
        findings="starttls_stripped",
    ),
    row(
        "454",
        attempt(
            rungs="tcp greeting ehlo starttls!",
            failure=broken("starttls", "reply", code=454, lines=["4.7.0 no"]),
            **up_to_ehlo(),
        ),
        "starttls_rejected",
        "starttls",
        observed="starttls",
        says="'454 4.7.0 no'",
    ),
    row(
        "starttls unanswered",
        attempt(rungs="tcp greeting ehlo starttls!", failure=broken("starttls", "closed", partial=""), **up_to_ehlo()),
        "starttls_rejected",
        "starttls",
        "no_answer",
        "starttls",
    ),
    # tls
    row(
        "tls silent",
        tls_fails("timeout", silent=True),
        "tls_handshake_timeout",
        "tls",
        says="stayed silent",
        settings=IMPLICIT,
    ),
    row(
        "tls stalls",
        tls_fails("timeout", silent=False),
        "tls_handshake_timeout",
        "tls",
        says="in the middle",
        settings=IMPLICIT,
    ),
    row(
        "tls version alert",
        tls_fails("tls", reason="TLSV1_ALERT_PROTOCOL_VERSION", text="x"),
        "tls_version_unsupported",
        "tls",
        observed="implicit_tls",
        settings=IMPLICIT,
    ),
    row(
        "tls only old",
        tls_fails("closed", legacy={**TLS, "version": "TLSv1.1"}, silent=True),
        "tls_version_unsupported",
        "tls",
        says="TLSv1.1 at most",
        settings=IMPLICIT,
    ),
    row(
        "tls too old for the policy",
        attempt(**in_tls(tls={**TLS, "version": "TLSv1.2"})),
        "tls_version_unsupported",
        "tls",
        "policy",
        "starttls",
        says="TLSv1.2",
        policy={"minimum_tls_version": "TLSv1.3"},
    ),
    row(
        "no cipher",
        tls_fails("tls", reason="SSLV3_ALERT_HANDSHAKE_FAILURE", text="x"),
        "tls_handshake_failed",
        "tls",
        observed="implicit_tls",
        says="no cipher in common",
        settings=IMPLICIT,
    ),
    row(
        "old cipher",
        tls_fails(
            "tls",
            legacy={**TLS, "version": "TLSv1.2", "cipher": "RC4-MD5"},
            reason="SSLV3_ALERT_HANDSHAKE_FAILURE",
            text="x",
        ),
        "tls_handshake_failed",
        "tls",
        observed="implicit_tls",
        says="RC4-MD5",
        settings=IMPLICIT,
    ),
    row(
        "tls closed",
        tls_fails("closed", silent=False),
        "tls_handshake_failed",
        "tls",
        says="in the middle of it",
        settings=IMPLICIT,
    ),
    row(
        "tls endless",
        tls_fails("limit", limit="stream", text=""),
        "tls_handshake_failed",
        "tls",
        says="without end",
        settings=IMPLICIT,
    ),
    row(
        "client certificate",
        tls_fails("tls", reason="TLSV13_ALERT_CERTIFICATE_REQUIRED", text="x"),
        "client_certificate_required",
        "tls",
        observed="implicit_tls",
        settings=IMPLICIT,
    ),
    row(
        "client certificate, older",
        tls_fails("tls", tls={**TLS, "certificate_requested": True}, reason="SSLV3_ALERT_HANDSHAKE_FAILURE", text="x"),
        "client_certificate_required",
        "tls",
        observed="implicit_tls",
        settings=IMPLICIT,
    ),
    row(
        "client certificate, late",
        attempt(
            "implicit_tls",
            "tcp tls certificate greeting!",
            broken("greeting", "reply", code=421, lines=["4.7.1 No client certificate presented"]),
            tls={**TLS, "certificate_requested": True},
            chain="good",
            chain_available=True,
        ),
        "client_certificate_required",
        "tls",
        observed="implicit_tls",
        settings=IMPLICIT,
    ),
    # certificate
    row(
        "expired",
        cert("expired", 10),
        "certificate_expired",
        "certificate",
        observed="implicit_tls",
        says="1 day ago",
        settings=IMPLICIT,
    ),
    row(
        "expired issuer",
        cert("expired issuer", 10),
        "certificate_expired",
        "certificate",
        "issuer",
        observed="implicit_tls",
        says="expired intermediate",
        settings=IMPLICIT,
    ),
    row(
        "expired and the clock is off",
        cert("expired", 10),
        "certificate_expired",
        "certificate",
        observed="implicit_tls",
        says="clock is 5 hours ahead",
        settings=IMPLICIT,
        facts={"skew": 5 * 3600.0},
    ),
    row(
        "too few days",
        attempt(**in_tls(chain="expiring")),
        "certificate_expired",
        "certificate",
        "policy",
        "starttls",
        says="20 are required",
        policy={"certificate_days_error": 20},
    ),
    row(
        "not yet valid",
        cert("not yet", 9),
        "certificate_not_yet_valid",
        "certificate",
        observed="implicit_tls",
        says="only from",
        settings=IMPLICIT,
    ),
    row(
        "self-signed",
        cert("self-signed", 18),
        "certificate_self_signed",
        "certificate",
        observed="implicit_tls",
        settings=IMPLICIT,
    ),
    row(
        "self-signed and expired",
        cert("self-signed expired", 18),
        "certificate_self_signed",
        "certificate",
        observed="implicit_tls",
        says="the certificate has also expired",
        settings=IMPLICIT,
    ),
    row(
        "self-signed by another code",
        cert("self-signed", 20),
        "certificate_self_signed",
        "certificate",
        observed="implicit_tls",
        settings=IMPLICIT,
    ),
    row(
        "unknown CA",
        cert("stranger", 20),
        "certificate_untrusted",
        "certificate",
        observed="implicit_tls",
        says="'unknown root'",
        settings=IMPLICIT,
    ),
    row(
        "unknown root sent",
        cert("stranger with root", 19),
        "certificate_untrusted",
        "certificate",
        observed="implicit_tls",
        says="'unknown root'",
        settings=IMPLICIT,
    ),
    row(
        "unknown root sent, other code",
        cert("stranger with root", 20),
        "certificate_untrusted",
        "certificate",
        observed="implicit_tls",
        settings=IMPLICIT,
    ),
    row(
        "leaf of an unknown root",
        cert("leaf of root", 20),
        "certificate_untrusted",
        "certificate",
        observed="implicit_tls",
        settings=IMPLICIT,
    ),
    row(
        "one of the two",
        cert("leaf of some CA", 20),
        "certificate_untrusted",
        "certificate",
        observed="implicit_tls",
        says="if 'Company CA' is an intermediate",
        settings=IMPLICIT,
    ),
    row(
        "empty trust store",
        cert("stranger", 20),
        "certificate_untrusted",
        "certificate",
        "no_store",
        observed="implicit_tls",
        says="trust store is empty",
        settings=IMPLICIT,
        facts={"trust_store_empty": True},
    ),
    row(
        "unreadable chain",
        cert("good", 20) | {"chain": ["AAAA", "%%%"]},
        "certificate_untrusted",
        "certificate",
        observed="implicit_tls",
        settings=IMPLICIT,
    ),
    row(
        "a code of no cause",
        cert("good", 26, "unsuitable certificate purpose"),
        "certificate_untrusted",
        "certificate",
        "purpose",
        observed="implicit_tls",
        says="unsuitable certificate purpose",
        settings=IMPLICIT,
    ),
    row(
        "intermediate missing",
        cert("leaf only", 20),
        "certificate_chain_incomplete",
        "certificate",
        observed="implicit_tls",
        says="'mailops test intermediate'",
        settings=IMPLICIT,
    ),
    row(
        "intermediate missing, online",
        cert("leaf only online", 21),
        "certificate_chain_incomplete",
        "certificate",
        observed="implicit_tls",
        settings=IMPLICIT,
    ),
    row(
        "wrong name",
        cert("other name", 62),
        "certificate_name_mismatch",
        "certificate",
        observed="implicit_tls",
        says="it is for other.test, www.other.test",
        settings=IMPLICIT,
    ),
    row(
        "wrong address",
        cert("many names", 64),
        "certificate_name_mismatch",
        "certificate",
        observed="implicit_tls",
        says="and 4 more",
        settings=IMPLICIT,
    ),
    row(
        "too weak",
        cert("weak key", 66),
        "certificate_weak",
        "certificate",
        observed="implicit_tls",
        says="only 1024 bits",
        settings=IMPLICIT,
    ),
    row(
        "too weak, said in words",
        cert("sha1", 1, "ca md too weak"),
        "certificate_weak",
        "certificate",
        observed="implicit_tls",
        says="SHA-1",
        settings=IMPLICIT,
    ),
    row(
        "no certificate at all",
        attempt(
            "implicit_tls",
            "tcp tls certificate!",
            broken("certificate", "no_certificate"),
            tls=TLS,
            chain=[],
            chain_available=True,
        ),
        "tls_handshake_failed",
        "tls",
        "no_certificate",
        observed="implicit_tls",
        says="no certificate",
        settings=IMPLICIT,
    ),
    # auth
    row("no auth", auth_fails("missing", what="auth", starttls=False), "auth_not_offered", "auth", observed="starttls"),
    row(
        "auth only behind starttls",
        attempt(
            "cleartext",
            "tcp greeting ehlo auth!",
            broken("auth", "missing", what="auth", starttls=True),
            **up_to_ehlo(),
        ),
        "auth_requires_tls",
        "auth",
        observed="starttls",
        settings={"port": 25, "security": "cleartext"},
    ),
    row(
        "withheld",
        attempt(
            "opportunistic",
            "tcp greeting ehlo auth!",
            broken("auth", "withheld", what="password", starttls=False),
            greeting=GREETING,
            ehlo=ehlo(("AUTH PLAIN",)),
        ),
        "auth_requires_tls",
        "auth",
        "withheld",
        observed="cleartext",
        findings="auth_offered_in_cleartext",
        settings={"port": 25, "security": "opportunistic"},
    ),
    row(
        "530",
        auth_fails("reply", code=530, lines=["5.7.0 Must issue a STARTTLS command first"]),
        "auth_requires_tls",
        "auth",
        "in_tls",
        "starttls",
    ),
    row(
        "538",
        auth_fails("reply", code=538, lines=["5.7.11 Encryption required"]),
        "auth_requires_tls",
        "auth",
        "in_tls",
        "starttls",
    ),
    row(
        "mechanism",
        auth_fails("missing", what="mechanism", wanted="CRAM-MD5", offered=["PLAIN"]),
        "auth_mechanism_not_offered",
        "auth",
        observed="starttls",
        says="CRAM-MD5 was asked for, PLAIN is offered",
    ),
    row(
        "no mechanism",
        auth_fails("missing", what="mechanism", wanted=None, offered=["GSSAPI"]),
        "auth_mechanism_not_offered",
        "auth",
        "none",
        "starttls",
    ),
    row(
        "504",
        auth_fails("reply", code=504, lines=["5.5.4 Unrecognized authentication type"]),
        "auth_mechanism_not_offered",
        "auth",
        "refused",
        "starttls",
    ),
    row(
        "535",
        auth_fails("reply", code=535, lines=["5.7.8 Error: authentication failed"]),
        "auth_rejected",
        "auth",
        observed="starttls",
        says="'535 5.7.8",
    ),
    row(
        "STARTTLS inside TLS",
        attempt(
            rungs="tcp tls certificate greeting ehlo auth!",
            failure=broken("auth", "missing", what="auth", starttls=False),
            greeting=GREETING,
            ehlo=ehlo(None, ["STARTTLS"]),
            tls=TLS,
            security="implicit_tls",
        ),
        "auth_not_offered",
        "auth",
        "tls_in_front",
        "implicit_tls",
        settings={**IMPLICIT, **LOGIN},
    ),
    row(
        "account switched off",
        auth_fails("reply", code=535, lines=["5.7.8 Your account has been suspended"]),
        "auth_rejected",
        "auth",
        "account",
        "starttls",
    ),
    row(
        "an issuer with too few days",
        attempt(**in_tls(chain="expiring issuer")),
        "certificate_expired",
        "certificate",
        "policy",
        "starttls",
        says="are required: it is that of its issuer 'soon over'",
        policy={"certificate_days_error": 20},
    ),
    row(
        "454 to auth",
        auth_fails("reply", code=454, lines=["4.7.0 Temporary authentication failure"]),
        "auth_rejected",
        "auth",
        "temporary",
        "starttls",
    ),
    row("auth unanswered", auth_fails("closed", partial=""), "auth_rejected", "auth", "no_answer", "starttls"),
    # transaction
    *(
        row(
            f"after a login, {stage}",
            {
                **mail_fails(stage, code, said),
                "rungs": steps("tcp greeting ehlo starttls tls certificate ehlo auth transaction!"),
            },
            cause,
            "transaction",
            variant,
            "starttls",
        )
        for stage, code, said, cause, variant in (
            ("rcpt", 550, "5.7.1 Relaying denied", "recipient_rejected", "relay_logged_in"),
            ("mail", 530, "5.7.0 Authentication required", "sender_rejected", "auth_required_logged_in"),
        )
    ),
    row(
        "a fault of the relay's own",
        mail_fails("rcpt", 451, "4.3.5 Server configuration problem"),
        "temporarily_rejected",
        "transaction",
        "broken",
        "starttls",
    ),
    row(
        "sender",
        mail_fails("mail", 550, "5.7.1 Sender address rejected"),
        "sender_rejected",
        "transaction",
        observed="starttls",
    ),
    row(
        "login wanted",
        mail_fails("mail", 530, "5.7.0 Authentication required"),
        "sender_rejected",
        "transaction",
        "auth_required",
        "starttls",
    ),
    row(
        "starttls wanted",
        mail_fails("mail", 530, "5.7.0 Must issue a STARTTLS command first"),
        "auth_requires_tls",
        "auth",
        "in_tls",
        "starttls",
    ),
    row(
        "too large by SIZE",
        mail_fails("mail", 552, "5.3.4 Message size exceeds fixed limit"),
        "message_rejected",
        "transaction",
        observed="starttls",
    ),
    row(
        "recipient",
        mail_fails("rcpt", 550, "5.1.1 User unknown", recipient="b@example.com"),
        "recipient_rejected",
        "transaction",
        observed="starttls",
        says="b@example.com",
    ),
    row(
        "greylisted",
        mail_fails("rcpt", 450, "4.2.0 Greylisted", recipient="b@example.com"),
        "temporarily_rejected",
        "transaction",
        observed="starttls",
        says="RCPT for b@example.com",
    ),
    row("content", mail_fails("message", 554, "5.7.1 Spam"), "message_rejected", "transaction", observed="starttls"),
    row(
        "lost at RCPT",
        attempt(
            rungs="tcp greeting ehlo starttls tls certificate ehlo transaction!",
            failure=broken("transaction", "closed", partial=""),
            transaction={"mail": reply(250, "ok")},
            **in_tls(),
        ),
        "message_rejected",
        "transaction",
        "not_sent",
        "starttls",
        says="before the message was sent",
    ),
    row(
        "lost after data",
        attempt(
            rungs="tcp greeting ehlo starttls tls certificate ehlo transaction!",
            failure=broken("transaction", "closed", partial=""),
            transaction={"mail": reply(250, "ok"), "data": reply(354, "go")},
            **in_tls(),
        ),
        "message_rejected",
        "transaction",
        "unknown",
        "starttls",
        says="did not say whether it took the message",
    ),
    row(
        "message withheld",
        attempt(
            "starttls",
            "tcp greeting ehlo transaction!",
            broken("transaction", "withheld", what="message", starttls=False),
            greeting=GREETING,
            ehlo=ehlo(()),
        ),
        "starttls_not_offered",
        "starttls",
        observed="cleartext",
    ),
    *MORE_ROWS,
)
