# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which runtime of an app refuses what this host's OpenSSL takes: one table, and what it says of a session. Pure.

Measured with default settings by tests/clients/handshakes, on OpenSSL 3.0, Node.js 20, Go 1.26, Java 17, Python 3.8 to
3.13, PHP 8.2, Ruby 3.1, Erlang/OTP 25, rustls 0.23 and GnuTLS 3.7; that newer ones refuse more is what their makers say.
"""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import TLSEntry
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import AppClient

if t.TYPE_CHECKING:
    from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.certificates import Certificate

__all__ = ("OLD_SUITES", "RUNTIMES", "Runtime", "certificate_oddities", "oddities", "refusal", "refusing_app", "who")

Oddity = t.Literal[
    "rsa_key_exchange",  # TLS 1.2 without forward secrecy
    "cbc",  # with SHA-1, behind ECDHE or DHE
    "cbc_sha2",  # with SHA-256 or SHA-384
    "dhe",
    "dh_small",  # a group of fewer than 2048 bits
    "no_names",  # a certificate without subjectAltName, as of X.509 version 1
    "empty_names",  # with one that lists nothing
    "only_addresses",  # with one that lists no DNS name
    "names_unreadable",  # with a part that a strict reader cannot read, such as an address of 3 bytes
    "sha1",  # the certificate's signature
    "rsa_small",  # a key of fewer than 2048 bits
]
# Any of these is what a relay may have that has no modern suite, whichever it chose this time.
OLD_SUITES: Sequence[Oddity] = ("rsa_key_exchange", "cbc", "cbc_sha2", "dhe")
# The smallest group and key that the stricter ones take.
_BITS = 2048
_LEVEL_2 = "where OpenSSL has security level 2, as on Debian and from 3.2 on"


class Runtime(t.NamedTuple):
    """A platform's TLS: its name, and what it refuses by itself: in every version (""), or in which ones."""

    name: str
    refuses: Mapping[Oddity, str]


RUNTIMES: Mapping[str, Runtime] = {
    "node": Runtime("Node.js", {"dh_small": "24 and newer", "rsa_small": "24 and newer", "sha1": ""}),
    "go": Runtime(
        "Go",
        {
            "rsa_key_exchange": "1.22 and newer",
            "cbc_sha2": "",
            "dhe": "",
            "no_names": "",
            "empty_names": "",
            "only_addresses": "",
            "names_unreadable": "",
            "sha1": "1.18 and newer",
        },
    ),
    "java": Runtime("Java", {}),
    "python": Runtime(
        "Python",
        {
            "rsa_key_exchange": "3.10 and newer",
            "cbc": "3.10 and newer",
            "dh_small": _LEVEL_2,
            "empty_names": "3.13 and newer",
            "rsa_small": _LEVEL_2,
            "sha1": "",
        },
    ),
    "php": Runtime("PHP", {"dh_small": _LEVEL_2, "rsa_small": _LEVEL_2, "sha1": ""}),
    "ruby": Runtime("Ruby", {"dh_small": _LEVEL_2, "only_addresses": "", "rsa_small": _LEVEL_2, "sha1": ""}),
    "openssl": Runtime("OpenSSL", {"dh_small": _LEVEL_2, "rsa_small": _LEVEL_2, "sha1": ""}),
    "erlang": Runtime("Erlang", {"rsa_key_exchange": "OTP 25 and newer", "only_addresses": ""}),
    "gnutls": Runtime("GnuTLS", {"cbc_sha2": "", "only_addresses": "", "sha1": ""}),
    "rustls": Runtime(
        "rustls",
        {
            "rsa_key_exchange": "",
            "cbc": "",
            "cbc_sha2": "",
            "dhe": "",
            "no_names": "",
            "empty_names": "",
            "only_addresses": "",
            "sha1": "",
            "rsa_small": "",
        },
    ),
}


def oddities(tls: TLSEntry) -> list[Oddity]:
    """What is odd about the cipher suite of a session of TLS 1.2 or older, and about its Diffie-Hellman group."""
    suite, found = tls.get("cipher") or "", list[Oddity]()
    if not suite or suite.startswith("TLS_"):
        return found
    if suite.startswith(("DHE-", "EDH-")):
        found.append("dhe")
        if tls.get("dh_bits", _BITS) < _BITS:
            found.append("dh_small")
    elif not suite.startswith("ECDHE-"):
        found.append("rsa_key_exchange")
    if not any(mode in suite for mode in ("GCM", "CCM", "CHACHA20")):
        found.append("cbc_sha2" if suite.endswith(("SHA256", "SHA384")) else "cbc")
    return found


def certificate_oddities(chain: Sequence[Certificate]) -> list[Oddity]:
    """What is odd about the keys and signatures of certificates; a root's own signature does not count."""
    found = list[Oddity]()
    if any(one.signature_hash in ("md5", "sha1") and not one.self_signed for one in chain):
        found.append("sha1")
    if any(kind == "rsa" and bits is not None and bits < _BITS for kind, bits in (one.key() for one in chain)):
        found.append("rsa_small")
    return found


def refusal(runtime: str, kinds: Collection[Oddity]) -> str | None:
    """In which versions the runtime refuses one of these; "" for all versions, null where it takes them."""
    conditions = [RUNTIMES[runtime].refuses[kind] for kind in kinds if kind in RUNTIMES[runtime].refuses]
    return None if not conditions else "" if "" in conditions else conditions[0]


def who(kinds: Collection[Oddity], apps: Sequence[AppClient] = ()) -> str:
    """Who refuses and who takes it: of all runtimes, or of the apps that were named. A part of a sentence."""
    known = [app for app in apps if app.runtime]
    if known:
        return "; ".join(_of_app(app, kinds) for app in known)
    refusing: dict[str, list[str]] = {}
    taking = []
    for key, runtime in RUNTIMES.items():
        condition = refusal(key, kinds)
        if condition is None:
            taking.append(runtime.name)
        else:
            refusing.setdefault(condition, []).append(runtime.name)
    parts = [
        f"{_listed(names)}{f' ({condition})' if condition else ''} {'refuses' if len(names) == 1 else 'refuse'} it"
        for condition, names in sorted(refusing.items())
    ]
    parts += [f"{_listed(taking)} {'takes' if len(taking) == 1 else 'take'} it"] if taking else []
    return "; ".join(parts)


def _of_app(app: AppClient, kinds: Collection[Oddity]) -> str:
    name, condition = RUNTIMES[app.runtime].name, refusal(app.runtime, kinds)
    if condition is None:
        return f"{app.name} ({name}) takes it"
    return f"{app.name} refuses it ({name}{', ' + condition if condition else ''})"


def refusing_app(kinds: Collection[Oddity], apps: Sequence[AppClient]) -> AppClient | None:
    """The first of the apps that refuses each of these in every version of its runtime."""
    for app in apps:
        if app.runtime and kinds and all(RUNTIMES[app.runtime].refuses.get(kind) == "" for kind in kinds):
            return app
    return None


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
