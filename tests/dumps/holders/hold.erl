%% Holds a key in an Erlang process: erl -noshell -run hold main FILE
-module(hold).
-export([main/1]).

main([File]) ->
    {ok, Text} = file:read_file(File),
    [Entry | _] = public_key:pem_decode(Text),
    Key = public_key:pem_entry_decode(Entry),
    public_key:sign(<<"message">>, sha256, Key),
    put(key, Key),
    erlang:garbage_collect(),
    io:format("READY~n"),
    receive stop -> io:format("~p", [get(key)]) end.
