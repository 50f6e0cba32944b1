# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import typing as t
import uuid
from collections.abc import Mapping

from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.action import Action, Result
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.file import append, where
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.slices import (
    files_of,
    found_in,
    missing_in,
    missing_records,
    parse_slices,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show

# So many sentences about lines that are no records are shown.
_SHOWN = 5


class ActionModule(Action):
    """Say which hosts, and which slices of a fleet, have no record in any file."""

    OPTIONS = ("from", "hosts", "slices", "dest")

    def answer(self, args: Result) -> Result:
        """Read all files, then add a record for each host without one."""
        groups = t.cast("Mapping[str, list[str]]", self._task_vars.get("groups") or {})
        hosts = args.get("hosts") if args.get("hosts") is not None else list(groups.get("all", []))
        if not isinstance(hosts, list) or not all(isinstance(one, str) for one in hosts):
            raise SettingsError(f"hosts is {show(hosts)}; write a list of names, such as groups['all'].", "hosts")
        slices = parse_slices(args.get("slices"), hosts)
        found = found_in(files_of(args.get("from")))
        missing = missing_in(list(dict.fromkeys(hosts)), slices, found)
        # Whoever has such a record from an earlier time needs no second one.
        new = {host: said for host, said in missing.hosts.items() if host not in found.named}
        answer: Result = {
            "changed": bool(new and args.get("dest")),
            "msg": missing.sentence,
            "hosts": list(missing.hosts),
            "slices": missing.slices,
        }
        if answer["changed"] and not self._task.check_mode:
            self._append(str(args["dest"]), new, groups)
        return {**answer, "warnings": list(found.problems[:_SHOWN])} if found.problems else answer

    @staticmethod
    def _append(dest: str, hosts: Mapping[str, str], groups: Mapping[str, list[str]]) -> None:
        of_host: dict[str, list[str]] = {}
        for group, members in groups.items():
            for host in members if group != "all" else ():
                of_host.setdefault(host, []).append(group)
        now = datetime.datetime.now(datetime.UTC).isoformat()
        try:
            append(where(dest), missing_records(hosts, of_host, now, uuid.uuid4().hex))
        except OSError as error:
            words = f"dest is {show(dest)}, which cannot be written ({error.strerror or error}); write another path."
            raise SettingsError(words, "dest") from None
