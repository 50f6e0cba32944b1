# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings the table of scenarios into the lab: relays, names, router rules, host settings; and runs its rows in batches."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from .controllers import play
from .farm import addresses, far_address
from .hosts import ssh
from .network import in_namespace, run
from .plan import DOMAIN, HOSTS, ROOT, RUN, Host
from .resolver import serve_names
from .scenario import Row

__all__ = ["FLEET_RULE", "TARGET_HOSTS", "Stage", "dealt"]

CA_PATH = "/etc/lab/ca.pem"
HOST_BY_NAME = {host.name: host for host in HOSTS}
# The first host of each Python, all in the open network.
TARGET_HOSTS = {host.python: host for host in reversed(HOSTS)}
# What the second provider does to all of its customers.
FLEET_RULE = "ip saddr 10.77.12.0/24 tcp dport 465 counter drop"

# Trust as on a host of a company: its CA in a file, one root in the host's own store (in the bundle and, for OpenSSL's lookup by hash, as a link).
TRUST = """\
set -e
mkdir -p /etc/lab
cat > {ca_path} <<'PEM'
{ca}PEM
cat > /etc/ssl/certs/lab-public-root.pem <<'PEM'
{system_ca}PEM
cat /etc/ssl/certs/lab-public-root.pem >> /etc/ssl/certs/ca-certificates.crt
ln -sf lab-public-root.pem /etc/ssl/certs/{hash}.0
"""

# The router. `seen` is for rules that treat the first packet of a connection otherwise than its repetition.
RULESET = """\
flush ruleset
table inet provider {{
  set seen {{
    typeof ip saddr . tcp sport
    flags dynamic,timeout
    timeout 1m
  }}
  chain forward {{
    type filter hook forward priority 0; policy accept;
{forward}
  }}
}}
table ip redirection {{
  chain prerouting {{
    type nat hook prerouting priority -100; policy accept;
{nat}
  }}
}}
"""


class Stage:
    """The table, set up in the lab."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.addresses = addresses([row.relay for row in rows if not row.at])
        self._farm: subprocess.Popen[bytes] | None = None

    @contextmanager
    def set_up(self) -> Iterator[Stage]:
        """Start the relays, teach the resolver, the router and the hosts, and stop the relays afterwards."""
        log = open(RUN / "farm.log", "wb")
        self._farm = farm = subprocess.Popen(
            in_namespace("relays", sys.executable, "-m", "lab.farm"),
            cwd=ROOT / "tests",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        assert farm.stdin is not None and farm.stdout is not None
        try:
            serve_names(self.names())
            self._rules()
            if farm.stdout.readline().strip() != b"ready":
                raise RuntimeError(
                    f"the relays did not start:\n{(RUN / 'farm.log').read_text(errors='replace')[-3000:]}"
                )
            self._hosts()
            yield self
        finally:
            farm.stdin.close()
            try:
                farm.wait(30)
            except subprocess.TimeoutExpired:
                farm.kill()
            log.close()

    def heard(self) -> dict[str, list[list[tuple[bool, str]]]]:
        """What the scripted relays were told so far: name -> one list per port, of (over TLS, command)."""
        assert self._farm is not None and self._farm.stdin is not None and self._farm.stdout is not None
        self._farm.stdin.write(b"\n")
        self._farm.stdin.flush()
        return json.loads(self._farm.stdout.readline())

    def _fill(self, row: Row, text: str) -> str:
        ip, ip6 = self.addresses.get(row.relay, ("", ""))
        return text.format(ip=ip, ip6=ip6, far=far_address(ip) if ip else "")

    def names(self) -> dict[str, list[str]]:
        """Every name that the resolver has to know. A relay has an IPv4 address unless its row says otherwise."""
        names: dict[str, list[str]] = {}
        for row in self.rows:
            for name, records in row.names.items():
                names[f"{name}.{DOMAIN}"] = [self._fill(row, record) for record in records]
        for name, (ip, _ip6) in self.addresses.items():
            names.setdefault(f"{name}.{DOMAIN}", [f"A {ip}"])
        return names

    def _rules(self) -> None:
        rules = [self._fill(row, rule) for row in self.rows for rule in row.rules]
        redirections = [self._fill(row, rule) for row in self.rows for rule in row.redirect]
        run(
            in_namespace("gw", "nft", "-f", "-"),
            stdin=RULESET.format(
                forward="\n".join(f"    {rule}" for rule in [FLEET_RULE, *rules]),
                nat="\n".join(f"    {rule}" for rule in redirections),
            ),
        )

    def _hosts(self) -> None:
        trust = json.loads((RUN / "farm.json").read_text())
        hashed = run(["openssl", "x509", "-hash", "-noout"], stdin=trust["system_ca"]).strip()
        script = TRUST.format(ca_path=CA_PATH, ca=trust["ca"], system_ca=trust["system_ca"], hash=hashed)
        own = "set -e\nnft flush ruleset\n" + "\n".join(
            self._fill(row, line) for row in self.rows for line in row.on_host
        )
        targets = list(TARGET_HOSTS.values())

        def prepare(host: Host) -> None:
            run(ssh(host, "sh", "-s"), stdin=script)
            if host in targets:
                run(in_namespace(host.name, "sh", "-s"), stdin=own)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(prepare, HOSTS))

    def endpoint(self, row: Row) -> dict[str, Any]:
        """The options of a row's call; what most rows leave out is filled in here."""
        return {"ca_path": CA_PATH, "timeout": 5, **row.endpoint(*self.addresses.get(row.relay, ("", "")))}

    def probe(
        self, release: str, shares: Mapping[str, list[Row]], batch: int = 30
    ) -> dict[tuple[str, str], dict[str, Any]]:
        """Probe rows, many endpoints a call: host -> its rows. Gives (host, row) -> verdict, or the failed task's result.

        A call takes as long as its slowest endpoint: the slow ones wait together.
        """
        batches = {
            name: [ordered[i : i + batch] for i in range(0, len(ordered), batch)]
            for name, rows in shares.items()
            for ordered in [sorted(rows, key=lambda row: row.seconds)]
        }
        items = {
            name: {
                "lab_batches": [
                    {"name": number, "endpoints": [self.endpoint(row) for row in some]}
                    for number, some in enumerate(mine)
                ]
            }
            for name, mine in batches.items()
        }
        tasks = [
            {
                "name": "probe",
                "mailops.smtp.smtp_endpoint_info": {"endpoints": "{{ item.endpoints }}"},
                "loop": "{{ lab_batches }}",
                "loop_control": {"label": "{{ item.name }}"},
                "ignore_errors": True,
            }
        ]
        results, _printed = play(release, "probe", [HOST_BY_NAME[name] for name in shares], tasks, items)
        found = {}
        for result in results:
            some = batches[result["host"]][int(result["item"])]
            probes = result["result"].get("probes") or [result["result"]] * len(some)
            for row, probe in zip(some, probes, strict=True):
                found[result["host"], row.name] = probe
        return found

    def one_by_one(
        self, release: str, module: str, share: dict[str, list[Row]], *options: str
    ) -> tuple[dict[tuple[str, str], dict[str, Any]], str]:
        """Run one row per call: host -> its rows. Gives (host, row) -> result, and all that Ansible printed."""
        items = {
            name: {"lab_rows": [{"name": row.name, "options": self.endpoint(row)} for row in rows]}
            for name, rows in share.items()
        }
        tasks = [
            {
                "name": module,
                f"mailops.smtp.{module}": "{{ item.options }}",
                "loop": "{{ lab_rows }}",
                "loop_control": {"label": "{{ item.name }}"},
                "ignore_errors": True,
            }
        ]
        results, printed = play(
            release, module, [HOST_BY_NAME[name] for name in share], tasks, items, *options, forks=len(share)
        )
        return {(result["host"], result["item"]): result["result"] for result in results}, printed


def dealt(rows: list[Row], hosts: list[Host]) -> dict[str, list[Row]]:
    """Rows dealt to hosts like cards."""
    share: dict[str, list[Row]] = defaultdict(list)
    for number, row in enumerate(rows):
        share[hosts[number % len(hosts)].name].append(row)
    return share
