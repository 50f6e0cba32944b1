# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sentences and results that the actions give back."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.by_variable import by_variable
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import HostError
from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import LAYERS, cause_row, layer_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import Settings
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.judge import Verdict
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.other_ports import OtherPort

__all__ = ("advise", "host_failure", "settings_failure", "verdict_sentence")


def settings_failure(
    error: ValueError, host: str, nothing: Mapping[str, t.Any], written: object = None
) -> dict[str, t.Any]:
    """The result for input that cannot work; no packet was sent.

    ``nothing`` is what the result has besides, ``written`` the options as the playbook has them, with their templates.
    """
    sentence = by_variable(str(error), str(getattr(error, "option", "")), written)
    return {
        "failed": True,
        "changed": False,
        "msg": f"{host}: {sentence}",
        "cause": getattr(error, "cause", "invalid_settings"),
        "layer": "settings",
        "remedy": _advice(sentence),
        **nothing,
    }


def _advice(sentence: str) -> str:
    """What to write instead, which follows the first semicolon of a sentence about an option."""
    _what, semicolon, advice = sentence.partition("; ")
    return f"{advice[0].upper()}{advice[1:]}" if semicolon and advice else cause_row("invalid_settings").remedy


def host_failure(error: HostError, host: str, nothing: Mapping[str, t.Any], written: object = None) -> dict[str, t.Any]:
    """The result for a host that could not do it; what the module said about an option counts as bad input."""
    if error.result.get("option"):
        return settings_failure(SettingsError(str(error), error.result["option"]), host, nothing, written)
    return dict(error.result, failed=True, msg=str(error))


def advise(host: str, settings: Settings, verdict: Verdict) -> None:
    """Complete message and remedy of an endpoint that failed with what is known of the relay's other ports."""
    probe, working = verdict.probe, verdict.working
    if probe["ok"]:
        return
    if working is not None:
        whole = settings.username is None or verdict.logged_in
        # Where the port itself cannot be reached, nothing else helps as soon.
        if probe["layer"] == "tcp":
            probe["remedy"] = _hint("Set", host, working, whole, verdict.alternatives)
        else:
            probe["remedy"] += (
                " " + _hint("Or set", host, working, whole, verdict.alternatives) + _doubt(settings, verdict)
            )
        return
    answering = next((one for one in verdict.alternatives if one["ok"] is False and _answers(one)), None)
    if answering is not None and probe["layer"] == "tcp":
        # What does not work is no remedy, but what is wrong with it may be sooner mended than the way to the chosen one.
        probe["message"] += f" {_how_it_fails(answering)}"
    unknown = [str(one["port"]) for one in verdict.alternatives if one["ok"] is None]
    if unknown:
        ports = (
            f"Port {unknown[0]} was" if len(unknown) == 1 else f"Ports {', '.join(unknown[:-1])} and {unknown[-1]} were"
        )
        probe["remedy"] += f" {ports} not asked, or not for long enough to tell: timeout is {settings.timeout:g} s."


def _answers(port: OtherPort) -> bool:
    """Whether a port that fails is a relay all the same, which can be mended."""
    return LAYERS.index(layer_of(str(port["cause"]))) > LAYERS.index("greeting")


def _doubt(settings: Settings, verdict: Verdict) -> str:
    """What a port that works tells little about: a relay that is in trouble as a whole mostly says so only when mail comes."""
    if verdict.in_trouble:
        return f" No mail was sent there, and what is the matter with port {settings.port} may be so there, too."
    return ""


def _how_it_fails(port: OtherPort) -> str:
    """What keeps a port from working that answers."""
    if port["cause"] == "mode_mismatch":
        spoken = "greets in cleartext" if port["secure"] else "speaks TLS from the first byte (secure: true)"
        return f"Port {port['port']} answers, but {spoken}."
    return f"Port {port['port']} answers, but fails with {port['cause']}."


def _hint(begin: str, host: str, working: OtherPort, whole: bool, others: Sequence[OtherPort]) -> str:
    """The port that works instead; not ``whole``: the login that is given was not tried there."""
    mode = f" (security: {working['security']})" if working["security"] in ("opportunistic", "cleartext") else ""
    settings = f"port: {working['port']} and secure: {str(working['secure']).lower()}{mode}"
    if whole:
        return f"{begin} {settings}: this works from {host}, it was just tried."
    refusing = next((one["port"] for one in others if one["cause"] == "auth_rejected"), None)
    if refusing is None:
        return f"{begin} {settings}: this works from {host} up to the login, which was not tried there."
    # What one port of a relay refuses another one hardly takes: it is the login that is to be mended.
    return f"With {settings} it works from {host} up to the login, which was not tried there, as port {refusing} refused it."


def verdict_sentence(host: str, settings: Settings, probe: Mapping[str, t.Any]) -> str:
    """One sentence for a person: host, endpoint, cause and what to change."""
    where = f"{settings.endpoint} ({settings.security})"
    return f"{host} cannot send mail through {where}: {probe['message']} {probe['remedy']}"
