// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// nodemailer's own check of a transport, told to require TLS: node nodemailer_verify.js HOST PORT implicit|starttls SERVERNAME SECONDS

"use strict";

const nodemailer = require("nodemailer");

const [host, port, mode, servername, seconds] = process.argv.slice(2);
const timeout = Number(seconds) * 1000;
const transport = nodemailer.createTransport({
    host,
    port: Number(port),
    secure: mode === "implicit",
    requireTLS: mode !== "implicit",
    tls: { servername },
    // The general one last, so that the others can say which it was.
    connectionTimeout: timeout - 1000,
    greetingTimeout: timeout - 1000,
    socketTimeout: timeout,
    dnsTimeout: timeout - 1000,
    allowInternalNetworkInterfaces: true,
});

transport.verify().then(
    () => console.log("OK"),
    (error) => {
        console.log(error.code, error.command, error.message);
        process.exitCode = 1;
    },
);
