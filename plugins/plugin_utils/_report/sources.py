# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a report is made from: what the user named, as files, folders and patterns."""

from __future__ import annotations

import glob
import os
import typing as t
from collections.abc import Iterator, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Unreadable, read_lines
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_text
from ansible_collections.mailops.smtp.plugins.plugin_utils._report.model import Report

__all__ = ("files_of", "listed", "read_files")

# Sentences about lines that are no records; a file of another kind would fill the screen with them.
_MOST_NOTES = 5


def listed(value: object, option: str) -> list[str]:
    """A list of texts, also where it was typed as one text with commas. Raises SettingsError."""
    found = value.split(",") if isinstance(value, str) else value
    if not isinstance(found, (list, tuple)) or not all(isinstance(one, str) for one in found):
        raise SettingsError(
            f"{option} is {show(value)}, which is no list; write names with commas between them.", option
        )
    return [one.strip() for one in found if one.strip()]


def files_of(value: object, option: str) -> list[str]:
    """The files, each once and in order; of a folder all that end in .jsonl. Raises SettingsError."""
    found: list[str] = []
    for one in listed(value, option):
        path = os.path.abspath(os.path.expanduser(one))
        if os.path.isdir(path):
            files = sorted(glob.glob(os.path.join(glob.escape(path), "*.jsonl")))
        else:
            files = [path] if os.path.isfile(path) else sorted(each for each in glob.glob(path) if os.path.isfile(each))
        if not files:
            what = (
                "has no file that ends in .jsonl" if os.path.isdir(path) else "is no file, folder or pattern of files"
            )
            words = (
                f"{option} names {show(one)}, which {what}; name what the callback verdicts, or a report, has written."
            )
            raise SettingsError(words, option)
        found += files
    return list(dict.fromkeys(found))


def read_files(report: Report, files: Sequence[str], option: str) -> list[str]:
    """Put all records of the files into the report. What is returned are sentences about lines that are none.

    Raises SettingsError for a file that cannot be read.
    """
    bad: list[str] = []
    for path in files:
        try:
            with open(path, "rb") as file:
                bad += (f"{printable_text(path)} line {one.number}: {one.sentence}" for one in _add(report, file))
        except OSError as error:
            words = f"{option} names {printable_text(path)}, which cannot be read ({error.strerror}); name a file that you may read."
            raise SettingsError(words, option) from None
    if len(bad) <= _MOST_NOTES:
        return bad
    return [*bad[:_MOST_NOTES], f"{len(bad) - _MOST_NOTES} more lines are no records."]


def _add(report: Report, file: t.BinaryIO) -> Iterator[Unreadable]:
    for one in read_lines(file):
        if isinstance(one, Unreadable):
            yield one
        else:
            report.add(one)
