# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: smtp_gate
short_description: Fail a host from which mail could not be sent
version_added: 0.1.0
description:
  - Asks, from the managed host, whether mail can be sent through a relay with these settings, securely. If so, the task passes. If not, it fails the
    host and says why, which setting to change, and which other port of the same relay does work.
  - Nothing is changed anywhere, so it works the same under C(--check).
  - A healthy relay costs one connection for each of its addresses. Other ports are asked only when the chosen one has failed, or has not
    answered to its TCP connect for a second, and within the same O(timeout).
author:
  - mailops.smtp contributors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.smtp.attributes
  - mailops.smtp.connection
  - mailops.smtp.polite
  - mailops.smtp.security
  - mailops.smtp.policy
options:
  endpoints:
    description:
      - Several relays, all of which must pass, each a dictionary with the options O(host), O(port), O(secure), O(security) and so on.
      - What stands beside O(endpoints) is the default of each.
      - A port alone stands for a dictionary that holds only the port.
    type: list
    elements: raw
  alternatives:
    description:
      - Which other ports of the relay to ask when the chosen one fails.
      - V(auto) asks the conventional ones, which are 465, 587, 2465, 2587, 2525 and 25.
      - A list of ports asks those, and an empty list asks none.
    type: raw
    default: auto
  fallback:
    description:
      - V(suggest) fails and names the ports that work.
      - V(use) passes when another port works, with a warning, and returns that port in RV(selected).
      - The other port is never less secure than what was asked for. One that speaks cleartext is taken only with
        O(security=opportunistic), and stays opportunistic, or with O(security=cleartext).
      - With O(check_credentials) the login is tried on that port within the same O(timeout), and must work there.
    type: str
    choices: [suggest, use]
    default: suggest
  check_credentials:
    description:
      - Whether to log in with O(username) and O(password). Off by default, because failed logins of a whole fleet can lock an account.
      - One address of the relay gets the login, once. Other ports never get it, unless O(fallback=use) takes one.
    type: bool
    default: false
  apps:
    description:
      - The apps that are going to use the relay, by the names that M(mailops.smtp.app_mail_config) knows them by, or dictionaries that hold such a
        name in C(app), as the role's C(mail_config_apps) does.
      - A relay fails that offers no authentication mechanism that one of them can do, when O(username) is given, and one whose cipher suites or
        certificate the runtime of one of them refuses in every version. What only some versions refuse is a finding that names the app.
    type: list
    elements: raw
    default: []
  descriptors:
    description:
      - A folder on the controller with descriptors of your own apps, for O(apps).
    type: path
seealso:
  - module: mailops.smtp.smtp_endpoint_info
  - module: mailops.smtp.app_mail_config
"""

EXAMPLES = r"""
- name: Refuse to deploy where mail would not work
  mailops.smtp.smtp_gate:
    host: smtp.example.com
    port: 465
    secure: true

- name: Go on with another port of the relay where the chosen one is filtered
  mailops.smtp.smtp_gate:
    host: smtp.example.com
    port: 465
    secure: true
    fallback: use
  register: mail

- name: Show what to write into the app's settings on this host
  ansible.builtin.debug:
    msg: "port {{ mail.selected.port }}, secure {{ mail.selected.secure }}"

- name: Try the login from one host only, with the relay's own CA
  mailops.smtp.smtp_gate:
    host: relay.internal.example
    port: 587
    secure: false
    ca_path: /etc/ssl/private-ca.pem
    username: app
    password: "{{ vault_smtp_password }}"
    check_credentials: true
  run_once: true

- name: Allow cleartext to the test server's network and nowhere else
  mailops.smtp.smtp_gate:
    host: mailpit.staging.example
    port: 1025
    security: cleartext
    cleartext_networks:
      - 10.20.0.0/16
"""

RETURN = r"""
probes:
  description: The verdict on each endpoint, as M(mailops.smtp.smtp_endpoint_info) returns it.
  returned: unless the host could not be asked at all
  type: list
  elements: dict
cause:
  description: Code of the cause of the first endpoint that failed. Null when all passed.
  returned: unless the host could not be asked at all
  type: str
  sample: connection_timeout
layer:
  description: The layer where the first endpoint that failed broke. Null when all passed.
  returned: unless the host could not be asked at all
  type: str
  sample: tcp
remedy:
  description: What to do about the first endpoint that failed. Null when all passed.
  returned: unless the host could not be asked at all
  type: str
alternatives:
  description:
    - Other ports of the first endpoint that failed, those that work first, each with C(port), C(secure), C(security), C(ok) and C(cause).
    - C(ok) is null where a port was not asked, or not waited for, so that nothing is known of it.
  returned: unless the host could not be asked at all
  type: list
  elements: dict
  sample:
    - {port: 587, secure: false, security: starttls, ok: true, cause: null}
selected:
  description:
    - What to use, with C(host), C(port), C(secure) and C(security); C(ok) and C(cause) are those of this port.
    - The first endpoint when all passed, the port that is used instead with O(fallback=use), else null.
  returned: unless the host could not be asked at all
  type: dict
msg:
  description: One sentence with the host, the endpoint, the cause and the setting to change.
  returned: always
  type: str
"""
