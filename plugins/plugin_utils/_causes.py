# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every cause and every finding: code, layer, sentence and remedy. To add one, add a row.

Sentences are templates for ``fill``. Every row may use {endpoint} {host} {port} {address}
{timeout} {other_port} {tls_port} {usual_ports} {usual_modes} {other_secure} {name} {ca_path} and {detail} (what this
case adds, or an empty string, from a blank on). A code that has several shapes has one row for each: ``variant`` tells
them apart.

A part in [brackets] goes when a field in it is null. Other ports stand in brackets, because one that the same call has
found not to work must not be recommended: {other_port} is a conventional port of the other mode, {tls_port} one with TLS
from the first byte, {usual_ports} and {usual_modes} are the conventional ports, for all of which that is not known.
"""

from __future__ import annotations

import re
import string
import typing as t
from collections.abc import Mapping

__all__ = ("CAUSES", "FINDINGS", "LAYERS", "Cause", "Finding", "cause_row", "fill")

# The ladder, in the order climbed.
LAYERS = ("settings", "dns", "tcp", "greeting", "mode", "ehlo", "starttls", "tls", "certificate", "auth", "transaction")


class Cause(t.NamedTuple):
    """One row: a stable code, the layer where it breaks, and what a person is told."""

    code: str
    variant: str
    layer: str
    sentence: str
    remedy: str


class Finding(t.NamedTuple):
    """What does not break mail today; severity is ``info`` or ``warning``."""

    code: str
    severity: str
    sentence: str
    remedy: str


CAUSES: tuple[Cause, ...] = (
    # settings
    Cause("invalid_settings", "", "settings", "The settings cannot work:{detail}.", "Correct the option that the message names."),
    Cause("invalid_settings", "source_address", "settings", "source_address {detail} is not an address of this host.",
          "Set source_address to an address that the host has, or leave it out."),
    Cause("mode_mismatch", "settings", "settings", "secure and port do not match:{detail}.",
          "Set secure: {other_secure} with port {port}, or take the port that goes with the flag (465 with secure: true, 587 with secure: false)."),
    # dns
    Cause("name_not_found", "", "dns", "The name {host} does not exist, as far as this host's resolver can tell{detail}.",
          "Check the spelling of host; if the name is right, ask whoever runs this host's DNS why it does not know it."),
    Cause("name_not_found", "no_address", "dns", "The name {host} exists but has no address{detail}.",
          "Check that host is the relay's name and not the mail domain, and that ip_version allows the kind of address it has."),
    Cause("name_server_failure", "", "dns", "This host's name server gave no usable answer for {host}{detail}.",
          "Check /etc/resolv.conf on this host and that its name servers can be reached; whether the relay works is not known yet."),
    # tcp
    Cause("connection_timeout", "", "tcp", "{address} port {port} did not answer within {timeout} s: no refusal, only silence{detail}.",
          "Outbound port {port} is probably filtered by the hosting provider or a firewall: ask them to open it[, or use a port that works, "
          "such as {other_port}]."),
    Cause("connection_refused", "", "tcp", "{address} refused the connection on port {port}: nothing listens there, or a firewall rejects it{detail}.",
          "Check the port number[ ({usual_ports} or what the relay's operator names)]; if it is right, ask the operator whether the service runs."),
    Cause("no_route", "", "tcp", "This host has no way to reach {address}{detail}.",
          "Check this host's routes and gateway; for an IPv6 address, that the host has IPv6 at all, or set ip_version: \"4\"."),
    Cause("no_route", "or_blocked", "tcp", "{address} cannot be reached on port {port}: there is no route to it, or a firewall on the way rejects the "
                                           "connection{detail}.",
          "Check this host's routes first, then ask whoever runs the firewall or the network to allow outbound port {port}."),
    Cause("connection_blocked", "", "tcp", "A firewall forbids this host to connect to {address} port {port}{detail}.",
          "Allow outbound TCP to {host} port {port} in the firewall of this host or of its network[, or use a port that is allowed, such as {other_port}]."),
    Cause("connection_reset", "", "tcp", "{address} port {port} accepted the connection and reset it before saying anything{detail}.",
          "Ask the relay's operator, or whoever runs the firewall or load balancer in front of it, whether this host's address may connect."),
    Cause("not_asked", "", "tcp", "{endpoint} was not asked, so whether it works is not known{detail}.",
          "Ask fewer endpoints in one task or give the task more time (timeout); where the message names a limit of this host, raise it."),
    # greeting
    Cause("greeting_timeout", "", "greeting", "{endpoint} accepted the connection but did not complete an SMTP greeting within {timeout} s{detail}.",
          "Raise timeout if this relay is known to greet late; otherwise ask its operator what listens on port {port}[, or use another port such as "
          "{other_port}]."),
    Cause("greeting_rejected", "", "greeting", "{endpoint} greeted with a refusal:{detail}.",
          "The relay does not want mail from this host's address: read its words, then ask its operator to allow the address, or use the relay meant "
          "for this network."),
    Cause("not_smtp", "", "greeting", "{endpoint} is not an SMTP server{detail}.",
          "Check host and port: another service answers there[. SMTP submission is usually on {usual_modes}]."),
    Cause("connection_closed", "", "greeting", "{endpoint} closed the connection {detail}.",
          "Ask the relay's operator whether this host's address may connect (allow lists and connection limits do this), and look into the relay's log."),
    # mode
    Cause("mode_mismatch", "implicit_spoken", "mode",
          "{endpoint} speaks TLS from the first byte, but a cleartext start was chosen (secure: false), so both sides wait for the other{detail}.",
          "Set secure: true (security: implicit_tls) with port {port}[, or use port {other_port} with secure: false]."),
    Cause("mode_mismatch", "cleartext_spoken", "mode",
          "{endpoint} greets in cleartext, but TLS from the first byte was chosen (secure: true){detail}.",
          "Set secure: false (security: {observed}) with port {port}[, or use port {other_port} with secure: true]."),
    # ehlo
    Cause("ehlo_rejected", "", "ehlo", "{endpoint} refused EHLO:{detail}.",
          "Set helo_name to this host's full name; if that is not it, the relay or a firewall that inspects SMTP on the way refuses ESMTP: ask its operator."),
    Cause("ehlo_rejected", "no_answer", "ehlo", "{endpoint} greeted but did not answer EHLO properly{detail}.",
          "Ask the relay's operator, or whoever runs a firewall that inspects SMTP on the way, why the dialogue stops after the greeting."),
    # starttls
    Cause("starttls_not_offered", "", "starttls", "{endpoint} does not offer STARTTLS, so the session would stay in cleartext{detail}.",
          "Ask the relay's operator to switch STARTTLS on[, or use port {tls_port} with secure: true if the relay has it];"
          " only if cleartext is really meant (a test server, say), set security: cleartext."),
    Cause("starttls_rejected", "", "starttls", "{endpoint} offers STARTTLS but refused it:{detail}.",
          "The relay's TLS set-up is broken (often its certificate or key file): ask its operator[, or use port {tls_port} with secure: true]."),
    Cause("starttls_rejected", "no_answer", "starttls", "{endpoint} offers STARTTLS but did not answer the command properly{detail}.",
          "Ask the relay's operator[, or use port {tls_port} with secure: true]."),
    # tls
    Cause("tls_handshake_timeout", "", "tls", "The TLS handshake with {endpoint} did not finish within {timeout} s{detail}.",
          "Something on the way swallows TLS, or the relay hangs: [try port {other_port}, and ]ask the relay's operator; a wrong MTU can look like this too."),
    Cause("tls_version_unsupported", "", "tls", "{endpoint} and this host have no TLS version in common{detail}.",
          "Ask the relay's operator to enable TLS 1.2 or 1.3; until then only a lower minimum_tls_version would let it pass."),
    Cause("tls_version_unsupported", "policy", "tls", "{endpoint} negotiates {detail}, which is older than the minimum_tls_version that is required.",
          "Ask the relay's operator for a newer TLS version, or lower minimum_tls_version."),
    Cause("tls_handshake_failed", "", "tls", "The TLS handshake with {endpoint} failed{detail}.",
          "Ask the relay's operator to look into the TLS set-up (ciphers, key, certificate files) and the log at this time."),
    Cause("client_certificate_required", "", "tls", "{endpoint} demands a client certificate{detail}.",
          "This relay is not meant for clients with user name and password on port {port}: ask its operator for the submission port[, such as {other_port}]."),
    # certificate
    Cause("certificate_expired", "", "certificate", "The certificate of {endpoint} has expired{detail}.",
          "Ask the relay's operator to renew it (and to reload the service); also check this host's clock."),
    Cause("certificate_expired", "policy", "certificate", "The certificate of {endpoint} is valid for only {detail}.",
          "Have the relay's operator renew it, or lower certificate_days_error."),
    Cause("certificate_not_yet_valid", "", "certificate", "The certificate of {endpoint} is not valid yet{detail}.",
          "Check the clock of this host and of the relay first; else the relay's operator installed a certificate too early."),
    Cause("certificate_self_signed", "", "certificate", "The certificate of {endpoint} is self-signed{detail}.",
          "If this is your own relay, put its certificate on this host and name the file in ca_path; for a public relay, do not go on: somebody may "
          "be in between."),
    Cause("certificate_untrusted", "", "certificate", "The certificate of {endpoint} was issued by a CA that this host does not trust{detail}.",
          "Put that CA's root certificate on this host and name the file in ca_path; for a public relay, update the host's ca-certificates instead."),
    Cause("certificate_chain_incomplete", "", "certificate", "{endpoint} does not send the intermediate certificate that links it to a trusted CA{detail}.",
          "Ask the relay's operator to serve the full chain (fullchain.pem: leaf, then intermediates);"
          " until then, ca_path with the missing intermediate and its root on this host works."),
    Cause("certificate_name_mismatch", "", "certificate", "The certificate of {endpoint} is not for {name}{detail}.",
          "Set host to a name that the certificate lists, or server_name when the address must stay; else ask the operator for a certificate with this name."),
    Cause("certificate_weak", "", "certificate", "The certificate of {endpoint} is too weak to be accepted{detail}.",
          "Ask the relay's operator for a certificate with an RSA key of 2048 bits or more (or an EC key) and a SHA-256 signature."),
    # auth
    Cause("auth_not_offered", "", "auth", "{endpoint} offers no authentication{detail}.",
          "Use the relay's submission port[ ({other_port})]; if the relay needs no login from this host, leave out username and password."),
    Cause("auth_mechanism_not_offered", "", "auth", "{endpoint} does not offer the authentication mechanism that was asked for{detail}.",
          "Leave out auth_mechanism, or set it to one that the relay offers."),
    Cause("auth_requires_tls", "", "auth", "{endpoint} allows authentication only after TLS{detail}.",
          "Set security: starttls (secure: false)[, or use port {tls_port} with secure: true]."),
    Cause("auth_rejected", "", "auth", "{endpoint} refused the login{detail}.",
          "Check username and password for this relay; many providers want an app password, an API key or a token here instead of the account's password."),
    Cause("auth_rejected", "temporary", "auth", "{endpoint} could not check the login right now{detail}.",
          "Try again later; if it stays, ask the relay's operator: its password backend does not answer."),
    Cause("auth_rejected", "no_answer", "auth", "{endpoint} did not answer the login properly{detail}.",
          "Ask the relay's operator; whether the user name and password are right is not known."),
    # transaction
    Cause("sender_rejected", "", "transaction", "{endpoint} refused the sender{detail}.",
          "Set sender to an address that this account may use (verified with the provider), and log in when the relay asks for it."),
    Cause("sender_rejected", "auth_required", "transaction", "{endpoint} takes mail only after a login{detail}.",
          "Set username and password for this relay."),
    Cause("recipient_rejected", "", "transaction", "{endpoint} refused the recipient{detail}.",
          "Check the recipient's address; 'relay access denied' means that this relay wants a login or does not know this host."),
    Cause("message_rejected", "", "transaction", "{endpoint} refused the message{detail}.",
          "Read the relay's words: size, content and policy are the usual reasons."),
    Cause("temporarily_rejected", "", "transaction", "{endpoint} asks to try again later{detail}.",
          "Greylisting and rate limits do this: try again after some minutes; if it stays, ask the relay's operator."),
)

FINDINGS: tuple[Finding, ...] = (
    Finding("certificate_expiring", "warning", "The certificate of {endpoint} expires in {detail}.", "Have the relay's operator renew it before then."),
    Finding("address_unreachable", "warning", "{address}, one of the addresses of {host}, does not work{detail}.",
            "Apps that try this address first wait for it or fail: have the record corrected or the path repaired, or use a name without it."),
    Finding("address_fails", "warning", "{address}, one of the addresses of {host}, fails while another one works{detail}.",
            "Apps that try this address first fail: have the operator make all addresses alike."),
    Finding("auth_offered_in_cleartext", "warning", "{endpoint} offers authentication before TLS{detail}.",
            "A client that is not strict sends its password in the clear: have the operator offer AUTH only after TLS."),
    Finding("downgrade_possible", "warning", "With these settings mail and password would go on in cleartext if STARTTLS were removed on the way{detail}.",
            "Prefer an app setting that requires STARTTLS[, or port {tls_port} with secure: true]."),
    Finding("starttls_stripped", "warning", "Something on the way to {endpoint} masks capabilities in the EHLO reply ({detail}): a firewall that "
                                            "inspects SMTP.",
            "Have SMTP inspection switched off for this path[, or use port {tls_port} with secure: true, which it cannot alter]."),
    Finding("starttls_injection", "warning", "{endpoint} acts on commands that were sent ahead of the TLS handshake{detail}.",
            "The relay is open to command injection (as in CVE-2011-0411): ask its operator to update it."),
    Finding("unconventional_port", "info", "{endpoint} speaks {detail}, which is not the convention of port {port}.",
            "It works with these settings; people and apps that guess the mode from the port will guess wrong."),
    Finding("tls_version_old", "warning", "{endpoint} negotiates {detail}.", "Ask the relay's operator to enable TLS 1.2 or 1.3."),
    Finding("port_filtered_elsewhere_open", "warning", "Port {port} of {address} is silent while {detail} of the same address answers: an outbound "
                                                       "filter, not a dead relay.",
            "Use the port that answers, or have outbound port {port} opened."),
    Finding("certificate_not_verified", "info", "The certificate of {endpoint} was not verified, because validate_certs is false{detail}.",
            "Prefer ca_path with the relay's CA: it costs nothing and keeps others from posing as the relay."),
    Finding("certificate_weak", "warning", "The certificate of {endpoint} is weak{detail}.",
            "Newer clients refuse it: ask the relay's operator for an RSA key of 2048 bits or more and a SHA-256 signature."),
    Finding("certificate_chain_disordered", "info", "{endpoint} sends its certificates in the wrong order{detail}.",
            "Ask the relay's operator to put the leaf first and each issuer after it; strict clients refuse this."),
    Finding("certificate_without_names", "info", "The certificate of {endpoint} has no subjectAltName{detail}.",
            "Go, Java and browsers refuse it (RFC 9525): ask the relay's operator for a certificate that lists its names."),
    Finding("ehlo_refused", "info", "{endpoint} refuses EHLO and knows only HELO, so it can offer neither TLS nor authentication{detail}.",
            "Ask whether a firewall that inspects SMTP stands in between."),
    Finding("capabilities_changed", "info", "{endpoint} offers other capabilities after TLS than before{detail}.", "Judge the relay by what it offers "
                                            "after TLS."),
    Finding("greeting_slow", "info", "{endpoint} took {detail} to greet.", "Give apps a greeting timeout well above this."),
)

_ROWS = {(row.code, row.variant): row for row in CAUSES}


def cause_row(code: str, variant: str = "") -> Cause:
    """The row of a code and variant; the plain row where the variant has none. Raises KeyError for an unknown code."""
    return _ROWS.get((code, variant)) or _ROWS[code, ""]


_CLAUSE = re.compile(r"\[([^\[\]]*)\]")


def fill(template: str, words: Mapping[str, t.Any]) -> str:
    """The sentence with its fields filled in, less the parts in brackets that have a null field. Raises KeyError for one that is missing."""

    def kept(clause: re.Match[str]) -> str:
        names = [name for _text, name, _spec, _conversion in string.Formatter().parse(clause[1]) if name]
        return "" if any(words.get(name) is None for name in names) else clause[1]

    return _CLAUSE.sub(kept, template).format_map(words)
