# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: smtp_send
short_description: Send one test message from a managed host through exactly these settings
version_added: 0.1.0
description:
  - Logs in where O(username) is given, sends one message and returns the relay's reply and its queue id.
  - Never sends in a mode weaker than asked for. With V(starttls) nothing goes out before TLS, and a password never travels in cleartext unless
    O(security=cleartext) was chosen by name.
  - Of several addresses of a relay exactly one gets the message.
author:
  - mailops.smtp contributors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.smtp.attributes
  - mailops.smtp.connection
  - mailops.smtp.polite
  - mailops.smtp.security
attributes:
  check_mode:
    details:
      - In check mode the dialogue goes as far as RCPT and is taken back with RSET, so no message is sent.
options:
  sender:
    description:
      - Address that the message comes from, in MAIL FROM and in its From header.
    type: str
    required: true
  sender_name:
    description:
      - Display name in the From header.
    type: str
  recipients:
    description:
      - Addresses that the message goes to.
    type: list
    elements: str
    required: true
  subject:
    description:
      - Subject. Left out, it names the host.
    type: str
  body:
    description:
      - Text of the message.
    type: str
  headers:
    description:
      - Further headers.
    type: dict
    default: {}
seealso:
  - module: mailops.smtp.smtp_gate
  - module: mailops.smtp.smtp_endpoint_info
"""

EXAMPLES = r"""
- name: Send a test mail as the app would
  mailops.smtp.smtp_send:
    host: smtp.example.com
    port: 465
    secure: true
    username: app
    password: "{{ vault_smtp_password }}"
    sender: app@example.com
    recipients:
      - postmaster@example.com
  register: mail
  run_once: true

- name: Show what the relay said
  ansible.builtin.debug:
    msg: "{{ mail.reply }} (queue id {{ mail.queue_id }})"
"""

RETURN = r"""
reply:
  description: The relay's last reply, to the message itself, or to RCPT in check mode. Null where it was not reached.
  returned: unless the host could not be asked at all
  type: str
  sample: "250 2.0.0 Ok: queued as 4XyZ1234"
queue_id:
  description: The relay's own name for the message, where its reply gives one.
  returned: unless the host could not be asked at all
  type: str
  sample: 4XyZ1234
message_id:
  description: The Message-ID header, by which the message can be found again.
  returned: unless the host could not be asked at all
  type: str
probes:
  description: One entry, as M(mailops.smtp.smtp_endpoint_info) returns it, with the replies of the dialogue in C(transaction).
  returned: unless the host could not be asked at all
  type: list
  elements: dict
cause:
  description: Code of the cause. Null when the message was taken.
  returned: unless the host could not be asked at all
  type: str
layer:
  description: The layer where it broke. Null when the message was taken.
  returned: unless the host could not be asked at all
  type: str
remedy:
  description: What to do about it. Null when the message was taken.
  returned: unless the host could not be asked at all
  type: str
msg:
  description: One sentence.
  returned: always
  type: str
"""
