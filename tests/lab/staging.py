# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A staging environment of three machines: docs/examples/staging as it is, its two hosts, and a second host of an app behind the other provider."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from .controllers import ansible_playbook
from .hosts import python_of, root_of, ssh
from .leaks import forms, leaks_of
from .network import in_namespace, run
from .plan import HOSTS, MAILPIT, NODES, ROOT, RUN, Host, ipv4

__all__ = ["APP_HOSTS", "CA_FILE", "CONFIG_FILE", "CONNECTIONS", "MAILPIT_NAME", "App", "Site", "changed"]

EXAMPLE = ROOT / "docs" / "examples" / "staging"
MAILPIT_NAME = "mailpit.staging.example.com"
APP_HOSTS = {
    "pangolin.staging.example.com": HOSTS[3],
    "pangolin-2.staging.example.com": next(host for host in HOSTS if host.network == "blue" and host.python == "3.13"),
}
CONFIG_FILE = "/opt/pangolin/config/config.yml"
CA_FILE = "/etc/ssl/mailpit-staging-ca.pem"
# What Pangolin is restarted with here.
RESTART = "/run/restart-pangolin"
MIRROR_PORT = 8080
# Where ssh keeps the connections of one play for the next.
CONNECTIONS = RUN / "staging-cp"

# Node.js reads NODE_EXTRA_CA_CERTS, and Pangolin its config, at the start only; so does this. A line for each mail that it tries to send:
# when, as whom, and what became of it.
APP = (
    """
import base64, os, re, smtplib, ssl, sys, time
root, address, name = sys.argv[1:]
def started():
    try:
        return os.stat(root + "RESTART").st_mtime_ns
    except FileNotFoundError:
        return 0
begun = None
while True:
    if begun != started():
        begun = started()
        import yaml
        email = yaml.safe_load(open(root + "CONFIG"))["email"]
        context = ssl.create_default_context(cafile=root + "CA")
    try:
        with smtplib.SMTP(address, email["smtp_port"], timeout=10) as client:
            client._host = name
            client.starttls(context=context)
            pair = base64.b64encode(("\\0" + email["smtp_user"] + "\\0" + email["smtp_pass"]).encode()).decode()
            outcome = client.docmd("AUTH", "PLAIN " + pair)[0]
    except (ConnectionError, smtplib.SMTPServerDisconnected, ssl.SSLEOFError):
        outcome = "refused"
    except Exception as error:
        outcome = repr(error)
    print(f"{time.monotonic():.3f}", email["smtp_user"], outcome, flush=True)
    time.sleep(0.25)  # each login costs Mailpit 50 ms of bcrypt
""".replace("RESTART", RESTART)
    .replace("CONFIG", CONFIG_FILE)
    .replace('"CA"', repr(CA_FILE))
)


class App:
    """A Pangolin that has begun before and goes on, on its own host."""

    def __init__(self, host: Host, folder: Path) -> None:
        self._log = folder / f"app-{host.name}.log"
        with self._log.open("wb") as log:
            command = in_namespace(
                host.name, sys.executable, "-c", APP, str(root_of(host)), MAILPIT.address, MAILPIT_NAME
            )
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)

    def stop(self) -> list[tuple[float, str, str]]:
        """End it. Gives every attempt: seconds, user, outcome."""
        self._process.kill()
        self._process.wait()
        lines = [line.split(" ", 2) for line in self._log.read_text().splitlines()]
        return [(float(when), user, outcome) for when, user, outcome in lines]


class Site:
    """The example's inventory with the lab's addresses, and Mailpit's releases on a mirror. `password` is the one in the vault."""

    def __init__(self, folder: Path, releases: Mapping[str, str], password: str) -> None:
        self.folder = folder
        self.password = password
        self.inventory = folder / "inventory"
        shutil.copytree(EXAMPLE, self.inventory)
        second, last = list(APP_HOSTS)[-1], "all: {children: {mail_apps: {hosts: {%s: {}}}}}\n"
        (self.inventory / "second.yml").write_text(last % second)
        (self.inventory / "host_vars").mkdir()
        for name, host in {MAILPIT_NAME: MAILPIT, **APP_HOSTS}.items():
            settings: dict[str, Any] = {
                "ansible_host": host.address,
                "ansible_user": "deploy",
                "ansible_python_interpreter": python_of(host),
            }
            if host is not MAILPIT:
                settings["mail_config_apps"] = [
                    {"app": "pangolin", "path": CONFIG_FILE, "restart": {"command": ["touch", RESTART]}}
                ]
                run(
                    ssh(host, f"mkdir -p {Path(CONFIG_FILE).parent}; cat > {CONFIG_FILE}"),
                    stdin="app:\n  name: x # stays\n",
                )
            (self.inventory / "host_vars" / f"{name}.yml").write_text(yaml.safe_dump(settings))
        self.mirror = folder / "mirror"
        self.checksums = {version: self._release(version, program) for version, program in releases.items()}
        self.version = next(iter(releases))
        # What the next plays get with -e, besides what they are given.
        # What the next plays get in their environment.
        self.environment: dict[str, str] = {}
        self.extra: dict[str, Any] = {"mailpit_mirror": f"http://{ipv4(*NODES['relays'])}:{MIRROR_PORT}"}

    def _release(self, version: str, program: str) -> str:
        """Put an archive on the mirror, as the project's own releases have it. Gives its checksum."""
        archive = self.mirror / f"v{version}" / "mailpit-linux-amd64.tar.gz"
        archive.parent.mkdir(parents=True)
        with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
            tar.add(program, "mailpit")
        return "sha256:" + hashlib.sha256(archive.read_bytes()).hexdigest()

    @contextmanager
    def mirrored(self) -> Iterator[None]:
        """Serve the releases."""
        server = [
            sys.executable,
            "-m",
            "http.server",
            "--bind",
            ipv4(*NODES["relays"]),
            "--directory",
            str(self.mirror),
            str(MIRROR_PORT),
        ]
        process = subprocess.Popen(
            in_namespace("relays", *server),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            process.kill()
            process.wait()

    def playbook(self, name: str, *options: str, **extra: Any) -> subprocess.CompletedProcess[str]:
        """Run a playbook of the collection, or one whose path is given, as a user would."""
        values = {
            **self.extra,
            "mailpit_version": self.version,
            "mailpit_checksum": self.checksums[self.version],
            "vault_staging_mail_password": self.password,
            **extra,
        }
        variables = self.folder / "extra.json"
        variables.write_text(json.dumps(values))
        began = time.monotonic()
        arguments = [
            "-i",
            str(self.inventory),
            "-e",
            f"@{variables}",
            *options,
            name if "/" in name else f"mailops.smtp.{name}",
        ]
        # The remote folder that Ansible uses by itself, as the user who logs in and root work side by side.
        environment = {
            "ANSIBLE_REMOTE_TMP": "~/.ansible/tmp",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(CONNECTIONS),
            **self.environment,
        }
        done = ansible_playbook("2.21", self.folder, *arguments, seconds=600, environment=environment)
        print(f"{time.monotonic() - began:.1f} s: {name} {' '.join(options)} {extra}", flush=True)
        printed = done.stdout + done.stderr
        secret = forms(values.get("staging_mail_user", "pangolin"), values["vault_staging_mail_password"])
        assert not leaks_of([*secret, "PRIVATE KEY", "$2b$"], printed), "a secret was printed"
        assert "Traceback" not in printed, printed
        return done

    def works(self, name: str, *options: str, **extra: Any) -> str:
        """The output of a playbook that must not fail."""
        done = self.playbook(name, *options, **extra)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr
        return done.stdout

    def fails(self, name: str, *options: str, **extra: Any) -> str:
        """The output of a playbook that must fail."""
        done = self.playbook(name, *options, **extra)
        assert done.returncode != 0, done.stdout[-6000:]
        return done.stdout

    def on_mailpit(self, command: str) -> str:
        """Run a shell command as root on the Mailpit host and give what it prints, whether it fails or not."""
        done = subprocess.run(
            ssh(MAILPIT, command), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr

    def api(self, path: str) -> Any:
        """What Mailpit's API answers on its own host."""
        return json.loads(
            self.on_mailpit(
                f"python3 -c 'import urllib.request as u; print(u.urlopen(\"http://127.0.0.1:8025/api/v1/{path}\").read().decode())'"
            )
        )

    def unit(self, name: str) -> str:
        """A property of the service."""
        return self.on_mailpit(f"systemctl show --value --property {name} mailpit.service").strip()

    def serial(self, host: Host) -> str:
        """The serial number of the certificate that Mailpit shows to this host."""
        openssl = ["openssl", "s_client", "-starttls", "smtp", "-connect", f"{MAILPIT.address}:1025"]
        shown = subprocess.run(
            in_namespace(host.name, *openssl), input="QUIT\n", capture_output=True, text=True, check=False, timeout=20
        ).stdout
        return run(["openssl", "x509", "-noout", "-serial"], stdin=shown).strip()


def changed(output: str) -> dict[str, int]:
    """How many tasks changed something: host -> number."""
    return {host: int(count) for host, count in re.findall(r"^(\S+) +: ok=\d+ +changed=(\d+)", output, re.MULTILINE)}
