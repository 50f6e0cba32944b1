# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The throwaway certificates have the faults that they are asked for: `openssl verify` says so."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.pki import EXPIRED, EXPIRING, NOT_YET_VALID, Issued, Pki


def verify(pki: Pki, issued: Issued, *options: str) -> str:
    """What openssl says of the chain as a server would send it."""
    command = [
        "openssl",
        "verify",
        *options,
        "-CAfile",
        str(pki.ca_file),
        "-untrusted",
        str(issued.chain_file),
        str(issued.leaf_file),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


CASES: dict[str, tuple[Callable[[Pki], Issued], str]] = {
    "good": (lambda pki: pki.issue("relay.test"), "OK"),
    "by the root": (lambda pki: pki.issue("relay.test", issuer="root"), "OK"),
    "rsa": (lambda pki: pki.issue("relay.test", key_type="rsa"), "OK"),
    "wildcard": (lambda pki: pki.issue("*.relay.test"), "OK"),
    "outside ASCII": (lambda pki: pki.issue("bücher.test"), "OK"),
    "expiring": (lambda pki: pki.issue("relay.test", valid=EXPIRING), "OK"),
    "wrong order": (lambda pki: pki.issue("relay.test", chain=["leaf", "root", "intermediate"]), "OK"),
    "expired": (lambda pki: pki.issue("relay.test", valid=EXPIRED), "error 10 at 0"),
    "not yet valid": (lambda pki: pki.issue("relay.test", valid=NOT_YET_VALID), "error 9 at 0"),
    "self-signed": (lambda pki: pki.issue("relay.test", issuer=None), "error 18 at 0"),
    "unknown CA": (lambda pki: pki.issue("relay.test", issuer=pki.stranger()), "error 20 at 1"),
    "missing intermediate": (
        lambda pki: pki.issue("relay.test", chain=["leaf"], aia="http://127.0.0.1/ca.crt"),
        "error 20 at 0",
    ),
    "expired intermediate": (lambda pki: pki.issue("relay.test", issuer=pki.expired_intermediate()), "error 10 at 1"),
    "weak key": (lambda pki: pki.issue("relay.test", key_type="rsa", bits=1024), "error 66 at 0"),
    "SHA-1": (lambda pki: pki.issue("relay.test", hash_name="sha1"), "error 68 at 0"),
    "MD5": (lambda pki: pki.issue("relay.test", hash_name="md5"), "error 68 at 0"),
}


@pytest.mark.parametrize("case", CASES)
def test_fault(tmp_path: Path, case: str) -> None:
    make, expected = CASES[case]
    pki = Pki(tmp_path)
    issued = make(pki)
    # auth_level 2 is what Debian's clients ask for.
    assert expected in verify(pki, issued, "-auth_level", "2")
    # A weak hash is a hash all the same: the signature is right.
    if case in ("SHA-1", "MD5", "weak key"):
        assert "OK" in verify(pki, issued, "-auth_level", "0")


def test_every_file_is_private(tmp_path: Path) -> None:
    pki = Pki(tmp_path / "pki")
    pki.issue("relay.test")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in pki.folder.iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE(pki.folder.stat().st_mode) == 0o700
