#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Fifty clients at once and as many bad ones as there is room for, then broken requests: the server
# stays, gives back what it took, and the profiles of that time are as true as others. Then the same
# again: what is lost in a storm would be lost in each.
# By hand: STORM_SECONDS=30 STORM_FUZZ=100000. AGAINST=go: Go's own server in our place.
. "$(dirname "$0")/../lib/harness.sh"
need python3
seconds=${STORM_SECONDS:-3} fuzz=${STORM_FUZZ:-5000}
storm=(--seconds "$seconds" --fuzz "$fuzz" --seed "${STORM_SEED:-1}" --save "$WORK/storm.pb.gz")

check_storm() # WHAT ARG...
{
	local what=$1

	shift
	if python3 "$LIB/http_storm.py" "${storm[@]}" "$@" >"$WORK/storm.out" 2>&1; then
		pass "$what"
	else
		fail "$what"
		[ "${SERVER_OUT:-}" ] && tail -5 "$SERVER_OUT"
	fi
	sed 's/^/    /' "$WORK/storm.out" | cut -c1-600
}

if [ "${AGAINST:-}" = go ]; then
	need go
	. "$LIB/serve.sh"
	start_go_pprof
	check_storm "storm" --go --pid "$TARGET" "$URL"
	finish
fi

. "$LIB/serve.sh"
start_target shares
# A sanitizer's allocator keeps what is freed, 256 MB of it unless it is told not to.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1:thread_local_quarantine_size_kb=64
# No rarer looks where other programs have the CPUs: what is missing is the storm's doing.
serve "storm" -p "$TARGET" -http 127.0.0.1:0 -hz 200 -max-stop 100%
# Connections whose client has gone are open for as long as idle ones, half a minute: of thousands of requests some
# dozens. One that is never closed would be there for each.
grow=(--fd-growth 100)
check_storm "storm" --metrics --hz 200 --pid "$SERVER" "${grow[@]}" "$URL"
[ -s "$WORK/storm.pb.gz" ] || { sed 's/^/    /' "$SERVER_OUT" | tail -5; finish; }
check_unharmed "$TARGET" "storm" && pass "target is unharmed"
for pair in share_40=0.40 share_25=0.25 share_20=0.20 share_10=0.10 share_05=0.05; do
	check "share of ${pair%=*}" proof within4 "$WORK/storm.pb.gz" "${pair%=*}" "${pair#*=}"
done
check_equal "exporter's text" 0 "$(python3 "$LIB/prometheus_text.py" --prefix=cpprof_attach_ "$URL/metrics" >"$WORK/metrics.out" 2>&1; echo $?)"
grep -v ' series, ' "$WORK/metrics.out" | head -5
storm=(--seconds 1 --fuzz "$((fuzz / 5))" --seed 2)
check_storm "storm again" --metrics --pid "$SERVER" "${grow[@]}" --rss-growth 10240 "$URL"
stop_server "storm"
finish
