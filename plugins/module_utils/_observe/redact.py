# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Keep a login, and every form in which it may come back, out of what a relay says.

A relay may repeat what it was sent: as it was, in base64 at any alignment, in capitals, backwards, in hexadecimal, percent-encoded or
quoted-printable, as escapes of some language, and all that broken over the lines of a reply. So the texts are compared in a form
of their own (a view), in which such differences are gone, and each byte still knows where it stood.
"""

from __future__ import annotations

import base64
import functools
import re
import sys
import typing as t

from .printable import printable

__all__ = ("MASK", "redact", "secret_forms")

MASK = "********"
# The keys of the evidence under which a relay's own words stand.
_SPOKEN = ("text", "lines", "partial", "offered")
# A long line is cut where it is kept; from here on a form may have lost its end.
_CUT, _CUT_FORM = 80, 6
# Shorter forms are masked as they stand only: turned round or without case they would be anywhere.
_SHORT = 4
# Shorter ones are not looked for among letters and digits alone.
_SHORT_BARE = 6
# One byte or one character, as it may be written. The view is in small letters.
_WRITTEN = re.compile(
    rb"[%=]([0-9a-f]{2})|\\x([0-9a-f]{2})|\\([0-7]{3})"
    rb"|&#([0-9]{1,6});|&#x([0-9a-f]{1,5});|\\u(000[0-9a-f]{5}|[0-9a-f]{4})|\\u\{([0-9a-f]{1,5})\}"
    rb"|&(amp|lt|gt|quot|apos);|(.)",
    re.DOTALL,
)
_BASES = (16, 16, 8, 10, 16, 16, 16)
_BYTES = 3  # so many of them are bytes, the others characters
_NAMED = {b"amp": b"&", b"lt": b"<", b"gt": b">", b"quot": b'"', b"apos": b"'"}
_ESCAPES = re.compile(rb"[%=&\\]")
# RFC 3461 section 4: an escape of its own, as a plus may stand for itself beside the others.
_XTEXT = re.compile(rb"\+([0-9a-f]{2})|(.)", re.DOTALL)
# RFC 2045 section 6.7.
_SOFT_BREAK = re.compile(rb"=[ \t]*(?:\n|\|)")
# What a relay writes ahead of each line of a reply: code, enhanced status code.
_CODES = re.compile(
    rb"(?:(?<=\n)|(?<=\| )|\A)[ \t]*(?:[2-5][0-9][0-9][ -])?[ \t]*(?:[245]\.[0-9]{1,3}\.[0-9]{1,3}\b:?)?"
)
# What separates the parts of a text that was broken: a reply's continuation is a line break here, and a bar in ``partial``.
_GAPS = b" \t\r\n\x0b\x0c|"
_BARE = b"0123456789abcdefghijklmnopqrstuvwxyz"

Span = t.Tuple[int, int]


def secret_forms(username: str, password: str) -> list[str]:
    """The password as it may travel: plain, base64 of LOGIN and PLAIN (any alignment), and as it is shown where it is not printable."""
    from urllib.parse import quote_plus  # only a login needs it, and it costs every other call some milliseconds

    secret = password.encode()
    forms = {password, printable(secret), quote_plus(password)}
    plain = base64.b64encode(f"\0{username}\0{password}".encode())
    # Some relays hand on what they got in base64, and encode it once more.
    encoded = [plain.decode(), base64.b64encode(plain).decode(), base64.b64encode(secret).decode()]
    written = [secret, secret[::-1], password.encode("utf-16-le"), password.encode("utf-16-be")]
    if not password.isascii():
        from unicodedata import normalize

        # Letters with marks put together or taken apart; and turned round by letters, not by bytes.
        spelled = {normalize(name, password) for name in ("NFC", "NFD")} - {password}
        forms |= spelled
        written += [one.encode() for one in (*spelled, password[::-1])]
    for lead in range(3):
        # Base64 of anything that holds the password has it in one of three alignments; the edges depend on the neighbours.
        for held in written:
            whole = base64.b64encode(b"\0" * lead + held).decode().rstrip("=")[-(-lead * 4 // 3) if lead else 0 :]
            core = whole[:-1] if (lead + len(held)) % 3 else whole
            if len(core) >= 6:
                encoded.append(core)
    # As NTLM and its kind have it, in hexadecimal.
    encoded += [password.encode(name).hex() for name in ("utf-16-le", "utf-16-be")]
    forms.update(encoded, (form.replace("+", "-").replace("/", "_") for form in encoded))
    return sorted((form for form in forms if form), key=len, reverse=True)


def redact(found: t.Any, forms: list[str], spoken: bool = False) -> t.Any:
    """The same evidence with every form masked in what the relay said; facts of our own (codes, chains) stay as they are."""
    return _redact(found, _wanted(tuple(forms)), spoken) if forms else found


def _redact(found: t.Any, wanted: _Wanted, spoken: bool) -> t.Any:
    if isinstance(found, str):
        return "\n".join(_masked(found.split("\n"), wanted)) if spoken else found
    if isinstance(found, dict):
        return {key: _redact(value, wanted, spoken or key in _SPOKEN) for key, value in found.items()}
    if isinstance(found, list):
        if spoken and found and all(isinstance(one, str) and "\n" not in one for one in found):
            return _masked(found, wanted)
        return [_redact(value, wanted, spoken) for value in found]
    return found


_IN_NUMBERS = re.compile(rb"[0-9a-fx]+")


class _Wanted:
    """What to look for in each view."""

    def __init__(self, forms: t.Sequence[str]) -> None:
        self.exact = forms
        self.text: list[bytes] = []
        self.bare: list[bytes] = []
        self._long: list[bytes] = []
        self._in_numbers: list[bytes] | None = None
        for form in forms:
            for spelling in (form, form.lower(), form.upper()):
                self._add(spelling)
                self._add(spelling[::-1])
        self.text, self.bare = list(dict.fromkeys(self.text)), list(dict.fromkeys(self.bare))
        self._fewest = min(map(len, self._long), default=0)

    def bare_for(self, data: bytes) -> list[bytes]:
        """What to look for in letters and digits; a form byte by byte in numbers only where there are so many of these."""
        numbers = max(map(len, _IN_NUMBERS.findall(data)), default=0)
        return self.bare + (self.in_numbers if numbers >= self._fewest else [])

    @property
    def in_numbers(self) -> list[bytes]:
        """The forms with each byte written as a number: made when first asked for, as it is a thousand."""
        if self._in_numbers is None:
            ways = [[(way % byte).encode() for byte in range(256)] for way in ("%02x", "x%02x", "0x%02x", "%d", "%03o")]
            written = [b"".join(map(way.__getitem__, form)) for form in self._long for way in ways]
            self._in_numbers = list(dict.fromkeys(written + [one[::-1] for one in written]))
        return self._in_numbers

    def _add(self, spelling: str) -> None:
        form = _encoded(spelling)
        # Letter by letter, as a view is: of a whole word some scripts make other small letters.
        small = _encoded("".join(char.lower() for char in spelling))
        closed = small.translate(None, _GAPS)
        if len(closed) >= _SHORT:
            self.text.append(closed)
        letters = small.translate(None, _NOT_BARE)
        if len(letters) >= _SHORT_BARE:
            self.bare.append(letters)
        if len(form) >= _SHORT:
            self._long.append(form)


# Thousands of texts are looked through for one login, and the table costs more than looking.
@functools.lru_cache(maxsize=4)
def _wanted(forms: t.Tuple[str, ...]) -> _Wanted:
    return _Wanted(forms)


_NOT_BARE = bytes(byte for byte in range(256) if byte not in _BARE)


class _View:
    """A text in another form: bytes, and for each the characters of the text that it came from."""

    def __init__(self, data: bytes, places: t.Sequence[Span]) -> None:
        self.data = data
        self.places = places

    def without(self, unwanted: bytes) -> _View:
        """In small letters, and without these bytes."""
        lower = self.data.lower()
        kept = [index for index, byte in enumerate(lower) if byte not in unwanted]
        return _View(bytes(lower[index] for index in kept), [self.places[index] for index in kept])

    def without_all(self, pattern: t.Pattern[bytes]) -> _View:
        """Without what matches."""
        left_out = {index for match in pattern.finditer(self.data) for index in range(*match.span())}
        kept = [index for index in range(len(self.data)) if index not in left_out]
        return _View(bytes(self.data[index] for index in kept), [self.places[index] for index in kept])

    def spans(self, wanted: list[bytes], cut: bool) -> list[Span]:
        """Where in the text something wanted stands; with ``cut`` also what may be its beginning, at the end of the text."""
        found = []
        for form in wanted:
            at = self.data.find(form)
            while at >= 0:
                found.append(self._span(at, at + len(form)))
                at = self.data.find(form, at + 1)
            if cut and len(form) > _CUT_FORM:
                at = self.data.find(form[:_CUT_FORM], max(0, len(self.data) - len(form) + 1))
                while at >= 0:
                    if form.startswith(self.data[at:]):
                        found.append((self.places[at][0], -1))
                    at = self.data.find(form[:_CUT_FORM], at + 1)
        return found

    def _span(self, start: int, end: int) -> Span:
        places = self.places[start:end]
        return min(one[0] for one in places), max(one[1] for one in places)


def _encoded(text: str) -> bytes:
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate, which JSON can carry
        return text.encode("utf-8", "surrogatepass")


def _plain_view(text: str) -> _View:
    return _lowered(text, [(index, index + 1) for index in range(len(text))])


def _lowered(text: str, places: list[Span]) -> _View:
    """A view from characters."""
    if text.isascii():
        return _View(text.lower().encode(), places)
    data, spread = bytearray(), []
    for char, place in zip(text, places):
        encoded = _encoded(char.lower())
        data += encoded
        spread += [place] * len(encoded)
    return _View(bytes(data), spread)


def _decoded(view: _View, written: t.Pattern[bytes] = _WRITTEN) -> _View:
    """What stands there once escapes are resolved."""
    data, places = bytearray(), []
    for match in written.finditer(view.data):
        encoded = _one(match)
        data += encoded
        places += [(view.places[match.start()][0], view.places[match.end() - 1][1])] * len(encoded)
    # Characters of several bytes were put together again, so that capitals among them can be made small.
    text, firsts, at = data.decode("utf-8", "surrogateescape"), [], 0
    for char in text:
        size = len(_encoded(char))
        firsts.append((places[at][0], places[at + size - 1][1]))
        at += size
    return _lowered(text, firsts)


def _one(match: t.Match[bytes]) -> bytes:
    """The bytes that an escape stands for, or the byte that stands there."""
    number = match.lastindex or 0
    found = match.group(number)
    if match.re is _XTEXT:
        return bytes.fromhex(found.decode()) if number == 1 else found
    if number > len(_BASES):
        return _NAMED.get(found, found)
    code = int(found, _BASES[number - 1])
    if number <= _BYTES:
        return bytes((code,)) if code < 256 else b""
    return _encoded(chr(code)) if code <= sys.maxunicode else b""


def _views(plain: _View) -> list[_View]:
    found = [plain]
    if b"+" in plain.data:
        found.append(_decoded(plain.without(_GAPS), _XTEXT))
    if _ESCAPES.search(plain.data):
        found.append(_decoded(plain.without(_GAPS)))  # an escape may be broken as well
        if _SOFT_BREAK.search(plain.data):
            found.append(_decoded(plain.without_all(_SOFT_BREAK).without(_GAPS)))
    return found


def _masked(lines: list[str], wanted: _Wanted) -> list[str]:
    """The lines of one reply; a form may reach over several of them."""
    text = "\n".join(lines)
    plain = _plain_view(text)
    spans = [match.span() for form in wanted.exact for match in re.finditer(re.escape(form), text)]
    # Lines may each begin with the relay's own codes, which tear a form apart.
    for view in _views(plain) + (_views(plain.without_all(_CODES)) if "\n" in text or "|" in text else []):
        bare = view.without(_NOT_BARE)
        spans += view.without(_GAPS).spans(wanted.text, False) + bare.spans(wanted.bare_for(bare.data), False)
    lines = _cover(text, spans).split("\n")
    return [_without_cut(line, wanted) if len(line) >= _CUT else line for line in lines]


def _without_cut(line: str, wanted: _Wanted) -> str:
    plain = _plain_view(line)
    starts = [
        start
        for start, end in plain.without(_GAPS).spans(wanted.text, True)
        + plain.without(_NOT_BARE).spans(wanted.bare + wanted.in_numbers, True)
        if end < 0
    ]
    return line[: min(starts)] + MASK if starts else line


def _cover(text: str, spans: list[Span]) -> str:
    """The text with a mask over each span; line breaks in it stay."""
    covered: list[Span] = []
    for start, end in sorted(spans):
        if covered and start < covered[-1][1]:
            covered[-1] = (covered[-1][0], max(end, covered[-1][1]))
        else:
            covered.append((start, end))
    for start, end in reversed(covered):
        text = text[:start] + MASK + "\n" * text.count("\n", start, end) + text[end:]
    return text
