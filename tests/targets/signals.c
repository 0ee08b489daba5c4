/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * signals [SECONDS [HZ]]: HZ (1000) numbered realtime signals a second to a thread that spins.
 * Every one must arrive, in order: "truth sent" equals "truth received".
 */
#include "target.h"

static volatile int done;
static volatile uint64_t received, disordered;
static int expected;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	if (info->si_value.sival_int != expected)
		disordered++;
	expected = info->si_value.sival_int + 1;
	received++;
}

static FRAME void signals_work(void)
{
	SPIN(target.per_us * 100);
	KEEP_FRAME();
}

static void *spin(void *arg)
{
	while (!done)
		signals_work();
	return arg;
}

int main(int argc, char **argv)
{
	uint64_t hz = arg_number(argc, argv, 2, 1000);
	struct sigaction act = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
	uint64_t sent = 0, full = 0;
	pthread_t thread;

	target_block_term();
	target_init(arg_number(argc, argv, 1, 0));
	sigaction(SIGRTMIN, &act, NULL);
	thread = target_thread("spin", spin, NULL);
	target_ready();
	while (target_wait(1000000 / hz)) {
		union sigval value = {.sival_int = (int)sent};

		if (pthread_sigqueue(thread, SIGRTMIN, value) == 0)
			sent++;
		else
			full++;
	}
	for (int i = 0; i < 1000 && received < sent; i++)
		target_sleep_us(1000);
	done = 1;
	pthread_join(thread, NULL);
	truth("sent", sent);
	truth("received", received);
	truth("disordered", disordered);
	truth("queue_full", full);
	return sent != received || disordered;
}
