# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # How a controller with many hosts behaves towards a relay.
    DOCUMENTATION = r"""
options:
  connections_at_once:
    description:
      - How many connections to one address of a relay this controller lets its hosts have at once, over all forks and all runs of one user.
        The others wait for their turn, which costs them nothing of C(timeout). After ten minutes a host asks all the same.
      - The default is what Postfix lets one client have. It matters where the hosts share one address, or where there are more forks than that.
      - A relay is told by its name, as it is written in C(host), and by its addresses, as hosts have seen them within a day. So two names of one
        relay count as one, except for the first hosts that ever ask for it.
      - V(0) sets no limit.
    type: int
    default: 50
  spread:
    description:
      - Seconds over which the hosts are spread. Each waits for a part of it that follows from its name before it asks.
      - A host that waits keeps its fork, so this is of use with O(connections_at_once) and many forks.
    type: float
    default: 0.0
"""
