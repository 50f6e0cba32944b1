# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files a report is made from: what the user named, as files, folders and patterns."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.file import read_file
from ansible_collections.mailops.smtp.plugins.plugin_utils._fleet.record import Record, Unreadable
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_text

__all__ = ("Notes", "files_of", "listed", "records_of")

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


class Notes:
    """Sentences about lines that are no records, the first of them and the number of the others."""

    def __init__(self) -> None:
        self._told: list[str] = []
        self._more = 0

    def add(self, sentence: str) -> None:
        """Note one line."""
        if len(self._told) < _MOST_NOTES:
            self._told.append(sentence)
        else:
            self._more += 1

    def told(self) -> list[str]:
        """What to tell."""
        return [*self._told, f"{self._more} more lines are no records."] if self._more else list(self._told)


def records_of(files: Sequence[str], option: str, notes: Notes) -> Iterator[Record]:
    """All records of the files, one after the other. Raises SettingsError for a file that cannot be read."""
    for path in files:
        try:
            for one in read_file(path):
                if isinstance(one, Unreadable):
                    notes.add(f"{printable_text(path)} line {one.number}: {one.sentence}")
                else:
                    yield one
        except OSError as error:
            name = printable_text(path)
            words = f"{option} names {name}, which cannot be read ({error.strerror}); name a file that you may read."
            raise SettingsError(words, option) from None
