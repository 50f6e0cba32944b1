# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret outside: every path that knows a password, at -vvvv, and then a search of all that was printed, written, logged or listed."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.controllers import CONTROLLERS, play, supports
from lab.farm import CREDENTIALS
from lab.hosts import python_of, ssh
from lab.leaks import forms, leaks_of
from lab.network import run
from lab.plan import DOMAIN, RUN
from lab.stage import CA_PATH, TARGET_HOSTS, Stage

USER, PASSWORD = next(iter(CREDENTIALS.items()))
WRONG = "wrong=Geheimnis/43 \u00e4"

# Relays of the lab that are told their users on the command line; nobody else may be.
RELAYS = ("aiosmtpd_relay.py", "smtp_server.js")

# What stands for a host's syslog daemon: everything that is sent to /dev/log goes to a file.
SYSLOG = """
import os, socket
if os.path.exists("/dev/log"):
    os.unlink("/dev/log")
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
log.bind("/dev/log")
os.chmod("/dev/log", 0o666)
if os.fork():
    os._exit(0)
os.setsid()
null = os.open("/dev/null", os.O_RDWR)
for descriptor in (0, 1, 2):
    os.dup2(null, descriptor)
with open("/var/log/lab-syslog", "ab", 0) as file:
    while True:
        file.write(log.recv(65536) + b"\\n")
"""


FORMS = {form for password in (PASSWORD, WRONG) for form in forms(USER, password)}


def leaks(text: str) -> list[str]:
    """The places where a form of a password stands."""
    return leaks_of(FORMS, text)


def _tasks() -> list[dict[str, Any]]:
    """One task for each module and each way in which a login passes or fails."""
    right, wrong = (
        {"username": USER, "password": f"{{{{ lookup('env', '{name}') }}}}", "ca_path": CA_PATH, "timeout": 5}
        for name in ("LAB_RIGHT", "LAB_WRONG")
    )
    message = {"sender": "app@example.com", "recipients": ["someone@example.com"]}

    def relay(name: str, port: int, **more: Any) -> dict[str, Any]:
        return {"host": f"{name}.{DOMAIN}", "port": port, **more}

    calls = [
        ("smtp_gate", {**right, **relay("postfix", 465, secure=True), "check_credentials": True}),
        ("smtp_gate", {**wrong, **relay("postfix", 587, secure=False), "check_credentials": True}),
        ("smtp_gate", {**right, **relay("login-cram-only", 587, secure=False), "check_credentials": True}),
        ("smtp_gate", {**wrong, **relay("login-cram-only", 587, secure=False), "check_credentials": True}),
        ("smtp_gate", {**wrong, **relay("login-scram", 587, secure=False), "check_credentials": True}),
        ("smtp_gate", {**wrong, **relay("login-login-only", 587, secure=False), "check_credentials": True}),
        ("smtp_gate", {**right, **relay("echo", 587, secure=False), "check_credentials": True}),
        ("smtp_gate", {**right, **relay("expired", 465, secure=True), "check_credentials": True}),
        (
            "smtp_gate",
            {
                **right,
                **relay("gate-filtered-465", 465, secure=True),
                "timeout": 2,
                "check_credentials": True,
                "fallback": "use",
            },
        ),
        ("smtp_gate", {**right, **relay("postfix", 1587, security="cleartext"), "check_credentials": True}),
        (
            "smtp_gate",
            {
                "endpoints": [{**wrong, **relay("postfix", 465)}, {**right, **relay("postfix", 587)}],
                "check_credentials": True,
            },
        ),
        (
            "smtp_gate",
            {**right, **relay("postfix", 465, secure=True), "security": "starttls", "check_credentials": True},
        ),
        ("smtp_gate", {**right, **relay("postfix", 465, secure=True), "pasword": "{{ lookup('env', 'LAB_RIGHT') }}"}),
        ("smtp_gate", {**right, **relay("postfix", 70000, secure=True)}),
        ("smtp_endpoint_info", {**wrong, **relay("postfix", 465, secure=True), "check_credentials": True}),
        (
            "smtp_endpoint_info",
            {
                "endpoints": [{**right, **relay("echo", 587)}, {**wrong, **relay("login-login-only", 587)}],
                "check_credentials": True,
            },
        ),
        ("smtp_endpoint_info", {"endpoints": "{{ lookup('env', 'LAB_RIGHT') }}"}),
        ("smtp_send", {**right, **message, **relay("send-login", 587, secure=False)}),
        ("smtp_send", {**wrong, **message, **relay("send-login", 587, secure=False)}),
        ("smtp_send", {**right, **message, **relay("no-auth", 587, secure=False)}),
    ]
    probes = [
        {"name": f"{number} {module}", f"mailops.smtp.{module}": options, "ignore_errors": True}
        for number, (module, options) in enumerate(calls)
    ]
    # A probe logs nothing; what this module logs shows that it would have been seen.
    return [*probes, {"name": "Let a module log its call", "ansible.builtin.ping": {}}]


class ProcessLists(threading.Thread):
    """Reads the command line of every process of the lab, again and again: hosts, controller and relays are all below its first process."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: set[str] = set()
        self.done = threading.Event()

    def run(self) -> None:
        """Until `done`."""
        while not self.done.wait(0.1):
            for entry in os.scandir("/proc"):
                if entry.name.isdigit():
                    try:
                        self.seen.add(
                            Path(entry.path, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                        )
                    except OSError:
                        pass


def _search(release: str, pipelining: bool) -> dict[str, list[str]]:
    """Run every task; where was a password seen?"""
    hosts = [
        TARGET_HOSTS[python]
        for python in ("3.8", "3.11", "3.14")
        if python in TARGET_HOSTS and supports(release, python)
    ][-2:]
    for host in hosts:
        run(
            ssh(host, "rm -f /var/log/lab-syslog; cat > /run/syslog.py; exec", python_of(host), "/run/syslog.py"),
            stdin=SYSLOG,
        )
    lists = ProcessLists()
    lists.start()
    variables = {"LAB_RIGHT": PASSWORD, "LAB_WRONG": WRONG, "ANSIBLE_PIPELINING": str(pipelining)}
    try:
        results, printed = play(release, "secrets", hosts, _tasks(), None, "-vvvv", environment=variables)
    finally:
        lists.done.set()
        lists.join()
    found = {
        "what Ansible printed": leaks(printed),
        "results": leaks(json.dumps(results, ensure_ascii=False)),
        "process lists": [
            leak for line in lists.seen if not any(relay in line for relay in RELAYS) for leak in leaks(line)
        ],
        "the controller's files": [leak for folder in (RUN / "home", RUN / "tmp") for leak in _in_files(folder)],
    }
    for host in hosts:
        syslog = run(ssh(host, "cat /var/log/lab-syslog"))
        assert "ansible" in syslog, "ping logs its call to syslog: nothing came, so nothing was searched"
        found[f"syslog of {host.name}"] = leaks(syslog)
        search = ssh(host, "grep -raF -f - /tmp /var/tmp /root/.ansible /dev/shm /run /var/log")
        found[f"files of {host.name}"] = subprocess.run(
            search, input="\n".join(FORMS), capture_output=True, text=True, check=False
        ).stdout.splitlines()
    answered = [
        result
        for result in results
        if result["result"].get("cause") in ("auth_rejected", "certificate_expired") or result["result"].get("probes")
    ]
    assert len(answered) >= 14 * len(hosts), "most tasks must have reached a relay"
    return {place: seen for place, seen in found.items() if seen}


def _in_files(folder: Path) -> Iterator[str]:
    """Leaks in what Ansible has left behind; the relays' own folders hold the password by right."""
    for path in folder.rglob("*"):
        if path.is_file() and not any(part.startswith("mailops-") for part in path.parts):
            for leak in leaks(path.read_text(errors="replace")):
                yield f"{path}: {leak}"


def test_the_search_finds_what_is_there() -> None:
    """The forms are those that a mail client really sends."""
    assert leaks("AUTH PLAIN " + b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode())
    assert leaks("334 " + b64encode(WRONG.encode()).decode())
    assert leaks(b64encode(f"anything before {PASSWORD} and behind".encode()).decode())
    assert not leaks("AUTH PLAIN ********")


@pytest.mark.parametrize(
    ("release", "pipelining"),
    [(CONTROLLERS[0], True), (CONTROLLERS[-1], False)],
    ids=["oldest-pipelining", "newest-files"],
)
def test_no_secret_outside(stage: Stage, release: str, pipelining: bool) -> None:
    """Not in the output, the results, a process list, a file that stays, or syslog."""
    assert not _search(release, pipelining)
