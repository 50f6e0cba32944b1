# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Handshakes that cannot succeed, or never end."""

from __future__ import annotations

from ssl import TLSVersion

from support.faulty import (
    alert,
    close_on_client_hello,
    drip_records,
    honest,
    server_context,
    smtp,
    stall_after_server_hello,
    stall_before_server_hello,
)

from ..farm import Place
from ..scenario import Row, Serve

__all__ = ["ROWS"]

STARTTLS = {"secure": False, "timeout": 3}
IMPLICIT = {"secure": True, "timeout": 3}
WAIT = 4.0


def _versions(lowest: TLSVersion, highest: TLSVersion | None) -> Serve:
    def serve(place: Place) -> None:
        context = server_context(place.issue(key_type="rsa"), minimum=lowest, maximum=highest)
        place.listen(smtp(implicit=honest(context)), 465)
        place.listen(smtp(starttls=honest(context)), 587)

    return serve


def _ciphers(ciphers: str) -> Serve:
    def serve(place: Place) -> None:
        context = server_context(place.issue(), maximum=TLSVersion.TLSv1_2, ciphers=ciphers)
        place.listen(smtp(implicit=honest(context)), 465)
        place.listen(smtp(starttls=honest(context)), 587)

    return serve


def _anonymous(place: Place) -> None:
    """TLS without a certificate."""
    context = server_context(place.issue(), maximum=TLSVersion.TLSv1_2, ciphers="AECDH:ADH:@SECLEVEL=0")
    place.listen(smtp(implicit=honest(context)), 465)
    place.listen(smtp(starttls=honest(context)), 587)


def _client_certificate(highest: TLSVersion) -> Serve:
    def serve(place: Place) -> None:
        context = server_context(place.issue(), maximum=highest, client_ca=str(place.pki.ca_file))
        place.listen(smtp(implicit=honest(context)), 465)
        place.listen(smtp(starttls=honest(context)), 587)

    return serve


def _postfix_wants_certificate(place: Place) -> None:
    options = {"smtpd_tls_req_ccert": "yes", "smtpd_tls_ask_ccert": "yes", "smtpd_tls_CAfile": str(place.pki.ca_file)}
    place.postfix("implicit", 465, options=options)
    place.postfix("starttls", 587, options=options)


def _alert(number: int) -> Serve:
    def serve(place: Place) -> None:
        place.listen(smtp(implicit=alert(number)), 465)
        place.listen(smtp(starttls=alert(number)), 587)

    return serve


ROWS = [
    Row(
        "anonymous",
        "cipher suites without a certificate only",
        _anonymous,
        465,
        {**IMPLICIT, "validate_certs": False},
        "tls_handshake_failed",
        expect={"message": lambda text: "no certificate" in text, "tls.verified": lambda verified: not verified},
    ),
    Row(
        "anonymous-587",
        "cipher suites without a certificate only",
        at="anonymous",
        ask={**STARTTLS, "validate_certs": False},
        cause="tls_handshake_failed",
    ),
    Row(
        "tls10-only",
        "knows only TLS 1.0",
        _versions(TLSVersion.TLSv1, TLSVersion.TLSv1),
        465,
        IMPLICIT,
        "tls_version_unsupported",
    ),
    Row("tls10-only-starttls", "knows only TLS 1.0", at="tls10-only", ask=STARTTLS, cause="tls_version_unsupported"),
    Row(
        "tls11-only-postfix",
        "Postfix knows only TLS 1.1",
        lambda place: place.postfix(
            "implicit",
            465,
            rsa=True,
            options={"smtpd_tls_protocols": "<=TLSv1.1", "smtpd_tls_mandatory_protocols": "<=TLSv1.1"},
        ),
        465,
        IMPLICIT,
        "tls_version_unsupported",
    ),
    Row(
        "tls12-only",
        "nothing: knows only TLS 1.2",
        _versions(TLSVersion.TLSv1_2, TLSVersion.TLSv1_2),
        465,
        IMPLICIT,
        observed="implicit_tls",
        expect={"tls.version": "TLSv1.2"},
    ),
    Row(
        "tls13-only",
        "nothing: knows only TLS 1.3",
        _versions(TLSVersion.TLSv1_3, None),
        465,
        IMPLICIT,
        observed="implicit_tls",
        expect={"tls.version": "TLSv1.3"},
    ),
    Row(
        "tls13-only-starttls",
        "nothing: knows only TLS 1.3",
        at="tls13-only",
        ask=STARTTLS,
        observed="starttls",
        expect={"tls.version": "TLSv1.3"},
    ),
    Row(
        "no-shared-cipher",
        "knows only ciphers without authentication",
        _ciphers("AECDH:@SECLEVEL=0"),
        465,
        IMPLICIT,
        "tls_handshake_failed",
    ),
    Row(
        "no-shared-cipher-starttls",
        "knows only ciphers without authentication",
        at="no-shared-cipher",
        ask=STARTTLS,
        cause="tls_handshake_failed",
    ),
    Row(
        "client-certificate-12",
        "demands a client certificate, TLS 1.2",
        _client_certificate(TLSVersion.TLSv1_2),
        465,
        IMPLICIT,
        "client_certificate_required",
    ),
    Row(
        "client-certificate-12-starttls",
        "demands a client certificate, TLS 1.2",
        at="client-certificate-12",
        ask=STARTTLS,
        cause="client_certificate_required",
    ),
    Row(
        "client-certificate-13",
        "demands a client certificate, TLS 1.3: says so after the handshake",
        _client_certificate(TLSVersion.TLSv1_3),
        465,
        IMPLICIT,
        "client_certificate_required",
    ),
    Row(
        "client-certificate-13-starttls",
        "demands a client certificate, TLS 1.3",
        at="client-certificate-13",
        ask=STARTTLS,
        cause="client_certificate_required",
    ),
    Row(
        "client-certificate-postfix",
        "Postfix demands a client certificate",
        _postfix_wants_certificate,
        465,
        IMPLICIT,
        "client_certificate_required",
    ),
    Row(
        "client-certificate-postfix-starttls",
        "Postfix demands a client certificate",
        at="client-certificate-postfix",
        ask=STARTTLS,
        cause="client_certificate_required",
    ),
    Row(
        "stall-before-hello",
        "reads the ClientHello and stalls",
        lambda place: place.listen(stall_before_server_hello(), 465),
        465,
        IMPLICIT,
        "tls_handshake_timeout",
        seconds=WAIT,
    ),
    Row(
        "stall-after-hello",
        "sends the ServerHello and stalls",
        lambda place: place.listen(stall_after_server_hello(place.issue()), 465),
        465,
        IMPLICIT,
        "tls_handshake_timeout",
        seconds=WAIT,
    ),
    Row(
        "stall-after-hello-starttls",
        "sends the ServerHello after STARTTLS and stalls",
        lambda place: place.listen(smtp(starttls=stall_after_server_hello(place.issue())), 587),
        587,
        STARTTLS,
        "tls_handshake_timeout",
        seconds=WAIT,
    ),
    Row(
        "drip-records",
        "a handshake of one byte a record, a record every half second",
        lambda place: place.listen(drip_records(0.5), 465),
        465,
        IMPLICIT,
        "tls_handshake_timeout",
        seconds=WAIT,
    ),
    Row(
        "closes-at-hello-starttls",
        "220 to STARTTLS, then closes at the ClientHello",
        lambda place: place.listen(smtp(starttls=close_on_client_hello()), 587),
        587,
        STARTTLS,
        "tls_handshake_failed",
    ),
    Row("alert-handshake-failure", "alert 40, handshake_failure", _alert(40), 465, IMPLICIT, "tls_handshake_failed"),
    Row(
        "alert-handshake-failure-starttls",
        "alert 40, handshake_failure",
        at="alert-handshake-failure",
        ask=STARTTLS,
        cause="tls_handshake_failed",
    ),
    Row("alert-protocol-version", "alert 70, protocol_version", _alert(70), 465, IMPLICIT, "tls_version_unsupported"),
    Row(
        "alert-protocol-version-starttls",
        "alert 70, protocol_version",
        at="alert-protocol-version",
        ask=STARTTLS,
        cause="tls_version_unsupported",
    ),
    Row("alert-internal-error", "alert 80, internal_error", _alert(80), 465, IMPLICIT, "tls_handshake_failed"),
    Row("alert-unrecognized-name", "alert 112, unrecognized_name", _alert(112), 465, IMPLICIT, "tls_handshake_failed"),
    Row(
        "alert-certificate-required",
        "alert 116, certificate_required",
        _alert(116),
        465,
        IMPLICIT,
        "client_certificate_required",
    ),
    Row("alert-access-denied", "alert 49, access_denied", _alert(49), 587, STARTTLS, "tls_handshake_failed"),
]
