# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The apps that are going to use a relay, as the option apps names them, and what their descriptors say of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import AppError, load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import AppClient

__all__ = ("app_clients",)


def app_clients(raw: object, folder: Path | None = None) -> tuple[AppClient, ...]:
    """What is known of the apps: names, or dictionaries with ``app`` as the role's mail_config_apps holds them.

    Entries without ``app`` (templates of the user's own) say nothing. ``folder``: descriptors of the user's own. Raises
    SettingsError.
    """
    if raw in (None, "", []):
        return ()
    found: dict[str, AppClient] = {}
    for entry in raw if isinstance(raw, list) else [raw]:
        name = entry.get("app") if isinstance(entry, Mapping) else entry
        if name is None:
            continue
        if not isinstance(name, str):
            raise SettingsError(f"apps holds {show(entry)}; write names of apps, such as apps: [pangolin].", "apps")
        try:
            descriptor = load_descriptor(name, folder)
        except AppError as error:
            raise SettingsError(f"apps: {error}", "apps") from None
        found.setdefault(name, AppClient(descriptor.name, descriptor.runtime, descriptor.mechanisms))
    return tuple(found.values())
