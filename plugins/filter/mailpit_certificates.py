# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: mailpit_certificates
short_description: Make, keep or check the certificates of a Mailpit host
version_added: 0.1.0
author: mailops.smtp contributors (!UNKNOWN)
description:
  - Used by the role P(mailops.smtp.mailpit#role).
  - Takes the PEM texts that are there and returns those to have from now on. What is still good is returned as it is.
  - Never fails for a bad certificate. The sentence is in RV(_value.refusal).
options:
  _input:
    description:
      - The PEM texts that are there, by name. C(ca_certificate), C(ca_key), C(next_certificate), C(next_key), C(previous_certificate),
        C(certificate) and C(key). What is missing is left out or empty.
    type: dict
    required: true
  kind:
    description:
      - V(own_ca) for a CA and a certificate from it.
      - V(self_signed) for one certificate that is its own issuer.
      - V(files) for a certificate and key that were given, which are checked first.
    type: str
    choices: [own_ca, self_signed, files]
    required: true
  names:
    description: The DNS names and addresses that clients use.
    type: list
    elements: str
    required: true
  days:
    description: How long a new certificate is valid.
    type: int
    default: 365
  renew_days:
    description: A certificate with fewer days left is made anew.
    type: int
    default: 120
  given:
    description:
      - With O(kind=files), the PEM texts that were given. C(certificate), C(key), and C(ca_certificate) if clients need one.
    type: dict
    default: {}
  step:
    description:
      - Where a change of what clients trust stands. V(steady) outside of one, then V(introduce), V(switch) and V(retire).
    type: str
    choices: [steady, introduce, switch, retire]
    default: steady
  force:
    description: Make a new certificate although the present one is good.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Make a CA and a certificate
  ansible.builtin.set_fact:
    pki: "{{ {} | mailops.smtp.mailpit_certificates(kind='own_ca', names=['mailpit.example.com']) }}"
  no_log: true
"""

RETURN = r"""
_value:
  description: The PEM texts to have, under the names of O(_input), and what follows.
  type: dict
  contains:
    refusal:
      description: Why this will not do, in one sentence, or V(none).
      type: str
    trust:
      description: What clients get to verify Mailpit with, one or more PEM certificates. Empty where their own store has it.
      type: str
    reason:
      description: Why the certificate is new, empty when it is not.
      type: str
"""

import dataclasses
import datetime
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.model import MailpitRefusal

if t.TYPE_CHECKING:
    from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.pki import Pki as _Pki


def _pki(kind: type[_Pki], what: str, texts: t.Any) -> _Pki:
    fields = {field.name for field in dataclasses.fields(kind)}
    if not isinstance(texts, t.Mapping) or set(texts) - fields:
        raise AnsibleFilterError(
            f"{what} of mailpit_certificates must be a dictionary with some of {', '.join(sorted(fields))}"
        )
    return kind(**texts)


def mailpit_certificates(
    value: t.Any,
    kind: str,
    names: t.Sequence[str],
    days: t.Any = 365,
    renew_days: t.Any = 120,
    step: str = "steady",
    force: bool = False,
    given: t.Any = None,
) -> dict[str, t.Any]:
    """See DOCUMENTATION."""
    # Not above: to find one filter, Ansible imports the files of them all, in each of its processes.
    from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit import pki

    existing = _pki(pki.Pki, "the input", value)
    handed_in = _pki(pki.Pki, "given", given or {})
    now = datetime.datetime.now(datetime.UTC)
    try:
        if kind == "files":
            # An empty file is not the same as none.
            authority = (given or {}).get("ca_certificate")
            refusal = pki.check_pair(handed_in.certificate, handed_in.key, names, now, authority)
            return (
                {"refusal": refusal}
                if refusal
                else {**dataclasses.asdict(pki.give(existing, pki.bare(handed_in), now, step)), "refusal": None}
            )
        if kind not in ("own_ca", "self_signed"):
            raise AnsibleFilterError(f"mailpit_certificates does not know the kind {kind!r}")
        result = pki.issue(kind, list(names), existing, now, int(days), int(renew_days), step, force)
    except MailpitRefusal as refusal:
        return {"refusal": str(refusal)}
    return {**dataclasses.asdict(result), "refusal": None}


class FilterModule:
    """The filter mailpit_certificates."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"mailpit_certificates": mailpit_certificates}
