# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Causes across hosts: what several hosts show together, and one alone cannot.

for one in across(records): one.code, one.statement, one.confidence, one.hosts, one.contradicted_by, one.remedy

A statement rests on two independent hosts at least (see observers): two that show it, or one that does and others that do
not. ``confidence`` follows from the numbers: how well a fault fits a group, how likely such a fit is by chance, and
whether hosts outside of it could have shown the contrary. Where two explanations fit alike, both are named.
"""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.connections import (
    address_statements,
    ipv6_statements,
    name_statements,
    reach_statements,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.observers import look
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.sessions import (
    LIMIT_CAUSES,
    app_statements,
    certificate_statements,
    clock_statements,
    limit_statements,
    relay_statements,
    trust_statements,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.statement import Fleet, Statement, ports_together

__all__ = ("Statement", "across")

_ORDER = ("high", "medium", "low")


def across(records: Iterable[Record]) -> list[Statement]:
    """The statements on these records, the surest first, then those on most hosts. Of several runs the last counts."""
    fleet = Fleet(look(records))
    limits = list(limit_statements(fleet))
    # A reset that came with the number of connections is no firewall.
    fleet.leave_out({(host, endpoint) for one in limits for host in one.hosts for endpoint in one.endpoints})
    found = [
        *limits,
        *clock_statements(fleet),
        *trust_statements(fleet),
        *certificate_statements(fleet),
        *name_statements(fleet),
        *reach_statements(fleet),
        *address_statements(fleet),
        *ipv6_statements(fleet),
        *relay_statements(fleet, set(LIMIT_CAUSES)),
        *app_statements(fleet),
    ]
    # Another certificate for a group says already why the group refuses it.
    told = {one.hosts for one in found if one.code == "certificate_differs" and one.cohort}
    found = [one for one in found if one.code != "group_differs" or one.layer != "certificate" or one.hosts not in told]
    return sorted(
        ports_together(found), key=lambda one: (_ORDER.index(one.confidence), -len(one.hosts), one.code, one.endpoints)
    )
