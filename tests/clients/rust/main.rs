// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Sends one message with lettre over one of two TLS libraries, and prints the error in the shape of Vaultwarden's log; or with mail-send.
// clients rustls|native-tls|mail-send HOST PORT MODE CA_FILE SECONDS USER PASSWORD
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Message, SmtpTransport, Transport};
use std::time::Duration;

fn main() {
    let given: Vec<String> = std::env::args().collect();
    let (library, host, mode) = (&given[1], &given[2], &given[4]);
    if library == "mail-send" {
        return with_mail_send(&given);
    }
    let ca = Certificate::from_pem(&std::fs::read(&given[5]).unwrap()).unwrap();
    let parameters = TlsParameters::builder(host.clone()).add_root_certificate(ca);
    let parameters = if library == "rustls" { parameters.build_rustls() } else { parameters.build_native() }.unwrap();
    let tls = match mode.as_str() {
        "implicit" => Tls::Wrapper(parameters),
        "starttls" => Tls::Required(parameters),
        _ => Tls::None,
    };
    let mut transport = SmtpTransport::builder_dangerous(host)
        .port(given[3].parse().unwrap())
        .tls(tls)
        .timeout(Some(Duration::from_secs_f64(given[6].parse().unwrap())));
    if !given[7].is_empty() {
        transport = transport.credentials(Credentials::new(given[7].clone(), given[8].clone()));
    }
    let (from, to): (Mailbox, Mailbox) = ("a@example.com".parse().unwrap(), "b@example.org".parse().unwrap());
    let message = Message::builder().from(from).to(to).subject("test").body(String::from("test")).unwrap();
    if let Err(error) = transport.build().send(&message) {
        let kind = if error.is_client() {
            "SMTP client error"
        } else if error.is_transient() {
            "SMTP 4xx error"
        } else if error.is_permanent() {
            "SMTP 5xx error"
        } else if error.is_timeout() {
            "SMTP timeout error"
        } else if error.is_tls() {
            "SMTP encryption error"
        } else {
            "SMTP error"
        };
        eprintln!("[2026-11-21 18:36:00.000][vaultwarden::mail][ERROR] {kind}: {error}");
        eprintln!("{error:?}");
    }
}

fn with_mail_send(given: &[String]) {
    use mail_send::mail_builder::MessageBuilder;
    use mail_send::SmtpClientBuilder;
    use std::sync::Arc;
    use tokio_rustls::rustls::pki_types::{pem::PemObject, CertificateDer};
    use tokio_rustls::rustls::{crypto::ring, ClientConfig, RootCertStore};

    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_file_iter(&given[5]).unwrap().flatten());
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let mut builder = SmtpClientBuilder::new_with_tls_connector(given[2].as_str(), given[3].parse().unwrap(), Arc::new(config).into());
    builder = builder.implicit_tls(given[4] == "implicit").timeout(Duration::from_secs_f64(given[6].parse().unwrap()));
    if !given[7].is_empty() {
        builder = builder.credentials((given[7].as_str(), given[8].as_str()));
    }
    let message = MessageBuilder::new().from("a@example.com").to("b@example.org").subject("test").text_body("test");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let sent = runtime.block_on(async {
        if given[4] == "cleartext" {
            builder.connect_plain().await?.send(message).await
        } else {
            builder.connect().await?.send(message).await
        }
    });
    if let Err(error) = sent {
        eprintln!("2026-11-21T18:36:00.000000Z ERROR app::mailer: Failed to send email: {error} ({error:?})");
    }
}
