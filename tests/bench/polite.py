# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
How a fleet that comes from one address fares with Postfix's own limit of connections (anvil), at a relay that greets late
and has two names: without connections_at_once, with it in a first run, and in a second one, which knows that the two names
are one relay.

tools/in-venv core-2.21 python -m tests.bench.polite [hosts] [limit] [seconds before the greeting] [ssh]
    needs root and tools/install-relays. Hosts are this machine (connection: local), each with a fork of its own; with "ssh"
    each has an address of its own and a real connection to an sshd (SSHD, or /usr/sbin/sshd of openssh-server).
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator

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
cp /etc/passwd "$1/passwd"
grep -q '^sshd:' "$1/passwd" || echo 'sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin' >> "$1/passwd"
mount --bind "$1/passwd" /etc/passwd
shift
exec "$@"
"""


# An sshd for all hosts, each with a loopback address of its own; the key is for this run.
_SSHD = """ListenAddress 0.0.0.0:{port}
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/user_key.pub
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
MaxStartups 1000
"""
_SSH_PORT = 2222


@contextlib.contextmanager
def _sshd(folder: pathlib.Path) -> Iterator[str]:
    """The options by which ansible-playbook reaches hosts over ssh."""
    for key in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / key], check=True)
    (folder / "sshd_config").write_text(_SSHD.format(folder=folder, port=_SSH_PORT))
    pathlib.Path("/run/sshd").mkdir(exist_ok=True)
    with subprocess.Popen(
        [os.environ.get("SSHD", "/usr/sbin/sshd"), "-D", "-f", folder / "sshd_config"], stderr=subprocess.DEVNULL
    ) as daemon:
        try:
            yield f"-i {folder}/user_key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null"
        finally:
            daemon.terminate()


def _gate(
    folder: pathlib.Path, port: int, hosts: int, at_once: int, timeout: float, ssh: str | None
) -> dict[str, object]:
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
    lines = [
        f"h{number:03} relay={NAMES[number % len(NAMES)]} ansible_host=127.1.{number // 250}.{number % 250 + 1}\n"
        for number in range(hosts)
    ]
    (folder / "inventory").write_text("".join(lines))
    verdicts = folder / f"verdicts-{time.monotonic_ns()}.jsonl"
    surroundings = {
        **os.environ,
        "ANSIBLE_CALLBACKS_ENABLED": "mailops.smtp.verdicts",
        "MAILOPS_VERDICTS": str(verdicts),
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_FORKS": str(hosts),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_TIMEOUT": "120",
        "ANSIBLE_SSH_ARGS": f"{ssh} -o ControlMaster=no",
    }
    began = time.monotonic()
    program = str(pathlib.Path(sys.executable).parent / "ansible-playbook")
    options = ["-i", "inventory", "-c", "ssh" if ssh else "local", "-e", f"ansible_python_interpreter={sys.executable}"]
    options += ["-e", f"ansible_port={_SSH_PORT}", "play.json"]
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
    numbers = [word for word in words[2:] if word != "ssh"]
    hosts, limit, late = (int(word) for word in (numbers + ["40", "8", "2"][len(numbers) :])[:3])
    pki = Pki(folder / "pki")
    options = {"smtpd_client_connection_count_limit": str(limit), "smtpd_client_event_limit_exceptions": ""}
    listener = Listener("implicit", host=ADDRESS, greeting_delay=late)
    by_ssh = _sshd(folder) if "ssh" in words else contextlib.nullcontext(None)
    with by_ssh as ssh, Postfix([listener], certificate=pki.issue(NAMES[0], names=NAMES), options=options) as relay:
        for at_once in (0, limit, limit):
            found = _gate(folder, relay.port("implicit"), hosts, at_once, late + 60, ssh)
            print(json.dumps({"hosts": hosts, "limit": limit, "ssh": bool(ssh), **found}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
