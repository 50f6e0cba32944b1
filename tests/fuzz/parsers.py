# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parsers that apps have, for many files at once: a program of tests/proof, or a program that reads its own config."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t
from collections.abc import Callable, Sequence
from pathlib import Path

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
    place = ROOT / "build" / "proof" / "java"
    if not (place / "Parse.class").exists():
        raise Missing(f"{place} is not there: run tests/proof/install as root")
    for number, text in enumerate(texts):
        (folder / str(number)).write_bytes(text.encode("utf-8"))
    lines = "".join(f"{number} {folder / str(number)}\n" for number in range(len(texts)))
    done = subprocess.run(
        [program("java"), "-cp", str(place), "Parse"], input=lines.encode(), capture_output=True, check=True
    )
    found = {one["id"]: one for one in map(json.loads, done.stdout.decode().splitlines())}
    return [one["values"] if one["ok"] else one["error"] for one in (found[str(n)] for n in range(len(texts)))]


NATIVE: dict[str, Callable[[Sequence[str], Path], list[t.Any]]] = {
    "shell": shell,
    "postconf": postconf,
    "properties": properties,
}
