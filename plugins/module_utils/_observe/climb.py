# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A climb that finds out more where the relay is silent or fails."""

from __future__ import annotations

import typing as t

from .ladder import Ladder

if t.TYPE_CHECKING:
    from .dialogue import Dialogue
    from .evidence import FailureEntry

__all__ = ("Climb",)


class Climb(Ladder):
    """One climb, with what further connections tell, within the same deadline."""

    def _listen_on(self) -> Dialogue | None:
        from .further import listen_on  # a relay that greets at once never needs it

        return listen_on(self)

    def _find_out_more(self, failure: FailureEntry) -> None:
        from .further import find_out_more  # a relay that works never needs it

        find_out_more(self, failure)
