# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailpit's program: taken out of a release archive, and tried without privileges."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import select
import signal
import stat
import tarfile
import time
import typing as t
import zlib

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.ways import Refusal, trouble_with, walk

__all__ = ("checksum", "first_bytes", "refuse_unsafe", "try_program", "unknown_names", "unpack")

# Releases have some 25 MB and three files. Anything far beyond is not one.
_LARGEST = 512 << 20
_MOST_MEMBERS = 1000
_PIECE = 1 << 20
_NEW = ".mailpit."  # with the number of the process that writes it
_NOBODY = 65534


def checksum(path: str) -> str:
    """The SHA-256 of a file in hex, empty when it is not there."""
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            for piece in iter(lambda: file.read(_PIECE), b""):
                digest.update(piece)
    except FileNotFoundError:
        return ""
    return digest.hexdigest()


def _sweep(folder: str) -> None:
    """Take away what a run that was killed while it unpacked has left. Another run may be unpacking the same release."""
    for name in os.listdir(folder):
        pid = name[len(_NEW) :]
        if name.startswith(_NEW) and pid.isdigit() and not os.path.exists("/proc/{0}".format(pid)):
            os.unlink(os.path.join(folder, name))


def unpack(archive: str, program: str) -> None:
    """
    Put the file ``mailpit`` of a .tar.gz in the place of ``program``, in one step and with mode 0755.

    Nothing else of the archive is written anywhere, whatever its names say. Raises Refusal.
    """
    folder = os.path.dirname(program)
    new = os.path.join(folder, "{0}{1}".format(_NEW, os.getpid()))
    try:
        _sweep(folder)
        with gzip.open(archive) as packed:
            source = _Bounded(t.cast(t.IO[bytes], packed), archive)
            tar = tarfile.open(fileobj=t.cast(t.IO[bytes], source), mode="r|")
            found = 0
            for member in _members(tar, archive):
                if member.name not in ("mailpit", "./mailpit"):
                    continue
                found += 1
                if found > 1:
                    raise Refusal(
                        "{0} holds two files named mailpit: give a release archive of Mailpit".format(archive)
                    )
                if not member.isreg() or member.issparse():
                    raise Refusal(
                        "mailpit in {0} is no ordinary file: give a release archive of Mailpit".format(archive)
                    )
                _write(t.cast(t.IO[bytes], tar.extractfile(member)), new)
            # gzip's own checksum stands at the very end.
            while source.read(_PIECE):
                pass
        if not found:
            raise Refusal(
                "{0} holds no file named mailpit: give a release archive of Mailpit, or the program itself".format(
                    archive
                )
            )
        os.replace(new, program)
    except (tarfile.TarError, zlib.error, EOFError, ValueError) as error:
        raise Refusal("{0} is no archive that can be unpacked ({1}): give a .tar.gz".format(archive, error)) from None
    except OSError as error:
        raise Refusal("{0} cannot be unpacked: {1}".format(archive, error.strerror or error)) from None
    finally:
        if os.path.lexists(new):
            os.unlink(new)


def _members(tar: tarfile.TarFile, archive: str) -> t.Iterator[tarfile.TarInfo]:
    """The members of an archive that is not larger than a release may be."""
    for number, member in enumerate(tar):
        if number >= _MOST_MEMBERS:
            raise Refusal(
                "{0} holds more than {1} files, as no release of Mailpit does: give one".format(archive, _MOST_MEMBERS)
            )
        yield member


class _Bounded:
    """What an archive unpacks to, up to the size that a release may have: a small one may stand for very much."""

    def __init__(self, source: t.IO[bytes], archive: str) -> None:
        self._source = source
        self._archive = archive
        self._left = _LARGEST

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes."""
        piece = self._source.read(min(size, self._left + 1))
        self._left -= len(piece)
        if self._left < 0:
            raise Refusal(
                "{0} unpacks to more than {1} MB, as no release of Mailpit does: give one".format(
                    self._archive, _LARGEST >> 20
                )
            )
        return piece


def _write(source: t.IO[bytes], new: str) -> None:
    opened = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o700)
    with open(opened, "wb") as target:
        for piece in iter(lambda: source.read(_PIECE), b""):
            target.write(piece)
        target.flush()
        os.fchmod(opened, 0o755)
        os.fsync(opened)


def refuse_unsafe(option: str, path: str, trusted: t.Container[int]) -> None:
    """Raise Refusal for a program that is not there, or that somebody else could change."""
    if not path.startswith("/"):
        raise Refusal("{0} is {1!r}: write a whole path, from /".format(option, path))
    try:
        spot = walk(path, trusted)
        trouble = trouble_with(spot.path, spot.found, trusted) if spot.found else None
    except Refusal as refusal:
        raise Refusal(
            "{0} is {1}, and {2}: put the program where only root writes, such as /usr/local/bin/mailpit".format(
                option, path, refusal
            )
        ) from None
    if spot.found is None:
        raise Refusal("{0} is {1}, which is not there: correct the path".format(option, path))
    if not stat.S_ISREG(spot.found.st_mode) or not spot.found.st_mode & 0o111:
        raise Refusal("{0} is {1}, which is no program that can be started: correct the path".format(option, path))
    if trouble:
        raise Refusal(
            "{0} is {1}, and {2}: give it to root alone (chown root, chmod go-w)".format(option, path, trouble)
        )


def first_bytes(path: str) -> bytes:
    """The first two bytes of a file."""
    with open(path, "rb") as file:
        return file.read(2)


def unknown_names(path: str, names: t.Sequence[str]) -> t.List[str]:
    """Those environment variables that a program of Mailpit's does not know: their names are not in it."""
    with open(path, "rb") as file:
        content = file.read(_LARGEST)
    return [name for name in names if not _holds(content, name.encode("ascii"))]


def _holds(content: bytes, name: bytes) -> bool:
    """
    Whether a name stands in a program. Go puts texts one after the other, without anything between them: what follows
    may be any letter, and what goes on with _ is a longer name.
    """
    at = content.find(name)
    while at >= 0 and re.match(b"_[A-Z0-9]", content[at + len(name) : at + len(name) + 2]):
        at = content.find(name, at + 1)
    return at >= 0


def try_program(path: str, seconds: float = 20) -> t.Optional[str]:
    """
    Start ``path --help`` as a user without any right and see whether it ends well: None, or what it said instead.

    Not ``version``, which asks the network for a newer one.
    """
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become(opened, writing)
    os.close(opened)
    os.close(writing)
    try:
        said, in_time = _read(reading, time.monotonic() + seconds)
    finally:
        os.close(reading)
    if not in_time:
        os.kill(pid, signal.SIGKILL)
    status = os.waitpid(pid, 0)[1]
    if not in_time:
        return "it did not end within {0} seconds".format(int(seconds))
    if status == 0:
        return None
    words = said.decode("utf-8", "backslashreplace").strip()[-300:]
    return "".join(
        char if char.isprintable() or char == "\n" else "?" for char in words
    ) or "it ended with status {0}".format(os.WEXITSTATUS(status) if os.WIFEXITED(status) else status)


def _become(opened: int, writing: int) -> None:
    """In the child: nobody, with nothing but the program and the pipe."""
    try:
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        os.chdir("/")
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(_NOBODY)
            os.setuid(_NOBODY)
        # By the open file: nobody need not be able to walk to it. What a script is interpreted by opens it once more.
        os.set_inheritable(opened, True)
        os.execve(opened, ["mailpit", "--help"], {"MP_DISABLE_VERSION_CHECK": "true"})
    except OSError as error:
        os.write(2, (error.strerror or str(error)).encode())
    finally:
        os._exit(127)


def _read(reading: int, end: float) -> t.Tuple[bytes, bool]:
    """What comes until the other side closes, at most 64 kB of it; whether that was in time."""
    said = b""
    while True:
        left = end - time.monotonic()
        if left <= 0 or not select.select([reading], [], [], left)[0]:
            return said, False
        piece = os.read(reading, 65536)
        if not piece:
            return said, True
        said = (said + piece)[-65536:]
