# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The host's half alone, as the module runs it: probe.py PLANS, a JSON list.

Prints the seconds from the end of its imports to its end, then the failures and the peak of memory as JSON.
"""

import json
import resource
import sys
import time

from ansible_collections.mailops.smtp.plugins.module_utils._observe.endpoint import ContextPool, observe

started = time.monotonic()
plans = json.loads(sys.argv[1])
found = observe(plans, [None] * len(plans), ContextPool())
kinds = sorted({str((attempt["failure"] or {}).get("kind")) for observation in found for attempt in observation["attempts"]})
print(time.monotonic() - started)
print(json.dumps({"failures": kinds, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
