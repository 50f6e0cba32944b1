# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in one message, and what Mailpit's own checks say of it, in a shape that a play can assert on."""

from __future__ import annotations

import math
import typing as t
from urllib.parse import quote

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.api import Api, ApiError
from ansible_collections.mailops.smtp.plugins.module_utils._observe.clock import Deadline

__all__ = ["CHECKS", "check", "content", "headers"]

# Mailpit's path of each check.
CHECKS = {"html": "html-check", "links": "link-check", "spam": "sa-check"}
_TEXT_LIMIT = 100_000
_ENTRIES_LIMIT = 200


def headers(api: Api, identifier: str, deadline: Deadline) -> list[dict[str, t.Any]]:
    """Each header once as ``{name, values}``, by name; values in the order of the message. Raises ApiError."""
    answer = api.get(f"message/{quote(identifier, safe='')}/headers", deadline)
    if not isinstance(answer, dict):
        raise api.foreign("the headers of a message are no object")
    found = []
    for name in sorted(answer)[:_ENTRIES_LIMIT]:
        values = answer[name] or []
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise api.foreign("a header of a message is no list of texts")
        found.append({"name": api.shown.text(name), "values": [api.shown.text(value, 4000) for value in values[:50]]})
    return found


def content(api: Api, identifier: str, deadline: Deadline) -> dict[str, t.Any]:
    """Text, HTML and attachments. Mailpit marks the message as read then. Raises ApiError."""
    answer = api.get(f"message/{quote(identifier, safe='')}", deadline)
    if not isinstance(answer, dict):
        raise api.foreign("a message is no object")
    text, text_cut = api.shown.lines(_text(api, answer, "Text"), _TEXT_LIMIT)
    html, html_cut = api.shown.lines(_text(api, answer, "HTML"), _TEXT_LIMIT)
    attachments = []
    for inline, name in ((False, "Attachments"), (True, "Inline")):
        for entry in _objects(api, answer, name):
            sums = entry.get("Checksums")
            attachments.append(
                {
                    "file_name": api.shown.text(_text(api, entry, "FileName")),
                    "content_type": api.shown.text(_text(api, entry, "ContentType")),
                    "content_id": api.shown.text(_text(api, entry, "ContentID")),
                    "inline": inline,
                    "size": _integer(entry.get("Size")),
                    "sha256": api.shown.text(_text(api, sums, "SHA256")) or None if isinstance(sums, dict) else None,
                }
            )
    return {"text": text, "html": html, "attachments": attachments, "cut": text_cut or html_cut}


def check(api: Api, identifier: str, name: str, deadline: Deadline) -> dict[str, t.Any]:
    """What the check ``name`` of CHECKS says; its ``error`` says why there is nothing, if so. Raises ApiError."""
    try:
        answer = api.get(f"message/{quote(identifier, safe='')}/{CHECKS[name]}", deadline)
    except ApiError as error:
        if error.status == 404 and name == "spam":
            why = "this Mailpit has no SpamAssassin: set MP_ENABLE_SPAMASSASSIN in mailpit_environment"
            return _spam(api, {"Error": why})
        if error.status == 400 and name == "html":
            return _html(api, {}, "the message has no HTML that Mailpit can check")
        if error.status is None or error.status == 401:
            raise
        return _READ[name](api, {}, f"Mailpit answered the check with {error.status}")
    if not isinstance(answer, dict):
        raise api.foreign("a check is no object")
    return _READ[name](api, answer, None)


def _html(api: Api, answer: dict[str, t.Any], error: str | None = None) -> dict[str, t.Any]:
    total = answer.get("Total")
    total = total if isinstance(total, dict) else {}
    warnings = []
    for entry in _objects(api, answer, "Warnings"):
        score = entry.get("Score")
        warnings.append(
            {
                "slug": api.shown.text(_text(api, entry, "Slug")),
                "title": api.shown.text(_text(api, entry, "Title")),
                "supported": _float(score.get("Supported")) if isinstance(score, dict) else None,
            }
        )
    return {
        "error": error,
        "supported": _float(total.get("Supported")),
        "partial": _float(total.get("Partial")),
        "unsupported": _float(total.get("Unsupported")),
        "warnings": warnings,
    }


def _links(api: Api, answer: dict[str, t.Any], error: str | None = None) -> dict[str, t.Any]:
    links = [
        {
            "url": api.shown.text(_text(api, entry, "URL"), 2000),
            "status_code": _integer(entry.get("StatusCode")),
            "status": api.shown.text(_text(api, entry, "Status")),
        }
        for entry in _objects(api, answer, "Links")
    ]
    return {"error": error, "errors": _integer(answer.get("Errors")), "links": links}


def _spam(api: Api, answer: dict[str, t.Any], error: str | None = None) -> dict[str, t.Any]:
    said = error or api.shown.text(_text(api, answer, "Error")) or None
    if said:
        return {"error": said, "is_spam": None, "score": None, "rules": []}
    rules = [
        {
            "name": api.shown.text(_text(api, rule, "Name")),
            "score": _float(rule.get("Score")),
            "description": api.shown.text(_text(api, rule, "Description")),
        }
        for rule in _objects(api, answer, "Rules")
    ]
    is_spam = answer.get("IsSpam")
    return {
        "error": None,
        "is_spam": is_spam if isinstance(is_spam, bool) else None,
        "score": _float(answer.get("Score")),
        "rules": rules,
    }


_READ: dict[str, t.Callable[[Api, dict[str, t.Any], t.Optional[str]], dict[str, t.Any]]] = {
    "html": _html,
    "links": _links,
    "spam": _spam,
}


def _text(api: Api, of: dict[str, t.Any], name: str) -> str:
    value = of.get(name)
    if value is not None and not isinstance(value, str):
        raise api.foreign(f"{name} is no text")
    return value or ""


def _objects(api: Api, of: dict[str, t.Any], name: str) -> list[t.Any]:
    value = of.get(name) or []
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise api.foreign(f"{name} is no list of objects")
    return value[:_ENTRIES_LIMIT]


def _integer(value: t.Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None


def _float(value: t.Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return round(float(value), 3) if abs(value) < 1e9 and math.isfinite(value) else None
