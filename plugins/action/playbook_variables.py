# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the variables of a playbook before its first task; all of it on the controller."""

from __future__ import annotations

import pathlib
import typing as t
from collections.abc import Iterator, Mapping

import yaml
from ansible.errors import AnsibleError
from ansible_collections.mailops.smtp.plugins.plugin_utils._ask.action import Action, Result
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.errors import SettingsError, show
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import to_bool
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.variables import UNREADABLE, Variable, check_variables

_ROLES = pathlib.Path(__file__).resolve().parents[2] / "roles"
_KEYS = ("type", "choices", "advice", "required")


class ActionModule(Action):
    """Says in one sentence what is missing or misspelt."""

    OPTIONS = ("variables", "role", "role_values")

    def answer(self, args: Result) -> Result:
        """Nothing but the check."""
        given = args.get("variables") or {}
        if not isinstance(given, Mapping):
            raise SettingsError("variables is not a dictionary; write the names with what each is.", "variables")
        own = [_variable(str(name), spec or {}) for name, spec in given.items()]
        named = {one.name for one in own}
        of_role = [one for one in _of_role(args.get("role")) if one.name not in named]
        if not to_bool(True if args.get("role_values") is None else args["role_values"], "role_values"):
            of_role = [Variable(one.name, default=one.default) for one in of_role]
        check_variables(
            [*own, *of_role], self._task_vars.keys(), self._value, ("mail_config_relay", "mail_config_findings")
        )
        return {"changed": False}

    def _value(self, name: str) -> t.Any:
        """A variable with its templates; one that cannot be read is left to the task that uses it."""
        try:
            return self._templar.resolve_variable_expression(name)
        except AnsibleError:
            return UNREADABLE


def _variable(name: str, spec: Mapping[str, t.Any]) -> Variable:
    for key in spec:
        if key not in _KEYS:
            words = f"variables.{name}.{key} is not known; write one of {', '.join(_KEYS)}."
            raise SettingsError(words, f"variables.{name}")
    return Variable(
        name,
        str(spec.get("type", "raw")),
        tuple(map(str, spec.get("choices", ()))),
        str(spec.get("advice", "")),
        bool(spec.get("required", False)),
    )


def _of_role(role: object) -> Iterator[Variable]:
    """What the role's own argument specs say of its variables; none of them is required here."""
    if not role:
        return
    path = _ROLES / str(role) / "meta" / "argument_specs.yml"
    if not path.is_file():
        raise SettingsError(f"role is {show(role)}, which this collection does not have; write mail_config.", "role")
    # The parser in C, where PyYAML has it, takes a tenth of the time; this is done for every host.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    specs = yaml.load(path.read_text(encoding="utf-8"), loader)["argument_specs"]["main"]["options"]
    for name, spec in specs.items():
        choices = tuple(map(str, spec.get("choices", ())))
        yield Variable(name, str(spec.get("type", "str")), choices, default=spec.get("default"))
