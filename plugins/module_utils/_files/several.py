# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read or write several files in one call, in order, up to the first that fails: each as app_mail_config or private_file would."""

from __future__ import annotations

import base64
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.validation import check_type_path
from ansible_collections.mailops.smtp.plugins.module_utils._files import edit, kept
from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError
from ansible_collections.mailops.smtp.plugins.module_utils._files.validate import Refused, validator

__all__ = ("work_on",)

_MEANWHILE = "{0} was claimed by another run meanwhile, so it stays as it is now; run again."


def work_on(
    module: AnsibleModule, files: t.Sequence[t.Mapping[str, t.Any]], *, run: kept.Run, dead: t.Sequence[kept.Run]
) -> t.Dict[str, t.Any]:
    """``each``: what was read of or done with each file, the last one perhaps failed; or with ``held`` the other runs that
    stand against it, and nothing was done.

    A file is ``path``, with ``owner``, ``group``, ``mode``, ``validate`` and ``backup`` as of the modules. Without
    ``content`` it is read; with it, and with the ``checksum`` of what was read where that counts, it is written.
    """
    runs: t.Dict[str, t.Any] = {"run": run, "dead": dead, "check_mode": module.check_mode}
    paths = [check_type_path(file["path"]) for file in files]
    try:
        # Before the first is written: what is asked once more when the other run has ended must not be half done.
        held = edit.holders(paths, run, dead)
    except FileError:
        # Each file says it for itself.
        held = []
    if held:
        return {"changed": False, "each": [], "held": [one._asdict() for one in held]}
    each: t.List[t.Dict[str, t.Any]] = []
    for path, file in zip(paths, files):
        each.append(_one(module, path, file, runs))
        if each[-1].get("failed"):
            break
    return {"changed": any(one.get("changed") for one in each), "each": each}


def _one(
    module: AnsibleModule, path: str, file: t.Mapping[str, t.Any], runs: t.Mapping[str, t.Any]
) -> t.Dict[str, t.Any]:
    owner, group = (None if file.get(name) is None else str(file[name]) for name in ("owner", "group"))
    wishes = edit.Wishes(owner, group, file.get("mode"))
    try:
        # Before anything is read: in check mode there is no second step that would refuse a command of no use.
        check = validator(module, str(file["validate"])) if file.get("validate") else None
        if "content" not in file:
            done = edit.look_at(path, wishes, **runs)
        else:
            content, backup = base64.b64decode(file["content"]), bool(file.get("backup"))
            done = edit.write(path, content, wishes, checksum=file.get("checksum"), backup=backup, check=check, **runs)
    except Refused as error:
        return {"failed": True, "msg": "validate: {0}".format(error), **error.said}
    except FileError as error:
        return {"failed": True, "msg": str(error)}
    if done.get("held"):
        return {"failed": True, "msg": _MEANWHILE.format(path)}
    return done
