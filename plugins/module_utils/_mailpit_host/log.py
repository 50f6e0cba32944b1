# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
What one Mailpit has logged since a moment: in the journal, in its own file, or with what a command prints.

The role's own proof fails on purpose. It is announced in the journal beforehand, with the number of hosts that it comes from, and
logs in with a name that begins with MADE_UP: as many refusals as it causes are left out, and no more.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import stat
import subprocess
import time
import typing as t

from ansible_collections.mailops.smtp.plugins.module_utils._mailpit.proof import MADE_UP
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.journal import entries
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.stamp import STAMP, seconds_of
from ansible_collections.mailops.smtp.plugins.module_utils._mailpit_host.ways import Refusal

__all__ = (
    "announce_proof",
    "marks_in",
    "read_command",
    "read_file",
    "read_journal",
    "read_renewal",
    "without_proofs",
)

_ANNOUNCED = "mailops.smtp: a proof begins, from {0} hosts"
_ENDED = "mailops.smtp: the proof has ended"
_ANNOUNCEMENT = re.compile(_ANNOUNCED.format(r"(\d+)"))
# Of one host: MAIL and AUTH are refused in cleartext and once more in TLS.
_REFUSALS = 4
_REFUSED = re.compile(r"response \([^)]*\) (530|502|503) ")
_REJECTED = re.compile(r"response \([^)]*\) 535 ")
# What Mailpit answers to the message of a proof, or to its recipient.
_UNREAD = re.compile(r"response \([^)]*\) (451 4[.]3[.]5|550 5[.]1[.]0) ")
_PROOF_SECONDS = 900
_MOST_LINES = 200_000
_LARGEST_FILE = 64 << 20
_TIME = re.compile(r'time="(\d{4}/\d\d/\d\d \d\d:\d\d:\d\d)"')

# Seconds since the epoch, and the line.
Line = t.Tuple[float, str]


def read_journal(service: str, since: float) -> t.List[Line]:
    """What this unit wrote itself, and the announcements of proofs. Raises Refusal."""
    unit = service + ".service"
    lines = []
    fields = ["_SYSTEMD_UNIT=" + unit, "+", "OBJECT_SYSTEMD_UNIT=" + unit, "_UID=0"]
    command = ["journalctl", "--no-pager", "--output=json", "--since=@{0}".format(int(since)), *fields]
    for entry, text in entries(_output(command)):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            lines.append((int(entry["__REALTIME_TIMESTAMP"]) / 1e6, text))
    return lines


def read_renewal(service: str) -> t.Dict[str, t.Any]:
    """
    How the last renewal of the certificate ended on this host: ``ok``, ``said`` (its last line) and ``next`` (when the
    next one begins, in systemd's words). Raises Refusal.
    """
    unit = service + "-renewal"
    shown = {}
    for name, properties in ((".timer", "ActiveState,NextElapseUSecRealtime"), (".service", "Result,InvocationID")):
        for line in _output(["systemctl", "show", "--property=" + properties, unit + name]):
            key, _sign, value = line.partition("=")
            shown[key] = value
    if shown.get("ActiveState") != "active":
        return {"ok": False, "said": "{0}.timer does not run: run the role again".format(unit), "next": ""}
    # By the unit's name: the journal does not always learn which run wrote what has ended before it looks.
    fields = ["_SYSTEMD_UNIT={0}.service".format(unit)] if shown.get("InvocationID") else []
    lines = _output(["journalctl", "--no-pager", "--output=cat", "--lines=1", *fields]) if fields else []
    said = "".join(char if char.isprintable() else "?" for char in lines[-1]) if lines else "It has not run yet."
    return {"ok": shown.get("Result") == "success", "said": said, "next": shown.get("NextElapseUSecRealtime", "")}


def read_file(path: str, owners: t.Container[int], since: float, zone: t.Optional[str] = None) -> t.List[Line]:
    """
    What Mailpit wrote into its own file (MP_LOG_FILE), the last 64 MB of it, by the clock of ``zone`` (TZ; none: the
    host's). Raises Refusal.
    """
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(opened, "rb") as file:
            found = os.fstat(opened)
            # Mailpit's own user could put a link to somebody else's file there.
            if not stat.S_ISREG(found.st_mode) or found.st_uid not in owners or found.st_nlink != 1:
                raise Refusal(
                    "MP_LOG_FILE is {0}, which is not a file that Mailpit wrote: correct mailpit_environment".format(
                        path
                    )
                )
            file.seek(max(0, found.st_size - _LARGEST_FILE))
            text = file.read(_LARGEST_FILE).decode("utf-8", "replace")
    except OSError as error:
        raise Refusal(
            "MP_LOG_FILE is {0}, which cannot be read: {1}".format(path, (error.strerror or str(error)).lower())
        ) from None
    with _clock_of(zone):
        return _dated(text.splitlines(), since)


@contextlib.contextmanager
def _clock_of(zone: t.Optional[str]) -> t.Iterator[None]:
    """Local time is that of a zone meanwhile. Python 3.8 has no other way to know them."""
    before = os.environ.get("TZ")
    try:
        if zone:
            os.environ["TZ"] = zone
            time.tzset()
        yield
    finally:
        os.environ.pop("TZ", None)
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


def read_command(command: t.Sequence[str], since: float) -> t.List[Line]:
    """
    What a command prints on either of its streams, such as C(docker logs --timestamps mailpit). Raises Refusal.

    With an engine's timestamps it is known when a line came; without them a clock is taken for the host's.
    """
    return _dated(_output(command, both=True), since)


def _dated(lines: t.Iterable[str], since: float) -> t.List[Line]:
    """Mailpit writes local time; a line without one is as old as the one before it."""
    found, moment = [], 0.0
    for line in lines:
        stamp, match = STAMP.match(line), _TIME.search(line)
        if stamp:
            moment, line = seconds_of(stamp), line[stamp.end() :]
        elif match:
            moment = _local(match.group(1), moment)
        if moment >= int(since):
            found.append((moment, line))
    return found[-_MOST_LINES:]


def _local(text: str, otherwise: float) -> float:
    """A time that Mailpit wrote, in seconds since the epoch; ``otherwise`` where there is no such time."""
    try:
        return time.mktime(time.strptime(text, "%Y/%m/%d %H:%M:%S"))
    except (ValueError, OverflowError):
        return otherwise


def _output(command: t.Sequence[str], both: bool = False) -> t.List[str]:
    streams = subprocess.STDOUT if both else subprocess.PIPE
    try:
        done = subprocess.run(  # pylint: disable=ansible-bad-function # run_command knows no timeout
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=streams, check=False, timeout=120
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refusal("{0} cannot be asked for Mailpit's log: {1}".format(command[0], error)) from None
    if done.returncode:
        words = (done.stdout if both else done.stderr).decode("utf-8", "backslashreplace").strip().splitlines()
        raise Refusal(
            "{0} gave no log of Mailpit: {1}".format(
                " ".join(command[:2]), ascii(words[-1])[1:-1] if words else "it said nothing"
            )
        )
    return done.stdout.decode("utf-8", "replace").splitlines()[-_MOST_LINES:]


def announce_proof(service: str, hosts: int) -> None:
    """
    Write into the journal, beside the unit's own lines, that a proof from so many hosts begins; with 0, that it has ended.

    Without a journal nothing is written.
    """
    words = _ANNOUNCED.format(hosts) if hosts else _ENDED
    message = "MESSAGE={0}\nPRIORITY=6\nSYSLOG_IDENTIFIER=mailops\nOBJECT_SYSTEMD_UNIT={1}.service\n".format(
        words, service
    )
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
            journal.sendto(message.encode("utf-8"), "/run/systemd/journal/socket")
    except OSError:
        pass


def marks_in(lines: t.Iterable[Line], marks: t.Collection[str]) -> t.Set[str]:
    """Those marks of proofs that stand in a log."""
    return {mark for _moment, line in lines for mark in marks if mark in line}


def _order(dated: Line) -> t.Tuple[float, int]:
    """By their time; what was announced holds for the whole second, as many logs know no less."""
    moment, line = dated
    if line == _ENDED:
        return int(moment) + 1, -1
    return (int(moment), -1) if _ANNOUNCEMENT.fullmatch(line) else (moment, 0)


def without_proofs(lines: t.Iterable[Line]) -> t.List[str]:
    """The lines in the order of time, without announcements and what the announced proofs caused."""
    kept, budget, until, rejected, unread = [], 0, 0.0, 0, 0
    for moment, line in sorted(lines, key=_order):
        announcement = _ANNOUNCEMENT.fullmatch(line)
        if announcement:
            budget, until = int(announcement.group(1)) * _REFUSALS, moment + _PROOF_SECONDS
        elif line == _ENDED:
            budget = 0
        elif 'login:\\"' + MADE_UP in line or 'login:"' + MADE_UP in line:
            rejected += 1  # the reply to it is the next 535
        elif MADE_UP in line:
            unread += 1  # the message that it was handed, or its recipient
        elif rejected and _REJECTED.search(line):
            rejected -= 1
        elif unread and _UNREAD.search(line):
            unread -= 1
        elif budget and moment <= until and _REFUSED.search(line):
            budget -= 1
        else:
            kept.append(line)
    return kept
