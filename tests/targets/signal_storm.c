/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * signal_storm [SECONDS [SIGNALS]]: a thread and another process send numbered real-time signals as
 * fast as the queue takes them, at least SIGNALS (100000) together and until SECONDS are over.
 * Every one must arrive, those of each sender in order, with the number it was sent with.
 */
#include "target.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { by_thread, by_process, senders };

#define NUMBERS 0x10000000 /* the sender is in the bits above */

struct shared {
	uint64_t sent[senders], full[senders];
};

static struct shared *shared;
static uint64_t least, until;
static volatile int done;
static volatile uint64_t received[senders], wrong[senders], strangers;
static pid_t receiver;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	unsigned int value = (unsigned int)info->si_value.sival_int, from = value / NUMBERS;

	(void)sig;
	(void)context;
	if (from >= senders || info->si_code != SI_QUEUE) {
		strangers++;
		return;
	}
	wrong[from] += value % NUMBERS != received[from] % NUMBERS;
	received[from]++;
}

static void send_all(int from)
{
	while (clock_ns(CLOCK_MONOTONIC) < until || shared->sent[from] < least) {
		union sigval value = {
			.sival_int = (int)(from * NUMBERS + shared->sent[from] % NUMBERS)};

		if (sigqueue(receiver, SIGRTMIN, value) == 0) {
			shared->sent[from]++;
		} else if (errno == EAGAIN) {
			shared->full[from]++;
			sched_yield();
		} else {
			_exit(1);
		}
	}
}

/* The receiver does not come to look at a clock while there are signals. */
static void *send_from_thread(void *arg)
{
	send_all(by_thread);
	done = 1;
	return arg;
}

static FRAME void storm_work(void)
{
	SPIN(target.per_us * 50);
	KEEP_FRAME();
}

static void block(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	pthread_sigmask(how, &set, NULL);
}

static pid_t start_process(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		send_all(by_process);
		_exit(0);
	}
	return pid;
}

int main(int argc, char **argv)
{
	struct sigaction act = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART};
	uint64_t differ = 0, disordered = 0, all = 0;
	pthread_t thread;
	pid_t process;
	int status = 1;

	shared = mmap(
		NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	least = arg_number(argc, argv, 2, 100000) / senders;
	receiver = getpid();
	target_init(0);
	until = clock_ns(CLOCK_MONOTONIC) + arg_number(argc, argv, 1, 5) * 1000000000;
	sigaction(SIGRTMIN, &act, NULL);
	target_ready();
	process = start_process();
	block(SIG_BLOCK); /* in all threads but this one */
	thread = target_thread("sender", send_from_thread, NULL);
	block(SIG_UNBLOCK);
	while (!done)
		storm_work();
	pthread_join(thread, NULL);
	while (waitpid(process, &status, 0) < 0 && errno == EINTR)
		;
	for (int i = 0; i < senders; i++) {
		differ += shared->sent[i] != received[i];
		disordered += wrong[i];
		all += received[i];
	}
	truth("received", all);
	truth("senders_that_lost", differ);
	truth("disordered", disordered);
	truth("strangers", strangers);
	truth("queue_full", shared->full[0] + shared->full[1]);
	return differ || disordered || strangers || status;
}
