# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What other programs make of the report's files: Prometheus' own checker, and Node for the page's script."""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess

import pytest
import yaml
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.formats import FORMATS, Told

from tests.support.report_records import HOSTILE, hostile, report_of, small_fleet

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples" / "monitoring"


@pytest.fixture(scope="module")
def promtool() -> str:
    """Debian has it in the package of the server, which is installed and not started."""
    if not shutil.which("promtool"):
        subprocess.run([str(ROOT / "tools" / "apt"), "promtool", "prometheus"], check=True)
    return "promtool"


def test_promtool_has_nothing_against_the_metrics(promtool: str) -> None:
    records = small_fleet()
    evil = [hostile(one, f"{text}{number}") for number, text in enumerate(HOSTILE) for one in (records[0], records[2])]
    for taken in (records, evil, []):
        text = "".join(FORMATS["prometheus"].made(Told(report_of(taken), None, ())))
        done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_promtool_tries_the_alert_rules(promtool: str, tmp_path: pathlib.Path) -> None:
    shutil.copy(EXAMPLES / "alerts.yml", tmp_path)
    shutil.copy(pathlib.Path(__file__).with_name("alerts_test.yml"), tmp_path)
    for words in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run([promtool, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_query_of_the_dashboard_is_one(promtool: str, tmp_path: pathlib.Path) -> None:
    dashboard = json.loads((EXAMPLES / "grafana-dashboard.json").read_text(encoding="utf-8"))
    queries = [one["expr"] for panel in dashboard["panels"] for one in panel["targets"]]
    assert len(queries) == len(dashboard["panels"]) == len({panel["id"] for panel in dashboard["panels"]})
    rules = [
        {"record": f"panel:{place}", "expr": query.replace("$endpoint", ".*")} for place, query in enumerate(queries)
    ]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = subprocess.run(
        [promtool, "check", "rules", str(tmp_path / "rules.yml")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # Every metric that is asked for is one that a report has.
    text = "".join(FORMATS["prometheus"].made(Told(report_of(small_fleet()), None, ())))
    for name in {
        word for query in queries for word in query.replace("(", " ").replace("{", " ").replace(")", " ").split()
    }:
        assert not name.startswith("mailops_smtp") or f"# TYPE {name} " in text, name


def test_the_script_of_the_page_is_one(tmp_path: pathlib.Path) -> None:
    page = "".join(FORMATS["html"].made(Told(report_of(small_fleet()), None, ())))
    (tmp_path / "page.js").write_text(page.rpartition("<script>")[2].partition("</script>")[0])
    done = subprocess.run(["node", "--check", str(tmp_path / "page.js")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
