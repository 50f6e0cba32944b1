# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replies that providers word in their own way, and what has to be changed there. To add one, add a row.

The words are matched as in rules: plain, lower case, " .. " for "and later". A row whose ``stages`` is empty fits everywhere.
"""

from __future__ import annotations

import typing as t

from .spelling import fold
from .word_index import WORD, WordIndex, end_of

__all__ = ("PROVIDER_INDEX", "PROVIDER_TEXTS", "ProviderText", "provider_text")


class ProviderText(t.NamedTuple):
    """One reply: ``message`` is one sentence to add, ``remedy`` takes the place of the cause's own ("" keeps that one)."""

    provider: str
    cause: str
    variant: str
    parts: tuple[str, ...]
    message: str
    remedy: str
    stages: tuple[str, ...] = ()


def _row(
    provider: str,
    cause: str,
    texts: str | tuple[str, ...],
    message: str,
    remedy: str,
    variant: str = "",
    stages: tuple[str, ...] = (),
) -> tuple[ProviderText, ...]:
    each = (texts,) if isinstance(texts, str) else texts
    return tuple(
        ProviderText(
            provider, cause, variant, tuple(fold(part) for part in text.split(" .. ")), message, remedy, stages
        )
        for text in each
    )


_APP_PASSWORD = "Make an app password in the account's security settings (two-step verification has to be on) and put it into password."
_M365_ADMIN = "Have the tenant's administrator"

_GOOGLE = (
    *_row(
        "Gmail",
        "auth_rejected",
        ("534-5.7.9", "534 5.7.9", "application-specific password required", "invalidsecondfactor"),
        "Google takes no account password here: the account has two-step verification, so an app password is needed.",
        _APP_PASSWORD,
    ),
    *_row(
        "Gmail",
        "auth_rejected",
        (
            "535-5.7.8 username and password not accepted",
            "535 5.7.8 username and password not accepted",
            "username and password not accepted",
            "support.google.com/mail/?p=badcredentials",
        ),
        "Google refused user name and password; it takes app passwords or OAuth2 only, never the account's own password.",
        f"Use the full address as username. {_APP_PASSWORD}",
    ),
    *_row(
        "Gmail",
        "auth_rejected",
        (
            "please log in via your web browser",
            "support.google.com/mail/?p=webloginrequired",
            "534-5.7.14",
            "534 5.7.14",
        ),
        "Google wants a login in a web browser first: it found this login unusual.",
        "Log in to the account with a browser, confirm that it was you, then use an app password in password.",
    ),
    *_row(
        "Gmail",
        "auth_rejected",
        ("535 5.7.1 .. lesssecureapps", "less secure app", "p=lesssecureapps"),
        "Google switched off logins with the account's own password.",
        _APP_PASSWORD,
    ),
    *_row(
        "Gmail",
        "temporarily_rejected",
        ("4.7.0 .. too many login attempts", "454 4.7.0 too many login attempts"),
        "Google locks this login for a while after too many attempts.",
        "Stop the app from trying again and again, wait some hours, then correct username and password first.",
    ),
    *_row(
        "Gmail",
        "temporarily_rejected",
        (
            "support.google.com/mail/?p=unsolicitedratelimiterror",
            "421-4.7.28",
            "421 4.7.28",
            "unusual rate of unsolicited mail",
            "unusual rate of email",
        ),
        "Google slows down this sender or address because it sent too much, or too much that looks like spam.",
        "Send less and slower, and check what the app sends; it lifts by itself after some hours.",
    ),
    *_row(
        "Gmail",
        "temporarily_rejected",
        (
            "421-4.7.0 try again later, closing connection",
            "421 4.7.0 try again later, closing connection",
            "4.7.0 .. try again later, closing connection",
        ),
        "Google closes connections that greet it with a name such as localhost, and at times connections from addresses that it does not trust.",
        "Set helo_name to this host's full name; if that is it already, try again later.",
    ),
    *_row(
        "Gmail",
        "message_rejected",
        ("550-5.7.26", "550 5.7.26", "unauthenticated email from"),
        "Google refuses mail whose SPF, DKIM or DMARC does not fit the sender's domain.",
        "Publish SPF and DKIM for the sender's domain that cover this relay, or send from an address of the relay's domain.",
        stages=("data", "rcpt", "mail"),
    ),
    *_row(
        "Gmail",
        "message_rejected",
        ("550-5.7.25", "550 5.7.25", "does not have a ptr record", "missing a ptr record"),
        "This host's address has no matching reverse DNS name.",
        "Have the hosting provider set the PTR record of this host's address, or send through a relay with a login.",
    ),
    *_row(
        "Gmail",
        "temporarily_rejected",
        (
            "550 5.4.5 daily",
            "550-5.4.5",
            "5.4.5 daily user sending",
            "daily user sending limit exceeded",
            "daily smtp relay sending limit exceeded",
        ),
        "The account has used up its sending limit of the day.",
        "Wait until tomorrow, or send through an account or service with a higher limit.",
    ),
    *_row(
        "Google Workspace relay",
        "recipient_rejected",
        (
            "550-5.7.1 invalid credentials for relay",
            "550 5.7.1 invalid credentials for relay",
            "invalid credentials for relay",
            "mail relay denied",
        ),
        "The host smtp-relay.gmail.com knows neither this host's address nor a login for it.",
        "Add this host's public address to the SMTP relay service in the Workspace admin console, or set username and password;"
        " helo_name must be a real domain name.",
    ),
)

_MICROSOFT = (
    *_row(
        "Microsoft 365",
        "auth_rejected",
        ("smtpclientauthentication is disabled for the tenant", "5.7.139 .. disabled for the tenant"),
        "The tenant has SMTP AUTH switched off, so every user name and password is refused.",
        f"{_M365_ADMIN} switch SMTP AUTH on for this mailbox (Set-CASMailbox ... -SmtpClientAuthenticationDisabled $false),"
        " or use OAuth2 or a relay of another provider.",
    ),
    *_row(
        "Microsoft 365",
        "auth_rejected",
        ("smtpclientauthentication is disabled for the mailbox", "5.7.139 .. disabled for the mailbox"),
        "SMTP AUTH is switched off for this mailbox.",
        f"{_M365_ADMIN} switch on 'Authenticated SMTP' for this mailbox.",
    ),
    *_row(
        "Microsoft 365",
        "auth_rejected",
        ("basic authentication is disabled", "5.7.139 .. basic authentication"),
        "Microsoft takes no user name and password any more for this mailbox, only OAuth2.",
        "Use OAuth2 where the app can, or send through a relay that takes a password (a connector, or another provider).",
    ),
    *_row(
        "Microsoft 365",
        "auth_rejected",
        (
            "user is locked by your organization's security defaults",
            "security defaults policy",
            "5.7.139 .. security defaults",
        ),
        "The organisation's security defaults forbid logins with a password.",
        f"{_M365_ADMIN} exempt this mailbox by a conditional access policy, or use OAuth2 or another relay.",
    ),
    *_row(
        "Microsoft 365",
        "auth_rejected",
        (
            "did not meet the criteria to be authenticated successfully",
            "5.7.139 authentication unsuccessful",
            "535 5.7.139",
        ),
        "The organisation's rules do not allow this login: SMTP AUTH is off for the tenant or mailbox, a conditional access policy forbids it,"
        " or the password is wrong.",
        f"{_M365_ADMIN} look at the sign-in log of this mailbox and switch on 'Authenticated SMTP' for it.",
    ),
    *_row(
        "Microsoft Exchange",
        "auth_rejected",
        ("535 5.7.3 authentication unsuccessful", "5.7.3 authentication unsuccessful"),
        "Microsoft refused user name and password; where SMTP AUTH is off for the mailbox, right ones are refused with the same words.",
        f"Check username (the full address) and password; then {_M365_ADMIN[0].lower()}{_M365_ADMIN[1:]} switch on 'Authenticated SMTP' for this mailbox.",
    ),
    *_row(
        "Microsoft 365",
        "sender_rejected",
        (
            "5.7.60",
            "senddenied",
            "sendasdenied",
            "send as denied",
            "not allowed to send as",
            "does not have permissions to send as this sender",
        ),
        "The account that logs in may not send as this sender.",
        f"Set sender to the address of the account in username, or {_M365_ADMIN[0].lower()}{_M365_ADMIN[1:]} give it the Send As right for the sender.",
    ),
    *_row(
        "Microsoft 365",
        "sender_rejected",
        ("5.7.57", "client was not authenticated to send anonymous mail", "client not authenticated to send mail"),
        "Microsoft got the mail without a login.",
        "Set username and password; where they are set, SMTP AUTH is off for the mailbox: have 'Authenticated SMTP' switched on.",
        variant="auth_required",
    ),
    *_row(
        "Microsoft 365",
        "temporarily_rejected",
        (
            "concurrent connections limit exceeded",
            "432 4.3.2",
            "4.3.2 storedrv",
            "submissionquotaexceededexception",
            "5.1.90",
            "5.2.2 submission quota exceeded",
        ),
        "The mailbox has reached Microsoft's sending limits.",
        "Send fewer messages at once (30 a minute, three connections), or through a service made for bulk mail.",
    ),
    *_row(
        "Microsoft 365",
        "recipient_rejected",
        ("tenantattribution", "5.7.64", "5.7.64 tenantattribution"),
        "No connector of the tenant fits this host.",
        "Add this host's public address or certificate to the tenant's inbound connector, or log in with username and password on the submission port.",
    ),
    *_row(
        "Microsoft 365",
        "sender_rejected",
        (
            "5.1.8 .. bad outbound sender",
            "access denied, bad outbound sender",
            "5.7.501",
            "5.7.502",
            "5.7.503",
            "spam abuse detected",
        ),
        "Microsoft has stopped this account from sending: it was taken for a source of spam.",
        f"{_M365_ADMIN} find out what was sent (the password may be known to others), and unblock the account in Defender's list of restricted entities.",
    ),
    *_row(
        "Microsoft 365",
        "sender_rejected",
        ("5.7.705", "5.7.708", "tenant has exceeded threshold", "traffic not accepted from this ip"),
        "Microsoft takes no mail to the outside from this tenant yet (a new or a trial one, most often).",
        f"{_M365_ADMIN} ask Microsoft's support to lift it, or send through another relay.",
    ),
    *_row(
        "Microsoft 365",
        "greeting_rejected",
        ("5.7.606", "5.7.511 access denied, banned sender", "access denied, banned sending ip"),
        "Microsoft has banned this host's address.",
        "Ask for delisting at sender.office.com, or send through a relay with a login.",
    ),
)

_CLOUD = (
    *_row(
        "Amazon SES",
        "sender_rejected",
        ("email address is not verified", "554 message rejected: email address is not verified"),
        "SES sends only from identities that are verified in this region (and in the sandbox, only to verified recipients too).",
        "Verify the sender's address or domain in the SES console of the region that host names, and leave the sandbox if the recipient is not verified.",
    ),
    *_row(
        "Oracle Cloud",
        "sender_rejected",
        ("authorization failed: envelope from address",),
        "Oracle's Email Delivery knows the login, but not the sender: it takes approved senders only.",
        "Add the sender's address to the approved senders of the compartment, or set sender to one that is approved.",
    ),
    *_row(
        "Amazon SES",
        "auth_rejected",
        (
            "535 authentication credentials invalid .. amazon",
            "amazonaws.com .. authentication credentials invalid",
            "amazonses .. authentication credentials invalid",
        ),
        "SES refused the credentials: it wants SMTP credentials of this region, not the access key and secret of IAM.",
        "Make SMTP credentials in the SES console of the region that host names, and put those into username and password.",
    ),
    *_row(
        "Amazon SES, GMX, WEB.DE or IONOS",
        "auth_rejected",
        "535 authentication credentials invalid",
        "Several providers refuse a login with just these words.",
        "At Amazon SES make SMTP credentials in the console of the region that host names (IAM's keys are none); at GMX and WEB.DE switch on POP3,"
        " IMAP and SMTP in the web mail's settings; at IONOS check the full address and its password.",
    ),
    *_row(
        "Amazon SES",
        "sender_rejected",
        ("sending suspended for this account", "sending paused for this account"),
        "Amazon has stopped this account from sending.",
        "Read the notice in the SES console (bounces or complaints, most often), and ask there to have sending switched on again.",
    ),
    *_row(
        "Amazon SES",
        "message_rejected",
        ("554 access denied: user .. is not authorized to perform", "is not authorized to perform ses:"),
        "The IAM user behind the SMTP credentials may not send raw mail.",
        "Allow ses:SendRawEmail to the IAM user of these credentials, for this sender.",
    ),
    *_row(
        "Amazon SES",
        "temporarily_rejected",
        (
            "454 throttling failure",
            "throttling failure: maximum sending rate exceeded",
            "throttling failure: daily message quota exceeded",
            "throttling failure",
        ),
        "SES limits how fast, and how much a day, this account may send.",
        "Send slower, or ask for a higher sending quota in the SES console.",
    ),
    *_row(
        "Amazon SES",
        "sender_rejected",
        ("554 transaction failed: .. mail from domain is not verified", "mailfromdomainnotverified"),
        "The custom MAIL FROM domain is not verified.",
        "Finish the MAIL FROM domain's DNS records (MX and SPF) in the SES console.",
    ),
    *_row(
        "SendGrid",
        "auth_rejected",
        (
            "authenticated user is not authorized to send mail",
            "the provided authorization grant is invalid, expired, or revoked",
            "535 authentication failed: bad username / password",
            "authentication failed: bad username / password",
        ),
        "SendGrid refused the login: username is the word apikey, password an API key with the right Mail Send.",
        "Set username: apikey and password to an API key that has the right 'Mail Send'.",
    ),
    *_row(
        "SendGrid",
        "sender_rejected",
        ("the from address does not match a verified sender identity", "550 the from address does not match"),
        "SendGrid sends only from verified sender identities.",
        "Verify the sender's address or domain in SendGrid, or set sender to one that is verified.",
    ),
    *_row(
        "SendGrid",
        "temporarily_rejected",
        (
            "maximum credits exceeded",
            "451 maximum credits exceeded",
            "451 authentication failed: maximum credits exceeded",
        ),
        "The account's SendGrid credits are used up.",
        "Raise the plan, or wait until the credits are renewed.",
        "limit",
    ),
    *_row(
        "Mailgun",
        "sender_rejected",
        (
            "domain .. is not allowed to send: .. sandbox",
            "sandbox subdomains are for test purposes only",
            "free accounts are for test purposes only",
        ),
        "Mailgun's sandbox domain sends only to authorised recipients.",
        "Add the recipient to the authorised recipients of the sandbox domain, or use a domain of your own.",
    ),
    *_row(
        "Mailgun",
        "sender_rejected",
        ("550 5.7.1 relaying denied .. mailgun", "domain not found: .. mailgun", "is not allowed to send as"),
        "Mailgun does not know the sender's domain for this login.",
        "Add and verify the domain in Mailgun, and use an SMTP login of that domain (postmaster@DOMAIN); EU domains use smtp.eu.mailgun.org.",
    ),
    *_row(
        "Postmark",
        "sender_rejected",
        (
            "sender signature not found",
            "the 'from' address you supplied .. is not a sender signature",
            "is not a sender signature on your account",
            "address not one of your sender signatures",
        ),
        "Postmark sends only from addresses or domains with a confirmed sender signature.",
        "Confirm a sender signature or the domain in Postmark, or set sender to one that is confirmed.",
    ),
    *_row(
        "Postmark",
        "auth_rejected",
        ("the server token was not found", "request does not contain a valid server token", "no server token found"),
        "Postmark wants the Server API token as username and as password.",
        "Put the Server API token (not the account's) into username and password.",
    ),
    *_row(
        "Postmark",
        "recipient_rejected",
        ("marked as inactive .. inactive addresses", "have been marked as inactive", "has been marked as inactive"),
        "Postmark sends nothing more to this recipient: a message bounced, or was called spam, before.",
        "Check the recipient's address, and have it taken off Postmark's list of suppressions.",
    ),
    *_row(
        "Postmark",
        "recipient_rejected",
        "while your account is pending approval",
        "Until Postmark has approved the account, it sends only to recipients in the sender's own domain.",
        "Ask Postmark to approve the account, and test with a recipient in the sender's domain until then.",
    ),
    *_row(
        "Brevo",
        "auth_rejected",
        ("525 5.7.1 unauthorized ip address", "unauthorized ip address"),
        "Brevo does not know this host's address.",
        "Authorise this host's public address in Brevo's security settings, or switch off the blocking of unknown addresses.",
    ),
    *_row(
        "Brevo",
        "sender_rejected",
        ("502 5.7.0 your smtp account is not yet activated", "your smtp account is not yet activated"),
        "Brevo has not activated SMTP for this account yet.",
        "Have the SMTP account activated by Brevo's support and verify the sender there.",
    ),
    *_row(
        "Mailjet",
        "sender_rejected",
        (
            "sender address is not validated",
            "sender .. has not been validated",
            "the from email .. not validated",
            "sender .. is not validated",
        ),
        "Mailjet sends only from validated addresses.",
        "Validate the sender's address or domain in Mailjet.",
    ),
    *_row(
        "Resend",
        "sender_rejected",
        (
            "450 the .. domain is not verified",
            "domain is not verified. please, add and verify your domain",
            "you can only send testing emails to your own email address",
        ),
        "Resend sends only from verified domains.",
        "Verify the sender's domain in Resend; username is the word resend, password an API key.",
    ),
    *_row(
        "SMTP2GO",
        "sender_rejected",
        (
            "550 that sender domain .. is not verified",
            "from header sender domain not verified",
            "sender domain not verified",
        ),
        "SMTP2GO sends only from verified sender domains.",
        "Verify the sender's domain or address with SMTP2GO.",
    ),
    *_row(
        "Mailtrap",
        "sender_rejected",
        ("sending from domain .. is not allowed",),
        "Mailtrap sends only from verified domains.",
        "Verify the sender's domain in Mailtrap.",
    ),
    *_row(
        "Mailtrap",
        "temporarily_rejected",
        ("too many emails per second",),
        "Mailtrap's plan limits how many messages a second the inbox takes.",
        "Send slower, or raise the plan.",
    ),
)

_MAILBOX = (
    *_row(
        "Yahoo",
        "auth_rejected",
        ("535 5.7.0 (#ahzp", "(#auth005)", "#auth005", "(#mbr", "535 5.7.0 .. (#ah"),
        "Yahoo refused the login; it takes app passwords only.",
        _APP_PASSWORD,
    ),
    *_row(
        "Yahoo",
        "temporarily_rejected",
        ("[tss04]", "421 4.7.0 [ts"),
        "Yahoo puts off mail from this address because of complaints.",
        "Send less, wait some hours, and check what the app sends.",
    ),
    *_row(
        "Yahoo",
        "greeting_rejected",
        ("[tss09]", "[tss11]", "will be permanently deferred"),
        "Yahoo takes no mail from this address any more, because of complaints; its word is deferred, but it does not change by itself.",
        "Send through a relay, or settle it with Yahoo's postmaster.",
    ),
    *_row(
        "Yahoo",
        "sender_rejected",
        "550 request failed; mailbox unavailable",
        "Yahoo says so of a sender that is not the account's own address.",
        "Set sender to the address of the account in username.",
    ),
    *_row(
        "Zoho",
        "auth_rejected",
        "does not have smtp access",
        "SMTP is switched off for this account.",
        "Switch on SMTP for the account in Zoho's settings, or take a plan that has it.",
    ),
    *_row(
        "Zoho",
        "sender_rejected",
        (
            "553 sender is not allowed to relay emails",
            "sender is not allowed to relay emails",
            "553 relaying disallowed",
            "relaying disallowed as",
        ),
        "Zoho lets an account send only from its own addresses.",
        "Set sender to the address of the account in username, or to an alias of it.",
    ),
    *_row(
        "Zoho",
        "auth_rejected",
        ("535 authentication failed .. zoho", "invalid zoho"),
        "Zoho refused the login; accounts with two-step verification need an app password, and accounts live in one region.",
        "Use an app password, and the host of the account's region (smtp.zoho.eu, smtp.zoho.in, smtppro.zoho.com for domains).",
    ),
    *_row(
        "Zoho",
        "message_rejected",
        ("550 5.4.6 unusual sending activity", "unusual sending activity detected"),
        "Zoho has blocked the account for unusual sending.",
        "Unblock the account at Zoho's web mail, then send slower.",
    ),
    *_row(
        "iCloud",
        "auth_rejected",
        (
            "app-specific passwords are required",
            "535 5.7.8 .. app-specific password",
            "please use an app-specific password",
        ),
        "Apple takes app-specific passwords only.",
        "Make an app-specific password at the Apple account and put it into password.",
    ),
    *_row(
        "Fastmail",
        "auth_rejected",
        ("you must use an app password", "need an app password", "app password .. fastmail"),
        "Fastmail takes app passwords only.",
        "Make an app password with the right to send mail (SMTP) and put it into password.",
    ),
    *_row(
        "GMX or WEB.DE",
        "auth_rejected",
        (
            "authentication credentials invalid .. kundenserver",
            "nemesis .. authentication credentials invalid",
            "535 authentication credentials invalid .. gmx",
            "gmx .. 535 authentication credentials invalid",
            "web.de .. 535 authentication credentials invalid",
            "pop3/imap/smtp access is not enabled",
        ),
        "The provider refused the login; access by SMTP has to be switched on in its settings first.",
        "Switch on POP3, IMAP and SMTP in the web mail's settings; with two-step verification use an app password.",
    ),
    *_row(
        "GMX or WEB.DE",
        "sender_rejected",
        ("sender address is not allowed.", "mailbox unavailable .. sender address is not allowed"),
        "The provider lets the account send only from its own address.",
        "Set sender to the address of the account in username.",
    ),
    *_row(
        "Yandex",
        "auth_rejected",
        (
            "this user does not have access rights to this service",
            "5.7.8 error: authentication failed: this user does not have access",
        ),
        "Yandex has access by mail programs switched off for this account.",
        "Switch on mail programs in Yandex's settings and use an app password.",
    ),
    *_row(
        "Yandex",
        "auth_rejected",
        "please accept eula first",
        "Yandex wants its terms accepted first.",
        "Log in to the mailbox with a browser once and accept them; then use an app password.",
    ),
    *_row(
        "Yandex",
        "sender_rejected",
        ("sender address rejected: not owned by auth user", "not owned by auth user"),
        "The account may not send as this sender.",
        "Set sender to the address of the account in username.",
    ),
    *_row(
        "Mail.ru",
        "auth_rejected",
        ("application password is required", "neobhodim parol prilozheniya", "535 5.7.0 neobhodim"),
        "Mail.ru takes app passwords only.",
        "Make an app password in the account's security settings and put it into password.",
    ),
    *_row(
        "QQ or 163",
        "auth_rejected",
        (
            "535 login fail. authorization code is expired",
            "login fail. please enter your authorization code",
            "login fail. account is abnormal, service is not open",
        ),
        "The provider takes an authorisation code instead of the password.",
        "Switch on SMTP in the web mail's settings, make an authorisation code there and put it into password.",
    ),
    *_row(
        "QQ or 163",
        "sender_rejected",
        (
            "mail from address must be same as authorization user",
            "mail from must equal authorized user",
            "553 mail from must equal authorized user",
        ),
        "The provider lets the account send only from its own address.",
        "Set sender to the address of the account in username.",
    ),
    *_row(
        "Aliyun",
        "sender_rejected",
        (
            "invalid rcptto .. aliyun",
            "mailfrom must be the same as auth user",
            "440 mail from account doesn't conform with authentication",
            "mail from account doesn't conform",
        ),
        "The provider lets the account send only from its own address.",
        "Set sender to the address of the account in username.",
    ),
    *_row(
        "",
        "sender_rejected",
        ("sender address rejected: not owned by user", "not owned by user"),
        "The account may not send as this sender.",
        "Set sender to the address of the account in username, or to an alias of it.",
    ),
)

# What 163, 126 and yeah.net say: two letters for what watches, three for what it found (their table of bounces).
_NETEASE = (
    *_row(
        "NetEase (163, 126)",
        "temporarily_rejected",
        tuple(
            f"{code} {what}"
            for what in (
                *("hl:rep", "hl:icc", "hl:ifc", "hl:mep", "mi:cel", "mi:dmc", "mi:ccl", "mi:sfq", "mi:stc", "mi:mbl"),
                *("rp:drc", "rp:ccl", "rp:cel", "rp:qrc", "rp:trc", "rp:rcl"),
            )
            for code in (421, 450, 451, 550, 554)
        ),
        "The provider counts connections, messages and recipients of an address and of an account, and has had too many.",
        "Send less and slower, over fewer connections and to fewer recipients; what counts a day is over the next day.",
        variant="limit",
    ),
    *_row(
        "NetEase (163, 126)",
        "message_rejected",
        tuple(f"{code} dt:spm" for code in (451, 550, 554)),
        "The provider takes the message for spam.",
        "Send a plain text with a subject, and to fewer recipients; test mails with one word are refused so as well.",
        variant="content",
    ),
    *_row(
        "NetEase (163, 126)",
        "sender_rejected",
        tuple(f"{code} {what}" for what in ("dt:sum", "mi:imf", "mi:spb", "wm:blu") for code in (450, 550, 554)),
        "The provider does not take this sender, or the sender in the header is another one than in the envelope.",
        "Set sender, in header and envelope, to the address of the account in username.",
    ),
    *_row(
        "NetEase (163, 126)",
        "greeting_rejected",
        (
            *(
                f"{code} {what}"
                for what in ("hl:ihu", "hl:ipb", "hl:itc", "dt:rbl", "wm:bli")
                for code in (421, 450, 554)
            ),
            "requested mail action not taken: invalid ip",
        ),
        "The provider takes nothing from this host's address.",
        "Send through a relay with a login, or ask the provider to allow the address.",
        variant="address",
    ),
    *_row(
        "NetEase (163, 126)",
        "auth_rejected",
        "550 user has no permission",
        "SMTP is switched off for this account.",
        "Switch on SMTP in the web mail's settings and use the authorisation code that it shows.",
    ),
    *_row(
        "QQ or 163",
        "message_rejected",
        ("invalid input from .. qq.com", "requested action not taken: mail .. is rejected"),
        "The provider could not read a command (often a sender or a name that is no plain address), or takes no such message.",
        "Use a plain address as sender, without a name or letters that are not ASCII.",
    ),
)

_ANYONE = (
    *_row(
        "",
        "auth_requires_tls",
        "must issue a starttls command first",
        "The relay takes nothing before TLS: the app spoke in cleartext to a relay that requires STARTTLS.",
        "Set security: starttls (secure: false) in the app, or use a port with TLS from the first byte (secure: true).",
    ),
    *_row(
        "",
        "recipient_rejected",
        (
            "relay access denied",
            "relaying denied",
            "unable to relay",
            "relay not permitted",
            "relaying not allowed",
            "not permitted to relay",
            "relay denied",
        ),
        "This relay carries no mail of this host to other domains without a login.",
        "Set username and password for this relay, so that the app can log in (some apps need a switch for it too), or have its operator allow this"
        " host's address.",
        stages=("rcpt",),
    ),
    *_row(
        "",
        "temporarily_rejected",
        ("greylisted", "greylisting", "graylisted"),
        "The relay puts off the first mail of a sender that it does not know; a mail server tries again by itself, most apps do not.",
        "Send through a submission port with a login, where greylisting does not apply, or try again after five minutes.",
        stages=("rcpt", "mail", "data"),
    ),
)

PROVIDER_TEXTS: tuple[ProviderText, ...] = (*_GOOGLE, *_MICROSOFT, *_CLOUD, *_MAILBOX, *_NETEASE, *_ANYONE)

PROVIDER_INDEX = WordIndex(PROVIDER_TEXTS)


# Codes of the registry (RFC 3463, RFC 7372) and words that servers of other makers use as well, as a row has them.
_OF_ANYBODY = frozenset(
    tuple(fold(part) for part in text.split(" .. "))
    for text in (
        "534-5.7.9", "application-specific password required", "535-5.7.8 username and password not accepted",
        "username and password not accepted", "534-5.7.14", "4.7.0 .. too many login attempts",
        "454 4.7.0 too many login attempts", "421-4.7.28", "550-5.7.26", "unauthenticated email from", "550-5.7.25",
        "does not have a ptr record", "missing a ptr record", "550-5.4.5 daily", "550-5.4.5",
        "421 4.7.0 try again later, closing connection", "4.7.0 .. try again later, closing connection",
        "550 5.7.1 invalid credentials for relay", "invalid credentials for relay", "mail relay denied",
        "basic authentication is disabled", "535 5.7.3 authentication unsuccessful", "5.7.3 authentication unsuccessful",
        "5.7.60", "not allowed to send as", "5.7.57", "concurrent connections limit exceeded", "432 4.3.2", "5.1.90",
        "5.2.2 submission quota exceeded", "5.7.64", "5.7.606", "535 authentication credentials invalid",
        "535 authentication failed: bad username / password", "authentication failed: bad username / password",
        "is not allowed to send as", "525 5.7.1 unauthorized ip address", "unauthorized ip address",
        "sender domain not verified", "sending from domain .. is not allowed", "too many emails per second",
        "sender .. has not been validated", "450 the .. domain is not verified", "553 relaying disallowed",
        "relaying disallowed as", "app-specific passwords are required", "please use an app-specific password",
        "535 5.7.8 .. app-specific password", "you must use an app password", "need an app password",
        "sender address is not allowed.", "mailbox unavailable .. sender address is not allowed",
        "sender address rejected: not owned by auth user", "not owned by auth user", "application password is required",
        "mail from address must be same as authorization user", "mailfrom must be the same as auth user",
    )
)  # fmt: skip
# How a provider's servers call themselves, where its name is none of it.
_CALLS_ITSELF = {
    "Amazon SES": "amazonaws|amazonses|simpleemailservice",
    "Amazon SES, GMX, WEB.DE or IONOS": "amazonaws|amazonses|simpleemailservice|gmx|web.de|kundenserver|nemesis|ionos|1and1",
    "Brevo": "brevo|sendinblue",
    "Fastmail": "fastmail|messagingengine",
    "GMX or WEB.DE": "gmx|web.de|kundenserver|nemesis|ionos|1and1",
    "Gmail": "google|gmail|gsmtp",
    "Google Workspace relay": "google|gmail|gsmtp",
    "Mail.ru": "mail.ru",
    "Microsoft 365": "outlook|office365|microsoft|exchange",
    "Microsoft Exchange": "outlook|office365|microsoft|exchange",
    "QQ or 163": "qq.com|163.com|126.com|netease",
    "iCloud": "icloud|me.com|apple",
}


def _is_of(provider: str, who: str) -> bool:
    """Whether what is known of a relay names this provider."""
    names = _CALLS_ITSELF.get(provider, provider.lower())
    return any(name in who for name in names.split("|"))


def provider_text(low: str, stage: str, who: str | None = None) -> ProviderText | None:
    """The longest provider's text that this folded line has and that fits the stage.

    ``who``: all that is known of the relay (host, greeting), in lower case. Words that anybody may use are the provider's only
    where that names it; null: nothing is known. A row may begin in it, and ends in the line: a greeting alone tells nothing.
    """
    ahead = "" if who is None else f"{who} "
    whole = ahead + low
    rows = [
        row
        for row in PROVIDER_INDEX.candidates(set(WORD.findall(whole)))
        if (not row.stages or stage in row.stages)
        and (end_of(row.parts, low) >= 0 or end_of(row.parts, whole) > len(ahead))
        and (who is None or row.parts not in _OF_ANYBODY or not row.provider or _is_of(row.provider, whole))
    ]
    return max(rows, key=lambda row: sum(map(len, row.parts)), default=None)
