# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role asks an engine of containers, put to a program that answers like one. A real Podman: tests/lab/test_containers.py."""

from __future__ import annotations

import fcntl
import os
import pathlib
import tempfile
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host import container
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.ports import Holder
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.ways import Refusal

Answers = t.Callable[[str], None]


@pytest.fixture
def podman(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Answers:
    """A podman whose body is a piece of shell."""

    def answers(body: str) -> None:
        program = tmp_path / "podman"
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)

    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return answers


@pytest.mark.parametrize(
    "command, engine",
    [
        (["docker", "compose"], "docker"),
        (["docker-compose"], "docker"),
        (["podman", "compose"], "podman"),
        (["/opt/bin/podman-compose"], "podman"),
        (["nerdctl", "compose"], ""),
        ([], ""),
    ],
)
def test_the_engine_of_a_compose_command(command: list[str], engine: str) -> None:
    if engine:
        assert container.engine_of("compose", command) == engine
    else:
        with pytest.raises(Refusal, match="mailpit_compose_command is .*write .docker, compose."):
            container.engine_of("compose", command)
    assert container.engine_of("podman_quadlet", command) == "podman"


def test_an_engine_that_is_missing_or_too_old_is_refused(podman: Answers) -> None:
    with pytest.raises(Refusal, match="this host has no docker-of-tests: install it"):
        container.refuse_missing("compose", "docker-of-tests", ["docker-of-tests", "compose"])
    podman("echo podman version 4.4.1")
    with pytest.raises(Refusal, match="Podman 4.4 of this host has no quadlet that knows all .* install 4.6 or newer"):
        container.refuse_missing("podman_quadlet", "podman", [])
    podman("echo 'unknown command \"compose\"' >&2; exit 125")
    with pytest.raises(Refusal, match="podman compose does not run on this host .*unknown command"):
        container.refuse_missing("compose", "podman", ["podman", "compose"])


@pytest.mark.parametrize("name", ["", "-v", "x y", "a;b", "$(x)"])
def test_what_is_no_name_of_an_image_never_gets_to_the_engine(name: str, podman: Answers) -> None:
    podman("exit 0")
    with pytest.raises(Refusal, match="mailpit_image is .*: write the name of an image"):
        container.image_of("podman", name)


def test_an_image_is_pulled_when_it_must_be_and_only_then(podman: Answers, tmp_path: pathlib.Path) -> None:
    there, pulled = tmp_path / "there", tmp_path / "pulled"
    podman(
        f'case "$1" in image) [ -e {there} ] && echo \'[{{"Id": "abc", "Config": {{"Entrypoint": ["/mailpit"]}}}}]\';;'
        f" pull) touch {there} {pulled};; esac"
    )
    assert container.have_image("podman", "m:1", "missing", dry=True) == (None, True)
    with pytest.raises(Refusal, match="mailpit_image_pull is never: load it first"):
        container.have_image("podman", "m:1", "never", dry=False)
    assert not pulled.exists()
    image = container.Image("abc", "/mailpit")
    assert container.have_image("podman", "m:1", "missing", dry=False) == (image, True) and pulled.exists()
    pulled.unlink()
    assert container.have_image("podman", "m:1", "missing", dry=False) == (image, False)
    assert container.have_image("podman", "m:1", "never", dry=False) == (image, False) and not pulled.exists()
    assert container.have_image("podman", "m:1", "always", dry=False) == (image, False) and pulled.exists()


def test_an_image_that_cannot_be_had_or_starts_nothing_is_refused(podman: Answers) -> None:
    podman('[ "$1" != pull ] || echo "\\033[31mno such host" >&2; exit 1')
    with pytest.raises(Refusal) as caught:
        container.have_image("podman", "m:1", "missing", dry=False)
    assert "could not pull (\\x1b[31mno such host): correct it, or load the image" in str(caught.value)
    podman('echo \'[{"Id": "abc", "Config": {"Cmd": ["sh"]}}]\'')
    with pytest.raises(Refusal, match="starts no program of a known path"):
        container.image_of("podman", "m:1")


def test_the_log_has_the_engines_times_whatever_zone_they_are_in(podman: Answers) -> None:
    podman(
        "echo 2026-11-29T21:26:34.500000000Z one; echo 2026-11-29T22:26:35+01:00 two >&2; echo goes on;"
        ' echo 2026-11-29T16:26:36.25-05:00 "time=\\"2026/11/29 21:26:36\\" three"'
    )
    began = 1795987594.0
    assert container.Container("podman", "mailpit").log(began - 1) == [
        (began + 0.5, "one"), (began + 1, "two"), (began + 1, "goes on"), (began + 2.25, 'time="2026/11/29 21:26:36" three'),
    ]  # fmt: skip
    podman("echo 'no container with name mailpit' >&2; exit 125")
    with pytest.raises(Refusal, match="gave no log of the container mailpit: no container with name"):
        container.Container("podman", "mailpit").log(0)


def test_a_process_of_the_host_is_never_one_of_the_container(podman: Answers) -> None:
    """Not even one that the engine itself calls the container's first one: it would have to be in a namespace of its own."""
    podman(f'echo \'[{{"State": {{"Pid": {os.getpid()}, "Status": "running"}}}}]\'')
    ours = container.Container("podman", "mailpit")
    assert not ours.owns(Holder(str(os.getpid()), "python", "")) and not ours.owns(Holder("", "", ""))
    assert not ours.has_fallen() and ours.runs()
    # A life that has said nothing yet goes on with what the one before it has said.
    state = '[{"RestartCount": 1, "State": {"Status": "running", "StartedAt": "2026-11-29T21:26:34.5Z"}}]'
    podman(f"case $1 in container) echo '{state}' ;; *) case $* in *--since*) ;; *) echo level=error ;; esac ;; esac")
    assert ours.restarts() == 1 and ours.last_words() == "Its log ends with: level=error"
    podman("exit 125")
    assert ours.has_fallen() and not ours.runs() and ours.last_words() == "It was not started."


@pytest.mark.parametrize(
    "labels, own",
    [
        ('{"mailops.smtp.mailpit": "mailpit"}', True),
        ('{"mailops.smtp.mailpit": "other"}', False),
        ("{}", False),
        ("null", False),
    ],
)
def test_a_container_of_the_same_name_that_is_somebody_elses_is_refused(
    labels: str, own: bool, podman: Answers
) -> None:
    podman(f'[ "$*" = "container inspect mailpit" ] && echo \'[{{"Config": {{"Labels": {labels}}}}}]\'')
    container.refuse_foreign("podman", "another")
    if own:
        container.refuse_foreign("podman", "mailpit")
    else:
        with pytest.raises(Refusal, match="podman has a container of this name that this role did not make"):
            container.refuse_foreign("podman", "mailpit")


@pytest.fixture
def engine(podman: Answers, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """An engine that keeps its containers as files in a folder, and this process's own folder for temporary files."""
    kept = tmp_path / "containers"
    kept.mkdir()
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    podman(
        f'cd {kept}; case "$1" in create) touch "$3"; echo abc;; rm) rm -f "$4";; ps) ls;;'
        f' cp) [ -e {tmp_path}/slow ] && {{ kill -9 $PPID; sleep 1; }}; printf MP_KNOWN > "$3";; esac'
    )
    return kept


IMAGE = container.Image("abc", "/mailpit")


def test_what_was_made_to_look_into_an_image_goes(engine: pathlib.Path, tmp_path: pathlib.Path) -> None:
    assert container.unknown_in_image("podman", "m:1", IMAGE, ["MP_KNOWN", "MP_NEW"]) == ["MP_NEW"]
    assert [*engine.iterdir(), *(tmp_path / "tmp").iterdir()] == []


def test_what_a_killed_look_left_goes_with_the_next(engine: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (engine / "theirs").touch()
    (tmp_path / "slow").touch()
    child = os.fork()
    if child == 0:
        container.unknown_in_image("podman", "m:1", IMAGE, ["MP_NEW"])
        os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    (tmp_path / "slow").unlink()
    (left,) = (tmp_path / "tmp").iterdir()
    # The folder of a look that goes on, and that of somebody else, stay with their containers.
    busy, link = tmp_path / "tmp/mailpit-image-busy", tmp_path / "tmp/mailpit-image-link"
    busy.mkdir()
    link.symlink_to(tmp_path / "containers")
    (engine / busy.name).touch()
    opened = os.open(busy, os.O_RDONLY)
    fcntl.flock(opened, fcntl.LOCK_EX)
    assert sorted(one.name for one in engine.iterdir()) == sorted([left.name, busy.name, "theirs"])
    container.sweep_looks("podman")
    os.close(opened)
    assert sorted(one.name for one in engine.iterdir()) == [busy.name, "theirs"]
    assert sorted((tmp_path / "tmp").iterdir()) == [busy, link]
