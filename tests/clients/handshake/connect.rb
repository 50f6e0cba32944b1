# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# One TLS handshake with the defaults that Net::SMTP takes: connect.rb PORT CA_FILE
require "openssl"
require "socket"

context = OpenSSL::SSL::SSLContext.new
context.set_params(ca_file: ARGV[1], cert_store: nil)
connection = OpenSSL::SSL::SSLSocket.new(TCPSocket.new("localhost", ARGV[0].to_i), context)
connection.hostname = "localhost"
connection.connect
connection.post_connection_check("localhost")
connection.close
