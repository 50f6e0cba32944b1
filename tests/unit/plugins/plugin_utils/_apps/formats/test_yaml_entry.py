# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that are one entry of a list in YAML, as Home Assistant has them: the other entries stay byte for byte."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.carriers import load_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.change import plan_absent, plan_present
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.descriptor import AppError, load_descriptor
from ansible_collections.mailops.smtp.plugins.plugin_utils._apps.reading import read_place
from ansible_collections.mailops.smtp.plugins.plugin_utils._input.settings import parse_settings

APP = load_descriptor("homeassistant")
PLACE = load_place(APP)
GIVEN = {"host": "smtp.example.com", "port": 465, "secure": True, "sender": "ha@example.com"}
OURS = (
    '- platform: smtp\n{0}name: "mail"\n{0}server: "smtp.example.com"\n{0}port: 465\n{0}encryption: "tls"\n'
    '{0}verify_ssl: true\n{0}sender: "ha@example.com"\n'
)


def put(text: str) -> str:
    settings = parse_settings(GIVEN, probed=False)
    made = plan_present(APP, settings, GIVEN, text.encode(), place=PLACE).content
    again = plan_present(APP, settings, GIVEN, made, place=PLACE)
    assert again.content == made and not again.changed
    reading = read_place(APP, PLACE, made.decode())
    assert (reading.settings["host"], reading.security) == ("smtp.example.com", "implicit_tls")
    return made.decode()


def ours(indent: int) -> str:
    return " " * indent + OURS.format(" " * (indent + 2)).replace("platform: smtp", 'platform: "smtp"')


OTHER = "  # the family\n  - name: all  # everybody\n    platform: group\n    services:\n      - service: mobile_app\n"
OLD = (
    "  - platform: smtp  # mail\n    name: my_mail\n    server: old.example\n    # the port\n    port: 587\n    encryption: starttls\n"
    "    verify_ssl: true\n    sender: ha@example.com\n    recipient:\n      - a@example.com\n"
)
NEW = OLD.replace("old.example", "smtp.example.com").replace("587", "465").replace("starttls", "tls")
CHANGED = {
    "the one that is there, behind another": (f"notify:\n{OTHER}{OLD}", f"notify:\n{OTHER}{NEW}"),
    "the one that is there, ahead of another": (
        f"notify:\n{OLD}\n{OTHER}\nlight: x\n",
        f"notify:\n{NEW}\n{OTHER}\nlight: x\n",
    ),
    "CRLF": (f"notify:\n{OTHER}{OLD}".replace("\n", "\r\n"), f"notify:\n{OTHER}{NEW}".replace("\n", "\r\n")),
    "a label": (f"notify telegram:\n{OTHER}notify 2:\n{OLD}", f"notify telegram:\n{OTHER}notify 2:\n{NEW}"),
    "a mapping in place of a list": (
        "notify:\n" + OLD.replace("  - ", "  ").replace("    ", "  "),
        "notify:\n" + NEW.replace("  - ", "  ").replace("    ", "  "),
    ),
    "a mapping with a label": (
        "notify mail:\n  platform: smtp\n  name: mail\n  server: old\n  port: 465\n  encryption: tls\n  verify_ssl: true\n",
        "notify mail:\n  platform: smtp\n  name: mail\n  server: smtp.example.com\n  port: 465\n  encryption: tls\n"
        '  verify_ssl: true\n  sender: "ha@example.com"\n',
    ),
    "a file that is the list": (
        "- platform: group\n  name: x\n\n- platform: smtp\n  name: m\n  server: old\n  port: 465\n  encryption: tls\n"
        "  sender: ha@example.com\n  verify_ssl: true\n# end\n",
        "- platform: group\n  name: x\n\n- platform: smtp\n  name: m\n  server: smtp.example.com\n  port: 465\n"
        "  encryption: tls\n  sender: ha@example.com\n  verify_ssl: true\n# end\n",
    ),
    "a first line that has to go": (
        "notify:\n  - username: me\n    password: x\n    platform: smtp\n    name: m\n    server: smtp.example.com\n"
        "    port: 465\n    encryption: tls\n    verify_ssl: true\n    sender: ha@example.com\n",
        "notify:\n  - platform: smtp\n    name: m\n    server: smtp.example.com\n"
        "    port: 465\n    encryption: tls\n    verify_ssl: true\n    sender: ha@example.com\n",
    ),
    "in braces": (
        "notify: [{platform: group}, {platform: smtp, name: m, server: old, port: 465, encryption: tls, verify_ssl: true}]\n",
        "notify: [{platform: group}, {platform: smtp, name: m, server: smtp.example.com, port: 465, encryption: tls, "
        'verify_ssl: true, sender: "ha@example.com"}]\n',
    ),
    "none yet": (f"notify:\n{OTHER}\nlight: x\n", f"notify:\n{OTHER}{ours(2)}\nlight: x\n"),
    "none yet, not indented": ("notify:\n- platform: group\n", f"notify:\n- platform: group\n{ours(0)}"),
    "an empty list": ("notify: []  # none\nlight: x\n", f"notify:  # none\n{ours(2)}light: x\n"),
    "nothing below": ("a: 1\nnotify:\n\nlight: x\n", f"a: 1\nnotify:\n{ours(2)}\nlight: x\n"),
    "no such key": ("a: !include x.yaml\n", f"a: !include x.yaml\n\nnotify:\n{ours(2)}"),
    "an empty file": ("", f"notify:\n{ours(2)}"),
    "a list without ours as the whole file": ("- platform: group\n", f"- platform: group\n{ours(0)}"),
}


@pytest.mark.parametrize(("before", "after"), CHANGED.values(), ids=CHANGED)
def test_one_entry_is_changed_and_the_others_stay(before: str, after: str) -> None:
    assert put(before) == after


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"notify:\n{OLD}{OLD}", "lines 2 and 12"),
        ("notify: !include notify.yaml\n", r"line 1: notify is taken from elsewhere \(!include\)"),
        ("notify:\n  platform: telegram\n", "line 2: notify holds a mapping where a list belongs"),
        ("notify: x\n", "line 1: notify holds a single value where a list belongs"),
        (f"a: &a\n{OLD}notify: *a\n", "is an alias"),
        (f"notify: &a\n{OLD}b: *a\n", "carries an anchor"),
        ("notify:\n  - username: s3cret\n    # why\n    platform: smtp\n    name: x\n", "line 2"),
    ],
)
def test_what_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(AppError, match=sentence) as error:
        put(text)
    assert "s3cret" not in str(error.value)


def test_it_is_taken_out_as_a_whole() -> None:
    def gone(text: str) -> str:
        return plan_absent(APP, text.encode(), place=PLACE).content.decode()

    assert gone(f"notify:\n{OTHER}{OLD}light: x\n") == f"notify:\n{OTHER}light: x\n"
    assert gone(f"a: 1\nnotify:\n{OLD}light: x\n") == "a: 1\nlight: x\n"
    assert gone(f"notify:\n{OTHER}") == f"notify:\n{OTHER}"
    assert gone("notify: [{platform: group}, {platform: smtp, server: x}]\n") == "notify: [{platform: group}]\n"
    assert gone("a: 1\n") == "a: 1\n"


def test_what_others_say_is_not_read() -> None:
    reading = read_place(APP, PLACE, "notify:\n  - platform: telegram\n    server: h\n    port: 1\n")
    assert not reading.found
    reading = read_place(APP, PLACE, f"notify:\n{OTHER}{OLD}".replace("old.example", "!secret host"))
    assert "variable" in [one["code"] for one in reading.findings]


def test_other_readers_see_the_same() -> None:
    found = yaml.safe_load(put(f"notify:\n{OTHER}"))["notify"]
    assert found[0] == {"platform": "group", "name": "all", "services": [{"service": "mobile_app"}]}
    assert found[1]["platform"] == "smtp" and found[1]["server"] == "smtp.example.com"
