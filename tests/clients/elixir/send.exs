# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Opens the session that an Elixir mail library opens, and logs the error term with Elixir's Logger, as Swoosh's users do.
# send.exs HOST PORT MODE CA_FILE SECONDS [USER PASSWORD]
[host, port, mode, ca_file, seconds | _login] = System.argv()
{:ok, _} = Application.ensure_all_started(:ssl)
require Logger
host = String.to_charlist(host)
port = String.to_integer(port)
timeout = 1000 * String.to_integer(seconds)
tcp = [:binary, packet: :line, active: false]
match = :public_key.pkix_verify_hostname_match_fun(:https)

tls = [
  cacertfile: String.to_charlist(ca_file),
  verify: :verify_peer,
  server_name_indication: host,
  depth: 5,
  customize_hostname_check: [match_fun: match]
]

reply = fn reply, socket ->
  case :gen_tcp.recv(socket, 0, timeout) do
    {:ok, <<_code::binary-size(3), "-", _::binary>>} -> reply.(reply, socket)
    other -> other
  end
end

result =
  if mode == "implicit" do
    :ssl.connect(host, port, tls ++ tcp, timeout)
  else
    with {:ok, socket} <- :gen_tcp.connect(host, port, tcp, timeout),
         {:ok, _greeting} <- :gen_tcp.recv(socket, 0, timeout),
         true <- mode == "starttls" || :done,
         :ok <- :gen_tcp.send(socket, "EHLO localhost\r\n"),
         {:ok, _} <- reply.(reply, socket),
         :ok <- :gen_tcp.send(socket, "STARTTLS\r\n"),
         {:ok, _} <- :gen_tcp.recv(socket, 0, timeout) do
      :ssl.connect(socket, tls, timeout)
    end
  end

case result do
  {:error, reason} ->
    Logger.error("Failed to send email: #{inspect({:retries_exceeded, {:network_failure, host, {:error, reason}}})}")

  _ ->
    :ok
end

Logger.flush()
