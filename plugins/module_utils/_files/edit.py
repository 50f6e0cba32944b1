# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read one file, or write it: what app_mail_config and private_file have the host do, as data in and data out."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import types
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._files import kept
from ansible_collections.mailops.smtp.plugins.module_utils._files.attributes import Attributes, new_file
from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError
from ansible_collections.mailops.smtp.plugins.module_utils._files.replace import (
    ABSENT,
    Seen,
    back_up,
    checksum_of,
    drop_backup,
    read,
    replace,
)
from ansible_collections.mailops.smtp.plugins.module_utils._files.store import open_store
from ansible_collections.mailops.smtp.plugins.module_utils._files.temporary import sweep
from ansible_collections.mailops.smtp.plugins.module_utils._files.walk import Place, place_of

__all__ = ("Wishes", "holders", "look_at", "refuse_changed", "write")

_MEANWHILE = "{0} was changed by somebody else meanwhile, so it stays as it is now; run again."

_MOST_NAMES = 2000


class Wishes(t.NamedTuple):
    """What the task says about the file's attributes; None: as it is.

    ``mode`` is octal digits or symbolic, as chmod takes it.
    """

    owner: t.Optional[str]
    group: t.Optional[str]
    mode: t.Union[str, int, None]

    def of(self, old: t.Optional[Attributes]) -> Attributes:
        """The attributes that the file shall have. Raises FileError."""
        base = old or new_file()
        return base._replace(
            uid=_uid(self.owner, base.uid), gid=_gid(self.group, base.gid), mode=_mode(self.mode, base.mode)
        )


def look_at(
    path: str, wishes: Wishes, *, run: kept.Run, dead: t.Sequence[kept.Run], check_mode: bool = False
) -> t.Dict[str, t.Any]:
    """Read the file, and take away what a killed writer left beside it.

    Gives file (where it really is), content (base64; None: not there), checksum ("absent"), mode, which is the one that
    it has once it is written, whether it has the attributes that are asked for, and where it is not there files of its folder
    with a name like it (``alike``); or with ``held`` the other run that stands against it. Raises FileError.
    """
    with place_of(path) as place:
        held = _holder(place, run, dead)
        if held is not None:
            return {"held": [held._asdict()]}
        if not check_mode:
            sweep(place)
        seen = read(place)
        alike = _alike(place) if seen is None else []
    wanted = wishes.of(seen.attributes if seen else None)
    return {
        # Not "path": of that key Ansible would add owner, mode and so on.
        "file": place.path,
        "content": None if seen is None else base64.b64encode(seen.content).decode("ascii"),
        "checksum": ABSENT if seen is None else seen.checksum,
        "mode": wanted.mode,
        "as_asked": seen is not None and seen.attributes == wanted,
        "alike": alike,
    }


def _alike(place: Place) -> t.List[str]:
    """What the name may have been meant for: at most three others of the folder, whose names can be shown."""
    import difflib  # a file that is there never needs it

    try:
        # The folder's own handle is for going through it, and not for looking into it.
        folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=place.folder)
        try:
            there = os.listdir(folder)[:_MOST_NAMES]
        finally:
            os.close(folder)
    except OSError:
        return []
    names = [name for name in there if name.isprintable() and name[:1] != "."]
    stem = os.path.splitext(place.name)[0]
    same = [name for name in names if os.path.splitext(name)[0] == stem]
    return list(dict.fromkeys([*same, *difflib.get_close_matches(place.name, names, 3, 0.8)]))[:3]


def write(
    path: str,
    content: bytes,
    wishes: Wishes,
    *,
    run: kept.Run,
    dead: t.Sequence[kept.Run],
    checksum: t.Optional[str] = None,
    as_claimed: bool = False,
    backup: bool = False,
    check: t.Optional[t.Callable[[str], None]] = None,
    check_mode: bool = False,
) -> t.Dict[str, t.Any]:
    """Give the file this content and these attributes; nothing is done where it has them.

    ``checksum`` is that of the content that was read ("absent": none); None takes the file as it is, with
    ``as_claimed`` only as long as nobody has changed it since ``run`` claimed it. Gives changed, created, path and
    backup_file, or with ``held`` the other run that stands against it. Raises FileError.
    """
    with place_of(path) as place:
        held = _holder(place, run, dead)
        if held is not None:
            return {"changed": False, "held": [held._asdict()]}
        seen = read(place)
        if checksum not in (None, ABSENT if seen is None else seen.checksum):
            raise FileError(_MEANWHILE.format(place.path))
        if as_claimed:
            refuse_changed(place, seen, run)
        wanted = wishes.of(seen.attributes if seen else None)
        result: t.Dict[str, t.Any] = {"changed": True, "created": seen is None, "path": place.path}
        if not check_mode:
            # Also what an earlier write left that was killed while it made a backup, which this one may not make.
            sweep(place)
        if seen is not None and seen.content == content and seen.attributes == wanted:
            result["changed"] = False
        elif not check_mode:
            _write(place, content, wanted, seen, run, backup, check, result)
        return result


def refuse_changed(place: Place, seen: t.Optional[Seen], run: kept.Run) -> None:
    """Raise FileError where somebody else has changed the file since ``run`` claimed it."""
    with open_store(create=False) as store:
        if kept.foreign(store, place.path, run, ABSENT if seen is None else seen.checksum):
            raise FileError(_MEANWHILE.format(place.path))


def _write(
    place: Place,
    content: bytes,
    wanted: Attributes,
    seen: t.Optional[Seen],
    run: kept.Run,
    backup: bool,
    check: t.Optional[t.Callable[[str], None]],
    result: t.Dict[str, t.Any],
) -> None:
    noted = False

    def before() -> None:
        nonlocal noted
        if backup and seen is not None and seen.content != content:
            result["backup_file"] = back_up(place, seen)
        with open_store(create=False) as store:
            noted = kept.note(store, place.path, run, checksum_of(content))

    try:
        replace(place, content, wanted, seen, check=check, before=before)
    except FileError:
        if "backup_file" in result:
            drop_backup(place, result.pop("backup_file"))
        if noted:
            _take_back(place, content, run)
        raise


def _take_back(place: Place, content: bytes, run: kept.Run) -> None:
    """The write has failed. If that is not certain, what was noted errs on the safe side: the next run takes it for
    unfinished.
    """
    with contextlib.suppress(FileError):
        seen = read(place)
        if seen is None or seen.content != content:
            with open_store(create=False) as store:
                kept.take_back(store, place.path, run, checksum_of(content))


def holders(paths: t.Sequence[str], run: kept.Run, dead: t.Sequence[kept.Run]) -> t.List[kept.Held]:
    """The other runs that have begun to change one of these files and have not ended. Raises FileError."""
    found = []
    for path in paths:
        with place_of(path) as place:
            held = _holder(place, run, dead)
        if held is not None:
            found.append(held)
    return found


def _holder(place: Place, run: kept.Run, dead: t.Sequence[kept.Run]) -> t.Optional[kept.Held]:
    with open_store(create=False) as store:
        return kept.holder(store, place.path, run, dead)


def _uid(owner: t.Optional[str], base: int) -> int:
    import pwd

    try:
        return base if owner is None else _number(owner, lambda name: pwd.getpwnam(name).pw_uid)
    except (KeyError, ValueError):
        words = "owner is {0}, which is no user of this host; write the name or number of one."
        raise FileError(words.format(ascii(owner))) from None


def _gid(group: t.Optional[str], base: int) -> int:
    import grp

    try:
        return base if group is None else _number(group, lambda name: grp.getgrnam(name).gr_gid)
    except (KeyError, ValueError):
        words = "group is {0}, which is no group of this host; write the name or number of one."
        raise FileError(words.format(ascii(group))) from None


def _number(given: str, look_up: t.Callable[[str], int]) -> int:
    """The number of a user or group. Raises KeyError, ValueError."""
    found = int(given) if given.isascii() and given.isdigit() else look_up(given)
    # The last one means "as it is" to chown.
    if not 0 <= found < 2**32 - 1:
        raise ValueError(given)
    return found


def _is_likely(mode: int) -> bool:
    """Whether somebody may mean these bits. ``mode: 600`` without quotes is 01130: for YAML it is no octal number."""
    owner, group, other = mode >> 6, mode >> 3 & 7, mode & 7
    falls = group & ~owner == 0 and other & ~group == 0
    reads = all(bits == 0 or bits & 4 for bits in (owner, group, other))
    return 0 <= owner <= 7 and falls and reads


def _mode(mode: object, base: int) -> int:
    """``mode`` as a task has it; what YAML makes a boolean, fraction or list is none."""
    found = -1
    if mode is None:
        return base
    if isinstance(mode, int) and not isinstance(mode, bool):
        found = mode
        if 0 <= mode <= 0o7777 and not _is_likely(mode):
            words = (
                "mode is the number {0}, whose bits are 0{0:o}; write '0600' in quotes, or u=rw,g=r,o= and the like."
            )
            raise FileError(words.format(mode))
    elif isinstance(mode, str) and re.match("[0-7]+\\Z", mode):
        found = int(mode, 8)
    elif isinstance(mode, str) and not mode[:1].isdigit():
        from ansible.module_utils.basic import AnsibleModule

        with contextlib.suppress(ValueError):
            found = AnsibleModule._symbolic_mode_to_octal(types.SimpleNamespace(st_mode=0o100000 | base), mode)
    if not 0 <= found <= 0o7777:
        words = "mode is {0}, which is no mode; write '0600', or u=rw,g=r,o= and the like."
        raise FileError(words.format(ascii(mode)))
    return found
