/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/go_reasons.h"

/* Recordings hold these numbers: new ones go to the end. */
static const char *const words[] = {
	NULL,
	"GC assist marking",
	"IO wait",
	"chan receive (nil chan)",
	"chan send (nil chan)",
	"dumping heap",
	"garbage collection",
	"garbage collection scan",
	"panicwait",
	"select",
	"select (no cases)",
	"GC assist wait",
	"GC sweep wait",
	"GC scavenge wait",
	"chan receive",
	"chan send",
	"finalizer wait",
	"force gc (idle)",
	"GOMAXPROCS updater (idle)",
	"semacquire",
	"sleep",
	"sync.Cond.Wait",
	"sync.Mutex.Lock",
	"sync.RWMutex.RLock",
	"sync.RWMutex.Lock",
	"sync.WaitGroup.Wait",
	"timer goroutine (idle)",
	"trace reader (blocked)",
	"wait for GC cycle",
	"GC worker (idle)",
	"GC worker (active)",
	"preempted",
	"debug call",
	"GC mark termination",
	"stopping the world",
	"flushing proc caches",
	"trace goroutine status",
	"trace proc status",
	"page trace flush",
	"coroutine",
	"GC weak to strong wait",
	"synctest.Run",
	"synctest.Wait",
	"chan receive (synctest)",
	"chan send (synctest)",
	"select (synctest)",
	"chan receive (durable)",
	"chan send (durable)",
	"select (durable)",
	"sync.WaitGroup.Wait (durable)",
	"cleanup wait",
};

#define WORDS (sizeof(words) / sizeof(*words))

uint8_t go_reasons_find(const char *word, size_t n)
{
	for (uint8_t i = 1; i < WORDS; i++)
		if (strlen(words[i]) == n && !memcmp(words[i], word, n))
			return i;
	return 0;
}

static int starts_with(const char *text, const char *start)
{
	return !strncmp(text, start, strlen(start));
}

enum wait_kind go_reasons_kind(uint32_t reason)
{
	static const struct {
		const char *start;
		enum wait_kind kind;
	} kinds[] = {
		{"sync.Mutex.", WAIT_MUTEX},
		{"sync.RWMutex.", WAIT_RWLOCK},
		{"sync.Cond.", WAIT_COND},
		{"sync.WaitGroup.", WAIT_JOIN},
		{"semacquire", WAIT_SEM}, /* until Go 1.19 all of these but conditions */
		{"chan ", WAIT_CHAN},
		{"select", WAIT_CHAN},
	};
	const char *word = go_reasons_word(reason);

	for (size_t i = 0; word && i < sizeof(kinds) / sizeof(*kinds); i++)
		if (starts_with(word, kinds[i].start))
			return kinds[i].kind;
	return WAIT_IDLE;
}

const char *go_reasons_word(uint32_t reason)
{
	return reason < WORDS ? words[reason] : NULL;
}
