# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a chain of certificates was not accepted, and what is odd about one that was. Pure."""

from __future__ import annotations

import re
import typing as t
from collections.abc import Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict import details
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.certificates import (
    NAME_LIMIT,
    Certificate,
    is_address,
)

__all__ = ("ChainVerdict", "besides", "chain_verdict", "disordered", "linked", "superfluous", "weakness")

# X509_V_ERR_* of OpenSSL, the codes that have a cause or a variant of their own.
_BAD_SIGNATURE, _NOT_YET_VALID, _EXPIRED, _SELF_SIGNED_LEAF, _SELF_SIGNED_IN_CHAIN, _PURPOSE = 7, 9, 10, 18, 19, 26
_NO_ISSUER = (2, 20, 21)
_MALFORMED = 41
_NAME_MISMATCH = (62, 63, 64)
_WEAK = (66, 67, 68)
# What breaks a chain that leads to a trusted root, by code and by OpenSSL's words (the numbers moved with 3.0):
# a certificate that is no CA, path length, key usage, unknown critical extension, name constraints.
_MISISSUED_CODES = (25, 32, 34, 47, 48, 49, 51, 52, 53, 79)
_MISISSUED = re.compile(
    "invalid ca|path length|key ?usage|certificate signing|critical extension|subtree|name constraint|excluded"
    "|not permitted",
    re.IGNORECASE,
)
# What the code tells by itself, where no certificate can be read.
_WITHOUT_CHAIN = {
    _EXPIRED: "certificate_expired",
    _NOT_YET_VALID: "certificate_not_yet_valid",
    _SELF_SIGNED_LEAF: "certificate_self_signed",
    **dict.fromkeys(_NAME_MISMATCH, "certificate_name_mismatch"),
    **dict.fromkeys(_WEAK, "certificate_weak"),
}
_RSA_BITS, _EC_BITS = 2048, 224
# What CAs call themselves.
_ROOT = re.compile(r"\broot\b", re.IGNORECASE)
_INTERMEDIATE = re.compile(r"\b(intermediate|issuing|subordinate|sub)\b", re.IGNORECASE)


class ChainVerdict(t.NamedTuple):
    """Why a chain was not accepted: a cause of the layer certificate, what this case adds, and the variant."""

    code: str
    detail: str = ""
    variant: str = ""


def chain_verdict(
    verify_code: int, verify_error: str, chain: Sequence[Certificate], name: str, ca_subjects: Sequence[str]
) -> ChainVerdict:
    """What OpenSSL's verify code means for this chain.

    ``name`` is the name that was checked; ``ca_subjects`` are the common names in the host's ca_path, if one was given.
    """
    if not chain:
        return ChainVerdict(_WITHOUT_CHAIN.get(verify_code, "certificate_untrusted"), verify_error)
    leaf = chain[0]
    found = _first_cause(verify_code, verify_error, chain, name, ca_subjects)
    return found._replace(detail=details.also(found.detail, besides(leaf, name, found.code)))


def besides(leaf: Certificate, name: str, cause: str | None = None) -> str:
    """What else is wrong with a relay's certificate, beside this cause: OpenSSL stops at one. Empty for nothing."""
    dates = ("certificate_expired", "certificate_not_yet_valid")
    # Names that cannot be read may hold any.
    known = cause == "certificate_name_mismatch" or leaf.oddity_of_names(name) == "names_unreadable"
    return details.also(
        "" if cause in dates else _also_out_of_date(leaf),
        "" if known or leaf.covers(name) else details.is_also_not_for(name, _listed(leaf)),
    )


def _first_cause(
    verify_code: int, verify_error: str, chain: Sequence[Certificate], name: str, ca_subjects: Sequence[str]
) -> ChainVerdict:
    """What OpenSSL stopped at."""
    leaf = chain[0]
    if verify_code == _EXPIRED:
        return _expired(chain)
    if verify_code == _NOT_YET_VALID:
        return ChainVerdict("certificate_not_yet_valid", _not_yet(chain))
    if verify_code in _NAME_MISMATCH:
        return _other_name(leaf, name)
    if verify_code in _WEAK or re.search(r"too (small|weak)", verify_error):
        return ChainVerdict("certificate_weak", weakness(chain) or verify_error)
    misissued = _misissued(verify_code, verify_error, chain, ca_subjects)
    if misissued is not None:
        return misissued
    if verify_code == _SELF_SIGNED_LEAF or (verify_code in _NO_ISSUER and leaf.self_signed):
        anew = details.another_there(leaf.common_name) if leaf.common_name in ca_subjects else ""
        return ChainVerdict("certificate_self_signed", details.also(details.named(leaf.common_name), anew))
    if verify_code == _SELF_SIGNED_IN_CHAIN:
        root = linked(chain)[-1]
        over = details.has_expired(root.not_after) if root.not_after < root.clock else ""
        return ChainVerdict("certificate_untrusted", details.ends_at_unknown_root(root.common_name) + over)
    if verify_code in _NO_ISSUER:
        return _missing_issuer(chain, ca_subjects)
    return ChainVerdict("certificate_untrusted", verify_error)


def weakness(chain: Sequence[Certificate]) -> str:
    """What is weak about the chain: keys below 2048 bits RSA or 224 bits EC, signatures of MD5 or SHA-1.

    A root's own signature does not count.
    """
    for certificate in chain:
        key_type, bits = certificate.key()
        least = {"rsa": _RSA_BITS, "dsa": _RSA_BITS, "ec": _EC_BITS}.get(key_type, 0)
        if bits is not None and bits < least:
            return details.small_key(certificate.common_name, bits)
        if certificate.signature_hash in ("md5", "sha1") and not certificate.self_signed:
            return details.old_hash(certificate.common_name, certificate.signature_hash)
    return ""


def disordered(chain: Sequence[Certificate]) -> str:
    """Which certificate stands ahead of what it issued; empty where none does.

    RFC 5246 section 7.4.2 asked for the order, TLS 1.3 recommends it.
    """
    sent = _once(chain)
    for number, one in enumerate(sent):
        if _issued_any(one, sent[number + 1 :]) and not _issued_any(one, sent[:number]):
            return details.ahead_of_its_own(one.common_name)
    return ""


def superfluous(chain: Sequence[Certificate]) -> str:
    """Which certificates nobody needs: sent twice, or of no other that is sent. A root is not meant; empty for none."""
    sent = _once(chain)
    twice = dict.fromkeys(one.common_name for one in sent if sum(one.parsed == each.parsed for each in chain) > 1)
    idle = dict.fromkeys(one.common_name for one in sent[1:] if not _issued_any(one, sent))
    return details.also(details.sent_twice(list(twice)), details.of_no_other(list(idle)))


def _once(chain: Sequence[Certificate]) -> list[Certificate]:
    return [one for number, one in enumerate(chain) if all(one.parsed != other.parsed for other in chain[:number])]


def _issued_any(one: Certificate, others: Sequence[Certificate]) -> bool:
    return any(one.says_it_issued(other) for other in others if other.parsed != one.parsed)


# -- dates and names


def _expired(chain: Sequence[Certificate]) -> ChainVerdict:
    """Which of the chain is over: the leaf, one that is sent above it, or one that is on this host."""
    for certificate in chain:
        if certificate.not_after < certificate.clock:
            when = details.ended(certificate.not_after, certificate.clock)
            if certificate is chain[0]:
                return ChainVerdict("certificate_expired", when)
            return ChainVerdict("certificate_expired", f"{details.named(certificate.common_name)} ({when})", "issuer")
    return ChainVerdict("certificate_expired", details.this_one_or_above(linked(chain)[-1].issuer_name), "own_ca")


def _not_yet(chain: Sequence[Certificate]) -> str:
    for certificate in chain:
        if certificate.not_before > certificate.clock:
            issuer = None if certificate is chain[0] else certificate.common_name
            return details.begins(certificate.not_before, certificate.clock, issuer)
    return details.CA_OF_THIS_HOST


def _also_out_of_date(leaf: Certificate) -> str:
    if leaf.not_after < leaf.clock:
        return details.has_also_expired(leaf.not_after)
    return details.is_also_too_early(leaf.not_before) if leaf.not_before > leaf.clock else ""


def _other_name(leaf: Certificate, name: str) -> ChainVerdict:
    listed = _listed(leaf)
    if is_address(name) and name in (leaf.dns_names or [leaf.common_name]):
        return ChainVerdict(
            "certificate_name_mismatch", details.is_for(listed) if listed != [name] else "", "address_as_name"
        )
    return ChainVerdict("certificate_name_mismatch", details.is_for(listed))


def _listed(leaf: Certificate) -> list[str]:
    """The names that it is for."""
    return [entry[:NAME_LIMIT] for entry in leaf.names] or [leaf.common_name]


# -- trust


def _misissued(
    verify_code: int, verify_error: str, chain: Sequence[Certificate], ca_subjects: Sequence[str]
) -> ChainVerdict | None:
    """A trusted CA may not issue this, or the certificate is not meant for it. None where trust is the matter.

    Of a certificate whose extensions it cannot read OpenSSL says that it finds no issuer, whoever that is.
    """
    if verify_code == _PURPOSE or "purpose" in verify_error:
        return ChainVerdict("certificate_untrusted", verify_error, "purpose")
    path = linked(chain)
    issuer = path[-1].issuer_name
    broken = next((one for one in path if one.malformed), None)
    if verify_code == _MALFORMED or (broken is not None and verify_code in _NO_ISSUER):
        return ChainVerdict("certificate_untrusted", details.named((broken or path[0]).common_name), "malformed")
    if verify_code == _BAD_SIGNATURE or "signature failure" in verify_error:
        anew = details.perhaps_made_anew(issuer) if issuer in ca_subjects else ""
        sent = any(one.parsed.subject == path[-1].parsed.issuer for one in chain)
        if anew and len(path) > 1 and not sent:
            # What is sent fits in itself, so it is not damaged.
            return ChainVerdict("certificate_untrusted", anew, "other_ca")
        return ChainVerdict("certificate_untrusted", details.also(verify_error, anew), "signature")
    if "critical extension" in verify_error:
        return ChainVerdict("certificate_untrusted", _unknown_critical(path, verify_error), "critical_extension")
    if verify_code in _MISISSUED_CODES or _MISISSUED.search(verify_error):
        where = details.named(_breaks_a_rule(path, verify_error) or issuer)
        return ChainVerdict("certificate_untrusted", f"{verify_error} ({where})", "misissued")
    return None


def _breaks_a_rule(path: Sequence[Certificate], verify_error: str) -> str | None:
    """Which of the certificates that were sent it is that may not issue, or limits names; null for one on this host."""
    for below, one in enumerate(path[1:]):
        if not one.may_issue or (one.path_length is not None and one.path_length < below):
            return one.common_name
        if one.limits_names and re.search("subtree|constraint|excluded|not permitted", verify_error, re.IGNORECASE):
            return one.common_name
    return None


def _unknown_critical(path: Sequence[Certificate], verify_error: str) -> str:
    """Which of the certificates that were sent has a critical extension that nobody knows."""
    for one in path:
        if one.unknown_critical is not None:
            return details.unknown_extension(one.common_name, one.unknown_critical)
    return verify_error


def linked(chain: Sequence[Certificate]) -> list[Certificate]:
    """From the leaf as far up as the sent certificates reach, in whatever order they were sent."""
    path = [chain[0]]
    while not path[-1].self_signed:
        above = next((one for one in chain if one not in path and one.issued(path[-1])), None)
        if above is None:
            break
        path.append(above)
    return path


def _missing_issuer(chain: Sequence[Certificate], ca_subjects: Sequence[str]) -> ChainVerdict:
    """The issuer of the last certificate is neither sent nor trusted: is it a missing intermediate or an unknown root?

    Only its name is known. Where nothing decides, the sentence names both.
    """
    path = linked(chain)
    leaf, top = path[0], path[-1]
    issuer = top.issuer_name
    code, detail = "certificate_untrusted", details.ends_at_unknown_root(top.common_name)
    if not top.self_signed and issuer in ca_subjects:
        detail = details.another_of_that_name(issuer)
    elif not top.self_signed and any(one.common_name in ca_subjects for one in path):
        detail = details.no_root(next(one.common_name for one in path if one.common_name in ca_subjects), issuer)
    elif not top.self_signed and len(path) > 1:
        # Where its certificate can be fetched says nothing here: an intermediate has that of its root.
        incomplete = _named_intermediate(issuer)
        if incomplete:
            code = "certificate_chain_incomplete"
        detail = details.ends_below(issuer, may_be_intermediate=incomplete is None)
    elif not top.self_signed:
        incomplete = _is_intermediate(leaf, ca_subjects)
        if incomplete:
            code, detail = "certificate_chain_incomplete", details.only_the_leaf(issuer)
        else:
            detail = details.unknown_issuer(issuer, may_be_intermediate=incomplete is None)
    return ChainVerdict(code, detail)


def _named_intermediate(name: str) -> bool | None:
    """Whether a CA calls itself an intermediate: False for a root, None where its name says neither."""
    return False if _ROOT.search(name) else True if _INTERMEDIATE.search(name) else None


def _is_intermediate(leaf: Certificate, ca_subjects: Sequence[str]) -> bool | None:
    """Whether the unseen issuer of ``leaf`` is an intermediate: True, False, or None where nothing tells."""
    issuer = leaf.parsed.issuer
    above = leaf.issuer_of_issuer
    if above is not None:
        return above != issuer
    name = leaf.issuer_name
    if name in ca_subjects:
        return False  # same name as a trusted CA, another key
    named = _named_intermediate(name)
    if named is not None:
        return named
    if leaf.names_its_issuer_online:
        return True
    first = name.split()[0].lower() if name.split() else ""
    if len(first) > 2 and any(subject.lower().split()[:1] == [first] for subject in ca_subjects):
        return True
    return None
