# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from dataclasses import replace

from ansible.plugins.action import ActionBase

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Alternative, Plan
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.answer import host_failure, host_name, settings_failure, verdict_sentence
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import alternative_verdicts, judge
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import (
    CONNECTION_OPTIONS,
    POLICY_OPTIONS,
    HostError,
    alternative_ports,
    endpoint_settings,
    parse_policy,
    plan_of,
    probe_host,
    take,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_data
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings, SettingsError, to_bool

_OPTIONS = (*CONNECTION_OPTIONS, *POLICY_OPTIONS, "endpoints", "alternatives", "fallback", "check_credentials")
# Where another port of the same relay cannot help.
_HOPELESS_LAYERS = ("settings", "dns", "transaction")


class ActionModule(ActionBase):
    """Pass, or fail the host with cause, remedy and the other ports that work."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Probe on the host, judge here, pass or fail."""
        return printable_data(self._answer(tmp, task_vars))

    def _answer(self, tmp: str | None, task_vars: dict[str, t.Any] | None) -> dict[str, t.Any]:
        self._task_vars = task_vars or {}
        result = super().run(tmp, self._task_vars)
        self._host = host_name(self, self._task_vars)
        try:
            args = take(self._task.args, _OPTIONS)
            self._policy = parse_policy(args)
            self._credentials = to_bool(args.get("check_credentials") or False, "check_credentials")
            fallback = self._fallback(args)
            endpoints = endpoint_settings(args, allow_auto=False, needs_credentials=self._credentials)
            others = [alternative_ports(one, args.get("alternatives", "auto")) for one in endpoints]
        except SettingsError as error:
            return {**result, **settings_failure(error, self._host)}
        try:
            return {**result, **self._gate(endpoints, others, fallback)}
        except HostError as error:
            return {**result, **host_failure(error, self._host)}

    @staticmethod
    def _fallback(args: dict[str, t.Any]) -> str:
        fallback = str(args.get("fallback") or "suggest")
        if fallback not in ("suggest", "use"):
            raise SettingsError(f"fallback is '{fallback}'; write suggest or use.", "fallback")
        return fallback

    def _execute(self, **call: t.Any) -> dict[str, t.Any]:
        return self._execute_module(task_vars=self._task_vars, **call)

    def _gate(self, endpoints: list[Settings], others: list[list[Alternative]], fallback: str) -> dict[str, t.Any]:
        plans = [plan_of(one, self._policy, alternatives=ports) for one, ports in zip(endpoints, others)]
        run = probe_host(self._execute, endpoints, plans, self._credentials)
        probes = [judge(one, seen, self._policy, run.host) for one, seen in zip(endpoints, run.observations)]
        found = []
        for settings, seen, probe, ports in zip(endpoints, run.observations, probes, others):
            verdicts = [] if probe["ok"] else alternative_verdicts(settings, seen, self._policy, run.host)
            if not probe["ok"] and not verdicts and ports and probe["layer"] not in _HOPELESS_LAYERS and probe["cause"] != "auth_rejected":
                verdicts = self._ask_alternatives(settings, ports, probe["elapsed_ms"] / 1000)
            found.append(verdicts)

        failed = [index for index, probe in enumerate(probes) if not probe["ok"]]
        first = failed[0] if failed else None
        answer: dict[str, t.Any] = {
            "changed": False,
            "probes": probes,
            "cause": None if first is None else probes[first]["cause"],
            "layer": None if first is None else probes[first]["layer"],
            "remedy": None if first is None else probes[first]["remedy"],
            "alternatives": [] if first is None else found[first],
            "selected": None,
        }
        if first is None:
            answer["selected"] = _as_selection(endpoints[0])
            answer["msg"] = f"{self._host} can send mail through {', '.join(one.endpoint for one in endpoints)}."
            return answer
        sentences = [verdict_sentence(self._host, endpoints[index], probes[index], found[index]) for index in failed]
        if fallback == "use":
            return self._use_alternatives(answer, endpoints, failed, found, sentences)
        return {**answer, "failed": True, "msg": " ".join(sentences)}

    def _ask_alternatives(self, settings: Settings, ports: list[Alternative], spent: float) -> list[dict[str, t.Any]]:
        """The other ports of an endpoint that worked on the host but breaks the policy, in what is left of its time."""
        left = settings.timeout - spent
        if left < 0.1:
            return []
        first, *rest = ports
        plan = plan_of(replace(settings, port=first["port"], security=first["security"], timeout=left), self._policy)
        plans: list[Plan] = [{**plan, "port": port["port"], "security": port["security"]} for port in (first, *rest)]
        run = probe_host(self._execute, [settings] * len(plans), plans, with_credentials=False)
        routes = [{**port, "attempts": seen["attempts"]} for port, seen in zip(ports, run.observations) if seen["attempts"]]
        return alternative_verdicts(settings, {"alternatives": routes}, self._policy, run.host)

    def _use_alternatives(
        self, answer: dict[str, t.Any], endpoints: list[Settings], failed: list[int], found: list[list[dict[str, t.Any]]], sentences: list[str]
    ) -> dict[str, t.Any]:
        """Pass where every failed endpoint has another port that works; with check_credentials the login must work there too."""
        for index in failed:
            working = next((one for one in found[index] if one["ok"]), None)
            if working is None:
                return {**answer, "failed": True, "msg": " ".join(sentences)}
            chosen = replace(endpoints[index], port=working["port"], security=working["security"])
            if self._credentials and chosen.username:
                run = probe_host(self._execute, [chosen], [plan_of(chosen, self._policy)], with_credentials=True)
                probe = judge(chosen, run.observations[0], self._policy, run.host)
                if not probe["ok"]:
                    answer.update(cause=probe["cause"], layer=probe["layer"], remedy=probe["remedy"])
                    return {**answer, "failed": True, "msg": f"{' '.join(sentences)} But: {verdict_sentence(self._host, chosen, probe, [])}"}
            if answer["selected"] is None:
                answer["selected"] = {**working, "host": chosen.host}
        warnings = [f"{sentence} The gate goes on with that port, because fallback is use." for sentence in sentences]
        selected = answer["selected"]
        answer["msg"] = f"{self._host} can send mail through {selected['host']} port {selected['port']} (secure: {str(selected['secure']).lower()})."
        return {**answer, "warnings": warnings}


def _as_selection(settings: Settings) -> dict[str, t.Any]:
    return {"host": settings.host, "port": settings.port, "secure": settings.secure, "security": settings.security, "ok": True, "cause": None}
