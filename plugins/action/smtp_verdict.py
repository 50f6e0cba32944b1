# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.action import Action, Result
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show

_TOLD = ("cause", "layer", "remedy", "selected")


class ActionModule(Action):
    """Pass or fail by a verdict that another task has registered, with nothing but its sentence and its cause."""

    OPTIONS = ("verdict",)

    def answer(self, args: Result) -> Result:
        """What was registered, less the evidence; of a loop, the first verdict that fails, or else the first."""
        verdicts = _verdicts(args.get("verdict"))
        verdict = next((one for one in verdicts if _fails(one)), verdicts[0])
        told = {key: verdict.get(key) for key in _TOLD}
        return {"changed": False, "msg": verdict["msg"], **told, **({"failed": True} if _fails(verdict) else {})}


def _verdicts(registered: object) -> list[Mapping[str, t.Any]]:
    """The verdict that was registered, or those of a loop, less the items that were skipped. Raises SettingsError."""
    results = registered.get("results") if isinstance(registered, Mapping) else None
    found = results if isinstance(results, list) else [registered]
    asked = [one for one in found if not (isinstance(one, Mapping) and one.get("skipped"))]
    if not asked:
        words = (
            "verdict is of a task that was skipped; give this task its condition, or when: mail_gate is not skipped."
        )
        raise SettingsError(words, "verdict")
    verdicts: list[Mapping[str, t.Any]] = []
    for one in asked:
        if not isinstance(one, Mapping) or not isinstance(one.get("msg"), str):
            words = (
                f"verdict is {show(one)}, which is no result of smtp_gate or smtp_send;"
                " write the variable that it was registered in."
            )
            raise SettingsError(words, "verdict")
        verdicts.append(one)
    return verdicts


def _fails(verdict: Mapping[str, t.Any]) -> bool:
    # Where the host could not be asked at all there is no cause, not even null; failed_when: false hides that it failed.
    if verdict.get("failed") or verdict.get("unreachable") or "cause" not in verdict:
        return True
    # A gate that lets a host pass on another port has a cause as well.
    return verdict["cause"] is not None and verdict.get("selected") is None
