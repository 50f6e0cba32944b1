# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the result of a task, as a callback gets it, to its records. Pure."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping
from dataclasses import replace

from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.handover import Handed
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.make import endpoint_record
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import ENDPOINT_KINDS, Record
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.rejudge import judge_again

__all__ = ("KIND_OF_ACTION", "About", "action_name", "records_of")

_COLLECTION = "mailops.smtp."
# The actions whose results are verdicts on mail. smtp_verdict only repeats one.
KIND_OF_ACTION = {
    "smtp_gate": "gate",
    "smtp_endpoint_info": "probe",
    "smtp_send": "send",
    "app_mail_config": "app",
    "app_mail_config_info": "audit",
    "app_mail_config_audit_info": "audit",
    # The role mail_config: what it wrote for each app, then its proof.
    "app_mail_config_set": "app",
    "mailpit_message_info": "mailpit",
    "mailpit_lockdown_info": "mailpit",
}
_HIDDEN = "The task has no_log: true, so nothing of its result is kept."
_NO_APP = "No app that is known here has mail settings on this host."
_VERDICT = ("layer", "cause", "remedy")
_Result = Mapping[str, t.Any]


def action_name(written: str) -> str | None:
    """The name without the collection of an action that gives verdicts; null for all others."""
    name = written.removeprefix(_COLLECTION)
    return name if name in KIND_OF_ACTION and written != name else None


class About(t.NamedTuple):
    """What the callback knows of the task: see the fields of Record."""

    time: str
    run: str
    playbook: str
    play: str
    task: str
    action: str
    host: str
    groups: tuple[str, ...] = ()
    variables: Mapping[str, t.Any] = {}  # as far as the inventory itself names them
    asked_from: str | None = None  # delegate_to
    check_mode: bool = False

    def fields(self, handed: Handed | None) -> dict[str, t.Any]:
        """The fields that all records of the task share."""
        handed = handed or Handed()
        found = self._asdict()
        del found["asked_from"]
        asked = handed.host or self.asked_from or self.host
        vantage = {"host": asked, "container": None, "addresses": list(handed.addresses), "local": handed.local}
        groups = tuple(handed.groups) or self.groups
        variables = handed.variables or self.variables
        kind = KIND_OF_ACTION[self.action]
        return {**found, "kind": kind, "groups": groups, "variables": dict(variables), "vantage": vantage}


def records_of(about: About, result: _Result, failed: bool, handed: Handed | None) -> list[Record]:
    """The records of one task on one host, or of one item of its loop.

    ``failed``: the event was a failure (whether or not it is ignored or rescued). ``handed``: see handover.
    """
    shared = about.fields(handed)
    if "censored" in result:
        # A pass is known from nothing but the result.
        return [Record(**{**shared, "ok": False if failed else None, "message": _HIDDEN})]
    if result.get("unreachable"):
        return without_verdict({**shared, "kind": "unreachable"}, str(result.get("msg", "")), handed)
    if about.action == "app_mail_config_audit_info" and not failed:
        found = [_of_audited(shared, one) for one in result.get("apps") or ()]
        # The host was asked, and there is nothing to judge.
        return found or [Record(**{**shared, "kind": "skipped", "message": _NO_APP})]
    if about.action == "app_mail_config_set":
        if result.get("probes"):
            shared["kind"] = "gate"
        elif failed and (judged := _judged(shared, handed)):
            return judged
        elif not failed:
            written = result.get("results") if result.get("token") and "paths" not in result else None
            return [_of_file(shared, one, False) for one in written or () if one.get("app")]
    if shared["kind"] not in ENDPOINT_KINDS:
        return [_of_file(shared, result, failed)]
    probes = result.get("probes")
    if not isinstance(probes, list) or not probes:
        return _without_probes(shared, result, handed)
    kept = list(handed.kept) if handed is not None and len(handed.kept) == len(probes) else [None] * len(probes)
    made = []
    selected = None if failed or not isinstance(result.get("selected"), Mapping) else result["selected"]
    for probe, one in zip(probes, kept):
        instead = selected if selected and not probe["ok"] and selected["host"] == probe["host"] else None
        others = (one or {}).get("alternatives") or (
            [] if probe["ok"] or len(probes) > 1 else result.get("alternatives") or ()
        )
        made.append(endpoint_record(shared, probe, one, others, instead))
        selected = None if instead else selected
    return made


def without_verdict(shared: Mapping[str, t.Any], message: str | None, handed: Handed | None) -> list[Record]:
    """One record for each endpoint that was to be asked, as far as that is known, and why there is no verdict."""
    settings = [one["settings"] for one in handed.kept if one.get("settings")] if handed else []
    names = ("host", "port", "security", "server_name", "ip_version")
    endpoints = [{name: one[name] for name in names} for one in settings]
    if not endpoints:
        return [Record(**{**shared, "message": message})]
    return [
        Record(**{**shared, "message": message, "endpoint": endpoint, "settings": one})
        for endpoint, one in zip(endpoints, settings)
    ]


def _without_probes(shared: dict[str, t.Any], result: _Result, handed: Handed | None) -> list[Record]:
    """Settings that cannot work are a verdict; a module that broke, or async, is none."""
    message = _sentence(result)
    if result.get("layer") != "settings":
        return without_verdict(shared, message, handed)
    verdict = {key: result.get(key) for key in _VERDICT}
    return [Record(**{**shared, **verdict, "ok": False, "message": message})]


def _judged(shared: dict[str, t.Any], handed: Handed | None) -> list[Record]:
    """A step of the role that fails gives a sentence and its cause; what it saw of the relay was handed over."""
    kept = [one for one in handed.kept if one.get("evidence")] if handed is not None else []
    names = ("settings", "policy", "evidence")
    about = {**shared, "kind": "gate"}
    return list(judge_again([Record(**about, **{name: one[name] for name in names}) for one in kept], {}))


def _of_file(shared: dict[str, t.Any], result: _Result, failed: bool) -> Record:
    """Of an app's file, or of Mailpit."""
    findings = result.get("findings")
    found = [one for one in findings if isinstance(one, Mapping)] if isinstance(findings, list) else []
    ok = _verdict_on_file(shared["kind"], result, found, failed)
    nothing = "There are no mail settings of the app in this file." if ok is None and not failed else None
    return Record(
        **{
            **shared,
            **{key: result.get(key) for key in _VERDICT},
            "ok": ok,
            "message": nothing or (_sentence(result) if not ok or shared["kind"] == "mailpit" else None),
            "app": _app(result) if shared["kind"] != "mailpit" else None,
            "endpoint": _endpoint(result.get("settings")),
            "settings": _settings(result.get("settings")),
            "findings": tuple(
                {key: _text(one.get(key)) for key in ("severity", "code", "message", "remedy")} for one in found
            ),
        }
    )


def _of_audited(shared: dict[str, t.Any], app: _Result) -> Record:
    """Of one app that an audit has found: broken fails, what is not known gives no verdict."""
    record = _of_file(shared, {**app, "found": True}, False)
    ok = None if app.get("state") in ("none", "unknown") else app.get("state") != "broken"
    return replace(record, ok=ok, message=None if ok else str(app.get("message") or app.get("line") or ""))


def _verdict_on_file(kind: str, result: _Result, findings: list[_Result], failed: bool) -> bool | None:
    """Whether mail can work with this file or Mailpit; null where there is nothing to judge, or the task broke."""
    if failed:
        return False if result.get("cause") is not None or kind == "mailpit" else None
    if kind == "audit":
        return None if not result.get("found") else not any(one.get("severity") == "error" for one in findings)
    # The modules for Mailpit give a wrong Mailpit as data.
    return not (result.get("ok") is False or result.get("found") is False)


def _text(value: t.Any) -> str:
    return "" if value is None else str(value)


def _sentence(result: _Result) -> str | None:
    # A step of the role mail_config says it at the end of the role, and here.
    later = (result.get("invocation") or {}).get("said") if isinstance(result.get("invocation"), Mapping) else None
    result = later if isinstance(later, Mapping) else result
    said = result.get("msg") or result.get("message")
    return None if said is None else str(said)


def _app(result: _Result) -> dict[str, t.Any] | None:
    if not isinstance(result.get("app"), str) or not isinstance(result.get("path"), str):
        return None
    return {key: result.get(key) for key in ("app", "path", "form", "carrier", "service")}


def _endpoint(settings: t.Any) -> dict[str, t.Any] | None:
    """The relay that a file names, where it names one as a whole."""
    if not isinstance(settings, Mapping) or not isinstance(settings.get("host"), str):
        return None
    port = settings.get("port")
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 65536:
        return None
    return {
        "host": settings["host"],
        "port": port,
        "security": str(settings.get("security") or ("implicit_tls" if settings.get("secure") else "starttls")),
        "server_name": settings.get("server_name"),
        "ip_version": None,
    }


def _settings(settings: t.Any) -> dict[str, t.Any] | None:
    """Without the login; a file's password is in no result anyway."""
    if not isinstance(settings, Mapping) or not settings:
        return None
    return {key: value for key, value in settings.items() if key not in ("username", "password")} | {
        "login": settings.get("username") is not None
    }
