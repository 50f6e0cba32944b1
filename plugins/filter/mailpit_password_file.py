# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: mailpit_password_file
short_description: Write the text of a password file for Mailpit
version_added: 0.1.0
author: mailops.smtp contributors (!UNKNOWN)
description:
  - Used by the role P(mailops.smtp.mailpit#role) for SMTP and for the web interface.
  - Passwords are hashed with bcrypt on the controller. A hash that still fits its password is kept, so that nothing changes where
    nothing did.
  - Never fails for bad accounts. The sentence is in RV(_value.refusal), and holds no password.
  - The text is one C(name:hash) a line and nothing else. Mailpit has no comments in these files. It would take the words of one for accounts.
requirements:
  - The Python package C(bcrypt) on the controller, or a libcrypt that knows bcrypt (libxcrypt, which Debian, Fedora, RHEL 8 and newer,
    SUSE and Arch have).
options:
  _input:
    description: The accounts, each a dictionary with C(name) and C(password).
    type: list
    elements: dict
    required: true
  existing:
    description: The file as it is now, empty when there is none.
    type: str
    default: ""
  keep_others:
    description:
      - Keep the accounts of O(existing) that O(_input) does not name, for the time of a rotation.
      - A changed password of a name that is there already is then an error, because Mailpit knows one password per name, and the hosts
        that still send the old one would be locked out.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Write a password file
  ansible.builtin.copy:
    content: "{{ ([{'name': 'app', 'password': vault_mailpit_app}] | mailops.smtp.mailpit_password_file).text }}"
    dest: /etc/mailpit/smtp.passwd
    mode: "0600"
  no_log: true
"""

RETURN = r"""
_value:
  description: The text of the file, or why there is none.
  type: dict
  contains:
    refusal:
      description: One sentence that says what to change, or V(none).
      type: str
    text:
      description: The text of the file, empty when refused.
      type: str
"""

import typing as t

from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.model import MailpitRefusal


def mailpit_password_file(value: t.Any, existing: str = "", keep_others: bool = False) -> dict[str, t.Any]:
    """See DOCUMENTATION."""
    # Not above: to find one filter, Ansible imports the files of them all, in each of its processes.
    from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit import accounts

    try:
        accounts.check_users("the list of accounts", value)
        return {"refusal": None, "text": accounts.render_password_file(value, existing, keep_others)}
    except MailpitRefusal as refusal:
        return {"refusal": str(refusal), "text": ""}


class FilterModule:
    """The filter mailpit_password_file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"mailpit_password_file": mailpit_password_file}
