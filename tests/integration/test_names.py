# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that are odd, on a host with a name server, /etc/hosts and search domains of its own: cause, sentence, findings."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t

import pytest


class Row(t.NamedTuple):
    """A name, what must come of it, and what must be said in message or remedy (``says``) or must not (``never``)."""

    host: str
    cause: str | None
    says: tuple[str, ...] = ()
    never: str = "\0"
    findings: tuple[str, ...] = ()
    options: dict[str, t.Any] = {}


HERE = ("leads_to_this_host",)
ROWS = [
    Row("ok.names.test", None, findings=HERE),
    Row("ok.names.test.", None, findings=HERE),
    Row("OK.Names.TEST", None, findings=HERE),
    Row("bücher.names.test", None, findings=HERE),
    Row("short", None, findings=HERE),
    Row("localhost", None),
    Row("::1", None),
    Row("six.names.test", None, findings=HERE),
    Row("chain.names.test", None, findings=HERE),
    Row("half.names.test", None, findings=HERE),
    Row("slow.names.test", None, findings=("name_server_slow", *HERE)),
    Row("split.names.test", None, findings=(*HERE, "address_unreachable")),
    Row("dead6.names.test", None, findings=(*HERE, "address_unreachable")),
    Row("mapped.names.test", None, findings=HERE, options={"server_name": "ok.names.test"}),
    Row("pinned.names.test", None, findings=HERE),
    # No name, no address.
    Row("gone.names.test", "name_not_found", ("does not exist", "CNAME")),
    Row("nohost", "name_not_found", ("no dot", "search domains")),
    Row("short.", "name_not_found", ("final dot keeps the search domains",)),
    Row("loop.names.test", "name_not_found", ("CNAME",)),
    Row("dangling.names.test", "name_not_found", ("CNAME",)),
    Row("nodata.names.test", "name_not_found", ("exists but has no address",)),
    Row("six.names.test", "name_not_found", ("no IPv4 address, and ip_version",), options={"ip_version": "4"}),
    Row("ok.names.test", "name_not_found", ("no IPv6 address, and source_address ::1",), options={"source_address": "::1"}),
    Row("fe80::1%nope", "invalid_settings", ("no network interface nope",)),
    # The name server.
    Row("servfail.names.test", "name_server_failure", ("refused or failed", "own domain")),
    Row("refused.names.test", "name_server_failure", ("/etc/resolv.conf",)),
    Row("silent.names.test", "name_server_failure", ("it was silent",)),
    Row("silent.names.test", "name_server_failure", ("nothing came within 0.3 s",), options={"timeout": 0.3}),
    # Addresses of no relay: the host would reach itself.
    Row("zero.names.test", "connection_refused", ("ad blockers", "/etc/hosts")),
    Row("zero6.names.test", "connection_refused", ("ad blockers",)),
    Row("mapped-zero.names.test", "connection_refused", ("ad blockers",)),
    Row("blocked.names.test", "connection_refused", ("ad blockers",), options={"validate_certs": False}),
    Row("zero-too.names.test", None, findings=(*HERE, "address_unreachable")),
    Row("split.names.test", "connection_refused", ("127.0.0.9",), options={"require_all_addresses": True}),
    Row("ok.names.test", "connection_refused", ("leads to this host itself",), options={"port": 466}),
    # Ways that are none.
    Row("only6.names.test", "no_route", ('ip_version: "4"',)),
    Row("2001:db8::1", "no_route", ("set host to",), "ip_version"),
    Row("link-local.names.test", "no_route", ("one link only", "%eth0"), "ip_version"),
    Row("fe80::1%lo", "no_route", ("fe80::1%lo",), "ip_version"),
    # What can be seen before anything is asked.
    Row("127.0.0.1", "invalid_settings", ("is an IPv4 address, but ip_version is 6",), options={"ip_version": "6"}),
    Row("::1", "invalid_settings", ("but host ::1 is IPv6",), options={"source_address": "127.0.0.1"}),
    Row("ok..names.test", "invalid_settings", ("not a host name",)),
]  # fmt: skip


@pytest.fixture(scope="module")
def answers() -> list[dict[str, t.Any]]:
    asked = json.dumps([{"host": row.host, **row.options} for row in ROWS])
    command = [sys.executable, "-m", "tests.support.names"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        command, input=asked, capture_output=True, text=True, check=False, timeout=300, env=environment
    )
    assert done.returncode == 0, done.stderr
    return t.cast("list[dict[str, t.Any]]", json.loads(done.stdout))


def wrong(row: Row, answer: dict[str, t.Any]) -> bool:
    probes = answer["probes"]
    said = f"{answer['msg']} {answer['remedy']} {probes[0]['message'] if probes else ''}"
    found = {one["code"] for one in probes[0]["findings"]} if probes else set()
    told = all(words in said for words in row.says) and row.never not in str(answer["remedy"])
    return answer["cause"] != row.cause or not told or not set(row.findings) <= found


def test_names(answers: list[dict[str, t.Any]]) -> None:
    pairs = list(zip(ROWS, answers, strict=True))
    assert {(row.host, *row.options): answer["msg"] for row, answer in pairs if wrong(row, answer)} == {}


def test_the_host_itself_is_not_taken_for_the_relay(answers: list[dict[str, t.Any]]) -> None:
    reached = [answer["connections"] for row, answer in zip(ROWS, answers, strict=True) if "ad blockers" in row.says]
    assert reached == [0] * 4
