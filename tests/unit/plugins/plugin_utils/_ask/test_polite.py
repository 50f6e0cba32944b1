# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No more at once to one relay than asked, over processes; nobody waits for ever, and a killed process gives its turn back."""

from __future__ import annotations

import errno
import fcntl
import multiprocessing
import os
import pathlib
import signal
import time
import typing as t

import pytest
from ansible import constants
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask import polite
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.polite import DEFAULT, at_once, parse_manners
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.relays import addresses_of, learn
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import SettingsError, parse_settings

from tests.support.acting import Host, act, report
from tests.support.evidence import attempt, broken, observation

FORK = multiprocessing.get_context("fork")


def relays(*names: str) -> list[t.Any]:
    return [parse_settings({"host": name, "port": 465, "secure": True}, probed=True) for name in names]


def _work(folder: str, names: tuple[str, ...], limit: int, now: t.Any, most: t.Any, seconds: float) -> None:
    with at_once(relays(*names), limit, folder):
        with now.get_lock():
            now.value += len(names)
            most.value = max(most.value, now.value)
        time.sleep(seconds)
        with now.get_lock():
            now.value -= len(names)


def crowd(folder: pathlib.Path, calls: list[tuple[str, ...]], limit: int, seconds: float = 0.05) -> int:
    """The most connections that there were at once."""
    now, most = FORK.Value("i", 0), FORK.Value("i", 0)
    workers = [FORK.Process(target=_work, args=(str(folder), names, limit, now, most, seconds)) for names in calls]
    for one in workers:
        one.start()
    for one in workers:
        one.join(30)
        assert one.exitcode == 0
    return int(most.value)


def test_no_more_at_once_than_asked(tmp_path: pathlib.Path) -> None:
    assert 1 < crowd(tmp_path, [("relay.test",)] * 16, 3) <= 3
    # Two endpoints of one relay are two connections, and nobody holds a half.
    assert crowd(tmp_path, [("relay.test", "RELAY.test")] * 8, 3) == 2
    # More endpoints than the limit go alone.
    assert crowd(tmp_path, [("relay.test",) * 5] * 3, 2) == 5


def test_relays_do_not_wait_for_each_other(tmp_path: pathlib.Path) -> None:
    assert crowd(tmp_path, [("a.test",), ("b.test",), ("c.test",), ("d.test",)], 1, seconds=1.5) == 4
    # In whatever order they are named, none waits for ever.
    assert crowd(tmp_path, [("a.test", "b.test"), ("b.test", "a.test")] * 4, 1, seconds=0.02) == 2


def test_no_limit_and_no_folder(tmp_path: pathlib.Path) -> None:
    assert crowd(tmp_path, [("relay.test",)] * 4, 0, seconds=1.5) == 4
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").write_text("")
    assert crowd(tmp_path / "file", [("relay.test",)] * 4, 1, seconds=1.5) == 4


def test_two_names_of_one_relay_count_as_one(tmp_path: pathlib.Path) -> None:
    calls = [("mail.test",), ("smtp.test",), ("192.0.2.25",), ("2001:DB8::25",)] * 3
    learn(str(tmp_path), "Mail.test", ["192.0.2.25", "2001:db8:0::25"])
    learn(str(tmp_path), "smtp.test", ["192.0.2.25", "2001:db8::25%eth0", "no address", "127.0.0.1"])
    assert addresses_of(str(tmp_path), "mail.test") == ["192.0.2.25", "2001:db8::25"]
    assert addresses_of(str(tmp_path), "SMTP.test") == ["192.0.2.25", "2001:db8::25"]
    # The two literal addresses are one relay's only by way of its names.
    assert crowd(tmp_path, calls, 1) <= 2
    assert crowd(tmp_path, calls[:3] * 3, 1) == 1
    # Two relays of a host's own are two.
    learn(str(tmp_path), "own.test", ["127.0.0.1"])
    assert addresses_of(str(tmp_path), "own.test") == []


def test_an_action_notes_where_the_name_leads(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "ANSIBLE_HOME", str(tmp_path))
    seen = observation(attempt(rungs="tcp!", failure=broken("tcp", "timeout", waited_ms=1000.0)))
    host = Host(lambda plans: report([seen for _plan in plans]))
    asked = {"port": 465, "secure": True, "alternatives": []}
    act("smtp_gate", host, host="mail.test", connections_at_once=0, **asked)
    assert addresses_of(str(tmp_path / "mailops.smtp"), "mail.test") == []
    act("smtp_gate", host, host="mail.test", **asked)
    address = seen["attempts"][0]["address"]
    assert addresses_of(str(tmp_path / "mailops.smtp"), "mail.test") == [address]
    act("smtp_gate", host, host=address, **asked)
    assert len(list((tmp_path / "mailops.smtp" / "relays").iterdir())) == 1


def test_addresses_are_forgotten_and_nothing_odd_is_read(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(str(tmp_path), "mail.test", [f"192.0.2.{number}" for number in range(100)])
    assert len(addresses_of(str(tmp_path), "mail.test")) == 32
    (file,) = (tmp_path / "relays").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    for odd in ("", "[]", "{", '{"x": 1}', '{"192.0.2.1": "y"}', '{"192.0.2.1": 9e99}', '{"192.0.2.1": NaN}'):
        file.write_text(odd)
        assert addresses_of(str(tmp_path), "mail.test") == [], odd
    learn(str(tmp_path), "mail.test", ["192.0.2.1"])
    before = file.stat().st_mtime_ns
    learn(str(tmp_path), "mail.test", ["192.0.2.1"])
    assert file.stat().st_mtime_ns == before  # it is known
    later = time.time() + 2 * 86400
    monkeypatch.setattr(time, "time", lambda: later)
    assert addresses_of(str(tmp_path), "mail.test") == []
    learn(str(tmp_path / "no" / "such"), "mail.test", ["192.0.2.1"])
    (tmp_path / "file").write_text("")
    learn(str(tmp_path / "file"), "mail.test", ["192.0.2.1"])


def test_names_that_nobody_asks_for_any_more_leave_no_files(tmp_path: pathlib.Path) -> None:
    folder, day = tmp_path / "relays", 86400
    for name in ("old.test", "older.test"):
        learn(str(tmp_path), name, ["192.0.2.1"])
    for one in folder.iterdir():
        os.utime(one, (time.time() - day - 1,) * 2)
    learn(str(tmp_path), "new.test", ["192.0.2.1"])
    # Looked through once an hour, so not yet.
    learn(str(tmp_path), "other.test", ["192.0.2.1"])
    assert len(list(folder.iterdir())) == 4
    os.utime(tmp_path / "relays-swept", (time.time() - 3601,) * 2)
    learn(str(tmp_path), "third.test", ["192.0.2.1"])
    assert len(list(folder.iterdir())) == 3
    assert addresses_of(str(tmp_path), "new.test") == ["192.0.2.1"]


def test_patience_ends_and_a_killed_process_gives_its_turn_back(tmp_path: pathlib.Path) -> None:
    now, most = FORK.Value("i", 0), FORK.Value("i", 0)
    holder = FORK.Process(target=_work, args=(str(tmp_path), ("relay.test",), 1, now, most, 60.0))
    holder.start()
    while not now.value:
        time.sleep(0.01)
    began = time.monotonic()
    with at_once(relays("relay.test"), 1, str(tmp_path), patience=0.3):
        assert 0.25 < time.monotonic() - began < 5
    os.kill(t.cast(int, holder.pid), signal.SIGKILL)
    holder.join()
    began = time.monotonic()
    with at_once(relays("relay.test"), 1, str(tmp_path), patience=30):
        assert time.monotonic() - began < 5


def test_options() -> None:
    assert (parse_manners({}).connections, parse_manners({"spread": ""}).spread) == (DEFAULT, 0.0)
    manners = parse_manners({"connections_at_once": "7", "spread": "60"})
    delays = [manners.delay(f"h{number}") for number in range(1000)]
    assert manners.connections == 7 and 0 <= min(delays) < 1 and 59 < max(delays) < 60
    assert 28 < sum(delays) / 1000 < 32 and manners.delay("h1") == manners.delay("h1")
    for wrong in ({"connections_at_once": -1}, {"spread": "soon"}, {"connections_at_once": 1001}):
        with pytest.raises(SettingsError, match=r"write a number from 0 to"):
            parse_manners(wrong)


def test_a_folder_without_locks_limits_nothing_and_costs_no_time(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NFS without its lock service; there is none here, so its answer is made up."""

    def refuse(*_args: t.Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refuse)
    before = time.monotonic()
    with at_once(relays("relay.test"), 1, str(tmp_path)):
        assert time.monotonic() - before < 5
    # What goes wrong inside of the block is not swallowed.
    with pytest.raises(OSError, match="other"), at_once(relays("relay.test"), 1, str(tmp_path)):
        raise OSError("other")


def test_every_action_asks_by_the_polite_way() -> None:
    """Action.probe waits for the host's turn; nothing else of an action has a host probe."""
    actions = pathlib.Path(polite.__file__).parents[2] / "action"
    sources = {path.stem: path.read_text() for path in actions.glob("*.py")}
    assert not [name for name, text in sources.items() if "probe_host" in text]
    asking = {name for name, text in sources.items() if "self.probe(" in text}
    assert {"smtp_gate", "smtp_endpoint_info", "smtp_send", "app_mail_config_audit_info"} <= asking
    assert not [name for name in asking if "POLITE_OPTIONS" not in sources[name]]
