# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's table put to the tools that people use today: tools/lab compare writes docs/comparison.md.

What every tool printed is kept in build/lab/compare.json; `python -m lab.compare judge` reads it again, when only the words have changed.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .network import in_namespace, require_lab
from .plan import BUILD, ROOT, RUN
from .scenario import LAYER, Row, complaints, rows
from .stage import TARGET_HOSTS, Stage
from .tools_of_today import TOOLS, Endpoint, names_the_cause, passes

__all__: list[str] = []

PAGE = ROOT / "docs" / "comparison.md"
RECORD = BUILD / "compare.json"
OURS = "smtp_endpoint_info"
# After this many seconds a person has pressed Ctrl-C. A tool with a timeout is told to stop before, so that it can say so.
PATIENCE, OWN_PATIENCE = 15, 12
HOST = TARGET_HOSTS["3.11"]
# What every tool can be told. Rows that ask for more (another trust, no verification, a source address) are left out.
COMMON = {"secure", "security", "timeout", "server_name"}
MODES = {True: "implicit_tls", False: "starttls"}

NAMED, PASSED, UNNAMED, WRONG_PASS, FALSE_ALARM, HANGS = (
    "names the cause",
    "passes",
    "fails, cause not named",
    "passes wrongly",
    "fails what is well",
    "hangs",
)
RIGHT = (NAMED, PASSED)
SHOWN = """
    implicit-on-587 starttls-on-465 drop-465 drop-answers reject-admin nothing-listens nxdomain dead-aaaa postscreen silence refuses-554 ssh http
    masked-x no-starttls starttls-454 stall-after-hello tls10-only client-certificate-13 expired self-signed untrusted no-intermediate wrong-name weak-rsa
""".split()


def security(row: Row) -> str | None:
    """The mode that a row asks for, where it is one that every tool has."""
    asked = row.ask.get("security") or MODES.get(row.ask.get("secure"))  # type: ignore[arg-type]
    return asked if asked in MODES.values() else None


def chosen() -> list[Row]:
    """The rows that every tool can be asked about, with one verdict that is right."""
    return [
        row
        for row in rows()
        if row.call == "probe"
        and security(row)
        and set(row.ask) <= COMMON
        and isinstance(row.port, int)
        and (row.causes == (None,) or None not in row.causes)
    ]


def put_to(tool: str, endpoint: dict[str, Any], implicit: bool, ca: str) -> dict[str, Any]:
    """Run a tool on the managed host's network: exit code (None when it had to be stopped), seconds, output."""
    host = str(endpoint["host"])
    command = TOOLS[tool][0](
        Endpoint(host, int(endpoint["port"]), implicit, str(endpoint.get("server_name") or host), ca, OWN_PATIENCE)
    )
    started = time.monotonic()
    pipe = subprocess.PIPE
    with subprocess.Popen(
        in_namespace(HOST.name, *command), stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, start_new_session=True
    ) as process:
        try:
            output, _errors = process.communicate(b"QUIT\r\n", timeout=PATIENCE)
            code: int | None = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            output, _errors = process.communicate()
            code = None
    return {
        "code": code,
        "seconds": round(time.monotonic() - started, 3),
        "output": output.decode(errors="replace")[-4000:],
    }


def judged(row: Row, result: dict[str, Any]) -> str:
    """How a tool did on a row."""
    code, output = result["code"], result["output"]
    if row.causes == (None,):
        return HANGS if code is None else PASSED if passes(code, output) else FALSE_ALARM
    if code is not None and passes(code, output):
        return WRONG_PASS
    if names_the_cause(row.causes, output):
        return NAMED
    return HANGS if code is None else UNNAMED


def judged_ours(row: Row, probe: dict[str, Any]) -> str:
    """The same for our own probe, by the strict rule of the lab: cause, layer, findings and time as the table wants them."""
    if (probe.get("elapsed_ms") or 0) > PATIENCE * 1000:
        return HANGS
    if not complaints(row, probe):
        return NAMED if probe["cause"] else PASSED
    if row.causes == (None,):
        return PASSED if probe.get("ok") else FALSE_ALARM
    return WRONG_PASS if probe.get("ok") else UNNAMED


def measure() -> dict[str, Any]:
    """Put every row to every tool."""
    require_lab()
    some = chosen()
    record: dict[str, Any] = {"versions": {}, "results": {}}
    with Stage(rows()).set_up() as stage, ThreadPoolExecutor(10) as pool:
        trust = json.loads((RUN / "farm.json").read_text())
        ca = RUN / "trust.pem"  # the tools get in one file what the host trusts by ca_path and by its own store
        ca.write_text(trust["ca"] + trust["system_ca"])
        found = stage.probe("2.21", {HOST.name: some})
        record["results"][OURS] = {row.name: found[HOST.name, row.name] for row in some}
        for tool, (_command, version) in TOOLS.items():
            record["versions"][tool] = (
                subprocess.run(version, capture_output=True, text=True, check=False)
                .stdout.split("\n", 1)[0]
                .split(" zlib")[0]
            )
            outcomes = pool.map(
                lambda row, tool=tool: put_to(tool, stage.endpoint(row), security(row) == "implicit_tls", str(ca)), some
            )
            record["results"][tool] = dict(zip((row.name for row in some), outcomes, strict=True))
            print(f"{tool}: done", flush=True)
    return record


class Table:
    """The verdict on every tool and row."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.tools = [*TOOLS, OURS]
        known = record["results"][OURS]
        self.rows = [row for row in chosen() if row.name in known]
        self.verdicts = {
            tool: {
                row.name: (judged_ours if tool == OURS else judged)(row, record["results"][tool][row.name])
                for row in self.rows
            }
            for tool in self.tools
        }
        self.seconds = {
            tool: {
                row.name: (result.get("elapsed_ms") or 0) / 1000 if tool == OURS else result["seconds"]
                for row in self.rows
                for result in [record["results"][tool][row.name]]
            }
            for tool in self.tools
        }

    def counts(self, tool: str, some: Iterable[Row]) -> Counter[str]:
        """How often each verdict fell."""
        return Counter(self.verdicts[tool][row.name] for row in some)


def page(record: dict[str, Any]) -> str:
    """The page in Markdown."""
    table = Table(record)
    broken = [row for row in table.rows if row.causes != (None,)]
    well = [row for row in table.rows if row.causes == (None,)]
    head = f"| {' | '.join(table.tools)} |"
    rule = "---|" * len(table.tools)
    lines = [
        INTRODUCTION.format(
            all=len(table.rows), broken=len(broken), well=len(well), patience=PATIENCE, own=OWN_PATIENCE
        ).strip(),
        "",
        "## Totals",
        "",
        f"| {head}",
        f"|---|{rule}",
    ]

    def line(title: str, value: Callable[[str], object]) -> None:
        lines.append(f"| {title} | {' | '.join(str(value(tool)) for tool in table.tools)} |")

    for title, verdict, some in (
        ("**broken: names the cause**", NAMED, broken),
        ("broken: fails, cause not named", UNNAMED, broken),
        ("broken: passes wrongly", WRONG_PASS, broken),
        (f"broken: no verdict in {PATIENCE} s", HANGS, broken),
        ("**well: passes**", PASSED, well),
        ("well: fails", FALSE_ALARM, well),
        (f"well: no verdict in {PATIENCE} s", HANGS, well),
    ):
        line(f"{title}, of {len(some)}", lambda tool, verdict=verdict, some=some: table.counts(tool, some)[verdict])
    line("seconds for all rows, one after the other", lambda tool: round(sum(table.seconds[tool].values())))
    lines += [
        "",
        "## By cause: how many are named, or pass when they are well",
        "",
        f"| layer | cause | rows {head}",
        f"|---|---|---|{rule}",
    ]
    causes: dict[str | None, list[Row]] = {}
    for row in table.rows:
        causes.setdefault(row.causes[0], []).append(row)
    for cause in [None, *LAYER]:
        if cause in causes:
            some = causes[cause]
            right = [sum(table.counts(tool, some)[verdict] for verdict in RIGHT) for tool in table.tools]
            lines.append(
                f"| {LAYER[cause] if cause else ''} | {f'`{cause}`' if cause else 'well'} | {len(some)} | {' | '.join(map(str, right))} |"
            )
    lines += _seldom(table, causes, broken)
    lines += [
        "",
        "## Seconds to the verdict: half of a layer's rows, and the slowest",
        "",
        "Where a relay never answers, each takes what it was given: the tools what stands above, the probe the row's `timeout`, mostly 3 s.",
        "",
        f"| layer | rows {head}",
        f"|---|---|{rule}",
        *_seconds(table),
    ]
    lines += ["", "## Some rows", "", f"| row | what is wrong {head}", f"|---|---|{rule}"]
    for row in table.rows:
        if row.name in SHOWN:
            cells = [f"{table.verdicts[tool][row.name]}, {table.seconds[tool][row.name]:.1f} s" for tool in table.tools]
            lines.append(f"| {row.name} | {row.fault} | {' | '.join(cells)} |")
    missed = [row.name for row in table.rows if table.verdicts[OURS][row.name] not in RIGHT]
    lines += ["", f"Rows of this run on which `{OURS}` was not right in everything: {', '.join(missed) or 'none'}."]
    lines += ["", "## Versions", "", *(f"- {tool}: {version}" for tool, version in record["versions"].items())]
    return "\n".join(lines) + "\n"


def _seldom(table: Table, causes: dict[str | None, list[Row]], broken: list[Row]) -> list[str]:
    """What even the best of the other tools seldom names, and what all of them together do."""
    seldom = []
    for cause, some in causes.items():
        best = max(sum(table.counts(tool, some)[verdict] for verdict in RIGHT) for tool in TOOLS)
        if cause and best <= len(some) / 2:
            seldom.append(f"`{cause}` ({best} of {len(some)})")
    together = sum(any(table.verdicts[tool][row.name] == NAMED for tool in TOOLS) for row in broken)
    return [
        "",
        f"Named in half of its rows or fewer by the best of the other tools: {', '.join(seldom)}.",
        f"Somebody who ran all {len(TOOLS)} of them and knew which to believe would have {together} of {len(broken)} causes.",
    ]


def _seconds(table: Table) -> list[str]:
    """A line for each layer: the median and the most that each tool took; one that hung took what it was given."""
    layers: dict[str, list[str]] = {}
    for row in table.rows:
        cause = row.causes[0]
        layers.setdefault(LAYER[cause] if cause else "", []).append(row.name)
    lines = []
    for layer in dict.fromkeys(["", *LAYER.values()]):
        if layer in layers:
            taken = [[table.seconds[tool][name] for name in layers[layer]] for tool in table.tools]
            cells = [f"{statistics.median(seconds):.1f}, {max(seconds):.1f}" for seconds in taken]
            lines.append(f"| {layer or 'well'} | {len(layers[layer])} | {' | '.join(cells)} |")
    return lines


INTRODUCTION = """
# What today's tools say about the same relays

{all} scenarios of the lab (`tests/lab/causes`), {broken} with a fault and {well} without one, put to the tools that people use today and to
`mailops.smtp.smtp_endpoint_info`, from the same host over the same network. `tools/lab compare` repeats it (root, some minutes, no packet
leaves the machine) and writes this page; what every tool printed is then in `build/lab/compare.json`.

The rules:

- Every tool was told to verify the chain against the lab's CA, and the name, where it has an option for that, and to require TLS.
  check_smtp has neither; it was run twice, for the greeting and for the days of the certificate.
- A tool with a timeout was told {own} s, so that it could speak; after {patience} s it was stopped and counts as hanging, unless it had
  already printed the cause. openssl has no timeout.
- A tool names the cause when its output, the relay's words that it shows included, has words from which a reader can tell the cause, and it
  does not pass. The words of each cause are in `tests/lab/tools_of_today.py`; a hint is enough, and where a word could mean several causes
  it counts for each of them, but for check_smtp's "Socket timeout", which is all that it says of a filtered port, a silent relay and the wrong mode.
- swaks ends with an error when the relay hangs up at QUIT; that counts as a pass.
- The collection's own verdict counts as named only when cause, layer, findings and time are all as the table wants them. The table is ours
  and the collection was developed against it: its own column shows that the table is met, not how it does on relays that it has not seen.
"""


def main(arguments: list[str]) -> None:
    """Measure, unless only to judge again, and write the page."""
    if "judge" not in arguments:
        RECORD.write_text(json.dumps(measure()), encoding="utf-8")
    PAGE.write_text(page(json.loads(RECORD.read_text(encoding="utf-8"))), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main(sys.argv[1:])
