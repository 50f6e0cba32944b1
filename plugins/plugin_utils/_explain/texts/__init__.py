# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What mail clients and servers write when mail fails: one file per layer. To add a text, add it to the file of the layer where it broke."""

from __future__ import annotations

from ..rule import Rule
from . import auth, certificate, dns, ehlo, greeting, mode, settings, starttls, tcp, tls, transaction
from .vague import NOISE, VAGUE

__all__ = ("NOISE", "RULES", "VAGUE")

RULES: tuple[Rule, ...] = tuple(
    rule
    for layer in (settings, dns, tcp, greeting, mode, ehlo, starttls, tls, certificate, auth, transaction)
    for rule in layer.RULES
)
