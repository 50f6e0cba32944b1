// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Sends one message with lettre over one of two TLS libraries, and prints the error in the shape of Vaultwarden's log.
// clients rustls|native-tls HOST PORT MODE CA_FILE SECONDS USER PASSWORD
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Message, SmtpTransport, Transport};
use std::time::Duration;

fn main() {
    let given: Vec<String> = std::env::args().collect();
    let (library, host, mode) = (&given[1], &given[2], &given[4]);
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
