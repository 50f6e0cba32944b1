// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Sends one message and logs the error in the shape of one of several apps.
// send.js pangolin|pino|emailjs|smtpclient|smtpconnection HOST PORT MODE CA_FILE SECONDS USER PASSWORD
const [shape, host, port, mode, caFile, seconds, user, pass] = process.argv.slice(2);
const ca = require('fs').readFileSync(caFile);
const timeout = 1000 * seconds;

function send() {
  return require('nodemailer').createTransport({
    host, port: +port, secure: mode === 'implicit', requireTLS: mode === 'starttls', ignoreTLS: mode === 'cleartext',
    connectionTimeout: timeout, greetingTimeout: timeout, auth: user ? {user, pass} : undefined, tls: {ca}
  }).sendMail({from: 'a@example.com', to: 'b@example.org', subject: 'test', text: 'test'});
}

// A logger that writes the message, then "Stack:" with the stack, then what else the error holds.
function pangolin() {
  const winston = require('winston');
  const shown = winston.format.printf(({level, label, message, timestamp, stack, ...rest}) => {
    const seen = new Set();
    const once = (key, value) => typeof value === 'object' && value !== null && (seen.has(value) || !seen.add(value)) ? undefined : value;
    const more = Object.keys(rest).length ? ` ${JSON.stringify(rest, once)}` : '';
    return `${timestamp} ${label ? `[${label}] ` : ''}[${level}]: ${message}${stack ? `\nStack: ${stack}` : ''}${more}`;
  });
  const logger = winston.createLogger({
    format: winston.format.combine(winston.format.errors({stack: true}), winston.format.timestamp(), winston.format.splat(), shown),
    transports: [new winston.transports.Console()]
  });
  send().catch(error => logger.error(error));
}

function pino() {
  const logger = require('pino')({name: 'app'});
  send().catch(error => logger.error(error, 'Failed to send mail'));
}

function emailjs() {
  const {SMTPClient, Message} = require('emailjs');
  const client = new SMTPClient({
    host, port: +port, user: user || undefined, password: user ? pass : undefined, timeout,
    ssl: mode === 'implicit' ? {ca} : false, tls: mode === 'starttls' ? {ca} : false
  });
  const message = new Message({from: 'a@example.com', to: 'b@example.org', subject: 'test', text: 'test'});
  client.sendAsync(message).catch(error => { console.error('mail error:', error); process.exit(1); });
}

// A client that speaks one command after the other, as its caller says.
async function smtpclient() {
  const {SMTPClient} = require('smtp-client');
  const client = new SMTPClient({host, port: +port, secure: mode === 'implicit', timeout, ca});
  try {
    await client.connect({timeout});
    await client.greet({hostname: 'client.example.com', timeout});
    if (mode === 'starttls') {
      await client.secure({ca, servername: host, timeout});
      await client.greet({hostname: 'client.example.com', timeout});
    }
    if (user) await client.authPlain({username: user, password: pass, timeout});
    await client.mail({from: 'a@example.com', timeout});
    await client.rcpt({to: 'b@example.org', timeout});
    await client.data('Subject: test\r\n\r\ntest\r\n', {timeout});
    await client.quit();
  } catch (error) {
    console.error('[mailer]', error);
    process.exit(1);
  }
}

// What Nodemailer 2 and 3 sent with, and what apps that use it alone still do.
function smtpconnection() {
  const SMTPConnection = require('smtp-connection');
  const connection = new SMTPConnection({
    host, port: +port, secure: mode === 'implicit', requireTLS: mode === 'starttls', ignoreTLS: mode === 'cleartext',
    connectionTimeout: timeout, greetingTimeout: timeout, tls: {ca}
  });
  const failed = error => { console.error(new Date().toISOString(), 'ERROR mail:', error); process.exit(1); };
  connection.on('error', failed);
  const message = () => connection.send({from: 'a@example.com', to: ['b@example.org']}, 'Subject: test\r\n\r\ntest\r\n',
    error => error ? failed(error) : connection.quit());
  connection.connect(() => user ? connection.login({user, pass}, error => error ? failed(error) : message()) : message());
}

({pangolin, pino, emailjs, smtpclient, smtpconnection})[shape]();
setTimeout(() => process.exit(2), 6000).unref();
