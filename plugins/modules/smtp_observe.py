#!/usr/bin/python
# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: smtp_observe
short_description: What the other modules have a managed host do; not for playbooks
version_added: 0.1.0
description:
  - Connects to relays and returns what was seen, as raw evidence. M(mailops.smtp.smtp_endpoint_info), M(mailops.smtp.smtp_gate) and
    M(mailops.smtp.smtp_send) run it on the managed host and judge the evidence on the controller.
  - Its options and its result may change with every release.
author:
  - mailops.smtp contributors (!UNKNOWN)
attributes:
  check_mode:
    support: full
    description: Can run in C(check_mode) and return changed status prediction without modifying target.
  diff_mode:
    support: none
    description: Returns details on what has changed (or would change in C(check_mode)) when in diff mode.
  platform:
    support: full
    platforms: posix
    description: Target OS or families that can be operated against.
options:
  plans:
    description:
      - What to find out about each endpoint.
    type: list
    elements: dict
    required: true
  logins:
    description:
      - User names and passwords, one entry for each endpoint, as JSON in base64.
      - They are in one option of their own, so that masking them cannot tear holes into evidence that happens to hold the same letters.
    type: str
seealso:
  - module: mailops.smtp.smtp_endpoint_info
  - module: mailops.smtp.smtp_gate
  - module: mailops.smtp.smtp_send
"""

EXAMPLES = r"""
- name: Use this one instead
  mailops.smtp.smtp_endpoint_info:
    host: smtp.example.com
    port: 465
    secure: true
"""

RETURN = r"""
observations:
  description: What was seen of each endpoint, in the order asked.
  returned: success
  type: list
  elements: dict
clock:
  description: The host's clock, in seconds since the epoch.
  returned: success
  type: float
trust_store_empty:
  description: Whether the host has no CA certificates of its own.
  returned: success
  type: bool
ca_subjects:
  description: The common names of the CAs in each file that was named.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.smtp.plugins.module_utils._observe.report import answer


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "plans": {"type": "list", "elements": "dict", "required": True},
            "logins": {"type": "str", "no_log": True},
        },
        supports_check_mode=True,
    )
    found = answer(module.params["plans"], module.params["logins"])
    if found.get("failed"):
        module.fail_json(**found)
    module.exit_json(changed=False, **found)


if __name__ == "__main__":
    main()
