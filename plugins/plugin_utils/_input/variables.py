# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a playbook: what is missing, misspelt or of another kind, in one sentence. Pure.

A playbook cannot have argument specs as a role has, and an unknown variable is no mistake in itself: an inventory has
variables for many things. So a name is called misspelt only where it is close to one that the playbook takes.
"""

from __future__ import annotations

import difflib
import re
import typing as t
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import to_bool

__all__ = ("UNREADABLE", "Variable", "check_variables")

# How alike two names must be, beyond what they begin with.
_ALIKE = 0.8
_BEGIN = "mail_"
_NUMBER = re.compile(r"\s*[+-]?[0-9]+([.][0-9]*)?\s*")
_WHOLE = re.compile(r"\s*[+-]?[0-9]+\s*")
# Names of the collection, whose misspelt neighbours are looked for.
_OURS = (_BEGIN, "mailpit_")
# In place of a value whose template fails: whoever uses the variable says why.
UNREADABLE: t.Final = object()


class Variable(t.NamedTuple):
    """What a playbook takes: ``kind`` is a type of argument specs. ``advice``: what to write, for a required one.

    ``default``: what the variable has where nobody has set it; a play with the role in it has the role's defaults, too.
    """

    name: str
    kind: str = "raw"
    choices: tuple[str, ...] = ()
    advice: str = ""
    required: bool = False
    default: object = None


def check_variables(
    variables: Iterable[Variable],
    names: Collection[str],
    value_of: Callable[[str], t.Any],
    known: Collection[str] = (),
    whose: str = "this playbook",
) -> None:
    """``names``: all variables of the host. ``value_of`` gives the value of one. ``known``: further names that are right.
    ``whose`` variables they are, for people.

    Raises SettingsError.
    """
    taken = {one.name: one for one in variables}
    for one in taken.values():
        value = value_of(one.name) if one.name in names else None
        if value is UNREADABLE:
            continue
        if value is None or (isinstance(value, (str, Mapping, Sequence)) and len(value) == 0):
            if one.required:
                raise _missing(one, names, {*taken, *known})
            continue
        _check_kind(one, value)
    for name in sorted(names):
        if name.startswith(_OURS) and name not in taken and name not in known:
            near = _near(name, [one for one in taken if one.partition("_")[0] == name.partition("_")[0]])
            # Where the right one is there as well, the other one is somebody's own.
            if near is not None and (near not in names or value_of(near) in (None, taken[near].default)):
                raise SettingsError(f"{name} is no variable of {whose}; write {near}.", name)


def _missing(wanted: Variable, names: Collection[str], right: Collection[str]) -> SettingsError:
    others = [name for name in names if name not in right and name.startswith(_BEGIN[:3])]
    near = next(iter(difflib.get_close_matches(wanted.name, others, 1, _ALIKE + 0.05)), None)
    if near is not None:
        return SettingsError(
            f"{wanted.name} is missing; {near} is there, write {wanted.name} in its place.", wanted.name
        )
    # What is typed on the command line is no matter of one host.
    whose = "" if wanted.advice.startswith("write -e") else " for this host"
    return SettingsError(f"{wanted.name} is missing{whose}; {wanted.advice}.", wanted.name)


def _near(name: str, taken: Iterable[str]) -> str | None:
    """The variable that was probably meant: alike in all that follows what both begin with."""
    best = None
    for one in taken:
        begin = _common_words(name, one)
        rest, other = name[len(begin) :], one[len(begin) :]
        alike = difflib.SequenceMatcher(None, rest, other).ratio() if rest and other else 0.0
        if sorted(rest) == sorted(other):
            alike = 1.0  # Two letters that changed places.
        if alike >= _ALIKE and (best is None or alike > best[0]):
            best = (alike, one)
    return None if best is None else best[1]


def _common_words(one: str, other: str) -> str:
    """The first words, with their underscores, in which both agree; at most two of them."""
    found = ""
    for word, same in list(zip(one.split("_"), other.split("_")))[:2]:
        if word != same:
            break
        found += f"{word}_"
    return found


def _check_kind(variable: Variable, value: object) -> None:
    name = variable.name
    if variable.kind == "dict" and not isinstance(value, Mapping):
        advice = variable.advice or f"write keys and values, such as {name}: {{key: value}}"
        # A text in its place may be whole settings, with the password in them.
        raise SettingsError(f"{name} is {_kind_of(value)} and not a dictionary; {advice}.", name)
    if variable.kind == "list" and isinstance(value, Mapping):
        raise SettingsError(f"{name} is a dictionary and not a list; write [first, second].", name)
    if variable.kind == "list" and (isinstance(value, bool) or not isinstance(value, (str, int, Sequence))):
        raise SettingsError(f"{name} is {show(value)}, which is not a list; write [first, second].", name)
    if variable.kind == "bool":
        to_bool(value, name)
    if variable.kind == "int" and (isinstance(value, bool) or not _WHOLE.fullmatch(str(value))):
        raise SettingsError(f"{name} is {show(value)}, which is not a whole number; write one, such as 14.", name)
    if variable.kind == "float" and (isinstance(value, bool) or not _NUMBER.fullmatch(str(value))):
        raise SettingsError(f"{name} is {show(value)}, which is not a number; write one, such as 10.", name)
    if variable.choices and str(value) not in variable.choices:
        raise SettingsError(f"{name} is {show(value)}; write {' or '.join(variable.choices)}.", name)


def _kind_of(value: object) -> str:
    if isinstance(value, str):
        return "a text"
    if isinstance(value, (bool, int, float)):
        return show(value)
    return "a list" if isinstance(value, Sequence) else "something else"
