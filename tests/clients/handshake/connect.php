<?php
// Copyright: (c) mailops.smtp contributors
// GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// One TLS handshake with PHP's defaults: connect.php PORT CA_FILE
$context = stream_context_create(["ssl" => ["cafile" => $argv[2], "peer_name" => "localhost"]]);
$connection = stream_socket_client("tls://localhost:" . $argv[1], $code, $words, 4, STREAM_CLIENT_CONNECT, $context);
exit($connection ? 0 : 1);
