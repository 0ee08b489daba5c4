/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sigalt [SECONDS]: a timer interrupts normal_work every 4 ms; its handler spins 2 ms on an
 * alternate stack. The handler's stacks must go on through the signal frame to main.
 */
#include "target.h"

#include <sys/time.h>

static uint64_t handler_ns;

static FRAME void handler_work(void)
{
	SPIN(target.per_us * 2000);
	KEEP_FRAME();
}

static FRAME void on_timer(int sig)
{
	uint64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	(void)sig;
	handler_work();
	handler_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
}

static FRAME void normal_work(void)
{
	SPIN(target.per_us * 1000);
	KEEP_FRAME();
}

static void start_timer(void)
{
	struct itimerval every = {{0, 4000}, {0, 4000}};
	struct sigaction act = {.sa_handler = on_timer, .sa_flags = SA_ONSTACK | SA_RESTART};
	stack_t stack = {.ss_size = 64 << 10};

	stack.ss_sp = malloc(stack.ss_size);
	if (!stack.ss_sp || sigaltstack(&stack, NULL)) {
		perror("sigaltstack");
		exit(1);
	}
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &every, NULL);
}

int main(int argc, char **argv)
{
	struct itimerval off = {{0, 0}, {0, 0}};
	uint64_t started, total;

	target_init(arg_number(argc, argv, 1, 0));
	started = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	start_timer();
	target_ready();
	while (target_running())
		normal_work();
	setitimer(ITIMER_REAL, &off, NULL);
	total = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - started;
	truth("handler_work", handler_ns);
	truth("normal_work", total - handler_ns);
	truth("process_cpu", total);
	return handler_ns > total;
}
