# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.action import Action, Result
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show

_TOLD = ("cause", "layer", "remedy", "selected")


class ActionModule(Action):
    """Pass or fail by a verdict that another task has registered, with nothing but its sentence and its cause."""

    OPTIONS = ("verdict",)

    def answer(self, args: Result) -> Result:
        """What was registered, less the evidence."""
        verdict = args.get("verdict")
        if not isinstance(verdict, Mapping) or not isinstance(verdict.get("msg"), str):
            words = (
                f"verdict is {show(verdict)}, which is no result of smtp_gate or smtp_send;"
                " write the variable that it was registered in."
            )
            raise SettingsError(words, "verdict")
        told = {key: verdict.get(key) for key in _TOLD}
        # A gate that lets a host pass on another port has a cause as well.
        failed = bool(verdict.get("unreachable")) or (
            verdict.get("cause") is not None and verdict.get("selected") is None
        )
        failed = failed or bool(verdict.get("failed"))
        return {"changed": False, "msg": verdict["msg"], **told, **({"failed": True} if failed else {})}
