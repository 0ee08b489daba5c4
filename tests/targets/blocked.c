/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * blocked [SECONDS]: threads that stay blocked, one for each pair of a call and a shape of the
 * frame that makes it, below a chain of functions of other shapes. It says of each "chain TID CALL
 * SHAPE FUNCTION;FUNCTION;...", leaf first: what a stack has to contain between the C library's
 * call and the thread's start.
 */
#include "shapes.h"

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

#define LINKS 4
#define DAY   86400

struct idler {
	int call, shape;
	pid_t tid;
	pthread_t asleep; /* what join waits for */
	FILE *file;
	int fd;
	int links[LINKS]; /* shapes, outermost first */
};

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
static _Thread_local struct idler *me;

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
#define CALL_join	     pthread_join(me->asleep, NULL)
#define CALL_rwlock	     pthread_rwlock_rdlock(&written)
#define CALL_barrier	     pthread_barrier_wait(&never_full)
#define CALL_fgets	     (void)!fgets(byte, sizeof(byte), me->file)
#define CALL_flock	     flock(me->fd, LOCK_EX)
#define CALL_msgrcv	     msgrcv(never_queue, &message, sizeof(message.text), 0, 0)
#define CALL_sigsuspend	     sigsuspend(&all_signals)
#define CALL_sigwaitinfo     sigwaitinfo(&no_signal, NULL)
#define CALL_futex	     syscall(SYS_futex, &never_woken, 0, 0, NULL, NULL, 0)

/* --- the functions that block --- */

#define BLOCKING(call, shape)                                                                      \
	static FRAME void call##_##shape(long n)                                                   \
	{                                                                                          \
		(void)n;                                                                           \
		SHAPE_##shape(CALL_##call);                                                        \
		KEEP_FRAME();                                                                      \
	}
#define BLOCKING_IN(call) SHAPES(BLOCKING, call)
CALLS(BLOCKING_IN)

struct blocking {
	const char *call, *shape, *name;
	void (*run)(long n);
};

#define ROW(call, shape) {#call, #shape, #call "_" #shape, call##_##shape},
#define ROWS(call)	 SHAPES(ROW, call)
#define CASE(call, shape)                                                                          \
	case __COUNTER__ - first_case:                                                             \
		call##_##shape(n);                                                                 \
		break;
#define CASES(call) SHAPES(CASE, call)

static const struct blocking blocking[] = {CALLS(ROWS)};
enum { idlers = sizeof(blocking) / sizeof(*blocking) };
static struct idler idler[idlers];

static FRAME void block_by_pointer(int number, long n)
{
	blocking[number].run(n);
	KEEP_FRAME();
}

enum { first_case = __COUNTER__ + 1 };
static FRAME void block(int number, long n)
{
	switch (number) {
		CALLS(CASES)
	}
	KEEP_FRAME();
}

/* --- the chain above them --- */

static void descend(int level, long n);

#define LINK(y, shape)                                                                             \
	static FRAME void link_##shape(int level, long n)                                          \
	{                                                                                          \
		SHAPE_##shape(descend(level + 1, n));                                              \
		KEEP_FRAME();                                                                      \
	}
SHAPES(LINK, 0)

#define LINK_NAME(y, shape) "link_" #shape,
#define LINK_CASE(y, shape)                                                                        \
	case __COUNTER__ - first_link:                                                             \
		link_##shape(level, n);                                                            \
		break;

static const char *const link_names[] = {SHAPES(LINK_NAME, 0)};
enum { first_link = __COUNTER__ + 1 };

/* Every other one is called by a pointer in the end. */
static FRAME void descend(int level, long n)
{
	if (level == LINKS) {
		int number = (int)(me - idler);
		if (number / shapes % 2)
			block_by_pointer(number, n);
		else
			block(number, n);
		KEEP_FRAME();
		return;
	}
	switch (me->links[level]) {
		SHAPES(LINK_CASE, 0)
	}
	KEEP_FRAME();
}

static FRAME void *idle(void *arg)
{
	me = arg;
	if (!strcmp(blocking[me - idler].call, "cond_wait"))
		pthread_mutex_lock(&free_one);
	__atomic_store_n(&me->tid, gettid(), __ATOMIC_RELEASE);
	descend(0, number(3));
	fprintf(stderr, "%s did not block\n", blocking[me - idler].name);
	exit(1);
}

static void say_chain(const struct idler *i, int number)
{
	const struct blocking *b = &blocking[number];

	printf("chain %d %s %s %s;%s", i->tid, b->call, b->shape, b->name,
		number / shapes % 2 ? "block_by_pointer" : "block");
	for (int level = LINKS; level-- > 0;)
		printf(";descend;%s", link_names[i->links[level]]);
	printf(";descend;idle\n");
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
	for (int i = 0; i < idlers; i++) {
		idler[i].asleep = strcmp(blocking[i].call, "join")
					  ? 0
					  : target_thread("asleep", sleep_well, NULL);
		idler[i].file = fdopen(dup(never[0]), "r");
		idler[i].fd = again(locked);
		for (int level = 0; level < LINKS; level++)
			idler[i].links[level] = (i * 7 + level * 3 + i / shapes) % shapes;
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
	for (int i = 0; i < idlers; i++)
		target_thread(blocking[i].call, idle, &idler[i]);
	for (int i = 0; i < idlers; i++) {
		while (!__atomic_load_n(&idler[i].tid, __ATOMIC_ACQUIRE))
			target_sleep_us(1000);
		wait_until_blocked(idler[i].tid);
		say_chain(&idler[i], i);
	}
	target_sleep_us(100000);
	target_ready();
	target_wait(0);
	msgctl(never_queue, IPC_RMID, NULL);
	kill(never_child, SIGKILL);
	_exit(0);
}
