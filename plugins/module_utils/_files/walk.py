# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to a file, folder by folder, past links that somebody may have planted.

A path is never given to the system as a whole: each folder is opened from the one before it, so nothing that is
exchanged on the
way meanwhile has an effect. A symbolic link, of the file itself or of a folder on the way, is followed only when it was
made by root,
by the user who works here, or by the owner of what it leads to: nobody else gains by it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._files.reason import FileError, failure

__all__ = ("FolderMissing", "Place", "PlantedLink", "close", "open_file", "place_of")

# O_PATH needs no permission to list the folder, as walking through one does not.
_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_MOST_LINKS = 40


class FolderMissing(FileError):
    """A folder on the way is not there.

    ``path`` is the file's path as far as it could be resolved, the rest as given.
    """

    def __init__(self, words: str, path: str) -> None:
        super().__init__(words)
        self.path = path


class PlantedLink(FileError):
    """A symbolic link that is not followed: of who made it (neither root, nor who works here, nor the owner of its target), or of what it says."""


class Link(t.NamedTuple):
    """A symbolic link that was followed: its own path, what it says, and who made it."""

    path: str
    target: str
    uid: int

    def check(self, owner: int) -> None:
        """Raises PlantedLink when it leads to a file or folder of somebody other than who made it (``owner``: a uid)."""
        if self.uid not in (0, os.geteuid(), owner):
            raise PlantedLink(
                "{0} is a symbolic link to {1}, made by uid {2}, but what it leads to belongs to uid {3}; only a link of root or of that owner is"
                " followed. Write the real path, or make the link as root.".format(
                    self.path, self.target, self.uid, owner
                )
            )


class Place(t.NamedTuple):
    """Where a file really is: its open folder, its name there, its path, and the links of the file itself that led
    there.
    """

    folder: int
    name: str
    path: str
    links: t.Tuple[Link, ...]


@contextlib.contextmanager
def place_of(path: str) -> t.Iterator[Place]:
    """The place of the file ``path``, which need not be there. Raises FileError, FolderMissing."""
    _require_nameable(path)
    if path.endswith("/") or os.path.basename(path) in ("", ".", ".."):
        raise FileError("path is {0}, which is a folder; write the path of the app's file.".format(path))
    try:
        place = _Walk(path).go()
    except OSError as error:
        raise failure("the way to {0} cannot be walked".format(path), error) from None
    try:
        yield place
    finally:
        close(place.folder)


def close(opened: int) -> None:
    """Let go of an open file or folder. What was written is synced by then, so that nothing is lost where this fails."""
    with contextlib.suppress(OSError):
        os.close(opened)


def open_file(place: Place) -> t.Optional[int]:
    """The regular file at this place, open to read; None when there is none. Raises FileError."""
    try:
        found = os.stat(place.name, dir_fd=place.folder, follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            raise FileError("path is {0}, which is a folder; write the path of the app's file.".format(place.path))
        if not stat.S_ISREG(found.st_mode):
            raise FileError(
                "path is {0}, which is no regular file; write the path of the app's file.".format(place.path)
            )
        opened = os.open(place.name, _FILE, dir_fd=place.folder)
    except FileNotFoundError:
        if place.links:
            link = place.links[0]
            words = "{0} is a symbolic link to {1}, which does not exist; create that file or correct the link."
            raise FileError(words.format(link.path, place.path)) from None
        return None
    except OSError as error:
        raise failure("{0} cannot be read".format(place.path), error, place.folder) from None
    try:
        found = os.fstat(opened)
        if not stat.S_ISREG(found.st_mode):
            raise FileError(
                "path is {0}, which is no regular file; write the path of the app's file.".format(place.path)
            )
        for link in place.links:
            link.check(found.st_uid)
        return opened
    except OSError as error:
        close(opened)
        raise failure("{0} cannot be read".format(place.path), error, place.folder) from None
    except BaseException:
        close(opened)
        raise


class _Walk:
    def __init__(self, path: str) -> None:
        self.given = path
        self.names: t.List[str] = []
        # What is still to be walked, the next step last. A Link here says: all that it stands for has been walked.
        self.todo: t.List[t.Union[str, Link]] = _steps(os.path.join(os.getcwd(), path))
        self.folder = os.open("/", _FOLDER)
        self.followed = 0

    def go(self) -> Place:
        try:
            while self._steps_left():
                step = self.todo.pop()
                if isinstance(step, Link):
                    step.check(os.fstat(self.folder).st_uid)
                elif self._follow(step):
                    continue
                elif self._steps_left() or step == "..":
                    self._enter(step)
                else:
                    return Place(
                        self.folder,
                        step,
                        self._path(step),
                        tuple(other for other in self.todo if isinstance(other, Link)),
                    )
            raise FileError("path is {0}, which is a folder; write the path of the app's file.".format(self.given))
        except BaseException:
            close(self.folder)
            raise

    def _steps_left(self) -> bool:
        return any(isinstance(step, str) for step in self.todo)

    def _path(self, name: str) -> str:
        return "/" + "/".join([*self.names, name])

    def _follow(self, name: str) -> bool:
        """Put what a link stands for in its place; whether ``name`` is one."""
        try:
            found = os.stat(name, dir_fd=self.folder, follow_symlinks=False)
            if not stat.S_ISLNK(found.st_mode):
                return False
            target = os.readlink(name, dir_fd=self.folder)
        except OSError:
            # Whoever opens it says what is wrong.
            return False
        _require_nameable(target, PlantedLink)
        self.followed += 1
        if self.followed > _MOST_LINKS:
            raise FileError("{0} is a symbolic link in a circle; correct it.".format(self._path(name)))
        self.todo.append(Link(self._path(name), target, found.st_uid))
        if target.startswith("/"):
            self._move(os.open("/", _FOLDER))
            self.names = []
        self.todo += _steps(target)
        return True

    def _enter(self, name: str) -> None:
        try:
            self._move(os.open(name, _FOLDER, dir_fd=self.folder))
        except OSError as error:
            path = self._path(name)
            if error.errno == errno.ENOENT:
                rest = [step for step in reversed(self.todo) if isinstance(step, str)]
                words = "path is {0}, but the folder {1} does not exist on this host; create it first, or correct path."
                raise FolderMissing(words.format(self.given, path), "/".join([path, *rest])) from None
            if error.errno == errno.ENOTDIR:
                raise FileError("path is {0}, but {1} is no folder; correct path.".format(self.given, path)) from None
            raise failure("the folder {0} cannot be entered".format(path), error) from None
        if name == "..":
            del self.names[-1:]
        else:
            self.names.append(name)

    def _move(self, folder: int) -> None:
        close(self.folder)
        self.folder = folder


def _require_nameable(path: str, refusal: t.Type[FileError] = FileError) -> None:
    """Refuse what no file can be called, and what cannot be told in a result as it is: results are printable."""
    if not path.isprintable():
        words = (
            "path is {0}, which has letters in it that cannot be shown; give the file another name, or correct path."
        )
        raise refusal(words.format(ascii(path)))


def _steps(path: str) -> t.List[t.Union[str, Link]]:
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]
