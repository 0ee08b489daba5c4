/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * alloc_storm: the process of alloc_storm.h, until SIGTERM; its status is whether all was right.
 */
#include "alloc_storm.h"

static void on_term(int signal)
{
	(void)signal;
	report->is_over = 1;
}

int main(void)
{
	if (make_report())
		return 1;
	pid_t pid = fork();
	if (!pid)
		allocate_for_ever();
	signal(SIGTERM, on_term);
	printf("ready %d\n", pid);
	fflush(stdout);
	while (!report->is_over && !waitpid(pid, NULL, WNOHANG))
		usleep(20000);
	int was_killed = !report->is_over;
	waitpid(pid, NULL, 0);
	printf("truth turns %lu\ntruth children %lu\ntruth wrong %lu\n", report->turns,
		report->children, report->wrong);
	return report->wrong || was_killed;
}
