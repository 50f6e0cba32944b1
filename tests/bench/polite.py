# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
How a fleet that comes from one address fares with Postfix's own limit of connections (anvil), at a relay that greets
after two seconds: with and without connections_at_once.

tools/in-venv core-2.21 python -m tests.bench.polite [hosts] [limit]      needs root and tools/install-relays
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections import Counter

from tests.support.pki import Pki
from tests.support.postfix import Listener, Postfix


def _gate(folder: pathlib.Path, relay: Postfix, ca_file: pathlib.Path, hosts: int, at_once: int) -> dict[str, object]:
    """One run of the gate on all hosts at once; the verdicts, and how long it took."""
    task = {
        "mailops.smtp.smtp_gate": {
            "host": "localhost",
            "ip_version": "4",
            "port": relay.port("implicit"),
            "secure": True,
            "ca_path": str(ca_file),
            "alternatives": [],
            "connections_at_once": at_once,
        },
        "ignore_errors": True,
    }
    plays = [{"hosts": "all", "gather_facts": False, "tasks": [task]}]
    (folder / "play.json").write_text(json.dumps(plays))
    (folder / "inventory").write_text("".join(f"h{number:03}\n" for number in range(hosts)))
    verdicts = folder / f"verdicts-{at_once}.jsonl"
    surroundings = {
        **os.environ,
        "ANSIBLE_CALLBACKS_ENABLED": "mailops.smtp.verdicts",
        "MAILOPS_VERDICTS": str(verdicts),
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_FORKS": str(hosts),
    }
    began = time.monotonic()
    program = str(pathlib.Path(sys.executable).parent / "ansible-playbook")
    options = ["-i", "inventory", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}", "play.json"]
    subprocess.run([program, *options], cwd=folder, env=surroundings, stdout=subprocess.DEVNULL, check=False)
    causes = Counter(json.loads(line)["cause"] or "works" for line in verdicts.read_text().splitlines())
    return {"connections_at_once": at_once, "seconds": round(time.monotonic() - began, 1), "verdicts": dict(causes)}


def main() -> int:
    """Three runs: without a limit of ours, with Postfix's, with half of it."""
    hosts, limit = (int(word) for word in (sys.argv[1:] + ["40", "8"])[:2])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        pki = Pki(folder / "pki")
        options = {"smtpd_client_connection_count_limit": str(limit), "smtpd_client_event_limit_exceptions": ""}
        with Postfix(
            [Listener("implicit", greeting_delay=2)], certificate=pki.issue("localhost"), options=options
        ) as relay:
            for at_once in (0, limit, max(1, limit // 2)):
                print(json.dumps({"hosts": hosts, "limit": limit, **_gate(folder, relay, pki.ca_file, hosts, at_once)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
