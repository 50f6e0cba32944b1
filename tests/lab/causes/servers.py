# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Other makes than Postfix, well and at fault: each has its own habits in greeting, EHLO and TLS."""

from __future__ import annotations

from typing import Any

from support.pki import EXPIRED, NOT_YET_VALID
from support.relays import Aiosmtpd, Dovecot, Exim, Haproxy, OpensslServer, SmtpServer, Stunnel

from ..farm import CREDENTIALS, Place
from ..opensmtpd import OpenSmtpd
from ..scenario import Row, Serve

__all__ = ["ROWS"]


def _exim(place: Place) -> None:
    place.start(Exim(certificate=place.issue(), users=CREDENTIALS, host=place.ip, ports=(587, 465)))


def _exim_bare(place: Place) -> None:
    place.start(Exim(host=place.ip, ports=(25, 0), connect_acl="accept"))
    place.start(Exim(host=place.ip, ports=(2525, 0), connect_acl="deny message = not from here"))


def _dovecot(place: Place) -> None:
    place.postfix("cleartext", 2626)
    place.start(
        Dovecot((place.ip, 2626), certificate=place.issue(), users=CREDENTIALS, host=place.ip, ports=(587, 465))
    )


def _small(make: type[Aiosmtpd] | type[SmtpServer], **certificate: Any) -> Serve:
    def serve(place: Place) -> None:
        issued = place.issue(**certificate)
        for tls, port in (("implicit", 465), ("starttls", 587), ("cleartext", 1025)):
            place.start(make(tls, certificate=issued, users=CREDENTIALS, host=place.ip, port=port))

    return serve


def _haproxy(place: Place) -> None:
    """TLS in front of a Postfix that knows nothing of it."""
    place.postfix("cleartext", 2626)

    def front(port: int, bind: str = "", **certificate: Any) -> None:
        place.start(
            Haproxy(
                (place.ip, 2626),
                certificate=place.issue(**certificate),
                bind_options=bind.format(ca=place.pki.ca_file),
                host=place.ip,
                port=port,
            )
        )

    front(465)
    front(4651, valid=EXPIRED)
    front(4652, name="other.lab.test")
    front(4653, "ca-file {ca} verify required")
    front(4654, "ssl-min-ver TLSv1.3")
    front(4655, "ssl-max-ver TLSv1.0 ciphers ALL:@SECLEVEL=0", key_type="rsa")
    front(4656, chain=["leaf"])
    place.start(Haproxy((place.ip, 9), certificate=place.issue(), host=place.ip, port=4657))
    place.start(Haproxy((place.ip, 9), host=place.ip, port=5871))
    place.start(Haproxy((place.ip, 2626), host=place.ip, port=587))


def _stunnel(place: Place) -> None:
    place.postfix("cleartext", 2626)
    for port, options in ((587, {}), (5871, {"valid": NOT_YET_VALID}), (5872, {"issuer": None})):
        place.start(Stunnel((place.ip, 2626), certificate=place.issue(**options), host=place.ip, port=port))
    place.start(Stunnel((place.ip, 2626), certificate=place.issue(), starttls=False, host=place.ip, port=465))


def _openssl(place: Place) -> None:
    place.start(OpensslServer(place.issue(), options=["-www"], host=place.ip, port=443))
    place.start(OpensslServer(place.issue(), host=place.ip, port=465))
    place.start(
        OpensslServer(place.issue(), options=["-Verify", "1", "-verify_return_error"], host=place.ip, port=4651)
    )


IMPLICIT = {"secure": True, "timeout": 4}
STARTTLS = {"secure": False, "timeout": 4}
LOGIN = {"username": "app", "password": CREDENTIALS["app"], "check_credentials": True, "alternatives": []}

ROWS = [
    # Exim (GnuTLS).
    Row("exim", "nothing: Exim, implicit TLS", _exim, 465, IMPLICIT, observed="implicit_tls"),
    Row("exim-587", "nothing: Exim, STARTTLS", at="exim", ask=STARTTLS, observed="starttls"),
    Row(
        "exim-implicit-on-587",
        "secure: true on Exim's STARTTLS port",
        at="exim",
        ask={"secure": True, "timeout": 20},
        cause="mode_mismatch",
        observed="starttls",
        seconds=2,
    ),
    Row(
        "exim-starttls-on-465",
        "secure: false on Exim's implicit port",
        at="exim",
        port=465,
        ask={"secure": False, "timeout": 20},
        cause="mode_mismatch",
        observed="implicit_tls",
        seconds=2,
    ),
    Row("exim-bare", "Exim without TLS", _exim_bare, 25, STARTTLS, "starttls_not_offered", observed="cleartext"),
    Row(
        "exim-refuses",
        "Exim refuses this network before the greeting",
        at="exim-bare",
        port=2525,
        ask=STARTTLS,
        cause="greeting_rejected",
    ),
    Row(
        "exim-login",
        "nothing: Exim, the password is right",
        at="exim",
        port=465,
        ask={**IMPLICIT, **LOGIN},
        call="gate",
    ),
    Row(
        "exim-wrong-password",
        "Exim, the password is wrong",
        at="exim",
        ask={**STARTTLS, **LOGIN, "password": "wrong-Secret/44"},
        cause="auth_rejected",
        call="gate",
    ),
    # OpenSMTPD.
    Row(
        "opensmtpd",
        "nothing: OpenSMTPD, implicit TLS",
        lambda place: place.start(OpenSmtpd(place.ip, place.issue())),
        465,
        IMPLICIT,
        observed="implicit_tls",
    ),
    Row("opensmtpd-587", "nothing: OpenSMTPD, STARTTLS", at="opensmtpd", ask=STARTTLS, observed="starttls"),
    Row(
        "opensmtpd-1587",
        "nothing: OpenSMTPD, STARTTLS offered and not required",
        at="opensmtpd",
        port=1587,
        ask=STARTTLS,
        observed="starttls",
    ),
    Row(
        "opensmtpd-25",
        "OpenSMTPD without TLS",
        at="opensmtpd",
        port=25,
        ask=STARTTLS,
        cause="starttls_not_offered",
        observed="cleartext",
    ),
    Row(
        "opensmtpd-mismatch",
        "secure: true on OpenSMTPD's STARTTLS port",
        at="opensmtpd",
        ask={"secure": True, "timeout": 20},
        cause="mode_mismatch",
        observed="starttls",
        seconds=2,
    ),
    Row(
        "opensmtpd-mismatch-reverse",
        "secure: false on OpenSMTPD's implicit port",
        at="opensmtpd",
        port=465,
        ask={"secure": False, "timeout": 20},
        cause="mode_mismatch",
        observed="implicit_tls",
        seconds=2,
    ),
    Row(
        "opensmtpd-untrusted",
        "OpenSMTPD with a certificate of an unknown CA",
        lambda place: place.start(OpenSmtpd(place.ip, place.issue(issuer=place.pki.stranger()))),
        587,
        STARTTLS,
        "certificate_untrusted",
    ),
    # Dovecot's submission proxy.
    Row("dovecot", "nothing: Dovecot, implicit TLS", _dovecot, 465, IMPLICIT, observed="implicit_tls"),
    # It offers CRAM-MD5 and SCRAM before TLS, which do not carry the password.
    Row(
        "dovecot-587",
        "nothing: Dovecot, STARTTLS",
        at="dovecot",
        ask=STARTTLS,
        observed="starttls",
        may=("auth_offered_in_cleartext",),
    ),
    Row(
        "dovecot-implicit-on-587",
        "secure: true on Dovecot's STARTTLS port",
        at="dovecot",
        ask=IMPLICIT,
        cause="mode_mismatch",
        observed="starttls",
        seconds=2,
    ),
    Row(
        "dovecot-starttls-on-465",
        "secure: false on Dovecot's implicit port",
        at="dovecot",
        port=465,
        ask={"secure": False, "timeout": 20},
        cause="mode_mismatch",
        observed="implicit_tls",
        seconds=2,
    ),
    Row(
        "dovecot-login",
        "nothing: Dovecot, SCRAM-SHA-256",
        at="dovecot",
        port=465,
        ask={**IMPLICIT, **LOGIN, "auth_mechanism": "SCRAM-SHA-256"},
        call="gate",
    ),
    Row(
        "dovecot-wrong-password",
        "Dovecot, the password is wrong",
        at="dovecot",
        ask={**STARTTLS, "timeout": 8, **LOGIN, "password": "wrong-Secret/45"},
        cause="auth_rejected",
        seconds=6,
        call="gate",
    ),
    # aiosmtpd and nodemailer's smtp-server, which waits 100 ms before it greets.
    Row("aiosmtpd", "nothing: aiosmtpd, implicit TLS", _small(Aiosmtpd), 465, IMPLICIT, observed="implicit_tls"),
    Row("aiosmtpd-587", "nothing: aiosmtpd, STARTTLS", at="aiosmtpd", ask=STARTTLS, observed="starttls"),
    Row(
        "aiosmtpd-1025",
        "aiosmtpd without TLS",
        at="aiosmtpd",
        port=1025,
        ask=STARTTLS,
        cause="starttls_not_offered",
        observed="cleartext",
    ),
    Row(
        "aiosmtpd-mismatch",
        "secure: true on aiosmtpd's STARTTLS port",
        at="aiosmtpd",
        ask={"secure": True, "timeout": 20},
        cause="mode_mismatch",
        observed="starttls",
        seconds=2,
    ),
    Row(
        "aiosmtpd-self-signed",
        "aiosmtpd, self-signed",
        _small(Aiosmtpd, issuer=None),
        587,
        STARTTLS,
        "certificate_self_signed",
    ),
    Row(
        "smtp-server", "nothing: smtp-server, implicit TLS", _small(SmtpServer), 465, IMPLICIT, observed="implicit_tls"
    ),
    Row(
        "smtp-server-587",
        "nothing: smtp-server, STARTTLS; it offers AUTH before TLS and answers 538 to it",
        at="smtp-server",
        ask=STARTTLS,
        observed="starttls",
        findings=("auth_offered_in_cleartext",),
    ),
    Row(
        "smtp-server-1025",
        "smtp-server without TLS",
        at="smtp-server",
        port=1025,
        ask=STARTTLS,
        cause="starttls_not_offered",
        observed="cleartext",
    ),
    Row(
        "smtp-server-mismatch",
        "secure: false on smtp-server's implicit port",
        at="smtp-server",
        port=465,
        ask={"secure": False, "timeout": 20},
        cause="mode_mismatch",
        observed="implicit_tls",
        seconds=2,
    ),
    Row(
        "smtp-server-cleartext-login",
        "AUTH in cleartext is answered with 538",
        at="smtp-server",
        ask={"security": "cleartext", **LOGIN},
        cause="auth_requires_tls",
        call="gate",
    ),
    # haproxy in front.
    Row("haproxy", "nothing: haproxy with TLS before Postfix", _haproxy, 465, IMPLICIT, observed="implicit_tls"),
    Row(
        "haproxy-expired",
        "haproxy has an expired certificate",
        at="haproxy",
        port=4651,
        ask=IMPLICIT,
        cause="certificate_expired",
    ),
    Row(
        "haproxy-wrong-name",
        "haproxy has a certificate for another name",
        at="haproxy",
        port=4652,
        ask=IMPLICIT,
        cause="certificate_name_mismatch",
    ),
    Row(
        "haproxy-client-certificate",
        "haproxy demands a client certificate",
        at="haproxy",
        port=4653,
        ask=IMPLICIT,
        cause="client_certificate_required",
    ),
    Row(
        "haproxy-tls13",
        "nothing: haproxy knows only TLS 1.3",
        at="haproxy",
        port=4654,
        ask=IMPLICIT,
        observed="implicit_tls",
    ),
    Row(
        "haproxy-tls10",
        "haproxy knows only TLS 1.0",
        at="haproxy",
        port=4655,
        ask=IMPLICIT,
        cause="tls_version_unsupported",
    ),
    Row(
        "haproxy-no-intermediate",
        "haproxy sends the leaf only",
        at="haproxy",
        port=4656,
        ask=IMPLICIT,
        cause="certificate_chain_incomplete",
    ),
    Row(
        "haproxy-dead-backend",
        "haproxy answers TLS, the relay behind it is dead: it tries for 3 s",
        at="haproxy",
        port=4657,
        ask=IMPLICIT,
        cause=("connection_closed", "connection_reset"),
        seconds=5,
    ),
    Row(
        "haproxy-dead-backend-tcp",
        "haproxy accepts, the relay behind it is dead: it tries for 3 s",
        at="haproxy",
        port=5871,
        ask=STARTTLS,
        cause=("connection_closed", "connection_reset"),
        seconds=5,
    ),
    Row(
        "haproxy-plain",
        "haproxy before a Postfix without TLS",
        at="haproxy",
        ask=STARTTLS,
        cause="starttls_not_offered",
        observed="cleartext",
    ),
    # stunnel in front.
    Row("stunnel", "nothing: stunnel answers STARTTLS for Postfix", _stunnel, 587, STARTTLS, observed="starttls"),
    Row(
        "stunnel-465",
        "nothing: stunnel with TLS from the first byte",
        at="stunnel",
        port=465,
        ask=IMPLICIT,
        observed="implicit_tls",
    ),
    Row(
        "stunnel-not-yet-valid",
        "stunnel's certificate is valid from tomorrow",
        at="stunnel",
        port=5871,
        ask=STARTTLS,
        cause="certificate_not_yet_valid",
    ),
    Row(
        "stunnel-self-signed",
        "stunnel's certificate is self-signed",
        at="stunnel",
        port=5872,
        ask=STARTTLS,
        cause="certificate_self_signed",
    ),
    Row(
        "stunnel-both",
        "nothing: stunnel's STARTTLS port takes clients that begin with TLS too",
        at="stunnel",
        port=587,
        ask={"secure": True, "timeout": 20},
        observed="implicit_tls",
        findings=("unconventional_port",),
        seconds=2,
    ),
    # TLS without SMTP.
    Row("openssl-www", "an HTTPS server", _openssl, 443, IMPLICIT, ("greeting_timeout", "not_smtp"), seconds=5),
    Row(
        "openssl-silent",
        "TLS, and not a word of SMTP",
        at="openssl-www",
        port=465,
        ask=IMPLICIT,
        cause="greeting_timeout",
        seconds=5,
    ),
    Row(
        "openssl-client-certificate",
        "TLS that demands a client certificate",
        at="openssl-www",
        port=4651,
        ask=IMPLICIT,
        cause="client_certificate_required",
    ),
]
