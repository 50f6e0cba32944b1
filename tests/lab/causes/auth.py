# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins: the gate tries the credentials when it is told to."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from support.faulty import Peer, honest, smtp

from ..farm import CREDENTIALS, Place
from ..scenario import Row, Serve

__all__ = ["ROWS"]

USER, PASSWORD = next(iter(CREDENTIALS.items()))
RIGHT = {"username": USER, "password": PASSWORD, "check_credentials": True, "alternatives": []}
WRONG = {**RIGHT, "password": "not-the-Secret/43"}
IMPLICIT = {"secure": True, **RIGHT}
STARTTLS = {"secure": False, **RIGHT}


def _refuses(reply: str) -> Serve:
    """Answers AUTH with this reply, whatever the password."""

    def serve(place: Place) -> None:
        tls = honest(place.issue())
        place.listen(smtp(starttls=tls, mechanisms_after_tls=["PLAIN", "LOGIN"], replies={"AUTH": reply}), 587)
        place.listen(smtp(implicit=tls, mechanisms=["PLAIN", "LOGIN"], replies={"AUTH": reply}), 465)

    return serve


def _only(mechanism: str) -> Serve:
    def serve(place: Place) -> None:
        place.listen(smtp(starttls=honest(place.issue()), mechanisms_after_tls=[mechanism], users=CREDENTIALS), 587)

    return serve


def _echo(place: Place) -> None:
    """Repeats what it was sent in its refusals, as a careless relay does, and a hostile one on purpose."""
    tls = honest(place.issue())

    def session(peer: Peer) -> None:
        peer.reply("220 echo ESMTP")
        while True:
            line = peer.line()
            verb = line.partition(" ")[0].upper()
            if verb == "EHLO":
                peer.reply(f"250-echo\n250 {'AUTH PLAIN LOGIN' if peer.tls else 'STARTTLS'}")
            elif verb == "STARTTLS":
                peer.reply("220 2.0.0 go ahead")
                tls(peer)
            else:
                peer.reply(f"535 5.7.8 I do not like {line}")

    place.listen(session, 587)


def _gate(name: str, fault: str, *arguments: Any, **options: Any) -> Row:
    return Row(name, fault, *arguments, **{"call": "gate", **options})


ROWS = [
    _gate(
        "login", "nothing: the password is right, 465", at="postfix", port=465, ask=IMPLICIT, observed="implicit_tls"
    ),
    _gate("login-starttls", "nothing: the password is right, 587", at="postfix", ask=STARTTLS, observed="starttls"),
    _gate("login-plain", "nothing: AUTH PLAIN asked for", at="postfix", ask={**STARTTLS, "auth_mechanism": "PLAIN"}),
    _gate(
        "login-login",
        "nothing: only AUTH LOGIN (Postfix)",
        lambda place: place.postfix("starttls", 587, "login"),
        587,
        STARTTLS,
    ),
    _gate(
        "login-cram",
        "nothing: only CRAM-MD5 (Postfix)",
        lambda place: place.postfix("starttls", 587, "cram"),
        587,
        STARTTLS,
    ),
    _gate(
        "login-scram",
        "nothing: only SCRAM-SHA-256 (Postfix)",
        lambda place: place.postfix("starttls", 587, "scram"),
        587,
        STARTTLS,
    ),
    _gate("login-cram-only", "nothing: only CRAM-MD5", _only("CRAM-MD5"), 587, STARTTLS),
    _gate("login-login-only", "nothing: only AUTH LOGIN", _only("LOGIN"), 587, STARTTLS),
    _gate(
        "not-tried",
        "the password is wrong, and nobody asked to try it",
        at="postfix",
        port=465,
        ask={**WRONG, "secure": True, "check_credentials": False},
    ),
    _gate(
        "login-untried-not-offered",
        "a login is given, not tried, and Postfix offers none",
        at="no-auth",
        ask={**STARTTLS, "check_credentials": False},
        cause="auth_not_offered",
    ),
    _gate(
        "login-not-required",
        "nothing: the same, and the relay may take mail by address",
        at="no-auth",
        ask={**STARTTLS, "check_credentials": False, "login_required": False},
    ),
    _gate(
        "login-untried-other-mechanism",
        "CRAM-MD5 asked for and not tried, PLAIN and LOGIN offered",
        at="no-cram",
        port=465,
        ask={**IMPLICIT, "auth_mechanism": "CRAM-MD5", "check_credentials": False},
        cause="auth_mechanism_not_offered",
    ),
    _gate(
        "login-tokens-only",
        "only XOAUTH2 is offered",
        lambda place: place.listen(smtp(starttls=honest(place.issue()), mechanisms_after_tls=["XOAUTH2"]), 587),
        587,
        {**STARTTLS, "check_credentials": False},
        "auth_mechanism_not_offered",
        expect={"remedy": lambda text: "XOAUTH2" in text},
    ),
    _gate(
        "wrong-password",
        "the password is wrong (Postfix, 465)",
        at="postfix",
        port=465,
        ask={**WRONG, "secure": True},
        cause="auth_rejected",
        expect={"msg": lambda text: "535" in text},
    ),
    _gate(
        "wrong-password-starttls",
        "the password is wrong (Postfix, 587)",
        at="postfix",
        ask={**WRONG, "secure": False},
        cause="auth_rejected",
    ),
    _gate(
        "wrong-password-cram",
        "the password is wrong, CRAM-MD5",
        at="login-cram",
        ask={**WRONG, "secure": False},
        cause="auth_rejected",
    ),
    _gate(
        "wrong-password-scram",
        "the password is wrong, SCRAM-SHA-256",
        at="login-scram",
        ask={**WRONG, "secure": False},
        cause="auth_rejected",
    ),
    _gate(
        "wrong-user",
        "there is no such user",
        at="postfix",
        port=465,
        ask={**RIGHT, "secure": True, "username": "nobody"},
        cause="auth_rejected",
    ),
    _gate(
        "microsoft-disabled",
        "SMTP AUTH is switched off for the tenant",
        _refuses("535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant."),
        587,
        STARTTLS,
        "auth_rejected",
        expect={"msg": lambda text: "5.7.139" in text},
    ),
    _gate(
        "google-app-password",
        "an app password is wanted",
        _refuses("534-5.7.9 Application-specific password required.\n534 5.7.9 For more information, go elsewhere"),
        465,
        IMPLICIT,
        "auth_rejected",
        expect={"msg": lambda text: "5.7.9" in text},
    ),
    _gate(
        "backend-down",
        "the relay's password backend does not answer",
        _refuses("454 4.7.0 Temporary authentication failure"),
        587,
        STARTTLS,
        "auth_rejected",
    ),
    _gate(
        "echo",
        "the relay repeats the AUTH command in its refusal",
        _echo,
        587,
        STARTTLS,
        "auth_rejected",
        expect={
            "msg": lambda text: (
                PASSWORD not in text and b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode() not in text
            )
        },
    ),
    _gate(
        "auth-needs-tls",
        "AUTH is answered with 538",
        lambda place: place.listen(
            smtp(
                mechanisms=["PLAIN"],
                replies={"AUTH": "538 5.7.11 Encryption required for requested authentication mechanism"},
            ),
            1025,
        ),
        1025,
        {"security": "cleartext", **RIGHT},
        "auth_requires_tls",
    ),
    _gate(
        "auth-needs-tls-530",
        "AUTH is answered with 530 STARTTLS first",
        lambda place: place.listen(
            smtp(
                starttls=honest(place.issue()),
                mechanisms=["PLAIN"],
                mechanisms_after_tls=["PLAIN"],
                users=CREDENTIALS,
                replies={"AUTH": "530 5.7.0 Must issue a STARTTLS command first"},
            ),
            1025,
        ),
        1025,
        {"security": "cleartext", **RIGHT},
        "auth_requires_tls",
    ),
    _gate(
        "auth-hidden-before-tls",
        "Postfix offers AUTH only after TLS, and cleartext was asked for",
        at="postfix",
        port=1587,
        ask={"security": "cleartext", **RIGHT},
        cause="auth_requires_tls",
    ),
    _gate(
        "no-auth",
        "Postfix without AUTH",
        lambda place: place.postfix("starttls", 587, auth=False),
        587,
        STARTTLS,
        "auth_not_offered",
    ),
    _gate(
        "no-auth-465",
        "a server without AUTH",
        lambda place: place.listen(smtp(implicit=honest(place.issue())), 465),
        465,
        IMPLICIT,
        "auth_not_offered",
    ),
    _gate(
        "no-such-mechanism",
        "SCRAM asked for, only LOGIN offered (Postfix)",
        at="login-login",
        ask={**STARTTLS, "auth_mechanism": "SCRAM-SHA-256"},
        cause="auth_mechanism_not_offered",
    ),
    _gate(
        "no-known-mechanism",
        "only a mechanism that nobody here speaks is offered",
        lambda place: place.listen(smtp(starttls=honest(place.issue()), mechanisms_after_tls=["GSSAPI", "NTLM"]), 587),
        587,
        STARTTLS,
        "auth_mechanism_not_offered",
    ),
    _gate(
        "no-cram",
        "CRAM-MD5 asked for, PLAIN and LOGIN offered",
        lambda place: place.listen(
            smtp(implicit=honest(place.issue()), mechanisms=["PLAIN", "LOGIN"], users=CREDENTIALS), 465
        ),
        465,
        {**IMPLICIT, "auth_mechanism": "CRAM-MD5"},
        "auth_mechanism_not_offered",
    ),
    _gate(
        "login-before-broken-certificate",
        "the certificate has expired: the password must not be sent",
        at="expired",
        port=465,
        ask=IMPLICIT,
        cause="certificate_expired",
    ),
]
