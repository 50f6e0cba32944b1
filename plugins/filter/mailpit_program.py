# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: mailpit_program
short_description: Look whether a file of the controller may be a program or an archive of Mailpit
version_added: 0.1.0
author: mailops.smtp contributors (!UNKNOWN)
description:
  - Used by the role P(mailops.smtp.mailpit#role) for O(mailops.smtp.mailpit#role:main:mailpit_controller_file), which everybody on the Mailpit
    host can read afterwards.
options:
  _input:
    description: The path of the file on the controller.
    type: path
    required: true
"""

EXAMPLES = r"""
- name: Refuse what is no program
  ansible.builtin.fail:
    msg: "{{ file | mailops.smtp.mailpit_program }}"
  when: file | mailops.smtp.mailpit_program is not none
"""

RETURN = r"""
_value:
  description: Why this file will not do, in one sentence that begins with a verb, or V(none).
  type: str
"""

import typing as t

_ARCHIVE = b"\x1f\x8b"
# A program of Linux or a BSD, and a script.
_PROGRAMS = (b"\x7fELF", b"#!")


def mailpit_program(value: t.Any) -> str | None:
    """See DOCUMENTATION."""
    try:
        with open(value, "rb") as file:
            begin = file.read(65536)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if b"PRIVATE KEY-----" in begin:
        return "holds a private key, which everybody on the host could read afterwards"
    packed = str(value).endswith((".tar.gz", ".tgz"))
    if packed and not begin.startswith(_ARCHIVE):
        return "is no archive (.tar.gz)"
    if not packed and not begin.startswith(_PROGRAMS):
        return "is neither a program nor named as an archive (.tar.gz, .tgz)"
    return None


class FilterModule:
    """The filter mailpit_program."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"mailpit_program": mailpit_program}
