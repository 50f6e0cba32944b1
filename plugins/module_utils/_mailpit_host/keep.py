# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the folders of a site, and take away what the role made: nothing else, and nothing through a link."""

from __future__ import annotations

import os
import stat
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host import site as sites
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host import units
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.record import Record, add, drop
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.site import Folder, Site
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.ways import Refusal, trouble_with

__all__ = ("Changes", "make", "remove", "remove_versions", "unmake")


class Changes:
    """What is done, or would be done (``dry``)."""

    def __init__(self, dry: bool) -> None:
        self.dry = dry
        self.paths: t.List[str] = []
        self.made: t.List[str] = []
        self.left: t.List[str] = []

    def unlink(self, path: str) -> None:
        """
        Remove a file or link that the role wrote, if it is there. A folder in its place is somebody else's and stays.
        """
        try:
            found = os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return
        if stat.S_ISDIR(found.st_mode):
            self.left.append(path)
            return
        self.paths.append(path)
        if not self.dry:
            os.unlink(path)

    def rmdir(self, path: str, gone: t.Sequence[str] = ()) -> bool:
        """Remove a folder that is empty but for what is ``gone`` by now; whether it is away."""
        if os.path.islink(path) or not os.path.isdir(path):
            return not os.path.lexists(path)
        rest = [name for name in os.listdir(path) if not self.dry or os.path.join(path, name) not in self.paths]
        if rest:
            self.left.append(path)
            return False
        self.paths.append(path)
        if not self.dry:
            os.rmdir(path)
        return True


def make(
    site: Site, folders: t.Mapping[str, Folder], record: Record, changes: Changes
) -> t.Optional[t.Tuple[int, int]]:
    """
    Make what is missing, and give the role's own folders their owner and mode. Raises Refusal when a version's folder
    holds what is not its own. Gives who had the messages before (user and group), where those are others now.
    """
    user, group = site.user if site.user is not None else -1, site.group if site.group is not None else -1
    config, data = folders["mailpit_config_dir"], folders["mailpit_data_dir"]
    release = _release(site, folders, record) if site.release else ""
    for folder in folders.values():
        add(record.folders if folder.own else record.lent, folder.path, site.service)
        if folder.own:
            drop(record.lent, folder.path, site.service)
    # A run that is broken off in what follows has made nothing that is not known.
    record.save()
    wanted = [(config.path, config.own, site.owner, group, 0o750)]
    for name, mode in (("tls", 0o750), ("ca", 0o700)):
        wanted.append((os.path.join(config.path, name), True, site.owner, group, mode))
    wanted.append((data.path, data.own, user, group, 0o700))
    if site.release:
        wanted.append((folders["mailpit_install_dir"].path, False, site.owner, -1, 0o755))
        wanted.append((release, True, site.owner, -1, 0o755))
    had = _owner(data) if data.own else None
    if had and had == (user if user != -1 else had[0], group if group != -1 else had[1]):
        had = None
    # Before the folder: where a run is broken off in between, the next one knows by that whom they are to be taken from.
    if had:
        for path in sites.data_files(site):
            _hand_over(path, had[0], user, group, changes)
    for path, own, owner, its_group, mode in wanted:
        _folder(path, own, owner, its_group, mode, changes)
    return had


def unmake(
    site: Site, folders: t.Mapping[str, Folder], record: Record, changes: Changes, made: t.Container[str]
) -> None:
    """
    Take away those of the folders that were ``made`` and in which nothing is, where nothing came of what they were made for. A version
    that was brought for it goes as well.
    """
    config, data = folders["mailpit_config_dir"], folders["mailpit_data_dir"]
    empty = [os.path.join(config.path, name) for name in sites.SUBFOLDERS] + [config.path, data.path]
    if site.release:
        install = folders["mailpit_install_dir"].path
        release = os.path.join(install, site.release)
        if release in made and not units.users_of(release, ""):
            _unlink_programs(release, changes)
        empty += [release, install]
    for path in empty:
        if path in made and not _entries(path):
            changes.rmdir(path)
            for entries in (record.folders, record.versions):
                drop(entries, path, site.service)


def _owner(folder: Folder) -> t.Optional[t.Tuple[int, int]]:
    """The user and the group of a folder, None when it is not there."""
    try:
        found = os.lstat(folder.path)
    except OSError:
        return None
    return found.st_uid, found.st_gid


def _hand_over(path: str, had: int, user: int, group: int, changes: Changes) -> None:
    """
    Give a file of Mailpit's to its new user. Where others write, nothing is followed: only an ordinary file with one name
    that belongs to who ``had`` the folder.
    """
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return  # it is not there, or is no file
    try:
        found = os.fstat(opened)
        if stat.S_ISREG(found.st_mode) and found.st_nlink == 1 and found.st_uid == had:
            changes.paths.append(path)
            if not changes.dry:
                os.fchown(opened, user, group)
    finally:
        os.close(opened)


def _release(site: Site, folders: t.Mapping[str, Folder], record: Record) -> str:
    path = os.path.join(folders["mailpit_install_dir"].path, site.release)
    known = path in record.versions or path in sites.adopted_versions(site)
    if os.path.lexists(path):
        if os.path.islink(path) or not os.path.isdir(path):
            raise Refusal(
                "mailpit_install_dir is {0}, and {1} in it is no folder: take it away".format(
                    os.path.dirname(path), path
                )
            )
        foreign = [name for name in os.listdir(path) if name not in sites.PROGRAM_FILES]
        trouble = trouble_with(path, os.lstat(path), site.trusted)
        if not known and (foreign or trouble):
            why = trouble or "it holds what this role did not make ({0})".format(ascii(foreign[0])[1:-1])
            raise Refusal(
                "mailpit_install_dir is {0}, and its {1} cannot be used, because {2}: take it away, or write another "
                "folder".format(os.path.dirname(path), site.release, why)
            )
    add(record.versions, path, site.service)
    return path


def _folder(path: str, own: bool, owner: int, group: int, mode: int, changes: Changes) -> None:
    made = not os.path.isdir(path)
    if made:
        changes.paths.append(path)
        changes.made.append(path)
        if changes.dry:
            return
        _folders_above(path)
        os.mkdir(path, 0o700)
    elif not own:
        return
    opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        found = os.fstat(opened)
        wrong = (owner not in (-1, found.st_uid), group not in (-1, found.st_gid), stat.S_IMODE(found.st_mode) != mode)
        if any(wrong) and not made:
            changes.paths.append(path)
        if any(wrong) and not changes.dry:
            if wrong[0] or wrong[1]:
                os.fchown(opened, owner, group)
            os.fchmod(opened, mode)
    finally:
        os.close(opened)


def _folders_above(path: str) -> None:
    """Make the folders above that are missing, so that Mailpit's user gets through whatever root's umask is."""
    above = os.path.dirname(path)
    if not os.path.isdir(above):
        _folders_above(above)
        os.mkdir(above, 0o700)
        os.chmod(above, 0o755)


def remove_versions(site: Site, record: Record, changes: Changes, keep: str) -> None:
    """Take away the versions that this site installed and that nobody uses any more, but for the folder ``keep``."""
    mine = {
        path
        for path, instances in record.versions.items()
        if site.service in instances and os.path.dirname(path) == site.install_dir
    }
    for path in sorted(mine - {keep}):
        drop(record.versions, path, site.service)
        if record.versions[path]:
            continue
        if units.users_of(path, site.service):
            changes.left.append(path)
            continue
        _unlink_programs(path, changes)
        changes.rmdir(path)


def _unlink_programs(folder: str, changes: Changes) -> None:
    """Take away what the role brings into a version's folder, and what was downloaded or unpacked in part."""
    for name in _entries(folder):
        if name in sites.PROGRAM_FILES or name.startswith((".ansible_tmp", ".mailpit.")):
            changes.unlink(os.path.join(folder, name))


def _entries(path: str) -> t.List[str]:
    return sorted(os.listdir(path)) if os.path.isdir(path) and not os.path.islink(path) else []


def remove(site: Site, folders: t.Mapping[str, Folder], record: Record, changes: Changes, data_too: bool) -> None:
    """
    Take away this site: its unit, its files, its versions, with ``data_too`` its messages, and its folders when they
    are empty then.
    """
    for path in sites.adopted_versions(site):
        add(record.versions, path, site.service)
    config, data = folders["mailpit_config_dir"], folders["mailpit_data_dir"]
    # Before the environment goes, which says so.
    written = sites.data_files(site)
    if site.systemd:
        changes.unlink(units.path_of(site.service))
    for path in units.renewal_of(site.service) if site.is_unit else ():
        changes.unlink(path)
    if site.manager == "podman_quadlet":
        changes.unlink(units.quadlet_of(site.service))
    if config.exists and (config.own or sites.begins_with_header(os.path.join(config.path, "mailpit.env"))):
        for path in sites.known_files(site):
            changes.unlink(path)
        _sweep_renewal(config.path, changes)
        for name in sites.SUBFOLDERS:
            changes.rmdir(os.path.join(config.path, name))
        _done(config, site, record, changes)
    remove_versions(site, record, changes, keep="")
    if "mailpit_install_dir" in folders:
        _done(folders["mailpit_install_dir"], site, record, changes)
    if data_too and data.exists and (data.own or site.service in record.lent.get(data.path, [])):
        for path in written:
            changes.unlink(os.path.join(data.path, os.path.basename(path)))
        _done(data, site, record, changes)


def _sweep_renewal(config: str, changes: Changes) -> None:
    """Take away what a renewal on the host left that was killed (files/renew.py of the role): keys that nobody uses."""
    for name in _entries(os.path.join(config, "tls")):
        if name.startswith(".mailpit."):
            changes.unlink(os.path.join(config, "tls", name))
    for folder in [name for name in _entries(os.path.join(config, "ca")) if name.startswith("renewal-")]:
        whole = os.path.join(config, "ca", folder)
        for name in _entries(whole):
            changes.unlink(os.path.join(whole, name))
        changes.rmdir(whole)


def _done(folder: Folder, site: Site, record: Record, changes: Changes) -> None:
    """Remove a folder of the role's own that is empty, and forget it in either case when nobody else uses it."""
    if folder.exists and folder.own and record.folders.get(folder.path, [site.service]) in ([site.service], []):
        changes.rmdir(folder.path)
    drop(record.folders, folder.path, site.service)
    drop(record.lent, folder.path, site.service)
