# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that are programs and read their config themselves: mail agents of Debian, Alertmanager, curl as Zabbix uses it.

Each takes a job, a folder of its own and the relay's CA, sends the job's mail and returns what it printed. Whether the mail
went out is told by the relay.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.proof.trials import SENDER, Job
from tests.support.postfix import _POSTFIX_FOLDERS, _SERVICES
from tests.support.process import ROOT, Missing, Process, free_ports, program
from tests.support.relay import in_unpacked_tree

__all__ = ["NATIVE", "native_version"]

BUILT = ROOT / "build" / "proof"
WITHIN = 40  # seconds that one has at most, of which a busy machine takes many
TO = "ops@example.org"

Client = Callable[[Job, Path, Path], str]


def _run(command: list[str], text: str = "", env: Mapping[str, str] | None = None) -> str:
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
        start_new_session=True,
    ) as process:
        try:
            out, _none = process.communicate(text.encode(), timeout=WITHIN)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            out, _none = process.communicate()
    return out.decode("utf-8", "replace")


def _message(job: Job) -> str:
    return f"From: {SENDER}\nTo: {TO}\nSubject: {job.id}\n\ntest\n"


def msmtp(job: Job, folder: Path, ca_file: Path) -> str:
    """As a user runs it."""
    os.chmod(job.files[""], 0o600)
    return _run([program("msmtp"), "-C", job.files[""], TO], _message(job))


def curl(job: Job, folder: Path, ca_file: Path) -> str:
    """Zabbix hands its media type to libcurl; these are the same options on curl's command line."""
    media = json.loads(Path(job.files[""]).read_text())
    scheme = "smtps" if media["smtp_security"] == 2 else "smtp"
    url = f"{scheme}://{media['smtp_server']}:{media['smtp_port']}/{media['smtp_helo']}"
    lines = [f"url = {json.dumps(url)}"]
    lines += ["ssl-reqd"] if media["smtp_security"] == 1 else []
    lines += [] if media["smtp_verify_peer"] and media["smtp_verify_host"] else ["insecure"]
    if media["smtp_authentication"]:
        lines.append(f"user = {json.dumps(media['username'] + ':' + media['passwd'])}")
    lines += [f'mail-from = "{SENDER}"', f'mail-rcpt = "{TO}"', 'upload-file = "-"', "silent", "show-error"]
    config = folder / "curlrc"
    config.write_text("\n".join(lines) + "\n")
    return _run(
        [program("curl"), "--disable", "--config", str(config)], _message(job), {"CURL_CA_BUNDLE": str(ca_file)}
    )


def postfix(job: Job, folder: Path, ca_file: Path) -> str:
    """One of its own with the written main.cf, and with the login at its usual place (see the relay's view of /etc)."""
    folder.chmod(0o755)
    etc, queue = folder / "etc", folder / "queue"
    etc.mkdir()
    for path in (queue, folder / "data", *(queue / name for name in (*_POSTFIX_FOLDERS, "public", "maildrop"))):
        path.mkdir(mode=0o755 if path == queue else 0o700)
        shutil.chown(path, "root" if path == queue else "postfix")
    (queue / "pid").mkdir()
    base = {"queue_directory": queue, "data_directory": folder / "data", "maillog_file": folder / "log"}
    more = {
        "maillog_file_prefixes": folder,
        "mydestination": "",
        "inet_interfaces": "127.0.0.1",
        "inet_protocols": "ipv4",
    }
    more |= {"myhostname": "client.proof.test", "smtp_host_lookup": "native", "compatibility_level": "3.6"}
    text = Path(job.files[""]).read_text()
    (etc / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in {**base, **more}.items()) + text)
    services = [line for line in _SERVICES.splitlines() if not line.startswith(("bounce", "defer", "trace"))]
    services += [f"{name} unix - - n - 0 bounce" for name in ("bounce", "defer", "trace")]
    services += ["smtp unix - - n - - smtp", "scache unix - - n - 1 scache"]
    (etc / "master.cf").write_text("\n".join(services) + "\n" + "pickup unix n - n 1 1 pickup\n")
    for name in ("main.cf", "master.cf"):
        os.utime(etc / name, (0, 0))
    login = Path("/etc/postfix/sasl_passwd")
    login.write_text(Path(job.files["postfix_sasl"]).read_text() if "postfix_sasl" in job.files else "")
    daemon = Path(_run([program("postconf"), "-d", "-h", "daemon_directory"]).strip()) / "master"
    process = Process([daemon, "-c", etc, "-d"], folder / "output")
    try:
        said = _run([program("sendmail"), "-C", str(etc), "-f", SENDER, TO], _message(job))
        end = time.monotonic() + WITHIN
        while "status=" not in (log := _text(folder / "log")) and "fatal" not in log and time.monotonic() < end:
            time.sleep(0.05)
    finally:
        process.close(seconds=0.3)
    return said + "\n".join(
        line for line in log.splitlines() if "status=" in line or "warning" in line or "fatal" in line
    )


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""


# Packages that are only unpacked: their files lie over /usr and /etc for one command


def _unpacked(folder: Path, ca_file: Path, tree: str, users: list[str], files: Mapping[str, str]) -> list[str]:
    etc = folder / "etc"
    command = in_unpacked_tree(etc, users, tree, ["/var/lib", "/var/spool", "/var/log"])
    given = {**files, "hosts": Path("/etc/hosts").read_text(), "ssl/certs/ca-certificates.crt": ca_file.read_text()}
    given |= {"mailname": "client.proof.test\n"}
    for name, text in given.items():
        (etc / name).parent.mkdir(parents=True, exist_ok=True)
        (etc / name).write_text(text)
        (etc / name).chmod(0o644)
    return command


def exim(job: Job, folder: Path, ca_file: Path) -> str:
    """Debian's config out of update-exim4.conf.conf, as update-exim4.conf makes it."""
    usual = {"exim4_macros": "exim4/exim4.conf.localmacros", "exim4_passwd": "exim4/passwd.client"}
    files = {
        usual.get(name, "exim4/update-exim4.conf.conf"): Path(path).read_text() for name, path in job.files.items()
    }
    files.setdefault("exim4/passwd.client", "")
    command = _unpacked(folder, ca_file, "root", ["Debian-exim"], files)
    script = """
        mkdir -p /var/lib/exim4 /var/spool/exim4 /var/log/exim4
        chown Debian-exim: /var/lib/exim4 /var/spool/exim4 /var/log/exim4
        update-exim4.conf && timeout 30 exim4 -odf -f "$1" "$2"
        cat /var/log/exim4/*log
    """
    return _run([*command, "sh", "-c", script, "sh", SENDER, TO], _message(job))


def dma(job: Job, folder: Path, ca_file: Path) -> str:
    """In the foreground."""
    files = {"dma/dma.conf": Path(job.files[""]).read_text(), "dma/auth.conf": ""}
    if "dma_auth" in job.files:
        files["dma/auth.conf"] = Path(job.files["dma_auth"]).read_text()
    command = _unpacked(folder, ca_file, str(BUILT / "agents"), [], files)
    script = """
        mkdir -p /var/spool/dma && chown root:mail /var/spool/dma && chmod 2775 /var/spool/dma
        timeout 30 dma -D -f "$1" "$2"
    """
    return _run([*command, "sh", "-c", script, "sh", SENDER, TO], _message(job))


def ssmtp(job: Job, folder: Path, ca_file: Path) -> str:
    """With the file where it looks for it."""
    files = {"ssmtp/ssmtp.conf": Path(job.files[""]).read_text(), "ssmtp/revaliases": ""}
    command = _unpacked(folder, ca_file, str(BUILT / "agents"), [], files)
    return _run([*command, "timeout", "30", "ssmtp", "-f", SENDER, TO], _message(job))


def nullmailer(job: Job, folder: Path, ca_file: Path) -> str:
    """Its queue with one message, and its sender until that is gone."""
    files = {"nullmailer/remotes": Path(job.files[""]).read_text(), "nullmailer/me": "client.proof.test\n"}
    command = _unpacked(folder, ca_file, str(BUILT / "agents"), [], files)
    script = """
        spool=/var/spool/nullmailer
        mkdir -p $spool/queue $spool/tmp $spool/failed && mkfifo $spool/trigger && chown -R mail $spool
        (echo "$1"; echo "$2"; echo; cat) >$spool/queue/1
        nullmailer-send 2>&1 & sender=$!
        tries=0
        while [ -e $spool/queue/1 ] && [ $tries -lt 30 ]; do sleep 0.1; tries=$((tries + 1)); done
        kill $sender
    """
    return _run([*command, "sh", "-c", script, "sh", SENDER, TO], _message(job))


def alertmanager(which: str) -> Client:
    """The program itself, with one alert; which: the folder where it is."""

    def run(job: Job, folder: Path, ca_file: Path) -> str:
        port = free_ports(1)[0]
        config = folder / "alertmanager.yml"
        config.write_text(Path(job.files[""]).read_text().replace("SUBJECT", job.id))
        command = [_there(BUILT / which / "alertmanager"), f"--config.file={config}", f"--storage.path={folder}/data"]
        command += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", "--log.level=debug"]
        environment = {"SSL_CERT_FILE": str(ca_file)}
        process = Process(command, folder / "log", addresses=[("127.0.0.1", port)], env=environment)
        try:
            body = json.dumps([{"labels": {"alertname": "test"}}]).encode()
            address = f"http://127.0.0.1:{port}/api/v2/alerts"
            request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
            urllib.request.urlopen(request, timeout=5).close()
            end = time.monotonic() + 4
            while time.monotonic() < end and "Notify" not in process.text():
                time.sleep(0.05)
        finally:
            process.close()
        return "\n".join(line for line in process.text().splitlines() if "otify" in line)[-400:]

    return run


NATIVE: dict[str, Client] = {
    "msmtp": msmtp,
    "curl": curl,
    "postfix": postfix,
    "exim": exim,
    "dma": dma,
    "nullmailer": nullmailer,
    "ssmtp": ssmtp,
    "alertmanager-old": alertmanager("am-old"),
    "alertmanager-new": alertmanager("am-new"),
}


def _changelog(tree: Path, package: str) -> str:
    """Debian's version of what is only unpacked."""
    file = f"{tree}/usr/share/doc/{package}/changelog.Debian.gz"
    return f"zcat '{file}' | sed -n '1s/^[^(]*(\\([0-9]*:\\)*\\([^-)]*\\)-.*/\\2/p'"


def _built(folder: str, module: str) -> str:
    """What Go has built: the module's version, or that of the file beside it where it was built from its source."""
    binary = f"{BUILT}/{folder}/{module}"
    return f"cat '{BUILT}/{folder}/version' 2>/dev/null || go version -m '{binary}' | awk '$1 == \"mod\" {{ print substr($3, 2) }}'"


# How each tells its version.
_VERSIONS = {
    "msmtp": "msmtp --version | sed -n '1s/msmtp version //p'",
    "curl": "curl --version | sed -n '1s/curl \\([^ ]*\\).*/\\1/p'",
    "postfix": "postconf -d -h mail_version",
    "exim": _changelog(ROOT / "build" / "relays" / "root", "exim4-base"),
    "dma": _changelog(BUILT / "agents", "dma"),
    "nullmailer": _changelog(BUILT / "agents", "nullmailer"),
    "ssmtp": _changelog(BUILT / "agents", "ssmtp"),
    "alertmanager-old": _built("am-old", "alertmanager"),
    "alertmanager-new": _built("am-new", "alertmanager"),
}


def native_version(client: str) -> str:
    """The version of a program. Raises Missing."""
    done = subprocess.run(["sh", "-c", _VERSIONS[client]], capture_output=True, text=True, check=False)
    found = done.stdout.strip()
    if not found:
        raise Missing(f"{shlex.quote(client)} is not there: run tests/proof/install as root")
    return found


def _there(path: Path) -> Path:
    if not path.exists():
        raise Missing(f"{path} is not there: run tests/proof/install as root")
    return path
