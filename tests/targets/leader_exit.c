/* SPDX-License-Identifier: GPL-2.0-or-later */
/* leader_exit [SECONDS]: the main thread ends, two busy threads and a waiting one go on. */
#include "target.h"

static volatile int done;

static FRAME void orphan_work(void)
{
	SPIN(target.per_us * 1000);
	KEEP_FRAME();
}

static void *orphan(void *arg)
{
	while (!done)
		orphan_work();
	return arg;
}

static int leader_gone(void)
{
	char line[256] = "";
	FILE *f = fopen("/proc/self/stat", "re");
	char *end;

	if (!f)
		return 0;
	(void)!fgets(line, sizeof(line), f);
	fclose(f);
	end = strrchr(line, ')');
	return end && end[2] == 'Z';
}

static void *watch(void *arg)
{
	(void)arg;
	while (!leader_gone())
		target_sleep_us(1000);
	target_ready();
	target_wait(0);
	done = 1;
	truth("process_cpu", clock_ns(CLOCK_PROCESS_CPUTIME_ID));
	exit(0);
}

int main(int argc, char **argv)
{
	target_block_term();
	target_init(arg_number(argc, argv, 1, 0));
	target_thread("orphan_1", orphan, NULL);
	target_thread("orphan_2", orphan, NULL);
	target_thread("watch", watch, NULL);
	pthread_exit(NULL);
}
