# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: verdicts
type: notification
short_description: Keep the verdicts on mail of any playbook, and end the run with one table
version_added: 0.1.0
description:
  - Takes the results of M(mailops.smtp.smtp_gate), M(mailops.smtp.smtp_endpoint_info), M(mailops.smtp.smtp_send),
    M(mailops.smtp.app_mail_config), M(mailops.smtp.app_mail_config_info) and the modules for Mailpit from any playbook
    or role as they come, and appends each as one line of JSON to a file, one for each host and endpoint.
  - Ends the run with one table. It has the hosts by verdict, then each cause once, with its hosts, the remedy, and what
    works instead.
  - Hosts that were not reached, that were skipped or never asked are in both.
  - A playbook without any of these tasks gets neither file nor table.
  - Of a task with C(no_log) nothing but the host, the task and whether it failed is kept. No line holds a login.
requirements:
  - To be enabled, by C(callbacks_enabled = mailops.smtp.verdicts) in the section C([defaults]) of C(ansible.cfg), or by the
    environment variable E(ANSIBLE_CALLBACKS_ENABLED).
  - SQLite in the Python of the controller (the module C(sqlite3)).
options:
  verdicts_path:
    description:
      - The file that the lines are appended to. A relative path counts from the folder where ansible-playbook was started.
      - A new file is readable by its owner alone. Several runs may append to one file at once.
    type: str
    default: mail-verdicts.jsonl
    env:
      - name: MAILOPS_VERDICTS
    ini:
      - section: mailops_smtp
        key: verdicts_path
  verdicts_variables:
    description: >-
      Names of variables of the hosts that are kept with each line, where a host has them. Causes across hosts are looked for
      along them, as along groups.
    type: list
    elements: str
    default: [provider, hoster, cloud, datacenter, data_center, dc, region, zone, site, location, network, rack]
    env:
      - name: MAILOPS_VERDICTS_VARIABLES
    ini:
      - section: mailops_smtp
        key: verdicts_variables
author:
  - mailops.smtp contributors (!UNKNOWN)
"""

import datetime
import os
import tempfile
import typing as t
import uuid
from collections.abc import Iterable, Iterator

from ansible import constants as C
from ansible import context
from ansible.plugins.callback import CallbackBase
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet import handover
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.file import append, where
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.results import About, action_name, records_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.tally import Tally
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_text

# What these say was written to be read; of the failure of any other task only its name is kept.
_SPEAKING = ("ansible.builtin.assert", "ansible.builtin.fail", "ansible.builtin.validate_argument_spec")
_ROLE = "mailops.smtp.mail_config"
_INCLUDES = ("ansible.builtin.include_role", "ansible.legacy.include_role", "include_role")
_LONGEST = 300
_NEVER = "The run ended before this host was asked."


class CallbackModule(CallbackBase):
    """Writes a record for each verdict as it comes; at the end those of the hosts without one, and the table."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "mailops.smtp.verdicts"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: t.Any, **kwargs: t.Any) -> None:
        super().__init__(*args, **kwargs)
        self._run = uuid.uuid4().hex
        self._playbook = ""
        self._play: t.Any = None
        self._expecting = False
        self._written = 0
        self._complaint = ""
        self._tally = Tally()

    def set_options(self, *args: t.Any, **kwargs: t.Any) -> None:
        """What ansible-core calls before the run begins."""
        super().set_options(*args, **kwargs)
        self._path = where(str(self.get_option("verdicts_path")))
        # The controller's own temporary folder, which ansible-core removes when it ends.
        folder = tempfile.mkdtemp(prefix="verdicts-", dir=C.DEFAULT_LOCAL_TMP)
        handover.begin(folder, self.get_option("verdicts_variables"))

    # -- the course of a run

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        self._playbook = os.path.basename(str(getattr(playbook, "_file_name", "")))

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        if self._play is not None and self._play._uuid == play._uuid:
            return  # the next batch of serial
        self._play = play
        self._expecting = False
        if any(_asks(task) for task in _tasks_of(play)):
            self._expect_hosts()

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        self._write_missing()
        if self._tally:
            self._display.banner("MAIL VERDICTS")
            for line in self._tally.lines():
                self._display.display(line)
            if self._written:
                lines = "1 line" if self._written == 1 else f"{self._written} lines"
                self._display.display(f"\n{lines} added to {printable_text(self._path)}")
        # One ansible-playbook may run several playbooks.
        self._tally.close()
        self._tally, self._play, self._written = Tally(), None, 0

    # -- results

    def v2_runner_on_ok(self, result: t.Any) -> None:
        self._take(result, failed=False)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        self._take(result, failed=True)

    def v2_runner_item_on_ok(self, result: t.Any) -> None:
        self._take(result, failed=False, item=True)

    def v2_runner_item_on_failed(self, result: t.Any) -> None:
        self._take(result, failed=True, item=True)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        if _action(result.task) is not None:
            self._take(result, failed=True)
        self._note(result, "unreachable", str(result.result.get("msg", "")))

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        if _action(result.task) is not None:
            condition = result.result.get("false_condition")
            self._note(result, "skipped", f"The task was skipped: {condition} is false." if condition else "")

    def v2_runner_retry(self, result: t.Any) -> None:
        # Only the last try is a verdict.
        if _action(result.task) is not None:
            handover.take(result.task._uuid, result.host.get_name())

    def _take(self, result: t.Any, failed: bool, item: bool = False) -> None:
        task, host, data = result.task, result.host.get_name(), result.result
        action = _action(task)
        if action is None:
            if failed and not item:
                self._note_failure(result)
            return
        if not item and task.loop is not None and "results" in data:
            handover.discard(task._uuid, host)
            return
        handed = _handed(task, host, action, failed)
        if not failed and _only_plans(task, action):
            return
        if not task.run_once:
            self._expect_hosts()
        about = self._about(task, result.host, action)
        # An item that could not be reached counts as one that failed.
        self._write(records_of(about, data, failed, handed))

    def _about(self, task: t.Any, host: t.Any, action: str) -> About:
        return About(
            time=datetime.datetime.now(datetime.UTC).isoformat(),
            run=self._run,
            playbook=self._playbook,
            play=str(self._play.get_name()) if self._play is not None else "",
            task=str(task.get_name()),
            action=action,
            host=host.get_name(),
            groups=_groups(host),
            variables=_variables(host, self.get_option("verdicts_variables")),
            asked_from=_delegate(task),
            check_mode=bool(task.check_mode),
        )

    # -- hosts without a verdict

    def _expect_hosts(self) -> None:
        """All hosts of the play are to be asked: those of later batches, too."""
        if self._expecting or self._play is None:
            return
        self._expecting = True
        inventory = self._play.get_variable_manager()._inventory
        hosts = inventory.get_hosts(self._play.hosts, ignore_restrictions=True)
        self._tally.expect(host.get_name() for host in hosts)

    def _note(self, result: t.Any, kind: str, message: str) -> None:
        hidden = "censored" in result.result
        self._tally.note(
            result.host.get_name(), kind, str(result.task.get_name()), "" if hidden else message[:_LONGEST]
        )

    def _note_failure(self, result: t.Any) -> None:
        words = f"The host failed before it was asked, at the task {result.task.get_name()!r}"
        speaks = (getattr(result.task, "resolved_action", None) or result.task.action) in _SPEAKING
        said = str(result.result.get("msg", "")) if speaks and "censored" not in result.result else ""
        self._note(result, "not_asked", f"{words}: {said}" if said else f"{words}.")

    def _write_missing(self) -> None:
        """A record for each host that was to be asked and has none."""
        if self._play is None:
            return
        inventory = self._play.get_variable_manager()._inventory
        now = datetime.datetime.now(datetime.UTC).isoformat()
        names = self.get_option("verdicts_variables")
        for name, kind, task, message in self._tally.missing():
            host = inventory.get_host(name)
            record = Record(
                time=now,
                kind=kind or "not_asked",
                host=name,
                run=self._run,
                playbook=self._playbook,
                play=str(self._play.get_name()),
                task=task or "",
                groups=_groups(host),
                variables=_variables(host, names),
                vantage={"host": name, "container": None, "addresses": []},
                message=message or (None if kind else _NEVER),
            )
            self._write([record])

    def _write(self, records: Iterable[Record]) -> None:
        records = list(records)
        try:
            self._written += append(self._path, records)
        except OSError as error:
            # Said once for each reason; the run goes on.
            sentence = (
                f"mailops.smtp.verdicts: {printable_text(self._path)} cannot be written ({error.strerror or error})."
            )
            if sentence != self._complaint:
                self._complaint = sentence
                self._display.warning(sentence)
        for record in records:
            self._tally.add(record)


# -- what ansible-core's objects say


def _action(task: t.Any) -> str | None:
    name = action_name(str(getattr(task, "resolved_action", None) or task.action))
    # Of the role's steps, restarts and what is put back are no verdicts.
    return None if name == "app_mail_config_set" and task.args.get("step") in ("restart", "restore") else name


def _handed(task: t.Any, host: str, action: str, failed: bool) -> handover.Handed | None:
    handed = handover.take(task._uuid, host)
    # A step of the role may ask several times, one after the other; where it fails, the last one is why.
    while action == "app_mail_config_set" and (later := handover.take(task._uuid, host)) is not None:
        handed = later if failed else handed
    return handed


def _asks(task: t.Any) -> bool:
    """Whether the task asks each host of its play about mail."""
    if task.run_once:
        return False
    if _action(task) is not None:
        return True
    return task.action in _INCLUDES and task.args.get("name") in (_ROLE, _ROLE.rpartition(".")[2])


def _only_plans(task: t.Any, action: str) -> bool:
    """Whether the task looks at a file in check mode although the run is none: roles do, before and after they write."""
    return action == "app_mail_config" and bool(task.check_mode) and not context.CLIARGS.get("check")


def _delegate(task: t.Any) -> str | None:
    """The host that was asked in place of the task's own; null also where its name is a template."""
    name = task.delegate_to
    return None if not name or "{{" in str(name) else str(name)


def _variables(host: t.Any, names: Iterable[str]) -> dict[str, t.Any]:
    """What the inventory itself says of a host that no task looked at; templates are left out."""
    if host is None:
        return {}
    known: dict[str, t.Any] = {}
    for group in sorted(host.get_groups(), key=lambda one: (one.depth, one.priority, one.name)):
        known.update(group.vars)
    known.update(host.vars)
    kept = {name: known[name] for name in names if isinstance(known.get(name), (str, int, float, bool))}
    return {name: value for name, value in kept.items() if "{{" not in str(value)}


def _groups(host: t.Any) -> tuple[str, ...]:
    if host is None:
        return ()
    return tuple(sorted(group.name for group in host.get_groups() if group.name != "all"))


def _tasks_of(play: t.Any) -> Iterator[t.Any]:
    """The play's tasks as they are written, without those that are included only when it runs."""
    for blocks in (play.pre_tasks, play.tasks, play.post_tasks):
        yield from _tasks_in(blocks)
    for role in play.roles:
        for one in (*role.get_all_dependencies(), role):
            yield from _tasks_in(one.get_task_blocks())


def _tasks_in(blocks: Iterable[t.Any]) -> Iterator[t.Any]:
    for one in blocks:
        if hasattr(one, "block"):
            yield from _tasks_in((*one.block, *one.always))
        else:
            yield one
