# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows for the judge: what passes, and its findings."""

from __future__ import annotations

from ansible_collections.mailops.smtp.plugins.plugin_utils._input.policy import AppClient

from tests.support.evidence import (
    CLEARTEXT_LOOK,
    GREETING,
    IMPLICIT,
    LOGIN,
    PLAIN_LOOK,
    TLS,
    Row,
    attempt,
    broken,
    ehlo,
    greets,
    in_tls,
    observation,
    reply,
    row,
    session,
    steps,
    tcp,
)

ROWS: tuple[Row, ...] = (
    # healthy
    row("starttls", attempt(**in_tls()), None, observed="starttls"),
    row(
        "implicit",
        attempt("implicit_tls", "tcp tls certificate greeting ehlo", **in_tls(ehlo=ehlo(None, ("SIZE 1000",)))),
        None,
        observed="implicit_tls",
        settings=IMPLICIT,
    ),
    row("cleartext", PLAIN_LOOK, None, observed="cleartext", settings={"port": 25, "security": "cleartext"}),
    row(
        "cleartext though starttls",
        CLEARTEXT_LOOK,
        None,
        observed="starttls",
        settings={"port": 25, "security": "cleartext"},
    ),
    row("auto cleartext", PLAIN_LOOK, None, observed="cleartext", settings={"port": 1025, "security": "auto"}),
    # findings of a healthy endpoint
    row(
        "opportunistic",
        attempt("opportunistic", **in_tls()),
        None,
        observed="starttls",
        findings="downgrade_possible",
        settings={"security": "opportunistic"},
    ),
    row(
        "opportunistic without",
        {**PLAIN_LOOK, "security": "opportunistic"},
        None,
        observed="cleartext",
        findings="downgrade_possible",
        settings={"security": "opportunistic", "port": 25},
    ),
    row("expiring", attempt(**in_tls(chain="expiring")), None, observed="starttls", findings="certificate_expiring"),
    row("weak key", attempt(**in_tls(chain="weak key")), None, observed="starttls", findings="certificate_weak"),
    row("sha1", attempt(**in_tls(chain="sha1")), None, observed="starttls", findings="certificate_weak"),
    row(
        "doubled",
        attempt(**in_tls(chain="doubled")),
        None,
        observed="starttls",
        findings="certificate_chain_superfluous",
    ),
    row("root as well", attempt(**in_tls(chain="root as well")), None, observed="starttls"),
    row(
        "disordered",
        attempt(**in_tls(chain="disordered")),
        None,
        observed="starttls",
        findings="certificate_chain_disordered",
    ),
    row(
        "no names", attempt(**in_tls(chain="no names")), None, observed="starttls", findings="certificate_without_names"
    ),
    row(
        "only addresses",
        attempt(**in_tls(chain="only addresses")),
        None,
        observed="starttls",
        findings="certificate_without_names",
    ),
    row(
        "odd address",
        attempt(**in_tls(chain="odd address")),
        None,
        observed="starttls",
        findings="certificate_unreadable",
    ),
    row(
        "odd address, an app that takes it",
        attempt(**in_tls(chain="odd address")),
        None,
        observed="starttls",
        findings="certificate_unreadable",
        policy={"apps": (AppClient("Own", "node"),)},
    ),
    row(
        "not verified",
        attempt(**in_tls(tls={**TLS, "verified": None})),
        None,
        observed="starttls",
        findings="certificate_not_verified",
        settings={"validate_certs": False},
    ),
    row(
        "auth in cleartext",
        attempt(**in_tls(ehlo=ehlo(("SIZE 1000", "STARTTLS", "AUTH PLAIN"), ("SIZE 1000", "AUTH PLAIN")))),
        None,
        observed="starttls",
        findings="auth_offered_in_cleartext",
    ),
    row(
        "capabilities change",
        attempt(**in_tls(ehlo=ehlo(("STARTTLS", "HELP"), ("SIZE 1000",)))),
        None,
        observed="starttls",
        findings="capabilities_changed",
    ),
    row("injection", attempt(**in_tls(injected=True)), None, observed="starttls", findings="starttls_injection"),
    row(
        "old tls",
        attempt(**in_tls(tls={**TLS, "version": "TLSv1"})),
        None,
        observed="starttls",
        findings="tls_version_old",
        policy={"minimum_tls_version": "TLSv1"},
    ),
    row(
        "implicit on 587",
        attempt("implicit_tls", **in_tls(ehlo=ehlo(None, ("SIZE 1",)))),
        None,
        observed="implicit_tls",
        findings="unconventional_port",
        settings={"port": 587, "security": "implicit_tls"},
    ),
    row(
        "starttls on 465",
        attempt(**in_tls()),
        None,
        observed="starttls",
        findings="unconventional_port",
        settings={"port": 465},
    ),
    row(
        "slow",
        {**attempt(**in_tls()), "rungs": steps("tcp") + steps("greeting", 6000.0)},
        None,
        observed="starttls",
        findings="greeting_slow",
    ),
    row(
        "helo only",
        attempt(
            "cleartext",
            "tcp greeting ehlo",
            greeting=GREETING,
            helo=reply(250, "x"),
            ehlo={"before_tls": reply(502, "no")},
        ),
        None,
        observed="cleartext",
        findings="ehlo_refused",
        settings={"port": 25, "security": "cleartext"},
    ),
    row(
        "very many addresses",
        observation(attempt(**in_tls()), dns={"ok": True, "known": 10000, "ms": 1.0}),
        None,
        observed="starttls",
        findings="addresses_left_out",
    ),
    row(
        "one dead address",
        observation({**tcp("timeout"), "address": "192.0.2.9"}, attempt(**in_tls())),
        None,
        observed="starttls",
        findings="address_unreachable",
    ),
    row(
        "one bad address",
        observation({**greets("closed", partial=""), "address": "192.0.2.9"}, attempt(**in_tls())),
        None,
        observed="starttls",
        findings="address_fails",
    ),
    row(
        "one address was not waited for",
        observation(
            attempt(rungs="tcp greeting!", failure=broken("greeting", "unfinished", waited_ms=2000.0)),
            attempt(**in_tls()),
        ),
        None,
        observed="starttls",
        findings="address_silent",
    ),
    row(
        "one address was hardly waited for",
        observation(
            attempt(rungs="tcp greeting!", failure=broken("greeting", "unfinished", waited_ms=900.0)),
            attempt(**in_tls()),
        ),
        None,
        observed="starttls",
    ),
    row(
        "one address was not asked",
        observation(attempt(rungs="", failure=broken("tcp", "not_asked", lack="files")), attempt(**in_tls())),
        None,
        observed="starttls",
    ),
    row(
        "dns slow",
        observation(
            attempt(greeting=GREETING, ehlo=ehlo(after=["SIZE 1000"]), tls=TLS), dns={"ok": True, "ms": 5000.0}
        ),
        None,
        observed="starttls",
        findings="name_server_slow",
    ),
    # a login is given: EHLO says whether it is of use
    row("login offered", session("PLAIN"), None, observed="starttls", settings=LOGIN),
    row("login, not required", session(), None, observed="starttls", settings={**LOGIN, "login_required": False}),
    row(
        "login, tokens asked for",
        session("XOAUTH2"),
        None,
        observed="starttls",
        settings={**LOGIN, "auth_mechanism": "XOAUTH2"},
    ),
    row(
        "old suites",
        attempt(
            **in_tls(
                tls={**TLS, "version": "TLSv1.2", "cipher": "AES256-SHA"},
                python_refused=broken("tls", "tls", reason="X", text="x"),
            )
        ),
        None,
        observed="starttls",
        findings="tls_ciphers_old",
    ),
    row(
        "a small group",
        attempt(
            **in_tls(tls={**TLS, "version": "TLSv1.2", "cipher": "DHE-RSA-AES256-GCM-SHA384", "dh_bits": 1024}),
        ),
        None,
        observed="starttls",
        findings="tls_group_small",
    ),
    row(
        "old suites, an app that has them",
        attempt(
            **in_tls(
                tls={**TLS, "version": "TLSv1.2", "cipher": "AES256-SHA"},
                python_refused=broken("tls", "tls", reason="X", text="x"),
            )
        ),
        None,
        observed="starttls",
        findings="tls_ciphers_old",
        policy={"apps": (AppClient("Pages", "node"), AppClient("Own"))},
    ),
    row(
        "DHE by the relay's choice, which may have more",
        attempt(**in_tls(tls={**TLS, "version": "TLSv1.2", "cipher": "DHE-RSA-AES256-GCM-SHA384", "dh_bits": 3072})),
        None,
        observed="starttls",
        findings="tls_ciphers_old",
        policy={"apps": (AppClient("Safe", "rustls"),)},
    ),
    row(
        "no names, not verified by the app either",
        attempt(**in_tls(chain="no names")),
        None,
        observed="starttls",
        settings={"validate_certs": False},
        findings="certificate_without_names certificate_not_verified",
        policy={"apps": (AppClient("Forge", "go"),)},
    ),
    row(
        "a mechanism for the app",
        attempt(**in_tls()),
        None,
        observed="starttls",
        settings={"username": "app", "password": "x"},
        policy={"apps": (AppClient("New", "", ("CRAM-MD5", "LOGIN")), AppClient("Unknown"))},
    ),
    row(
        "the first connection was left waiting",
        attempt(greeting=GREETING, ehlo=ehlo(after=["SIZE 1000"]), tls=TLS, unserved=True),
        None,
        observed="starttls",
        findings="connection_unserved",
    ),
    row(
        "both modes",
        attempt(**in_tls(both_modes=True)),
        None,
        observed="starttls",
        findings="both_modes",
        settings={"port": 465},
    ),
    row(
        "version 1",
        attempt(**in_tls(chain="version 1")),
        None,
        observed="starttls",
        findings="certificate_without_names",
    ),
)
