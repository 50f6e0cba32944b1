# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The path of an app's file on its host, as a task has it."""

from __future__ import annotations

from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show

__all__ = ("app_path",)


def app_path(path: str | None) -> str:
    """The path without blanks around it. Raises SettingsError where it is missing, or begins where a module happens to be run."""
    path = (path or "").strip(" ")
    if not path:
        words = (
            "path is missing; write the path of the app's file on the host, such as /opt/pangolin/config/config.yml."
        )
        raise SettingsError(words, "path")
    if not path.startswith(("/", "~", "$")):
        raise SettingsError(f"path is {show(path)}; write the whole path on the host, which begins with /.", "path")
    return path
