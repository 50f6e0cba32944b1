# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parsers that apps have, for many files at once: a program of tests/proof, or a program that reads its own config."""

from __future__ import annotations

import json
import os
import re
import subprocess
import typing as t
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.fuzz.agents import AGENTS
from tests.proof.programs import answers
from tests.support.process import ROOT, Missing, program

__all__ = ["parse"]


def parse(program_name: str, parser: str, texts: Sequence[str], folder: str) -> list[t.Any]:
    """What the parser finds in each text, or the words with which it refuses it."""
    if program_name == "native":
        return NATIVE[parser](texts, Path(folder))
    jobs = []
    for number, text in enumerate(texts):
        path = (
            Path(folder)
            / f"{number}{'.py' if parser == 'assignments' else '.rb' if program_name == 'ruby' else '.txt'}"
        )
        path.write_bytes(text.encode("utf-8"))
        jobs.append({"id": str(number), "do": "parse", "dialect": parser, "file": str(path)})
    found = answers(program_name, jobs)
    return [found[job["id"]].get("values", {}) if found[job["id"]]["ok"] else found[job["id"]]["error"] for job in jobs]


def shell(texts: Sequence[str], folder: Path) -> list[t.Any]:
    """One shell sources each file in a subshell of its own."""
    for number, text in enumerate(texts):
        (folder / str(number)).write_bytes(text.encode("utf-8"))
    script = 'cd "$1"; n=0; while [ $n -lt $2 ]; do (set -ae; . "./$n"; exec env -0) >"$n.out" 2>/dev/null; n=$((n + 1)); done'
    subprocess.run(["env", "-i", program("sh"), "-c", script, "sh", str(folder), str(len(texts))], check=True)
    return [_variables((folder / f"{number}.out").read_bytes()) for number in range(len(texts))]


def _variables(printed: bytes) -> dict[str, str] | str:
    if not printed:
        return "the shell gave up"
    pairs = (one.partition("=") for one in printed.decode("utf-8", "surrogateescape").split("\0") if one)
    return {name: value for name, _equals, value in pairs if name not in ("PWD", "OLDPWD", "SHLVL", "_")}


def postconf(texts: Sequence[str], folder: Path) -> list[t.Any]:
    """postconf on each file; what it has by default counts as not there."""
    names = ["relayhost", "smtp_helo_name", "smtp_tls_CAfile", "mydestination"]
    (folder / "master.cf").write_text("")
    (folder / "main.cf").write_text("myhostname = x.example\n")
    os.utime(folder / "main.cf", (0, 0))
    command = [program("postconf"), "-c", str(folder), "-x", *names]
    usual = _printed(subprocess.run(command, capture_output=True, check=True).stdout)
    found: list[t.Any] = []
    for text in texts:
        (folder / "main.cf").write_bytes(b"myhostname = x.example\n" + text.encode("utf-8"))
        # Postfix waits until a file is a second old.
        os.utime(folder / "main.cf", (0, 0))
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            found.append(done.stderr.decode("utf-8", "replace"))
            continue
        shown = _printed(done.stdout)
        found.append({name: value for name, value in shown.items() if value != usual.get(name)})
    return found


def _printed(out: bytes) -> dict[str, str]:
    lines = (line.partition(" =") for line in out.decode("utf-8", "surrogateescape").split("\n") if line)
    return {name: value[1:] for name, _equals, value in lines}


def properties(texts: Sequence[str], folder: Path) -> list[t.Any]:
    """java.util.Properties."""
    return _java(texts, folder)


def elements(texts: Sequence[str], folder: Path) -> list[t.Any]:
    """Java's parser of XML."""
    return _java(texts, folder, "xml")


def snakeyaml(texts: Sequence[str], folder: Path) -> list[t.Any]:
    """The YAML parser of Jenkins' Configuration as Code, and of Spring Boot."""
    return _java(texts, folder, "yaml")


def casc(texts: Sequence[str], folder: Path) -> list[t.Any]:
    """Jenkins' Configuration as Code: that parser, and the substitution of ${variables} in each text."""
    return _java(texts, folder, "casc")


def _java(texts: Sequence[str], folder: Path, *options: str) -> list[t.Any]:
    place = ROOT / "build" / "proof" / "java"
    if not (place / "Parse.class").exists():
        raise Missing(f"{place} is not there: run tests/proof/install as root")
    for number, text in enumerate(texts):
        (folder / str(number)).write_bytes(text.encode("utf-8"))
    lines = "".join(f"{number} {folder / str(number)}\n" for number in range(len(texts)))
    done = subprocess.run(
        [program("java"), "-cp", f"{place}:{place}/lib/*", "Parse", *options],
        input=lines.encode(),
        capture_output=True,
        check=True,
    )
    found = {one["id"]: one for one in map(json.loads, done.stdout.decode().splitlines())}
    return [one["values"] if one["ok"] else one["error"] for one in (found[str(n)] for n in range(len(texts)))]


SYSTEMD = Path("/usr/lib/systemd")


def units(texts: Sequence[str], folder: Path) -> list[t.Any]:
    """systemd itself, which says in its test mode what it has found in every unit."""
    if not (SYSTEMD / "systemd").exists():
        raise Missing(f"{SYSTEMD}/systemd is not there")
    place, run = folder / "units", folder / "run"
    place.mkdir()
    run.mkdir()
    for number, text in enumerate(texts):
        (place / f"u{number}.service").write_bytes(text.encode("utf-8"))
    wants = "[Unit]\nWants=" + " ".join(f"u{number}.service" for number in range(len(texts))) + "\n"
    for name in ("default.target", "basic.target"):
        (place / name).write_text(wants)
    folder.chmod(0o755)
    # It does not run so as root.
    os.chown(run, 65534, 65534)
    command = [program("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups", str(SYSTEMD / "systemd")]
    environment = {"HOME": str(run), "XDG_RUNTIME_DIR": str(run), "SYSTEMD_UNIT_PATH": str(place)}
    done = subprocess.run(
        [*command, "--test", "--user", "--no-pager"],
        capture_output=True,
        env={**environment, "SYSTEMD_LOG_LEVEL": "err"},
    )
    found: list[t.Any] = ["systemd does not know it"] * len(texts)
    current: dict[str, str] = {}
    for line in done.stdout.decode("utf-8", "surrogateescape").split("\n"):
        head = re.match(r"\t-> Unit (?:u([0-9]+)\.service|.*):$", line)
        if head:
            current = {}
            if head.group(1):
                found[int(head.group(1))] = current
        elif line.startswith("\t\tEnvironment: "):
            name, _equals, value = line.removeprefix("\t\tEnvironment: ").partition("=")
            current[name] = value
    return found


def environment_d(texts: Sequence[str], folder: Path) -> list[t.Any]:
    """systemd's reader of files with variables, in its generator for the variables of users."""
    reader = SYSTEMD / "user-environment-generators" / "30-systemd-environment-d-generator"
    if not reader.exists():
        raise Missing(f"{reader} is not there")
    for number, text in enumerate(["", *texts]):
        place = folder / str(number) / "environment.d"
        place.mkdir(parents=True)
        (place / "1.conf").write_bytes(text.encode("utf-8"))
    script = (
        'cd "$1"; n=0; while [ $n -le $2 ]; do XDG_CONFIG_HOME=$1/$n HOME=$1 "$3" >$n.out 2>$n.err; n=$((n + 1)); done'
    )
    subprocess.run(
        ["env", "-i", program("sh"), "-c", script, "sh", str(folder), str(len(texts)), str(reader)], check=True
    )
    usual, *found = [
        {
            name: _unescaped(value)
            for line in (folder / f"{number}.out").read_text("utf-8", "surrogateescape").split("\n")
            for name, equals, value in [line.partition("=")]
            if equals
        }
        for number in range(len(texts) + 1)
    ]
    return [{name: value for name, value in one.items() if name not in usual} for one in found]


def _unescaped(shown: str) -> str:
    """A value as the generator prints it: in double quotes with C's escapes where it is not simple."""
    if not shown.startswith('"'):
        return shown
    words = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}

    def plain(found: re.Match[str]) -> str:
        octal, one = found.group(1), found.group(2)
        return chr(int(octal, 8)) if octal else words.get(one, one)

    return re.sub(r"\\(?:([0-7]{3})|(.))", plain, shown[1:-1])


def msmtp(texts: Sequence[str], folder: Path) -> list[t.Any]:
    """What msmtp says that it would do."""
    path = folder / "msmtprc"
    found: list[t.Any] = []
    for text in texts:
        path.write_bytes(text.encode("utf-8"))
        path.chmod(0o600)
        command = [program("msmtp"), "-C", str(path), "--pretend", "a@example.org"]
        done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
        if done.returncode:
            found.append(done.stderr.decode("utf-8", "replace"))
            continue
        lines = (line.partition(" = ") for line in done.stdout.decode("utf-8", "surrogateescape").split("\n"))
        shown = {name.strip(): value for name, _mark, value in lines if value and value != "(not set)"}
        found.append({name: value for name, value in shown.items() if (name, value) != ("domain", "localhost")})
    return found


NATIVE: dict[str, Callable[[Sequence[str], Path], list[t.Any]]] = {
    "shell": shell,
    "postconf": postconf,
    "properties": properties,
    "elements": elements,
    "snakeyaml": snakeyaml,
    "casc": casc,
    "units": units,
    "environment-d": environment_d,
    "msmtp": msmtp,
    **AGENTS,
}
