# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layer certificate: the client does not accept the relay's certificate."""

from __future__ import annotations

from ..rule import Rule, alerts, apple, curl, differing, mbedtls, rules, schannel, verify_errors, wolfssl

__all__ = ("RULES",)

_ALL = (
    "certificate_expired",
    "certificate_self_signed",
    "certificate_name_mismatch",
    "certificate_chain_incomplete",
    "certificate_not_yet_valid",
)
_PURPOSE = "The certificate, or a CA above it, may not be used for this: its purpose, its constraints or an extension forbid it; a newer ca_path does not help."
_NEW_ONE = "Ask the relay's operator for a certificate that is made for a server (TLS server authentication) by a CA that may issue it."

# fmt: off
RULES: tuple[Rule, ...] = (
    *rules(
        "certificate_expired", "certain", verify_errors((10, "certificate has expired")),
        schannel((0x80090328, "sec_e_cert_expired"), (0x800B0101, "cert_e_expired")),
        apple((9814, "errsslcertexpired")), wolfssl((151, "asn date error, current date after")), texts="""
        (cert|certificate) (has|is) expired
        expired (issuer |)certificate
        (is expired|has expired) .. certificate
        certificate verification failed .. has expired
        certificateexpiredexception
        invalid peer certificate: expired
        invalid certificate(expired
        (certexpired|cert_expired|badcert_expired)
        # Haskell, and GnuTLS by its bits, as Emacs prints them
        certificate rejected: [expired
        verification code 402
    """),
    *rules(
        "certificate_expired",
        "likely",
        alerts((45, "certificate expired")),  # Erlang sends it for both
        also=("certificate_not_yet_valid",),
        texts="""
        certificate expired
        has expired or is not yet valid
        # Windows
        a required certificate is not within its validity period
        (cert_date_invalid|nottimevalid)
        (validity|timestamp) check failed
        """,
    ),
    *rules(
        "certificate_not_yet_valid", "certain", verify_errors((9, "certificate is not yet valid")),
        apple((9815, "errsslcertnotyetvalid")), wolfssl((150, "asn date error, current date before")), texts="""
        (cert|certificate) not yet valid
        certificate not valid yet
        mozilla_pkix_error_not_yet_valid
        (badcert_future|the certificate validity starts in the future)
        certificate .. not yet activated
        certificatenotyetvalidexception
        is not yet valid: current time .. is before
        the certificate chain uses not yet valid certificate
        invalid peer certificate: notvalidyet
        invalid certificate(not valid yet
        validity check failed .. notbefore
        # Haskell, GnuTLS
        certificate rejected: [infuture
        verification code 202
    """),
    *rules("certificate_self_signed", "certain", verify_errors((18, "self-signed certificate")), texts="""
        self signed cert
        self-signed leaf
        selfsigned_peer
        # Haskell
        certificate rejected: [selfsigned
    """),
    *rules(
        "certificate_self_signed", "likely", also=("certificate_untrusted",),
        note="A CA's own certificate is served as the relay's: that is how a self-signed certificate made with default options looks to rustls.",
        texts="""
        (causedasendentity|ca used as end entity|ca_cert_used_as_end_entity)
    """),
    *rules(
        "certificate_untrusted", "certain", verify_errors((19, "self-signed certificate in certificate chain")),
        note="The relay sends its own root along, and this client does not trust that root.", texts="""
        self signed cert in chain
        the signing ca is not trusted
    """),
    *rules(
        "certificate_untrusted",
        "likely",
        verify_errors((20, "unable to get local issuer certificate"), (2, "unable to get issuer certificate")),
        alerts((48, "unknown ca")),
        schannel(
            (0x80090325, "sec_e_untrusted_root"), (0x800B0109, "cert_e_untrustedroot"), (0x800B010A, "cert_e_chaining")
        ),
        apple(
            (9807, "errsslxcertchaininvalid"),
            (9812, "errsslunknownrootcert"),
            (9813, "errsslnorootcert"),
            (9831, "errsslpeerunknownca"),
        ),
        wolfssl((188, "asn no signer error to confirm failure")),
        also=("certificate_chain_incomplete", "certificate_self_signed"),
        texts="""
        # OpenSSL and Node
        unable to get issuer cert
        unknown ca
        # Go
        certificate signed by unknown authority
        # Java
        pkix path building failed
        unable to find valid certification path
        server is not trusted
        path does not chain with any of the trust anchors
        trust anchor for certification path not found
        trustanchor
        # .NET and SChannel
        (unknown issuer|unknownissuer|untrusted issuer|untrusted ca|untrusted root)
        remotecertificatechainerrors
        issued by an authority that is not trusted
        # GnuTLS, Mbed TLS, NSS
        issuer is unknown
        signer not found
        (badcert_not_trusted|not correctly signed by the trusted ca)
        mitm_detected
        verification code 42
        # rustls, NSS, others
        certificate (|was |is )not trusted
        certificate issuer (is not recognized|has been marked as not trusted)
        is not trusted: certificate
        unknown certificate authority
        cert_authority_invalid
        peer certificate cannot be authenticated with given ca certificates
    """,
    ),
    *rules(
        "certificate_untrusted", "certain",
        note="The client has no list of CAs at all, as in a small container image, so it trusts no certificate.",
        remedy="Install the system's CAs where the client runs (the package ca-certificates), or give the client a CA file that it may read.",
        texts="""
        (no roots provided|failed to load system roots)
        # Erlang
        verify peer .. (cacerts: :undefined|{cacerts,undefined})
    """),
    *rules(
        "certificate_untrusted", "certain",
        note="The client's settings name one fingerprint, and the relay's certificate has another one: it was renewed, or it is another relay.",
        remedy="Compare the certificate with what the relay's operator says, then give the client its fingerprint, or let it check the chain instead.",
        texts="""
        (certificate fingerprint does not match|fingerprint mismatch|fingerprints do not match)
    """),
    # Postfix, behind the line that says why
    *rules(
        "certificate_untrusted",
        "likely",
        also=(
            "certificate_chain_incomplete",
            "certificate_self_signed",
            "certificate_expired",
            "certificate_name_mismatch",
        ),
        echo="follow",
        texts="""
        (server certificate not verified|server certificate not trusted)
    """,
    ),
    # GnuTLS, which does not say what it dislikes
    *rules("certificate_untrusted", "likely", also=_ALL, texts="""
        handshake failed: error in the certificate
        error in the time fields of certificate
        (certificate has unsupported attributes|could not authenticate peer)
    """),
    *rules(
        "certificate_chain_incomplete", "likely", verify_errors((21, "unable to verify the first certificate")),
        also=("certificate_untrusted",),
        note="The client saw only the leaf certificate: the relay leaves out its intermediate, or its CA is one of your own that this host does not know.",
        texts="""
        unable to verify leaf signature
        (partial chain|partialchain)
    """),
    *rules(
        "certificate_untrusted",
        "possible",
        alerts((42, "bad certificate"), (43, "unsupported certificate"), (46, "certificate unknown")),
        apple((9825, "errsslpeerbadcert"), (9829, "errsslpeercertunknown")),
        also=(*_ALL, "client_certificate_required"),
        texts="""
        (bad certificate|certificate unknown)
    """,
    ),
    *rules(
        "certificate_untrusted", "possible", curl((60, "ssl peer certificate or ssh remote key was not ok")),
        mbedtls((0x2700, "")), schannel((0x80090327, "sec_e_cert_unknown")),
        apple((9808, "errsslbadcert"), (9858, "errsslatsviolation")), also=_ALL, echo="follow", texts="""
        (sec_error_|mozilla_pkix_error_)
        (verify error:num=|error in the certificate)
        certificate (verify|verification|validation|check) (failed|failure|error|procedure)
        stream_socket_enable_crypto .. certificate verify failed
        (failed to verify certificate|verify the peer certificate|remote certificate was rejected)
        (certificate is untrusted|peer certificate is invalid|the remote certificate is invalid)
        (invalid peer|invalid|ssl peer) certificate
        x509:
        # mutt and nullmailer say so of every certificate that they refuse
        (untrusted|invalid) server certificate
        ssl certificate problem
        the certificate is not correct
        the certificate for this server is invalid
        certificate error
        (sslcertverificationerror|sslpeerunverifiedexception|certpathvalidatorexception|pkix path validation failed)
        ora-29024
    """),
    *rules(
        "certificate_untrusted",
        "likely",
        verify_errors(
            (24, "invalid ca certificate"),
            (25, "path length constraint exceeded"),
            (26, "unsuitable certificate purpose"),
            (28, "certificate rejected"),
            (32, "key usage does not include certificate signing"),
            (34, "unhandled critical extension"),
            (47, "permitted subtree violation"),
            (48, "excluded subtree violation"),
            (7, "certificate signature failure"),
            (4, "unable to decrypt certificate's signature"),
            (6, "unable to decode issuer public key"),
            (22, "certificate chain too long"),
            (39, "key usage does not include digital signature"),
        ),
        schannel((0x80090349, "sec_e_cert_wrong_usage"), (0x800B0110, "cert_e_wrong_usage")),
        note=_PURPOSE,
        remedy=_NEW_ONE,
        texts="""
        # NSS, GnuTLS
        sec_error_(inadequate_key_usage|inadequate_cert_type|bad_signature|ca_cert_invalid|path_len_constraint_invalid)
        unsupported critical extension in x.509
        key usage violation in certificate
        certificate list is not sorted
        # Windows
        the certificate is not valid for the requested usage
        # OpenSSL's and Node's short forms
        unsupported certificate purpose
        invalid ca
        # Go
        incompatible key usage
        too many intermediates for path length
        parent certificate cannot sign this kind of certificate
        a root or intermediate certificate is not authorized
        not authorized to sign for this name
        crypto/rsa: verification error
        # Java
        ca key usage check failed
        basic constraints check failed
        extended key usage does not permit
        keyusage does not allow
        # rustls
        required eku not found
        bad signature .. invalid peer certificate
        invalid peer certificate: bad(signature|encoding)
        unhandledcriticalextension
    """,
    ),
    # OpenSSL's strict rules (X509_V_FLAG_X509_STRICT), which Python applies from 3.13 on
    *rules(
        "certificate_untrusted", "certain",
        note="The certificate, or a CA above it, lacks what RFC 5280 asks for: strict clients (Python from 3.13 on) refuse it, others take it.",
        remedy="Have it made anew, the CA's own certificate first: basicConstraints critical, keyUsage, and the key identifiers of subject and authority.",
        texts="""
        missing (authority|subject) key identifier
        (authority|subject) key identifier marked critical
        basic constraints of ca cert not marked critical
        ca cert does not include key usage
        path length (invalid for non-ca cert|given without key usage)
        key usage keycertsign invalid for non-ca cert
        (empty subject alternative name extension|subject empty and subject alt name)
        using cert extension requires at least x509v3
        certificate public key has explicit ecc parameters
    """),
    *rules(
        "certificate_untrusted", "likely",
        schannel((0x80092012, "crypt_e_no_revocation_check"), (0x80092013, "crypt_e_revocation_offline")),
        verify_errors(
            (73, "ocsp verification needed"),
            (74, "ocsp verification failed"),
            (75, "ocsp unknown cert"),
            (8, "crl signature failure"),
            (11, "crl is not yet valid"),
        ),
        note="The client asks whether the certificate was revoked, and gets no answer: the CA's list cannot be had from this host, or there is none.",
        remedy="Let this host reach the CA's revocation list (outbound HTTP), or switch off the app's check for revocation; trust is not what is missing.",
        texts="""
        unable to get (certificate |)crl
        (revocation status unknown|revocationstatusunknown|offline revocation|unable to check revocation)
        crl has expired
    """),
    *rules(
        "certificate_untrusted", "likely", alerts((44, "certificate revoked")),
        schannel((0x80092010, "crypt_e_revoked"), (0x800B010C, "cert_e_revoked")),
        verify_errors((23, "certificate revoked")), texts="""
        certificate is revoked
        certificate has been revoked
        sec_error_revoked_certificate
    """),
    *rules(
        "certificate_name_mismatch",
        "certain",
        verify_errors((62, "hostname mismatch"), (64, "ip address mismatch")),
        schannel((0x80090322, "sec_e_wrong_principal"), (0x800B010F, "cert_e_cn_no_match")),
        apple((9843, "errsslhostnamemismatch")),
        wolfssl((322, "peer subject name mismatch")),
        differing(
            *("hostname", "host name", "checkhost", "altname", "subject alternative name", "certificate subject"),
            *(
                "certificate's owner",
                "certificate owner",
                "certificate name",
                "names given in the server's ssl certificate",
            ),
            *("name given in the server's ssl certificate", "expected name", "expected cn", "server's name"),
        ),
        texts="""
        err_tls_cert_altname_invalid
        no alternative certificate subject name matches
        # Go
        certificate is valid for .. not
        certificate is not valid for
        x509: cannot validate certificate for
        certificate relies on legacy common name
        # Java
        no subject alternative (dns name matching|names matching ip address|names present)
        no name matching .. found
        can't verify (identity of server|server identity)
        # Python, Ruby, PHP, .NET, rustls, Erlang
        remotecertificatenamemismatch
        (not valid for name|notvalidforname)
        hostname_check_failed
        # Programs
        (does not match the certificate|certificate does not match)
        (dns|ipaddress)mismatch(
        (cert_common_name_invalid|ssl_error_bad_cert_domain|badcert_cn_mismatch)
        (hostname|host name|peer name) verification failed
        # PHP
        unable to locate peer certificate cn
        # Haskell
        certificate rejected: [namemismatch
        wrong.host.name
    """,
    ),
    *rules(
        "certificate_weak",
        "certain",
        verify_errors(
            (66, "ee certificate key too weak"),
            (67, "ca certificate key too weak"),
            (68, "ca signature digest algorithm too weak"),
        ),
        texts="""
        (ee key|ca key) too small
        (md|key|signature digest algorithm) too weak
        insecure algorithm
        algorithm constraints check failed
        certificates (do|does) not conform to algorithm constraints
        sec_error_cert_signature_algorithm_disabled
        (mozilla_pkix_error_inadequate_key_size|badcert_bad_key|badcert_bad_md)
        the certificate is signed with an unacceptable (hash|key)
    """,
    ),
    # Go by macOS's rules
    *rules(
        "certificate_weak", "likely", also=("certificate_name_mismatch",),
        note="macOS refuses it by its form: it is valid for too long, does not list its names (subjectAltName), or is not made for a server.",
        remedy="Ask the relay's operator for a certificate for at most 398 days that lists its names (subjectAltName) and is made for TLS servers.",
        texts="certificate is not standards compliant"),
    # rustls: SHA-1 and the like; for the other public key, it is not the CA that it takes it for
    *rules("certificate_weak", "likely", also=("certificate_untrusted",), texts="unsupported signature algorithm"),
    *rules("certificate_untrusted", "likely", also=("certificate_self_signed", "certificate_weak"), texts="""
        unsupported( |)signature( |)algorithm( |)for( |)public( |)key
    """),
    *rules(
        "certificate_weak", "certain",
        note="It is of X.509 version 1, which rustls, Go and others refuse and OpenSSL takes.",
        remedy="Ask the relay's operator for a certificate of version 3 that lists its names (subjectAltName).",
        texts="""
        (unsupported cert version|unsupportedcertversion)
    """),
)
