/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads a recording record by record. Trusts nothing in it: sizes are checked here, what a record
 * says is not (see agent/raw_check.h).
 */
#ifndef AGENT_RAW_READER_H
#define AGENT_RAW_READER_H

#include <zlib.h>

#include "agent/raw_format.h"

struct raw_reader {
	int fd; /* borrowed */
	/* Called before each read; not 0: give up. NULL: nobody asks. */
	int (*wait)(void *arg);
	void *arg;
	z_stream z;
	unsigned char *packed, *payload;
	int at_end; /* of the gzip stream, whose sum was right */
	uint64_t records;
	struct tracer_damaged why; /* of the last failure */
};

/* Takes memory and reads the header. 0, -ENOMEM, or -EBADMSG with r->why set. */
int raw_reader_open(struct raw_reader *r, int fd, struct raw_header *header);

/* For a wait function before opening: set r->wait and r->arg between init and open. */
void raw_reader_init(struct raw_reader *r);
void raw_reader_fini(struct raw_reader *r); /* idempotent */

/* The next record; its payload is in r->payload until the next call. 1, -EBADMSG with r->why set
 * (the file ends here, too: TRACER_RECORDED comes last), -EINTR: wait said so. */
int raw_reader_next(struct raw_reader *r, struct raw_record *record);

/* After TRACER_RECORDED: nothing more may come. 0 or as above. */
int raw_reader_end(struct raw_reader *r);

#endif
