# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: smtp_verdict
short_description: Pass or fail a host by a verdict that was registered
version_added: 0.1.0
description:
  - Fails the host when the gate or the test message that was registered has failed, with its sentence and its cause, and without the evidence.
    So the screen shows one line, and whatever reads the events of a run finds the cause there.
  - Meant for plays that look at a verdict before they let it count, with C(failed_when=false) at the task that made it.
author:
  - mailops.smtp contributors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.smtp.attributes.controller
options:
  verdict:
    description:
      - What a task with M(mailops.smtp.smtp_gate) or M(mailops.smtp.smtp_send) registered.
      - Of a task with a loop every verdict must pass. A host that could not be asked has no verdict and fails, and so does a task that was skipped.
    type: raw
    required: true
seealso:
  - module: mailops.smtp.smtp_gate
"""

EXAMPLES = r"""
- name: Ask for the relay
  mailops.smtp.smtp_gate:
    host: smtp.example.com
    port: 465
    secure: true
  register: mail_gate
  failed_when: false

- name: Pass or fail this host
  mailops.smtp.smtp_verdict:
    verdict: "{{ mail_gate }}"
"""

RETURN = r"""
msg:
  description: The sentence of the verdict.
  returned: always
  type: str
cause:
  description: Code of the cause. Null when there is none.
  returned: always
  type: str
layer:
  description: The layer where it broke.
  returned: always
  type: str
remedy:
  description: What to do about it.
  returned: always
  type: str
selected:
  description: What to use, as M(mailops.smtp.smtp_gate) returns it.
  returned: always
  type: dict
"""
