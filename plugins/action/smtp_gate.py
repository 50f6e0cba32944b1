# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Alternative, Observation, Plan
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.action import Action, Result
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.answer import advise, verdict_sentence
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import ProbeRun, plan_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.polite import POLITE_OPTIONS
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.handover import Seen, bases
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.alternatives import alternative_ports
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.endpoints import endpoint_settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import POLICY_OPTIONS, AppClient, parse_policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import CONNECTION_OPTIONS, Settings, to_bool
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.alternatives import other_port
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import HostFacts
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import Verdict, judge, judge_all
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.other_ports import OtherPort

# Where another port of the same relay cannot help.
_HOPELESS_LAYERS = ("dns", "transaction")
# With less time than this (seconds) left, nothing further is asked.
_SHORTEST = 0.2


class ActionModule(Action):
    """Pass, or fail the host with cause, remedy and the other ports that work."""

    OPTIONS = (
        *CONNECTION_OPTIONS, *POLICY_OPTIONS, *POLITE_OPTIONS, "endpoints", "alternatives", "fallback", "check_credentials", "apps",
        "descriptors",
    )  # fmt: skip
    NOTHING = {"probes": [], "alternatives": [], "selected": None}

    def answer(self, args: Result) -> Result:
        """Probe on the host, judge here, pass or fail."""
        self._args = args
        self._policy = replace(parse_policy(args), apps=self._apps(args))
        self._credentials = to_bool(args.get("check_credentials") or False, "check_credentials")
        use = _wants_use(args)
        endpoints = endpoint_settings(args, allow_auto=False, needs_credentials=self._credentials)
        others = [alternative_ports(one, args.get("alternatives", "auto")) for one in endpoints]
        self.seen = Seen(endpoints)
        return self._gate(endpoints, others, use)

    def _apps(self, args: Result) -> tuple[AppClient, ...]:
        if args.get("apps") in (None, "", []):
            return ()
        # Most gates name none, and what reads descriptors takes a fifth of what the gate imports.
        from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.apps import app_clients

        return app_clients(args["apps"], self.folder(args.get("descriptors")))

    def _gate(self, endpoints: list[Settings], others: list[list[Alternative]], use: bool) -> Result:
        plans = [plan_of(one, self._policy, alternatives=ports, fallback=use) for one, ports in zip(endpoints, others)]
        run = self.probe(endpoints, plans, self._credentials, self._args)
        verdicts = judge_all(endpoints, run.observations, self._policy, run.host)
        observations = self._ask_further(endpoints, run, verdicts, others, use)
        # A relay that works is judged once: on a fleet that is half of what the judge costs.
        if any(now is not before for now, before in zip(observations, run.observations)):
            verdicts = judge_all(endpoints, observations, self._policy, run.host)
        self.seen = Seen(endpoints, bases(endpoints, observations, self._policy, run.host))
        failed = [index for index, verdict in enumerate(verdicts) if not verdict.probe["ok"]]
        for index in failed:
            advise(self.host, endpoints[index], verdicts[index])
        answer: dict[str, t.Any] = {
            "changed": False,
            "probes": [verdict.probe for verdict in verdicts],
            "cause": None,
            "layer": None,
            "remedy": None,
            "alternatives": [],
            "selected": None,
        }
        if not failed:
            answer["selected"] = _as_selection(endpoints[0])
            answer["msg"] = f"{self.host} can send mail through {', '.join(one.endpoint for one in endpoints)}."
            return answer
        answer.update(_cause_of(verdicts[failed[0]].probe), alternatives=verdicts[failed[0]].alternatives)
        sentences = [verdict_sentence(self.host, endpoints[index], verdicts[index].probe) for index in failed]
        if not use:
            return {**answer, "failed": True, "msg": " ".join(sentences)}
        found = [self._other_port(endpoints[index], observations[index], verdicts[index], run.host) for index in failed]
        missing = next((one for one in found if one.port is None), None)
        if missing is not None:
            answer.update(missing.cause)
            return {
                **answer,
                "failed": True,
                "msg": " ".join([*sentences, *(one.sentence for one in found if one.sentence)]),
            }
        return self._go_on(answer, endpoints[failed[0]].host, t.cast(OtherPort, found[0].port), sentences)

    def _ask_further(
        self,
        endpoints: list[Settings],
        run: ProbeRun,
        verdicts: list[Verdict],
        others: list[list[Alternative]],
        use: bool,
    ) -> list[Observation]:
        """The observations, with the other ports of what works on the host but breaks the policy.

        All of them are asked in one call, in what is left of the time. An observation without them is the very same one.
        """
        found = list(run.observations)
        spent = max(one["elapsed_ms"] for one in found) / 1000
        asked = []
        for index, (settings, ports) in enumerate(zip(endpoints, others)):
            if not ports or found[index]["alternatives"] or _other_ports_are_no_help(verdicts[index].probe):
                continue
            found[index] = found[index].copy()
            found[index]["alternatives"] = [{**port, "attempts": []} for port in ports]
            if settings.timeout - spent >= _SHORTEST:
                asked.append(index)
        if asked:
            again = self.probe(
                [endpoints[index] for index in asked],
                [self._plan_of_others(endpoints[index], spent, others[index], use) for index in asked],
                self._credentials and use,
                {**self._args, "spread": 0},
            )
            for index, further in zip(asked, again.observations):
                found[index]["alternatives"] = further["alternatives"] or found[index]["alternatives"]
        return found

    def _plan_of_others(self, settings: Settings, spent: float, ports: list[Alternative], use: bool) -> Plan:
        left = replace(settings, timeout=settings.timeout - spent)
        return plan_of(left, self._policy, alternatives=ports, fallback=use, ask_chosen=False)

    def _other_port(self, settings: Settings, seen: Observation, verdict: Verdict, host: HostFacts) -> _Fallback:
        """The other port to go on with, or why there is none; with check_credentials the login must have worked."""
        logins = {route["port"]: route["login"] for route in seen["alternatives"] if route.get("login")}
        needed = self._credentials and settings.username is not None
        working = [one for one in verdict.alternatives if one["ok"]]
        usable = [one for one in working if one["port"] in logins or not needed]
        if usable:
            return _Fallback(usable[0])
        for one in verdict.alternatives:
            if one["port"] in logins:
                chosen = replace(settings, port=one["port"], security=one["security"])
                # The advice for that port must not lead back to the one that has just failed.
                failed = [other_port(settings.port, settings.security, False, verdict.probe["cause"])]
                probe = judge(chosen, {**seen, "attempts": [logins[one["port"]]]}, self._policy, host, failed)
                return _Fallback(None, f"But: {verdict_sentence(self.host, chosen, probe)}", _cause_of(probe))
        if working:
            left = f"too little of timeout ({settings.timeout:g} s) was left"
            words = f"But the login was not tried on port {working[0]['port']}: {left}."
            return _Fallback(None, words)
        return _Fallback(None)

    def _go_on(self, answer: dict[str, t.Any], host: str, port: OtherPort, sentences: list[str]) -> dict[str, t.Any]:
        """Pass with another port."""
        warnings = [f"{sentence} The gate goes on with that port, because fallback is use." for sentence in sentences]
        msg = f"{self.host} can send mail through {host} port {port['port']} (secure: {str(port['secure']).lower()})."
        return {**answer, "selected": {**port, "host": host}, "msg": msg, "warnings": warnings}


def _wants_use(args: Result) -> bool:
    fallback = str(args.get("fallback") or "suggest")
    if fallback not in ("suggest", "use"):
        raise SettingsError(f"fallback is {show(fallback)}; write suggest or use.", "fallback")
    return fallback == "use"


class _Fallback(t.NamedTuple):
    """The port to go on with; where there is none, what to add to the sentence, and the cause that then counts."""

    port: OtherPort | None
    sentence: str = ""
    cause: dict[str, t.Any] = {}


def _cause_of(probe: dict[str, t.Any]) -> dict[str, t.Any]:
    return {key: probe[key] for key in ("cause", "layer", "remedy")}


def _other_ports_are_no_help(probe: dict[str, t.Any]) -> bool:
    """Whether the endpoint passes, or has failed in a way that another port of the same relay cannot mend."""
    return bool(probe["ok"]) or probe["layer"] in _HOPELESS_LAYERS or probe["cause"] == "auth_rejected"


def _as_selection(settings: Settings) -> dict[str, t.Any]:
    return {
        "host": settings.host,
        "port": settings.port,
        "secure": settings.secure,
        "security": settings.security,
        "ok": True,
        "cause": None,
    }
