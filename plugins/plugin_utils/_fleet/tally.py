# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The verdicts of a run, counted, and shown as one short table.

What is counted lies in a database on disk (SQLite's own temporary file, gone when it is closed), so that the memory of
ansible-playbook does not grow with the number of hosts. Of several records on the same thing the last one counts.
"""

from __future__ import annotations

import sqlite3
import textwrap
import typing as t
from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_text

__all__ = ("Tally",)

_WIDTH = 100
# Hosts that are named in a row; the others are counted.
_NAMED = 8
_TABLES = """
PRAGMA cache_size = -512; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE seen (host TEXT, vantage TEXT, container TEXT, subject TEXT, task TEXT, run TEXT, verdict TEXT, cause TEXT,
    layer TEXT, message TEXT, remedy TEXT, instead TEXT, relay TEXT, PRIMARY KEY (host, vantage, container, subject, task)) WITHOUT ROWID;
CREATE TABLE expected (host TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE noted (host TEXT PRIMARY KEY, kind TEXT, task TEXT, message TEXT) WITHOUT ROWID;
"""
# Who looks at several ports of a relay, as the playbook probe does, wants to know which of them works.
_ONE_OF_SEVERAL = (
    "verdict = 'fails' AND relay <> '' AND EXISTS (SELECT 1 FROM seen AS other WHERE other.host = seen.host"
    " AND other.vantage = seen.vantage AND other.container = seen.container AND other.relay = seen.relay"
    " AND other.verdict = 'works')"
)
# What a host comes to: the first of these that one of its records has.
_VERDICTS = ("fails", "other_port", "broken", "unreachable", "works", "skipped", "not_asked")
_WORDS = {
    "works": "mail works",
    "other_port": "mail works on another port",
    "fails": "mail does not work",
    "broken": "no verdict, the task failed",
    "unreachable": "not reached",
    "skipped": "skipped",
    "not_asked": "never asked",
}
_ORDER = ("works", "other_port", "fails", "broken", "unreachable", "skipped", "not_asked")


class Tally:
    """Takes records, and gives the lines of the table."""

    def __init__(self) -> None:
        # An empty name: a file of SQLite's own in the system's temporary folder.
        self._base = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._base.executescript(_TABLES)
        self._base.execute("BEGIN")

    def add(self, record: Record) -> None:
        """Count one record."""
        *who, subject = record.key
        # What a host as a whole came to in another run, such as not reached, is over as soon as there is a later word.
        self._base.execute(
            "DELETE FROM seen WHERE host = ? AND subject = '' AND run <> ?",
            [printable_text(one) for one in (record.host, record.run)],
        )
        # What is about nothing that has a name is about its task.
        said = (
            *who,
            subject,
            "" if subject else record.task,
            record.run,
            _verdict(record),
            record.cause,
            record.layer,
            record.message,
            record.remedy,
            _instead(record),
            str(record.endpoint["host"]).lower() if record.kind == "probe" and record.endpoint else "",
        )
        self._base.execute(
            "INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [None if text is None else printable_text(text) for text in said],
        )

    def expect(self, hosts: Iterable[str]) -> None:
        """These hosts were to be asked."""
        self._base.executemany("INSERT OR IGNORE INTO expected VALUES (?)", ((host,) for host in hosts))

    def note(self, host: str, kind: str, task: str, message: str) -> None:
        """Why a host may not come to be asked; the last reason counts."""
        self._base.execute("INSERT OR REPLACE INTO noted VALUES (?, ?, ?, ?)", (host, kind, task, message))

    def missing(self) -> Iterator[tuple[str, str | None, str | None, str | None]]:
        """Host, kind, task and message of each host that was to be asked and has no record; then none are expected."""
        self._base.execute("DELETE FROM expected WHERE host IN (SELECT host FROM seen)")
        query = (
            "SELECT expected.host, kind, task, message FROM expected LEFT JOIN noted USING (host) ORDER BY 1 LIMIT 100"
        )
        while rows := self._base.execute(query).fetchall():
            self._base.executemany("DELETE FROM expected WHERE host = ?", [row[:1] for row in rows])
            yield from rows

    def close(self) -> None:
        """Remove the database."""
        self._base.close()

    def __bool__(self) -> bool:
        return self._one("SELECT count(*) FROM seen") > 0

    def counts(self) -> Mapping[str, int]:
        """How many hosts came to which verdict."""
        cases = " ".join(f"WHEN '{name}' THEN {n}" for n, name in enumerate(_VERDICTS))
        rank = f"CASE CASE WHEN {_ONE_OF_SEVERAL} THEN 'other_port' ELSE verdict END {cases} END"
        self._base.execute("DROP TABLE IF EXISTS temp.worst")
        self._base.execute(f"CREATE TEMP TABLE worst AS SELECT host, min({rank}) AS rank FROM seen GROUP BY host")
        found = self._base.execute("SELECT rank, count(*) FROM worst GROUP BY rank").fetchall()
        return {_VERDICTS[rank]: count for rank, count in found}

    def lines(self) -> Iterator[str]:
        """The table: hosts by verdict, then each cause once with its hosts, the remedy and what works instead."""
        counts = self.counts()
        for name in _ORDER:
            if name in counts:
                named = self._hosts("SELECT host FROM worst WHERE rank = ?", (_VERDICTS.index(name),))
                yield from _wrapped(f"{_WORDS[name]:<28}{counts[name]:>6}  ", named)
        causes = self._base.execute(
            "SELECT coalesce(cause, ''), coalesce(layer, ''), count(DISTINCT host) AS hosts FROM seen"
            " WHERE verdict IN ('fails', 'other_port') GROUP BY 1, 2 ORDER BY hosts DESC, 1"
        ).fetchall()
        for cause, layer, hosts in causes:
            yield ""
            yield from self._cause(cause, layer, hosts)

    def _cause(self, cause: str, layer: str, hosts: int) -> Iterator[str]:
        these = " FROM seen WHERE verdict IN ('fails', 'other_port') AND coalesce(cause, '') = ? AND coalesce(layer, '') = ?"
        which = (cause, layer)
        where = self._hosts(f"SELECT DISTINCT subject{these} AND subject <> ''", which, 4)
        title = f"{cause or 'no cause known'}{f' ({layer})' if layer else ''}: "
        many = "1 host" if hosts == 1 else f"{hosts} hosts"
        named = self._hosts(f"SELECT DISTINCT host{these}", which)
        yield from _wrapped(title, f"{many}{f', at {where}' if where else ''}: {named}", indent=4)
        host, message, remedy = self._base.execute(
            f"SELECT host, message, remedy{these} ORDER BY 1 LIMIT 1", which
        ).fetchone()
        for what, text in (("what", message), ("remedy", remedy)):
            if text:
                example = f" ({host})" if hosts > 1 else ""
                yield from _wrapped(f"    {what + example + ':':<10} ", text, indent=15)
        instead = self._base.execute(
            f"SELECT instead, count(DISTINCT host) AS many{these} AND instead <> '' GROUP BY 1 ORDER BY 2 DESC LIMIT 3",
            which,
        ).fetchall()
        for port, count in instead:
            yield f"    instead:   {port} works from {'this host' if hosts == 1 else f'{count} of {hosts} hosts'}"

    def _hosts(self, query: str, values: tuple[t.Any, ...], named: int = _NAMED) -> str:
        """The first names of a query, and how many more there are."""
        count = self._one(f"SELECT count(*) FROM ({query})", values)
        rows = self._base.execute(f"{query} ORDER BY 1 LIMIT ?", (*values, named + 1)).fetchall()
        names = [row[0] for row in rows][: named if count > named + 1 else None]
        return ", ".join(names) + (f" and {count - len(names)} more" if count > len(names) else "")

    def _one(self, query: str, values: tuple[t.Any, ...] = ()) -> int:
        return int(self._base.execute(query, values).fetchone()[0])


def _verdict(record: Record) -> str:
    if record.state == "asked":
        return "works" if record.ok else "other_port" if record.selected else "fails"
    return "broken" if record.state == "failed" else record.state


def _instead(record: Record) -> str:
    """The other port that was found to work, best first."""
    for one in record.alternatives:
        if one["ok"]:
            return f"port {one['port']} (secure: {str(one['secure']).lower()})"
    return ""


def _wrapped(title: str, text: str, indent: int | None = None) -> list[str]:
    margin = " " * (len(title) if indent is None else indent)
    return textwrap.wrap(text, _WIDTH, initial_indent=title, subsequent_indent=margin) or [title.rstrip()]
