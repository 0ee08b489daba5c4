#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# System calls of the profiler's own that fail or are slow, a few of each: see tests/lib/faults.sh.
# tests/stress/faults.sh is the long form.
#
#   FAULT_CALLS  at how many places of each (3)
. "$(dirname "$0")/../lib/faults.sh"

# Places of different meaning: SEIZE, GETREGSET and DETACH of the first stop and of later ones, files
# of the target and those of its modules, messages of each role.
some() # CALLS INJECTION "N..."
{
	faults "$1" "$2" "$(echo "$3" | cut -d ' ' -f "1-${FAULT_CALLS:-3}")"
}

fault_target shares
some ptrace error=EPERM "13 4 10 15 2"
some ptrace delay_exit=80000 "5 12"
some wait4 error=ECHILD "2 1 7"
some wait4 delay_exit=80000 "3 6"
some pread64 error=EIO "10 7 21 35 3"
some write error=ENOSPC "3 1 7 12 2"
some rename,renameat,renameat2 error=EACCES "1 2"
fault_target_end

fault_target idle 0 12 1
some ptrace error=ESRCH "9 5 17"
some process_vm_readv error=ESRCH "4 20 11"
some openat error=EMFILE "46 1 20 61 30"
some sendmsg error=ENOBUFS "5 2 9 14"
fault_target_end
fault_report "faults"
finish
