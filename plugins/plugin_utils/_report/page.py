# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as one page: no network, no code of data, complete without JavaScript.

Its parts are in ``page_parts``; here they are put together, and the data that the page's script shows is written.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import pathlib
import typing as t
from collections.abc import Iterator, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import LAYERS
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.compare import Change
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.matrix import Matrix, filters, matrix
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import STATES, Report, Row
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.page_parts import (
    Facts,
    beside,
    certificates,
    changed,
    head,
    said_first,
    shared,
    warned,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.text import text

__all__ = ("page",)

_FOLDER = pathlib.Path(__file__).parent


def page(report: Report, changes: Sequence[Change] | None, notes: Sequence[str] = ()) -> Iterator[str]:
    """The page in parts, in order. ``changes``: null where there is no report before; ``notes``: what the reader must know."""
    table = Matrix(report)
    facts = Facts(report, table)
    style = f"{_file('page.css')}\n:root {{ --n: {max(len(report.subjects), 1)}; }}\n"
    script = _file("page.js")
    yield "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
    yield f'<meta http-equiv=Content-Security-Policy content="{_policy(style, script)}">\n'
    yield '<meta name=viewport content="width=device-width, initial-scale=1">\n<meta name=referrer content=no-referrer>\n'
    yield f"<title>{text(facts.title)} – mail report</title>\n<style>{style}</style>\n</head>\n<body>\n"
    yield '<a class=skip href="#hosts">Skip to the hosts</a>\n<div class=page>\n'
    yield from head(facts, notes)
    yield "<main>\n"
    yield from shared(report)
    yield from said_first(report)
    if changes is not None:
        yield from changed(changes)
    yield "<section id=hosts aria-labelledby=hosts-title>\n<h2 id=hosts-title>Hosts</h2>\n"
    yield from filters(table)
    yield from matrix(table)
    yield "</section>\n"
    yield from warned(report)
    yield from beside(report)
    yield from certificates(report)
    yield "</main>\n<footer>Made by mailops.smtp from what the hosts themselves saw. Times are UTC.</footer>\n</div>\n"
    yield "<dialog id=detail aria-labelledby=detail-title></dialog>\n"
    yield "<script type=application/json id=data>"
    yield from _data(report, table)
    yield f"</script>\n<script>{script}</script>\n</body>\n</html>\n"


def _file(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """A Content-Security-Policy under which nothing but this very style and script counts."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none';"
        " form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )


def _hash(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


# -- the data


def _data(report: Report, table: Matrix) -> Iterator[str]:
    """The JSON that page.js reads: lists by place, what is the same for many rows once."""
    causes = sorted({row.cause for row in table.rows if row.cause})
    base = int(min((_seconds(row.time) for row in table.rows), default=0))
    pool = _Pool(report.values)
    place_of = {source: place for place, source in enumerate(table.sources)}
    yield '{"sources":' + _json([report.sources[one].label for one in table.sources])
    yield ',"subjects":' + _json(report.subjects) + ',"causes":' + _json(causes)
    yield ',"states":' + _json(STATES) + ',"layers":' + _json(LAYERS) + ',"order":' + _json(_climbs())
    yield f',"base":{base},"rows":['
    comma = ""
    for source in table.sources:
        for row in table.of[source]:
            yield comma + _json(_entry(row, place_of[source], causes, base, pool))
            comma = ","
    yield '],"values":' + _json(pool.values) + "}"


def _climbs() -> dict[str, list[str]]:
    """Each mode's layers in the order in which it climbs them. Inside implicit TLS the relay greets last."""
    layers = list(LAYERS[LAYERS.index("dns") : LAYERS.index("auth")])
    session = ("greeting", "ehlo")
    return {
        "implicit_tls": [one for one in layers if one not in (*session, "starttls")] + list(session),
        "starttls": layers,
        "cleartext": layers[: layers.index("starttls")],
    }


def _entry(row: Row, source: int, causes: list[str], base: int, pool: _Pool) -> list[t.Any]:
    """A row for page.js, which names the places."""
    return [
        source,
        -1 if row.subject is None else row.subject,
        STATES.index(row.state),
        causes.index(row.cause) if row.cause else -1,
        LAYERS.index(row.layer) if row.layer in LAYERS else -1,
        pool.of(row.message),
        pool.of(row.remedy),
        pool.of(row.steps),
        row.ms,
        row.elapsed_ms,
        pool.text(row.asked),
        pool.text(row.mode or ""),
        *map(
            pool.of,
            (row.tls, row.certificates, row.capabilities, row.addresses, row.greeting, row.findings, row.alternatives),
        ),
        int(_seconds(row.time)) - base,
        pool.of(row.groups),
    ]


class _Pool:
    """The values that the rows of the page need, each once."""

    def __init__(self, known: list[t.Any]) -> None:
        self.values: list[t.Any] = []
        self._known = known
        self._places: dict[int | str, int] = {}

    def of(self, place: int) -> int:
        """The place here of what has that place in the report."""
        return self._added(place, self._known[place])

    def text(self, word: str) -> int:
        """The place of a word."""
        return self._added(word, word)

    def _added(self, key: int | str, value: t.Any) -> int:
        if key not in self._places:
            self._places[key] = len(self.values)
            self.values.append(value)
        return self._places[key]


def _seconds(time: str) -> float:
    return datetime.datetime.fromisoformat(time).timestamp()


def _json(found: t.Any) -> str:
    """JSON that no parser of HTML can take for markup."""
    dumped = json.dumps(found, separators=(",", ":"), ensure_ascii=False)
    return dumped.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
