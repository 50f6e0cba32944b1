# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A log cut into events: lines that belong together (a stack trace, a reply of several lines), and when each was written.

Nothing here knows mail. The time taken grows with the length of the text and with nothing else.
"""

from __future__ import annotations

import json
import re
import typing as t
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

from .spelling import MAX_EVENT

__all__ = ("DIALOGUE", "Event", "clean", "events", "parse_time", "unescaped", "without_host")
_MAX_LINE = 8192
_HEAD = 200  # a timestamp stands this near to the beginning of its line
# As journald and others write them in the language of their system: English, German, French, Spanish, Italian, Portuguese, Dutch.
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            *("jan janv ene gen", "feb févr fev", "mar mär mars mrt", "apr avr abr", "may mai mag mei", "jun juin giu"),
            *("jul juil lug", "aug août ago", "sep sept set", "oct okt ott out", "nov", "dec déc dez dic"),
        ),
        1,
    )
    for name in names.split()
}
_MONTH = "(?i:" + "|".join(sorted(_MONTHS, key=lambda name: (-len(name), name))) + ")"


class Event(t.NamedTuple):
    """Lines that belong together; ``time`` is None where the log names none, ``writer`` "" where it names no program."""

    text: str
    time: datetime | None
    writer: str = ""
    stamped: bool = False  # a line with a date of its own
    dated: bool = False  # and the date stands at its beginning


# Colours of a terminal, also as a log escapes them; the container's name in front of docker compose's and kubectl's
# lines, and the process's in front of pm2's.
_ANSI = re.compile(r"(?:\x1b|\\x1b|\\u001b|\\033|\\e|#033)\[[0-9;]{0,20}[A-Za-z]", re.IGNORECASE)
_COLOURED = ("\x1b", "\\x1b[", "\\u001b[", "\\u001B[", "\\033[", "\\e[", "#033[")
_CONTAINER = re.compile(
    r"(?:\d{1,3}\|)?[\w.@-]{1,128} {0,32}\| |\[pod/[^\]\s]{1,250}\] |@[\w.-]{1,60}/[\w.-]{1,60}:[\w-]{1,40}: "
)
# The process that wrote a line of Exim's debug output, and of what goes on below it.
_EXIM_DEBUG = re.compile(
    r"\A {0,4}\d{1,7} (?=(?: {0,3}SMTP(?:<<|>>| )| {9,12}\S|[RTH]: |LOG: |Connecting to |delivering ))"
)
_DIGITS_OR_SPACE = frozenset(" 0123456789")
# What a container's runtime or syslog puts in front of each line of a program, stack traces included.
_STAMP = r"(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)|"
_STAMP += rf"{_MONTH}\.? {{1,2}}\d{{1,2}} \d\d:\d\d:\d\d(?:\.\d{{1,9}})?)"
# The host that wrote a line is often called mail or mx: that says nothing of the line.
_HOST = re.compile(rf"{_STAMP} [\w.-]{{1,255}} (?=[\w./-]{{1,128}}(?:\[\d{{1,10}}\])?: )")
# A time of day alone, as Elixir, Serilog and pino's pretty printer begin a line; with month and day, as Kubernetes and Bacula do.
_CLOCK = re.compile(
    r"(?:\[|[A-Z]{4,5} ?\[\d\d-\d\d\||[IWEF]\d{4} )?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?[ \]]|\d{1,2}-[A-Z][a-z]{2} \d\d:\d\d "
)
# What a log's line begins with, or logfmt and JSON lines.
_DATED = re.compile(
    r"\W{0,2}(?:[A-Z], ?\[)?(?:\d{4}[-/.]\d\d[-/.]\d\d|[A-Z][a-z]{2} {1,2}\d{1,2}(?:, \d{4})? \d{1,2}:|\d{1,2}[-/.](?:\d{1,2}|[A-Z][a-z]{2})[-/.]\d{4})"
    r"|(?:ts|t|time)=|\{"
)
_HEADER = re.compile(
    _STAMP + r" (?:[\w.-]{1,255} ([\w./-]{1,128}(?:\[\d{1,10}\])?): ?|(?:stdout|stderr) [FP] )?"
    # Java's service wrappers: procrun, jsvc and Tanuki's
    r"|\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] (\[ {0,2}\w{4,8} {0,2}\]) (?:\[ {0,4}\d{1,6}\] )?"
    r"|(jvm \d{1,2}) {0,8}\| \d{4}/\d\d/\d\d \d\d:\d\d:\d\d \| "
)
# The exception that a line ending with a colon has announced.
_EXCEPTION = re.compile(r"(?:[a-z]\w{0,40}\.){1,10}[A-Z]\w{0,60}(?:Exception|Error)\b")
# Client and server lines of an SMTP dialogue, as swaks, curl, Exim, Postfix and the debug modes of libraries print
# them.
DIALOGUE = re.compile(
    r"(?!\s{0,4}---(?:-?> | End)|\s{1,4}- [{:])\s{0,4}(?:(?:[<>~=*-]{1,3}[~*>|-]?|SMTP(?:<<|>>|<|>)|[CS]:|send:|reply:|\[<?->?\]"
    r"|CLIENT -> (?:SERVER|SMTP):|SERVER -> CLIENT:) "
    r"|SMTP -> (?:FROM SERVER|ERROR):"
    r"|(?:Sent|Got): (?=[2-5]\d\d[ -]|(?:EHLO|HELO|STARTTLS|AUTH|MAIL|RCPT|DATA|QUIT)\b))"
)
# Lines that go on with what the line before them said.
_GOES_ON = re.compile(
    r"\s|#011|[}\]);,]|at |(?:(?:pid=)?\d{1,7} tid[=-]\w{1,16} warn: |from )?/\S{1,300}:\d{1,6}:in [`']"
    r"|\.\.\. |caused by[: ]|nested exception|during handling of|the above exception"
    r"|the above error|stack ?trace:|stack: |\[cause\]|#\d{1,4} |--- "
    r"|thrown in|-{3,}>|\[previous exception|previous: |inner exception|the error is |more detail below|error details?:|\(elixir |\(stdlib |\(gen_smtp "
    r"|\+ {2,12}[$~\w]|\+ {1,4}(?:CategoryInfo|FullyQualifiedErrorId)\b"  # PowerShell
    r"|file: \S{1,200}[/\\]\S{1,200} \(\d{1,5}\)"
    r"|\{ ?['\"]?(?:code|errno|command|response|responsecode|originalcode)\b"
    r"|msmtp: (?:server message|could not send mail)|reason: |code: |response: |command: |responsecode: "
    r"|(?:code|errno|command|message|response(?:code)?|syscall|hostname|address|port|stack)['\"]? ?: ?['\"\d-]",
    re.IGNORECASE,
)
_REPLY_GOES_ON = re.compile(r"([245]\d\d)[ -]")
_STATUS_AGAIN = re.compile(r"[45]\.\d\.\d{1,3}(?= )")  # MailKit leaves out the reply code
_ESCAPED = re.compile(r"(?<!\\)\\([nrt])")
# Docker's and journald's own objects, one per line.
_WRAPPED = re.compile(r'\{.{0,4000}"(?:log|MESSAGE)" ?: ?["\[]')


def clean(line: str) -> str:
    """Without colours, control characters and what a container runtime puts in front; head and tail of a very long line."""
    if len(line) > _MAX_LINE:
        line = f"{line[: _MAX_LINE // 2]} ... {line[-_MAX_LINE // 2 :]}"
    if "\x1b" in line or "#033[" in line or ("\\" in line and any(mark in line for mark in _COLOURED)):
        line = _ANSI.sub("", line)
    if line[:1] in _DIGITS_OR_SPACE:
        line = _EXIM_DEBUG.sub("", line, count=1)
    container = _CONTAINER.match(line) if "| " in line or line.startswith(("[pod/", "@")) else None
    return line[container.end() :] if container else line


def without_host(text: str) -> str:
    """The text without the date and the host's name in front of what syslog or journald prints of a program."""
    return _HOST.sub("", text, count=1) if _HOST.match(text) else text


def unescaped(text: str) -> str:
    """The text with the line ends that a JSON or logfmt log has escaped as real ones."""
    return _ESCAPED.sub(lambda found: "\t" if found[1] == "t" else "\n", text) if "\\" in text else text


class _Line(t.NamedTuple):
    """One line: what its program wrote (``rest``) without what syslog or a runtime put in front, and whose line it is."""

    whole: str
    rest: str
    writer: str
    time: datetime | None


def _read_line(raw: str, now: datetime) -> _Line:
    line, stamp, source = _unwrapped(raw)
    line = clean(line)
    header = _HEADER.match(line)
    rest = line[header.end() :] if header else line
    return _Line(
        line,
        clean(rest) if header else line,
        next(filter(None, header.groups()), "-") if header else source,
        parse_time(line, now) or (parse_time(stamp, now) if stamp else None),
    )


def _unwrapped(line: str) -> tuple[str, str, str]:
    """What the program wrote, out of an object of Docker's or journald's, and the date and the program that stand beside it."""
    if not line.startswith("{") or not _WRAPPED.match(line):
        return line, "", ""
    try:
        entry = json.loads(line)
    except ValueError:
        return line, "", ""
    text = entry.get("log", entry.get("MESSAGE")) if isinstance(entry, dict) else None
    if isinstance(text, list) and all(isinstance(one, int) and 0 <= one < 256 for one in text):
        text = bytes(text).decode("utf-8", "replace")
    if not isinstance(text, str):
        return line, "", ""
    stamp = entry.get("time") or entry.get("__REALTIME_TIMESTAMP")
    source = str(entry.get("SYSLOG_IDENTIFIER") or entry.get("stream") or "-")
    return text.rstrip("\r\n"), json.dumps({"time": stamp}) if isinstance(stamp, (str, int)) else "", source


class _Open:
    """The event that is being read."""

    def __init__(self, line: _Line, time: datetime | None) -> None:
        self.lines = [line.whole]
        self.writer = line.writer
        self.time = line.time or time
        self.stamped = line.time is not None or _CLOCK.match(line.rest) is not None
        self.in_traceback = False
        self.with_header = False  # its lines carry a header each
        self._flat = 0  # lines that still belong to a frame which has lost its indentation
        self._size = 0
        self.see(line)

    def see(self, line: _Line) -> None:
        """A Python traceback ends with the first line that is not indented."""
        begins = _TRACEBACK in line.whole or line.rest.startswith(_FRAME)
        self.in_traceback = begins or (self.in_traceback and line.rest[:1] in " \t")
        if _FLAT_FRAME.match(line.rest):
            self._flat = 2  # the line of the source, and perhaps the error
        elif self._flat and not _MARKS.match(line.rest):
            self._flat = 0 if _ERROR_OF_PYTHON.match(line.rest) else self._flat - 1

    def add(self, line: _Line) -> None:
        self.see(line)
        self.with_header = bool(line.writer)
        if self._size < MAX_EVENT:
            self.lines.append(line.rest)
            self._size += len(line.rest)

    def takes(self, line: _Line) -> bool:
        """Does the line go on with this event?"""
        if line.time is not None and not line.writer:
            return False
        if line.writer:
            # Each line of the program has a header: the trace goes on below the same one.
            in_traceback = self.in_traceback and (self.with_header or line.rest[:1] in " \t")
            announced = self.lines[-1].endswith(":") and _EXCEPTION.match(line.rest) is not None
            return line.writer == self.writer and (in_traceback or announced or bool(_GOES_ON.match(line.rest)))
        wraps = not self.stamped and _wraps(self.lines[-1], line.rest)
        frame = self._flat > 0 or _FLAT_FRAME.match(line.rest) is not None
        return wraps or self.in_traceback or frame or _belongs(line.rest, self.lines) or self._in_message(line)

    def _in_message(self, line: _Line) -> bool:
        """A message of several paragraphs, which ends with the exception below it."""
        return (
            any(_PARAGRAPHS in one for one in self.lines[:3])
            and not any("--->" in one for one in self.lines)
            and not _KIND.match(line.rest)
        )

    def event(self) -> Event:
        dated = self.stamped and _DATED.match(self.lines[0]) is not None
        return Event("\n".join(self.lines), self.time, self.writer, self.stamped, dated)


_PARAGRAPHS = "An error occurred while attempting to establish an SSL or TLS connection."  # MailKit
_TRACEBACK = "Traceback (most recent call last)"
_FRAME = '  File "'  # of a traceback whose head is missing
# Pasted without its indentation: a frame, Python's marks below a line of the source, and the error at the end.
_FLAT_FRAME = re.compile(r'File "[^"]{1,300}\.py", line \d{1,6}, in \S')
_MARKS = re.compile(r"[~^]{1,200}$")
_ERROR_OF_PYTHON = re.compile(r"(?:\w{1,60}\.){0,6}\w{0,60}(?:Error|Exception|timeout|Refused|Disconnected)\b(?:: |$)")


def events(text: str, now: datetime) -> Iterator[Event]:
    """The events of a text in their order. ``now`` gives syslog's dates their year."""
    current: _Open | None = None
    for raw in _dedented(text):
        if not raw or raw.isspace():
            continue
        line = _read_line(raw, now)
        if not line.whole.strip():
            continue
        if current is not None and current.takes(line):
            current.add(line)
            continue
        if current is not None:
            yield current.event()
        # A line without a date was written at or after the last date seen.
        current = _Open(line, current.time if current else None)
    if current is not None:
        yield current.event()


def _dedented(text: str) -> list[str]:
    """Lines without the indentation that all of them share, so that a quoted log reads like the log."""
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    margin = first[: len(first) - len(first.lstrip(" \t"))]
    if margin and not DIALOGUE.match(first) and all(line.startswith(margin) or not line.strip() for line in lines):
        return [line[len(margin) :] for line in lines]
    return lines


def _belongs(line: str, before: list[str]) -> bool:
    if DIALOGUE.match(line):
        return False
    if _GOES_ON.match(line) or before[-1].endswith(":") or _says_again(line, before[0]):
        return True
    if line.startswith("+ ") and _OF_A_SCRIPT.match(before[-1]):
        return True
    if _OF_A_TASK in before[-1] and line.startswith(("fatal: ", "failed: ")):
        return True
    if line.startswith(_TRACEBACK) and ("above exception" in before[-1] or len(before) == 1):
        return True
    status = _STATUS_AGAIN.match(line)
    if status and status.group() in before[-1]:
        return True
    reply = _REPLY_GOES_ON.match(line)
    return bool(reply) and f"{reply.group(1)}-" in before[-1] if reply else False


# A sentence that was cut where a window or a page ends.
_WRAPS_AT = 55
_WRAPPED_LINE = re.compile(r"[a-z]{2,20}(?:[.,;]? |[.,;]?$)")
_WITHOUT_END = re.compile(r"[a-z,] ?$")


def _wraps(line: str, following: str) -> bool:
    return (
        len(line) > _WRAPS_AT
        and _WITHOUT_END.search(line) is not None
        and _WRAPPED_LINE.match(following) is not None
        and not DIALOGUE.match(line)
    )


_OF_A_SCRIPT = re.compile(
    r"(?:At|Bei|In|En) [A-Za-z]:\\.{1,300}:\d{1,6} (?:char|Zeichen|car\w*):\d", re.IGNORECASE
)  # PowerShell
_OF_A_TASK = "An exception occurred during task execution."  # Ansible
_KIND = re.compile(r"(?:Uncaught |Unhandled )?(?:[A-Z]\w{0,40}(?:Error|Exception)|Error)(?: \[\w{1,40}\])?: ")


def _says_again(line: str, before: str) -> bool:
    """The error whose message the line above has already written: "Error: MESSAGE" and the stack below it."""
    kind = _KIND.match(line)
    message = line[kind.end() :][:_HEAD] if kind else ""
    return len(message) > 8 and message in before


_ISO = re.compile(
    r"(?<!\d)(\d{4})[-/.](\d\d)[-/.](\d\d)[T _](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?: ?(Z|UTC|GMT|[+-]\d\d:?\d\d))?",
)
_SYSLOG = re.compile(
    rf"(?<![A-Za-z])({_MONTH})\.? {{1,2}}(\d{{1,2}}) "
    r"(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?: (?:[A-Z]{3,4} )?(\d{4})\b)?"
)
_DAY_FIRST = re.compile(
    rf"(?<!\d)(\d{{1,2}})[-/ ]({_MONTH})[a-z.]{{0,6}}[-/ ](\d{{4}})"
    r"(?:[ :T]|::)(\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?(?: ?(Z|UTC|GMT|[+-]\d\d:?\d\d))?",
)
# "06/03/2026, 3:18:01 PM", "Jun 03, 2026 3:18:01 AM" (Java), "jun/03/2026 03:18:01", "03.06.2026 15:18:01", Zabbix's "219:20260603:151801.911"
_MONTH_FIRST = re.compile(
    r"(?<![\w/])(?:(\d{1,2})/|([A-Za-z][a-z]{2})[ /])(\d{1,2})(?:/|, )(\d{4}),? (\d{1,2}):(\d\d):(\d\d)(?:[.,]\d{1,9})?(?: ([AP])M)?"
)
_DOTTED = re.compile(r"(?<![\d.])(\d{1,2})\.(\d{1,2})\.(\d{4}),? (\d\d):(\d\d):(\d\d)")
_COMPACT = re.compile(r"^\s{0,12}\d{1,10}:(\d{4})(\d\d)(\d\d):(\d\d)(\d\d)(\d\d)\.\d{3} ")
# Kubernetes' own programs: month and day as four digits
_KLOG = re.compile(r"^[IWEF](\d\d)(\d\d) (\d\d):(\d\d):(\d\d)\.\d{6} ")
_EPOCH = re.compile(
    r'(?:"(?:time|timestamp|ts|epoch|__REALTIME_TIMESTAMP)" ?: ?"?|^\[?)(1\d{9})(\d{3}|\d{6}|\d{9}|\.\d{1,9})?(?=[",\s\]}:]|$)'
)
# Dates of certificates and of messages, not of the line.
_ANOTHER_DATE = re.compile(
    r"\W{0,12}(?:v:)?(?:not[ _]?(?:before|after)|valid[ _]?(?:from|to|until)|expires?|start date|expire date|date|resent-date)\b",
    re.IGNORECASE,
)
_OF_A_CERTIFICATE = re.compile(
    r"(?:not[ _]?(?:before|after)|valid[ _]?(?:from|to|until))['\"]? ?[=:]|\b(?:activated|expires) [`'\"]\d",
    re.IGNORECASE,
)
# One of these stands in all that the two look for.
_WORDS_OF_DATES = ("before", "after", "valid", "expire", "date", "activated")
_JSON_TIME = re.compile(r'"(?:time|timestamp|@timestamp|ts|date|datetime|asctime|__REALTIME_TIMESTAMP)" ?: ?"?')


def parse_time(line: str, now: datetime) -> datetime | None:
    """When the line says that it was written: ISO 8601, syslog, web server, Java, US and German dates, Unix time; None where it says nothing.

    Without a zone in the log the answer has none. Dates without a year are the latest that are not after ``now``.
    """
    head = line[:_HEAD]
    low = head.lower()
    if any(word in low for word in _WORDS_OF_DATES) and (_ANOTHER_DATE.match(line) or _OF_A_CERTIFICATE.search(head)):
        return None
    found = _date(head, now)
    if found is None and line.startswith("{"):
        key = _JSON_TIME.search(line)
        if key:
            found = _date(line[key.start() : key.start() + _HEAD], now)
    return found


def _date(text: str, now: datetime) -> datetime | None:
    for pattern, read in _FORMS:
        found = pattern.search(text)
        if found:
            try:
                return read(found, now)
            except (ValueError, OverflowError, OSError):  # no such day, hour or zone
                return None
    return None


def _iso(found: re.Match[str], _now: datetime) -> datetime:
    micro = int((found[7] or "0")[:6].ljust(6, "0"))
    return datetime(
        int(found[1]),
        int(found[2]),
        int(found[3]),
        int(found[4]),
        int(found[5]),
        min(int(found[6]), 59),
        micro,
        _zone(found[8]),
    )


def _day_first(found: re.Match[str], _now: datetime) -> datetime:
    return datetime(
        int(found[3]),
        _MONTHS[found[2].lower()],
        int(found[1]),
        int(found[4]),
        int(found[5]),
        min(int(found[6]), 59),
        0,
        _zone(found[7]),
    )


def _syslog(found: re.Match[str], now: datetime) -> datetime | None:
    parts = (_MONTHS[found[1].lower()], int(found[2]), int(found[3]), int(found[4]), min(int(found[5]), 59))
    return datetime(int(found[6]), *parts) if found[6] else _latest(parts, now)


def _klog(found: re.Match[str], now: datetime) -> datetime | None:
    month, day, hour, minute, second = map(int, found.groups())
    return _latest((month, day, hour, minute, min(second, 59)), now)


def _epoch(found: re.Match[str], _now: datetime) -> datetime:
    return datetime.fromtimestamp(float(f"{found[1]}.{(found[2] or '0').lstrip('.')}"), UTC)


def _month_first(found: re.Match[str], _now: datetime) -> datetime:
    month = int(found[1]) if found[1] else _MONTHS.get(found[2].lower(), 0)
    hour = int(found[5]) % 12 + 12 * (found[8] == "P") if found[8] else int(found[5])
    return datetime(int(found[4]), month, int(found[3]), hour, int(found[6]), min(int(found[7]), 59))


def _dotted(found: re.Match[str], _now: datetime) -> datetime:
    day, month, year, hour, minute, second = map(int, found.groups())
    return datetime(year, month, day, hour, minute, min(second, 59))


def _compact(found: re.Match[str], _now: datetime) -> datetime:
    year, month, day, hour, minute, second = map(int, found.groups())
    return datetime(year, month, day, hour, minute, min(second, 59))


_FORMS: tuple[tuple[re.Pattern[str], t.Callable[[re.Match[str], datetime], datetime | None]], ...] = (
    (_ISO, _iso),
    (_DAY_FIRST, _day_first),
    (_SYSLOG, _syslog),
    (_EPOCH, _epoch),
    (_MONTH_FIRST, _month_first),
    (_DOTTED, _dotted),
    (_COMPACT, _compact),
    (_KLOG, _klog),
)


def _latest(parts: tuple[int, int, int, int, int], now: datetime) -> datetime | None:
    """The last time that this day of the year was, a day of leeway for clocks and zones."""
    limit = now.replace(tzinfo=None) + timedelta(days=1)
    for year in range(limit.year, limit.year - 5, -1):
        try:
            found = datetime(year, *parts)
        except ValueError:  # 29 February
            continue
        if found <= limit:
            return found
    return None


def _zone(text: str | None) -> timezone | None:
    if not text:
        return None
    if text in ("Z", "UTC", "GMT"):
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return timezone(timedelta(minutes=minutes if text[0] == "+" else -minutes))
