#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Separate debug information, of each kind and in each place: the right file, and never another build's
# or one that the target may not read. Each build has function names of its own.
. "$(dirname "$0")/../lib/harness.sh"
need python3 gcc objcopy strip
source=$(cd "$(dirname "$0")/../targets" && pwd)/twins.c
out=$WORK/twins.pb.gz

# build NAME FLAG...: $WORK/NAME/app, and its debug information in $WORK/NAME/app.debug
build()
{
	local name=$1

	shift
	mkdir -p "$WORK/$name"
	gcc -O2 -g -DNAME="$name" -o "$WORK/$name/app" "$@" "$source" >"$WORK/build.out" 2>&1 &&
		objcopy --only-keep-debug "$WORK/$name/app" "$WORK/$name/app.debug" && return
	fail "build $name: $(head -3 "$WORK/build.out")"
	finish
}

# strip_linked NAME [FILE]: without symbols; its debug file is called FILE, with the checksum of app.debug
strip_linked()
{
	local folder=$WORK/$1

	strip "$folder/app"
	[ -z "${2:-}" ] && return
	ln -s ../app.debug "$(mkdir -p "$folder/link" && echo "$folder/link")/$2"
	objcopy --add-gnu-debuglink="$folder/link/$2" "$folder/app"
	rm -r "$folder/link"
}

profile_it() # WHAT: profiles the target, and ends it
{
	profile_some "$1" -v -p "$TARGET" -seconds 0.3 -hz 200 -profile cpu -o "$out"
	stop_target
}

# found WHAT NAME: of nearly all samples debug information tells which function was inlined
found()
{
	profile_it "$1"
	check_number "$1: share with the inlined function" \
		"$(proof stacks "$out" | awk -F'\t' -v name="$2" '{ split($1, v, " "); all += v[1] }
			$3 ~ "inlined_" name ";work_" name ";" { n += v[1] } END { print n / all }') >= 0.9"
}

not_found() # WHAT NAME
{
	profile_it "$1"
	check_equal "$1: nothing of it in the profile" 0 "$(proof stacks "$out" | grep -c "inlined_$2")"
}

said() # WHAT TEXT
{
	check "$1: said" grep -q "$2" "$WORK/run.err"
}

# --- by name and checksum: no build id ---
build link -Wl,--build-id=none
strip_linked link twins.debug
build other -Wl,--build-id=none
app=$WORK/link
mkdir "$app/.debug"
mv "$app/app.debug" "$app/.debug/twins.debug"
cp "$WORK/other/app.debug" "$app/twins.debug"
start_command "$app/app"
found "by checksum, behind another build's" link
rm "$app/.debug/twins.debug"
said "by checksum" 'link/app: .*debug information of .*/.debug/twins.debug (that of another build is there)'
start_command "$app/app"
not_found "another build's, by checksum" other

# --- by build id, in the target's file system only ---
build id -static -Wl,--build-id
strip_linked id
root=$WORK/root
id=$(readelf -n "$WORK/id/app" | awk '/Build ID/ { print $3 }')
tree=$root/usr/lib/debug/.build-id/${id:0:2}
mkdir -p "$root/bin" "$tree"
mv "$WORK/id/app" "$root/bin/"
if [ "$(id -u)" = 0 ] && chroot / true 2>/dev/null; then
	mv "$WORK/id/app.debug" "$tree/${id:2}.debug"
	start_command chroot "$root" /bin/app
	found "by build id, in a chroot" id
	# The process is gone when files are asked for.
	start_command chroot "$root" /bin/app
	(sleep 1; kill -TERM "$TARGET") &
	started+=($!)
	profile_ok "by build id, of a process that ended" -p "$TARGET" -seconds 20 -hz 200 -profile cpu -o "$out"
	check_number "by build id, of a process that ended: inlined functions" "$(proof stacks "$out" | grep -c 'inlined_id;work_id') > 0"
	stop_target
	# Another build under that name; the right one is where its path says.
	build path -static -Wl,--build-id
	strip_linked path twins.debug
	wrong=$(readelf -n "$WORK/path/app" | awk '/Build ID/ { print $3 }')
	mkdir -p "$root/usr/lib/debug/.build-id/${wrong:0:2}" "$root/usr/lib/debug/bin" "$root/usr/bin"
	cp "$tree/${id:2}.debug" "$root/usr/lib/debug/.build-id/${wrong:0:2}/${wrong:2}.debug"
	mv "$WORK/path/app" "$root/usr/bin/app"
	mv "$WORK/path/app.debug" "$root/usr/lib/debug/bin/twins.debug"
	start_command chroot "$root" /usr/bin/app
	found "by path, the other spelling of a merged /usr" path
	# A link out of the root leads to nowhere.
	mv "$root/usr/lib/debug/bin/twins.debug" "$WORK/outside.debug"
	ln -s "$WORK/outside.debug" "$root/usr/lib/debug/bin/twins.debug"
	start_command chroot "$root" /usr/bin/app
	not_found "a link out of the root" path
else
	skip "chroot: not allowed"
fi

# --- dwz ---
if command -v dwz >/dev/null; then
	build first
	build second
	common=$WORK/dwz/common.debug
	mkdir "$WORK/dwz"
	# The same function in both, so that it moves to the common file.
	for name in first second; do
		gcc -O2 -g -gdwarf-4 -DNAME=both -o "$WORK/$name/app" "$source"
	done
	if dwz -m "$common" -M "$common" "$WORK/first/app" "$WORK/second/app" 2>"$WORK/dwz.err" && [ -s "$common" ]; then
		start_command "$WORK/first/app"
		found "dwz's common file" both
		said "dwz's common file" "debug information its own, dwz's $common"
		if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
			chmod 755 "$WORK"
			unprivileged=(setpriv --reuid 65534 --regid 65534 --clear-groups)
			start_command "${unprivileged[@]}" "$WORK/first/app"
			found "dwz's common file, of another user" both
			chmod 600 "$common"
			start_command "${unprivileged[@]}" "$WORK/first/app"
			not_found "a file that the target may not read" both
			said "a file that the target may not read" "common debug file of .*Permission denied"
			chmod 644 "$common"
			chmod 700 "$WORK/dwz"
			start_command "${unprivileged[@]}" "$WORK/first/app"
			not_found "a folder that the target may not search" both
			said "a folder that the target may not search" "1 common debug files of dwz not found, of $WORK/first/app"
		else
			skip "another user: not root"
		fi
	else
		skip "dwz: $(head -1 "$WORK/dwz.err")"
	fi
else
	skip "no dwz"
fi

# --- units in files of their own ---
# split COMPILER VERSION DWP: beside its source, moved with the program, in a package, gone
split()
{
	local here=$WORK/split.$1.$2 moved=$WORK/moved.$1.$2 what="$1, DWARF $2" dwo

	mkdir "$here" "$moved"
	# Compiled by itself: clang removes the split file together with an object that it names itself.
	(cd "$here" && "$1" -O2 -g "-gdwarf-$2" -gsplit-dwarf -DNAME=split -c -o app.o "$source" && "$1" -o app app.o) ||
		fail "$what: build"
	dwo=$(cd "$here" && ls ./*.dwo)
	start_command "$here/app"
	found "$what: split" split
	said "$what: split" 'app: .*, 1 split files and 0 missing'
	mv "$here/app" "$here/$dwo" "$moved"
	start_command "$moved/app"
	found "$what: split, moved" split
	if command -v "$3" >/dev/null; then
		(cd "$moved" && timeout 20 "$3" -o app.dwp "$dwo" && rm "$dwo") || fail "$what: $3"
		start_command "$moved/app"
		found "$what: package" split
		said "$what: package" "package $moved/app.dwp"
	fi
	rm -f "$moved/app.dwp" "$moved/$dwo"
	start_command "$moved/app"
	not_found "$what: split, and gone" split
	said "$what: split, and gone" "1 split debug files (.dwo) not found, of $moved/app"
}
split gcc 4 dwp
# No tool of this age makes a package of what gcc writes.
split gcc 5 none
if command -v clang >/dev/null; then
	split clang 5 llvm-dwp
else
	skip "no clang"
fi

# --- symbols packed by xz, as gdb's manual makes them ---
if command -v xz >/dev/null; then
	build mini
	mini=$WORK/mini
	nm -D "$mini/app" --format=posix --defined-only | awk '{ print $1 }' | sort >"$mini/dynsyms"
	nm "$mini/app" --format=posix --defined-only | awk '$2 ~ /[TtD]/ { print $1 }' | sort >"$mini/funcsyms"
	comm -13 "$mini/dynsyms" "$mini/funcsyms" >"$mini/keep"
	objcopy -S --remove-section .gdb_index --remove-section .comment --keep-symbols="$mini/keep" \
		"$mini/app.debug" "$mini/mini_debuginfo" 2>/dev/null
	strip "$mini/app"
	xz "$mini/mini_debuginfo"
	cp "$mini/app" "$mini/plain"
	objcopy --add-section .gnu_debugdata="$mini/mini_debuginfo.xz" "$mini/app"
	start_command "$mini/app"
	profile_it "symbols packed by xz"
	check_number "symbols packed by xz: share" "$(proof share "$out" work_mini) >= 0.9"
	head -c $(($(stat -c %s "$mini/mini_debuginfo.xz") / 2)) "$mini/mini_debuginfo.xz" >"$mini/half.xz"
	objcopy --add-section .gnu_debugdata="$mini/half.xz" "$mini/plain"
	start_command "$mini/plain"
	profile_it "half of them"
	said "half of them" 'packed by xz, not readable here: plain'
else
	skip "no xz"
fi

# --- sections packed by zstd ---
if command -v zstd >/dev/null; then
	build packed
	python3 "$LIB/zstd_sections.py" "$WORK/packed/app" || fail "packing"
	check_number "sections packed by zstd" "$(readelf -SW "$WORK/packed/app" | grep -c '\.debug.* C ') >= 4"
	start_command "$WORK/packed/app"
	found "packed by zstd" packed
	build apart -Wl,--build-id=none
	python3 "$LIB/zstd_sections.py" "$WORK/apart/app.debug"
	strip_linked apart twins.debug
	mv "$WORK/apart/app.debug" "$WORK/apart/twins.debug"
	start_command "$WORK/apart/app"
	found "a debug file packed by zstd" apart
	build broken
	python3 "$LIB/zstd_sections.py" "$WORK/broken/app"
	at=$(readelf -SW "$WORK/broken/app" | sed -nE 's/.* \.debug_info +[A-Z]+ +[0-9a-f]+ ([0-9a-f]+) .*/\1/p')
	printf '\377\377\377\377' | dd of="$WORK/broken/app" bs=1 seek=$((0x$at + 40)) conv=notrunc status=none
	start_command "$WORK/broken/app"
	not_found "packed and damaged" broken
	said "packed and damaged" 'debug information damaged: app'
else
	skip "no zstd"
fi
finish
