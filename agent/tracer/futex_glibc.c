/* SPDX-License-Identifier: GPL-2.0-or-later */
/* glibc from 2.31 on, x86-64; offsets from the futex. */
#include <linux/futex.h>

#include "agent/tracer/futex.h"

/* struct pthread: the id, and in its head the pointer to itself. */
#define TCB_SELF 16
#define TCB_TID	 720

/* struct __pthread_mutex_s: lock 0, count 4, owner 8, users 12, kind 16, spins 20, list 24. */
enum mutex_kind {
	MUTEX_RECURSIVE = 1, /* of the two lowest bits */
	MUTEX_ROBUST = 16,
	MUTEX_INHERIT = 32,
	MUTEX_PROTECT = 64,
	MUTEX_KINDS = 0x3ff, /* and for sharing, and for elision */
};

#define CEILING 0xfff80000u /* of the priority, in the lock word of a protecting one */

static int is_mutex(const struct futex *f)
{
	int64_t kind = futex_word(f, 16), count = futex_word(f, 4), users = futex_word(f, 12);

	if (f->address % 8 || kind < 0 || (kind & ~MUTEX_KINDS))
		return 0;
	if (users < 1 || users > (int64_t)LIMIT_THREADS)
		return 0;
	/* Only what can be taken again is counted; 1 in those that are taken in other ways. */
	if ((kind & 3) != MUTEX_RECURSIVE &&
		count > !!(kind & (MUTEX_ROBUST | MUTEX_INHERIT | MUTEX_PROTECT)))
		return 0;
	/* Only robust ones are in a list. */
	return (kind & MUTEX_ROBUST) || (!futex_words(f, 24) && !futex_words(f, 32));
}

static int find_mutex(const struct futex *f, struct wait *out)
{
	int64_t owner = futex_word(f, 8), kind = futex_word(f, 16);
	uint32_t expected =
		kind >= 0 && kind & MUTEX_PROTECT ? f->expected & ~CEILING : f->expected;

	if (expected != 2 || owner <= 0 || owner > TIDS_MOST || !is_mutex(f))
		return 0;
	futex_found(f, WAIT_MUTEX, 0, owner, out);
	futex_doubt_ended(out);
	return 1;
}

/* The lock word is the holder's id, as the kernel wants it for its list (robust futexes). */
static int find_robust(const struct futex *f, struct wait *out)
{
	int64_t word = futex_word(f, 0), kind = futex_word(f, 16);

	if (!(f->expected & FUTEX_WAITERS) || f->is_private || word < 0 || !is_mutex(f) ||
		!(kind & MUTEX_ROBUST))
		return 0;
	if (word & FUTEX_OWNER_DIED) {
		futex_found(f, WAIT_MUTEX, 0, 0, out);
		out->flags |= WAIT_HOLDER_GONE;
		return 1;
	}
	if (!(word & FUTEX_TID_MASK) || (word & FUTEX_TID_MASK) != futex_word(f, 8))
		return 0;
	futex_found(f, WAIT_MUTEX, 0, word & FUTEX_TID_MASK, out);
	return 1;
}

/* _IO_lock_t: lock 0, count 4, owner 8, which is the holder's struct pthread. In a FILE of fopen it
 * follows the FILE and the pointer to its functions; those of the standard streams are elsewhere.
 */
static int find_stdio(const struct futex *f, struct wait *out)
{
	const int file = -224, pointer = file + 136;
	uint64_t owner = futex_words(f, 8);

	if (f->expected != 2 || futex_word(f, 4) < 1 || owner % 16 ||
		futex_elsewhere(f, owner + TCB_SELF, 8) != owner)
		return 0;
	int64_t tid = futex_elsewhere(f, owner + TCB_TID, 4);
	if (futex_thread(f, tid) <= 0)
		return 0;
	futex_found(f, WAIT_STDIO, futex_words(f, pointer) == f->address ? file : 0, tid, out);
	return 1;
}

/* struct __pthread_rwlock_arch_t: readers 0, writers 4, two futexes 8 and 12, nothing 16 and 20,
 * the writer 24, shared 28, flags 48. In readers: two bits of the phase, one of readers that wait,
 * then how many hold it. */
static int is_rwlock(const struct futex *f, int base)
{
	int64_t shared = futex_word(f, base + 28), flags = futex_word(f, base + 48);

	return futex_words(f, base + 16) == 0 && (shared == 0 || shared == 1) && flags >= 0 &&
	       flags <= 3 && futex_word(f, base + 8) <= 3 && futex_word(f, base + 12) <= 3;
}

static int find_rwlock_at(const struct futex *f, int base, struct wait *out)
{
	enum { WRITE_PHASE = 1, WRITER_HOLDS = 2 };
	int64_t readers = futex_word(f, base), writer = futex_word(f, base + 24);

	if (!is_rwlock(f, base) || readers < 0 || writer < 0)
		return 0;
	if (writer) {
		if (!(readers & WRITER_HOLDS) || futex_thread(f, writer) == 0)
			return 0;
		futex_found(f, WAIT_RWLOCK, base, writer, out);
		return 1;
	}
	if ((readers & WRITE_PHASE) || readers >> 3 < 1 || readers >> 3 > (int64_t)LIMIT_THREADS)
		return 0;
	futex_found(f, WAIT_RWLOCK, base, 0, out);
	out->flags |= WAIT_READERS;
	return 1;
}

/* Readers wait on the one futex, writers on the other, or, the next to come, on the readers'; on
 * the count itself where writers come first. */
static int find_rwlock(const struct futex *f, struct wait *out)
{
	if (f->address % 8 == 4)
		return (f->expected == 2 || f->expected == 3) && find_rwlock_at(f, -12, out);
	if ((f->expected == 2 || f->expected == 3) && find_rwlock_at(f, -8, out))
		return 1;
	return (f->expected & 4) && f->expected == futex_word(f, 0) && find_rwlock_at(f, 0, out);
}

/* The id in the thread's struct pthread, which the kernel clears when it ends. */
static int find_join(const struct futex *f, struct wait *out)
{
	uint64_t thread = f->address - TCB_TID;

	if (f->is_private || f->expected != futex_word(f, 0) ||
		futex_elsewhere(f, thread + TCB_SELF, 8) != thread ||
		futex_thread(f, f->expected) <= 0)
		return 0;
	futex_found(f, WAIT_JOIN, -TCB_TID, f->expected, out);
	return 1;
}

/* struct __pthread_cond_s: what has come 0, where the older group begins 8; then until 2.41
 * references of both groups 16, their sizes 24, what the older was 32, waiters 36, signals 40 and
 * 44; since then sizes 16, what the older was 24, waiters 28, signals 32 and 36. */
/* The sizes of groups: what was taken off one goes below zero for a moment. */
static int is_size(int64_t word)
{
	const int32_t most = 4 * LIMIT_THREADS;

	return word >= 0 && (int32_t)word <= most && (int32_t)word >= -most;
}

static int is_cond(const struct futex *f, int base, int waiters_at)
{
	uint64_t come = futex_words(f, base) >> 1, begin = futex_words(f, base + 8) >> 1;
	int64_t waiters = futex_word(f, base + waiters_at);
	int sizes = base + waiters_at - 12;

	return waiters >= 8 && waiters >> 3 <= (int64_t)LIMIT_THREADS && come >> 48 == 0 &&
	       begin <= come && come >= (uint64_t)waiters >> 3 && is_size(futex_word(f, sizes)) &&
	       is_size(futex_word(f, sizes + 4)) && is_size(futex_word(f, sizes + 8));
}

static int has_references(const struct futex *f, int base)
{
	int64_t a = futex_word(f, base + 16), b = futex_word(f, base + 20);
	const int64_t most = 2 * (int64_t)LIMIT_THREADS;

	return a >= 0 && b >= 0 && a <= most && b <= most && a + b >= 2;
}

static int find_cond(const struct futex *f, struct wait *out)
{
	int signals = f->address % 8 ? -4 : 0, base = signals - 40;

	if (!is_cond(f, base, 36) || !has_references(f, base))
		base = signals - 32;
	if (base == signals - 32 && !is_cond(f, base, 28))
		return 0;
	futex_found(f, WAIT_COND, base, 0, out);
	return 1;
}

int futex_is_glibc(const struct futex *f, struct wait *out)
{
	return find_stdio(f, out) || find_mutex(f, out) || find_robust(f, out) ||
	       find_rwlock(f, out) || find_join(f, out) || find_cond(f, out);
}
