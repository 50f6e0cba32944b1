# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # How to reach a relay: the same options everywhere. Their names, defaults and choices come from
    # plugin_utils/_input/settings.py and module_utils/_observe/mechanisms.py; tests/unit/plugins/test_options.py compares.
    DOCUMENTATION = r"""
options:
  host:
    description:
      - Name or address of the relay, without scheme and port.
    type: str
  port:
    description:
      - Port of the relay, from V(1) to V(65535).
      - Left out, it follows from the mode. It is V(465) for implicit TLS, V(587) for STARTTLS and V(25) for cleartext.
    type: int
  secure:
    description:
      - The flag of Nodemailer and Pangolin.
      - V(true) means TLS from the first byte, as on port 465.
      - V(false) means a cleartext start, then STARTTLS, as on port 587. It is no way to ask for cleartext, for which there is O(security=cleartext).
    type: bool
  validate_certs:
    description:
      - Whether the relay's certificate and its name are verified.
      - With V(false) anybody on the way can pose as the relay. O(ca_path) is nearly always the better answer.
    type: bool
    default: true
  ca_path:
    description:
      - File with CA certificates (PEM) on the managed host, trusted besides the host's own store.
    type: path
  server_name:
    description:
      - Name for SNI and for the check of the certificate, where it is not O(host).
    type: str
  username:
    description:
      - User name for the relay.
    type: str
  password:
    description:
      - Password for O(username). It is never shown, and leaves the controller only where a login is really to be tried.
    type: str
  auth_mechanism:
    description:
      - Mechanism to log in with. Left out, the best one that the relay offers is taken.
    type: str
    choices: [PLAIN, LOGIN, CRAM-MD5, SCRAM-SHA-1, SCRAM-SHA-256, XOAUTH2]
  login_required:
    description:
      - Whether a relay must offer a login that O(username) can use, in the mode that is asked for. What it offers is known from EHLO, so that
        this holds also where no login is tried.
      - V(false) lets a relay pass that takes mail by the client's address although a login is given. Where it offers none, none is tried.
    type: bool
    default: true
  helo_name:
    description:
      - Name that the host gives in EHLO. Left out, it is the host's full name, or its address in brackets where it has none.
    type: str
  source_address:
    description:
      - Address of the managed host to connect from.
    type: str
  ip_version:
    description:
      - Which addresses of the relay to try.
      - V(any) tries all of them at once.
      - V(4) and V(6) try only those of IPv4 or IPv6.
    type: str
    choices: [any, '4', '6']
    default: any
  timeout:
    description:
      - Seconds for one endpoint as a whole, from the name's look-up to the last reply.
      - A relay may use all of it to greet.
    type: float
    default: 10
  return_pem:
    description:
      - Whether the certificates come back as PEM too. PEM is long, and results are kept for every host.
    type: bool
    default: false
"""
