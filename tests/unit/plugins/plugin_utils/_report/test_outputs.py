# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every output, of a small fleet and of one in which every text means harm."""

from __future__ import annotations

import base64
import csv
import dataclasses
import datetime
import hashlib
import html.parser
import io
import json
import pathlib
import re
import typing as t
import xml.etree.ElementTree as ET

import jsonschema
import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import LAYERS
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.compare import Change, compare
from ansible_collections.mailops.smtp.plugins.plugin_utils._report import as_json as json_module
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.as_csv import COLUMNS
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.as_table import short_table
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.chains import leaves
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.formats import FORMATS, Told
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import Report

from tests.support.report_records import HOSTILE, hostile, hostile_others, report_of, small_fleet, without_verdict

RECORDS = small_fleet()
EVIL = [
    hostile(record, f"{evil}{number}")
    for number, evil in enumerate(HOSTILE)
    for record in (RECORDS[0], RECORDS[2], RECORDS[8])
]
EVIL += [one for number, evil in enumerate(HOSTILE) for one in hostile_others(RECORDS[0], f"{evil}{number}")]


def changes(before: Report, now: Report) -> list[Change]:
    return compare(before.entries, now.entries)


def told(kind: str) -> Told:
    """Reports of all kinds, with and without one before."""
    if kind == "empty":
        return Told(Report(), None, ())
    if kind == "first":
        return Told(report_of(RECORDS), None, ())
    if kind == "many endpoints":
        return Told(report_of(small_fleet(4, 12)), (), ())
    if kind == "hostile":
        now = report_of(EVIL)
        return Told(now, changes(report_of([*EVIL[:20], *RECORDS]), now), HOSTILE)
    return Told(
        report_of(RECORDS), changes(report_of(small_fleet(plan={"h00001": "works"})), report_of(RECORDS)), ("a note",)
    )


KINDS = ("empty", "first", "second", "many endpoints", "hostile")
TOLD = {kind: told(kind) for kind in KINDS}


def made(name: str, kind: str) -> str:
    return "".join(FORMATS[name].made(TOLD[kind]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FORMATS)
def test_all_is_printable(name: str, kind: str) -> None:
    text = made(name, kind)
    assert text
    odd = {char for char in text.replace("\n", "").replace("\r\n", "") if not char.isprintable()} - {"\r"}
    assert not odd
    text.encode("utf-8")


# -- the page


class Seen(html.parser.HTMLParser):
    """What a browser would make of the page: its tags, their attributes, texts, scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self.text = ""
        self._inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in self.raw:
            self._inside = tag
            self.raw[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.raw[self._inside][-1] += data
        else:
            self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")


def seen(kind: str) -> Seen:
    found = Seen()
    found.feed(made("html", kind))
    found.close()
    return found


TAGS = set(
    "html head meta title style body a div header h1 h2 h3 p b br bdi svg rect ul li main section article b span details summary table"
    " caption colgroup col thead tbody tr th td form label input select option button output footer dialog script".split()
)
ATTRIBUTES = set(
    "lang charset http-equiv content name class href id role aria-labelledby aria-label aria-hidden viewbox preserveaspectratio x y width"
    " height hidden type placeholder autocomplete value title scope colspan".split()
)


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_has_no_tag_attribute_or_script_but_its_own(kind: str) -> None:
    page = seen(kind)
    assert {tag for tag, _attributes in page.tags} <= TAGS
    assert {name for _tag, attributes in page.tags for name in attributes} <= ATTRIBUTES
    links = [attributes["href"] or "" for _tag, attributes in page.tags if "href" in attributes]
    assert all(link.startswith("#") for link in links)
    assert len(page.raw["script"]) == 2 and len(page.raw["style"]) == 1
    policy = next(one["content"] or "" for tag, one in page.tags if one.get("http-equiv") == "Content-Security-Policy")
    for content in (page.raw["script"][1], page.raw["style"][0]):
        assert base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() in policy
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy
    assert not re.search(r"url\(|@import", page.raw["style"][0]) and not re.search(
        r"https?://(?!www\.w3\.org/2000/svg|www\.gnu\.org)", page.raw["script"][1]
    )
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function", page.raw["script"][1]
    )


@pytest.mark.parametrize("kind", KINDS)
def test_the_data_of_the_page_fits_its_table(kind: str) -> None:
    page = seen(kind)
    data = json.loads(page.raw["script"][0])
    assert "<" not in page.raw["script"][0]
    report = TOLD[kind].report
    assert len(data["rows"]) == len(report.rows())
    for row in data["rows"]:
        assert len(row) == 21
        assert all(
            isinstance(place, int) and 0 <= place < len(data["values"]) for place in (*row[5:8], *row[10:19], row[20])
        )
    cells = [one for tag, one in page.tags if tag in ("td", "li") and (one.get("class") or "").startswith("x-")]
    inside = made("html", kind).partition("<div class=matrix")[2]
    assert inside.count("class=x-") == len(data["rows"]) <= len(cells)
    names = re.findall(r"<tr><th scope=row title='([^']*)'>", inside)
    assert [html.unescape(one) for one in names] == data["sources"]


def test_the_page_says_it_without_a_script() -> None:
    text = seen("second").text
    for words in (
        "5 of 15 hosts can send mail through all of their relays", "connection timeout", "h00001, h00002", "What to do:",
        "port 587 (starttls) works from 2 of 2", "Since the report before", "broke", "certificate expiring", "a note",
        "not reached", "smtp1.example.com:465", "Days left",
    ):  # fmt: skip
        assert words in text, words


def test_more_than_eight_endpoints_are_listed() -> None:
    inside = made("html", "many endpoints")
    assert "<td class=list>" in inside and "<li class=x-tcp>smtp1.example.com:465 connection timeout" in inside


def test_every_layer_of_the_ladder_has_its_colour_and_letters() -> None:
    from ansible_collections.mailops.smtp.plugins.plugin_utils._causes import LAYERS
    from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import STATES

    style = seen("first").raw["style"][0]
    for kind in (*LAYERS, *(one for one in STATES if one != "fails"), "other"):
        assert re.search(rf"\.x-{kind} {{ --c: var\(--[a-z]+\); --l: \"[^\"]+\"", style), kind


# -- the others


@pytest.mark.parametrize("kind", KINDS)
def test_json_is_what_its_schema_says(kind: str) -> None:
    schema = json.loads((pathlib.Path(json_module.__file__).parent / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    found = json.loads(made("json", kind))
    jsonschema.validate(found, schema, jsonschema.Draft202012Validator)
    assert len(found["verdicts"]) == sum(found["totals"]["states"].values()) == len(TOLD[kind].report.rows())
    assert {one for result in found["verdicts"] for one in result["certificates"]} == set(found["chain"])
    assert (found["changes"] is None) == (TOLD[kind].changes is None)


@pytest.mark.parametrize("kind", KINDS)
def test_csv_holds_no_formula(kind: str) -> None:
    head, *lines = csv.reader(io.StringIO(made("csv", kind), newline=""))
    assert tuple(head) == COLUMNS and len(lines) == len(TOLD[kind].report.rows())
    for line in lines:
        assert len(line) == len(head)
        for name, cell in zip(head, line):
            assert not re.match(r"\s*[=+\-@|%\uff1d\uff0b\uff0d\uff20]", cell), (name, cell)


@pytest.mark.parametrize("kind", KINDS)
def test_junit(kind: str) -> None:
    root = ET.fromstring(made("junit", kind))
    states = [row.state for row in TOLD[kind].report.rows()]
    absent = sum(row.absent for row in TOLD[kind].report.rows())
    counts = {"tests": len(states), "failures": states.count("fails")}
    counts["skipped"] = states.count("not_asked") + states.count("other_port") - absent
    counts["errors"] = states.count("unreachable") + states.count("no_verdict") + absent
    assert {key: int(root.attrib[key]) for key in counts} == counts
    tags = {"tests": "testcase", "failures": "failure", "skipped": "skipped", "errors": "error"}
    assert {key: len(root.findall(f".//{tag}")) for key, tag in tags.items()} == counts
    assert sum(int(one.attrib["tests"]) for one in root) == counts["tests"]


def test_junit_says_what_failed() -> None:
    root = ET.fromstring(made("junit", "first"))
    (case,) = (
        one
        for one in root.iter("testcase")
        if one.get("name") == "h00001" and one.get("classname", "").endswith(":465")
    )
    (failure,) = case
    assert (
        failure.get("type") == "connection_timeout"
        and "did not answer" in (failure.get("message") or "")
        and failure.text
    )


SAMPLE = re.compile(r'[a-z_]+(\{[a-z]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z]+="(?:[^"\\\n]|\\["\\n])*")*\})? -?[0-9.]+')


@pytest.mark.parametrize("kind", KINDS)
def test_prometheus(kind: str) -> None:
    lines = made("prometheus", kind).splitlines()
    samples = [one for one in lines if not one.startswith("#")]
    assert all(SAMPLE.fullmatch(one) for one in samples)
    series = [one.rpartition(" ")[0] for one in samples]
    assert len(series) == len(set(series))
    asked = [row for row in TOLD[kind].report.rows() if row.state not in ("not_asked", "other_port")]
    assert sum(one.startswith("mailops_smtp_probe_success{") for one in samples) == len(asked)
    helped = {one.split()[2] for one in lines if one.startswith("# HELP")}
    assert (
        helped
        == {one.split()[2] for one in lines if one.startswith("# TYPE")}
        >= {one.partition("{")[0].split()[0] for one in samples}
    )


def test_no_series_is_there_twice() -> None:
    far = dataclasses.replace(RECORDS[0], vantage={**RECORDS[0].vantage, "host": "bastion"})
    named = dataclasses.replace(RECORDS[0], host="h00000 (from bastion)", vantage={"host": "h00000 (from bastion)"})
    lines = "".join(FORMATS["prometheus"].made(Told(report_of([far, named]), None, ()))).splitlines()
    assert sum(one.startswith('mailops_smtp_probe_success{host="h00000 (from bastion)"') for one in lines) == 1


def test_each_metric_and_its_labels_are_in_the_table_of_the_documentation() -> None:
    page = (pathlib.Path(__file__).parents[5] / "docs" / "report.md").read_text()
    documented = {
        name: set(re.findall(r"`(\w+)`", labels))
        for name, labels in re.findall(r"^\| `(mailops_smtp_\w+)` \| ([^|]*)\|", page, re.MULTILINE)
    }
    found: dict[str, set[str]] = {}
    for kind in KINDS:
        for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? ", made("prometheus", kind), re.MULTILINE):
            found.setdefault(name, set()).update(re.findall(r'(\w+)="', labels))
    assert documented == {name: labels - {"app"} for name, labels in found.items()}  # said below the table


def test_the_schema_names_the_layers() -> None:
    schema = json.loads((pathlib.Path(str(json_module.__file__)).parent / "report.schema.json").read_text())
    assert [*LAYERS, None] in [one.get("enum") for one in schema["$defs"].values()]


def test_prometheus_values() -> None:
    text = made("prometheus", "first")
    assert (
        'mailops_smtp_probe_success{host="h00001",relay="smtp1.example.com",port="465",security="implicit_tls"} 0\n'
        in text
    )
    assert (
        'mailops_smtp_probe_success{host="h00001",relay="smtp1.example.com",port="587",security="starttls"} 1\n' in text
    )
    assert (
        'mailops_smtp_probe_cause_info{host="h00001",relay="smtp1.example.com",port="465",security="implicit_tls",cause="connection_timeout",layer="tcp"} 1\n'
        in text
    )
    assert 'mailops_smtp_probes{state="unreachable"} 1\n' in text


@pytest.mark.parametrize("kind", KINDS)
def test_sarif(kind: str) -> None:
    found = json.loads(made("sarif", kind))
    (run,) = found["runs"]
    rules = [one["id"] for one in run["tool"]["driver"]["rules"]]
    assert found["version"] == "2.1.0" and len(rules) == len(set(rules))
    for one in run["results"]:
        assert one["ruleId"] in rules and one["level"] in ("error", "warning", "note") and one["message"]["text"]
        uri = one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert re.fullmatch(r"hosts/[A-Za-z0-9_.~%/-]+", uri) and "[" not in one["message"]["text"]
    errors = sum(row.state in ("fails", "unreachable", "no_verdict") for row in TOLD[kind].report.rows())
    assert sum(one["level"] == "error" for one in run["results"]) == errors


@pytest.mark.parametrize("kind", KINDS)
def test_codeclimate(kind: str) -> None:
    """What GitLab asks of it: these keys, a fingerprint of its own for each, a path in the project, one of its severities."""
    found = json.loads(made("codeclimate", kind))
    prints = [one["fingerprint"] for one in found]
    assert len(prints) == len(set(prints)) == len(json.loads(made("sarif", kind))["runs"][0]["results"])
    for one in found:
        assert set(one) == {"check_name", "description", "severity", "fingerprint", "location"}
        assert one["severity"] in ("info", "minor", "critical") and one["description"] and one["check_name"]
        assert one["location"]["lines"] == {"begin": 1}
        assert re.fullmatch(r"hosts/[A-Za-z0-9_.~%-]+(/[A-Za-z0-9_.~%-]+)?", one["location"]["path"])


def test_no_host_leads_out_of_its_folder() -> None:
    names = ("..", ".", "../../etc/passwd", "/etc", "C:\\x")
    records = [dataclasses.replace(RECORDS[2], host=name, vantage={"host": name}) for name in names]
    for one in json.loads("".join(FORMATS["codeclimate"].made(Told(report_of(records), None, ())))):
        parts = one["location"]["path"].split("/")
        assert parts[0] == "hosts" and len(parts) <= 3 and not {"", ".", ".."} & set(parts)


def test_a_long_name_moves_its_own_line_alone() -> None:
    lines = short_table(report_of([*RECORDS, dataclasses.replace(RECORDS[2], host="h" * 5000, vantage={"host": "x"})]))
    assert sum(len(line) > 200 for line in lines) == 1 and lines[0].startswith(f"{'host':20}")


def test_the_table_of_a_large_fleet_shows_what_needs_somebody() -> None:
    lone = [without_verdict(RECORDS[0], "unreachable")]
    large = report_of([*small_fleet(150), *lone])
    lines = short_table(large)
    assert len(lines) < 30 and lines[-1] == f"... and {150 * 2 - 9} that work"
    assert any(line.startswith("h00001") and line.endswith("FAILS  connection_timeout") for line in lines)
    assert len(short_table(report_of(RECORDS))) == len(RECORDS) + 1


def test_days_left_are_those_of_the_sentences() -> None:
    """ "1 day ago" is no -2, and what is over is never 0."""
    (record,) = (one for one in RECORDS if one.cause == "certificate_expired")
    probe = t.cast("dict[str, t.Any]", record.probe)
    for hours, days in ((-1, -1), (-25, -1), (-49, -2), (1, 0), (25, 1)):
        ends = (record.when + datetime.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
        chain = [{**probe["certificates"][0], "not_after": ends}]
        (leaf,) = leaves(report_of([dataclasses.replace(record, probe={**probe, "certificates": chain})]))
        assert leaf.days_left == days, hours
