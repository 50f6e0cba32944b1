# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: app_mail_config
short_description: Put the mail settings of one app into that app's own file
version_added: 0.1.0
description:
  - Checks the mail settings, translates them into the keys of the app, and changes only these keys in the app's file.
    Everything else in the file stays as it was, byte for byte, comments and line ends included.
  - The file is read from the managed host, edited on the controller, and written on the host in one step that survives a crash. The new text is
    parsed before it is written, and nothing is written when it would mean anything else than the old text with the app's mail settings changed.
  - The new text lies in a file of mode 0600 beside the old one until it takes its place, with owner, mode, ACL and SELinux context of the old one.
    What a killed run left of it is removed by the next one. On the controller nothing is written.
  - A file that somebody else has changed since it was read is left as it is, and so is one that another run of P(mailops.smtp.mail_config#role)
    is at work with; the task fails with one sentence.
  - The password is not shown in results, in diffs, or at any verbosity, nor are other values of the file.
  - No packet is sent to the relay. Use M(mailops.smtp.smtp_gate) before, or the role P(mailops.smtp.mail_config#role), which does both.
author:
  - mailops.smtp contributors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.smtp.app_place
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
    description: Shows the app's mail settings before and after, with the password masked. Other parts of the file are not shown.
  idempotent:
    support: full
    description: When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
  platform:
    support: full
    platforms: posix
    description: Target operating systems that can be operated against.
options:
  path:
    description:
      - The app's file on the managed host. Its folder must exist.
      - A file that is not there is made, and RV(findings) says so with C(file_created), as a mistyped path makes a file that nobody reads.
      - A symbolic link stays, and the file that it points to is edited. It is followed when root, the user of the task, or the owner of the file made it;
        the same holds for links of folders on the way.
      - Of a file with several names (hard links) the one that is named gets the new content, and the others keep the old one.
    type: path
    required: true
  auth_offered:
    description:
      - The mechanisms that the relay offers for a login, as a probe saw them. Apps that must be told one are told the first of theirs
        that is among them, or refused where none is.
      - Not needed where O(settings.auth_mechanism) names one, or where the app finds out by itself.
    type: list
    elements: str
  settings:
    description:
      - The mail settings. Required when O(state=present).
      - What the app cannot express is refused, or reported in RV(findings).
    type: dict
    suboptions:
      host:
        description: The relay's name or address.
        type: str
        required: true
      port:
        description:
          - From 1 to 65535. A string that holds a number is taken, too.
          - When left out it follows from O(settings.secure) or O(settings.security).
        type: int
      secure:
        description:
          - V(true) means TLS from the first byte, V(false) means a cleartext start.
          - Must match the port. V(465) and V(2465) mean V(true); V(587), V(2587), V(25) and V(2525) mean V(false).
        type: bool
      security:
        description: The precise form of O(settings.secure). When left out it follows from O(settings.secure) and O(settings.port).
        type: str
        choices:
          implicit_tls: TLS from the first byte.
          starttls: A cleartext start, then STARTTLS, which is required.
          opportunistic: STARTTLS where it is offered, else cleartext.
          cleartext: No TLS at all.
      validate_certs:
        description: Whether the app verifies the relay's certificate.
        type: bool
        default: true
      ca_path:
        description: CA file on the managed host, besides its own store.
        type: path
      server_name:
        description: Name for SNI and for the certificate check, when it is not O(settings.host).
        type: str
      username:
        description: Account at the relay. Needs O(settings.password). Without it the app's account is taken out of the file.
        type: str
      password:
        description: Password of O(settings.username).
        type: str
      auth_mechanism:
        description: SASL mechanism that the app shall use.
        type: str
      sender:
        description: The address that the app's mail comes from, without a display name.
        type: str
      sender_name:
        description: The display name that goes with O(settings.sender).
        type: str
      helo_name:
        description: The name that the app gives in EHLO.
        type: str
      timeout:
        description: Seconds that the app waits for the relay.
        type: float
  state:
    description: What the file shall hold.
    type: str
    choices:
      present: The settings.
      absent: None of the app's mail settings. The section goes as well when nothing else is in it.
    default: present
  probed:
    description:
      - Whether a live probe has shown that the relay speaks the chosen mode on this port, as M(mailops.smtp.smtp_gate) does.
      - If V(false), O(settings.secure) that goes against the port's convention is refused.
    type: bool
    default: false
  exact_security:
    description:
      - Refuse settings for which the app has only a weaker mode than the one asked for.
      - If V(false), they are written and reported as C(downgrade_possible) in RV(findings). Pangolin cannot require STARTTLS, say.
    type: bool
    default: false
  backup:
    description: Keep the old file beside the new one, under the name that M(ansible.builtin.copy) would give it.
    type: bool
    default: false
  owner:
    description: User that shall own the file. By default an existing file keeps its owner.
    type: str
  group:
    description: Group that shall own the file. By default an existing file keeps its group.
    type: str
  mode:
    description: Permissions of the file. By default an existing file keeps its own, and a new one gets V(0600), as it may hold a password.
    type: raw
  validate:
    description:
      - Command that checks the new file before it replaces the old one, with C(%s) where its path belongs.
      - The new file lies in the folder of the old one, and has the same ending.
      - The command must succeed, or the old file stays. Of its output, values from the file are masked.
    type: str
  handed_over:
    description: What the action plugin hands to the host. Not for playbooks.
    type: str
seealso:
  - module: mailops.smtp.smtp_gate
  - module: mailops.smtp.smtp_send
"""

EXAMPLES = r"""
- name: Give Pangolin its relay
  mailops.smtp.app_mail_config:
    app: pangolin
    path: /opt/pangolin/config/config.yml
    settings:
      host: smtp.example.com
      port: 465
      secure: true
      username: pangolin@example.com
      password: "{{ vault_smtp_password }}"
      sender: pangolin@example.com
    backup: true
  notify: Restart Pangolin

- name: Refuse to go on where the app could fall back to cleartext
  mailops.smtp.app_mail_config:
    app: pangolin
    path: /opt/pangolin/config/config.yml
    settings: "{{ mail_settings }}"
    exact_security: true

- name: Give Grafana its relay where it takes its settings from a compose file
  mailops.smtp.app_mail_config:
    app: grafana
    path: /opt/stack/compose.yml
    service: grafana
    settings: "{{ mail_settings }}"

- name: Take the mail settings out again
  mailops.smtp.app_mail_config:
    app: pangolin
    path: /opt/pangolin/config/config.yml
    state: absent
"""

RETURN = r"""
app:
  description: The app.
  returned: success
  type: str
  sample: pangolin
path:
  description: The app's file; where O(path) is a symbolic link, the file that it points to.
  returned: success
  type: str
  sample: /opt/pangolin/config/config.yml
form:
  description: Where the settings stand, V(file) or V(environment).
  returned: success
  type: str
  sample: file
carrier:
  description: What holds the variables, null for a file of the app's own.
  returned: success
  type: str
  sample: compose
security:
  description:
    - The mode that the app is in with what was written. It is another one than asked for where the app cannot express that
      (see RV(findings)).
    - V(null) with O(state=absent).
  returned: success
  type: str
  sample: implicit_tls
settings:
  description:
    - What the app reads from its file, as the model of O(settings), without the password. Empty with O(state=absent).
    - In check mode, what it would read.
  returned: success
  type: dict
  sample: {host: smtp.example.com, port: 465, secure: true, security: implicit_tls, validate_certs: true, username: app, sender: app@example.com}
up_to_date:
  description:
    - Whether the file held exactly these settings, password included, before the task ran.
    - Unlike RV(ignore:changed) it does not look at owner, group and mode.
  returned: success
  type: bool
  sample: false
findings:
  description: What works but should be seen.
  returned: success
  type: list
  elements: dict
  contains:
    severity:
      description: V(info) or V(warning).
      type: str
      sample: warning
    code:
      description: >-
        Stable code, such as V(downgrade_possible), V(file_created), V(password_readable), V(ca_not_expressible), V(sender_missing), V(stronger_than_asked) or
        V(not_expressible).
      type: str
      sample: downgrade_possible
    message:
      description: One sentence.
      type: str
      sample: >-
        Pangolin cannot require STARTTLS: where the relay, or someone on the way, does not offer it, mail and password go out in cleartext.
    remedy:
      description: What to do about it.
      type: str
      sample: "Use port 465 with secure: true if the relay has it; nothing on the way can take TLS away there."
created:
  description: Whether the file is new.
  returned: success
  type: bool
  sample: false
restart_hint:
  description: How this app is usually made to read its file again.
  returned: success
  type: str
  sample: docker compose restart pangolin
cause:
  description: V(invalid_settings), or V(mode_mismatch) where flag and port do not match, when the options cannot work.
  returned: failure
  type: str
  sample: mode_mismatch
layer:
  description: V(settings), when the options cannot work.
  returned: failure
  type: str
  sample: settings
remedy:
  description: What to write instead, when the options cannot work.
  returned: failure
  type: str
backup_file:
  description: Where the old file is kept.
  returned: changed and O(backup=true)
  type: str
  sample: /opt/pangolin/config/config.yml.4711.2026-01-31@12:30:00~
"""

import base64
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.smtp.plugins.module_utils._files import edit, sealed
from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError
from ansible_collections.mailops.smtp.plugins.module_utils._files.validate import Refused, validator


def argument_spec() -> t.Dict[str, t.Dict[str, t.Any]]:
    """The options. The action plugin of the same name has checked them; it hands over one step of the work, which is all that is done here."""
    return {
        "app": {"type": "str", "required": True},
        "path": {"type": "path", "required": True},
        "form": {"type": "str", "choices": ["file", "environment"]},
        "carrier": {"type": "str", "choices": ["dotenv", "compose", "systemd", "quadlet", "shell", "kubernetes"]},
        "service": {"type": "str"},
        "auth_offered": {"type": "list", "elements": "str"},
        "settings": {"type": "dict", "no_log": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "probed": {"type": "bool", "default": False},
        "exact_security": {"type": "bool", "default": False},
        "descriptors": {"type": "str"},
        "backup": {"type": "bool", "default": False},
        "owner": {"type": "str"},
        "group": {"type": "str"},
        "mode": {"type": "raw"},
        "validate": {"type": "str"},
        "handed_over": sealed.OPTION,
    }


def read_or_write(module: AnsibleModule, handed: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    """One step. Raises FileError, Refused."""
    options = module.params
    wishes = edit.Wishes(options["owner"], options["group"], options["mode"])
    runs = {"run": handed["run"], "dead": handed["dead"], "check_mode": module.check_mode}
    # Before anything is read: in check mode there is no second step that would refuse a command of no use.
    check = validator(module, options["validate"]) if options["validate"] else None
    if handed["step"] == "read":
        return edit.look_at(options["path"], wishes, **runs)
    content = base64.b64decode(handed["content"])
    return edit.write(
        options["path"], content, wishes, checksum=handed["checksum"], backup=options["backup"], check=check, **runs
    )


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    try:
        result = read_or_write(module, sealed.unseal(module.params["handed_over"]))
    except Refused as error:
        module.fail_json(msg="validate: {0}".format(error), **error.said)
    except FileError as error:
        module.fail_json(msg=str(error))
    except ValueError:
        module.fail_json(msg="handed_over is set by the action plugin; leave it out.")
    module.exit_json(**{"changed": False, **result})


if __name__ == "__main__":
    main()
