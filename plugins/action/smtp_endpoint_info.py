# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.action import Action, Result
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.answer import advise
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import plan_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.polite import POLITE_OPTIONS
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.handover import Seen, bases
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.endpoints import endpoint_settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import POLICY_OPTIONS, parse_policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import CONNECTION_OPTIONS, to_bool
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import judge_all


class ActionModule(Action):
    """Have the host probe, judge here."""

    OPTIONS = (
        *CONNECTION_OPTIONS,
        *POLICY_OPTIONS,
        *POLITE_OPTIONS,
        "endpoints",
        "check_credentials",
        "check_injection",
    )
    NOTHING = {"probes": []}

    def answer(self, args: Result) -> Result:
        """The verdicts as data: a bad server never fails the task, bad input does."""
        credentials = to_bool(args.get("check_credentials") or False, "check_credentials")
        injection = to_bool(True if args.get("check_injection") is None else args["check_injection"], "check_injection")
        endpoints = endpoint_settings(args, allow_auto=True, needs_credentials=credentials)
        self.seen = Seen(endpoints)
        policy = parse_policy(args)
        plans = [
            plan_of(one, policy, control_port=587 if one.port != 587 else 465, try_injection=injection)
            for one in endpoints
        ]
        run = self.probe(endpoints, plans, credentials, args)
        verdicts = judge_all(endpoints, run.observations, policy, run.host)
        self.seen = Seen(endpoints, bases(endpoints, run.observations, policy, run.host))
        for settings, verdict in zip(endpoints, verdicts):
            advise(self.host, settings, verdict)
        return {"changed": False, "probes": [verdict.probe for verdict in verdicts]}
