/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * calls_locks [SECONDS [KIND...]]: threads in calls that wait for a lock, a semaphore, a message, a
 * signal, or, only when it is named, for a child (waitpid). The only signals are those that
 * sigwaitinfo and sigsuspend wait for, blocked elsewhere. Exit status 1 when a call failed.
 */
#include "woken.h"

#include <linux/futex.h>
#include <mqueue.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/wait.h>

/* --- queues and semaphores --- */
static void wake_msg(struct slot *s)
{
	struct {
		long type;
		char c;
	} m = {1, 'x'};

	msgsnd(s->ours, &m, 1, 0);
}

static int open_msg(int at)
{
	return open_with(at, msgget(IPC_PRIVATE, 0600), 0, wake_msg);
}

static int call_msgrcv(int at)
{
	struct {
		long type;
		char c;
	} m;
	struct slot *s = wants(at);

	return is(msgrcv(s->ours, &m, 1, 0, 0) == 1);
}

static void wake_mq(struct slot *s)
{
	mq_send(s->ours, "x", 1, 0);
}

static int open_mq(int at)
{
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
	char name[64];

	snprintf(name, sizeof(name), "/cpprof-woken.%d.%d", getpid(), at);
	mqd_t q = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	if (q < 0 && (errno == ENOSYS || errno == EACCES))
		return CALL_SKIPPED;
	mq_unlink(name);
	return open_with(at, q, 0, wake_mq);
}

static int call_mq_receive(int at)
{
	char text[8];
	struct slot *s = wants(at);

	return is(mq_receive(s->ours, text, sizeof(text), NULL) == 1);
}

static void wake_semop(struct slot *s)
{
	struct sembuf op = {0, 1, 0};

	semop(s->ours, &op, 1);
}

static int open_semop(int at)
{
	return open_with(at, semget(IPC_PRIVATE, 1, 0600), 0, wake_semop);
}

static int call_semop(int at)
{
	struct sembuf op = {0, -1, 0};
	struct slot *s = wants(at);

	return is(semop(s->ours, &op, 1) == 0);
}

static void wake_sem(struct slot *s)
{
	sem_post(&s->sem);
}

static int open_sem(int at)
{
	sem_init(&slots[at].sem, 1, 0);
	return open_with(at, 0, 0, wake_sem);
}

static int call_sem_wait(int at)
{
	struct slot *s = wants(at);

	return is(sem_wait(&s->sem) == 0);
}

static void wake_futex(struct slot *s)
{
	__atomic_store_n(&s->futex, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &s->futex, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static int open_futex(int at)
{
	return open_with(at, 0, 0, wake_futex);
}

static int call_futex(int at)
{
	struct slot *s = &slots[at];

	__atomic_store_n(&s->futex, 0, __ATOMIC_SEQ_CST);
	wants(at);
	int result = syscall(SYS_futex, &s->futex, FUTEX_WAIT, 0, NULL, NULL, 0);
	return is(result == 0 || errno == EAGAIN);
}

/* --- locks: the waker holds them until somebody waits --- */
static int lock_and_return(int at, int (*lock)(struct slot *, int))
{
	struct slot *s = &slots[at];

	while (get(s) != HOLD) {
		if (target_stopping)
			return 0;
		target_sleep_us(50);
	}
	wants(at);
	int error = lock(s, 1);
	if (!error)
		lock(s, 0);
	set(s, IDLE); /* the waker takes it again */
	return error;
}

static int lock_mutex(struct slot *s, int on)
{
	return on ? pthread_mutex_lock(&s->mutex) : pthread_mutex_unlock(&s->mutex);
}

static int lock_pi(struct slot *s, int on)
{
	return on ? pthread_mutex_lock(&s->pi) : pthread_mutex_unlock(&s->pi);
}

static int lock_file(struct slot *s, int on)
{
	struct flock l = {.l_type = on ? F_WRLCK : F_UNLCK, .l_len = 1, .l_start = s - slots};

	return is(fcntl(getpid() == waker ? s->theirs : s->ours, F_SETLKW, &l) == 0);
}

static int lock_flock(struct slot *s, int on)
{
	return is(flock(getpid() == waker ? s->theirs : s->ours, on ? LOCK_EX : LOCK_UN) == 0);
}

static void wake_unlock(struct slot *s)
{
	s->lock(s, 0);
}

static int open_lock(int at, int (*lock)(struct slot *, int))
{
	slots[at].lock = lock;
	return open_with(at, open(name_of(at), O_RDWR | O_CREAT, 0600),
		open(name_of(at), O_RDWR | O_CREAT, 0600), wake_unlock);
}

static int open_shared_mutex(pthread_mutex_t *m, int protocol)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setprotocol(&attr, protocol);
	return pthread_mutex_init(m, &attr);
}

static int open_mutex(int at)
{
	return open_shared_mutex(&slots[at].mutex, PTHREAD_PRIO_NONE) ? -1
								      : open_lock(at, lock_mutex);
}

static int open_pi(int at)
{
	return open_shared_mutex(&slots[at].pi, PTHREAD_PRIO_INHERIT) ? -1 : open_lock(at, lock_pi);
}

static int open_file(int at)
{
	return open_lock(at, lock_file);
}

static int open_flock(int at)
{
	return open_lock(at, lock_flock);
}

static int call_mutex(int at)
{
	return lock_and_return(at, lock_mutex);
}

static int call_mutex_pi(int at)
{
	return lock_and_return(at, lock_pi);
}

static int call_fcntl_lock(int at)
{
	return lock_and_return(at, lock_file);
}

static int call_flock(int at)
{
	return lock_and_return(at, lock_flock);
}

/* --- children and signals --- */
static int open_none(int at)
{
	return open_with(at, 0, 0, wake_none);
}

static int call_waitpid(int at)
{
	pid_t child = fork();
	int status;

	(void)at;
	if (child < 0)
		return errno;
	if (!child) {
		target_sleep_us(500);
		_exit(7);
	}
	return is(waitpid(child, &status, 0) == child && WIFEXITED(status) &&
		  WEXITSTATUS(status) == 7);
}

static void wake_signal(struct slot *s)
{
	syscall(SYS_tgkill, getppid(), s->tid, s->theirs);
}

static int open_sigwaitinfo(int at)
{
	return open_with(at, 0, SIGUSR1, wake_signal);
}

static int call_sigwaitinfo(int at)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	slots[at].tid = gettid();
	wants(at);
	return is(sigwaitinfo(&set, NULL) == SIGUSR1);
}

static __thread volatile sig_atomic_t handled;

static void on_signal(int sig)
{
	(void)sig;
	handled++;
}

static int open_sigsuspend(int at)
{
	struct sigaction act = {.sa_handler = on_signal};

	sigaction(SIGUSR2, &act, NULL);
	return open_with(at, 0, SIGUSR2, wake_signal);
}

/* EINTR is what it is to return, but only after its handler ran. */
static int call_sigsuspend(int at)
{
	sigset_t set;
	int before = handled;

	sigfillset(&set);
	sigdelset(&set, SIGUSR2);
	slots[at].tid = gettid();
	wants(at);
	sigsuspend(&set);
	return errno != EINTR ? CALL_WRONG : handled == before + 1 ? 0 : EINTR;
}

static struct kind kinds[] = {
	WOKEN("msgrcv", open_msg, call_msgrcv), WOKEN("mq_receive", open_mq, call_mq_receive),
	WOKEN("semop", open_semop, call_semop), WOKEN("sem_wait", open_sem, call_sem_wait),
	WOKEN("futex", open_futex, call_futex), WOKEN("mutex", open_mutex, call_mutex),
	WOKEN("mutex_pi", open_pi, call_mutex_pi), WOKEN("F_SETLKW", open_file, call_fcntl_lock),
	WOKEN("flock", open_flock, call_flock),
	WOKEN("sigwaitinfo", open_sigwaitinfo, call_sigwaitinfo),
	WOKEN("sigsuspend", open_sigsuspend, call_sigsuspend),
	WOKEN("waitpid", open_none, call_waitpid), /* the last */
};
enum { kind_count = sizeof(kinds) / sizeof(kinds[0]) };

int main(int argc, char **argv)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int failed = woken_main(argc, argv, kinds, argc > 2 ? kind_count : kind_count - 1);
	for (int i = 0; i < SLOTS; i++) {
		if (slots[i].wake == wake_msg)
			msgctl(slots[i].ours, IPC_RMID, NULL);
		if (slots[i].wake == wake_semop)
			semctl(slots[i].ours, 0, IPC_RMID);
	}
	exit(failed);
}
