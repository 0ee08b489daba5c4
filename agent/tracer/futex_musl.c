/* SPDX-License-Identifier: GPL-2.0-or-later */
/* musl 1.2, x86-64; offsets from the futex. */
#include "agent/tracer/futex.h"

/* pthread_mutex_t: type 0, lock 4, waiters 8, count 20, list 24 and 32. All but those of type 0
 * (normal) record who holds them. */
enum mutex_type { TYPE_NORMAL, TYPE_KINDS = 15, TYPE_SHARED = 128 };

#define LOCKED	     16u	 /* EBUSY: the lock of a normal one */
#define HAS_WAITERS  0x80000000u /* in a lock on which somebody waits */
#define OWNER_DIED   0x40000000u
#define FILE_WAITERS 0x40000000u /* the same in that of a FILE */

static int find_mutex(const struct futex *f, struct wait *out)
{
	int64_t type = futex_word(f, -4), lock = futex_word(f, 0), waiters = futex_word(f, 4);

	if (f->address % 8 != 4 || !(f->expected & HAS_WAITERS) || type < 0 ||
		(type & ~(TYPE_KINDS | TYPE_SHARED)) || lock <= 0 || waiters < 1 ||
		waiters > (int64_t)LIMIT_THREADS)
		return 0;
	if ((type & TYPE_KINDS) == TYPE_NORMAL) {
		if ((f->expected & ~HAS_WAITERS) != LOCKED)
			return 0;
		futex_found(f, WAIT_MUTEX, -4, 0, out);
		return 1;
	}
	int64_t owner = lock & ~(HAS_WAITERS | OWNER_DIED);
	if (owner > TIDS_MOST || (!owner && !(lock & OWNER_DIED)))
		return 0;
	futex_found(f, WAIT_MUTEX, -4, owner, out);
	if (!(lock & OWNER_DIED))
		futex_doubt_ended(out);
	out->flags |= lock & OWNER_DIED ? WAIT_HOLDER_GONE : 0;
	return 1;
}

/* FILE: count of locks 128, mode 136 (bytes or wide), lock 140. */
static int find_stdio(const struct futex *f, struct wait *out)
{
	int64_t lock = futex_word(f, 0), mode = (int32_t)futex_word(f, -4);

	if (f->address % 8 != 4 || !f->is_private || (f->expected & HAS_WAITERS) ||
		!(f->expected & FILE_WAITERS) || mode < -1 || mode > 1 ||
		futex_words(f, -12) > LIMIT_THREADS || futex_thread(f, lock & ~FILE_WAITERS) <= 0)
		return 0;
	futex_found(f, WAIT_STDIO, -140, lock & ~FILE_WAITERS, out);
	return 1;
}

/* struct pthread: pointer to itself 0, id 48, whether it can be joined 56. */
static int find_join(const struct futex *f, struct wait *out)
{
	int64_t tid = futex_word(f, -8);

	if (f->expected < 1 || f->expected > 3 || futex_words(f, -56) != f->address - 56 ||
		futex_thread(f, tid) <= 0)
		return 0;
	futex_found(f, WAIT_JOIN, -56, tid, out);
	return 1;
}

int futex_is_musl(const struct futex *f, struct wait *out)
{
	return find_mutex(f, out) || find_stdio(f, out) || find_join(f, out);
}
