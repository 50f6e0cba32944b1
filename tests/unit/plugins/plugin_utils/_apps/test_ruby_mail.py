# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rails' flags of TLS and STARTTLS, all of them together: read as Ruby mail takes them, and written so that its versions take them alike."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import load_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.change import plan_present
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.reading import Reading, read_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import SECURITY_MODES, parse_settings

FLAGS = ("tls", "ssl", "enable_starttls", "enable_starttls_auto")
PATH = "/srv/app/config/environments/production.rb"


class Fates(t.NamedTuple):
    """The mode in each version, or ``stops``."""

    in_27: str
    in_28: str
    in_29: str


def _table() -> dict[tuple[str, ...], Fates]:
    lines = Path(__file__).with_name("ruby_mail.txt").read_text(encoding="utf-8").splitlines()
    rows = (line.split(": ") for line in lines if not line.startswith("#"))
    return {tuple(flags.split()): Fates(*modes.split()) for flags, modes in rows}


TABLE = _table()


def _text(flags: tuple[str, ...], port: int = 587) -> str:
    pairs = [f"{name}: {value}" for name, value in zip(FLAGS, flags, strict=True) if value != "-"]
    held = ", ".join(["address: 'h'", f"port: {port}", *pairs])
    return f"config.action_mailer.smtp_settings = {{ {held} }}\n"


def _read(text: str) -> Reading:
    rails = load_descriptor("rails")
    return read_place(rails, load_place(rails, PATH), text)


@pytest.mark.parametrize("flags", TABLE)
def test_flags_are_read_as_ruby_mail_takes_them(flags: tuple[str, ...]) -> None:
    fates, reading = TABLE[flags], _read(_text(flags))
    told = {one["code"] for one in reading.findings}
    if fates.in_29 == "stops":
        # Older versions take TLS.
        assert reading.security == fates.in_27 == fates.in_28 == "implicit_tls" and "invalid_settings" in told
    else:
        assert reading.security == fates.in_29
    assert ("downgrade_possible" in told) == (
        "opportunistic" in (fates.in_29, fates.in_28 if fates.in_29 == "starttls" else "")
    )
    if fates.in_28 == "cleartext" and fates.in_29 == "opportunistic":
        assert "cleartext" in told
    if fates.in_28 == "stops":
        assert "unknown_value" in told


@pytest.mark.parametrize("flags", TABLE)
def test_what_is_written_is_the_same_in_every_version(flags: tuple[str, ...]) -> None:
    rails = load_descriptor("rails")
    for mode in SECURITY_MODES:
        given = {"host": "r.example", "port": 465 if mode == "implicit_tls" else 587, "security": mode}
        place = load_place(rails, PATH)
        old = _text(flags).encode()
        made = plan_present(rails, parse_settings(given, probed=True), given, old, place=place)
        held = place.read(made.content.decode())
        after = tuple(_word(held.get(("ActionMailer::Base", "smtp_settings", name))) for name in FLAGS)
        fates = TABLE[after]
        assert fates[1:] == (mode, mode), after
        # Before 2.8 STARTTLS cannot be switched off.
        assert fates.in_27 == ("opportunistic" if mode == "cleartext" else mode)
        assert _read(made.content.decode()).security == mode


def _word(value: object) -> str:
    return "-" if value is None else str(value).lower()
