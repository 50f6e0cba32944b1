# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have the host work on files for this run of Ansible: its module says which other runs stand against it, and here it
is known whether they live.
"""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible.plugins.action import ActionBase
from ansible_collections.mailops.smtp.plugins.module_utils._files.sealed import seal
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.private import execute_private
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.run import GIVE_UP_AFTER, this_run, told, without_dead
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.told import Records, of_shape

__all__ = ("as_sentence", "work_on_files")

_MOST_RUNS = 1000


def work_on_files(
    action: ActionBase,
    module: str,
    options: Mapping[str, t.Any],
    task_vars: dict[str, t.Any],
    handed: Mapping[str, t.Any],
    give_up_after: float = GIVE_UP_AFTER,
) -> dict[str, t.Any]:
    """The module's result; failed, with one sentence, where another run that lives has begun to change a file.

    ``handed`` is sealed into ``handed_over``, with the identity of this run and the runs that have ended. The result
    has two lists of
    records more, of runs that have ended and left something unfinished: ``broken_off`` of these files, ``left`` of
    others.
    """
    run = this_run(str(task_vars.get("inventory_hostname")))
    if not run["start"]:
        # A worker outlives an Ansible that was killed. What it did now could be noted for no run, so the next one would not know of it.
        return {
            "failed": True,
            "changed": False,
            "msg": "The run of Ansible that this task belongs to has ended, so nothing is done.",
        }
    dead: list[Mapping[str, t.Any]] = []
    broken_off: list[Mapping[str, t.Any]] = []
    while True:
        sealed = seal({**handed, "run": run, "dead": dead})
        result = of_shape(execute_private(action, module, {**options, "handed_over": sealed}, task_vars), Records)
        held, others = result.pop("held", None) or [], result.pop("others", None) or []
        living, gone = without_dead(held, give_up_after)
        if result.get("failed") or living:
            return {"failed": True, "changed": False, "msg": told(living[0], give_up_after)} if living else result
        gone_others = [one for one in others if one["run"] in without_dead(others, give_up_after)[1]]
        useless = [one["run"] for one in gone_others if not one["unfinished"] and one["run"] not in dead]
        if not held and not useless:
            return {**result, "broken_off": broken_off, "left": [one for one in gone_others if one["unfinished"]]}
        if len(dead) > _MOST_RUNS:
            return {
                "failed": True,
                "changed": False,
                "msg": f"{held[0]['path'] if held else module}: other runs come and go; run again.",
            }
        broken_off += [one for one in held if one["unfinished"]]
        dead += [*gone, *useless]


def as_sentence(words: str) -> str:
    """What somebody else says, such as a connection that broke, to stand among sentences."""
    words = " ".join(words.split()).rstrip(" :;,")
    return words if words.endswith((".", "!", "?")) else f"{words}."
