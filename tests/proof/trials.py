# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is tried with each app's client, and what has to come of it by the app's descriptor.

A row is an app's form and the client that it sends with. Per row: a mail with a login in TLS from the first byte and in
STARTTLS, the same under a name that the certificate does not have, a relay without STARTTLS, cleartext, and relays that
offer one mechanism alone.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import Place, load_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.change import plan_present
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.model import AppError, Descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.reading import read_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import SECURITY_MODES, parse_settings

from tests.proof.relay import ALONE, GOOD, PASSWORD, SIMPLE_PASSWORD, SIMPLE_USER, STRIPPED, USER, WRONG, Arrived

__all__ = ["Expected", "Job", "Row", "Trial", "jobs_of", "verdicts"]

SENDER = "app@example.com"


@dataclass(frozen=True)
class Row:
    """``program`` runs the client, which it calls ``client``; ``library`` and ``version`` are shown to people.

    ``start`` is the text that the app's file holds before our settings get into it.
    """

    app: str
    form: str
    program: str
    client: str
    library: str
    version: str = ""
    quick: bool = False
    start: str = ""
    plain_for: tuple[str, ...] = ()  # mechanisms that the client can only use with a simple password


class Expected(t.NamedTuple):
    """``tls`` and ``user`` only count where the mail arrives; None: either will do."""

    arrives: bool
    tls: bool | None = None
    user: str | None = None


@dataclass(frozen=True)
class Trial:
    """One mail that is sent or not. ``part`` is what it proves: a security mode, or a mechanism."""

    name: str
    part: str
    mode: str
    host: str
    port: int
    login: bool
    expected: Expected
    mechanism: str | None = None


@dataclass
class Job:
    """A trial with everything that the client's program needs; ``refused`` says why nothing was written."""

    id: str
    row: Row
    trial: Trial
    files: dict[str, str] = field(default_factory=dict)  # the form's own file as "", those of its parts by app
    dialect: str = ""
    user: str = ""
    refused: str = ""

    def as_message(self, ca_file: Path) -> dict[str, t.Any]:
        """What the program reads."""
        return {
            "id": self.id,
            "do": "send",
            "app": self.row.app,
            "form": self.row.form,
            "client": self.row.client,
            "dialect": self.dialect,
            "file": self.files.get("", ""),
            "files": self.files,
            "host": self.trial.host,
            "mode": self.trial.mode,
            "ca": str(ca_file),
            "from": SENDER,
            "to": "ops@example.org",
            "subject": self.id,
        }


def trials(descriptor: Descriptor) -> Iterator[Trial]:
    """What to try with an app that claims these modes."""
    for mode in SECURITY_MODES:
        claim = descriptor.security[mode]
        if claim.can == "no":
            continue
        means = claim.means
        port = 465 if mode == "implicit_tls" else 587
        if means == "cleartext":
            yield Trial("sends in cleartext", mode, mode, GOOD, port, False, Expected(True, False))
            continue
        encrypted = Expected(True, True, "login" if mode != "cleartext" else None)
        yield Trial("sends with a login over TLS", mode, mode, GOOD, port, mode != "cleartext", encrypted)
        if mode in ("implicit_tls", "starttls"):
            yield Trial("refuses a wrong name", mode, mode, WRONG, port, True, Expected(False))
        if means != "implicit_tls":
            bare = Expected(means == "opportunistic", False if means == "opportunistic" else None)
            yield Trial("without STARTTLS", mode, mode, STRIPPED, port, False, bare)
    if descriptor.security["implicit_tls"].can == "exact":
        for mechanism, host in ALONE.items():
            login = Expected(True, True, "login")
            yield Trial(f"logs in with {mechanism}", mechanism, "implicit_tls", host, 465, True, login, mechanism)


def jobs_of(row: Row, folder: Path, ca_file: Path, number: int) -> list[Job]:
    """Render every trial of a row into files below ``folder``."""
    descriptor = load_descriptor(row.app)
    jobs = []
    for index, trial in enumerate(trials(descriptor)):
        job = Job(f"p{number}t{index}", row, trial)
        both = ((USER, PASSWORD), (SIMPLE_USER, SIMPLE_PASSWORD))
        for user, password in both[trial.part in row.plain_for :]:
            try:
                _render(job, descriptor, user, password, folder, ca_file)
            except AppError as error:
                job.refused = str(error)
                continue
            job.user, job.refused = user, ""
            break
        jobs.append(job)
    return jobs


def _render(job: Job, descriptor: Descriptor, user: str, password: str, folder: Path, ca_file: Path) -> None:
    trial = job.trial
    given: dict[str, t.Any] = {"host": trial.host, "port": trial.port, "security": trial.mode, "sender": SENDER}
    given |= {"ca_path": str(ca_file), "sender_name": "The App", "timeout": 4, "helo_name": "client.proof.test"}
    if trial.login:
        given |= {"username": user, "password": password}
    settings = parse_settings(given, probed=True)
    offered = None if trial.mechanism is None else [trial.mechanism]
    apps = {"": (descriptor, job.row.form), **{name: (load_descriptor(name), "file") for name in descriptor.parts}}
    for name, (one, form) in apps.items():
        place = load_place(one, form=form)
        if not trial.login and one.part_of and "username" in {n for f in one.forms.values() for n in f.names}:
            continue
        start = job.row.start.encode() if not name else b""
        written = load_place(one, form="file") if place.form.inside else place
        content = plan_present(one, settings, given, start or None, place=written, offered=offered).content
        if place.form.inside:
            place, content = _in_a_variable(one, place.form.inside, content)
        path = folder / f"{job.id}-{name or job.row.app}{_suffix(place)}"
        path.write_bytes(content)
        job.files[name] = str(path)
        if not name:
            job.dialect = place.dialect or place.form.dialect


def _in_a_variable(descriptor: Descriptor, name: str, content: bytes) -> tuple[Place, bytes]:
    """A compose file with one variable that holds what was written for the app's own file, and is read back as that."""
    lines = content.decode().replace("$", "$$").splitlines()
    block = "".join(f"        {line}\n" for line in lines)
    text = f"services:\n  app:\n    image: {descriptor.id}\n    environment:\n      {name}: |\n{block}"
    place = load_place(descriptor, "/srv/compose.yml", service="app")
    found = read_place(descriptor, place, text)
    alone = read_place(descriptor, load_place(descriptor, form="file"), content.decode())
    if (found.settings, found.security, found.password) != (alone.settings, alone.security, alone.password):
        raise AppError(f"{name} is not read as what the file of {descriptor.name} holds.")
    return place, text.encode()


def _suffix(place: Place) -> str:
    return {"python": ".py", "php": ".php", "ruby": ".rb", "yaml": ".yml", "json": ".json"}.get(
        place.form.format if not place.carrier else "", ".conf"
    )


def verdicts(job: Job, arrived: Arrived | None) -> str:
    """ "" when the trial came out as it has to, else what was seen instead."""
    expected = job.trial.expected
    if job.refused:
        return f"not written: {job.refused}"
    if arrived is None:
        return "" if not expected.arrives else "no mail arrived"
    how = f"arrived {'over TLS' if arrived.tls else 'in cleartext'}, {'with' if arrived.user else 'without'} a login"
    if not expected.arrives:
        return how
    if expected.tls is not None and arrived.tls != expected.tls:
        return how
    if expected.user == "login" and arrived.user != job.user:
        return how
    return ""
