# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of several apps in one call to the host: real files, the host's half in this process."""

from __future__ import annotations

import json
import pathlib
import subprocess
import types
import typing as t
from collections.abc import Mapping, Sequence

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._files import kept, several, store
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask import app_files
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.app_file import AppFile
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.app_files import FailedAt, TemplateFile, at_file

RUN, OTHER = {"pid": 1}, {"pid": 2}
SETTINGS = {
    "host": "smtp.example.com",
    "port": 465,
    "secure": True,
    "username": "app",
    "password": "hunter2-S3cret",
    "sender": "app@example.com",
}
COMPOSE = "services:\n  one:\n    image: vaultwarden/server\n  two:\n    image: vaultwarden/server\n"


class Host:
    """Counts its calls; ``check_mode`` is that of the next ones, ``dead`` are runs known to have ended."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder, self.check_mode, self.calls = folder, False, list[str]()
        self.dead: list[dict[str, int]] = []

    def ask(self, files: Sequence[Mapping[str, t.Any]]) -> dict[str, t.Any]:
        self.calls.append("".join("w" if "content" in one else "r" for one in files))
        module = types.SimpleNamespace(check_mode=self.check_mode, run_command=self._run)
        handed = json.loads(json.dumps(list(files)))
        return several.work_on(t.cast(t.Any, module), handed, run=RUN, dead=self.dead)

    def _run(self, words: list[str], **_more: object) -> tuple[int, str, str]:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def app(self, name: str, path: str, **more: t.Any) -> AppFile:
        given = {"app": name, "path": str(self.folder / path), "settings": SETTINGS, **more}
        return AppFile(given, lambda _folder: None)

    def text(self, path: str, content: str, **more: t.Any) -> TemplateFile:
        return TemplateFile({"path": str(self.folder / path), **more}, content)

    def there(self) -> dict[str, str]:
        return {one.name: one.read_text() for one in sorted(self.folder.iterdir()) if one.is_file()}

    def write(self, *files: AppFile | TemplateFile) -> list[dict[str, t.Any]]:
        return app_files.write(files, self.ask, diff=False)

    def foretell(self, *files: AppFile | TemplateFile) -> list[dict[str, t.Any]]:
        self.check_mode = True
        try:
            return app_files.foretell(files, self.ask, diff=True)
        finally:
            self.check_mode = False


@pytest.fixture()
def host(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(store, "store_path", lambda: str(tmp_path / "store"))
    (tmp_path / "etc").mkdir()
    return Host(tmp_path / "etc")


def three(host: Host, **of_the_second: t.Any) -> list[AppFile | TemplateFile]:
    second = host.app("pangolin", "config.yml", **of_the_second)
    return [host.app("grafana", "grafana.ini"), host.text("app.env", "A=1\n"), second]


def test_three_files_are_one_call_to_foretell_and_two_to_write(host: Host) -> None:
    told = host.foretell(*three(host))
    assert host.calls == ["rwr"] and host.there() == {} and [one["changed"] for one in told] == [True] * 3
    assert "diff" in told[0] and "diff" not in told[1]
    done = host.write(*three(host))
    assert host.calls[1:] == ["rr", "www"] and list(host.there()) == ["app.env", "config.yml", "grafana.ini"]
    assert [(one["changed"], one["created"]) for one in done] == [(True, True)] * 3
    again = host.write(*three(host))
    assert host.calls[3:] == ["rr", "w"] and [one["changed"] for one in again] == [False] * 3
    assert all(one["up_to_date"] for one in host.foretell(*three(host)))


def test_several_apps_of_one_file_are_planned_one_after_the_other(host: Host) -> None:
    path = host.folder / "compose.yml"
    path.write_text(COMPOSE)
    link = host.folder / "link.yml"
    link.symlink_to(path)
    services = [
        host.app("vaultwarden", name, service=one, carrier="compose")
        for name, one in (("compose.yml", "one"), ("link.yml", "two"))
    ]
    done = host.write(*services, host.text("app.env", "A=1\n"))
    assert [one["changed"] for one in done] == [True] * 3 and host.calls == ["rr", "w", "r", "ww"]
    assert path.read_text().count("SMTP_HOST") == 2 and link.is_symlink()
    assert all(one["up_to_date"] for one in host.foretell(*services))


def reason(host: Host, files: Sequence[AppFile | TemplateFile]) -> tuple[int, bool, str]:
    with pytest.raises(FailedAt) as failed:
        host.write(*files)
    return failed.value.index, failed.value.changed, str(failed.value)


def test_the_first_that_fails_is_named_and_those_behind_it_are_left(host: Host) -> None:
    """What can be known before is, so that nothing is written then."""
    (host.folder / "config.yml").write_text("email: [\n")
    index, changed, words = reason(host, three(host))
    assert (index, changed, list(host.there())) == (
        2,
        False,
        ["config.yml"],
    ) and "config.yml: it cannot be edited" in words
    (host.folder / "config.yml").unlink()
    index, changed, words = reason(host, three(host, owner="nobody-here"))
    assert (index, changed, host.there()) == (2, False, {}) and words.startswith(
        "owner is 'nobody-here', which is no user"
    )
    # A command sees the file only when it is written: what was written before is told.
    refused = "grep -q never %s"
    index, changed, words = reason(host, three(host, validate=refused))
    assert (index, changed, list(host.there())) == (2, True, ["app.env", "grafana.ini"]) and "(exit status 1)" in words
    files = [host.text("other.env", "B=2\n", validate=refused), host.text("last.env", "C=3\n")]
    index, changed, words = reason(host, files)
    assert (index, changed, len(host.there())) == (0, False, 2)
    assert (
        words
        == f"validate refused the new content of {host.folder}/other.env (exit status 1), so the file stays as it was."
    )


def test_what_another_run_has_claimed_keeps_all_from_being_written(host: Host) -> None:
    """Asked again, when that run is known to have ended, nothing was half done."""
    with store.open_store(create=True) as opened:
        assert opened is not None
        kept.begin(opened, [str(host.folder / "app.env")], OTHER, "somebody", [])
    items = [one.for_host for one in (host.text("a.env", "A=1\n"), host.text("app.env", "B=2\n"))]
    answer = host.ask(items)
    assert [one["path"] for one in answer["held"]] == [str(host.folder / "app.env")] and answer["each"] == []
    assert host.there() == {}
    host.dead = [OTHER]
    assert [one["changed"] for one in host.ask(items)["each"]] == [True, True] and len(host.there()) == 2


@pytest.mark.parametrize(
    "answer", [{}, {"each": None}, {"each": []}, {"each": [1]}, {"each": [{}] * 3}, {"each": [{}]}]
)
def test_a_host_that_lies_is_a_sentence(host: Host, answer: dict[str, t.Any]) -> None:
    files = [host.app("pangolin", "config.yml"), host.app("grafana", "grafana.ini")]
    for do in (app_files.foretell, app_files.write):
        with pytest.raises(FailedAt, match="look at that host"):
            do(files, lambda _files: answer, diff=False)


def test_what_is_wrong_with_an_entry_is_told_by_its_place(host: Host) -> None:
    with pytest.raises(FailedAt, match="is not known here") as failed, at_file(1):
        host.app("pangolim", "x.yml")
    assert failed.value.index == 1
