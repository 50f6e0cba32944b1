# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: mailpit_plan
short_description: Turn one choice of security and authentication into Mailpit's environment, or say why not
version_added: 0.1.0
author: mailops.smtp contributors (!UNKNOWN)
description:
  - Used by the role P(mailops.smtp.mailpit#role), whose options it takes without their prefix.
  - Decides on the controller, before anything is written, whether Mailpit would start with these settings, and whether it would
    then do what they are called. Both are rules of Mailpit that were measured with every combination of its flags.
  - Never fails for a bad choice. The sentence is in RV(_value.refusal), so that a task can show it and nothing else.
options:
  _input:
    description:
      - The choice, a dictionary with the options of the role P(mailops.smtp.mailpit#role) without C(mailpit_), such as C(security),
        C(auth), C(certificate), C(users) and C(smtp_port), and the paths C(cert_file), C(key_file), C(auth_file), C(ui_auth_file) and
        C(database) as they are on the Mailpit host.
      - Its key C(running) says what runs Mailpit and where the program comes from, as C(service_manager), C(image), C(checksum) and what else
        the role knows of that. Without it, a unit of systemd and a program that is there.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what Mailpit would be started with
  ansible.builtin.debug:
    msg: >-
      {{ {'security': 'starttls', 'auth': 'none', 'names': ['mailpit.example.com'],
          'cert_file': '/etc/mailpit/tls/cert.pem', 'key_file': '/etc/mailpit/tls/key.pem'} | mailops.smtp.mailpit_plan }}

- name: Show why this is refused
  ansible.builtin.debug:
    msg: "{{ ({'security': 'starttls', 'certificate': 'none'} | mailops.smtp.mailpit_plan).refusal }}"
"""

RETURN = r"""
_value:
  description: What Mailpit is to be started with, or why it is not.
  type: dict
  contains:
    refusal:
      description: One sentence that names the option and what to write instead. V(none) when the choice is fine, and then the rest is there.
      type: str
      returned: always
    environment:
      description: The environment variables of Mailpit.
      type: dict
      returned: when not refused
    optional:
      description: Those of them that not every version of Mailpit reads.
      type: list
      elements: str
      returned: when not refused
    certificate:
      description: Where the certificate comes from, V(none) for no TLS.
      type: str
      returned: when not refused
    verifiable:
      description: Whether clients can verify the certificate.
      type: bool
      returned: when not refused
    cleartext_auth:
      description: Whether Mailpit takes passwords outside TLS, which happens only when it was asked for by name.
      type: bool
      returned: when not refused
    warnings:
      description: What works as asked and should be known.
      type: list
      elements: str
      returned: when not refused
    files:
      description: The files that Mailpit reads with this environment.
      type: list
      elements: str
      returned: when not refused
    folders:
      description: The folders of certificate authorities that it reads.
      type: list
      elements: str
      returned: when not refused
    listen:
      description: >-
        Where Mailpit will listen, as C(address) (empty for all) and C(port) of C(smtp), C(ui) and C(pop3), or of the variable of
        C(mailpit_environment) that says so.
      type: dict
      returned: when not refused
"""

import dataclasses
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.model import MailpitRefusal


def mailpit_plan(value: t.Any) -> dict[str, t.Any]:
    """See DOCUMENTATION."""
    # Not above: to find one filter, Ansible imports the files of them all, in each of its processes.
    from ansible_collections.mailops.smtp.plugins.plugin_utils._input.hidden import hidden_in_text
    from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit import accounts, running
    from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.options import Choice, plan

    if not isinstance(value, t.Mapping):
        raise AnsibleFilterError(
            "mailpit_plan takes a dictionary with security, auth and what else the role mailpit knows"
        )
    options = dict(value)
    how = {"install": False, "binary": "mailpit", **(options.pop("running", None) or {})}
    accounts_of = {option: options.pop(option, None) or [] for option in ("users", "ui_users", "send_api_users")}
    for given, model in ((options, Choice), (how, running.Running)):
        unknown = set(given) - {field.name for field in dataclasses.fields(model)}
        if unknown:
            raise AnsibleFilterError(f"mailpit_plan does not know {', '.join(sorted(unknown))}")
    try:
        for option, users in accounts_of.items():
            accounts.check_users(f"mailpit_{option}", users)
        if any(accounts_of.values()):
            accounts.bcrypt_hasher()  # a controller without bcrypt is found out before anything is written
        blanks = {
            user["name"]: user["password"].rstrip(" ") != user["password"]
            for user in accounts_of["users"]
            if " " in user["password"]
        }
        options["with_blank"], options["ending_in_blank"] = (
            tuple(blanks),
            tuple(name for name in blanks if blanks[name]),
        )
        options["names"] = tuple(options.get("names") or ())
        choice = Choice(**{**options, **{f"has_{option}": bool(users) for option, users in accounts_of.items()}})
        result = plan(choice)
        sentence = running.refusal(running.Running(**how), result.certificate, result.environment)
    except MailpitRefusal as refusal:
        sentence = str(refusal)
    if sentence:
        return {"refusal": hidden_in_text(sentence, value)}
    return {
        "refusal": None,
        "environment": result.environment,
        "optional": list(result.optional),
        "certificate": result.certificate,
        "verifiable": result.verifiable,
        "cleartext_auth": result.effect.cleartext_auth,
        "warnings": list(result.warnings),
        "files": running.files_shown(result.environment),
        "folders": running.folders_shown(result.environment),
        "listen": {name: {"address": address, "port": port} for name, (address, port) in result.listen.items()},
    }


class FilterModule:
    """The filter mailpit_plan."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"mailpit_plan": mailpit_plan}
