// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// One TLS handshake with Node's defaults: node connect.js PORT CA_FILE
const socket = require("tls").connect(
  { host: "localhost", port: Number(process.argv[2]), servername: "localhost", ca: require("fs").readFileSync(process.argv[3]) },
  () => socket.end(),
);
socket.on("error", (error) => {
  console.log(error.message);
  process.exit(1);
});
