# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter mail_settings: see mail_settings.yml for its documentation."""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible.errors import AnsibleFilterError


def mail_settings(value: object, selected: object = None, probed: bool | None = None) -> dict[str, t.Any]:
    """Complete and check mail settings, a URL or host:port."""
    # Not above: to find one filter, Ansible imports the files of them all, in each of its processes.
    from ansible_collections.mailops.smtp.plugins.plugin_utils._input.completed import completed
    from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError
    from ansible_collections.mailops.smtp.plugins.plugin_utils._input.hidden import hidden_in_text

    try:
        return completed(value, selected, probed)
    except SettingsError as error:
        raise AnsibleFilterError(f"mailops.smtp.mail_settings: {hidden_in_text(str(error), value)}") from None


class FilterModule:
    """Ansible's way to find the filter."""

    def filters(self) -> dict[str, Callable[..., t.Any]]:
        """Names and functions."""
        return {"mail_settings": mail_settings}
