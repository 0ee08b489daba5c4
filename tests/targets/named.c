/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * named [SECONDS]: threads with names that work now and then: "worker-0" and "worker-1" with 3 to 2
 * parts of their CPU time, "io-0" as much as both, and "late", which is called "worker-late" from
 * its SIGUSR1 on; short-lived "brief" ones come and go. Each says what it used.
 */
#include "target.h"

static volatile sig_atomic_t renamed;
static uint64_t late_used; /* since it has its name */

WORK(worker_work)
WORK(other_worker_work)
WORK(io_work)
WORK(late_work)
WORK(brief_work)

static struct part {
	const char *name, *truth;
	void (*work)(uint64_t us);
	uint64_t us, used;
} parts[] = {
	{"worker-0", "worker_work", worker_work, 600, 0},
	{"worker-1", "other_worker_work", other_worker_work, 400, 0},
	{"io-0", "io_work", io_work, 1000, 0},
};
enum { n_parts = sizeof(parts) / sizeof(*parts) };

static void *works(void *arg)
{
	struct part *p = arg;

	for (; !target_stopping; target_sleep_us(2000))
		p->work(p->us);
	p->used = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	return arg;
}

static void *late(void *arg)
{
	uint64_t before = 0;

	for (; !target_stopping; target_sleep_us(2000)) {
		if (renamed && !before) {
			prctl(PR_SET_NAME, "worker-late");
			before = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		}
		late_work(500);
	}
	late_used = before ? clock_ns(CLOCK_THREAD_CPUTIME_ID) - before : 0;
	return arg;
}

static void *brief(void *arg)
{
	brief_work(2000);
	return arg;
}

static void on_usr1(int sig)
{
	(void)sig;
	renamed = 1;
}

int main(int argc, char **argv)
{
	pthread_t threads[n_parts + 1];

	target_block_term();
	target_init(arg_number(argc, argv, 1, 0));
	signal(SIGUSR1, on_usr1);
	for (int i = 0; i < n_parts; i++)
		threads[i] = target_thread(parts[i].name, works, &parts[i]);
	threads[n_parts] = target_thread("late", late, NULL);
	target_ready();
	while (target_wait(5000))
		pthread_join(target_thread("brief", brief, NULL), NULL);
	target_stopping = 1;
	for (int i = 0; i <= n_parts; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < n_parts; i++)
		truth(parts[i].truth, parts[i].used);
	truth("late_work", late_used);
	truth("workers", parts[0].used + parts[1].used);
	return 0;
}
