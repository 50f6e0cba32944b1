# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file on a client that holds what Mailpit is verified with: the role's own, or it is left alone."""

from __future__ import annotations

import os
import re
import stat
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.record import Record, add, drop
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.ways import Refusal, Spot, trouble_with, walk

__all__ = ("claim", "forget")

_OPTION = "mailpit_client_ca_path"
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_LARGEST = 4 << 20


def claim(path: str, instance: str, known: t.Sequence[str], record: Record) -> None:
    """
    Write down that this file is of ``instance``. Raises Refusal when it is somebody else's; ``known`` are PEM texts
    that the role has given out.
    """
    spot = _spot(path, instance)
    if spot.found is not None and not _is_own(spot, instance, known, record):
        holders = [other for other in record.anchors.get(spot.path, []) if other != instance]
        whose = (
            "is what clients verify {0} with, another Mailpit".format(holders[0])
            if holders
            else "holds what this role did not write"
        )
        raise Refusal("{0} is {1}, which {2}: {3}".format(_OPTION, path, whose, _instead(path, instance)))
    record.anchors[spot.path] = []
    add(record.anchors, spot.path, instance)


def forget(path: str, instance: str, known: t.Sequence[str], record: Record) -> t.Optional[str]:
    """The file to remove, None when it is not there or somebody else's. Raises Refusal."""
    spot = _spot(path, instance)
    own = spot.found is not None and _is_own(spot, instance, known, record)
    drop(record.anchors, spot.path, instance)
    return spot.path if own else None


def _instead(path: str, instance: str) -> str:
    """What to write, which is not what was written. ``instance`` begins with the name of the service."""
    names = ["/etc/ssl/{0}{1}-ca.pem".format(instance.split(" ")[0], kind) for kind in ("-staging", "-own")]
    return "set it to a file of its own, such as {0}".format(next(name for name in names if name != path))


def _spot(path: str, instance: str) -> Spot:
    if not path.startswith("/") or ".." in path.split("/") or path.endswith("/"):
        raise Refusal("{0} is {1!r}: write the whole path of a file, from / and without ..".format(_OPTION, path))
    try:
        spot = walk(path, (0, os.geteuid()))
        if spot.found is None and not os.path.isdir(os.path.dirname(spot.path)):
            raise Refusal("there is no folder {0}".format(os.path.dirname(spot.path)))
        if spot.found is not None and not stat.S_ISREG(spot.found.st_mode):
            raise Refusal("that is no ordinary file")
        trouble = trouble_with(spot.path, spot.found, (0, os.geteuid())) if spot.found is not None else None
        if trouble:
            raise Refusal(trouble)
    except Refusal as refusal:
        raise Refusal("{0} is {1}, and {2}: {3}".format(_OPTION, path, refusal, _instead(path, instance))) from None
    return spot


def _is_own(spot: Spot, instance: str, known: t.Sequence[str], record: Record) -> bool:
    """
    Whether it was written down as ours, or holds nothing but what we gave out. An earlier version of the role wrote
    down nothing.
    """
    if instance in record.anchors.get(spot.path, []):
        return True
    try:
        with open(spot.path, encoding="utf-8", errors="replace") as file:
            text = file.read(_LARGEST)
    except OSError:
        return False
    ours = {match.group(0) for pem in known for match in _BLOCK.finditer(pem)}
    held = {match.group(0) for match in _BLOCK.finditer(text)}
    # That a file is there may mean something although it is empty.
    return bool(held) and held <= ours and not _BLOCK.sub("", text).strip()
