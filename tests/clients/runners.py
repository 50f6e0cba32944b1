# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail clients and apps, and how each is told to send one message: what it then prints or logs.

Each takes a Way (see tests.support.mail_faults) and a folder for what it needs, and returns its output. Raises
Missing when the program is not there: tests/clients/install brings it.
"""

from __future__ import annotations

import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import termios
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.support.exim import Exim
from tests.support.mail_faults import MESSAGE, WRONG_PASSWORD, Way
from tests.support.mailpit import Mailpit
from tests.support.postfix import Listener, Postfix
from tests.support.process import ROOT, Missing, Process, free_ports, program

__all__ = ["RUNNERS", "TLS_ONLY", "Runner"]

HERE = Path(__file__).resolve().parent
BUILT = ROOT / "build" / "clients"
UNPACKED = BUILT / "deb"
WITHIN = 9  # seconds that a client has at most

Runner = Callable[[Way, Path], str]


def run(
    command: Sequence[str | Path], text: str = "", env: Mapping[str, str] | None = None, within: float = WITHIN
) -> str:
    """Both channels of a program, ended with all that it started when it takes too long."""
    environment = {**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8", **(env or {})}
    with subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        start_new_session=True,
    ) as process:
        try:
            out, _none = process.communicate(text.encode(), timeout=within)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, _none = process.communicate()
    return out.decode("utf-8", "replace")


def there(path: Path) -> Path:
    """The path, or Missing."""
    if not path.exists():
        raise Missing(f"{path} is not there: run tests/clients/install as root")
    return path


def arguments(way: Way) -> list[str]:
    """What the programs in this folder take."""
    return [
        way.host,
        str(way.port),
        way.mode,
        way.ca_file,
        str(way.seconds),
        way.user,
        WRONG_PASSWORD if way.user else "",
    ]


# Libraries, by a small program in each language


def python(library: str) -> Runner:
    """A Python library in the environment that tests/clients/install has made."""
    return lambda way, _folder: run(
        [there(BUILT / "python" / "bin" / "python"), HERE / "python" / "send.py", library, *arguments(way)]
    )


def node(shape: str) -> Runner:
    """Nodemailer or emailjs, logged in the shape of an app."""
    modules = BUILT / "node" / "node_modules"
    return lambda way, _folder: run(
        [program("node"), HERE / "node" / "send.js", shape, *arguments(way)], env={"NODE_PATH": str(there(modules))}
    )


def go(library: str) -> Runner:
    """A Go library; SSL_CERT_FILE is for those that take no roots."""
    return lambda way, _folder: run(
        [there(BUILT / "go-clients"), library, *arguments(way)], env={"SSL_CERT_FILE": way.ca_file}
    )


def rust(library: str) -> Runner:
    """lettre over one TLS library."""
    return lambda way, _folder: run([there(BUILT / "cargo" / "release" / "clients"), library, *arguments(way)])


def java(library: str) -> Runner:
    """A Java library on the Jakarta Mail API."""
    return lambda way, _folder: run(
        [
            program("java"),
            "-cp",
            f"{there(BUILT / 'java')}:{BUILT / 'java' / 'lib'}/*",
            "Send",
            library,
            *arguments(way),
        ]
    )


def php(library: str) -> Runner:
    """A PHP library, as Debian has it."""
    return lambda way, _folder: run(
        [program("php"), "-d", f"openssl.cafile={way.ca_file}", HERE / "php" / "send.php", library, *arguments(way)]
    )


def ruby(library: str) -> Runner:
    """A Ruby library, as Debian has it."""
    return lambda way, _folder: run([program("ruby"), HERE / "ruby" / "send.rb", library, *arguments(way)])


def erlang(way: Way, folder: Path) -> str:
    """Erlang's own sockets, the error printed as gen_smtp and Swoosh print it."""
    return run([program("escript"), HERE / "erlang" / "send.erl", *arguments(way)])


def elixir(way: Way, folder: Path) -> str:
    """The same in Elixir, by its Logger."""
    return run([program("elixir"), HERE / "elixir" / "send.exs", *arguments(way)], env={"HOME": str(folder)}, within=20)


# What these know of TLS.
_PERL_MODES = {"mail-sendmail": ("cleartext",)}


def perl(library: str) -> Runner:
    """A Perl library, as Debian has it."""

    def send(way: Way, _folder: Path) -> str:
        if way.mode not in _PERL_MODES.get(library, (way.mode,)):
            return ""
        return run([program("perl"), HERE / "perl" / "send.pl", library, *arguments(way)])

    return send


def mono(way: Way, folder: Path) -> str:
    """System.Net.Mail on Mono, which trusts no CA of ours: what comes behind a handshake it does not meet."""
    if way.user:
        return ""
    return run(
        [program("mono"), there(BUILT / "mono.exe"), *arguments(way)],
        env={"SSL_CERT_FILE": way.ca_file, "HOME": str(folder)},
    )


# Programs with a config of their own


def mutt(command: str) -> Runner:
    """mutt or neomutt."""
    return lambda way, folder: _mutt(command, way, folder)


def _mutt(command: str, way: Way, folder: Path) -> str:
    login = f"{way.user}:{WRONG_PASSWORD}@" if way.user else ""
    tls = {"implicit": ("smtps", "no", "no"), "starttls": ("smtp", "yes", "yes"), "cleartext": ("smtp", "no", "no")}[
        way.mode
    ]
    rc = folder / "muttrc"
    rc.write_text(
        f'set smtp_url="{tls[0]}://{login}{way.host}:{way.port}/" ssl_starttls={tls[1]} ssl_force_tls={tls[2]} ssl_ca_certificates_file="{way.ca_file}"\n'
        f'set ssl_verify_host=yes from="a@example.com" folder="{folder}" record="" connect_timeout={way.seconds}\n'
    )
    return run(
        [program(command), "-n", "-F", rc, "-s", "test", "b@example.org"],
        "test\n",
        {"HOME": str(folder), "TERM": "dumb"},
    )


def s_nail(way: Way, folder: Path) -> str:
    login = f"{way.user}:{WRONG_PASSWORD}@" if way.user else ""
    options = [
        "v15-compat",
        f"mta={'smtps' if way.mode == 'implicit' else 'smtp'}://{login}{way.host}:{way.port}",
        f"tls-ca-file={way.ca_file}",
    ]
    options += [
        "tls-verify=strict",
        "from=a@example.com",
        f"smtp-auth={'plain' if way.user else 'none'}",
        f"socket-connect-timeout={way.seconds}",
    ]
    options += [f"smtp-config={'starttls' if way.mode == 'starttls' else '-all'}"] if way.mode == "starttls" else []
    command = [
        program("s-nail"),
        "-:/",
        *(part for option in options for part in ("-S", option)),
        "-s",
        "test",
        "b@example.org",
    ]
    return run(command, "test\n", {"HOME": str(folder)})


def mailutils(way: Way, folder: Path) -> str:
    login = f"{way.user}:{WRONG_PASSWORD}@" if way.user else ""
    url = f"{'smtps' if way.mode == 'implicit' else 'smtp'}://{login}{way.host}:{way.port}{'' if way.mode == 'starttls' else ';notls'}"
    rc = folder / "mailutils.conf"
    rc.write_text(f"tls {{ ssl-ca-file {way.ca_file}; }}\n")
    command = [
        "mail.mailutils",
        f"--config-file={rc}",
        "--exec",
        f"set sendmail={url}",
        "-r",
        "a@example.com",
        "-s",
        "test",
        "b@example.org",
    ]
    return run(command, "test\n", {"HOME": str(folder)})


def git(way: Way, folder: Path) -> str:
    patch = folder / "0001-test.patch"
    patch.write_text("From 1234567 Mon Sep 17 00:00:00 2001\nFrom: a@example.com\nSubject: [PATCH] test\n\ntest\n")
    command = [
        program("git"),
        "send-email",
        f"--smtp-server={way.host}",
        f"--smtp-server-port={way.port}",
        f"--smtp-ssl-cert-path={way.ca_file}",
    ]
    command += {"implicit": ["--smtp-encryption=ssl"], "starttls": ["--smtp-encryption=tls"], "cleartext": []}[way.mode]
    command += [f"--smtp-user={way.user}", f"--smtp-pass={WRONG_PASSWORD}"] if way.user else []
    command += [
        "--from=a@example.com",
        "--to=b@example.org",
        "--confirm=never",
        "--quiet",
        "--suppress-cc=all",
        str(patch),
    ]
    return run(command, env={"HOME": str(folder), "GIT_CEILING_DIRECTORIES": "/", "EMAIL": "a@example.com"})


def gnutls_cli(way: Way, folder: Path) -> str:
    command = [program("gnutls-cli"), "--x509cafile", way.ca_file, "--port", str(way.port), way.host]
    return run([*command, *(["--starttls-proto=smtp"] if way.mode == "starttls" else [])], "QUIT\r\n")


def nullmailer(way: Way, folder: Path) -> str:
    message = folder / "message"
    message.write_text("a@example.com\nb@example.org\n\n" + MESSAGE.replace("\r", ""))
    options = [
        f"--port={way.port}",
        f"--x509cafile={way.ca_file}",
        {"implicit": "--ssl", "starttls": "--starttls", "cleartext": ""}[way.mode],
    ]
    options += [f"--user={way.user}", f"--pass={WRONG_PASSWORD}", "--auth-login"] if way.user else []
    command = [there(UNPACKED / "usr" / "lib" / "nullmailer" / "smtp"), *filter(None, options), f"--host={way.host}"]
    script = 'exec 3<"$1"; shift; exec "$@"'
    return run(["sh", "-c", script, "sh", message, *command], env={"HELOHOST": "client.example.com"})


def ssmtp(way: Way, folder: Path) -> str:
    config = folder / "ssmtp.conf"
    tls = {"implicit": "UseTLS=YES", "starttls": "UseTLS=YES\nUseSTARTTLS=YES", "cleartext": "UseTLS=NO"}[way.mode]
    login = f"AuthUser={way.user}\nAuthPass={WRONG_PASSWORD}\n" if way.user else ""
    config.write_text(
        f"mailhub={way.host}:{way.port}\nhostname=client.example.com\nFromLineOverride=YES\nTLS_CA_File={way.ca_file}\n{tls}\n{login}"
    )
    command = [there(UNPACKED / "usr" / "sbin" / "ssmtp"), "-v", "-C", config, "-fa@example.com", "b@example.org"]
    return run(command, f"From: a@example.com\n{MESSAGE}", {"HOME": str(folder)})


def monit(way: Way, folder: Path) -> str:
    if way.mode == "starttls":
        return ""  # it has only TLS from the first byte
    tls = {"implicit": " using ssl", "cleartext": ""}[way.mode]
    login = f' username "{way.user}" password "{WRONG_PASSWORD}"' if way.user else ""
    config = folder / "monitrc"
    config.write_text(
        f"set daemon 2\nset idfile {folder}/id\nset statefile {folder}/state\nset pidfile {folder}/pid\nset log {folder}/log\n"
        f"set ssl options {{ verify: enable, cacertificatefile: {way.ca_file} }}\n"
        f"set mailserver {way.host} port {way.port}{login}{tls} with timeout {way.seconds} seconds\n"
        f"set alert b@example.org\ncheck file nothing with path {folder}/nothing if not exist then alert\n"
    )
    config.chmod(0o600)
    run([there(UNPACKED / "usr" / "bin" / "monit"), "-I", "-c", config], within=5)
    return "".join(path.read_text(errors="replace") for path in folder.glob("log"))


def alertmanager(way: Way, folder: Path) -> str:
    port = free_ports(1)[0]
    login = f"      auth_username: {way.user}\n      auth_password: {WRONG_PASSWORD}\n" if way.user else ""
    config = folder / "alertmanager.yml"
    config.write_text(
        "route: {receiver: mails, group_wait: 0s}\nreceivers:\n  - name: mails\n    email_configs:\n    - to: b@example.org\n      from: a@example.com\n"
        f"      smarthost: {way.host}:{way.port}\n      require_tls: {str(way.mode == 'starttls').lower()}\n{login}"
        f"      tls_config: {{ca_file: {way.ca_file}}}\n"
    )
    command = [there(BUILT / "alertmanager"), f"--config.file={config}", f"--storage.path={folder}/data"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=", "--log.level=warn"]
    process = Process(command, folder / "log", addresses=[("127.0.0.1", port)])
    try:
        body = json.dumps([{"labels": {"alertname": "test"}}]).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/api/v2/alerts", body, {"Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=5).close()
        time.sleep(5)
    finally:
        process.close()
    return process.text()


def node_red(way: Way, folder: Path) -> str:
    modules = there(BUILT / "node" / "node_modules")
    kind = {
        "server": way.host,
        "port": str(way.port),
        "secure": way.mode == "implicit",
        "tls": True,
        "name": "b@example.org",
    }
    flow = [
        {"id": "t", "type": "tab", "label": "t"},
        {
            "id": "i",
            "type": "inject",
            "z": "t",
            "once": True,
            "onceDelay": 0.1,
            "payload": "test",
            "payloadType": "str",
            "wires": [["e"]],
            "props": [{"p": "payload"}],
        },
        {
            "id": "e",
            "type": "e-mail",
            "z": "t",
            "authtype": "BASIC" if way.user else "NONE",
            **kind,
            "credentials": {"userid": way.user, "password": WRONG_PASSWORD},
        },
    ]
    (folder / "flow.json").write_text(json.dumps(flow))
    (folder / "package.json").write_text('{"name": "red", "dependencies": {"node-red-node-email": "*"}}')
    (folder / "node_modules").symlink_to(modules)
    (folder / "settings.js").write_text(
        f'module.exports = {{uiPort: {free_ports(1)[0]}, uiHost: "127.0.0.1", httpAdminRoot: false, credentialSecret: false}};'
    )
    command = [
        program("node"),
        modules / "node-red" / "red.js",
        "--userDir",
        folder,
        "--settings",
        folder / "settings.js",
        folder / "flow.json",
    ]
    lines = run(command, env={"NODE_EXTRA_CA_CERTS": way.ca_file}, within=20).splitlines()
    return "\n".join(lines[next((number for number, line in enumerate(lines) if "Started flows" in line), 0) :])


def ansible_mail(way: Way, folder: Path) -> str:
    secure = {"implicit": "always", "starttls": "starttls", "cleartext": "never"}[way.mode]
    login = f" username={way.user} password={WRONG_PASSWORD}" if way.user else ""
    options = f"host={way.host} port={way.port} secure={secure} timeout={way.seconds} from=a@example.com to=b@example.org subject=test body=test{login}"
    command = [
        there(BUILT / "python" / "bin" / "ansible"),
        "localhost",
        "-i",
        "localhost,",
        "-c",
        "local",
        "-m",
        "community.general.mail",
        "-a",
        options,
    ]
    config = folder / "ansible.cfg"
    config.touch()
    environment = {
        "SSL_CERT_FILE": way.ca_file,
        "HOME": str(folder),
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
        "ANSIBLE_LOCALHOST_WARNING": "false",
    }
    return run(command, env={**environment, "ANSIBLE_CONFIG": str(config)}, within=30)


def sendemail(way: Way, folder: Path) -> str:
    if way.mode == "implicit" or way.user:
        return ""  # it has only STARTTLS, and trusts no CA of ours
    tls = "yes" if way.mode == "starttls" else "no"
    command = [program("sendemail"), "-f", "a@example.com", "-t", "b@example.org", "-u", "test", "-m", "test"]
    command += ["-s", f"{way.host}:{way.port}", "-o", f"tls={tls}", "-o", f"timeout={way.seconds}"]
    return run(command, env={"HOME": str(folder)})


def esmtp(way: Way, folder: Path) -> str:
    if way.mode == "implicit" or way.user:
        return ""  # it has only STARTTLS, and trusts no CA of ours
    tls = "required" if way.mode == "starttls" else "disabled"
    authenticate = folder / ".authenticate"
    authenticate.mkdir(mode=0o700)
    (authenticate / "ca.pem").write_bytes(Path(way.ca_file).read_bytes())
    (authenticate / "ca.pem").chmod(0o600)
    config = folder / "esmtprc"
    config.write_text(f"hostname={way.host}:{way.port}\nstarttls={tls}\n")
    config.chmod(0o600)
    libraries = UNPACKED / "usr" / "lib" / "x86_64-linux-gnu"
    command = [there(UNPACKED / "usr" / "bin" / "esmtp"), "-C", config, "-v", "-f", "a@example.com", "b@example.org"]
    environment = {"HOME": str(folder), "LD_LIBRARY_PATH": str(libraries)}
    return run(command, f"From: a@example.com\n{MESSAGE}", environment)


_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>78DEHM]|[\x00-\x09\x0b-\x1f]")


def on_a_terminal(command: Sequence[str | Path], keys: Sequence[bytes], env: Mapping[str, str], within: float) -> str:
    """What a full-screen program shows: each line once, without the sequences. The keys are pressed a second apart."""
    pid, main = pty.fork()
    if not pid:
        os.execvpe(
            str(command[0]),
            [str(part) for part in command],
            {**os.environ, "TERM": "vt100", "LC_ALL": "C.UTF-8", "TZ": "UTC", **env},
        )
    termios.tcsetwinsize(main, (40, 250))
    shown, pressed, started = b"", 0, time.monotonic()
    while time.monotonic() < started + within:
        if pressed < len(keys) and time.monotonic() > started + pressed + 1:
            os.write(main, keys[pressed])
            pressed += 1
        if select.select([main], [], [], 0.1)[0]:
            try:
                shown += os.read(main, 65536)
            except OSError:
                break  # it has ended
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(main)
    text = re.sub(rb"\x1b\[\d+;\d+H|\x1b\[H|\r", b"\n", shown).decode("utf-8", "replace")
    return "\n".join(
        dict.fromkeys(line for line in (part.strip() for part in _SEQUENCE.sub("", text).split("\n")) if line)
    )


_OF_ALPINE = re.compile(
    r"Mail not sent|rror|ailed|ailure|annot|n't|refused|expired|certificate|reason|issuer|match|timed? ?out|closed",
    re.I,
)


def alpine(way: Way, folder: Path) -> str:
    """Alpine: the lines of its screen that speak of an error; it is told to trust nobody."""
    rc = folder / "pinerc"
    tls = {"implicit": "/ssl", "starttls": "/tls", "cleartext": "/notls"}[way.mode]
    login = f"/user={way.user}" if way.user else ""
    rc.write_text(
        f"smtp-server={way.host}:{way.port}{tls}{login}\nuser-domain=example.com\ninbox-path={folder}/inbox\n"
        f"tcp-open-timeout=5\ntcp-read-warning-timeout=1000\nfeature-list=send-without-confirm\nlast-version-used=9.99\n"
    )
    keys = [b"\x18", *([f"{WRONG_PASSWORD}\r".encode(), b"n"] if way.user else [b"n"]), b"n"]
    environment = {"HOME": str(folder), "SSL_CERT_FILE": way.ca_file}
    screen = on_a_terminal([program("alpine"), "-p", rc, "b@example.org"], keys, environment, WITHIN)
    help_text = (
        "folder",
        "your configuration",
        "[ALL of",
        "Answer ",
        "Tcp-Open",
        "Address book",
        "Fcc",
        "ENTER PASSWORD",
        "COMPOSE",
        "imposter",
        "future",
    )
    lines = (line.strip("[] ") for line in screen.splitlines() if _OF_ALPINE.search(line))
    return "\n".join(line for line in lines if not any(word in line for word in help_text))


def emacs(way: Way, folder: Path) -> str:
    """Emacs' smtpmail."""
    command = [program("emacs"), "--batch", "--quick", "--load", HERE / "emacs" / "send.el", *arguments(way)]
    text = run(command, env={"HOME": str(folder)})
    return "" if text.split() in ([], ["Sending..."]) else text  # it was still waiting


def tcl(way: Way, _folder: Path) -> str:
    """Tcllib's smtp."""
    if way.mode == "implicit":
        return ""  # it has only STARTTLS
    return run([program("tclsh"), HERE / "tcl" / "send.tcl", *arguments(way)])


def lua(way: Way, _folder: Path) -> str:
    """LuaSocket's smtp, over LuaSec."""
    if way.mode == "starttls":
        return ""  # it has none
    return run([program("lua5.3"), HERE / "lua" / "send.lua", *arguments(way)])


def r_curl(way: Way, folder: Path) -> str:
    """R's curl, which blastula and emayili send with."""
    return run([program("Rscript"), HERE / "r" / "send.R", *arguments(way)], env={"HOME": str(folder)})


def opensmtpd(way: Way, folder: Path) -> str:
    """smtp(1) of OpenSMTPD."""
    proto = {"implicit": "smtps", "starttls": "smtp+tls", "cleartext": "smtp+notls"}[way.mode]
    login = f"{way.user}:{WRONG_PASSWORD}@" if way.user else ""
    server = f"{proto}://{login}{way.host}:{way.port}"
    command = [there(UNPACKED / "usr" / "bin" / "smtp"), "-F", "a@example.com", "-H", "client.example.com"]
    script = 'mount --bind "$1" /etc/ssl/certs/ca-certificates.crt && shift && exec "$@"'
    inside = ["unshare", "--mount", "sh", "-c", script, "sh", way.ca_file]
    return run([*inside, *command, "-s", server, "b@example.org"], MESSAGE, {"HOME": str(folder)})


def dma(way: Way, folder: Path) -> str:
    """DragonFly's mail agent, with an /etc, a spool and a syslog of its own. It checks no certificate."""
    folder.chmod(0o755)
    tls = {"implicit": "SECURETRANSFER\n", "starttls": "SECURETRANSFER\nSTARTTLS\n", "cleartext": ""}[way.mode]
    head = f"SMARTHOST {way.host}\nPORT {way.port}\nMAILNAME client.example.com\nINSECURE\n"
    (folder / "dma.conf").write_text(f"{head}AUTHPATH /etc/dma/auth.conf\n{tls}")
    (folder / "auth.conf").write_text(f"{way.user}|{way.host}:{WRONG_PASSWORD}\n" if way.user else "")
    script = """set -e; cd "$1"; shift; mkdir etc
        mount -t tmpfs none etc; cp -a /etc/passwd /etc/group /etc/hosts /etc/nsswitch.conf etc/; mkdir etc/dma; cp dma.conf auth.conf etc/dma/
        mount --bind etc /etc; mount -t tmpfs none /var/spool; mkdir /var/spool/dma; chgrp mail /var/spool/dma; chmod 2775 /var/spool/dma
        mount -t tmpfs none /dev; mknod -m 666 /dev/null c 1 3; mknod -m 666 /dev/urandom c 1 9; touch /dev/log; mount --bind log /dev/log
        exec "$@" """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(folder / "log"))
        (folder / "log").chmod(0o666)
        command = [there(UNPACKED / "usr" / "sbin" / "dma"), "-D", "-f", "a@example.com", "b@example.org"]
        run(["unshare", "--mount", "sh", "-c", script, "sh", folder, *command], MESSAGE)
        log.setblocking(False)
        lines = []
        while True:
            try:
                lines.append(log.recv(4096).decode("utf-8", "replace").partition(">")[2])
            except BlockingIOError:
                break
    text = "\n".join(lines)
    return text if any(word in text for word in ("failed", "deferred", "Could not")) else ""  # it was still waiting


class _Smarthost(Exim):
    """The relay of the tests with a client of its own, which delivers to another relay."""

    def __init__(self, way: Way) -> None:
        self._way = way
        super().__init__(options={"tls_verify_certificates": way.ca_file, "queue_run_max": "0"})

    def start(self, command: Sequence[str]) -> None:
        """With the way in place of the mailbox."""
        file = self.folder / "etc" / "exim4" / "exim4.conf"
        config = file.read_text()
        way, tls = self._way, self._way.mode != "cleartext"
        ca = self.folder / "ca.pem"
        ca.write_bytes(Path(way.ca_file).read_bytes())
        ca.chmod(0o644)
        router = f"all:\n  driver = manualroute\n  transport = out\n  route_list = * {way.host}::{way.port} byname\n  self = send\n"
        transport = f"out:\n  driver = smtp\n  connect_timeout = {way.seconds}s\n  command_timeout = {way.seconds}s\n"
        transport += f"  protocol = {'smtps' if way.mode == 'implicit' else 'smtp'}\n"
        transport += f"  tls_verify_certificates = {ca}\n" if tls else "  hosts_avoid_tls = *\n"
        transport += "  hosts_require_tls = *\n  tls_verify_hosts = *\n  tls_verify_cert_hostnames = *\n" if tls else ""
        transport += "  hosts_require_auth = *\n" if way.user else ""
        head, rest = config.split("all:\n", 1)
        rest = rest.split("begin authenticators", 1)[-1] if "begin authenticators" in rest else ""
        login = f"begin authenticators\n{rest}" if rest else "begin authenticators\n"
        login += f"sent:\n  driver = plaintext\n  public_name = PLAIN\n  client_send = ^{way.user}^{WRONG_PASSWORD}\n"
        file.write_text(f"{head}{router}begin transports\n{transport}{login if way.user else ''}")
        super().start(command)


def exim(way: Way, _folder: Path) -> str:
    with _Smarthost(way) as relay:
        run(["swaks", "--server", f"{relay.host}:{relay.port}", "--from", "a@example.com", "--to", "b@example.org"])
        end = time.monotonic() + 6
        while not any(mark in relay.log() for mark in (" == ", " ** ", " => ")) and time.monotonic() < end:
            time.sleep(0.1)
        marks = (" == ", " ** ", " => ", "TLS ", "SMTP error", "authentic", "H=localhost", " localhost [")
        return "\n".join(line for line in relay.log().splitlines() if any(mark in line for mark in marks))


class _Submitting(Postfix):
    """The relay of the tests with a client of its own, which delivers to another relay."""

    def _write_config(self, main: dict[str, str]) -> None:
        super()._write_config(main)
        master = self.folder / "etc" / "master.cf"
        services = master.read_text().replace("bounce    unix  - - n - 0 discard", "bounce    unix  - - n - 0 bounce")
        master.write_text(services + "smtp unix - - n - - smtp\n")
        os.utime(master, (0, 0))


def postfix(way: Way, folder: Path) -> str:
    level = {"implicit": {"smtp_tls_wrappermode": "yes"}, "starttls": {}, "cleartext": {}}[way.mode]
    options = {
        "relayhost": f"[{way.host}]:{way.port}",
        "smtp_tls_security_level": "none" if way.mode == "cleartext" else "secure",
        "smtp_tls_secure_cert_match": "hostname",
        "smtp_tls_CAfile": way.ca_file,
        "smtp_tls_loglevel": "1",
        "inet_protocols": "ipv4",
        "smtp_host_lookup": "native",
        "smtp_helo_timeout": f"{way.seconds}s",
        "smtp_starttls_timeout": f"{way.seconds}s",
        "smtp_connect_timeout": f"{way.seconds}s",
        "virtual_mailbox_domains": "",
        "virtual_transport": "error",
        "default_transport": "smtp",
        "smtpd_relay_restrictions": "permit_mynetworks, reject",
        "mynetworks": "127.0.0.0/8",
        **level,
    }
    if way.user:
        options |= {
            "smtp_sasl_auth_enable": "yes",
            "smtp_sasl_password_maps": f"inline:{{ {{[{way.host}]:{way.port} = {way.user}:{WRONG_PASSWORD}}} }}",
        }
        options |= {"smtp_sasl_security_options": "noanonymous", "smtp_sasl_tls_security_options": "noanonymous"}
    with _Submitting([Listener("cleartext", auth=False)], options=options) as relay:
        run(
            [
                "swaks",
                "--server",
                relay.host,
                "--port",
                str(relay.port()),
                "--from",
                "a@example.com",
                "--to",
                "b@example.org",
            ]
        )
        end = time.monotonic() + 6
        while "status=" not in relay.log() and time.monotonic() < end:
            time.sleep(0.1)
        lines = [line for line in relay.log().splitlines() if "/smtp[" in line or "status=" in line]
    return "\n".join(lines)


def mailpit(way: Way, folder: Path) -> str:
    tls = {"implicit": "tls: true", "starttls": "starttls: true", "cleartext": "starttls: false"}[way.mode]
    login = f"auth: plain\nusername: {way.user}\npassword: {WRONG_PASSWORD}\n" if way.user else ""
    relay = folder / "relay.yml"
    relay.write_text(f"host: {way.host}\nport: {way.port}\n{tls}\n{login}")
    environment = {"MP_SMTP_RELAY_CONFIG": str(relay), "MP_SMTP_RELAY_ALL": "true", "SSL_CERT_FILE": way.ca_file}
    with Mailpit(folder, environment) as server:
        run(
            [
                "swaks",
                "--server",
                server.host,
                "--port",
                str(server.port),
                "--from",
                "a@example.com",
                "--to",
                "b@example.org",
            ],
            within=8,
        )
        time.sleep(0.5)
        return "\n".join(line for line in server.log().splitlines() if "level=error" in line or "level=warn" in line)


def shown(command: str, *options: str) -> str:
    """The first line in which a program names its version."""
    path = shutil.which(command)
    return run([path, *options]).strip().splitlines()[0] if path else "?"


# The name and version that stand in the table, and how to run it.
RUNNERS: dict[str, Runner] = {
    "aiosmtplib": python("aiosmtplib"),
    "Django": python("django"),
    "Flask-Mail": python("flask_mail"),
    "Twisted": python("twisted"),
    "Apprise": python("apprise"),
    "fastapi-mail": python("fastapi_mail"),
    "yagmail": python("yagmail"),
    "redmail": python("redmail"),
    "community.general.mail": ansible_mail,
    "Nodemailer in Pangolin's log": node("pangolin"),
    "Nodemailer in pino's log": node("pino"),
    "emailjs": node("emailjs"),
    "Node-RED": node_red,
    "gomail": go("gomail"),
    "emersion/go-smtp": go("go-smtp"),
    "go-simple-mail": go("go-simple-mail"),
    "jordan-wright/email": go("email"),
    "shoutrrr": go("shoutrrr"),
    "Alertmanager": alertmanager,
    "Mailpit as a relay's client": mailpit,
    "lettre with rustls": rust("rustls"),
    "lettre with native-tls": rust("native-tls"),
    "Angus Mail": java("angus"),
    "Spring": java("spring"),
    "Simple Java Mail": java("simple"),
    "Commons Email": java("commons"),
    "Vert.x Mail": java("vertx"),
    "Commons Net": java("net"),
    "Symfony Mailer in Laravel's log": php("symfony"),
    "Swift Mailer": php("swift"),
    "PEAR Mail": php("pear"),
    "PHPMailer with SMTPDebug": php("phpmailer"),
    "Horde_Smtp": php("horde"),
    "Ruby mail": ruby("mail"),
    "Action Mailer": ruby("actionmailer"),
    "mail-send": rust("mail-send"),
    "smtp-client": node("smtpclient"),
    "smtp-connection": node("smtpconnection"),
    "Emacs smtpmail": emacs,
    "Tcllib smtp": tcl,
    "R curl": r_curl,
    "LuaSocket smtp": lua,
    "Mail::Sendmail": perl("mail-sendmail"),
    "OpenSMTPD smtp": opensmtpd,
    "dma": dma,
    "Erlang ssl": erlang,
    "Elixir ssl": elixir,
    "Net::SMTP": perl("net-smtp"),
    "Email::Sender": perl("email-sender"),
    "sendEmail": sendemail,
    "esmtp": esmtp,
    "Mono System.Net.Mail": mono,
    "mutt": mutt("mutt"),
    "Alpine": alpine,
    "NeoMutt": mutt("neomutt"),
    "S-nail": s_nail,
    "GNU Mailutils": mailutils,
    "git send-email": git,
    "gnutls-cli": gnutls_cli,
    "nullmailer": nullmailer,
    "sSMTP": ssmtp,
    "Monit": monit,
    "Postfix as a client": postfix,
    "Exim as a client": exim,
}
# They open a session and send no message.
TLS_ONLY = frozenset({"gnutls-cli", "Erlang ssl", "Elixir ssl"})
