#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -http when something ends or hangs: clients, roles, the target, the server itself. Nobody runs while
# nobody asks.
. "$(dirname "$0")/../lib/harness.sh"
need python3 gdb
. "$LIB/serve.sh"

names=() servers=() outs=()
life() # STATUS NAME SERVE_ARG... : of what runs as the target; the server ends with that status
{
	serve "$2" -p "$TARGET" -http 127.0.0.1:0 "${@:3}"
	start_judge serve_life.py "$2" "$URL" "$SERVER" "$TARGET" "$TARGET_OUT"
	names+=("$1:$2") servers+=("$SERVER") outs+=("$SERVER_OUT")
}

end_lives()
{
	local i

	end_judges
	for ((i = 0; i < ${#names[@]}; i++)); do
		SERVER=${servers[i]} SERVER_OUT=${outs[i]}
		[[ ${names[i]} == *:idle || ${names[i]} == *:held || ${names[i]} == *:torn || ${names[i]} == *:execs ]] && kill "$SERVER"
		end_of_server "${names[i]#*:}" "${names[i]%%:*}"
	done
	names=() servers=() outs=()
}

start_target idle 0 100 0
idle=$TARGET
life 0 idle -background 0
start_target turns
life 0 killed -hz 200
start_target turns
life 0 interrupt -hz 200
start_target turns
life 130 twice -hz 200
start_target guests
life 0 ends
end_lives
TARGET=$idle TARGET_OUT=$WORK/target.0.out
stop_target
check_equal "idle: threads that have run" 0 "$(truth idle_moved)"

start_target crowd 0 3000
life 0 torn
start_target turns
life 0 gone -hz 200
start_target shares
held=$TARGET
life 0 held -hz 500 -max-stop 100
start_target exec_storm 1000000
life 0 execs
end_lives
check_unharmed "$held" "held"
finish
