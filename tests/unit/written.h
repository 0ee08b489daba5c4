/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one of output's writers writes, as text; valid until the next call. */
#ifndef TESTS_UNIT_WRITTEN_H
#define TESTS_UNIT_WRITTEN_H

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "output/profile.h"
#include "output/sink.h"

static const char *written_by(int (*write)(const struct profile *, struct sink *))
{
	static char found[4096];
	char path[] = "/tmp/cpprof-written.XXXXXX";
	struct sink sink;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(sink_open(&sink, path, 0), 0);
	assert_int_equal(write(p, &sink), 0);
	assert_int_equal(sink_commit(&sink), 0);
	fd = open(path, O_RDONLY);
	ssize_t n = read(fd, found, sizeof(found) - 1);
	close(fd);
	unlink(path);
	assert_true(n >= 0);
	found[n] = '\0';
	return found;
}

#endif
