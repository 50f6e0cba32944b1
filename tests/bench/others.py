# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What else people ask a relay with, each told to verify chain and name where it can: command lines for one healthy endpoint."""

from __future__ import annotations

import pathlib

from tests.lab.tools_of_today import TOOLS, Endpoint

from .measure import ROOT

__all__ = ("commands",)

# Seconds that a tool is given; a healthy relay needs none of them.
_PATIENCE = 30


def commands(host: str, port: int, implicit: bool, ca_file: pathlib.Path, folder: pathlib.Path) -> dict[str, list[str]]:
    """The command of each tool by its name. ``folder`` may be written in: posttls-finger wants a Postfix's main.cf, which may be empty."""
    endpoint = Endpoint(host, port, implicit, "relay.test", str(ca_file), _PATIENCE)
    return {
        **{name: command(endpoint) for name, (command, _version) in TOOLS.items()},
        "posttls-finger": _posttls_finger(endpoint, folder),
        "sslyze": _sslyze(endpoint),
    }


def _posttls_finger(to: Endpoint, folder: pathlib.Path) -> list[str]:
    (folder / "main.cf").touch()
    mode = ["-w"] if to.implicit else []
    options = ["-c", "-l", "secure", "-s", to.name, "-F", to.ca]
    return ["env", f"MAIL_CONFIG={folder}", "posttls-finger", *mode, *options, f"[{to.host}]:{to.port}", to.name]


def _sslyze(to: Endpoint) -> list[str]:
    """The certificate alone: all that it can look for takes it minutes."""
    mode = [] if to.implicit else ["--starttls", "smtp"]
    options = ["--certinfo", "--certinfo_ca_file", to.ca, "--mozilla_config", "disable", "--sni", to.name]
    program = ROOT / "build" / "venv" / "bench" / "bin" / "sslyze"
    return [str(program), *options, *mode, f"{to.host}:{to.port}"]
