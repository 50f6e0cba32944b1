# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: smtp_endpoint_info
short_description: Find out how SMTP relays look from a managed host
version_added: 0.1.0
description:
  - Connects from the managed host to one or many relays and climbs layer by layer, which are name, TCP, greeting, EHLO, STARTTLS, TLS,
    certificate and, when asked to, login. Returns one verdict for each with cause and remedy.
  - A bad relay is data, never a failed task. Only bad input fails. To fail a host, use M(mailops.smtp.smtp_gate).
  - All endpoints, and all addresses of each, are probed at once. The call takes as long as the slowest of them.
author:
  - mailops.smtp contributors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.smtp.attributes
  - mailops.smtp.connection
  - mailops.smtp.polite
  - mailops.smtp.policy
options:
  endpoints:
    description:
      - The relays, each a dictionary with the options O(host), O(port), O(secure), O(security) and so on.
      - What stands beside O(endpoints) is the default of each.
      - A port alone stands for a dictionary that holds only the port.
    type: list
    elements: raw
  security:
    description:
      - The precise form of O(secure). Left out, it follows from O(secure) and the port.
      - V(auto) finds out which mode the port speaks.
      - V(implicit_tls) is TLS from the first byte (RFC 8314).
      - V(starttls) requires STARTTLS (RFC 3207). A relay without it fails.
      - V(opportunistic) takes STARTTLS when it is offered and goes on in cleartext when it is not.
      - V(cleartext) never uses TLS.
    type: str
    choices: [auto, implicit_tls, starttls, opportunistic, cleartext]
  check_credentials:
    description:
      - Whether to log in with O(username) and O(password). Off by default, because failed logins of a whole fleet can lock an account.
      - One address of the relay gets the login, once.
    type: bool
    default: false
  check_injection:
    description:
      - Whether to look if the relay acts on a command that is sent together with STARTTLS, ahead of the handshake (a V(NOOP)).
      - A sound relay drops it. It costs no further connection, except where a relay objects to it.
    type: bool
    default: true
seealso:
  - module: mailops.smtp.smtp_gate
  - module: mailops.smtp.smtp_send
"""

EXAMPLES = r"""
- name: Look at one relay
  mailops.smtp.smtp_endpoint_info:
    host: smtp.example.com
    port: 465
    secure: true
  register: relay

- name: Show why it would not work
  ansible.builtin.debug:
    msg: "{{ relay.probes[0].message }} {{ relay.probes[0].remedy }}"
  when: not relay.probes[0].ok

- name: Find out what several ports speak, at once
  mailops.smtp.smtp_endpoint_info:
    host: smtp.example.com
    security: auto
    timeout: 5
    endpoints:
      - port: 465
      - port: 587
      - port: 2525
  register: ports

- name: List the ports that work from this host
  ansible.builtin.debug:
    msg: "{{ ports.probes | selectattr('ok') | map(attribute='port') }}"
"""

RETURN = r"""
probes:
  description: One entry for each endpoint, in the order asked. All entries have the same keys. What was not reached is null or an empty list.
  returned: unless the host could not be asked at all
  type: list
  elements: dict
  contains:
    host:
      description: The relay, as asked.
      type: str
    port:
      description: The port, as asked.
      type: int
    security:
      description: The mode that was asked for.
      type: str
    security_observed:
      description: The mode that the port really speaks, which is V(implicit_tls), V(starttls) (offered) or V(cleartext). Null where it was not learnt.
      type: str
    ok:
      description: Whether a mail could be sent from this host in this mode.
      type: bool
    layer:
      description: Where it broke. Null when RV(probes[].ok).
      type: str
      sample: tcp
    cause:
      description: Stable code of the cause. Null when RV(probes[].ok).
      type: str
      sample: connection_timeout
    message:
      description: The cause in one sentence.
      type: str
    remedy:
      description: What to do next.
      type: str
    addresses:
      description: Each address of the name with C(address), C(family), C(ok), C(cause) and C(ms).
      type: list
      elements: dict
    layers:
      description: The layers in the order climbed, each with C(layer), C(ok) and C(ms).
      type: list
      elements: dict
    greeting:
      description: The relay's greeting.
      type: str
    capabilities:
      description: What EHLO offered, in C(before_tls) and in C(after_tls), each keyword with its parameters.
      type: dict
    tls:
      description: The session's C(version), C(cipher), C(verified) and C(verify_error).
      type: dict
    certificates:
      description:
        - The certificates as sent, leaf first, also when their verification failed. Each with C(subject), C(issuer), C(sans), C(not_before),
          C(not_after), C(days_left), C(serial), C(sha256), C(spki_sha256), C(key_type), C(key_bits), C(signature_algorithm), C(self_signed),
          and C(pem) with O(return_pem).
      type: list
      elements: dict
    chain_available:
      description: Whether RV(probes[].certificates) is the whole chain and not only its leaf.
      type: bool
    transaction:
      description: The replies to MAIL, RCPT and DATA. Only M(mailops.smtp.smtp_send) fills it.
      type: dict
    findings:
      description: What does not break mail today but should be seen, each with C(severity), C(code), C(message) and C(remedy).
      type: list
      elements: dict
    elapsed_ms:
      description: Milliseconds that the endpoint took as a whole.
      type: float
"""
