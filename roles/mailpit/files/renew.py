# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""
Renew Mailpit's certificate from the role's own CA on this host, before it ends: renew.py SETTINGS

Started by a timer of systemd as root. Only the leaf is renewed: what clients trust stays, and a leaf that does not verify with just
that is not used. Where Mailpit does not come up with it, the old pair is put back. The last line printed says what was done.
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
import json
import os
import re
import secrets
import shutil
import smtplib
import ssl
import subprocess
import sys
import tempfile
import time
import typing as t

_DAY = 86400
# As the role does it: clients whose clock is a little behind.
_BACKDATE = 3600
# Some clients refuse a certificate that is good for longer than that.
_LONGEST_DAYS = 825
_KEPT = "/var/lib/mailops.smtp/*.json"
# How what is not in its place yet is named; a renewal that was killed leaves it behind. The role removes it by these names, too.
_FOLDER, _STAGED = "renewal-", ".mailpit."
_PATIENCE = 600
_EXTENSIONS = """
[ca]
default_ca = own
[own]
database = {folder}/index
new_certs_dir = {folder}
serial = {folder}/serial
unique_subject = no
policy = any
default_md = sha256
[any]
commonName = supplied
[req]
distinguished_name = name
prompt = no
[name]
CN = {subject}
[leaf]
basicConstraints = critical,CA:FALSE
subjectAltName = {names}
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""

Settings = t.Mapping[str, t.Any]


class Trouble(Exception):
    """Why the certificate was not renewed, in one sentence."""


def _openssl(*arguments: str) -> str:
    """What openssl prints. Raises Trouble with its last words."""
    try:
        done = subprocess.run(
            ["openssl", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=60,
            # What this host itself trusts is not what the clients do.
            env=dict(os.environ, SSL_CERT_DIR="/nonexistent"),
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Trouble("openssl does not run on this host: {0}".format(error)) from None
    if done.returncode:
        words = done.stderr.decode("utf-8", "backslashreplace").strip().splitlines()
        raise Trouble("openssl {0} failed: {1}".format(arguments[0], words[-1] if words else "it said nothing"))
    return done.stdout.decode("utf-8", "replace")


def _times_of(certificate: str) -> tuple[float, float]:
    """When a certificate begins and ends, in seconds since the epoch."""
    shown = _openssl("x509", "-in", certificate, "-noout", "-startdate", "-enddate").splitlines()
    begin, end = (ssl.cert_time_to_seconds(line.strip().partition("=")[2]) for line in shown)
    return begin, end


def _day(moment: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(moment))


def _why(settings: Settings, now: float) -> str:
    """Why there must be a new certificate, empty when the present one is good."""
    begin, end = _times_of(settings["certificate"])
    if end - now < settings["renew_days"] * _DAY:
        return "it {0} on {1}".format("ends" if end > now else "ended", _day(end))
    if begin > now:
        return "it is not valid before {0}".format(_day(begin))
    own = _openssl("x509", "-in", settings["certificate"], "-noout", "-pubkey")
    return "" if own == _openssl("pkey", "-in", settings["key"], "-pubout") else "its key is another one"


def _wait_for_ansible(settings: Settings) -> None:
    """Let a run that has these files in work end first. Raises Trouble when it does not."""
    end = time.monotonic() + _PATIENCE
    while any(_is_for(path, settings) for path in glob.glob(_KEPT)):
        if time.monotonic() >= end:
            raise Trouble("a run of Ansible has begun to change this Mailpit and has not ended: run the role again")
        time.sleep(5)


def _is_for(record: str, settings: Settings) -> bool:
    try:
        with open(record, encoding="utf-8") as file:
            return json.load(file).get("path") in (settings["certificate"], settings["key"])
    except (OSError, ValueError, AttributeError):
        return False


def _names(certificate: str) -> list[str]:
    """The alternative names of a certificate, as openssl's configuration has them. Raises Trouble when there are none."""
    shown = _openssl("x509", "-in", certificate, "-noout", "-ext", "subjectAltName")
    names = ["{0}:{1}".format("DNS" if kind == "DNS" else "IP", name) for kind, name in
             re.findall(r"(DNS|IP Address):([A-Za-z0-9.:*_-]+)", shown)]  # fmt: skip
    if not names:
        raise Trouble("the certificate holds no names: run the role again")
    return names


def _make(settings: Settings, folder: str, now: float) -> tuple[str, str]:
    """The files of a new certificate and its key, in a folder that only root can enter. Raises Trouble."""
    authority_begins, authority_ends = _times_of(settings["ca_certificate"])
    if now < authority_begins:
        raise Trouble("this host's clock says {0}, and Mailpit's own CA begins on {1}: set the clock right".format(
            *(time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(moment)) for moment in (now, authority_begins))))  # fmt: skip
    if authority_ends - now < settings["renew_days"] * _DAY:
        raise Trouble(
            "Mailpit's own CA ends on {0}: run the playbook mailops.smtp.mailpit_rotate, which hands the new one to the "
            "clients first".format(_day(authority_ends))
        )
    names = _names(settings["certificate"])
    key, request, certificate, rules = (
        os.path.join(folder, name) for name in ("key", "request", "certificate", "rules")
    )
    with open(rules, "w", encoding="ascii") as file:
        subject = names[0].partition(":")[2][:64]
        file.write(_EXTENSIONS.format(folder=folder, subject=subject, names=",".join(names)))
    # RFC 5280, section 4.1.2.2: a positive number, here of 127 bits.
    for name, text in (("index", ""), ("serial", "{0:032X}\n".format(secrets.randbits(126) + (1 << 126)))):
        with open(os.path.join(folder, name), "w", encoding="ascii") as file:
            file.write(text)
    _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
    _openssl("req", "-new", "-key", key, "-config", rules, "-out", request)
    from_to = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(moment)) for moment in _validity(settings, now)]
    _openssl(
        "ca", "-batch", "-notext", "-config", rules, "-extensions", "leaf", "-startdate", from_to[0], "-enddate", from_to[1],
        "-cert", settings["ca_certificate"], "-keyfile", settings["ca_key"], "-in", request, "-out", certificate,
    )  # fmt: skip
    # What the clients have, and not the CA's own file: they are not the same while a change of the CA goes on.
    try:
        _openssl("verify", "-purpose", "sslserver", "-CAfile", settings["trust"], certificate)
    except Trouble as trouble:
        raise Trouble("clients would refuse a new certificate, as it does not verify with {0}: run the role again ({1})".format(
            settings["trust"], trouble)) from None  # fmt: skip
    return certificate, key


def _validity(settings: Settings, now: float) -> tuple[float, float]:
    """
    From when to when a new certificate is to be good. It covers what the present one does, as far as it may: this host's clock may be wrong,
    or have been, and clients with another one accept both.
    """
    begin, end = _times_of(settings["certificate"])
    oldest = now - max(0, _LONGEST_DAYS - settings["days"]) * _DAY
    last = _times_of(settings["ca_certificate"])[1]
    return min(now - _BACKDATE, max(begin, oldest)), min(max(now + settings["days"] * _DAY, end), last)


def _stage(content: bytes, path: str, like: os.stat_result) -> str:
    """A whole file beside this one, with an owner and mode, which can take its place. Gives its path."""
    opened, new = tempfile.mkstemp(prefix=_STAGED, dir=os.path.dirname(path))
    try:
        with open(opened, "wb") as file:
            file.write(content)
            file.flush()
            os.fchown(opened, like.st_uid, like.st_gid)
            os.fchmod(opened, like.st_mode & 0o777)
            os.fsync(opened)
    except OSError:
        os.unlink(new)
        raise
    return new


def _put(staged: t.Mapping[str, str]) -> None:
    """Let each of these files (values) take the place of another one (keys)."""
    for path, new in staged.items():
        os.replace(new, path)
    for folder in {os.path.dirname(path) for path in staged}:
        with _opened(folder) as opened:
            os.fsync(opened)


@contextlib.contextmanager
def _opened(folder: str) -> t.Iterator[int]:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield opened
    finally:
        os.close(opened)


def _sweep(settings: Settings) -> None:
    """Take away what a renewal left that was killed: keys that nobody uses."""
    for path in glob.glob(os.path.join(glob.escape(os.path.dirname(settings["ca_key"])), _FOLDER + "*")):
        shutil.rmtree(path, ignore_errors=True)
    for path in glob.glob(os.path.join(glob.escape(os.path.dirname(settings["key"])), _STAGED + "*")):
        os.unlink(path)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _restart(settings: Settings) -> None:
    done = subprocess.run(
        settings["restart"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=120
    )  # fmt: skip
    if done.returncode:
        words = done.stdout.decode("utf-8", "backslashreplace").strip().splitlines()
        raise Trouble("Mailpit could not be restarted: {0}".format(words[-1] if words else "no reason was given"))


def _shown(settings: Settings) -> bytes:
    """The certificate that Mailpit shows to a client who trusts what the clients do, in DER form. Raises OSError."""
    context = ssl.create_default_context(cafile=settings["trust"])
    name, place = settings["name"], (settings["host"], settings["port"])
    if settings["security"] == "implicit_tls":
        client: smtplib.SMTP = smtplib.SMTP_SSL(timeout=10, context=context)
    else:
        client = smtplib.SMTP(timeout=10)
    # smtplib takes the name that the certificate must have from here.
    client._host = name  # type: ignore[attr-defined]
    try:
        client.connect(*place)
        if settings["security"] != "implicit_tls":
            client.starttls(context=context)
        return t.cast(ssl.SSLSocket, client.sock).getpeercert(True) or b""
    finally:
        client.close()


def _prove(settings: Settings) -> None:
    """Wait until Mailpit shows the certificate that it was given. Raises Trouble."""
    wanted = ssl.PEM_cert_to_DER_cert(_read(settings["certificate"]).decode("ascii"))
    end, why = time.monotonic() + settings["timeout"], "it shows another certificate"
    while time.monotonic() < end:
        try:
            if _shown(settings) == wanted:
                return
        except (OSError, smtplib.SMTPException) as error:
            why = str(error)
        time.sleep(0.2)
    raise Trouble("Mailpit does not show the new certificate: {0}".format(why))


def _exchange(new: t.Mapping[str, bytes], settings: Settings) -> None:
    """Put these contents in the place of files, and have Mailpit show them. Raises Trouble, with the old ones back."""
    staged: tuple[dict[str, str], dict[str, str]] = ({}, {})
    try:
        # All is written before anything is replaced: a full disk changes nothing, and going back needs no space.
        for path, content in new.items():
            like = os.stat(path)
            for found, held in zip(staged, (content, _read(path))):
                found[path] = _stage(held, path, like)
        try:
            _put(staged[0])
            _restart(settings)
            _prove(settings)
        except (Trouble, OSError, subprocess.TimeoutExpired) as error:
            _put(staged[1])
            raise Trouble("{0}. {1}".format(error, _run_again(settings))) from None
    finally:
        for path in (*staged[0].values(), *staged[1].values()):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)


def _run_again(settings: Settings) -> str:
    """What became of Mailpit with its old certificate."""
    try:
        _restart(settings)
    except (Trouble, OSError, subprocess.TimeoutExpired) as error:
        return "Mailpit has its old certificate back, and does not run with it either ({0})".format(error)
    return "Mailpit has its old certificate back"


def renew(settings: Settings, now: float) -> str:
    """What was done, in one sentence. Raises Trouble, with the old certificate in its place."""
    _wait_for_ansible(settings)
    authority = os.path.dirname(settings["ca_key"])
    with _opened(authority) as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        _sweep(settings)
        reason = _why(settings, now)
        if not reason:
            return "The certificate is good until {0}.".format(_day(_times_of(settings["certificate"])[1]))
        folder = tempfile.mkdtemp(prefix=_FOLDER, dir=authority)
        try:
            certificate, key = _make(settings, folder, now)
            new = {settings["key"]: _read(key), settings["certificate"]: _read(certificate)}
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        _exchange(new, settings)
    return "The certificate was renewed, because {0}; the new one is good until {1}.".format(
        reason, _day(_times_of(settings["certificate"])[1])
    )


def main() -> int:
    """The exit code: 0 when the certificate is good."""
    os.umask(0o077)
    try:
        with open(sys.argv[1], encoding="utf-8") as file:
            print(renew(json.load(file), time.time()))
    except (Trouble, OSError, ValueError, subprocess.TimeoutExpired) as error:
        print("The certificate was not renewed: {0}.".format(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
