# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judge as a table: evidence to cause, layer, what was observed, findings; and as properties: any failure gets a verdict."""

from __future__ import annotations

import copy
import datetime
import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import CAUSES, FINDINGS, LAYERS
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict import details
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.certificates import Certificate
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import (
    HostFacts,
    Policy,
    diagnose,
    diagnose_name,
    diagnose_slow_name,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import (
    alternative_verdicts,
    judge,
    judge_all,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.contract import PROBE_KEYS
from tests.support.evidence import Row, attempt, make_chains, observation, steps
from tests.support.examples import examples
from tests.unit.plugins.plugin_utils._verdict.rows import ROWS

CERTIFICATE_KEYS = [
    "subject",
    "issuer",
    "sans",
    "not_before",
    "not_after",
    "days_left",
    "serial",
    "sha256",
    "spki_sha256",
    "key_type",
    "key_bits",
    "signature_algorithm",
    "self_signed",
]


@pytest.fixture(scope="module")
def chains(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    return make_chains(Path(tmp_path_factory.mktemp("pki")))


def facts(**changes: t.Any) -> HostFacts:
    return HostFacts(**{"clock": datetime.datetime.now(datetime.UTC), **changes})


def asked(**changes: t.Any) -> Settings:
    return Settings(**{"host": "relay.test", "port": 587, "security": "starttls", **changes})


def verdict(row: Row, chains: dict[str, list[str]]) -> dict[str, t.Any]:
    return judge(asked(**row.settings), row.evidence(chains), Policy(**row.policy), facts(**row.facts))


def assert_shape(probe: dict[str, t.Any]) -> None:
    """The keys of every entry, whatever happened; data that can travel as JSON."""
    assert list(probe) == PROBE_KEYS
    json.dumps(probe)
    assert list(probe["capabilities"]) == ["before_tls", "after_tls"]
    assert list(probe["tls"]) == ["version", "cipher", "verified", "verify_error"]
    for certificate in probe["certificates"]:
        assert list(certificate) == CERTIFICATE_KEYS
    for address in probe["addresses"]:
        assert list(address) == ["address", "family", "ok", "cause", "ms"]
    for finding in probe["findings"]:
        assert list(finding) == ["severity", "code", "message", "remedy"]
        assert_sentence(finding["message"])
        assert_sentence(finding["remedy"])
    assert probe["layers"][0]["layer"] == "dns"
    assert all(list(step)[:3] == ["layer", "ok", "ms"] for step in probe["layers"])
    if probe["ok"]:
        assert (probe["layer"], probe["cause"], probe["message"], probe["remedy"]) == (None, None, None, None)
    else:
        assert probe["cause"] in {row.code for row in CAUSES}
        assert probe["layer"] in LAYERS
        assert_sentence(probe["message"])
        assert_sentence(probe["remedy"])


def assert_sentence(text: str) -> None:
    assert text.endswith((".", "!")), text
    assert "{" not in text and "  " not in text and " ." not in text and ".." not in text.replace("...", ""), text
    assert "None" not in text, text


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_callback(row: Row, chains: dict[str, list[str]]) -> None:
    probe = verdict(row, chains)
    assert_shape(probe)
    assert (probe["cause"], probe["layer"], probe["security_observed"]) == (row.code, row.layer, row.observed)
    assert row.says in (probe["message"] or "")
    assert {finding["code"] for finding in probe["findings"]} == row.findings
    if not probe["ok"]:
        # What is about a transaction (a limit, say) may be said at any rung; the others end where the cause is.
        assert [step["ok"] for step in probe["layers"]] == [True] * (len(probe["layers"]) - 1) + [False]
        assert probe["layers"][-1]["layer"] == row.layer or row.code == "temporarily_rejected"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_judging_is_pure(row: Row, chains: dict[str, list[str]]) -> None:
    """The same evidence gives the same verdict, is left as it was, and may have travelled as JSON."""
    evidence = row.evidence(chains)
    before = copy.deepcopy(evidence)
    clock = facts(**row.facts)
    first = judge(asked(**row.settings), evidence, Policy(**row.policy), clock)
    assert evidence == before
    assert judge(asked(**row.settings), json.loads(json.dumps(evidence)), Policy(**row.policy), clock) == first


def test_every_finding_is_shown(chains: dict[str, list[str]]) -> None:
    shown = {finding["code"] for row in ROWS for finding in verdict(row, chains)["findings"]}
    assert shown == {finding.code for finding in FINDINGS}


def test_every_cause_and_variant_is_shown(chains: dict[str, list[str]]) -> None:
    """But those of the settings: they are refused before a packet is sent, so no probe is judged."""
    expected = {(row.code, row.variant) for row in CAUSES} - {("mode_mismatch", "settings"), ("invalid_settings", "")}
    assert {(row.code, row.variant) for row in ROWS if row.code} == expected


@pytest.mark.parametrize(
    "name, in_trouble",
    [("starttls, resources", True), ("starttls, milter", False), ("not offered", False)],
)
def test_what_keeps_a_relay_as_a_whole_from_working(name: str, in_trouble: bool, chains: dict[str, list[str]]) -> None:
    row = next(row for row in ROWS if row.id.endswith(name))
    (found,) = judge_all([asked(**row.settings)], [row.evidence(chains)], Policy(**row.policy), facts(**row.facts))
    assert found.in_trouble == in_trouble
    assert found.probe == verdict(row, chains)


@pytest.mark.parametrize("row", [row for row in ROWS if row.code and row.made["attempts"]], ids=lambda row: row.id)
def test_variants(row: Row, chains: dict[str, list[str]]) -> None:
    evidence = row.evidence(chains)
    elsewhere = bool(evidence["elsewhere"])
    found = [
        diagnose(one, asked(**row.settings), Policy(**row.policy), facts(**row.facts), elsewhere)
        for one in evidence["attempts"]
    ]
    slow = diagnose_slow_name(evidence, asked(**row.settings))
    assert (row.code, row.variant) in {(one.code, one.variant) for one in (*found, slow) if one is not None}


# -- several addresses


OK, DEAD = (
    next(row for row in ROWS if row.id == "starttls").made["attempts"][0],
    next(row for row in ROWS if row.id == "filtered").made["attempts"][0],
)
CLOSED, DENIED = (
    next(row for row in ROWS if row.id == "closed").made["attempts"][0],
    next(row for row in ROWS if row.id == "535").made["attempts"][0],
)


def at(made: dict[str, t.Any], address: str, **changes: t.Any) -> dict[str, t.Any]:
    return {**made, "address": address, **changes, "chain": []}


@pytest.mark.parametrize(
    "made, policy, cause, causes",
    [
        ((OK, OK), {}, None, [None, None]),
        ((DEAD, OK), {}, None, ["connection_timeout", None]),
        ((OK, DEAD), {}, None, [None, "connection_timeout"]),
        ((DEAD, DEAD), {}, "connection_timeout", ["connection_timeout", "connection_timeout"]),
        # the address that got furthest tells
        ((DEAD, CLOSED), {}, "connection_closed", ["connection_timeout", "connection_closed"]),
        ((DENIED, CLOSED), {}, "auth_rejected", ["auth_rejected", "connection_closed"]),
        ((DEAD, OK), {"require_all_addresses": True}, "connection_timeout", ["connection_timeout", None]),
        ((OK, CLOSED), {"require_all_addresses": True}, "connection_closed", [None, "connection_closed"]),
        ((OK, OK), {"require_all_addresses": True}, None, [None, None]),
        # only one address logs in; the one that left it to the other shares its fate
        ((DENIED, {**OK, "yielded": True}), {}, "auth_rejected", ["auth_rejected", "auth_rejected"]),
        ((OK, {**OK, "yielded": True}), {}, None, [None, None]),
    ],
)
def test_addresses(
    made: tuple[dict[str, t.Any], ...], policy: dict[str, t.Any], cause: str | None, causes: list[str | None]
) -> None:
    seen = observation(*[at(one, f"192.0.2.{number}") for number, one in enumerate(made)])
    probe = judge(asked(), seen, Policy(**policy), facts())
    assert_shape(probe)
    assert probe["cause"] == cause
    assert [address["cause"] for address in probe["addresses"]] == causes
    assert [address["address"] for address in probe["addresses"]] == [
        f"192.0.2.{number}" for number in range(len(made))
    ]


@pytest.mark.parametrize("dead, advice", [((4, "192.0.2.9"), ""), ((6, "2001:db8::9"), 'ip_version: "4"')])
def test_the_other_kind_of_address_is_advised_where_it_works(dead: tuple[int, str], advice: str) -> None:
    probe = judge(asked(), observation(at(DEAD, dead[1], family=dead[0]), at(OK, "192.0.2.1")), Policy(), facts())
    (found,) = [finding for finding in probe["findings"] if finding["code"] == "address_unreachable"]
    assert (advice or "ip_version") in found["remedy"] if advice else "ip_version" not in found["remedy"]


@pytest.mark.parametrize("number, found", [(3, 3), (4, 1), (31, 1)])
def test_many_addresses_that_fail_alike_are_one_finding(number: int, found: int) -> None:
    dead = [at(DEAD, f"192.0.2.{one}") for one in range(2, number + 2)]
    findings = judge(asked(), observation(at(OK, "192.0.2.1"), *dead), Policy(), facts())["findings"]
    assert [one["code"] for one in findings] == ["address_unreachable"] * found
    assert findings[0]["message"].startswith(
        f"192.0.2.2 and {number - 1} more of the addresses of relay.test do not work, all for the same reason:"
        if found == 1
        else "192.0.2.2, one of the addresses of relay.test, does not work:"
    )


def test_a_remedy_of_anyone_names_no_port_of_its_own() -> None:
    """Which other port may be named is known to the rows alone."""
    wants = next(row for row in ROWS if row.id == "starttls wanted at MAIL")
    seen = {**wants.made, "elsewhere": [{"address": "192.0.2.1", "port": 465, "result": "ECONNREFUSED"}]}
    remedy = judge(asked(**wants.settings), seen, Policy(), facts())["remedy"]
    assert "port 465" not in remedy and "security: starttls" in remedy


def test_what_still_climbed_is_unknown_and_told_where_it_was_silent_for_long() -> None:
    late = {**at(DEAD, "192.0.2.9"), "failure": {"layer": "greeting", "kind": "unfinished", "waited_ms": 2000.0}}
    probe = judge(asked(), observation(at(OK, "192.0.2.1"), late), Policy(), facts())
    assert probe["ok"]
    assert [(address["ok"], address["cause"]) for address in probe["addresses"]] == [(True, None), (None, None)]
    assert [one["code"] for one in probe["findings"]] == ["address_silent"]
    assert probe["findings"][0]["message"] == (
        "192.0.2.9, one of the addresses of relay.test, had not greeted after 2 s, while another one works."
    )
    several = [{**late, "address": f"192.0.2.{number}"} for number in range(9, 19)]
    crowd = judge(asked(), observation(at(OK, "192.0.2.1"), *several), Policy(), facts())["findings"]
    assert [one["message"] for one in crowd] == [
        "192.0.2.9 and 9 more of the addresses of relay.test had not greeted after 2 s, while another one works."
    ]
    soon = {**late, "failure": {**late["failure"], "waited_ms": 700.0}}
    assert judge(asked(), observation(at(OK, "192.0.2.1"), soon), Policy(), facts())["findings"] == []


# -- alternatives


def route(port: int, security: str, *made: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"port": port, "security": security, "attempts": [at(one, "192.0.2.1") for one in made]}


IMPLICIT = next(row for row in ROWS if row.id == "implicit").made["attempts"][0]
PLAIN = next(row for row in ROWS if row.id == "auto cleartext").made["attempts"][0]


def test_alternatives_best_first() -> None:
    seen = observation(
        DEAD,
        alternatives=[
            route(465, "implicit_tls", {**DEAD, "rungs": steps("tcp!", 4000.0)}),
            route(587, "starttls", OK),
            route(2465, "implicit_tls", IMPLICIT),
            route(2525, "starttls", CLOSED),
            route(1025, "auto", PLAIN),
            route(1026, "auto", IMPLICIT),
        ],
    )
    found = alternative_verdicts(asked(port=25), seen, Policy(), facts())
    assert found == [
        {"port": 587, "secure": False, "security": "starttls", "ok": True, "cause": None},
        {"port": 2465, "secure": True, "security": "implicit_tls", "ok": True, "cause": None},
        {"port": 1026, "secure": True, "security": "implicit_tls", "ok": True, "cause": None},
        {"port": 465, "secure": True, "security": "implicit_tls", "ok": False, "cause": "connection_timeout"},
        {"port": 2525, "secure": False, "security": "starttls", "ok": False, "cause": "connection_closed"},
        {"port": 1025, "secure": False, "security": "starttls", "ok": False, "cause": "starttls_not_offered"},
    ]


def test_cleartext_is_an_alternative_only_where_cleartext_was_asked_for() -> None:
    seen = observation(DEAD, alternatives=[route(1025, "auto", PLAIN)])
    for security, ok in (("cleartext", True), ("opportunistic", True), ("starttls", False), ("implicit_tls", False)):
        (found,) = alternative_verdicts(asked(port=25, security=security), seen, Policy(), facts())
        assert found["ok"] is ok
    (found,) = alternative_verdicts(
        asked(port=25, security="cleartext"), seen, Policy(cleartext_networks=("10.0.0.0/8",)), facts()
    )
    assert not found["ok"]


def test_an_alternative_must_obey_the_policy(chains: dict[str, list[str]]) -> None:
    old = {**IMPLICIT, "tls": {**IMPLICIT["tls"], "version": "TLSv1.2"}}
    (found,) = alternative_verdicts(
        asked(),
        observation(DEAD, alternatives=[route(465, "implicit_tls", old)]),
        Policy(minimum_tls_version="TLSv1.3"),
        facts(),
    )
    assert found["cause"] == "tls_version_unsupported"


# -- any failure


_FACTS = st.fixed_dictionaries(
    {},
    optional={
        "errno": st.sampled_from(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EPERM", "ECONNABORTED", "unknown"]),
        "partial": st.text(max_size=20),
        "text": st.text(max_size=20),
        "silent": st.booleans(),
        "limit": st.sampled_from(["line", "reply", "bytes"]),
        "reason": st.sampled_from(
            [
                "",
                "WRONG_VERSION_NUMBER",
                "TLSV1_ALERT_PROTOCOL_VERSION",
                "SSLV3_ALERT_HANDSHAKE_FAILURE",
                "NO_CIPHERS_AVAILABLE",
            ]
        ),
        "icmp": st.sampled_from([[4, 3, 13], [4, 3, 1], [6, 1, 0]]),
        "icmp_from": st.sampled_from([None, "198.51.100.1"]),
        "waited_ms": st.floats(0, 1e6),
        "starttls": st.booleans(),
        "sign": st.sampled_from(["second_greeting", "unasked", "late_reply", "wrong_code"]),
    },
)
_REPLY = st.fixed_dictionaries(
    {"code": st.integers(200, 599), "lines": st.lists(st.text(max_size=30), min_size=1, max_size=3)}
)
_NEEDED: dict[str, st.SearchStrategy[dict[str, t.Any]]] = {
    "malformed": st.fixed_dictionaries({"text": st.text(max_size=30)}),
    "limit": st.fixed_dictionaries(
        {"text": st.text(max_size=30), "limit": st.sampled_from(["line", "reply", "bytes"])}
    ),
    "plaintext": st.fixed_dictionaries({"text": st.text(max_size=30)}),
    "certificate": st.fixed_dictionaries({"verify_code": st.integers(0, 100), "text": st.text(max_size=30)}),
    "reply": _REPLY,
    "out_of_step": _REPLY,
    "not_asked": st.fixed_dictionaries({"lack": st.sampled_from(["time", "threads", "files", "memory"])}),
    "missing": st.fixed_dictionaries(
        {
            "what": st.sampled_from(["auth", "mechanism"]),
            "offered": st.lists(st.text(max_size=9), max_size=3),
            "wanted": st.none(),
        }
    ),
    "withheld": st.fixed_dictionaries({"what": st.just("x")}),
}
# Which kinds the ladder can meet on which layer.
_ALWAYS = ("timeout", "closed", "reset", "os", "unfinished")
_KINDS = {
    "tcp": (*_ALWAYS, "bind", "not_asked"),
    "greeting": (*_ALWAYS, "malformed", "limit", "reply", "out_of_step"),
    "mode": ("tls_spoken", "plaintext"),
    "ehlo": (*_ALWAYS, "malformed", "limit", "reply", "tls_spoken", "out_of_step"),
    "starttls": (*_ALWAYS, "malformed", "limit", "reply", "missing", "tls_spoken"),
    "tls": (*_ALWAYS, "tls", "plaintext", "limit"),
    "certificate": ("certificate", "no_certificate"),
    "auth": (*_ALWAYS, "malformed", "limit", "reply", "missing", "withheld", "tls", "tls_spoken"),
    "transaction": (*_ALWAYS, "malformed", "limit", "reply", "withheld", "tls", "tls_spoken"),
}
_PAIRS = [(layer, kind) for layer, kinds in _KINDS.items() for kind in kinds]


@st.composite
def attempts(
    draw: st.DrawFn, chains_of: t.Sequence[str] = ("good", "leaf only", "weak key"), inner: bool = True
) -> dict[str, t.Any]:
    layer, kind = draw(st.sampled_from(_PAIRS))
    failure = {"layer": layer, "kind": kind, **draw(_FACTS), **draw(_NEEDED.get(kind, st.just({})))}
    if layer == "transaction":
        failure["stage"] = draw(st.sampled_from(["mail", "rcpt", "data", "message"]))
    more: dict[str, t.Any] = {}
    if draw(st.booleans()):
        more["greeting"] = draw(_REPLY)
    if draw(st.booleans()):
        more["ehlo"] = {draw(st.sampled_from(["before_tls", "after_tls"])): draw(_REPLY)}
    if draw(st.booleans()):
        more["tls"] = {
            "version": draw(st.sampled_from([None, "TLSv1", "TLSv1.3"])),
            "cipher": None,
            "verified": False,
            "certificate_requested": draw(st.booleans()),
        }
        more["chain"] = draw(st.sampled_from(chains_of))
    if draw(st.booleans()):
        more["legacy"] = draw(
            st.sampled_from(
                [
                    {"version": "TLSv1", "cipher": "x"},
                    {"version": "TLSv1.2", "cipher": "RC4"},
                    {"failure": {"layer": "", "kind": "timeout"}},
                ]
            )
        )
    extras: dict[str, t.Any] = {
        "helo": {"code": 250, "lines": ["x"]},
        "helo_failure": {"layer": "ehlo", "kind": "closed"},
        "both_modes": True,
        "python_refused": {"layer": "tls", "kind": "tls", "reason": "NO_SHARED_CIPHER", "text": "x"},
        "yielded": True,
    }
    more.update({key: extras[key] for key in draw(st.sets(st.sampled_from(sorted(extras))))})
    if inner and draw(st.booleans()):
        more["other_mode"] = draw(attempts(chains_of, inner=False))
    rungs = draw(
        st.sampled_from(["", "tcp!", "tcp greeting!", "tcp greeting ehlo", "tcp tls certificate greeting ehlo auth!"])
    )
    mode = draw(st.sampled_from(["implicit_tls", "starttls", "opportunistic", "cleartext", "auto"]))
    return attempt(mode, rungs, failure if draw(st.integers(0, 9)) else None, **more)


def test_any_failure_gets_a_verdict(chains: dict[str, list[str]]) -> None:
    clock = facts()

    @settings(max_examples=examples(400), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        st.lists(attempts(), min_size=1, max_size=3),
        st.sampled_from(["implicit_tls", "starttls", "opportunistic", "cleartext", "auto"]),
        st.sampled_from([25, 465, 587, 1025]),
        st.booleans(),
    )
    def check(made: list[dict[str, t.Any]], security: str, port: int, everywhere: bool) -> None:
        row = Row("any", observation(*made, alternatives=[{"port": 2525, "security": "auto", "attempts": made}]), None)
        evidence = row.evidence(chains)
        policy = Policy(require_all_addresses=everywhere, cleartext_networks=("10.0.0.0/8",))
        probe = judge(asked(port=port, security=security), evidence, policy, clock)
        assert list(probe) == PROBE_KEYS
        json.dumps(probe)
        if probe["ok"]:
            assert any(one["failure"] is None for one in made)
        else:
            assert probe["cause"] in {row.code for row in CAUSES}
            assert probe["layer"] in LAYERS
            assert probe["message"] and probe["remedy"]
        for one in alternative_verdicts(asked(port=port, security=security), evidence, policy, clock):
            assert list(one) == ["port", "secure", "security", "ok", "cause"]

    check()


def test_a_name_that_nobody_had_time_to_ask_for_is_not_asked() -> None:
    failure: t.Any = {"layer": "dns", "kind": "not_asked", "lack": "time"}
    found = diagnose_name({"ok": False, "ms": 500.0, "failure": failure}, asked())
    assert (found.code, found.detail) == ("not_asked", details.lacking("time"))


def test_a_relay_that_works_costs_no_signature(chains: dict[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """What a host's own TLS has verified is not verified again on the controller, for each host of a fleet."""

    def issued(one: Certificate, other: Certificate) -> bool:
        assert one.parsed.subject != other.parsed.issuer, "a signature would be checked"
        return False

    good = [row for row in ROWS if row.code is None]
    row = next(row for row in good if row.evidence(chains)["attempts"][0].get("chain") == chains["good"])
    monkeypatch.setattr(Certificate, "issued", issued)
    assert verdict(row, chains)["ok"]


def test_a_silent_command_may_only_be_slow(chains: dict[str, list[str]]) -> None:
    remedies = {row.id: verdict(row, chains)["remedy"] for row in ROWS if row.id in ("silent at RCPT", "lost at RCPT")}
    assert {name: "raise timeout" in said for name, said in remedies.items()} == {
        "silent at RCPT": True,
        "lost at RCPT": False,
    }
