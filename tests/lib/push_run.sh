# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# For scripts that run the program with -push: several at once, each with a target and a store of its own.
. "$LIB/serve.sh"
"$CPPROF" -p 1 -push parca+http://127.0.0.1:1 2>&1 </dev/null | grep -q 'without libcurl' && skip_all "built without libcurl"

declare -A kept_state
state_names=(TARGET TARGET_OUT SERVER SERVER_OUT STORE STORE_PID PORT KEPT)

# keep NAME, again NAME: what is of one of those that run.
keep() { for v in "${state_names[@]}"; do kept_state[$1.$v]=${!v:-}; done; }
again() { for v in "${state_names[@]}"; do printf -v "$v" %s "${kept_state[$1.$v]}"; done; }

# start_store NAME OPTION VALUE...: sets STORE and KEPT, its folders, PORT and STORE_PID
start_store()
{
	local i

	STORE=$WORK/store.$1 KEPT=$WORK/kept.$1
	mkdir -p "$STORE" "$KEPT"
	rm -f "$STORE/port"
	touch "$STORE/log"
	python3 "$LIB/push_server.py" "$STORE" keep "$KEPT" "${@:2}" 2>"$STORE/err" &
	STORE_PID=$!
	started+=("$STORE_PID")
	for ((i = 0; i < 500; i++)); do [ -s "$STORE/port" ] && break; sleep 0.02; done
	PORT=$(<"$STORE/port") || { fail "the store did not start: $(tail -1 "$STORE/err")"; finish; }
}

# push ARG...: of the target, a window each second; sets SERVER and SERVER_OUT
push()
{
	SERVER_OUT=$WORK/pusher.$((servers_started++)).err
	(cd "$WORK" && exec "$CPPROF" -p "$TARGET" -every 1 "$@") >"$SERVER_OUT.out" 2>"$SERVER_OUT" </dev/null &
	SERVER=$!
	started+=("$SERVER")
}

logged() { grep -c "^$1" "$STORE/log"; }
await_logged() # WORDS NUMBER
{
	local i

	for ((i = 0; i < 1500; i++)); do
		(($(logged "$1") >= $2)) && return
		sleep 0.02
	done
	fail "$1: $(logged "$1") of $2 came"
}

check_rules() { check_equal "$1: broken rules" 0 "$(logged bad)"; }
services() { awk '$1 == "taken" { print $5 }' "$STORE/log" | sort -u; }
said() { grep -c "$1" "$SERVER_OUT"; }
