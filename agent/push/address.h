/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where to push: STORE+http://HOST[:PORT][/prefix] or STORE+https://..., STORE being pyroscope or
 * parca. Taken apart and put together by libcurl, so that what is checked is what it uses.
 */
#ifndef PUSH_ADDRESS_H
#define PUSH_ADDRESS_H

#include "agent/push/store.h"
#include "base/limits.h"

struct address {
	enum push_store store;
	int is_https;
	int is_open;		/* what is sent can be read on the way: not https, not this host */
	char shown[LIMIT_PATH]; /* as it was given, without slashes at the end */
	char url[LIMIT_PATH];	/* to post to */
};

/* 0, or -EINVAL with *why: what to do about it. */
int address_parse(struct address *a, const char *text, const char **why);

#endif
