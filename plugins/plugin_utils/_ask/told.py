# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a module on the host tells about files, taken only where it has the shape that the module gives: a host may send anything."""

from __future__ import annotations

import base64
import typing as t

from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.host import HostError
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.fits import fits

__all__ = ("NO_RESULT", "Each", "Found", "Listed", "Records", "Searched", "Written", "content_of", "of_shape")

NO_RESULT = (
    "What this host sent is not what the module gives, so its Python, or who sits between, is not to be trusted; look at that"
    " host. No file was changed through this task."
)


class _Record(t.TypedDict):
    """What another run has noted (see ``Held`` of kept files)."""

    path: str
    name: str
    run: dict[str, str | int | None]
    age: float
    unfinished: bool
    record: str


class Records(t.TypedDict, total=False):
    """What each module that works on files may tell of other runs."""

    held: list[_Record] | None
    others: list[_Record] | None


class Found(t.TypedDict):
    """An app's file, as it was read."""

    file: str
    content: str | None
    checksum: str
    mode: int
    as_asked: bool
    alike: list[str]


class Written(t.TypedDict):
    """A file that was written, or would be."""

    changed: bool
    created: bool
    path: str


class Each(t.TypedDict):
    """What was done with each of several files; each has a shape of its own."""

    each: list[dict[str, object]]


class _File(t.TypedDict):
    content: str
    mode: int
    path: str


class Listed(t.TypedDict):
    """Files that were read, null for one that is not there."""

    files: list[_File | None]


class _Looked(t.TypedDict):
    path: str
    content: str | None
    mode: int | None
    owner: int | None
    error: str | None


class Searched(t.TypedDict):
    """Files that were found, and what was not looked at."""

    files: list[_Looked]
    left_out: list[dict[str, str]]


def of_shape(result: dict[str, t.Any], shape: t.Any) -> dict[str, t.Any]:
    """The module's result; failed, with one sentence, where it has another shape. A failed one has a shape of its own."""
    try:
        if result.get("failed") or result.get("unreachable") or fits(result, shape):
            return result
    except RecursionError:
        pass
    return {"failed": True, "changed": False, "msg": NO_RESULT}


def content_of(text: str) -> bytes:
    """A file's content, which travels in base64. Raises HostError."""
    try:
        return base64.b64decode(text)
    except ValueError:
        raise HostError({"msg": NO_RESULT}) from None
