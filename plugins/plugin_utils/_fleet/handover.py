# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The evidence behind a result, from the action (a forked worker) to the callback (the process that forked it).

A result is registered for every host, shown on the screen and kept until the run ends, so the evidence is not in it.
It goes through a file of a folder that only this user can read, and the callback removes the file when the result
comes. Nothing is written where no callback asked for it (``begin``).
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import ipaddress
import json
import os
import time
import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Observation
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.basis import Basis, keep, keep_settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.alternatives import alternative_verdicts
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import HostFacts
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.other_ports import OtherPort

__all__ = ("Handed", "Seen", "bases", "begin", "discard", "end", "give", "made", "take", "wanted")

# At most as many of a host's addresses as are of use to tell its networks.
_MANY = 8


@dataclasses.dataclass
class _State:
    """Set in the process of the callback, and by fork in its workers."""

    folder: str | None = None
    variables: tuple[str, ...] = ()


_STATE = _State()


class Seen(t.NamedTuple):
    """What an action was asked for, and what was seen of each: ``bases`` is empty where nothing came back."""

    endpoints: Sequence[Settings] = ()
    bases: Sequence[Basis] = ()


def bases(
    endpoints: Sequence[Settings], observations: Sequence[Observation], policy: Policy, host: HostFacts
) -> list[Basis]:
    """What each endpoint of a call is judged from."""
    return [Basis(one, seen, policy, host) for one, seen in zip(endpoints, observations)]


class Handed(t.NamedTuple):
    """What came out of a file: ``kept`` has an entry for each endpoint, with its settings at least."""

    kept: Sequence[Mapping[str, t.Any]] = ()
    host: str | None = None  # the one that was asked: the delegate, where there is one
    groups: Sequence[str] = ()
    variables: Mapping[str, t.Any] = {}
    addresses: Sequence[str] = ()
    local: bool = False  # the host is the controller itself, by whatever name


def begin(folder: str, variables: Sequence[str]) -> None:
    """Ask the actions of this run to hand over: into ``folder``, with the host's ``variables`` of these names."""
    _STATE.folder, _STATE.variables = folder, tuple(variables)


def end() -> None:
    """Ask no longer."""
    _STATE.folder = None


def wanted() -> bool:
    """Whether anybody asked."""
    return _STATE.folder is not None


def made(seen: Seen, asked: str, task_vars: Mapping[str, t.Any], variables: Sequence[str]) -> Handed:
    """What is handed over of a task on a host with these variables; ``asked`` is the host that was asked."""
    kept = [{**keep(one), "alternatives": _others(one)} for one in seen.bases]
    kept = kept or [{"settings": keep_settings(one)} for one in seen.endpoints]
    own = {name: task_vars[name] for name in variables if isinstance(task_vars.get(name), (str, int, float, bool))}
    own = {**_distribution(task_vars), **own}
    groups = [str(one) for one in task_vars.get("group_names") or []]
    return Handed(kept, asked, groups, own, _addresses(task_vars), _is_local(task_vars))


def _others(basis: Basis) -> list[OtherPort]:
    """The other ports of this endpoint; a result has those of the first one that failed alone."""
    return alternative_verdicts(basis.settings, basis.observation, basis.policy, basis.host)


def give(task_uuid: str, host: str, seen: Seen, asked: str, task_vars: Mapping[str, t.Any]) -> None:
    """In the worker: write it down. What cannot be written is left out; the verdict does not depend on it."""
    if _STATE.folder is None:
        return
    text = json.dumps(made(seen, asked, task_vars, _STATE.variables)._asdict())
    # Items of a loop, and further tries, follow each other in one worker.
    path = os.path.join(_STATE.folder, f"{_prefix(task_uuid, host)}{time.monotonic_ns():020d}")
    try:
        with open(os.open(f"{path}.new", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(f"{path}.new", path)
    except OSError:
        # Half of it takes room on a disk that is full.
        with contextlib.suppress(OSError):
            os.unlink(f"{path}.new")


def take(task_uuid: str, host: str) -> Handed | None:
    """In the callback: the oldest that was handed over for this task and host, which then is gone."""
    for path in _waiting(task_uuid, host):
        try:
            with open(path, encoding="utf-8") as file:
                return Handed(**json.load(file))
        except (OSError, ValueError, TypeError):
            return None
        finally:
            with contextlib.suppress(OSError):
                os.unlink(path)
    return None


def discard(task_uuid: str, host: str) -> None:
    """Forget what is left of a task on a host."""
    for path in _waiting(task_uuid, host):
        with contextlib.suppress(OSError):
            os.unlink(path)


def _waiting(task_uuid: str, host: str) -> list[str]:
    if _STATE.folder is None:
        return []
    prefix = _prefix(task_uuid, host)
    names = [name for name in os.listdir(_STATE.folder) if name.startswith(prefix) and not name.endswith(".new")]
    return [os.path.join(_STATE.folder, name) for name in sorted(names)]


def _prefix(task_uuid: str, host: str) -> str:
    return f"{hashlib.sha256(f'{task_uuid} {host}'.encode()).hexdigest()[:32]}-"


def _is_local(task_vars: Mapping[str, t.Any]) -> bool:
    return str(task_vars.get("ansible_connection")).rpartition(".")[2] == "local"


def _facts(task_vars: Mapping[str, t.Any]) -> Mapping[str, t.Any]:
    facts = task_vars.get("ansible_facts")
    return facts if isinstance(facts, Mapping) else {}


def _distribution(task_vars: Mapping[str, t.Any]) -> dict[str, str]:
    """The host's distribution and its release, where its facts are known: trust stores and TLS libraries go by them."""
    facts = _facts(task_vars)
    words = [facts.get(name) for name in ("distribution", "distribution_major_version")]
    return {"distribution": " ".join(map(str, words))} if all(isinstance(one, str) for one in words) else {}


def _addresses(task_vars: Mapping[str, t.Any]) -> list[str]:
    """The host's own addresses where its facts are known, else the one by which Ansible reaches it."""
    known = _facts(task_vars)
    found = [*(known.get("all_ipv4_addresses") or []), *(known.get("all_ipv6_addresses") or [])]
    if not found:
        found = [task_vars.get("ansible_host")]
    return [str(one) for one in found if _is_address(one)][:_MANY]


def _is_address(text: object) -> bool:
    try:
        ipaddress.ip_address(str(text))
    except ValueError:
        return False
    return True
