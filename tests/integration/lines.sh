#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Function, file, line and every inlined function of each third address of a C++ program, as
# llvm-symbolizer tells them: gcc and clang, DWARF 4 and 5, split units (beside the objects, and in a
# package), link-time optimization, type units, dwz, compressed sections, other linkers.
. "$(dirname "$0")/../lib/harness.sh"
need python3 llvm-symbolizer g++ clang++ readelf dwz dwp mold
NAMES=${NAMES:-$(dirname "$TARGETS")/names/names}
[ -x "$NAMES" ] || skip_all "no $NAMES"
source=$(cd "$(dirname "$0")/../names" && pwd)

# Made once, as the programs of harness.sh's variants.
MADE=${VARIANTS:-$PWD/tests/variants}/lines

build() # NAME COMPILER FLAGS...
{
	local dir=$MADE/$1 compiler=$2

	[ "$dir/program" -nt "$source/inlined.cc" ] && return
	shift 2
	mkdir -p "$dir"
	(cd "$dir" && for unit in inlined part; do
		"$compiler" -std=c++17 -O2 "$@" -c "$source/$unit.cc" -o $unit.o || exit
	done && "$compiler" -O2 "$@" inlined.o part.o -o program) >"$dir/log" 2>&1
}

# The addresses of the code: each third byte of .text.
addresses() # PROGRAM
{
	readelf -SW "$1" | sed -nE 's/.* \.text +PROGBITS +([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+) .*/\1 \2/p' | {
		read -r start size
		python3 -c 'import sys
for at in range(int(sys.argv[1], 16), int(sys.argv[1], 16) + int(sys.argv[2], 16), 3): print(hex(at))' "$start" "$size"
	}
}

# compared NAME [TWIN]: with what llvm-symbolizer says, of the program that TWIN is (the same code)
# where it cannot read this one.
compared()
{
	local dir=$MADE/$1 twin=$MADE/${2:-$1} equal other inlined

	if [ ! -x "$dir/program" ]; then
		fail "$1: not built: $(head -3 "$dir/log")"
		return
	fi
	addresses "$dir/program" >"$WORK/addresses"
	(cd "$dir" && "$NAMES" --no-demangle program <"$WORK/addresses" 2>"$WORK/names.err") >"$WORK/ours"
	(cd "$twin" && llvm-symbolizer --no-demangle --obj=program <"$WORK/addresses") >"$WORK/theirs" 2>/dev/null
	read -r equal other inlined < <(python3 "$source/compare.py" "$WORK/addresses" "$WORK/ours" "$WORK/theirs")
	check_number "$1: equal" "${equal:-0} >= 2000"
	check_number "$1: with inlined functions" "${inlined:-0} >= 800"
	check_equal "$1: nothing is damaged" 0 "$(grep -c damaged "$WORK/names.err")"
	check_number "$1: other" "${other:-1} == 0"
}

variants=(
	"gcc5 g++ -g" "gcc4 g++ -gdwarf-4" "clang5 clang++ -g -gdwarf-5" "clang4 clang++ -gdwarf-4"
	"gcc5-split g++ -g -gsplit-dwarf" "gcc4-split g++ -gdwarf-4 -gsplit-dwarf"
	"clang5-split clang++ -g -gdwarf-5 -gsplit-dwarf" "clang4-split clang++ -gdwarf-4 -gsplit-dwarf"
	"gcc-lto g++ -g -flto" "clang-lto clang++ -g -flto -fuse-ld=lld"
	"gcc-types g++ -gdwarf-4 -fdebug-types-section" "clang-types clang++ -g -gdwarf-5 -fdebug-types-section"
	"gcc-zlib g++ -g -gz" "gcc-gold g++ -g -fuse-ld=gold" "clang-lld clang++ -g -fuse-ld=lld -gz"
	"gcc-mold g++ -g -fuse-ld=mold"
)
# Two at a time.
for ((i = 0; i < ${#variants[@]}; i += 2)); do
	# shellcheck disable=SC2086
	for v in "${variants[@]:i:2}"; do build $v & done
	wait
done
for v in "${variants[@]}"; do compared "${v%% *}"; done

# What dwz moved, within the file and to another one.
rm -rf "$MADE/dwz" "$MADE/dwz-common" "$MADE/package"
mkdir "$MADE/dwz" "$MADE/dwz-common" "$MADE/package"
cp "$MADE/gcc4/program" "$MADE/dwz/program"
dwz "$MADE/dwz/program"
compared dwz
cp "$MADE/gcc4/program" "$MADE/dwz-common/program"
cp "$MADE/gcc4/program" "$MADE/dwz-common/other"
(cd "$MADE/dwz-common" && dwz -m common -M common program other)
check_equal "dwz-common: moved" 1 "$(readelf -SW "$MADE/dwz-common/program" | grep -c gnu_debugaltlink)"
compared dwz-common gcc4

# A package instead of the split units. (This dwp knows DWARF 4 alone.)
cp "$MADE/gcc4-split/program" "$MADE/package/program"
(cd "$MADE/gcc4-split" && dwp -o ../package/program.dwp ./*.dwo && mkdir -p away && mv ./*.dwo away)
compared package
mv "$MADE"/gcc4-split/away/*.dwo "$MADE/gcc4-split"
finish
