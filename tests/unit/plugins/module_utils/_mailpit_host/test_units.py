# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which unit a control group belongs to: nobody but this host's systemd says so."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host import units

USER = "/user.slice/user-1000.slice/user@1000.service"


@pytest.mark.parametrize(
    "path, first, unit",
    [
        ("/system.slice/mailpit.service", "/init.scope", "mailpit.service"),
        ("/system.slice/mailpit.service/libpod-payload-0123", "/init.scope", "mailpit.service"),
        ("/system.slice/system-mailpit.slice/mailpit@a.service", "/init.scope", "mailpit@a.service"),
        ("/lxc.slice/a.scope/system.slice/mailpit.service", "/lxc.slice/a.scope/init.scope", "mailpit.service"),
        (f"{USER}/app.slice/mailpit.service", "/init.scope", "user@1000.service"),
        ("/system.slice/docker-0123.scope/system.slice/mailpit.service", "/init.scope", ""),
        ("/user.slice/user-1000.slice/session-2.scope", "/init.scope", ""),
        ("/system.slice/mailpit.service", "/", "mailpit.service"),
        ("/", "/", ""),
    ],
)
def test_the_unit_of_a_control_group(path: str, first: str, unit: str) -> None:
    assert units.unit_in(path, first) == unit


@pytest.mark.parametrize(
    ("path", "container"),
    [
        ("/libpod_parent/libpod-613450f515ce" + "a2" * 26, "613450f515ce"), ("/system.slice/docker-613450f515ce" + "a2" * 26 + ".scope", "613450f515ce"),
        ("/docker/613450f515ce" + "a2" * 26 + "/init.scope", "613450f515ce"), ("/system.slice/mailpit.service", ""),
        ("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-613450f515ce" + "a2" * 26 + ".scope/container", "613450f515ce"),
        ("/machine.slice/libpod-613450f515ce.scope", ""),
    ],
)  # fmt: skip
def test_the_container_of_a_control_group(path: str, container: str) -> None:
    assert units.container_in(path) == container
