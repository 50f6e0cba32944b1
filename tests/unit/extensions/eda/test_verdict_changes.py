# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The source as ansible-rulebook runs it (by its path, with a queue), against relays that break and heal."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import pathlib
import runpy
import subprocess
import sys
import time
import typing as t

import pytest

from tests.support.faulty import FaultyServer, honest, server_context, silent, smtp
from tests.support.pki import Pki

ROOT = pathlib.Path(__file__).resolve().parents[4]
SOURCE = ROOT / "build/src/ansible_collections/mailops/smtp/extensions/eda/plugins/event_source/verdict_changes.py"
PASSWORD = "s3cret-of-the-watch"


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


def source() -> t.Callable[..., t.Coroutine[t.Any, t.Any, None]]:
    return runpy.run_path(str(SOURCE))["main"]


def settings(server: FaultyServer, pki: Pki, **more: t.Any) -> dict[str, t.Any]:
    entry = {"host": "127.0.0.1", "port": server.port, "security": "starttls"}
    shared = {"server_name": "relay.test", "ca_path": str(pki.ca_file), "alternatives": [], "timeout": 2}
    return {"endpoints": [entry], "interval": 1, **shared, **more}


def follow(args: dict[str, t.Any], steps: t.Sequence[t.Callable[[], None] | None]) -> list[dict[str, t.Any]]:
    """One event for each step, which is done before it is waited for."""

    async def run() -> list[dict[str, t.Any]]:
        queue: asyncio.Queue[dict[str, t.Any]] = asyncio.Queue()
        watch = asyncio.create_task(source()(queue, args))
        found = []
        try:
            for step in steps:
                if step is not None:
                    step()
                event = asyncio.create_task(queue.get())
                await asyncio.wait({event, watch}, return_when=asyncio.FIRST_COMPLETED, timeout=20)
                found.append(event.result())
        finally:
            watch.cancel()
        assert queue.empty()
        return found

    return asyncio.run(run())


def test_a_relay_breaks_and_heals(pki: Pki) -> None:
    good = smtp(starttls=honest(server_context(pki.issue("relay.test"))), mechanisms_after_tls=["PLAIN"])
    hostile = smtp(greeting="554 {{ lookup('ansible.builtin.pipe', 'id') }}{% raw %}{# \x1b[31m")
    with FaultyServer(good) as server:

        def serve(behaviour: t.Any) -> t.Callable[[], None]:
            return lambda: setattr(server, "behaviour", behaviour)

        login = {"username": "watcher", "password": PASSWORD}
        events = follow(settings(server, pki, initial=True, **login), [None, serve(hostile), serve(good)])
    assert [(one["change"], one["ok"], one["cause"]) for one in events] == [
        ("initial", True, None),
        ("broke", False, "greeting_rejected"),
        ("healed", True, None),
    ]
    assert events[0]["before"] is None
    assert events[1]["before"] == {"ok": True, "cause": None, "findings": [], "since": events[0]["since"]}
    assert events[2]["before"]["since"] == events[1]["since"]
    assert all(one["name"] == f"127.0.0.1:{server.port}" for one in events)
    assert events[0]["certificates"][0]["subject"] and "pem" not in events[0]["certificates"][0]
    text = json.dumps(events)
    assert "lookup(" in text and "{{" not in text and "{%" not in text and "{#" not in text and "\\u001b" not in text
    assert PASSWORD not in text and "watcher" not in text
    assert not any("AUTH" in line for _tls, line in server.commands)


def test_what_is_not_asked_for_is_no_event(pki: Pki) -> None:
    """No first verdict, none that was seen too seldom, and rules go on while a silent relay is waited for."""
    good = smtp(starttls=honest(server_context(pki.issue("relay.test"))))
    with FaultyServer(good) as server:

        async def run() -> tuple[int, float]:
            queue: asyncio.Queue[dict[str, t.Any]] = asyncio.Queue()
            watch = asyncio.create_task(source()(queue, settings(server, pki, confirm=3, timeout=1)))
            while server.connections < 1:
                await asyncio.sleep(0.05)
            server.behaviour = silent()
            longest, last = 0.0, time.monotonic()
            while server.connections < 6:
                await asyncio.sleep(0.05)
                longest, last = max(longest, time.monotonic() - last), time.monotonic()
            server.behaviour = good
            watch.cancel()
            return queue.qsize(), longest

        events, longest = asyncio.run(run())
    assert events == 0
    assert longest < 0.9


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        ({}, "host is empty; write the relay's name"),
        ({"host": "relay.test", "port": 0}, "port is 0, but ports go from 1 to 65535; write 465"),
        ({"host": "relay.test", "port": 465, "interval": 0}, "interval is '0', which is out of range; write a number"),
        ({"host": "relay.test", "port": 465, "interval": "soon"}, "interval is 'soon', which is not a number; write"),
        ({"host": "relay.test", "port": 465, "initial": "maybe"}, "initial is 'maybe', which is neither true nor"),
        ({"host": "relay.test", "port": 465, "confirm": 0}, "confirm is '0', which is out of range; write a number"),
        ({"host": "relay.test", "port": 465, "intervall": 5}, "intervall is not an option; write interval."),
        ({"host": "relay.test", "port": 465, "check_credentials": True}, "check_credentials is not an option; write"),
        ({"endpoints": []}, "endpoints is an empty list; write at least one"),
        ({"endpoints": [{"host": "relay.test", "port": 465, "ca_path": "/no/such.pem"}]}, "ca_path is /no/such.pem"),
        ({"host": "relay.test", "port": 465, "alternatives": "all"}, "alternatives is 'all'; write auto"),
        ({"host": "relay.test", "port": 465, "minimum_tls_version": "1.3"}, "minimum_tls_version is '1.3'; write one"),
    ],
)
def test_bad_options_get_one_sentence(args: dict[str, t.Any], sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        asyncio.run(asyncio.wait_for(source()(asyncio.Queue(), args), 20))
    said = str(caught.value)
    assert sentence in said
    assert said.endswith(".") and "\n" not in said


@pytest.mark.parametrize("option", ["port", "interval", "host", "ca_path", "alternatives", "security", "helo_name"])
def test_a_password_in_another_option_is_not_shown(option: str) -> None:
    args = {"host": "relay.test", "port": 465, "username": "watcher", "password": PASSWORD, option: f"{PASSWORD} x"}
    with pytest.raises(ValueError, match=option) as caught:
        asyncio.run(asyncio.wait_for(source()(asyncio.Queue(), args), 20))
    assert PASSWORD not in str(caught.value)


def test_a_relay_that_knows_the_password_cannot_have_it_told(pki: Pki) -> None:
    """It knows it from the app. Nothing was sent, so nothing was looked for on the way back."""
    login = {"username": "watcher", "password": PASSWORD}
    for said in (PASSWORD, PASSWORD.upper(), base64.b64encode(PASSWORD.encode()).decode()):
        with FaultyServer(smtp(greeting=f"554 5.7.1 {said} is known")) as server:
            events = follow(settings(server, pki, initial=True, **login), [None])
        assert events[0]["cause"] == "greeting_rejected" and said not in json.dumps(events)


def test_a_ca_file_that_goes_away_is_a_verdict(pki: Pki, tmp_path: pathlib.Path) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_bytes(pki.root.pem)
    with FaultyServer(smtp(starttls=honest(server_context(pki.issue("relay.test"))))) as server:
        args = settings(server, pki, initial=True) | {"ca_path": str(ca_file)}
        events = follow(args, [None, ca_file.unlink, lambda: ca_file.write_bytes(pki.root.pem) and None])
    assert [(one["change"], one["cause"]) for one in events] == [
        ("initial", None),
        ("broke", "invalid_settings"),
        ("healed", None),
    ]
    assert str(ca_file) in events[1]["sentence"]


def test_the_collection_is_found_from_the_path_alone(tmp_path: pathlib.Path) -> None:
    """As ansible-rulebook does it: nothing on sys.path, or another collection's folder that is a package."""
    other = tmp_path / "other" / "ansible_collections"
    other.mkdir(parents=True)
    (other / "__init__.py").touch()
    code = f"import runpy; print(runpy.run_path({str(SOURCE)!r})['main'].__name__)"
    for path in ("", str(other.parent)):
        environment = {**os.environ, "PYTHONPATH": path}
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout) == (0, "main\n"), done.stderr


def test_outside_of_a_collection_it_says_so(tmp_path: pathlib.Path) -> None:
    copy = tmp_path / "a" / "b" / "c" / "d" / "verdict_changes.py"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(SOURCE.read_bytes())
    with pytest.raises(ImportError, match="is not ansible_collections/mailops/smtp; install the collection"):
        runpy.run_path(str(copy))
