#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Where -http listens: sockets of a name, which are nobody else's and go with the server; ports that are
# taken; who is warned; files of tokens; of -name and -children, who is there and who is not.
. "$(dirname "$0")/../lib/harness.sh"
need python3
. "$LIB/serve.sh"
start_target shares
shares=$TARGET

ask() # URL PATH: status, as http_client.py asks it
{
	python3 - "$LIB" "$1" "$2" <<-'PY'
		import sys
		sys.path.insert(0, sys.argv[1])
		from served import Served
		print(Served(sys.argv[2]).get(sys.argv[3]).status)
	PY
}

# refused WHAT STATUS PATTERN ARG...: it does not even attach, and says why in one line.
refused()
{
	LIMIT=20 profile -p "$shares" "${@:4}"
	check_equal "$1: exit" "$2" "$STATUS"
	check_equal "$1: told" "1 1" "$(wc -l <"$WORK/run.err") $(grep -c -- "$3" "$WORK/run.err")"
}

# -open: BROWSER, or else xdg-open, is run with the address; not with one that has a secret in it.
mkdir "$WORK/bin"
printf '#!/bin/sh\necho "$1" >"%s/opened.$(basename "$0")"\n' "$WORK" >"$WORK/bin/xdg-open"
chmod +x "$WORK/bin/xdg-open"
cp "$WORK/bin/xdg-open" "$WORK/bin/own"
PATH=$WORK/bin:$PATH
for program in xdg-open own; do
	BROWSER=$([ $program = xdg-open ] || echo $program) serve "-open by $program" -p "$shares" -http 127.0.0.1:0 -open
	for ((i = 0; i < 250; i++)); do
		[ ! -s "$WORK/opened.$program" ] || break
		sleep 0.02
	done
	opened=$(cat "$WORK/opened.$program")
	check_equal "-open by $program: the address" "$URL" "${opened%/}"
	check_equal "-open by $program: there is the page" 200 "$(ask "${opened%/}" /)"
	stop_server "-open by $program"
done
echo "a-secret-of-some-length" >"$WORK/secret"
chmod 600 "$WORK/secret"
refused "-open with a token" 2 "has the token in it" -http 127.0.0.1:0 -http-token "$WORK/secret" -open

socket=$WORK/socket
serve "socket" -p "$shares" -http "unix:$socket"
check_equal "socket: mode" 600 "$(stat -c %a "$socket")"
check_equal "socket: threads" 200 "$(ask "unix:$socket" /debug/pprof/threads)"
refused "a socket that is used" 1 "somebody listens there" -http "unix:$socket"
check_equal "a socket that is used: and is still" 200 "$(ask "unix:$socket" /debug/pprof/cmdline)"
stop_server "socket"
check_equal "socket: gone with the server" no "$([ -e "$socket" ] && echo yes || echo no)"
echo text >"$WORK/text"
refused "a file of that name" 1 "it is no socket" -http "unix:$WORK/text"
check_equal "a file of that name: is left alone" text "$(cat "$WORK/text")"
serve "killed" -p "$shares" -http "unix:$socket"
kill -KILL "$(pgrep -P "$SERVER" -x session)"
end_of_server "killed" 1
check_equal "killed: left behind" yes "$([ -S "$socket" ] && echo yes || echo no)"
check_unharmed "$shares" "killed" && pass "killed: target is unharmed"
serve "in its place" -p "$shares" -http "unix:$socket"
check_equal "in its place: threads" 200 "$(ask "unix:$socket" /debug/pprof/threads)"
stop_server "in its place"

serve "port" -p "$shares" -http 127.0.0.1:0
check_equal "this machine only: no warning" 0 "$(grep -c warning "$SERVER_OUT")"
refused "port in use" 1 "the address is in use" -http "127.0.0.1:${URL##*:}"
stop_server "port"
serve "the same port again" -p "$shares" -http "127.0.0.1:${URL##*:}"
stop_server "the same port again"
serve "other machines" -p "$shares" -http 0.0.0.0:0
check_equal "other machines: warned" 1 "$(grep -c 'warning: other machines can ask' "$SERVER_OUT")"
stop_server "other machines"

echo "a-secret-of-some-length" >"$WORK/token"
chmod 644 "$WORK/token"
refused "a token that others can read" 1 "chmod 600" -http 127.0.0.1:0 -http-token "$WORK/token"
chmod 600 "$WORK/token"
serve "token" -p "$shares" -http 0.0.0.0:0 -http-token "$WORK/token"
check_equal "token: no warning" 0 "$(grep -c warning "$SERVER_OUT")"
check_equal "token: not shown by any process" 0 "$(for p in $SERVER $(pgrep -P "$SERVER"); do
	cat "/proc/$p/cmdline" "/proc/$p/environ"
done | grep -c a-secret)"
stop_server "token"
echo "too-short" >"$WORK/token"
refused "a token that is too short" 1 "16 to 256" -http 127.0.0.1:0 -http-token "$WORK/token"

# Those of a name, and theirs: a shell of another name whose children come and go.
cp "$(command -v bash)" "$WORK/nursery"
mkfifo "$WORK/words"
cat >"$WORK/nursery.sh" <<'END'
echo ready $$
while read -r word && [ "$word" != end ]; do
	if [ "$word" = more ]; then
		"$1" >/dev/null &
		echo "child $!"
	else
		kill "$word"
		wait "$word"
		echo gone
	fi
done
END
"$WORK/nursery" "$WORK/nursery.sh" "$TARGETS/shares" <"$WORK/words" >"$WORK/nursery.out" 2>/dev/null &
nursery=$!
started+=("$nursery")
exec {words}>"$WORK/words"
said() { for ((i = 0; i < 500; i++)); do [ "$(grep -c "^$1" "$WORK/nursery.out")" = "$2" ] && break; sleep 0.02; done; }
said ready 1
serve "children" -name nursery -children -http 127.0.0.1:0
pids() { python3 "$LIB/serve_threads.py" pids "$URL"; }
check_equal "children: at first" "$nursery" "$(pids)"
echo more >&$words && said child 1
first=$(awk '$1 == "child" { print $2; exit }' "$WORK/nursery.out")
echo more >&$words && said child 2
second=$(awk '$1 == "child" { pid = $2 } END { print pid }' "$WORK/nursery.out")
check_equal "children: two" "$(echo $(printf '%s\n' "$nursery" "$first" "$second" | sort -n))" "$(pids)"
check_equal "children: one of them" "200 200" \
	"$(ask "$URL" "/pid/$first/debug/pprof/threads") $(ask "$URL" "/pid/$second/debug/pprof/profile?seconds=1")"
ask "$URL" "/pid/$first/debug/pprof/profile?seconds=60" >"$WORK/cut" &
cut=$!
sleep 0.5
echo "$first" >&$words && said gone 1
check_equal "children: one has ended" "$(echo $(printf '%s\n' "$nursery" "$second" | sort -n))" "$(pids)"
check_equal "children: the one that has ended" 404 "$(ask "$URL" "/pid/$first/debug/pprof/threads")"
check_equal "children: the other" 200 "$(ask "$URL" "/pid/$second/debug/pprof/threads")"
check_equal "children: nobody's number" 404 "$(ask "$URL" /pid/1/debug/pprof/threads)"
kill "$cut"
echo "$second" >&$words && said gone 2
echo end >&$words
end_of_server "children: the last one" 0
finish
