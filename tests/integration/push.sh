#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Pushing: a store that is strict gets what it wants, in order; one that is away for a while, hangs, or breaks
# off loses nothing; what is refused or has no room is told and counted. tests/pusher pushes as session does.
. "$(dirname "$0")/../lib/harness.sh"
need python3 openssl
PUSHER=${PUSHER:-$(dirname "$TARGETS")/pusher/pusher}
[ -x "$PUSHER" ] || skip_all "no $PUSHER"
"$PUSHER" 0 0 0,0,0,0,0 -p 1 -push parca+http://127.0.0.1:1 2>&1 | grep -q 'without libcurl' && skip_all "built without libcurl"
# connection, request, shortest and longest pause, the end; ms
QUICK=2000,4000,20,100,10000

servers=()
start_server() # NAME OPTION VALUE...
{
	STORE=$WORK/$1
	[ "${BESIDE:-}" ] || end_servers
	mkdir -p "$STORE"
	rm -f "$STORE/port"
	shift
	python3 "$LIB/push_server.py" "$STORE" "$@" 2>"$STORE/err" &
	SERVER=$!
	started+=("$SERVER")
	servers+=("$SERVER")
	for ((i = 0; i < 500; i++)); do [ -s "$STORE/port" ] && break; sleep 0.02; done
	PORT=$(<"$STORE/port") || { fail "the server did not start: $(tail -1 "$STORE/err")"; finish; }
	P=pyroscope+http://127.0.0.1:$PORT
}

end_servers()
{
	[ ${#servers[@]} = 0 ] && return
	kill "${servers[@]}"
	wait "${servers[@]}" 2>/dev/null
	servers=()
}

push() # WHAT STATUS WINDOWS GAP TIMES OPTION...
{
	local what=$1 status=$2

	shift 2
	timeout -k 5 60 "$PUSHER" "$1" "$2" "$3" -p 1 -profile cpu "${@:4}" >"$WORK/run.out" 2>"$WORK/run.err"
	check_equal "$what: exit" "$status" $?
	check_no_report
	check_equal "$what: broken rules" 0 "$(cat "$STORE/log" 2>/dev/null | grep -c '^bad')"
}

# count WORD [STORE]: of the store whose address has that in it
count() { awk -v word="$1" -v store="${2:-$PORT}" '$1 == "store" && $2 ~ store { for (i = 3; i < NF; i += 2) if ($i == word) sum += $(i + 1) } END { print sum + 0 }' "$WORK/run.out"; }
taken() { awk '$1 == "taken" && $3 == "process_cpu" { print $4 }' "$STORE/log" | tr '\n' ' '; }
played() { grep -c "^played $1\$" "$STORE/log"; }
said() { grep -c "$1" "$WORK/run.err"; }
label() { python3 -c 'import json, sys
for line in open(sys.argv[1]):
    print(json.loads(line).get(sys.argv[2]))' "$STORE/labels" "$1" | sort | uniq -c | tr -s ' \n' ' '; }

# All kinds to both stores, behind a prefix.
start_server plain prefix /some/where tenant team-1
push "both stores" 0 3 20 $QUICK -profile cpu,wall,block,mutex,threads,goroutine -tenant team-1 \
	-push "$P/some/where/" -push "parca+http://127.0.0.1:$PORT/some/where" -label $'env=t\303\251st' -label team=a
check_equal "both stores: profiles" 36 "$(grep -c '^taken' "$STORE/log")"
check_equal "both stores: kinds" 6 "$(awk '/^taken/ { print $3 }' "$STORE/log" | sort -u | wc -l)"
check_equal "both stores: sent" "18 18" "$(count sent pyroscope) $(count sent parca)"
check_equal "both stores: a label" " 36 a" "$(label team | sed 's/ $//')"
check_equal "both stores: its own labels" " 18 None 18 cpprof-attach" "$(label pyroscope_spy | sed 's/ $//')"
check_equal "both stores: service" " 36 app" "$(label service_name | sed 's/ $//')"
push "another service" 0 1 0 $QUICK -tenant team-1 -push "$P/some/where" -label service_name=mine -label instance=i1
check_equal "another service: said" "pyroscope process_cpu 1 mine" "$(tail -1 "$STORE/log" | cut -d' ' -f2-)"

# A store that is away for a while.
start_server busy plan '503*3,429,429:1,502,408,504,ok'
push "busy" 0 4 10 $QUICK -push "$P"
check_equal "busy: order" "1 2 3 4 " "$(taken)"
check_equal "busy: tried again" 8 "$(count retried)"
check_equal "busy: told at its begin and end" "1 1" "$(said 'waits$') $(said 'answers again.*nothing was lost')"
check_equal "busy: terminal's control characters" 0 "$(grep -c $'\033' "$WORK/run.err")"
start_server broken plan 'half,reset*3,half,slow,ok'
push "broken off" 0 4 10 $QUICK -push "$P"
check_equal "broken off: order" "1 2 3 4 " "$(taken)"
check_equal "broken off: tried again" 5 "$(count retried)"
start_server hung plan 'hang*2,ok'
push "hung" 0 3 10 2000,300,20,100,10000 -push "$P"
check_equal "hung: order" "1 2 3 " "$(taken)"
check_equal "hung: tried again" 2 "$(count retried)"

# One that is not there holds up no other one; it comes before there is no more room.
start_server late
late=$PORT
start_server here
timeout -k 5 60 "$PUSHER" 20 20 $QUICK -p 1 -profile cpu -push "pyroscope+http://127.0.0.1:$late" -push "parca+http://127.0.0.1:$PORT" \
	>"$WORK/run.out" 2>"$WORK/run.err" &
pusher=$!
started+=("$pusher")
for ((i = 0; i < 500; i++)); do [ "$(grep -c '^taken' "$STORE/log" 2>/dev/null)" = 20 ] && break; sleep 0.02; done
check_equal "beside one that is away: order" "$(seq -s' ' 20) " "$(taken)"
BESIDE=1 start_server late port "$late"
wait $pusher
check_equal "away until late: exit" 0 $?
check_equal "away until late: order" "$(seq -s' ' 20) " "$(taken)"
check_equal "away until late: broken rules" 0 "$(grep -c '^bad' "$STORE/log")"

# No more room: the oldest are lost, and counted. The first one is on its way while the others come.
start_server full plan 'hang,ok'
push "no more room" 1 300 0 2000,1500,20,100,10000 -push "$P"
check_equal "no more room: lost and sent" "44 256" "$(count dropped) $(count sent)"
check_equal "no more room: order" "$(seq -s' ' 45 300) " "$(taken)"
check_equal "no more room: told" "1 1" "$(said 'no room for more') $(said 'answers again.*44 profiles were lost')"
check_equal "no more room: to be saved" 1 "$(grep -c '^windows to be saved 44, with profiles 44, not 0' "$WORK/run.out")"

# What is refused is not tried again.
start_server wrong plan '400*2,401,404,413,ok'
push "refused" 1 6 10 $QUICK -push "$P"
check_equal "refused: tries" "5 5 0" "$(grep -c '^played' "$STORE/log") $(count refused) $(count retried)"
check_equal "refused: the others" "6 " "$(taken)"
check_equal "refused: told once for each" "1 1 1" "$(said 'refused: 400') $(said 'refused: 401.*see -push-auth') $(said 'refused: 404')"
check_equal "refused: the store's words" 1 "$(said '"message": "it was asked.*to say 400"})')"
check_equal "refused: to be saved" 1 "$(grep -c '^windows to be saved 5, with profiles 5' "$WORK/run.out")"
start_server elsewhere plan 301,307,ok
push "redirected" 1 3 10 $QUICK -push "$P"
check_equal "redirected: tries" "1 1 1" "$(played 301) $(played 307) $(grep -c '^taken' "$STORE/log")"
check_equal "redirected: told" 1 "$(said '301 (http://elsewhere.invalid/final); redirects are not followed, give the final URL')"
start_server failing plan '500*10,ok'
push "failing at one" 1 3 10 $QUICK -push "$P"
check_equal "failing at one: tries" "10 9 1" "$(played 500) $(count retried) $(count given_up)"
check_equal "failing at one: the others" "2 3 " "$(taken)"
check_equal "failing at one: told" 1 "$(said 'given up after 10 tries: 500')"

# The end does not wait for ever.
push "never there" 1 2 0 500,500,20,100,300 -push pyroscope+http://127.0.0.1:1 -profile cpu,wall
check_equal "never there: given up" "4 4" "$(count given_up :1) $(count added :1)"
check_equal "never there: told" 1 "$(said '4 profiles could not be sent in the end')"

push "never there, and many wait" 1 100 0 500,500,20,100,300 -push pyroscope+http://127.0.0.1:1
check_equal "never there, and many wait: to be saved" 1 "$(grep -c '^windows to be saved 100, with profiles 100, not 0' "$WORK/run.out")"

# Secrets: in the header, and nowhere else.
basic="Basic $(printf 'user:se-cret word' | base64)"
start_server known auth "$basic"
printf 'basic user:se-cret word\n' >"$WORK/secret"
chmod 600 "$WORK/secret"
push "a file's secret" 0 1 0 $QUICK -push "$P" -push-auth "$WORK/secret"
CPPROF_PUSH_USER=user CPPROF_PUSH_PASSWORD='se-cret word' push "the environment's secret" 0 1 0 $QUICK -push "$P"
push "without the secret" 1 1 0 $QUICK -push "$P"
check_equal "without the secret: told" 1 "$(said 'refused: 401 .*who are you')"
start_server token auth 'Bearer to-ken.1' plan 'hang,ok'
CPPROF_PUSH_TOKEN=to-ken.1 "$PUSHER" 1 0 2000,1000,20,100,10000 -p 1 -profile cpu -push "$P" >"$WORK/run.out" 2>"$WORK/run.err" &
pusher=$!
started+=("$pusher")
for ((i = 0; i < 500; i++)); do grep -q played "$STORE/log" 2>/dev/null && break; sleep 0.02; done
seen=$(for p in $pusher $(pgrep -P $pusher); do
	cat "/proc/$p/cmdline" "/proc/$p/environ" | tr '\0' '\n'
done 2>/dev/null)
check_equal "a token: processes seen" 2 "$(grep -c "^$PUSHER\$" <<<"$seen")"
check_equal "a token: shown by them" 0 "$(grep -c to-ken <<<"$seen")"
wait $pusher
check_equal "a token: exit" 0 $?

# The process that sends dies, or is stopped.
start_server killed plan 'hang,ok*2,hang,ok'
"$PUSHER" 6 100 2000,1000,20,100,10000 -p 1 -profile cpu -push "$P" >"$WORK/run.out" 2>"$WORK/run.err" &
pusher=$!
started+=("$pusher")
sender() { pgrep -P $pusher; }
for ((i = 0; i < 500; i++)); do grep -q played "$STORE/log" 2>/dev/null && break; sleep 0.02; done
kill -KILL "$(sender)"
for ((i = 0; i < 500; i++)); do [ "$(played hang)" = 2 ] && break; sleep 0.02; done
kill -STOP "$(sender)"
wait $pusher
check_equal "killed and stopped: exit" 0 $?
check_equal "killed and stopped: order" "1 2 3 4 5 6 " "$(taken)"
check_equal "killed and stopped: tried again" 2 "$(count retried)"

# Certificates are checked.
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=store -addext subjectAltName=IP:127.0.0.1 \
	-keyout "$WORK/key" -out "$WORK/ca" 2>"$WORK/openssl.err" && cat "$WORK/key" "$WORK/ca" >"$WORK/both"
start_server secure tls "$WORK/both"
P=pyroscope+https://127.0.0.1:$PORT
push "an unknown authority" 1 1 0 2000,2000,20,100,300 -push "$P"
check_equal "an unknown authority: told" 1 "$(said 'certificate')"
push "its own authority" 0 2 0 $QUICK -push "$P" -push-ca "$WORK/ca"
check_equal "its own authority: order" "1 2 " "$(taken)"

finish
