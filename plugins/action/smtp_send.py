# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible.plugins.action import ActionBase

from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.answer import host_failure, host_name, settings_failure, verdict_sentence
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.diagnosis import Policy
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import judge
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.message import compose, queue_id
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import CONNECTION_OPTIONS, HostError, plan_of, probe_host, take
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_data
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings, SettingsError, parse_settings

_OPTIONS = (*CONNECTION_OPTIONS, "sender", "sender_name", "recipients", "subject", "body", "headers")
_NOT_FOR_SETTINGS = ("recipients", "subject", "body", "headers")


class ActionModule(ActionBase):
    """Send one message from the host, judge here."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Send, or in check mode go as far as RCPT and take it back with RSET."""
        return printable_data(self._answer(tmp, task_vars))

    def _answer(self, tmp: str | None, task_vars: dict[str, t.Any] | None) -> dict[str, t.Any]:
        task_vars = task_vars or {}
        result = super().run(tmp, task_vars)
        host = host_name(self, task_vars)
        deliver = not self._task.check_mode
        try:
            args = take(self._task.args, _OPTIONS)
            settings = parse_settings({key: value for key, value in args.items() if key not in _NOT_FOR_SETTINGS}, probed=True, needs_credentials=True)
            transaction, message_id = self._transaction(settings, args, host, deliver)
        except SettingsError as error:
            return {**result, **settings_failure(error, host)}
        plan = plan_of(settings, Policy(), transaction=transaction)
        try:
            run = probe_host(lambda **call: self._execute_module(task_vars=task_vars, **call), [settings], [plan], with_credentials=True)
        except HostError as error:
            return {**result, **host_failure(error, host)}
        probe = judge(settings, run.observations[0], Policy(), run.host)
        return {**result, **_answer(host, settings, probe, message_id, deliver)}

    def _transaction(self, settings: Settings, args: dict[str, t.Any], host: str, deliver: bool) -> tuple[dict[str, t.Any], str]:
        if settings.sender is None:
            raise SettingsError("sender is missing; write the address that the app sends from, such as sender: app@example.com.", "sender")
        recipients = args.get("recipients") or []
        recipients = [recipients] if isinstance(recipients, str) else list(recipients)
        if not recipients:
            raise SettingsError("recipients is empty; write a list of addresses, such as recipients: [postmaster@example.com].", "recipients")
        for recipient in recipients:
            # The same rule as for the sender; RFC 5321 leaves out display names here as well.
            try:
                parse_settings({"host": "x", "port": 25, "sender": str(recipient)}, probed=True)
            except SettingsError:
                raise SettingsError(f"recipients holds '{recipient}', which is not a bare mail address; write user@example.com.", "recipients") from None
        headers = args.get("headers") or {}
        if not isinstance(headers, Mapping):
            raise SettingsError("headers is not a dictionary; write names and values, such as X-Example: value.", "headers")
        subject = str(args.get("subject") or f"Test mail from {host}")
        body = str(args.get("body") or f"This is a test mail, sent from {host} through {settings.endpoint}.\n")
        headers = {str(name): str(value) for name, value in headers.items()}
        message, message_id = compose(settings.sender, settings.sender_name, recipients, subject, body, headers)
        return {"sender": settings.sender, "recipients": recipients, "message": message, "deliver": deliver}, message_id


def _answer(host: str, settings: Settings, probe: dict[str, t.Any], message_id: str, deliver: bool) -> dict[str, t.Any]:
    said = (probe["transaction"] or {}).get("message" if deliver else "rcpt")
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
