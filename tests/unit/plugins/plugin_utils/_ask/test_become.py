# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What sudo, su and doas say, and Ansible of them, where nobody else could be become."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.become import become_failure


@pytest.mark.parametrize(
    "said, words",
    [
        ("Missing sudo password", "sudo wants a password on this host"),
        ("sudo: a password is required", "sudo wants a password"),
        ("Incorrect su password", "su does not take the password"),
        ("web is not in the sudoers file.", "may not use sudo"),
        ("web is not in the sudoers file.  This incident will be reported.\n", "may not use sudo"),
        ("Sorry, user web is not allowed to execute '/bin/sh -c echo' as root on h.", "may not use doas"),
        ("Sorry, user web may not run sudo on h.", "may not use sudo"),
        ("doas: Operation not permitted", "may not use doas"),
        ("/bin/sh: 1: sudo: not found", "sudo is not there"),
        ("bash: line 1: /usr/bin/sudo: No such file or directory", "sudo is not there"),
        ("Timeout (12s) waiting for privilege escalation prompt: ", "doas does not answer"),
    ],
)
def test_it_is_one_sentence_with_a_way_out(said: str, words: str) -> None:
    told = become_failure(said, "doas")
    assert told is not None and words in told and "mail_audit_become: false" in told


@pytest.mark.parametrize(
    "said", ["", "Permission denied (publickey).", "/bin/sh: 1: python3: not found", "Traceback: KeyError('sudo')"]
)
def test_what_is_about_something_else_is_left_alone(said: str) -> None:
    assert become_failure(said, "sudo") is None
