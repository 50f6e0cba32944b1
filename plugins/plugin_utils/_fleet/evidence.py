# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a verdict was made from, taken out of a record again."""

from __future__ import annotations

import base64
import datetime
import hashlib
import textwrap
import typing as t
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Attempt, Observation
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.basis import Basis
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record, RecordError
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import AppClient, Policy, parse_policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import (
    Settings,
    SettingsError,
    parse_settings,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import HostFacts
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.fits import fits

__all__ = ("basis_of", "with_pem")

# Stands for the login that was given: which mechanisms are of use does not depend on what it is.
_SOME_LOGIN = {"username": "(not kept)", "password": "(not kept)"}


def basis_of(record: Record) -> Basis | None:
    """What the record's verdict was made from; null where no probe saw anything. Raises RecordError."""
    observation, evidence = record.observation, record.evidence
    if observation is None or evidence is None or record.settings is None:
        return None
    if not fits(observation, Observation):
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
