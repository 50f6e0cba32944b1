# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What real clients print against servers that have the fault is explained as that fault.

The texts come from the clients as they are installed here, so a new version with new words shows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest
from ansible_collections.mailops.smtp.plugins.plugin_utils._explain.log import explain

from tests.support.batch import Batch
from tests.support.faulty import FaultyServer, FullBacklog, full_backlog, honest, smtp
from tests.support.mail_faults import FAULTS, MESSAGE, WRONG_PASSWORD, Way
from tests.support.pki import Pki
from tests.support.process import BUILD, Missing, free_ports, program

# Clients: what they print on both channels


def run(command: list[str], text: str = "", **environment: str) -> str:
    try:
        done = subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=8,
            check=False,
            env={**os.environ, **environment},
        )
    except subprocess.TimeoutExpired as error:
        return f"{error.stdout or ''}{error.stderr or ''}"
    return done.stdout + done.stderr


PYTHON = """
import smtplib, ssl, sys
host, port, mode, ca_file, seconds, user, password = sys.argv[1:]
context = ssl.create_default_context(cafile=ca_file)
if mode == "implicit":
    client = smtplib.SMTP_SSL(host, int(port), timeout=float(seconds), context=context)
else:
    client = smtplib.SMTP(host, int(port), timeout=float(seconds))
    if mode == "starttls":
        client.starttls(context=context)
if user:
    client.login(user, password)
client.sendmail("a@example.com", ["b@example.org"], "Subject: test\\r\\n\\r\\ntest\\r\\n")
"""

NODEMAILER = """
const [host, port, mode, caFile, seconds, user, pass] = process.argv.slice(1);
const transport = require('nodemailer').createTransport({
  host, port: +port, secure: mode === 'implicit', requireTLS: mode === 'starttls', ignoreTLS: mode === 'cleartext',
  connectionTimeout: 1000 * seconds, greetingTimeout: 1000 * seconds, auth: user ? {user, pass} : undefined, tls: {ca: require('fs').readFileSync(caFile)}
});
transport.sendMail({from: 'a@example.com', to: 'b@example.org', subject: 'test', text: 'test'}).catch(error => console.error(error));
"""


def arguments(way: Way) -> list[str]:
    return [way.host, str(way.port), way.mode, way.ca_file, str(way.seconds), way.user, WRONG_PASSWORD]


def python(way: Way) -> str:
    return run([*way.within, sys.executable, "-c", PYTHON, *arguments(way)])


def nodemailer(way: Way) -> str:
    modules = BUILD / "nodemailer" / "node_modules"
    if not modules.is_dir():
        raise Missing("nodemailer is not installed: run tools/install-relays as root")
    return run([*way.within, program("node"), "-e", NODEMAILER, *arguments(way)], NODE_PATH=str(modules))


def curl(way: Way) -> str:
    command = [
        *way.within,
        program("curl"),
        "--silent",
        "--show-error",
        "--max-time",
        str(way.seconds + 1),
        "--connect-timeout",
        str(way.seconds),
    ]
    command += ["--cacert", way.ca_file, f"{'smtps' if way.mode == 'implicit' else 'smtp'}://{way.host}:{way.port}"]
    command += [
        *(["--ssl-reqd"] if way.mode == "starttls" else []),
        *(["--user", f"{way.user}:{WRONG_PASSWORD}"] if way.user else []),
    ]
    return run(
        [*command, "--mail-from", "a@example.com", "--mail-rcpt", "b@example.org", "--upload-file", "-"], MESSAGE
    )


def swaks(way: Way) -> str:
    command = [
        *way.within,
        program("swaks"),
        "--server",
        way.host,
        "--port",
        str(way.port),
        "--timeout",
        str(way.seconds),
    ]
    command += ["--from", "a@example.com", "--to", "b@example.org", "--tls-verify", "--tls-ca-path", way.ca_file]
    command += {"implicit": ["--tlsc"], "starttls": ["--tls"], "cleartext": []}[way.mode]
    return run(
        [
            *command,
            *(["--auth", "PLAIN", "--auth-user", way.user, "--auth-password", WRONG_PASSWORD] if way.user else []),
        ]
    )


def openssl(way: Way) -> str:
    command = [
        *way.within,
        program("openssl"),
        "s_client",
        "-brief",
        "-connect",
        f"{way.host}:{way.port}",
        "-CAfile",
        way.ca_file,
    ]
    command += [
        "-verify_return_error",
        "-verify_hostname",
        way.host,
        *(["-starttls", "smtp"] if way.mode == "starttls" else []),
    ]
    return run(command, "QUIT\r\n")


CLIENTS: dict[str, Callable[[Way], str]] = {
    "python": python,
    "nodemailer": nodemailer,
    "curl": curl,
    "swaks": swaks,
    "openssl": openssl,
}
ALL = frozenset(CLIENTS)
SPEAK_SMTP = ALL - {"openssl"}
# swaks does not compare the name; it and openssl have no timer over the handshake; curl says only "weird server reply".
CANNOT_TELL = {"wrong name": {"swaks"}, "handshake stalls": {"swaks", "openssl"}, "message refused": {"curl"}}


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


def check(texts: dict[str, str], causes: tuple[str, ...]) -> None:
    """No text is explained as anything else; where a text leaves it open, the true cause is among the candidates."""
    wrong = []
    for client, text in texts.items():
        result = explain(text)
        open_to = {each["cause"] for each in result["candidates"]} if result["confidence"] != "certain" else set()
        if result["cause"] not in causes and not open_to & set(causes):
            wrong.append(f"{client}: {result['cause']} ({result['confidence']}) for {text!r}")
        assert WRONG_PASSWORD not in json.dumps(result)
    assert not wrong, "\n".join(wrong)


def ask(clients: frozenset[str], way: Way) -> dict[str, str]:
    names = sorted(clients)
    with ThreadPoolExecutor(len(names)) as pool:
        return dict(zip(names, pool.map(lambda name: CLIENTS[name](way), names)))


@pytest.mark.parametrize("name", FAULTS)
def test_every_client_is_understood(name: str, pki: Pki) -> None:
    fault = FAULTS[name]
    clients = (ALL if fault.in_tls else SPEAK_SMTP) - CANNOT_TELL.get(name, set())
    with FaultyServer(fault.behaviour(pki)) as server:
        texts = ask(clients, Way(server.port, fault.mode, str(pki.ca_file), fault.user))
    check(texts, fault.causes)


@contextmanager
def nothing_listens() -> Iterator[FullBacklog]:
    yield FullBacklog("127.0.0.1", free_ports(1)[0])


@pytest.mark.parametrize(
    ("place", "cause", "clients"),
    [(full_backlog, "connection_timeout", SPEAK_SMTP), (nothing_listens, "connection_refused", ALL)],
    ids=["no answer to SYN", "nothing listens"],
)
def test_no_connection(
    place: Callable[[], AbstractContextManager[FullBacklog]], cause: str, clients: frozenset[str], pki: Pki
) -> None:
    with place() as where:
        check(ask(clients, Way(where.port, "cleartext", str(pki.ca_file))), (cause,))


# A network of the client's own: one neighbour that never answers, one address without a route, one that is prohibited. The kernel gives up
# after 3 s, before the clients do: it is the kernel's error that they print, and curl prints none of it.
NETWORK = """
ip link set lo up
ip link add name near type veth peer name far
ip link set near up
ip link set far up
ip address add 192.0.2.1/24 dev near
ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev near
ip route add unreachable 198.51.100.1
ip route add prohibit 198.51.100.2
sysctl -qw net.ipv4.tcp_syn_retries=1
exec "$@"
"""


@pytest.mark.parametrize(
    ("address", "cause"),
    [
        ("192.0.2.2", "connection_timeout"),
        ("198.51.100.1", "no_route"),
        ("198.51.100.2", "connection_blocked"),
        ("203.0.113.1", "no_route"),
        ("127.0.0.1", "connection_refused"),
    ],
    ids=["no answer", "host unreachable", "prohibited", "network unreachable", "refused"],
)
def test_the_kernel_gives_up_before_the_client(address: str, cause: str, pki: Pki) -> None:
    within = ("unshare", "--net", "sh", "-ec", NETWORK, "sh")
    check(ask(ALL, Way(465, "cleartext", str(pki.ca_file), host=address, seconds=6, within=within)), (cause,))


def test_a_healthy_session_has_no_cause(pki: Pki, tmp_path: Path) -> None:
    with FaultyServer(smtp(starttls=honest(pki.issue()))) as server:
        texts = ask(SPEAK_SMTP, Way(server.port, "starttls", str(pki.ca_file)))
    assert {client: explain(text)["cause"] for client, text in texts.items()} == dict.fromkeys(texts)


# What goes wrong only when a message is sent is smtp_send's.
BEFORE_THE_MESSAGE = [
    name
    for name, fault in FAULTS.items()
    if not {"sender_rejected", "recipient_rejected", "temporarily_rejected", "message_rejected"} & set(fault.causes)
]


def test_the_probe_gives_the_same_codes(pki: Pki, tmp_path: Path) -> None:
    security = {"implicit": "implicit_tls"}
    with ExitStack() as stack:
        endpoints = []
        for name in BEFORE_THE_MESSAGE:
            fault = FAULTS[name]
            server = stack.enter_context(FaultyServer(fault.behaviour(pki)))
            login = {"username": fault.user, "password": WRONG_PASSWORD} if fault.user else {}
            endpoints.append({"port": server.port, "security": security.get(fault.mode, fault.mode), **login})
        batch = Batch(tmp_path / "run", {})
        batch.add(
            "probed",
            "mailops.smtp.smtp_endpoint_info",
            host="localhost",
            ca_path=str(pki.ca_file),
            timeout=4,
            check_credentials=True,
            endpoints=endpoints,
        )
        batch.run()
    probes = batch["probed"]["probes"]
    wrong = {
        name: probe["cause"]
        for name, probe in zip(BEFORE_THE_MESSAGE, probes)
        if probe["cause"] not in FAULTS[name].causes
    }
    assert not wrong
