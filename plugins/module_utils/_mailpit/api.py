# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mailpit's HTTP API: an answer as JSON, or one sentence that names the option to change."""

from __future__ import annotations

import base64
import json
import re
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.connect import Unreachable, in_words
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.shown import Shown
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.web import (
    Answer,
    BadAnswer,
    TooLong,
    get,
    parse_url,
)
from ansible_collections.mailops.smtp.plugins.module_utils._observe.clock import Deadline
from ansible_collections.mailops.smtp.plugins.module_utils._observe.failure import Failure
from ansible_collections.mailops.smtp.plugins.module_utils._observe.tls import TLSContexts

__all__ = ["Api", "ApiError"]

_SMTP = re.compile(rb"[2-5][0-9][0-9][ -]")
_OTHERS = ((b"+OK", "a POP3 server"), (b"SSH-", "an SSH server"), (b"* OK", "an IMAP server"))
_FOR_TLS = re.compile(rb"https? request (?:was sent )?to (?:an )?https", re.IGNORECASE)
# What may be gone at the next try: a proxy before a Mailpit that restarts, or one that asks for patience.
_NO_SUCH_NAME = ("EAI_NONAME", "EAI_NODATA", "EAI_FAIL")
_PASSING = (429, 502, 503, 504)
_WHAT = "write into url where Mailpit's web interface is, with the webroot if it has one"


class ApiError(Exception):
    """
    The API gave nothing; the text says why and what to write.

    ``final`` is false for what may be gone at the next try. ``status`` is that of the answer, if there was one.
    ``too_long`` is set where less could be asked for.
    """

    def __init__(self, text: str, final: bool = True, status: int | None = None, too_long: bool = False) -> None:
        super().__init__(text)
        self.final = final
        self.status = status
        self.too_long = too_long


class Api:
    """
    Mailpit's API at ``url`` (with its webroot, if it has one); the attribute ``url`` is how it is shown.

    ``server_name`` is the name for SNI and the certificate, by default the host of the url.
    Raises BadUrl; OSError where ca_path is no file of certificates, or is not read within so many ``seconds``.
    """

    def __init__(
        self,
        url: str,
        username: str | None = None,
        password: str | None = None,
        ca_path: str | None = None,
        validate_certs: bool = True,
        server_name: str | None = None,
        seconds: float = 10.0,
    ) -> None:
        self.site = parse_url(url)
        self.shown = Shown(username, password)
        self.url = self.shown.text(url, 300)
        self._login = username is not None
        self._name = server_name or self.site.host
        self._headers = {"Accept": "application/json"}
        if username is not None:
            pair = f"{username}:{password or ''}".encode()
            self._headers["Authorization"] = "Basic " + base64.b64encode(pair).decode("ascii")
        self._contexts = TLSContexts(validate_certs, ca_path if self.site.tls else None, "TLSv1.2")
        self._contexts.load_ca_file(seconds)

    def get(self, path: str, deadline: Deadline) -> t.Any:
        """The JSON at ``path`` of the API. Raises ApiError."""
        try:
            answer = get(self.site, f"api/v1/{path}", self._headers, self._contexts, self._name, deadline)
        except Unreachable as error:
            final = error.failure is not None and error.failure.facts.get("error") in _NO_SUCH_NAME
            why = self.shown.text(str(error))
            raise ApiError(f"url {self.url} cannot be reached: {why}; {_WHAT}, seen from this host", final) from None
        except TooLong as error:
            raise self._too_long(f" ({error} is too long)") from None
        except BadAnswer as error:
            raise ApiError(self._not_web(error)) from None
        except Failure as failure:
            raise self._failed(failure) from None
        if answer.status != 200:
            raise ApiError(self._refused(answer), answer.status not in _PASSING, answer.status)
        return self._json(answer.body)

    def foreign(self, why: str) -> ApiError:
        """The error for an answer that is not Mailpit's."""
        return ApiError(f"what answers at url {self.url} is not Mailpit's API ({why}): {_WHAT}")

    def _too_long(self, what: str) -> ApiError:
        return ApiError(f"what answers at url {self.url} sends more than Mailpit does{what}: {_WHAT}", too_long=True)

    def _json(self, body: bytes) -> t.Any:
        try:
            return json.loads(body.decode("utf-8"), parse_int=_integer, parse_constant=_no_constant)
        except UnicodeDecodeError:
            raise self.foreign("its text is not UTF-8") from None
        except RecursionError:
            raise self.foreign("its JSON is too deep") from None
        except MemoryError:
            raise self._too_long(", and than there is memory for") from None
        except ValueError:
            begin = self.shown.text(body.lstrip()[:60])
            raise self.foreign(f"it is no JSON, and begins with: {begin}" if begin else "its answer is empty") from None

    def _failed(self, failure: Failure) -> ApiError:
        url, text = self.url, self.shown.text(str(failure.facts.get("text") or ""), 300)
        if failure.kind == "certificate":
            return ApiError(
                f"the certificate at url {url} does not verify ({text}):"
                " give its CA in ca_path, and in server_name the name that it is for"
            )
        if failure.kind == "tls_spoken":
            return ApiError(f"url {url} is answered in TLS: write https:// if that is its web interface, else {_WHAT}")
        if failure.kind == "plaintext":
            if text.startswith("HTTP/"):
                return ApiError(f"url {url} is answered without TLS: write http:// into url")
            return ApiError(self._not_web(BadAnswer("is no HTTP", text.encode())))
        if failure.facts.get("reason") == "BAD_SERVER_NAME":
            name = self.shown.text(self._name)
            return ApiError(
                f"the name '{name}' for TLS at url {url} is none: write into server_name that of its certificate"
            )
        if failure.kind == "tls":
            return ApiError(f"TLS at url {url} failed ({text or 'no reason'}): {_WHAT}, with http:// if it has no TLS")
        if failure.kind == "limit":
            return self._too_long("")
        if failure.kind == "timeout":
            return ApiError(f"url {url} gave no whole answer in time: {_WHAT}, or raise timeout", False)
        if failure.kind == "closed":
            return ApiError(f"url {url} closes its connections without a whole answer: {_WHAT}, no SMTP port", False)
        return ApiError(f"the connection to url {url} broke ({self.shown.text(in_words(failure))}): {_WHAT}", False)

    def _not_web(self, error: BadAnswer) -> str:
        said = error.said.split(b"\n", 1)[0].rstrip(b"\r")
        words = f", which says: {self.shown.text(said, 200)}" if said else ""
        if _SMTP.match(said):
            return (
                f"an SMTP server is at url {self.url}{words}; write into url the address of Mailpit's web interface,"
                " such as http://127.0.0.1:8025, not that of its SMTP port"
            )
        for begin, name in _OTHERS:
            if said.startswith(begin):
                return f"{name} is at url {self.url}{words}; {_WHAT}"
        return f"what answers at url {self.url} {error.why}{words}; {_WHAT}"

    def _refused(self, answer: Answer) -> str:
        url, status = self.url, answer.status
        if status == 401 and self._login:
            return f"url {url} does not take this login: check url_username and url_password against mailpit_ui_users"
        if status == 401:
            return f"url {url} wants a login: give url_username and url_password, those of mailpit_ui_users"
        if 300 <= status < 400:
            where = self.shown.text(answer.headers.get("location", "").encode("latin-1"), 300)
            to = f", to {where}" if where else ""
            return f"url {url} sends elsewhere ({status}{to}), which is not followed: {_WHAT}"
        if status == 400 and _FOR_TLS.search(answer.body[:1000]):
            return f"url {url} is answered by a server that wants TLS: write https:// into url"
        if status in (404, 405, 410):
            return f"there is no Mailpit API at url {url} ({status}): {_WHAT}"
        return f"Mailpit's web interface at url {url} answered with {status}: {_WHAT}"


def _integer(text: str) -> int:
    # The time for a number grows with the square of its digits, and old Pythons set no limit.
    if len(text) > 40:
        raise ValueError("a number that is too long")
    return int(text)


def _no_constant(text: str) -> t.NoReturn:
    raise ValueError(f"{text} is no JSON")
