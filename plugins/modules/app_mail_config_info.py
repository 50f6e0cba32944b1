# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: app_mail_config_info
short_description: Say which mail settings an app holds today, and what is wrong with them
version_added: 0.1.0
description:
  - Reads an app's own file, or the environment variables that stand in a compose file, a unit, a dotenv file, a shell fragment or a
    Kubernetes manifest, and gives the settings in the model of this collection, with the mode that the app is really in.
  - Names what the app takes without complaint although mail cannot work, or can be read on the way, with RV(findings).
  - The password is never returned, only whether there is one. Nothing is changed, and no packet is sent to the relay.
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
    support: N/A
    description: Will return details on what has changed (or possibly needs changing in check_mode), when in diff mode.
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
      - The app's file on the managed host, or the file that holds its environment variables. That it is not there is no failure.
      - A symbolic link is followed when root, the user of the task or the owner of the file made it.
      - With a compose file counts what compose reads without being told to, too, the override and C(.env) beside it.
    type: path
    required: true
  environment:
    description:
      - Variables of the app's process, where they are known. Some apps take them in place of what their file says, an empty one too.
    type: dict
  paths:
    description: Set by the action plugin; leave it out.
    type: list
    elements: path
seealso:
  - module: mailops.smtp.app_mail_config
  - module: mailops.smtp.smtp_gate
"""

EXAMPLES = r"""
- name: What does Pangolin mail with
  mailops.smtp.app_mail_config_info:
    app: pangolin
    path: /opt/pangolin/config/config.yml
  register: mail

- name: Say what is wrong with it
  ansible.builtin.debug:
    msg: "{{ item.message }} {{ item.remedy }}"
  loop: "{{ mail.findings }}"

- name: The same for a service of a compose file
  mailops.smtp.app_mail_config_info:
    app: vaultwarden
    path: /opt/vaultwarden/compose.yml
    service: vaultwarden
"""

RETURN = r"""
found:
  description: Whether the file is there and holds mail settings of the app.
  returned: success
  type: bool
  sample: true
settings:
  description: What the app reads, as the model of O(mailops.smtp.app_mail_config#module:settings), without the password.
  returned: success
  type: dict
  sample: {host: smtp.example.com, port: 587, secure: false, security: opportunistic, username: app}
security:
  description: The mode that the app is really in, null where its settings are no mode that it has, or where they stand elsewhere.
  returned: success
  type: str
  sample: opportunistic
password_set:
  description: Whether there is a password.
  returned: success
  type: bool
  sample: true
findings:
  description:
    - What is wrong, or should be seen. Among the codes are V(mode_mismatch) (flag against port), V(downgrade_possible), V(overridden) (by
      a variable), V(unknown_key) (which the app ignores without a word), V(unknown_value), V(wrong_type), V(invalid_settings),
      V(certificate_not_verified), V(cleartext), V(no_timeout), V(password_readable).
  returned: success
  type: list
  elements: dict
  contains:
    severity:
      description: V(info), V(warning) or V(error); mail cannot work with an error.
      type: str
    code:
      description: Stable code.
      type: str
    message:
      description: One sentence.
      type: str
    remedy:
      description: What to do about it.
      type: str
app:
  description: The app.
  returned: success
  type: str
  sample: pangolin
path:
  description: The file; where O(path) is a symbolic link, the file that it points to.
  returned: success
  type: str
  sample: /opt/pangolin/config/config.yml
form:
  description: Where the settings stand.
  returned: success
  type: str
  sample: file
carrier:
  description: What holds the variables, null for a file of the app's own.
  returned: success
  type: str
"""

import base64
import os
import stat
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError, failure
from ansible_collections.mailops.smtp.plugins.module_utils._files.search import is_nowhere
from ansible_collections.mailops.smtp.plugins.module_utils._files.walk import open_file, place_of

_MOST_BYTES = 4 * 1024 * 1024


def argument_spec() -> t.Dict[str, t.Dict[str, t.Any]]:
    """The options. The action plugin of the same name hands over ``paths`` only."""
    return {
        "app": {"type": "str", "required": True},
        "path": {"type": "path", "required": True},
        "form": {"type": "str", "choices": ["file", "environment"]},
        "carrier": {"type": "str", "choices": ["dotenv", "compose", "systemd", "quadlet", "shell", "kubernetes"]},
        "service": {"type": "str"},
        "environment": {"type": "dict"},
        "descriptors": {"type": "str"},
        "paths": {"type": "list", "elements": "path"},
    }


def read(path: str) -> t.Optional[t.Dict[str, t.Any]]:
    """Content, permission bits and real path of one file; None when it is not there. Raises FileError and OSError.

    A link is followed as place_of does: whoever plants one has nothing shown that belongs to somebody else.
    """
    try:
        with place_of(path) as place:
            opened = open_file(place)
            if opened is None:
                return None
            with os.fdopen(opened, "rb") as file:
                mode = stat.S_IMODE(os.fstat(opened).st_mode)
                content = file.read(_MOST_BYTES + 1)
            real = place.path
    except FileError:
        if is_nowhere(path):
            return None
        raise
    if len(content) > _MOST_BYTES:
        raise FileError("{0} has more than {1} bytes, which is no config file.".format(path, _MOST_BYTES))
    return {"content": base64.b64encode(content).decode("ascii"), "mode": mode, "path": real}


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    paths = module.params["paths"]
    if not paths:
        module.fail_json(
            msg="app_mail_config_info works through its action plugin; call it as mailops.smtp.app_mail_config_info."
        )
    files = []
    for path in paths:
        try:
            found = read(path)
        except FileError as error:
            module.fail_json(msg=str(error))
        except OSError as error:
            module.fail_json(msg=str(failure("{0} cannot be read on this host".format(path), error)))
        files.append(found)
    module.exit_json(changed=False, files=files)


if __name__ == "__main__":
    main()
