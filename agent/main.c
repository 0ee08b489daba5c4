/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/exit_status.h"
#include "agent/options.h"
#include "agent/supervisor.h"
#include "base/log.h"
#include "output/check.h"

/* What was printed and did not get there was the whole result. */
static int end(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	log_error("cannot write to standard output: %s", strerror(errno));
	return STATUS_FAILED;
}

int main(int argc, char **argv)
{
	struct options options;
	int status;

	if (options_parse(&options, argc, argv, &status))
		return end(status);
	if (options.check)
		return end(check_file(options.check, stdout) ? STATUS_FAILED : STATUS_DONE);
	if (options.compare.old)
		return comparing_run(&options);
	return supervisor_run(&options);
}
