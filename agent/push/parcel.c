/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "agent/push/parcel.h"
#include "base/limits.h"
#include "output/pprof.h"

const char *parcel_kind_name(enum profile_kind kind)
{
	static const char *const names[PROFILE_KINDS] = {
		[PROFILE_CPU] = "process_cpu",
		[PROFILE_THREADS] = "thread",
		[PROFILE_WALL] = "wall",
		[PROFILE_BLOCK] = "block",
		[PROFILE_MUTEX] = "mutex",
		[PROFILE_THREADCREATE] = "threadcreate",
		[PROFILE_GOROUTINE] = "goroutine",
		[PROFILE_HEAP] = "memory",
		[PROFILE_ALLOCS] = "memory",
	};

	return names[kind];
}

/* RFC 9562, version 4. */
static int make_id(char out[37])
{
	unsigned char b[16];

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		return -EIO;
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	snprintf(out, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		b[13], b[14], b[15]);
	return 0;
}

static int add(struct parcel *p, const struct profile *profile)
{
	struct parcel_profile *to = &p->v[p->n++];

	to->kind = profile->kind;
	buf_init(&to->pprof, LIMIT_PUSH_BYTES - p->bytes);
	int error = pprof_bytes(profile, &to->pprof);
	p->bytes += to->pprof.len;
	return error ? error : make_id(to->id);
}

int parcel_make(struct parcel **out, const struct profile *const *profiles, uint32_t n,
	struct labels *labels)
{
	struct parcel *p = n && n <= PROFILE_KINDS ? calloc(1, sizeof(*p)) : NULL;
	int error = 0;

	*out = NULL;
	if (!p)
		return n && n <= PROFILE_KINDS ? -ENOMEM : -EINVAL;
	p->references = 1;
	p->time = profiles[0]->time;
	for (uint32_t i = 0; i < n && !error; i++)
		error = add(p, profiles[i]);
	if (error) {
		parcel_release(p);
		return error;
	}
	p->labels = *labels;
	*labels = (struct labels){.n = 0};
	*out = p;
	return 0;
}

struct parcel *parcel_hold(struct parcel *p)
{
	p->references++;
	return p;
}

void parcel_release(struct parcel *p)
{
	if (!p || --p->references)
		return;
	for (uint32_t i = 0; i < p->n; i++)
		buf_fini(&p->v[i].pprof);
	labels_fini(&p->labels);
	free(p);
}
