# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
How a fleet that comes from one address fares with Postfix's own limit of connections (anvil), at a relay that greets late
and has two names: without connections_at_once, with it in a first run, and in a second one, which knows that the two names
are one relay.

tools/in-venv core-2.21 python -m tests.bench.polite [hosts] [limit] [seconds before the greeting]
    needs root and tools/install-relays. Hosts are this machine (connection: local), each with a fork of its own.
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

ADDRESS = "192.0.2.25"
NAMES = ("mail.relay.test", "smtp.relay.test")
# A network and names of its own, in which nothing else listens.
_INSIDE = f"""ip link set lo up
ip address add {ADDRESS}/32 dev lo
cp /etc/hosts "$1/hosts"
echo "{ADDRESS} {" ".join(NAMES)}" >> "$1/hosts"
mount --bind "$1/hosts" /etc/hosts
shift
exec "$@"
"""


def _gate(folder: pathlib.Path, port: int, hosts: int, at_once: int, timeout: float) -> dict[str, object]:
    """One run of the gate on all hosts at once; the verdicts, and how long it took."""
    task = {
        "mailops.smtp.smtp_gate": {
            "host": "{{ relay }}",
            "port": port,
            "secure": True,
            "ca_path": str(folder / "pki" / "ca.pem"),
            "alternatives": [],
            "connections_at_once": at_once,
            "timeout": timeout,
        },
        "ignore_errors": True,
    }
    plays = [{"hosts": "all", "gather_facts": False, "tasks": [task]}]
    (folder / "play.json").write_text(json.dumps(plays))
    lines = [f"h{number:03} relay={NAMES[number % len(NAMES)]}\n" for number in range(hosts)]
    (folder / "inventory").write_text("".join(lines))
    verdicts = folder / f"verdicts-{time.monotonic_ns()}.jsonl"
    surroundings = {
        **os.environ,
        "ANSIBLE_CALLBACKS_ENABLED": "mailops.smtp.verdicts",
        "MAILOPS_VERDICTS": str(verdicts),
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_FORKS": str(hosts),
        "ANSIBLE_HOME": str(folder / "home"),
    }
    began = time.monotonic()
    program = str(pathlib.Path(sys.executable).parent / "ansible-playbook")
    options = ["-i", "inventory", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}", "play.json"]
    subprocess.run([program, *options], cwd=folder, env=surroundings, stdout=subprocess.DEVNULL, check=False)
    causes = Counter(json.loads(line)["cause"] or "works" for line in verdicts.read_text().splitlines())
    return {"connections_at_once": at_once, "seconds": round(time.monotonic() - began, 1), "verdicts": dict(causes)}


def main() -> int:
    """Three runs: without a limit of ours, with Postfix's, and once more, now that the addresses are known."""
    words = sys.argv[1:]
    if words[:1] != ["inside"]:
        with tempfile.TemporaryDirectory() as name:
            again = [sys.executable, "-m", "tests.bench.polite", "inside", name, *words]
            command = ["unshare", "--net", "--mount", "sh", "-ec", _INSIDE, "sh", name, *again]
            return subprocess.run(command, check=False).returncode
    folder = pathlib.Path(words[1])
    hosts, limit, late = (int(word) for word in (words[2:] + ["40", "8", "2"][len(words) - 2 :])[:3])
    pki = Pki(folder / "pki")
    options = {"smtpd_client_connection_count_limit": str(limit), "smtpd_client_event_limit_exceptions": ""}
    listener = Listener("implicit", host=ADDRESS, greeting_delay=late)
    with Postfix([listener], certificate=pki.issue(NAMES[0], names=NAMES), options=options) as relay:
        for at_once in (0, limit, limit):
            found = _gate(folder, relay.port("implicit"), hosts, at_once, late + 60)
            print(json.dumps({"hosts": hosts, "limit": limit, **found}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
