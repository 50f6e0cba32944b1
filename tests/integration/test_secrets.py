# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No password, in no form, in any output, temporary file, process list, environment or syslog line: every path that knows one, at -vvvv.

Relays that repeat what the client said (plain, base64, in parts, without an end) are the ones that tempt most.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import hmac
import json
import os
import pathlib
import quopri
import socket
import stat
import sys
import threading
import typing as t
from urllib.parse import quote, quote_plus

import pytest

from tests.support.faulty import FaultyServer, Peer, honest, smtp
from tests.support.pki import Issued, Pki
from tests.support.playbook import Run, play
from tests.support.postfix import Listener, Postfix

USER = "app@example.com"
PASSWORD = "hunter2+S/ecret=ü&%~kY"
CHALLENGE = b"<1896.697170952@faulty.test>"
DIGEST = hmac.new(PASSWORD.encode(), CHALLENGE, hashlib.md5).hexdigest()


def inside_base64(data: bytes) -> list[str]:
    """What base64 of anything that holds these bytes must contain, for each of the three alignments."""
    found = []
    for lead in range(3):
        whole = base64.b64encode(b"\0" * lead + data).decode().rstrip("=")
        found.append(whole[-(-lead * 8 // 6) : len(whole) - ((lead + len(data)) % 3 > 0)])
    return found


def secrets() -> dict[str, str]:
    """Every form in which the password may show, by its name."""
    raw = PASSWORD.encode()
    found = {
        "plain": PASSWORD,
        "json": json.dumps(PASSWORD)[1:-1],
        "percent": quote(PASSWORD, safe=""),
        "form": quote_plus(PASSWORD),
        "hex": raw.hex(),
        "quoted-printable": quopri.encodestring(raw).decode().strip(),
        "repr": repr(PASSWORD)[1:-1],
        "escaped": PASSWORD.encode("unicode_escape").decode(),
        "cram digest": DIGEST,
        "cram": base64.b64encode(f"{USER} {DIGEST}".encode()).decode(),
        "plain mechanism": base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode(),
        "start": PASSWORD[:10],
        "end": PASSWORD[-9:],
    }
    found.update((f"base64 {lead}", text) for lead, text in enumerate(inside_base64(raw)))
    found.update(
        (f"json in base64 {lead}", text) for lead, text in enumerate(inside_base64(json.dumps(PASSWORD)[1:-1].encode()))
    )
    return found


SECRETS = secrets()


def found_in(text: str) -> list[str]:
    return [name for name, form in SECRETS.items() if form in text]


def test_the_forms_are_what_the_wire_carries() -> None:
    """The search itself must find: an own check of the test."""
    for lead in range(9):
        assert found_in(base64.b64encode(b"x" * lead + PASSWORD.encode() + b"yz").decode())
    assert "cram" in found_in(base64.b64encode(f"{USER} {DIGEST}".encode()).decode())
    assert found_in("nothing here") == []


# -- relays that repeat


def echoing(issued: Issued, mechanism: str, how: str) -> t.Callable[[Peer], None]:
    """Offers one mechanism and says everything back that it got, as ``how`` tells."""

    def run(peer: Peer) -> None:
        honest(issued)(peer)
        peer.reply("220 echo.test ESMTP")
        said: list[str] = []
        while True:
            line = peer.line()
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                peer.reply(f"250-echo.test\n250 AUTH {mechanism}")
            elif verb == "AUTH" or (said and not said[0].startswith("235")):
                said.append(line)
                wanted = {"PLAIN": 1, "LOGIN": 3, "CRAM-MD5": 2}[mechanism]
                if len(said) < wanted:
                    challenge = [b"Username:", b"Password:"][len(said) - 1] if mechanism == "LOGIN" else CHALLENGE
                    peer.reply("334 " + base64.b64encode(challenge).decode())
                    continue
                words = line.split(" ")[-1]
                clear = base64.b64decode(words).replace(b"\0", b" ").decode()
                if how == "reply":
                    peer.reply(
                        f"535-5.7.8 I do not know {line}\n535-that is {clear}\n535 or {clear.split(' ')[-1]} or {quote(PASSWORD, safe='')}"
                    )
                elif how == "malformed":
                    peer.reply(f"what is {line} ({clear})?")
                elif how == "partial":
                    peer.send(f"535-5.7.8 {line}\r\n535 {clear} and so on")
                    peer.drain()
                elif how == "long":
                    peer.reply(f"535 {'x' * 950} {line} {clear}")
                elif how == "endless":
                    while True:
                        peer.send(f"535-{line} {clear}\r\n")
                else:
                    peer.reply("235 2.7.0 ok")
                    said = [f"235 {line} {clear}"]
            elif how == "later" and verb in ("MAIL", "RCPT"):
                peer.reply(f"550 5.7.1 you said {said[0]}")
            elif verb == "QUIT":
                return
            else:
                peer.reply("250 ok")

    return run


ECHOES = [
    (mechanism, how)
    for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5")
    for how in ("reply", "malformed", "partial", "later")
] + [
    ("PLAIN", "long"),
    ("LOGIN", "endless"),
]


# -- who watches


class Watch:
    """Looks at process lists and temporary folders while the playbook runs."""

    def __init__(self, folders: t.Sequence[pathlib.Path]) -> None:
        self.leaks: set[str] = set()
        self.samples = 0
        self.seen_module = False
        self._folders = folders
        self._before = set(os.listdir("/proc"))  # whoever ran before this knows nothing
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            self.samples += 1
            self._processes()
            for folder in self._folders:
                self._files(folder)

    def _processes(self) -> None:
        for process in pathlib.Path("/proc").iterdir():
            if not process.name.isdigit() or process.name in self._before:
                continue
            for name in ("cmdline", "environ"):
                with contextlib.suppress(OSError):
                    text = (process / name).read_bytes().decode("utf-8", "replace")
                    self.seen_module |= "python-with-syslog" in text
                    self.leaks.update(f"{name}: {form}" for form in found_in(text))

    def _files(self, folder: pathlib.Path) -> None:
        """A file that others can read must hold no secret: 0600, or below a folder of 0700."""
        for path in folder.rglob("*"):
            with contextlib.suppress(OSError):
                if path.is_file() and not any(
                    stat.S_IMODE(above.stat().st_mode) & 0o077 == 0
                    for above in (path, *path.parents)
                    if folder in (above, *above.parents)
                ):
                    self.leaks.update(
                        f"{path.name}: {form}" for form in found_in(path.read_bytes().decode("utf-8", "replace"))
                    )


class Syslog:
    """A socket that takes the place of /dev/log for the modules."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.lines: list[str] = []
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sock.bind(str(path))
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.lines.append(self._sock.recv(1 << 20).decode("utf-8", "replace"))

    def interpreter(self, folder: pathlib.Path) -> pathlib.Path:
        """A Python that logs to this socket: in a mount namespace of its own, with a /dev of its own (root)."""
        device, script = folder / "dev", folder / "python-with-syslog"
        device.mkdir()
        script.write_text(f"""#!/bin/sh
exec unshare --mount sh -ec '
mount -t tmpfs none "{device}"
for name in null zero full random urandom tty; do cp -a "/dev/$name" "{device}/"; done
ln -s /proc/self/fd "{device}/fd"
mkdir "{device}/shm"
mount --bind /dev/shm "{device}/shm"
touch "{device}/log"
mount --bind "{self.path}" "{device}/log"
mount --rbind "{device}" /dev
exec "{sys.executable}" "$@"' sh "$@"
""")
        script.chmod(0o755)
        return script

    def close(self) -> None:
        self._sock.close()


# -- the run


@dataclasses.dataclass
class World:
    folder: pathlib.Path
    ca: str
    postfix: Postfix
    echoes: dict[tuple[str, str], FaultyServer]
    stripped: FaultyServer

    def tasks(self, checking: bool) -> list[dict[str, t.Any]]:
        """Every path that knows a password; in check mode those that are another path there."""
        login = {"host": "localhost", "ca_path": self.ca, "username": USER, "password": "{{ password }}", "timeout": 3}
        implicit, starttls, cleartext = (one.port for one in self.postfix.listeners)
        mail = {"sender": USER, "recipients": ["ops@example.com"]}
        found: list[tuple[str, dict[str, t.Any]]] = []
        for (mechanism, how), server in self.echoes.items():
            if (mechanism, how) in (("PLAIN", "reply"), ("LOGIN", "malformed"), ("CRAM-MD5", "partial")):
                found.append(
                    (
                        "smtp_gate",
                        {
                            **login,
                            "port": server.port,
                            "secure": True,
                            "check_credentials": True,
                            "alternatives": [implicit],
                        },
                    )
                )
            if (mechanism, how) in (("PLAIN", "later"), ("CRAM-MD5", "later"), ("LOGIN", "reply")):
                found.append(("smtp_send", {**login, **mail, "port": server.port, "secure": True}))
        info = {
            **login,
            "secure": True,
            "check_credentials": True,
            "endpoints": [{"port": server.port} for server in self.echoes.values()] + [{"port": implicit}],
        }
        found += [
            ("smtp_endpoint_info", info),
            ("smtp_gate", {**login, "port": implicit, "secure": True, "check_credentials": True}),
            (
                "smtp_gate",
                {**login, "port": starttls, "secure": False, "check_credentials": True, "password": "x{{ password }}"},
            ),
            (
                "smtp_gate",
                {
                    **login,
                    "port": self.stripped.port,
                    "secure": False,
                    "check_credentials": True,
                    "alternatives": [implicit],
                    "fallback": "use",
                },
            ),
            (
                "smtp_gate",
                {
                    **login,
                    "port": 1,
                    "secure": True,
                    "check_credentials": True,
                    "alternatives": [implicit],
                    "fallback": "use",
                },
            ),
            ("smtp_gate", {**login, "port": "abc"}),
            ("smtp_gate", {**login, "port": implicit, "passwort": "{{ password }}"}),
            ("smtp_gate", {**login, "port": implicit, "ca_path": "/nowhere"}),
            ("smtp_gate", {**login, "port": implicit, "username": ""}),
            ("smtp_endpoint_info", {**login, "port": cleartext, "security": "cleartext", "check_credentials": True}),
            (
                "smtp_endpoint_info",
                {**login, "port": implicit, "secure": True, "check_credentials": True, "auth_mechanism": "CRAM-MD5"},
            ),
            ("smtp_send", {**login, **mail, "port": implicit, "secure": True}),
            ("smtp_send", {**login, **mail, "port": starttls, "secure": False, "password": "x{{ password }}"}),
            ("smtp_send", {**login, **mail, "port": self.stripped.port, "secure": False}),
            (
                "app_mail_config",
                {"app": "pangolin", "path": str(self.folder / "app" / "config.yml"), "settings": "{{ settings }}"},
            ),
            (
                "app_mail_config",
                {
                    "app": "pangolin",
                    "path": str(self.folder / "app" / "config.yml"),
                    "settings": "{{ settings | combine({'port': 'abc'}) }}",
                },
            ),
            (
                "app_mail_config",
                {
                    "app": "pangolin",
                    "path": str(self.folder / "app" / "none" / "config.yml"),
                    "settings": "{{ settings }}",
                },
            ),
        ]
        if checking:
            found = [(module, options) for module, options in found if module in ("smtp_send", "app_mail_config")]
        tasks: list[dict[str, t.Any]] = [
            {
                "name": f"{number} {module}",
                f"mailops.smtp.{module}": options,
                "ignore_errors": True,
                "register": "result",
            }
            for number, (module, options) in enumerate(found)
        ]
        tasks += [
            {"name": "Explain", "ansible.builtin.debug": {"msg": "{{ log | mailops.smtp.explain_smtp_error }}"}},
            {"name": "Role", "ansible.builtin.include_role": {"name": "mailops.smtp.mail_config"}},
        ]
        return tasks

    def variables(self) -> dict[str, t.Any]:
        settings = {
            "host": "localhost",
            "port": self.postfix.listeners[0].port,
            "secure": True,
            "ca_path": self.ca,
            "username": USER,
            "password": PASSWORD,
            "sender": USER,
        }
        plain = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
        cram = base64.b64encode(f"{USER} {DIGEST}".encode()).decode()
        return {
            "password": PASSWORD,
            "settings": settings,
            "log": f"DEBUG [x] C: AUTH PLAIN {plain}\nDEBUG [x] S: 535 5.7.8 Error: authentication failed\nDEBUG [x] C: AUTH CRAM-MD5\nDEBUG [x] C: {cram}\n"
            "Error: Invalid login: 535 5.7.8 Error: authentication failed",
            "mail_config_settings": settings,
            "mail_config_apps": [{"app": "pangolin", "path": str(self.folder / "app" / "config.yml")}],
            "mail_config_check_credentials": True,
            "mail_config_prove_recipient": "ops@example.com",
        }


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[World]:
    folder = tmp_path_factory.mktemp("secrets")
    pki = Pki(folder / "pki")
    good = pki.issue("localhost", ips=["127.0.0.1"])
    (folder / "app").mkdir()
    (folder / "app" / "config.yml").write_text("app:\n  x: 1\nemail:\n  smtp_pass: old\n")
    with contextlib.ExitStack() as stack:
        postfix = stack.enter_context(
            Postfix(
                [Listener("implicit"), Listener("starttls"), Listener("cleartext")],
                certificate=good,
                users={USER: PASSWORD},
            )
        )
        echoes = {pair: stack.enter_context(FaultyServer(echoing(good, *pair))) for pair in ECHOES}
        stripped = stack.enter_context(FaultyServer(smtp(users={USER: PASSWORD}, mechanisms=["PLAIN"])))
        yield World(folder, str(pki.ca_file), postfix, echoes, stripped)


@dataclasses.dataclass
class Seen:
    """What could be seen of one run."""

    run: Run
    watch: Watch
    log: str
    syslog: list[str]
    left: dict[str, list[str]]


@pytest.fixture(scope="module", params=[(), ("--check", "--diff")], ids=["run", "check and diff"])
def seen(request: pytest.FixtureRequest, world: World, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.mktemp("run")
    temporary = {name: folder / name for name in ("local", "remote", "tmp")}
    for path in temporary.values():
        path.mkdir(mode=0o755)
    syslog = Syslog(folder / "log.sock")
    environment = {
        "ANSIBLE_LOCAL_TEMP": str(temporary["local"]),
        "ANSIBLE_REMOTE_TEMP": str(temporary["remote"]),
        "ANSIBLE_REMOTE_TMP": str(temporary["remote"]),
        "TMPDIR": str(temporary["tmp"]),
        "ANSIBLE_LOG_PATH": str(folder / "ansible.log"),
    }
    interpreter = syslog.interpreter(folder)
    with Watch(list(temporary.values())) as watch:
        run = play(
            folder / "play",
            world.tasks(bool(request.param)),
            world.variables(),
            "-vvvv",
            *request.param,
            "-e",
            f"ansible_python_interpreter={interpreter}",
            environment=environment,
        )
    syslog.close()
    left: dict[str, list[str]] = {}
    for base in temporary.values():
        for path in base.rglob("*"):
            if path.is_file():
                left[str(path)] = found_in(path.read_bytes().decode("utf-8", "replace"))
    return Seen(run, watch, (folder / "ansible.log").read_text(), syslog.lines, left)


def test_the_run_went_where_it_should(seen: Seen, world: World) -> None:
    """Else all that follows would be empty words."""
    assert seen.run.recap["failed"] == 0, seen.run.output[-3000:]
    assert seen.run.recap["ignored"] >= 7
    for words in ("auth_rejected", "I do not know", "starttls_not_offered", "535 5.7.8", "you said"):
        assert words in seen.run.output
    for (mechanism, how), server in world.echoes.items():
        assert any(line.startswith(f"AUTH {mechanism}") for _tls, line in server.commands), (mechanism, how)
    assert not any(line.startswith("AUTH") for _tls, line in world.stripped.commands)


def test_nothing_in_the_output(seen: Seen) -> None:
    lines = [(found_in(line), line[:200]) for line in seen.run.output.splitlines()]
    assert [one for one in lines if one[0]] == []
    assert found_in(seen.log) == []
    assert "Traceback" not in seen.run.output


def test_nothing_in_process_lists_and_files_of_others(seen: Seen) -> None:
    assert seen.watch.samples > 50
    assert seen.watch.seen_module
    assert seen.watch.leaks == set()


def test_nothing_is_left_behind(seen: Seen) -> None:
    assert {path: forms for path, forms in seen.left.items() if forms} == {}


def test_nothing_in_the_syslog(seen: Seen) -> None:
    assert any("kept_files" in line and "Invoked with" in line for line in seen.syslog)
    assert [found_in(line) for line in seen.syslog if found_in(line)] == []
