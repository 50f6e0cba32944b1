# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an action hands to its module on the host, as one text: Ansible masks and logs it as a whole, or not at all."""

from __future__ import annotations

import base64
import json
import typing as t

__all__ = ("OPTION", "seal", "unseal")

OPTION: t.Dict[str, t.Any] = {"type": "str", "no_log": True}


def seal(handed: t.Mapping[str, t.Any]) -> str:
    """JSON in base64, so that no part of it is found again in sentences and torn out of them."""
    return base64.b64encode(json.dumps(handed).encode("utf-8")).decode("ascii")


def unseal(sealed: t.Optional[str]) -> t.Dict[str, t.Any]:
    """What was sealed. Raises ValueError for anything else."""
    found = json.loads(base64.b64decode(sealed or "", validate=True).decode("utf-8"))
    if not isinstance(found, dict):
        raise ValueError("no mapping")
    return found
