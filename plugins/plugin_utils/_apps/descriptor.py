# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A descriptor: one file of data, ``<id>.yml``, read and checked. docs/apps.md explains every key."""

from __future__ import annotations

import difflib
import re
import typing as t
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml
from ansible_collections.mailops.smtp.plugins.module_utils._observe.mechanisms import MECHANISMS as AUTH_MECHANISMS
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.formats import FORMAT_NAMES, KeyPath, dialects_of
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.model import (
    FORMS,
    MODEL,
    PARTS,
    AppError,
    Descriptor,
    Form,
    Key,
    Limit,
    Mode,
    Switch,
    Trap,
    Word,
    kinds_of,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.pattern import (
    Booleans,
    Kinds,
    Pattern,
    PatternError,
    Scalar,
    parse_pattern,
)
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import SECURITY_MODES
from ansible_collections.mailops.smtp.plugins.plugin_utils._verdict.runtimes import RUNTIMES

__all__ = ("AppError", "Descriptor", "known_apps", "load_descriptor", "parse_descriptor")

_BUILT_IN = Path(__file__).parent / "descriptors"
_ABILITIES = ("exact", "weaker", "stronger", "no")
# What apps can do and a probe cannot.
_FURTHER_MECHANISMS = ("DIGEST-MD5", "NTLM")
# Measured: Go's clients refuse to send a password to another host without TLS, those of the others send it.
_CLEARTEXT_LOGIN = {
    "go": "withheld",
    **dict.fromkeys(("node", "php", "ruby", "java", "python", "erlang"), "sent"),
}
_WORD_SOURCES = ("security", "validate_certs", "auth_mechanism", "login", "fixed")
_KEYS = (
    "id",
    "name",
    "restart",
    "validate",
    "test_mail",
    "test_command",
    "trust",
    "measured",
    "mechanisms",
    "runtime",
    "cleartext_login",
    "half_login",
    "words",
    "security",
    "port_decides",
    "reads",
    "parts",
    "part_of",
    "looked_up",
    "default_port",
    "forms",
    "limits",
    "missing",
    "traps",
    "notes",
    "images",
    "signs",
    "sources",
)
_FORM_KEYS = (
    "format",
    "formats",
    "dialect",
    "section",
    "or_sections",
    "flat",
    "paths",
    "indent",
    "texts",
    "lenient",
    "booleans",
    "keys",
    "known_keys",
    "closed",
    "refuses_unknown",
    "overrides",
    "ignores_empty",
    "superseded",
    "nulls",
    "password_elsewhere",
    "entries",
    "entry_keys",
    "known_at",
    "one_of",
    "with_file",
    "host_with_port",
    "apply",
    "default_port",
    "note",
    "proven",
    "switches",
    "inside",
    "profiles",
)
_OLD_KEYS = ("format", "section", "keys", "inverted", "other_keys", "always", "keep", "environment", "paths")


def known_apps(folder: Path | None = None) -> list[str]:
    """The ids of all descriptors, the built-in ones and those of the user's folder. Raises AppError."""
    if folder is not None and not folder.is_dir():
        raise AppError(
            f"descriptors is {folder}, which is no folder on the controller; write the folder that holds your"
            " <app>.yml."
        )
    places = [_BUILT_IN] if folder is None else [_BUILT_IN, folder]
    return sorted({path.stem for place in places for path in place.glob("*.yml")})


def load_descriptor(app: str, folder: Path | None = None) -> Descriptor:
    """Read the descriptor of an app; the user's folder goes before the built-in ones. Raises AppError."""
    apps = known_apps(folder)
    if app not in apps:
        near = difflib.get_close_matches(str(app).lower(), apps, 3, 0.7) or apps
        raise AppError(
            f"app is '{str(app)[:60]}', which is not known here; write {' or '.join(near)},"
            " or describe the app in a folder of your own and name it in descriptors."
        )
    place = next(place for place in (folder, _BUILT_IN) if place is not None and (place / f"{app}.yml").is_file())
    path = place / f"{app}.yml"
    try:
        raw = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)
    except (OSError, UnicodeDecodeError) as error:
        raise AppError(f"The descriptor {path} cannot be read: {error}.") from None
    except yaml.YAMLError as error:
        raise AppError(f"The descriptor {path} is not valid YAML: {' '.join(str(error).split())}.") from None
    try:
        descriptor = parse_descriptor(raw)
    except AppError as error:
        raise AppError(f"The descriptor {path} is wrong: {error}") from None
    if descriptor.id != app:
        raise AppError(
            f"The descriptor {path} is wrong: id is {descriptor.id}, but the file is named {app}.yml; make them the"
            " same."
        )
    return descriptor


if t.TYPE_CHECKING:
    from yaml import SafeLoader as _FastLoader
else:
    # libyaml where PyYAML has it: an audit reads the descriptors of all apps on each of its workers.
    _FastLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StrictLoader(_FastLoader):
    """Refuses a key that is there twice: the second would silently win, and a key would lose what it holds."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[t.Any, t.Any]:
        seen: set[str] = set()
        for key, _value in node.value:
            if key.value in seen and key.value != "<<":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value} is there twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


# Checking


def parse_descriptor(raw: t.Any) -> Descriptor:
    """Check the data of a descriptor. Raises AppError."""
    data = _mapping(raw, "the file")
    if "forms" not in data and any(key in data for key in ("keys", "inverted", "other_keys")):
        raise AppError(
            f"{', '.join(key for key in _OLD_KEYS if key in data)} stand below forms.file now, and there is no"
            " template; docs/apps.md explains it."
        )
    _only_known(data, _KEYS, "")
    for key in ("id", "name", "security", "forms"):
        if key not in data:
            raise AppError(f"{key} is missing; docs/apps.md explains it.")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", str(data["id"])):
        raise AppError("id must be a word of small letters, digits and underscores, such as pangolin.")
    modes = _modes(_mapping(data["security"], "security"))
    words = _words(_mapping(data.get("words") or {}, "words"), modes)
    parts = _mapping(data.get("parts") or {}, "parts")
    forms = _forms(_mapping(data["forms"], "forms"), words, bool(data.get("part_of")))
    port_decides = _ports(data, "port_decides")
    for port, mode in port_decides.items():
        if mode not in SECURITY_MODES:
            raise AppError(f"port_decides.{port} is {mode}; write one of {', '.join(SECURITY_MODES)}.")
    if not data.get("part_of"):
        _modes_can_be_told_apart(modes, port_decides)
    descriptor = Descriptor(
        id=str(data["id"]),
        name=str(data["name"]),
        forms=forms,
        words=words,
        security=modes,
        port_decides=port_decides,
        reads=_reads(data, words),
        parts={str(app): str(path) for app, path in parts.items()},
        part_of=str(data.get("part_of") or ""),
        default_port=data.get("default_port"),
        mechanisms=_mechanisms(data),
        runtime=_runtime(data),
        cleartext_login=_cleartext_login(data),
        limits=_limits(data, "limits", "not_expressible"),
        missing=_limits(data, "missing", "setting_missing"),
        traps=_traps(data, words, forms),
        notes=_texts(data, "notes"),
        sources=_texts(data, "sources"),
        images=_texts(data, "images"),
        signs=_texts(data, "signs"),
        looked_up=_expression(data, "looked_up"),
        half_login=_word(data, "half_login", ("stops",)),
        test_command=_texts(data, "test_command"),
        **{key: str(data.get(key) or "") for key in ("restart", "validate", "test_mail", "trust", "measured")},
    )
    for form in forms.values():
        _form_holds_every_mode(descriptor, form)
    return descriptor


def _modes(data: Mapping[str, t.Any]) -> dict[str, Mode]:
    _only_known(data, SECURITY_MODES, "security.")
    modes = {}
    for name in SECURITY_MODES:
        if name not in data:
            raise AppError(f"security.{name} is missing; write what the app can: {', '.join(_ABILITIES)}.")
        mode = _mapping(data[name], f"security.{name}")
        _only_known(mode, ("can", "means", "set", "unverified", "ports", "note"), f"security.{name}.")
        # A bare `no` is a boolean in YAML 1.1.
        can = "no" if mode.get("can") is False else mode.get("can")
        if can not in _ABILITIES:
            raise AppError(f"security.{name}.can is {can}; write one of {', '.join(_ABILITIES)}.")
        means = mode.get("means", name if can in ("exact", "no") else None)
        if means not in SECURITY_MODES:
            raise AppError(
                f"security.{name}.means must say the mode that the app is then in; write one of"
                f" {', '.join(SECURITY_MODES)}."
            )
        if (can == "exact") != (means == name) and can != "no":
            raise AppError(
                f"security.{name} is {can} but means {means}; exact means the same mode, weaker and stronger another"
                " one."
            )
        ports = mode.get("ports") or []
        if not isinstance(ports, list) or not all(isinstance(port, int) for port in ports):
            raise AppError(f"security.{name}.ports must be a list of port numbers.")
        modes[name] = Mode(
            can,
            means,
            _scalars(mode, "set", f"security.{name}"),
            _scalars(mode, "unverified", f"security.{name}"),
            tuple(ports),
            str(mode.get("note") or ""),
        )
    return modes


def _modes_can_be_told_apart(modes: Mapping[str, Mode], port_decides: Mapping[int, str]) -> None:
    able = [(name, mode) for name, mode in modes.items() if mode.can != "no"]
    for index, (name, mode) in enumerate(able):
        for other, second in able[index + 1 :]:
            apart = any(mode.words[word] != second.words[word] for word in mode.words.keys() & second.words.keys())
            apart = (
                apart
                or bool(set(mode.ports) ^ set(second.ports))
                or mode.means in port_decides.values()
                or second.means in port_decides.values()
            )
            if mode.means != second.means and not apart:
                raise AppError(
                    f"security.{name} and security.{other} cannot be told apart when they are read back; give them"
                    " other words in set,"
                    " or the same mode in means."
                )


def _words(data: Mapping[str, t.Any], modes: Mapping[str, Mode]) -> dict[str, Word]:
    """The words that modes set, and those that follow from something else."""
    words: dict[str, Word] = {}
    used = dict.fromkeys(word for mode in modes.values() for word in (*mode.words, *mode.unverified))
    for name in dict.fromkeys([*used, *data]):
        if name in MODEL or name in PARTS or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise AppError(
                f"the word {name} must have a name of small letters, digits and underscores that is no setting of ours."
            )
        raw = _mapping(data.get(name) or {}, f"words.{name}")
        _only_known(raw, ("follows", "values", "default", "unknown", "exact_case", "open"), f"words.{name}.")
        follows = raw.get("follows", "security" if name in used else "fixed")
        if isinstance(follows, list) or follows in used:
            words[name] = _follower(name, raw, [follows] if isinstance(follows, str) else follows, used)
            continue
        if follows not in _WORD_SOURCES:
            raise AppError(f"words.{name}.follows is {follows}; write one of {', '.join(_WORD_SOURCES)}.")
        if (follows == "security") != (name in used):
            raise AppError(
                f"words.{name} follows {follows}; a word that stands in security.<mode>.set follows security, and no"
                " other does."
            )
        values = _mapping(raw.get("values") or {}, f"words.{name}.values", keep_keys=True)
        if follows == "security":
            values = {
                **values,
                **{mode: modes[mode].words[name] for mode in modes if name in modes[mode].words},
                **{
                    f"{mode}, unverified": modes[mode].unverified[name]
                    for mode in modes
                    if name in modes[mode].unverified
                },
            }
        if not values:
            raise AppError(f"words.{name}.values is missing; write what the word is for each value of {follows}.")
        if follows == "auth_mechanism":
            for key in values:
                if key not in (*AUTH_MECHANISMS, "none", "any"):
                    raise AppError(
                        f"words.{name}.values.{key} is not a mechanism; write one of {', '.join(AUTH_MECHANISMS)},"
                        " none or any."
                    )
        if follows in ("validate_certs", "login") and set(values) != {True, False}:
            raise AppError(f"words.{name}.values must say what the word is for true and for false.")
        exact = raw.get("exact_case") is True
        is_open = raw.get("open") is True
        words[name] = Word(name, follows, values, raw.get("default"), raw.get("unknown"), exact, is_open)
    return words


def _follower(name: str, raw: Mapping[str, t.Any], follows: Sequence[str], used: Mapping[str, t.Any]) -> Word:
    """A word that is another spelling of one or several words of the mode: ``{"true,false": smtps}``."""
    for other in follows:
        if other not in used:
            raise AppError(f"words.{name}.follows names {other}, which stands in no security.<mode>.set.")
    values = _mapping(raw.get("values") or {}, f"words.{name}.values", keep_keys=True)
    texts = {
        _spelt_words([key] if isinstance(key, bool) else str(key).split(",")): value for key, value in values.items()
    }
    if not texts or len(set(texts.values())) != len(texts):
        raise AppError(f"words.{name}.values must say another word for each of {', '.join(follows)}.")
    return Word(name, tuple(follows), texts, None, raw.get("unknown"))


def _spelt_words(values: Sequence[t.Any]) -> str:
    return ",".join(str(value).strip().lower() for value in values)


def _reads(
    data: Mapping[str, t.Any], words: Mapping[str, Word]
) -> tuple[tuple[Mapping[str, tuple[Scalar, ...]], str], ...]:
    raw = data.get("reads", [])
    if not isinstance(raw, list):
        raise AppError("reads must be a list.")
    rules = []
    for number, entry in enumerate(raw):
        one = _mapping(entry, f"reads[{number}]")
        _only_known(one, ("when", "is"), f"reads[{number}].")
        if one.get("is") not in SECURITY_MODES:
            raise AppError(f"reads[{number}].is is {one.get('is')}; write one of {', '.join(SECURITY_MODES)}.")
        rules.append((_conditions(one.get("when") or {}, f"reads[{number}].when", [*words, "port"]), str(one["is"])))
    return tuple(rules)


def _forms(data: Mapping[str, t.Any], words: Mapping[str, Word], part: bool) -> dict[str, Form]:
    _only_known(data, FORMS, "forms.")
    if not data:
        raise AppError(f"forms is empty; write {' or '.join(FORMS)} with the keys that the app has there.")
    return {kind: _form(kind, _mapping(raw, f"forms.{kind}"), words, part) for kind, raw in data.items()}


def _form(kind: str, data: Mapping[str, t.Any], words: Mapping[str, Word], part: bool) -> Form:
    where, kinds = f"forms.{kind}", kinds_of(words)
    _only_known(data, _FORM_KEYS, f"{where}.")
    name, dialect = _format_and_dialect(kind, data, where)
    flat = data.get("flat", kind == "environment") is True
    section = str(data.get("section") or "")
    prefix = tuple(section.split(".")) if section else ()
    keys = tuple(
        _key(str(text), (*prefix, *([str(text)] if flat else str(text).split("."))), raw, kinds, f"{where}.keys.{text}")
        for text, raw in _mapping(data.get("keys", {}), f"{where}.keys").items()
    )
    _no_key_inside_another(keys, where)
    held = {name for key in keys for name in key.names}
    for needed in ("host", "port"):
        if needed not in held and not part:
            raise AppError(f"{where}.keys holds no {{{needed}}}; every app needs to know its relay.")
    return Form(
        kind=kind,
        format=name,
        formats=_formats(data, where),
        dialect=dialect,
        section=prefix,
        or_sections=tuple(tuple(one.split(".")) for one in _texts(data, "or_sections")),
        paths=_texts(data, "paths"),
        indent=int(data.get("indent", 2)),
        booleans=_booleans(data.get("booleans"), f"{where}.booleans"),
        texts=data.get("texts") is True,
        lenient=data.get("lenient") is True,
        keys=keys,
        known_keys=_texts(data, "known_keys"),
        closed=("*",) if data.get("closed") is True else _texts(data, "closed"),
        refuses_unknown=data.get("refuses_unknown") is True,
        overrides=_overrides(data, kinds, where),
        ignores_empty=data.get("ignores_empty") is True,
        superseded=_superseded(data, where),
        nulls=_texts(data, "nulls"),
        password_elsewhere=_texts(data, "password_elsewhere"),
        entries=_texts(data, "entries"),
        entry_keys=_entry_keys(data, where),
        known_at=_known_at(data, where),
        one_of=_one_of(data, where),
        host_with_port=data.get("host_with_port") is True,
        with_file=_with_file(data, where),
        apply=str(data.get("apply") or ""),
        note=str(data.get("note") or ""),
        proven=str(data.get("proven") or ""),
        switches={
            (*prefix, *([text] if flat else text.split("."))): _switch(raw, f"{where}.switches.{text}")
            for text, raw in _mapping(data.get("switches") or {}, f"{where}.switches").items()
        },
        default_port=data.get("default_port"),
        inside=str(data.get("inside") or ""),
        profiles=data.get("profiles") is True,
    )


def _format_and_dialect(kind: str, data: Mapping[str, t.Any], where: str) -> tuple[str, str]:
    name = str(data.get("format") or ("dotenv" if kind == "environment" else ""))
    if name not in FORMAT_NAMES:
        raise AppError(f"{where}.format is {name or 'missing'}; write {' or '.join(FORMAT_NAMES)}.")
    dialect = str(data.get("dialect") or "")
    if dialect and dialect not in dialects_of(name):
        raise AppError(
            f"{where}.dialect is {dialect}, which {name} does not have; write"
            f" {' or '.join(dialects_of(name)) or 'none'}."
        )
    return name, dialect


def _overrides(data: Mapping[str, t.Any], kinds: Kinds, where: str) -> dict[str, str]:
    overrides = {
        str(variable): str(setting)
        for variable, setting in _mapping(data.get("overrides") or {}, f"{where}.overrides").items()
    }
    for variable, setting in overrides.items():
        if setting not in MODEL and setting not in kinds:
            raise AppError(
                f"{where}.overrides.{variable} is {setting}, which is not a setting; write one of {', '.join(MODEL)}."
            )
    return overrides


def _superseded(data: Mapping[str, t.Any], where: str) -> dict[str, str]:
    old_names = _mapping(data.get("superseded") or {}, f"{where}.superseded")
    return {str(old): str(new) for old, new in old_names.items()}


def _entry_keys(data: Mapping[str, t.Any], where: str) -> dict[str, str]:
    found = _mapping(data.get("entry_keys") or {}, f"{where}.entry_keys")
    for name, ours in found.items():
        if ours not in (data.get("keys") or {}):
            raise AppError(f"{where}.entry_keys.{name} is {ours}, which is no key of {where}.keys; write one of those.")
    if bool(found) != bool(data.get("entries")):
        raise AppError(f"{where} must have both entries and entry_keys, or neither.")
    return {name: str(ours) for name, ours in found.items()}


def _known_at(data: Mapping[str, t.Any], where: str) -> dict[KeyPath, tuple[str, ...]]:
    """By place, with the keys of ours that stand there, too."""
    places = _mapping(data.get("known_at") or {}, f"{where}.known_at")
    own = {".".join(_texts(data, "entries")): tuple(data.get("entry_keys") or {})}
    return {
        tuple(str(place).split(".")) if place else (): (*own.get(str(place), ()), *_texts(places, place))
        for place in places
    }


def _one_of(data: Mapping[str, t.Any], where: str) -> dict[KeyPath, tuple[tuple[str, ...], ...]]:
    """By place, the groups of keys of which the app takes one."""
    found = {}
    for place, groups in _mapping(data.get("one_of") or {}, f"{where}.one_of").items():
        if not isinstance(groups, list) or not all(isinstance(one, list) and len(one) > 1 for one in groups):
            raise AppError(f"{where}.one_of.{place} must be a list of lists of keys, such as [[smtp, filesystem]].")
        found[tuple(str(place).split(".")) if place else ()] = tuple(tuple(map(str, one)) for one in groups)
    return found


def _with_file(data: Mapping[str, t.Any], where: str) -> str:
    if data.get("with_file") not in (None, "stops", "file"):
        raise AppError(f"{where}.with_file is {data['with_file']}; write stops, or file, or leave it out.")
    return str(data.get("with_file") or "")


def _formats(data: Mapping[str, t.Any], where: str) -> tuple[str, ...]:
    names = _texts(data, "formats")
    for name in names:
        if name not in FORMAT_NAMES:
            raise AppError(f"{where}.formats names {name}; write some of {', '.join(FORMAT_NAMES)}.")
    return names


def _switch(raw: t.Any, where: str) -> Switch:
    data = _mapping(raw, where)
    _only_known(data, ("used", "unused", "elsewhere"), f"{where}.")
    both = {"used", "unused"} <= set(data)
    if not data or both or not all(isinstance(value, list) and value for value in data.values()):
        raise AppError(f"{where} must have either used or unused, and may have elsewhere; each is a list of values.")
    return Switch(**{str(key): tuple(value) for key, value in data.items()})


def _key(text: str, path: KeyPath, raw: t.Any, kinds: Kinds, where: str) -> Key:
    if not isinstance(raw, Mapping):
        raw = {"value": raw}
    data = _mapping(raw, where)
    known = ("value", "constant", "accept", "keep", "empty", "if_there", "when", "also_read", "several", "old")
    _only_known(data, known, f"{where}.")
    if set(data) == {"old"}:
        return Key(path, also_read=_patterns(data["old"], kinds, where))
    if "old" in data:
        raise AppError(f"{where}.old must be alone: a key of old is read, and taken out where the others are written.")
    if ("value" in data) == ("constant" in data):
        raise AppError(f"{where} must have either value, a pattern such as '{{host}}', or constant.")
    when = _conditions(data.get("when") or {}, f"{where}.when", [*kinds, "security", "login"])
    if "constant" in data:
        if not isinstance(data["constant"], (str, int, bool)):
            raise AppError(f"{where}.constant must be a text, a number, true or false.")
        accept, also = tuple(data.get("accept") or ()), _patterns(data.get("also_read") or [], kinds, where)
        return Key(path, constant=data["constant"], accept=accept, when=when, also_read=also)
    keep, if_there = data.get("keep") is True, data.get("if_there") is True
    return Key(
        path,
        _patterns(data["value"], kinds, where),
        keep=keep,
        empty=data.get("empty"),
        if_there=if_there,
        when=when,
        also_read=_patterns(data.get("also_read") or [], kinds, where),
        several=_texts(data, "several"),
    )


def _patterns(raw: t.Any, kinds: Kinds, where: str) -> tuple[Pattern, ...]:
    patterns = []
    for source in raw if isinstance(raw, list) else [raw]:
        if not isinstance(source, str):
            raise AppError(f"{where} must be a pattern such as '{{host}}', in quotes, or {{constant: {source}}}.")
        try:
            patterns.append(parse_pattern(source, kinds))
        except PatternError as error:
            raise AppError(f"{where}: {error}.") from None
    return tuple(patterns)


def _no_key_inside_another(keys: Sequence[Key], where: str) -> None:
    paths = [key.path for key in keys]
    for index, path in enumerate(paths):
        for other in paths[index + 1 :]:
            if path == other[: len(path)] or other == path[: len(other)]:
                raise AppError(
                    f"{where}.keys maps two things to one key: {'.'.join(path)} and {'.'.join(other)}; one stands"
                    " inside the other."
                )


# Harmless values that every pattern must give back; awkward ones are refused when they are written.
_SAMPLE: Mapping[str, Scalar] = {
    "host": "smtp.example.com",
    "validate_certs": True,
    "ca_path": "/etc/ssl/ca.pem",
    "server_name": "mx.example.com",
    "username": "user",
    "password": "secret",
    "sender": "app@example.com",
    "sender_local": "app",
    "sender_domain": "example.com",
    "sender_name": "App",
    "helo_name": "h.example.com",
    "timeout": 10.0,
    "timeout_always": 10.0,
    "auth_mechanism": "PLAIN",
    "source_address": "192.0.2.1",
    "ip_version": "4",
}


def _form_holds_every_mode(descriptor: Descriptor, form: Form) -> None:
    """Every mode that the app has is printed in this form and parsed back to the same words."""
    for name, mode in descriptor.security.items():
        if mode.can == "no":
            continue
        port = mode.ports[0] if mode.ports else 465 if name == "implicit_tls" else 587
        sample: dict[str, Scalar] = {**_SAMPLE, "port": port, "secure": name == "implicit_tls"}
        for word in descriptor.words.values():
            if isinstance(word.follows, tuple):
                sample[word.name] = word.values.get(_spelt_words([mode.words.get(one) for one in word.follows]))
            else:
                sample[word.name] = mode.words.get(word.name, next(iter(word.values.values())))
        for key in form.keys:
            for pattern in key.patterns:
                try:
                    written = pattern.write(sample, form.booleans)
                except PatternError:
                    written = None
                if written is None and all(sample.get(one) is not None for one in pattern.names):
                    raise AppError(
                        f"forms.{form.kind}.keys.{key.text} cannot be read back: '{pattern.source}' gives other"
                        " values than were written into it."
                    )
        for word_name in mode.words:
            if not descriptor.holds(form, word_name) and not descriptor.parts:
                raise AppError(f"security.{name}.set names {word_name}, which no key of forms.{form.kind} holds.")


def _mechanisms(data: Mapping[str, t.Any]) -> tuple[str, ...]:
    names = _texts(data, "mechanisms")
    for name in names:
        if name not in (*AUTH_MECHANISMS, *_FURTHER_MECHANISMS):
            raise AppError(
                f"mechanisms names {name}; write some of {', '.join((*AUTH_MECHANISMS, *_FURTHER_MECHANISMS))}, those that the app likes best"
                " first."
            )
    return names


def _word(data: Mapping[str, t.Any], name: str, words: Sequence[str]) -> str:
    word = str(data.get(name) or "")
    if word not in ("", *words):
        raise AppError(f"{name} is {word}; write {' or '.join(words)}, or leave it out.")
    return word


def _expression(data: Mapping[str, t.Any], name: str) -> str:
    text = str(data.get(name) or "")
    try:
        groups = re.compile(text).groups
    except re.error as error:
        raise AppError(f"{name} is no regular expression: {error}.") from None
    if text and groups != 1:
        raise AppError(f"{name} must be a regular expression with one group.")
    return text


def _cleartext_login(data: Mapping[str, t.Any]) -> str:
    """What is written of it, or what the mail clients of its runtime do."""
    return _word(data, "cleartext_login", ("sent", "withheld")) or _CLEARTEXT_LOGIN.get(
        str(data.get("runtime") or ""), ""
    )


def _runtime(data: Mapping[str, t.Any]) -> str:
    name = str(data.get("runtime") or "")
    if name and name not in RUNTIMES:
        raise AppError(
            f"runtime is {name}; write one of {', '.join(RUNTIMES)}, whose TLS the app has, or leave it out."
        )
    return name


def _ports(data: Mapping[str, t.Any], part: str) -> dict[int, str]:
    raw = _mapping(data.get(part) or {}, part, keep_keys=True)
    if not all(isinstance(port, int) for port in raw):
        raise AppError(f"{part} must map ports to modes, such as 465: implicit_tls.")
    return {int(port): str(mode) for port, mode in raw.items()}


def _booleans(raw: t.Any, where: str) -> Booleans:
    data = _mapping(raw or {}, where, keep_keys=True)
    data = {str(key).lower(): value for key, value in data.items()}
    _only_known(data, ("true", "false", "otherwise", "exact"), f"{where}.")
    plain = Booleans()

    def words(key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = data.get(key, list(default))
        return tuple(str(one) for one in (value if isinstance(value, list) else [value]))

    exact = data.get("exact") is True
    made = Booleans(words("true", plain.true), words("false", plain.false), data.get("otherwise"), exact)
    if not made.true or not made.false or {one.lower() for one in made.true} & {one.lower() for one in made.false}:
        raise AppError(f"{where} must have different words for true and for false.")
    return made


def _limits(data: Mapping[str, t.Any], part: str, code: str) -> dict[str, Limit]:
    limits = {}
    for name, raw in _mapping(data.get(part) or {}, part).items():
        if name not in MODEL:
            raise AppError(f"{part}.{name} is not a setting; write one of {', '.join(MODEL)}.")
        limits[name] = _limit(_mapping(raw, f"{part}.{name}"), f"{part}.{name}", code)
    return limits


def _limit(entry: Mapping[str, t.Any], where: str, code: str) -> Limit:
    _only_known(entry, ("code", "severity", "message", "remedy", "refuse"), f"{where}.")
    for key in ("message", "remedy"):
        if not isinstance(entry.get(key), str):
            raise AppError(f"{where}.{key} is missing; write one sentence.")
    severity = entry.get("severity", "info")
    if severity not in ("info", "warning", "error"):
        raise AppError(f"{where}.severity is {severity}; write info, warning or error.")
    return Limit(str(entry.get("code", code)), severity, entry["message"], entry["remedy"], entry.get("refuse") is True)


def _traps(data: Mapping[str, t.Any], words: Mapping[str, Word], forms: Mapping[str, Form]) -> tuple[Trap, ...]:
    keys = [
        name
        for form in forms.values()
        for name in (*(".".join(path[len(form.section) :]) for path in form.managed), *form.known_keys)
    ]
    raw = data.get("traps", [])
    if not isinstance(raw, list):
        raise AppError("traps must be a list.")
    traps = []
    for number, entry in enumerate(raw):
        where = f"traps[{number}]"
        one = _mapping(entry, where)
        when = _conditions(
            one.pop("when", None) or {}, f"{where}.when", [*kinds_of(words), "security", "asked", "login"]
        )
        texts = _mapping(one.pop("holds", None) or {}, f"{where}.holds")
        _only_known(texts, keys, f"{where}.holds.")
        by = _texts(one, "logs_in_by")
        one.pop("logs_in_by", None)
        _only_known(dict.fromkeys(by), (*AUTH_MECHANISMS, *_FURTHER_MECHANISMS), f"{where}.logs_in_by.")
        traps.append(
            Trap(
                _limit(one, where, "trap"),
                when,
                {key: None if text is None else str(text) for key, text in texts.items()},
                by,
            )
        )
    return tuple(traps)


def _conditions(raw: t.Any, where: str, names: Sequence[str]) -> dict[str, tuple[Scalar, ...]]:
    data = _mapping(raw, where)
    _only_known(data, names, f"{where}.")
    return {name: tuple(value) if isinstance(value, list) else (value,) for name, value in data.items()}


def _scalars(data: Mapping[str, t.Any], key: str, where: str) -> dict[str, Scalar]:
    raw = _mapping(data.get(key) or {}, f"{where}.{key}")
    for name, value in raw.items():
        if not isinstance(value, (str, int, bool)):
            raise AppError(f"{where}.{key}.{name} must be a text, a number, true or false.")
    return raw


def _mapping(raw: t.Any, what: str, *, keep_keys: bool = False) -> dict[t.Any, t.Any]:
    if not isinstance(raw, Mapping):
        raise AppError(f"{what} must be a mapping of keys.")
    return {key if keep_keys else str(key): value for key, value in raw.items()}


def _texts(data: Mapping[str, t.Any], key: str) -> tuple[str, ...]:
    raw = data.get(key) or []
    if not isinstance(raw, Sequence) or isinstance(raw, str) or not all(isinstance(entry, str) for entry in raw):
        raise AppError(f"{key} must be a list of names.")
    return tuple(raw)


def _only_known(data: Mapping[str, t.Any], known: Sequence[str], prefix: str) -> None:
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1) or known
            raise AppError(f"{prefix}{key} is not known; write {' or '.join(near)}.")
