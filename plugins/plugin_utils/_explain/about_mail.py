# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a line about mail? A log has lines of other services, which fail with the same words: "connection refused" by a database, say.

The evidence is asked for line by line: what only mail has (a command, a reply, a mail port, a library that sends
mail), words that mail shares with others, and what only another service has. The stronger side decides, and a line
without any evidence is not about mail.
"""

from __future__ import annotations

import re
import typing as t
from collections.abc import Set

from .word_index import words_of

__all__ = ("Topic", "announces", "may_be_mail", "topic")


class Topic(t.NamedTuple):
    """How much speaks for mail, and how much for another service."""

    mail: int
    other: int

    @property
    def is_mail(self) -> bool:
        """Evidence for mail, and more of it than for anything else."""
        return self.mail > self.other

    @property
    def is_other(self) -> bool:
        """A word or a port that only another service has, and less evidence for mail."""
        return self.other >= _SERVICE and self.other > self.mail


_HEAD = 120  # a program's name stands this near to the beginning of its line
_PROTOCOL, _FAILED, _SERVICE, _WORD, _HINT = 4, 3, 2, 2, 1

# What only SMTP and the programs that speak it have.
_PROTOCOL_WORDS = frozenset(
    "ehlo helo rcpt starttls nodemailer smtplib aiosmtplib phpmailer swiftmailer mailkit jakarta.mail lettre letre gomail bamboo swoosh postfix exim"
    " exim4 sendmail opensmtpd msmtp nullmailer ssmtp swaks mailpit smtpd eauth eenvelope smtptransport smtpclient actionmailer mutt".split()
)
_PROTOCOL_PARTS = (
    "greeting never received",
    "error: * ok [capability imap4",  # what no client of IMAP complains of
    "error * ok [capability imap4",
    "relay access denied",
    "gen_smtp",
    "gen smtp",
    "net::smtp",
    "javax.mail",
    "jakarta.mail",
    "com.sun.mail",
    "angus.mail",
    "missing_requirement",
    "missing requirement",
    "{:retries_exceeded",
    "{retries_exceeded",
    "{:network_failure",
    "{network_failure",
    "{:permanent_failure",
    "{:temporary_failure",
    "invalid login: 5",
    "message failed: 5",
    "mail command failed",
    "error sending mail command",
    "error response to rcpt",
    "swift_transportexception",
    "mailer\\exception",
    "mail.protocol",
    "twisted.mail",
    "mutt: ",
    "tls error on connection",
    "authenticator failed for",
    "rejected auth",
    "s-nail: ",
    "mail.mailutils: ",
    "0x800ccc",  # Outlook's numbers
    "actionmailer",
    "connection unexpectedly closed: ",  # smtplib
    "cannot start tls: ",  # Postfix
    "server -> client:",  # PHPMailer
    "client -> server:",
    "connection: failed to connect to server. error",  # PHPMailer
    "connection: closing due to error",
    "mail not sent",
    "closing transmission channel",  # RFC 5321's own sentences
    "requested mail action",
    "the server response was: ",  # .NET's SmtpException
    "invalid response code received from server",  # PEAR's Net_SMTP
    "horde_smtp",
    *(
        f"expected response code {quote}{code}" for quote in ("", '"') for code in (220, 235, 250, 334, 354)
    ),  # Swift and Symfony Mailer
    "error sending message in campaign",  # listmonk
)
# A command as Nodemailer hangs it on its errors.
_COMMAND = re.compile(r"\bcommand['\"]?\s?[:=]\s?['\"]?(?:conn|ehlo|helo|starttls|auth|mail from|rcpt to|data|api)\b")
_REPLY = re.compile(r"(?<![\d.])(?:4[2-5]|5[0-57])\d[ -]{1,2}[#\"(]{0,2}[45]\.\d{1,2}\.\d{1,3}(?![\d.])")
# Exim's id of a message, and what its main log has behind it.
_EXIM = re.compile(
    r"\b[0-9a-z]{6}-[0-9a-z]{6,11}-[0-9a-z]{2,4} (?:[=*<>-][=*>=] |h=|sender |tls |remote |smtp )"
    r"|\bdma\[[0-9a-f]{1,16}(?:\.[0-9a-f]{1,16})?\](?:\[\d{1,8}\])?: "  # dma's own
    r"|(?:==|\*\*) \S{1,200}@\S{1,200} (?:<\S{1,200}> )?r=\w"
)
# What .NET and providers' own logs leave of a reply.
_BARE_REPLY = re.compile(
    r"(?:(?:service|mailbox|transaction|authentication|insufficient|exceeded)[a-z]{4,30}: )?[45]\.[0-7]\.\d{1,3} [a-z<(]"
)
# A reply without an enhanced status code, behind what a client says: these codes no web server answers with.
_BEHIND_CODE = (
    r"(?:: |- |, |< |<- )(?:45[0245]|53[0458]|55[0-57])[ -](?:too many|requested|mailbox|sender|recipient|user|relay|try |temporar"
    r"|spam|auth|access|blocked|domain|invalid|no such|unknown|gr[ea]y ?list|rejected|denied|message|policy|incorrect auth|unauth"
    r"|bad (?:auth|user|recip|sender|helo)|must (?:auth|issue|have)|account|verif|sorry,|error: (?:auth|need|too|access))"
)
_CODE_AND_WORDS = re.compile(_BEHIND_CODE)
# Python's smtplib writes a reply as a pair.
_PAIR = re.compile(r"\((?:(?:4[2-5]|5[0-57])\d, b|(?:45[0-24]|53[045]|55[0-57]), u?)['\"]")


def _port(numbers: str) -> str:
    """One of these ports behind a host, an address, or the word port; a group of an IPv6 address is none."""
    host = r"(?:\d\.\d{1,3}|[a-z][a-z0-9-]*\.[a-z]{2,24}|localhost|\])(?::|,(?=\d{2,5}:)|,? port[ =:]{1,2})"
    group = r":[0-9a-f]{1,4}:"  # Node writes an address and a port so
    return rf"(?:{host}(?:{numbers})|{group}(?:{numbers})(?!\]))(?!\w|[:.]\d|::|:[0-9a-f]{{1,4}}[:\]])"


_MAIL_PORTS = "25|465|587|2465|2525|2587|1025"
_MAIL_PORT = re.compile(_port(_MAIL_PORTS) + r"|\bport['\"]?[ =:]{1,2}['\"]?(?:465|587|2465|2525|2587|25)\b")
# What a text with such a port has at least: quicker to look for.
_MAYBE_MAIL_PORT = re.compile(rf":(?:{_MAIL_PORTS})(?!\w)|port['\"]?[ =:]{{1,2}}['\"]?(?:{_MAIL_PORTS})(?!\w)")
_WORDS = frozenset("mailer smarthost submission stmp".split())
_HINT_PARTS = ("mail", "delivery failed", "recipients", "auth mechanism")
# A sentence that says that mail was to be sent.
_SENDING = re.compile(
    r"\bsend(?:ing)?\b(?: \w{1,12}){0,3} e?-?mails?\b|\bmail ?server\b(?![.-])|\boutgoing mail\b"
    r"|\be?-?mail (?:notification|alert|report|delivery|relay|test)\b"
)
# One that says that it did not come to that: more than the name of another service beside it.
_NOT_SENT = re.compile(
    r"\b(?:fail\w*|error|unable|cannot|could ?n[o']t|problem)\b(?: \w{1,12}){0,3} send(?:ing)?(?: \w{1,12}){0,2} e?-?mails?\b(?!-)"
    r"|e?-?mail[ _-]?send(?:ing)?[ _-]?(?:fail|error|exception)"
)
_HINT_WORDS = frozenset("greeting relay mx sasl".split())

# What only other services have.
_OTHER_WORDS = frozenset(
    "oidc openid saml ldap ldaps ldap3 kerberos webhook webhooks websocket websockets ws wss atom feed feeds postgres postgresql mysql mariadb redis"
    " valkey mongodb mongo sqlite elasticsearch opensearch influxdb rabbitmq amqp kafka mqtt nats memcached minio kubelet dockerd registry scraper scrape"
    " graphql grpc oauth upstream nginx traefik caddy acme letsencrypt monitor monitors heartbeat slack telegram discord gotify ntfy"
    " imaptls pop3tls managesieve sqlstate mongoose mongoserverselectionerror mongonetworkerror etcd consul telegraf grpcurl npm"
    " pip pypi httpsconnectionpool httpconnectionpool"
    " rsync rclone restic dhcpd dhclient dhcpdiscover vsftpd proftpd twilio stripe imapd pop3d jdbc odbc zookeeper cassandra clickhouse"
    " pushover imap imaps database db jwks sso wireguard tunnel sshd fetchmail getmail mbsync imapsync"
    " imaplib poplib offlineimap pop3s unbound dnsmasq icon icons dovecot certbot apache2 httpd haproxy nfs snmp poller"
    " ipsec sftp ftp dav caldav carddav favicon thumbnail matrix federation activitypub webfinger nntp usenet sabnzbd signaling stun"
    " radius radiusd freeradius mschap jdwp"
    # clients of HTTP
    " excon faraday httparty restclient typhoeus urllib3 aiohttp httpx axios axioserror guzzle guzzlehttp okhttp okhttp3 reqwest undici"
    " restsharp httprequestexception hackney httpoison"
    " freshclam chronyd ntpd indexer torznab jackett prowlarr openvpn hikari hikaripool pika amqpconnectionerror".split()
)
_OTHER_PARTS = (
    "well-known/",
    "type: http",
    "http status",
    *(
        "with status code",
        "response status code",
        *(f"status code{sep}{digit}" for sep in (" ", ": ", "=") for digit in "2345"),
    ),
    "identity provider",
    "discovery document",
    "session token",
    "email_verified",  # a claim of OpenID Connect
    "web socket",
    "push service",
    "_domainkey.",  # who checks a signature, not who sends
    "mint.transporterror",  # Elixir's client of HTTP
    "[client ",  # a web server's log
    # frames of clients of HTTP
    "net/http.rb",
    "http/client.py",
    "urllib/request.py",
    "net/http.(*client)",
    "_http_client",
    "java.net.http.",
    "protocol.http.httpurlconnection",
    "system.net.http.httpclient",
)
# A feed, and not the size of a process.
_RSS = re.compile(r"\brss\b(?![ =:]{1,2}\d)")
# Sentences that only another service writes.
_OTHER_SENTENCES = (
    "request to http",
    "password authentication failed for user",
    "access denied for user",
    "failed password for",
    "tls handshake error from",
    "ssl handshake with client",
    "unable to access 'http",
    "start operation timed out",
    "tls alert, close notify",  # an ordered end
    "a unix socket /",  # of a scanner or a helper, on the same machine
    "error sending alert",
    "user login failed",
    "via web form",
    "invalid password (from",
    # programs that read mail, name servers, monitors
    "incoming mail",
    "mailfetcher",
    "mail.imap",
    "mail.pop3",
    "imapstore",
    "pop3store",
    "imap server",
    "imap://",
    "imaps://",
    "pop://",
    "pops://",
    "pop3://",
    "pop3 server",
    "imap host",
    "imap connection",
    "imap4rev1 service ready",
    "read: * ok [capability imap4",
    "host1 failure: ",  # imapsync
    "host2 failure: ",
    "pop3 host",
    "mail store",
    "connect to mailbox",
    "query failed (",
    "became not supported",
    "dns request failed",
    # mail that goes by HTTP
    "graph.microsoft.com",
    "googleapis.com",
    "api.mailgun.net",
    "api.sendgrid.com",
    "api.brevo.com",
    "api.resend.com",
    "api.postmarkapp.com",
    "active checks",
    "probe failed",
    *(
        f"{what} {said}: " for what in ("host", "service") for said in ("notification", "alert")
    ),  # Nagios, of what it watches
    "postfix/dnsblog",
    # who checks what comes in
    "policyd-spf[",
    "policyd-spf: ",
    "opendkim[",
    "opendmarc[",
    # where packages come from, whatever they are called
    "pypi.org",
    "registry.npmjs.org",
    "packagist.org",
    "proxy.golang.org",
    "rubygems.org",
    "crates.io",
    "deb.debian.org",
    "failed to fetch http",
    "failed to pull image",
    ", realmid=",  # Keycloak's events
    "solving challenge",
    "dnsblog_query",
    "simpleemailservice::",
    "api.nodemailer.com",
    "unreachable! =>",  # Ansible, of a host that it cannot log in to
    " [preauth]",  # sshd, whose clients' ports may be any
)
_OTHER_PORTS = (
    "22|80|88|110|111|119|143|389|443|445|563|636|993|995|1433|1521|1883|2375|2376|3000|3128|3268|3306|3389|4222|5000|5432|5671|5672"
    "|6379|6443|8000|8006|8007|8080|8081|8086|8443|8883|9000|9090|9092|9093|9100|9103|9200|9300|11211|27017|50000"
)
_OTHER_PORT = re.compile(
    _port(_OTHER_PORTS) + rf"|\b(?:local|remote|and )?port['\"]?[ =:]{{1,3}}(?:{_OTHER_PORTS})(?!\w)"
)
_MAYBE_OTHER_PORT = re.compile(rf"[:,](?:{_OTHER_PORTS})(?!\w)|port['\"]?[ =:]{{1,3}}(?:{_OTHER_PORTS})(?!\w)")
# A request that a web app answered with an error, as its access log has it.
_ANSWERED = re.compile(r"\bmethod=(?:get|post|put|patch|delete|head)\b.{0,300}\bstatus=[45]\d\d\b")
# pflogsumm's table of what a relay refused, in the relay's words.
_STATISTICS = re.compile(
    r"\(total: \d{1,9}\)|\bper-(?:hour|day) traffic summary\b|\b(?:message reject|bounce|deferral) detail\b"
)
# Who reads mail, and does not send it.
_READS_MAIL = re.compile(r"\b(?:fetch|search|retriev|download|poll)\w*(?: \w{1,12}){0,2} e?-?mail(?:s|box|boxes)?\b")
# What is asked about a domain before mail goes there, by DNS and HTTP: without an answer it goes as ever.
_ASKS_FOR_POLICY = re.compile(
    r"\b(?:fetch|retriev|look(?:ing)? ?up)\w* .{0,20}\b(?:tlsa record|mta-?sts policy|bimi|dmarc record)"
)
# A dialogue of IMAP, whose lines have tags.
_IMAP_DIALOGUE = re.compile(r"\b(?:s: (?:\* (?:ok|capability|bye) |a\d{3,5} (?:ok|no|bad) )|c: a\d{3,5} )")
# The commands of IMAP, as Python's client puts them in front of its errors.
_IMAP_COMMAND = re.compile(r"\bcommand: (?:login|select|examine|search|fetch|store|append|uid|idle|authenticate) =>")
# "mailer.go:443:12" is a place in a program, 10:22:25 a time: neither has a port.
_NO_PORT = re.compile(r"\b\d{1,2}:\d\d:\d\d\b|\.(?:go|js|mjs|cjs|ts|py|rb|php|java|kt|rs|ex|exs|erl|c|cc|cpp|cs|h):\d+")
_URL = re.compile(r"\b(?:https?|wss?|ldaps?|redis|postgres(?:ql)?|mysql|mongodb|amqps?|ftp)://")
# What was asked for there, and not an address for further reading.
_FETCHED = re.compile(
    r"\b(?:to|from|fetch|fetching|get|post|put|access|request|requesting|url|call|calling|loading|load|open|opening|of|for|reach|reaching)"
    r"\W{1,3}https?://"
)
_FURTHER_READING = re.compile(
    r"\b(?:see|at|more|information|info|details|visit|help|docs|documentation|faq|read|refer to|go to)(?: (?:here|in|at|on|from))?\W{1,3}https?://\S{1,300}"
)
# Programs that have nothing to do with sending, by the name in front of their lines.
_DAEMON = re.compile(
    r"(?:^|[\s\]>])(?:named|unbound|coredns|dnsmasq|kresd|pdns(?:_recursor)?|systemd-resolved|opendkim|opendmarc|(?:py)?policyd-spf|openarc"
    r"|sudo|su|polkitd|kubelet|containerd|etcd|vault|mosquitto|wpa_supplicant|charon|cupsd?|slapd|sssd(?:\[be)?|prosody|ejabberd|kamailio"
    r"|tor|bitcoind|ffmpeg|ntpd|snmpd|smbd|winbindd|pure-ftpd|lftp|clamd|spamd)(?:\[[^\]]{1,30}\]+(?: \w{1,8})?)?: "
    r"|\bplugin/errors: |\bpam_\w{2,10}\((?!smtp|postfix|exim|sendmail)"
)
# A page or a file on another server: its name says nothing of the line.
_LINK = re.compile(r"\b(?:https?|git|ftp|oci)://[^\s\"'<>]{1,1000}")
# A web server's answer: no reply of SMTP begins so.
_HTTP_STATUS = re.compile(r"\b(?:code|status)['\"]?[=:] ?40\d\b")
# What a web app answers its own client, in JSON.
_WEB_ANSWER = re.compile(
    r"['\"]status['\"]: ?[45]\d\d\b.{0,40}['\"]error['\"]: ?['\"](?:bad|not|internal|service|un|for)"
)
_REQUEST = re.compile(
    r"\b(?:get|post|put|patch|delete|head|options) /|\bmethod=(?:get|post|put|patch|delete)\b"
    r"|\b(?:path|uri|url|route)[\"']?\s?[=:]\s?[\"']?/"
)
# An address says nothing of the line, nor does a field with that name: "login failed for email=a@mail.example.com",
# but "failed to send email: ..." is no field.
_ADDRESS = re.compile(
    r"[\w.+-]{1,64}@[\w.-]{1,255}|\bmail(?:admin|user|adm|_?contacts?)\b|\bmail(?:host|server|srv)?-?\d{1,3}\b|/var/v?mail\b"
    r"|(?<!send )(?<!sending )(?<!\ban )(?<!send test )(?<!deliver )(?<!delivering )\be-?mail['\"]?\s?[:=]"
)
_MAYBE_ADDRESS = re.compile(r"@|mail(?:ad|us|_?c)|/var/|mail(?:host|server|srv)?-?\d|mail['\"]?\s?[:=]")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9a-f]{1,4}:{1,2}){3,7}[0-9a-f]{1,4}(?!\w)")
_OWN_DOMAIN = re.compile(
    r"(?<=[a-z0-9]\.)[a-z0-9-]{1,63}\.(?:com|org|net|test|example|local|internal|lan|corp|cloud|dev|app|invalid|[a-z]{2})\b"
    r"(?![.(\\]\w|::)"
)
_HEX = re.compile("[0-9a-f]{1,4}")
# A sentence that says that mail failed, and leaves the reason to the next line.
_ANNOUNCES = re.compile(
    r"(?:fail|error|unable|cannot|can't|could ?n[o']t|problem|exception|while)\w*\b.{0,60}\b(?:send|sent|submit|deliver|notif|e?-?mail)(?![\w-]*\.\w)"
    r"|(?:mail|message|notification)\w*\b(?![\w-]*\.\w).{0,60}\b(?:fail|error|not sent|could not|cannot|exception|problem)"
    r"|connecting to (?:the |remote )?(?:smtp|mail) ?server"
)


# What stands in every text that has any evidence for mail, whatever its spaces and line ends.
_NEEDED = tuple(
    "campaign mail smtp port command relay mx sasl recipients greeting submission smarthost exim postfix ehlo helo rcpt starttls missing"
    " retries_exceeded network_failure permanent_failure temporary_failure invalid message swift mutt lettre bamboo swoosh swaks eauth"
    " eenvelope nail 0x800ccc authenticator letre".split()
    + [" == ", " ** ", " h=", "connection unexpectedly", "tls error on", "rejected auth"]
    + [
        "stmp",
        "delivery failed",
        "cannot start tls",
        "the server response was: ",
        "connection: failed",
        "connection: closing",
        "expected response code ",
        "auth mechanism",
        "dma[",
        "-> client:",
        "-> server:",
    ]
)
_BEHIND = r"(?:\s*-\s*|\s+|, b)[#\"\u201c\u201d(\\]{0,3}(?:[45]\.|['\"\u2018\u2019\u201c\u201d\\])"
_NEEDED_NUMBER = re.compile(
    rf"\A\s{{0,40}}(?:\w{{8,50}}: )?[45]\.[0-7]\.\d|:(?:25|465|587|2465|2525|2587|1025)(?!\d)|4[2-5]\d{_BEHIND}|5[0-57]\d{_BEHIND}|{_BEHIND_CODE}"
)


def may_be_mail(text: str) -> bool:
    """Whether the text can have any evidence for mail at all: cheap, and never false where ``topic`` finds some."""
    low = text.lower()
    return any(map(low.__contains__, _NEEDED)) or _NEEDED_NUMBER.search(low) is not None


def topic(low: str, words: Set[str]) -> Topic:
    """What a text is about. Takes it on one line in lower case, and its words."""
    if ("total: " in low or " detail" in low or "summary" in low) and _STATISTICS.search(low):
        return Topic(0, _PROTOCOL)
    other = _for_other(low, words)
    # A reply names a page to read as well, which is the relay's.
    if "://" in low and not _FURTHER_READING.search(low) and (links := _LINK.findall(low)):
        low = _LINK.sub(" ", low)
        words = words - (words_of(" ".join(links)) - words_of(low))
    return Topic(_for_mail(low, words), other)


def _has_port(low: str, maybe: re.Pattern[str], port: re.Pattern[str]) -> bool:
    return maybe.search(low) is not None and port.search(_NO_PORT.sub(" ", low)) is not None


def announces(low: str) -> bool:
    """Does the line say that mail failed, so that the reason may stand in the next one?"""
    return bool(_ANNOUNCES.search(low))


def _for_mail(low: str, words: Set[str]) -> int:
    found = 0
    if (
        not words.isdisjoint(_PROTOCOL_WORDS)
        or any(map(low.__contains__, _PROTOCOL_PARTS))
        or ("command" in low and _COMMAND.search(low))
        or _REPLY.search(low)
        or _BARE_REPLY.match(low)
        or _EXIM.search(low)
        or _PAIR.search(low)
    ):
        found += _PROTOCOL
    if _has_port(low, _MAYBE_MAIL_PORT, _MAIL_PORT):
        found += _PROTOCOL
    bare = _ADDRESS.sub(" ", low) if "mail" in low and _MAYBE_ADDRESS.search(low) else low
    if not found and _CODE_AND_WORDS.search(low):
        found += _WORD
    if "smtp" in low or not words.isdisjoint(_WORDS):
        found += _WORD
    if not words.isdisjoint(_HINT_WORDS) or any(map(bare.__contains__, _HINT_PARTS)):
        found += _FAILED if _NOT_SENT.search(bare) else _WORD if _SENDING.search(bare) else _HINT
    return found


def _for_other(low: str, words: Set[str]) -> int:
    found = 0
    if _names_another(low, words) or any(map(low.__contains__, _OTHER_PARTS)):
        found += _SERVICE
    found += _PROTOCOL * (
        sum(map(low.__contains__, _OTHER_SENTENCES))
        + bool("mail" in low and _READS_MAIL.search(low))
        + bool(_ASKS_FOR_POLICY.search(low))
    )
    if _DAEMON.search(low[:_HEAD]):
        found += _FAILED
    if _has_port(low, _MAYBE_OTHER_PORT, _OTHER_PORT):
        found += _SERVICE
    if (": " in low) and _IMAP_DIALOGUE.search(low):
        found += _PROTOCOL
    if (
        ("status" in low and (_WEB_ANSWER.search(low) or _ANSWERED.search(low)))
        or ("40" in low and _HTTP_STATUS.search(low))
        or ("command: " in low and _IMAP_COMMAND.search(low))
    ):
        found += _SERVICE
    asked = _FURTHER_READING.sub(" ", low) if "://" in low else ""
    if asked and _FETCHED.search(asked):
        found += _SERVICE
    elif (asked and _URL.search(asked)) or (("/" in low) and _REQUEST.search(low)):
        found += _HINT
    return found


def _tokens(low: str) -> set[str]:
    return set(re.findall(r"[a-z0-9]+", low))


def _names_another(low: str, words: Set[str]) -> bool:
    named = words & _OTHER_WORDS
    if named and "." in low:
        # A domain may be called as a service is: mx.matrix.org, but ldap.example.com.
        named = named - (_tokens(low) - _tokens(_OWN_DOMAIN.sub(" ", low)))
    if named and all(_HEX.fullmatch(word) for word in named):
        # "feed" and "db8" are groups of an IPv6 address as well.
        named = named - (_tokens(low) - _tokens(_IPV6.sub(" ", low)))
    return bool(named) or ("rss" in words and _RSS.search(low) is not None)
