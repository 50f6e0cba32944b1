# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a proof of Mailpit is known in its log."""

from __future__ import annotations

__all__ = ("MADE_UP",)

# The beginning of every login that the proof makes up. No account has such a name.
MADE_UP = "mailops-proof-"
