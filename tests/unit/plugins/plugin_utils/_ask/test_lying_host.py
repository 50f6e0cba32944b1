# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A managed host that sends something else than what its module gives: one sentence or a verdict, never a traceback."""

from __future__ import annotations

import copy
import itertools
import typing as t
from collections.abc import Iterator

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import HostError, ProbeRun, probe_host
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.told import Searched, of_shape
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import judge_all

from tests.support.acting import Host, act, report
from tests.support.evidence import Row
from tests.unit.plugins.plugin_utils._verdict.rows import ROWS

RELAY = Settings("relay.test", 587, "starttls", username="app", password="hunter2-S3cret")
LEFT_OUT = object()
DEEP: dict[str, t.Any] = {}
for _ in range(250):
    DEEP = {
        "other_mode": DEEP,
        "address": "192.0.2.1",
        "family": 4,
        "security": "starttls",
        "rungs": [],
        "failure": None,
    }
ODD = (
    None, True, -1, 1e308, float("nan"), 10**30, "", "{{ 7*7 }}", "\x1b[2J\u202e\ud800", "2026-13-45", [], {}, [None], [[]], {"a": 1},
    DEEP, ["x"] * 500, LEFT_OUT,
)  # fmt: skip
Path = tuple[t.Any, ...]


def answered(result: dict[str, t.Any]) -> ProbeRun:
    return probe_host(lambda _module, _arguments: result, [RELAY], [t.cast(t.Any, {})], False)


def evidence(row: Row) -> dict[str, t.Any]:
    return copy.deepcopy(t.cast(dict[str, t.Any], row.evidence(NoChains())))


class NoChains(dict[str, list[str]]):
    def __missing__(self, _name: str) -> list[str]:
        return ["MAA="]


def places(found: object, path: Path = ()) -> Iterator[Path]:
    """Every place, at most two of a list."""
    if path:
        yield path
    pairs: t.Iterable[tuple[t.Any, t.Any]] = ()
    if isinstance(found, dict):
        pairs = found.items()
    elif isinstance(found, list):
        pairs = list(enumerate(found))[:2]
    for key, value in pairs:
        yield from places(value, (*path, key))


def with_odd(found: t.Any, path: Path, odd: object) -> None:
    for key in path[:-1]:
        found = found[key]
    if odd is LEFT_OUT:
        del found[path[-1]]
    else:
        found[path[-1]] = odd


@pytest.mark.parametrize("row", [row for row in ROWS if row.made["format"] == 1], ids=lambda row: row.id)
def test_what_a_probe_really_gives_is_taken(row: Row) -> None:
    assert len(answered(report([evidence(row)])).observations) == 1


def test_what_no_probe_gives_is_a_sentence() -> None:
    """Each place of the evidence, with odd values in turn."""
    turns, refused, number = itertools.cycle(ODD), 0, 0
    for row in ROWS[::9]:
        for path in places(evidence(row)):
            seen = evidence(row)
            with_odd(seen, path, next(turns))
            number += 1
            try:
                run = answered(report([seen]))
            except HostError as error:
                refused += 1
                assert "probe" in str(error) and str(error).isprintable()
            else:
                judge_all([RELAY], run.observations, Policy(), run.host)
    assert number > 600 and number * 0.6 < refused < number


@pytest.mark.parametrize(
    "path, odd",
    [(("other_mode", "greeting", "lines"), []), (("legacy", "version"), LEFT_OUT), (("legacy", "version"), None)],
)
def test_what_is_judged_only_beside_something_else(path: tuple[str, ...], odd: object) -> None:
    """What the turns above may miss, in every row that has it."""
    tried = 0
    for row in ROWS:
        seen = evidence(row)
        if ("attempts", 0, *path) in set(places(seen)):
            with_odd(seen, ("attempts", 0, *path), odd)
            judge_all([RELAY], answered(report([seen])).observations, Policy(), answered(report([seen])).host)
            tried += 1
    assert tried


@pytest.mark.parametrize(
    "claimed",
    [
        {"observations": None},
        {"observations": []},
        {"observations": [{}] * 2},
        {"observations": "x" * 100},
        {"clock": None},
        {"clock": 1e14},
        {"clock": -1e14},
        {"clock": float("nan")},
        {"trust_store_empty": "no"},
        {"ca_subjects": None},
        {"ca_subjects": {"/x": [1]}},
        {"ca_subjects": {"/x": "y"}},
    ],
)
def test_what_holds_for_the_whole_host(claimed: dict[str, t.Any]) -> None:
    result = report([evidence(ROWS[0])], **{key: value for key, value in claimed.items() if key != "observations"})
    found = act("smtp_gate", Host(lambda _plans: {**result, **claimed}), host="relay.test", port=587, secure=False)
    assert found["failed"] and "look at that host" in found["msg"]


def test_a_reason_has_an_end() -> None:
    found = act("smtp_gate", Host(lambda _plans: {"failed": True, "msg": "x" * 10**7}), host="relay.test", port=25)
    assert found["failed"] and len(found["msg"]) < 5000


class Behind:
    """A host that answers each call with this, whatever it was asked."""

    def __init__(self, result: dict[str, t.Any]) -> None:
        self.result = result

    def execute(self, **_call: t.Any) -> dict[str, t.Any]:
        return copy.deepcopy(self.result)


RECORD = {"path": "/x", "name": "y", "run": {"pid": 1}, "age": 1.0, "unfinished": True, "record": "/z"}
TOLD: dict[str, dict[str, t.Any]] = {
    "app_mail_config": {"file": "/x", "content": "eA==", "checksum": "c", "mode": 384, "as_asked": True, "alike": ["z"], "others": [RECORD], "held": []},
    "app_mail_config_info": {"files": [{"content": "eA==", "mode": 384, "path": "/x"}]},
}  # fmt: skip
SEARCHED = {
    "files": [{"path": "/x", "content": "eA==", "mode": 384, "owner": 0, "error": None}],
    "left_out": [{"path": "/x", "reason": "y"}],
}


@pytest.mark.parametrize("action", TOLD)
def test_what_is_told_of_files(action: str) -> None:
    """A sentence or a result, at each place with odd values in turn."""
    options: dict[str, t.Any] = {"app": "grafana", "path": "/x"}
    if action == "app_mail_config":
        options["settings"] = {"host": "relay.test", "port": 465, "secure": True}
    refused, turns = 0, itertools.cycle(ODD)
    for path in places(TOLD[action]):
        for odd in itertools.islice(turns, 2):
            told = copy.deepcopy(TOLD[action])
            with_odd(told, path, odd)
            result = act(action, t.cast(Host, Behind(told)), **options)
            refused += "look at that host" in str(result.get("msg"))
    assert refused > 2


def test_what_an_audit_is_told() -> None:
    """It loads all apps, which takes long: so each odd value is put to its shape alone."""
    assert of_shape(SEARCHED, Searched) is SEARCHED
    for path in places(SEARCHED):
        for odd in (True, 10**30, {"a": 1}, [None]):
            told = copy.deepcopy(SEARCHED)
            with_odd(told, path, odd)
            assert "look at that host" in of_shape(told, Searched).get("msg", ""), (path, odd)
