# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # The mode, for plugins that want a definite one.
    DOCUMENTATION = r"""
options:
  security:
    description:
      - The precise form of O(secure). Left out, it follows from O(secure) and the port.
      - V(implicit_tls) is TLS from the first byte (RFC 8314).
      - V(starttls) requires STARTTLS (RFC 3207). A relay without it fails.
      - V(opportunistic) takes STARTTLS when it is offered and goes on in cleartext when it is not. Who can alter the traffic can remove the offer.
      - V(cleartext) never uses TLS. User name and password travel readable for anybody on the way.
    type: str
    choices: [implicit_tls, starttls, opportunistic, cleartext]
"""
