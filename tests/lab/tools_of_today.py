# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tools that people use today: how each is called on an endpoint, and the words by which a reader would know the cause."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .plan import DOMAIN, ROOT

__all__ = ["TOOLS", "Endpoint", "names_the_cause", "passes"]

PLUGINS = Path("/usr/lib/nagios/plugins")
MODULES = ROOT / "build" / "relays" / "nodemailer" / "node_modules"


@dataclass(frozen=True)
class Endpoint:
    """What a tool is told. `seconds` is its own patience, where it has an option for that."""

    host: str
    port: int
    implicit: bool
    name: str
    ca: str
    seconds: int

    @property
    def at(self) -> str:
        """The host as it stands before a colon."""
        return f"[{self.host}]" if ":" in self.host else self.host


def is_address(text: str) -> bool:
    """Whether this is an IP address and no name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def openssl(to: Endpoint) -> list[str]:
    """Verification on, which it is not by itself. It has no timeout."""
    mode = [] if to.implicit else ["-starttls", "smtp"]
    name = ["-verify_ip", to.name] if is_address(to.name) else ["-servername", to.name, "-verify_hostname", to.name]
    return [
        "openssl",
        "s_client",
        "-brief",
        "-connect",
        f"{to.at}:{to.port}",
        *name,
        "-verify_return_error",
        "-CAfile",
        to.ca,
        *mode,
    ]


def swaks(to: Endpoint) -> list[str]:
    """With all of its output: what the relay said is in it."""
    mode = "--tls-on-connect" if to.implicit else "--tls"
    return [
        "swaks",
        mode,
        "--tls-verify",
        "--tls-ca-path",
        to.ca,
        "--tls-sni",
        to.name,
        "--server",
        to.host,
        "--port",
        str(to.port),
        "--timeout",
        str(to.seconds),
        "--quit-after",
        "EHLO",
        "--helo",
        "lab.test",
    ]


def curl(to: Endpoint) -> list[str]:
    """Verbose, for the same reason."""
    url = f"{'smtps' if to.implicit else 'smtp'}://{to.at if to.name == to.host else to.name}:{to.port}"
    there = [] if to.name == to.host else ["--connect-to", f"::{to.at}:{to.port}"]
    return [
        "curl",
        "-sSv",
        "--ssl-reqd",
        "--cacert",
        to.ca,
        "--noproxy",
        "*",
        "--max-time",
        str(to.seconds),
        url,
        *there,
        "--request",
        "NOOP",
    ]


def check_smtp(to: Endpoint) -> list[str]:
    """Two checks as a monitoring system would have them: the greeting over TLS, and the certificate's days."""
    program = [str(PLUGINS / "check_ssmtp"), f"--sni={to.name}"] if to.implicit else [str(PLUGINS / "check_smtp"), "-S"]
    options = ["-H", to.host, "-p", str(to.port), "-t", str(to.seconds)]
    return ["sh", "-c", '"$@" && "$@" -D 1', "sh", *program, *options]


def nodemailer(to: Endpoint) -> list[str]:
    """Its verify(), with requireTLS on a port that begins in cleartext."""
    settings = [f"NODE_PATH={MODULES}", f"NODE_EXTRA_CA_CERTS={to.ca}"]
    script = str(Path(__file__).with_name("nodemailer_verify.js"))
    return [
        "env",
        *settings,
        "node",
        script,
        to.host,
        str(to.port),
        "implicit" if to.implicit else "starttls",
        to.name,
        str(to.seconds),
    ]


# name -> its command line, and the command whose output holds its version
TOOLS = {
    "openssl s_client": (openssl, ["openssl", "version"]),
    "swaks": (swaks, ["swaks", "--version"]),
    "curl": (curl, ["curl", "--version"]),
    "check_smtp": (check_smtp, [str(PLUGINS / "check_smtp"), "--version"]),
    "nodemailer verify": (
        nodemailer,
        ["node", "-p", f"'nodemailer ' + require('{MODULES}/nodemailer/package.json').version"],
    ),
}

# A hint is enough: a word that stands for the cause counts, also when it stands in the relay's own words that the tool shows.
WORDS = {
    "name_not_found": r"could not resolve|not known|cannot resolve|unknown host|no address|bad hostname|invalid hostname|enotfound|name or service",
    "name_server_failure": r"temporary failure|server failure|try again|eai_again|esrvfail|servfail|dns.*timed? ?out|resolving timed out",
    "connection_timeout": r"connect\w* (time|timed) ?out|connection.*timed? ?out|connect.*timeout|timed? ?out.*connect|failed to connect.*timed? ?out",
    "connection_refused": r"refused",
    "no_route": r"no route|unreachable|ehostunreach|enetunreach|invalid argument",
    "connection_blocked": r"permission denied|prohibited|blocked|firewall|filtered|eacces|eperm",
    "connection_reset": r"reset",
    "greeting_timeout": (
        r"(greeting|banner|server response).*(never|timed? ?out|not received|nothing)|(timed? ?out|waiting).*(greeting|banner|server response)"
        r"|connected to((?!\n<)(.|\n))*timed out"
    ),
    "greeting_rejected": r"\b[45]\d\d[ -]|response: [45]\d\d|invalid greeting",
    "temporarily_rejected": r"\b4[25]\d[ -]|response: 4\d\d|try again|too many|temporar",
    "not_smtp": r"weird server reply|ssh-2|http/1|imap|pop3|ftp|\* ok|not .*smtp|invalid greeting|unexpected (greeting|response)|invalid smtp",
    "connection_closed": r"clos(ed|ing)|disconnect|\beof\b|unexpectedly|hung up|without",
    "mode_mismatch": (
        r"implicit|plain ?text|clear ?text|expects? (tls|ssl)|speaks (tls|ssl)|not speak(ing)? (tls|ssl)|use (starttls|tls|ssl)|try starttls"
        r"|not.*using (tls|ssl)"
    ),
    "ehlo_rejected": r"(ehlo|helo)[^\n]*\n?[^\n]*(\b[45]\d\d\b|refus|reject|fail|denied|error)|\b(502|550|421)\b",
    "starttls_not_offered": r"starttls.*(not|denied|no |n't)|(not?|n't) .*starttls|tls not supported|does not (offer|support).*tls",
    "starttls_rejected": r"\b(454|501|502)\b|starttls (denied|failed|refused)",
    "tls_handshake_timeout": r"(handshake|ssl|tls).*(timed? ?out|timeout)|(timed? ?out|timeout).*(handshake|ssl|tls)|client hello(.|\n)*timed out",
    "tls_version_unsupported": r"protocol version|unsupported protocol|no protocols|version too low",
    "tls_handshake_failed": r"alert|handshake.{0,20}fail|no (shared )?ciphers?|unexpected eof|decode error|before secure tls|internal error",
    "client_certificate_required": r"certificate required|client certificate|did not return a certificate",
    "certificate_expired": r"expired",
    "certificate_not_yet_valid": r"not yet valid",
    "certificate_self_signed": r"self.signed certificate(?! in)",
    "certificate_untrusted": r"self.signed certificate in|issuer certificate|unknown ca|not trusted|unable to verify the first",
    "certificate_chain_incomplete": r"incomplete|intermediate.*missing|missing.*intermediate|unable to verify the first|verify the first certificate",
    "certificate_name_mismatch": r"mismatch|not match|no alternative certificate|no match|altnames|hostname/ip does not",
    "certificate_weak": r"too small|too weak|\bweak\b",
}


def passes(code: int, output: str) -> bool:
    """Whether the tool was content: exit code 0, or swaks' 6 for a relay that hung up at QUIT."""
    return code == 0 or (code == 6 and re.search(r"~> QUIT\n[^\n]*closed connection unexpectedly", output) is not None)


def names_the_cause(causes: Iterable[str | None], output: str) -> bool:
    """Whether a reader of this output could tell one of these causes. The lab's names, which give the fault away, do not count."""
    words = re.sub(rf"[\w*.-]+\.{re.escape(DOMAIN)}", "relay.example", output)
    return any(re.search(WORDS[cause], words, re.IGNORECASE) for cause in causes if cause)
