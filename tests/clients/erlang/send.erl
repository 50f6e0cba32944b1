%% Copyright: (c) mailops.smtp contributors
%% GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
%% SPDX-License-Identifier: GPL-3.0-or-later
%%! -kernel logger_level error
%% Opens the session that an Erlang or Elixir mail library opens, and prints the error term as those print it.
%% send.erl HOST PORT MODE CA_FILE SECONDS USER PASSWORD
main([Host, Port, Mode, CaFile, Seconds | _Login]) ->
    {ok, _} = application:ensure_all_started(ssl),
    Timeout = round(1000 * list_to_integer(Seconds)),
    Tls = [{cacertfile, CaFile}, {verify, verify_peer}, {server_name_indication, Host}, {depth, 5},
           {customize_hostname_check, [{match_fun, public_key:pkix_verify_hostname_match_fun(https)}]}],
    Tcp = [binary, {packet, line}, {active, false}],
    Result = case Mode of
        "implicit" -> ssl:connect(Host, list_to_integer(Port), Tls ++ Tcp, Timeout);
        _ -> start(gen_tcp:connect(Host, list_to_integer(Port), Tcp, Timeout), Mode, Tls, Timeout)
    end,
    case Result of
        {error, Reason} -> io:format("Failed sending email: {:retries_exceeded, {network_failure,~p,{error,~p}}}~n", [Host, Reason]);
        _ -> ok
    end,
    halt(0).

start({ok, Socket}, Mode, Tls, Timeout) ->
    case gen_tcp:recv(Socket, 0, Timeout) of
        {ok, _Greeting} when Mode =:= "starttls" ->
            ok = gen_tcp:send(Socket, <<"EHLO localhost\r\n">>),
            read_reply(Socket, Timeout),
            ok = gen_tcp:send(Socket, <<"STARTTLS\r\n">>),
            gen_tcp:recv(Socket, 0, Timeout),
            ssl:connect(Socket, Tls, Timeout);
        Other -> Other
    end;
start(Other, _Mode, _Tls, _Timeout) -> Other.

read_reply(Socket, Timeout) ->
    case gen_tcp:recv(Socket, 0, Timeout) of
        {ok, <<_Code:3/binary, "-", _/binary>>} -> read_reply(Socket, Timeout);
        Other -> Other
    end.
