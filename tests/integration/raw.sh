#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A recording says the same when it is played again; with another program in the place of the recorded
# one it says less, never something else; damage is told in one line; a full disk costs no profile.
. "$(dirname "$0")/../lib/harness.sh"
need python3
rounds=${ROUNDS:-12}
RANDOM=${SEED:-7}
GOCACHE=${GOCACHE:-$(go env GOCACHE 2>/dev/null)}
export GOCACHE
mkdir "$WORK/live" "$WORK/again" "$WORK/root"

# traces FILE: all stacks, values and labels, and the head, without the comments
traces()
{
	PPROF_TMPDIR=$WORK PPROF_BINARY_PATH=/nonexistent HOME=$WORK go tool pprof -traces "$1" 2>"$WORK/pprof.err"
}

check_same() # WHAT NAME: that file of the live run and of the replay
{
	local kind

	if ! command -v go >/dev/null; then
		skip "$1: traces: no go"
		return
	fi
	for kind in cpu threads; do
		traces "$WORK/live/$2.$kind.pb.gz" >"$WORK/live.txt"
		traces "$WORK/again/$2.$kind.pb.gz" >"$WORK/again.txt"
		check_number "$1: $kind: lines" "$(wc -l <"$WORK/live.txt") > 5"
		check "$1: $kind: replay and live run are the same" diff "$WORK/live.txt" "$WORK/again.txt"
	done
}

check_shares() # WHAT FILE
{
	local share

	for share in 40 25 20 10 05; do
		check "$1: share_$share" proof within4 "$2" share_$share "0.$share"
	done
}

# expect_error WHAT PATTERN: the run failed, saying so in one line
expect_error()
{
	local lines

	check_equal "$1: exit" 1 "$STATUS"
	lines=$(grep -vcE '^cpprof-attach: replaying ' "$WORK/run.err")
	check_equal "$1: lines" 1 "$lines"
	check "$1: says why" grep -E "$2" "$WORK/run.err"
}

# --- the same again ---
start_target shares
name=shares.$TARGET
profile_ok "save" -p "$TARGET" -seconds "${SECONDS_EACH:-4}" -hz 200 -save-raw "$WORK/s.raw" -o "$WORK/live/"
stop_target
check_equal "mode of the recording" 600 "$(stat -c %a "$WORK/s.raw")"
saved=$(sed -nE 's/^saved +([0-9]+) captures, 0 lost.*/\1/p' "$WORK/run.err")
samples=$(proof samples "$WORK/live/$name.cpu.pb.gz")
check_number "captures saved" "${saved:-0} == $samples + 1"
profile_ok "replay" -replay "$WORK/s.raw" -o "$WORK/again/"
check_same "shares" "$name"
check_shares "replay" "$WORK/again/$name.cpu.pb.gz"
check_equal "captures played" "$saved" "$(sed -nE 's/^recording ([0-9]+) captures.*/\1/p' "$WORK/run.err")"
rm -f "$WORK"/again/*
"$CPPROF" -replay - -o "$WORK/again/" <"$WORK/s.raw" >/dev/null 2>"$WORK/run.err"
check_equal "standard input: exit" 0 $?
check_same "standard input" "$name"
profile_ok "one kind" -replay "$WORK/s.raw" -profile threads -o "$WORK/t.pb.gz"
check_equal "one kind: threads" 1 "$(proof samples "$WORK/t.pb.gz")"

# --- each capture with a thread of its own, told of just before, at full speed ---
births=${BIRTHS:-60000}
python3 - "$WORK/s.raw" "$births" >"$WORK/births.raw" <<-'PY'
	import gzip, struct, sys
	threads, done, capture, recorded = 53, 58, 256, 163
	data, at, out = gzip.open(sys.argv[1]).read(), 40, gzip.GzipFile("", "wb", 0, sys.stdout.buffer)
	put = lambda kind, payload: out.write(struct.pack("=II", kind, len(payload)) + payload)
	out.write(data[:at])
	last = {}
	while at < len(data):
	    kind, size = struct.unpack_from("=II", data, at)
	    payload = data[at + 8:at + 8 + size]
	    at += 8 + size
	    if kind in (threads, capture, recorded, done):
	        last[kind] = bytearray(payload)
	    if kind == threads:
	        last[kind] = last[kind][:56]
	    if kind not in (capture, recorded, done):
	        put(kind, payload)
	for serial in range(1, int(sys.argv[2]) + 1):
	    struct.pack_into("=IiQ", last[threads], 0, serial, 1000 + serial, serial)
	    struct.pack_into("=I", last[capture], 4, serial)
	    put(threads, last[threads])
	    put(capture, last[capture])
	put(done, last[done])
	put(recorded, last[recorded])
	out.close()
PY
profile_ok "births" -replay "$WORK/births.raw" -profile cpu -format folded -o "$WORK/births.folded"
check_equal "births: samples" "$births" "$(sed -nE 's/^samples +([0-9]+) at.*/\1/p' "$WORK/run.err")"
check "births: no broken messages" test -z "$(grep '^trouble' "$WORK/run.err")"
rm -f "$WORK/births.raw"

# --- a killed tracer and a killed worker ---
child() # PID COMM
{
	local p

	for p in $(cat /proc/"$1"/task/*/children 2>/dev/null); do
		[ "$(cat /proc/"$p"/comm 2>/dev/null)" = "$2" ] && echo "$p"
	done
}
start_target mix 0 30 2 20
"$CPPROF" -p "$TARGET" -seconds 3 -hz 300 -save-raw "$WORK/k.raw" -o "$WORK/live/" >/dev/null 2>"$WORK/run.err" </dev/null &
profiler=$!
started+=("$profiler")
sleep 1
kill -KILL "$(child $profiler tracer)"
sleep 0.7
kill -KILL "$(child $profiler worker)"
wait $profiler
check_equal "killed roles: exit" 0 $?
check "killed roles: both were started again" grep -E "^restarts +tracer [1-9], worker [1-9]" "$WORK/run.err"
mix=mix.$TARGET
check_unharmed "$TARGET" "killed roles" && pass "killed roles: unharmed"
stop_target
rm -f "$WORK"/again/*
profile_ok "killed roles: replay" -replay "$WORK/k.raw" -o "$WORK/again/"
# One batch of answers dies with a worker: the recording has those captures, the live run has not.
lost=$(sed -nE 's/.* ([0-9]+) lost in the worker.*/\1/p' "$WORK/run.err")
live=$(proof samples "$WORK/live/$mix.cpu.pb.gz")
again=$(proof samples "$WORK/again/$mix.cpu.pb.gz")
check_number "killed roles: samples of the replay" "$again >= $live && $live > 100"
[ "$again" != "$live" ] || check_same "killed roles" "$mix"
check_number "killed roles: lost for both" "${lost:-999} <= 2"
check "killed roles: no broken messages" test -z "$(grep '^trouble' "$WORK/run.err")"

# --- another program in its place ---
# Its place is a folder of our own.
cp "$TARGETS/chain40" "$WORK/prog"
"$WORK/prog" >"$WORK/prog.out" 2>&1 &
TARGET=$! TARGET_OUT=$WORK/prog.out
started+=("$TARGET")
wait_ready
profile_ok "other file: save" -p "$TARGET" -seconds 1 -profile cpu -save-raw "$WORK/c.raw" -o "$WORK/c.pb.gz"
stop_target
has_name() # FILE WORD
{
	"$CPPROF" -replay "$WORK/c.raw" -profile cpu -format folded -o - ${SYMFS:+-symfs "$SYMFS"} 2>"$WORK/run.err" | grep -c "$1"
}
check_number "other file: before" "$(has_name 'chain_40;.*chain_01') > 0"
mv "$WORK/prog" "$WORK/prog.kept"
cp "$TARGETS/shares" "$WORK/prog"
check_equal "other file: names" 0 "$(has_name 'chain_\|share_')"
check "other file: told" grep -E '^modules +not the file that was recorded: prog$' "$WORK/run.err"
check_number "other file: its frames keep addresses" "$(has_name 'prog.*\]\|0x') > 0"
rm "$WORK/prog"
check_equal "no file: names" 0 "$(has_name chain_)"
check "no file: told" grep -E '^modules +could not be opened: prog$' "$WORK/run.err"
mkdir -p "$WORK/root$WORK"
cp "$TARGETS/shares" "$WORK/prog"
cp "$WORK/prog.kept" "$WORK/root$WORK/prog"
SYMFS=$WORK/root
check_number "-symfs: names" "$(has_name 'chain_40;.*chain_01') > 0"
SYMFS=

# --- damage ---
size=$(stat -c %s "$WORK/c.raw")
for part in 0 1 10 100 1000 $((size / 4)) $((size / 2)) $((size - 9)) $((size - 1)); do
	head -c "$part" "$WORK/c.raw" >"$WORK/cut.raw"
	profile -replay "$WORK/cut.raw" -o "$WORK/cut.pb.gz" -profile cpu
	expect_error "cut after $part bytes" 'cut.raw is truncated'
done
check_equal "cut: profiles written" 0 "$(ls "$WORK" | grep -c '^cut.pb')"
head -c 5000 /dev/urandom >"$WORK/cut.raw"
profile -replay "$WORK/cut.raw"
expect_error "no recording" 'cut.raw is no recording'
profile -replay "$WORK/none.raw"
expect_error "no file" 'cannot read .*none.raw: No such file'
bad=0
for ((i = 0; i < rounds; i++)); do
	python3 - "$WORK/c.raw" "$WORK/flip.raw" $((RANDOM * 32768 + RANDOM)) <<-'PY'
		import gzip, random, sys
		r = random.Random(int(sys.argv[3]))
		data = bytearray(gzip.open(sys.argv[1]).read())
		for _ in range(r.choice((1, 1, 5, 100))):
		    # Half of them where the headers of the first records are.
		    at = r.randrange(min(len(data), r.choice((3000, len(data)))))
		    data[at] = r.choice((0, 255, data[at] ^ 1, data[at] ^ 128, r.randrange(256)))
		gzip.open(sys.argv[2], "wb", 1).write(data)
	PY
	LIMIT=60 profile -replay "$WORK/flip.raw" -o "$WORK/flip.pb.gz" -profile cpu
	case $STATUS in
	0) "$CPPROF" -check "$WORK/flip.pb.gz" >"$WORK/check.out" 2>&1 || { bad=$((bad + 1)); head -3 "$WORK/check.out"; } ;;
	1 | 4) ;;
	*) bad=$((bad + 1)); echo "    round $i: exit $STATUS"; cp "$WORK/flip.raw" "$WORK/flip.$i.raw" ;;
	esac
	grep -E '^restarts|killed' "$WORK/run.err" && bad=$((bad + 1))
done
check_equal "flipped bytes: bad ends in $rounds rounds" 0 $bad

# --- full disk ---
start_target shares
mkdir "$WORK/small"
if mount -t tmpfs -o size=64k tmpfs "$WORK/small" 2>/dev/null; then
	dd if=/dev/zero of="$WORK/small/fill" bs=4k count=13 2>/dev/null
	echo old >"$WORK/small/x.raw"
	profile -p "$TARGET" -seconds 3 -profile cpu -hz 500 -save-raw "$WORK/small/x.raw" -o "$WORK/full.pb.gz"
	check_equal "full disk: exit" 1 "$STATUS"
	check_equal "full disk: told once" 1 "$(grep -c 'cannot save .*x.raw: No space' "$WORK/run.err")"
	check_equal "full disk: the old file" old "$(cat "$WORK/small/x.raw")"
	check_equal "full disk: files there" "fill x.raw" "$(echo $(ls -A "$WORK/small"))"
	check_shares "full disk: profile" "$WORK/full.pb.gz"
	umount "$WORK/small"
else
	skip "full disk: can't mount a tmpfs"
fi
profile -p "$TARGET" -seconds 1 -save-raw "$WORK/none/x.raw"
check_equal "no such folder: exit" 1 "$STATUS"
check "no such folder: told" grep 'cannot save .*none/x.raw: No such file' "$WORK/run.err"
check_unharmed "$TARGET" "afterwards" && pass "unharmed"
stop_target
check_equal "temporary files left" 0 "$(ls -A "$WORK" | grep -c '^\.cpprof')"
finish
