# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs Mailpit: each pair of options that cannot go together is refused by name, and what works is not."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.running import (
    Running,
    files_shown,
    folders_shown,
    refusal,
)

CHECKSUM = "sha256:" + "0123456789abcdef" * 4
IMAGE = "docker.io/axllent/mailpit:v1.31.0"
DIGEST = "ghcr.io/x/mailpit@sha256:" + "0" * 64
URL = "https://mirror.example.com/mailpit.tar.gz"

# What each way of running Mailpit needs, and no more.
SYSTEMD = {"version": "1.31.0", "url": URL, "checksum": CHECKSUM}
PODMAN = {"service_manager": "podman_quadlet", "image": IMAGE, "version": "1.31.0"}
COMPOSE = {**PODMAN, "service_manager": "compose", "init": "openrc"}
NONE = {**SYSTEMD, "service_manager": "none", "init": "openrc"}


def said(wanted: dict[str, t.Any], certificate: str = "own_ca", **environment: str) -> str | None:
    return refusal(Running(**wanted), certificate, environment)


@pytest.mark.parametrize("way", [SYSTEMD, PODMAN, COMPOSE, NONE], ids=["systemd", "podman", "compose", "none"])
@pytest.mark.parametrize(
    "more",
    [
        {}, {"image": DIGEST}, {"image": "registry:5000/x/mailpit:1.2"}, {"install": False, "binary": "/opt/mailpit"},
        {"version": "v1.30.4"}, {"version": 1.31},
        {"checksum": "sha512:" + "A" * 128}, {"checksum": "", "controller_file": "/m.tar.gz"}, {"archive_url": URL, "has_release": False},
        {"controller_file": "/m", "has_release": False}, {"container_volumes": ["/a:/b", "/a.pem:/b.pem:ro,Z"]}, {"owner": 0}, {"owner": "daemon"},
    ],
)  # fmt: skip
def test_what_works_is_not_refused(way: dict[str, t.Any], more: dict[str, t.Any]) -> None:
    assert said({**way, **more}, MP_SMTP_TLS_CERT="/etc/mailpit/cert.pem") is None


@pytest.mark.parametrize("manager", ["systemd", "podman_quadlet"])
def test_renewal_works_with_the_own_ca_and_a_unit_of_root(manager: str) -> None:
    wanted = {**SYSTEMD, **PODMAN, "service_manager": manager, "renewal": True}
    assert said(wanted) is None and said({**wanted, "owner": "0"}) is None
    assert "mailpit_owner is daemon, who could change it" in str(said({**wanted, "owner": "daemon"}))
    assert "mailpit_certificate is files: set it to false, or mailpit_certificate to own_ca." in str(
        said(wanted, "files")
    )


@pytest.mark.parametrize(
    "wanted, words",
    [
        ({**SYSTEMD, "given_twice": ["relay"]}, "mailpit_relay and mailpit_relay_config are both set: take one"),
        ({**SYSTEMD, "init": "openrc"}, "This host runs openrc and not systemd: set mailpit_service_manager to compose"),
        ({**PODMAN, "init": "runit"}, "This host runs runit and not systemd"),
        ({**COMPOSE, "allowed_networks": ["192.0.2.0/24"]}, "empty it and use the host's firewall"),
        ({**COMPOSE, "renewal": True}, "mailpit_service_manager is compose: set it to false, or"),
        ({**NONE, "renewal": True}, "mailpit_service_manager is none: set it to false, or"),
        *(({**PODMAN, "container_volumes": ["/a:/b", volume]}, f'mailpit_container_volumes holds "{volume}"')
          for volume in ("--privileged", "/a:/$b:z", "a:/b", "/a", "/a:/b:ro:x", "/a b:/c")),
        *(({**PODMAN, "image": image}, f"mailpit_image is {image}, which would be another one tomorrow")
          for image in ("x/mailpit", "x/mailpit:latest", "x/mailpit:v", "x/mailpit:", "x:Edge", "registry:5000/mailpit", "x:vstable")),
        *(({**SYSTEMD, "version": version}, f"mailpit_version is {version}, which would be another one tomorrow")
          for version in ("latest", "vLatest", "EDGE", "stable", "newest", "", "v")),
        ({**SYSTEMD, "checksum": ""}, f"Mailpit is to be downloaded from {URL}: set mailpit_checksum to the archive's"),
        ({**NONE, "checksum": CHECKSUM[:-1]}, f"and mailpit_checksum is {CHECKSUM[:-1]}, which is no checksum: set"),
        ({**SYSTEMD, "checksum": "md5:" + "0" * 32}, "which is no checksum"),
        ({**SYSTEMD, "has_release": False, "architecture": "riscv64"}, "There is no release of Mailpit for riscv64"),
        ({**SYSTEMD, "install": False}, "mailpit_install is false: set mailpit_binary"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_by_name(wanted: dict[str, t.Any], words: str) -> None:
    sentence = said(wanted)
    assert sentence and words in sentence and sentence.endswith(".") and "\n" not in sentence


@pytest.mark.parametrize("path", ["/etc/ssl/a:b.pem", "/etc/my certs/a.pem", "/etc/$HOME/a.pem", "/ä.pem"])
def test_a_path_that_an_engine_reads_as_something_else(path: str) -> None:
    assert "an engine of containers would read as something else" in str(said(PODMAN, SSL_CERT_FILE=path))
    assert "an engine of containers" in str(said(COMPOSE, SSL_CERT_DIR=f"/etc/ssl/certs:{path.replace(':', '+ ')}"))
    assert said(SYSTEMD, SSL_CERT_FILE=path) is None, "systemd shows Mailpit the host's own files"


def test_what_mailpit_reads() -> None:
    environment = {
        "MP_SMTP_TLS_CERT": "/c", "MP_SMTP_TLS_KEY": "/k", "MP_UI_TLS_CERT": "/c", "MP_SMTP_AUTH_FILE": "/p", "MP_TAGS_CONFIG": "/t.yml",
        "MP_DATABASE": "/d/mailpit.db", "MP_WEBROOT": "/mail/", "SSL_CERT_FILE": "/ca.pem", "SSL_CERT_DIR": "/one:/two:/one", "MP_SEND_API_AUTH_FILE": "sans:x",
    }  # fmt: skip
    assert files_shown(environment) == ["/c", "/k", "/p", "/t.yml", "/ca.pem"] and folders_shown(environment) == [
        "/one",
        "/two",
    ]
    assert files_shown({}) == folders_shown({}) == []
