# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``validate`` means: a command of the user's that looks at the new file before it takes the old one's place."""

from __future__ import annotations

import os
import re
import shlex
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError

__all__ = ("Refused", "validator")


class Refused(Exception):
    """The validating command did not succeed."""

    def __init__(self, exit_status: int, stdout: str, stderr: str) -> None:
        super().__init__("exit status {0}".format(exit_status))
        self.said = {"exit_status": exit_status, "stdout": stdout, "stderr": stderr}


def validator(module: AnsibleModule, command: str) -> t.Callable[[str], None]:
    """A check of the file at a path by ``command``, with %s where the path belongs. It raises Refused and FileError.

    So does this function FileError, for a command that would look at no file or cannot be split into words.
    """
    if "%s" not in command:
        raise FileError("validate has no %s in it; write the command with %s where the path of the new file belongs.")
    try:
        split = shlex.split(command)
    except ValueError as error:
        raise FileError(
            "validate cannot be read as a command ({0}); close its quotes.".format(str(error).lower())
        ) from None

    def check(path: str) -> None:
        # The path may hold anything, so it is put in behind all splitting and expanding.
        words = [os.path.expanduser(os.path.expandvars(word)) for word in split]
        words = [re.sub("%[s%]", lambda found: path if found.group() == "%s" else "%", word) for word in words]
        try:
            done = module.run_command(words, handle_exceptions=False, expand_user_and_vars=False)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise FileError(
                "validate cannot be run, so the file stays as it was: {0}: {1}.".format(words[0], why)
            ) from None
        if done[0] != 0:
            raise Refused(*done)

    return check
