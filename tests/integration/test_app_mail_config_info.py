# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""app_mail_config and app_mail_config_info by the real ansible-playbook, on files, variables and what stands in the way."""

from __future__ import annotations

import os
import pathlib
import typing as t

import yaml

from tests.support.playbook import play

SECRET = "hunter2 $x \"'# s3cret"
SETTINGS = {
    "host": "smtp.example.com",
    "port": 587,
    "secure": False,
    "username": "me",
    "password": SECRET,
    "sender": "app@example.com",
}
WORD = "s3cret"


def info(name: str, **options: t.Any) -> dict[str, t.Any]:
    return {"name": name, "mailops.smtp.app_mail_config_info": options, "register": name}


def write(name: str, **options: t.Any) -> dict[str, t.Any]:
    return {"name": name, "mailops.smtp.app_mail_config": {**options, "settings": "{{ settings }}"}, "register": name}


def test_what_compose_reads_beside_its_file_counts(tmp_path: pathlib.Path) -> None:
    (tmp_path / "compose.yml").write_text(
        "services:\n  grafana:\n    image: grafana/grafana\n    env_file: ${MAIL:-none.env}\n"
        "    environment:\n      GF_SMTP_HOST: old.example.com:25\n      GF_SMTP_FROM_ADDRESS: ${SENDER}\n"
    )
    (tmp_path / "compose.override.yml").write_text(
        "services:\n  grafana:\n    environment:\n      GF_SMTP_HOST: !override smtp.example.com:587\n"
    )
    (tmp_path / ".env").write_text("MAIL=mail.env\nSENDER=app@example.com\n")
    (tmp_path / "mail.env").write_text(f"GF_SMTP_ENABLED=true\nGF_SMTP_USER=me\nGF_SMTP_PASSWORD={WORD}\n")
    place = {"app": "grafana", "path": str(tmp_path / "compose.yml"), "service": "grafana"}
    run = play(tmp_path / "play", [info("r", **place)], {}, "-vvv", saved=["r"])
    assert run.returncode == 0 and WORD not in run.output, run.output
    settings = run.saved["r"]["settings"]
    assert {name: settings.get(name) for name in ("host", "port", "username", "sender")} == {
        "host": "smtp.example.com",
        "port": 587,
        "username": "me",
        "sender": "app@example.com",
    }
    assert run.saved["r"]["password_set"] and str(run.saved["r"]["path"]) == str(tmp_path / "compose.yml")


def test_what_was_written_is_read_and_the_password_stays_inside(tmp_path: pathlib.Path) -> None:
    (tmp_path / "compose.yml").write_text("services:\n  grafana:\n    image: grafana # c\n    env_file: [mail.env]\n")
    (tmp_path / "mail.env").write_text("GF_SMTP_HOST=old.example.com:25\nTZ=UTC\n")
    places = {
        "grafana_file": {"app": "grafana", "path": str(tmp_path / "grafana.ini")},
        "grafana_compose": {"app": "grafana", "path": str(tmp_path / "compose.yml"), "service": "grafana"},
        "vaultwarden": {"app": "vaultwarden", "path": str(tmp_path / ".env")},
        "unit": {"app": "n8n", "path": str(tmp_path / "n8n.service"), "carrier": "systemd"},
        "secret": {
            "app": "authentik",
            "path": str(tmp_path / "secret.yml"),
            "carrier": "kubernetes",
            "service": "mail",
        },
        "nextcloud": {"app": "nextcloud", "path": str(tmp_path / "config.php")},
        "postfix_sasl": {"app": "postfix_sasl", "path": str(tmp_path / "sasl_passwd")},
    }
    tasks = [write(f"w_{name}", **place) for name, place in places.items()]
    tasks += [write(f"again_{name}", **place) for name, place in places.items()]
    tasks += [info(f"r_{name}", **place) for name, place in places.items()]
    saved = [f"{step}_{name}" for step in ("w", "again", "r") for name in places]
    run = play(tmp_path / "play", tasks, {"settings": SETTINGS}, "-vvv", "--diff", saved=saved)
    assert run.returncode == 0 and WORD not in run.output, run.output
    for name in places:
        assert run.saved[f"w_{name}"]["changed"] and not run.saved[f"again_{name}"]["changed"], name
        found = run.saved[f"r_{name}"]
        assert found["found"] and found["password_set"] and found["settings"]["username"] == "me", name
        assert "password" not in found["settings"] and found["settings"]["host"] == "smtp.example.com", name
        assert os.stat(places[name]["path"]).st_mode & 0o077 == 0 or name == "grafana_compose"
    modes = {name: run.saved[f"r_{name}"]["security"] for name in places}
    assert modes == {
        "grafana_file": "starttls",
        "grafana_compose": "starttls",
        "vaultwarden": "starttls",
        "unit": "opportunistic",
        "secret": "starttls",
        "nextcloud": "opportunistic",
        "postfix_sasl": None,
    }
    compose = yaml.safe_load((tmp_path / "compose.yml").read_text())["services"]["grafana"]["environment"]
    assert compose["GF_SMTP_PASSWORD"] == SECRET.replace("$", "$$")
    assert [one["code"] for one in run.saved["r_grafana_compose"]["findings"]] == ["overridden", "password_readable"]


def test_nothing_is_found_or_changed_and_each_mistake_gets_a_sentence(tmp_path: pathlib.Path) -> None:
    (tmp_path / "config.yml").write_text(f"email:\n    smtp_host: h\n    smtp_port: 465\n    smtp_pass: {WORD}\n")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "compose.yml").write_text(f"services:\n  app:\n    environment: {WORD}\n")
    wrong = {
        "no_app": {"path": "/x"},
        "no_path": {"app": "pangolin"},
        "unknown": {"app": "pangolino", "path": "/x"},
        "folder": {"app": "pangolin", "path": str(tmp_path)},
        "pipe": {"app": "pangolin", "path": str(tmp_path / "pipe")},
        "no_service": {"app": "n8n", "path": str(tmp_path / "compose.yml")},
        "no_mapping": {"app": "n8n", "path": str(tmp_path / "compose.yml"), "service": "app"},
        "bad_form": {"app": "pangolin", "path": "/x", "form": "environment"},
    }
    tasks = [{**info(name, **options), "ignore_errors": True} for name, options in wrong.items()]
    tasks += [
        info("absent", app="pangolin", path=str(tmp_path / "none" / "config.yml")),
        info("old", app="pangolin", path=str(tmp_path / "config.yml"), environment={"EMAIL_SMTP_PASS": ""}),
    ]
    run = play(tmp_path / "play", tasks, {}, "--check", saved=[*wrong, "absent", "old"])
    assert run.returncode == 0 and WORD not in run.output, run.output
    sentences = {
        "no_app": "app is missing; write the name of an app",
        "no_path": "path is missing; write the path",
        "unknown": "which is not known here; write pangolin",
        "folder": "which is a folder",
        "pipe": "which is no regular file",
        "no_service": "service is missing; write the service of",
        "no_mapping": "line 3: environment holds a single value",
        "bad_form": "form is environment, but Pangolin has no settings there",
    }
    for name, sentence in sentences.items():
        assert run.saved[name]["failed"] and sentence in run.saved[name]["msg"], run.saved[name]
    assert run.saved["absent"]["found"] is False and run.saved["absent"]["findings"] == []
    old = run.saved["old"]
    assert old["security"] == "opportunistic" and old["password_set"] is False
    codes = {one["code"] for one in old["findings"]}
    assert {"mode_mismatch", "downgrade_possible", "overridden", "sender_missing"} <= codes
