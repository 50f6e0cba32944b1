# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else on the host can read the file that a password goes into, and what its bytes say."""

from __future__ import annotations

__all__ = ("readable_finding", "text_of")

_OTHERS_READ = 0o004
_OTHERS = 0o007


# Their readers refuse anything but UTF-8.
_UTF8_ONLY = (".yml", ".yaml", ".json", ".toml", ".xml")


def text_of(path: str, content: bytes) -> str:
    """The text of a file that is only read: most of the older formats take each byte as it is. Raises UnicodeDecodeError."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        if path.endswith(_UTF8_ONLY):
            raise
        return content.decode("latin-1")


def readable_finding(path: str, mode: int) -> dict[str, str] | None:
    """The finding for a file that has, or will have, this mode (permission bits); None when others cannot read it."""
    if not mode & _OTHERS_READ:
        return None
    return {
        "severity": "warning",
        "code": "password_readable",
        "message": f"{path} has mode {mode:04o}, so every user of this host can read the password in it.",
        "remedy": f"Set mode: '{mode & ~_OTHERS:04o}' for this file, and owner or group so that the app can still read it.",
    }
