# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up config files, edited, are read by the apps' own parsers as they were meant: some hundred; tools/fuzz-formats has more."""

from __future__ import annotations

import pytest

from tests.fuzz.formats import QUICK, TARGETS, Target, fuzz


@pytest.mark.parametrize("target", [one for one in TARGETS if one.name in QUICK], ids=lambda one: one.name)
def test_the_apps_parser_reads_what_was_meant(target: Target) -> None:
    tally = fuzz(target, QUICK[target.name], seed=12)
    assert not tally.wrong, "\n".join(tally.wrong[:3])
    assert tally.right > QUICK[target.name] / 4
