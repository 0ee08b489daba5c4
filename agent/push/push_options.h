/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of pushing: -push URL (up to PUSH_URLS), -label K=V, and -tenant, -push-auth and
 * -push-ca, which are for the -push before them; before the first one, for all that have none of
 * their own. So do CPPROF_PUSH_TENANT and the secrets of the environment (authorization.h); those
 * are refused where they would go to several places.
 *
 * Strings point into argv, but for the secrets.
 */
#ifndef PUSH_OPTIONS_H
#define PUSH_OPTIONS_H

#include <stdint.h>

#define PUSH_URLS 4u

/* Pyroscope takes 30 labels of a series. Five are ours (pyroscope.h), and it makes labels of up to
 * three of a sample: thread_name, kind and lock. */
#define PUSH_LABELS	  22u
#define PUSH_LABEL_NAME	  1024u
#define PUSH_LABEL_VALUE  2048u
#define PUSH_TENANT_CHARS 150u

struct push_to {
	const char *url;
	const char *tenant;  /* X-Scope-OrgID; NULL: none */
	const char *auth;    /* file; NULL: none */
	const char *ca;	     /* file of certificates; NULL: the system's */
	char *authorization; /* the header; NULL: none */
};

struct push_label {
	const char *text; /* name=value */
	uint32_t name_length;
};

struct push_options {
	struct push_to all; /* without a URL */
	struct push_to to[PUSH_URLS];
	uint32_t n; /* 0: nothing is pushed */
	struct push_label labels[PUSH_LABELS];
	uint32_t n_labels;
};

/* One option, of those above. 0, or -EINVAL told. */
int push_options_set(struct push_options *o, const char *name, const char *value);

/* Once all are there: reads the secrets. 0, or -EINVAL told. */
int push_options_settle(struct push_options *o);

/* Forgets the secrets; where the processes are that need none. */
void push_options_forget(struct push_options *o);

#endif
