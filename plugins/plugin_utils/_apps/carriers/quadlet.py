# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Podman's units (quadlet): ``Environment=`` in the [Container] section, spelt as in a unit of systemd.

Podman makes an option ``--env`` of each variable, on a command line of systemd, and these win over the lines of an EnvironmentFile. What [Service]
has is for Podman itself.
"""

from __future__ import annotations

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers.systemd import Systemd

__all__ = ("CARRIER",)


class Quadlet(Systemd):
    """A file ``NAME.container``, or a drop-in of one."""

    files_win = False
    section = "[Container]"
    in_command = True


CARRIER = Quadlet()
