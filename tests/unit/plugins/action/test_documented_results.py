# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-doc says of a result is what comes back: every key, with its type, and no other."""

from __future__ import annotations

import importlib
import socket
import typing as t

import pytest
import yaml

from tests.support.acting import Host, act

# Of every action that fails; a module that fails for bad input alone does not document them.
COMMON = {"changed", "failed", "msg", "cause", "layer", "remedy"}
TYPES: dict[str, t.Any] = {"str": str, "int": int, "float": (int, float), "bool": bool, "list": list, "dict": dict}
MESSAGE = {"sender": "app@example.com", "recipients": ["ops@example.com"]}


def documented(module: str) -> dict[str, t.Any]:
    source = importlib.import_module(f"ansible_collections.mailops.smtp.plugins.modules.{module}")
    return t.cast("dict[str, t.Any]", yaml.safe_load(source.RETURN))


def compare(keys: dict[str, t.Any], result: dict[str, t.Any], others: set[str]) -> None:
    assert set(result) - others <= set(keys)
    assert {name for name, key in keys.items() if key.get("returned") != "failure"} <= set(result)
    for name, value in result.items():
        if name not in keys or value is None:
            continue
        assert isinstance(value, TYPES[keys[name]["type"]]), name
        for one in value if isinstance(value, list) else [value]:
            if keys[name].get("contains"):
                compare(keys[name]["contains"], one, set())


@pytest.mark.parametrize("bad", [True, False])
@pytest.mark.parametrize("module, options", [("smtp_gate", {}), ("smtp_endpoint_info", {}), ("smtp_send", MESSAGE)])
def test_a_result_has_what_is_documented(module: str, options: dict[str, t.Any], bad: bool) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = "no port" if bad else closed.getsockname()[1]
        answer = act(module, Host(), host="127.0.0.1", port=port, secure=True, **options)
    assert bad <= answer.get("failed", False)
    compare(documented(module), answer, COMMON)
