/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * altstacks [SECONDS]: threads that compute on a stack other than their own, below which a chain of
 * 20 calls of below() goes on. "heap" in a signal handler on a malloc'ed stack; "nested" in the
 * handler of a second signal there; "array" in a handler on an array inside its own stack;
 * "coroutine" on a stack that it swaps to, which has an end of its own; "forged" in a handler that
 * lies about the stack it interrupted. "sleeper" sleeps in a
 * handler for good. What a handler does is five calls of above() and then NAME_work.
 */
#include "target.h"

#include <ucontext.h>

#define BELOW	    20
#define ABOVE	    5
#define STACK_BYTES (64 << 10)

static __thread void (*work)(uint64_t us);
static __thread uint64_t worked; /* ns of CPU in work */

WORK(heap_work)
WORK(nested_work)
WORK(array_work)
WORK(coroutine_work)
WORK(forged_work)
WORK(other_work)

static FRAME void above(int n)
{
	if (n > 1) {
		above(n - 1);
	} else if (work) {
		uint64_t before = clock_ns(CLOCK_THREAD_CPUTIME_ID);
		work(300);
		worked += clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
	} else {
		while (target_running())
			target_sleep_us(100000);
	}
	KEEP_FRAME();
}

static FRAME void on_signal(int sig)
{
	(void)sig;
	above(ABOVE);
	KEEP_FRAME();
}

static FRAME void on_outer(int sig)
{
	(void)sig;
	raise(SIGUSR1);
	KEEP_FRAME();
}

/* Signal 0: no handler. */
static FRAME void below(int n, int sig)
{
	if (n > 1) {
		below(n - 1, sig);
	} else {
		do {
			if (sig)
				raise(sig);
			else
				above(ABOVE);
			other_work(200);
		} while (target_running());
	}
	KEEP_FRAME();
}

static void set_stack(void *base)
{
	stack_t stack = {.ss_sp = base, .ss_size = STACK_BYTES};

	if (!base || sigaltstack(&stack, NULL)) {
		perror("sigaltstack");
		exit(1);
	}
}

static FRAME void heap(void)
{
	work = heap_work;
	set_stack(malloc(STACK_BYTES));
	below(BELOW, SIGUSR1);
	KEEP_FRAME();
}

static FRAME void nested(void)
{
	work = nested_work;
	set_stack(malloc(STACK_BYTES));
	below(BELOW, SIGUSR2);
	KEEP_FRAME();
}

static FRAME void array(void)
{
	char room[STACK_BYTES];

	work = array_work;
	set_stack(room);
	below(BELOW, SIGUSR1);
	KEEP_FRAME();
}

static FRAME void body(void)
{
	below(BELOW, 0);
	KEEP_FRAME();
}

static FRAME void coroutine(void)
{
	ucontext_t own, other;

	work = coroutine_work;
	getcontext(&other);
	other.uc_stack.ss_sp = malloc(STACK_BYTES);
	other.uc_stack.ss_size = STACK_BYTES;
	other.uc_link = &own;
	makecontext(&other, body, 0);
	swapcontext(&own, &other);
	KEEP_FRAME();
}

/* While it works its signal frame says that the interrupted stack is where there is none to read.
 */
static FRAME void on_forged(int sig, siginfo_t *info, void *context)
{
	volatile greg_t *sp = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RSP];
	const greg_t right = *sp, wrong[] = {1, -1, 0x7fffffffe000, (greg_t)0xffffffff81000000,
					  (greg_t)right & ~0xfffff, (greg_t)context - (2 << 20)};

	(void)sig, (void)info;
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		*sp = wrong[i];
		forged_work(100);
	}
	*sp = right;
	KEEP_FRAME();
}

static FRAME void forged(void)
{
	set_stack(malloc(STACK_BYTES));
	below(BELOW, SIGALRM);
	KEEP_FRAME();
}

static FRAME void sleeper(void)
{
	set_stack(malloc(STACK_BYTES));
	below(BELOW, SIGUSR1);
	KEEP_FRAME();
}

static const struct kind {
	const char *name;
	void (*run)(void);
} kinds[] = {
	{"heap", heap},
	{"nested", nested},
	{"array", array},
	{"coroutine", coroutine},
	{"forged", forged},
	{"sleeper", sleeper},
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

static uint64_t in_work[KINDS], total[KINDS];

static void *thread_main(void *arg)
{
	unsigned i = (uintptr_t)arg;

	prctl(PR_SET_NAME, kinds[i].name);
	kinds[i].run();
	in_work[i] = worked;
	total[i] = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	return NULL;
}

int main(int argc, char **argv)
{
	struct sigaction inner = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
	struct sigaction lie = {.sa_sigaction = on_forged, .sa_flags = SA_ONSTACK | SA_SIGINFO};
	struct sigaction outer = {.sa_handler = on_outer, .sa_flags = SA_ONSTACK};
	pthread_t threads[KINDS];

	target_init(arg_number(argc, argv, 1, 0));
	sigaction(SIGUSR1, &inner, NULL);
	sigaction(SIGUSR2, &outer, NULL);
	sigaction(SIGALRM, &lie, NULL);
	for (unsigned i = 0; i < KINDS; i++)
		pthread_create(&threads[i], NULL, thread_main, (void *)(uintptr_t)i);
	target_ready();
	while (target_running())
		target_sleep_us(10000);
	for (unsigned i = 0; i < KINDS; i++) {
		pthread_join(threads[i], NULL);
		truth(kinds[i].name, in_work[i]);
		printf("truth %s_total %" PRIu64 "\n", kinds[i].name, total[i]);
	}
	return 0;
}
