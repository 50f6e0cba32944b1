# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same table put to the tools that people use today: tools/lab compare writes docs/comparison.md."""

from __future__ import annotations

import re
import statistics
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from .network import in_namespace, require_lab
from .plan import ROOT, RUN
from .scenario import LAYER, Row, complaints, rows
from .stage import TARGET_HOSTS, Stage

__all__: list[str] = []

PAGE = ROOT / "docs" / "comparison.md"
# After this many seconds a person has pressed Ctrl-C.
PATIENCE = 20
HOST = TARGET_HOSTS["3.11"]

# Words that tell the cause to somebody who reads them, looked for in all that a tool prints. Generous: a hint counts as a name.
WORDS = {
    "name_not_found": r"could not resolve|not known|cannot resolve|unknown host|no address",
    "name_server_failure": r"temporary failure|server failure|try again",
    "connection_timeout": r"timed? ?out",
    "connection_refused": r"refused",
    "no_route": r"no route|unreachable",
    "connection_blocked": r"permission denied|prohibited|blocked|firewall",
    "connection_reset": r"reset",
    "greeting_timeout": r"greeting|banner|waiting for server response",
    "greeting_rejected": r"\b(554|421)\b",
    "not_smtp": r"weird server reply|ssh-2|http/1|imap|pop3|ftp|not .*smtp|invalid greeting|unexpected greeting",
    "connection_closed": r"closed|disconnect|\beof\b",
    "mode_mismatch": r"implicit|plain ?text|cleartext|expects? tls|speaks tls|not speak tls",
    "ehlo_rejected": r"ehlo|helo|\b(502|550|421)\b",
    "starttls_not_offered": r"starttls.*(not|denied|no )|not? .*starttls|n't .*starttls",
    "starttls_rejected": r"\b(454|501)\b|starttls denied",
    "tls_handshake_timeout": r"(handshake|ssl|tls).*timed? ?out",
    "tls_version_unsupported": r"protocol version|unsupported protocol|no protocols",
    "tls_handshake_failed": r"handshake|alert|no shared cipher",
    "client_certificate_required": r"certificate required|client certificate|did not return a certificate",
    "certificate_expired": r"expired",
    "certificate_not_yet_valid": r"not yet valid",
    "certificate_self_signed": r"self.signed certificate(?! in)",
    "certificate_untrusted": r"self.signed certificate in|issuer certificate|unknown ca|not trusted",
    "certificate_chain_incomplete": r"incomplete|intermediate.*missing|missing.*intermediate",
    "certificate_name_mismatch": r"mismatch|not match|no alternative certificate|no match",
    "certificate_weak": r"too small|too weak|\bweak\b",
}


@dataclass(frozen=True)
class Outcome:
    """How one tool did on one row."""

    right: bool  # said what is wrong, or passed what is well
    wrong_pass: bool
    endless: bool
    seconds: float


def _command(tool: str, endpoint: dict[str, object], ca: str) -> list[str]:
    """The tool's command line, with verification of chain and name switched on."""
    host, port = str(endpoint["host"]), str(endpoint["port"])
    name = str(endpoint.get("server_name") or host)
    implicit = endpoint.get("secure") is True
    at = f"[{host}]" if ":" in host else host
    if tool == "openssl s_client":
        options = [] if implicit else ["-starttls", "smtp"]
        verify = ["-servername", name, "-verify_hostname", name, "-verify_return_error", "-CAfile", ca]
        return ["openssl", "s_client", "-brief", "-connect", f"{at}:{port}", *verify, *options]
    if tool == "curl":
        return ["curl", "-sS", "--ssl-reqd", "--cacert", ca, "-v", "--noproxy", "*", f"{'smtps' if implicit else 'smtp'}://{at}:{port}", "--request", "NOOP"]
    options = ["--tls-on-connect"] if implicit else ["--tls"]
    return ["swaks", *options, "--tls-verify", "--tls-ca-path", ca, "--tls-sni", name, "--server", host, "--port", port, "--quit-after", "EHLO"]


def _try(tool: str, row: Row, endpoint: dict[str, object], ca: str) -> Outcome:
    started = time.monotonic()
    try:
        done = subprocess.run(
            in_namespace(HOST.name, *_command(tool, endpoint, ca)), input=b"QUIT\r\n",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE, check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(False, False, True, PATIENCE)
    seconds = time.monotonic() - started
    passed = done.returncode == 0
    if row.cause is None:
        return Outcome(passed, False, False, seconds)
    told = not passed and any(re.search(WORDS[cause], done.stdout.decode(errors="replace"), re.IGNORECASE) for cause in row.causes if cause)
    return Outcome(told, passed, False, seconds)


def main() -> None:
    """Measure, and write the page."""
    require_lab()
    chosen = [row for row in rows() if row.call == "probe" and set(row.ask) <= {"secure", "timeout", "server_name"} and not isinstance(row.cause, tuple)]
    outcomes: dict[str, list[tuple[Row, Outcome]]] = {}
    with Stage(rows()).set_up() as stage:
        ca = str(RUN / "pki" / "ca.pem")
        with ThreadPoolExecutor(12) as pool:
            for tool in ("openssl s_client", "swaks", "curl"):
                outcomes[tool] = list(zip(chosen, pool.map(lambda row, tool=tool: _try(tool, row, stage.endpoint(row), ca), chosen), strict=True))
                print(f"{tool}: {sum(outcome.right for _row, outcome in outcomes[tool])} of {len(chosen)}", flush=True)
        found = stage.probe("2.21", {HOST.name: chosen})
        outcomes["smtp_endpoint_info"] = []
        for row in chosen:
            probe = found[HOST.name, row.name]
            outcome = Outcome(not complaints(row, probe), bool(probe.get("ok") and row.cause), False, (probe.get("elapsed_ms") or 0) / 1000)
            outcomes["smtp_endpoint_info"].append((row, outcome))
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(_page(outcomes), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")


def _page(outcomes: dict[str, list[tuple[Row, Outcome]]]) -> str:
    tools = list(outcomes)
    total = len(next(iter(outcomes.values())))
    lines = [
        "# What today's tools say about the same relays",
        "",
        f"{total} scenarios of the lab (`tests/lab/scenarios`), put to `openssl s_client`, `swaks`, `curl` and `mailops.smtp.smtp_endpoint_info`",
        f"from the same host over the same network. Every tool was told to verify chain and name, and was stopped after {PATIENCE} s.",
        "Made by `tools/lab compare`; versions are those of Debian 12.",
        "",
        "A tool counts as right when it passes what is well, or fails and prints words from which a reader can tell the cause",
        "(the words are in `tests/lab/compare.py`; a hint is enough). The collection counts as right only when cause, layer, time and findings",
        "are all as the table wants them.",
        "",
        f"| | {' | '.join(tools)} |",
        f"|---|{'---|' * len(tools)}",
    ]

    def line(title: str, value: Callable[[list[tuple[Row, Outcome]]], str]) -> None:
        lines.append(f"| {title} | {' | '.join(value(outcomes[tool]) for tool in tools)} |")

    line("right, of all", lambda done: f"{sum(outcome.right for _row, outcome in done)} of {len(done)}")
    line("passes what is broken", lambda done: str(sum(outcome.wrong_pass for _row, outcome in done)))
    line(f"no verdict within {PATIENCE} s", lambda done: str(sum(outcome.endless for _row, outcome in done)))
    line("fails what is well", lambda done: str(sum(not outcome.right for row, outcome in done if row.cause is None)))
    line("median seconds, healthy", lambda done: f"{statistics.median(outcome.seconds for row, outcome in done if row.cause is None):.2f}")
    line("longest seconds", lambda done: f"{max(outcome.seconds for _row, outcome in done):.1f}")
    lines += ["", "Right by cause:", "", f"| layer | cause | {' | '.join(tools)} |", f"|---|---|{'---|' * len(tools)}"]
    for cause in [None, *WORDS]:
        some = [[outcome.right for row, outcome in outcomes[tool] if row.cause == cause] for tool in tools]
        if some[0]:
            name = f"`{cause}`" if cause else "(healthy)"
            lines.append(f"| {LAYER[cause] if cause else ''} | {name} | {' | '.join(f'{sum(each)} of {len(each)}' for each in some)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
