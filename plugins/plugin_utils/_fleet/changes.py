# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verdicts that follow each other, and the events that say where one differs from the one before. Pure.

A verdict is the same as long as it passes or fails with the same cause, and has findings with the same codes. Times,
addresses and the days of a certificate may differ.
"""

from __future__ import annotations

import datetime
import re
import typing as t
from collections.abc import Iterator, Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.answer import verdict_sentence
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_data

__all__ = ("Changes", "Event")

Event = dict[str, t.Any]
_Probe = Mapping[str, t.Any]
_Key = tuple[bool, str | None, tuple[str, ...]]
# What begins a template of Jinja.
_TEMPLATE = re.compile(r"\{(?=[{%#])")
_CERTIFICATE = ("subject", "issuer", "not_before", "not_after", "days_left", "sha256")


class _State(t.NamedTuple):
    """A verdict, when it was first seen (ISO 8601, UTC), and how often in a row."""

    key: _Key
    since: str
    seen: int = 1


class Changes:
    """What was told of each endpoint, and what is told next.

    ``vantage`` is the name of the machine that asks. With ``initial`` the first verdict is an event as well. A new
    verdict is told when it was seen ``confirm`` times in a row.
    """

    def __init__(self, endpoints: Sequence[Settings], vantage: str, *, initial: bool, confirm: int) -> None:
        self._endpoints = endpoints
        self._vantage = vantage
        self._initial = initial
        self._confirm = confirm
        self._told: list[_State | None] = [None] * len(endpoints)
        self._new: list[_State | None] = [None] * len(endpoints)

    def take(self, probes: Sequence[_Probe], alternatives: Sequence[t.Any], now: datetime.datetime) -> Iterator[Event]:
        """The events of one round. Takes an entry of ``probes`` and a list of other ports for each endpoint."""
        for index, (probe, others) in enumerate(zip(probes, alternatives)):
            state = self._seen(index, _key(probe), now.isoformat(timespec="seconds"))
            before = self._told[index]
            if state.seen < self._confirm or (before is not None and before.key == state.key):
                continue
            self._told[index] = state
            if before is not None or self._initial:
                yield self._event(self._endpoints[index], probe, others, before, state, now)

    def _seen(self, index: int, key: _Key, now: str) -> _State:
        last = self._new[index]
        state = last._replace(seen=last.seen + 1) if last is not None and last.key == key else _State(key, now)
        self._new[index] = state
        return state

    def _event(
        self,
        settings: Settings,
        probe: _Probe,
        others: t.Any,
        before: _State | None,
        state: _State,
        now: datetime.datetime,
    ) -> Event:
        said = {
            "change": _change(before.key if before is not None else None, state.key),
            "name": settings.endpoint,
            "endpoint": {"host": settings.host, "port": settings.port, "security": settings.security},
            "vantage": self._vantage,
            "time": now.isoformat(timespec="seconds"),
            "since": state.since,
            **{key: probe.get(key) for key in ("ok", "layer", "cause", "message", "remedy", "elapsed_ms")},
            "sentence": _sentence(self._vantage, settings, probe),
            "before": None if before is None else _as_data(before),
            "alternatives": list(others),
            "findings": list(probe["findings"]),
            "certificates": [{key: one[key] for key in _CERTIFICATE} for one in probe["certificates"]],
        }
        return t.cast(Event, _no_template(printable_data(said)))


def _key(probe: _Probe) -> _Key:
    return bool(probe["ok"]), probe["cause"], tuple(sorted({one["code"] for one in probe["findings"]}))


def _change(before: _Key | None, now: _Key) -> str:
    if before is None:
        return "initial"
    if before[0] != now[0]:
        return "healed" if now[0] else "broke"
    return "cause" if before[1] != now[1] else "findings"


def _as_data(state: _State) -> dict[str, t.Any]:
    ok, cause, findings = state.key
    return {"ok": ok, "cause": cause, "findings": list(findings), "since": state.since}


def _sentence(vantage: str, settings: Settings, probe: _Probe) -> str:
    if probe["ok"]:
        return f"{vantage} can send mail through {settings.endpoint} ({settings.security})."
    return verdict_sentence(vantage, settings, probe)


def _no_template(found: t.Any) -> t.Any:
    """The same data with no text that Jinja would evaluate.

    A rulebook hands events on as extra variables, and Ansible takes these for templates. What a relay said is in events.
    """
    if isinstance(found, str):
        return _TEMPLATE.sub("{ ", found)
    if isinstance(found, dict):
        return {_no_template(key): _no_template(value) for key, value in found.items()}
    if isinstance(found, list):
        return [_no_template(each) for each in found]
    return found
