# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's own probe and gate against a Mailpit in every mode that the role allows, all in one play."""

from __future__ import annotations

import contextlib
import datetime
import itertools
import pathlib
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit import accounts as mailpit_accounts
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit import pki as mailpit_pki
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.model import AUTHS, SECURITIES
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.options import Choice, plan

from tests.support.mailpit import Mailpit
from tests.support.playbook import Run, play
from tests.support.process import free_ports

PASSWORD = "pa ss:\"'#;$ wörd"
MODES = [
    (security, auth, certificate)
    for security, auth in itertools.product(SECURITIES, AUTHS)
    for certificate in (("none",) if security == "cleartext" else ("own_ca", "self_signed", "mailpit"))
]


@pytest.fixture(scope="module")
def relays(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[list[dict[str, t.Any]]]:
    """One Mailpit for each of MODES; what a client needs to know of it, as an endpoint of the modules."""
    folder = tmp_path_factory.mktemp("probe")
    (folder / "passwd").write_text(mailpit_accounts.render_password_file([{"name": "app", "password": PASSWORD}]))
    for kind in ("own_ca", "self_signed"):
        made = mailpit_pki.issue(kind, ["localhost"], mailpit_pki.Pki(), datetime.datetime.now(datetime.UTC))
        for name, text in (("cert", made.certificate), ("key", made.key), ("ca", made.trust)):
            (folder / f"{kind}.{name}").write_text(text)
    endpoints = []
    with contextlib.ExitStack() as stack:
        for number, (security, auth, certificate) in enumerate(MODES):
            smtp, ui = free_ports(2)
            choice = Choice(
                security=security, auth=auth, certificate=certificate, has_users=auth == "users", allow_cleartext_auth=security == "opportunistic",
                names=("localhost",), cert_file=str(folder / f"{certificate}.cert"), key_file=str(folder / f"{certificate}.key"),
                auth_file=str(folder / "passwd"), smtp_address="127.0.0.1", smtp_port=smtp, ui_port=ui,
            )  # fmt: skip
            home = folder / str(number)
            home.mkdir()
            stack.enter_context(Mailpit(home, plan(choice).environment))
            endpoint: dict[str, t.Any] = {"host": "localhost", "port": smtp, "security": security, "ip_version": "4"}
            if certificate == "mailpit":
                endpoint["validate_certs"] = False
            elif certificate != "none":
                endpoint["ca_path"] = str(folder / f"{certificate}.ca")
            if auth != "none":
                endpoint |= {"username": "app", "password": PASSWORD}
            endpoints.append(endpoint)
        yield endpoints


def run(folder: pathlib.Path, module: str, endpoints: list[dict[str, t.Any]], **options: t.Any) -> Run:
    task = {
        "name": "Probe",
        f"mailops.smtp.{module}": {"endpoints": "{{ endpoints }}", "timeout": 30, **options},
        "register": "result",
        "ignore_errors": True,
    }
    done = play(folder / "play", [task], {"endpoints": endpoints}, saved=["result"])
    assert PASSWORD not in done.output and "result" in done.saved, done.output
    return done


def test_the_gate_passes_every_mode_with_the_login(relays: list, tmp_path: pathlib.Path) -> None:
    result = run(tmp_path, "smtp_gate", relays, check_credentials=True, alternatives=[]).saved["result"]
    wrong = [
        (mode, probe["cause"], probe["message"]) for mode, probe in zip(MODES, result["probes"]) if not probe["ok"]
    ]
    assert not wrong and not result["failed"]


def test_the_gate_fails_every_wrong_mode_certificate_and_password(relays: list, tmp_path: pathlib.Path) -> None:
    tried, expected = [], []
    for (security, auth, certificate), endpoint in zip(MODES, relays):
        if security == "implicit_tls":
            tried.append({**endpoint, "security": "starttls"})
            expected.append("mode_mismatch")
        elif security == "cleartext":
            tried.append({**endpoint, "security": "starttls"})
            expected.append("starttls_not_offered")
        else:
            tried.append({**endpoint, "security": "implicit_tls"})
            expected.append("mode_mismatch")
        if certificate in ("own_ca", "self_signed"):
            tried.append({key: value for key, value in endpoint.items() if key != "ca_path"})
            # A leaf of an unknown CA that does not send the CA: nobody can say whether an intermediate is missing.
            expected.append(
                "certificate_self_signed"
                if certificate == "self_signed"
                else "certificate_untrusted or certificate_chain_incomplete"
            )
        if auth == "users":
            tried.append({**endpoint, "password": "wrong"})
            expected.append("auth_rejected")
    result = run(tmp_path, "smtp_gate", tried, check_credentials=True, alternatives=[]).saved["result"]
    seen = [probe["cause"] for probe in result["probes"]]
    assert result["failed"]
    wrong = [
        (one, two, endpoint["port"])
        for one, two, endpoint in zip(expected, seen, tried)
        if two not in one.split(" or ")
    ]
    assert not wrong


def test_auto_finds_the_mode(relays: list, tmp_path: pathlib.Path) -> None:
    result = run(tmp_path, "smtp_endpoint_info", [{**endpoint, "security": "auto"} for endpoint in relays]).saved[
        "result"
    ]
    seen = {(mode[0], probe["security_observed"]) for mode, probe in zip(MODES, result["probes"])}
    # Whether STARTTLS is required shows only to somebody who does not use it.
    assert seen == {
        ("implicit_tls", "implicit_tls"),
        ("starttls", "starttls"),
        ("opportunistic", "starttls"),
        ("cleartext", "cleartext"),
    }
