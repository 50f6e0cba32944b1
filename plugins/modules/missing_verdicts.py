# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: missing_verdicts
short_description: Say which hosts or slices of a fleet gave no verdict at all
version_added: 0.1.0
description:
  - Reads the files of the callback P(mailops.smtp.verdicts#callback) of many runs (slices of AWX, of receptor or of ansible-runner) and says which
    hosts of the inventory have no record in any of them, and which slices have none at all.
  - With O(dest) it adds a record for each of these hosts, so that a report on all files names them. Such a record does not count as one
    when the module is run again.
author:
  - mailops.smtp contributors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.smtp.attributes.controller
options:
  from:
    description:
      - Files of records, folders (all files in them that end in V(.jsonl)) and patterns such as V(slices/*.jsonl), as a list or with commas
        between them. Relative names count from the folder where Ansible was started.
      - Lines that are no records are named in a warning and left out.
    type: raw
    required: true
  hosts:
    description:
      - The hosts that should have a record. Left out, all of the inventory.
    type: list
    elements: str
  slices:
    description:
      - How the hosts were divided. A number means AWX's way, that is, sorted by name and dealt out in turn.
      - A dictionary has the name of each slice, and the list of its hosts.
    type: raw
  dest:
    description:
      - The file to add the records to. A new file is readable by its owner alone.
    type: path
seealso:
  - plugin: mailops.smtp.verdicts
    plugin_type: callback
"""

EXAMPLES = r"""
- name: Name the slices that are missing
  mailops.smtp.missing_verdicts:
    from: slices/*.jsonl
    slices: 3
    dest: slices/missing.jsonl
  run_once: true
  delegate_to: localhost
"""

RETURN = r"""
msg:
  description: What is missing, in one or two sentences.
  returned: always
  type: str
  sample: "There is nothing of slice 2. 3 hosts have no record: h2, h5, h8."
hosts:
  description: The hosts without a record.
  returned: success
  type: list
  elements: str
slices:
  description: The names of the slices without any record.
  returned: success
  type: list
  elements: str
"""
