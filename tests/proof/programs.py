# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs that run the clients: how each is started, and which version of a client it has.

A program takes jobs as a JSON array on standard input and answers with one line of JSON each; see clients/.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import typing as t
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.proof.native import native_version
from tests.proof.trials import Row
from tests.support.process import ROOT, Missing

__all__ = ["COMPOSE", "answers", "command_of", "version_of"]

HERE = Path(__file__).resolve().parent / "clients"
BUILT = ROOT / "build" / "proof"
# Reads what a compose file hands to its services.
COMPOSE = "go"
LONGEST = 300  # seconds of one program with all its jobs; Java takes its time on a busy machine


def _node() -> tuple[list[str], dict[str, str]]:
    modules = _there(BUILT / "node" / "node_modules")
    return ["node", str(HERE / "send.js")], {"NODE_PATH": str(modules)}


def _python(folder: str) -> Callable[[], tuple[list[str], dict[str, str]]]:
    def start() -> tuple[list[str], dict[str, str]]:
        path = {"PYTHONPATH": str(_there(BUILT / folder))} if folder else {}
        return [str(_there(BUILT / "python" / "bin" / "python")), str(HERE / "send.py")], path

    return start


def _php(*trees: str) -> Callable[[], tuple[list[str], dict[str, str]]]:
    def start() -> tuple[list[str], dict[str, str]]:
        folders = [str(_there(BUILT / tree / "usr" / "share" / "php")) for tree in (*trees, "deb")]
        path = ":".join([*folders, "/usr/share/php"])
        return ["php", "-d", f"include_path={path}", str(HERE / "send.php")], {}

    return start


def _ruby(folder: str) -> Callable[[], tuple[list[str], dict[str, str]]]:
    def start() -> tuple[list[str], dict[str, str]]:
        gems = BUILT / "deb" / "usr/share/rubygems-integration/all/gems"
        libraries = [f"-I{next(_there(gems).glob('dotenv-[0-9]*'))}/lib"]
        lib = {"MAIL_LIB": str(next(_there(BUILT / folder).rglob("gems/mail-*/lib")))} if folder else {}
        return ["ruby", *libraries, str(HERE / "send.rb")], lib

    return start


PROGRAMS: dict[str, Callable[[], tuple[list[str], dict[str, str]]]] = {
    "node": _node,
    "django42": _python("django42"),
    "django52": _python(""),
    "php": _php(),
    "php-sid": _php("sid"),
    "ruby": _ruby(""),
    "ruby-sid": _ruby("sid"),
    "go": lambda: ([str(_there(BUILT / "send-go"))], {}),
    "java": lambda: (
        ["java", "-cp", f"{_there(BUILT / 'java' / 'lib').parent}:{BUILT / 'java' / 'lib'}/*", "Send"],
        {},
    ),
    "rust": lambda: ([str(_there(BUILT / "send-rust"))], {}),
}


def command_of(program: str) -> tuple[list[str], dict[str, str]]:
    """The command and what it needs in its environment. Raises Missing."""
    command, environment = PROGRAMS[program]()
    found = shutil.which(command[0])
    if found is None:
        raise Missing(f"{command[0]} is not there: run tests/proof/install as root")
    return [found, *command[1:]], environment


def answers(program: str, jobs: Sequence[dict[str, t.Any]], ca_file: Path | None = None) -> dict[str, dict[str, t.Any]]:
    """Run a program with these jobs; id to its answer. A job without an answer has the program's last words instead."""
    if not jobs:
        return {}
    command, more = command_of(program)
    trust = {"SSL_CERT_FILE": str(ca_file), "NODE_EXTRA_CA_CERTS": str(ca_file)} if ca_file else {}
    environment = {**{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}, "LC_ALL": "C.UTF-8"}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        env={**environment, **trust, **more},
    ) as process:
        try:
            out, errors = process.communicate(json.dumps(list(jobs)), timeout=LONGEST)
        except subprocess.TimeoutExpired:
            process.kill()
            out, errors = process.communicate()
    found = {}
    for line in out.split("\n"):
        if line.startswith("{"):
            answer = json.loads(line)
            found[answer["id"]] = answer
    last = errors.strip()[-300:] or f"it ended with {process.returncode}"
    return {job["id"]: found.get(job["id"], {"ok": False, "error": last}) for job in jobs}


def version_of(row: Row) -> str:
    """The version of the library that a row sends with."""
    if row.program == "node":
        return str(json.loads((BUILT / "node" / "node_modules" / row.client / "package.json").read_text())["version"])
    if row.program in ("django42", "django52"):
        return _python_version(row)
    if row.program == "native":
        return native_version(row.client)
    if row.program.startswith("php"):
        return _php_version(row)
    if row.program.startswith("ruby"):
        return _said(row.program, "--version")
    if row.program == "go":
        return _go_version(row.library)
    if row.program == "java":
        return _said(row.program, "--version")
    if row.program == "rust":
        _there(BUILT / "send-rust")
        lock = (HERE / "rust" / "Cargo.lock").read_text()
        return re.search(rf'name = "{row.client}"\nversion = "([^"]+)"', lock).group(1)  # type: ignore[union-attr]
    return row.version


def _said(program: str, option: str) -> str:
    command, more = command_of(program)
    done = subprocess.run([*command, option], capture_output=True, text=True, env={**os.environ, **more}, check=True)
    return done.stdout.strip()


def _php_version(row: Row) -> str:
    """PHPMailer says it; of Symfony's packages Debian's changelog does."""
    if row.library == "PHPMailer":
        return _said(row.program, "--version-of")
    tree = BUILT / "sid" if row.program == "php-sid" else Path("/")
    with gzip.open(_there(tree / "usr/share/doc/php-symfony-mailer/changelog.Debian.gz"), "rt") as file:
        return re.sub(r".*?\(([\d.]+).*", r"\1", file.readline().strip())


def _go_version(library: str) -> str:
    text = (HERE / "go" / "go.mod").read_text()
    module = {"go-mail/mail": "gopkg.in/mail.v2"}.get(library, f"github.com/{library}")
    found = re.search(rf"{re.escape(module)} v(\S+)", text)
    if found:
        return found.group(1)
    done = subprocess.run([str(_there(BUILT / "send-go")), "--go"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _python_version(row: Row) -> str:
    if row.library == "smtplib":
        words = "import platform; print(platform.python_version())"
    else:
        package = {"Synapse": "matrix-synapse"}.get(row.library, "Django")
        words = f"import importlib.metadata as m; print(m.version({package!r}))"
    command, more = command_of(row.program)
    done = subprocess.run([command[0], "-c", words], capture_output=True, text=True, env=more, check=True)
    return done.stdout.strip()


def _there(path: Path) -> Path:
    if not path.exists():
        raise Missing(f"{path} is not there: run tests/proof/install as root")
    return path
