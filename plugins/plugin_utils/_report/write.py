# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files on the controller, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable

from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError
from ansible_collections.mailops.smtp.plugins.module_utils._files.walk import PlantedLink, place_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError
from ansible_collections.mailops.smtp.plugins.plugin_utils._printable import printable_text

__all__ = ("write_file",)


def write_file(path: str, parts: Iterable[str], mode: int, option: str) -> None:
    """Write the parts to a new file, give it the mode, and put it in the place of ``path``.

    Folders that are missing are made, for the user alone. Raises SettingsError, naming ``option``.
    """
    folder, name = os.path.split(path)
    _refuse_planted_links(path, option)
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
        try:
            with open(descriptor, "w", encoding="utf-8", newline="") as file:
                file.writelines(parts)
                os.fchmod(descriptor, mode)
                file.flush()
                os.fsync(descriptor)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        words = f"{printable_text(path)} cannot be written ({error.strerror}); write a folder of yours into {option}."
        raise SettingsError(words, option) from None


def _refuse_planted_links(path: str, option: str) -> None:
    """Raises SettingsError where a folder on the way is a link that somebody else has planted."""
    # A link in the place of the file itself is not followed but replaced.
    beside = f"{path}~{os.getpid()}"
    try:
        with place_of(beside):
            pass
    except PlantedLink as error:
        words = f"{printable_text(path)} cannot be written: {error} Or write a folder of yours into {option}."
        raise SettingsError(words, option) from None
    except FileError:
        pass  # whoever writes says what else is wrong with the way
