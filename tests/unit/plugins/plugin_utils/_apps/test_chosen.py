# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which form and carrier the options mean, and that an option which means nothing for a file is refused and not ignored."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import load_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.model import AppError

_TAKEN = [
    (
        "grafana",
        {"path": "/etc/systemd/system/grafana-server.service.d/mail.conf", "service": "grafana-server"},
        ("environment", "systemd"),
    ),
    (
        "grafana",
        {"path": "/etc/systemd/system/grafana-server.service.d/mail.conf", "service": "grafana-server.service"},
        ("environment", "systemd"),
    ),
    (
        "grafana",
        {"path": "/etc/systemd/system/grafana-server.service", "service": "grafana-server"},
        ("environment", "systemd"),
    ),
    ("n8n", {"path": "/etc/systemd/system/n8n@.service.d/mail.conf", "service": "n8n@one"}, ("environment", "systemd")),
    ("n8n", {"path": "/etc/n8n/env", "carrier": "systemd"}, ("environment", "systemd")),
    ("grafana", {"path": "/opt/stack.yml", "form": "environment", "service": "grafana"}, ("environment", "compose")),
    ("n8n", {"path": "/etc/default/n8n", "carrier": "dotenv"}, ("environment", "dotenv")),
    ("n8n", {"path": "/etc/default/n8n", "carrier": "systemd"}, ("environment", "systemd")),
    ("n8n", {"path": "/opt/n8n/.env", "carrier": "systemd"}, ("environment", "systemd")),
    ("n8n", {"path": "/opt/n8n/.env", "carrier": "shell"}, ("environment", "shell")),
    ("n8n", {"path": "/opt/n8n/secrets.yaml", "carrier": "compose", "service": "n8n"}, ("environment", "compose")),
    ("n8n", {"path": "/opt/n8n/compose.yml", "carrier": "kubernetes", "service": "n8n"}, ("environment", "kubernetes")),
    ("n8n", {"path": "/opt/n8n/n8n", "carrier": "compose", "service": "n8n"}, ("environment", "compose")),
    ("n8n", {"path": "/srv/n8n-secret.yaml"}, ("environment", "kubernetes")),
    ("n8n", {"path": "/srv/n8n-secret.yaml", "service": "n8n"}, ("environment", "kubernetes")),
    ("grafana", {"path": "/etc/grafana/grafana.ini", "form": "file"}, ("file", "")),
    ("n8n", {"path": "/srv/n8n.env", "service": ""}, ("environment", "dotenv")),
    (
        "mailpit_relay",
        {"path": "/etc/systemd/system/mailpit.service", "service": "mailpit"},
        ("environment", "systemd"),
    ),
]
_REFUSED = [
    ("grafana", {"path": "/opt/stack/.env", "service": "grafana"}, "leave out service"),
    ("laravel", {"path": "/srv/shop/.env", "service": "web"}, "leave out service"),
    ("laravel", {"path": "/srv/shop/mail.env", "service": "web"}, "leave out service"),
    ("gitea", {"path": "/opt/x/.env.production", "service": "gitea"}, "leave out service"),
    ("n8n", {"path": "/etc/default/n8n", "service": "n8n"}, "leave out service"),
    ("nodemailer", {"path": "/srv/mail.sh", "service": "x"}, "leave out service"),
    (
        "grafana",
        {"path": "/etc/systemd/system/grafana-server.service.d/mail.conf", "service": "grafana"},
        "grafana-server",
    ),
    ("n8n", {"path": "/etc/n8n/env", "carrier": "systemd", "service": "n8n"}, "leave out service"),
    ("n8n", {"path": "/opt/docker-compose.yml", "carrier": "dotenv"}, "carrier is dotenv"),
    ("n8n", {"path": "/opt/docker-compose.yml", "carrier": "systemd"}, "carrier is systemd"),
    ("n8n", {"path": "/opt/docker-compose.yml", "carrier": "shell"}, "carrier is shell"),
    ("n8n", {"path": "/opt/any.yaml", "carrier": "dotenv"}, "carrier is dotenv"),
    ("n8n", {"path": "/srv/k8s/n8n-secret.yaml", "carrier": "dotenv"}, "carrier is dotenv"),
    ("grafana", {"path": "/etc/grafana/grafana.ini", "carrier": "dotenv"}, "own file"),
    ("grafana", {"path": "/etc/grafana/grafana.ini", "carrier": "systemd"}, "own file"),
    ("grafana", {"path": "/etc/grafana/grafana.ini", "carrier": "compose", "service": "grafana"}, "own file"),
    ("grafana", {"path": "/etc/grafana/grafana.ini", "form": "environment"}, "own file"),
    ("gitea", {"path": "/etc/gitea/app.ini", "form": "environment"}, "own file"),
    ("ghost", {"path": "/srv/config.production.json", "form": "environment"}, "own file"),
    ("ghost", {"path": "/srv/any.json", "form": "environment"}, "any.json"),
    ("nextcloud", {"path": "/srv/config.php", "carrier": "dotenv"}, "own file"),
    ("grafana", {"path": "/opt/stack.yml", "form": "environment"}, "service is missing"),
    ("vikunja", {"path": "/etc/vikunja/config.yml", "form": "environment"}, "own file"),
    ("postfix", {"path": "/etc/postfix/main.cf", "carrier": "dotenv"}, "carrier is dotenv, but Postfix"),
    (
        "postfix",
        {"path": "/etc/postfix/main.cf", "carrier": "compose", "service": "mail"},
        "carrier is compose, but Postfix",
    ),
    ("pangolin", {"path": "/opt/p/config/config.yml", "carrier": "compose"}, "carrier is compose, but Pangolin"),
    ("pangolin", {"path": "/opt/p/config/config.yml", "form": "environment"}, "form is environment, but Pangolin"),
    ("postfix", {"path": "/etc/postfix/main.cf", "service": "mail"}, "leave out service"),
    ("grafana", {"path": "/etc/grafana/grafana.ini", "service": "grafana"}, "leave out service"),
    ("laravel", {"path": "/srv/shop/.env", "form": "file"}, "form is file, but Laravel"),
    ("laravel", {"path": "/srv/shop/.env", "carrier": "compose", "service": "web"}, "carrier is compose"),
    ("laravel", {"path": "/srv/shop/.env", "carrier": "kubernetes", "service": "web"}, "carrier is kubernetes"),
    ("n8n", {"path": "/etc/systemd/system/n8n.service", "carrier": "shell"}, "carrier is shell"),
    ("n8n", {"path": "/etc/systemd/system/n8n.service.d/a.conf", "carrier": "dotenv"}, "carrier is dotenv"),
    (
        "n8n",
        {"path": "/etc/systemd/system/n8n.service.d/a.conf", "carrier": "compose", "service": "n8n"},
        "carrier is compose",
    ),
    ("grafana", {"path": "/opt/stack/compose.yml", "form": "file", "service": "grafana"}, "leave out service"),
    ("grafana", {"path": "/opt/stack/compose.yml", "form": "file", "carrier": "compose"}, "form is file"),
    ("discourse", {"path": "/var/discourse/containers/app.yml", "form": "environment"}, "own file"),
    ("exim4", {"path": "/etc/exim4/update-exim4.conf.conf", "service": "exim4"}, "leave out service"),
    ("gitlab", {"path": "/etc/gitlab/gitlab.rb", "carrier": "dotenv"}, "own file"),
    ("gitlab", {"path": "/opt/gitlab/.env", "service": "gitlab"}, "leave out service"),
]


@pytest.mark.parametrize(("app", "options", "place"), _TAKEN)
def test_options_that_fit(app: str, options: dict[str, str], place: tuple[str, str]) -> None:
    found = load_place(load_descriptor(app), **options)
    assert (found.form.kind, found.carrier) == place


@pytest.mark.parametrize(("app", "options", "words"), _REFUSED)
def test_options_that_mean_nothing_there(app: str, options: dict[str, str], words: str) -> None:
    with pytest.raises(AppError) as error:
        load_place(load_descriptor(app), **options)
    sentence = str(error.value)
    assert words in sentence
    assert sentence.endswith(".")
    # What was written is named, and one of the options that were written, too.
    assert any(f"{name} is" in sentence or f"{name}:" in sentence for name in (*options, "service"))


def test_an_app_without_variables_is_not_told_to_use_them() -> None:
    for app, path in (("postfix", "/etc/postfix/main.cf"), ("pangolin", "/opt/p/config/config.yml")):
        with pytest.raises(AppError) as error:
            load_place(load_descriptor(app), path, service="web")
        assert "environment" not in str(error.value)
        assert "compose" not in str(error.value)
