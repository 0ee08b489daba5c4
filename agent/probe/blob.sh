#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Makes the code that runs in the target, and the C file that holds it: blob.sh SOURCE-FOLDER OUT.c
# Refuses what would not work wherever it is put, or would change a register that a call may not.
# CC, OBJCOPY, OBJDUMP: the tools.
set -eu
source=$1 out=$2
work=$out.d
mkdir -p "$work"

flags="-std=gnu11 -O2 -Wall -Wextra -I$source -ffreestanding -fno-builtin -fPIC -mgeneral-regs-only
	-fno-stack-protector -fno-asynchronous-unwind-tables -fno-jump-tables -fno-ident
	-fcf-protection=none -fno-strict-aliasing -fno-sanitize=all"
# Not every compiler has it: the others do not make calls of loops.
if $CC -fno-tree-loop-distribute-patterns -Werror -x c -c -o "$work/try.o" /dev/null 2>/dev/null; then
	flags="$flags -fno-tree-loop-distribute-patterns"
fi
for part in blob.c blob_entry.S; do
	# shellcheck disable=SC2086
	$CC $flags -c -o "$work/${part%.*}.o" "$source/agent/probe/$part"
done
$CC -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-T,"$source/agent/probe/blob.lds" \
	-o "$work/blob.elf" "$work/blob_entry.o" "$work/blob.o"

refuse()
{
	echo "blob.sh: $1:" >&2
	echo "$2" >&2
	exit 1
}
bad=$($OBJDUMP -r "$work/blob.o" "$work/blob_entry.o" | grep R_X86_64 | grep -vE 'R_X86_64_(PC32|PLT32)' || true)
[ -z "$bad" ] || refuse "addresses that depend on where it lies" "$bad"
$OBJDUMP -d --no-show-raw-insn "$work/blob.elf" >"$work/blob.text"
# Of the calls through a register those of blob_entry.S alone, which go by r11.
bad=$(grep -E '%(xmm|ymm|zmm|mm|st|k)[0-9]|%gs|syscall|int +\$|(call|jmp) +\*' "$work/blob.text" |
	grep -vE '(call|jmp) +\*%r11$' || true)
[ -z "$bad" ] || refuse "instructions that have no place there" "$bad"
bad=$(grep '%fs' "$work/blob.text" | grep -v '%fs:0x0' || true)
[ -z "$bad" ] || refuse "thread-local data" "$bad"

$OBJCOPY -O binary -j .text "$work/blob.elf" "$work/blob.bin"
{
	echo '/* Made by agent/probe/blob.sh. */'
	echo '#include "agent/probe/blob.h"'
	echo 'const unsigned char blob_code[] = {'
	od -An -v -tx1 "$work/blob.bin" | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'
	echo '};'
	echo 'const size_t blob_size = sizeof(blob_code);'
} >"$out.tmp"
mv "$out.tmp" "$out"
rm -rf "$work"
