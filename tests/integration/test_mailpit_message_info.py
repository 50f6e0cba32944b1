# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module against real Mailpits, the oldest and the newest: full boxes, odd subjects, contents, checks, and its web interface in every shape."""

from __future__ import annotations

import base64
import email.message
import json
import pathlib
import smtplib
import threading
import time
import typing as t
import urllib.request

import pytest
import yaml
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit import arrival, messages
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.api import Api
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.arrival import Asked
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.messages import Wanted

from tests.support.mailpit import PINNED, Mailpit
from tests.support.pki import Pki
from tests.support.playbook import Run, play
from tests.support.process import ROOT

PASSWORD = "ui-s3cret-pässword"
SUBJECTS = [
    "Plain words",
    "Grüße aus Köln, 你好",
    'He said "hello" to you',
    "$HOME costs 100% of $5 & <more>; \\back\\slash_",
    "-not !an *operator* subject:other to:x",
    "İstanbul ß ſ K",
    "   spaces   inside   ",
    "",
    "é" * 300,
    '"',
    "{{ 7 * 7 }}",
    "tag:x is:read has:attachment before:2020-01-01",
]


def message(subject: str, to: str, number: int) -> bytes:
    encoded = f"=?utf-8?B?{base64.b64encode(subject.encode()).decode()}?=" if subject else ""
    head = f"From: App <app@example.com>\r\nTo: {to}\r\nSubject: {encoded}\r\nMessage-ID: <{number}@example.com>\r\n"
    return f"{head}\r\nHello {number}\r\n".encode()


def rich() -> bytes:
    """A mail with everything: text, HTML, a picture in it, an attachment, a header of its own."""
    mail = email.message.EmailMessage()
    mail["From"], mail["To"], mail["Cc"] = "app@example.com", "new-user@example.com", "copy@example.com"
    mail["Subject"], mail["Message-ID"], mail["X-App"] = "Bestätigen Sie Ihre Adresse", "<rich@example.com>", "pangolin"
    mail.set_content("Hello Jörg,\nplease visit https://app.example.com/verify?t=1\x1b[2J\nBye\n")
    mail.add_alternative(
        '<p style="display:grid">Hi <a href="http://127.0.0.1:1/verify">here</a></p>\n<p>Bye</p>', subtype="html"
    )
    mail.add_attachment(b"%PDF-1.4 x", maintype="application", subtype="pdf", filename="terms.pdf")
    return mail.as_bytes()


class Box:
    """A Mailpit with 2,000 old messages, and then the ones of SUBJECTS below 1,900 newer ones."""

    def __init__(self, folder: pathlib.Path, version: str) -> None:
        self.mailpit = Mailpit(folder, {"MP_MAX_MESSAGES": "0", "MP_SMTP_STRICT_RFC_HEADERS": "false"}, version)
        self.url = f"http://127.0.0.1:{self.mailpit.ui_port}"
        with smtplib.SMTP("127.0.0.1", self.mailpit.port) as client:

            def send(subject: str, to: str, number: int, *others: str) -> None:
                client.sendmail("envelope@example.com", [to, *others], message(subject, to, number))

            for number, subject in enumerate(SUBJECTS):
                send(subject, f"user{number}@example.com", number, f"hidden+{number}@example.com")
            client.sendmail("app@example.com", ["new-user@example.com", "copy@example.com"], rich())
            for number in range(2000):
                send("Filler" if number % 2 else f"Filler {number}", "filler@example.com", 10_000 + number)


@pytest.fixture(scope="module", params=[PINNED[0], PINNED[-1]])
def box(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Box]:
    made = Box(tmp_path_factory.mktemp("box"), request.param)
    yield made
    made.mailpit.close()


def ask(folder: pathlib.Path, asked: dict[str, dict[str, t.Any]], *options: str) -> tuple[dict[str, t.Any], Run]:
    """Each task's result by its name, all in one play; ``options`` are those of ansible-playbook."""
    tasks = [
        {
            "name": f"Ask {number}",
            "mailops.smtp.mailpit_message_info": {name: f"{{{{ asked[{number}].{name} }}}}" for name in values},
            "register": f"result_{number}",
            "ignore_errors": True,
        }
        for number, values in enumerate(asked.values())
    ]
    saved = [f"result_{number}" for number in range(len(asked))]
    done = play(folder, tasks, {"asked": list(asked.values())}, *options, saved=saved)
    assert "Traceback" not in done.output and set(done.saved) == set(saved), done.output
    return dict(zip(asked, (done.saved[name] for name in saved))), done


def look(box: Box, number: int = 1, timeout: float = 60, **wanted: t.Any) -> dict[str, t.Any]:
    """What the module would return, without Ansible around it, of which there would be hundreds."""
    return arrival.look(Api(box.url), Asked(Wanted(**wanted), number=number, timeout=timeout), time.monotonic())


@pytest.mark.parametrize("number", range(len(SUBJECTS)))
def test_every_message_is_found_below_two_thousand_others(
    box: Box, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject = SUBJECTS[number]
    whole = {
        "subject": subject,
        "recipients": [f"user{number}@example.com", f"hidden+{number}@example.com"],
        "sender": "app@example.com",
    }
    for wanted in ({**whole, "message_id": f"{number}@example.com"}, {"subject": subject}):
        result = look(box, **wanted)
        assert result["found"] and [one["message_id"] for one in result["messages"]] == [f"{number}@example.com"]
    assert look(box, subject=f" {subject}  ", recipients=whole["recipients"])["found"]
    # One look and no second one, which a busy machine could cut off.
    monkeypatch.setattr(messages, "_POLL_SECONDS", 600)
    refused = look(box, **whole, message_id=f"{number + 1}@example.com")
    assert (
        not refused["found"]
        and "are there, among them: 'Filler" in refused["msg"]
        and refused["total"] >= 2000 + len(SUBJECTS) + 1
    )


def test_more_than_a_page_is_counted_and_returned(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(box, 1000, subject="Filler", recipients=["filler@example.com"])
    assert found["found"] and len({one["id"] for one in found["messages"]}) == 1000
    assert all(one["received_headers"] for one in found["messages"][:20])
    # One look and no second one, which a busy machine could cut off.
    monkeypatch.setattr(messages, "_POLL_SECONDS", 600)
    more = look(box, 1001, subject="Filler")
    assert not more["found"] and len(more["messages"]) == 1000
    assert more["msg"].startswith(
        "1000 messages with the subject 'Filler' are in Mailpit where 1001 were to be at http"
    )


def test_a_play_can_assert_on_what_is_in_the_mail(box: Box, tmp_path: pathlib.Path) -> None:
    base = {"url": box.url, "message_id": "<rich@example.com>"}
    results, _done = ask(tmp_path / "play", {
        "summary": base,
        "all": {**base, "content": True, "checks": ["html", "links", "spam"], "timeout": 30},
        "none": {"url": box.url, "message_id": "1@example.com", "checks": ["html"]},
    }, "--check")  # fmt: skip
    assert results["summary"]["messages"][0]["content"] is None
    found = results["all"]["messages"][0]
    content = found["content"]
    assert (
        content["text"] == ["Hello Jörg,", "please visit https://app.example.com/verify?t=1\\x1b[2J", "Bye"]
        and not content["cut"]
    )
    assert content["html"][-1] == "<p>Bye</p>"
    (attachment,) = content["attachments"]
    assert (attachment["file_name"], attachment["content_type"], attachment["inline"]) == (
        "terms.pdf",
        "application/pdf",
        False,
    )
    assert attachment["size"] == 10
    assert {"name": "X-App", "values": ["pangolin"]} in content["headers"]
    assert 0 < found["checks"]["html"]["supported"] <= 100 and found["checks"]["html"]["warnings"]
    assert (
        "http://127.0.0.1:1/verify" in [link["url"] for link in found["checks"]["links"]["links"]]
        and found["checks"]["links"]["errors"] >= 1
    )
    assert "MP_ENABLE_SPAMASSASSIN" in found["checks"]["spam"]["error"]
    assert "no HTML" in results["none"]["messages"][0]["checks"]["html"]["error"]


def test_the_examples_of_the_documentation_run(box: Box, tmp_path: pathlib.Path) -> None:
    source = (ROOT / "plugins" / "modules" / "mailpit_message_info.py").read_text()
    examples = yaml.safe_load(source.partition('EXAMPLES = r"""')[2].partition('"""')[0])
    tasks = []
    for task in examples[:2]:
        options = {**task["mailops.smtp.mailpit_message_info"], "url": box.url, "timeout": 5}
        tasks.append(
            {key: value for key, value in task.items() if key != "delegate_to"}
            | {"mailops.smtp.mailpit_message_info": options}
        )
    tasks[0]["mailops.smtp.mailpit_message_info"]["subject"] = "Bestätigen Sie Ihre Adresse"
    done = play(tmp_path / "play", tasks, {})
    assert done.returncode == 0, done.output
    tasks[1]["failed_when"] = tasks[1]["failed_when"].replace("verify", "other")
    assert play(tmp_path / "play", tasks, {}).returncode == 2


def test_failed_when_says_what_came_instead(box: Box, tmp_path: pathlib.Path) -> None:
    task = {
        "name": "Wait", "mailops.smtp.mailpit_message_info": {"url": box.url, "subject": "Fillers", "timeout": 1}, "register": "mail",
        "failed_when": "not mail.found",
    }  # fmt: skip
    done = play(tmp_path / "play", [task], {})
    assert done.returncode == 2 and "Unknown error" not in done.output
    assert (
        "no message with the subject 'Fillers' is in Mailpit at http" in done.output
        and "among them: 'Filler" in done.output
    )


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[tuple[Mailpit, pathlib.Path]]:
    """A Mailpit whose web interface has TLS, a login and a webroot, and whose SMTP wants TLS from the first byte; and the CA of both."""
    folder = tmp_path_factory.mktemp("closed")
    pki = Pki(folder / "pki")
    issued = pki.issue("mailpit.example.com")
    (folder / "ca.pem").write_bytes(pki.root.pem)
    (folder / "ui").write_text(f"tester:{PASSWORD}\n")
    certificate, key = str(issued.chain_file), str(issued.key_file)
    with Mailpit(folder, {
        "MP_UI_TLS_CERT": certificate, "MP_UI_TLS_KEY": key, "MP_UI_AUTH_FILE": str(folder / "ui"), "MP_WEBROOT": "/team/mail",
        "MP_SMTP_TLS_CERT": certificate, "MP_SMTP_TLS_KEY": key, "MP_SMTP_REQUIRE_TLS": "true",
    }) as mailpit:  # fmt: skip
        with smtplib.SMTP_SSL("127.0.0.1", mailpit.port) as client:
            client.sendmail("app@example.com", ["a@example.com"], message("Hello", "a@example.com", 1))
        yield mailpit, folder / "ca.pem"


def test_a_web_interface_with_tls_a_login_and_a_webroot(
    closed: tuple[Mailpit, pathlib.Path], tmp_path: pathlib.Path
) -> None:
    mailpit, ca = closed
    root = f"https://127.0.0.1:{mailpit.ui_port}"
    right = {
        "url": f"{root}/team/mail/", "server_name": "mailpit.example.com", "ca_path": str(ca), "url_username": "tester", "url_password": PASSWORD,
        "subject": "Hello", "timeout": 5,
    }  # fmt: skip
    wrong = {
        "no login": ({"url_username": None, "url_password": None}, "wants a login: give url_username and url_password"),
        "wrong login": ({"url_password": "other"}, "does not take this login: check url_username and url_password"),
        "no webroot": ({"url": root}, "there is no Mailpit API at url"),
        "wrong webroot": ({"url": f"{root}/team"}, "there is no Mailpit API at url"),
        "page of the interface": ({"url": f"{root}/team/mail/view/latest"}, "url"),
        "no CA": ({"ca_path": None}, "does not verify"),
        "other name": ({"server_name": "other.example.com"}, "does not verify"),
        "no name": ({"server_name": None}, "give its CA in ca_path, and in server_name the name"),
        "http": ({"url": f"http://127.0.0.1:{mailpit.ui_port}/team/mail"}, "write https:// into url"),
        "SMTP port in TLS": ({"url": f"https://127.0.0.1:{mailpit.port}"}, "an SMTP server is at url"),
        "SMTP port with TLS as http": ({"url": f"http://127.0.0.1:{mailpit.port}", "timeout": 1}, "url"),
        "nobody": ({"url": "https://127.0.0.1:9", "timeout": 1}, "cannot be reached"),
        "no such name": ({"url": "https://nobody.invalid", "timeout": 5}, "could not be resolved"),
    }
    asked = {"right": right, "unverified": {**right, "validate_certs": False, "ca_path": None, "server_name": None}}
    asked.update(
        {
            name: {key: value for key, value in {**right, **change}.items() if value is not None}
            for name, (change, _words) in wrong.items()
        }
    )
    results, done = ask(tmp_path / "play", asked, "-vvv")
    assert results["right"]["found"] and results["unverified"]["found"], results
    for name, (_change, words) in wrong.items():
        assert words in results[name]["msg"] and not results[name]["found"] and not results[name].get("failed"), (
            name,
            results[name],
        )
    token = base64.b64encode(f"tester:{PASSWORD}".encode()).decode()
    assert PASSWORD not in done.output and token not in done.output


def test_wrong_options_fail_by_name_and_show_no_login(tmp_path: pathlib.Path) -> None:
    base = {"url": "http://127.0.0.1:9", "subject": "Hello"}
    wrong = {
        "login in the url": (
            {"url": "http://tester:url-s3cret@127.0.0.1:8025"},
            "the login into url_username and url_password",
        ),
        "and another fault": ({"url": "http://tester:url-s3cret@127.0.0.1:8025", "count": "x"}, "count"),
        "and nothing asked": (
            {"url": "http://tester:url-s3cret@127.0.0.1:8025", "subject": None},
            "one of the following is required",
        ),
        "no scheme": ({"url": "127.0.0.1:8025"}, "write it with http://"),
        "timeout": ({"timeout": 0}, "timeout is 0"),
        "timeout is no number": ({"timeout": "nan"}, "timeout is nan"),
        "timeout without end": ({"timeout": "inf"}, "timeout is inf"),
        "count": ({"count": 0}, "count is 0"),
        "count too high": ({"count": 10001}, "count is 10001"),
        "colon": ({"url_username": "a:b"}, "url_username holds a colon"),
        "CA": (
            {"url": "https://127.0.0.1:1", "ca_path": "/no/such/ca.pem"},
            "ca_path /no/such/ca.pem cannot be used (No such file",
        ),
        "CA that is none": (
            {"url": "https://127.0.0.1:1", "ca_path": "/etc/hostname"},
            "ca_path /etc/hostname cannot be used",
        ),
        "check": ({"checks": ["grammar"]}, "checks"),
    }
    asked = {
        name: {key: value for key, value in {**base, **change}.items() if value is not None}
        for name, (change, _words) in wrong.items()
    }
    results, done = ask(tmp_path / "play", asked, "-vvv")
    for name, (_change, words) in wrong.items():
        assert results[name].get("failed") and words in results[name]["msg"], (name, results[name])
    # The play's own values are on the command's screen nowhere else than in what the module gave back.
    assert "url-s3cret" not in done.output and "url-s3cret" not in json.dumps(done.saved)


def test_the_mail_stays_unread(box: Box) -> None:
    look(box, message_id="2@example.com")
    with urllib.request.urlopen(
        f"{box.url}/api/v1/search?query=message-id:2@example.com&limit=5000", timeout=5
    ) as answer:
        assert [one["Read"] for one in json.load(answer)["messages"] if one["MessageID"] == "2@example.com"] == [False]


def test_a_mail_that_comes_later_is_waited_for(box: Box) -> None:
    def send() -> None:
        with smtplib.SMTP("127.0.0.1", box.mailpit.port) as client:
            client.sendmail("app@example.com", ["late@example.com"], message("Late", "late@example.com", 99_999))

    begin = time.monotonic()
    timer = threading.Timer(1.2, send)
    timer.start()
    result = look(box, subject="Late", recipients=["late@example.com"])
    timer.join()
    assert result["found"] and 1.2 <= time.monotonic() - begin < 4
