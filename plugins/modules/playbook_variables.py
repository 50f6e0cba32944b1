# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: playbook_variables
short_description: Say what is missing or misspelt among the variables of a playbook
version_added: 0.1.0
description:
  - Fails the host with one sentence when a variable that a playbook needs is missing, is misspelt, or is of another kind.
  - Roles have argument specs for that, playbooks have not. The playbooks of this collection about the hosts' mail begin with it.
  - A variable that the playbook does not know is no mistake, unless it is spelt nearly as one that it takes.
author:
  - mailops.smtp contributors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.smtp.attributes.controller
options:
  variables:
    description:
      - The names, each with C(type) (a type of argument specs), C(choices), C(required), and C(advice), which is the second half of the sentence.
    type: dict
    default: {}
  role:
    description:
      - A role of this collection whose variables the playbook takes as well, with what its argument specs say of them.
    type: str
  role_values:
    description:
      - Whether the values of the role's variables are checked. V(false) checks only how their names are spelt, for a playbook that must not
        stop for the values of one host.
    type: bool
    default: true
seealso:
  - module: mailops.smtp.smtp_verdict
"""

EXAMPLES = r"""
- name: Check the variables
  mailops.smtp.playbook_variables:
    role: mail_config
    variables:
      mail_config_settings:
        type: dict
        required: true
        advice: write host, port and secure into it
"""

RETURN = r"""
cause:
  description: V(invalid_settings).
  returned: failure
  type: str
remedy:
  description: What to write.
  returned: failure
  type: str
"""
