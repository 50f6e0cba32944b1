# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where apps usually are on a host, and which app a file that is there belongs to. Pure: texts go in, places come out.

A file belongs to the app whose keys it holds most of; its path, the image or the name of a service decide before that.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
import typing as t
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import Place, load_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.compose_files import (
    COMPOSE,
    OVERRIDES,
    Override,
    environment_of,
    services_of,
    variables_beside,
    with_overrides,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import (
    FormatError,
    KeyPath,
    Opaque,
    load_format,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.model import AppError, Descriptor, Form
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.profiles import documents_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.reading import interpret, with_entries
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.unknown import misplaced_findings

__all__ = (
    "FOLDERS",
    "Spot",
    "Stranger",
    "further_files",
    "places_of",
    "search_for",
    "strangers_of",
    "unit_of",
)

# Where people put apps on their hosts. What lies deeper is found by its absolute path, or through the volumes of a compose file.
FOLDERS = (
    "/opt", "/opt/*", "/opt/*/*", "/srv", "/srv/*", "/srv/*/*", "/home/*", "/home/*/*", "/home/*/*/*", "/root", "/root/*",
    "/root/*/*", "/var/www", "/var/www/*", "/var/www/*/*", "/var/lib/*", "/var/discourse", "/usr/share/*", "/usr/local/*",
    "/usr/local/etc", "/usr/local/etc/*", "/etc/*", "/data", "/data/*", "/data/compose/*", "/docker/*", "/stacks/*",
    "/mnt/*", "/mnt/*/*", "/app", "/config",
)  # fmt: skip
_ABSOLUTE = (
    "/etc/systemd/system/*.service",
    "/etc/systemd/system/*.service.d/*.conf",
    *(
        f"{folder}/containers/systemd/{name}"
        for folder in ("/etc", *(f"{home}/.config" for home in ("/root", "/home/*")))
        for name in ("*.container", "*.container.d/*.conf")
    ),
    "/etc/default/*",
    "/etc/sysconfig/*",
    "/etc/conf.d/*",
)
_WORDS = ("smtp", "mail", "host")
# A unit of systemd or of Podman, and a drop-in of one.
_UNIT = re.compile(r"/([^/]+)\.(service|container)(?:\.d/[^/]+\.conf)?$")
_OF_UNITS = {"service": "systemd", "container": "quadlet"}
# Of apps that share their words, those that the others come from.
_FIRST = ("laravel", "gitea", "django", "generic_env")
# Frameworks, whose words are read by apps of any name.
_FAMILIES = (*_FIRST, "symfony", "rails", "spring", "nodemailer")
# What variables of any app are made of; a name of nothing else says nothing of the app.
_COMMON = re.compile(
    r"(?:smtp|mailer|mail|email|host|hostname|server|address|addr|port|url|dsn|options|transport|name|use|default|from|_)+"
)
_NAMED = 1000
# Variables that name a relay in apps that are not known here, and values that can be one: no address to listen on, no mail address.
_RELAY = re.compile(
    r"(?:[A-Z0-9]+_+)*?(?:E?MAIL(?:ER)?(?:SETTINGS)?_*)?(?:SMTP|MAIL|EMAIL|MAILER)_*(?:SMTP_*|RELAY_*|SERVER_*)?"
    r"(?:HOST|HOSTNAME|SERVER|RELAY)"
    r"|(?:[A-Z0-9]+_+)*?SMTP_*(?:ADDRESS|ADDR)",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"(?:ssl|tls|starttls|smtps?)://", re.IGNORECASE)
_NAME_OF_RELAY = re.compile(r"(?!0\.0\.0\.0\b)(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.?)+(?::[0-9]{1,5})?")


@dataclass(frozen=True)
class Spot:
    """One app at one place. ``environment`` are variables that win over its file, and ``process`` the files that they come from, first the one
    that names the others; ``text`` is that of several files that are read as one, such as a unit and its drop-ins.
    """

    app: str
    path: str
    form: str | None = None
    carrier: str | None = None
    service: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    process: tuple[str, ...] = ()


class Stranger(t.NamedTuple):
    """Variables that name a relay, and no app that is known here. ``names`` are the variables that say host and port."""

    path: str
    carrier: str
    service: str | None
    host: str
    port: int | None
    names: tuple[str, ...]


class _Process(t.NamedTuple):
    """What an app's process gets from a service or a unit, and what it is called there. ``text`` is that of a unit with its
    drop-ins.
    """

    path: str
    carrier: str
    service: str | None
    hint: str
    values: dict[str, str]
    files: Sequence[str] = ()
    text: str | None = None


class _Service(t.NamedTuple):
    """A service of a compose file, or the container of a unit, as far as it tells which app it is; ``volumes`` are pairs of host and container."""

    path: str
    name: str | None
    image: str
    volumes: tuple[tuple[str, str], ...]


def search_for(apps: Iterable[Descriptor], more_folders: Sequence[str] = ()) -> dict[str, t.Any]:
    """What the host shall look for: the arguments of ``search`` in module_utils/_files/search.py."""
    apps = list(apps)
    own = [path for app in apps for form in app.forms.values() for path in form.paths]
    # A table of logins need not have any of the words in it.
    tables = [
        posixpath.basename(one) for app in apps if app.part_of for form in app.forms.values() for one in form.paths
    ]
    return {
        "folders": [*FOLDERS, *more_folders],
        "names": [*dict.fromkeys(path.lstrip("/") for path in own), *COMPOSE, *OVERRIDES, ".env", "*.env"],
        "absolute": [*dict.fromkeys(path for path in own if path.startswith("/")), *_ABSOLUTE],
        "words": list(_WORDS),
        "whole": [*COMPOSE, *OVERRIDES, ".env", *dict.fromkeys(tables)],
    }


def further_files(apps: Sequence[Descriptor], texts: Mapping[str, str]) -> list[str]:
    """Files that those which were found lead to: env_file, EnvironmentFile, and an app's file behind a volume."""
    paths: list[str] = []
    given, (texts, _over) = texts, with_overrides(texts)
    for path, text in texts.items():
        if unit := _UNIT.search(path):
            paths += _beside(unit_of(path), _files(_carried(apps, path, _OF_UNITS[unit[2]], None), text))
        for service in _services(path, text):
            if service.name is not None:
                place = _carried(apps, path, "compose", service.name)
                paths += _beside(path, _files(place, text, variables_beside(path, texts)))
            for app in apps:
                if _is_named(app, f"{service.image} {service.name or posixpath.basename(path)}"):
                    paths += _behind_volumes(app, service)
    return [path for path in dict.fromkeys(map(posixpath.normpath, paths)) if path not in given]


def places_of(apps: Sequence[Descriptor], texts: Mapping[str, str]) -> list[Spot]:
    """Every app that mails from this host, by what its files hold. ``texts`` are the files by their paths."""
    texts, over = with_overrides(texts)
    services = [one for path, text in texts.items() for one in _services(path, text)]
    processes, followed = _processes(apps, texts, services)
    spots = [
        Spot(app.id, one.path, "environment", one.carrier, one.service, text=one.text)
        for one in processes
        for app in [_best(apps, "environment", one.values, one.hint)]
        if app is not None
    ]
    own = [
        one
        for path, text in texts.items()
        if path not in followed and not _UNIT.search(path) and not path.endswith((*COMPOSE, *OVERRIDES))
        for one in [_own_place(apps, path, text, services)]
        if one is not None
    ]
    found = _with_environment(apps, [*own, *_absent_parts(apps, own), *spots], processes, services)
    return [_with_override(spot, over, texts) for spot in found]


def _with_override(spot: Spot, over: Mapping[str, Override], texts: Mapping[str, str]) -> Spot:
    """The override of a compose file among the files that have a say; a service stands at the one that counts more where it has variables there."""
    base = next((one for one in (spot.path, *spot.process[:1]) if one in over), None)
    if base is None:
        return spot
    override = over[base]
    if base != spot.path:
        return replace(spot, process=(*spot.process, override.path))
    path = override.path if spot.service in override.services else base
    return replace(spot, path=path, text=texts[base], process=(base, override.path))


def _absent_parts(apps: Sequence[Descriptor], own: Sequence[Spot]) -> list[Spot]:
    """Parts of an app that are nowhere and say its mode all the same: without them it has its defaults."""
    by_id, there = {app.id: app for app in apps}, {one.app for one in own}
    return [
        Spot(part, posixpath.join(posixpath.dirname(one.path), posixpath.basename(path)), "file")
        for one in own
        for part, path in by_id[one.app].parts.items()
        if part in by_id and by_id[part].words and part not in there
    ]


def strangers_of(apps: Sequence[Descriptor], texts: Mapping[str, str]) -> list[Stranger]:
    """Variables that name a relay and that no known app reads: those of services and units, and of files of variables."""
    texts, _over = with_overrides(texts)
    services = [one for path, text in texts.items() for one in _services(path, text)]
    processes, followed = _processes(apps, texts, services)
    found = [
        _stranger(one.path, one.carrier, one.service, one.values)
        for one in processes
        if _best(apps, "environment", one.values, one.hint) is None
    ]
    for path, text in texts.items():
        if (
            path in followed
            or _UNIT.search(path)
            or path.endswith((*COMPOSE, *OVERRIDES))
            or _own_place(apps, path, text, services)
        ):
            continue
        place = load_place(_any_app(apps), path, "environment") if _holds_variables(path) else None
        if place is not None and place.carrier in ("dotenv", "shell"):
            found.append(_stranger(path, place.carrier, None, _values(place, text, [])))
    return [one for one in found if one is not None]


def _holds_variables(path: str) -> bool:
    return re.search(r"(^|/)[^/]*\.?env(\.[^/]+)?$|^/etc/(default|conf\.d|sysconfig)/[^/]+$", path) is not None


def _stranger(path: str, carrier: str, service: str | None, values: Mapping[str, str]) -> Stranger | None:
    values = {one: _SCHEME.sub("", value, count=1) for one, value in values.items()}
    names = [one for one, value in values.items() if _RELAY.fullmatch(one) and _NAME_OF_RELAY.fullmatch(value)]
    if not names:
        return None
    host, _colon, port = values[names[0]].partition(":")
    begun = re.sub(r"(HOSTNAME|HOST|SERVER|RELAY|ADDRESS|ADDR)$", "", names[0], flags=re.IGNORECASE)
    beside = [one for one in values if one.upper() == f"{begun}PORT".upper() and values[one].isdecimal()]
    port = port or (values[beside[0]] if beside else "")
    number = int(port) if port and 0 < int(port) < 65536 else None
    return Stranger(path, carrier, service, host, number, (names[0], *beside[:1]))


def _processes(
    apps: Sequence[Descriptor], texts: Mapping[str, str], services: Sequence[_Service]
) -> tuple[list[_Process], set[str]]:
    """What services and units give to their apps, and the files that they take it from."""
    followed: set[str] = set()
    processes: list[_Process] = []
    for service in services:
        if service.name is None:
            continue  # it is among the units
        text = texts[service.path]
        place = _carried(apps, service.path, "compose", service.name)
        files = _beside(service.path, _files(place, text, variables_beside(service.path, texts)))
        followed |= set(files)
        if "$" in text:
            followed.add(environment_of(service.path))
        values = _values(place, text, [texts[one] for one in files if one in texts])
        hint = f"{service.image} {service.name}"
        processes.append(_Process(service.path, "compose", service.name, hint, values, files))
    images = {one.path: one.image for one in services if one.name is None}
    for unit, (path, text) in _units(texts).items():
        name, _dot, kind = posixpath.basename(unit).rpartition(".")
        place = _carried(apps, path, _OF_UNITS[kind], None)
        files = _beside(unit, _files(place, text))
        followed |= set(files)
        values = _values(place, text, [texts[one] for one in files if one in texts])
        processes.append(_Process(path, _OF_UNITS[kind], None, f"{images.get(unit, '')} {name}", values, files, text))
    return processes, followed


def unit_of(path: str) -> str:
    """The unit that a drop-in is for; any other path as it is. Names of further files count from there."""
    return re.sub(r"\.(service|container)\.d/[^/]+$", r".\1", path)


def _beside(path: str, files: Iterable[str]) -> list[str]:
    """Files that are named in one, by their whole paths."""
    return [posixpath.normpath(posixpath.join(posixpath.dirname(path), one)) for one in files]


def _with_environment(
    apps: Sequence[Descriptor], spots: Sequence[Spot], processes: Sequence[_Process], services: Sequence[_Service]
) -> list[Spot]:
    """The same, with the variables of an app's process that win over its file; these are then no place of their own."""
    by_id = {app.id: app for app in apps}
    complete, used = [], set()
    for spot in spots:
        form = by_id[spot.app].forms.get("file")
        if spot.form != "file" or form is None or not form.overrides:
            complete.append(spot)
            continue
        alone = sum(1 for one in spots if one.app == spot.app and one.form == "file") == 1
        mine = [one for one in processes if _is_named(by_id[spot.app], one.hint)]
        shown = {(one.path, one.name) for one in services if spot.path in _behind_volumes(by_id[spot.app], one)}
        seen = [one for one in mine if (one.path, one.service) in shown]
        near = [one for one in mine if spot.path.startswith(posixpath.dirname(one.path).rstrip("/") + "/")]
        # A unit is for the file that a package has at its usual place; a container sees no file of the host but those it is shown.
        usual = [one for one in mine if one.carrier == "systemd" and (alone or spot.path in form.paths)]
        process = next(iter((*seen, *near, *usual)), None)
        if process is None:
            complete.append(spot)
            continue
        used.add((spot.app, process.path, process.service))
        environment = {name: process.values[name] for name in form.overrides if name in process.values}
        complete.append(replace(spot, environment=environment, process=(process.path, *process.files)))
    return [one for one in complete if (one.app, one.path, one.service) not in used]


# Which app


def _is_named(app: Descriptor, hint: str) -> bool:
    """Whether an image, a service, a unit or a path has the app's name in it."""
    words = _plain(hint)
    return any(_plain(one) in words for one in (app.images or (app.id,)))


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _best(apps: Sequence[Descriptor], kind: str, values: Mapping[str, str], hint: str) -> Descriptor | None:
    """The app whose variables these are. One that is only known by its variables needs that of its relay."""
    found = []
    for app in apps:
        form = app.forms.get(kind)
        if form is None or app.part_of:
            continue
        held = _paths_in(form, values)
        there = sum(1 for key in form.keys if key.path in held)
        relay = any("host" in key.names and key.path in held for key in form.keys)
        named = _is_named(app, hint)
        if (there and named) or (relay and _may_be(app, form, values)):
            found.append((named * _NAMED + there, app.id in _FIRST, app))
    return max(found, key=lambda one: one[:2])[-1] if found else None


def _paths_in(form: Form, values: Mapping[str, str]) -> set[KeyPath]:
    """The keys of a form that stand in variables, or in the text that one of them holds."""
    if not form.inside:
        return {(name,) for name in values}
    try:
        return set(load_format(form.format).read(values.get(form.inside, ""), form.section, form.dialect))
    except FormatError:
        return set()


def _may_be(app: Descriptor, form: Form, values: Collection[str]) -> bool:
    """Whether variables tell this app from others although nothing names it: many apps of other names have the same ones.

    Those of an app with signs do, where one of these is there; those of others only where one has more in its name than what all of them have.
    """
    if app.signs:
        return any(one in values for one in app.signs)
    if app.id in _FAMILIES or form.inside:
        return True
    return any(
        "__" in key.path[0] or not _COMMON.fullmatch(key.path[0].lower())
        for key in form.keys
        if "host" in key.names and key.path[0] in values
    )


def _own_place(apps: Sequence[Descriptor], path: str, text: str, services: Sequence[_Service]) -> Spot | None:
    """The app whose own file, or whose file of variables, this is."""
    found: list[tuple[int, bool, Spot]] = []
    for app in apps:
        hints = [path, *(one.name or one.path for one in services if path in _behind_volumes(app, one))]
        named = _is_named(app, " ".join(hints)) or any(path in form.paths for form in app.forms.values())
        for kind, form in app.forms.items():
            if kind == "file" and not _fits(form, path) and len(hints) == 1:
                continue
            weight = _weight(app, kind, path, text, named)
            if weight or (weight is None and named and kind == "file"):
                spot = Spot(app.id, path, kind)
                found.append((named * _NAMED + (weight or 0), app.id in _FIRST, spot))
    return max(found, key=lambda one: one[:2])[-1] if found else None


def _fits(form: Form, path: str) -> bool:
    return any(
        path == one
        or path.endswith(f"/{one.lstrip('/')}")
        or fnmatch.fnmatchcase(path if one.startswith("/") else path.rpartition("/")[2], one)
        for one in form.paths
    )


def _weight(app: Descriptor, kind: str, path: str, text: str, named: bool) -> int | None:
    """How many of the app's keys the file holds, with its relay or a key that only looks like one; None: unreadable."""
    try:
        place = load_place(app, path, kind)
        values = with_entries(app, place, text, place.read(text))[0]
    except AppError:
        return 0
    except FormatError:
        return _weight_of_parts(app, kind, path, text, named)
    form = place.form
    there = sum(1 for key in form.keys if values.get(key.path) is not None)
    relay = any("host" in key.read_names and values.get(key.path) is not None for key in form.keys)
    if kind == "environment" and not named and not _may_be(app, form, [path[0] for path in values]):
        return 0
    if kind == "environment" or relay or app.part_of:
        return there if relay or app.part_of else 0
    odd = interpret(app, form, values).findings
    odd += misplaced_findings(app, place, text) if named else []
    return there + 1 if (form.section or form.closed) and any(one["code"] == "unknown_key" for one in odd) else 0


def _weight_of_parts(app: Descriptor, kind: str, path: str, text: str, named: bool) -> int | None:
    """The same of a YAML file that is read as one document and has two: whose file it is, each of them can tell."""
    form = app.forms[kind]
    if kind != "file" or form.format != "yaml" or form.profiles:
        return None
    try:
        parts = documents_of(text, form.format)
    except FormatError:
        return None
    if len(parts) < 2:
        return None
    weights = [_weight(app, kind, path, text[one.start : one.end], named) or 0 for one in parts]
    return max(weights) or None


# What else is around


def _carried(apps: Sequence[Descriptor], path: str, carrier: str, service: str | None) -> Place:
    """Any app's place in this carrier: which variables stand there is the same for all of them."""
    return load_place(_any_app(apps), path, "environment", carrier, service)


def _any_app(apps: Sequence[Descriptor]) -> Descriptor:
    return next(app for app in apps if "environment" in app.forms and not app.forms["environment"].inside)


def _files(place: Place, text: str, variables: Mapping[str, str] | None = None) -> list[str]:
    try:
        return place.files(text, variables)
    except FormatError:
        return []


def _values(place: Place, text: str, others: Sequence[str]) -> dict[str, str]:
    """The variables by name; what is not known here is an empty text's opposite: there, with its spelling."""
    values: dict[str, str] = {}
    try:
        texts = [(place.read_other, one) for one in others]
        own = [(place.read, text)]
        for read, one in [*own, *texts] if place.files_win else [*texts, *own]:
            values.update({key[0]: _shown(value) for key, value in read(one).items()})
    except FormatError:
        pass
    return values


def _shown(value: t.Any) -> str:
    return value.text or "?" if isinstance(value, Opaque) else "" if value is None else str(value)


def _services(path: str, text: str) -> Iterator[_Service]:
    if path.endswith(".container"):
        held = {key: re.findall(rf"(?m)^{key}[ \t]*=[ \t]*(\S+)", text) for key in ("Image", "Volume")}
        yield _Service(path, None, "".join(held["Image"][-1:]), tuple(_volumes(path, held["Volume"])))
    if not path.endswith(COMPOSE):
        return
    for name, one in services_of(text).items():
        if isinstance(one, Mapping):
            yield _Service(path, str(name), str(one.get("image") or ""), tuple(_volumes(path, one.get("volumes"))))


def _volumes(path: str, raw: t.Any) -> Iterator[tuple[str, str]]:
    folder = posixpath.dirname(path)
    for one in raw if isinstance(raw, list) else ():
        if isinstance(one, str):
            source, _colon, target = one.partition(":")
            target = target.partition(":")[0]
        elif isinstance(one, Mapping):
            source, target = str(one.get("source") or ""), str(one.get("target") or "")
        else:
            continue
        if not source or not target:
            continue
        if source.startswith((".", "/")):
            yield posixpath.normpath(posixpath.join(folder, source)), posixpath.normpath(target)
        elif not source.startswith(("~", "$")):
            project = re.sub(r"[^a-z0-9_-]", "", posixpath.basename(folder).lower())
            yield f"/var/lib/docker/volumes/{project}_{source}/_data", posixpath.normpath(target)


def _behind_volumes(app: Descriptor, service: _Service) -> list[str]:
    """Where the host has the app's own file that its container has at one of its usual places."""
    form = app.forms.get("file")
    paths = []
    for source, target in service.volumes:
        for usual in form.paths if form is not None else ():
            if usual == target:
                paths.append(source)
            elif usual.startswith(f"{target.rstrip('/')}/"):
                paths.append(posixpath.normpath(source + usual[len(target.rstrip("/")) :]))
            elif not usual.startswith("/"):
                name = posixpath.basename(usual)
                paths += [source] if posixpath.basename(target) == name else [f"{source}/{name}", f"{source}/{usual}"]
    return paths


def _units(texts: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Each unit with its drop-ins as one text, which is how systemd reads them, by the unit's own path; beside it, the path of the last one."""
    units: dict[str, tuple[str, str]] = {}
    for path in sorted(texts, key=lambda one: (".d/" in one, one)):
        if _UNIT.search(path):
            unit = unit_of(path)
            before = units.get(unit, ("", ""))[1]
            units[unit] = (path, f"{before}\n{texts[path]}" if before else texts[path])
    return units
