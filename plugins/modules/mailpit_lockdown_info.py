#!/usr/bin/python
# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mailpit_lockdown_info
short_description: Check that Mailpit turns away the clients that it is to turn away
version_added: 0.1.0
author: mailops.smtp contributors (!UNKNOWN)
description:
  - M(mailops.smtp.smtp_gate) proves that the right client gets in. This module proves that the wrong ones do not.
  - Looks from the managed host at what happens to a client that speaks cleartext, that logs in before TLS, or with a login that does not exist.
  - The login that is tried is a random one, and no message is sent.
  - A Mailpit that does not fit its mode is data, never a failed task. Say C(failed_when) to make it one.
options:
  host:
    description: Name or address of the Mailpit host.
    type: str
    required: true
  port:
    description: Its SMTP port.
    type: int
    default: 1025
  security:
    description:
      - The mode that Mailpit is to be in.
      - With V(implicit_tls) a client that speaks cleartext must get no answer.
      - With V(starttls) AUTH and MAIL must be answered with 530 before TLS.
      - With V(opportunistic) STARTTLS must be offered, and nothing is turned away before it.
      - With V(cleartext) STARTTLS must not be offered.
    type: str
    required: true
    choices: [implicit_tls, starttls, opportunistic, cleartext]
  auth:
    description:
      - Who may log in.
      - With V(users) a login that does not exist must be answered with 535, and MAIL without a login with 530.
      - With V(accept_any) any login must be accepted, and mail is taken without one.
      - With V(none) AUTH must be answered with 502.
    type: str
    required: true
    choices: [none, users, accept_any]
  server_name:
    description: The name for SNI. The certificate is not looked at here. Left out, it is O(host).
    type: str
  leave_mark:
    description:
      - Whether RV(mark) is to be in Mailpit's log also where it refuses no login, which tells this Mailpit from another one that looks the same.
      - Mailpit is handed a message that it cannot read, and refuses it. Nothing of that is kept, relayed or forwarded.
      - What is no Mailpit by its greeting is handed none.
    type: bool
    default: false
  timeout:
    description: Seconds for everything together, at most a day.
    type: float
    default: 15
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
    details: It only looks.
  diff_mode:
    support: none
  platform:
    platforms: posix
seealso:
  - plugin: mailops.smtp.smtp_gate
    plugin_type: module
"""

EXAMPLES = r"""
- name: Prove that Mailpit takes no password outside TLS
  mailops.smtp.mailpit_lockdown_info:
    host: mailpit.example.com
    port: 1025
    security: starttls
    auth: users
  register: lockdown
  failed_when: not lockdown.ok
"""

RETURN = r"""
ok:
  description: Whether Mailpit was reached, and everything fits the mode.
  type: bool
  returned: always
msg:
  description: The same in one sentence, which Ansible shows when C(failed_when) fails the task.
  type: str
  returned: always
  sample: >-
    mailpit.example.com port 1025 is not in the mode starttls with users: AUTH before STARTTLS is answered with 235 instead of 530
violations:
  description: What does not fit, one sentence each.
  type: list
  elements: str
  returned: always
  sample: ["AUTH before STARTTLS is answered with 235 instead of 530"]
mark:
  description: The name of the login that was tried. A login that is refused stands in Mailpit's log with it.
  type: str
  returned: when the host was reached
  sample: mailops-proof-0123456789abcdef
cleartext:
  description: What a client met that speaks cleartext.
  type: dict
  returned: when the host was reached
  contains: &session
    reached:
      description: Whether there was an SMTP session.
      type: bool
    starttls_offered:
      description: Whether STARTTLS was offered.
      type: bool
    auth_offered:
      description: Whether AUTH was offered. Mailpit offers it before STARTTLS too, where it then refuses it.
      type: bool
    auth_code:
      description: The reply to AUTH with a made-up login.
      type: int
    mail_code:
      description: The reply to MAIL without a login.
      type: int
    ended:
      description: What broke the session, V(none) when nothing did.
      type: str
encrypted:
  description: What a client met that speaks TLS as the mode says. Not reached where O(security=cleartext).
  type: dict
  returned: when the host was reached
  contains: *session
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit import lockdown
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.connect import Unreachable

_TIMEOUT_LIMIT = 86400

ARGUMENT_SPEC: dict[str, t.Any] = dict(
    host=dict(type="str", required=True),
    port=dict(type="int", default=1025),
    security=dict(type="str", required=True, choices=["implicit_tls", "starttls", "opportunistic", "cleartext"]),
    auth=dict(type="str", required=True, choices=["none", "users", "accept_any"]),
    server_name=dict(type="str"),
    leave_mark=dict(type="bool", default=False),
    timeout=dict(type="float", default=15),
)


def main() -> None:
    module = AnsibleModule(ARGUMENT_SPEC, supports_check_mode=True)
    host: str = module.params["host"]
    port: int = module.params["port"]
    security: str = module.params["security"]
    auth: str = module.params["auth"]
    timeout: float = module.params["timeout"]
    if not 1 <= port <= 65535:
        module.fail_json(msg=f"port is {port}: write a number from 1 to 65535")
    if not 0 < timeout <= _TIMEOUT_LIMIT:
        module.fail_json(msg=f"timeout is {timeout}: write a number of seconds above 0, at most {_TIMEOUT_LIMIT}")
    if not host or len(host) > 255 or any(char.isspace() or not char.isprintable() for char in host):
        module.fail_json(msg=f"host is {host!r}: write the name or the address of the Mailpit host")
    mark = lockdown.new_mark(module.params["leave_mark"])
    server_name: str = module.params["server_name"] or host
    try:
        cleartext, encrypted = lockdown.observe(host, port, security, server_name, timeout, mark)
    except Unreachable as error:
        sentence = f"Mailpit's mode could not be seen: {error}"
        module.exit_json(changed=False, ok=False, violations=[str(error)], msg=sentence)
    found = lockdown.violations(security, auth, cleartext, encrypted)
    where = f"{host} port {port} is {'not ' if found else ''}in the mode {security} with {auth}"
    module.exit_json(
        changed=False,
        ok=not found,
        violations=found,
        msg=": ".join([where, *(["; ".join(found)] if found else [])]),
        mark=mark.name,
        cleartext=cleartext.as_dict(),
        encrypted=encrypted.as_dict(),
    )


if __name__ == "__main__":
    main()
