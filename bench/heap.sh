#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The allocation probe: CPU time of a malloc/free pair with it and without, in one process, window by
# window, beside what allocators that were built and started with a profiler pay for theirs; and the
# pause at its coming and going as the target sees it (held: less what it waited for a CPU), beside
# heaptrack's, also with many threads that sleep. Arguments: SECONDS ROUNDS.
. "$(dirname "$0")/lib.sh"
seconds=${1:-12} rounds=${2:-3}
HEAP=$WORK/heap
${CC:-cc} -O2 -pthread -o "$HEAP" "$BENCH/heap.c" || skip_all "can't build heap.c"

ours() { ${VIEW[@]+"${VIEW[@]}"} "$CPPROF" -p "$TARGET" -profile heap -symbols none -o "$WORK/h.pb.gz" "$@" >"$WORK/run.out" 2>"$WORK/run.err" </dev/null; }

# begin_heaptrack, end_heaptrack: it runs in a session of its own, and does not end with its target
begin_heaptrack()
{
	setsid heaptrack -r -o "$WORK/track" -p "$TARGET" >"$WORK/track.out" 2>&1 </dev/null &
	tracker=$!
}

end_heaptrack()
{
	# shellcheck disable=SC2046
	kill -KILL $tracker $(pgrep -s "$tracker") 2>/dev/null
	wait $tracker 2>/dev/null
	rm -f "$WORK"/track*
}

ends() { [ ! -d "/proc/$TARGET" ] || [ "$(state_of "$TARGET")" = Z ]; }

load() { cut -d' ' -f1 /proc/loadavg; }

# library NAME: where it is
library() { ldconfig -p | awk -v l="$1" '$1 == l { print $NF; exit }'; }

# hooked NS [PRELOAD]: the probe comes and goes, half a second each, until the target ends
hooked()
{
	start_command env LD_PRELOAD="${2:-}" "$HEAP" pairs "$1" "$seconds"
	until ends; do
		ours -seconds 600ms
		ends || sleep 0.5
	done
	wait "$TARGET"
}

printf '%-44s %5s %12s %12s %7s %5s\n' "CPU time of a malloc/free pair" round "without ns" "with ns" ratio load
line() { printf '%-44s %5s %12s %12s %7s %5s\n' "$1" "$round" "$2" "$3" "$4" "$(load)"; }
medians=()
for ns in 0 100 370; do
	: >"$WORK/ratios"
	for ((round = 1; round <= rounds; round++)); do
		hooked $ns
		line "ours, glibc$([ $ns != 0 ] && echo ", $(awk "BEGIN { printf \"%.1f\", 1000 / $ns }") M pairs/s")" \
			"$(truth without_ns)" "$(truth with_ns)" "$(truth ratio)"
		truth ratio >>"$WORK/ratios"
	done
	medians+=("$(median <"$WORK/ratios")")
done

# Allocators of less than half the time of glibc's: the same nanoseconds are more of it.
for name in libjemalloc.so.2 libtcmalloc_minimal.so.4 libmimalloc.so.2; do
	file=$(library $name)
	[ "$file" ] || { echo "ours: no $name"; continue; }
	: >"$WORK/ratios" >"$WORK/more"
	for ((round = 1; round <= rounds; round++)); do
		hooked 0 "$file"
		line "ours, ${name%.so*}" "$(truth without_ns)" "$(truth with_ns)" "$(truth ratio)"
		truth ratio >>"$WORK/ratios"
		echo "$(truth with_ns) $(truth without_ns)" | awk '{ printf "%.2f\n", $1 - $2 }' >>"$WORK/more"
	done
	others="${others:-}, ${name%.so*} $(median <"$WORK/ratios") (+$(median <"$WORK/more") ns)"
done

# beside WHAT LIBRARY VARIABLE...: the same loop on an allocator, and with its own profiler from the start
beside()
{
	local what=$1 library a b i

	library=$(library "$2")
	[ "$library" ] || { echo "$what: no $2"; return; }
	shift 2
	: >"$WORK/ratios"
	for ((round = 1; round <= rounds; round++)); do
		start_command env LD_PRELOAD="$library" "$HEAP" pairs 0 3
		wait "$TARGET"
		a=$(truth without_ns)
		start_command env LD_PRELOAD="$library" "$@" "$HEAP" pairs 0 3
		wait "$TARGET"
		b=$(truth without_ns)
		line "$what" "$a" "$b" "$(ratio "$b" "$a")"
	done
}
beside "jemalloc, prof:true,lg_prof_sample:19" libjemalloc.so.2 MALLOC_CONF=prof:true,lg_prof_sample:19
beside "gperftools, TCMALLOC_SAMPLE_PARAMETER=512K" libtcmalloc.so.4 TCMALLOC_SAMPLE_PARAMETER=524288
beside "gperftools, HEAPPROFILE" libtcmalloc.so.4 HEAPPROFILE="$WORK/hp" HEAP_PROFILE_ALLOCATION_INTERVAL=0 HEAP_PROFILE_INUSE_INTERVAL=0

# By -p for good: what it injects stays. Its own process reads along on the other core.
has_heaptrack='' why=''
command -v heaptrack >/dev/null && has_heaptrack=1
# why_not: what gdb or heaptrack said when the injection failed
why_not() { grep -m1 -iE "couldn't|cannot|can't|not permitted|no symbol" "$WORK/track.out"; }
for ((round = 1; round <= rounds && ${has_heaptrack:-0}; round++)); do
	start_command "$HEAP" pairs 0 3
	wait "$TARGET"
	alone=$(truth without_ns)
	start_command heaptrack -r -o "$WORK/track" "$HEAP" pairs 0 3
	wait "$TARGET"
	line "heaptrack, from the start" "$alone" "$(truth without_ns)" "$(ratio "$(truth without_ns)" "$alone")"
	rm -f "$WORK"/track*
	start_command "$HEAP" pairs 0 12
	sleep 3
	begin_heaptrack
	wait "$TARGET"
	why=$(why_not)
	end_heaptrack
	if [ "$(truth windows)" = 0 ]; then
		echo "heaptrack -p: gdb could not inject it here: ${why:-it does not say why}"
		why="gdb tries"
		break
	fi
	line "heaptrack -p" "$(truth without_ns)" "$(truth with_ns)" "$(truth ratio)"
done

# gap: the target's longest since the last time, ms, and less what it waited for a CPU in it
gap()
{
	local n

	n=$(grep -c ^gap "$TARGET_OUT")
	kill -USR1 "$TARGET"
	until [ "$(grep -c ^gap "$TARGET_OUT")" -gt "$n" ]; do sleep 0.01; done
	awk '$1 == "gap" { v = $2; held = $3 } END { printf "%.2f %.2f\n", v / 1000, held / 1000 }' "$TARGET_OUT"
}

printf '\n%-28s %5s %10s %8s %10s %8s %6s %5s\n' "longest pause of the target, ms" round "alone: all" held "in and out" held told load
for threads in 8 64 256 1000 3000; do
	: >"$WORK/told.$threads"
	for ((round = 1; round <= (threads > 64 ? 1 : 3) * rounds; round++)); do
		start_command "$HEAP" pause $threads
		gap >/dev/null
		sleep 0.7
		alone=$(gap)
		ours -seconds 300ms
		pause=$(gap)
		told=$(sed -n 's/.*all threads stopped .* at most \([0-9.]*\)ms.*/\1/p' "$WORK/run.err")
		echo "${pause#* }" >>"$WORK/pauses.$threads"
		# None where it was refused: some thread did not stop in time.
		if [ "$told" ]; then echo "$told" >>"$WORK/told.$threads"; else told=refused; fi
		printf '%-28s %5s %10s %8s %10s %8s %6s %5s\n' "ours, $threads threads" $round $alone $pause "$told" "$(load)"
		kill -KILL "$TARGET"
		wait "$TARGET" 2>/dev/null
	done
	[ "$has_heaptrack" ] && [ $threads -le 64 ] || continue
	for ((round = 1; round <= rounds; round++)); do
		start_command "$HEAP" pause $threads
		gap >/dev/null
		sleep 0.7
		alone=$(gap)
		begin_heaptrack
		sleep 4
		pause=$(gap)
		end_heaptrack
		printf '%-28s %5s %10s %8s %10s %8s %6s %5s\n' "heaptrack${why:+ ($why)}, $threads threads" $round $alone $pause - "$(load)"
		kill -KILL "$TARGET" 2>/dev/null
		wait "$TARGET" 2>/dev/null
	done
done
echo "with it / without, medians: a pure loop ${medians[0]} (bar 1.25), 10 M pairs/s ${medians[1]} (bar 1.05), 2.7 M pairs/s ${medians[2]}${others:-}"
most() { sort -g | tail -1; }
echo "longest pause of a run, median and most of the runs, ms:"
for threads in 8 64 256 1000 3000; do
	echo "$threads threads: held $(median <"$WORK/pauses.$threads"), $(most <"$WORK/pauses.$threads"); told by us $(median <"$WORK/told.$threads"), $(most <"$WORK/told.$threads")"
done
