# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which form and carrier a path and the options ``form``, ``carrier`` and ``service`` mean, and which of these go against it.

An option that means nothing for this file is refused and not ignored: its user believes that it does something.
"""

from __future__ import annotations

import re

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.model import AppError, Descriptor

__all__ = ("chosen", "suggest", "usual_carrier")

# How files are usually named; the first that fits.
_USUAL = (
    ("compose", re.compile(r"(^|/)(docker-)?compose[^/]*\.ya?ml$")),
    ("quadlet", re.compile(r"\.container(\.d/[^/]+\.conf)?$")),
    ("systemd", re.compile(r"\.service(\.d/[^/]+\.conf)?$|/systemd/.*\.conf$")),
    ("shell", re.compile(r"^/etc/(default|conf\.d|sysconfig)/[^/]+$|\.sh$")),
    ("dotenv", re.compile(r"(^|/)[^/]*\.?env(\.[^/]+)?$|\.env$|(^|/)\.env[^/]*$")),
    ("kubernetes", re.compile(r"(^|/)[^/]*(secret|configmap)[^/]*\.ya?ml$", re.IGNORECASE)),
)
_IN_YAML = ("compose", "kubernetes")
_OF = {"quadlet": "Podman"}
_YAML = re.compile(r"\.ya?ml$", re.IGNORECASE)
_UNIT = re.compile(r"(?:^|/)([^/]+)\.(?:service|container)(?:\.d/[^/]+)?$")
# What such a file has in it is no line of NAME=value, whatever else it is.
_NO_LINES = re.compile(r"\.(json|toml|php|rb|py|xml)$", re.IGNORECASE)


def suggest(descriptor: Descriptor, path: str) -> tuple[str, str]:
    """The form and the carrier that a path and an app suggest."""
    if list(descriptor.forms) == ["file"]:
        return "file", ""
    usual = usual_carrier(path)
    if "file" not in descriptor.forms:
        return "environment", usual or _by_ending(path)
    if _is_own(descriptor, path) or not usual:
        return "file", ""
    return "environment", usual


def chosen(
    descriptor: Descriptor, path: str, form: str | None, carrier: str | None, service: str | None
) -> tuple[str, str]:
    """The form and the carrier that the options mean. Raises AppError."""
    if form and form not in ("file", "environment"):
        raise AppError(f"form is {str(form)[:40]}; write file or environment, or leave it out.")
    kind, found = suggest(descriptor, path)
    if carrier:
        _carrier_fits(descriptor, path, form, carrier)
        kind, found = "environment", carrier
    elif service and not form and not found and _may_be_compose(descriptor, path):
        # A service is one of a compose file, whatever that is called, unless it ends as the app's own does.
        kind, found = "environment", "compose"
    if (form or kind) == "file":
        _file_fits(descriptor, path, form, service)
        return "file", ""
    if form and not carrier and "environment" in descriptor.forms:
        found = found or _by_ending(path)
        _variables_fit(descriptor, path, f"form is {form}", found)
    if service and found not in _IN_YAML:
        _service_fits(path, service)
    return "environment", found


def usual_carrier(path: str) -> str:
    """What holds variables in files of this name; empty where the name does not say it."""
    return next((name for name, pattern in _USUAL if pattern.search(path)), "")


def _by_ending(path: str) -> str:
    """YAML that holds variables is a compose file, whatever it is called."""
    return "compose" if _YAML.search(path) else "dotenv"


def _may_be_compose(descriptor: Descriptor, path: str) -> bool:
    if "environment" not in descriptor.forms or _is_own(descriptor, path):
        return False
    own = descriptor.forms.get("file")
    ending = path.rpartition(".")[2].lower()
    return own is None or own.format != ending or ending == "yaml"


def _is_own(descriptor: Descriptor, path: str) -> bool:
    """Whether a path has the name of the app's own file."""
    file = descriptor.forms.get("file")
    return file is not None and path.rpartition("/")[2] in [one.rpartition("/")[2] for one in file.paths]


# What goes against the file


def _carrier_fits(descriptor: Descriptor, path: str, form: str | None, carrier: str) -> None:
    if form == "file":
        raise AppError(f"carrier: {carrier} holds environment variables, but form is file; leave out one of them.")
    if "environment" not in descriptor.forms:
        raise AppError(
            f"carrier is {carrier}, but {descriptor.name} takes its mail settings from its own file and from no variables;"
            " leave out carrier."
        )
    _variables_fit(descriptor, path, f"carrier is {carrier}", carrier)
    usual = usual_carrier(path)
    if _UNIT.search(path) and carrier != usual:
        raise AppError(f"carrier is {carrier}, but {path} is a unit of {_OF.get(usual, usual)}; leave out carrier.")
    if usual in ("dotenv", "shell") and carrier in _IN_YAML:
        what = "the compose file" if carrier == "compose" else "the manifest"
        raise AppError(
            f"carrier is {carrier}, but {path} holds lines of NAME=value; write the path of {what}, or leave out carrier"
            " and service."
        )


def _variables_fit(descriptor: Descriptor, path: str, given: str, carrier: str) -> None:
    """Whether variables can stand in a file of this name. ``given`` is the option that wants them there."""
    option = given.partition(" ")[0]
    if _is_own(descriptor, path) and not (carrier in _IN_YAML and option == "carrier" and _YAML.search(path)):
        raise AppError(
            f"{given}, but {path} is {descriptor.name}'s own file and holds no environment variables; leave out {option}, or"
            " write the path of the file that holds them."
        )
    if carrier not in _IN_YAML and _YAML.search(path):
        right = "kubernetes" if usual_carrier(path) == "kubernetes" else "compose"
        raise AppError(f"{given}, but {path} is YAML and holds no lines of NAME=value; write carrier: {right}.")
    if carrier not in _IN_YAML and _NO_LINES.search(path):
        raise AppError(
            f"{given}, but {path} is no file of NAME=value lines; write the path of the one that holds the variables"
            f"{', or leave out ' + option if 'file' in descriptor.forms else ''}."
        )


def _file_fits(descriptor: Descriptor, path: str, form: str | None, service: str | None) -> None:
    file = descriptor.form("file")
    if (
        not form
        and not _is_own(descriptor, path)
        and usual_carrier(path) in ("compose", "systemd", "quadlet", "kubernetes")
    ):
        raise AppError(
            f"path is {path}, which holds environment variables, and {descriptor.name} reads none for its mail; write the"
            f" path of its own file{', such as ' + file.paths[0] if file.paths else ''}, or form: file if it is one."
        )
    if service:
        other = ", or write the path of its compose file" if "environment" in descriptor.forms else ""
        raise AppError(
            f"service is {service}, but the settings go into {descriptor.name}'s own file; leave out service{other}."
        )


def _service_fits(path: str, service: str) -> None:
    """A service beside lines of NAME=value says nothing; beside a unit it can only be that unit."""
    unit = _UNIT.search(path)
    if unit is None:
        raise AppError(
            f"service is {service}, but {path} holds lines of NAME=value, which are no service's own; leave out service, or"
            " write the path of the compose file."
        )
    if re.sub(r"@.*", "@", service.removesuffix(".service")) != re.sub(r"@.*", "@", unit.group(1)):
        raise AppError(
            f"service is {service}, but {path} belongs to the unit {unit.group(1)}; leave out service, or write the path of"
            " the other unit."
        )
