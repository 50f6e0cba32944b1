# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes credentials out of text that other programs wrote: debug modes and configs in logs carry them.

Rather too much is masked than too little: what comes back is read by people, and the explanation does not depend on it.
"""

from __future__ import annotations

import base64
import binascii
import re

__all__ = ("MASK", "mask")

MASK = "********"

# AUTH with an initial response (RFC 4954 section 4), wherever it stands.
_AUTH = re.compile(r"(?i)(\bAUTH[ =]{1,4}[A-Z0-9][A-Z0-9_-]{1,30} {1,4})([^\s'\"\\<>]{1,4000})")
# One base64 word alone behind the mark of a client's line: the answers of AUTH LOGIN, CRAM-MD5 and SCRAM.
_ANSWER = re.compile(
    r"(?im)((?:^|[\s\"'(])(?:[~=*-]{1,3}>|>{1,3}|> ?[^\s:]{1,255}:(?:\d{1,5}:)?|C:|send: ?b?['\"]?|SMTP>{1,2}|CLIENT -> SERVER:"
    r"|received \([^()\s]{1,64}\)|client said:?|on command ['\"]) {0,4})"
    r"(?!(?:quit|data|rset|noop|ehlo|helo|starttls|auth|mail|rcpt|vrfy|help|bdat)(?![A-Za-z0-9+/=]))"
    r"([A-Za-z0-9+/]{2,4000}={0,2})(?=(?:\\r\\n|\\n)?['\"]?\s*$|(?:\\r\\n|\\n)?['\"])"
)
# user:password@ in an address
_URL = re.compile(
    r"(\b[a-z][a-z0-9+.-]{0,20}://)([^\s/@:'\"]{0,256}):([^\s'\"]{1,512})@(?=[^\s@]{1,255})", re.IGNORECASE
)
# password=..., "smtp_pass": "...", --auth-password ..., -ap ...; the value in quotes, or up to the next blank, or (after a colon) to the end of the line
_KEY = r"(?:[\w.-]{0,40}(?:passw(?:or)?d|passphrase|passwd|pwd|secret|api[_-]?key|access[_-]?token|auth[_-]?token|bearer|_pass|_token)|pass|token)"
_QUOTED = re.compile(
    rf"(?i)(?<![\w.-])([\"']?{_KEY}[\"']?\s{{0,4}}(?:=>|[:=])\s{{0,4}}[bu]?)(\"(?:[^\"\\\n]|\\.){{0,1000}}\"|'(?:[^'\\\n]|\\.){{0,1000}}')"
)
_BARE = re.compile(rf"(?i)(?<![\w.-])([\"']?{_KEY}[\"']?\s{{0,4}}=>?\s{{0,4}})(?!\s)([^\s\"'&;,]{{1,1000}})")
_COLON = re.compile(rf"(?im)(?<![\w.-])([\"']?{_KEY}[\"']?:\s{{1,4}})(?![\"'\s])([^\n,}}]{{1,1000}})")
_FLAG = re.compile(
    r"(?i)((?:^|\s)(?:--?(?:auth-)?password|-ap|--user|-u|--oauth2-bearer|-xap)[ =]{1,2})(\"[^\"\n]{0,500}\"|'[^'\n]{0,500}'|[^\s'\"]{1,500})"
)
_HEADER = re.compile(r"(?i)(\b(?:Authorization: {0,2})?(?:Bearer|Basic) )([A-Za-z0-9._~+/=-]{8,4000})")
# Keys that tell themselves: SendGrid, Mailgun, Resend, Brevo, Slack-like
_TOKEN = re.compile(
    r"\b(SG\.[\w-]{10,64}\.[\w-]{10,128}|key-[0-9a-f]{32}|re_[A-Za-z0-9_]{16,64}|x(?:smtp|key)sib-[0-9a-f]{32,128}-\w{8,32})"
)
_SCRAM = re.compile(r"\b(c=[A-Za-z0-9+/=]{1,64},r=[^\s,]{1,256},p=)([A-Za-z0-9+/=]{8,256})")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/=])[A-Za-z0-9+/]{8,4000}={0,2}(?![A-Za-z0-9+/=])")
_CRAM = re.compile(rb"\S{1,256} [0-9a-f]{32}")


def mask(text: str) -> str:
    """The text with every credential that can be recognised replaced by asterisks."""
    text = _AUTH.sub(_second, text)
    text = _ANSWER.sub(_second, text)
    text = _URL.sub(lambda found: f"{found.group(1)}{found.group(2)}:{MASK}@", text)
    for pattern in (_QUOTED, _BARE, _COLON, _FLAG, _HEADER, _SCRAM):
        text = pattern.sub(_second, text)
    text = _TOKEN.sub(MASK, text)
    return _BASE64.sub(_credential, text)


def _second(found: re.Match[str]) -> str:
    value = found.group(2)
    if value[0] in "\"'" and value[-1] == value[0]:
        return f"{found.group(1)}{value[0]}{MASK}{value[0]}"
    return f"{found.group(1)}{MASK}"


def _credential(found: re.Match[str]) -> str:
    """A word that decodes to what SASL sends: PLAIN (RFC 4616), CRAM-MD5 (RFC 2195), XOAUTH2 or OAUTHBEARER (RFC 7628)."""
    word = found.group()
    try:
        raw = base64.b64decode(word + "=" * (-len(word) % 4), validate=True)
    except (binascii.Error, ValueError):
        return word
    if (
        raw.count(b"\0") == 2
        or b"auth=Bearer" in raw
        or _CRAM.fullmatch(raw)
        or (raw.startswith(b"c=") and b",p=" in raw)
    ):
        return MASK
    return word
