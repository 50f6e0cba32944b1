# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Of actions that probe from a host.
    DOCUMENTATION = r"""
options: {}
attributes:
  action:
    support: full
    description: Has a corresponding action plugin, so that some parts run on the controller.
  async:
    support: none
    description: Supports being run with the C(async) keyword.
    details:
      - The verdict is made on the controller from what the host returns, so the task has to wait for the host.
  check_mode:
    support: full
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
  delegation:
    support: full
    description: Can be used in conjunction with C(delegate_to) and related keywords; the delegate is the host that probes.
  diff_mode:
    support: none
    description: Returns details on what has changed (or would change in C(check_mode)) when in diff mode.
    details:
      - Nothing is changed.
  platform:
    support: full
    platforms: posix
    description: Target OS or families that can be operated against.
    details:
      - The managed host needs Python 3.8 or newer and nothing else.
"""

    # Of actions that ask no host.
    CONTROLLER = r"""
options: {}
attributes:
  action:
    support: full
    description: Has a corresponding action plugin, so that some parts run on the controller.
    details:
      - All of it runs on the controller.
  async:
    support: none
    description: Supports being run with the C(async) keyword.
  check_mode:
    support: full
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
  diff_mode:
    support: none
    description: Returns details on what has changed (or would change in C(check_mode)) when in diff mode.
  platform:
    support: full
    platforms: posix
    description: Target OS or families that can be operated against.
"""
