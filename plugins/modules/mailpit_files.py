# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mailpit_files
short_description: Write all files of a Mailpit in one task, each whole and private
version_added: 0.1.0
description:
  - Used by the role P(mailops.smtp.mailpit#role). Does for several files what M(mailops.smtp.private_file) does for one.
  - An empty text is a file that is not to be there.
  - Works together with M(mailops.smtp.kept_files), and refuses a file that another run of Ansible has claimed with it, and one
    that somebody else has changed since this run claimed it.
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
    support: partial
    details: Of files with O(files[].show) only.
    description: Returns details on what has changed when in diff mode.
  platform:
    support: full
    platforms: posix
    description: Target operating systems that can be operated against.
options:
  files:
    description: The files, written in this order.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: The file. Its folder must exist.
        type: path
        required: true
      text:
        description: What it holds. Empty for a file that is not to be there.
        type: str
        required: true
      owner:
        description: User that shall own the file, by name or number.
        type: str
      group:
        description: Group that shall own the file, by name or number.
        type: str
      mode:
        description: Permissions of the file.
        type: raw
      show:
        description: Whether the text may be shown in a diff.
        type: bool
        default: false
  handed_over:
    description: What the action plugin hands to the host. Not for playbooks.
    type: str
seealso:
  - module: mailops.smtp.kept_files
  - module: mailops.smtp.private_file
"""

EXAMPLES = r"""
- name: Write the accounts and take the old key away
  mailops.smtp.mailpit_files:
    files:
      - {path: /etc/mailpit/smtp.passwd, text: "{{ accounts }}", owner: mailpit, group: mailpit, mode: "0600"}
      - {path: /etc/mailpit/tls/key.pem, text: ""}
"""

RETURN = r"""
paths:
  description: The files that were written or removed, or would be.
  returned: success
  type: list
  elements: path
  sample: [/etc/mailpit/smtp.passwd]
"""

import base64
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.smtp.plugins.module_utils._files import edit, kept, sealed
from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError
from ansible_collections.mailops.smtp.plugins.module_utils._files.replace import ABSENT, Seen, read, remove
from ansible_collections.mailops.smtp.plugins.module_utils._files.store import open_store
from ansible_collections.mailops.smtp.plugins.module_utils._files.walk import FolderMissing, place_of
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.accounts import gid_of, uid_of


def argument_spec() -> t.Dict[str, t.Dict[str, t.Any]]:
    """
    The options. The action plugin of the same name has checked them; it hands over ``texts`` (base64, one a file),
    ``run`` and ``dead``.
    """
    file = {
        "path": {"type": "path", "required": True},
        "text": {"type": "str", "no_log": True, "required": True},
        "owner": {"type": "str"},
        "group": {"type": "str"},
        "mode": {"type": "raw"},
        "show": {"type": "bool", "default": False},
    }
    return {
        "files": {"type": "list", "elements": "dict", "required": True, "options": file},
        "handed_over": sealed.OPTION,
    }


def _seen(path: str) -> t.Optional[Seen]:
    try:
        with place_of(path) as place:
            return read(place)
    except FolderMissing:
        return None


def _held(path: str, run: kept.Run, dead: t.Sequence[kept.Run]) -> t.Optional[kept.Held]:
    with place_of(path) as place, open_store(create=False) as store:
        return kept.holder(store, place.path, run, dead)


def _take_away(path: str, run: kept.Run, dead: t.Sequence[kept.Run], check_mode: bool) -> t.Dict[str, t.Any]:
    """Remove a file, in a way that kept_files can undo. Gives what edit.write gives."""
    held = _held(path, run, dead)
    if held is not None:
        return {"changed": False, "held": [held._asdict()]}
    with place_of(path) as place:
        seen = read(place)
        edit.refuse_changed(place, seen, run)
        if seen is None or check_mode:
            return {"changed": seen is not None}
        with open_store(create=False) as store:
            kept.note(store, place.path, run, ABSENT)
        remove(place, seen)
    return {"changed": True}


def _missing(name: t.Optional[str], number_of: t.Callable[[str], t.Optional[int]]) -> bool:
    return name is not None and number_of(name) is None


def _one(
    file: t.Mapping[str, t.Any], text: bytes, run: kept.Run, dead: t.Sequence[kept.Run], check_mode: bool
) -> t.Dict[str, t.Any]:
    try:
        if not text:
            return _take_away(file["path"], run, dead, check_mode)
        if check_mode and (_missing(file["owner"], uid_of) or _missing(file["group"], gid_of)):
            return {"changed": True}  # they are made by then
        wishes = edit.Wishes(file["owner"], file["group"], file["mode"])
        return edit.write(file["path"], text, wishes, run=run, dead=dead, as_claimed=True, check_mode=check_mode)
    except FolderMissing:
        if check_mode or not text:
            return {"changed": bool(text)}
        raise


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    changed: t.List[str] = []
    before: t.Dict[str, str] = {}
    try:
        handed = sealed.unseal(module.params["handed_over"])
        for file, packed in zip(module.params["files"], handed["texts"]):
            text = base64.b64decode(packed)
            seen = _seen(file["path"]) if file["show"] else None
            done = _one(file, text, handed["run"], handed["dead"], module.check_mode)
            if done.get("held"):
                module.exit_json(changed=bool(changed), paths=changed, held=done["held"])
            if done["changed"]:
                changed.append(file["path"])
                if file["show"]:
                    before[file["path"]] = base64.b64encode(seen.content if seen else b"").decode("ascii")
    except FileError as error:
        module.fail_json(msg=str(error), paths=changed)
    except (ValueError, KeyError):
        module.fail_json(msg="handed_over is set by the action plugin; leave it out.")
    module.exit_json(changed=bool(changed), paths=changed, before=before)


if __name__ == "__main__":
    main()
