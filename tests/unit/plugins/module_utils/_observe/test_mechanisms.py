# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of mechanisms and what is implemented are the same."""

from __future__ import annotations

import pytest
from ansible_collections.mailops.smtp.plugins.module_utils._observe import mechanisms, sasl
from ansible_collections.mailops.smtp.plugins.module_utils._observe.failure import Failure


def test_what_is_listed_is_implemented_and_the_reverse() -> None:
    assert set(mechanisms.MECHANISMS) == set(sasl._STEPS)


@pytest.mark.parametrize("tls", [True, False])
def test_each_is_taken_when_asked_for_and_all_but_tokens_without_being_asked(tls: bool) -> None:
    for name in mechanisms.MECHANISMS:
        assert mechanisms.choose_mechanism([name.lower()], name, tls) == name
        if name != "XOAUTH2":
            assert mechanisms.choose_mechanism([name], None, tls) == name
    with pytest.raises(Failure):
        mechanisms.choose_mechanism(["XOAUTH2"], None, tls)


def test_whether_a_login_is_possible() -> None:
    assert mechanisms.can_log_in({"AUTH": ["GSSAPI", "LOGIN"]}, None, True)
    assert not mechanisms.can_log_in({"AUTH": ["GSSAPI", "LOGIN"]}, "PLAIN", True)
    assert not mechanisms.can_log_in({"AUTH": []}, None, True)
    assert not mechanisms.can_log_in({}, None, True)


@pytest.mark.parametrize(
    "offered, wanted, tls, chosen",
    [
        (["LOGIN", "PLAIN"], None, True, "PLAIN"),
        (["login", "plain"], None, True, "PLAIN"),
        (["CRAM-MD5", "LOGIN"], None, True, "LOGIN"),
        (["CRAM-MD5", "PLAIN"], None, False, "CRAM-MD5"),
        (["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256"], None, False, "SCRAM-SHA-256"),
        (["XOAUTH2", "PLAIN"], None, True, "PLAIN"),
        (["PLAIN", "CRAM-MD5"], "CRAM-MD5", True, "CRAM-MD5"),
        (["XOAUTH2"], "XOAUTH2", True, "XOAUTH2"),
    ],
)
def test_mechanism(offered: list[str], wanted: str | None, tls: bool, chosen: str) -> None:
    assert mechanisms.choose_mechanism(offered, wanted, tls) == chosen


@pytest.mark.parametrize(
    "offered, wanted", [([], None), (["GSSAPI", "NTLM"], None), (["XOAUTH2"], None), (["PLAIN"], "LOGIN")]
)
def test_no_mechanism(offered: list[str], wanted: str | None) -> None:
    with pytest.raises(Failure) as caught:
        mechanisms.choose_mechanism(offered, wanted, True)
    assert caught.value.kind == "missing"
    assert caught.value.facts == {"what": "mechanism", "wanted": wanted, "offered": offered}
