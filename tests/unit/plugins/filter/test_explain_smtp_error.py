# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter takes texts, bytes and lists, and says what is wrong with anything else."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.mailops.smtp.plugins.filter import explain_smtp_error as plugin
from ansible_collections.mailops.smtp.plugins.filter.explain_smtp_error import FilterModule

TEXT = "Error: Greeting never received {code: 'ETIMEDOUT', command: 'CONN'}"
explain_smtp_error = FilterModule().filters()["explain_smtp_error"]


def test_text_bytes_and_lines_say_the_same() -> None:
    result = explain_smtp_error(TEXT)
    assert result["cause"] == "mode_mismatch"
    assert explain_smtp_error(TEXT.encode()) == explain_smtp_error([TEXT]) == explain_smtp_error((TEXT,)) == result
    assert explain_smtp_error(b"\xff\xfe\x00")["cause"] is None
    assert explain_smtp_error([])["total"] == 0


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (3, "takes a text or a list of lines, not a int."),
        (None, "takes a text or a list of lines, not a NoneType."),
        ({"msg": TEXT}, "not a dictionary; pass one of its values"),
        ([TEXT, 3], "one element of the list is a int."),
    ],
)
def test_anything_else_gets_a_sentence(value: object, sentence: str) -> None:
    with pytest.raises(AnsibleFilterError, match=sentence):
        explain_smtp_error(value)


def test_every_key_is_documented() -> None:
    sidecar = Path(plugin.__file__).with_suffix(".yml")
    documented = yaml.safe_load(sidecar.read_text("utf-8"))["RETURN"]["_value"]["contains"]
    result = explain_smtp_error(TEXT)
    assert set(documented) == set(result)
    assert set(documented["causes"]["contains"]) == set(result["causes"][0])
