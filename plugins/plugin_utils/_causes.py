# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every cause and every finding: code, layer, what is said, what to do, and how it is told apart. Add one by a row.

A code that has several shapes has one row for each: ``variant`` tells them apart.

``sentence`` is a clause without its final stop: what the case at hand adds is put behind it, see ``said``. ``sentence``
and ``remedy`` are templates for ``fill``. Every row may use the fields of FIELDS ({endpoint} {host} {port} {address}
{timeout} {name} ...), and those that come with its own case, such as {until}.

A part in [brackets] goes when a field in it is null. Other ports stand in brackets, because one that the same call has
found not to work must not be recommended: {other_port} is a conventional port of the other mode, {tls_port} one with
TLS from the first byte, {usual_ports} and {usual_modes} are the conventional ports, for all of which that is not known.

A log does not name all of that, and must not sound surer than it is: ``log`` and ``log_remedy`` take the place there.
"""

from __future__ import annotations

import re
import string
import typing as t
from collections.abc import Mapping

from ansible_collections.mailops.smtp.plugins.module_utils._observe.evidence import Layer

__all__ = (
    "CASE_FIELDS",
    "CAUSES",
    "FIELDS",
    "FINDINGS",
    "LAYERS",
    "Cause",
    "Fields",
    "Finding",
    "cause_row",
    "fill",
    "layer_of",
    "said",
)

# The ladder, in the order climbed.
LAYERS: tuple[str, ...] = ("settings", *t.get_args(Layer))

# What is put into a sentence, by name; null where a part in brackets is to go.
Fields = Mapping[str, str | int | None]
# Fields that every verdict fills in, and those that come with a few rows. The values are what docs/causes.md shows.
FIELDS: Fields = {
    "endpoint": "smtp.example.com:465", "host": "smtp.example.com", "port": 465, "address": "192.0.2.25", "timeout": 10,
    "other_port": 587, "tls_port": 465, "usual_ports": "465, 587", "other_secure": "false", "name": "smtp.example.com",
    "usual_modes": "465 (secure: true) or 587 (secure: false)", "ca_path": "/etc/ssl/our-ca.pem", "observed": "starttls",
}  # fmt: skip
CASE_FIELDS: Fields = {
    "source_address": "192.0.2.77", "networks": "10.0.0.0/8", "version": "TLSv1.1", "ip_version": "4",
    "until": "2027-01-31", "missing": "greeted", "in_days": "3 days", "required": 7, "spoken": "cleartext first", "cipher": "AES256-SHA", "seconds": 6,
    "answering": "port 587", "other_version": "4", "known": 40, "asked": 32, "app": "Vaultwarden", "bits": 1024,
    "who": "Vikunja (Go) refuses it; Pangolin (Node.js) takes it", "has": "has only old cipher suites",
    "interface": "eth7", "asking": "ip_version", "lone": "smtp.example.com", "more": None, "waited": 9, "tls_here": 465,
}  # fmt: skip


class Cause(t.NamedTuple):
    """One row: a stable code, the layer where it breaks, what a person is told, how it is told from its neighbours."""

    code: str
    variant: str
    layer: str
    sentence: str
    remedy: str
    told: str
    log: str = ""
    log_remedy: str = ""


class Finding(t.NamedTuple):
    """What does not break mail today; severity is ``info`` or ``warning``. Its sentence is made as a cause's."""

    code: str
    severity: str
    sentence: str
    remedy: str


_ASK_FIREWALL = "whoever runs the firewall or the network"
_TO_LOGIN = "Log in: set username and password for this relay"

_SETTINGS = (
    Cause(
        "invalid_settings", "", "settings",
        "The settings cannot work",
        "Correct the option that the message names.",
        "Found before a packet is sent; the message names the option and what to write.",
        log_remedy="Correct the option that the text names.",
    ),
    Cause(
        "invalid_settings", "source_address", "settings",
        "source_address {source_address} is not an address of this host",
        "Set source_address to an address that the host has, or leave it out.",
        "The host's system refuses to send from that address (bind fails); the network was not asked.",
    ),
    Cause(
        "invalid_settings", "interface", "settings",
        "This host has no network interface {interface}, which stands behind the % in host",
        "Write the name of an interface of this host there (ip link shows them), such as fe80::1%eth0.",
        "The system resolves an address with an interface by itself, and knows none of that name; no name server was asked.",
    ),
    Cause(
        "invalid_settings", "cleartext_networks", "settings",
        "The session is in cleartext, and {address} is outside cleartext_networks ({networks})",
        "Choose security: starttls or implicit_tls, or add the relay's network to cleartext_networks.",
        "The session worked without TLS; only the policy forbids it for this address.",
    ),
    Cause(
        "mode_mismatch", "settings", "settings",
        "secure and port do not match",
        "Set secure: {other_secure} with port {port}, or take the port that goes with the flag (465 with secure: "
        "true, 587 with secure: false).",
        "No probe is made (app_mail_config alone), so the port's convention decides; with a probe the relay decides, "
        "see layer mode.",
        log_remedy="Use port 465 with secure: true, or port 587 with secure: false.",
    ),
)  # fmt: skip

_DNS = (
    Cause(
        "name_not_found", "", "dns",
        "The name {host} does not exist, as far as this host's resolver can tell",
        "Check the spelling of host; if the name is right, look whether it is an alias (CNAME) that leads nowhere, or "
        "ask whoever runs this host's DNS why it does not know it.",
        "The resolver answered, and said that there is no such name (EAI_NONAME), nor one behind its alias; no answer at "
        "all is name_server_failure.",
    ),
    Cause(
        "name_not_found", "no_address", "dns",
        "The name {host} exists but has no address",
        "Check that host is the relay's name and not the mail domain, and that ip_version allows the kind of address "
        "it has.",
        "The resolver knows the name and has no address of the wanted kind for it (EAI_NODATA, EAI_ADDRFAMILY).",
    ),
    Cause(
        "name_not_found", "family", "dns",
        "The name {host} has no IPv{ip_version} address, and {asking} asks for one",
        "Set ip_version: any (and leave source_address out, or take one of the other kind); otherwise check that host is "
        "the relay's name and not the mail domain.",
        "As above, while ip_version or source_address allows one kind of address only.",
    ),
    Cause(
        "name_server_failure", "", "dns",
        "This host's name server gave no usable answer for {host}",
        "Check /etc/resolv.conf on this host and that its name servers can be reached; where other names work, the name "
        "servers of the relay's own domain fail. Whether the relay works is not known yet.",
        "The name server was silent, refused or failed (EAI_AGAIN, EAI_FAIL, a timeout); that a name does not exist "
        "is name_not_found.",
    ),
    Cause(
        "name_server_failure", "slow", "dns",
        "This host's name server took {waited} of the {timeout} s to find {host}, and what was left is too short to tell "
        "whether the relay answers",
        "Check the name servers in /etc/resolv.conf on this host: one that is dead is waited for each time, also by every "
        "app. To see what the relay does in spite of it, raise timeout.",
        "The name was found, but it took most of the timeout, less than three seconds were left, no address said in "
        "them why it fails, and none of their other ports answered.",
    ),
)  # fmt: skip

_TCP = (
    Cause(
        "connection_timeout", "", "tcp",
        "{address} port {port} did not answer within {timeout} s: no refusal, only silence",
        "Outbound port {port} is probably filtered by the hosting provider or a firewall: ask them to open it"
        "[, or use a port that works, such as {other_port}].",
        "No packet came back at all. A refusal, an ICMP message or a reset is another cause; another port of the same "
        "address that "
        "answers is shown as the finding port_filtered_elsewhere_open.",
        log="{endpoint} did not answer the attempt to connect: no refusal, only silence",
        log_remedy="The outbound port is probably filtered by the hosting provider or a firewall: ask them to open "
        "it, or use a port that works"
        " (587 with secure: false, or 465 with secure: true); smtp_gate, run on this host, shows which one does.",
    ),
    Cause(
        "connection_refused", "", "tcp",
        "{address} refused the connection on port {port}: nothing listens there, or a firewall rejects it",
        "Check the port number[ ({usual_ports} or what the relay's operator names)]; if it is right, ask the "
        "operator whether the service runs.",
        "The address answered at once with a reset or with ICMP port unreachable; where ICMP tells who said it, the "
        "message names the sender.",
        log="{endpoint} refused the connection: nothing listens on that port, or a firewall rejects it",
        log_remedy="Check the port number (465, 587 or what the relay's operator names); if it is right, ask the "
        "operator whether the service runs.",
    ),
    Cause(
        "connection_refused", "sinkhole", "tcp",
        "This host's resolver answers {address} for {host}, which is no address of a relay: ad blockers and "
        "filtering name servers do that",
        "Allow {host} in the ad blocker or DNS filter that this host asks (see /etc/resolv.conf), look whether /etc/hosts "
        "has it, or let this host ask another name server.",
        "The name leads to 0.0.0.0 or ::, which stand for no host; nothing was sent, as the host would have reached "
        "itself.",
    ),
    Cause(
        "no_route", "", "tcp",
        "This host has no way to reach {address}",
        "Check this host's routes and gateway.",
        "The host's own system knows no way (ENETUNREACH), or a router on the way says so by ICMP.",
        log="This host has no way to reach {endpoint}",
        log_remedy="Check this host's routes and gateway; for an IPv6 address, that the host has IPv6 at all, or let "
        "the app use IPv4 only.",
    ),
    Cause(
        "no_route", "ipv6", "tcp",
        "This host has no way to reach the IPv6 address {address}",
        'Set ip_version: "4" if the relay has an IPv4 address; otherwise give this host IPv6 (an address and a '
        'route), or have the AAAA record removed.',
        "As no_route, for an IPv6 address: most hosts without IPv6 still learn the AAAA record.",
        log="This host has no way to reach the IPv6 address in {endpoint}",
        log_remedy="Check that this host has IPv6 at all (an address and a route); if it has none, make the app use "
        "IPv4 "
        '(ip_version: "4", or a name that has only IPv4 addresses).',
    ),
    Cause(
        "no_route", "ipv6_address", "tcp",
        "This host has no way to reach {address}, which is an IPv6 address",
        "Give this host IPv6 (an address and a route), or set host to the relay's name or to an IPv4 address of it.",
        "As above, where host is the address itself, so that ip_version leaves nothing else.",
    ),
    Cause(
        "no_route", "link_local", "tcp",
        "{address} holds on one link only, and nothing says on which interface",
        "Set host to a name or an address that leads to the relay from everywhere, or to this one with the interface "
        "behind it, such as fe80::1%eth0; in DNS such an address is a mistake.",
        "A link-local IPv6 address (fe80::/10) without an interface: the system refuses it (EINVAL).",
    ),
    Cause(
        "no_route", "or_blocked", "tcp",
        "{address} cannot be reached on port {port}: there is no route to it, or a firewall on the way rejects the "
        "connection",
        f"Check this host's routes first, then ask {_ASK_FIREWALL} to allow outbound port {{port}}.",
        "EHOSTUNREACH came at once and without a readable ICMP message: a router without a route and a firewall's "
        "REJECT look alike, so both are named.",
        log="{endpoint} cannot be reached: there is no route to it, or a firewall on the way rejects the connection",
        log_remedy=f"Check this host's routes first, then ask {_ASK_FIREWALL} to allow the outbound port.",
    ),
    Cause(
        "connection_blocked", "", "tcp",
        "A firewall forbids this host to connect to {address} port {port}",
        "Allow outbound TCP to {host} port {port} in the firewall of this host or of its network[, or use a port "
        "that is allowed, such as {other_port}].",
        "ICMP 'administratively prohibited', the system's EACCES or EPERM, or an address that is called unreachable "
        "while another port of it answers.",
        log="A firewall forbids this host to connect to {endpoint}",
        log_remedy="Allow the outbound connection to the relay in the firewall of this host or of its network, or "
        "use a port that is allowed.",
    ),
    Cause(
        "connection_blocked", "at_relay", "tcp",
        "A firewall at {address} forbids this host to connect to port {port}",
        "Ask the relay's operator to open port {port} for this host in the firewall of the relay itself (firewalld, nftables, "
        "iptables)[, or use a port that is allowed, such as {other_port}]; this host's own firewall need not be the reason.",
        "An ICMP message of which the address itself is the sender: it cannot be unreachable then, and a firewall in between "
        "would have signed with its own address, where it does not hide.",
    ),
    Cause(
        "connection_reset", "", "tcp",
        "{address} port {port} accepted the connection and reset it before saying anything",
        "Ask the relay's operator, or whoever runs the firewall or load balancer in front of it, whether this host's "
        "address may connect, and whether the servers behind it are up.",
        "A reset after the connection stood, before any word; an ordered end is connection_closed. Where a second "
        "connection shows the other mode, it is mode_mismatch.",
        log="{endpoint} reset the connection",
    ),
    Cause(
        "not_asked", "", "tcp",
        "{endpoint} was not asked, so whether it works is not known",
        "Ask fewer endpoints in one task or give the task more time (timeout); where the message names a limit of "
        "this host, raise it.",
        "Nothing was sent: time, threads, files or memory of the probing process were used up. It says nothing about "
        "the relay.",
    ),
)  # fmt: skip

_GREETING = (
    Cause(
        "greeting_timeout", "", "greeting",
        "{endpoint} accepted the connection but did not complete an SMTP greeting within {timeout} s",
        "Raise timeout if this relay is known to greet late; otherwise ask its operator what listens on port "
        "{port}, and whether the service behind it starts at all, or waits for a name server (its log)[, or use another port such as {other_port}].",
        "TCP answered, a ClientHello on a second connection got no TLS back (that would be mode_mismatch), and no "
        "complete 220 came. A listening socket whose service dies at its start (Postfix's master, systemd) is such a port.",
        log="{endpoint} accepted the connection but did not complete an SMTP greeting in time",
        log_remedy="Raise the app's timeout if this relay is known to greet late; otherwise ask its operator what "
        "listens on the port.",
    ),
    Cause(
        "greeting_timeout", "speaks_second", "greeting",
        "{endpoint} was silent for {timeout} s and greets only who speaks first, which a client of SMTP never does",
        "Ask its operator to have whatever shares the port between services (sslh, say) send silent clients to the relay, "
        "and sooner (sslh: --on-timeout and --timeout)[, or set secure: true (security: implicit_tls) with port {tls_here}, "
        "which answers TLS at once].",
        "The first connection was silent, and a further one that began with EHLO was greeted at once.",
    ),
    Cause(
        "greeting_timeout", "proxy_expected", "greeting",
        "{endpoint} answers nobody but a proxy",
        "Connect to the proxy or load balancer that belongs in front of this relay, or switch the PROXY protocol off "
        "at the relay (Postfix: smtpd_upstream_proxy_protocol; Exim: hosts_proxy; Dovecot: haproxy; haproxy: accept-proxy).",
        "The port is silent, hangs up on a ClientHello or calls it an error (Postfix: 421 4.3.0), and answered a further "
        "connection that began with a PROXY protocol header (version 1 or 2): with its greeting, or with TLS where that was "
        "asked for. Or its own words speak of the header, even behind a greeting (Exim).",
    ),
    Cause(
        "greeting_rejected", "", "greeting",
        "{endpoint} greeted with a refusal",
        "The relay does not want mail from this host's address: read its words, then ask its operator to allow the "
        "address, or use the relay meant "
        "for this network.",
        "The first reply is 5xx (or a 4xx that names no limit and asks for no later try). 421, and words about a limit or a "
        "later try, are temporarily_rejected.",
    ),
    Cause(
        "greeting_rejected", "closed", "greeting",
        "{endpoint} takes no mail from this host, or from nobody",
        "Ask the relay's operator: this host's address is not allowed, or the relay is closed, or something that it asks first (a "
        "filter, a milter) does not answer.",
        "The greeting is a refusal whose words speak of a service that is not there or not accepting: Exim and sendmail say so of "
        "one address, Postfix of all.",
    ),
    Cause(
        "greeting_rejected", "address", "greeting",
        "{endpoint} refuses this host's address",
        "Ask the relay's operator to allow the address, have it taken off the list that the reply names, or send "
        "through a relay with a login.",
        "The reply, at whatever command, speaks of the client's address: a block list, 'banned', 'Client host "
        "rejected' after a login.",
    ),
    Cause(
        "greeting_rejected", "encryption", "greeting",
        "{endpoint} refuses sessions without TLS in its greeting, which comes before anybody can begin STARTTLS",
        "Ask the relay's operator to refuse them later (Postfix: smtpd_delay_reject = yes)[, or use port {tls_port} with secure: true].",
        "The first reply is a refusal with words about encryption or TLS. The same words at MAIL, RCPT or DATA are auth_requires_tls.",
    ),
    Cause(
        "not_smtp", "", "greeting",
        "{endpoint} is not an SMTP server",
        "Check host and port: another service answers there[. SMTP submission is usually on {usual_modes}].",
        "What came is no SMTP reply (HTTP, SSH, IMAP, ...), is without end, or knows neither EHLO nor HELO.",
    ),
    Cause(
        "connection_closed", "", "greeting",
        "{endpoint} closed the connection before its greeting was complete",
        "Ask the relay's operator to look into the relay's log: an allow list without this host's address, a limit of "
        "connections, a load balancer whose servers are down, a PROXY protocol header that the relay does not expect or waits for, "
        "or (where TLS begins at once) a certificate or key file that it cannot read does this.",
        "An ordered end, or a broken line, after the connection stood and before a whole greeting; a reset at once "
        "is connection_reset.",
        log="{endpoint} closed the connection",
    ),
)  # fmt: skip

_MODE = (
    Cause(
        "mode_mismatch", "implicit_spoken", "mode",
        "{endpoint} speaks TLS from the first byte, but a cleartext start was chosen (secure: false), so both sides "
        "wait for the other",
        "Set secure: true (security: implicit_tls) with port {port}[, or use port {other_port} with secure: false].",
        "The port stayed silent, and a second connection that sent a ClientHello was answered in TLS.",
        log="{endpoint} most likely speaks TLS from the first byte, while the app starts in cleartext (secure: "
        "false), so both sides wait for the other",
        log_remedy="Set secure: true (security: implicit_tls) for this port, or use port 587 with secure: false.",
    ),
    Cause(
        "mode_mismatch", "cleartext_spoken", "mode",
        "{endpoint} greets in cleartext, but TLS from the first byte was chosen (secure: true)",
        "Set secure: false (security: {observed}) with port {port}[, or use port {other_port} with secure: true].",
        "Where a ServerHello belongs the port said 220, or it hung up on TLS and greets with 220 in cleartext. A 4xx "
        "or 5xx there is the relay's refusal instead.",
        log="{endpoint} starts in cleartext, while the app starts with TLS from the first byte (secure: true)",
        log_remedy="Set secure: false (security: starttls) for this port, or use port 465 with secure: true.",
    ),
    Cause(
        "mode_mismatch", "cleartext_only", "mode",
        "{endpoint} greets in cleartext and offers no STARTTLS, but TLS from the first byte was chosen (secure: true)",
        "Ask the relay's operator for a port with TLS[, or use port {other_port} with secure: true]; only if cleartext is really "
        "meant (a test server, say), set secure: false and security: cleartext with port {port}.",
        "As above, and EHLO there lists no STARTTLS.",
    ),
)  # fmt: skip

_EHLO = (
    Cause(
        "ehlo_rejected", "", "ehlo",
        "{endpoint} refused EHLO",
        "Read the relay's words; set helo_name to this host's full name, and if that is not it, ask the relay's "
        "operator.",
        "EHLO was answered with 4xx or 5xx, and no words tell more. 421 and limits are temporarily_rejected; the "
        "name's refusal has a row of its own.",
    ),
    Cause(
        "ehlo_rejected", "name", "ehlo",
        "{endpoint} refuses the name that this host gives in EHLO",
        "Set helo_name to a full name of this host that DNS knows, such as app1.example.com; in containers it is "
        "otherwise the container's id.",
        "The words speak of the HELO or EHLO name. Postfix says so only at RCPT by default, with 504, 550 or 450: "
        "neither recipient nor patience is the matter.",
    ),
    Cause(
        "ehlo_rejected", "only_helo", "ehlo",
        "{endpoint} refuses EHLO and takes only HELO, so it can offer neither STARTTLS nor a login",
        "Ask the relay's operator, or whoever runs a firewall that inspects SMTP on the way, to let EHLO through[, or "
        "use port {tls_port} with secure: true, where nothing on the way can alter it].",
        "EHLO was refused, and HELO with the same name was taken: the name is not the matter.",
    ),
    Cause(
        "ehlo_rejected", "no_answer", "ehlo",
        "{endpoint} greeted but did not answer EHLO properly",
        "Ask the relay's operator, or whoever runs a firewall that inspects SMTP on the way, why the dialogue stops "
        "after the greeting; a PROXY protocol header that the relay waits for does this too"
        "[; where it may be slow on purpose, raise timeout first: it had {waited} s].",
        "A sound greeting in cleartext, then silence, an end, or no SMTP reply.",
    ),
    Cause(
        "ehlo_rejected", "no_answer_in_tls", "ehlo",
        "{endpoint} finished the TLS handshake but did not answer EHLO after it properly",
        "Ask the relay's operator to look into the relay's log at this time: inside TLS nothing on the way can be "
        "the reason"
        "[; where it may be slow on purpose, raise timeout first: it had {waited} s].",
        "As above, but behind TLS, where no firewall can read; where the relay had asked for a client certificate it "
        "is client_certificate_required.",
    ),
    Cause(
        "ehlo_rejected", "out_of_step", "ehlo",
        "The replies of {endpoint} are out of step with what is asked",
        "Look at the proxy in front of the relay (nginx, haproxy, stunnel, a firewall): the PROXY protocol must be "
        "switched on at both of them or at neither,"
        " and only one of them may greet.",
        "A second 220, a reply that nobody asked for, or one that belongs to another command: two programs answer, "
        "or one of them was spoken to wrongly.",
    ),
)  # fmt: skip

_STARTTLS = (
    Cause(
        "starttls_not_offered", "", "starttls",
        "{endpoint} does not offer STARTTLS, so the session would stay in cleartext",
        "Ask the relay's operator to switch STARTTLS on (if it is on, a firewall or a virus scanner on the way takes it out)[, or "
        "use port {tls_port} with secure: true if the relay has it];"
        " only if cleartext is really meant (a test server, say), set security: cleartext.",
        "EHLO was answered and does not list STARTTLS, and nothing in the list is masked.",
    ),
    Cause(
        "starttls_not_offered", "masked", "starttls",
        "{endpoint} does not offer STARTTLS to this host, so the session would stay in cleartext",
        "Have whoever runs the firewall between this host and the relay switch its SMTP inspection off for this path (Cisco: "
        "inspect esmtp)[, or use port {tls_port} with secure: true, which it cannot alter]; the relay's operator can hardly "
        "help.",
        "EHLO was answered, does not list STARTTLS, and a capability in it is overwritten (XXXXXXXA, ****), as firewalls do; the "
        "finding starttls_stripped says the same.",
        log_remedy="Have whoever runs the firewall between this host and the relay switch its SMTP inspection off, or use port "
        "465 with secure: true.",
    ),
    Cause(
        "starttls_rejected", "", "starttls",
        "{endpoint} offers STARTTLS but refused it",
        "The relay's TLS set-up is broken (often its certificate or key file): ask its operator[, or use port "
        "{tls_port} with secure: true].",
        "STARTTLS was listed and answered with 4xx or 5xx; the words do not tell of a policy or of a lack of "
        "resources.",
    ),
    Cause(
        "starttls_rejected", "policy", "starttls",
        "{endpoint} offers STARTTLS but a rule of it refused it",
        "Ask the relay's operator which rule, filter or milter refuses this host at STARTTLS: its words above name "
        "it, its certificate need not be the reason.",
        "As above, with words of a policy, an access list or a filter (or 530, 550, 554).",
    ),
    Cause(
        "starttls_rejected", "resources", "starttls",
        "{endpoint} offers STARTTLS but cannot do it right now",
        "Try again later; if it stays, ask the relay's operator: it lacks memory or processes, or what it asks (a milter, a "
        "TLS service) does not answer.",
        "As above, with words about resources or load, or that ask to try again (Postfix: 454 4.3.0 where a milter is dead).",
    ),
    Cause(
        "starttls_rejected", "no_answer", "starttls",
        "{endpoint} offers STARTTLS but did not answer the command properly",
        "Ask the relay's operator, or whoever runs a firewall that inspects SMTP on the way, what becomes of the command[, or use "
        "port {tls_port} with secure: true]"
        "[; where it may be slow on purpose, raise timeout first: it had {waited} s].",
        "After STARTTLS came silence, an end, or no SMTP reply.",
    ),
)  # fmt: skip

_TLS = (
    Cause(
        "tls_handshake_timeout", "", "tls",
        "The TLS handshake with {endpoint} did not finish within {timeout} s",
        "Something on the way swallows TLS, or the relay hangs: [try port {other_port}, and ]ask the relay's "
        "operator; a wrong MTU can look like this too.",
        "TCP answered, the handshake began, and no byte or not all of it came back; the message says which.",
        log="The TLS handshake with {endpoint} did not finish in time",
    ),
    Cause(
        "tls_version_unsupported", "", "tls",
        "{endpoint} and this host have no TLS version in common",
        "Ask the relay's operator to enable TLS 1.2 or 1.3; until then only a lower minimum_tls_version would let it "
        "pass.",
        "An alert about the version, or a second handshake with everything that OpenSSL still has worked with TLS "
        "1.1 or older only.",
    ),
    Cause(
        "tls_version_unsupported", "policy", "tls",
        "{endpoint} negotiates {version}, which is older than the minimum_tls_version that is required",
        "Ask the relay's operator for a newer TLS version, or lower minimum_tls_version.",
        "The handshake worked; only the policy wants a newer version.",
    ),
    Cause(
        "tls_handshake_failed", "", "tls",
        "The TLS handshake with {endpoint} failed",
        "Ask the relay's operator to look into the TLS set-up (ciphers, key, certificate files) and the log at this "
        "time.",
        "Neither version nor certificate nor a client certificate is the reason; the message has the alert's or "
        "OpenSSL's own words.",
    ),
    Cause(
        "tls_handshake_failed", "after", "tls",
        "TLS with {endpoint} broke after the handshake",
        "Ask the relay's operator, and whoever runs a proxy or a firewall in front of it, to look into the TLS set-up "
        "and the log at this time.",
        "The handshake was complete; what came then was no TLS that OpenSSL takes. The message has its own words.",
    ),
    Cause(
        "tls_handshake_failed", "no_certificate", "tls",
        "{endpoint} shows no certificate in the TLS handshake, so anybody could be at the other end",
        "Ask the relay's operator for a certificate and cipher suites that use it; anonymous suites (ADH, AECDH) and "
        "PSK protect against nobody who is in between.",
        "A session came about, or would, only with a cipher suite that proves nobody's identity; validate_certs: "
        "false does not allow that.",
    ),
    Cause(
        "tls_handshake_failed", "hung_up", "tls",
        "The TLS handshake with {endpoint} ended as it began",
        "Ask the relay's operator to look into the TLS set-up (ciphers, key, certificate files) and the log at this time: if that "
        "shows nothing, a firewall on the way may forbid TLS there; a proxy that chooses the server by name (SNI) hangs up where it "
        "does not know the name in host or server_name, or where the server behind it is down.",
        "The connection ended as soon as the ClientHello was there, and a port that is only silent to TLS, or greets, is "
        "mode_mismatch.",
    ),
    Cause(
        "tls_handshake_failed", "server_name", "tls",
        "{endpoint} does not know the name {name}, which this host asked for in the TLS handshake",
        "Set host to the name that the relay serves, or server_name when the address must stay.",
        "The alert unrecognized_name (RFC 6066): the server has no certificate for the name in SNI.",
    ),
    Cause(
        "tls_handshake_failed", "small_group", "tls",
        "{endpoint} uses a Diffie-Hellman group that is too small for this host",
        "Ask the relay's operator for suites with ECDHE, or for a group of 2048 bits or more. By default {who}.",
        "OpenSSL's 'dh key too small': the group in the relay's key exchange is below what this host's security level "
        "allows.",
        log_remedy="Ask the relay's operator for suites with ECDHE, or for a Diffie-Hellman group of 2048 bits or more.",
    ),
    Cause(
        "tls_handshake_failed", "app", "tls",
        "{endpoint} works from this host, but {app} refuses its TLS",
        "Ask the relay's operator for TLS 1.2 or 1.3 with ECDHE and AES-GCM or ChaCha20, or give {app} another relay.",
        "A session came about, only in suites that the runtime of an app named in the option apps does not have in "
        "any version.",
    ),
    Cause(
        "client_certificate_required", "", "tls",
        "{endpoint} demands a client certificate",
        "This relay is not meant for clients with user name and password on port {port}: ask its operator for the "
        "submission port[, such as {other_port}].",
        "The relay sent a CertificateRequest in the handshake and then refused, by an alert, a reply or the end of "
        "the connection.",
        log_remedy="This relay is not meant for clients with user name and password: ask its operator for the "
        "submission port, such as 587.",
    ),
)  # fmt: skip

_CERTIFICATE = (
    Cause(
        "certificate_expired", "", "certificate",
        "The certificate of {endpoint} has expired",
        "Ask the relay's operator to renew it (and to reload the service); also check this host's clock.",
        "OpenSSL's code 10, and the certificate's own last day against this host's clock.",
    ),
    Cause(
        "certificate_expired", "issuer", "certificate",
        "A CA certificate above the certificate of {endpoint} has expired",
        "Ask the relay's operator to serve the CA's present intermediate certificate; also check this host's clock.",
        "Code 10, and it is a certificate that the relay sends above its own that is over.",
    ),
    Cause(
        "certificate_expired", "own_ca", "certificate",
        "A CA certificate that this host trusts, above the certificate of {endpoint}, has expired",
        "Replace the CA certificate on this host[ in {ca_path}] by the CA's present one; the relay has nothing to "
        "change.",
        "Code 10, and nothing that the relay sends is over: it is a root in ca_path or in the host's own store.",
    ),
    Cause(
        "certificate_expired", "policy", "certificate",
        "The certificate of {endpoint} ends in {in_days} (on {until}), and certificate_days_error is {required}",
        "Have the relay's operator renew it, or lower certificate_days_error.",
        "The certificate is valid; only certificate_days_error wants more days.",
    ),
    Cause(
        "certificate_not_yet_valid", "", "certificate",
        "The certificate of {endpoint} is not valid yet",
        "Check the clock of this host and of the relay first; else the relay's operator installed a certificate too "
        "early.",
        "OpenSSL's code 9; how far the clocks of host and controller are apart is in the message.",
    ),
    Cause(
        "certificate_self_signed", "", "certificate",
        "The certificate of {endpoint} is self-signed",
        "If this is your own relay, put its certificate on this host and name the file in ca_path; for a public "
        "relay, do not go on: somebody may "
        "be in between.",
        "Its own key signed it. A root at the end of a chain that is merely unknown is certificate_untrusted.",
    ),
    Cause(
        "certificate_untrusted", "", "certificate",
        "The certificate of {endpoint} was issued by a CA that this host does not trust",
        "For a relay with a CA of its own, put that CA's root certificate on this host and name the file in ca_path; for a "
        "public relay, update the host's ca-certificates, and if that does not help, do not go on: a firewall or an antivirus "
        "that opens TLS, or somebody else in between, shows a certificate of its own.",
        "The chain ends at a root, or at an issuer, that is not in this host's store or in ca_path.",
    ),
    Cause(
        "certificate_untrusted", "no_store", "certificate",
        "This host's trust store is empty, so it trusts no certificate, that of {endpoint} neither",
        "Install the package ca-certificates on this host, or name the relay's CA file in ca_path.",
        "The host has no trust store at all, whoever issued the certificate.",
    ),
    Cause(
        "certificate_untrusted", "purpose", "certificate",
        "The certificate of {endpoint} is not meant for a server",
        "Ask the relay's operator for a certificate with the extended key usage serverAuth; a CA file on this host "
        "does not help.",
        "The issuer is trusted, and the certificate's extended key usage does not hold serverAuth.",
    ),
    Cause(
        "certificate_untrusted", "misissued", "certificate",
        "The certificate of {endpoint} comes from a CA that this host trusts, but that CA may not issue it",
        "Ask the relay's operator for a certificate whose chain obeys its CA's own limits; a CA file on this host "
        "does not help.",
        "The chain leads to a trusted root, and a rule in it is broken: not a CA, key usage, path length, name "
        "constraints.",
    ),
    Cause(
        "certificate_untrusted", "critical_extension", "certificate",
        "A certificate of {endpoint} holds a critical extension that this host's TLS does not know, so it has to refuse it",
        "Ask the relay's operator to install the certificate that its CA issued, or one without that extension; a CA file on "
        "this host does not help.",
        "As above, and the rule is that an unknown critical extension is refused (RFC 5280 section 4.2); a pre-certificate is "
        "named as such.",
    ),
    Cause(
        "certificate_untrusted", "malformed", "certificate",
        "A certificate of {endpoint} is malformed, so this host's OpenSSL finds no issuer for it",
        "Ask the relay's operator for a certificate made anew; a CA file on this host does not help.",
        "OpenSSL finds no issuer or calls an extension invalid, and the certificate's extensions are no sound DER or stand "
        "twice (RFC 5280 section 4.2).",
    ),
    Cause(
        "certificate_untrusted", "app", "certificate",
        "{app} refuses the certificate of {endpoint}, because it cannot read a part of it that this host passes over",
        "Ask the relay's operator for a certificate made anew, or give {app} another relay.",
        "This host's OpenSSL takes a name or an address that obeys no rule; the runtime of an app named in the option apps "
        "refuses the whole certificate.",
    ),
    Cause(
        "certificate_untrusted", "signature", "certificate",
        "The signature on the certificate of {endpoint} is wrong",
        "Ask the relay's operator to install certificate and chain anew: what it sends is damaged, or another CA's "
        "key carries the same name.",
        "Names and dates fit, the signature does not (code 7).",
    ),
    Cause(
        "certificate_untrusted", "other_ca", "certificate",
        "The certificate of {endpoint} was not signed by the CA that bears its issuer's name on this host",
        "Replace the CA certificate on this host[ in {ca_path}] by the CA's present one; the relay's chain fits in itself.",
        "The signature does not fit (code 7), the issuer's name is in ca_path, and what is sent below it fits together.",
    ),
    Cause(
        "certificate_chain_incomplete", "", "certificate",
        "{endpoint} does not send the intermediate certificate that links it to a trusted CA",
        "Ask the relay's operator to serve the full chain (fullchain.pem: leaf, then intermediates; sendmail takes those from confCACERT);"
        " until then, ca_path with the missing intermediate and its root on this host works.",
        "Only the leaf came, and its issuer is an intermediate by its name, its identifiers or the address of its "
        "certificate; or more came, and the issuer of the last one is an intermediate by its name. Where nothing tells, it is "
        "certificate_untrusted with both named.",
    ),
    Cause(
        "certificate_name_mismatch", "", "certificate",
        "The certificate of {endpoint} is not for {name}",
        "Set host to a name that the certificate lists, or server_name when the address must stay; else ask the "
        "operator for a certificate with this name.",
        "Chain and dates are sound; the name that was asked for is not among the certificate's names.",
        log="The certificate of {endpoint} is not for the name that the app connects to",
    ),
    Cause(
        "certificate_name_mismatch", "app", "certificate",
        "{app} refuses the certificate of {endpoint}, because it lists no DNS name in subjectAltName",
        "Ask the relay's operator for a certificate that lists its names, or give {app} another relay.",
        "This host's OpenSSL still reads the common name; the runtime of an app named in the option apps does not.",
    ),
    Cause(
        "certificate_name_mismatch", "address_as_name", "certificate",
        "The certificate of {endpoint} has the address {name} only as a DNS name or as its common name, where clients "
        "do not look for addresses",
        "Ask the operator for a certificate that has the address as an IP address entry (IP:{name}), or use a name "
        "that it lists as host or server_name.",
        "As above, and the address stands among the DNS names of subjectAltName, or in the common name, instead of the "
        "IP addresses (RFC 5280 section 4.2.1.6).",
    ),
    Cause(
        "certificate_weak", "", "certificate",
        "The certificate of {endpoint} is too weak to be accepted",
        "Ask the relay's operator for a certificate with an RSA key of 2048 bits or more (or an EC key) and a "
        "SHA-256 signature.",
        "This host's OpenSSL refuses the key's size or the signature's hash; where it takes them, it is the finding "
        "of the same name.",
    ),
)  # fmt: skip

_AUTH = (
    Cause(
        "auth_not_offered", "", "auth",
        "{endpoint} offers no authentication, although a login is given",
        "Use the port where this relay takes logins[, such as {other_port}], which its operator knows; if it needs no login "
        "from this host, leave out username and password, or set login_required: false.",
        "EHLO (after TLS, where there is TLS) lists no AUTH; the login need not be tried for that.",
        log="{endpoint} offers no authentication",
        log_remedy="Use the relay's submission port (587); if the relay needs no login from this host, leave out "
        "username and password.",
    ),
    Cause(
        "auth_not_offered", "tls_in_front", "auth",
        "{endpoint} offers no authentication, although a login is given, but STARTTLS inside TLS",
        "Ask the relay's operator: a proxy ends TLS (haproxy, stunnel), and the server behind it, which takes logins in TLS only, "
        "is not told. It must offer the login there (Postfix: smtpd_tls_auth_only = no), or TLS must reach it.",
        "EHLO inside TLS lists STARTTLS and no AUTH: the server that answers takes the session for cleartext.",
    ),
    Cause(
        "auth_not_offered", "refused", "auth",
        "{endpoint} lists a login but does not take the command AUTH",
        "Ask the relay's operator to make its login work for this host (a rule may forbid it, or what checks logins there is missing "
        "or does not run)[, or use the port where it takes them, such as {other_port}]; if it needs no login from this host, leave out username and "
        "password, or set login_required: false.",
        "AUTH was answered with 500, 502 or 503, whose words do not speak of the mechanism, although EHLO lists it: another "
        "mechanism would hardly fare better.",
    ),
    Cause(
        "auth_mechanism_not_offered", "", "auth",
        "{endpoint} does not offer the authentication mechanism that was asked for",
        "Set auth_mechanism to one that the relay offers, or leave it out.",
        "EHLO lists mechanisms, and auth_mechanism is not among them.",
    ),
    Cause(
        "auth_mechanism_not_offered", "refused", "auth",
        "{endpoint} refuses the authentication mechanism that it offered",
        "Set auth_mechanism to another one that the relay offers; if there is none, ask its operator.",
        "AUTH was answered with 504 (or 534 5.7.4, or words about the mechanism), although EHLO lists the mechanism.",
    ),
    Cause(
        "auth_mechanism_not_offered", "app", "auth",
        "{endpoint} offers no authentication mechanism that {app} can do",
        "Ask the relay's operator for a mechanism that {app} can do, or for another port that has one, or give {app} "
        "another relay.",
        "EHLO lists mechanisms, and the client of an app named in the option apps (or of the app that is written) can "
        "do none of them.",
    ),
    Cause(
        "auth_mechanism_not_offered", "token", "auth",
        "{endpoint} offers no login with a password, only with a token",
        "Set auth_mechanism: XOAUTH2 with an access token as password, if the app can do that; otherwise ask the "
        "relay's operator for a login with a password.",
        "EHLO lists XOAUTH2 and nothing that takes a password.",
    ),
    Cause(
        "auth_mechanism_not_offered", "none", "auth",
        "{endpoint} offers no authentication mechanism that works with user name and password here",
        "Ask the relay's operator to offer PLAIN or LOGIN inside TLS (on Exchange: basic authentication on the "
        "receive connector), or for another port that does.",
        "EHLO lists only mechanisms of a domain login (NTLM, GSSAPI, NEGOTIATE), client certificates (EXTERNAL) or "
        "unknown ones.",
    ),
    Cause(
        "auth_requires_tls", "", "auth",
        "{endpoint} allows authentication only after TLS",
        "Set security: starttls (secure: false)[, or use port {tls_port} with secure: true].",
        "The session is in cleartext, and the relay offers or takes a login only after STARTTLS (530, 538, 5.7.10, "
        "5.7.11).",
    ),
    Cause(
        "auth_requires_tls", "mail", "auth",
        "{endpoint} takes mail only after TLS",
        "Set security: starttls (secure: false)[, or use port {tls_port} with secure: true].",
        "The session is in cleartext, and MAIL, RCPT or DATA is refused with words about TLS or encryption, or with 5.7.10.",
    ),
    Cause(
        "auth_requires_tls", "withheld", "auth",
        "The session with {endpoint} is in cleartext, where no password is sent unless security: cleartext was chosen",
        "Ask the relay's operator to switch STARTTLS on[, or use port {tls_port} with secure: true]; only for a test "
        "relay set security: cleartext.",
        "The relay offers a login without TLS and no TLS; with security: opportunistic the probe does not make use "
        "of it.",
    ),
    Cause(
        "auth_requires_tls", "in_tls", "auth",
        "{endpoint} asks for TLS although this session is in TLS",
        "Ask the relay's operator: the program behind its TLS (a proxy, stunnel) is not told that the session is "
        "encrypted.",
        "The same replies inside TLS, where STARTTLS is no advice: a proxy ends TLS, and the server behind it does "
        "not know.",
    ),
    Cause(
        "auth_rejected", "", "auth",
        "{endpoint} refused the login",
        "Check username and password for this relay; many providers want an app password, an API key or a token here "
        "instead of the account's password.",
        "AUTH with an offered mechanism was answered with 535 or another 5xx. Providers' own words are explained "
        "where they are known.",
    ),
    Cause(
        "auth_rejected", "account", "auth",
        "{endpoint} has this account switched off",
        "Have the account unlocked or enabled by whoever runs it; the password need not be wrong.",
        "AUTH was refused, and the words speak of an account that is locked, suspended or disabled.",
    ),
    Cause(
        "auth_rejected", "attempts", "auth",
        "{endpoint} counts too many wrong logins and takes none now",
        "Have username and password right first (many providers want an app password or an API key), stop every app that "
        "still tries the old ones, and try once more after an hour: each wrong try makes the wait longer.",
        "AUTH was refused for good with words about too many bad logins; with 4xx, or where they are merely too many, it "
        "is temporarily_rejected.",
    ),
    Cause(
        "auth_rejected", "temporary", "auth",
        "{endpoint} could not check the login right now",
        "Try again later; if it stays, check username and password (some relays say so of a wrong one), then ask the "
        "relay's operator: what checks logins there, or the server behind it, does not answer.",
        "AUTH was answered with 4xx (454) that names no limit; a limit is temporarily_rejected.",
    ),
    Cause(
        "auth_rejected", "no_answer", "auth",
        "{endpoint} did not answer the login properly",
        "Ask the relay's operator; whether the user name and password are right is not known"
        "[; where it may be slow on purpose, raise timeout first: it had {waited} s].",
        "In answer to AUTH came silence, an end, no SMTP reply, or the code of another command (success is 235 alone).",
    ),
)  # fmt: skip

_TRANSACTION = (
    Cause(
        "sender_rejected", "", "transaction",
        "{endpoint} refused the sender",
        "Read the relay's words: set sender to an address that this account may use (verified with the provider), log in when "
        "the relay asks for it, and ask its operator where they speak of access or of a policy, which may mean this host.",
        "MAIL was refused, or the words at RCPT or DATA speak of the sender (Postfix delays it to RCPT, Exim's "
        "verify=sender).",
    ),
    Cause(
        "sender_rejected", "no_domain", "transaction",
        "{endpoint} refused the sender, because it finds no such domain",
        "Set sender to an address whose domain exists in DNS and takes mail (an MX or A record).",
        "5.1.8, 4.1.8 or words about the sender's domain; the 4xx that Postfix uses here does not pass by waiting.",
    ),
    Cause(
        "sender_rejected", "sender_domain", "transaction",
        "{endpoint} refused the sender, because it does not believe that the mail comes from its domain (SPF, DKIM or DMARC)",
        "Set sender to an address in a domain that this relay may send for, or have whoever runs the DNS of the sender's "
        "domain allow the address that sends (SPF) and set up DKIM.",
        "Words of a refused sender that speak of SPF, DKIM or DMARC; with other words about them it is message_rejected.",
    ),
    Cause(
        "sender_rejected", "account", "transaction",
        "{endpoint} has stopped the account that sends",
        "Ask your provider or the relay's operator why it is suspended, and to open it again; no setting of the app changes that.",
        "MAIL, RCPT or DATA is refused with words of an account that is suspended, blocked or on hold. At AUTH it is auth_rejected.",
    ),
    Cause(
        "sender_rejected", "auth_required", "transaction",
        "{endpoint} takes mail only after a login",
        f"{_TO_LOGIN}.",
        "530, or words that ask for a login at MAIL or RCPT; 'Client host rejected: Access denied' where no login "
        "was given and the relay offers one.",
    ),
    Cause(
        "recipient_rejected", "", "transaction",
        "{endpoint} refused the recipient",
        "Read the relay's words: check the recipient's address, and ask the recipient's postmaster if it is right; where "
        "they speak of a policy or of this account, ask the relay's operator.",
        "RCPT was refused with 5xx, and its words speak neither of the sender, nor of the EHLO name, nor of this "
        "host's address.",
    ),
    Cause(
        "recipient_rejected", "no_login", "transaction",
        "{endpoint} refused the recipient, and no login was made",
        "If the address is right, log in: set username and password, as many relays take mail for other domains only after a "
        "login; else read the relay's words, and ask its operator where they speak of a policy.",
        "As above, while the relay offers a login that was not made and its words do not say that the mailbox is unknown.",
    ),
    Cause(
        "recipient_rejected", "relay", "transaction",
        "{endpoint} does not carry mail to this recipient for this host",
        f"{_TO_LOGIN}, or have its operator allow this host's address to relay.",
        "The words 'relay access denied', 'relaying denied' and the like: the recipient may be right, the relay does "
        "not know the client.",
    ),
    Cause(
        "recipient_rejected", "relay_elsewhere", "transaction",
        "{endpoint} does not carry mail to this recipient for this host, and offers no login here",
        "Use the port where this relay takes logins[, such as {other_port}], with username and password, or have its operator "
        "allow this host's address to relay.",
        "As above, while EHLO lists no AUTH.",
        log_remedy="Use the relay's submission port (587) with username and password, or have its operator allow this host's "
        "address to relay.",
    ),
    Cause(
        "sender_rejected", "auth_required_elsewhere", "transaction",
        "{endpoint} takes mail only after a login, and offers none here",
        "Use the port where this relay takes logins[, such as {other_port}], with username and password, or have its operator let this "
        "host's address send without one.",
        "As above, while EHLO lists no AUTH. Where the relay had asked for a client certificate too, it is client_certificate_required.",
        log_remedy="Use the relay's submission port (587) with username and password.",
    ),
    Cause(
        "sender_rejected", "auth_required_logged_in", "transaction",
        "{endpoint} asks for a login, although one was made in this session",
        "Ask the relay's operator: a proxy in front of the relay may keep the login to itself, or the account may not send.",
        "As above, after a login that was answered with 235.",
    ),
    Cause(
        "recipient_rejected", "relay_logged_in", "transaction",
        "{endpoint} does not carry mail to this recipient, although the login was taken",
        "Ask the relay's operator to let this account send to other domains, or whether there is another port or relay for "
        "sending.",
        "As above, after a login that was answered with 235: another login is not the advice.",
    ),
    Cause(
        "recipient_rejected", "mailbox_full", "transaction",
        "The recipient's mailbox is full, says {endpoint}",
        "Have the recipient make room, or send to another address.",
        "5.2.2, or words about the mailbox's quota.",
    ),
    Cause(
        "recipient_rejected", "too_many", "transaction",
        "{endpoint} does not take so many recipients",
        "Send one message to fewer recipients, or ask the relay's operator for a higher limit.",
        "5.5.3, or words about too many recipients.",
    ),
    Cause(
        "message_rejected", "", "transaction",
        "{endpoint} refused the message",
        "Read the relay's words: size, content and policy are the usual reasons.",
        "DATA or the message itself was refused with 5xx, and its words name nothing of the rows below.",
    ),
    Cause(
        "message_rejected", "size", "transaction",
        "{endpoint} refused the message, because it is too big",
        "Send less (smaller or fewer attachments), or ask the relay's operator for a higher limit.",
        "5.3.4, or words about the message's size, at MAIL (which may tell it ahead), DATA or the message.",
    ),
    Cause(
        "message_rejected", "content", "transaction",
        "A filter of {endpoint} refused the message for what is in it",
        "Ask the relay's operator which rule it was, with the relay's words and the time; another text, without links and "
        "attachments, shows what the filter dislikes.",
        "Words about spam, a virus or forbidden content, in answer to DATA or the message.",
    ),
    Cause(
        "message_rejected", "sender_domain", "transaction",
        "{endpoint} does not believe that the mail comes from the sender's domain (SPF, DKIM or DMARC)",
        "Set sender to an address in a domain that this relay may send for, or have whoever runs the DNS of the sender's "
        "domain allow the address that sends (SPF) and set up DKIM.",
        "5.7.20 to 5.7.26, or words about SPF, DKIM or DMARC, at MAIL, RCPT, DATA or the message.",
    ),
    Cause(
        "message_rejected", "reverse_name", "transaction",
        "{endpoint} takes nothing from an address without a reverse name in DNS",
        "Have the hosting provider set the PTR record of this host's public address to a name that leads back to it, "
        "or send through a relay with a login.",
        "5.7.25, or words about reverse DNS or a PTR record, with 5xx.",
    ),
    Cause(
        "message_rejected", "not_sent", "transaction",
        "The transaction with {endpoint} stopped before the message was sent",
        "Ask the relay's operator to look into the relay's log at this time; it did not take the message"
        "[; where it may be slow on purpose, raise timeout first: it had {waited} s].",
        "The connection ended, or nothing or the code of another command came, in answer to MAIL, RCPT or DATA.",
    ),
    Cause(
        "message_rejected", "unknown", "transaction",
        "{endpoint} did not say whether it took the message",
        "Look into the relay's log before the message is sent again.",
        "The connection ended, or nothing or the code of another command came, between the 354 that answers DATA and the "
        "last reply.",
    ),
    Cause(
        "temporarily_rejected", "", "transaction",
        "{endpoint} asks to try again later",
        "Relays that are busy, in maintenance, or put off whom they do not know (greylisting) do this: try again after some "
        "minutes; if it stays, ask the relay's operator.",
        "421 at any command, or 4xx to EHLO, MAIL, RCPT or DATA whose words name nothing else.",
    ),
    Cause(
        "temporarily_rejected", "too_many", "transaction",
        "{endpoint} takes no further recipient now",
        "Send one message to fewer recipients; where it had a single one, the relay counts them over time: wait, or ask "
        "its operator for a higher limit.",
        "4xx with 4.5.3 or words about too many recipients.",
    ),
    Cause(
        "temporarily_rejected", "limit", "transaction",
        "{endpoint} has a limit that is reached",
        "Try again later, send less and slower and over fewer connections at once, or ask the relay's operator for a "
        "higher limit.",
        "Words about too many connections, messages or logins, a rate or a quota of sending, at any command and with "
        "any code.",
    ),
    Cause(
        "temporarily_rejected", "broken", "transaction",
        "{endpoint} has a fault of its own, which it calls temporary",
        "Tell the relay's operator the relay's words: its configuration, or something that it asks, is broken, and waiting "
        "alone hardly helps.",
        "4.3.5, or 4xx with words about a configuration problem, an internal error or a lookup that failed.",
    ),
    Cause(
        "temporarily_rejected", "filter", "transaction",
        "{endpoint} puts the mail off: a filter that it asks (a milter, a scanner) does not answer, or wants it later",
        "Try again after some minutes; if it stays, ask the relay's operator whether its filters run.",
        "'Service unavailable - try again later', which is what Postfix says for a milter, or 4xx with words about a scanner.",
    ),
    Cause(
        "temporarily_rejected", "content", "transaction",
        "A filter of {endpoint} puts the message off for what is in it",
        "Waiting hardly helps: ask the relay's operator which rule it was, with the relay's words and the time.",
        "Words about spam or a virus, in answer to DATA or the message, with 4xx.",
    ),
    Cause(
        "temporarily_rejected", "sender_domain", "transaction",
        "{endpoint} does not believe, or cannot find out, that the mail comes from the sender's domain (SPF, DKIM or DMARC)",
        "Try again once; if it stays, set sender to an address in a domain that this relay may send for, or have the SPF "
        "record and the DKIM key in the DNS of the sender's domain corrected.",
        "4.7.20 to 4.7.26, or words about SPF, DKIM or DMARC with 4xx.",
    ),
    Cause(
        "temporarily_rejected", "no_space", "transaction",
        "{endpoint} has no room for messages right now",
        "Tell the relay's operator that its disk or queue is full; waiting alone does not help.",
        "4.3.1, or words about storage.",
    ),
    Cause(
        "temporarily_rejected", "mailbox_full", "transaction",
        "The recipient's mailbox is full at the moment, says {endpoint}",
        "Have the recipient make room, or send to another address.",
        "4.2.2, or words about the mailbox's quota with 4xx.",
    ),
    Cause(
        "temporarily_rejected", "reverse_name", "transaction",
        "{endpoint} takes nothing from an address without a reverse name in DNS, and says that as if it were for now",
        "Have the hosting provider set the PTR record of this host's public address to a name that leads back to it; "
        "waiting does not help.",
        "4.7.25, or words about reverse DNS or a PTR record, with 4xx: it stays until the record is there.",
    ),
)  # fmt: skip

CAUSES: tuple[Cause, ...] = (
    *_SETTINGS, *_DNS, *_TCP, *_GREETING, *_MODE, *_EHLO, *_STARTTLS, *_TLS, *_CERTIFICATE, *_AUTH, *_TRANSACTION,
)  # fmt: skip

FINDINGS: tuple[Finding, ...] = (
    Finding(
        "certificate_expiring", "warning",
        "The certificate of {endpoint} expires in {in_days} (on {until})",
        "Have the relay's operator renew it before then.",
    ),
    Finding(
        "address_unreachable", "warning",
        "{address}[, one of the addresses of {lone}, does not work]"
        "[ and {more} more of the addresses of {host} do not work, all for the same reason]",
        "Apps that try such an address first wait for it or fail: have the record corrected or the path repaired"
        '[, set ip_version: "{other_version}" where the app can], or use a name without it.',
    ),
    Finding(
        "address_fails", "warning",
        "{address}[, one of the addresses of {lone}, fails while another one works]"
        "[ and {more} more of the addresses of {host} fail, all for the same reason, while another one works]",
        "Apps that try such an address first fail: have the operator make all addresses alike.",
    ),
    Finding(
        "address_silent", "warning",
        "{address}[, one of the addresses of {lone},][ and {more} more of the addresses of {host}] had not {missing} after "
        "{seconds} s, while another one works",
        "Whether it would have was not waited for; apps that try such an address first wait: ask the operator whether the server "
        'behind it is alive[, set ip_version: "{other_version}" where the app can], or set require_all_addresses: true to have it waited for.',
    ),
    Finding(
        "auth_offered_in_cleartext", "warning",
        "{endpoint} offers authentication before TLS",
        "A client that is not strict sends its password in the clear: have the operator offer AUTH only after TLS.",
    ),
    Finding(
        "downgrade_possible", "warning",
        "With these settings mail and password would go on in cleartext if STARTTLS were removed on the way",
        "Prefer an app setting that requires STARTTLS[, or port {tls_port} with secure: true].",
    ),
    Finding(
        "starttls_stripped", "warning",
        "A firewall that inspects SMTP masks capabilities of {endpoint} in the EHLO reply",
        "Have SMTP inspection switched off for this path[, or use port {tls_port} with secure: true, which it "
        "cannot alter].",
    ),
    Finding(
        "starttls_injection", "warning",
        "{endpoint} acts on commands that were sent ahead of the TLS handshake",
        "The relay is open to command injection (as in CVE-2011-0411): ask its operator to update it.",
    ),
    Finding(
        "leads_to_this_host", "info",
        "{host} leads to {address}, which is this host itself",
        "If the relay is another machine, look for its name in /etc/hosts on this host, and in the DNS filter that the "
        "host asks.",
    ),
    Finding(
        "name_server_slow", "info",
        "This host's name server took {seconds} s to answer for {host}",
        "Apps wait for it each time: check that every name server in /etc/resolv.conf answers, for IPv4 and for IPv6.",
    ),
    Finding(
        "addresses_left_out", "info",
        "{host} has {known} addresses, of which {asked} were looked at",
        "Ask whoever runs the DNS of {host} whether so many are meant; apps try a few of them at most.",
    ),
    Finding(
        "unconventional_port", "info",
        "{endpoint} speaks {spoken}, which is not the convention of port {port}",
        "It works with these settings; people and apps that guess the mode from the port will guess wrong.",
    ),
    Finding(
        "both_modes", "info",
        "{endpoint} serves both modes: TLS from the first byte and a cleartext start",
        "Both settings work here; TLS from the first byte (secure: true) cannot be stripped on the way.",
    ),
    Finding(
        "tls_version_old", "warning",
        "{endpoint} negotiates {version}",
        "Ask the relay's operator to enable TLS 1.2 or 1.3.",
    ),
    Finding(
        "tls_ciphers_old", "warning",
        "{endpoint} {has} ({cipher})",
        "By default {who}. Ask the relay's operator for suites with ECDHE and AES-GCM or ChaCha20.",
    ),
    Finding(
        "tls_group_small", "warning",
        "{endpoint} uses a Diffie-Hellman group of {bits} bits ({cipher})",
        "By default {who}. Ask the relay's operator for suites with ECDHE, or for a group of 2048 bits or more.",
    ),
    Finding(
        "port_filtered_elsewhere_open", "warning",
        "Port {port} of {address} is silent while {answering} of the same address answers: an outbound filter, not "
        "a dead relay",
        "Use the port that answers, or have outbound port {port} opened.",
    ),
    Finding(
        "certificate_not_verified", "info",
        "The certificate of {endpoint} was not verified, because validate_certs is false",
        "Prefer ca_path with the relay's CA: it costs nothing and keeps others from posing as the relay.",
    ),
    Finding(
        "certificate_weak", "warning",
        "The certificate of {endpoint} is weak",
        "Newer clients refuse it[ (by default {who})]: ask the relay's operator for an RSA key of 2048 bits or more and a "
        "SHA-256 signature.",
    ),
    Finding(
        "certificate_chain_disordered", "info",
        "{endpoint} sends its certificates in the wrong order",
        "Most clients put them in order themselves (OpenSSL, GnuTLS, Go, Java, Node.js, Erlang), mbed TLS refuses them: ask "
        "the relay's operator to put the leaf first and each issuer after what it issued.",
    ),
    Finding(
        "certificate_chain_superfluous", "info",
        "{endpoint} sends certificates that nobody needs",
        "Nothing breaks, as clients pass over them: have the relay's operator send leaf and intermediates, each once.",
    ),
    Finding(
        "certificate_without_names", "info",
        "The certificate of {endpoint} lists no DNS name in subjectAltName",
        "By default {who}; browsers refuse it (RFC 9525). Ask the relay's operator for a certificate that lists its "
        "names.",
    ),
    Finding(
        "certificate_unreadable", "info",
        "A part of the certificate of {endpoint} cannot be read by strict clients (RFC 5280)",
        "By default {who}. Ask the relay's operator for a certificate made anew.",
    ),
    Finding(
        "ehlo_refused", "info",
        "{endpoint} refuses EHLO and knows only HELO, so it can offer neither TLS nor authentication",
        "Set helo_name to a full name of this host where the relay's words speak of the name; else ask whether a firewall that "
        "inspects SMTP stands in between.",
    ),
    Finding(
        "capabilities_changed", "info",
        "{endpoint} offers other capabilities after TLS than before",
        "Judge the relay by what it offers after TLS.",
    ),
    Finding(
        "connection_unserved", "warning",
        "{endpoint} greeted a later connection while the first one waited in vain",
        "Ask the relay's operator: its queue of connections overflows, or a server behind its load balancer is dead; apps "
        "that meet this wait for their whole timeout.",
    ),
    Finding(
        "greeting_slow", "info",
        "{endpoint} took {seconds} s to greet",
        "Give apps a greeting timeout well above this.",
    ),
)  # fmt: skip

_ROWS = {(row.code, row.variant): row for row in CAUSES}
# In the order of the ladder, so that a probe's layer outranks that of the settings.
_LAYER_OF = {row.code: row.layer for row in CAUSES}


def cause_row(code: str, variant: str = "") -> Cause:
    """The row of a code and variant; the plain row where the variant has none. Raises KeyError for an unknown code."""
    return _ROWS.get((code, variant)) or _ROWS[code, ""]


def layer_of(code: str) -> str:
    """The layer of a code of a probe; where the settings alone can tell it as well, it is not theirs. Raises KeyError for an unknown code."""
    return _LAYER_OF[code]


def said(template: str, fields: Fields, detail: str = "") -> str:
    """The sentence of a row, with what the case adds behind a colon (a semicolon where the clause has a colon of its
    own), and its stop.
    """
    clause = fill(template, fields)
    if not detail:
        return f"{clause}."
    detail = detail.rstrip(".") if not detail.endswith("...") else detail
    return f"{clause}{';' if ': ' in template else ':'} {detail}."


_CLAUSE = re.compile(r"\[([^\[\]]*)\]")


def fill(template: str, words: Fields) -> str:
    """The template with its fields filled in, less the parts in brackets that have a null field.

    Raises KeyError for one that is missing.
    """

    def kept(clause: re.Match[str]) -> str:
        names = [name for _text, name, _spec, _conversion in string.Formatter().parse(clause[1]) if name]
        return "" if any(words.get(name) is None for name in names) else clause[1]

    return _CLAUSE.sub(kept, template).format_map(words)
