# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
As test_vanish.py, with two apps: the first is a service of systemd, the second has a command, and both are restarted whether they changed or not.

A few tasks in every run of the lab, all of them with --deep.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.plan import MAILPIT, NODES, ipv4
from lab.test_vanish import CONFIG, CONNECTIONS, OLD, PASSWORD, Place, placed
from lab.vanishing import KILLED, WAYS, vanishing

SECOND = "/opt/second/config.yml"
UNIT = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/opt/start\n[Install]\nWantedBy=multi-user.target\n"
# The second one does not start with its new settings where /opt/broken is; the first one always does.
START_SECOND = f"""#!/bin/sh
[ ! -e /opt/broken ] || ! grep -q {PASSWORD} {SECOND} || exit 1
cp {SECOND} /opt/second/running
"""
APPS = [
    {"app": "pangolin", "path": CONFIG, "restart": {"service": "pangolin.service"}},
    {"app": "pangolin", "path": SECOND, "restart": {"command": ["/opt/start-second"]}},
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    relay = (ipv4(*NODES["relays"]), 2588)
    variables = {"mail_config_apps": APPS, "mail_config_restart": "always"}
    with placed(tmp_path_factory.mktemp("vanish-service"), MAILPIT, relay, **variables) as found:
        found.on_host("sed -i '/broken/d' /opt/start; cat > /etc/systemd/system/pangolin.service", UNIT)
        found.on_host("mkdir /opt/second; cat > /opt/start-second; chmod 755 /opt/start-second", START_SECOND)
        try:
            yield found
        finally:
            found.on_host(
                "systemctl disable --now pangolin.service; rm -rf /etc/systemd/system/pangolin.service /opt/pangolin /opt/second"
                " /opt/start* /opt/running /opt/broken /opt/ca.pem /var/lib/mailops.smtp; systemctl daemon-reload"
            )


def reset(place: Place, broken: bool) -> None:
    """Both apps run with their old settings."""
    place.reset(broken)
    place.on_host(
        f"cp {CONFIG} {SECOND}; cp {SECOND} /opt/second/running; systemctl daemon-reload; systemctl enable pangolin; systemctl restart pangolin"
    )


def states(place: Place) -> list[str]:
    """What is in the two files, and with what the two apps run."""
    return [place.held(path) for path in (CONFIG, SECOND, "/opt/running", "/opt/second/running")]


@pytest.fixture(scope="module")
def new(place: Place) -> str:
    """The apps' file after a run without trouble."""
    reset(place, False)
    done = place.play()
    assert done.returncode == 0, done.stdout + done.stderr
    written = place.held()
    assert PASSWORD in written and states(place) == [written] * 4
    return written


FORWARD = [
    "Refuse what cannot work, and claim the files and keep the old ones until all is proved",
    "Refuse to deploy where mail would not work",
    "Put the settings into the apps' files",
    "Run the restart commands of the apps that changed",
    "Read back what the apps' files hold, and prove that this host can mail with exactly these settings",
    "Drop the old files that were kept",
]
BACK = ["Put the old files back", "Restart the apps that have their old settings back", "Stop, and say what is back"]
FEW = [("Run the restart commands of the apps that changed", "reboot")]
ROWS = [
    pytest.param(task, way, task in BACK, id=f"{task}-{way}", marks=[] if (task, way) in FEW else [pytest.mark.deep])
    for task in (*FORWARD, *BACK)
    for way in (*WAYS, KILLED)
]


@pytest.mark.parametrize(("task", "way", "broken"), ROWS)
def test_the_next_run_finishes_both(place: Place, new: str, task: str, way: str, broken: bool) -> None:
    reset(place, broken)
    with vanishing(place.disk, task, way, CONNECTIONS, 0.1) as environment:
        first = place.play(environment)
    print(
        "vanished"
        if "UNREACHABLE" in first.stdout or "reached over ssh" in first.stdout or first.returncode < 0
        else "not noticed",
        flush=True,
    )
    between = states(place)[:2]
    assert all(state in (OLD, new) for state in between)
    second = place.play()
    right = OLD if broken else new
    assert (second.returncode == 0) is not broken, second.stdout + second.stderr
    assert states(place) == [right] * 4
    assert [path for path in place.secrets() if not path.startswith(("/opt/second/", "/opt/start-second"))] == []
    assert place.on_host("ls /var/lib/mailops.smtp") == ""
