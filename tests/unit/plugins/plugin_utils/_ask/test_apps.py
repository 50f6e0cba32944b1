# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option apps: names, or what the role's mail_config_apps holds; what is wrong is said in one sentence."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.apps import app_clients
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import AppClient

PANGOLIN = AppClient("Pangolin", "node", ("PLAIN", "LOGIN", "CRAM-MD5"))


@pytest.mark.parametrize("nothing", [None, "", [], [{"template": "a.j2", "dest": "/a"}]])
def test_no_apps(nothing: t.Any) -> None:
    assert app_clients(nothing) == ()


@pytest.mark.parametrize(
    "given", ["pangolin", ["pangolin", "pangolin"], [{"app": "pangolin", "path": "/a"}], {"app": "pangolin"}]
)
def test_one_app_in_every_form(given: t.Any) -> None:
    assert app_clients(given) == (PANGOLIN,)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["pangolinn"], "apps: app is 'pangolinn', which is not known here; write pangolin"),
        ([7], "apps holds '7'; write names of apps"),
    ],
)
def test_wrong_ones(given: t.Any, sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        app_clients(given)
    assert str(caught.value).startswith(sentence)


def test_a_folder_of_the_users_own(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="which is no folder on the controller"):
        app_clients(["pangolin"], tmp_path / "none")
