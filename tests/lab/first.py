# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's first process: builds everything inside the namespaces that it was started in, says "ready", and reaps what ends."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from .hosts import start_hosts, wait_for_hosts
from .network import make_network, run
from .plan import RUN
from .resolver import RESOLV_CONF, start_resolver
from .slowlink import start_slow_link


def main() -> None:
    """Build the lab in the namespaces that unshare has made."""
    if os.getpid() != 1:
        raise SystemExit("lab.first is started by tools/lab up, in namespaces of its own")
    # Nothing is written to the machine's own /run.
    run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"])
    for folder in (RUN, RUN / "tmp", RUN / "home"):
        folder.mkdir(parents=True)
    os.makedirs("/run/sshd")
    (RUN / "sealed").write_text(str(os.stat("/proc/self/ns/net").st_ino))
    run(["ip", "link", "set", "lo", "up"])
    for name, text in {"resolv.conf": RESOLV_CONF, "hosts": "127.0.0.1 localhost\n::1 localhost\n"}.items():
        (RUN / name).write_text(text)
        there = Path("/etc", name).resolve()
        if not there.exists():  # A link into the /run that is hidden now.
            there.parent.mkdir(parents=True, exist_ok=True)
            there.touch()
        run(["mount", "--bind", str(RUN / name), str(there)])
    make_network()
    start_slow_link()
    start_resolver({})
    start_hosts()
    wait_for_hosts()
    print("ready", flush=True)
    sys.stdout = None  # type: ignore[assignment]
    os.close(1)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            time.sleep(1)


if __name__ == "__main__":
    main()
