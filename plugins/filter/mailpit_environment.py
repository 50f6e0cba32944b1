# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: mailpit_environment
short_description: Write environment variables as a file for systemd or for a container
version_added: 0.1.0
author: mailops.smtp contributors (!UNKNOWN)
description:
  - Used by the role P(mailops.smtp.mailpit#role) for its environment file.
  - The two readers differ. C(systemd) takes quotes and backslashes away, C(docker --env-file) and C(podman --env-file) keep them.
options:
  _input:
    description: Names and values, as P(mailops.smtp.mailpit_plan#filter) returns them.
    type: dict
    required: true
  style:
    description:
      - V(systemd) for C(EnvironmentFile=) of a unit, or to be read by a POSIX shell.
      - V(container) for C(--env-file) of Docker and Podman.
    type: str
    choices: [systemd, container]
    default: systemd
"""

EXAMPLES = r"""
- name: Write the environment for a container
  ansible.builtin.copy:
    content: "{{ {'MP_SMTP_ALLOWED_RECIPIENTS': '@example[.]com$'} | mailops.smtp.mailpit_environment(style='container') }}"
    dest: /etc/mailpit/mailpit.env
    mode: "0600"
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: str
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.environment import render_environment
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.model import MailpitRefusal


def mailpit_environment(value: t.Any, style: str = "systemd") -> str:
    """See DOCUMENTATION."""
    if not isinstance(value, t.Mapping):
        raise AnsibleFilterError("mailpit_environment takes a dictionary of names and values")
    try:
        return render_environment(value, style)
    except MailpitRefusal as refusal:
        raise AnsibleFilterError(str(refusal)) from refusal


class FilterModule:
    """The filter mailpit_environment."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"mailpit_environment": mailpit_environment}
