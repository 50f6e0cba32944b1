# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: app_mail_config_set
short_description: The steps of the role mail_config that are about all of its apps at once
version_added: 0.1.0
description:
  - For the role P(mailops.smtp.mail_config#role), so that a step is one task whatever the number of apps. Its options and its result may
    change with every release; use the role.
  - On the host it reads or writes the files of all apps at once, each as M(mailops.smtp.app_mail_config) or M(mailops.smtp.private_file) would. They
    are kept by M(mailops.smtp.kept_files), and every packet is sent by M(mailops.smtp.smtp_gate) and M(mailops.smtp.smtp_send).
author:
  - mailops.smtp contributors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.smtp.policy
  - mailops.smtp.polite
attributes:
  action:
    support: full
    description: Has a corresponding action plugin, so some parts of the task run on the controller.
  async:
    support: none
    description: Supports being used with the C(async) keyword.
  check_mode:
    support: full
    description: Can run in check mode and return changed status prediction without modifying the target.
  diff_mode:
    support: full
    description: Will return details on what has changed (or possibly needs changing in check_mode), when in diff mode.
  platform:
    support: full
    platforms: posix
    description: Target operating systems that can be operated against.
options:
  step:
    description: What to do.
    type: str
    required: true
    choices:
      begin: Refuse what cannot work, and claim the files.
      gate: Ask the relay, as M(mailops.smtp.smtp_gate).
      write: Try the recipient, then write every file.
      restart: Restart what reads the files.
      prove: Read the files back, and prove that mail goes with what they hold.
      restore: Put the old files back.
  apps:
    description: As C(mail_config_apps) of the role.
    type: list
    elements: dict
  settings:
    description: As C(mail_config_settings) of the role, with the port and mode that were selected.
    type: dict
  begun:
    description: The result of the step V(begin).
    type: dict
  offered:
    description: The mechanisms that the relay offers.
    type: list
    elements: str
  findings:
    description: What the gate has found.
    type: list
    elements: dict
  probed:
    description: Whether a probe decides whether flag and port match.
    type: bool
    default: false
  exact_security:
    description: As C(mail_config_exact_security) of the role.
    type: bool
    default: false
  descriptors:
    description: As C(mail_config_descriptors) of the role.
    type: str
  recipient:
    description: As C(mail_config_prove_recipient) of the role.
    type: str
  check_credentials:
    description: Whether the proof logs in.
    type: bool
    default: false
  accept:
    description: As C(mail_config_accept) of the role.
    type: list
    elements: str
  always:
    description: Whether all apps are restarted, also those whose file did not change.
    type: bool
    default: false
  going_back:
    description: Whether the restart is that of apps with their old settings. All are tried then.
    type: bool
    default: false
  probe:
    description: Whether the proof probes.
    type: bool
    default: false
  prove:
    description: As C(mail_config_prove) of the role. Only looked at by the step V(begin), whether it is one of its words.
    type: raw
  alternatives:
    description: As of M(mailops.smtp.smtp_gate). For the step V(gate).
    type: raw
  fallback:
    description: As of M(mailops.smtp.smtp_gate). For the step V(gate).
    type: str
  handed_over:
    description: What the action plugin hands to the host. Not for playbooks.
    type: str
"""

EXAMPLES = r"""
- name: Use the role
  ansible.builtin.include_role:
    name: mailops.smtp.mail_config
"""

RETURN = r"""
results:
  description: What was done with each app, as of M(mailops.smtp.app_mail_config).
  returned: success, except for the steps V(gate) and V(restore)
  type: list
  elements: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.smtp.plugins.module_utils._files import sealed, several


def argument_spec() -> t.Dict[str, t.Dict[str, t.Any]]:
    """The options. They stay on the controller, whose action plugin hands over ``step`` and the files of the step."""
    spec: t.Dict[str, t.Dict[str, t.Any]] = {
        "step": {
            "type": "str",
            "choices": ["begin", "gate", "write", "restart", "prove", "restore"],
            "required": True,
        },
        "apps": {"type": "list", "elements": "dict"},
        "settings": {"type": "dict", "no_log": True},
        "begun": {"type": "dict"},
        "offered": {"type": "list", "elements": "str"},
        "findings": {"type": "list", "elements": "dict"},
        "descriptors": {"type": "str"},
        "recipient": {"type": "str"},
        "accept": {"type": "list", "elements": "str"},
        "prove": {"type": "raw"},
        "alternatives": {"type": "raw"},
        "fallback": {"type": "str"},
        "minimum_tls_version": {
            "type": "str",
            "choices": ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"],
            "default": "TLSv1.2",
        },
        "certificate_days_error": {"type": "int", "default": 0},
        "certificate_days_warning": {"type": "int", "default": 14},
        "cleartext_networks": {"type": "list", "elements": "str", "default": []},
        "require_all_addresses": {"type": "bool", "default": False},
        "connections_at_once": {"type": "int", "default": 50},
        "spread": {"type": "float", "default": 0.0},
        "handed_over": sealed.OPTION,
    }
    flags = ("probed", "exact_security", "check_credentials", "always", "going_back", "probe")
    return {**spec, **{name: {"type": "bool", "default": False} for name in flags}}


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        handed = sealed.unseal(module.params["handed_over"])
        result = several.work_on(module, handed["files"], run=handed["run"], dead=handed["dead"])
    except (KeyError, ValueError):
        module.fail_json(msg="handed_over is set by the action plugin; leave it out.")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
