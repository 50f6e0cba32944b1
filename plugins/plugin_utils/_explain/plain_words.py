# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a program that nobody knows says in its own sentence: what it speaks of (a certificate, a login, a name), and what became of it.

Asked only where no known text and no reply says more, and never more than likely. The first row that fits counts.
To add one, add a row.
"""

from __future__ import annotations

import re
import typing as t

from .refusals import Meaning

__all__ = ("plain_words", "sends_off")

_NOT = r"(?:not|never|cannot|unable to|fail(?:ed|s|ure)?(?: to)?|error|unsuccessful\w*|impossible|problem)"
_BAD = (
    r"(?:wrong|bad|invalid|incorrect|unknown|rejected|refused|denied|declined|locked|disabled|unaccepted|unauthori[sz]ed"
    r"|not (?:accepted|allowed|permitted|valid|correct|known))"
)
_WENT_WRONG = r"(?:fail\w*|error|unsuccessful\w*|problem|could not|cannot|rejected|refused|denied|aborted|not (?:successful|possible|be))"
_HAVE = r"(?:support|offer|provide|have|advertise|announce|allow)\w*"
_TLS = r"(?:starttls|tls|ssl|encryption|(?:secure|encrypted) connections?)"
_MECHANISM = r"(?:plain|login|cram md5|digest md5|ntlm|xoauth2|oauthbearer|gssapi|scram)"
_TIMED_OUT = r"(?:(?:time[ds]? ?out|timeout)(?! ?[=:]| \d)|took too long|no time left)"  # and not a limit that is set


class _Row(t.NamedTuple):
    words: re.Pattern[str]
    meaning: Meaning


def _row(cause: str, words: str, also: tuple[str, ...] = (), variant: str = "", confidence: str = "likely") -> _Row:
    return _Row(re.compile(words), Meaning(cause, variant, confidence, also))


_CERTIFICATE = "certificate_untrusted"
_OTHER_CERTIFICATES = (
    "certificate_self_signed",
    "certificate_chain_incomplete",
    "certificate_name_mismatch",
    "certificate_expired",
)

# What a program must be told before it can send, and how it says that it was not.
_NEEDS = (
    r"(?:(?:smtp|mail|e ?mail|valid|auth\w*|login|envelope|message|source|destination|default|the|a|an|any|one) ){0,3}"
    r"(?:sender|from|mail from|recipients?|receivers?|to|rcpt to|addressee|host ?name|host|server|relay|port|user ?name|user|login|password|secret"
    r"|credentials?|access token)(?: (?:address(?:es)?|headers?|name|info\w*))?"
)
_UNSET = (
    r"(?:is |was |are )?(?:cannot be empty|must not be empty|may not be empty|empty|blank|undefined|absent|required|missing|null"
    r"|not (?:been )?(?:set|given|provided|supplied|specified|configured|defined))"
)

_ROWS: tuple[_Row, ...] = (
    _row(
        "invalid_settings",
        rf"\bmissing {_NEEDS}(?![\w ]* in\b)(?:\W|$)|\bmissing (?:source|destination) address\b"
        rf"|\bat least one {_NEEDS}\b(?!.{{0,30}}\b(?:rejected|failed|refused)\b)"
        rf"|\bnot have (?:a |any )?(?:valid )?(?:sender|recipients?)\b|\bfrom\W? field is absent\b"
        r"|\bmissing domain or user\b|\bno (?:sender|recipient|credentials?)(?: address(?:es)?| headers?)?(?: (?:supplied|provided|found))?\W*$"
        rf"|(?:^|[^\w ] ?)(?:the |an? )?{_NEEDS} {_UNSET}\b|\bno (?:\w+ )?credentials (?:supplied|provided|configured|given|found)\b"
        r"|\bhas no (?:from|to|sender|recipient) address|\binvalid as an? (?:e ?)?mail address|\bnot a valid e ?mail address"
        r"|\bneeds a (?:password|user ?name)\b|\bwith no \W?from\W? header|\bno (?:envelope )?from address\b"
        r"|\bmust (?:include|assign|specify|provide|set) (?:an? |at least one )?(?:smtp |to |from )?(?:recipients?|user ?name|sender|credentials|author)\b"
        r"|\b(?:must not|cannot|may not|can not) contain (?:a )?(?:cr|lf|new ?lines?|line breaks?)\b|\bcontain(?:s|ed) (?:prohibited )?(?:line breaks|newline)"
        r"|\bmust have (?:an? |at least one )?\W?(?:from|to|sender|recipient)\b"
        r"|\boptions? are not compatible\b|\bare mutually exclusive\b|\balready using (?:tls|ssl)\b"
        r"|\b(?:nonnumeric|non numeric|unknown|invalid) port\b|\btimeout cannot be\b|\bno hosts set\b|\bempty hosts setting\b"
        r"|\bmust have no more than user read\b|\b(?:io ?handler|ssl library) is required\b|\bneed sasl mechanisms\b"
        r"|\binvalid (?:helo|ehlo|tls name|e ?mail (?:domain|user|address))\b.{0,12}(?:\bvalue\b|\bprovided\b|\W|$)|\bno angle addr\b",
    ),
    # A file of the program's own, which is not what it holds
    _row(
        "invalid_settings",
        r"\b(?:cannot|could not|unable to|failed to|error) (?:read|load|open|opening|reading|loading|find)(?!.{0,20}\blog\b)(?: \S+){0,3}?"
        r" (?:file|bundle|keyring)\b.{0,80}\b(?:permission denied|no such file|not (?:found|exist)|is a directory)\b",
    ),
    # Certificates
    _row(
        "client_certificate_required",
        r"client cert\w*.{0,40}\b(?:required|requested|needed|missing|expected)\b"
        r"|\b(?:requests?|requested|requires?|wants|demands|expects) (?:an? )?client cert",
    ),
    _row(
        "certificate_expired",
        r"\bcert\w*\b.{0,60}\b(?:expired|outdated|ended|no longer valid)\b|\bexpired\b.{0,30}\bcert",
        ("certificate_not_yet_valid",),
    ),
    _row("certificate_not_yet_valid", r"\bcert\w*\b.{0,60}\b(?:not yet valid|in the future|not valid (?:yet|before))"),
    _row("certificate_self_signed", r"\bcert\w*\b.{0,60}\bself.?signed|\bself.?signed\b.{0,30}\bcert", (_CERTIFICATE,)),
    _row(
        "certificate_name_mismatch",
        r"\bcert\w*\b.{0,90}(?:\bname\b.{0,50}\b(?:match|mismatch)|\bmismatch\b|\bmatch\b.{0,30}\bname)"
        r"|\bcert\w*\b.{0,30}\b(?:for|to|belongs to) (?:an?other|a different|the wrong|some other) (?:host|name|server|domain)"
        r"|\bname\b.{0,30}\bcert\w*\b.{0,60}\b(?:match|mismatch)|\bname\b.{0,20}\bnot match (?:the |its )?cert",
    ),
    _row(
        _CERTIFICATE,
        r"\bcert\w*\b.{0,60}(?:\b(?:un|not )(?:trusted|verified|valid\b|known)|\bbe (?:verified|validated|trusted)|\b(?:verif|valid)\w*.{0,12}"
        rf"{_WENT_WRONG}|\binvalid\b|\b(?:rejected|refused|not accepted)\b)"
        r"|\b(?:untrusted|invalid|bad|unverified|unknown) (?:\w+ ){0,2}cert"
        r"|\b(?:issuer|authority|ca)\b.{0,30}\b(?:not trusted|unknown|untrusted)",
        _OTHER_CERTIFICATES,
    ),
    # TLS
    _row(
        "auth_requires_tls",
        r"\b(?:unencrypted|insecure|unsecured?|plain ?text|clear ?text)\b.{0,30}\b(?:auth|password|login|credential)"
        r"|\b(?:password|credential|login|auth)\w*\b.{0,40}\b(?:unencrypted|insecure|unsecured|clear ?text)\b"
        rf"|\b(?:requires?|needs?|demands?) (?:an? )?{_TLS}.{{0,30}}\b(?:auth|log|send)"
        rf"|\b{_TLS} (?:is )?(?:required|needed) (?:before|for|to) (?:auth|log)"
        rf"|\b(?:auth|login|log in|password|authentication)\b.{{0,40}}\bwithout {_TLS}\b",
    ),
    _row(
        "tls_version_unsupported",
        r"\b(?:tls|ssl)\b.{0,20}\bversions?\b.{0,30}\b(?:un|not )(?:supported|accepted|allowed|available)"
        r"|\b(?:tls|ssl)\b.{0,20}\bversions?\b.{0,20}\bmismatch"
        r"|\bonly supports? (?:tls|ssl) ?v?\d|\bno (?:\w+ ){0,2}(?:tls|ssl|protocol)(?: protocol)? versions?\b",
        ("tls_handshake_failed",),
    ),
    _row(
        "mode_mismatch",
        rf"\b(?:plain ?text|clear ?text|plain|unencrypted)\b.{{0,40}}\b(?:instead of|rather than|expected)\b.{{0,20}}\b{_TLS}"
        rf"|\b(?:plain|clear) ?(?:text)?\b.{{0,30}}\b{_TLS} (?:was |is )?expected"
        rf"|\bexpected {_TLS}\b.{{0,30}}\b(?:plain|clear)|\bnot (?:speak|use|understand|talk) (?:tls|ssl)\b",
        ("not_smtp",),
        "cleartext_spoken",
    ),
    _row(
        "starttls_not_offered",
        rf"\b{_TLS}\b.{{0,20}}\bbut\b.{{0,40}}\b(?:not|no)\b|\bnot {_HAVE} (?:any |the )?{_TLS}\b|\b{_HAVE} no {_TLS}\b"
        r"|\b(?:starttls|encryption|secure connections?)\b (?:is |was |are )?(?:un|not )(?:supported|available|offered|provided)",
        ("starttls_rejected",),
    ),
    _row("starttls_rejected", r"\b[45]\d\d (?:to|for|after|on) starttls\b", ("starttls_not_offered",)),
    _row(
        "tls_handshake_timeout",
        rf"\b(?:handshake|tls|ssl)\b.{{0,30}}\b{_TIMED_OUT}|\b{_TIMED_OUT}\b.{{0,30}}\b(?:handshake|tls|ssl)\b",
    ),
    _row(
        "tls_handshake_failed",
        rf"\b(?:handshake|tls|ssl|secure (?:connection|channel|session)|encrypted connection)\b.{{0,40}}\b{_WENT_WRONG}"
        r"|\b(?:could not|cannot|unable to|failed to) (?:establish|create|open|negotiate|set ?up|initiali[sz]e|start)"
        r" (?:an? |the )?(?:secure|encrypted|tls|ssl)\b",
        ("certificate_untrusted", "mode_mismatch"),
    ),
    # Login
    _row(
        "auth_mechanism_not_offered",
        rf"\b(?:auth\w*"
        rf"|login|sasl) (?:type|method|mechanism)s?\b.{{0,40}}\b(?:un|not )(?:supported|available|offered|accepted|allowed|known|recogni[sz]ed)"
        rf"|\bnot {_HAVE} (?:the )?{_MECHANISM}\b|\bnone of (?:the|our|its|my)\b.{{0,40}}\b(?:method|mechanism)s?\b"
        r"|\bno (?:\w+ ){0,2}(?:auth\w*|login|sasl) (?:method|mechanism|type)s?\b",
        ("auth_not_offered",),
    ),
    _row(
        "auth_not_offered",
        r"\b(?:authentication|auth|logins?)\b (?:is |was |are )?(?:un|not )(?:supported|available|offered|enabled|advertised)"
        rf"|\bno (?:smtp )?(?:authentication|auth|login) (?:enabled|offered|available|supported|advertised)"
        rf"|\bnot {_HAVE} (?:smtp )?(?:authentication|auth|logins?)\b|\bhas no (?:authentication|auth|logins?)\b",
        ("auth_requires_tls",),
    ),
    _row(
        "sender_rejected",
        r"\b(?:requires|needs|demands|wants) (?:\w+ )?(?:authentication|a login|login|you to (?:authenticate|log ?in))"
        r"|\b(?:authentication|login) is (?:required|needed|mandatory)|\bmust (?:first )?(?:authenticate|log ?in)",
        ("auth_requires_tls",),
        "auth_required",
    ),
    _row(
        "auth_rejected",
        rf"\b(?:user ?name|login|password|credential|account)s?\b.{{0,40}}\b{_BAD}\b"
        rf"|\b{_BAD} (?:\w+ ){{0,2}}(?:user ?name|login|password|credential|account)"
        # "AuthApiError" is the name of who asks, and not what happened
        rf"|\b(?:log ?ins?|log ?on|sign ?in|authenticat\w+|authori[sz]ation|auth(?! (?:\w+ )?error: ))\b.{{0,30}}\b{_WENT_WRONG}\b"
        r"|\bnot accept (?:the |our |this |your )?(?:user ?name|login|password|credentials?)\b"
        rf"|\b{_NOT}.{{0,12}}\b(?:log ?in|login|log ?on|sign ?in|authenticat\w+)\b"
        r"|\b(?:not |un)authori[sz]ed\b|\baccess denied\b",
        ("auth_mechanism_not_offered", "auth_not_offered", "auth_requires_tls"),
    ),
    # Who and what is refused
    _row("ehlo_rejected", rf"\b(?:ehlo|helo)\b.{{0,40}}\b{_BAD}|\b(?:{_BAD}|not accept) (?:the )?(?:ehlo|helo)\b"),
    _row(
        "sender_rejected",
        rf"\b(?:sender|originator|from address|return path|envelope from)\b.{{0,50}}\b{_BAD}|\b(?:rejected|refused|not accept) (?:the )?(?:sender|from)\b"
        r"|\bnot (?:permitted|allowed|authori[sz]ed) to send (?:as|from|on behalf)\b",
        ("temporarily_rejected",),
    ),
    _row(
        "recipient_rejected",
        rf"\b(?:recipient|addressee|to address|destination address)s?\b.{{0,60}}\b{_BAD}"
        rf"|\b(?:rejected|refused|not accept) (?:the |all |any )?recipients?\b"
        r"|\brelay\w*\b.{0,20}\b(?:not|denied|disallowed|prohibited|refused)",
        ("temporarily_rejected", "sender_rejected"),
    ),
    _row(
        "greeting_rejected",
        r"\b(?:ip|client|client address|ip address|your address)\b.{0,20}\b(?:blocked|black ?listed|block ?listed|banned)\b"
        r"|\bnot accept connections? from\b",
        variant="address",
    ),
    _row(
        "temporarily_rejected",
        r"\b(?:server|service|mailbox)\b.{0,20}\b(?:temporar\w+ unavailable|busy|overloaded)\b|\btoo many (?:connections|messages|mails|requests)\b"
        r"|\b(?:rate|sending|daily|hourly) limit\b.{0,20}\b(?:exceeded|reached|hit)\b|\bquota\b.{0,20}\b(?:exceeded|reached|used up)\b",
        ("greeting_rejected",),
    ),
    _row(
        "message_rejected",
        r"\bmessage (?:body |text |content )?(?:was |is )?(?:rejected|refused|not accepted)\b",
        ("temporarily_rejected",),
    ),
    # Names
    _row(
        "name_server_failure",
        rf"\bdns\b.{{0,40}}\b(?:{_TIMED_OUT}|no (?:response|answer)|not (?:respond|answer)|unreachable)",
        ("name_not_found",),
    ),
    _row(
        "name_not_found",
        r"\b(?:resolv|resolution|look ?up|looking up)\w*\b.{0,40}\b(?:fail\w*|error|problem)\b"
        r"|\b(?:fail\w*|error|unable|cannot|could not|problem)\b.{0,20}"
        r"\b(?:resolv|look ?up|looking up|locat|find)\w*\b.{0,30}\b(?:host|name|address|server|domain|dns)"
        r"|\b(?:host ?name|host|server|domain|dns)\b.{0,40}\b(?:unknown|unresolv\w+|not (?:be )?(?:found|resolved))\b"
        r"|\b(?:unknown|unresolv\w+) (?:host|server|domain)|\b(?:unable to|cannot|could not|fail\w* to) resolve\b"
        r"|\bdns (?:query|request|lookup|resolution)\b.{0,40}\b(?:fail\w*|not succeed)|\bnot resolvable\b"
        r"|\b(?:unable to|cannot|could not|fail\w* to) (?:get|determine|obtain|find)\b.{0,20}\baddress (?:of|for|from)\b",
        ("name_server_failure",),
    ),
    # The connection
    _row(
        "connection_reset",
        r"\b(?:connection|peer|server|socket)\b.{0,20}\breset\b|\breset (?:by|the connection)\b",
        ("connection_closed",),
    ),
    _row(
        "connection_refused",
        r"\b(?:connection|connect|conn|tcp|port)\b.{0,30}\b(?:refused|rejected)\b"
        r"|\b(?:refused|rejected) (?:the |our )?(?:tcp )?conn|\bconnect\w* error \D{0,8}111\b|\berror (?:code |no\.? |number )?(?:111|10061)\b",
        ("greeting_rejected",),
    ),
    _row(
        "no_route",
        r"\bno route\b|\bnetwork\b.{0,20}\bunreachable\b|\bhost\b.{0,20}\bunreachable\b",
        variant="or_blocked",
    ),
    _row(
        "greeting_timeout",
        r"\bno (?:smtp )?(?:greeting|banner|welcome)\b|\b(?:greeting|banner|welcome)\b.{0,40}\b(?:not|never|time[ds]? ?out|timeout|missing|late)\b"
        r"|\b(?:not|never) (?:send|sent) (?:an? |the )?(?:\w+ )?(?:greeting|banner|welcome)",
        ("mode_mismatch", "connection_closed"),
    ),
    _row(
        "connection_timeout",
        rf"\b(?:connect|connecting|connection attempt|tcp)\b.{{0,60}}\b{_TIMED_OUT}"
        rf"|\b{_TIMED_OUT}\b.{{0,40}}\b(?:connect|connecting)\b|\bnot respond\b.{{0,40}}\bconnecting\b",
        ("tls_handshake_timeout", "mode_mismatch", "greeting_timeout"),
    ),
    _row(
        "greeting_timeout",
        rf"\b(?:no|without) (?:response|answer|reply) from\b|\bnot respond\w*"
        rf"|\b{_TIMED_OUT}\b.{{0,30}}\b(?:response|reply|answer|reading|receiving)\b",
        ("mode_mismatch", "connection_timeout", "tls_handshake_timeout"),
        confidence="possible",
    ),
    _row(
        "connection_closed",
        r"\b(?:connection|session|socket|channel)\b.{0,30}"
        r"\b(?:dropped|lost|terminated|aborted|broken|interrupted|hung up|unexpectedly closed|closed (?:unexpectedly|by))"
        r"|\b(?:server|peer|(?:remote|foreign) (?:host|end|side)|other (?:side|end))\b.{0,30}\b(?:closed|dropped|hung up|disconnected|terminated|aborted)\b"
        r"|\bdisconnected by\b|\bunexpected\w* disconnect|\bhung up\b"
        r"|\b(?:closed|dropped|terminated) by (?:the )?(?:server|peer|remote|foreign|other)",
        ("mode_mismatch", "connection_reset"),
    ),
    # The program's own settings
    _row(
        "invalid_settings",
        r"\b(?:settings|configuration|config) (?:is |are )?(?:incomplete|inconsistent)\b|\b(?:config|configuration) error\b"
        r"|\b(?:url|uri|dsn)\b.{0,20}\b(?:malformed|invalid)\b|\b(?:smtp|mail) (?:is )?not enabled\b|\bport must be an?\b|"
        r"\bno (?:\w+ ){0,2}(?:server|host|relay|sender|port|recipients?|user ?name|user ?id|user|password|credentials) "
        r"(?:is |was |has been )?(?:configured|set|defined|specified|given)\b"
        r"|\b(?:server|host|port|sender|password|user ?name|address)\b (?:is |was |has )?"
        r"(?:not (?:been )?(?:set|configured|defined|specified|given)|missing|empty|blank)\b"
        r"|\b(?:invalid|bad) (?:port|url|configuration|settings?)\b|\bmissing (?:smtp )?(?:host|server|password|port|user ?name)\b"
        r"|\bnot (?:specify|provide|supply|enter|configure|set) (?:an? |the |any )?(?:\w+ )?"
        r"(?:host ?name|host|server|port|sender|recipient|user ?name|password)"
        r"|\b(?:must|need to|have to|please) (?:provide|specify|supply|enter|configure|set ?up) .{0,30}"
        r"\b(?:host|server|port|sender|recipient|user ?name|password|smtp|mail account|email account|mail settings)"
        r"|\b(?:host|server|port|sender|recipient|user ?name|password) must be (?:assigned|given|provided)"
        # What checks a configuration before it is used
        r"|(?=.*\b(?:smtp|mailer|relay|mail (?:server|host|url|driver|transport)))(?:.*\brequired propert(?:y|ies)\b.{0,30}\b(?:missing|not)"
        r"|.*\bmissing (?:required )?(?:propert|field|key|variable|environment|parameter|option|setting)"
        r"|.*\b(?:field|property|variable|key|option|parameter|setting|value)s? (?:\W?[\w.]{1,40}\W? )?(?:is |are )?(?:required|missing|not set|invalid)\b"
        r"|.*\bmust (?:be an? (?:number|integer|string|valid|existing)|(?:not be|be) (?:set|empty)|exists?\b|be defined|be specified))",
    ),
    _row(
        "invalid_settings",
        r"\b(?:invalid|bad|wrong) (?:\w+ ){0,2}(?:server|host ?name|host|relay)\b",
        ("name_not_found", "connection_timeout", "connection_refused"),
        confidence="possible",
    ),
    # What came is no reply
    _row(
        "not_smtp",
        r"\bprotocol (?:error|violation)\b|\bgarbage\b.{0,30}\b(?:repl|response|greeting|smtp)"
        r"|\b(?:malformed|unexpected|garbled|unparsable|unintelligible) (?:\w+ )?(?:response|reply|greeting|answer)\b(?! exception)",
        ("greeting_rejected",),
    ),
)
_MAX_WORDS = 600  # a sentence, and not what stands far below it
_REPORTS = re.compile(
    r"\b(?:info|debug|trace|notice|verbose|fine|finer|finest)\b[\]:|>\" ]|/smtpd\[|\bdovecot\b|\bno host name found for ip address\b"
)
# What a mail that goes out is about.
_SENDS_OFF = re.compile(
    r"\bsending (?:an? )?(?:e?-?mail|message|notification)s? (?:to|about)\b(?!.{0,100}(?:\bfailed\Z|\bfailed:|\berror:|\bunable\b|\bcannot\b|\bcould not\b))"
)
# What has ended well, beside a word of what was wrong before.
_ENDED_WELL = re.compile(r"\b(?:renewed|restored|recovered|reconnected|no longer (?:failing|blocked))\b")
_CONTRACTED = re.compile(r"n't\b")


def sends_off(text: str) -> bool:
    """Does the line only say that a mail is sent now, whatever the mail is about?"""
    return _SENDS_OFF.search(text[:_MAX_WORDS]) is not None


def plain_words(form: str) -> Meaning | None:
    """What an unknown program's sentence says, as spelling.fold spells it; None where it says nothing known, or only reports."""
    text = _CONTRACTED.sub(" not", form[:_MAX_WORDS].replace("can't", "cannot"))
    if _REPORTS.search(text[:120]) or _ENDED_WELL.search(text) or sends_off(text):
        return None
    for row in _ROWS:
        found = row.words.search(text)
        if found:
            return row.meaning._replace(matched=found.group())
    return None
