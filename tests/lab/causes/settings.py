# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that cannot work: refused in a sentence that names the option, without a packet to the relay (the router counts them)."""

from __future__ import annotations

from typing import Any

from ..farm import Place
from ..scenario import Row

__all__ = ["ROWS"]


def _submission(place: Place) -> None:
    place.postfix("implicit", 465)


def _refused(name: str, fault: str, option: str, **ask: Any) -> Row:
    """A gate whose message names this option."""
    port = ask.pop("port", 465)
    host = ask.pop("host", "")
    return Row(
        name,
        fault,
        at="untouched",
        port=port,
        host=host,
        ask={"timeout": 3, **ask},
        call="gate",
        cause="invalid_settings",
        expect={"failed": True, "msg": lambda text: option in text},
    )


ROWS = [
    # test_habits.py looks at its counter: nobody has connected but the gate of this row.
    Row(
        "untouched",
        "nothing: the relay of the rows below",
        _submission,
        465,
        {"secure": True},
        call="gate",
        rules=("ip daddr {ip} tcp flags & (syn | ack) == syn counter",),
    ),
    _refused("bad-port-zero", "port 0", "port", port=0, secure=True),
    _refused("bad-port-high", "port 70000", "port", port=70000, secure=True),
    _refused("bad-port-word", "a word as port", "port", port="smtps", secure=True),
    _refused(
        "bad-contradiction", "secure: true beside security: starttls", "security", secure=True, security="starttls"
    ),
    _refused("bad-security", "a security that does not exist", "security", security="tls"),
    _refused("bad-host-scheme", "a URL as host", "host", host="smtp://untouched.lab.test", secure=True),
    _refused("bad-host-port", "a port in the host", "host", host="untouched.lab.test:465", secure=True),
    _refused("bad-host-blank", "an empty host", "host", host=" ", secure=True),
    _refused(
        "bad-ca-path", "a CA file that is not on the host", "ca_path", secure=True, ca_path="/etc/lab/nowhere.pem"
    ),
    _refused("bad-ca-file", "a CA file that holds no certificate", "ca_path", secure=True, ca_path="/etc/hostname"),
    _refused(
        "bad-password-alone", "a password without a username", "username", secure=True, password="lonely-Secret/1"
    ),
    _refused(
        "bad-source-address",
        "a source address that the host does not have",
        "source_address",
        secure=True,
        source_address="192.0.2.77",
    ),
    _refused("bad-timeout", "a timeout of zero", "timeout", secure=True, timeout=0),
    _refused("bad-option", "an option that does not exist", "verify", secure=True, verify=False),
    _refused(
        "bad-days",
        "a number of days that is none",
        "certificate_days_error",
        secure=True,
        certificate_days_error="soon",
    ),
    _refused(
        "bad-network",
        "a network that is none",
        "cleartext_networks",
        security="cleartext",
        cleartext_networks=["everywhere"],
    ),
]
