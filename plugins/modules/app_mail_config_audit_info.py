# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: app_mail_config_audit_info
short_description: Find the apps of a host, and say of each whether its mail works
version_added: 0.1.0
description:
  - Looks for the apps that the collection knows at their usual places, their own files as well as compose files, units and files of
    variables, reads the mail settings that they hold today, judges them without a packet, and then probes every relay from this host.
  - Says of each app that it is fine, that it is broken, or that it will break, with the cause and the setting to change.
  - Nothing is changed, and no password comes back. A host needs two calls for all of its apps, three where a file names others.
author:
  - mailops.smtp contributors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.smtp.attributes
  - mailops.smtp.policy
  - mailops.smtp.polite
options:
  apps:
    description:
      - The apps to look at, in place of all. Each is a name, or a mapping with C(app), C(path), C(form), C(carrier), C(service) and
        C(environment), as for M(mailops.smtp.app_mail_config_info). A name alone is looked for at the usual places.
      - The list C(mail_config_apps) of the role C(mail_config) can be given as it is.
    type: list
    elements: raw
  folders:
    description: Further folders (patterns with C(*) are taken) in which apps lie, besides C(/opt/*), C(/srv/*), C(/home/*) and the like.
    type: list
    elements: str
  descriptors:
    description: Folder on the controller with descriptors of your own. They go before those of the collection.
    type: str
  root:
    description: Where the file system to look at begins, for one that is mounted, or that a container has.
    type: str
    default: /
  probe:
    description: Whether the relays are probed. With V(false) the conventions of the ports decide.
    type: bool
    default: true
  check_credentials:
    description:
      - Whether the probe logs in with the user name and password that the app has. Off by default, because failed logins of a whole
        fleet can lock an account.
      - No login of one user is tried where a file of another one, but root, names the file that it is in, or the relay. RV(left_out) says which.
    type: bool
    default: false
  ca_path:
    description:
      - File with CA certificates (PEM) on the managed host that the apps trust besides the host's own store, for apps that name none
        in their settings.
    type: path
  timeout:
    description: Seconds for one relay as a whole. All are probed at once.
    type: float
    default: 10
  step:
    description: Set by the action plugin; leave it out.
    type: dict
seealso:
  - module: mailops.smtp.app_mail_config_info
  - module: mailops.smtp.smtp_gate
"""

EXAMPLES = r"""
- name: Whose mail works here
  mailops.smtp.app_mail_config_audit_info:
  register: mail

- name: Say it, one line for each app
  ansible.builtin.debug:
    msg: "{{ mail.lines }}"

- name: Fail where one is broken
  ansible.builtin.assert:
    that: mail.states.broken == 0

- name: Look at these alone, and log in
  mailops.smtp.app_mail_config_audit_info:
    apps:
      - grafana
      - app: pangolin
        path: /srv/pangolin/config/config.yml
    check_credentials: true
"""

RETURN = r"""
apps:
  description: Each app, the broken ones first.
  returned: success
  type: list
  elements: dict
  contains:
    app:
      description: The app, by the name of its descriptor.
      type: str
      sample: pangolin
    path:
      description: The file.
      type: str
      sample: /opt/pangolin/config/config.yml
    form:
      description: V(file), or V(environment).
      type: str
    carrier:
      description: What holds the variables, null for a file of the app's own.
      type: str
    service:
      description: The service of a compose file.
      type: str
    state:
      description:
        - V(broken), no mail goes out, or not all of it, or its settings are ignored.
        - V(will_break), mail goes out today, and what is named can stop it or lay it open.
        - V(unknown), where its settings come from a variable that is not known, or no relay was probed.
        - V(fine).
        - V(none), there is no file, or it names no relay.
      type: str
      sample: broken
    cause:
      description: Code of the first reason, one of a probe or of a finding; null when it is fine.
      type: str
      sample: mode_mismatch
    message:
      description: The first reason, as one sentence.
      type: str
    remedy:
      description: What to change.
      type: str
    line:
      description: All of it as one line.
      type: str
      sample: >-
        pangolin /opt/pangolin/config/config.yml: BROKEN smtp.example.com:465 opportunistic: mode_mismatch: ...
    settings:
      description: What the app reads, as for M(mailops.smtp.app_mail_config_info), without the password.
      type: dict
    security:
      description: The mode that the app is really in.
      type: str
    password_set:
      description: Whether there is a password.
      type: bool
    app_keys:
      description: Which key of the app holds each setting.
      type: dict
      sample: {port: email.smtp_port}
    findings:
      description: All that was found, the worst first; the cause of the probe is among them.
      type: list
      elements: dict
    probe:
      description: The verdict of the probe, as of M(mailops.smtp.smtp_endpoint_info); null where none was made.
      type: dict
lines:
  description: One line for each app, with the host in front.
  returned: success
  type: list
  elements: str
states:
  description: How many apps are in each state.
  returned: success
  type: dict
  sample: {broken: 1, will_break: 0, unknown: 0, fine: 3, none: 0}
left_out:
  description: Files that were not read, and why.
  returned: success
  type: list
  elements: dict
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.smtp.plugins.module_utils._files.search import read_file, search


def argument_spec() -> t.Dict[str, t.Dict[str, t.Any]]:
    """The options. The action plugin of the same name hands over ``step`` only."""
    return {
        "apps": {"type": "list", "elements": "raw"},
        "folders": {"type": "list", "elements": "str"},
        "descriptors": {"type": "str"},
        "root": {"type": "str", "default": "/"},
        "probe": {"type": "bool", "default": True},
        "check_credentials": {"type": "bool", "default": False},
        "ca_path": {"type": "path"},
        "timeout": {"type": "float", "default": 10},
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
        "step": {"type": "dict"},
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    step: t.Dict[str, t.Any] = module.params["step"] or {}
    if not step:
        module.fail_json(
            msg="app_mail_config_audit_info works through its action plugin; call it as mailops.smtp.app_mail_config_audit_info."
        )
    files = [read_file(step["root"], path) for path in step.get("paths") or []]
    left_out: t.List[t.Dict[str, str]] = []
    if step.get("search"):
        found = search(step["root"], **step["search"])
        named = {one["path"] for one in files}
        files += [one for one in found.files if one["path"] not in named]
        left_out = found.left_out
    module.exit_json(changed=False, files=files, left_out=left_out)


if __name__ == "__main__":
    main()
