#!/usr/bin/python
# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mailpit_site
short_description: Keep the folders and programs of a Mailpit apart from everything else on its host
version_added: 0.1.0
author: mailops.smtp contributors (!UNKNOWN)
description:
  - Used by the role P(mailops.smtp.mailpit#role), whose options it takes without their prefix.
  - Writes down on the host, where only root writes, which folders, versions and users the role made, and touches nothing else.
  - Refuses a folder of the system, one that holds what the role did not make, and one in which somebody else could exchange files.
options:
  step:
    description:
      - V(look) changes nothing. What will not do is returned as RV(refusal), and the texts of O(files) as RV(texts).
      - V(make) makes the folders that are missing, and with O(anchor) does what V(claim) does on this host.
      - V(unmake) takes away what V(make) has made (O(made)) and what is empty still, where nothing came of it.
      - V(unpack) takes the program out of the archive beside it, and does what V(try) does.
      - V(try) looks whether the program is safe and starts.
      - V(image) has the image of a container on the host, and looks at what its program knows.
      - V(tidy) ends a run that was proved. It removes the versions that the role installed and that nothing uses any more, and says which
        users could go.
      - V(remove) removes what the role made, and O(site.data_dir) only with O(remove_data).
      - V(heard) looks whether this Mailpit's log has the O(marks) that a proof has left.
      - V(log) reads what this Mailpit has logged since O(since), without what the role's own proofs caused.
      - V(wait) waits until Mailpit listens at O(listen). It must be the unit's or the container's own process.
      - V(claim) and V(forget) are for the file of a client that holds what Mailpit is verified with. The first refuses a file that is not
        the role's, the second removes it.
    type: str
    choices: [look, make, unmake, unpack, try, image, tidy, remove, wait, heard, log, claim, forget]
    default: look
  site:
    description: What this Mailpit is to have. Not for V(claim) and V(forget).
    type: dict
    suboptions:
      service:
        description: The name of the unit, which is also the name of this Mailpit among others of the host.
        type: str
        required: true
      service_manager:
        description: V(systemd), V(podman_quadlet), V(compose), or V(none) when something else starts Mailpit.
        type: str
        choices: [systemd, podman_quadlet, compose, none]
        default: systemd
      image:
        description: The image of the container.
        type: str
        default: ""
      image_pull:
        description: When the image is pulled.
        type: str
        choices: [missing, always, never]
        default: missing
      compose:
        description: The command that reads a compose file.
        type: list
        elements: str
        default: []
      config_dir:
        description: The folder of the configuration.
        type: str
        required: true
      data_dir:
        description: The folder of the messages.
        type: str
        required: true
      install_dir:
        description: The folder of the versions.
        type: str
        required: true
      release:
        description: The version to install, empty when the role installs none.
        type: str
        default: ""
      binary:
        description: A program that is there and is not the role's, empty for the one of O(site.release).
        type: str
        default: ""
      owner:
        description: Who owns what Mailpit must not change.
        type: str
        default: root
      user:
        description: Who runs Mailpit.
        type: str
        required: true
      group:
        description: The group of that user.
        type: str
        required: true
      create_user:
        description: Whether the role makes the user when it is not there.
        type: bool
        default: true
      named:
        description: Files in the folders above that are the user's own and that options of the role name.
        type: list
        elements: str
        default: []
  files:
    description: Files to read, by names of the caller's choice.
    type: dict
    default: {}
  readable:
    description: With O(step=look), files that Mailpit's user must be able to read, by the options that name them.
    type: dict
    default: {}
  listen:
    description:
      - With O(step=look), where Mailpit will listen, as C(address) and C(port) of C(smtp), C(ui) and C(pop3), or of a variable of
        its environment. Nobody else may listen there.
      - With O(step=wait), where it listens when its environment, as the role wrote it, does not say it.
    type: dict
    default: {}
  programs:
    description: With O(step=look), programs that must be on the host.
    type: list
    elements: str
    default: []
  anchor:
    description:
      - With O(step=claim), O(step=forget) and O(step=look), the file as C(path), who it is for as C(instance), and PEM texts given out so far
        as C(known).
    type: dict
    default: {}
  seen:
    description: With O(step=make), what O(step=look) returned as RV(checksums). Whatever was changed since then is refused.
    type: dict
    default: {}
  names:
    description: With O(step=try) and O(step=image), environment variables that this version of Mailpit must know.
    type: list
    elements: str
    default: []
  since:
    description: With O(step=log), a span such as C(1hour), C(30min) and C(2days), or a day such as C(2026-11-29).
    type: str
    default: 1day
  command:
    description: With O(step=log), the command that prints the log of a Mailpit that is no service of systemd.
    type: list
    elements: str
    default: []
  marks:
    description: With O(step=heard), what a proof has left in the log.
    type: list
    elements: str
    default: []
  proofs:
    description: With O(step=wait), the number of hosts from which a proof follows, for the log.
    type: int
    default: 0
  timeout:
    description: With O(step=wait) and O(step=heard), the seconds to wait.
    type: float
    default: 15
  leaving:
    description: With O(step=look), whether Mailpit is to be removed. Nobody else's files are in the way then.
    type: bool
    default: false
  made:
    description: With O(step=unmake), what V(make) returned as RV(made).
    type: list
    elements: str
    default: []
  new_group:
    description: With O(step=make), whether the role has just made the group.
    type: bool
    default: false
  remove_data:
    description: With O(step=remove), remove the messages as well.
    type: bool
    default: false
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
  platform:
    platforms: posix
"""

EXAMPLES = r"""
- name: Look whether a Mailpit could be here
  mailops.smtp.mailpit_site:
    site:
      service: mailpit
      config_dir: /etc/mailpit
      data_dir: /var/lib/mailpit
      install_dir: /opt/mailpit
      release: 1.31.0
      user: mailpit
      group: mailpit
"""

RETURN = r"""
refusal:
  description: Why this will not do, in one sentence, or V(none).
  type: str
  returned: with O(step=look)
python:
  description: The path of the Python that runs modules on this host.
  type: str
  returned: with O(step=look)
accounts:
  description: The user and the group of Mailpit where this host has both, else an empty list.
  type: list
  elements: str
  returned: with O(step=look)
strange_anchor:
  description: Whether the file of O(anchor) is not known to be the role's.
  type: bool
  returned: with O(step=look)
texts:
  description: The texts of O(files) by their names, empty where there is no file.
  type: dict
  returned: with O(step=look)
checksums:
  description: The SHA-256 of O(files) by their paths.
  type: dict
  returned: with O(step=look)
trouble:
  description: What the program said instead of starting, or why nothing listens, or V(none).
  type: str
  returned: with O(step=try), O(step=unpack) and O(step=wait)
users:
  description: Users that the role made for this Mailpit, and that nothing uses any more. With O(step=tidy) those of earlier options.
  type: list
  elements: str
  returned: with O(step=tidy), and O(step=remove) with O(remove_data)
groups:
  description: The same of groups.
  type: list
  elements: str
  returned: with O(step=tidy), and O(step=remove) with O(remove_data)
new_config:
  description: Whether the folder of the configuration is made by this step.
  type: bool
  returned: with O(step=make)
new_release:
  description: Whether the folder of the version is made by this step.
  type: bool
  returned: with O(step=make)
unknown:
  description: Those of O(names) that the program does not know.
  type: list
  elements: str
  returned: with O(step=try), O(step=unpack) and O(step=image)
image:
  description: The ID of the image, empty while it is not there.
  type: str
  returned: with O(step=image)
engine:
  description: The command of the engine that has it.
  type: str
  returned: with O(step=image)
before:
  description: The ID of the image that had this name before it was pulled, empty when it is the same one or there was none.
  type: str
  returned: with O(step=image)
program:
  description: The path in the image of the program that it starts.
  type: str
  returned: with O(step=image)
made:
  description: The folders that were not there before.
  type: list
  elements: str
  returned: with O(step=make)
had:
  description: The numbers of the user and the group who had the messages before, where they are others now.
  type: list
  elements: str
  returned: with O(step=make)
uid:
  description: The number of the user who runs Mailpit, V(none) while there is no such user.
  type: int
  returned: with O(step=make)
gid:
  description: The number of that user's group, V(none) while there is no such group.
  type: int
  returned: with O(step=make)
unheard:
  description: Those of O(marks) that are not in the log.
  type: list
  elements: str
  returned: with O(step=heard)
kept:
  description: Whether this host keeps a log of this Mailpit. Without one, nothing is said of the marks.
  type: bool
  returned: with O(step=heard)
lines:
  description: The lines of the log.
  type: list
  elements: str
  returned: with O(step=log)
renewal:
  description: How the last renewal on the host ended, as C(ok), C(said) and C(next). V(none) where nothing renews the certificate.
  type: dict
  returned: with O(step=log)
down:
  description: Why Mailpit does not run, and its last words. V(none) where it runs, or where nobody on the host knows.
  type: str
  returned: with O(step=log)
paths:
  description: What was made, changed or removed.
  type: list
  elements: str
  returned: with the other steps
left:
  description: What was left because it holds what is not the role's, or is in use.
  type: list
  elements: str
  returned: with O(step=tidy) and O(step=remove)
"""

import errno
import os
import re
import shutil
import stat
import sys
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host import (
    anchor,
    container,
    keep,
    log,
    ports,
    program,
    service,
    units,
)
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host import (
    site as sites,
)
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.accounts import (
    gid_of,
    looks_made,
    uid_of,
    unreadable,
)
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.former import (
    former_groups,
    former_users,
    has_others,
)
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.listeners import listeners
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.record import Record, add, drop, opened_record
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.since import parse_since
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.ways import Refusal

_SITE = {
    "service": {"type": "str", "required": True},
    "service_manager": {
        "type": "str",
        "choices": ["systemd", "podman_quadlet", "compose", "none"],
        "default": "systemd",
    },
    "image": {"type": "str", "default": ""},
    "image_pull": {"type": "str", "choices": ["missing", "always", "never"], "default": "missing"},
    "compose": {"type": "list", "elements": "str", "default": []},
    "config_dir": {"type": "str", "required": True},
    "data_dir": {"type": "str", "required": True},
    "install_dir": {"type": "str", "required": True},
    "release": {"type": "str", "default": ""},
    "binary": {"type": "str", "default": ""},
    "owner": {"type": "str", "default": "root"},
    "user": {"type": "str", "required": True},
    "group": {"type": "str", "required": True},
    "create_user": {"type": "bool", "default": True},
    "named": {"type": "list", "elements": "str", "default": []},
}
_SPEC = {
    "step": {
        "type": "str",
        "choices": [
            "look",
            "make",
            "unmake",
            "unpack",
            "try",
            "image",
            "tidy",
            "remove",
            "wait",
            "heard",
            "log",
            "claim",
            "forget",
        ],
        "default": "look",
    },
    "site": {"type": "dict", "options": _SITE},
    "files": {"type": "dict", "default": {}},
    "readable": {"type": "dict", "default": {}},
    "listen": {"type": "dict", "default": {}},
    "programs": {"type": "list", "elements": "str", "default": []},
    "anchor": {"type": "dict", "default": {}},
    "seen": {"type": "dict", "default": {}},
    "names": {"type": "list", "elements": "str", "default": []},
    "since": {"type": "str", "default": "1day"},
    "command": {"type": "list", "elements": "str", "default": []},
    "marks": {"type": "list", "elements": "str", "default": []},
    "proofs": {"type": "int", "default": 0},
    "timeout": {"type": "float", "default": 15},
    "leaving": {"type": "bool", "default": False},
    "made": {"type": "list", "elements": "str", "default": []},
    "new_group": {"type": "bool", "default": False},
    "remove_data": {"type": "bool", "default": False},
}
# Accounts and certificates have some kB.
_LARGEST_TEXT = 1 << 20
# Below are the users and groups that a system has from the start (Debian's policy 9.2.2; others have these, too).
_FIRST_FREE = 100
# How far back the marks of a proof are looked for, and how long until the next look.
_PROOF_SECONDS = 900
_PAUSE = 0.3
_NOBODY = 65534
# Folders of any managed host: what ProtectHome and PrivateTmp of systemd.exec(5) hide from a unit.
_NOT_FOR_UNITS = ("/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/")


def _site(options: t.Mapping[str, t.Any]) -> sites.Site:
    owner = uid_of(options["owner"])
    if owner is None:
        raise Refusal(
            "mailpit_owner is {0}, and this host has no such user: write root, or make the user first".format(
                options["owner"]
            )
        )
    user, group = uid_of(options["user"]), gid_of(options["group"])
    return sites.Site(
        service=options["service"], manager=options["service_manager"], release=options["release"],
        config_dir=_plain(options["config_dir"]), install_dir=_plain(options["install_dir"]), data_dir=_plain(options["data_dir"]),
        owner=owner, user=user, group=group, user_name=options["user"], named=tuple(_plain(path) for path in options["named"] if path),
    )  # fmt: skip


def _plain(path: str) -> str:
    """A path without what means nothing in it; one with .. is refused later, and must show it."""
    return path if ".." in path.split("/") or not path.startswith("/") else "/" + os.path.normpath(path).lstrip("/")


def _text(path: str) -> str:
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(opened, encoding="utf-8", errors="replace") as file:
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                raise OSError(errno.ELOOP, "")
            return file.read(_LARGEST_TEXT)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            raise Refusal(
                "{0} is no ordinary file, and the role has one of its own there: take it away".format(path)
            ) from None
        raise Refusal("{0} cannot be read: {1}".format(path, error.strerror)) from None


def _read(files: t.Mapping[str, str]) -> t.Dict[str, t.Any]:
    return {
        "texts": {name: _text(path) for name, path in files.items()},
        "checksums": {path: program.checksum(path) for path in files.values()},
    }


def _look(site: sites.Site, options: t.Mapping[str, t.Any], record: Record) -> t.Dict[str, t.Any]:
    """Everything that can be seen before anything is written."""
    try:
        sites.judge(site, record, options["leaving"])
        if options["leaving"]:
            return {"refusal": None, **_read(options["files"])}
        if site.user is None and not options["site"]["create_user"]:
            raise Refusal(
                "mailpit_user is {0}, and this host has no such user: set mailpit_create_user to true, or make it "
                "first".format(site.user_name)
            )
        if site.group is None and not options["site"]["create_user"]:
            group = options["site"]["group"]
            raise Refusal(
                "mailpit_group is {0}, and this host has no such group: set mailpit_create_user to true, or make it "
                "first".format(group)
            )
        if options["site"]["binary"]:
            program.refuse_unsafe("mailpit_binary", options["site"]["binary"], site.trusted)
        if options["programs"]:
            _refuse_renewal(options["programs"], sys.executable)
        _refuse_unreadable(site, options["readable"])
        runner = _runner(options["site"])
        if isinstance(runner, container.Container) or site.manager == "podman_quadlet":
            _refuse_container(options["site"])
        _refuse_root(site)
        if options["site"]["create_user"]:
            _refuse_system_accounts(site, options["site"]["group"])
        for option, place in options["listen"].items():
            ports.refuse_occupied(option, place["address"], int(place["port"]), runner.owns)
        accounts = [] if None in (site.user, site.group) else [site.user_name, options["site"]["group"]]
        return {
            "refusal": None,
            "python": sys.executable,
            "accounts": accounts,
            "strange_anchor": _is_strange(options["anchor"], record),
            **_read(options["files"]),
        }
    except Refusal as refusal:
        return {"refusal": str(refusal), "texts": {}, "checksums": {}}


def _is_strange(wanted: t.Mapping[str, t.Any], record: Record) -> bool:
    """Whether the file that this host verifies Mailpit with is there and not known, or would not do."""
    try:
        if wanted:
            anchor.claim(wanted["path"], wanted["instance"], wanted["known"], record)
    except Refusal:
        return True
    return False


def _refuse_root(site: sites.Site) -> None:
    """What the role starts takes mail from strangers."""
    if site.user == 0 and site.manager != "none":
        raise Refusal(
            "mailpit_user is {0}, and Mailpit would run as root: set it to a user of its own, such as mailpit".format(
                site.user_name
            )
        )


def _refuse_system_accounts(site: sites.Site, group: str) -> None:
    """By the name of the service, Mailpit would be given what belongs to a user or group that every host has."""
    if site.manager == "none":
        return
    for kind, name, number in (("user", site.user_name, site.user), ("group", group, site.group)):
        if number is not None and (number < _FIRST_FREE or number == _NOBODY):
            raise Refusal(
                "mailpit_{0} is {1}, a {0} of the system itself: write another name, or set mailpit_create_user to false "
                "if Mailpit is to have the rights of that one".format(kind, name)
            )


def _refuse_renewal(programs: t.Sequence[str], python: str) -> None:
    """What a timer starts as root must be there, and nobody else's."""
    for needed in programs:
        if shutil.which(needed) is None:
            raise Refusal(
                "mailpit_renewal needs {0}, which is not on this host: install it, or set mailpit_renewal to "
                "false".format(needed)
            )
    try:
        program.refuse_unsafe("python", python, {0})
        if re.fullmatch(r"/[A-Za-z0-9_./+-]+", python) and not python.startswith(_NOT_FOR_UNITS):
            return
    except Refusal:
        pass
    raise Refusal(
        "mailpit_renewal would start {0} every day as root, which others can change or the unit's sandbox hides: set "
        "ansible_python_interpreter to the system's, such as /usr/bin/python3, or mailpit_renewal to false".format(
            python
        )
    )


def _runner(options: t.Mapping[str, t.Any]) -> t.Union[service.Unit, container.Container]:
    """What Mailpit runs in, by the options of the site."""
    if options["service_manager"] == "compose":
        return container.Container(container.engine_of("compose", options["compose"]), options["service"])
    return service.Unit(options["service"])


def _refuse_container(options: t.Mapping[str, t.Any]) -> None:
    """What is there must do for a container. Nothing is pulled."""
    manager = options["service_manager"]
    engine = container.engine_of(manager, options["compose"])
    container.refuse_missing(manager, engine, options["compose"])
    container.refuse_foreign(engine, options["service"])
    container.have_image(engine, options["image"], options["image_pull"], dry=True)


def _refuse_unreadable(site: sites.Site, files: t.Mapping[str, str]) -> None:
    """Mailpit would not start with a file that it cannot read. Until its user is there, none but everybody's can be."""
    for option, path in files.items():
        if not path or not os.path.exists(path):
            continue
        why = unreadable(path, site.user_name, 65534 if site.user is None else site.user, site.group)
        if why:
            raise Refusal(
                "{0} is {1}, which {2} cannot read because of {3}: make the user first (tasks_from: user of this "
                "role) and give the"
                " file to it (owner: {2}, mode: '0600')".format(option, path, site.user_name, why)
            )


def _make(
    site: sites.Site, options: t.Mapping[str, t.Any], record: Record, changes: keep.Changes
) -> t.Dict[str, t.Any]:
    for path, checksum in options["seen"].items():
        if program.checksum(path) != checksum:
            raise Refusal("{0} was changed by somebody else while this run read it: run again".format(path))
    folders = sites.judge(site, record)
    if options["anchor"]:
        _claim(options, record, changes)
    if options["site"]["create_user"] and (
        site.user_name in record.users or site.user is None or looks_made(site.user_name)
    ):
        add(record.users, site.user_name, site.service)
        if options["new_group"] or options["site"]["group"] in record.groups:
            add(record.groups, options["site"]["group"], site.service)
    had = keep.make(site, folders, record, changes)
    release = sites.release_dir(site) if site.release else None
    return {
        "made": changes.made,
        "had": [str(number) for number in had] if had else [],
        "new_config": folders["mailpit_config_dir"].path in changes.paths and not folders["mailpit_config_dir"].exists,
        "new_release": release in changes.paths,
        "uid": site.user,
        "gid": site.group,
    }


def _unmake(
    site: sites.Site, options: t.Mapping[str, t.Any], record: Record, changes: keep.Changes
) -> t.Dict[str, t.Any]:
    keep.unmake(site, sites.judge(site, record, leaving=True), record, changes, options["made"])
    return {}


def _unpack(
    site: sites.Site, options: t.Mapping[str, t.Any], record: Record, changes: keep.Changes
) -> t.Dict[str, t.Any]:
    folder = sites.release_dir(site)
    target, archive = os.path.join(folder, "mailpit"), os.path.join(folder, "mailpit.tar.gz")
    wanted = program.checksum(archive)
    if record.archives.get(folder) != [wanted, program.checksum(target)]:
        changes.paths.append(target)
        if not changes.dry:
            program.unpack(archive, target)
            record.archives[folder] = [wanted, program.checksum(target)]
    return _try(site, options, record, changes)


def _try(site: sites.Site, options: t.Mapping[str, t.Any], record: Record, changes: keep.Changes) -> t.Dict[str, t.Any]:
    path = options["site"]["binary"] or os.path.join(sites.release_dir(site), "mailpit")
    if changes.dry and not os.path.lexists(path):
        return {"trouble": None, "unknown": []}
    program.refuse_unsafe("mailpit_binary" if options["site"]["binary"] else "the program", path, site.trusted)
    trouble = program.try_program(path)
    # A script that starts Mailpit knows no names itself.
    is_script = trouble is None and program.first_bytes(path) == b"#!"
    return {
        "trouble": trouble,
        "unknown": [] if trouble or is_script else program.unknown_names(path, options["names"]),
    }


def _image(
    site: sites.Site, options: t.Mapping[str, t.Any], record: Record, changes: keep.Changes
) -> t.Dict[str, t.Any]:
    wanted = options["site"]
    engine = container.engine_of(site.manager, wanted["compose"])
    before = container.image_of(engine, wanted["image"])
    found, new = container.have_image(engine, wanted["image"], wanted["image_pull"], changes.dry)
    if new:
        changes.paths.append(wanted["image"])
    # A tag may have moved by the pull: what had the name before is what a failure goes back to.
    named = {"engine": engine, "before": before.id if before and new and not changes.dry else ""}
    if found is None:
        return {"image": "", "program": "", "unknown": [], **named}
    return {
        **named,
        "image": found.id,
        "program": found.program,
        "unknown": container.unknown_in_image(engine, wanted["image"], found, options["names"]),
    }


def _tidy(
    site: sites.Site, options: t.Mapping[str, t.Any], record: Record, changes: keep.Changes
) -> t.Dict[str, t.Any]:
    if site.manager != "none" and not changes.dry:
        log.announce_proof(site.service, 0)
    if site.release:
        keep.remove_versions(site, record, changes, keep=sites.release_dir(site))
    return {"left": changes.left, **_leaving(site, options, record)}


def _leaving(site: sites.Site, options: t.Mapping[str, t.Any], record: Record) -> t.Dict[str, t.Any]:
    """Accounts of this Mailpit from before its options were changed, which can go."""
    users = former_users(record, site.service, site.user_name)
    return {"users": users, "groups": former_groups(record, site.service, options["site"]["group"], users)}


def _remove(
    site: sites.Site, options: t.Mapping[str, t.Any], record: Record, changes: keep.Changes
) -> t.Dict[str, t.Any]:
    group = options["site"]["group"]
    users, groups = record.users.get(site.user_name), record.groups.get(group)
    # Earlier versions of the role wrote down neither; and what somebody has changed, or made again, is that one's.
    own_user = users in (None, [site.service]) and looks_made(site.user_name)
    own_group = groups == [site.service] if groups else own_user and group == site.user_name
    # Where its user stays, so does it: nobody's first group can be removed.
    own_group = own_group and not has_others(group, [site.user_name] if own_user else [])
    keep.remove(site, sites.judge(site, record, leaving=True), record, changes, options["remove_data"])
    if site.contained and not changes.dry:
        container.sweep_looks(container.engine_of(site.manager, options["site"]["compose"]))
    if not options["remove_data"]:
        return {"left": changes.left, "users": [], "groups": []}
    drop(record.users, site.user_name, site.service)
    drop(record.groups, group, site.service)
    leaving = _leaving(site, options, record)
    present = options["site"]["create_user"]
    return {
        "left": changes.left,
        "users": leaving["users"] + [site.user_name] * (own_user and present),
        "groups": leaving["groups"] + [group] * (own_group and present),
    }


def _wait(
    site: sites.Site, options: t.Mapping[str, t.Any], record: Record, changes: keep.Changes
) -> t.Dict[str, t.Any]:
    told = {
        "MP_{0}_BIND_ADDR".format(name.upper()): (place["address"], int(place["port"]))
        for name, place in options["listen"].items()
    }
    places = listeners(sites.environment_of(site)) or told
    if site.manager == "none":
        address, port = places["MP_SMTP_BIND_ADDR"]
        return {"trouble": service.wait_for_somebody(address, port, options["timeout"])}
    wanted = [number for _address, number in places.values()]
    trouble = service.wait_for(_runner(options["site"]), wanted, options["timeout"])
    if trouble is None and options["proofs"] > 0 and not changes.dry:
        log.announce_proof(site.service, options["proofs"])
    return {"trouble": trouble}


def _log(site: sites.Site, options: t.Mapping[str, t.Any], record: Record, changes: keep.Changes) -> t.Dict[str, t.Any]:
    since = parse_since(options["since"], time.time())
    started_with = sites.environment_of(site)
    path = started_with.get("MP_LOG_FILE", "")
    renews = site.is_unit and os.path.lexists(units.renewal_of(site.service)[1])
    renewal = log.read_renewal(site.service) if renews else None
    if options["command"]:
        return {"lines": log.without_proofs(log.read_command(options["command"], since)), "renewal": renewal}
    if not path and site.manager == "none":
        raise Refusal(
            "mailpit_service_manager is none, and Mailpit's log is not known: set mailpit_watch_command to the command"
            " that prints it, such as [docker, logs, --timestamps, mailpit], or MP_LOG_FILE in mailpit_environment"
        )
    # Of a name that is misspelt, nothing is ever logged.
    if site.is_unit and not units.is_known(site.service):
        raise Refusal(
            "mailpit_service_name is {0}, and this host has no unit {0}.service: write the name of a Mailpit that it has".format(
                site.service
            )
        )
    runner = _runner(options["site"])
    found = _lines(site, runner, since)
    down = None if site.manager == "none" else service.why_down(runner)
    return {"lines": log.without_proofs(found), "renewal": renewal, "down": down}


def _lines(
    site: sites.Site, runner: t.Union[service.Unit, container.Container], since: float
) -> t.List[t.Tuple[float, str]]:
    """What this Mailpit has logged since a moment, wherever it logs. Raises Refusal."""
    started_with = sites.environment_of(site)
    path = started_with.get("MP_LOG_FILE", "")
    if isinstance(runner, container.Container):
        # Where there is a journal, the proofs were announced in it.
        found = runner.log(since) + (log.read_journal(site.service, since) if shutil.which("journalctl") else [])
    else:
        found = log.read_journal(site.service, since) if site.is_unit else []
    if path:
        zone = started_with.get("TZ") or (None if sites.has_hosts_clock(site) else "UTC")
        found += log.read_file(path, {0, site.owner, site.user or 0}, since, zone)
    return found


def _heard(
    site: sites.Site, options: t.Mapping[str, t.Any], record: Record, changes: keep.Changes
) -> t.Dict[str, t.Any]:
    """Which marks of a proof stand in no log of this Mailpit; none where this host keeps no log of it."""
    marks = set(options["marks"])
    runner = _runner(options["site"])
    end = time.monotonic() + options["timeout"]
    while True:
        units.said_by(["journalctl", "--sync"])  # what it wrote a moment ago may be on its way
        try:
            left = marks - log.marks_in(_lines(site, runner, time.time() - _PROOF_SECONDS), marks)
        except Refusal:
            return {"unheard": [], "kept": False}
        if not left or time.monotonic() >= end:
            break
        time.sleep(_PAUSE)
    path = sites.environment_of(site).get("MP_LOG_FILE", "")
    kept = not left or runner.has_a_log() or (bool(path) and os.path.exists(path) and os.path.getsize(path) > 0)
    return {"unheard": sorted(left) if kept else [], "kept": kept}


def _claim(options: t.Mapping[str, t.Any], record: Record, changes: keep.Changes) -> t.Dict[str, t.Any]:
    anchor.claim(options["anchor"]["path"], options["anchor"]["instance"], options["anchor"]["known"], record)
    return {}


def _forget(options: t.Mapping[str, t.Any], record: Record, changes: keep.Changes) -> t.Dict[str, t.Any]:
    path = anchor.forget(options["anchor"]["path"], options["anchor"]["instance"], options["anchor"]["known"], record)
    if path:
        changes.unlink(path)
    return {}


_ON_CLIENTS = {"claim": _claim, "forget": _forget}
_STEPS = {
    "make": _make,
    "unmake": _unmake,
    "unpack": _unpack,
    "try": _try,
    "image": _image,
    "tidy": _tidy,
    "remove": _remove,
    "wait": _wait,
    "heard": _heard,
    "log": _log,
}


def _do(step: str, options: t.Mapping[str, t.Any], changes: keep.Changes) -> t.Dict[str, t.Any]:
    """The result of a step other than look. Raises Refusal."""
    if step in _ON_CLIENTS:
        with opened_record(write=not changes.dry) as record:
            return _ON_CLIENTS[step](options, record, changes)
    site = _site(options["site"])
    with opened_record(write=not changes.dry and step not in ("try", "image", "wait", "heard", "log")) as record:
        return _STEPS[step](site, options, record, changes)


def main() -> None:
    """Run the module."""
    needs_site = [("step", step, ["site"]) for step in ("look", *_STEPS)]
    module = AnsibleModule(_SPEC, supports_check_mode=True, required_if=needs_site)
    step: str = module.params["step"]
    if step == "look":
        try:
            with opened_record(write=False) as record:
                module.exit_json(changed=False, **_look(_site(module.params["site"]), module.params, record))
        except Refusal as refusal:
            module.exit_json(changed=False, refusal=str(refusal), texts={}, checksums={})
    changes = keep.Changes(dry=module.check_mode)
    try:
        result = _do(step, module.params, changes)
    except Refusal as refusal:
        module.fail_json(msg=str(refusal) + ".")
    except OSError as error:
        module.fail_json(msg="{0}: {1}.".format(error.filename or "a file of Mailpit", error.strerror or error))
    module.exit_json(changed=bool(changes.paths), paths=changes.paths, **result)


if __name__ == "__main__":
    main()
