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

import base64
import json
import ssl
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.smtp.plugins.module_utils._observe.endpoint import ContextPool, Credentials, observe
from ansible_collections.mailops.smtp.plugins.module_utils._observe.tls import ca_subjects, on_this_host, trust_store

if t.TYPE_CHECKING:
    from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import HostReport, Plan


def unseal(sealed: str | None, count: int) -> list[Credentials]:
    """The logins, one for each endpoint."""
    if not sealed:
        return [None] * count
    return [tuple(login) if login else None for login in json.loads(base64.b64decode(sealed))]


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "plans": {"type": "list", "elements": "dict", "required": True},
            "logins": {"type": "str", "no_log": True},
        },
        supports_check_mode=True,
    )
    plans: list[Plan] = module.params["plans"]
    named = {plan["ca_path"] for plan in plans if plan["ca_path"]}
    for plan in plans:
        plan["ca_path"] = on_this_host(plan["ca_path"]) if plan["ca_path"] else None
    logins = unseal(module.params["logins"], len(plans))
    pool = ContextPool()
    for plan in plans:
        contexts = pool.get(plan)
        try:
            contexts.load_ca_file()
        except (OSError, ssl.SSLError) as error:
            why = (
                "holds no CA certificate"
                if isinstance(error, ssl.SSLError)
                else (error.strerror or "cannot be read").lower()
            )
            module.fail_json(
                msg=f"ca_path is {plan['ca_path']}, and on this host: {why}; write the path of a PEM file that is there.",
                option="ca_path",
            )
    try:
        observations = observe(plans, logins, pool)
    except MemoryError:
        module.fail_json(
            msg="This host lets the module have too little memory to probe (ulimit -v); raise the limit, or ask fewer endpoints in one task."
        )
    report: HostReport = {
        "observations": observations,
        "clock": time.time(),
        "trust_store_empty": trust_store()["empty"],
        "ca_subjects": {path: ca_subjects(on_this_host(path)) for path in named},
    }
    module.exit_json(changed=False, **report)


if __name__ == "__main__":
    main()
