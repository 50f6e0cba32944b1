# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import (
    ReplyEntry,
    TransactionEntry,
    TransactionPlan,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.action import Action, Result
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.answer import verdict_sentence
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import plan_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.message import compose, queue_id
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.polite import POLITE_OPTIONS
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.handover import Seen, bases
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.address import parse_recipients
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import (
    MODEL_OPTIONS,
    Settings,
    parse_settings,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import judge

_OF_THE_MESSAGE = ("recipients", "subject", "body", "headers")


class ActionModule(Action):
    """Send one message from the host, judge here."""

    OPTIONS = (*MODEL_OPTIONS, *POLITE_OPTIONS, *_OF_THE_MESSAGE)
    NOTHING = {"probes": [], "reply": None, "queue_id": None, "message_id": None}

    def answer(self, args: Result) -> Result:
        """Send, or in check mode go as far as RCPT and take it back with RSET."""
        deliver = not self._task.check_mode
        given = {key: value for key, value in args.items() if key not in (*_OF_THE_MESSAGE, *POLITE_OPTIONS)}
        settings = parse_settings(given, probed=True, needs_credentials=True)
        transaction, message_id = self._transaction(settings, args, deliver)
        self.seen = Seen([settings])
        policy = Policy()
        run = self.probe([settings], [plan_of(settings, policy, transaction=transaction)], True, args)
        self.seen = Seen([settings], bases([settings], run.observations, policy, run.host))
        probe = judge(settings, run.observations[0], policy, run.host)
        return _answer(self.host, settings, probe, message_id, deliver)

    def _transaction(self, settings: Settings, args: Result, deliver: bool) -> tuple[TransactionPlan, str]:
        if settings.sender is None:
            words = "sender is missing; write the address that the app sends from, such as sender: app@example.com."
            raise SettingsError(words, "sender")
        recipients = parse_recipients(args.get("recipients"))
        headers = args.get("headers") or {}
        if not isinstance(headers, Mapping):
            raise SettingsError(
                "headers is not a dictionary; write names and values, such as X-Example: value.", "headers"
            )
        subject = str(args.get("subject") or f"Test mail from {self.host}")
        body = str(args.get("body") or f"This is a test mail, sent from {self.host} through {settings.endpoint}.\n")
        headers = {str(name): str(value) for name, value in headers.items()}
        message, message_id = compose(settings.sender, settings.sender_name, recipients, subject, body, headers)
        return {"sender": settings.sender, "recipients": recipients, "message": message, "deliver": deliver}, message_id


def _answer(host: str, settings: Settings, probe: dict[str, t.Any], message_id: str, deliver: bool) -> dict[str, t.Any]:
    transaction = t.cast(TransactionEntry, probe["transaction"] or {})
    said: ReplyEntry | None = transaction.get("message") if deliver else transaction.get("rcpt")
    reply = f"{said['code']} {' '.join(said['lines'])}".rstrip() if said else None
    answer: dict[str, t.Any] = {
        "changed": bool(probe["ok"]),
        "probes": [probe],
        "cause": probe["cause"],
        "layer": probe["layer"],
        "remedy": probe["remedy"],
        "reply": reply,
        "queue_id": queue_id(" ".join(said["lines"])) if said and deliver and probe["ok"] else None,
        "message_id": message_id,
    }
    if probe["ok"]:
        done = f"took the message: {reply}" if deliver else f"would take the message: {reply}"
        answer["msg"] = f"{settings.endpoint} {done}"
        return answer
    return {**answer, "failed": True, "msg": verdict_sentence(host, settings, probe)}
