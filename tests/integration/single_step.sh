#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Programs that run one instruction at a time: at each the unwinder has to find the stack that the
# calls, returns and signals themselves have made. Where it cannot, the functions have a name here:
#
#   __longjmp         its unwind information says from some instruction on that it is already there
#   uw_*, _Unwind_*   a caught exception's last steps write the frame to go to over the one they are in
#   frame_dummy, *register_tm_clones   the compiler's start files, in programs at fixed addresses: no
#                     unwind information
. "$(dirname "$0")/../lib/harness.sh"
need make gcc g++ clang ld.lld musl-gcc
STEPPER=${STEPPER:-$PWD/tests/stepper/stepper}
crt=frame_dummy,=register_tm_clones,=deregister_tm_clones
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
	read -r blocked blocked_short blocked_bad < <(awk '$1 == "blocked" { print $3, $5, $7 + $9 }' "$WORK/steps")
	all_steps=$((all_steps + steps))
	printf '%-22s %8d steps at %6d instructions, %d signals: %d whole, %d short, %d wrong, %d guessed, %d excused; blocked: %d whole, %d short\n' \
		"$name" "$steps" "$instructions" "$signals" "$whole" "$short" "$wrong" "$guessed" "$excused" \
		"$blocked" "$blocked_short"
	[ "$name" = musl ] || grep ^differs "$WORK/steps" | sed 's/^/    /' | head -10
}

# exact NAME EXCUSED ARG...: at most EXCUSED steps are excused, all others whole.
exact()
{
	local name=$1 most=$2

	shift 2
	steps "$name" "$@" || return
	check_number "$name: whole stacks" "$whole + $excused == $steps && $steps > 10000"
	check_number "$name: excused" "$excused <= $most"
	check_equal "$name: wrong stacks of blocked threads" 0 "$blocked_bad"
	check_number "$name: whole stacks of blocked threads" "$blocked >= 0.8 * ($blocked + $blocked_short)"
}

exact "from the loader on" 40 -excuse =__longjmp "$VARIANTS/w-cet"
for program in O0 O2 O3 clang lld static-pie; do
	exact $program 40 -entry -excuse =__longjmp "$VARIANTS/w-$program"
done
exact static 80 -entry -excuse =__longjmp,$crt "$VARIANTS/w-static"
exact "C++ exceptions" 1500 -entry -excuse $exceptions "$VARIANTS/w-cc"
# No unwind information in libc, and no frame pointers: the stack ends there and says so.
if steps musl -entry "$VARIANTS/w-musl"; then
	check_equal "musl: wrong stacks" 0 "$wrong"
	check_number "musl: wrong stacks with a guess" "$guessed <= 0.005 * $steps"
	check_equal "musl: wrong stacks of blocked threads" 0 "$blocked_bad"
fi
check_number "steps in all" "$all_steps >= 300000"
finish
