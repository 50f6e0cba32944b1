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
    come or the time is over. Everything that is asked for must fit, and the whole box is looked through, however full it is.
  - A message that has not come is data, never a failed task. Say C(failed_when) to make it one; RV(msg) then says what did come.
  - What answers at O(url) without being Mailpit is data as well, and RV(msg) says what to write. Only wrong options fail.
  - Reads only summaries and headers, so the message stays unread in Mailpit, unless O(content) or O(checks) ask for more.
  - Follows no redirect and uses no proxy, because the login of the web interface may be with the request.
options:
  url:
    description:
      - Where Mailpit's web interface is, with its webroot if it has one.
      - Without a login in it, which belongs into O(url_username) and O(url_password).
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
  server_name:
    description:
      - The name for SNI and the certificate of the web interface, where O(url) holds another, 127.0.0.1 say.
      - Left out, it is the host of O(url).
    type: str
  subject:
    description: The whole subject; blanks around it do not count. An empty one means a message without a subject.
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
    description: How many messages must have come, at most 10000.
    type: int
    default: 1
  content:
    description:
      - Whether to return text, HTML, attachments and all headers of the messages, of the newest 20.
      - Mailpit marks these messages as read.
    type: bool
    default: false
  checks:
    description:
      - What Mailpit is to check in the messages, the newest 20.
      - With V(html), how much of the HTML mail programs show as meant.
      - With V(links), whether the links lead somewhere. Mailpit asks every link then, and marks the message as read.
      - With V(spam), what SpamAssassin says, where Mailpit has one (C(MP_ENABLE_SPAMASSASSIN)).
    type: list
    elements: str
    choices: [html, links, spam]
    default: []
  security:
    description:
      - The mode that Mailpit is known to be in, which says whether the message came in TLS. Mailpit itself does not record that.
      - With V(implicit_tls) and V(starttls) every message did, with V(cleartext) none did, with V(opportunistic) it is not known.
      - P(mailops.smtp.mailpit_lockdown_info#module) proves the mode.
    type: str
    choices: [implicit_tls, starttls, opportunistic, cleartext]
  timeout:
    description:
      - Seconds for everything together, at most a day.
      - A tenth of it, at most one second, is kept for reading what is in the messages; a quarter, at most ten seconds, with O(content) or O(checks).
    type: float
    default: 15
extends_documentation_fragment:
  - ansible.builtin.action_common_attributes
attributes:
  action:
    support: full
    description: Has a corresponding action plugin, so some parts of the task run on the controller.
  async:
    support: full
    description: Supports being used with the C(async) keyword.
    details: Then the options lie in a file on the host, O(url_password) among them, until the task has ended.
  check_mode:
    support: full
    details: It only looks. With O(content) and O(checks), Mailpit marks the messages as read.
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

- name: The mail has the right link, in German, and its attachment
  mailops.smtp.mailpit_message_info:
    subject: Bestätigen Sie Ihre Adresse
    recipients: [new-user@example.com]
    content: true
    checks: [html]
  register: mail
  failed_when: >-
    not mail.found
    or mail.messages[0].content.text | select('search', 'https://app[.]example[.]com/verify') | length == 0
    or mail.messages[0].content.attachments | map(attribute='file_name') | list != ['terms.pdf']
    or mail.messages[0].checks.html.supported < 60
  delegate_to: mailpit.example.com

- name: A web interface with TLS, a login and a webroot, asked on its own host
  mailops.smtp.mailpit_message_info:
    url: https://127.0.0.1:8443/mail/
    server_name: mailpit.example.com
    ca_path: /etc/ssl/mailpit-staging-ca.pem
    url_username: tester
    url_password: "{{ vault_mailpit_tester }}"
    sender: app@example.com
    count: 500
  register: mails
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
msg:
  description: The same as RV(message), which Ansible shows when C(failed_when) fails the task.
  type: str
  returned: always
  sample: >-
    no message with the subject 'Hello' to a@example.com is in Mailpit at http://127.0.0.1:8025 after 14 seconds;
    2 are there, among them: 'Hello!' from app@example.com to a@example.com
total:
  description: How many messages Mailpit holds, where not enough were found and it said so.
  type: int
  returned: always
newest:
  description: The newest messages of all, at most five, where not enough were found. As in RV(messages), without what costs a request of its own.
  type: list
  elements: dict
  returned: always
messages:
  description: The messages that fit, newest first. When there are more than O(count), maybe not all.
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
      description: The Received headers, newest first, of the newest 20 messages; empty for the others.
      type: list
      elements: str
    content:
      description: What is in the message, where O(content) asks for it, of the newest 20, else V(none).
      type: dict
      contains:
        text:
          description: The lines of its text.
          type: list
          elements: str
        html:
          description: The lines of its HTML.
          type: list
          elements: str
        cut:
          description: Whether text or HTML were longer than 100000 characters, and the rest was left out.
          type: bool
        headers:
          description: All headers, as dicts with C(name) and C(values).
          type: list
          elements: dict
        attachments:
          description:
            - Attachments and inline parts, each with C(file_name), C(content_type), C(content_id), C(inline), C(size) and C(sha256),
              which is V(none) from older Mailpits.
          type: list
          elements: dict
    checks:
      description: What O(checks) ask for, under these names, of the newest 20, else V(none). C(error) says why a check has nothing.
      type: dict
      contains:
        html:
          description: C(error), C(supported), C(partial) and C(unsupported) (percent), C(warnings) (each with C(slug), C(title), C(supported)).
          type: dict
        links:
          description: C(error), C(errors) (how many links do not lead anywhere), C(links) (each with C(url), C(status_code), C(status)).
          type: dict
        spam:
          description: C(error), C(is_spam), C(score), C(rules) (each with C(name), C(score), C(description)).
          type: dict
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
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.api import Api
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.arrival import Asked, look
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.messages import Wanted
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.web import BadUrl

_COUNT_LIMIT = 10000
_TIMEOUT_LIMIT = 86400
_TLS = {"implicit_tls": True, "starttls": True, "cleartext": False}

ARGUMENT_SPEC: dict[str, t.Any] = dict(
    url=dict(type="str", default="http://127.0.0.1:8025"),
    url_username=dict(type="str"),
    url_password=dict(type="str", no_log=True),
    ca_path=dict(type="path"),
    validate_certs=dict(type="bool", default=True),
    server_name=dict(type="str"),
    subject=dict(type="str"),
    recipients=dict(type="list", elements="str"),
    sender=dict(type="str"),
    message_id=dict(type="str"),
    username=dict(type="str"),
    count=dict(type="int", default=1),
    content=dict(type="bool", default=False),
    checks=dict(type="list", elements="str", choices=["html", "links", "spam"], default=[]),
    security=dict(type="str", choices=["implicit_tls", "starttls", "opportunistic", "cleartext"]),
    timeout=dict(type="float", default=15),
)


def refusal(params: dict[str, t.Any]) -> str | None:
    """What is wrong with the options by themselves."""
    if not 0 < params["timeout"] <= _TIMEOUT_LIMIT:
        return f"timeout is {params['timeout']}: write a number of seconds above 0, at most {_TIMEOUT_LIMIT}"
    if not 1 <= params["count"] <= _COUNT_LIMIT:
        return f"count is {params['count']}: write a number from 1 to {_COUNT_LIMIT}"
    if ":" in (params["url_username"] or ""):
        return (
            "url_username holds a colon, which no login can: write the name alone, and the password into url_password"
        )
    texts = {name: value for name, value in params.items() if isinstance(value, str)}
    texts["recipients"] = "".join(params["recipients"] or [])
    broken = [name for name, text in texts.items() if any("\ud800" <= char <= "\udfff" for char in text)]
    return f"{broken[0]} holds bytes that are no UTF-8: write it in UTF-8" if broken else None


class _Module(AnsibleModule):
    """A failed module shows its options under -vvv, and an @ in the url, which always fails, comes after a login."""

    def fail_json(self, msg: str, **kwargs: t.Any) -> t.NoReturn:
        url = str(self.params.get("url") or "")
        if "@" in url:
            self.params["url"] = "********@" + url.rpartition("@")[2]
        super().fail_json(msg, **kwargs)
        raise SystemExit(1)  # super() has ended the module


def main() -> None:
    begin = time.monotonic()
    module = _Module(
        ARGUMENT_SPEC,
        supports_check_mode=True,
        required_one_of=[("subject", "recipients", "sender", "message_id", "username")],
        required_by={"url_password": ("url_username",)},
    )
    params = module.params
    wanted = Wanted(**{name: params[name] for name in Wanted._fields if params[name] is not None})
    wrong = refusal(params)
    if wrong:
        module.fail_json(msg=wrong)
    try:
        names = ("url", "url_username", "url_password", "ca_path", "validate_certs", "server_name", "timeout")
        api = Api(*[params[name] for name in names])
    except BadUrl as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        why = error.strerror or "no certificate in it"
        path = params["ca_path"]
        module.fail_json(msg=f"ca_path {path} cannot be used ({why}): write the path of a CA file in PEM on this host")
    asked = Asked(wanted, params["count"], params["content"], params["checks"], params["timeout"])
    result = look(api, asked, begin)
    for message in result["messages"] + result["newest"]:
        message["tls"] = _TLS.get(params["security"])
    module.exit_json(changed=False, elapsed_ms=int((time.monotonic() - begin) * 1000), **result)


if __name__ == "__main__":
    main()
