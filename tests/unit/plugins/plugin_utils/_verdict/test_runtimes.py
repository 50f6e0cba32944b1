# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of runtimes says what was measured, as docs/guarantees.md shows it, and says it in sentences."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import known_apps, load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import AppClient
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.runtimes import (
    RUNTIMES,
    oddities,
    refusal,
    refusing_app,
    who,
)

PAGE = (Path(__file__).resolve().parents[5] / "docs" / "guarantees.md").read_text("utf-8")
# What the servers of the measurement are: a cipher suite and a group, or what is odd about the certificate.
SERVERS: dict[str, list[t.Any]] = {
    "TLS 1.2, ECDHE, AES-GCM": oddities({"cipher": "ECDHE-RSA-AES128-GCM-SHA256"}),
    "RSA key exchange, AES-GCM": oddities({"cipher": "AES256-GCM-SHA384"}),
    "RSA key exchange, CBC": oddities({"cipher": "AES256-SHA"}),
    "RSA key exchange, CBC SHA256": oddities({"cipher": "AES256-SHA256"}),
    "ECDHE, CBC SHA1": oddities({"cipher": "ECDHE-RSA-AES256-SHA"}),
    "ECDHE, CBC SHA384": oddities({"cipher": "ECDHE-RSA-AES256-SHA384"}),
    "DHE 3072 (the usual), AES-GCM": oddities({"cipher": "DHE-RSA-AES256-GCM-SHA384", "dh_bits": 3072}),
    "DHE 3072 (the usual), CBC": oddities({"cipher": "DHE-RSA-AES256-SHA", "dh_bits": 3072}),
    "DHE 1536, AES-GCM": oddities({"cipher": "DHE-RSA-AES256-GCM-SHA384", "dh_bits": 1536}),
    "DHE 1024, AES-GCM": oddities({"cipher": "DHE-RSA-AES256-GCM-SHA384", "dh_bits": 1024}),
    "no subjectAltName": ["no_names"],
    "X.509 version 1": ["no_names"],
    "subjectAltName: empty": ["empty_names"],
    "subjectAltName: an address alone": ["only_addresses"],
    "subjectAltName: an address of 3 bytes": ["names_unreadable"],
    "SHA-1 signature": ["sha1"],
    "RSA key of 1024 bits": ["rsa_small"],
}
# Older than the versions of the table that refuse.
OLDER = {
    ("Python 3.8, 3.9", "3.10 and newer"),
    ("Python 3.8, 3.9", "3.13 and newer"),
    ("Python 3.10 to 3.12", "3.13 and newer"),
    ("Node.js 20", "24 and newer"),
}


def measured() -> dict[str, dict[str, str]]:
    """The table of the page: server -> runtime -> yes or no."""
    lines = [line for line in PAGE.splitlines() if line.startswith("|")]
    start = next(number for number, line in enumerate(lines) if line.startswith("| server "))
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines[start:]]
    found = {}
    for row in rows[2:]:
        if len(row) != len(rows[0]):
            break
        found[row[0]] = dict(zip(rows[0][1:], row[1:]))
    return found


@pytest.mark.parametrize("server", SERVERS)
def test_the_table_is_what_was_measured(server: str) -> None:
    cells = measured()[server]
    assert {runtime.name for runtime in RUNTIMES.values()} == {name.split()[0] for name in cells}
    for key, runtime in RUNTIMES.items():
        for column in (column for column in cells if column.split()[0] == runtime.name):
            condition = refusal(key, SERVERS[server])
            refused = condition is not None and (column, condition) not in OLDER
            assert cells[column] == ("no" if refused else "yes"), (server, column, condition)


def test_sentences() -> None:
    assert who(["no_names"]) == (
        "Go and rustls refuse it; Node.js, Java, Python, PHP, Ruby, OpenSSL, Erlang and GnuTLS take it"
    )
    apps = (AppClient("Vikunja", "go"), AppClient("Pangolin", "node"), AppClient("Own"))
    assert who(["rsa_key_exchange"], apps) == ("Vikunja refuses it (Go, 1.22 and newer); Pangolin (Node.js) takes it")
    assert who(["no_names"], (AppClient("Own"),)) == who(["no_names"])


def test_an_app_refuses_only_what_every_version_of_its_runtime_does() -> None:
    go, rust = AppClient("Vikunja", "go"), AppClient("Vaultwarden", "rustls")
    assert refusing_app(["rsa_key_exchange"], [AppClient("Own"), go]) is None
    assert refusing_app(["rsa_key_exchange"], [AppClient("Own"), go, rust]) == rust
    assert refusing_app([], [go, rust]) is None


def test_usual_sessions_are_not_odd() -> None:
    for suite in (None, "TLS_AES_256_GCM_SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-AES256-GCM-SHA384"):
        assert oddities({"cipher": suite}) == []


def test_descriptors_know_runtime_and_mechanisms() -> None:
    apps = [load_descriptor(name) for name in known_apps()]
    unknown = {app.id for app in apps if not app.runtime and not app.part_of}
    assert unknown == {"generic_env"}
    assert {app.id for app in apps if not app.mechanisms and not app.part_of} == {
        "generic_env", "exim4", "postfix", "msmtp", "zabbix",
    }  # fmt: skip
