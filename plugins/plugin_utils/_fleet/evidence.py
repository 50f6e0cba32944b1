# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verdict was made from, taken out of a record again."""

from __future__ import annotations

import base64
import datetime
import functools
import hashlib
import textwrap
import typing as t
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Attempt, Observation, Rung
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.basis import Basis
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record, RecordError
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import AppClient, Policy, parse_policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import (
    Settings,
    SettingsError,
    parse_settings,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import HostFacts

__all__ = ("basis_of", "with_pem")

# Stands for the login that was given: which mechanisms are of use does not depend on what it is.
_SOME_LOGIN = {"username": "(not kept)", "password": "(not kept)"}


def basis_of(record: Record) -> Basis | None:
    """What the record's verdict was made from; null where no probe saw anything. Raises RecordError."""
    observation, evidence = record.observation, record.evidence
    if observation is None or evidence is None or record.settings is None:
        return None
    if not _fits(observation, Observation):
        raise RecordError("Its evidence is not as a probe gives it; leave the file as the callback verdicts wrote it.")
    try:
        known = {one.name for one in fields(Settings)}
        given = {key: value for key, value in record.settings.items() if key in known}
        login = _SOME_LOGIN if record.settings.get("login") else {}
        settings = parse_settings({**given, **login}, probed=True, allow_auto=True)
        policy = _policy(record.policy or {})
        clock = datetime.datetime.fromtimestamp(evidence["clock"], datetime.UTC)
    except (SettingsError, OverflowError, ValueError, TypeError, OSError) as error:
        raise RecordError(f"Its settings cannot be judged: {error}") from None
    return Basis(
        settings,
        observation,
        policy,
        HostFacts(clock, float(evidence["skew"]), evidence["trust_store_empty"], evidence["ca_subjects"]),
    )


def _policy(kept: Mapping[str, t.Any]) -> Policy:
    """As it was applied, with what was known of the apps. Raises SettingsError and TypeError."""
    apps = tuple(AppClient(str(name), str(runtime), tuple(can)) for name, runtime, can in kept.get("apps") or ())
    return replace(parse_policy(kept), apps=apps)


# A number beyond it is none of a clock, a port or a code, and too large for arithmetic with floats.
_MOST = 1e15


def _fits(found: object, kind: t.Any) -> bool:
    """Whether data are as their type in ``evidence`` says; further keys are let through. Files may hold anything."""
    origin, inner = t.get_origin(kind), t.get_args(kind)
    if t.is_typeddict(kind):
        required, declared = _declared(kind)
        return (
            isinstance(found, dict)
            and required <= found.keys()
            and all(_fits(each, declared[key]) for key, each in found.items() if key in declared)
        )
    if origin is t.Literal:
        return isinstance(found, (str, int)) and found in inner
    if origin is t.Union:
        return any(_fits(found, one) for one in inner)
    if origin is list:
        return isinstance(found, list) and all(_fits(each, inner[0]) for each in found)
    if kind in (int, float):
        return isinstance(found, (int, kind)) and not isinstance(found, bool) and abs(found) < _MOST
    return isinstance(found, kind)


@functools.cache
def _declared(kind: t.Any) -> tuple[frozenset[str], dict[str, t.Any]]:
    # A rung's keys are all there; its type lets them come one after the other.
    declared = t.get_type_hints(kind)
    required = {"layer", "ok", "ms"} if kind is Rung else kind.__required_keys__
    return frozenset(required), declared


def with_pem(probe: Mapping[str, t.Any], observation: Observation) -> dict[str, t.Any]:
    """The entry of ``probes`` with the PEM of its certificates, which results leave out unless it is asked for."""
    known = {hashlib.sha256(one).hexdigest(): one for one in _certificates(observation)}
    certificates = [
        {**one, "pem": one.get("pem") or _pem(known.get(one["sha256"], b""))} for one in probe["certificates"]
    ]
    return {**probe, "certificates": certificates}


def _certificates(observation: Observation) -> Iterator[bytes]:
    """Every certificate that was seen, in DER."""
    for attempt in observation["attempts"]:
        for seen in (attempt, attempt.get("other_mode", t.cast(Attempt, {}))):
            for text in seen.get("chain") or []:
                try:
                    yield base64.b64decode(text)
                except ValueError:  # what a relay sent need not be a certificate
                    continue


def _pem(certificate: bytes) -> str | None:
    if not certificate:
        return None
    body = "\n".join(textwrap.wrap(base64.b64encode(certificate).decode("ascii"), 64))
    return f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
