# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fragment that a shell sources, such as /etc/default/x. What is no assignment (a command, an if) stays as it is."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import Carrier
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import Value, load_format

__all__ = ("CARRIER",)


class Shell(Carrier):
    """The dialect is the shell's, whatever the app's own reader is."""

    def read(self, text: str, service: str = "", dialect: str = "") -> dict[str, Value]:
        return {path[0]: value for path, value in load_format("dotenv").read(text, dialect="shell").items()}

    def edit(
        self, text: str, wanted: Mapping[str, str], remove: Collection[str], service: str = "", dialect: str = ""
    ) -> str:
        return load_format("dotenv").edit(
            text, {(name,): value for name, value in wanted.items()}, [(name,) for name in remove], "shell"
        )


CARRIER = Shell()
