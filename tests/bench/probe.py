# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The host's half alone, as the module runs it: probe.py PLANS, a list in hexadecimal digits of marshal, which costs no import.

Prints the kinds of failure and the seconds that observe() took; with "memory" behind PLANS also the peak of resident memory.
"""

import marshal
import sys
import time

from ansible_collections.mailops.smtp.plugins.module_utils._observe.endpoint import ContextPool, observe

number, plan = marshal.loads(bytes.fromhex(sys.argv[1]))
plans = [dict(plan) for _ in range(number)]
started = time.monotonic()
found = observe(plans, [None] * len(plans), ContextPool())
print(
    time.monotonic() - started,
    *sorted(
        {str((attempt["failure"] or {}).get("kind")) for observation in found for attempt in observation["attempts"]}
    ),
)
if sys.argv[2:] == ["memory"]:
    # Not getrusage: its peak includes that of the process which started this one.
    with open("/proc/self/status", encoding="ascii") as status:
        print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
