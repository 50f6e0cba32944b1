# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
A Mailpit in a container of Podman or Docker: its image, its process, its log. Asked with the engine's own command.

The container has the host's network, so that its own process listens: which one that is can be proved.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._files.temporary import locked
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host import program
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.journal import quoted
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.ports import Holder
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.stamp import STAMP, seconds_of
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.ways import Refusal

__all__ = (
    "Container",
    "Image",
    "engine_of",
    "have_image",
    "image_of",
    "refuse_foreign",
    "refuse_missing",
    "sweep_looks",
    "unknown_in_image",
)

_GENERATORS = (
    "/usr/lib/systemd/system-generators/podman-system-generator",
    "/usr/local/lib/systemd/system-generators/podman-system-generator",
    "/usr/libexec/podman/quadlet",
    "/usr/lib/podman/quadlet",
)
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,300}")
# Quadlets came with 4.4, their health checks with 4.5 and Pull= with 4.6.
_SINCE = (4, 6)
_PULL_SECONDS = 900
# What the role's own containers have, with the name of the service.
_LABEL = "mailops.smtp.mailpit"
# How folder and container of a look into an image begin.
_LOOK = "mailpit-image-"


class Image(t.NamedTuple):
    """An image that is on this host: its ID, and the path of the program that it starts."""

    id: str
    program: str


def engine_of(manager: str, command: t.Sequence[str]) -> str:
    """``podman`` or ``docker``. Raises Refusal when the compose command belongs to neither."""
    if manager == "podman_quadlet":
        return "podman"
    name = os.path.basename(command[0]) if command else ""
    for engine in ("podman", "docker"):
        if name in (engine, engine + "-compose"):
            return engine
    raise Refusal(
        "mailpit_compose_command is {0}: write [docker, compose], [docker-compose], [podman, compose] or "
        "[podman-compose]".format(list(command))
    )


def refuse_missing(manager: str, engine: str, command: t.Sequence[str]) -> None:
    """Raise Refusal where the engine, or what turns the role's file into a container, is not on this host."""
    if shutil.which(engine) is None:
        raise Refusal(
            "mailpit_service_manager is {0}, and this host has no {1}: install it, or set mailpit_service_manager to "
            "systemd".format(manager, engine)
        )
    if manager == "podman_quadlet":
        version = re.search(r"(\d+)\.(\d+)", _run(["podman", "--version"], 60)[1])
        found = (int(version.group(1)), int(version.group(2))) if version else (0, 0)
        if found < _SINCE or not any(os.path.exists(path) for path in _GENERATORS):
            raise Refusal(
                "mailpit_service_manager is podman_quadlet, and Podman {0}.{1} of this host has no quadlet that knows "
                "all that the role writes: install {2}.{3} or newer, or set mailpit_service_manager to compose or "
                "systemd".format(*found, *_SINCE)
            )
        return
    code, said = _run([*command, "version"], 60)
    if code:
        raise Refusal(
            "{0} does not run on this host ({1}): install it, or correct mailpit_compose_command".format(
                " ".join(command), _last(said)
            )
        )


def refuse_foreign(engine: str, service: str) -> None:
    """Raise Refusal when a container of this name is there that is not the role's: Podman would put ours in its place."""
    code, said = _run([engine, "container", "inspect", service], 60, errors=False)
    if code:
        return
    try:
        own = (json.loads(said)[0]["Config"].get("Labels") or {}).get(_LABEL) == service
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        own = False
    if not own:
        raise Refusal(
            "mailpit_service_name is {0}, and {1} has a container of this name that this role did not make: remove "
            "that one, or write another name".format(service, engine)
        )


def image_of(engine: str, name: str) -> t.Optional[Image]:
    """The image of this name, None when it is not on this host. Raises Refusal when it starts no program."""
    if not _IMAGE.fullmatch(name):
        raise Refusal(
            "mailpit_image is {0!r}: write the name of an image, such as docker.io/axllent/mailpit:v1.31.0".format(name)
        )
    code, said = _run([engine, "image", "inspect", name], 60, errors=False)
    if code:
        return None
    try:
        found = json.loads(said)[0]
        started = (found["Config"].get("Entrypoint") or []) + (found["Config"].get("Cmd") or [])
        return Image(str(found["Id"]), _absolute(name, started))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        raise Refusal("{0} image inspect gave what cannot be read about {1}".format(engine, name)) from None


def _absolute(name: str, started: t.Sequence[str]) -> str:
    if not started or not started[0].startswith("/"):
        raise Refusal(
            "mailpit_image is {0}, which starts no program of a known path: write an image of Mailpit, such as "
            "docker.io/axllent/mailpit:v1.31.0".format(name)
        )
    return started[0]


def have_image(engine: str, name: str, pull: str, dry: bool) -> t.Tuple[t.Optional[Image], bool]:
    """
    The image, pulled where ``pull`` (missing, always, never) says so, and whether it is another one than before.

    With ``dry`` nothing is pulled, and the image may be None. Raises Refusal when it cannot be had.
    """
    before = image_of(engine, name)
    if pull == "never" and before is None:
        raise Refusal(
            "mailpit_image is {0}, which is not on this host, and mailpit_image_pull is never: load it first, or set "
            "mailpit_image_pull to missing".format(name)
        )
    if pull == "never" or (pull == "missing" and before is not None):
        return before, False
    if dry:
        return before, before is None
    code, said = _run([engine, "pull", "--quiet", name], _PULL_SECONDS)
    found = None if code else image_of(engine, name)
    if found is None:
        raise Refusal(
            "mailpit_image is {0}, which {1} could not pull ({2}): correct it, or load the image on this host and set "
            "mailpit_image_pull to never".format(name, engine, _last(said))
        )
    return found, found != before


def unknown_in_image(engine: str, name: str, image: Image, names: t.Sequence[str]) -> t.List[str]:
    """Those environment variables that the program of an image does not know. The container for it is never started."""
    if not names:
        return []
    sweep_looks(engine)
    with _looking(engine) as folder:
        container = os.path.basename(folder)
        code, made = _run([engine, "create", "--name", container, "--network", "none", name], 60)
        if code:
            raise Refusal("{0} could make no container of {1}: {2}".format(engine, name, _last(made)))
        copy = os.path.join(folder, "mailpit")
        code, said = _run([engine, "cp", "{0}:{1}".format(container, image.program), copy], 60)
        if code or os.path.islink(copy) or not os.path.isfile(copy):
            raise Refusal("{0} could not take {1} out of {2}: {3}".format(engine, image.program, name, _last(said)))
        # A script that starts Mailpit knows no names itself.
        return [] if program.first_bytes(copy) == b"#!" else program.unknown_names(copy, names)


def sweep_looks(engine: str) -> None:
    """Take away what a look into an image left that was killed: its container and its folder."""
    top = tempfile.gettempdir()
    for path in glob.glob(os.path.join(top, _LOOK + "*")):
        opened = _own_folder(path)
        if opened is not None:
            if locked(opened):
                shutil.rmtree(path, ignore_errors=True)
            os.close(opened)
    named = ["ps", "--all", "--filter", "name=" + _LOOK, "--format", "{{.Names}}"]
    code, said = _run([engine, *named], 60, errors=False)
    for name in said.split() if not code else ():
        # Of a look that goes on the folder is still there.
        if name.startswith(_LOOK) and not os.path.isdir(os.path.join(top, name)):
            _run([engine, "rm", "-f", "-v", name], 60)


@contextlib.contextmanager
def _looking(engine: str) -> t.Iterator[str]:
    """A private folder, locked for as long as it is used, whose name is that of the container; both are gone at the end."""
    folder = tempfile.mkdtemp(prefix=_LOOK)
    opened = _own_folder(folder)
    try:
        if opened is not None:
            locked(opened)
        yield folder
    finally:
        # With the volumes that an image asks for.
        _run([engine, "rm", "-f", "-v", os.path.basename(folder)], 60)
        shutil.rmtree(folder, ignore_errors=True)
        if opened is not None:
            os.close(opened)


def _own_folder(path: str) -> t.Optional[int]:
    """The folder, open; None where it is none, or somebody else's."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    if os.fstat(opened).st_uid == os.geteuid():
        return opened
    os.close(opened)
    return None


class Container:
    """A container by its name."""

    def __init__(self, engine: str, name: str) -> None:
        self.engine = engine
        self.name = name

    def __str__(self) -> str:
        return "The container {0}".format(self.name)

    def _state(self) -> t.Dict[str, t.Any]:
        """What the engine says about it, empty when there is none."""
        code, said = _run([self.engine, "container", "inspect", self.name], 30, errors=False)
        try:
            if code:
                return {}
            found = json.loads(said)[0]
            return dict(found["State"], RestartCount=found.get("RestartCount", 0))
        except (ValueError, KeyError, IndexError, TypeError):
            return {}

    def owns(self, holder: Holder) -> bool:
        """Whether this process is in the container: in the namespace of processes of its first one, and not in ours."""
        first = str(self._state().get("Pid") or "")
        return (
            bool(first)
            and bool(holder.pid)
            and _namespace(first) not in ("", _namespace("self"))
            and (_namespace(holder.pid) == _namespace(first))
        )

    def has_fallen(self) -> bool:
        """Whether it is not there, has ended, or is being started again after it had."""
        return self._state().get("Status", "") in ("", "exited", "dead", "restarting", "stopped", "removing")

    def restarts(self) -> int:
        """How often the engine has started it again."""
        return int(self._state().get("RestartCount") or 0)

    def last_words(self) -> str:
        """What this life of it wrote last; where the engine has restarted it meanwhile, the lives before may have written it."""
        state = self._state()
        if not state:
            return "It was not started."
        command = [self.engine, "logs", "--tail", "15", self.name]
        since = str(state.get("StartedAt") or "")
        dated = STAMP.match(since) and not since.startswith("0001")
        said = _run([*command[:2], "--since", since, *command[2:]] if dated else command, 30)[1]
        if not said.strip() and state["RestartCount"]:
            said = _run(command, 30)[1]
        return quoted(said.splitlines())

    def runs(self) -> bool:
        """Whether its process is there."""
        return self._state().get("Status") == "running"

    def has_a_log(self) -> bool:
        """Whether the engine keeps what it writes."""
        code, said = _run([self.engine, "logs", "--tail", "1", self.name], 30)
        return not code and bool(said.strip())

    def log(self, since: float) -> t.List[t.Tuple[float, str]]:
        """What it has logged since a moment, on either of its streams, with the engine's times. Raises Refusal."""
        command = [self.engine, "logs", "--timestamps", "--since", str(int(since)), self.name]
        code, said = _run(command, 120)
        if code:
            raise Refusal("{0} gave no log of the container {1}: {2}".format(self.engine, self.name, _last(said)))
        found, moment = [], since
        for line in said.splitlines():
            match = STAMP.match(line)
            if match:
                moment = seconds_of(match)
            found.append((moment, line[match.end() :] if match else line))
        return found


def _namespace(pid: str) -> str:
    """The namespace of processes that a process is in, empty when it has ended."""
    try:
        return os.readlink("/proc/{0}/ns/pid".format(pid))
    except OSError:
        return ""


def _run(command: t.Sequence[str], seconds: float, errors: bool = True) -> t.Tuple[int, str]:
    """The exit code and the output of a command, with what it printed as errors unless told otherwise."""
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function # run_command knows no timeout
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if errors else subprocess.DEVNULL,
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        return 124, "{0} did not end within {1} seconds".format(command[0], int(seconds))
    except OSError as error:
        return 127, "{0}: {1}".format(command[0], error.strerror)
    return done.returncode, done.stdout.decode("utf-8", "backslashreplace")


def _last(said: str) -> str:
    """The last line that a command printed, in printable characters."""
    lines = [line for line in said.splitlines() if line.strip()]
    return ascii(lines[-1][:300])[1:-1] if lines else "it said nothing"
