# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A CA file that is of no use is one sentence, before anything is sent."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._observe.report import CAFileError, host_report


@pytest.mark.parametrize(
    "content, why",
    [(None, "no such file or directory"), ("no certificate", "holds no CA certificate")],
)
def test_a_ca_file_that_is_of_no_use(tmp_path: pathlib.Path, content: t.Optional[str], why: str) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    # Nothing else of a plan is looked at before its CA file.
    plan: t.Any = {"ca_path": str(path), "validate_certs": True, "minimum_tls_version": "TLSv1.2"}
    with pytest.raises(CAFileError) as caught:
        host_report([plan], [None])
    assert str(
        caught.value
    ) == "ca_path is {0}, and on this host: {1}; write the path of a PEM file that is there.".format(path, why)
