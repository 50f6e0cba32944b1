# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Look for messages in Mailpit through its HTTP API, under one deadline and with bounded answers."""

from __future__ import annotations

import base64
import json
import re
import ssl
import time
import typing as t
import urllib.error
import urllib.parse
import urllib.request

__all__ = ["ApiError", "Api", "Wanted", "wait_for"]

# 200 summaries are some 200 kB; beyond this it is no answer of Mailpit.
_ANSWER_LIMIT = 8 * 1024 * 1024
_PAGE = 200
_POLL_SECONDS = 0.25


class ApiError(Exception):
    """The API cannot be asked; the text says what to do. ``final`` is false for what may be gone at the next try."""

    def __init__(self, text: str, final: bool) -> None:
        super().__init__(text)
        self.final = final


class Wanted(t.NamedTuple):
    """Which messages count. None is whatever; ``recipients`` must all be among those of the message, letter case aside."""

    subject: t.Optional[str] = None
    recipients: t.Sequence[str] = ()
    sender: t.Optional[str] = None
    message_id: t.Optional[str] = None
    username: t.Optional[str] = None

    def fits(self, message: dict[str, t.Any]) -> bool:
        """Whether a message, as ``summary`` gives it, is one of those."""
        held = {address.lower() for address in message["recipients"]}
        return (
            (self.subject is None or message["subject"] == self.subject)
            and (self.sender is None or (message["sender"] or "").lower() == self.sender.lower())
            and (self.message_id is None or message["message_id"] == self.message_id.strip("<>"))
            and (self.username is None or message["username"] == self.username)
            and all(address.lower() in held for address in self.recipients)
        )

    def query(self) -> str:
        """A search of Mailpit's that finds at least these; empty for the newest of all. The exact comparison is done here."""
        words = {
            "message-id": (self.message_id or "").strip("<>"), "addressed": self.recipients[0] if self.recipients else "",
            "from": self.sender or "", "subject": self.subject or "",
        }  # fmt: skip
        for word, value in words.items():
            # What has a meaning in the search language, or is not ASCII, is not searched for.
            if value and re.fullmatch(r"[A-Za-z0-9@._+ :/=#-]+", value) and value == value.strip():
                return f'{word}:"{value}"'
        return ""


class Api:
    """Mailpit's API at ``url`` (with its webroot, if it has one). No proxy and no redirect is followed: a password may be with it."""

    def __init__(self, url: str, username: str | None = None, password: str | None = None, ca_path: str | None = None, validate_certs: bool = True) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Accept": "application/json"}
        if username is not None:
            pair = f"{username}:{password or ''}".encode()
            self._headers["Authorization"] = "Basic " + base64.b64encode(pair).decode("ascii")
        handlers: list[t.Any] = [urllib.request.ProxyHandler({}), _NoRedirect()]
        if self._url.startswith("https:"):
            handlers.append(urllib.request.HTTPSHandler(context=_context(ca_path, validate_certs)))
        self._opener = urllib.request.build_opener(*handlers)

    def get(self, path: str, deadline: float) -> t.Any:
        """The JSON at ``path``, before the monotonic time ``deadline``. Raises ApiError."""
        request = urllib.request.Request(f"{self._url}/api/v1/{path}", headers=self._headers)
        try:
            with self._opener.open(request, timeout=max(0.05, deadline - time.monotonic())) as answer:
                return json.loads(_read(answer, deadline))
        except urllib.error.HTTPError as error:
            raise ApiError(_http_text(self._url, error.code), error.code not in (502, 503, 504)) from None
        except ssl.SSLError as error:
            raise ApiError(f"the certificate or TLS of {self._url} failed: {error.reason or error}", True) from None
        except urllib.error.URLError as error:
            final = isinstance(error.reason, ssl.SSLError)
            raise ApiError(f"Mailpit's web interface at {self._url} cannot be reached: {error.reason}", final) from None
        except OSError as error:
            raise ApiError(f"Mailpit's web interface at {self._url} does not answer: {error}", False) from None
        except ValueError:
            raise ApiError(
                f"what answers at {self._url} is not Mailpit's API: give the url of its web interface, with the webroot if there is one", True
            ) from None

    def messages(self, wanted: Wanted, deadline: float) -> list[dict[str, t.Any]]:
        """Messages that fit, newest first."""
        query = wanted.query()
        path = f"search?{urllib.parse.urlencode({'query': query, 'limit': _PAGE})}" if query else f"messages?limit={_PAGE}"
        answer = self.get(path, deadline)
        if not isinstance(answer, dict) or not isinstance(answer.get("messages"), list):
            raise ApiError(f"what answers at {self._url} is not Mailpit's API: give the url of its web interface, with the webroot if there is one", True)
        if wanted.username is not None and any("Username" not in message for message in answer["messages"]):
            raise ApiError("this Mailpit does not record logins, which 1.28.3 and newer do: upgrade it, or leave username out", True)
        return [message for message in map(summary, answer["messages"]) if wanted.fits(message)]

    def received(self, message_id: str, deadline: float) -> list[str]:
        """The Received headers of the message with this identifier of Mailpit's, newest first."""
        headers = self.get(f"message/{urllib.parse.quote(message_id, safe='')}/headers", deadline)
        return list(headers.get("Received") or [])[:50] if isinstance(headers, dict) else []


def wait_for(api: Api, wanted: Wanted, count: int, seconds: float) -> tuple[list[dict[str, t.Any]], str | None]:
    """
    The messages that fit, as soon as there are ``count``, else those that had come after ``seconds``.

    The second value says why nothing could be seen, when that was so. Raises ApiError for what waiting will not change.
    """
    deadline = time.monotonic() + seconds
    found: list[dict[str, t.Any]] = []
    trouble = None
    while True:
        try:
            found, trouble = api.messages(wanted, deadline), None
        except ApiError as error:
            if error.final:
                raise
            trouble = str(error)
        if len(found) >= count or time.monotonic() + _POLL_SECONDS > deadline:
            return found, trouble
        time.sleep(_POLL_SECONDS)


def summary(message: dict[str, t.Any]) -> dict[str, t.Any]:
    """One message as the module returns it. Recipients are those of the envelope too: Mailpit adds the missing ones as Bcc."""
    recipients = [entry.get("Address") or "" for field in ("To", "Cc", "Bcc") for entry in message.get(field) or []]
    return {
        "id": message.get("ID") or "",
        "message_id": message.get("MessageID") or "",
        "subject": message.get("Subject") or "",
        "sender": (message.get("From") or {}).get("Address"),
        "recipients": recipients,
        "received_at": message.get("Created"),
        "size": message.get("Size"),
        "username": message.get("Username") or None,
        "tags": message.get("Tags") or [],
        "snippet": message.get("Snippet") or "",
    }


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: t.Any, **kwargs: t.Any) -> None:
        return None


def _context(ca_path: str | None, validate_certs: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca_path:
        context.load_verify_locations(ca_path)
    if not validate_certs:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _read(answer: t.Any, deadline: float) -> bytes:
    body = bytearray()
    while True:
        chunk = answer.read1(65536)
        if not chunk:
            return bytes(body)
        body += chunk
        if len(body) > _ANSWER_LIMIT:
            raise ValueError("too long")
        if time.monotonic() > deadline:
            raise TimeoutError("the answer took too long")


def _http_text(url: str, code: int) -> str:
    if code == 401:
        return f"Mailpit's web interface at {url} wants a login: give url_username and url_password, those of mailpit_ui_users"
    if code == 404:
        return f"there is no Mailpit API at {url}: give the url of its web interface, with the webroot if there is one"
    if 300 <= code < 400:
        return f"{url} sends elsewhere ({code}), which is not followed: give the final url of Mailpit's web interface"
    return f"Mailpit's web interface at {url} answered with {code}"
