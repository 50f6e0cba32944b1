# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
The report's page in a real browser: pictures to look at, the walk by keys, hostile texts, and how fast it is.

tools/screenshots runs it; pictures and figures are put into the folder that SCREENSHOTS names.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import pathlib
import typing as t
from collections.abc import Iterable, Iterator

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.compare import compare
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.page import page

from tests.support.browser import Browser, Page
from tests.support.firefox import Firefox
from tests.support.fleet import Fleet
from tests.support.report_records import HOSTILE, PLAN, chains, hostile, report_of, small_fleet

SMALL = small_fleet()


def broken() -> list[Record]:
    """Every fault in turn, on every endpoint."""
    faults = [
        "filtered",
        "refused",
        "own firewall",
        "relay unknown",
        "expired",
        "untrusted",
        "wrong clock",
        "too many",
        "reset",
    ]
    turn = itertools.cycle(faults)
    return list(Fleet(chains(), 24, 3).plant(lambda _host, _endpoint: next(turn)).records())


def fleet(hosts: int) -> Iterator[Record]:
    """As many hosts with five endpoints, one in eight with a fault. Few are made, the rest are copies under other names."""
    made: dict[str, list[Record]] = {}
    for record in (
        Fleet(chains(), 400, 5)
        .plant(lambda host, one: PLAN.get(f"h{int(host.name[1:]) % 80:05}") if one.port == 465 else None)
        .records()
    ):
        made.setdefault(record.host, []).append(record)
    models = list(made.values())
    for number in range(hosts):
        name = f"app{number:05}.example.com"
        for record in models[number % len(models)]:
            yield dataclasses.replace(record, host=name, vantage={**record.vantage, "host": name})


FLEETS: dict[str, t.Callable[[], Iterable[Record]]] = {
    "several": lambda: SMALL,
    "one host": lambda: SMALL[2:4],
    "no fault": lambda: small_fleet(40, 3, {})[:-3],
    "all broken": broken,
    "many endpoints": lambda: Fleet(chains(), 30, 14).records(),
    "hostile": lambda: [
        *(hostile(one, f"{evil}{number}") for number, evil in enumerate(HOSTILE) for one in (SMALL[0], SMALL[2], SMALL[8])),
        # Names that every object of JavaScript has.
        *(hostile(SMALL[2], evil) for evil in ("__proto__", "constructor", "toString")),
        # One host with so many relays that they stand in a list.
        *(dataclasses.replace(hostile(SMALL[2], evil), host="many", vantage={"host": "many"}) for evil in HOSTILE),
    ],
    "1000 hosts": lambda: fleet(1000),
    "10000 hosts": lambda: fleet(10000),
}  # fmt: skip


@pytest.fixture(scope="session")
def pictures() -> pathlib.Path:
    """Where pictures and figures go."""
    folder = pathlib.Path(os.environ["SCREENSHOTS"])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def pages(pictures: pathlib.Path) -> dict[str, pathlib.Path]:
    """A page of each fleet."""
    found = {}
    for name, records in FLEETS.items():
        report = report_of(records())
        before = report_of(small_fleet(plan={"h00001": "works", "h00000": "filtered"})) if name == "several" else None
        found[name] = pictures / f"{name.replace(' ', '-')}.html"
        with found[name].open("w", encoding="utf-8") as file:
            file.writelines(page(report, compare(before.entries, report.entries) if before else None))
    return found


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One for all tests: Chromium, or Firefox where BROWSER says so."""
    kind = {"chromium": Browser, "firefox": Firefox}[os.environ.get("BROWSER", "chromium")]
    with kind(tmp_path_factory.mktemp("browser")) as found:
        yield t.cast(Browser, found)


SIZES = {
    "desktop": {"width": 1280, "height": 900},
    "phone": {"width": 390, "height": 844, "phone": True},
    "dark": {"width": 1280, "height": 900, "dark": True},
    "plain": {"width": 1280, "height": 900, "script": False},
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", FLEETS)
def test_it_fits_and_the_browser_has_no_complaint(
    browser: Browser, pages: dict[str, pathlib.Path], pictures: pathlib.Path, name: str, size: str
) -> None:
    one = browser.page(**SIZES[size])  # type: ignore[arg-type]
    one.open(pages[name])
    one.shot(pictures / f"{name.replace(' ', '-')}-{size}.png")
    assert one.complaints() == []
    if size != "plain":
        width = SIZES[size]["width"]
        assert one.run("document.documentElement.scrollWidth") <= width
        assert one.run("document.title").endswith("mail report")
        one.run("document.querySelector('#hosts').scrollIntoView()")
        one.run("new Promise(done => setTimeout(done, 300))")
        one.shot(pictures / f"{name.replace(' ', '-')}-{size}-hosts.png")
    one.close()


def test_a_cell_opens_by_keys_and_gives_the_focus_back(
    browser: Browser, pages: dict[str, pathlib.Path], pictures: pathlib.Path
) -> None:
    one = browser.page(1280, 900)
    one.open(pages["several"])
    assert one.run("document.querySelectorAll('#matrix button[tabindex=\"0\"]').length") == 1
    one.run("document.querySelector('#matrix button[tabindex=\"0\"]').focus()")
    for key, host in (("ArrowDown", 1), ("ArrowDown", 2), ("ArrowUp", 1), ("ArrowRight", 1), ("ArrowLeft", 1)):
        one.key(key)
        assert (
            one.run("[...document.querySelectorAll('#matrix tbody tr')].indexOf(document.activeElement.closest('tr'))")
            == host
        )
    one.key("Enter")
    assert one.run("document.getElementById('detail').open")
    title, name = one.run(
        "[document.getElementById('detail-title').textContent, document.querySelectorAll('#matrix tbody th')[1].textContent.trim()]"
    )
    assert title.startswith(name)
    assert one.run("document.querySelectorAll('dialog svg.picture').length") >= 1
    one.shot(pictures / "detail.png")
    one.key("Escape")
    assert not one.run("document.getElementById('detail').open")
    assert one.run("document.activeElement.closest('tr') === document.querySelectorAll('#matrix tbody tr')[1]")
    for fragment, count in (
        ("#cause=connection_timeout", 2),
        ("#state=unreachable", 1),
        ("#text=h0000", 10),
        ("#group=odd", 3),
        ("#cause=none", 15),
    ):
        one.run(f"location.hash = '{fragment}'; new Promise(done => setTimeout(done, 100))")
        assert one.run("[...document.querySelectorAll('#matrix tbody tr')].filter(tr => !tr.hidden).length") == count, (
            fragment
        )
    assert one.complaints() == []


def test_every_cell_of_every_fleet_opens(browser: Browser, pages: dict[str, pathlib.Path]) -> None:
    for name in ("several", "one host", "all broken", "many endpoints", "hostile"):
        one = browser.page(1280, 900)
        one.open(pages[name])
        one.run("document.querySelectorAll('.some').forEach(one => one.scrollIntoView())")
        cells = one.run("document.querySelectorAll('#matrix button').length")
        # A few at a time: a browser on a busy machine needs long for hundreds.
        found = [
            length
            for first in range(0, cells, 20)
            for length in one.run(
                "(() => { const said = [];"
                f" for (const cell of [...document.querySelectorAll('#matrix button')].slice({first}, {first + 20})) {{ cell.click();"
                " said.push(document.getElementById('detail').textContent.length); document.getElementById('detail').close(); } return said; })()"
            )
        ]
        assert found and all(length > 30 for length in found)
        assert one.run("document.querySelectorAll('dialog script, dialog img, dialog a').length") == 0
        assert one.complaints() == [], name


def test_hostile_texts_are_texts(browser: Browser, pages: dict[str, pathlib.Path]) -> None:
    one = browser.page(1280, 900)
    one.open(pages["hostile"])
    assert one.run("document.querySelectorAll('script').length") == 2
    assert (
        one.run(
            "document.querySelectorAll('img, iframe, object, embed, form[action], [onload], [onerror], [onmouseover], base, link, math, [srcdoc]').length"
        )
        == 0
    )
    odd = one.run(
        "[...document.body.innerText].filter(char => /[\\u202a-\\u202e\\u2066-\\u2069\\u200b\\ufeff\\u001b]/.test(char)).length"
    )
    assert odd == 0


FOCUSED = """(() => {
  const one = document.activeElement; if (!one || one === document.body) return null;
  const style = getComputedStyle(one), box = one.getBoundingClientRect(), behind = window.behind; window.behind = one;
  return { what: one.outerHTML.slice(0, 80), after: !behind || !!(behind.compareDocumentPosition(one) & 4),
    seen: box.width > 0 && box.height > 0 && box.top >= 0 && box.top < innerHeight, ring: style.outlineStyle !== 'none' };
})()"""
_NAMED = ("link", "button", "columnheader", "rowheader", "table", "image", "heading", "region", "DisclosureTriangle")


@pytest.mark.parametrize("name", ["hostile", "one host", "no fault", "all broken", "1000 hosts"])
def test_without_scripts_it_is_a_table_for_keys_and_screen_readers(
    browser: Browser, pages: dict[str, pathlib.Path], name: str
) -> None:
    one = browser.page(1280, 900, script=False)
    one.open(pages[name])
    rows = one.run("document.querySelectorAll('.matrix tbody th').length")
    assert rows > 0
    if not isinstance(browser, Firefox):  # which does not show its accessibility tree from outside
        nodes = [node for node in one.command("Accessibility.getFullAXTree")["nodes"] if not node.get("ignored")]
        named = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes]
        assert [pair for pair in named if pair[0] in _NAMED and not pair[1].strip()] == []
        assert not any(char in text for _role, text in named for char in "\u202a\u202e\u2066\u2069\u200b\ufeff\x1b")
        assert sum(role == "rowheader" for role, _text in named) >= min(200, rows)
    walked = []
    while len(walked) < 60:
        one.key("Tab")
        found = one.run(FOCUSED)
        if found is None:
            break
        walked.append(found)
    assert walked and [step for step in walked if not (step["after"] and step["seen"] and step["ring"])] == []
    assert one.complaints() == []
    one.close()


SCROLL = """new Promise(done => {
  const times = []; const start = performance.now(); let last = start;
  scrollTo({ top: document.getElementById('matrix').offsetTop, behavior: 'instant' });
  const next = () => {
    const now = performance.now(); times.push(now - last); last = now; scrollBy({ top: 120, behavior: 'instant' });
    if (now - start < 2500) return requestAnimationFrame(next);
    times.sort((a, b) => a - b);
    done({ frames: times.length, median: times[times.length >> 1], p95: times[Math.floor(times.length * .95)], y: Math.round(scrollY) });
  };
  requestAnimationFrame(next);
})"""
FILTER = """(() => {
  const start = performance.now(); const form = document.getElementById('filters'); form.elements.cause.value = 'connection_timeout';
  form.dispatchEvent(new Event('input', { bubbles: true })); document.body.offsetHeight; return performance.now() - start;
})()"""


def measured(one: Page, path: pathlib.Path) -> dict[str, t.Any]:
    """Seconds to load and paint, frames while scrolling, milliseconds of the first filter."""
    seconds = one.open(path)
    return {
        "load_s": round(seconds, 2),
        "scroll": one.run(SCROLL),
        "filter_ms": round(one.run(FILTER)),
        "size_mb": round(path.stat().st_size / 1e6, 2),
    }


def test_a_large_fleet_opens_and_scrolls(
    browser: Browser, pages: dict[str, pathlib.Path], pictures: pathlib.Path
) -> None:
    """The promise is 1,000 hosts in 2 s. Where the machine is busy the best of three counts."""
    figures = {}
    for name in ("1000 hosts", "10000 hosts"):
        tries = [measured(browser.page(1280, 900), pages[name]) for _try in range(3)]
        figures[name] = min(tries, key=lambda one: one["load_s"])
    (pictures / "figures.json").write_text(json.dumps(figures, indent=1))
    print(json.dumps(figures, indent=1))
    assert figures["1000 hosts"]["load_s"] < 2
    assert figures["10000 hosts"]["load_s"] < 6
    # Smooth: half of the frames come at the screen's pace.
    assert min(figures[name]["scroll"]["median"] for name in figures) < 34
