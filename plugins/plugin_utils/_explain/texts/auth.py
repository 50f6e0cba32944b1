# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layer auth: no login is offered, not this one, not here, or it is refused."""

from __future__ import annotations

from ..rule import Rule, cannot, curl, failing, lacking, refusing, rules

__all__ = ("RULES",)

_AFTER_TLS = "Many relays offer AUTH only after TLS: if this session was in cleartext, that is why."
_NONE_OR_NOT_OURS = "The same words come where the relay offers no login at all, and where the client lacks its SASL plug-ins (libsasl2-modules)."
_MECHANISMS = (
    "plain",
    "login",
    "cram-md5",
    "digest-md5",
    "ntlm",
    "xoauth2",
    "oauthbearer",
    "gssapi",
    "scram-sha-1",
    "scram-sha-256",
)
# Behind "missing" and "lacks" it may begin "authority".
_NO_AUTH = tuple(text for text in lacking("auth") if text not in ("missing auth", "lacks auth"))
_OPEN = ("auth_mechanism_not_offered", "auth_not_offered", "auth_requires_tls")

# fmt: off
RULES: tuple[Rule, ...] = (
    *rules(
        "auth_not_offered",
        "certain",
        lacking("auth extension", "smtp auth", "smtp authentication", "authentication by the server"),
        also=("auth_requires_tls",),
        note=_AFTER_TLS,
        texts="""
        no auth mechanism was offered
        not support esmtp but a username
        authentication (not enabled|is not available|is not supported on this server)
        command unknown: 'auth'
        auth command used when not advertised
        no authentication on the server
        missing_requirement .. auth
        # C, Go, Perl and Twisted
        smtp server does not allow authentication
        does not support client authentication
        # PHPMailer: EHLO's answer has no AUTH
        authentication is not allowed at this stage
        # Exchange: its own X-EXPS is not offered
        cannot achieve exchange server authentication
    """,
    ),
    # Roundcube and PEAR: the last reply was that to EHLO, so no login was tried
    *rules(
        "auth_not_offered", "certain", also=("auth_requires_tls", "auth_mechanism_not_offered"), note=_AFTER_TLS,
        texts="(250): auth(entication|) (failed|failure)"),
    *rules(
        "auth_not_offered", "likely", _NO_AUTH, also=("auth_requires_tls", "invalid_settings"), note=_AFTER_TLS),
    *rules(
        "auth_not_offered", "likely", also=("auth_mechanism_not_offered", "auth_requires_tls"), note=_AFTER_TLS,
        texts="no allowed auth methods available"),
    *rules(
        "auth_mechanism_not_offered", "likely", lacking(*(f"{name} authentication" for name in _MECHANISMS)),
        also=("auth_not_offered",), note=_NONE_OR_NOT_OURS, texts="""
        not support .. authentication mechanism
        not support the (selected|chosen|specified|requested|configured) authentication
        missing capability: auth
        # What libraries say of a list of mechanisms that may be empty
        no (compatible|suitable|usable|supported|common) auth(|entication)
        no (compatible|suitable|usable|supported|common) auth(|entication) (method|mechanism)
        (cannot find a usable|cannot use a secure|does not support any usable) authentication method
        no authentication .. supported by both
        authentication required but no common mechanism
        failed to find supported auth
        unexpected server challenge
        (unknown fromserver|unkown smtp fromserver)
        no (|auth |sasl |smtp auth |authentication )(mechanism|method) (available|found|offered)
        no sasl authenticator available
        detect a supported authentication mechanism
        no auth methods or requires tls
        support auth or the specified sasl handlers
        none of the .. authentication mechanisms
        no authenticators available
        no (login|auth|authentication) (method|methods|mechanism|mechanisms) supported
        no form of authorization supported
        find an authenticator supported by
        no auth mechanism in common
        preferred authorization methods could not be found
        (unable to initiate auth command|auth command not recognized or not implemented)
        (|failed to authenticate on smtp server .. )using 0 possible authenticators
    """),
    # Postfix, before the deferral
    *rules(
        "auth_mechanism_not_offered", "likely", also=("auth_not_offered",), note=_NONE_OR_NOT_OURS, echo="follow",
        texts="no worthy mechs found"),
    *rules("auth_mechanism_not_offered", "certain", texts="""
        (unknown|unrecognized|unrecognised|unsupported) auth(|entication) (method|mechanism|type)
        unrecognised authentication
        auth(|entication) (mechanism|type|method) (|is )not supported
        is not a supported authentication method
        auth type .. not supported
        not support auth(|entication) (method|mechanism|type)
        not support (login auth|plain auth|auth login|auth plain|smtp auth type)
        mechanism not supported
        no authentication type succeeded .. not supported
        auth not attempted, requested type not available
    """),
    *rules("auth_mechanism_not_offered", "likely", also=("auth_not_offered",), texts="""
        unsupported auth
        (auth|mechanism|login) .. is not supported by the server
        server does not support login
        not support (the authentication method|encrypted passwords)
        (seem to support|supports no) encrypted passwords
    """),
    *rules("auth_requires_tls", "certain", texts="""
        issue (a |)starttls command first
        unencrypted connection
        authentication not allowed on insecure
        authentication disallowed .. plain
        (plaintext|plain|cleartext|unencrypted) auth(|entication) (not allowed|disallowed|disabled|not permitted)
        authentication requires a secure
        auth is only allowed over tls
        non-encrypted smtp login is disabled
        refuse to auth over insecure channel
    """),
    *rules("auth_requires_tls", "likely", also=("sender_rejected",), texts="""
        530 .. (tls|ssl|encryption|encrypted)
        # .NET says so of every refusal with 530 and 5.7.x
        the smtp server requires a secure connection
    """),
    *rules("auth_rejected", "certain", variant="temporary", texts="""
        temporary auth(|entication) failure
        454 4.7.0 temporary auth
        435 4.7.0
        authentication service not available
        authentication backend .. unavailable
    """),
    # Mailpit writes this after its own line "deny PLAIN login"
    *rules(
        "auth_rejected", "certain", echo="pair",
        texts="[smtpd] response ( .. 535 5.7.8 authentication credentials invalid"),
    # Cyrus SASL as a relay has it, beside Postfix's own line, which says why
    *rules("auth_rejected", "likely", echo="follow", texts="sasl authentication failure: password verification failed"),
    # swaks, behind the reply
    *rules("auth_rejected", "certain", echo="follow", texts="no authentication type succeeded"),
    *rules("auth_rejected", "certain", texts="""
        authentication credentials (invalid|not accepted)
        (bad username or|incorrect username /) password
        authentication unsuccessful
        deny (plain|login|cram-md5) login
        (badcredentials|authinvalidcredentials)
    """),
    # The client's own words: a login that is not offered, or not now, can stand behind them
    *rules(
        "auth_rejected", "likely", curl((67, "login denied"), (94, "an authentication function returned an error")),
        refusing("authentication", "password", "username", "user name", "credentials", "auth command"),
        also=("auth_mechanism_not_offered",), texts="""
        smtpauthentication(error|exception)
        authenticationfailedexception
        failed to authenticate on smtp server
        sasl (login|plain|cram-md5) authentication failed
        authentication to .. failed, please check your username
        authentication failed: 5
        user authentication failed
        authenticator failed
        invalid response in the authentication handshake
        context="auth" .. result="failed"
        smtp auth failed
        auth (plain|login) failed
        denied authentication
        0x800(ccc92|40217)
    """),
    # PHPMailer, below what says why
    *rules("auth_rejected", "likely", also=_OPEN, echo="follow", texts="smtp error: could not authenticate"),
    *rules("auth_rejected", "likely", cannot("authenticate", "log in", "login"), failing(
        *(f"{name} authentication" for name in _MECHANISMS), "auth command"), also=_OPEN, texts="""
        login using .. failed
        all (authentication methods|auth methods|mechanisms) failed
        (application specific password|app password) is required
        could not authenticate using sasl
        # Exim as a client
        authentication required but authentication attempt(s) failed
        eauth
        invalid login
        authorization.failed
        login not possible
    """),
    *rules("auth_rejected", "possible", also=_OPEN, texts="""
        (authentication|auth|login) failed
        authentication (failure|error)
        (invalid username or password|password incorrect|incorrect password|invalid credentials|incorrect authentication data)
    """),
)
