# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Postfix with its own configuration, queue and users, which takes mail for everyone and delivers it to a maildir.

    with Postfix([Listener("implicit"), Listener("starttls")], certificate=issued, users={"app": "secret"}) as relay:
        relay.port("starttls")
        relay.messages()

Needs root and the packages that tools/install-relays installs. Several may run at once; each leaves nothing behind.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .pki import Issued
from .process import Missing, Process, free_ports, program

__all__ = ["Listener", "Postfix"]

# What a listener is asked for -> what smtpd is told.
_TLS = {
    "implicit": {"smtpd_tls_wrappermode": "yes", "smtpd_tls_security_level": "encrypt"},
    "starttls": {"smtpd_tls_security_level": "encrypt"},
    "opportunistic": {"smtpd_tls_security_level": "may"},
    "cleartext": {"smtpd_tls_security_level": "none"},
}

_SERVICES = """\
postlog   unix-dgram n - n - 1 postlogd
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 discard
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
virtual   unix  - n n - - virtual
anvil     unix  - - n - 1 anvil
dnsblog   unix  - - n - 0 dnsblog
tlsproxy  unix  - - n - 0 tlsproxy
"""

# The folders below queue_directory, and who owns them.
_POSTFIX_FOLDERS = (
    "active",
    "bounce",
    "corrupt",
    "defer",
    "deferred",
    "flush",
    "hold",
    "incoming",
    "private",
    "saved",
    "trace",
)


@dataclass
class Listener:
    """One port of a Postfix.

    tls            "implicit" (TLS from the first byte), "starttls" (required: 530 before it), "opportunistic", "cleartext"
    port           0: any; the true one stands here once the relay runs
    auth           offer AUTH
    tls_auth_only  AUTH only over TLS
    certificate    another one than the relay's
    options        smtpd parameters of this port alone
    greeting_delay seconds of silence before the greeting
    processes      how many smtpd at most; master's queue of connections is as long as default_process_limit all the same
    greet_wait     seconds that postscreen lets the client wait between `220-` and `220 `; one such port per relay
    """

    tls: str = "starttls"
    host: str = "127.0.0.1"
    port: int = 0
    auth: bool = True
    tls_auth_only: bool = True
    certificate: Issued | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    greeting_delay: int = 0
    processes: int | None = None
    greet_wait: int | None = None

    def parameters(self) -> dict[str, str]:
        """What this port's smtpd is told beyond main.cf."""
        own = dict(_TLS[self.tls])
        own["smtpd_sasl_auth_enable"] = "yes" if self.auth else "no"
        own["smtpd_tls_auth_only"] = "yes" if self.tls_auth_only and self.tls != "cleartext" else "no"
        if self.certificate:
            own["smtpd_tls_chain_files"] = str(self.certificate.both_file)
        if self.greeting_delay:
            own["smtpd_client_restrictions"] = f"sleep {self.greeting_delay}"
        own.update(self.options)
        return own


class Postfix:
    """A running Postfix; `host` and `port` are those of its first listener."""

    def __init__(
        self,
        listeners: Sequence[Listener],
        *,
        certificate: Issued | None = None,
        users: Mapping[str, str] | None = None,
        mechanisms: str = "PLAIN LOGIN CRAM-MD5",
        require_auth: bool = False,
        size_limit: int = 10240000,
        reject_senders: Mapping[str, str] | None = None,
        reject_recipients: Mapping[str, str] | None = None,
        tls_versions: str = ">=TLSv1",
        hostname: str = "relay.test",
        options: Mapping[str, str] | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        """Start it and wait until every port accepts.

        certificate        the relay's, unless a listener has its own
        users              name -> password ("app", or "app@example.com"); without users no AUTH is offered
        mechanisms         SASL mechanisms; SCRAM-SHA-256 and SCRAM-SHA-1 are known too
        require_auth       refuse MAIL without AUTH (530 5.7.0)
        size_limit         bytes, shown as SIZE
        reject_senders, reject_recipients   address -> reply, e.g. {"grey@example.com": "450 4.2.0 Greylisted"}
        tls_versions       as in smtpd_tls_protocols, e.g. ">=TLSv1.3" or "<=TLSv1.1"
        options            main.cf parameters that win over all of the above
        prefix             command that starts the relay elsewhere: ("ip", "netns", "exec", name)
        """
        if os.geteuid() != 0:
            raise Missing("Postfix needs root: run the tests with sudo")
        self.listeners = list(listeners)
        self.users = dict(users or {})
        self._choose_ports()
        # Postfix drops its privileges and has to get in, so this is no folder below pytest's 0700 ones.
        self.folder = Path(tempfile.mkdtemp(prefix="mailops-postfix-"))
        self.folder.chmod(0o755)
        try:
            self._make_folders()
            self._make_users()
            main = self._main(
                certificate,
                mechanisms,
                require_auth,
                size_limit,
                reject_senders or {},
                reject_recipients or {},
                tls_versions,
                hostname,
            )
            main.update(options or {})
            self._write_config(main)
            daemon = Path(main["daemon_directory"]) / "master"
            addresses = [(each.host, each.port) for each in self.listeners]
            self._process = Process(
                [daemon, "-c", self._etc, "-d"], self.folder / "output", addresses=addresses, prefix=prefix
            )
        except BaseException as error:
            if isinstance(error, RuntimeError):
                error.add_note(self.log())
            shutil.rmtree(self.folder)
            raise

    def __enter__(self) -> Postfix:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def host(self) -> str:
        """Address of the first listener."""
        return self.listeners[0].host

    def port(self, tls: str | None = None) -> int:
        """The port of the first listener, or of the first one of this kind."""
        return next(each.port for each in self.listeners if tls in (None, each.tls))

    def messages(self) -> list[str]:
        """What was delivered, oldest first."""
        files = sorted((self.folder / "mail" / "new").glob("*"), key=lambda path: path.stat().st_mtime_ns)
        return [path.read_text(errors="replace") for path in files]

    def wait_for_message(self, text: str = "", seconds: float = 10) -> str:
        """The first delivered message that contains `text`; raises TimeoutError with the log."""
        end = time.monotonic() + seconds
        while True:
            for message in self.messages():
                if text in message:
                    return message
            if time.monotonic() > end:
                raise TimeoutError(f"no message with {text!r}\n{self.log()}")
            time.sleep(0.05)

    def log(self) -> str:
        """Postfix's own log so far."""
        path = self.folder / "mail.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def close(self) -> None:
        """Stop every process and remove the folder."""
        # Once its children have gone, master only sleeps for a second.
        self._process.close(seconds=0.3)
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _etc(self) -> Path:
        return self.folder / "etc"

    def _choose_ports(self) -> None:
        for host in {each.host for each in self.listeners if not each.port}:
            wanted = [each for each in self.listeners if each.host == host and not each.port]
            for listener, port in zip(wanted, free_ports(len(wanted), host), strict=True):
                listener.port = port

    def _make_folders(self) -> None:
        postfix = pwd.getpwnam("postfix")
        nobody = pwd.getpwnam("nobody")
        queue = self.folder / "queue"
        self._etc.mkdir()
        queue.mkdir()
        (queue / "pid").mkdir()
        for name in (*_POSTFIX_FOLDERS, "public", "maildrop"):
            (queue / name).mkdir(mode=0o700)
            os.chown(queue / name, postfix.pw_uid, postfix.pw_gid)
        (self.folder / "data").mkdir(mode=0o700)
        os.chown(self.folder / "data", postfix.pw_uid, postfix.pw_gid)
        (self.folder / "mail").mkdir(mode=0o700)
        os.chown(self.folder / "mail", nobody.pw_uid, nobody.pw_gid)

    def _make_users(self) -> None:
        """A Cyrus SASL database: it keeps the passwords themselves, which CRAM-MD5 and SCRAM need."""
        if not self.users:
            return
        database = self.folder / "sasldb"
        tool = program("saslpasswd2")
        for user, password in self.users.items():
            name, _at, realm = user.partition("@")
            command = [tool, "-p", "-c", "-f", str(database), "-u", realm or "relay.test", name]
            subprocess.run(command, input=password.encode(), check=True, capture_output=True)
        os.chown(database, pwd.getpwnam("postfix").pw_uid, 0)
        database.chmod(0o600)

    def _main(
        self,
        certificate: Issued | None,
        mechanisms: str,
        require_auth: bool,
        size_limit: int,
        reject_senders: Mapping[str, str],
        reject_recipients: Mapping[str, str],
        tls_versions: str,
        hostname: str,
    ) -> dict[str, str]:
        libexec = subprocess.run(
            [program("postconf"), "-d", "-h", "daemon_directory"], capture_output=True, text=True, check=True
        ).stdout.strip()
        nobody = pwd.getpwnam("nobody")
        login = (
            "permit_sasl_authenticated, check_sender_access static:{530 5.7.0 Authentication required}"
            if require_auth
            else "permit"
        )
        main = {
            "compatibility_level": "3.6",
            "daemon_directory": libexec,
            "queue_directory": f"{self.folder}/queue",
            "data_directory": f"{self.folder}/data",
            "maillog_file": f"{self.folder}/mail.log",
            "maillog_file_prefixes": str(self.folder),
            "myhostname": hostname,
            "mydestination": "",
            "mynetworks": "192.0.2.255/32",  # nobody: 192.0.2.0/24 is for documentation
            "inet_interfaces": "all",
            "inet_protocols": "all",
            "alias_maps": "",
            "local_recipient_maps": "",
            "disable_dns_lookups": "yes",
            "smtpd_peername_lookup": "no",
            "smtputf8_enable": "no",
            "message_size_limit": str(size_limit),
            # Every domain is ours, every address has the same maildir.
            "virtual_mailbox_domains": "static:all",
            "virtual_mailbox_maps": "static:mail/",
            "virtual_mailbox_base": str(self.folder),
            "virtual_mailbox_limit": "0",
            "virtual_uid_maps": f"static:{nobody.pw_uid}",
            "virtual_gid_maps": f"static:{nobody.pw_gid}",
            "virtual_minimum_uid": "1",
            "smtpd_delay_reject": "no",
            "smtpd_relay_restrictions": "permit_auth_destination, reject",
            "smtpd_sender_restrictions": f"{_access('sender', reject_senders)}{login}",
            "smtpd_recipient_restrictions": f"{_access('recipient', reject_recipients)}permit",
            "smtpd_tls_protocols": tls_versions,
            "smtpd_tls_mandatory_protocols": tls_versions,
            # Old versions and weak keys are for the client to refuse.
            "smtpd_tls_ciphers": "high",
            "smtpd_tls_mandatory_ciphers": "high",
            "tls_high_cipherlist": "ALL:@SECLEVEL=0",
            "smtpd_tls_session_cache_database": "",
            "smtpd_tls_loglevel": "1",
            # Loopback is a client as any other; how many connections it may have is a test's own option.
            "smtpd_client_event_limit_exceptions": "",
            "smtpd_client_connection_count_limit": "0",
            # A wrong password is answered at once, and again and again.
            "smtpd_error_sleep_time": "0",
            "smtpd_soft_error_limit": "1000",
            "smtpd_hard_error_limit": "1000",
            "smtpd_junk_command_limit": "1000",
        }
        if self.users:
            # Debian's Postfix looks in the folder sasl beside main.cf, whatever the parameter says.
            sasl = self._etc / "sasl"
            sasl.mkdir()
            main |= {"smtpd_sasl_type": "cyrus", "smtpd_sasl_path": "smtpd", "cyrus_sasl_config_path": str(sasl)}
            main |= {"smtpd_sasl_local_domain": "relay.test", "smtpd_sasl_security_options": "noanonymous"}
            (sasl / "smtpd.conf").write_text(
                f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {self.folder}/sasldb\nmech_list: {mechanisms}\n"
            )
        if certificate:
            main["smtpd_tls_chain_files"] = str(certificate.both_file)
        return main

    def _write_config(self, main: dict[str, str]) -> None:
        services = [_SERVICES]
        for listener in self.listeners:
            address = f"[{listener.host}]:{listener.port}"
            parameters = listener.parameters()
            if not self.users:
                parameters["smtpd_sasl_auth_enable"] = "no"
            if listener.greet_wait is None:
                services.append(_service(address, f"inet n - n - {listener.processes or '-'} smtpd", parameters))
                continue
            own = {
                "postscreen_greet_wait": f"{listener.greet_wait}s",
                "postscreen_access_list": "",
                "postscreen_greet_ttl": "1s",
            }
            services.append(_service(address, "inet n - n - 1 postscreen", parameters | own))
            services.append(_service("smtpd", "pass - - n - - smtpd", parameters))
        (self._etc / "master.cf").write_text("".join(services))
        (self._etc / "main.cf").write_text("".join(f"{key} = {value}\n" for key, value in main.items()))
        # Postfix waits for a second before it reads a file that has just been written.
        for name in ("main.cf", "master.cf"):
            os.utime(self._etc / name, (0, 0))


def _access(kind: str, rules: Mapping[str, str]) -> str:
    if not rules:
        return ""
    table = ", ".join(f"{{ {address} = {reply} }}" for address, reply in rules.items())
    return f"check_{kind}_access inline:{{ {table} }}, "


def _service(address: str, what: str, parameters: Mapping[str, str]) -> str:
    return f"{address} {what}\n" + "".join(f"  -o {{ {key} = {value} }}\n" for key, value in parameters.items())
