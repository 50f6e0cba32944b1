# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS contexts of a call, and what a handshake showed: version, chain, certificate request, alert."""

from __future__ import annotations

import base64
import contextlib
import errno
import os
import re
import select
import signal
import ssl
import stat
import threading
import typing as t

if t.TYPE_CHECKING:
    from .evidence import ChainEntry, TLSEntry

__all__ = ("Suites", "TLSContexts", "TLSRecord", "ca_subjects", "looks_like_tls", "on_this_host", "trust_store")

_HANDSHAKE, _ALERT = 22, 21  # content types (RFC 8446 section 5.1)
_CLIENT_HELLO = 1
# Handshake types (RFC 8446 section 4, RFC 5246 section 7.4)
_CERTIFICATE, _SERVER_KEY_EXCHANGE, _CERTIFICATE_REQUEST = 11, 12, 13
_NAMED_CURVE = 3  # how a ServerKeyExchange with ECDHE begins (RFC 8422 section 5.4)
_TLS_1_3 = 0x0304
_SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/etc/ssl/cert.pem",
)
# How OpenSSL names a certificate in a folder: the hash of its subject, and a number.
_HASHED_NAME = re.compile(r"[0-9a-f]{8}\.[0-9]+\Z")
_CHAIN_LIMIT = 16
_CA_LIMIT = 16 << 20
_CA_SUBJECTS_LIMIT = 200
_VERSION_NAMES = {0x0301: "TLSv1", 0x0302: "TLSv1.1", 0x0303: "TLSv1.2", 0x0304: "TLSv1.3"}
# Never, in no try: suites without a certificate, without encryption, or of export strength. A session in one of them
# proves nothing, and what is sent in it can be read. PSK and SRP have no certificate either.
_NEVER = "!aNULL:!eNULL:!EXPORT:!PSK:!SRP"
# What every TLS library of today has, the strictest of all (rustls) too. A first ClientHello offers nothing else, however
# this Python was built: some builds have a choice of their own, others leave it to OpenSSL, which still has old suites.
_MODERN = re.compile(r"ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM|CHACHA20)")
# The suites that a Python with a choice of its own has (3.10 and later), whatever OpenSSL or the distribution would take.
_PYTHONS_CHOICE = f"ECDHE+AES:ECDHE+CHACHA20:DHE+AES:!SHA1:!aDSS:!AESCCM:{_NEVER}"
_POLICY_OF_THE_SYSTEM = (
    "PROFILE=SYSTEM"  # RHEL, Fedora and their kin: suites and level as the administrator has set them
)
_ALL_SUITES = f"ALL:{_NEVER}"
_OLD_SUITES = f"ALL:!LOW:!RC4:!MD5:!DES:{_NEVER}"
Suites = t.Literal["usual", "more", "all"]
_MINIMUM = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
}
# SSL_OP_NO_RX_CERTIFICATE_COMPRESSION (OpenSSL 3.2): a compressed chain could not be read in flight.
_NO_COMPRESSED_CERTIFICATES = 1 << 33


class TLSRecord(ssl.SSLObject):
    """A TLS session that notes what passes in the handshake, so that a failed verification still shows a chain.

    ssl gives no certificate once verification has failed, and no chain before Python 3.13; its message callback sees
    both.
    """

    chain: t.Sequence[bytes] = ()
    chain_seen = False
    certificate_requested = False
    seen_version: str | None = None
    dh_bits: int | None = None

    @staticmethod
    def describe(error: ssl.SSLError) -> dict[str, t.Any]:
        """An SSLError as facts: OpenSSL's reason, and its words without the source position.

        Raises MemoryError where that is the reason.
        """
        if "MALLOC" in (error.reason or ""):
            raise MemoryError
        text = str(error.args[-1] if error.args else error)
        return {"reason": error.reason or "", "text": text.rsplit(" (_ssl.c", 1)[0][:200]}

    def evidence(self, verify: bool) -> TLSEntry:
        """Version and cipher as far as negotiated; ``verified`` is true, or null where nothing was verified."""
        cipher = self.cipher()
        found: TLSEntry = {
            "version": self.version() or self.seen_version,
            "cipher": cipher[0] if cipher else None,
            "verified": True if verify else None,
            "verify_error": None,
            "certificate_requested": self.certificate_requested,
        }
        if self.dh_bits is not None:
            found["dh_bits"] = self.dh_bits
        return found

    def chain_evidence(self) -> ChainEntry:
        """The certificates as the relay sent them, leaf first, DER in base64."""
        chain = list(self.chain)
        complete = self.chain_seen
        if not chain:
            # A Python whose ssl module has lost the callback: the leaf is what its public interface gives.
            try:
                leaf = self.getpeercert(True)
            except ValueError:
                leaf = None
            chain = [leaf] if leaf else []
        return {
            "chain": [base64.b64encode(der).decode("ascii") for der in chain[:_CHAIN_LIMIT]],
            "chain_available": complete,
        }


def _note(session: t.Any, direction: str, version: int, content_type: int, message_type: int, data: bytes) -> None:
    if direction != "read" or content_type != _HANDSHAKE or session is None:
        return
    if message_type == _CERTIFICATE:
        session.seen_version = _VERSION_NAMES.get(int(version))
        session.chain = _certificates(data, int(version) == _TLS_1_3)
        session.chain_seen = True
    elif message_type == _CERTIFICATE_REQUEST:
        session.certificate_requested = True
    elif message_type == _SERVER_KEY_EXCHANGE:
        session.dh_bits = _group_bits(data[4:])


def _is_read_within(path: str, seconds: float) -> bool:
    """Whether a file is read, or refused, in time: no file system can be told a deadline, and one of a network may hang.

    A process of its own looks, which is left behind. A thread that hangs so would keep this process from ending.
    """
    reading, writing = os.pipe()
    try:
        pid = os.fork()
    except OSError:  # no process to be had: so without a limit
        os.close(reading)
        os.close(writing)
        return True
    if pid == 0:
        _look_and_exit(path, writing)
    os.close(writing)
    poller = select.poll()
    poller.register(reading, select.POLLIN)
    in_time = bool(poller.poll(seconds * 1000))
    os.close(reading)
    if not in_time:
        os.kill(pid, signal.SIGKILL)
    # Where the signal of a child's end is ignored, as a parent of this process may have left it, the kernel has taken it away itself.
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0 if in_time else os.WNOHANG)
    return in_time


def _look_and_exit(path: str, writing: int) -> None:
    """In the child: the end of the pipe says that it has ended. It keeps no other pipe open that somebody waits for."""
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        _refuse_what_never_ends(path)
        with open(path, "rb") as file:
            file.read(_CA_LIMIT)
    finally:
        os._exit(0)


def _refuse_what_never_ends(path: str) -> None:
    """OpenSSL would read a pipe, a device and the kernel's own log, which has no size, for as long as they like. Raises OSError."""
    found = os.stat(path)
    if stat.S_ISDIR(found.st_mode):
        return  # OpenSSL says that
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "is a pipe, a socket or a device", path)
    if found.st_size == 0:
        raise OSError(errno.EINVAL, "is empty", path)
    if found.st_size > _CA_LIMIT:
        raise OSError(errno.EINVAL, f"is larger than {_CA_LIMIT >> 20} megabytes", path)


def _group_bits(parameters: bytes) -> int | None:
    """The size of the Diffie-Hellman group in a ServerKeyExchange (RFC 5246 section 7.4.3); null for ECDHE.

    A prime begins with its length, two octets: 3 as the first of them is a group of more than 6000 bits, or a curve.
    """
    if len(parameters) < 3 or parameters[0] == _NAMED_CURVE:
        return None
    size = int.from_bytes(parameters[:2], "big")
    prime = parameters[2 : 2 + size]
    return int.from_bytes(prime, "big").bit_length() if len(prime) == size else None


def _certificates(message: bytes, tls_1_3: bool) -> list[bytes]:
    """The DER certificates of a Certificate message (RFC 8446 section 4.4.2, RFC 5246 section 7.4.2)."""
    found: list[bytes] = []
    at = 4
    if tls_1_3:
        at += 1 + int.from_bytes(message[at : at + 1], "big")
    at += 3
    while at + 3 <= len(message) and len(found) < _CHAIN_LIMIT:
        size = int.from_bytes(message[at : at + 3], "big")
        found.append(message[at + 3 : at + 3 + size])
        at += 3 + size
        if tls_1_3:
            at += 2 + int.from_bytes(message[at : at + 2], "big")
    return found


class TLSContexts:
    """The contexts of one call and one way to verify, made when first needed and shared by all endpoints."""

    def __init__(self, verify: bool, ca_path: str | None, minimum: str) -> None:
        self.verify = verify
        self.ca_path = ca_path
        self._minimum = _MINIMUM.get(minimum, ssl.TLSVersion.TLSv1_2)
        self._lock = threading.Lock()
        self._context: ssl.SSLContext | None = None
        self._more: ssl.SSLContext | None = None
        self._legacy: ssl.SSLContext | None = None

    @property
    def old_versions(self) -> bool:
        """Whether TLS 1.0 or 1.1 is good enough."""
        return self._minimum < ssl.TLSVersion.TLSv1_2

    def context(self) -> ssl.SSLContext:
        """The context that apps' libraries would use: this host's trust store and ``ca_path``, the name checked.

        It has the suites that every library has, so that it is refused where one of them would be.
        """
        with self._lock:
            if self._context is None:
                self._context = _bare_context()
                self._context.minimum_version = ssl.TLSVersion.TLSv1_2
                _keep_suites(self._context, _MODERN)
                self._set_trust(self._context)
            return self._context

    def load_ca_file(self, seconds: float) -> None:
        """Read ca_path now, before any packet, also where nothing is verified by it.

        Raises OSError: ssl.SSLError (a subclass) where it holds no certificate, TimeoutError when that takes longer.
        """
        if self.ca_path is not None:
            if not _is_read_within(self.ca_path, seconds):
                words = f"its file system gives no answer within {seconds:g} s"
                raise TimeoutError(errno.ETIMEDOUT, words, self.ca_path)
            _refuse_what_never_ends(self.ca_path)
            if self.verify:
                self.context()
            else:
                _bare_context().load_verify_locations(cafile=self.ca_path)

    def _set_trust(self, context: ssl.SSLContext) -> None:
        if self.verify:
            store = trust_store()
            if _folder_has_all(store):
                context.load_verify_locations(capath=store["folder"])
            else:
                context.load_default_certs(ssl.Purpose.SERVER_AUTH)
                if store["found_elsewhere"]:
                    context.load_verify_locations(cafile=store["file"])
            if self.ca_path is not None:
                context.load_verify_locations(cafile=self.ca_path)
        else:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE

    def offering(self, suites: Suites) -> ssl.SSLContext:
        """A context by what it offers: the usual suites, those that this host's OpenSSL takes as well, or all."""
        return self.context() if suites == "usual" else self.legacy() if suites == "all" else self._with_more()

    def _with_more(self) -> ssl.SSLContext:
        """As clients have it that are built on OpenSSL and leave the choice to it, and to the policy of the system."""
        with self._lock:
            if self._more is None:
                self._more = _bare_context()
                if self.old_versions:
                    _offer(self._more, _OLD_SUITES)
                else:
                    _leave_to_openssl(self._more)
                self._more.minimum_version = self._minimum
                self._set_trust(self._more)
            return self._more

    def has_more(self) -> bool:
        """Whether this host takes more than the usual. False where the CA files cannot be read a second time."""
        try:
            more = self._with_more()
        except OSError:  # ssl.SSLError is one
            return False
        return self.old_versions or _names(more) != _names(self.context())

    def legacy(self) -> ssl.SSLContext:
        """A context that takes anything, to find out what a relay speaks with which the handshake failed.

        Never carries mail.
        """
        with self._lock:
            if self._legacy is None:
                self._legacy = _bare_context()
                self._legacy.check_hostname = False
                self._legacy.verify_mode = ssl.CERT_NONE
                _offer(self._legacy, _ALL_SUITES)
                self._legacy.minimum_version = ssl.TLSVersion.TLSv1
            return self._legacy


def _is_refused(suite: t.Mapping[str, t.Any]) -> bool:
    """Whether it is one that is never offered, see _NEVER."""
    return (
        suite["auth"] == "auth-null" or not suite["strength_bits"] or "PSK" in suite["name"] or "SRP" in suite["name"]
    )


def _names(context: ssl.SSLContext) -> set[str]:
    return {suite["name"] for suite in context.get_ciphers()}


def _keep_suites(context: ssl.SSLContext, wanted: re.Pattern[str] | None = None) -> None:
    """Take away the suites that are never offered, and of the others those that are not wanted; add none.

    The level stays, and so do the suites of TLS 1.3. A Python that leaves the choice to OpenSSL has suites of PSK, a
    strange openssl.cnf has worse.
    """
    good = [suite["name"] for suite in context.get_ciphers() if not _is_refused(suite)]
    kept = [name for name in good if wanted is None or wanted.match(name)]
    if kept or good:
        context.set_ciphers(":".join(kept or good))
    else:
        context.set_ciphers(_OLD_SUITES)


def _leave_to_openssl(context: ssl.SSLContext) -> None:
    """Offer what OpenSSL and the policy of the system do, and no more than they do."""
    other = _bare_context()  # a choice that fails leaves a context without any suite
    try:
        other.set_ciphers(_POLICY_OF_THE_SYSTEM)
    except ssl.SSLError:
        other.set_ciphers(_PYTHONS_CHOICE)
        if _names(context) == _names(other):
            context.set_ciphers("DEFAULT")
    else:
        context.set_ciphers(_POLICY_OF_THE_SYSTEM)
    _keep_suites(context)


def _bare_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslobject_class = TLSRecord
    if ssl.OPENSSL_VERSION_INFO >= (3, 2):
        context.options |= _NO_COMPRESSED_CERTIFICATES
    # That of the class below: ssl's own would first make enumerations of all numbers, thirty times in a handshake.
    callback = getattr(ssl.SSLContext.__base__, "_msg_callback", None) or getattr(ssl.SSLContext, "_msg_callback", None)
    if callback is not None:
        callback.__set__(context, _note)
    return context


def _offer(context: ssl.SSLContext, suites: str) -> None:
    try:
        # Security level 0 is where OpenSSL 3 still has TLS 1.0 and 1.1.
        context.set_ciphers(f"{suites}:@SECLEVEL=0")
    except ssl.SSLError:
        context.set_ciphers(suites)


def trust_store() -> dict[str, t.Any]:
    """Where this Python looks for trusted CAs, and whether anything is there."""
    paths = ssl.get_default_verify_paths()
    folder = paths.capath if paths.capath and os.path.isdir(paths.capath) and os.listdir(paths.capath) else None
    file: str | None = paths.cafile
    missing = file is None and folder is None
    if missing:
        # A Python with an OpenSSL of its own looks where nothing was installed; the host's store is where its system
        # keeps it.
        file = next((path for path in _SYSTEM_BUNDLES if os.path.isfile(path)), None)
    return {
        "file": file,
        "folder": folder,
        "found_elsewhere": missing and file is not None,
        "empty": missing and file is None,
    }


def _folder_has_all(store: dict[str, t.Any]) -> bool:
    """Whether each certificate of the bundle is in the folder around it as well, as Debian's tool makes both.

    OpenSSL 3.0 takes 20 ms to read a whole bundle, half of what the rest of a probe takes near a relay; in a folder it
    looks up what it needs.
    """
    file, folder = store["file"], store["folder"]
    if not file or not folder or os.path.dirname(os.path.realpath(file)) != os.path.realpath(folder):
        return False
    try:
        missing = _certificate_texts(file)
        for name in os.listdir(folder):
            if _HASHED_NAME.match(name):
                missing -= _certificate_texts(os.path.join(folder, name))
    except OSError:
        return False
    return not missing


def _certificate_texts(path: str) -> set[bytes]:
    with open(path, "rb", 0) as file:
        return {part.partition(b"-----END")[0] for part in file.read().split(b"-----BEGIN")[1:]}


def on_this_host(path: str) -> str:
    """A path as this host means it: ~ and $VARIABLES of the user that probes."""
    return os.path.expanduser(os.path.expandvars(path))


def ca_subjects(path: str) -> list[str]:
    """The common names of the CAs in a file that has been loaded before."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=path)
    found: list[str] = []
    for ca in context.get_ca_certs():
        names: t.Any = ca.get("subject", ())
        found += [value for part in names for key, value in part if key == "commonName"]
    return found[:_CA_SUBJECTS_LIMIT]


def looks_like_tls(data: bytes) -> bool:
    """Whether bytes begin as what a TLS server says: a handshake or an alert of SSL 3 or later, and no echo of our ClientHello."""
    if len(data) > 5 and data[0] == _HANDSHAKE and data[5] == _CLIENT_HELLO:
        return False
    return len(data) > 0 and data[0] in (_HANDSHAKE, _ALERT) and (len(data) == 1 or data[1] == 3)
