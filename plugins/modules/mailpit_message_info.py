#!/usr/bin/python
# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mailpit_message_info
short_description: Wait until a message has arrived in Mailpit
version_added: 0.1.0
author: mailops.smtp contributors (!UNKNOWN)
description:
  - Looks through Mailpit's HTTP API for messages with this subject, these recipients, this sender or this message id, until enough have
    come or the time is over.
  - A message that has not come is data, never a failed task. Say C(failed_when) to make it one.
  - Reads only summaries and headers, so the message stays unread in Mailpit.
options:
  url:
    description: Where Mailpit's web interface is, with its webroot if it has one.
    type: str
    default: http://127.0.0.1:8025
  url_username:
    description: The login of the web interface, where it has one.
    type: str
  url_password:
    description: Its password.
    type: str
  ca_path:
    description: A CA file on the managed host for a web interface with TLS, beside the host's own store.
    type: path
  validate_certs:
    description: Whether the certificate of the web interface is verified.
    type: bool
    default: true
  subject:
    description: The whole subject.
    type: str
  recipients:
    description: Addresses that must all be among those of the message, the envelope's included. Letter case does not count.
    type: list
    elements: str
  sender:
    description: The address in the From header.
    type: str
  message_id:
    description: The Message-ID, with or without angle brackets.
    type: str
  username:
    description: The login that the message was sent with. Mailpit 1.28.3 and newer know it; older ones leave it empty for AUTH PLAIN, or always.
    type: str
  count:
    description: How many messages must have come.
    type: int
    default: 1
  security:
    description:
      - The mode that Mailpit is known to be in, which says whether the message came in TLS. Mailpit itself does not record that.
      - With V(implicit_tls) and V(starttls) every message did, with V(cleartext) none did, with V(opportunistic) it is not known.
      - P(mailops.smtp.mailpit_lockdown_info#module) proves the mode.
    type: str
    choices: [implicit_tls, starttls, opportunistic, cleartext]
  timeout:
    description: How many seconds to wait for the messages.
    type: float
    default: 15
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  check_mode:
    support: full
    details: It only looks.
  diff_mode:
    support: none
  platform:
    platforms: posix
seealso:
  - plugin: mailops.smtp.smtp_send
    plugin_type: module
"""

EXAMPLES = r"""
- name: The app's own mail has arrived
  mailops.smtp.mailpit_message_info:
    subject: Verify your email address
    recipients: [new-user@example.com]
    timeout: 30
  register: mail
  failed_when: not mail.found
  delegate_to: mailpit.example.com
"""

RETURN = r"""
found:
  description: Whether at least O(count) messages fit.
  type: bool
  returned: always
message:
  description: One sentence about what was found, or why nothing could be.
  type: str
  returned: always
  sample: 1 message with the subject 'Hello' to a@example.com is in Mailpit
messages:
  description: The messages that fit, newest first, at most 200.
  type: list
  elements: dict
  returned: always
  contains:
    id:
      description: Mailpit's own identifier, which is also what it answered to DATA ("queued as").
      type: str
    message_id:
      description: The Message-ID header, without angle brackets.
      type: str
    subject:
      description: The subject.
      type: str
    sender:
      description: The address in the From header.
      type: str
    recipients:
      description: The addresses in To, Cc and Bcc. What was only in the envelope is in Bcc.
      type: list
      elements: str
    received_at:
      description: When it was received, RFC 3339.
      type: str
    size:
      description: Bytes.
      type: int
    username:
      description: The login it was sent with, V(none) when without or not recorded.
      type: str
    tags:
      description: Mailpit's tags.
      type: list
      elements: str
    snippet:
      description: The beginning of the text.
      type: str
    received_headers:
      description: The Received headers, newest first.
      type: list
      elements: str
    tls:
      description: Whether it came in TLS, as far as O(security) tells, else V(none).
      type: bool
elapsed_ms:
  description: How long it took.
  type: int
  returned: always
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.api import Api, ApiError, Wanted, wait_for

# Headers cost one request a message.
_HEADERS_OF = 20
_TLS = {"implicit_tls": True, "starttls": True, "cleartext": False}

ARGUMENT_SPEC: dict[str, t.Any] = dict(
    url=dict(type="str", default="http://127.0.0.1:8025"),
    url_username=dict(type="str"),
    url_password=dict(type="str", no_log=True),
    ca_path=dict(type="path"),
    validate_certs=dict(type="bool", default=True),
    subject=dict(type="str"),
    recipients=dict(type="list", elements="str"),
    sender=dict(type="str"),
    message_id=dict(type="str"),
    username=dict(type="str"),
    count=dict(type="int", default=1),
    security=dict(type="str", choices=["implicit_tls", "starttls", "opportunistic", "cleartext"]),
    timeout=dict(type="float", default=15),
)


def describe(wanted: Wanted, found: int) -> str:
    """What was looked for and how many there are, as a sentence."""
    parts = []
    if wanted.message_id is not None:
        parts.append(f"with the id {wanted.message_id}")
    if wanted.subject is not None:
        parts.append(f"with the subject {wanted.subject!r}")
    if wanted.sender is not None:
        parts.append(f"from {wanted.sender}")
    if wanted.recipients:
        parts.append(f"to {', '.join(wanted.recipients)}")
    if wanted.username is not None:
        parts.append(f"sent as {wanted.username}")
    return " ".join([f"{found or 'no'} message{'' if found == 1 else 's'}", *parts, "is" if found == 1 else "are", "in Mailpit"])


def main() -> None:
    module = AnsibleModule(
        ARGUMENT_SPEC,
        supports_check_mode=True,
        required_one_of=[("subject", "recipients", "sender", "message_id", "username")],
        required_by={"url_password": ("url_username",)},
    )
    url: str = module.params["url"]
    timeout: float = module.params["timeout"]
    count: int = module.params["count"]
    if not url.startswith(("http://", "https://")):
        module.fail_json(msg=f"url is {url!r}: write it with http:// or https://, such as http://127.0.0.1:8025")
    if timeout <= 0 or count < 1:
        module.fail_json(msg="timeout must be above 0 and count at least 1")
    wanted = Wanted(**{name: module.params[name] for name in Wanted._fields if module.params[name] is not None})
    begin = time.monotonic()
    messages: list[dict[str, t.Any]] = []
    try:
        api = Api(url, module.params["url_username"], module.params["url_password"], module.params["ca_path"], module.params["validate_certs"])
        messages, trouble = wait_for(api, wanted, count, timeout)
        for message in messages[:_HEADERS_OF]:
            message["received_headers"] = api.received(message["id"], time.monotonic() + timeout)
    except (ApiError, OSError) as error:
        trouble = str(error)
    for message in messages:
        message["tls"] = _TLS.get(module.params["security"])
    module.exit_json(
        changed=False,
        found=len(messages) >= count,
        message=trouble or describe(wanted, len(messages)),
        messages=messages,
        elapsed_ms=int((time.monotonic() - begin) * 1000),
    )


if __name__ == "__main__":
    main()
