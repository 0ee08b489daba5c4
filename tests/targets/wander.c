/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * wander [SECONDS [THREADS]]: threads that block for a moment, return, and block again elsewhere,
 * at another depth, in frames of another shape, with other sizes of what is on the stack. It says
 * "may FUNCTION;FUNCTION;..." of each chain that a thread can be in while it is blocked.
 */
#include "target.h"

#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#define CALLS(X)                                                                                   \
	X(nanosleep)                                                                               \
	X(usleep)                                                                                  \
	X(poll)                                                                                    \
	X(ppoll)                                                                                   \
	X(select)                                                                                  \
	X(epoll_wait)                                                                              \
	X(recv)                                                                                    \
	X(sem_timedwait)                                                                           \
	X(cond_timedwait)                                                                          \
	X(futex)

static int never[2], never_epoll; /* a pair of sockets that nobody writes to */
static uint32_t never_woken;
static sem_t never_posted;
static pthread_cond_t never_signalled = PTHREAD_COND_INITIALIZER;
static _Thread_local pthread_mutex_t own_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct timespec moment = {0, 300000};
static _Thread_local struct timespec soon;

#define CALL_nanosleep	    nanosleep(&moment, NULL)
#define CALL_usleep	    usleep(200)
#define CALL_poll	    poll(&(struct pollfd){.fd = never[0], .events = POLLIN}, 1, 1)
#define CALL_ppoll	    ppoll(&(struct pollfd){.fd = never[0], .events = POLLIN}, 1, &moment, NULL)
#define CALL_select	    select(0, NULL, NULL, NULL, &(struct timeval){0, 300})
#define CALL_epoll_wait	    epoll_wait(never_epoll, &(struct epoll_event){0}, 1, 1)
#define CALL_recv	    recv(never[0], &(char){0}, 1, 0)
#define CALL_sem_timedwait  sem_timedwait(&never_posted, &soon)
#define CALL_cond_timedwait pthread_cond_timedwait(&never_signalled, &own_mutex, &soon)
#define CALL_futex	    syscall(SYS_futex, &never_woken, 0, 0, &moment, NULL, 0)

#include "chains.h"

static void *wander(void *arg)
{
	uint32_t seed = (uint32_t)(uintptr_t)arg * 7919 + 1;

	pthread_mutex_lock(&own_mutex);
	for (;;) {
		struct place p = {.row = (int)(next_random(&seed) % n_rows),
			.from = (int)(next_random(&seed) % (LINKS + 1)),
			.by_pointer = (int)(next_random(&seed) % 2)};
		clock_gettime(CLOCK_REALTIME, &soon);
		soon.tv_nsec += 300000;
		soon.tv_sec += soon.tv_nsec / 1000000000;
		soon.tv_nsec %= 1000000000;
		walk_down(&p, number(next_random(&seed) % 30));
	}
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t n = arg_number(argc, argv, 2, 20);
	struct timeval short_wait = {0, 1000};

	target_block_term();
	target_init(arg_number(argc, argv, 1, 0));
	never_epoll = epoll_create1(EPOLL_CLOEXEC);
	if (never_epoll < 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, never) ||
		setsockopt(never[0], SOL_SOCKET, SO_RCVTIMEO, &short_wait, sizeof(short_wait)) ||
		sem_init(&never_posted, 0, 0)) {
		perror("wander");
		return 1;
	}
	for (struct place p = {0}; p.row < n_rows; p.row++)
		for (p.from = 0; p.from <= LINKS; p.from++)
			for (p.by_pointer = 0; p.by_pointer < 2; p.by_pointer++) {
				printf("may ");
				say_chain(&p);
				printf(";wander\n");
			}
	for (uint64_t i = 0; i < n; i++)
		target_thread("wander", wander, (void *)(uintptr_t)i);
	target_ready();
	target_wait(0);
	_exit(0);
}
