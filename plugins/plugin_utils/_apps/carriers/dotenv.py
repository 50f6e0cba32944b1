# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of NAME=value lines, in the dialect of its reader."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import Carrier
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import Value, load_format

__all__ = ("CARRIER",)


class Dotenv(Carrier):
    """The whole file belongs to one app, or all apps of it share the variables."""

    def read(self, text: str, service: str = "", dialect: str = "") -> dict[str, Value]:
        return {path[0]: value for path, value in load_format("dotenv").read(text, dialect=dialect).items()}

    def edit(
        self, text: str, wanted: Mapping[str, str], remove: Collection[str], service: str = "", dialect: str = ""
    ) -> str:
        return load_format("dotenv").edit(
            text, {(name,): value for name, value in wanted.items()}, [(name,) for name in remove], dialect
        )


CARRIER = Dotenv()
