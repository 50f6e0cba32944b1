# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: mailpit_client
short_description: Write the file with the relay that Mailpit releases messages to, or sends copies to
version_added: 0.1.0
author: mailops.smtp contributors (!UNKNOWN)
description:
  - Used by the role P(mailops.smtp.mailpit#role) for O(mailops.smtp.mailpit#role:main:mailpit_relay) and
    O(mailops.smtp.mailpit#role:main:mailpit_forward).
  - Never fails for bad settings. The sentence is in RV(_value.refusal), and holds no password.
options:
  _input:
    description: The relay, as the options of the role describe it. Empty is no file.
    type: dict
    required: true
  kind:
    description: Which of the two files.
    type: str
    choices: [relay, forward]
    required: true
"""

EXAMPLES = r"""
- name: Write the file with the relay
  ansible.builtin.copy:
    content: "{{ (relay | mailops.smtp.mailpit_client(kind='relay')).text }}"
    dest: /etc/mailpit/relay.yml
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
    needs:
      description: Variables of Mailpit. A version that does not know them would ignore a part of the file.
      type: list
      elements: str
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.model import MailpitRefusal


def mailpit_client(value: t.Any, kind: str) -> dict[str, t.Any]:
    """See DOCUMENTATION."""
    # Not above: to find one filter, Ansible imports the files of them all, in each of its processes.
    from ansible_collections.mailops.smtp.plugins.plugin_utils._input.hidden import hidden_in_text
    from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.client import client_file

    if kind not in ("relay", "forward"):
        raise AnsibleFilterError(f"mailpit_client does not know the kind {kind!r}: write relay or forward")
    try:
        made = client_file(kind, value)
    except MailpitRefusal as refusal:
        return {"refusal": hidden_in_text(str(refusal), value), "text": "", "needs": []}
    return {"refusal": None, "text": made.text, "needs": made.needs}


class FilterModule:
    """The filter mailpit_client."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"mailpit_client": mailpit_client}
