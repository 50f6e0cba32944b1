# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Layer settings: the program refuses its own settings, before any packet is sent."""

from __future__ import annotations

from ..rule import Rule, absent, curl, mbedtls, rules, schannel

__all__ = ("RULES",)

# PHPMailer names the field behind an address that it does not take.
_INVALID_FIELDS = tuple(f"invalid address: ({name})" for name in ("from", "to", "cc", "bcc", "sender", "reply-to"))

# fmt: off
RULES: tuple[Rule, ...] = (
    *rules("invalid_settings", "certain", texts="""
        # Mailpit's start-up errors
        you must provide both an smtp tls certificate and a key
        tls cannot be required without an smtp tls certificate
        tls cannot be required with --smtp-auth-allow-insecure
        tls & starttls cannot be required together
        password file not found or readable
        authentication cannot use both credentials and --smtp-auth-accept-any
        authentication requires starttls or tls encryption
        tls (certificate|key) not found or readable
        [smtp] bind should be in the format of
        [relay] host not set
        host username or password not set for
        host username or secret not set for cram-md5
        authentication method not supported
        override-from is not a valid email address
        a relay configuration must be set to auto-relay
        [forward] to addresses missing
        # apps
        email_use_tls/email_use_ssl are mutually exclusive
        smtp_enable_starttls_auto'] are mutually exclusive
        enable_starttls and :tls are mutually exclusive
        are mutually exclusive, so only set one of those settings
        `smtp_security` is invalid
        need to be set (for email support|to enable email authentication)
        smtp_from .. is not a valid email address
        email.(force_tls|require_transport_security) requires email.enable_tls
        smtp_tls_wrappermode requires smtp_tls_security_level
        send message without a sender address
        port (should|must) be >= 0 and < 65536
        either servername or insecureskipverify must be specified
        trustanchors parameter must be non-empty
        # msmtp and curl read their files first
        msmtp: .. (unknown command|envelope-from address is missing)
        msmtp: account .. not found
        # Ruby
        smtp-auth requested but missing
        # c-ares (Node): a name with quotes, blanks or two dots in it is no name
        query(a|aaaa|mx|any) ebadname
        # CDO
        (at least one recipient is required|at least one of the from or sender fields is required)
        "sendusing" configuration value
        # Go: host:port
        (missing port|too many colons) in address
        # Exchange
        specified in tlscertificatename .. could not be found
        # Java: a user name and no password
        failed to connect, no password specified
    """),
    *rules("invalid_settings", "likely", curl(
        (3, ""), (58, "problem with the local ssl certificate"), (77, "problem with the ssl ca cert")),
        mbedtls((0x2980, "x509 - read/write of file failed")),
        schannel((0x8009030D, "sec_e_unknown_credentials")), _INVALID_FIELDS, texts="""
        # EX_CONFIG (sysexits.h), as who starts sendmail, msmtp and their kin reports it
        exit (status|code|value) 78
        (exited with|returned|status=|status: )78
        # A URL that cannot be read: .NET, Node, Go, Rust
        (invalid ur(i|l)|net/url: |invalid port .. after host|relative url without a base)
        # Erlang, whose ssl does not take an option
        {(error,|:error,) {(|:)options,
        # Symfony
        mailer dsn (is invalid|must contain)
        # auth without user or pass, before anything is sent: Nodemailer, Alertmanager
        missing (credentials|username) for
        missing password for .. auth mechanism
        (smtp|mail|smtp server|mail server|smtp options) (|is |are )not configured
        (smtp|mail) settings (|is |are )(misconfigured|misconfiguration|invalid|incorrect)
        {:error, :no_relay}
        bad_option, (|:)(no_credentials|invalid_port)
        (servname not supported|service not found|unknown service) .. ai_socktype
        tcp/ .. : unknown port
        label empty or too long
        server_hostname cannot be an empty string
        find valid hostname for mail session
        # .NET, PHPMailer, Symfony, Laminas, Ruby, Swift, Perl, of what they are told
        not in the form required for an e-mail address
        invalid hostentry
        scheme is not supported; supported schemes for mailer
        is unsupported ssl type
        wrong authentication type
        mail destination not given
        smtps and starttls is exclusive
        smtp (from|to) address may not be blank
        (openssl library not installed|smtp auth requires mime::base64)
        invalid email provided
        unable to open a socket to sendmail
        one destination on to, cc or bcc
        (requires|need|needs) (smtp|mail|email) settings
        smtp (configuration|config|settings) (is|are) (missing|incomplete|not set)
        error loading credentials
        no such file or directory .. ca.pem
        (could not load cafile|error adding trust anchors from file|tls_trust_file|cannot set x509 trust file)
        error setting certificate (verify locations|file)
        # A certificate of the client's own
        the certificate and the given key do not match
        (key values mismatch|private key does not match the certificate)
        gnutls .. error while reading file
        # rustls, of what host is set to
        (invalid dns name|server name type wasn't supported)
        url using bad/illegal format
        setup default email account
        no (sender|recipient|recipients|from address|recipient addresses) (has been |have been |)(specified|defined|set|given)
        hostname for client cannot be empty
        # Emacs
        open-network-stream: invalid connection type
        no recipients (found|defined)
        # An address that the client itself does not take
        does not comply with (rfc|addr-spec of rfc)
        (test failed|sending|send|smtp) .. is not in the form required for an e-mail address
        emailexception: please provide a valid address
    """),
    *rules(
        "invalid_settings", "likely", also=("recipient_rejected",), note="The relay that is set leads back to the host that sends.",
        texts="""
        loops back to (me|myself)
        remote host address is the local host
        would mean connecting to myself
    """),
    *rules(
        "invalid_settings", "likely", absent("sendmail", "msmtp", "mailx", "ssmtp", "s-nail"),
        note="The program that is to send the mail is not there.",
        remedy="Install a program that provides sendmail (msmtp, Postfix, ...) where the app runs, or let the app speak SMTP itself.",
        texts="""
        (exit (status|code|value)|exited|exited with) 127
        s-nail: .. executable not found
        mail: command not found
        (unable to|cannot|could not) run qmail-(remote|smtp|inject)
    """),
    *rules(
        "invalid_settings", "likely",
        note="The mail server's own settings stop it before it connects: it cannot work out an option, or may not read what the option names.",
        remedy="Correct the option that the text names, or let the server's user read the file; no relay was asked.",
        texts="""
        failed to expand .. (option|transport|router)
        (failed to expand|tainted) .. permission denied
        exim configuration error
        (postconf|postfix): fatal: .. (bad numeric|bad boolean|parameter)
        fatal: .. main.cf
        fatal: open .. /etc/postfix/
        # Postfix, whose own process for the transport does not start
        (|unknown )mail transport (unavailable|error)
    """),
    *rules(
        "invalid_settings", "likely",
        note="The client itself cannot speak TLS: a library or an extension is missing where it runs.",
        remedy="Install what the client needs for TLS (PHP's openssl, Perl's IO::Socket::SSL, a build with TLS), whatever the relay offers.",
        texts="""
        extension missing: openssl
        socket transport "(ssl|tls)
        no (ssl|tls) support .. (install|load required|included)
        to use ssl please install
        support for tls is not compiled
        could not load ssl library
        nosuchproviderexception
        protocol "smtps" not supported
        (:|,)ssl_not_started
        our tls engine is unavailable
    """),
    *rules(
        "invalid_settings", "likely", note="The client is built without what a login needs.",
        remedy="Install a build of the client with SASL and its plug-ins (cyrus-sasl, libsasl2-modules), whatever the relay offers.",
        texts="""
        smtp authentication requires sasl
        (compiled|built) without sasl
    """),
    # PHP's own mail(), which does not say what its sendmail did
    *rules(
        "invalid_settings", "possible", also=("sender_rejected", "connection_refused"),
        texts="could not instantiate mail function"),
    *rules(
        "invalid_settings", "likely", note="Pangolin has no sender for the message.",
        remedy="Set email.no_reply in Pangolin's config.yml (the key is spelt with an underscore) to the sender's address.",
        texts="email missing required fields"),
)
