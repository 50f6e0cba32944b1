# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup mail_provider: presets of well-known mail providers."""

from __future__ import annotations

DOCUMENTATION = r"""
name: mail_provider
short_description: Presets of well-known mail providers
version_added: 0.1.0
author: mailops.smtp contributors (!UNKNOWN)
description:
  - Gives host, port and security of a provider's submission service, which user name it wants, and what it is particular about.
  - RV(_raw[].settings) is ready for the settings of the other plugins of this collection, the role included.
  - Nothing is asked of the network. A preset says where each port was read, and which ones nobody verified; the gate proves them.
options:
  _terms:
    description:
      - Names of providers, such as V(gmail), V(office365) or V(ses). The provider's host name or mail domain is taken as well.
      - Without a name, all providers are returned.
    type: list
    elements: str
  prefer:
    description:
      - Which of the provider's ports to take, where it has several. By default the first one, which is the one with implicit TLS where there is one.
      - V(implicit_tls) - the first port that speaks TLS from the first byte.
      - V(starttls) - the first port that starts in cleartext and switches to TLS. Take it where port 465 is filtered.
      - A port number - this port.
    type: str
  region:
    description:
      - The region, for providers that have a host for each. Amazon SES needs it, such as V(eu-west-1).
      - Mailgun knows V(us) and V(eu), Zoho V(com) and V(eu), Yandex V(com) and V(ru), GMX V(net) and V(com).
    type: str
seealso:
  - module: mailops.smtp.smtp_gate
"""

EXAMPLES = r"""
- name: Settings of the role for Gmail
  ansible.builtin.include_role:
    name: mailops.smtp.mail_config
  vars:
    mail_config_settings: >-
      {{ lookup('mailops.smtp.mail_provider', 'gmail').settings
         | combine({'username': 'app@gmail.com', 'password': vault_app_password, 'sender': 'app@gmail.com'}) }}
    mail_config_apps:
      - app: pangolin
        path: /opt/pangolin/config/config.yml

- name: Gate Amazon SES on the port with STARTTLS
  mailops.smtp.smtp_gate:
    host: "{{ preset.host }}"
    port: "{{ preset.port }}"
    security: "{{ preset.security }}"
  vars:
    preset: "{{ lookup('mailops.smtp.mail_provider', 'ses', region='eu-west-1', prefer='starttls') }}"

- name: Show what a provider is particular about
  ansible.builtin.debug:
    msg: "{{ lookup('mailops.smtp.mail_provider', 'office365').quirks | map(attribute='text') }}"

- name: Names of all providers
  ansible.builtin.debug:
    msg: "{{ query('mailops.smtp.mail_provider') | map(attribute='id') }}"
"""

RETURN = r"""
_raw:
  description: One dictionary a provider.
  type: list
  elements: dict
  contains:
    id:
      description: Name of the preset.
      type: str
    name:
      description: Name of the provider.
      type: str
    settings:
      description: C(host), C(port), C(security) and C(secure), ready to be combined with user name, password and sender.
      type: dict
    host:
      description: Host of the submission service.
      type: str
    port:
      description: The port that was chosen.
      type: int
    security:
      description: V(implicit_tls), V(starttls), or for Mailpit V(cleartext).
      type: str
    secure:
      description: Whether the port speaks TLS from the first byte, which is Nodemailer's and Pangolin's flag.
      type: bool
    verified:
      description: Whether the chosen port was read in a source.
      type: bool
    ports:
      description: All ports, the recommended one first, each with C(port), C(security), C(secure), C(verified) and C(sources).
      type: list
      elements: dict
    regions:
      description: Regions that have a host of their own and are known by name.
      type: list
      elements: str
    username:
      description: The user name where the provider wants a fixed word, else V(null).
      type: str
    username_hint:
      description: What to write as user name.
      type: str
    password_hint:
      description: What to write as password.
      type: str
    quirks:
      description: What the provider is particular about, each with C(text) and C(verified).
      type: list
      elements: dict
"""

import typing as t

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase
from ansible_collections.mailops.smtp.plugins.plugin_utils._providers import (
    PROVIDERS,
    ProviderError,
    describe,
    find_provider,
)


class LookupModule(LookupBase):
    """Ansible's way to call the lookup."""

    def run(
        self, terms: list[t.Any], variables: dict[str, t.Any] | None = None, **kwargs: t.Any
    ) -> list[dict[str, t.Any]]:
        """One dictionary a term, or all providers."""
        self.set_options(var_options=variables, direct=kwargs)
        prefer: str | None = self.get_option("prefer")
        region: str | None = self.get_option("region")
        try:
            if not terms:
                if prefer or region:
                    raise ProviderError(
                        "prefer and region choose among the ports and hosts of one provider; write its name as well, or leave them out."
                    )
                return [describe(row) for row in PROVIDERS]
            return [describe(find_provider(str(term)), prefer, region, str(term)) for term in terms]
        except ProviderError as error:
            raise AnsibleLookupError(f"mailops.smtp.mail_provider: {error}") from error
