// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Reads a Pangolin config.yml as Pangolin reads it, hands the settings to nodemailer as Pangolin does, then verifies the
// connection, or sends one message when --to is given. Prints one line of JSON and ends with 0, or with 1 when it failed.
//
//   node pangolin_send.js config.yml [--to ADDRESS] [--subject TEXT] [--connection-timeout MS] [--greeting-timeout MS]

"use strict";

const fs = require("fs");
const { parseArgs } = require("util");
const yaml = require("js-yaml");
const nodemailer = require("nodemailer");

const TYPES = {
    smtp_host: isString,
    smtp_port: (value) => typeof value === "number" && value > 0 && value <= 65535,
    smtp_user: isString,
    smtp_pass: isString,
    smtp_secure: isBoolean,
    smtp_tls_reject_unauthorized: isBoolean,
    // A bare address: no display name.
    no_reply: (value) => isString(value) && /^[A-Za-z0-9_'+.-]+@([A-Za-z0-9-]+\.)+[A-Za-z]{2,}$/.test(value),
};

function isString(value) {
    return typeof value === "string";
}

function isBoolean(value) {
    return typeof value === "boolean";
}

class ConfigError extends Error {
    code = "ECONFIG";
}

// The email section, or undefined when there is none: then Pangolin sends no mail at all.
function readEmail(path) {
    const config = yaml.load(fs.readFileSync(path, "utf8"));
    const email = config?.email;
    if (email === undefined) {
        return undefined;
    }
    if (email === null || typeof email !== "object" || Array.isArray(email)) {
        throw new ConfigError("email: is no mapping");
    }
    // Keys that it does not know are dropped without a word; a wrong type stops Pangolin.
    const known = {};
    for (const [key, isRight] of Object.entries(TYPES)) {
        if (email[key] === undefined) {
            continue;
        }
        if (!isRight(email[key])) {
            throw new ConfigError(`email.${key}: ${email[key] === null ? "null" : typeof email[key]} is not valid here`);
        }
        known[key] = email[key];
    }
    // The environment wins, even when it is empty.
    known.smtp_user = process.env.EMAIL_SMTP_USER ?? known.smtp_user;
    known.smtp_pass = process.env.EMAIL_SMTP_PASS ?? known.smtp_pass;
    return known;
}

function transportOptions(email) {
    const options = {
        host: email.smtp_host,
        port: email.smtp_port,
        // Absent is an explicit false: nodemailer then does not infer TLS from port 465.
        secure: email.smtp_secure || false,
        auth: email.smtp_user && email.smtp_pass ? { user: email.smtp_user, pass: email.smtp_pass } : undefined,
    };
    if (email.smtp_tls_reject_unauthorized !== undefined) {
        options.tls = { rejectUnauthorized: email.smtp_tls_reject_unauthorized };
    }
    return options;
}

async function main() {
    const { values, positionals } = parseArgs({
        allowPositionals: true,
        options: {
            to: { type: "string" },
            subject: { type: "string", default: "Pangolin test" },
            "connection-timeout": { type: "string" },
            "greeting-timeout": { type: "string" },
        },
    });
    const answer = { ok: false, code: null, command: null, message: null, response: null, elapsed: 0 };
    const start = process.hrtime.bigint();
    let transport;
    try {
        const email = readEmail(positionals[0]);
        if (email === undefined) {
            throw new ConfigError("there is no email section: mail is disabled");
        }
        const options = transportOptions(email);
        // What follows is for tests on a machine that has nothing but loopback, and for their patience.
        options.allowInternalNetworkInterfaces = true;
        if (values["connection-timeout"]) {
            options.connectionTimeout = Number(values["connection-timeout"]);
        }
        if (values["greeting-timeout"]) {
            options.greetingTimeout = Number(values["greeting-timeout"]);
        }
        transport = nodemailer.createTransport(options);
        if (values.to) {
            const message = { from: email.no_reply || email.smtp_user, to: values.to, subject: values.subject, text: "A test message." };
            answer.response = (await transport.sendMail(message)).response;
        } else {
            await transport.verify();
        }
        answer.ok = true;
    } catch (error) {
        answer.code = error.code ?? null;
        answer.command = error.command ?? null;
        answer.message = error.message;
        answer.response = error.response ?? null;
    } finally {
        transport?.close();
    }
    answer.elapsed = Number(process.hrtime.bigint() - start) / 1e9;
    console.log(JSON.stringify(answer));
    process.exitCode = answer.ok ? 0 : 1;
}

main();
