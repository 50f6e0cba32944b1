# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: verdicts_info
short_description: Judge stored verdicts again, find causes across hosts, compare runs
version_added: 0.1.0
description:
  - Reads files that the callback P(mailops.smtp.verdicts#callback) has written, and judges their evidence again. That may be by another policy,
    such as TLS 1.3 at least. Days of certificates are counted from today.
  - Finds causes that several hosts share, such as a provider that filters a port, with how sure that is and which hosts speak against it.
  - Compares two runs. It says what broke, what healed, and which certificates, addresses, capabilities and modes changed.
  - No host is asked. All of it runs on the controller, so one host is enough (C(run_once), or C(hosts) with V(localhost)).
author:
  - mailops.smtp contributors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.smtp.attributes.controller
options:
  paths:
    description:
      - The files, as a list or as a text with commas. A relative path counts from the folder where ansible-playbook was started.
      - Of several verdicts on the same thing the last one counts.
    type: list
    elements: str
    required: true
  before:
    description:
      - Files to compare with. Left out, the last run in O(paths) is compared with the one before it, if there is one.
    type: list
    elements: str
  today:
    description:
      - Whether certificates are judged by today's date. V(false) takes the date of each verdict.
    type: bool
    default: true
  minimum_tls_version:
    description:
      - The oldest TLS version that passes. Left out, it is what the verdict was made with.
    type: str
    choices: [TLSv1, TLSv1.1, TLSv1.2, TLSv1.3]
  certificate_days_error:
    description:
      - Days that the relay's certificate must still be valid. Left out, it is what the verdict was made with.
    type: int
  certificate_days_warning:
    description:
      - Days below which that is reported. Left out, it is what the verdict was made with.
    type: int
  cleartext_networks:
    description:
      - Networks (CIDR) to which a session without TLS is allowed. Left out, it is what the verdict was made with.
    type: list
    elements: str
  require_all_addresses:
    description:
      - Whether every address of the relay's name must work. Left out, it is what the verdict was made with.
    type: bool
seealso:
  - plugin: mailops.smtp.verdicts
    plugin_type: callback
"""

EXAMPLES = r"""
- name: Ask what would fail if TLS 1.3 were required, and what expires within thirty days
  mailops.smtp.verdicts_info:
    paths: mail-verdicts.jsonl
    minimum_tls_version: TLSv1.3
    certificate_days_error: 30
  delegate_to: localhost
  run_once: true
  register: mail_judged

- name: Show it
  ansible.builtin.debug:
    msg: "{{ mail_judged.table }}"
"""

RETURN = r"""
counts:
  description: How many hosts came to which verdict (V(works), V(other_port), V(fails), V(broken), V(unreachable), V(skipped), V(not_asked)).
  returned: success
  type: dict
  sample: {works: 197, fails: 2, unreachable: 1}
failing:
  description: What fails, one entry for each host and endpoint (or app).
  returned: success
  type: list
  elements: dict
  contains:
    host:
      description: The host.
      type: str
    subject:
      description: The endpoint, or the app and its file.
      type: str
    endpoint:
      description: The endpoint with C(host), C(port) and C(security).
      type: dict
    cause:
      description: Code of the cause.
      type: str
    layer:
      description: Where it breaks.
      type: str
    message:
      description: One sentence.
      type: str
    remedy:
      description: What to do.
      type: str
causes:
  description: What several hosts show together, the surest first.
  returned: success
  type: list
  elements: dict
  contains:
    code:
      description: >-
        Such as V(outbound_filter), V(no_route), V(host_firewall), V(relay_fault), V(relay_dns), V(address_down), V(ipv6_broken), V(trust_store_differs),
        V(clock_wrong), V(relay_limit), V(certificate_renewed), V(same_setting).
      type: str
    statement:
      description: One or two sentences, with how sure it is.
      type: str
    confidence:
      description: V(high), V(medium) or V(low).
      type: str
    hosts:
      description: The hosts that show it.
      type: list
      elements: str
    contradicted_by:
      description: The hosts that speak against it.
      type: list
      elements: str
    remedy:
      description: What to do.
      type: str
    evidence:
      description: What was counted.
      type: list
      elements: str
changes:
  description: What is different from the run before, what broke first.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: V(broke), V(other_cause), V(healed), V(changed), V(appeared), V(gone) or V(no_verdict).
      type: str
    what:
      description: V(verdict), V(certificate), V(addresses), V(capabilities) or V(mode).
      type: str
    subject:
      description: The endpoint, or the app and its file.
      type: str
    hosts:
      description: The hosts with this change.
      type: list
      elements: str
    message:
      description: One sentence.
      type: str
unreadable:
  description: The first lines that are no records, with C(path), C(line) and C(message).
  returned: success
  type: list
  elements: dict
unreadable_lines:
  description: How many there are.
  returned: success
  type: int
table:
  description: All of it for the screen.
  returned: success
  type: list
  elements: str
msg:
  description: One sentence.
  returned: always
  type: str
"""
