#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The heap profiles of a command have all that it allocates: where its libraries begin, where it begins
# itself, in main and at its end. Beside other kinds; and where more is sampled than can be kept.
. "$(dirname "$0")/../lib/harness.sh"
need python3 g++
SOURCE=$LIB/../targets/begins.cc
DIR=$WORK/programs
mkdir "$DIR"
g++ -O1 -g -fPIC -shared -DLIBRARY "$SOURCE" -o "$DIR/libbegins.so" &&
	g++ -O1 -g "$SOURCE" -o "$DIR/begins" -L"$DIR" -lbegins -Wl,-rpath,"$DIR" || fail "begins.cc"
g++ -O1 -g -static -DALONE "$SOURCE" -o "$DIR/static" 2>"$WORK/cc.out" || skip "no static C++ library"
musl-gcc -x c -O1 -g -DALONE "$SOURCE" -o "$DIR/musl" 2>"$WORK/cc.out" || skip "no musl-gcc"
printf '#!/bin/sh\nexec "%s/begins"\n' "$DIR" >"$DIR/script"
chmod +x "$DIR/script"
# What looks like a sanitizer's, and says whether it has run.
cat >"$DIR/checked.c" <<-'C'
	#include <unistd.h>
	static char room[1 << 20];
	static unsigned long used;
	void __asan_init(void) {}
	void *malloc(unsigned long n) { used += (n + 31) / 16 * 16; return used < sizeof(room) ? room + used - (n + 15) / 16 * 16 : 0; }
	void free(void *p) { (void)p; }
	int main(void) { return write(1, "it ran\n", 7) != 7; }
C
gcc -O1 -fno-builtin -rdynamic "$DIR/checked.c" -o "$DIR/checked" || fail "checked.c"

# exact FILE: its stacks and the truth that the command said
exact()
{
	proof stacks "$1" >"$WORK/stacks"
	python3 - "$WORK/run.out" "$WORK/stacks" <<-'PY'
		import collections, sys
		found = collections.defaultdict(lambda: [0] * 4)
		truth = [l.split()[1:] for l in open(sys.argv[1]) if l.startswith("truth ")]
		for line in open(sys.argv[2]):
		    values, _, names = line.rstrip("\n").split("\t")
		    places = [n for n in names.split(";") if n in [t[0] for t in truth]]
		    for i, v in enumerate(values.split()):
		        found[places[0] if places else ""][i] += int(v)
		assert len(truth) >= 3, truth
		for name, *want in truth:
		    want, got = [int(w) for w in want], found[name]
		    assert got == want, (name, want, got)
		print(", ".join(name for name, *_ in truth))
	PY
}

# storm OBJECTS FILE: what was sampled of a storm, and what was lost for want of room
storm()
{
	proof stacks "$2" >"$WORK/stacks"
	python3 - "$1" "$WORK/summary.json" "$WORK/stacks" <<-'PY'
		import json, sys
		truth, h = int(sys.argv[1]) * 100, json.load(open(sys.argv[2]))["heap"]
		kept, lost = h["allocated_bytes"], h["no_room_bytes"]
		sigma = ((kept * h["allocated_error"]) ** 2 + (lost * h["no_room_error"]) ** 2) ** 0.5
		# what the C++ library and stdio allocate besides is known to 100 KB
		assert abs(kept + lost - truth - 200000) <= 4 * sigma + 100000, (kept, lost, sigma)
		live = [l for l in open(sys.argv[3]) if "in_storm" in l and l.split("\t")[0].split()[2:] != ["0", "0"]]
		assert not live, live
		print(f"{kept / truth:.3f} kept, {lost / truth:.3f} lost, sigma {sigma / truth:.3f}, "
		      f"one in {h['rate_asked']}, at the end in {h['rate_at_the_end']} bytes")
	PY
}

for program in begins script static musl; do
	[ -x "$DIR/$program" ] || continue
	profile -profile heap -heap-rate 1 -exit-status -o "$WORK/$program.pb.gz" -- "$DIR/$program"
	check_equal "$program: the command's own status" 7 "$STATUS"
	check "$program: all of it, to the byte" exact "$WORK/$program.pb.gz"
	check "$program: said" grep -q "heap      since it began: " "$WORK/run.err"
	check "$program: stacks are whole" grep -q "stacks    heap: 100.0% complete" "$WORK/run.err"
done
check_no_report

# Other kinds in the same run.
profile -profile cpu,heap,allocs,threads -summary "$WORK/summary.json" -o "$WORK/" -- "$DIR/begins" 25000000
check_equal "with other kinds: status" 0 "$STATUS"
check "with other kinds: four files" test "$(ls "$WORK"/begins.*.{cpu,heap,allocs,threads}.pb.gz | wc -l)" = 4
for file in "$WORK"/begins.*.{cpu,heap,allocs}.pb.gz; do
	check "$(basename "$file" .pb.gz): valid" "$CPPROF" -check "$file"
done
check "with other kinds: the storm within 4 sigma" storm 25000000 "$(echo "$WORK"/begins.*.allocs.pb.gz)"
proof stacks "$(echo "$WORK"/begins.*.cpu.pb.gz)" >"$WORK/cpu.stacks"
check "with other kinds: the CPU profile has it, too" grep -q "in_storm" "$WORK/cpu.stacks"

# More is sampled than can be kept: it becomes rarer by itself, and what was lost is weighed.
profile -profile allocs -heap-rate 100 -summary "$WORK/summary.json" -o "$WORK/storm.pb.gz" -- "$DIR/begins" 3000000
check_equal "pressure: status" 0 "$STATUS"
check "pressure: with what was lost, within 4 sigma" storm 3000000 "$WORK/storm.pb.gz"
check "pressure: said" grep -q "a sample each 100 bytes, made rarer under pressure, [0-9]* at the end" "$WORK/run.err"
check "each function has its error" grep -qE '^ *[0-9.]+[kM]B .*%  +[0-9.]+%  in_storm' "$WORK/run.out"

# Its main thread comes to no stop when the time is over for which it is followed.
cat >"$DIR/waits.c" <<-'C'
	#include <stdlib.h>
	#include <unistd.h>
	#include <sys/wait.h>
	static void allocates(void) { for (int i = 0; i < 1000; i++) { void *volatile p = malloc(1000); free(p); } }
	int main(void) {
		allocates();
		pid_t pid = vfork();
		if (!pid) { usleep(1500000); _exit(0); }
		if (waitpid(pid, 0, 0) != pid) return 1;
		allocates();
		return 7;
	}
C
gcc -O1 -w "$DIR/waits.c" -o "$DIR/waits" || fail "waits.c"
profile -profile allocs -heap-rate 1 -exit-status -o "$WORK/waits.pb.gz" -- "$DIR/waits"
check_equal "in the middle of a vfork: the command's own status" 7 "$STATUS"

# What cannot be profiled is not run.
profile -profile heap -exit-status -o "$WORK/no.pb.gz" -- "$DIR/checked"
check_equal "a sanitizer's allocator: status" 3 "$STATUS"
check "a sanitizer's allocator: said" grep -q "its allocator checks what it is used for" "$WORK/run.err"
check "a sanitizer's allocator: it has not run" test ! -s "$WORK/run.out"
profile -profile heap -o "$WORK/no.pb.gz" -- "$DIR/nothing"
check_equal "no such command: status" 127 "$STATUS"
finish
