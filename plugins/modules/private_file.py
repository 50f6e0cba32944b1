# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: private_file
short_description: Write a file with a secret in it, whole, private from its first byte
version_added: 0.1.0
description:
  - Writes a text so that after a crash there is the old file or the new one, whole and synced. The new content lies in a file of mode 0600 beside the old
    one until it takes its place; what a killed run left of it is removed by the next one.
  - Owner, mode, ACL and SELinux context of an existing file stay, unless O(owner), O(group) or O(mode) say something else.
  - The content is not shown in results, in diffs, or at any verbosity, and lies in no temporary file on the controller.
  - Works together with M(mailops.smtp.kept_files), and refuses a file that another run of Ansible has claimed with it.
author:
  - mailops.smtp contributors (!UNKNOWN)
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
    support: none
    description: Returns details on what has changed when in diff mode.
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
      - The file on the managed host. Its folder must exist.
      - A symbolic link stays, and the file that it points to is written. It is followed when root, the user of the task or the owner of the file made it.
      - Of a file with several names (hard links) the one that is named gets the new content.
    type: path
    required: true
  content:
    description: The text.
    type: str
    required: true
  owner:
    description: User that shall own the file, by name or number. By default an existing file keeps its owner.
    type: str
  group:
    description: Group that shall own the file, by name or number. By default an existing file keeps its group.
    type: str
  mode:
    description: Permissions of the file. By default an existing file keeps its own, and a new one gets V(0600).
    type: raw
  backup:
    description: Keep the old file beside the new one, under the name that M(ansible.builtin.copy) would give it.
    type: bool
    default: false
  validate:
    description:
      - Command that checks the new file before it replaces the old one, with C(%s) where its path belongs. What it prints is not shown.
    type: str
  handed_over:
    description: What the action plugin hands to the host. Not for playbooks.
    type: str
seealso:
  - module: mailops.smtp.kept_files
"""

EXAMPLES = r"""
- name: Write the login of the relay
  mailops.smtp.private_file:
    path: /etc/relayd/login
    content: "app:{{ vault_smtp_password }}\n"
    group: relayd
    mode: "0640"
"""

RETURN = r"""
path:
  description: Where the file really is.
  returned: success
  type: str
  sample: /etc/relayd/login
created:
  description: Whether the file is new.
  returned: success
  type: bool
  sample: false
backup_file:
  description: Where the old file is kept.
  returned: changed and O(backup=true)
  type: str
"""

import base64
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.smtp.plugins.module_utils._files import edit, sealed
from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError
from ansible_collections.mailops.smtp.plugins.module_utils._files.validate import Refused, validator


def argument_spec() -> t.Dict[str, t.Dict[str, t.Any]]:
    """The options. The action plugin of the same name has checked them; it hands over ``content`` (base64), ``run`` and ``dead``."""
    return {
        "path": {"type": "path", "required": True},
        "content": {"type": "str", "no_log": True, "required": True},
        "owner": {"type": "str"},
        "group": {"type": "str"},
        "mode": {"type": "raw"},
        "backup": {"type": "bool", "default": False},
        "validate": {"type": "str"},
        "handed_over": sealed.OPTION,
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    wishes = edit.Wishes(module.params["owner"], module.params["group"], module.params["mode"])
    command: t.Optional[str] = module.params["validate"]
    try:
        check = validator(module, command) if command else None
        handed = sealed.unseal(module.params["handed_over"])
        content = base64.b64decode(handed["content"])
        runs = {"run": handed["run"], "dead": handed["dead"], "check_mode": module.check_mode}
        result = edit.write(module.params["path"], content, wishes, backup=module.params["backup"], check=check, **runs)
    except Refused as error:
        words = "validate refused the new content of {0} ({1}), so the file stays as it was."
        module.fail_json(msg=words.format(module.params["path"], error))
    except FileError as error:
        module.fail_json(msg=str(error))
    except ValueError:
        module.fail_json(msg="handed_over is set by the action plugin; leave it out.")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
