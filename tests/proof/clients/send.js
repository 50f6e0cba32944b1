// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Sends with Nodemailer as Node apps do: reads what stands in an app's file or environment as the app reads it, and
// hands the same options to the library. Takes jobs as one JSON array on standard input; prints one line of JSON each.
// With do: "parse" it only prints what the parser finds in the files.

"use strict";

const fs = require("fs");
const dotenv = require("dotenv");
const yaml = require("js-yaml");

const text = (job) => fs.readFileSync(job.file, "utf8");
const env = (job) => job.env ?? dotenv.parse(text(job));
const login = (user, pass) => (user ? { user, pass } : undefined);
const isTrue = (value) => value === "true" || value === "1";

// What a variable means to Directus: numbers, booleans and nothing else are not texts.
function directusValue(value) {
    if (value === "true") return true;
    if (value === "false") return false;
    if (value === "null") return null;
    if (value !== undefined && value.trim() !== "" && !isNaN(value) && String(Number(value)) === value) return Number(value);
    return value;
}

// Ghost reads its environment through nconf with parseValues, where the separator is __.
function ghostOptions(job) {
    const nconf = require("nconf");
    const provider = new nconf.Provider();
    const before = { ...process.env };
    try {
        Object.assign(process.env, env(job));
        provider.env({ separator: "__", parseValues: true });
        return provider.get("mail:options");
    } finally {
        for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    }
}

// PeerTube takes its file, and over it what its image makes of the environment.
function peertube(smtp) {
    return {
        host: smtp.hostname, port: smtp.port, secure: smtp.tls, ignoreTLS: smtp.disable_starttls,
        tls: smtp.ca_file ? { ca: [fs.readFileSync(smtp.ca_file)] } : undefined,
        auth: smtp.username && smtp.password ? { user: smtp.username, pass: smtp.password } : undefined,
    };
}

const READERS = {
    "nodemailer file": (job) => JSON.parse(text(job)),
    "nodemailer environment": (job) => env(job).SMTP_URL,
    "generic_env environment": (job) => {
        const e = env(job);
        return { host: e.SMTP_HOST, port: Number(e.SMTP_PORT), secure: e.SMTP_SECURE === "true", auth: login(e.SMTP_USER, e.SMTP_PASS) };
    },
    "pangolin file": (job) => {
        const email = yaml.load(text(job)).email;
        return {
            host: email.smtp_host, port: email.smtp_port, secure: email.smtp_secure || false, auth: login(email.smtp_user, email.smtp_pass),
            tls: { rejectUnauthorized: email.smtp_tls_reject_unauthorized },
        };
    },
    "directus environment": (job) => {
        const e = Object.fromEntries(Object.entries(env(job)).map(([name, value]) => [name, directusValue(value)]));
        const tls = {};
        if (e.EMAIL_SMTP_TLS_REJECT_UNAUTHORIZED !== undefined) tls.rejectUnauthorized = e.EMAIL_SMTP_TLS_REJECT_UNAUTHORIZED;
        return {
            name: e.EMAIL_SMTP_NAME, host: e.EMAIL_SMTP_HOST, port: e.EMAIL_SMTP_PORT, secure: e.EMAIL_SMTP_SECURE,
            ignoreTLS: e.EMAIL_SMTP_IGNORE_TLS, auth: login(e.EMAIL_SMTP_USER, e.EMAIL_SMTP_PASSWORD), tls,
        };
    },
    "ghost file": (job) => JSON.parse(text(job)).mail.options,
    "ghost environment": ghostOptions,
    "immich file": (job) => {
        const { transport } = JSON.parse(text(job)).notifications.smtp;
        return {
            host: transport.host, port: transport.port, secure: transport.secure, tls: { rejectUnauthorized: !transport.ignoreCert },
            auth: transport.username || transport.password ? { user: transport.username, pass: transport.password } : undefined,
            connectionTimeout: 5000,
        };
    },
    "n8n environment": (job) => {
        const e = env(job);
        const flag = (name) => (e[name] === undefined ? true : ["true", "1"].includes(e[name].toLowerCase()));
        return {
            host: e.N8N_SMTP_HOST, port: Number(e.N8N_SMTP_PORT ?? 465), secure: flag("N8N_SMTP_SSL"), ignoreTLS: !flag("N8N_SMTP_STARTTLS"),
            auth: e.N8N_SMTP_USER && e.N8N_SMTP_PASS ? { user: e.N8N_SMTP_USER, pass: e.N8N_SMTP_PASS } : undefined,
        };
    },
    "peertube file": (job) => peertube(yaml.load(text(job)).smtp),
    "peertube environment": (job) => {
        const e = env(job);
        return peertube({
            hostname: e.PEERTUBE_SMTP_HOSTNAME, port: Number(e.PEERTUBE_SMTP_PORT), username: e.PEERTUBE_SMTP_USERNAME,
            password: e.PEERTUBE_SMTP_PASSWORD, tls: isTrue(e.PEERTUBE_SMTP_TLS), disable_starttls: isTrue(e.PEERTUBE_SMTP_DISABLE_STARTTLS),
        });
    },
    "uptime_kuma file": (job) => {
        const one = JSON.parse(text(job));
        return {
            host: one.smtpHost, port: one.smtpPort, secure: one.smtpSecure, ignoreTLS: one.smtpIgnoreSTARTTLS,
            tls: { rejectUnauthorized: !one.smtpIgnoreTLSError || false }, auth: login(one.smtpUsername, one.smtpPassword),
        };
    },
};

async function send(job) {
    const options = READERS[`${job.app} ${job.form}`](job);
    const short = { connectionTimeout: 4000, greetingTimeout: 4000, socketTimeout: 6000 };
    const { createTransport } = require(job.client);
    const transport = typeof options === "string" ? createTransport(options) : createTransport({ ...short, ...options });
    await transport.sendMail({ from: job.from, to: job.to, subject: job.subject, text: "test" });
}

const PARSERS = { node: (file) => dotenv.parse(fs.readFileSync(file, "utf8")), yaml: (file) => yaml.load(fs.readFileSync(file, "utf8")), json: (file) => JSON.parse(fs.readFileSync(file, "utf8")) };

async function main() {
    for (const job of JSON.parse(fs.readFileSync(0, "utf8"))) {
        const answer = { id: job.id, ok: true };
        try {
            if (job.do === "parse") answer.values = PARSERS[job.dialect](job.file);
            else await send(job);
        } catch (error) {
            Object.assign(answer, { ok: false, error: String(error.message ?? error) });
        }
        console.log(JSON.stringify(answer));
    }
    process.exit(0);
}

main();
