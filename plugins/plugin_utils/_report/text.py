# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of strangers in HTML and XML."""

from __future__ import annotations

import html

from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_text

__all__ = ("text",)


def text(found: object) -> str:
    """The text for any place between tags, and in quotes of either kind; printable, as the records are already."""
    return html.escape(printable_text(str(found)), quote=True)
