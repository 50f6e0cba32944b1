// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Sends with lettre what Vaultwarden would send with the variables that it has, with its defaults and its names for things.
// Takes jobs as one JSON array on standard input, and prints one line of JSON for each.
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, Message, SmtpTransport, Transport};
use serde_json::{json, Value};
use std::error::Error;
use std::io::Read;
use std::time::Duration;

fn main() {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input).unwrap();
    let jobs: Value = serde_json::from_str(&input).unwrap();
    for job in jobs.as_array().unwrap() {
        let mut answer = json!({"id": job["id"], "ok": true});
        if let Err(error) = send(job) {
            let because = error.source().map(|one| format!(": {one}")).unwrap_or_default();
            answer = json!({"id": job["id"], "ok": false, "error": format!("{error}{because}")});
        }
        println!("{answer}");
    }
}

fn yes(value: Option<&str>) -> bool {
    matches!(value.unwrap_or("").to_lowercase().as_str(), "true" | "t" | "yes" | "y" | "1")
}

fn send(job: &Value) -> Result<(), Box<dyn Error>> {
    let get = |name: &str| job["env"][name].as_str().filter(|one| !one.is_empty());
    let host = get("SMTP_HOST").ok_or("SMTP_HOST is not set")?;
    let from: Address = get("SMTP_FROM").ok_or("SMTP_FROM is not set")?.parse()?;
    let security = get("SMTP_SECURITY").unwrap_or("starttls");
    let usual = match security {
        "force_tls" => 465,
        "starttls" => 587,
        "off" => 25,
        other => return Err(format!("SMTP_SECURITY is {other}").into()),
    };
    let mut transport = SmtpTransport::builder_dangerous(host)
        .port(get("SMTP_PORT").map(str::parse).transpose()?.unwrap_or(usual))
        .timeout(Some(Duration::from_secs(get("SMTP_TIMEOUT").map(str::parse).transpose()?.unwrap_or(15))));
    if security != "off" {
        let parameters = TlsParameters::builder(host.to_string())
            .dangerous_accept_invalid_certs(yes(get("SMTP_ACCEPT_INVALID_CERTS")))
            .build_rustls()?;
        transport = transport.tls(if security == "force_tls" { Tls::Wrapper(parameters) } else { Tls::Required(parameters) });
    }
    match (get("SMTP_USERNAME"), get("SMTP_PASSWORD")) {
        (Some(user), Some(password)) => transport = transport.credentials(Credentials::new(user.into(), password.into())),
        (None, None) => {}
        _ => return Err("SMTP_USERNAME and SMTP_PASSWORD belong together".into()),
    }
    if let Some(name) = get("HELO_NAME") {
        transport = transport.hello_name(ClientId::Domain(name.to_string()));
    }
    if let Some(names) = get("SMTP_AUTH_MECHANISM") {
        let known: Vec<Mechanism> = names
            .split(',')
            .filter_map(|name| match name.trim().trim_matches(['"', '\'', ' ']).to_lowercase().as_str() {
                "plain" => Some(Mechanism::Plain),
                "login" => Some(Mechanism::Login),
                "xoauth2" => Some(Mechanism::Xoauth2),
                _ => None,
            })
            .collect();
        if !known.is_empty() {
            transport = transport.authentication(known);
        }
    }
    let message = Message::builder()
        .from(Mailbox::new(get("SMTP_FROM_NAME").map(String::from), from))
        .to(job["to"].as_str().unwrap_or_default().parse()?)
        .subject(job["subject"].as_str().unwrap_or_default())
        .body(String::from("test"))?;
    transport.build().send(&message)?;
    Ok(())
}
