# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What app_mail_config writes for Pangolin, read as Pangolin reads it and sent with by the real Nodemailer through a real Postfix.

And what smtp_gate says of a pair that cannot work is what Nodemailer then meets.
"""

from __future__ import annotations

import json
import pathlib
import subprocess
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.change import plan_present
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats.yaml_edit import quote
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import parse_settings

from tests.support import faulty
from tests.support.pangolin import pangolin_send
from tests.support.pki import Pki
from tests.support.playbook import play
from tests.support.postfix import Listener, Postfix
from tests.support.process import BUILD, program

# An address of its own on loopback, so that the real ports can be taken.
ADDRESS = "127.0.0.46"
USER, PASSWORD = "app@example.com", "n3w \"{{ x }}' # $h\\ü"
COMMON: dict[str, t.Any] = {"host": ADDRESS, "username": USER, "password": PASSWORD, "sender": "pangolin@example.com"}
OLD = '# office\napp:\n    dashboard_url: https://pangolin.example.com\nemail:\n    smtp_port: "587"   # was a text\nflags: {}\n'


class Relay(t.NamedTuple):
    """A Postfix on the real ports of ADDRESS."""

    postfix: Postfix
    ca_file: pathlib.Path


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Relay]:
    pki = Pki(tmp_path_factory.mktemp("pki"))
    listeners = [Listener("implicit", host=ADDRESS, port=465), Listener("starttls", host=ADDRESS, port=587)]
    issued = pki.issue("localhost", ips=[ADDRESS])
    with Postfix(listeners, certificate=issued, users={USER: PASSWORD}, require_auth=True) as postfix:
        yield Relay(postfix, pki.ca_file)


@pytest.mark.parametrize("port, secure", [("465", "true"), ("587", "false")])
def test_what_is_written_sends_a_mail_with_auth(relay: Relay, tmp_path: pathlib.Path, port: str, secure: str) -> None:
    config = tmp_path / "config.yml"
    config.write_text(OLD)
    write = {"app": "pangolin", "path": str(config), "settings": "{{ settings }}"}
    gate = {
        **{key: f"{{{{ settings.{key} }}}}" for key in ("host", "port", "secure", "username", "password")},
        "ca_path": str(relay.ca_file),
    }
    run = play(
        tmp_path / "play",
        [
            {"name": "Gate", "mailops.smtp.smtp_gate": {**gate, "check_credentials": True}},
            {"name": "Configure", "mailops.smtp.app_mail_config": write, "register": "result"},
        ],
        {"settings": {**COMMON, "port": port, "secure": secure}},
        saved=["result"],
    )
    assert run.returncode == 0, run.output
    assert config.read_text().startswith(OLD.split("email")[0]) and config.read_text().endswith("flags: {}\n")

    subject = f"by port {port}"
    sent = pangolin_send(config, to="ops@example.com", subject=subject, ca_file=relay.ca_file)
    assert sent.ok, sent
    message = relay.postfix.wait_for_message(subject, 10)
    assert "pangolin@example.com" in message and f"sasl_username={USER}" in relay.postfix.log()
    # The same file without the CA: what the finding ca_not_expressible is about.
    assert not pangolin_send(config, to="ops@example.com").ok


def config_for(folder: pathlib.Path, settings: dict[str, t.Any]) -> pathlib.Path:
    """What the collection would write, were it not kept from it by the gate."""
    path = folder / "config.yml"
    path.write_bytes(
        plan_present(load_descriptor("pangolin"), parse_settings(settings, probed=True), settings, OLD.encode()).content
    )
    return path


@pytest.mark.parametrize(
    "kind, secure, cause, code, words",
    [
        ("implicit", False, "mode_mismatch", "ETIMEDOUT", "Greeting never received"),
        ("starttls", True, "mode_mismatch", "ESOCKET", "wrong version number"),
        ("silent", False, "greeting_timeout", "ETIMEDOUT", "Greeting never received"),
        ("full", True, "connection_timeout", "ETIMEDOUT", "Connection timeout"),
        ("wrong password", True, "auth_rejected", "EAUTH", "535"),
        ("unknown CA", True, "certificate_untrusted", "ESOCKET", "unable to"),
    ],
)
def test_the_gate_foretells_what_nodemailer_meets(
    relay: Relay,
    tmp_path: pathlib.Path,
    kind: str,
    secure: bool,
    cause: str,
    code: str,
    words: str,
) -> None:
    settings = {
        **COMMON,
        "secure": secure,
        "ca_path": str(relay.ca_file),
        "timeout": 3,
        "port": 587 if kind == "starttls" else 465,
    }
    if kind == "wrong password":
        settings["password"] = "wr0ng"
    if kind == "unknown CA":
        del settings["ca_path"]
    server = {
        "silent": lambda: faulty.FaultyServer(faulty.silent(), host=ADDRESS),
        "full": lambda: faulty.full_backlog(ADDRESS),
    }.get(kind)
    if server is None:
        probe, sent = both(tmp_path, settings)
    else:
        with server() as running:
            probe, sent = both(tmp_path, {**settings, "port": running.port})
    assert probe["cause"] == cause, probe
    assert not sent.ok and sent.code == code and words in (sent.message or ""), sent


def both(folder: pathlib.Path, settings: dict[str, t.Any]) -> tuple[dict[str, t.Any], t.Any]:
    """The gate's answer and Nodemailer's, on the same settings."""
    gate = {key: f"{{{{ settings.{key} }}}}" for key in settings if key != "sender"}
    run = play(
        folder / "play",
        [
            {
                "name": "Gate",
                "mailops.smtp.smtp_gate": {**gate, "alternatives": [], "check_credentials": True},
                "register": "result",
                "ignore_errors": True,
            }
        ],
        {"settings": settings},
        saved=["result"],
    )
    assert run.saved["result"]["failed"], run.output
    sent = pangolin_send(
        config_for(folder, settings),
        to="ops@example.com",
        ca_file=settings.get("ca_path"),
        connection_timeout=3,
        greeting_timeout=3,
    )
    return run.saved["result"], sent


def test_js_yaml_reads_what_was_quoted(tmp_path: pathlib.Path) -> None:
    values: list[t.Any] = [
        PASSWORD,
        "",
        " ",
        "yes",
        "0o17",
        "1e3",
        "~",
        "null",
        "- a",
        "a: b",
        "#x",
        "'",
        '"',
        "\\",
        "{{ x }}",
        "${X}",
        "%",
        "@",
        "`",
        "!x",
        "&x",
        "*x",
        "|",
        ">",
        "line\nbreak\r\n\ttab",
        "\x01\x7f\x85\xa0\u2028\u2029\ufeff",
        "ü€\U0001f600",
        "x" * 2000,
        True,
        False,
        465,
        0,
        -1,
    ]
    path = tmp_path / "values.yml"
    path.write_text("".join(f"- {quote(value)}\n" for value in values), encoding="utf-8")
    script = "console.log(JSON.stringify(require('js-yaml').load(require('fs').readFileSync(process.argv[1], 'utf8'))))"
    command, modules = [program("node"), "-e", script, str(path)], str(BUILD / "nodemailer" / "node_modules")
    done = subprocess.run(command, env={"NODE_PATH": modules}, stdout=subprocess.PIPE, check=True, timeout=30)
    assert json.loads(done.stdout) == values
