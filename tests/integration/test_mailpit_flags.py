# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table that the role's decisions are tested with is what Mailpit does, this one and the oldest of those that are pinned."""

from __future__ import annotations

import json
import pathlib
import time

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host import program
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.environment import KNOWN

from tests.support import mailpit
from tests.support.process import Process, free_ports

TABLE = json.loads((pathlib.Path(__file__).parents[1] / "unit/plugins/plugin_utils/_mailpit/flags.json").read_text())


def outcome(folder: pathlib.Path, environment: dict, version: str = "") -> str:
    """OK when Mailpit is up, else the error that it ends with."""
    smtp, ui = free_ports(2)
    log = folder / "log"
    log.unlink(missing_ok=True)
    ports = {"MP_SMTP_BIND_ADDR": f"127.0.0.1:{smtp}", "MP_UI_BIND_ADDR": f"127.0.0.1:{ui}"}
    process = Process(
        [mailpit.binary(version)],
        log,
        env={**ports, "MP_DISABLE_VERSION_CHECK": "1", "TMPDIR": str(folder), **environment},
    )
    try:
        end = time.monotonic() + 10
        while time.monotonic() < end:
            if "[http] accessible via" in process.text():
                return "OK"
            if not process.running:
                return mailpit.first_error(process.text())
            time.sleep(0.01)
        raise RuntimeError(f"neither up nor down: {process.text()}")
    finally:
        process.close()


@pytest.mark.parametrize("version", ["", mailpit.PINNED[0]])
@pytest.mark.parametrize("row", TABLE["rows"], ids=lambda row: "-".join(str(part) for part in row[:-1]))
def test_every_combination_of_flags(
    row: list, version: str, mailpit_files: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    cert, require_tls, require_starttls, auth_file, allow_insecure, accept_any, expected = row
    environment = {}
    if cert in ("both", "cert_only"):
        environment["MP_SMTP_TLS_CERT"] = str(mailpit_files / "cert.pem")
    if cert in ("both", "key_only"):
        environment["MP_SMTP_TLS_KEY"] = str(mailpit_files / "key.pem")
    if auth_file:
        environment["MP_SMTP_AUTH_FILE"] = str(mailpit_files / "passwd")
    for name, chosen in (
        ("REQUIRE_TLS", require_tls), ("REQUIRE_STARTTLS", require_starttls), ("AUTH_ALLOW_INSECURE", allow_insecure), ("AUTH_ACCEPT_ANY", accept_any),
    ):  # fmt: skip
        if chosen:
            environment[f"MP_SMTP_{name}"] = "true"
    # Older versions differ in a capital letter.
    assert outcome(tmp_path, environment, version).lower() == expected.lower()


@pytest.mark.parametrize("version", ["", mailpit.PINNED[0]])
@pytest.mark.parametrize(
    "word, true", [("1", True), ("true", True), ("YES", True), ("on", False), ("enabled", False), ("y", False)]
)
def test_only_three_words_are_true(word: str, true: bool, version: str, tmp_path: pathlib.Path) -> None:
    # Requiring TLS without a certificate is an error, so whether the word was understood shows at once.
    assert (outcome(tmp_path, {"MP_SMTP_REQUIRE_TLS": word}, version) != "OK") == true


def test_sans_makes_a_certificate(tmp_path: pathlib.Path) -> None:
    pair = {"MP_SMTP_TLS_CERT": "sans:mailpit.example.com", "MP_SMTP_TLS_KEY": "sans:mailpit.example.com"}
    assert outcome(tmp_path, {**pair, "MP_SMTP_REQUIRE_STARTTLS": "true"}) == "OK"


# What came after the newest version that is pinned.
LATER = ["MP_ALLOWED_HOSTS", "MP_ENABLE_RSPAMD", "MP_SMTP_FORWARD_SUBJECT_PREFIX", "MP_SMTP_RELAY_SUBJECT_PREFIX"]


def test_the_variables_are_those_of_the_program() -> None:
    """Every name that the role knows is in the newest program, and a name of the future or a slip is not."""
    newest = mailpit.binary(mailpit.PINNED[-1])
    assert program.unknown_names(newest, sorted(KNOWN - {"MP_DEBUG_FILE"})) == LATER
    # What only begins another name is not one.
    slips = ["MP_BRAND_NEW", "MP_LABLE", "MP_SMTP_RELAY", "MP_MAX", "MP_POP3"]
    assert program.unknown_names(newest, [*slips, "MP_MAX_MESSAGES"]) == slips
    assert program.unknown_names(mailpit.binary(mailpit.PINNED[0]), ["MP_MAX_MESSAGE_SIZE", "MP_SEND_API_AUTH_FILE", "MP_POP3_BIND_ADDR"]) == [
        "MP_MAX_MESSAGE_SIZE", "MP_SEND_API_AUTH_FILE",
    ]  # fmt: skip
