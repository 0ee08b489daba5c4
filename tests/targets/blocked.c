/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blocked [SECONDS]: threads that stay blocked, one for each pair of a call and a shape of the
 * frame that makes it, below a chain of functions of other shapes. It says of each "chain TID CALL
 * SHAPE FUNCTION;FUNCTION;...", leaf first: what a stack has to contain between the C library's
 * call and the thread's start.
 */
#include "target.h"

#include <poll.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

/* futex: a call with an argument on the stack. */
#define CALLS(X)                                                                                   \
	X(epoll_wait)                                                                              \
	X(poll)                                                                                    \
	X(ppoll)                                                                                   \
	X(select)                                                                                  \
	X(read)                                                                                    \
	X(recv)                                                                                    \
	X(accept)                                                                                  \
	X(nanosleep)                                                                               \
	X(usleep)                                                                                  \
	X(sleep)                                                                                   \
	X(clock_nanosleep)                                                                         \
	X(pause)                                                                                   \
	X(waitpid)                                                                                 \
	X(mutex_lock)                                                                              \
	X(cond_wait)                                                                               \
	X(sem_wait)                                                                                \
	X(join)                                                                                    \
	X(rwlock)                                                                                  \
	X(barrier)                                                                                 \
	X(fgets)                                                                                   \
	X(flock)                                                                                   \
	X(msgrcv)                                                                                  \
	X(sigsuspend)                                                                              \
	X(sigwaitinfo)                                                                             \
	X(futex)

#define DAY 86400

static int never[2]; /* a pipe nobody writes to */
static int never_sockets[2], never_epoll, never_listener, never_queue;
static pid_t never_child;
static uint32_t never_woken;
static sem_t never_posted;
static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER, free_one = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never_signalled = PTHREAD_COND_INITIALIZER;
static pthread_rwlock_t written = PTHREAD_RWLOCK_INITIALIZER;
static pthread_barrier_t never_full;
static struct timespec day = {DAY, 0};
static struct timespec day_to_come;
static struct pollfd polled;
static fd_set selected;
static struct epoll_event event;
static sigset_t all_signals, no_signal;
static char byte[2];
static struct {
	long type;
	char text[8];
} message;

/* What a thread needs for itself. */
struct own {
	pthread_t asleep; /* what join waits for */
	FILE *file;
	int fd;
};
static _Thread_local struct own mine;

#define CALL_epoll_wait	     epoll_wait(never_epoll, &event, 1, -1)
#define CALL_poll	     poll(&polled, 1, -1)
#define CALL_ppoll	     ppoll(&polled, 1, &day, NULL)
#define CALL_select	     select(never[0] + 1, &selected, NULL, NULL, NULL)
#define CALL_read	     (void)!read(never[0], byte, 1)
#define CALL_recv	     recv(never_sockets[0], byte, 1, 0)
#define CALL_accept	     accept(never_listener, NULL, NULL)
#define CALL_nanosleep	     nanosleep(&day, NULL)
#define CALL_usleep	     usleep(2000000000)
#define CALL_sleep	     sleep(DAY)
#define CALL_clock_nanosleep clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &day_to_come, NULL)
#define CALL_pause	     pause()
#define CALL_waitpid	     waitpid(never_child, NULL, 0)
#define CALL_mutex_lock	     pthread_mutex_lock(&held)
#define CALL_cond_wait	     pthread_cond_wait(&never_signalled, &free_one)
#define CALL_sem_wait	     sem_wait(&never_posted)
#define CALL_join	     pthread_join(mine.asleep, NULL)
#define CALL_rwlock	     pthread_rwlock_rdlock(&written)
#define CALL_barrier	     pthread_barrier_wait(&never_full)
#define CALL_fgets	     (void)!fgets(byte, sizeof(byte), mine.file)
#define CALL_flock	     flock(mine.fd, LOCK_EX)
#define CALL_msgrcv	     msgrcv(never_queue, &message, sizeof(message.text), 0, 0)
#define CALL_sigsuspend	     sigsuspend(&all_signals)
#define CALL_sigwaitinfo     sigwaitinfo(&no_signal, NULL)
#define CALL_futex	     syscall(SYS_futex, &never_woken, 0, 0, NULL, NULL, 0)

#include "chains.h"

struct idler {
	struct place place;
	struct own own;
	pid_t tid;
};
static struct idler idler[n_rows];

static FRAME void *idle(void *arg)
{
	struct idler *me = arg;
	const char *call = rows[me->place.row].call;

	mine = me->own;
	if (!strcmp(call, "cond_wait"))
		pthread_mutex_lock(&free_one);
	__atomic_store_n(&me->tid, gettid(), __ATOMIC_RELEASE);
	walk_down(&me->place, number(3));
	/* The message queue is gone before the program is. */
	while (target_stopping)
		pause();
	fprintf(stderr, "%s did not block\n", call);
	exit(1);
}

static void say(const struct idler *i)
{
	const struct row *r = &rows[i->place.row];

	printf("chain %d %s %s ", i->tid, r->call, r->shape);
	say_chain(&i->place);
	printf(";idle\n");
}

/* --- what they wait for --- */

static void *sleep_well(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static int again(int fd) /* the same file, opened anew */
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDWR | O_CLOEXEC);
}

static int listener(void)
{
	struct sockaddr_un any = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return bind(fd, (struct sockaddr *)&any, sizeof(any.sun_family)) || listen(fd, 1) ? -1 : fd;
}

static void start_child(void)
{
	never_child = fork();
	if (never_child)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static void set_up(void)
{
	int locked = memfd_create("locked", MFD_CLOEXEC);

	sigfillset(&all_signals);
	sigemptyset(&no_signal);
	sigaddset(&no_signal, SIGUSR2);
	pthread_sigmask(SIG_BLOCK, &all_signals, NULL);
	start_child();
	never_queue = msgget(IPC_PRIVATE, 0600);
	never_listener = listener();
	if (pipe2(never, O_CLOEXEC) || socketpair(AF_UNIX, SOCK_STREAM, 0, never_sockets) ||
		(never_epoll = epoll_create1(EPOLL_CLOEXEC)) < 0 || never_listener < 0 ||
		never_queue < 0 || sem_init(&never_posted, 0, 0) || flock(locked, LOCK_EX) ||
		pthread_barrier_init(&never_full, NULL, 1000) || never_child < 0) {
		perror("blocked");
		exit(1);
	}
	polled = (struct pollfd){.fd = never[0], .events = POLLIN};
	FD_SET(never[0], &selected);
	clock_gettime(CLOCK_MONOTONIC, &day_to_come);
	day_to_come.tv_sec += DAY;
	pthread_mutex_lock(&held);
	pthread_rwlock_wrlock(&written);
	for (int i = 0; i < n_rows; i++) {
		/* Of every other call the functions are called by a pointer. */
		idler[i].place = (struct place){.row = i, .by_pointer = i / shapes % 2};
		if (!strcmp(rows[i].call, "join"))
			idler[i].own.asleep = target_thread("asleep", sleep_well, NULL);
		idler[i].own.file = fdopen(dup(never[0]), "r");
		idler[i].own.fd = again(locked);
	}
}

/* Off the CPU for good: its state does not say "running" any more. */
static void wait_until_blocked(pid_t tid)
{
	char path[64], text[128];

	snprintf(path, sizeof(path), "/proc/self/task/%d/syscall", (int)tid);
	for (;;) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = read(fd, text, sizeof(text));
		close(fd);
		if (n > 0 && text[0] != 'r')
			return;
		target_sleep_us(1000);
	}
}

int main(int argc, char **argv)
{
	target_block_term();
	target_init(arg_number(argc, argv, 1, 0));
	set_up();
	for (int i = 0; i < n_rows; i++)
		target_thread(rows[i].call, idle, &idler[i]);
	for (int i = 0; i < n_rows; i++) {
		while (!__atomic_load_n(&idler[i].tid, __ATOMIC_ACQUIRE))
			target_sleep_us(1000);
		wait_until_blocked(idler[i].tid);
		say(&idler[i]);
	}
	target_sleep_us(100000);
	target_ready();
	target_wait(0);
	msgctl(never_queue, IPC_RMID, NULL);
	kill(never_child, SIGKILL);
	_exit(0);
}
