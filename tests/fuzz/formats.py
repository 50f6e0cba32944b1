# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Edit made-up config files, and let the parser that the app itself has read them: before, and after.

    tools/fuzz-formats [NUMBER] [--seed N] [TARGET]...        NUMBER files a target, 20,000 by default

What was wanted has to be there as it was meant, and all else as the parser found it before. A file that the parser refuses as
it is, and a change that ours refuses, are counted. systemd's reader of an EnvironmentFile is not among them: it is only to be
had in a running systemd.
"""

from __future__ import annotations

import argparse
import functools
import random
import re
import sys
import tempfile
import typing as t
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import CARRIERS, load_carrier
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import (
    FORMAT_NAMES,
    FormatError,
    as_text,
    load_format,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.pattern import PatternError

from tests.fuzz.parsers import parse
from tests.fuzz.texts import KEYS, SECTIONS, TEXTS, value
from tests.support.process import Missing

__all__ = ["QUICK", "TARGETS", "Tally", "Target", "fuzz"]

AT_ONCE = 1000  # files that one process of a parser gets


@dataclass(frozen=True)
class Target:
    """A format in a dialect, and the parser that reads it: a program of tests/proof with its name for the parser."""

    name: str
    text: str
    format: str
    dialect: str
    program: str
    parser: str


TARGETS = (
    *(
        Target(f"dotenv-{dialect}", "dotenv", "dotenv", dialect, program, parser)
        for dialect, program, parser in (
            ("node", "node", "node"),
            ("python", "django52", "python"),
            ("compose", "go", "compose"),
            ("php", "php", "php"),
            ("symfony", "php-sid", "symfony"),
            ("ruby", "ruby-sid", "ruby"),
            ("shell", "native", "shell"),
        )
    ),
    Target("ini-gitea", "ini", "ini", "gitea", "go", "gitea"),
    Target("ini-grafana", "ini", "ini", "grafana", "go", "grafana"),
    Target("yaml-js", "yaml", "yaml", "", "node", "yaml"),
    Target("yaml-go", "yaml", "yaml", "", "go", "yaml"),
    Target("yaml-python", "yaml", "yaml", "", "django52", "pyyaml"),
    Target("yaml-java", "yaml", "yaml", "", "native", "snakeyaml"),
    Target("json", "json", "json", "", "node", "json"),
    Target("properties", "properties", "properties", "", "native", "properties"),
    Target("php-array", "array", "php", "array", "php", "array"),
    Target("php-define", "define", "php", "define", "php", "define"),
    Target("ruby-gitlab", "gitlab", "ruby", "gitlab", "ruby", "gitlab"),
    Target("ruby-rails", "rails", "ruby", "rails", "ruby", "rails"),
    Target("ruby-mapping", "rails-mapping", "ruby", "rails", "ruby", "rails"),
    Target("python", "python", "python", "", "django52", "assignments"),
    Target("postfix", "postfix", "postfix", "", "native", "postconf"),
    Target("yaml-ruby", "yaml", "yaml", "", "ruby", "psych"),
    Target("compose", "compose", "compose", "", "go", "service"),
    Target("kubernetes", "kubernetes", "kubernetes", "", "go", "manifest"),
    Target("systemd-unit", "unit", "systemd", "", "native", "units"),
    Target("systemd-file", "dotenv", "dotenv", "systemd", "native", "environment-d"),
    Target("toml", "toml", "toml", "", "django52", "toml"),
    Target("xml", "xml", "xml", "", "native", "elements"),
    Target("msmtprc", "msmtprc", "msmtprc", "", "native", "msmtp"),
    Target("jenkins", "yaml", "yaml", "", "native", "casc"),
    Target("ssmtp", "ssmtp", "keyvalue", "ssmtp", "native", "ssmtp"),
    Target("dma", "dma", "keyvalue", "dma", "native", "dma"),
    Target("nullmailer", "remotes", "line", "nullmailer", "native", "nullmailer"),
)
# Formats whose values are all texts, those that hold no line break, and those that no value is empty for their parsers in.
_TEXTS = ("dotenv", "ini", "properties", "postfix", "compose", "kubernetes", "unit", "msmtprc", "xml")
_TEXTS += ("ssmtp", "dma", "remotes")
_ONE_LINE = ("ini", "postfix", "unit", "msmtprc", "ssmtp", "dma", "remotes")
# Those whose parsers are there for other tests anyway, and how many files CI tries with them. A program takes its time.
QUICK = {"dotenv-node": 150, "dotenv-shell": 150, "yaml-js": 150, "json": 150, "python": 150, "postfix": 150}
QUICK |= {"ssmtp": 20, "dma": 10, "nullmailer": 20}


# msmtp and dma show nothing of others without it, and sSMTP always has one.
_ALWAYS = (("host",), ("mailhub",), ("SMARTHOST",))


@dataclass
class Tally:
    """How it went: files that were right, refused by us, or refused by the parser as they were; and what was wrong."""

    right: int = 0
    refused: int = 0
    unread: int = 0
    wrong: list[str] = None  # type: ignore[assignment]


@dataclass(frozen=True)
class _Case:
    before: str
    after: str
    wanted: dict[tuple[str, ...], t.Any]
    gone: tuple[tuple[str, ...], ...]
    # What the app shall find, where that is not what is written.
    meant: dict[tuple[str, ...], t.Any]


def fuzz(target: Target, number: int, seed: int) -> Tally:
    """Try so many files. Raises Missing when the parser is not installed."""
    tally = Tally(wrong=[])
    dice = random.Random(f"{seed} {target.name}")
    while number > 0:
        cases = [case for _n in range(min(number, AT_ONCE)) if (case := _case(target, dice, tally))]
        number -= AT_ONCE
        with tempfile.TemporaryDirectory(prefix="mailops-fuzz-") as folder:
            found = parse(
                target.program, target.parser, [one for case in cases for one in (case.before, case.after)], folder
            )
        for case, before, after in zip(cases, found[::2], found[1::2], strict=True):
            _judge(target, case, before, after, tally)
    return tally


def _case(target: Target, dice: random.Random, tally: Tally) -> _Case | None:
    before = TEXTS[target.text](dice)
    section = SECTIONS.get(target.text, ())
    keys = [(*section, name) for name in KEYS[target.text]]
    typed = target.text not in _TEXTS
    breaks = target.text not in _ONE_LINE
    wanted = {
        key: dice.choice([465, True, False]) if typed and dice.random() < 0.3 else value(dice, breaks)
        for key in keys
        if dice.random() < 0.6
    }
    if target.text == "postfix":
        # postconf shows a row of blanks as one, and an empty value as the default.
        wanted = {key: " ".join(str(one).split()) or "x" for key, one in wanted.items()}
    if target.parser in ("environment-d", "msmtp"):
        # The one puts variables in, which an EnvironmentFile does not, and forgets what is empty; the other shows no
        # empty value.
        wanted = {key: str(one).replace("$", "S") or "x" for key, one in wanted.items()}
    if target.parser == "msmtp" and not wanted:
        # Where nothing is written, what msmtp's defaults say to all accounts may stay.
        wanted = {keys[0]: "x"}
    gone = tuple(key for key in keys if key not in wanted and dice.random() < 0.5 and key not in _ALWAYS)
    try:
        wanted, meant = _of_app(target, dice, wanted)
        if target.format in CARRIERS and target.format not in FORMAT_NAMES:
            variables = {key[0]: one for key, one in wanted.items()}
            after = load_carrier(target.format).edit(before, variables, [key[0] for key in gone], "app", "compose")
        else:
            after = load_format(target.format).edit(before, wanted, gone, target.dialect)
    except (FormatError, PatternError):
        tally.refused += 1
        return None
    if target.parser == "nullmailer":
        # Of the whole line nothing stays.
        gone = (("starttls",), ("insecure",), ("auth-login",))
    return _Case(before, after, wanted, gone, meant)


def _of_app(
    target: Target, dice: random.Random, wanted: dict[tuple[str, ...], t.Any]
) -> tuple[dict[tuple[str, ...], t.Any], dict[tuple[str, ...], t.Any]]:
    """What is written, and what the app shall find: the same, but where the app has a language inside its values."""
    if target.parser == "casc":
        texts = {key: _spelt("jenkins", {"password": one}) for key, one in wanted.items() if isinstance(one, str)}
        return {**wanted, **texts}, wanted
    if target.parser == "nullmailer":
        names = {"host": "r.example", "port": dice.randint(1, 65535), "username": value(dice, False)}
        names |= {"password": value(dice, False), "tls": " --ssl", "insecure": "", "login_word": ""}
        meant = {("host",): "r.example", ("port",): str(names["port"]), ("ssl",): ""}
        meant |= {("user",): names["username"], ("pass",): names["password"]}
        return {("line",): _spelt("nullmailer", names)}, meant
    if target.parser == "ssmtp":
        # No blank, = or # can be written there; half of the values have none.
        few = {key: re.sub(r"[\s=#]", "", str(one)) or "x" for key, one in wanted.items()}
        wanted = few if dice.random() < 0.7 else wanted
        fixed = {
            "UseTLS": dice.choice(["YES", "NO"]),
            "mailhub": f"r{dice.randint(1, 9)}.example:{dice.randint(1, 65535)}",
        }
        wanted = {key: fixed.get(key[0], one) for key, one in wanted.items()}
    if target.parser == "dma":
        # It takes these apart: a path begins with a slash, and an empty value is none.
        few = {key: str(one).replace("#", "") for key, one in wanted.items()}
        wanted = few if dice.random() < 0.7 else wanted
        # Port 25 is what it takes by itself, and does not show.
        shapes = {"PORT": str(dice.randint(26, 65535)), "MASQUERADE": "x{}@x{}"}
        wanted = {
            key: shapes.get(key[0], "x{}").replace("{}", str(one).replace("@", "")) for key, one in wanted.items()
        }
    return wanted, wanted


_form = functools.lru_cache(lambda app: load_descriptor(app).forms["file"])


def _spelt(app: str, names: dict[str, t.Any]) -> t.Any:
    """The value of the descriptor's key that holds the password. Raises PatternError."""
    form = _form(app)
    key = next(one for one in form.keys if "password" in one.names)
    return key.patterns[0].write(names, form.booleans)


def _judge(target: Target, case: _Case, before: t.Any, after: t.Any, tally: Tally) -> None:
    if isinstance(before, str) or before is None or after is None:
        tally.unread += 1
        return
    problem = _problem(target, case, before, after)
    if problem:
        tally.wrong.append(f"{problem}\n--- before\n{case.before!r}\n--- after\n{case.after!r}")
    else:
        tally.right += 1


def _problem(target: Target, case: _Case, before: t.Any, after: t.Any) -> str:
    if isinstance(after, str):
        return f"the parser refuses it: {after}"
    typed = target.text not in _TEXTS
    # Ruby's parser gives what stands below the section.
    cut = len(SECTIONS[target.text]) if target.format == "ruby" else 0
    for key, meant in case.meant.items():
        path = key[cut:]
        found = _get(after, path)
        if found != (meant if typed else as_text(meant)) or isinstance(found, bool) != (
            typed and isinstance(meant, bool)
        ):
            return f"{'.'.join(key)} is {found!r} and not {meant!r}"
    managed = [key[cut:] for key in (*case.meant, *case.gone)]
    rests = [_without(one, managed) or None for one in (before, after)]
    if rests[0] != rests[1]:
        return f"others changed: {rests[0]!r} to {rests[1]!r}"
    left = [key for key in case.gone if _get(after, key[cut:]) is not _NONE]
    return f"{'.'.join(left[0])} is still there" if left else ""


_NONE = object()


def _get(found: t.Any, path: Sequence[str]) -> t.Any:
    for name in path:
        if not isinstance(found, dict) or name not in found:
            return _NONE
        found = found[name]
    return found


def _without(found: t.Any, paths: Sequence[Sequence[str]]) -> t.Any:
    """All but these keys; a mapping that is empty then counts as none."""
    if not isinstance(found, dict):
        return found
    rest = {}
    for name, one in found.items():
        below = [path[1:] for path in paths if path[0] == name]
        if any(not path for path in below):
            continue
        one = _without(one, below) if below else one
        if one not in ({}, None) or not below:
            rest[name] = one
    return rest


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="tools/fuzz-formats", description="Edit files and let the apps' parsers read them."
    )
    parser.add_argument("number", nargs="?", type=int, default=20_000, help="files a target")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(one.name for one in TARGETS))
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    status = 0
    for target in TARGETS:
        if options.targets and target.name not in options.targets:
            continue
        try:
            tally = fuzz(target, options.number, options.seed)
        except Missing as error:
            print(f"{target.name}: not tried: {error}")
            continue
        counts = f"{tally.right} right, {tally.refused} refused, {tally.unread} not read as they were"
        print(f"{target.name}: {counts}, {len(tally.wrong)} wrong", flush=True)
        for words in tally.wrong[:3]:
            print(words)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
