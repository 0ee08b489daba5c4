#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Programs that run one instruction at a time: at each the unwinder has to find the stack that the
# calls, returns and signals themselves have made. Where it cannot, the functions have a name here:
#
#   __longjmp         its unwind information says from some instruction on that it is already there
#   uw_*, _Unwind_*   a caught exception's last steps write the frame to go to over the one they are in
. "$(dirname "$0")/../lib/harness.sh"
need make objcopy gcc g++ clang ld.lld musl-gcc
STEPPER=${STEPPER:-$PWD/tests/stepper/stepper}
exceptions==uw_install_context_1,=_Unwind_DebugHook,=_Unwind_RaiseException,=_Unwind_Resume
exceptions=$exceptions,=_Unwind_Resume_or_Rethrow,=init_dwarf_reg_size_table
all_steps=0

variants walks

# steps NAME [-entry] PROGRAM: its figures into $steps, $whole and so on.
steps()
{
	local name=$1

	shift
	env -i "$STEPPER" "$@" >"$WORK/steps" 2>&1 || { fail "$name: $(tail -3 "$WORK/steps")"; return 1; }
	read -r steps instructions signals < <(awk '$1 == "steps" { print $2, $4, $8 }' "$WORK/steps")
	read -r whole short wrong guessed excused < <(awk '$1 == "whole" { print $2, $4, $6, $8, $10 }' "$WORK/steps")
	read -r blocked blocked_short blocked_wrong blocked_guessed < <(awk '$1 == "blocked" { print $3, $5, $7, $9 }' "$WORK/steps")
	all_steps=$((all_steps + steps))
	printf '%-22s %8d steps at %6d instructions, %d signals: %d whole, %d short, %d wrong, %d guessed, %d excused; blocked: %d whole, %d short\n' \
		"$name" "$steps" "$instructions" "$signals" "$whole" "$short" "$wrong" "$guessed" "$excused" \
		"$blocked" "$blocked_short"
	[ -z "${SHOWS:-}" ] || grep ^differs "$WORK/steps" | sed 's/^/    /' | head -10
}

# exact NAME EXCUSED ARG...: at most EXCUSED steps are excused, all others whole.
exact()
{
	local name=$1 most=$2

	shift 2
	steps "$name" "$@" || return
	check_number "$name: whole stacks" "$whole + $excused == $steps && $steps > 10000"
	check_number "$name: excused" "$excused <= $most"
	check_equal "$name: wrong stacks of blocked threads" 0 "$blocked_wrong"
	# What earlier calls left on the stack can look like the frame above one whose size the code does
	# not tell (the loader's dl_main): such a frame is marked as a guess.
	check_number "$name: wrong ones with a guess" "$blocked_guessed <= 0.06 * ($blocked + $blocked_short + $blocked_guessed)"
	check_number "$name: whole stacks of blocked threads" "$blocked >= 0.8 * ($blocked + $blocked_short)"
}

exact "from the loader on" 40 -excuse =__longjmp "$VARIANTS/w-cet"
for program in O0 O2 O3 clang lld static static-pie; do
	exact $program 40 -entry -excuse =__longjmp "$VARIANTS/w-$program"
done
exact "C++ exceptions" 1500 -entry -excuse $exceptions "$VARIANTS/w-cc"
# bare NAME SHARE PROGRAM: without unwind information, of which as many stacks are whole all the same.
# One in five hundred may be another, with a frame that is marked as a guess.
bare()
{
	steps "$1" -entry -excuse =__longjmp "$3" || return
	check_equal "$1: wrong stacks" 0 "$wrong"
	check_number "$1: wrong stacks with a guess" "$guessed <= 0.002 * $steps"
	check_number "$1: whole stacks" "$whole >= $2 * $steps"
	check_equal "$1: wrong stacks of blocked threads" 0 "$blocked_wrong"
}

bare musl 0.98 "$VARIANTS/w-musl"
bare musl-dynamic 0.98 "$VARIANTS/w-musl-dynamic"
# glibc's start code never returns, and is in no form that is known: most end there and say so.
bare "static, tables removed" 0.3 "$VARIANTS/w-bare"
bare "static, tables removed, -O0" 0.3 "$VARIANTS/w-bare-O0"
check_number "steps in all" "$all_steps >= 300000"
finish
