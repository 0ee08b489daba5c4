/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/go_reasons.h"
#include "output/pseudo.h"

static const char *const ends[STACK_ENDS] = {
	[STACK_DONE] = "[complete]",
	[STACK_DEPTH] = "[stack too deep]",
	[STACK_UNREADABLE] = "[stack copy too short]",
	[STACK_NO_PROGRESS] = "[damaged stack]",
	[STACK_NO_MODULE] = "[outside all code]",
	[STACK_NO_CFI] = "[no unwind information]",
	[STACK_NO_REGISTER] = "[register unknown]",
	[STACK_WORKER_LOST] = "[worker lost]",
	[STACK_NOT_READ] = "[not readable]",
	[STACK_SWITCHED] = "[came from another stack]",
};

static const char *const words[STACK_ENDS] = {
	[STACK_DONE] = "complete",
	[STACK_DEPTH] = "too deep",
	[STACK_UNREADABLE] = "copy too short",
	[STACK_NO_PROGRESS] = "damaged",
	[STACK_NO_MODULE] = "outside all code",
	[STACK_NO_CFI] = "no unwind information",
	[STACK_NO_REGISTER] = "register unknown",
	[STACK_WORKER_LOST] = "worker lost",
	[STACK_NOT_READ] = "not readable",
	[STACK_SWITCHED] = "came from another stack",
};

static const char *const missing[MISSING_REASONS] = {
	[MISSING_NOT] = "[not readable]",
	[MISSING_MOVING] = "[not readable: thread kept moving]",
	[MISSING_LATE] = "[not readable: did not stop in time]",
	[MISSING_DENIED] = "[not readable: refused by the kernel]",
	[MISSING_RELEASED] = "[holder moved on before it could be looked at]",
	[MISSING_QUEUED] = "[not readable: waits for a CPU]",
	[MISSING_ROOM] = "[not read: no room for the stack]",
};

static const char *const others[] = {
	[PSEUDO_UNSAMPLED - PSEUDO_UNSAMPLED] = "[CPU of threads never sampled]",
	[PSEUDO_ENDED - PSEUDO_UNSAMPLED] = "[CPU of threads that ended unseen]",
	[PSEUDO_TABLE_FULL - PSEUDO_UNSAMPLED] = "[table of stacks full]",
	[PSEUDO_GUESSED - PSEUDO_UNSAMPLED] = "[guessed step]",
	[PSEUDO_NO_HOLDER - PSEUDO_UNSAMPLED] = "[holder unknown]",
	[PSEUDO_HOLDER_GONE - PSEUDO_UNSAMPLED] = "[holder has ended]",
	[PSEUDO_HOLDER_OTHER - PSEUDO_UNSAMPLED] = "[holder in another process]",
	[PSEUDO_READERS - PSEUDO_UNSAMPLED] = "[holders are readers]",
};

const char *pseudo_name(uint64_t pseudo)
{
	if (pseudo < PSEUDO_END + STACK_ENDS)
		return ends[pseudo - PSEUDO_END];
	if (pseudo >= PSEUDO_MISSING && pseudo < PSEUDO_MISSING + MISSING_REASONS)
		return missing[pseudo - PSEUDO_MISSING];
	if (pseudo >= PSEUDO_UNSAMPLED && pseudo <= PSEUDO_READERS)
		return others[pseudo - PSEUDO_UNSAMPLED];
	return "[unknown]";
}

static const char *go_state(uint32_t state)
{
	static const char *const states[GO_WAITS - GO_STATE_UNKNOWN] = {
		"waiting", "runnable", "running", "syscall", "preempted"};

	if (state < GO_WAITS)
		return states[state - GO_STATE_UNKNOWN];
	const char *reason = go_reasons_word(state - GO_WAITS);
	return reason ? reason : states[0];
}

const char *pseudo_state(uint32_t letter)
{
	if (letter >= GO_STATE_UNKNOWN)
		return go_state(letter);
	switch (letter) {
	case 'R':
		return "running";
	case 'S':
		return "sleeping";
	case 'Q':
		return "runnable";
	case 'D':
		return "disk";
	case 'T':
		return "stopped";
	case 't':
		return "traced";
	case 'Z':
		return "zombie";
	case 'X':
		return "dead";
	case 'I':
		return "idle";
	case 'P':
		return "parked";
	default:
		return "unknown";
	}
}

const char *pseudo_end_word(enum stack_end end)
{
	return words[end];
}
