# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a stranger says, each text of each result is printable: of the judge, the gate, smtp_send and explain_smtp_error."""

from __future__ import annotations

import copy
import datetime
import json
import types
import typing as t

import pytest
from ansible.plugins.action import ActionBase
from ansible_collections.mailops.smtp.plugins.action import (
    kept_files,
    mailpit_files,
    private_file,
    smtp_endpoint_info,
    smtp_gate,
    smtp_send,
)
from ansible_collections.mailops.smtp.plugins.filter.explain_smtp_error import FilterModule
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_data
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import HostFacts, Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import judge
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.evidence import in_tls
from tests.support.examples import examples
from tests.support.strangers import EVIL, certificate, evil_texts, raw_places
from tests.unit.plugins.plugin_utils._verdict.rows import ROWS

explain_smtp_error = FilterModule().filters()["explain_smtp_error"]
SLOW = settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), evil_texts(), st.binary(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(evil_texts(), inner, max_size=4), st.tuples(inner)
    ),
    max_leaves=12,
)
# What the ladder writes itself, and no stranger.
OURS = {"layer", "kind", "mode", "code", "version", "verify_code", "stage", "family", "port", "errno", "what", "limit", "reason", "security",
        "chain", "lack", "sign", "format", "result"}  # fmt: skip


@pytest.mark.parametrize("evil", EVIL[:-2], ids=ascii)
def test_what_is_evil_becomes_visible(evil: str) -> None:
    shown = printable_data({"a": [f"x{evil}y"], evil: 1})
    assert list(raw_places(shown)) == []
    assert shown["a"][0].isprintable() and shown["a"][0] != f"x{evil}y" and shown["a"][0][0] + shown["a"][0][-1] == "xy"


def test_what_is_written_stays() -> None:
    kept = {"msg": "Grüße, 日本: 2 → 3", "n": [1, None, True, 2.5], "pem": "-----BEGIN CERTIFICATE-----\nAAAA\n"}
    assert printable_data(kept) == kept
    assert printable_data({"exception": "a\n\x1b[2Kb"}) == {"exception": "a\n\\x1b[2Kb"}
    diff = {"diff": [{"before": "[smtp]\n\thost = a\r\n", "after": "[smtp]\n\thost = b\x07\n"}]}
    assert printable_data(diff) == {
        "diff": [{"before": "[smtp]\n\thost = a\\r\n", "after": "[smtp]\n\thost = b\\x07\n"}]
    }


@given(JSON)
def test_any_data(found: t.Any) -> None:
    shown = printable_data(found)
    assert list(raw_places(shown)) == []
    assert printable_data(shown) == shown
    json.dumps(shown).encode()


def spoken(draw: st.DrawFn, found: t.Any, key: str = "") -> t.Any:
    """The same evidence, where each text that a stranger could have said is some text."""
    if isinstance(found, dict):
        return {name: spoken(draw, value, name) for name, value in found.items()}
    if isinstance(found, list):
        return [spoken(draw, value, key) for value in found]
    return draw(evil_texts()) if isinstance(found, str) and key not in OURS and key != "address" else found


@st.composite
def observations(draw: st.DrawFn) -> tuple[t.Any, dict[str, t.Any]]:
    row = draw(st.sampled_from(ROWS))
    chain = [
        certificate(draw(evil_texts()), draw(evil_texts()), draw(evil_texts()), draw(st.sampled_from([-3, 3, 300])))
    ]
    return row, spoken(draw, row.evidence(dict.fromkeys(_chains(row.made), chain)))


def _chains(found: t.Any) -> set[str]:
    if isinstance(found, dict):
        named = {found["chain"]} if isinstance(found.get("chain"), str) else set()
        return named.union(*map(_chains, found.values()))
    return set().union(*map(_chains, found)) if isinstance(found, list) else set()


@SLOW
@given(observations(), st.booleans())
def test_the_judge(made: tuple[t.Any, dict[str, t.Any]], pem: bool) -> None:
    row, evidence = made
    asked = Settings(**{"host": "relay.test", "port": 587, "security": "starttls", "return_pem": pem, **row.settings})
    clock = datetime.datetime.now(datetime.UTC)
    probe = judge(asked, evidence, Policy(**row.policy), HostFacts(**{"clock": clock, **row.facts}))
    assert list(raw_places(probe)) == []
    json.dumps(probe).encode()


# -- the actions, with an ansible-core around them that hands over this evidence


def answer_of(
    action: type[ActionBase], arguments: dict[str, t.Any], module_result: dict[str, t.Any]
) -> dict[str, t.Any]:
    """What the action returns when the host's half returns this."""
    shell = types.SimpleNamespace(tmpdir="/tmp")
    task = types.SimpleNamespace(
        args=arguments,
        action="x",
        async_val=0,
        check_mode=False,
        delegate_to=None,
        diff=False,
        no_log=False,
        environment=None,
        get_ds=lambda: None,
    )
    connection, context = (
        types.SimpleNamespace(_shell=shell, get_option={}.__getitem__),
        types.SimpleNamespace(no_log=False),
    )
    made = action(task, connection, context, None, None, None)  # type: ignore[arg-type]
    made._execute_module = lambda **_call: copy.deepcopy(module_result)  # type: ignore[method-assign]
    made._remove_tmp_path = lambda _path: None  # type: ignore[method-assign]
    return made.run(None, {"inventory_hostname": "app1"})


def observed(*seen: dict[str, t.Any]) -> dict[str, t.Any]:
    now = datetime.datetime.now(datetime.UTC).timestamp()
    return {"observations": list(seen), "clock": now, "trust_store_empty": False, "ca_subjects": {}}


ENDPOINT = {"host": "relay.test", "port": 587, "secure": False}
MESSAGE = {"sender": "a@example.com", "recipients": ["b@example.com"]}


@SLOW
@given(observations(), evil_texts())
def test_the_actions(made: tuple[t.Any, dict[str, t.Any]], words: str) -> None:
    answers = [
        answer_of(smtp_gate.ActionModule, dict(ENDPOINT, alternatives=[]), observed(made[1])),
        answer_of(smtp_send.ActionModule, {**ENDPOINT, **MESSAGE}, observed(made[1])),
        answer_of(smtp_endpoint_info.ActionModule, ENDPOINT, observed(made[1])),
        answer_of(smtp_gate.ActionModule, ENDPOINT, {"failed": True, "msg": words, words: words}),
        answer_of(smtp_send.ActionModule, {**ENDPOINT, **MESSAGE}, {"failed": True, "msg": words, "option": "ca_path"}),
        answer_of(smtp_gate.ActionModule, {"host": words or "x", "security": words}, {}),
        answer_of(smtp_gate.ActionModule, {"host": "x", words or "x": words}, {}),
    ]
    assert list(raw_places(answers)) == []


def test_the_reply_to_a_message() -> None:
    said = {"code": 250, "lines": ["\x1b]0;x\x07 queued as \u202eABC123", "{{ 7*7 }}"]}
    seen = next(row for row in ROWS if row.id == "starttls").made
    attempt = {
        **seen["attempts"][0],
        **in_tls(chain=[]),
        "transaction": {"mail": said, "rcpt": {**said, "recipient": "b@x.test"}, "message": said},
    }
    answer = answer_of(smtp_send.ActionModule, {**ENDPOINT, **MESSAGE}, observed({**seen, "attempts": [attempt]}))
    assert list(raw_places(answer)) == []
    assert answer["reply"] == "250 \\x1b]0;x\\x07 queued as \\u202eABC123 {{ 7*7 }}"


# -- logs

FRAMES = st.sampled_from(
    [
        "Error: Invalid login: 535 5.7.8 {}",
        "dial tcp: lookup {}: no such host",
        "{}",
        "relay=mx.test[192.0.2.1]:25, status=deferred ({})",
    ]
)


@SLOW
@given(st.lists(st.builds(lambda frame, text: frame.format(text), FRAMES, evil_texts()), max_size=6))
def test_explanations(lines: list[str]) -> None:
    assert list(raw_places(explain_smtp_error(lines))) == []
    assert list(raw_places(explain_smtp_error("\n".join(lines)))) == []


@SLOW
@given(evil_texts(), st.sampled_from(["begin", "restore", "finish"]))
def test_the_actions_on_files(words: str, step: str) -> None:
    run = {
        "controller": words,
        "machine": words,
        "boot": words,
        "space": words,
        "pid": 1,
        "start": words,
        "host": words,
    }
    held = {"path": words, "name": words, "run": run, "age": 1.0, "unfinished": True, "record": words}
    stuck = {"path": words, "given": words, "kept_as": words, "why": words}
    told = {
        "held": [],
        "others": [held],
        "unfinished": [words],
        "absent": [words],
        "restored": [words],
        "kept": [stuck],
        "left": [],
    }
    for result in (told, {"failed": True, "msg": words}, {**told, "held": [held]}):
        kept = answer_of(kept_files.ActionModule, {"paths": ["/x"], "step": step}, json.loads(json.dumps(result)))
        written = answer_of(private_file.ActionModule, {"path": "/x", "content": "y"}, json.loads(json.dumps(result)))
        several = answer_of(
            mailpit_files.ActionModule, {"files": [{"path": "/x", "text": "y"}]}, json.loads(json.dumps(result))
        )
        assert list(raw_places([kept, written, several])) == []
