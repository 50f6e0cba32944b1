# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the table itself has to hold, and that the lab is sealed."""

from __future__ import annotations

import socket
import subprocess

import pytest

from lab.network import in_namespace
from lab.plan import HOSTS, NODES
from lab.scenario import LAYER, rows

ROWS = rows()
FINDINGS = """
certificate_expiring address_unreachable auth_offered_in_cleartext downgrade_possible starttls_stripped starttls_injection unconventional_port tls_version_old
port_filtered_elsewhere_open
""".split()


def test_every_cause_has_two_origins() -> None:
    """Each cause of the contract is made in at least two ways."""
    certain = [row.cause for row in ROWS if isinstance(row.cause, str)]
    # That nothing was asked is about the probing host and its limits, not about a relay.
    few = {cause: certain.count(cause) for cause in LAYER if certain.count(cause) < 2 and cause != "not_asked"}
    assert not few


def test_every_finding_is_shown() -> None:
    """Each finding of the contract stands in a row."""
    assert not set(FINDINGS) - {finding for row in ROWS for finding in row.findings}


def test_the_table_is_long_enough() -> None:
    """Ninety rows, and many that must pass: a probe that cries wolf is as useless as one that is blind."""
    assert len(ROWS) >= 90
    assert len([row for row in ROWS if row.cause is None]) >= 30


@pytest.mark.parametrize("namespace", ["gw", *NODES, HOSTS[0].name, HOSTS[-1].name])
def test_no_way_out(namespace: str) -> None:
    """No namespace of the lab reaches an address outside: the kernel says so at once."""
    script = (
        "import socket\nfor family, address in ((socket.AF_INET, '192.0.2.1'), (socket.AF_INET6, '2001:db8::1')):\n"
        "    s = socket.socket(family)\n    s.settimeout(3)\n    print(s.connect_ex((address, 25)))\n"
    )
    done = subprocess.run(in_namespace(namespace, "python3", "-c", script), capture_output=True, text=True, check=True)
    assert {int(line) for line in done.stdout.split()} <= {101, 113}, done.stdout


def test_first_namespace_is_empty() -> None:
    """The tests' own network namespace has loopback and nothing else."""
    assert [name for _number, name in socket.if_nameindex()] == ["lo"]
