# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter explain_smtp_error: see explain_smtp_error.yml for its documentation."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterable

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_data

_TAKES = "mailops.smtp.explain_smtp_error takes a text or a list of lines"


def explain_smtp_error(value: object) -> dict[str, t.Any]:
    """Explain an error text, or a whole log as one text or as a list of lines."""
    return printable_data(_explained(value))


def _explained(value: object) -> dict[str, t.Any]:
    # Not above: to find one filter, Ansible imports the files of them all, in each of its processes.
    from ansible_collections.mailops.smtp.plugins.plugin_utils._explain.log import explain

    if isinstance(value, (bytes, bytearray)):
        return explain(bytes(value).decode("utf-8", "replace"))
    if isinstance(value, str):
        return explain(value)
    if isinstance(value, dict):
        raise AnsibleFilterError(
            f"{_TAKES}, not a dictionary; pass one of its values, such as result.msg or result.stdout_lines."
        )
    if isinstance(value, Iterable):
        lines = list(value)
        wrong = next((line for line in lines if not isinstance(line, str)), None)
        if wrong is not None:
            raise AnsibleFilterError(f"{_TAKES}; one element of the list is a {type(wrong).__name__}.")
        return explain(lines)
    raise AnsibleFilterError(f"{_TAKES}, not a {type(value).__name__}.")


class FilterModule:
    """Ansible's way to find the filter."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Names and functions."""
        return {"explain_smtp_error": explain_smtp_error}
