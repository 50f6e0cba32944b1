#!/usr/bin/env escript
%% Copyright: (c) mailops.smtp contributors
%% GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
%% SPDX-License-Identifier: GPL-3.0-or-later
%% One TLS handshake with Erlang's defaults: escript connect.erl PORT CA_FILE
main([Port, File]) ->
    {ok, _} = application:ensure_all_started(ssl),
    Options = [{verify, verify_peer}, {cacertfile, File}, {server_name_indication, "localhost"}, {log_level, none}],
    case ssl:connect("localhost", list_to_integer(Port), Options, 4000) of
        {ok, Connection} -> ssl:close(Connection);
        {error, Why} -> io:format("~p~n", [Why]), halt(1)
    end.
