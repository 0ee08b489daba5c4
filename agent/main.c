/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "agent/options.h"
#include "agent/supervisor.h"
#include "output/check.h"

int main(int argc, char **argv)
{
	struct options options;
	int status;

	if (options_parse(&options, argc, argv, &status))
		return status;
	if (options.check)
		return check_file(options.check, stdout) ? 1 : 0;
	if (options.compare.old)
		return comparing_run(&options);
	return supervisor_run(&options);
}
