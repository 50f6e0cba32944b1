# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kept_files
short_description: Keep the old files on the host until what replaces them is proved
version_added: 0.1.0
description:
  - For roles that change files, restart something and prove it. V(begin) claims the files and keeps them, V(restore) puts the old ones back,
    V(finish) drops what was kept.
  - Between V(begin) and V(finish) the files are written by M(mailops.smtp.app_mail_config) or M(mailops.smtp.private_file), which note what they write.
    A file that holds anything else was changed by somebody else, and is not overwritten with the old one.
  - Old files are kept in a folder that only the user of the task can enter, C(/var/lib/mailops.smtp) for root, C(~/.local/state/mailops.smtp) for others
    (C(/var/tmp/mailops.smtp-UID) where there is no home), whole and synced, before anything changes.
  - A run that was broken off leaves its claim. The next V(begin) takes it over, and says so in RV(unfinished).
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
  platform:
    support: full
    platforms: posix
    description: Target operating systems that can be operated against.
options:
  paths:
    description:
      - The files. Those that are not there yet count too; V(restore) removes them again.
      - A symbolic link is followed when root, the user of the task or the owner of the file made it.
    type: list
    elements: path
    required: true
  step:
    description: What to do.
    type: str
    required: true
    choices:
      begin: >-
        Claim all files for this run of Ansible, or none, and keep them. Fails, with nothing done, where another run that still lives has claimed one.
      restore: >-
        Put the old files back, and remove those that were not there. What is kept stays kept until V(finish), as what reads the files may have to be restarted.
        A file that could not be put back is in RV(kept), and does not fail the task.
      finish: Drop what was kept, except of files that could not be put back.
  name:
    description: Who changes the files, for sentences.
    type: str
    default: kept_files
  failure:
    description:
      - A failed result, such as RV(ignore:ansible_failed_result). Once the step is done, the task fails with it, so that a C(rescue) ends with the
        sentence and the cause of the failure. Evidence that was shown when it failed (C(probes), C(alternatives), C(results), C(diff)) is left out.
    type: dict
  give_up_after:
    description:
      - Seconds after its last step for which a run on another controller counts as living. One on the same controller is known to live or not.
    type: int
    default: 3600
  handed_over:
    description: What the action plugin hands to the host. Not for playbooks.
    type: str
seealso:
  - module: mailops.smtp.app_mail_config
  - module: mailops.smtp.private_file
"""

EXAMPLES = r"""
- name: Write, restart and prove, or go back
  block:
    - name: Keep the old file
      mailops.smtp.kept_files:
        paths: [/etc/relayd.yml]
        step: begin
        name: my role
      register: begun

    - name: Write the new one
      mailops.smtp.private_file:
        path: /etc/relayd.yml
        content: "{{ lookup('ansible.builtin.template', 'relayd.yml.j2') }}"
      register: written

    - name: Restart
      ansible.builtin.command: systemctl restart relayd
      # Also for what an earlier run has written and not restarted.
      when: written is changed or begun.unfinished | length > 0
      changed_when: true
  rescue:
    - name: Put the old file back
      mailops.smtp.kept_files:
        paths: [/etc/relayd.yml]
        step: restore
      register: back

    - name: Restart with the old file
      ansible.builtin.command: systemctl restart relayd
      changed_when: true

    - name: Drop what was kept
      mailops.smtp.kept_files:
        paths: "{{ ['/etc/relayd.yml'] | difference(back.kept | map(attribute='given')) }}"
        step: finish
        failure: "{{ ansible_failed_result | combine({'msg': ansible_failed_result.msg ~ ' ' ~ back.kept | map(attribute='why') | join(' ')}) }}"

- name: Drop what was kept
  mailops.smtp.kept_files:
    paths: [/etc/relayd.yml]
    step: finish
"""

RETURN = r"""
step:
  description: The step that was done, as in O(step).
  returned: always
  type: str
  sample: begin
unfinished:
  description:
    - Files of O(paths) that an earlier run had begun to change when it was broken off. What reads them may not have been restarted.
    - If this run fails, V(restore) gives them what they had before that run, and names them once more, as they have to be restarted then.
    - Empty with O(step=finish).
  returned: success
  type: list
  elements: str
  sample: [/etc/relayd.yml]
absent:
  description:
    - Files of O(paths) that are not there, or were not before a run that was broken off made them. With O(step=restore) they go again.
    - With O(step=begin) only; else empty.
  returned: success
  type: list
  elements: str
  sample: []
restored:
  description: Files that got their old content or attributes back, or were removed again. With O(step=restore) only; else empty.
  returned: success
  type: list
  elements: str
  sample: [/etc/relayd.yml]
kept:
  description: Files that could not be put back. Their old content stays kept.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: Where the file really is.
      type: str
      sample: /etc/relayd.yml
    given:
      description: The file as named in O(paths).
      type: str
      sample: /etc/relayd.yml
    kept_as:
      description: Where its old content is; V(null) when it was not there before.
      type: str
      sample: /var/lib/mailops.smtp/0f343b0931126a20f133d67c2b018a3b.5891b5b522d5df08.old
    why:
      description: Why, and how to put it back, in one or two sentences.
      type: str
      sample: >-
        /etc/relayd.yml cannot be written: no space is left on its file system. Put it back with:
        cp /var/lib/mailops.smtp/0f343b0931126a20f133d67c2b018a3b.5891b5b522d5df08.old /etc/relayd.yml.
left:
  description: Other files on this host that a run which was broken off has left unfinished. With O(step=begin) only; else empty.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      type: str
      sample: /etc/other.yml
    name:
      description: Who had begun to change it.
      type: str
      sample: mail_config
    record:
      description: What is noted about it; without that it is forgotten.
      type: str
      sample: /var/lib/mailops.smtp/0f343b0931126a20f133d67c2b018a3b.json
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.smtp.plugins.module_utils._files import kept, sealed
from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError
from ansible_collections.mailops.smtp.plugins.module_utils._files.store import open_store


def argument_spec() -> t.Dict[str, t.Dict[str, t.Any]]:
    """The options. The action plugin of the same name has checked them; it hands over ``run`` and ``dead`` (see kept.py)."""
    return {
        "paths": {"type": "list", "elements": "path", "required": True},
        "step": {"type": "str", "choices": ["begin", "restore", "finish"], "required": True},
        "name": {"type": "str", "default": "kept_files"},
        "failure": {"type": "dict"},
        "give_up_after": {"type": "int", "default": 3600},
        "handed_over": sealed.OPTION,
    }


def begin(
    paths: t.Sequence[str], name: str, run: kept.Run, dead: t.Sequence[kept.Run], check_mode: bool
) -> t.Dict[str, t.Any]:
    """The claim, or with ``held`` the runs that stand against it."""
    with open_store(create=not check_mode) as store:
        if check_mode or store is None:
            claim = kept.look(store, paths, run, dead)
        else:
            claim = kept.begin(store, paths, run, name, dead)
    return {
        "held": [one._asdict() for one in claim.held],
        "others": [one._asdict() for one in claim.others],
        "unfinished": claim.unfinished,
        "absent": claim.absent,
    }


def main() -> None:
    module = AnsibleModule(argument_spec=argument_spec(), supports_check_mode=True)
    paths: t.List[str] = module.params["paths"]
    step: str = module.params["step"]
    result: t.Dict[str, t.Any] = {
        "changed": False,
        "step": step,
        "unfinished": [],
        "absent": [],
        "restored": [],
        "kept": [],
        "left": [],
    }
    try:
        handed = sealed.unseal(module.params["handed_over"])
        if step == "begin":
            result.update(begin(paths, module.params["name"], handed["run"], handed["dead"], module.check_mode))
        elif not module.check_mode:
            with open_store(create=False) as store:
                if step == "restore":
                    result["restored"], result["kept"], result["unfinished"] = kept.restore(store, paths, handed["run"])
                else:
                    result["kept"] = kept.finish(store, paths, handed["run"])
        result["changed"] = bool(result["restored"])
    except FileError as error:
        module.fail_json(msg=str(error), **result)
    except ValueError:
        module.fail_json(msg="handed_over is set by the action plugin; leave it out.")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
