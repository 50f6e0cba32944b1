# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of the page around the matrix: the head, causes, changes, warnings, certificates."""

from __future__ import annotations

import datetime
import urllib.parse
from collections import Counter
from collections.abc import Iterator, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import LAYERS
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.across import Statement as Shared
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.compare import Change
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.causes import (
    Statement,
    fold,
    other_ports,
    statements,
    warnings,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.chains import Leaf, leaves
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.matrix import Matrix, kind_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import Report
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.text import text

__all__ = ("Facts", "beside", "certificates", "changed", "head", "said_first", "shared", "warned")

_MOST_NAMES = 300
_OPEN_CAUSES = 12
_KIND_WORDS = {
    "works": "works",
    "attention": "works, with a warning",
    "unreachable": "not reached",
    "not_asked": "not asked",
    "no_verdict": "no verdict",
    "other": "app settings",
}


# A host without a verdict may well be able to send mail.
_UNKNOWN = {
    "unreachable": "was not reached",
    "not_asked": "was not asked",
    "no_verdict": "has no verdict",
}


class Facts:
    """The numbers of the head: hosts by what is worst of them."""

    def __init__(self, report: Report, table: Matrix) -> None:
        self.report = report
        self.kinds = Counter(kind_of(table.worst(source)) for source in table.sources)
        self.total = len(table.sources)
        self.passing = self.kinds["works"] + self.kinds["attention"]
        # Looking at several ports of one relay asks for one relay.
        self._several = any(len({row.relay or row.subject for row in rows}) > 1 for rows in table.of.values())
        self.unknown = sum(self.kinds[kind] for kind in _UNKNOWN)

    @property
    def title(self) -> str:
        """The first line."""
        if not self.total:
            return "No host is in this report"
        if self.total == 1:
            known = "can send mail" if self.passing else "cannot send mail"
            word = next((word for kind, word in _UNKNOWN.items() if self.kinds[kind]), known)
            return f"{self.report.sources[0].label} {word}"
        what = "can send mail through all of their relays" if self._several else "can send mail"
        if self.passing == self.total:
            return f"All {self.total:,} hosts can send mail"
        if self.unknown == self.total:
            return f"There is no verdict on any of {self.total:,} hosts"
        counted = f"{self.passing:,}" if self.passing else "None"
        more = f"; there is no verdict on {self.unknown:,}" if self.unknown else ""
        return f"{counted} of {self.total:,} hosts {what}{more}"


def head(facts: Facts, notes: Sequence[str]) -> Iterator[str]:
    """The verdict on the whole, and how the hosts stand."""
    report = facts.report
    count = len(report.subjects)
    asked = f"{count} endpoint{'' if count == 1 else 's'} asked for" if count else "nothing asked for"
    yield f"<header>\n<h1>{text(facts.title)}</h1>\n<p class=sub>{_span(report.first, report.last)} · {asked}</p>\n"
    for note in notes:
        yield f"<p class='sub note'><bdi>{text(note)}</bdi></p>\n"
    if facts.total > 1:
        kinds = sorted(
            facts.kinds.items(), key=lambda one: (one[0] not in ("works", "attention"), one[0] != "works", -one[1])
        )
        yield from _bar(kinds, facts.total)
        listed = "".join(
            f"<li><span class='tile x-{kind}'></span><b>{number:,}</b> {text(_KIND_WORDS.get(kind, kind))}"
            for kind, number in kinds
        )
        yield f"<ul class=legend>{listed}</ul>\n"
    yield "</header>\n"


def _bar(kinds: Sequence[tuple[str, int]], total: int) -> Iterator[str]:
    said = ", ".join(f"{number} {_KIND_WORDS.get(kind, kind)}" for kind, number in kinds)
    yield f"<svg class=bar viewBox='0 0 1000 12' preserveAspectRatio=none role=img><title>Hosts: {text(said)}</title>"
    at = 0.0
    for kind, number in kinds:
        wide = 1000 * number / total
        yield f"<rect class=x-{kind} x={at:.2f} y=0 width={max(wide - 1.5, 1.5):.2f} height=12></rect>"
        at += wide
    yield "</svg>\n"


def _span(first: str, last: str) -> str:
    if not last:
        return "no records"
    start, end = (datetime.datetime.fromisoformat(one).astimezone(datetime.UTC) for one in (first, last))
    if start.date() == end.date():
        return f"{end.day} {end:%B %Y, %H:%M} UTC"
    return f"{start.day} {start:%B %Y, %H:%M} to {end.day} {end:%B %Y, %H:%M} UTC"


# -- causes


_SURE = {"high": "almost certain", "medium": "probable", "low": "possible"}


def shared(report: Report) -> Iterator[str]:
    """What several hosts show together, and one alone cannot."""
    if not report.across:
        return
    yield "<section id=across aria-labelledby=across-title>\n<h2 id=across-title>What hosts have in common</h2>\n<div class=causes>\n"
    yield from (_shared(one) for one in report.across[:_OPEN_CAUSES])
    yield "</div>\n"
    if report.across[_OPEN_CAUSES:]:
        yield f"<details><summary>{len(report.across) - _OPEN_CAUSES} more</summary><div class=causes>\n"
        yield from (_shared(one) for one in report.across[_OPEN_CAUSES:])
        yield "</div></details>\n"
    yield "</section>\n"


def _shared(one: Shared) -> str:
    kind = one.layer if one.layer in LAYERS else "other"
    listed = "".join(f"<li><bdi>{text(each)}</bdi>" for each in one.evidence)
    against = (
        f"<details><summary>{len(one.contradicted_by):,} speak against it</summary>"
        f"<p class=names><bdi class=host>{text(fold(one.contradicted_by, _MOST_NAMES))}</bdi></p></details>\n"
        if one.contradicted_by
        else ""
    )
    count = len(one.hosts)
    return (
        f"<article class='cause x-{kind}'>\n<div class=body><h3><span class=tile></span>{text(one.code.replace('_', ' '))}"
        f" <span class=sure>{_SURE[one.confidence]}</span></h3>\n<p><bdi>{text(one.statement)}</bdi></p>\n"
        f"<p class=do><b>What to do:</b> <bdi>{text(one.remedy)}</bdi></p>\n<div class=more>\n"
        f"<details><summary>Evidence</summary><ul>{listed}</ul></details>\n{_names(one.hosts)}{against}"
        f"</div></div>\n<p class=much><b>{count:,}</b> host{'' if count == 1 else 's'}</p>\n</article>\n"
    )


def said_first(report: Report) -> Iterator[str]:
    """Why it fails: each cause once."""
    found = statements(report)
    if not found:
        words = "Nothing fails." if report.subjects else "Nothing was asked."
        yield f"<section id=causes aria-label=Causes>\n<div class=fine><span class='tile x-works'></span><p>{words}</p></div>\n</section>\n"
        return
    yield "<section id=causes aria-labelledby=causes-title>\n<h2 id=causes-title>Why it fails</h2>\n"
    yield "<div class=causes>\n"
    yield from (_cause(one) for one in found[:_OPEN_CAUSES])
    yield "</div>\n"
    if found[_OPEN_CAUSES:]:
        yield f"<details><summary>{len(found) - _OPEN_CAUSES} more causes</summary><div class=causes>\n"
        yield from (_cause(one) for one in found[_OPEN_CAUSES:])
        yield "</div></details>\n"
    yield "</section>\n"


def _cause(one: Statement) -> str:
    kind = one.layer or (one.code if one.code in _KIND_WORDS else "other")
    title = _KIND_WORDS.get(one.code, one.code.replace("_", " "))
    count = len(one.hosts)
    parts = [
        f"<article class='cause x-{kind}'>\n<div class=body><h3><span class='tile x-{kind}'></span>{text(title)}"
        + (f" <bdi class=host>{text(one.subject)}</bdi>" if one.subject else "")
        + f"</h3>\n<p><bdi>{text(one.message)}</bdi></p>\n"
    ]
    if one.remedy:
        parts.append(f"<p class=do><b>What to do:</b> <bdi>{text(one.remedy)}</bdi></p>\n")
    if one.instead:
        parts.append(f"<p><b>Works instead:</b> <bdi>{text('; '.join(one.instead))}</bdi></p>\n")
    parts.append("<div class=more>\n")
    if one.evidence:
        listed = "".join(f"<li><bdi>{text(each)}</bdi>" for each in one.evidence)
        parts.append(f"<details><summary>Evidence</summary><ul>{listed}</ul></details>\n")
    parts.append(_names(one.hosts))
    parts.append(f"</div></div>\n<p class=much><b>{count:,}</b> host{'' if count == 1 else 's'}")
    if one.works_from:
        parts.append(f"<span>works from {one.works_from:,}</span>")
    if count > 1:
        wanted = {"cause": one.code, **({"relay": one.subject} if one.layer and ", " not in one.subject else {})}
        link = f"<a class=show href='#{text(urllib.parse.urlencode(wanted))}'>show in the table</a>"
        parts.append(link)
    return "".join([*parts, "</p>\n</article>\n"])


def _names(hosts: Sequence[str]) -> str:
    if len(hosts) <= 5:
        return f"<p class=names><bdi class=host>{text(', '.join(hosts))}</bdi></p>\n"
    return (
        f"<details><summary>{text(hosts[0])} and {len(hosts) - 1:,} more</summary>"
        f"<p class=names><bdi class=host>{text(fold(hosts, _MOST_NAMES))}</bdi></p></details>\n"
    )


def warned(report: Report) -> Iterator[str]:
    """What works, and should be seen all the same."""
    yield from _seen("warnings", "Works, and should be seen", "attention", warnings(report))


def beside(report: Report) -> Iterator[str]:
    """What was looked at and does not work, while mail works all the same."""
    title = "Ports that do not work, of relays where another one does"
    yield from _seen("ports", title, "other_port", other_ports(report))


def _seen(name: str, title: str, kind: str, found: Sequence[Statement]) -> Iterator[str]:
    if not found:
        return
    yield f"<section id={name} aria-labelledby={name}-title>\n<h2 id={name}-title>{title}</h2>\n<div class=causes>\n"
    yield from (_cause(one._replace(layer=kind)) for one in found[:_OPEN_CAUSES])
    yield "</div>\n"
    if found[_OPEN_CAUSES:]:
        yield f"<details><summary>{len(found) - _OPEN_CAUSES} more</summary><div class=causes>\n"
        yield from (_cause(one._replace(layer=kind)) for one in found[_OPEN_CAUSES:])
        yield "</div></details>\n"
    yield "</section>\n"


# -- changes


_CHANGES = {
    "broke": "broke",
    "other_cause": "another cause",
    "healed": "healed",
    "appeared": "new",
    "gone": "no longer asked",
    "no_verdict": "no verdict",
}


def changed(changes: Sequence[Change]) -> Iterator[str]:
    """What is another than in the report before; the same change of many hosts is one line of ``changes``."""
    yield "<section id=changes aria-labelledby=changes-title>\n<h2 id=changes-title>Since the report before</h2>\n"
    if not changes:
        yield "<div class=fine><span class='tile x-works'></span><p>Nothing has changed.</p></div>\n</section>\n"
        return
    yield (
        "<table class='plain changes' aria-labelledby=changes-title><thead><tr><th scope=col>What<th scope=col>Endpoint<th scope=col class=wide>Was"
        "<th scope=col>Is<th scope=col>Hosts</thead><tbody>\n"
    )
    for one in changes:
        yield (
            f"<tr><td><b>{text(_CHANGES.get(one.kind) or one.other)}</b><td><bdi>{text(one.subject)}</bdi>"
            f"<td class=wide><bdi>{text(one.before.replace('_', ' ') or '–')}</bdi>"
            f"<td><bdi>{text(one.now.replace('_', ' ') or '–')}</bdi><td><bdi>{text(fold(one.hosts))}</bdi>\n"
        )
    yield "</tbody></table>\n</section>\n"


# -- certificates


def certificates(report: Report) -> Iterator[str]:
    """Every relay's certificate with its days left; the one that ends first stands first."""
    found = leaves(report)
    if not found:
        return
    yield (
        "<section id=certificates aria-labelledby=certificates-title>\n<h2 id=certificates-title>Certificates</h2>\n"
        "<table class=plain aria-labelledby=certificates-title><thead><tr><th scope=col>Name<th scope=col class=wide>Relays<th scope=col>Until"
        "<th scope=col class=number>Days left<th scope=col><span class=vh>As a picture, up to a year</span></thead><tbody>\n"
    )
    for one in found[:200]:
        yield (
            f"<tr><td><bdi>{text(one.name)}</bdi><td class=wide><bdi>{text(fold(one.subjects, 4))}</bdi><td>{text(one.until)}"
            f"<td class=number>{one.days_left:,}<td>{_days(one)}\n"
        )
    yield "</tbody></table>\n"
    if len(found) > 200:
        yield f"<p class=sub>and {len(found) - 200:,} more that end later</p>\n"
    yield "</section>\n"


def _days(one: Leaf) -> str:
    state = "over" if one.days_left < 0 else "soon" if one.days_left < 14 else "left"
    wide = 100 if one.days_left < 0 else max(min(one.days_left, 365) / 3.65, 1)
    return (
        "<svg class=days viewBox='0 0 100 5' preserveAspectRatio=none aria-hidden=true><rect class=all width=100 height=5></rect>"
        f"<rect class={state} width={wide:.1f} height=5></rect></svg>"
    )
