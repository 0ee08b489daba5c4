#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each system call that the profiler's work hangs on fails once, at each of its first calls, or is
# slow: see tests/lib/faults.sh. By hand; an hour and more.
#
#   FAULTS  CALLS:ERROR or CALLS:delay_enter=US ...   which ones (all)
#   FIRST, LAST, STEP                                 at which calls (1, 100, 1)
#   FAULT_TARGETS                                     shares, idle (both)
. "$(dirname "$0")/../lib/faults.sh"

all="ptrace:error=ESRCH ptrace:error=EPERM ptrace:error=EIO wait4:error=EINTR wait4:error=ECHILD
	process_vm_readv:error=EFAULT process_vm_readv:error=EPERM process_vm_readv:error=ESRCH
	process_vm_readv:error=ENOMEM openat:error=EMFILE openat:error=EACCES openat:error=ENOMEM
	openat:error=ENOENT pread64:error=EIO pread64:error=EINTR pread64:error=ESRCH
	sendmsg:error=ENOBUFS sendmsg:error=EINTR sendmsg:error=ETOOMANYREFS write:error=ENOSPC
	write:error=EINTR write:error=EIO rename,renameat,renameat2:error=ENOSPC
	rename,renameat,renameat2:error=EACCES rename,renameat,renameat2:error=EIO
	wait4:delay_enter=5000 wait4:delay_exit=80000 ptrace:delay_enter=5000 ptrace:delay_exit=80000"

for target in ${FAULT_TARGETS:-shares idle}; do
	case $target in
	shares) fault_target shares ;;
	idle) fault_target idle 0 12 1 ;;
	esac
	for entry in ${FAULTS:-$all}; do
		faults "${entry%%:*}" "${entry#*:}" "$(seq -s ' ' "${FIRST:-1}" "${STEP:-1}" "${LAST:-100}")"
		echo "    $target $entry: so far $faults_run runs, $faults_injected injections, $faults_bad with findings"
	done
	fault_target_end
done
fault_report "faults"
finish
