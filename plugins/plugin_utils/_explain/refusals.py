# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a refusal is about, by its words and its enhanced status code, at whatever command the relay says it.

Postfix by default delays what it has against the client, its EHLO name or the sender until RCPT, and Exim's ACLs refuse
where they stand; so the command that was answered tells little. The first row that fits counts. To add one, add a row.
"""

from __future__ import annotations

import re
import typing as t

__all__ = ("NO_CODE", "Meaning", "refusal")


class Meaning(t.NamedTuple):
    """A cause, and how sure the reply alone makes it. ``weight`` ranks it among texts that are as sure, ``matched`` are its words."""

    cause: str
    variant: str = ""
    confidence: str = "likely"
    also: tuple[str, ...] = ()
    note: str = ""
    weight: int = 0
    matched: str = ""


# A refusal's own words outrank what clients write around them.
_OWN_WORDS = 500


class _Row(t.NamedTuple):
    """Words, and what they mean with a 5xx (null: nothing) and with a 4xx code. ``stages``: only there; empty: everywhere."""

    words: re.Pattern[str]
    permanent: Meaning | None
    temporary: Meaning
    stages: tuple[str, ...] = ()


# Words that stand there without a code, as .NET and people's own programs print them.
NO_CODE = "no code"
_ENVELOPE = ("mail", "rcpt", "data", "", NO_CODE)
_LATER = Meaning("temporarily_rejected", "", "certain")
_LIMIT = Meaning("temporarily_rejected", "limit", "certain")
_NO_SPACE = Meaning("temporarily_rejected", "no_space", "certain")
_NO_PTR = Meaning("temporarily_rejected", "reverse_name", "certain")
_NEEDS_LOGIN = Meaning("sender_rejected", "auth_required", "certain")
_NEEDS_TLS = Meaning("auth_requires_tls", "", "certain")
_LISTED = Meaning("greeting_rejected", "address", "certain")
_HELO = Meaning("ehlo_rejected", "name", "certain")
_SENDER = Meaning("sender_rejected", "", "certain")
_NO_TLS = Meaning("starttls_rejected", "", "certain")
_MESSAGE = Meaning("message_rejected", "", "certain")
_SIZE = Meaning("message_rejected", "size", "certain")
_CONTENT = Meaning("message_rejected", "content", "certain")
_LATER_CONTENT = Meaning("temporarily_rejected", "content", "certain")
_SENDER_DOMAIN = Meaning("message_rejected", "sender_domain", "certain")
_LATER_SENDER_DOMAIN = Meaning("temporarily_rejected", "sender_domain", "certain")
_RECIPIENT = Meaning("recipient_rejected", "", "certain")
_BROKEN = Meaning("temporarily_rejected", "broken", "certain")
_MAILBOX = "mailbox_full"
_ON_A_LIST = r"(?:blocked (?:using|by)|\b(?:block|black|deny) ?list|\blisted (?:in|at|by|on)\b|\bis listed\b)"


def _row(words: str, permanent: Meaning, temporary: Meaning | None = None, stages: tuple[str, ...] = ()) -> _Row:
    return _Row(re.compile(words, re.IGNORECASE), permanent, temporary or permanent, stages)


# Blanks and hyphens are the same here: the words of logs come with blanks in place of hyphens.
_ROWS: tuple[_Row, ...] = (
    # A set-up that is broken, whatever was to be looked up: Postfix puts that before its words.
    _Row(
        re.compile(
            r"\b(?:rejected|refused|denied): (?:server (?:configuration|local)|temporary lookup|internal) (?:error|problem|failure)",
            re.IGNORECASE,
        ),
        None,
        _BROKEN,
        ("greeting", "ehlo", "mail", "rcpt", "data"),
    ),
    # The name in EHLO.
    _row(
        r"\b(?:helo|ehlo)(?: command| name| host(?:name)?| argument| domain| string)? (?:was |is )?"
        r"(?:rejected|refused|denied|invalid|not)\b"
        r"|\b(?:invalid|bad|bogus|unacceptable|forged|unresolvable|unqualified) (?:helo|ehlo)\b"
        r"|\b(?:helo|ehlo)\b[^;]{0,60}\bblocked (?:using|by)\b"
        r"|\b(?:helo|ehlo)\b(?!.{0,40}\b(?:first|before|sent|issued?|given)\b)"
        r".{0,40}\b(?:should|must|with an?|is an?|contains|looks|matches|mismatch\w*|resolv\w*|qualified|fqdn)\b"
        r"|\bsyntax: (?:helo|ehlo)\b|need fully[ -]qualified hostname|\b5\.5\.4 invalid domain name"
        r"|\b(?:helo|ehlo)\b(?: \w+){0,2} has no (?!lookup)|\blookup (?:on|of|for) (?:the )?(?:helo|ehlo)\b",
        _HELO,
    ),
    # In answer to EHLO no other name can be meant.
    _row(
        r"\b(?:address|ip) literals?\b|\bfqdn\b|fully[ -]qualified|\b(?:invalid|bad|bogus) host ?name\b",
        _HELO,
        stages=("ehlo",),
    ),
    # A certificate of the client, asked for in words.
    _row(
        r"client[ -]certificate (?:is |was )?(?:required|needed|requested|missing|not (?:presented|provided|sent|trusted|verified))"
        r"|no (?:valid |trusted |verified )?client[ -]certificate|no required (?:ssl|tls) certificate"
        r"|client did(?: not|n.?t) (?:present|provide|send) .{0,24}\bcertificate",
        Meaning("client_certificate_required", "", "certain"),
        stages=("auth", "mail", "rcpt", "data", "ehlo", "greeting"),
    ),
    # Logins that failed before. Only a right one ends that, and not at once.
    _row(
        r"too many (?:bad|wrong|invalid|incorrect|unsuccessful|rejected) (?:\w+ )?(?:auth\w*|log ?ins?|passwords?|credentials|attempts?)",
        Meaning("auth_rejected", "attempts", "certain"),
        _LIMIT,
        stages=("auth",),
    ),
    # An account that is switched off, or an address that is kept out, whatever the password.
    _row(
        r"\b(?:account|user|mailbox|login)\b.{0,30}\b(?:suspended|disabled|deactivated|locked(?: out)?|inactive|closed|expired)\b",
        Meaning("auth_rejected", "account", "certain"),
        stages=("auth",),
    ),
    _row(
        r"\b(?:ip|ip address|your address|your host)\b.{0,40}\b(?:blocked|banned|black ?listed|block ?listed)\b"
        r"|\bunauthori[sz]ed (?:ip|address|host|network)\b"
        r"|\b(?:not (?:permitted|allowed|available)|denied|refused|blocked|forbidden|disabled) (?:from|for|to) (?:this|your) "
        r"(?:ip|address|host|network|location|country|client)",
        _LISTED,
        stages=("auth",),
    ),
    # RFC 4954 section 6 has 534 for it.
    _row(
        r"\bmechanism (?:is )?too weak\b",
        Meaning("auth_mechanism_not_offered", "refused", "certain"),
        stages=("auth",),
    ),
    # The password, which some servers refuse with 454 (go-smtp).
    _row(
        r"(?:invalid|wrong|incorrect|bad|unknown) (?:user ?name|user|login|password|credentials?|account)\b"
        r"|\bpassword (?:is |was )?(?:invalid|wrong|incorrect|mismatch)|\b(?:no such user|user not found)\b",
        Meaning("auth_rejected", "", "certain"),
        stages=("auth",),
    ),
    # What was sent in answer to AUTH cannot be read.
    _row(r"cannot decode|\bbase ?64\b", Meaning("auth_rejected", "", "likely"), stages=("auth", "")),
    # The client's address has no name in DNS.
    _row(
        r"cannot (?:find|resolve) your (?:reverse )?(?:hostname|host name|address)"
        r"|\bptr record|\breverse dns|\brdns\b|\breverse (?:host)?name"
        r"|\breverse lookup|no ptr\b|\b[45]\.7\.25\b|client ip address .{0,60}does not resolve|possibly forged host",
        Meaning("message_rejected", "reverse_name", "certain"),
        _NO_PTR,
    ),
    # A login, or TLS before it.
    _row(
        r"must issue (?:a )?starttls|starttls (?:is )?(?:required|first)|(?:encryption|tls|ssl)(?: is)? (?:required|needed)"
        r"|\b[45]\.7\.1[01]\b|use starttls|secure connection (?:is )?required"
        r"|(?:tls|ssl) (?:connection|session|conversation|encryption)(?: is)? (?:required|needed)|starttls is required"
        r"|encryption (?:is )?too weak|\b(?:lack of|insufficient) security\b",
        _NEEDS_TLS,
        stages=("auth", "mail", "rcpt", "data", "ehlo", ""),
    ),
    _row(
        r"(?:encryption|tls|ssl|secure connection)(?: is)? (?:required|needed)|must issue (?:a )?starttls",
        Meaning("greeting_rejected", "encryption", "certain"),
        stages=("greeting",),
    ),
    _row(
        r"(?:encryption|tls|ssl)(?: is)? (?:required|needed)(?!.{0,40}\b(?:but|not)\b)|use starttls",
        _NEEDS_TLS,
        stages=(NO_CODE,),
    ),
    _row(
        r"sender address rejected: not logged in"
        r"|(?<!proper )\bauth\w*(?: is)? (?:required|needed|mandatory)(?! but)|must (?:first )?(?:be )?(?:authenticate|log ?in|login)"
        r"|(?:log ?in|authenticate)(?: yourself)? (?:first|before)|\bauth(?: command)? first\b|(?<!the client was )not authenticated"
        r"|(?:please|need to) (?:authenticate|log ?in)\b"
        r"|without (?:prior )?authentication|unauthenticated (?:mail|sender|senders|submission|users?)\b(?! from)",
        _NEEDS_LOGIN,
        stages=_ENVELOPE,
    ),
    # The session is another one than the client thinks, or somebody in between has lost it.
    _row(
        r"\b(?:send|say|need|expect\w*|polite\w*) .{0,30}\b(?:helo|ehlo|hello)\b"
        r"|\b(?:helo|ehlo)\b.{0,24}\b(?:first|before)\b",
        Meaning("ehlo_rejected", "out_of_step", "likely"),
        stages=_ENVELOPE,
    ),
    # A parameter of MAIL or RCPT.
    _row(
        r"(?:unsupported|invalid|bad|unknown) (?:command )?(?:option|parameter)|unrecogni[sz]ed parameter|parameters? not (?:recogni[sz]ed|implemented)",
        Meaning("message_rejected", "", "certain"),
        stages=("mail", "rcpt"),
    ),
    # The recipient's mailbox, whose limit is none of sending.
    _row(
        r"mail ?box (?:is |size )?(?:full|exceed|limit|quota)|\b[45]\.2\.2\b",
        Meaning("recipient_rejected", _MAILBOX, "certain"),
        Meaning("temporarily_rejected", _MAILBOX, "certain"),
        stages=("rcpt", "data", ""),
    ),
    # How many recipients one message may have.
    _row(
        r"too (?:many|much) recipients(?! from)|\b[45]\.5\.3\b|(?:limit|number) (?:of|for) (?:\d+ )?recipients|recipients? (?:count|limit)\b",
        Meaning("recipient_rejected", "too_many", "certain"),
        Meaning("temporarily_rejected", "too_many", "certain"),
        stages=("rcpt", "data", "", NO_CODE),
    ),
    # The message's size, which MAIL may tell ahead.
    _row(
        r"message (?:size |is |length )?(?:too (?:big|large)|exceeds)|(?:message|maximum|mail|data) size (?:is )?(?:exceed|limit)|size exceeds",
        # No message shrinks by waiting, whatever the code.
        _SIZE,
        stages=_ENVELOPE,
    ),
    # An account that its provider has stopped, which is none of an address.
    _row(
        r"\b(?:your|this|the) (?:\w+ )?account (?:has been |is |was )?(?:\w+ )?(?:blocked|suspended|disabled|deactivated|on hold)\b",
        Meaning("sender_rejected", "account", "certain"),
        stages=_ENVELOPE,
    ),
    # Where no recipient has been named yet, it is the sender's.
    _row(
        r"\baccount (?:has been |is |was )?(?:\w+ )?(?:blocked|suspended|disabled|deactivated|locked|on hold)\b",
        Meaning("sender_rejected", "account", "certain"),
        stages=("mail",),
    ),
    # Limits, whatever they count.
    _row(
        r"too many recipients from|too (?:many|much) (?!errors|intermediates|open files|levels"
        r"|redirects|arguments|recipients|hops|received|invalid|unknown|bad|mime|parts|headers?\b|lines|attachments|links)"
        r"|rate[ -]?limit|\bthrottl|(?<!time )limit exceeded"
        r"|\b(?:mails?|messages?|recipients?|connections?|logins?) (?:per|an|each|every) (?:second|minute|hour|day|session|connection)\b"
        r"|exceed\w* .{0,40}\b(?:limit|rate|quota) (?:of|per|for)\b"
        r"|\b(?:per session|daily|hourly|sending|submission|message rate|connection|concurrent) (?:sending )?"
        r"(?:limit|quota|rate)"
        r"|\bmails per session|exceed\w* .{0,30}\b(?:e?mails?|messages?|recipients?) (?:per|an?|each) (?:second|minute|hour|day|month)"
        r"|\bover (?:the|your|its|their) (?:\w+ )?limit\b|(?:connection|message|sending|mail) rate (?:is )?(?:exceeded|limited|too high)"
        r"|(?:slow|back) down\b|all server ports are busy"
        r"|too? fast\b|max(?:imum)? (?:number of )?(?:concurrent |simultaneous )?(?:server |client )?(?:connections|sessions)"
        r"|\brate over ?limit|\bover (?:its |the |your )?rate limit"
        r"|\b(?:sender|client|host|user|recipient) rate\b.{0,40}\b(?:exceed\w*|too high)",
        _LIMIT,
        stages=("greeting", "ehlo", "starttls", "mail", "rcpt", "data", "", NO_CODE),
    ),
    _row(r"too many (?:login|auth\w*|connect\w*|failed|session|concurrent|attempt)", _LIMIT, stages=("auth",)),
    # A relay without room says so to whatever comes first (sendmail: to STARTTLS).
    _row(
        r"insufficient (?:system )?(?:storage|space|disk)|disk (?:is )?full|no space left|not enough (?:disk|storage|space)",
        _NO_SPACE,
        stages=("greeting", "ehlo", "starttls"),
    ),
    # STARTTLS: the standard words for a broken set-up first (RFC 3207 section 4), then what is told apart from it.
    _row(
        r"tls (?:is )?(?:currently )?(?:not available|unavailable)|\bcertificate|\bprivate key",
        _NO_TLS,
        stages=("starttls",),
    ),
    _row(
        r"milter|filter|polic(?:y|ies)|access|not (?:allowed|permitted|authori[sz]ed)"
        r"|denied|prohibited|administrativ|\bacl\b|service unavailable"
        r"|rejected",
        Meaning("starttls_rejected", "policy", "certain"),
        stages=("starttls",),
    ),
    _row(
        r"memory|resource|too busy|overload|\bload\b|\bfork\b|process|insufficient|try (?:again|later)|temporary local|\b4\.3\.[012]\b",
        Meaning("starttls_rejected", "resources", "certain"),
        stages=("starttls",),
    ),
    # A filter that is not there, before what filters say of a message.
    _Row(
        re.compile(
            r"service unavailable -? ?try again later"
            r"|\b(?:scanner|milter|filter|anti ?virus|anti ?spam|clamd|clamav|spamd|rspamd|amavis\w*)\b.{0,40}"
            r"\b(?:unavailable|not available|down|unreachable|failed|failure|error|timed? ?out|not respond\w*|not running)\b"
            r"|\b(?:unable to|cannot|could not) (?:scan|check|filter)\b",
            re.IGNORECASE,
        ),
        None,
        Meaning("temporarily_rejected", "filter", "certain"),
        ("mail", "rcpt", "data"),
    ),
    _row(
        r"\bspam\b(?! ?haus)|\bspam ?assassin\b|\bjunk mail\b|\bvirus\b|\bmalware\b|\btrojan\b|\bphish\w*|\binfected\b"
        r"|\bgtube\b|\beicar\b|\b(?:surbl|uribl)\b|\bbulk mail\b|\bunsolicited\b|\b(?:forbidden|prohibited|confidential|banned|dangerous) "
        r"(?:content|attachment|file)|content (?:rejected|denied|filter|policy|not allowed)|blocked by .{0,24}\bfilter|looks like spam|\bdt:spm\b",
        _CONTENT,
        _LATER_CONTENT,
        stages=("data",),
    ),
    # Room.
    _row(
        r"insufficient (?:system )?(?:storage|space|disk|resources|queue)"
        r"|(?:disk|mail system|(?:mail )?queue|spool) (?:is )?full|no space left|space shortage|not enough (?:disk|storage|space)|\b[45]\.3\.1\b",
        _NO_SPACE,
        stages=_ENVELOPE,
    ),
    _row(
        r"mailbox for .{1,80} is full"
        r"|over ?quota|over (?:its|their|the) quota|quota (?:is |was )?exceeded"
        r"|exceed\w* .{0,30}\bquota|mailfolder is full",
        Meaning("recipient_rejected", _MAILBOX, "certain"),
        Meaning("temporarily_rejected", _MAILBOX, "certain"),
        stages=("rcpt", "data", "", NO_CODE),
    ),
    # The sender, also where RCPT is answered. A domain that is not one of the relay's may well exist.
    _row(
        r"\bnon[ -]local sender\b|\bsender domain .{0,40}\bnot (?:local|hosted|served|ours)\b",
        _SENDER,
        _LATER,
        stages=_ENVELOPE,
    ),
    _row(
        r"\bdomain (?:name )?(?:does not|doesn.t) (?:exist|resolve)",
        Meaning("sender_rejected", "no_domain", "certain"),
        stages=("mail",),
    ),
    _row(
        r"domain of sender|invalid dns (?:mx|a)\b|sender address rejected: domain not found|\b[45]\.1\.8\b"
        r"|\bsender\b.{0,160}\bnull ?mx\b|\b[45]\.7\.27\b|no mx for your"
        r"|\b(?:sender|from|return path|envelope)\b"
        r".{0,40}\b(?:(?:un|not |n.t (?:be )?)resolv\w*|has no (?:mx|dns)|without (?:mx|dns))"
        r"|sender(?:'?s)? domain .{0,40}(?:not (?:found|exist|resolv|valid)|n.t (?:exist|resolve)|no (?:mx|a|dns|such|valid)\b|unknown|invalid"
        r"|must (?:resolve|exist))",
        Meaning("sender_rejected", "no_domain", "certain"),
        stages=("mail", "rcpt", "data", "", NO_CODE),
    ),
    _row(
        r"\bsender (?:address )?rejected:.{0,120}\b(?:spf|dkim|dmarc)\b",
        Meaning("sender_rejected", "sender_domain", "certain"),
        _LATER_SENDER_DOMAIN,
        stages=("mail", "rcpt", "data", "", NO_CODE),
    ),
    _row(
        r"\bsender(?: address| verify| e?mail| access)? (?:was |is )?"
        r"(?:rejected|refused|denied|failed|invalid|not|blocked|unknown)"
        r"|\b(?:invalid|bad|unknown|unauthori[sz]ed|unverified|incorrect|wrong|fake) (?:sender|return path)\b"
        r"|\bsender (?:e?mail )?address .{0,80}\bnot (?:allowed|permitted|validated)\b|not owned by (?:user|auth)"
        r"|\b(?:unconfigured|unverified|unauthori[sz]ed|unknown) (?:sending|sender) domain|\brestricted to sending domain"
        r"|\b5\.1\.7\b|\bunauthori[sz]ed (?:use|to use) (?:of )?(?:the |this |your )?(?:sender|from|address)"
        r"|(?:not (?:allowed|permitted|authori[sz]ed)|cannot|may not) (?:to )?send (?:as|from)"
        r"|mail from (?!(?:your |the )?ip\b|\[?\d{1,3}\.\d).{0,80}(?:not allowed|denied|rejected)"
        r"|from address (?:is )?not (?:verified|allowed|authori[sz]ed|one of|yours|owned)|\bsender address must\b|not allowed in header from",
        _SENDER,
        _LATER,
        stages=_ENVELOPE,
    ),
    # What has to be done at the provider first does not come by waiting.
    _row(r"\bdomain (?:is |was )?(?:not|n.t) (?:been )?verified\b", _SENDER, _SENDER, stages=_ENVELOPE),
    # Whether the sender's domain lets this mail be sent: SPF, DKIM, DMARC (RFC 7372).
    _row(
        r"\b(?:spf|dkim|dmarc)\b(?!=)(?! sign(?:ing|er))|\b[45]\.7\.2[0-46]\b",
        _SENDER_DOMAIN,
        _LATER_SENDER_DOMAIN,
        stages=("mail", "rcpt", "data", ""),
    ),
    _row(r"\b(?:inactive|unknown|invalid|bad) recipient\b", _RECIPIENT, _LATER, stages=("data",)),
    # Often only what follows from a refusal before it.
    _row(r"\bno valid recipients?\b", Meaning("recipient_rejected", "", "likely"), _LATER, stages=("data",)),
    # A list that sender or recipient stands on, and not this host.
    _row(
        rf"\brecipient(?: address| domain)?\b(?! (?:address )?rejected:)[^;]{{0,60}}{_ON_A_LIST}",
        _RECIPIENT,
        _LATER,
        stages=_ENVELOPE,
    ),
    _row(
        rf"\b(?:sender|mail from|your (?:e?mail )?domain|from (?:address|domain))\b(?! (?:address )?rejected:)(?![^;]{{0,60}}"
        rf"\b(?:ip|host|client)\b)[^;]{{0,60}}{_ON_A_LIST}",
        _SENDER,
        _LATER,
        stages=_ENVELOPE,
    ),
    # Where this relay does not carry mail to.
    _row(
        r"relay(?:ing)?(?: access)?(?: is| was)? (?:denied|disallowed|forbidden|not (?:permitted|allowed)|prohibited|refused|rejected)|\brelay rejected for\b"
        r"|forwarding to remote hosts (?:is )?disabled|list of allowed rcpthosts"
        r"|(?:unable|not permitted|not allowed|cannot|will not|do(?:es)? not) (?:to )?relay|relay operation rejected",
        Meaning("recipient_rejected", "relay", "certain"),
        stages=_ENVELOPE,
    ),
    # The client's address itself.
    _row(
        r"(?<!message was )blocked (?:using|by)\b(?! (?:\w+ ){0,2}(?:polic|filter|rule|content|admin|acl\b|dlp\b|milter))|\bblock ?list|\bblack ?list"
        r"|\bdnsbl|\brbl\b|spamhaus|spamcop|barracuda|\b(?:is|was) (?:listed|banned)"
        r"|(?<!white)(?<!allow)listed (?:in|at|by|on) |poor reputation|banned (?:sending|sender|ip)"
        r"|client host .{0,80}(?:blocked|banned)|refused to talk"
        r"|\b(?:dynamic|dial[ -]?up|residential|consumer) (?:ip|address|host|client|network|line)"
        r"|(?:not|n.t|no longer) (?:accept|take|want|allow)\w* .{0,24}\bfrom (?:your|this) (?:country|region|network|isp|ip|address|host|server)"
        r"|connections? (?:is |was )?(?:refused|rejected|denied|not accepted) (?:from|due|for|by)\b",
        _LISTED,
        _LISTED,
        stages=("greeting", "ehlo", "mail", "rcpt", ""),
    ),
    _row(
        r"your (?:ip|ip address|host|address)\b[^;]{0,40}\b(?:is|was|has been) (?:\w+ )?(?:blocked|banned|listed)\b",
        _LISTED,
        _LISTED,
        stages=("greeting", "ehlo", "mail", "rcpt", ""),
    ),
    # Whom it does not know yet, even where that is said of the client.
    _row(r"grey ?list|gray ?list", _LATER, stages=_ENVELOPE),
    _Row(
        re.compile(r"client host rejected: .{0,80}\b(?:try (?:it )?(?:again|later)|come back|retry)\b", re.IGNORECASE),
        None,
        _LATER,
        ("mail", "rcpt", ""),
    ),
    _row(
        r"client host rejected|client address .{0,60}(?:rejected|denied|refused|not allowed)"
        r"|your (?:ip|host|address)\b.{0,60}"
        r"(?:not (?:allowed|permitted|authori[sz]ed)|rejected|denied|refused|blocked)"
        r"|host .{0,80} is not (?:allowed|permitted)",
        # Where submission wants a login, Postfix refuses with these words whoever has not logged in.
        Meaning("sender_rejected", "auth_required", "likely", ("greeting_rejected",)),
        Meaning("greeting_rejected", "address", "likely", ("temporarily_rejected",)),
        stages=("mail", "rcpt", ""),
    ),
    _row(
        r"\b(?:server |your |client )?ip (?:is |was |address )?(?:rejected|refused|blocked|banned)\b|\bbanned ip\b",
        _LISTED,
        stages=("greeting", "mail", "rcpt", "", NO_CODE),
    ),
    _row(r"\bis (?:block|black|deny) ?listed (?:by|at|in|on)\b", _LISTED, stages=(NO_CODE,)),
    # Without a code it may be an address in somebody's own settings.
    _row(r"\b(?:invalid|bad) ip\b", _LISTED, stages=("greeting", "mail", "rcpt", "")),
    # Nobody becomes known by waiting: Postfix says 450 where soft_bounce or a reject code of its own is set.
    _Row(
        re.compile(
            r"\A(?!.*(?:verif|callout|try again|temporar|later\b|delay))"
            r".*(?:\b(?:user|recipient|mailbox) (?:is )?unknown\b|\bunknown (?:local )?(?:user|recipient|mailbox)\b|\bno such (?:user|recipient|mailbox)\b"
            r"|\brecipient address rejected: domain not found)",
            re.IGNORECASE,
        ),
        None,
        Meaning("recipient_rejected", "", "likely", ("temporarily_rejected",)),
        ("rcpt",),
    ),
    # What waiting alone hardly mends.
    _Row(
        re.compile(
            r"server (?:configuration|local) (?:problem|error)|configuration (?:problem|error)|internal (?:server )?error"
            r"|temporary local problem|(?:failed|unable|cannot|could not) (?:to )?(?:connect to|establish)"
            r"|lookup (?:failure|error|problem)|queue file write error|\b4\.3\.5\b|local error in processing"
            r"|forwarding failed|unable to process (?:the |this |your )?(?:request|command|message)|unhandled (?:\w+ )?(?:error|exception)"
            r"|failed to (?:queue|store|save|write|sign|spool)\b|\bsigning failed|(?:cannot|could not|unable to) (?:queue|store|save|write|spool)\b",
            re.IGNORECASE,
        ),
        None,
        _BROKEN,
        ("greeting", "ehlo", "mail", "rcpt", "data"),
    ),
    # postscreen, which has listed this host, says so of each recipient.
    _row(
        r"\bservice (?:is )?currently unavailable\b",
        Meaning("greeting_rejected", "closed", "likely"),
        _LATER,
        stages=("mail", "rcpt", "data"),
    ),
    # A relay that is closed: maintenance, or what it asks first is dead.
    _row(
        r"not accepting (?:\w+ ){0,2}(?:connections?|mail|messages)|service (?:is )?(?:currently )?(?:not available|unavailable)",
        Meaning("greeting_rejected", "closed", "likely"),
        _LATER,
        stages=("greeting",),
    ),
    # What only a greeting says, also where a log does not name it as one.
    _row(
        r"\bno smtp service\b|\besmtp service not available\b",
        Meaning("greeting_rejected", "closed", "likely"),
        _LATER,
        stages=("greeting", "", NO_CODE),
    ),
    # A greeting that asks to come back has nothing against the address.
    _Row(
        re.compile(r"try (?:it )?(?:again|later)|come back|temporar|\bbusy\b|overload", re.IGNORECASE),
        None,
        _LATER,
        ("greeting",),
    ),
    # Later, whatever the reason.
    _row(
        r"temporar(?:y|ily) (?:local |system )?(?:problem(?! returned)|deferred|rejected)|resources temporarily"
        r"|(?:service|mailbox) (?:is )?temporarily|service not available, closing|try again later|server (?:is )?busy"
        r"|\btemporary (?:internal |lookup |server )?(?:error|failure) \(in reply to "
        r"|queue file write error|(?:recipient|message|submission)s? (?:quota|rate) (?:is )?exceeded|\brate exceeded",
        _LATER,
        stages=("", NO_CODE),
    ),
    # What is said of the message, then of the recipient.
    _row(
        r"\bbare <?(?:lf|cr|line ?feed|newline)|message not accepted for policy|\blone (?:cr|lf)\b",
        _MESSAGE,
        _MESSAGE,
        stages=("data", "", NO_CODE),
    ),
    _row(
        r"message (?:size|too (?:large|big)|exceeds)|size (?:limit|exceed)|exceed\w* .{0,20}size|storage allocation .{0,40}message",
        _SIZE,
        _MESSAGE,
        stages=("", NO_CODE),
    ),
    _row(r"\bspam\b", _CONTENT, _MESSAGE, stages=("", NO_CODE)),
    _row(r"\bdmarc\b", _SENDER_DOMAIN, _MESSAGE, stages=("", NO_CODE)),
    _row(
        r"message (?:file (?:is )?(?:too|rejected|refused)|content|contained|(?:was |is )?(?:blocked|rejected|refused))"
        r"|policy rejection|not rfc (?:5|2[^0]|28)\d* ?compliant|multiple from headers",
        _MESSAGE,
        stages=("", NO_CODE),
    ),
    _row(
        r"\b(?:recipients?|rcpt)(?: address(?:es)?)? (?:was |is |were )?(?:rejected|refused|required|invalid|unknown|not found)"
        r"|\b(?:unknown|invalid|bad|no such) (?:recipient|rcpt|user|mailbox)(?:e?s)?\b|\buser (?:unknown|not found)|\blocal users? only\b"
        r"|(?<!action not taken: )mailbox unavailable|mailbox not found|account that you tried to reach|cannot deliver mail for <|does not exist .{0,40}mailbox"
        r"|domain not found .{0,40}recipient|\b(?:parse|bad|invalid|malformed) (?:the )?to address",
        _RECIPIENT,
        stages=("", NO_CODE),
    ),
)
# What such words have at least one of: quicker to look for.
_MAYBE = re.compile(
    r"\bip\b|deliver|max|helo|ehlo|authent|over |log ?in|relay|quota|limit|throttl|too |grey|mailbox|insufficient|required|needed|rate|spam|dmarc|sender"
    r"|recipient|rcpt|user|message|busy|temporar|listed|hostname|storage|space|disk|policy|rfc|headers|ptr|reverse|rdns"
)


def refusal(temporary: bool, words: str, stage: str) -> Meaning | None:
    """What the words say that the refusal is about; None where they say nothing known.

    ``temporary``: the code is 4xx. ``words``: the reply's, on one line, in any case. ``stage``: greeting, ehlo,
    starttls, auth, mail, rcpt, data, or "" where it is not known; NO_CODE for words without a reply code.
    """
    text = words[:2000]
    if stage == NO_CODE and not _MAYBE.search(text):
        return None
    for row in _ROWS:
        if row.stages and stage not in row.stages:
            continue
        found = row.words.search(text)
        if found:
            meaning = row.temporary if temporary else row.permanent
            if meaning is not None:
                return meaning._replace(weight=_OWN_WORDS, matched=found.group())
    return None
