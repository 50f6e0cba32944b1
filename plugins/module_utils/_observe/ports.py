# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ports speak how, by convention. A live answer outranks it."""

from __future__ import annotations

__all__ = ("CLEARTEXT_FIRST_PORTS", "CONVENTIONAL_PORTS", "IMPLICIT_TLS_PORTS")

# RFC 8314 section 7.3 gives 465 to implicit TLS; 2465 is its usual alternative.
IMPLICIT_TLS_PORTS = (465, 2465)
# RFC 6409 gives 587 to submission, RFC 5321 gives 25 to SMTP; 2587 and 2525 are their usual alternatives.
CLEARTEXT_FIRST_PORTS = (587, 2587, 2525, 25)
# All of them in the order to try: RFC 8314 section 3.3 prefers implicit TLS; 25 is for relays among themselves and
# comes last.
CONVENTIONAL_PORTS = (465, 587, 2465, 2587, 2525, 25)
