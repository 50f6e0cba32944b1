# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Through the role mail_config, too, no login goes out in cleartext unasked: by no other port, no further step and no relay that turns.

One run of Ansible, a host a row. Each row has a password of its own, so that what is on the wire tells whose it is.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import os
import pathlib
import typing as t

import pytest

from tests.support.faulty import Behaviour, FaultyServer, Peer, honest, smtp
from tests.support.pki import Pki
from tests.support.playbook import ansible_playbook
from tests.support.process import closed_ports

OLD = "email:\n    smtp_host: old.example.com\n    smtp_pass: old\n"


@dataclasses.dataclass(frozen=True)
class Row:
    """What is asked for, which relays are there, and what must come: the mode that is deployed, or why none is."""

    security: str
    chosen: str
    others: tuple[str, ...] = ()
    deployed: str | None = None
    cause: str = ""
    variables: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)
    in_cleartext: bool = False


ELSEWHERE: t.Mapping[str, t.Any] = {"mail_config_cleartext_networks": ["10.0.0.0/8"]}
UNPROBED: t.Mapping[str, t.Any] = {"mail_config_gate": False, "mail_config_prove_recipient": "ops@example.com"}
ROWS = {
    "only-cleartext-left": Row("opportunistic", "closed", ("plain",), cause="auth_requires_tls"),
    "cleartext-is-nearer": Row("opportunistic", "closed", ("plain", "starttls"), "starttls"),
    "by-name": Row("cleartext", "plain", (), "cleartext", in_cleartext=True),
    "turns-after-the-restart": Row("opportunistic", "turns", cause="auth_requires_tls"),
}
# With DEEP=1 in the environment, too: a second of processor time for each task of each row.
if os.environ.get("DEEP"):
    ROWS |= {
        "in-another-network": Row("cleartext", "plain", cause="auth_requires_tls", variables=ELSEWHERE),
        "without-a-gate": Row("opportunistic", "plain", cause="auth_requires_tls", variables=UNPROBED),
        "stripped": Row("starttls", "stripped", ("refusing", "plain"), cause="starttls_not_offered"),
        "stripped-where-tls-is-optional": Row("opportunistic", "stripped", ("plain",), cause="auth_requires_tls"),
        "implicit-to-starttls": Row("implicit_tls", "closed", ("plain", "starttls"), "starttls"),
        "turns-where-tls-is-asked": Row("starttls", "turns", cause="starttls_not_offered"),
        "without-a-gate-and-stripped": Row("starttls", "stripped", cause="starttls_not_offered", variables=UNPROBED),
        "tried-and-proved": Row(
            "opportunistic",
            "starttls",
            deployed="starttls",
            variables={"mail_config_prove_recipient": "ops@example.com"},
        ),
    }
LOGINS = {f"{name}@example.com": f"s3cret-of-{name}" for name in ROWS}


def forms(user: str, password: str) -> list[str]:
    """How a login travels."""
    pair = f"\0{user}\0{password}".encode()
    return [password, *(base64.b64encode(text).decode() for text in (password.encode(), pair))]


class Place:
    """The relays, and a folder with the app's file of each row."""

    def __init__(self, folder: pathlib.Path, stack: contextlib.ExitStack) -> None:
        self.folder = folder
        self.pki = Pki(folder / "pki")
        good = self.pki.issue("localhost", ips=["127.0.0.1"])
        login: dict[str, t.Any] = {"users": LOGINS, "mechanisms": ["PLAIN", "LOGIN"]}
        sound, stripped = smtp(starttls=honest(good), **login), smtp(capabilities=("SIZE 1000", "XXXXXXXA"), **login)
        kinds: dict[str, Behaviour] = {
            "plain": smtp(**login), "stripped": stripped, "starttls": sound,
            "refusing": smtp(starttls="454 4.7.0 TLS not available", **login),
        }  # fmt: skip
        for name, row in ROWS.items():
            if row.chosen == "turns":
                kinds[f"turns {name}"] = self._turning(name, sound, stripped)
        self.servers = {kind: stack.enter_context(FaultyServer(behaviour)) for kind, behaviour in kinds.items()}
        self.ports = {kind: server.port for kind, server in self.servers.items()} | {"closed": closed_ports(1)[0]}

    def _turning(self, name: str, before: Behaviour, after: Behaviour) -> Behaviour:
        """A relay that is another one once this row's app was restarted."""

        def behave(peer: Peer) -> None:
            (after if self.restarted(name).exists() else before)(peer)

        return behave

    def config(self, name: str) -> pathlib.Path:
        return self.folder / f"{name}.yml"

    def restarted(self, name: str) -> pathlib.Path:
        return self.folder / f"{name}.restarted"

    def variables(self, name: str, row: Row) -> dict[str, t.Any]:
        """Of the host that this row is."""
        self.config(name).write_text(OLD)
        port = self.ports[f"turns {name}" if row.chosen == "turns" else row.chosen]
        settings = {
            "host": "localhost", "port": port, "security": row.security, "ca_path": str(self.pki.ca_file), "timeout": 10,
            "ip_version": "4", "username": f"{name}@example.com", "password": LOGINS[f"{name}@example.com"],
            "sender": "app@example.com",
        }  # fmt: skip
        app = {
            "app": "pangolin",
            "path": str(self.config(name)),
            "restart": {"command": ["touch", str(self.restarted(name))]},
        }
        return {
            "mail_config_settings": settings, "mail_config_apps": [app], "mail_config_check_credentials": True,
            "mail_config_fallback": "use", "mail_config_alternatives": [self.ports[kind] for kind in row.others],
            **row.variables,
        }  # fmt: skip

    def seen(self, name: str) -> set[bool]:
        """Where this row's login was on a wire: in TLS (True), in cleartext (False)."""
        user = f"{name}@example.com"
        wanted = forms(user, LOGINS[user])
        lines = [line for server in self.servers.values() for line in list(server.commands)]
        return {tls for tls, line in lines if any(form in line for form in wanted)}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Place]:
    with contextlib.ExitStack() as stack:
        yield Place(tmp_path_factory.mktemp("downgrade"), stack)


@pytest.fixture(scope="module")
def results(place: Place) -> str:
    """What Ansible printed of the one run."""
    hosts = {name: place.variables(name, row) for name, row in ROWS.items()}
    (place.folder / "inventory.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    play = {"hosts": "all", "gather_facts": False, "strategy": "free", "roles": ["mailops.smtp.mail_config"]}
    (place.folder / "play.yml").write_text(json.dumps([play]))
    done = ansible_playbook(
        "-i", str(place.folder / "inventory.json"), "--limit", "!localhost", "--forks", "3", str(place.folder / "play.yml")
    )  # fmt: skip
    assert "Traceback" not in done.stdout and not any(password in done.stdout for password in LOGINS.values())
    return done.stdout


@pytest.mark.parametrize("name", ROWS)
def test_no_login_in_cleartext_unasked(place: Place, results: str, name: str) -> None:
    row = ROWS[name]
    recap = next(line for line in results.splitlines() if line.startswith(f"{name} ") and "ok=" in line)
    failed = "failed=0" not in recap
    assert failed is (row.deployed is None), results
    assert (False in place.seen(name)) is row.in_cleartext
    if row.deployed is None:
        fatal = [line for line in results.splitlines() if line.startswith(f"fatal: [{name}]")]
        assert fatal and all(f'"cause": "{row.cause}"' in line for line in fatal)
        assert place.config(name).read_text() == OLD
        # Else the app would run on with what was refused.
        assert place.restarted(name).exists() is (row.chosen == "turns" or "mail_config_gate" in row.variables)
    else:
        port = place.ports[row.deployed if row.others else row.chosen]
        assert f"smtp_port: {port}" in place.config(name).read_text()
    assert (True in place.seen(name)) is (row.deployed == "starttls" or row.chosen == "turns"), (
        "where it is to be used, it is"
    )
