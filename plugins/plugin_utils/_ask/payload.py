# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent to a host to probe: the files of one room, and nothing of Ansible's.

Ansible sends each module with what it has for all modules. That is more than the room, costs the controller more than a ping to put together, and
the host as much to load as the probe. So a gate costs less than a ping this way.
"""

from __future__ import annotations

import base64
import json
import typing as t
import zlib
from collections.abc import Mapping
from pathlib import Path

from ansible.executor import module_common
from ansible.executor.interpreter_discovery import InterpreterDiscoveryRequiredError, discover_interpreter
from ansible.plugins.action import ActionBase
from ansible_collections.mailops.smtp.plugins.module_utils import _from_memory, _observe

__all__ = ("OBSERVER", "payload_for")

# The module that does the same where Ansible sends it, and whose documentation says what it does.
OBSERVER = "mailops.smtp.smtp_observe"
_MODULE = Path(__file__).parents[2] / "modules" / "smtp_observe.py"
_ANSWERS = f"{_observe.__name__}.report"
_WANTED = ("plans", "logins")
# The folder from which Python was started may be anybody's, and comes first in the search for modules.
_SCRIPT = """#!/usr/bin/python
import os, sys
sys.path[:] = [one for one in sys.path if one not in ("", ".", os.path.dirname(sys.argv[0]))]
import base64, json, zlib
files = json.loads(zlib.decompress(base64.b64decode({files!r})).decode())
room = {{}}
exec(compile(files.pop({loader!r}), {loader!r}, "exec"), room)
room["run"](files, {module!r}, json.loads({arguments}))
"""


def _files() -> str:
    paths = {f"{_observe.__name__}.{path.stem}": path for path in Path(str(_observe.__file__)).parent.glob("[!_]*.py")}
    paths[_from_memory.__name__] = Path(str(_from_memory.__file__))
    texts = {name: path.read_text(encoding="utf-8") for name, path in paths.items()}
    return base64.b64encode(zlib.compress(json.dumps(texts).encode())).decode()


# Made once, when the action is loaded and before Ansible forks a process for each host.
_FILES = _files()


def payload_for(action: ActionBase, arguments: Mapping[str, t.Any], task_vars: dict[str, t.Any]) -> tuple[t.Any, str]:
    """What ``ActionBase._configure_module`` gives for a module, and where the module lies.

    Raises TypeError or AttributeError with an ansible-core that builds modules in another way.
    """
    given = {name: arguments[name] for name in _WANTED if arguments.get(name) is not None}
    script = _SCRIPT.format(
        files=_FILES, loader=_from_memory.__name__, module=_ANSWERS, arguments=ascii(json.dumps(given))
    )
    built = module_common._BuiltModule(
        b_module_data=script.encode(),
        module_style="new",
        shebang=_shebang(action, task_vars),
        serialization_profile="legacy",
    )
    return built, str(_MODULE)


def _shebang(action: ActionBase, task_vars: dict[str, t.Any]) -> str:
    """The host's Python, as Ansible finds it; what it found out is kept for later tasks."""
    delegate = action._task.delegate_to
    of_host = task_vars["ansible_delegated_vars"][delegate] if delegate else task_vars
    local = bool(getattr(action._connection, "_remote_is_local", False))
    for _again in range(2):
        try:
            return str(
                module_common._get_shebang("/usr/bin/python", of_host, action._templar, remote_is_local=local)[0]
            )
        except InterpreterDiscoveryRequiredError as needed:
            found = discover_interpreter(
                action=action,
                interpreter_name=needed.interpreter_name,
                discovery_mode=needed.discovery_mode,
                task_vars=of_host,
            )
            key = f"discovered_interpreter_{needed.interpreter_name}"
            of_host["ansible_facts"][key] = found
            if not delegate or action._task.delegate_facts:
                task_vars["ansible_facts"][key] = found
                action._discovered_interpreter, action._discovered_interpreter_key = found, key
    raise TypeError("Ansible asks again and again which Python the host has")
