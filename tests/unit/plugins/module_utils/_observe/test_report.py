# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CA file that is of no use is one sentence, before anything is sent."""

from __future__ import annotations

import base64
import os
import pathlib
import threading
import time
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._observe import tls
from ansible_collections.mailops.smtp.plugins.module_utils._observe.report import CAFileError, host_report

PEM = "-----BEGIN {0}-----\n{1}\n-----END {0}-----\n"
KINDS = [
    (b"", "is empty; write the path of a PEM file"),
    (b"\x30\x82\x05\x10\x02\x01\x03\x30\x82", "is a PKCS #12 store; take the CA's certificate out"),
    (b"\x30\x82\x05\x10\x06\x09\x2a\x86\x48\x86", "is in PKCS #7 form; convert it"),
    (b"\x30\x82\x05\x10\x30\x82\x04", "is in DER form, not in PEM; convert it"),
    (PEM.format("CERTIFICATE", "AAAA").encode("utf-16"), "is in UTF-16"),
    (PEM.format("CERTIFICATE", "AAAA").encode(), "holds a certificate that cannot be read; copy the file anew"),
    (PEM.format("PKCS7", "AAAA").encode(), "is in PKCS #7 form; convert it"),
    (
        PEM.format("EC PRIVATE KEY", "AAAA").encode(),
        "holds a private key and no certificate; write the path of the CA's",
    ),
    (PEM.format("CERTIFICATE REQUEST", "AAAA").encode(), "holds a certificate request; write"),
    (PEM.format("X509 CRL", "AAAA").encode(), "holds a revocation list; write"),
    (base64.b64encode(bytes(90)), "holds no CA certificate; write"),
]


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("content, says", KINDS, ids=lambda value: value[:24] if isinstance(value, str) else "")
def test_what_a_file_is_instead(tmp_path: pathlib.Path, content: bytes, says: str, verify: bool) -> None:
    """Also where nothing is verified by it: it is refused in one sentence, and no exception comes through."""
    path = tmp_path / "ca.pem"
    path.write_bytes(content)
    plan: t.Any = {"ca_path": str(path), "validate_certs": verify, "minimum_tls_version": "TLSv1.2", "timeout": 20.0}
    with pytest.raises(CAFileError) as caught:
        host_report([plan], [None])
    assert "ca_path is {0}, and on this host: {1}".format(path, says) in str(caught.value)
    plan["ca_path"] = str(tmp_path)
    with pytest.raises(CAFileError, match="is a directory; write the path of one PEM file in it"):
        host_report([plan], [None])


@pytest.mark.parametrize("verify", [True, False])
def test_what_ends_late_or_never_is_not_read(tmp_path: pathlib.Path, verify: bool) -> None:
    """Whoever owns the folder of a CA file can put a pipe there. The kernel's log waits for its next line, and its files have no size."""
    os.mkfifo(tmp_path / "pipe")
    with open(tmp_path / "huge", "wb") as huge:
        huge.truncate(1 << 40)
    device = "is a pipe, a socket or a device"
    rows = [
        (str(tmp_path / "pipe"), device),
        ("/dev/zero", device),
        (str(tmp_path / "huge"), "is larger than 16 megabytes"),
    ]
    if os.path.exists("/proc/kmsg") and not os.path.samefile("/proc/kmsg", "/dev/null"):
        rows.append(("/proc/kmsg", "is empty"))
    for path, why in rows:
        plan: t.Any = {"ca_path": path, "validate_certs": verify, "minimum_tls_version": "TLSv1.2", "timeout": 20.0}
        said: list[BaseException] = []

        def ask(plan: t.Any = plan, said: list[BaseException] = said) -> None:
            try:
                host_report([plan], [None])
            except CAFileError as error:
                said.append(error)

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        asking.join(20)
        assert [str(one) for one in said] == [
            f"ca_path is {path}, and on this host: {why}; write the path of a PEM file that is there."
        ]


@pytest.mark.parametrize(
    "content, why",
    [(None, "no such file or directory"), ("no certificate", "holds no CA certificate")],
)
def test_a_ca_file_that_is_of_no_use(tmp_path: pathlib.Path, content: t.Optional[str], why: str) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    # Nothing else of a plan is looked at before its CA file.
    plan: t.Any = {"ca_path": str(path), "validate_certs": True, "minimum_tls_version": "TLSv1.2", "timeout": 20.0}
    with pytest.raises(CAFileError) as caught:
        host_report([plan], [None])
    assert str(
        caught.value
    ) == "ca_path is {0}, and on this host: {1}; write the path of a PEM file that is there.".format(path, why)


@pytest.mark.parametrize("verify", [True, False])
def test_a_ca_file_on_a_file_system_that_hangs(monkeypatch: pytest.MonkeyPatch, verify: bool) -> None:
    """As one does that is mounted over a network that is gone; a test cannot have one everywhere."""
    monkeypatch.setattr(tls, "_refuse_what_never_ends", lambda path: time.sleep(20))
    plan: t.Any = {"ca_path": "/net/ca.pem", "validate_certs": verify, "minimum_tls_version": "TLSv1.2", "timeout": 0.2}
    with pytest.raises(CAFileError) as caught:
        host_report([plan] * 3, [None] * 3)
    assert str(caught.value) == (
        "ca_path is /net/ca.pem, and on this host: its file system gives no answer within 0.2 s; look at what is mounted there,"
        " or write another path."
    )
