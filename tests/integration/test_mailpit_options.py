# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role's further options do, seen with clients: one Mailpit that has them all, and one that it is a client of."""

from __future__ import annotations

import base64
import json
import pathlib
import poplib
import smtplib
import ssl
import time
import typing as t
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.accounts import render_password_file
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.client import client_file
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.model import MailpitRefusal
from ansible_collections.mailops.smtp.plugins.plugin_utils._mailpit.options import Choice, plan

from tests.support.mailpit import Mailpit
from tests.support.pki import Pki
from tests.support.process import free_ports

PASSWORD = "pa ss:\"'#;$ wörd"
ACCOUNTS = [{"name": "app", "password": PASSWORD}, {"name": "other", "password": "x"}]
TAGS = "filters:\n  - {match: 'subject:invoice', tags: Money}\n"


class Site:
    """Mailpit with all of the options, and the relay behind it."""

    def __init__(self, source: Mailpit, target: Mailpit, pop3: int, ca: pathlib.Path) -> None:
        self.source, self.target, self.pop3, self.ca = source, target, pop3, ca

    def mail(self, subject: str, to: str = "new-user@example.com", body: str = "Hello") -> int:
        """Send one message as an app does; the code of the reply that ended it."""
        with smtplib.SMTP("localhost", self.source.port, timeout=10) as client:
            client.starttls(context=ssl.create_default_context(cafile=self.ca))
            client.login("other", "x")
            client.mail("app@example.com")
            code = client.rcpt(to)[0]
            return (
                client.data(f"From: app@example.com\r\nTo: {to}\r\nSubject: {subject}\r\n\r\n{body}\r\n")[0]
                if code == 250
                else code
            )

    def api(self, path: str, body: t.Any = None, login: str = "", of: Mailpit | None = None) -> tuple[int, t.Any]:
        """The status and the answer of the API."""
        request = urllib.request.Request(f"http://127.0.0.1:{(of or self.source).ui_port}/api/v1/{path}")
        if body is not None:
            request.data = json.dumps(body).encode()
        if login:
            request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                text = answer.read().decode()
                return answer.status, json.loads(text) if text.startswith(("{", "[")) else text
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def subjects(self, of: Mailpit | None = None) -> list[str]:
        return [message["Subject"] for message in (of or self.source).messages()]


def until(holds: Callable[[], bool]) -> bool:
    """Whether this is so within five seconds."""
    end = time.monotonic() + 5
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    for name in ("source", "target"):
        (folder / name).mkdir()
    pki = Pki(folder / "pki")
    issued = pki.issue("localhost")
    for name, text in (
        ("accounts", render_password_file(ACCOUNTS)),
        ("api", render_password_file(ACCOUNTS[:1])),
        ("tags.yml", TAGS),
    ):
        (folder / name).write_text(text)
    smtp, ui, pop3 = free_ports(3)
    required = {
        "MP_SMTP_AUTH_FILE": str(folder / "accounts"), "MP_SMTP_REQUIRE_STARTTLS": "true", "MP_SMTP_TLS_CERT": str(issued.chain_file),
        "MP_SMTP_TLS_KEY": str(issued.key_file),
    }  # fmt: skip
    with Mailpit(folder / "target", required) as target:
        relay = {
            "host": "localhost",
            "port": target.port,
            "security": "starttls",
            "username": "app",
            "password": PASSWORD,
        }
        lists = {"allowed_recipients": ["@example.com"], "blocked_recipients": ["CEO@example.com"]}
        for kind, more in (("relay", lists), ("forward", {"to": ["one@copies.example", "two@copies.example"]})):
            (folder / kind).write_text(client_file(kind, {**relay, **more}).text)
        choice = Choice(
            auth="users", has_users=True, certificate="files", cert_file=str(issued.chain_file), key_file=str(issued.key_file), names=("localhost",),
            auth_file=str(folder / "accounts"), smtp_address="127.0.0.1", smtp_port=smtp, ui_port=ui, pop3_port=pop3, max_messages=5,
            max_message_size=1, max_age="3d", allowed_recipients="@(example[.]com|far[.]example)$",
            tags_config=str(folder / "tags.yml"), has_send_api_users=True, send_api_auth_file=str(folder / "api"), relay_config=str(folder / "relay"),
            forward_config=str(folder / "forward"), extra={"SSL_CERT_FILE": str(pki.ca_file)},
        )  # fmt: skip
        with Mailpit(folder / "source", plan(choice).environment) as source:
            yield Site(source, target, pop3, pki.ca_file)


def test_pop3_has_the_accounts_and_the_certificate(site: Site) -> None:
    assert site.mail("For POP3") == 250
    context = ssl.create_default_context(cafile=site.ca)
    client = poplib.POP3_SSL("localhost", site.pop3, context=context, timeout=10)
    client.user("app")
    client.pass_(PASSWORD)
    lines = b"\n".join(client.retr(client.stat()[0])[1])
    client.quit()
    assert b"Subject: For POP3" in lines
    client = poplib.POP3_SSL("localhost", site.pop3, context=context, timeout=10)
    client.user("app")
    with pytest.raises(poplib.error_proto):
        client.pass_("wrong")
    client.close()
    # Nothing in cleartext: no greeting comes, or the connection ends.
    with pytest.raises((poplib.error_proto, OSError)):
        poplib.POP3("localhost", site.pop3, timeout=1)


def test_the_api_that_sends_wants_its_own_accounts(site: Site) -> None:
    message = {
        "From": {"Email": "app@example.com"},
        "To": [{"Email": "x@example.com"}],
        "Subject": "By the API",
        "Text": "x",
    }
    assert [site.api("send", message, login)[0] for login in ("", "app:wrong", "other:x")] == [401, 401, 401]
    assert "By the API" not in site.subjects()
    assert site.api("send", message, f"app:{PASSWORD}")[0] == 200 and "By the API" in site.subjects()


def test_who_gets_mail_and_how_large_it_may_be(site: Site) -> None:
    assert site.mail("x", to="someone@else.example") == 550 and site.mail("x", to="someone@far.example") == 250
    assert site.mail("Too large", body="x" * 76 + "\r\n" + ("y" * 76 + "\r\n") * 16_000) in (552, 554)
    assert "Too large" not in site.subjects()


def test_filters_of_the_tags_file_give_tags(site: Site) -> None:
    assert site.mail("An invoice of yours") == 250
    tagged = [message["Tags"] for message in site.source.messages() if message["Subject"] == "An invoice of yours"]
    assert tagged == [["Money"]]


def test_copies_go_where_they_are_forwarded_to(site: Site) -> None:
    assert site.mail("To be copied") == 250
    assert until(lambda: "To be copied" in site.subjects(site.target)), site.source.log()
    copies = [message for message in site.target.messages() if message["Subject"] == "To be copied"]
    raw = site.api(f"message/{copies[0]['ID']}", of=site.target)[1]
    envelope = {address["Address"] for address in raw["Bcc"] or []} | {entry["Address"] for entry in raw["To"] or []}
    assert {"one@copies.example", "two@copies.example"} <= envelope


def test_messages_are_released_to_those_who_are_allowed_only(site: Site) -> None:
    assert site.mail("To be released") == 250
    found = next(message["ID"] for message in site.source.messages() if message["Subject"] == "To be released")
    for outsider in ("someone@else.example", "x@example.com.else.example", "ceo@example.com"):
        assert site.api(f"message/{found}/release", {"To": [outsider]})[0] != 200, outsider
    assert site.api(f"message/{found}/release", {"To": ["Tester@Example.com"]}) == (200, "ok")
    assert until(lambda: site.subjects(site.target).count("To be released") == 2), "the copy, and what was released"


@pytest.mark.parametrize(
    "kind, wanted, words",
    [
        ("forward", {"host": "smtp.example.com", "port": 587, "security": "starttls"}, "needs to, the addresses"),
        ("forward", {"to": "nobody"}, "mailpit_forward.to holds 'nobody', which is no address"),
        ("forward", {"to": ["a@example.com"], "allowed_recipients": ["@x.de"]}, "holds allowed_recipients, which Mailpit"),
        ("relay", {"host": "smtp.example.com", "port": 25, "security": "opportunistic"}, "no setting for security: opp"),
        ("relay", {"host": "smtp.example.com", "port": 465, "secure": False}, "mailpit_relay.port 465 speaks TLS"),
        ("relay", {"hots": "x"}, "mailpit_relay holds hots"),
        ("relay", {"host": "x", "ca_path": "/x"}, "set SSL_CERT_FILE in mailpit_environment"),
        ("relay", {"host": "x.example", "port": 587, "secure": False, "username": "u"}, "password"),
        ("relay", {"host": "x", "allowed_recipients": "(["}, "which is no regular expression"),
        ("relay", {"host": "x", "allowed_recipients": ["example.com"]}, "such as @example.com"),
        ("relay", {"host": "x", "preserve_message_ids": "maybe"}, "write true or false"),
        ("relay", {"host": "x", "return_path": ["a@b.de", "c@d.de"]}, "must be an address"),
        ("relay", ["x"], "must be a dictionary"),
        (
            "relay",
            {"host": "x.example", "port": 25, "security": "cleartext", "username": "u", "password": "s3cret-of-tests"},
            "refuses to send PLAIN without TLS",
        ),
    ],
)  # fmt: skip
def test_a_relay_that_mailpit_could_not_be_told_is_refused(kind: str, wanted: t.Any, words: str) -> None:
    with pytest.raises(MailpitRefusal) as caught:
        client_file(kind, wanted)
    text = str(caught.value)
    assert words in text and "\n" not in text and text.startswith(f"mailpit_{kind}") and "s3cret-of-tests" not in text
