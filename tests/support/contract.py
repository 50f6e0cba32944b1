# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What users' playbooks are written against."""

from __future__ import annotations

__all__ = ["PROBE_KEYS"]

# A probe of smtp_endpoint_info and smtp_gate, in this order.
PROBE_KEYS = [
    "host",
    "port",
    "security",
    "security_observed",
    "ok",
    "layer",
    "cause",
    "message",
    "remedy",
    "addresses",
    "layers",
    "greeting",
    "capabilities",
    "tls",
    "certificates",
    "chain_available",
    "transaction",
    "findings",
    "elapsed_ms",
]
