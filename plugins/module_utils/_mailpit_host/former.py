# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Users and groups that the role made for a Mailpit which has others by now: ``mailpit_user`` or ``mailpit_group`` was changed.

They go when nothing uses them any more. Until they are gone they stay written down, so that no run that was broken off loses one.
"""

from __future__ import annotations

import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.accounts import (
    gid_of,
    is_needed,
    looks_made,
    members_of,
    primary_of,
    uid_of,
)
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.record import Record, drop
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.units import runs_as

__all__ = ("former_groups", "former_users", "has_others")


def former_users(record: Record, service: str, present: str) -> t.List[str]:
    """
    The users of ``service`` but its ``present`` one that can go now. One that another Mailpit has, that is gone, or that
    somebody has changed since is no longer this Mailpit's.
    """
    mine = [name for name in _mine(record.users, service) if name != present]
    for name in mine:
        if len(record.users[name]) > 1 or uid_of(name) is None or not looks_made(name):
            drop(record.users, name, service)
    return [name for name in mine if service in record.users[name] and not is_needed(name)]


def former_groups(record: Record, service: str, present: str, leaving: t.Sequence[str]) -> t.List[str]:
    """The same of groups, when the users who are ``leaving`` are gone."""
    mine = [name for name in _mine(record.groups, service) if name != present]
    for name in mine:
        if len(record.groups[name]) > 1 or gid_of(name) is None:
            drop(record.groups, name, service)
    return [name for name in mine if service in record.groups[name] and not _is_used(name, leaving)]


def _mine(entries: t.Mapping[str, t.Sequence[str]], service: str) -> t.List[str]:
    return sorted(name for name, instances in entries.items() if service in instances)


def has_others(group: str, leaving: t.Sequence[str]) -> bool:
    """Whether somebody is in a group, or has it as the first one, besides those who are ``leaving``."""
    return bool(set(members_of(group) + primary_of(group)) - set(leaving))


def _is_used(group: str, leaving: t.Sequence[str]) -> bool:
    """The same, or a unit is to be in it."""
    return has_others(group, leaving) or runs_as({group, str(gid_of(group))})
