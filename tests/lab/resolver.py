# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's resolver: unbound that knows the lab's own names and asks nobody else."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

from .network import in_namespace, run
from .plan import DOMAIN, NAMES, NODES, RUN, ipv4, ipv6

__all__ = ["RESOLV_CONF", "serve_names", "start_resolver"]

RESOLV_CONF = f"nameserver {ipv4(*NODES['dns'])}\noptions timeout:2 attempts:1\nsearch {DOMAIN}\n"

# Names below these domains fail the way that the domain says.
ZONES = {
    f"nodata.{DOMAIN}": "always_nodata",
    f"refused.{DOMAIN}": "always_refuse",
    f"silent.{DOMAIN}": "always_deny",
}
# Delegated to a name server that refuses to answer (the resolver itself, asked from loopback): the client is told SERVFAIL.
SERVFAIL = f"servfail.{DOMAIN}"

CONFIG = """\
server:
  directory: "{run}"
  chroot: ""
  username: ""
  pidfile: "{run}/unbound.pid"
  logfile: "{run}/unbound.log"
  use-syslog: no
  interface: {ipv4}
  interface: {ipv6}
  interface: 127.0.0.1
  access-control: 127.0.0.0/8 refuse
  access-control: 10.77.0.0/16 allow
  access-control: fd77::/16 allow
  num-threads: 1
  module-config: "iterator"
  rrset-roundrobin: no
  do-not-query-localhost: no
  # Root of everything: what the lab does not know does not exist.
  local-zone: "." static
{data}
stub-zone:
  name: "{servfail}"
  stub-addr: 127.0.0.1
remote-control:
  control-enable: no
"""


def _config(names: Mapping[str, Sequence[str]]) -> str:
    data = [f'local-zone: "{zone}." {kind}' for zone, kind in ZONES.items()]
    data.append(f'local-zone: "{SERVFAIL}." transparent')
    data += [
        f"local-data: '{name}. 60 IN {record}'" for name, records in {**NAMES, **names}.items() for record in records
    ]
    return CONFIG.format(
        run=RUN,
        ipv4=ipv4(*NODES["dns"]),
        ipv6=ipv6(*NODES["dns"]),
        data="\n".join(f"  {line}" for line in data),
        servfail=SERVFAIL,
    )


def start_resolver(names: Mapping[str, Sequence[str]]) -> None:
    """Start unbound with these names, each with its records ("A 10.77.2.10"). RuntimeError when it refuses its configuration."""
    (RUN / "unbound.conf").write_text(_config(names))
    run(["unbound-checkconf", str(RUN / "unbound.conf")])
    run(in_namespace("dns", "unbound", "-c", str(RUN / "unbound.conf")))


def serve_names(names: Mapping[str, Sequence[str]]) -> None:
    """Serve these names instead of those served so far."""
    pid = int((RUN / "unbound.pid").read_text())
    os.kill(pid, signal.SIGTERM)
    while subprocess.run(["kill", "-0", str(pid)], stderr=subprocess.DEVNULL, check=False).returncode == 0:
        time.sleep(0.01)
    start_resolver(names)
