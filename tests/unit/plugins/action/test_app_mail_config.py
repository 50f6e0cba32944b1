# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An app's settings: what is refused before the host is asked, in the words and with the causes of the gate; what the host then does."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from tests.support.acting import Files, act

PATH = "/opt/pangolin/config/config.yml"
PASSWORD = "hunter2-S3cret"
SETTINGS = {
    "host": "smtp.example.com",
    "port": "465",
    "secure": "true",
    "username": "app",
    "password": PASSWORD,
    "sender": "app@example.com",
}
OLD = "app:\n    url: x # mine\nemail:\n    smtp_host: old.example.com\n"


def configure(
    host: Files, changes: t.Mapping[str, t.Any] | None = None, check_mode: bool = False, **options: t.Any
) -> dict[str, t.Any]:
    arguments = {"app": "pangolin", "path": PATH, "settings": {**SETTINGS, **(changes or {})}, **options}
    return act("app_mail_config", host, check_mode=check_mode, **arguments)


def test_it_reads_plans_and_writes() -> None:
    host = Files({PATH: OLD})
    answer = configure(host)
    assert "failed" not in answer and answer["changed"], answer
    assert host.steps == ["read", "write"]
    assert (
        "smtp_host: smtp.example.com" in host.contents[PATH].replace('"', "") and "url: x # mine" in host.contents[PATH]
    )
    assert answer["settings"]["port"] == 465 and PASSWORD not in str(answer)
    assert (answer["app"], answer["path"], answer["security"], answer["created"]) == (
        "pangolin",
        PATH,
        "implicit_tls",
        False,
    )
    again = configure(host)
    assert not again["changed"] and again["up_to_date"] and host.steps == ["read", "write", "read"]


@pytest.mark.parametrize("options", [{}, {"mode": "0640"}], ids=["settings", "mode"])
def test_check_mode_asks_the_host_once(options: dict[str, t.Any]) -> None:
    """What reading has told is enough to foretell the rest, attributes included."""
    host = Files({PATH: OLD})
    told = configure(host, check_mode=True, **options)
    assert told["changed"] and not told["up_to_date"] and host.steps == ["read"] and host.contents[PATH] == OLD
    configure(host)
    again = configure(host, check_mode=True, **options)
    assert again["up_to_date"] and again["changed"] == bool(options)
    assert host.steps == ["read", "read", "write", "read"]


def test_blanks_around_the_path_are_no_part_of_it() -> None:
    host = Files()
    assert configure(host, path=f" {PATH} ")["path"] == PATH and list(host.contents) == [PATH]


def test_a_new_file() -> None:
    host = Files()
    answer = configure(host)
    assert answer["changed"] and answer["created"] and PATH in host.contents


REFUSED: list[tuple[dict[str, t.Any], dict[str, t.Any], str, str]] = [
    ({}, {"app": None}, "app is missing; write the name of an app", "invalid_settings"),
    ({}, {"app": "pangolim"}, "app is 'pangolim', which is not known here; write pangolin", "invalid_settings"),
    ({}, {"path": ""}, "path is missing; write the path of the app's file", "invalid_settings"),
    (
        {},
        {"path": "config.yml"},
        "path is 'config.yml'; write the whole path on the host, which begins with /.",
        "invalid_settings",
    ),
    (
        {},
        {"app": "gitea", "path": "/etc/app.ini", "service": "gitea"},
        "service is gitea, but the settings go into Gitea's own file",
        "invalid_settings",
    ),
    ({}, {"path": ["/x"]}, "which is not a text; write it in quotes", "invalid_settings"),
    (
        {},
        {"port": 465, "username": "app"},
        "port and username cannot stand beside settings; write settings: {port: ..., username: ...}.",
        "invalid_settings",
    ),
    ({}, {"stat": "absent"}, "stat is not an option; write state.", "invalid_settings"),
    ({}, {"exact": True}, "exact is not an option; write exact_security.", "invalid_settings"),
    ({}, {"handed_over": "x"}, "handed_over is not an option", "invalid_settings"),
    ({}, {"state": "latest"}, "state is 'latest'; write present or absent.", "invalid_settings"),
    ({}, {"probed": "perhaps"}, "probed is 'perhaps', which is neither true nor false; write", "invalid_settings"),
    ({}, {"backup": "perhaps"}, "backup is 'perhaps', which is neither true nor false; write", "invalid_settings"),
    ({}, {"validate": "true"}, "validate has no %s in it; write the command with %s", "invalid_settings"),
    ({}, {"mode": "preserve"}, "mode is preserve, which means nothing here; leave out mode", "invalid_settings"),
    (
        {},
        {"settings": "smtp.example.com"},
        "settings must hold host, port, secure and so on; write settings:",
        "invalid_settings",
    ),
    (
        {},
        {"descriptors": "/nowhere"},
        "descriptors is /nowhere, which is no folder on the controller",
        "invalid_settings",
    ),
    ({"prot": 465}, {}, "prot is not an option; write port.", "invalid_settings"),
    ({"user": "app"}, {}, "user is not an option; write username.", "invalid_settings"),
    ({"port": 0}, {}, "port is 0, but ports go from 1 to 65535; write", "invalid_settings"),
    ({"password": ""}, {}, "username is given without a password; write", "invalid_settings"),
    ({"port": 587}, {}, "port 587 starts in cleartext and switches to TLS with STARTTLS", "mode_mismatch"),
    ({"secure": False}, {}, "port 465 speaks TLS from the first byte", "mode_mismatch"),
]


@pytest.mark.parametrize(
    "settings, options, words, cause", REFUSED, ids=[words[:30] for _settings, _options, words, _cause in REFUSED]
)
def test_what_cannot_work_reaches_no_host(
    settings: dict[str, t.Any], options: dict[str, t.Any], words: str, cause: str
) -> None:
    host = Files({PATH: OLD})
    answer = configure(host, settings, **options)
    assert answer["failed"] and not answer["changed"]
    assert answer["msg"].startswith("testhost: ") and words in answer["msg"]
    assert (answer["cause"], answer["layer"]) == (cause, "settings")
    assert answer["remedy"] and answer["remedy"][0].isupper() and answer["remedy"].endswith(".")
    if "; " in answer["msg"]:
        assert answer["remedy"].casefold() in answer["msg"].casefold()
    assert host.steps == [] and PASSWORD not in str(answer)
    assert not {"probes", "alternatives"} & set(answer)


def test_a_mismatch_that_a_probe_has_proved_right_is_written() -> None:
    answer = configure(Files({PATH: OLD}), {"port": 587}, probed=True)
    assert "failed" not in answer and answer["settings"]["secure"] is True


@pytest.mark.parametrize(
    "said, cause",
    [
        ({"msg": f"{PATH} cannot be written: no space is left on its file system."}, None),
        ({"msg": "owner is 'x', which is no user of this host; write the name or number of one."}, "invalid_settings"),
        ({"msg": "path is /tmp, which is a folder; write the path of the app's file."}, "invalid_settings"),
        ({}, None),
        ({"msg": "gone", "unreachable": True}, None),
    ],
)
def test_what_the_host_says(said: dict[str, t.Any], cause: str | None) -> None:
    answer = configure(Files({PATH: OLD}, said))
    assert answer["failed"] and not answer["changed"]
    assert said.get("msg", "the host gave no reason") in answer["msg"]
    assert answer.get("cause") == cause
    assert bool(answer.get("unreachable")) is bool(said.get("unreachable"))


def test_descriptors_from_where_the_user_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the collection's own playbooks there is no playbook of the user's to lie beside."""
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    host = Files({PATH: OLD})
    assert "which is not known here" in configure(host, descriptors="mine", app="unheard")["msg"]
    assert "failed" not in configure(host, descriptors="mine")
