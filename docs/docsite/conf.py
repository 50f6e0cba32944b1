# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx's settings for the site that tools/docs builds: how-tos in Markdown beside the pages that antsibull-docs makes of plugins and roles."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ANSIBLE = "https://docs.ansible.com/projects/ansible/latest/"

project = "mailops.smtp"
copyright = "mailops.smtp contributors"
extensions = ["myst_parser", "sphinx.ext.intersphinx", "sphinx_antsibull_ext"]
html_theme = "furo"
html_title = "mailops.smtp"
myst_heading_anchors = 3
nitpicky = False


def ansible_labels() -> dict[str, str]:
    """What the pages link to in Ansible's own documentation: its label there, and its address below ANSIBLE."""
    labels = {
        "action_plugins": "plugins/action.html#action-plugins",
        "callback_plugins": "plugins/callback.html#callback-plugins",
        "ansible_configuration_settings": "reference_appendices/config.html#ansible-configuration-settings",
        "common_return_values": "reference_appendices/common_return_values.html#common-return-values",
    }
    builtin = re.compile(
        r"\bansible_collections\.ansible\.builtin\.([a-z0-9_]+_(?:module|filter|test|lookup|connection|become|callback|inventory|strategy))\b"
    )
    for page in HERE.glob("collections/**/*.rst"):
        for name in builtin.findall(page.read_text(encoding="utf-8")):
            labels[f"ansible_collections.ansible.builtin.{name}"] = f"collections/ansible/builtin/{name}.html"
    return labels


def write_inventory(path: Path, labels: dict[str, str]) -> None:
    """An inventory as intersphinx reads it. Written here, so that the site is built without a network."""
    rows = "".join(f"{label} std:label -1 {address} {label}\n" for label, address in sorted(labels.items()))
    rows += "".join(f"{name} std:envvar -1 {address} {name}\n" for name, address in VARIABLES.items())
    head = "# Sphinx inventory version 2\n# Project: Ansible\n# Version: latest\n# The remainder of this file is compressed using zlib.\n"
    path.write_bytes(head.encode() + zlib.compress(rows.encode()))


# Environment variables of Ansible itself that the pages name.
VARIABLES = {"ANSIBLE_CALLBACKS_ENABLED": "reference_appendices/config.html#envvar-ANSIBLE_CALLBACKS_ENABLED"}

write_inventory(HERE / "ansible.inv", ansible_labels())
intersphinx_mapping = {"ansible": (ANSIBLE, str(HERE / "ansible.inv"))}
