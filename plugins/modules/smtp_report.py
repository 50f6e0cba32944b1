# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: smtp_report
short_description: Write a report on the mail of a fleet
version_added: 0.1.0
description:
  - Makes one report of what many hosts saw, and writes it on the controller as a page, as JSON and in the formats of other programs.
  - The page is one file. It opens from disk, asks no network for anything, and is readable without JavaScript.
  - Files are replaced as a whole or not at all.
  - The playbook C(mailops.smtp.report) asks all hosts and calls this.
author:
  - mailops.smtp contributors (!UNKNOWN)
extends_documentation_fragment:
  - mailops.smtp.attributes.controller
attributes:
  check_mode:
    details:
      - Reads everything and writes nothing.
options:
  from:
    description:
      - Files of records, as the callback P(mailops.smtp.verdicts#callback) and earlier reports write them. Names of files, of folders (all files in them
        that end in V(.jsonl)), and patterns such as V(slices/*.jsonl), as a list or with commas between them.
      - Of each host and endpoint the latest record counts. Lines that are no records are named in a warning, and left out.
      - Relative names count from the folder where Ansible was started.
    type: raw
  hosts:
    description:
      - Without O(from), the hosts to report on, such as C(ansible_play_hosts_all).
    type: list
    elements: str
  variable:
    description:
      - Without O(from), the variable in which each of O(hosts) has registered its M(mailops.smtp.smtp_gate) or
        M(mailops.smtp.smtp_endpoint_info). Of the ports that the latter looks at, those that do not work break no host where another port of the
        same relay works.
    type: str
  before:
    description:
      - Records of an earlier run, named as in O(from). The report then says what broke, what healed, and what is another one now.
    type: raw
  dest:
    description:
      - The folder to write to. It is made where it is missing, readable for the user alone.
      - Without it, nothing is written but O(path).
    type: path
  formats:
    description:
      - What to write, as a list or with commas between the names.
      - V(html) is the page (C(index.html)).
      - V(json) is everything as data (C(report.json)).
      - V(csv) is one line for each host and endpoint (C(report.csv)). No cell of it is taken for a formula.
      - V(junit) is for CI systems (C(junit.xml)). What fails is a failure, and a host that was not reached an error.
      - V(prometheus) is for node_exporter's textfile collector (C(metrics.prom)).
      - V(sarif) is for CI systems that show results of analyses (C(report.sarif)).
      - V(codeclimate) is what GitLab takes as a Code Quality report (C(gl-code-quality-report.json)).
      - V(text) is the table (C(report.txt)).
      - Without O(from), the records are written as well (C(records.jsonl)), for O(before) of the next report.
    type: raw
    default: html,json,csv,junit,prometheus
  path:
    description:
      - Also write the table to this file, with the mode V(0644).
    type: path
  mode:
    description:
      - Permissions of the files in O(dest), as octal digits.
      - A report names hosts, relays and addresses, so only its owner reads it unless you say otherwise. The textfile collector needs V('0644').
    type: raw
    default: '0600'
seealso:
  - module: mailops.smtp.smtp_gate
"""

EXAMPLES = r"""
- name: Write a page and the metrics from the records of all slices
  mailops.smtp.smtp_report:
    from: slices/*.jsonl
    before: yesterday/records.jsonl
    dest: mail-report
    formats: [html, junit]

- name: Ask for the relay
  mailops.smtp.smtp_gate:
    host: smtp.example.com
    port: 465
    secure: true
  register: mail_gate
  failed_when: false

- name: Report on this play's hosts
  mailops.smtp.smtp_report:
    hosts: "{{ ansible_play_hosts_all }}"
    variable: mail_gate
    dest: mail-report
  run_once: true
"""

RETURN = r"""
msg:
  description: The report in one sentence.
  returned: success
  type: str
files:
  description: What was written, or would be, by the name of the format. C(records) are the records, C(table) is O(path).
  returned: success
  type: dict
  sample: {html: /srv/mail-report/index.html}
table:
  description: The lines of the table. Of more than 200 lines, those that need to be seen.
  returned: success
  type: list
  elements: str
totals:
  description: How many hosts and endpoints there are of each verdict.
  returned: success
  type: dict
  sample: {fails: 1, no_verdict: 0, unreachable: 0, not_asked: 0, attention: 2, works: 97, other_port: 0}
causes:
  description: What several hosts show together, the surest first.
  returned: success
  type: list
  elements: dict
  contains:
    code: {description: What it is., type: str, returned: always}
    layer: {description: Its layer., type: str, returned: always}
    statement: {description: The statement., type: str, returned: always}
    confidence: {description: How sure it is., type: str, returned: always}
    remedy: {description: What to do about it., type: str, returned: always}
    hosts: {description: How many hosts show it., type: int, returned: always}
    some: {description: Some of their names., type: str, returned: always}
failures:
  description: Each cause once, with the number of its hosts. That of most hosts comes first.
  returned: success
  type: list
  elements: dict
  contains:
    code: {description: The cause., type: str, returned: always}
    layer: {description: Its layer., type: str, returned: always}
    subject: {description: The endpoint., type: str, returned: always}
    message: {description: What is wrong., type: str, returned: always}
    remedy: {description: What to do about it., type: str, returned: always}
    hosts: {description: How many hosts., type: int, returned: always}
    some: {description: Some of their names., type: str, returned: always}
changes:
  description: How many hosts and endpoints changed in which way. Null without O(before).
  returned: success
  type: dict
  sample: {broke: 2, healed: 5}
"""
