# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # What is required beyond "it works".
    DOCUMENTATION = r"""
options:
  minimum_tls_version:
    description:
      - The oldest TLS version that passes.
    type: str
    choices: [TLSv1, TLSv1.1, TLSv1.2, TLSv1.3]
    default: TLSv1.2
  certificate_days_error:
    description:
      - The endpoint fails when the relay's certificate is valid for fewer days than this.
    type: int
    default: 0
  certificate_days_warning:
    description:
      - Report the finding C(certificate_expiring) when a certificate of the chain is valid for this many days or fewer.
    type: int
    default: 14
  cleartext_networks:
    description:
      - Networks (CIDR) to which a session without TLS is allowed. Empty means wherever it was asked for by name with C(security).
    type: list
    elements: str
    default: []
  require_all_addresses:
    description:
      - Whether every address of the relay's name must pass. By default one is enough and the others become findings.
    type: bool
    default: false
"""
