/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The socket that -http names: [HOST]:PORT, where no host means this machine only (127.0.0.1), or
 * unix:PATH. Port 0 is any free one.
 */
#ifndef SERVE_LISTEN_H
#define SERVE_LISTEN_H

#include "base/limits.h"

struct listener {
	int fd;		       /* -1 */
	char url[LIMIT_PATH];  /* as a client would write it */
	char host[256];	       /* as given; "" none */
	char path[LIMIT_PATH]; /* of the socket in a file system; "" none */
	int is_open_to_others; /* to other machines */
};

/* 0, or -EINVAL: told. */
int listen_check(const char *where);

/* Opens it; 0, or -errno: told. A socket in a file system is for its owner only, and takes the
 * place of one that nobody listens at any more. */
int listen_open(struct listener *l, const char *where);
void listen_close(struct listener *l);

#endif
