# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a file that was named in ca_path is of no use: what it is instead of PEM with certificates."""

from __future__ import annotations

import re
import ssl

__all__ = ("of_no_use",)

_HEAD = 65536
_PEM = "write the path of a PEM file that is there"
# What a file holds, by its first bytes or its PEM headers, and what to do about it; the first one counts.
_KINDS = (
    (rb"\Z", "is empty", _PEM),
    (rb"\x30.{1,5}\x02\x01\x03", "is a PKCS #12 store", "take the CA's certificate out (openssl pkcs12 -cacerts -nokeys) and write its path"),
    (rb"\x30[\x80-\x84].{0,4}\x06\x09\x2a\x86\x48", "is in PKCS #7 form", "convert it (openssl pkcs7 -inform der -print_certs) and write its path"),
    (rb"\x30", "is in DER form, not in PEM", "convert it (openssl x509 -inform der -in FILE -out FILE.pem) and write its path"),
    (rb"\xfe\xff|\xff\xfe", "is in UTF-16, not in ASCII", _PEM),
    (rb"(?s).*-----BEGIN (TRUSTED |X509 )?CERTIFICATE-----", "holds a certificate that cannot be read", "copy the file anew, whole, or write another path"),
    (rb"(?s).*-----BEGIN PKCS7-----", "is in PKCS #7 form", "convert it (openssl pkcs7 -print_certs) and write its path"),
    (rb"(?s).*-----BEGIN [A-Z ]*PRIVATE KEY-----", "holds a private key and no certificate", "write the path of the CA's certificate"),
    (rb"(?s).*-----BEGIN (NEW )?CERTIFICATE REQUEST-----", "holds a certificate request", "write the path of the CA's certificate"),
    (rb"(?s).*-----BEGIN X509 CRL-----", "holds a revocation list", "write the path of the CA's certificate"),
)  # fmt: skip


def of_no_use(path: str, error: OSError) -> str:
    """The sentence for a file that could not be loaded; ``error`` says how that failed."""
    why, advice = "holds no CA certificate", _PEM
    if isinstance(error, ssl.SSLError):
        why, advice = _kind(path) or (why, advice)
    elif isinstance(error, IsADirectoryError):
        why, advice = "is a directory", "write the path of one PEM file in it, with the CA's certificate"
    elif isinstance(error, TimeoutError):
        why, advice = error.strerror, "look at what is mounted there, or write another path"
    else:
        why = (error.strerror or "cannot be read").lower()
    return f"ca_path is {path}, and on this host: {why}; {advice}."


def _kind(path: str) -> tuple[str, str] | None:
    """What the file is, and what to write instead; null where nothing tells."""
    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return None
    return next(((why, advice) for pattern, why, advice in _KINDS if re.match(pattern, head, re.DOTALL)), None)
