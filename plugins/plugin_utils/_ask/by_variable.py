# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variable of our playbooks has filled an option: that one is what a user can change. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ("by_variable",)

# Not a part of one: what of it is meant the option tells better.
_OURS = re.compile(r"\bmail_(?:audit|config|deploy|gate|judge|probe|report)_\w+(?![\w.\[])")


def by_variable(sentence: str, option: str, written: object) -> str:
    """The sentence on an option, with the variable's name in its place.

    ``written``: the options as they stand in the playbook, before any template was filled in. The sentence stays as it is
    where the option holds none of them, or several.
    """
    value = written.get(option) if isinstance(written, Mapping) else None
    names = set(_OURS.findall(value)) if isinstance(value, str) and "{{" in value else set()
    if len(names) != 1:
        return sentence
    # An option may be a usual word, such as from: it is meant at the head, and where something is to be written into it.
    return re.sub(rf"(\A|\binto ){re.escape(option)}\b", lambda found: f"{found[1]}{min(names)}", sentence)
