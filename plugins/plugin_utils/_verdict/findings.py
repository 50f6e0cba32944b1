# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does not break mail today but should be seen, from the evidence of all addresses of an endpoint. Pure."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Attempt, Observation
from ansible_collections.mailops.smtp.plugins.module_utils._observe.mechanisms import READABLE
from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import Fields
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings, convention_clash
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict import details, runtimes, signs
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.certificates import read_chain
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.chains import (
    besides,
    disordered,
    superfluous,
    weakness,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import Diagnosis, HostFacts, Policy

__all__ = ("Seen", "findings")

_SLOW_GREETING_MS = 3000
# From here on a healthy server would have answered; one that is slow on purpose is told as such, too.
_SILENT_SECONDS = 1.5
_FEW_ADDRESSES = 3  # so many that fail alike are told one by one
_SLOW_NAME_MS = 2500
_OLD_VERSIONS = ("TLSv1", "TLSv1.1")
_CHANGE_WITH_TLS = ("STARTTLS", "AUTH")


class Seen(t.NamedTuple):
    """An endpoint as it was seen: its addresses with their diagnoses, and which of them stands for all."""

    settings: Settings
    observation: Observation
    diagnoses: Sequence[Diagnosis]
    shown: int
    policy: Policy
    host: HostFacts
    ports: Fields

    @property
    def attempt(self) -> Attempt:
        """The address that stands for all."""
        return self.observation["attempts"][self.shown]

    @property
    def diagnosis(self) -> Diagnosis:
        """Its diagnosis."""
        return self.diagnoses[self.shown]


class _Found(t.NamedTuple):
    """One finding: its code, what the case adds, the fields that it brings, and an address other than the shown."""

    code: str
    detail: str = ""
    fields: Mapping[str, str | int | None] = {}
    address: str | None = None


def findings(seen: Seen) -> list[dict[str, str]]:
    """The findings of an endpoint, as a probe returns them."""
    found = []
    for one in (*_about_addresses(seen), *_about_the_dialogue(seen), *_about_certificates(seen)):
        address = one.address or seen.attempt["address"]
        fields = details.fields_of(seen.settings, address, seen.ports, {**seen.diagnosis.fields, **one.fields})
        found.append(details.finding_entry(one.code, one.detail, fields))
    return found


def _about_addresses(seen: Seen) -> Iterator[_Found]:
    attempts = seen.observation["attempts"]
    known = seen.observation["dns"].get("known", 0)
    if known > len(attempts):
        yield _Found("addresses_left_out", "", {"known": str(known), "asked": str(len(attempts))})
    waited = seen.observation["dns"]["ms"]
    if waited >= _SLOW_NAME_MS:
        yield _Found("name_server_slow", "", {"seconds": f"{waited / 1000:.0f}"})
    if details.this_host(seen.settings.host, seen.attempt["address"]) and not signs.is_sinkhole(
        seen.attempt["address"]
    ):
        yield _Found("leads_to_this_host")
    yield from _other_addresses(seen)
    yield from _silent_addresses(seen)
    for attempt, diagnosis in zip(seen.observation["attempts"], seen.diagnoses):
        ports = sorted({port for port, result in signs.elsewhere(attempt, seen.observation) if result == "open"})
        if diagnosis.code == "connection_timeout" and ports:
            answering = f"port {' and '.join(map(str, ports))}"
            yield _Found("port_filtered_elsewhere_open", "", {"answering": answering}, attempt["address"])
            return


def _other_addresses(seen: Seen) -> Iterator[_Found]:
    """The addresses that do not work beside the one that stands for all; many of them that fail alike as one finding."""
    alike: dict[tuple[t.Any, ...], list[tuple[Attempt, Diagnosis]]] = {}
    for attempt, diagnosis in zip(seen.observation["attempts"], seen.diagnoses):
        if diagnosis.code is not None and attempt is not seen.attempt and signs.learnt(attempt):
            key = (diagnosis.code, diagnosis.variant, diagnosis.detail, attempt["family"])
            alike.setdefault(key, []).append((attempt, diagnosis))
    for group in alike.values():
        many = len(group) > _FEW_ADDRESSES
        for attempt, diagnosis in group[:1] if many else group:
            fields = details.fields_of(seen.settings, attempt["address"], seen.ports, diagnosis.fields)
            sentence = details.cause_clause(str(diagnosis.code), diagnosis.variant, diagnosis.detail, fields)
            code = "address_unreachable" if diagnosis.layer == "tcp" else "address_fails"
            # Only where an address of the other kind works.
            works = seen.diagnosis.ok and seen.attempt["family"] != attempt["family"]
            found: dict[str, str | None] = {
                "more": str(len(group) - 1) if many else None,
                "lone": None if many else seen.settings.host,
                "other_version": str(seen.attempt["family"]) if works else None,
            }
            yield _Found(code, sentence, found, attempt["address"])


def _silent_addresses(seen: Seen) -> Iterator[_Found]:
    """The addresses that took the connection and said nothing while another one came to its end: dead, or very slow."""
    silent = [
        (attempt, failure)
        for attempt in seen.observation["attempts"]
        if (failure := attempt["failure"]) is not None
        and failure["kind"] == "unfinished"
        and failure["layer"] in details.NOT_YET
        and signs.waited(attempt, failure) >= _SILENT_SECONDS
    ]
    if not silent or not seen.diagnosis.ok:
        return
    many = len(silent) > _FEW_ADDRESSES
    for attempt, failure in silent[:1] if many else silent:
        other = seen.attempt["family"] != attempt["family"]
        fields: dict[str, str | None] = {
            "more": str(len(silent) - 1) if many else None,
            "lone": None if many else seen.settings.host,
            "other_version": str(seen.attempt["family"]) if other else None,
            "missing": details.NOT_YET[failure["layer"]],
            "seconds": details.span(signs.waited(attempt, failure)),
        }
        yield _Found("address_silent", "", fields, attempt["address"])


def _about_the_dialogue(seen: Seen) -> Iterator[_Found]:
    attempt, settings = seen.attempt, seen.settings
    passed = attempt["failure"] is None
    tls = attempt.get("tls", {})
    masked = signs.masked_capabilities(attempt)
    if masked:
        yield _Found("starttls_stripped", masked)
    offered = [name for name in signs.offered(attempt, "before_tls").get("AUTH", []) if name.upper() in READABLE]
    if offered:
        yield _Found("auth_offered_in_cleartext", ", ".join(offered))
    if settings.security == "opportunistic" and passed:
        yield _Found("downgrade_possible", "" if tls else details.ALL_IN_CLEARTEXT)
    if attempt.get("unserved"):
        yield _Found("connection_unserved")
    if attempt.get("injected"):
        yield _Found("starttls_injection")
    if "helo" in attempt and passed:
        refusal = attempt.get("ehlo", {}).get("before_tls")
        yield _Found("ehlo_refused", details.quoted(refusal) if refusal is not None else "")
    changed = _capabilities_changed(attempt)
    if changed:
        yield _Found("capabilities_changed", changed)
    yield from _about_the_mode(seen)
    if tls.get("version") in _OLD_VERSIONS:
        yield _Found("tls_version_old", "", {"version": str(tls["version"])})
    yield from _about_the_suite(seen)
    for step in attempt["rungs"]:
        if step["layer"] == "greeting" and step["ok"] and step["ms"] >= _SLOW_GREETING_MS:
            yield _Found("greeting_slow", "", {"seconds": f"{step['ms'] / 1000:.0f}"})


def _about_the_suite(seen: Seen) -> Iterator[_Found]:
    """A session that came about, in a suite or with a group that other runtimes do not have."""
    tls = seen.attempt.get("tls", {})
    kinds = runtimes.oddities(tls)
    # Of an old version, which has nothing but old suites, the finding on the version says it all.
    if tls.get("version") in _OLD_VERSIONS and "dh_small" not in kinds:
        return
    if not kinds or not signs.in_tls(seen.attempt) or signs.is_anonymous(tls):
        return
    fields = {"cipher": str(tls["cipher"]), "who": runtimes.who(kinds, seen.policy.apps)}
    if "dh_small" in kinds:
        yield _Found("tls_group_small", "", {**fields, "bits": tls["dh_bits"]})
        return
    # That it has nothing better is only known where it refused the usual suites.
    only = "python_refused" in seen.attempt
    yield _Found(
        "tls_ciphers_old", "", {**fields, "has": "has only old cipher suites" if only else "chose an old cipher suite"}
    )


def _about_the_mode(seen: Seen) -> Iterator[_Found]:
    """Which mode the port speaks, where that will surprise; a port that serves both surprises nobody."""
    if not seen.diagnosis.ok:
        return
    if seen.attempt.get("both_modes"):
        yield _Found("both_modes")
        return
    implicit = seen.attempt["security"] == "implicit_tls"
    if convention_clash(seen.settings.port, "implicit_tls" if implicit else "starttls"):
        yield _Found(
            "unconventional_port", "", {"spoken": "TLS from the first byte" if implicit else "cleartext first"}
        )


def _capabilities_changed(attempt: Attempt) -> str:
    before = signs.offered(attempt, "before_tls").keys() - set(_CHANGE_WITH_TLS)
    after = signs.offered(attempt, "after_tls").keys() - set(_CHANGE_WITH_TLS)
    if not signs.offered(attempt, "before_tls") or not signs.offered(attempt, "after_tls"):
        return ""
    return details.changed(sorted(before - after), sorted(after - before))


def _about_certificates(seen: Seen) -> Iterator[_Found]:
    attempt, diagnosis = seen.attempt, seen.diagnosis
    chain = read_chain(attempt.get("chain") or [], seen.host.clock, seen.settings.login)
    if not chain or not attempt.get("tls", {}).get("version"):
        return
    leaf, refused = chain[0], diagnosis.layer == "certificate"
    if not seen.settings.validate_certs:
        yield _Found(
            "certificate_not_verified", details.would_be_refused(besides(leaf, seen.settings.certificate_name))
        )
    soon = min(chain, key=lambda one: one.not_after)
    if not refused and 0 <= soon.days_left <= seen.policy.certificate_days_warning and soon.not_after > soon.clock:
        whose = "" if soon is leaf else details.is_the_issuers(soon.common_name)
        yield _Found(
            "certificate_expiring",
            whose,
            {"in_days": details.days(soon.days_left), "until": f"{soon.not_after:%Y-%m-%d}"},
        )
    odd = leaf.oddity_of_names(seen.settings.certificate_name) if not refused else None
    if odd is not None:
        about = {"who": runtimes.who([odd], seen.policy.apps)}
        if odd == "names_unreadable":
            yield _Found("certificate_unreadable", "", about)
        else:
            only = details.only_common_name(leaf.common_name, leaf.version == 1)
            yield _Found("certificate_without_names", only, about)
    weak = weakness(chain)
    if weak and diagnosis.code != "certificate_weak":
        kinds = runtimes.certificate_oddities(chain)
        yield _Found("certificate_weak", weak, {"who": runtimes.who(kinds, seen.policy.apps) if kinds else None})
    if attempt.get("chain_available"):
        order, needless = disordered(chain), superfluous(chain)
        if order:
            yield _Found("certificate_chain_disordered", order)
        if needless:
            yield _Found("certificate_chain_superfluous", needless)
