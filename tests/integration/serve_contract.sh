#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# -http answers as Go's own server does, but for differences that are listed; with a token, by a
# socket's name and for several processes, too; and each pprof that is here reads each address.
# AGAINST=go: another Go program in our place, to see that the test is fair.
. "$(dirname "$0")/../lib/harness.sh"
need python3 go
. "$LIB/serve.sh"

contract() # WHAT ARG...: against Go's server
{
	local what=$1

	shift
	if python3 "$LIB/http_contract.py" "$@" >"$WORK/contract.out" 2>&1; then
		pass "$what: $(grep ' requests, ' "$WORK/contract.out")"
	else
		fail "$what: $(grep ' requests, ' "$WORK/contract.out")"
		grep -v '^  ' "$WORK/contract.out" | sed 's/^/    /' | tail -n +2 | head -30
	fi
	[ "${SHOW:-}" ] && grep '^  ' "$WORK/contract.out"
}

if [ "${AGAINST:-}" = go ]; then
	for GO in "${GOS[@]}"; do
		start_go_pprof "$GO"
		go_url=$URL go_pid=$TARGET
		start_go_pprof "$GO"
		contract "$(go_version "$GO")" --same --pids "$go_pid,$TARGET" "$go_url" "$URL"
	done
	# Since 1.22 pprof itself gets no names of the texts from a Go program, for it asks by POST.
	[[ "$(go_version "${GOS[-1]}")" =~ go1\.(1[0-9]|2[01])(\.|$) ]] || finish
	for GO in "${GOS[@]}"; do
		pprof_urls "$URL" main.burn goroutine=main.park block=main.contend mutex=main.contend heap=main.burn
	done
	finish
fi

start_go_pprof
go_url=$URL go_pid=$TARGET
start_target contended
first=$TARGET
serve "one process" -p "$first" -http 127.0.0.1:0
contract "one process" --heap --pids "$go_pid,$first" "$go_url" "$URL"
for GO in "${GOS[@]}"; do
	pprof_urls "$URL" hold_70 goroutine=run threads=run block=take_from_stock mutex=hold_70 \
		threadcreate= heap=
done
check_unharmed "$first" "one process" && pass "target is unharmed"
stop_server "one process"

echo "a-secret-of-some-length" >"$WORK/token"
chmod 600 "$WORK/token"
serve "token" -p "$first" -http 127.0.0.1:0 -http-token "$WORK/token"
base=$(sed -E 's,^(http://[^/]*).*,\1,' <<<"$URL")
contract "token" --quick --heap --pids "$go_pid,$first" "$go_url" "$base/a-secret-of-some-length"
check "token: by a header, and not without" python3 - "$LIB" "$base" <<-'PY'
	import sys
	sys.path.insert(0, sys.argv[1])
	from http_client import Server
	server, path = Server(sys.argv[2]), "/debug/pprof/cmdline"
	def status(path, *words):
	    return server.get(path, headers=[("Authorization", " ".join(words))] if words else ()).status
	token = "a-secret-of-some-length"
	assert status(path, "Bearer", token) == 200, status(path, "Bearer", token)
	bad = [status(path), status(path, "Bearer", token + "x"), status(path, "Bearer", token[:-1]), status(path, "Bearer"),
	       status(path, "Basic", token), status("/" + token + "x" + path), status("/" + token[:-1] + path),
	       status("/metrics"), status("/"), status("/nosuch"), status("/x/../" + token + path)]
	assert all(s in (401, 403, 404) for s in bad), bad
	print(bad)
PY
stop_server "token"

start_target shares
serve "several processes" -p "$first,$TARGET" -http "unix:$WORK/socket"
contract "first of several, by a socket's name" --quick --sub --pids "$go_pid,$first" "$go_url" "http+unix:$WORK/socket:/pid/$first"
contract "second of several" --quick --sub --pids "$go_pid,$TARGET" "$go_url" "http+unix:$WORK/socket:/pid/$TARGET"
stop_server "several processes"
finish
