# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
What runs Mailpit (systemd, Podman, compose, nothing) and where its program comes from: which options of the role cannot go together there.

``options`` decides what Mailpit is told; this file, whether the role can have it run so. Each refusal is one sentence that names the option.
"""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

__all__ = ["Running", "files_shown", "folders_shown", "refusal"]

_CONTAINERS = ("podman_quadlet", "compose")
_UNITS = ("systemd", "podman_quadlet")

# What engines of containers read as one path, and as a path of the host, one of the container and options.
_PATH = r"/[A-Za-z0-9_./@,+=-]+"
_VOLUME = rf"{_PATH}:{_PATH}(:[A-Za-z,=]+)?"
_CHECKSUM = r"sha256:[0-9a-fA-F]{64}|sha384:[0-9a-fA-F]{96}|sha512:[0-9a-fA-F]{128}"
# Names of images and of versions that are another one tomorrow.
_MOVING = ("latest", "edge", "newest", "stable", "")


@dataclasses.dataclass(frozen=True)
class Running:
    """Options of the role by their names without mailpit_, and facts: ``init`` is what starts services on this host, ``url`` the archive's."""

    service_manager: str = "systemd"
    init: str = "systemd"
    owner: t.Any = "root"
    renewal: bool = False
    allowed_networks: t.Sequence[str] = ()
    container_volumes: t.Sequence[str] = ()
    image: str = ""
    install: bool = True
    binary: str = ""
    version: t.Any = ""
    url: str = ""
    archive_url: str = ""
    checksum: t.Any = ""
    controller_file: str = ""
    architecture: str = ""
    # Whether Mailpit's makers have an archive for this architecture.
    has_release: bool = True
    # Options that give the same relay in two ways: relay or forward.
    given_twice: t.Sequence[str] = ()


def files_shown(environment: t.Mapping[str, str]) -> list[str]:
    """The files that Mailpit reads: all that a container sees of the host, but for its data."""
    named = re.compile(r"MP_.*_(TLS_CERT|TLS_KEY|AUTH_FILE|CONFIG)|SSL_CERT_FILE")
    found = (value for name, value in environment.items() if named.fullmatch(name) and value.startswith("/"))
    return list(dict.fromkeys(found))


def folders_shown(environment: t.Mapping[str, str]) -> list[str]:
    """Folders of CAs, which Go reads as SSL_CERT_DIR: shown as they are, as files of theirs may be links within."""
    folders = environment.get("SSL_CERT_DIR", "").split(":")
    return list(dict.fromkeys(folder for folder in folders if folder.startswith("/")))


def refusal(running: Running, certificate: str, environment: t.Mapping[str, str]) -> str | None:
    """Why the role cannot run Mailpit so, or None. ``certificate`` and ``environment`` are those of the plan."""
    contained = running.service_manager in _CONTAINERS
    sentences = [_of_a_service(running, certificate)]
    if contained:
        sentences.append(_of_a_container(running, [*files_shown(environment), *folders_shown(environment)]))
    else:
        sentences.append(_of_a_program(running))
    return next(filter(None, sentences), None)


def _of_a_service(running: Running, certificate: str) -> str | None:
    manager, unit = running.service_manager, running.service_manager in _UNITS
    for kind in running.given_twice:
        return f"mailpit_{kind} and mailpit_{kind}_config are both set: take one of them out."
    if running.renewal and unit and str(running.owner) not in ("root", "0"):
        return (
            f"mailpit_renewal starts a program in mailpit_config_dir as root every day, and mailpit_owner is {running.owner}, who could change it: "
            "set mailpit_owner to root, or mailpit_renewal to false."
        )
    if unit and running.init != "systemd":
        return (
            f"This host runs {running.init} and not systemd: set mailpit_service_manager to compose, which runs Mailpit in a container, "
            "or set mailpit_service_manager to none, which writes the files and leaves it to you to start Mailpit with them."
        )
    if manager == "compose" and running.allowed_networks:
        return (
            "mailpit_allowed_networks is kept by systemd, and mailpit_service_manager is compose: empty it and use the host's firewall, "
            "or set mailpit_service_manager to podman_quadlet."
        )
    if running.renewal and certificate != "own_ca":
        return (
            f"mailpit_renewal renews the leaf of the role's own CA, and mailpit_certificate is {certificate}: "
            "set it to false, or mailpit_certificate to own_ca."
        )
    if running.renewal and not unit:
        return (
            f"mailpit_renewal renews the leaf of the role's own CA, and mailpit_service_manager is {manager}: "
            "set it to false, or mailpit_service_manager to systemd or podman_quadlet."
        )
    return None


def _of_a_container(running: Running, shown: t.Iterable[str]) -> str | None:
    for path in shown:
        if not re.fullmatch(_PATH, path):
            return (
                f"Mailpit is to read {json.dumps(path)}, a path that an engine of containers would read as something else: "
                "write one of letters, digits and any of _ . / @ , + = -."
            )
    for volume in running.container_volumes:
        if not re.fullmatch(_VOLUME, str(volume)):
            return (
                f"mailpit_container_volumes holds {json.dumps(volume)}: write a path of the host, a path of the container and options, such as "
                "/etc/ssl/our-ca.pem:/etc/ssl/our-ca.pem:ro."
            )
    named = re.search(r"[:@]([^/:@]+)$", running.image)
    if not named or named[1].removeprefix("v").lower() in _MOVING:
        return (
            f"mailpit_image is {running.image}, which would be another one tomorrow: write one with a version or a digest, such as "
            "docker.io/axllent/mailpit:v1.31.0."
        )
    return None


def _of_a_program(running: Running) -> str | None:
    if not running.install:
        if not running.binary and running.service_manager == "systemd":
            return "mailpit_install is false: set mailpit_binary to the path of the program that is there."
        return None
    if str(running.version).removeprefix("v").lower() in _MOVING:
        return (
            f"mailpit_version is {running.version}, which would be another one tomorrow, and no checksum fits both: write a number, such as 1.31.0; "
            "the releases are listed at https://github.com/axllent/mailpit/releases."
        )
    if running.controller_file:
        return None
    if not re.fullmatch(_CHECKSUM, str(running.checksum or "")):
        wrong = f", and mailpit_checksum is {running.checksum}, which is no checksum" if running.checksum else ""
        return (
            f"Mailpit is to be downloaded from {running.url}{wrong}: set mailpit_checksum to the archive's, as in sha256:0123... "
            "(each release at https://github.com/axllent/mailpit/releases shows it beside the archive; sha256sum prints it for a file), "
            "or mailpit_controller_file to an archive or binary on the controller."
        )
    if not running.archive_url and not running.has_release:
        return (
            f"There is no release of Mailpit for {running.architecture}: set mailpit_archive_url, or mailpit_controller_file to a binary "
            "that was built for it."
        )
    return None
