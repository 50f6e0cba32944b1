# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of others, changed safely on a managed host: whole before and after, and put back when a run breaks off."""

from __future__ import annotations

from ansible_collections.mailops.smtp.plugins.module_utils._zip_import import compile_once

compile_once(__spec__.loader)
