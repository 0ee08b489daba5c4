/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is pushed in one request: the profiles of one window, as gzipped pprof, with their labels.
 * It is made once for all stores, and never changed; whoever keeps it holds a reference.
 */
#ifndef PUSH_PARCEL_H
#define PUSH_PARCEL_H

#include <stddef.h>
#include <stdint.h>

#include "agent/push/labels.h"
#include "base/buf.h"
#include "output/profile.h"

struct parcel_profile {
	enum profile_kind kind;
	struct buf pprof;
	char id[37]; /* a random UUID */
};

struct parcel {
	uint32_t references;
	int is_failed; /* the caller was given it (push_take_failed) */
	struct labels labels;
	char comm[64];
	int pid;
	uint64_t time; /* at the start of the window, CLOCK_REALTIME, ns */
	struct parcel_profile v[PROFILE_KINDS];
	uint32_t n;
	size_t bytes; /* of all pprof */
};

/* With one reference; labels are taken over where it succeeds. 0 or -errno: -E2BIG where they are
 * more than LIMIT_PUSH_BYTES. */
int parcel_make(struct parcel **out, const struct profile *const *profiles, uint32_t n,
	struct labels *labels);
struct parcel *parcel_hold(struct parcel *p);
void parcel_release(struct parcel *p); /* NULL: nothing */

/* The stores' name of a kind of profile: "process_cpu" and so on. */
const char *parcel_kind_name(enum profile_kind kind);

#endif
