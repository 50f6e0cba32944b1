# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx's settings for the site that tools/docs builds: how-tos in Markdown beside the pages that antsibull-docs makes of plugins and roles."""

from __future__ import annotations

project = "mailops.smtp"
copyright = "mailops.smtp contributors"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "furo"
html_title = "mailops.smtp"
myst_heading_anchors = 3
# Nothing is fetched while the site is built; what other collections document is named, and not linked.
suppress_warnings = ["myst.xref_missing"]
nitpicky = False
