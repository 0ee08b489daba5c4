/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * locks [SECONDS]: a thread waits for a lock of each kind. Prints for each
 *
 *   truth wait.TID KIND LOCK HOLDER SYMBOL SCENE
 *
 * KIND as in output/wait_kind.c or "idle"; LOCK its address, 0 where there is none; HOLDER the
 * thread that the C library records as its holder (0: records none, -1: one that has ended, -2:
 * readers); SYMBOL its variable, or "-". Scenes that this system has no lock for are left out.
 */
#include "locks.h"

/* --- others of threads --- */
static pthread_rwlock_t written_lock, written_lock_2, read_lock;

static int take_write(struct scene *s)
{
	return pthread_rwlock_init(s->lock, NULL) || pthread_rwlock_wrlock(s->lock);
}

static int take_read(struct scene *s)
{
	return pthread_rwlock_init(s->lock, NULL) || pthread_rwlock_rdlock(s->lock);
}

static void wait_read(struct scene *s)
{
	pthread_rwlock_rdlock(s->lock);
}

static void wait_write(struct scene *s)
{
	pthread_rwlock_wrlock(s->lock);
}

static int take_join(struct scene *s)
{
	s->lock = (void *)pthread_self();
	return 0;
}

static void wait_join(struct scene *s)
{
	(void)s;
	pthread_join(holder_thread, NULL);
}

static int take_stdio(struct scene *s)
{
	FILE *f = fopen("/dev/null", "w");

	s->lock = f;
	if (f)
		flockfile(f);
	return !f;
}

static void wait_stdio(struct scene *s)
{
	fputc('x', s->lock);
}

static pthread_once_t once_control = PTHREAD_ONCE_INIT;

static void for_ever(void)
{
	for (;;)
		pause();
}

static void *run_once(void *unused)
{
	pthread_once(&once_control, for_ever);
	return unused;
}

static int take_once(struct scene *s)
{
	(void)s;
	target_thread("once", run_once, NULL);
	while (!__atomic_load_n((int *)&once_control, __ATOMIC_RELAXED))
		target_sleep_us(100);
	return 0;
}

static void wait_once(struct scene *s)
{
	pthread_once(s->lock, for_ever);
}

static sem_t semaphore;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static pthread_cond_t timed_condition = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static uint32_t bare_futex;

static int init_sem(struct scene *s)
{
	return sem_init(s->lock, 0, 0);
}

static void wait_sem(struct scene *s)
{
	sem_wait(s->lock);
}

static void wait_cond(struct scene *s)
{
	static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&m);
	pthread_cond_wait(s->lock, &m);
}

static void wait_cond_timed(struct scene *s)
{
	static pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;

	pthread_mutex_lock(&m);
	pthread_cond_timedwait(s->lock, &m, &never);
}

static int init_barrier(struct scene *s)
{
	return pthread_barrier_init(s->lock, NULL, 2);
}

static void wait_barrier(struct scene *s)
{
	pthread_barrier_wait(s->lock);
}

static void wait_futex(struct scene *s)
{
	syscall(SYS_futex, s->lock, 128, 0, NULL, NULL, 0);
}

struct futex_of_many {
	uint64_t expected, address;
	uint32_t flags, unused;
};

static int has_waitv(struct scene *s)
{
	struct futex_of_many v = {1, (uintptr_t)s->lock, 2 | 128, 0};

	return syscall(449, &v, 1, 0, NULL, 0) == -1 && errno == ENOSYS;
}

static void wait_waitv(struct scene *s)
{
	struct futex_of_many v[2] = {
		{0, (uintptr_t)s->lock, 2 | 128, 0}, {0, (uintptr_t)s->lock, 2 | 128, 0}};

	syscall(449, v, 2, 0, NULL, 0);
}

/* --- files --- */
static int held_file = -1, ofd_file = -1, sem_id = -1;

/* Another open file description of the same file. */
static int open_again(int fd)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDWR | O_CLOEXEC);
}

static int take_flock(struct scene *s)
{
	(void)s;
	held_file = memfd_create("held", MFD_CLOEXEC);
	return held_file < 0 || flock(held_file, LOCK_EX);
}

static void wait_flock(struct scene *s)
{
	(void)s;
	flock(open_again(held_file), LOCK_EX);
}

static struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

static int take_ofd(struct scene *s)
{
	struct flock l = whole;

	(void)s;
	ofd_file = memfd_create("ofd", MFD_CLOEXEC);
	return ofd_file < 0 || fcntl(ofd_file, F_OFD_SETLK, &l);
}

static void wait_ofd(struct scene *s)
{
	struct flock l = whole;

	(void)s;
	fcntl(open_again(ofd_file), F_OFD_SETLKW, &l);
}

static int has_child(struct scene *s)
{
	(void)s;
	return !child;
}

static void wait_fcntl(struct scene *s)
{
	struct flock l = whole;

	(void)s;
	fcntl(child_file, F_SETLKW, &l);
}

static int init_semop(struct scene *s)
{
	(void)s;
	sem_id = semget(IPC_PRIVATE, 1, 0600);
	return sem_id < 0;
}

static void wait_semop(struct scene *s)
{
	struct sembuf op = {0, -1, 0};

	(void)s;
	semop(sem_id, &op, 1);
}

/* --- for nobody --- */
static int nothing(struct scene *s)
{
	(void)s;
	return 0;
}

static void wait_sleep(struct scene *s)
{
	(void)s;
	target_sleep_us(UINT32_MAX);
}

static void wait_poll(struct scene *s)
{
	(void)s;
	poll(NULL, 0, -1);
}

static void wait_epoll(struct scene *s)
{
	struct epoll_event e;

	(void)s;
	epoll_wait(epoll_create1(0), &e, 1, -1);
}

static void wait_pipe(struct scene *s)
{
	int p[2];
	char c;

	(void)s;
	if (!pipe(p))
		read(p[0], &c, 1);
}

static void wait_child(struct scene *s)
{
	(void)s;
	waitpid(child, NULL, 0);
}

static void wait_signal(struct scene *s)
{
	sigset_t set;

	(void)s;
	sigfillset(&set);
	sigsuspend(&set);
}

#define MUTEX(name, variable, take, wait, holder)                                                  \
	{                                                                                          \
		name, "mutex", #variable, take, wait, holder, &variable, .waiter = 0               \
	}
#define OTHER(kind, variable, take, wait, holder)                                                  \
	{                                                                                          \
#wait, kind, #variable, take, wait, holder, &variable, .waiter = 0                 \
	}
#define BARE(kind, take, wait, holder)                                                             \
	{                                                                                          \
#wait, kind, "-", take, wait, holder, NULL, .waiter = 0                            \
	}

static struct scene scenes[] = {
	MUTEX("normal", normal_lock, take_normal, wait_mutex, IF_GLIBC(HOLDER)),
	MUTEX("recursive", recursive_lock, take_recursive, wait_mutex, HOLDER),
	MUTEX("errorcheck", errorcheck_lock, take_errorcheck, wait_mutex, HOLDER),
	MUTEX("timed", timed_lock, take_recursive, wait_timed, HOLDER),
	MUTEX("pshared", pshared_lock, take_pshared, wait_mutex, IF_GLIBC(HOLDER)),
	MUTEX("pi", pi_lock, take_pi, wait_mutex, HOLDER),
	MUTEX("pi_recursive", pi_recursive_lock, take_pi_recursive, wait_mutex, HOLDER),
	MUTEX("robust", robust_lock, take_robust, wait_mutex, HOLDER),
	MUTEX("robust_timed", robust_timed_lock, take_robust, wait_timed, HOLDER),
	MUTEX("robust_pi", robust_pi_lock, take_robust_pi, wait_mutex, HOLDER),
#ifdef __GLIBC__
	MUTEX("adaptive", adaptive_lock, take_adaptive, wait_mutex, HOLDER),
	MUTEX("protect", protect_lock, take_protect, wait_protect, HOLDER),
	MUTEX("clock", clock_lock, take_normal, wait_clock, HOLDER),
#endif
	MUTEX("abandoned", abandoned_lock, take_abandoned, wait_mutex, ENDED),
	MUTEX("self", self_lock, init_self, wait_self, IF_GLIBC(ITSELF)),
	{"other_process", "mutex", "-", take_shared, wait_mutex, CHILD, .waiter = 0},
	OTHER("rwlock", written_lock, take_write, wait_read, IF_GLIBC(HOLDER)),
	OTHER("rwlock", written_lock_2, take_write, wait_write, IF_GLIBC(HOLDER)),
	{"wait_readers", "rwlock", "read_lock", take_read, wait_write, IF_GLIBC(READERS),
		&read_lock, .waiter = 0},
	BARE("join", take_join, wait_join, HOLDER),
	BARE("stdio", take_stdio, wait_stdio, HOLDER),
	OTHER("once", once_control, take_once, wait_once, NONE),
	OTHER("sem", semaphore, init_sem, wait_sem, NONE),
	OTHER("cond", condition, nothing, wait_cond, NONE),
	OTHER("cond", timed_condition, nothing, wait_cond_timed, NONE),
	OTHER("barrier", barrier, init_barrier, wait_barrier, NONE),
	OTHER("futex", bare_futex, nothing, wait_futex, NONE),
	OTHER("futex", bare_futex, has_waitv, wait_waitv, NONE),
	BARE("file_lock", take_flock, wait_flock, MAIN),
	BARE("file_lock", take_ofd, wait_ofd, NONE),
	BARE("file_lock", has_child, wait_fcntl, CHILD),
	BARE("sem", init_semop, wait_semop, NONE),
	BARE("idle", nothing, wait_sleep, NONE),
	BARE("idle", nothing, wait_poll, NONE),
	BARE("idle", nothing, wait_epoll, NONE),
	BARE("idle", nothing, wait_pipe, NONE),
	BARE("idle", has_child, wait_child, NONE),
	BARE("idle", nothing, wait_signal, NONE),
};
enum { SCENES = sizeof(scenes) / sizeof(*scenes) };

static pid_t own_tid(void)
{
	return syscall(SYS_gettid);
}

static void *hold(void *unused)
{
	for (int i = 0; i < SCENES; i++)
		scenes[i].is_out = scenes[i].take(&scenes[i]) != 0;
	__atomic_store_n(&holder_tid, own_tid(), __ATOMIC_RELEASE);
	for_ever();
	return unused;
}

static void *wait_for_it(void *arg)
{
	struct scene *s = arg;

	/* /proc may number threads otherwise. */
	s->files[0] = open("/proc/thread-self/stat", O_RDONLY | O_CLOEXEC);
	s->files[1] = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	__atomic_store_n(&s->waiter, own_tid(), __ATOMIC_RELEASE);
	s->wait(s);
	fprintf(stderr, "%s: was not held up\n", s->name);
	_exit(1);
}

/* Holds its locks until we are gone. Waits for no thread of ours: there is none yet. */
static void begin_child(void)
{
	struct flock l = whole;

	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	child_file = memfd_create("child", 0);
	if (shared == MAP_FAILED || child_file < 0 ||
		init(&shared->mutex, PTHREAD_MUTEX_RECURSIVE, 0, 0, 1))
		return;
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		shared->ready = pthread_mutex_lock(&shared->mutex) || fcntl(child_file, F_SETLK, &l)
					? -1
					: 1;
		for_ever();
	}
	while (child > 0 && !__atomic_load_n(&shared->ready, __ATOMIC_ACQUIRE))
		target_sleep_us(100);
	if (child < 0 || shared->ready < 0)
		child = 0;
}

/* How often it was put on a CPU; -1 while it runs. */
static long runs_asleep(const struct scene *s)
{
	char text[512];
	unsigned long runs = 0;

	for (int i = 0; i < 2; i++) {
		ssize_t n = pread(s->files[i], text, sizeof(text) - 1, 0);
		if (n <= 0)
			return -1;
		text[n] = '\0';
		char *state = i ? NULL : strrchr(text, ')');
		if ((state && state[2] != 'S') || (i && sscanf(text, "%*u %*u %lu", &runs) != 1))
			return -1;
	}
	return runs;
}

static void wait_until_asleep(const struct scene *s)
{
	long before, now = -1;

	do {
		before = now;
		target_sleep_us(2000);
		pid_t tid = __atomic_load_n(&s->waiter, __ATOMIC_ACQUIRE);
		now = tid ? runs_asleep(s) : -1;
	} while (now < 0 || now != before);
}

static pid_t holder_of(const struct scene *s)
{
	switch (s->holder) {
	case HOLDER:
		return holder_tid;
	case ITSELF:
		return s->waiter;
	case CHILD:
		return child;
	case MAIN:
		return getpid();
	default:
		return s->holder;
	}
}

int main(int argc, char **argv)
{
	target_init(arg_number(argc, argv, 1, 0));
	target_block_term();
	begin_child();
	holder_thread = target_thread("holder", hold, NULL);
	while (!__atomic_load_n(&holder_tid, __ATOMIC_ACQUIRE))
		target_sleep_us(100);
	for (int i = 0; i < SCENES; i++) {
		struct scene *s = &scenes[i];
		if (s->is_out)
			continue;
		target_thread(s->kind, wait_for_it, s);
		wait_until_asleep(s);
		printf("truth wait.%d %s 0x%" PRIxPTR " %d %s %s\n", s->waiter, s->kind,
			(uintptr_t)s->lock, holder_of(s), s->symbol, s->name);
	}
	target_ready();
	target_wait(0);
	if (child)
		kill(child, SIGKILL);
	if (sem_id >= 0)
		semctl(sem_id, 0, IPC_RMID);
	fflush(stdout);
	_exit(0);
}
