// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// Runs nodemailer's smtp-server: one argument, a JSON object with the keys of support.small.SmtpServer.

"use strict";

const fs = require("fs");
const path = require("path");
const { SMTPServer } = require("smtp-server");

const options = JSON.parse(process.argv[2]);
const implicit = options.tls === "implicit";
const cleartext = options.tls === "cleartext";

function authenticate(auth, _session, callback) {
    const password = options.users[auth.username];
    const right = auth.method === "CRAM-MD5" ? auth.validatePassword(password) : auth.password === password;
    if (password === undefined || !right) {
        return callback(new Error("Invalid username or password"));
    }
    return callback(null, { user: auth.username });
}

function keep(stream, _session, callback) {
    const chunks = [];
    stream.on("data", (chunk) => chunks.push(chunk));
    stream.on("end", () => {
        if (stream.sizeExceeded) {
            const error = new Error("Message exceeds fixed maximum message size");
            error.responseCode = 552;
            return callback(error);
        }
        const name = String(process.hrtime.bigint());
        fs.writeFileSync(path.join(options.mail, name), Buffer.concat(chunks));
        return callback(null, `Message queued as ${name}`);
    });
}

const server = new SMTPServer({
    name: "smtp-server.test",
    secure: implicit,
    ...(options.certificate ? { key: fs.readFileSync(options.key), cert: fs.readFileSync(options.certificate) } : {}),
    disabledCommands: [...(cleartext || implicit ? ["STARTTLS"] : []), ...(Object.keys(options.users).length ? [] : ["AUTH"])],
    allowInsecureAuth: !options.auth_only_over_tls || cleartext,
    authOptional: !options.require_auth,
    authMethods: options.mechanisms,
    size: options.size_limit,
    disableReverseLookup: true,
    onAuth: authenticate,
    onData: keep,
    ...options.extra,
});
// A client that leaves in the middle of a handshake is no reason to end.
server.on("error", (error) => console.error(error.message));
server.listen(options.port, options.host);
