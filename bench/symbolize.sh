#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Names, lines and inlined functions of random addresses in large programs: time and most memory,
# ours against llvm-symbolizer and addr2line on the same addresses; symbol tables of large libraries.
# Argument: RUNS of each (the median counts). BIG: where the two programs are, or are built (6 min).
. "$(dirname "$0")/lib.sh"
runs=${1:-5}
need g++ clang++ llvm-symbolizer addr2line python3 readelf
NAMES=${NAMES:-$PWD/tests/names/names} SYMTAB=${SYMTAB:-$PWD/bench/symtab}
[ -x "$NAMES" ] && [ -x "$SYMTAB" ] || skip_all "no $NAMES or no $SYMTAB (make tests/names/names bench/symtab)"
BIG=${BIG:-$PWD/bench/big}
units=30
mkdir -p "$BIG"

build() # COMPILER
{
	local i

	[ -x "$BIG/big-$1" ] && return
	{
		for i in $(seq $units); do echo "int run$i(int);"; done
		echo "int main(int argc, char **) { int n = 0;"
		for i in $(seq $units); do echo "n += run$i(argc);"; done
		echo "return n & 1; }"
	} >"$BIG/main.cc"
	seq $units | xargs -P2 -I{} "$1" -std=c++17 -O2 -g -DN={} -c "$BENCH/unit.cc" -o "$BIG/$1-{}.o" &&
		"$1" -O2 -g "$BIG/main.cc" "$BIG/$1"-*.o -o "$BIG/big-$1" -pthread && rm "$BIG/$1"-*.o
}

# Prints seconds and the peak in MiB.
measured() # COMMAND...
{
	python3 - "$WORK/addresses" "$@" <<'P'
import os, subprocess, sys, time
begin = time.time()
p = subprocess.Popen(sys.argv[2:], stdin=open(sys.argv[1]), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
usage = os.wait4(p.pid, 0)[2]
print(f"{time.time() - begin:.3f} {usage.ru_maxrss / 1024:.0f}")
P
}

# Each in turn, so that all see the same minutes.
compared() # COMPILER ADDRESSES
{
	local program=$BIG/big-$1 tool s m

	readelf -SW "$program" | sed -nE 's/.* \.text +PROGBITS +([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+) .*/\1 \2/p' | {
		read -r start size
		python3 -c 'import random, sys
start, size = int(sys.argv[1], 16), int(sys.argv[2], 16)
random.seed(1)
for at in sorted(random.randrange(start, start + size) for _ in range(int(sys.argv[3]))): print(hex(at))' \
			"$start" "$size" "$2"
	} >"$WORK/addresses"
	rm -f "$WORK"/time.* "$WORK"/peak.*
	for ((i = 0; i < runs; i++)); do
		for tool in ours llvm addr2line; do
			case $tool in
			ours) set -- "$1" "$2" "$NAMES" "$program" ;;
			llvm) set -- "$1" "$2" llvm-symbolizer --obj="$program" ;;
			*) set -- "$1" "$2" addr2line -i -f -C -e "$program" ;;
			esac
			read -r s m < <(measured "${@:3}")
			echo "$s" >>"$WORK/time.$tool"
			echo "$m" >>"$WORK/peak.$tool"
		done
	done
	for tool in ours llvm addr2line; do
		eval "t_$tool=$(median <"$WORK/time.$tool") p_$tool=$(median <"$WORK/peak.$tool")"
	done
	# shellcheck disable=SC2154
	printf '%-8s %9s %8s %8s %8s %9s %9s %9s %9s %9s %9s\n' "$1" "$2" "$t_ours" "$t_llvm" "$t_addr2line" \
		"$(ratio "$t_ours" "$t_llvm")" "$(ratio "$t_ours" "$t_addr2line")" "$p_ours" "$p_llvm" \
		"$(ratio "$p_ours" "$p_llvm")" "$(ratio "$p_ours" "$p_addr2line")"
}

build g++ && build clang++ || skip_all "the programs can't be built"
ls -l "$BIG"/big-* | awk '{ printf "%s: %.0f MB\n", $NF, $5 / 1e6 }'
printf '%-8s %9s %8s %8s %8s %9s %9s %9s %9s %9s %9s\n' compiler addresses "ours s" "llvm s" "a2l s" "of llvm" "of a2l" \
	"ours MiB" "llvm MiB" "of llvm" "of a2l"
for compiler in g++ clang++; do
	for n in 1000 5000; do compared $compiler $n; done
done
libraries=()
for f in /usr/lib/x86_64-linux-gnu/libLLVM-*.so.1 "$(rustc --print sysroot 2>/dev/null)"/lib/librustc_driver-*.so \
	/usr/lib/chromium/chromium /usr/lib/x86_64-linux-gnu/libclang-cpp.so.1?; do
	[ -f "$f" ] && libraries+=("$f")
done
[ ${#libraries[@]} = 0 ] || "$SYMTAB" "${libraries[@]}"
