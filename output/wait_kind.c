/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>
#include <string.h>

#include "output/wait_kind.h"

/* Functions that tell by being on the stack, the innermost known one decides. */
static const struct row {
	const char *name;
	enum wait_kind kind;
} rows[] = {
	{"pthread_mutex_lock", WAIT_MUTEX},
	{"__pthread_mutex_lock", WAIT_MUTEX},
	{"pthread_mutex_timedlock", WAIT_MUTEX},
	{"pthread_mutex_clocklock", WAIT_MUTEX},
	{"pthread_rwlock_rdlock", WAIT_RWLOCK},
	{"pthread_rwlock_wrlock", WAIT_RWLOCK},
	{"pthread_cond_wait", WAIT_COND},
	{"pthread_cond_timedwait", WAIT_COND},
	{"pthread_cond_clockwait", WAIT_COND},
	{"sem_wait", WAIT_SEM},
	{"sem_timedwait", WAIT_SEM},
	{"sem_clockwait", WAIT_SEM},
	{"pthread_join", WAIT_JOIN},
	{"pthread_barrier_wait", WAIT_BARRIER},
	{"pthread_once", WAIT_ONCE},
};

static enum wait_kind kind_of_name(const char *name)
{
	for (size_t i = 0; name && i < sizeof(rows) / sizeof(*rows); i++)
		if (!strcmp(rows[i].name, name))
			return rows[i].kind;
	return WAIT_NONE;
}

enum wait_kind wait_kind_of(const struct wait *found, const char *const *names, uint32_t n)
{
	if (found->kind != WAIT_FUTEX)
		return found->kind;
	for (uint32_t i = 0; i < n; i++) {
		enum wait_kind kind = kind_of_name(names[i]);
		if (kind != WAIT_NONE)
			return kind;
	}
	return WAIT_FUTEX;
}

/* struct pthread_barrier of glibc: threads wait for its second word, the round; musl's wait for the
 * first, or elsewhere. */
uint64_t wait_kind_lock(enum wait_kind kind, uint64_t lock)
{
	return kind == WAIT_BARRIER && lock % 8 == 4 ? lock - 4 : lock;
}

const char *wait_kind_word(enum wait_kind kind)
{
	static const char *const words[WAIT_KINDS] = {
		[WAIT_FUTEX] = "futex",
		[WAIT_MUTEX] = "mutex",
		[WAIT_RWLOCK] = "rwlock",
		[WAIT_COND] = "cond",
		[WAIT_SEM] = "sem",
		[WAIT_JOIN] = "join",
		[WAIT_BARRIER] = "barrier",
		[WAIT_ONCE] = "once",
		[WAIT_FILE_LOCK] = "file lock",
		[WAIT_STDIO] = "stdio",
	};

	return kind < WAIT_KINDS ? words[kind] : NULL;
}
