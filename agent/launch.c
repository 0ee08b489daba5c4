/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/launch.h"

/* In the new process. */
static void become(char **command, int word, int answer, pid_t supervisor)
{
	char go;

	/* Where yama lets a process be traced by its ancestors alone: our tracer is a sibling, but
	 * a descendant of supervisor. Stays in force over exec, for this process. */
	prctl(PR_SET_PTRACER, (unsigned long)supervisor, 0, 0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != supervisor || read(word, &go, 1) != 1)
		_exit(127);
	prctl(PR_SET_PDEATHSIG, 0);
	execvp(command[0], command);
	int error = errno;
	if (write(answer, &error, sizeof(error)) < 0)
		_exit(127);
	/* Until everyone knows why: the pipe's other end is closed then. */
	while (read(word, &go, 1) > 0)
		;
	_exit(127);
}

int launch_fork(struct launch *l, char **command)
{
	int word[2], answer[2];
	pid_t supervisor = getpid();

	*l = (struct launch){.answer = -1};
	if (pipe2(word, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(answer, O_CLOEXEC) < 0) {
		close(word[0]);
		close(word[1]);
		return -errno;
	}
	l->pid = fork();
	if (l->pid == 0) {
		close(word[1]);
		close(answer[0]);
		become(command, word[0], answer[1], supervisor);
	}
	int error = l->pid < 0 ? -errno : 0;
	close(word[0]);
	close(answer[1]);
	l->word = word[1];
	l->answer = answer[0];
	return error;
}

void launch_go(struct launch *l)
{
	if (l->gone || !l->pid)
		return;
	l->gone = 1;
	if (write(l->word, "", 1) < 0)
		return; /* it has ended: the tracer tells */
}

int launch_signal(struct launch *l, int signal)
{
	if (!l->gone || l->failed || l->signalled)
		return 0;
	l->signalled = 1;
	kill(l->pid, signal);
	return 1;
}

int launch_take_answer(struct launch *l)
{
	int error = 0;

	if (read(l->answer, &error, sizeof(error)) != sizeof(error))
		error = 0;
	close(l->answer);
	l->answer = -1;
	l->failed = error != 0;
	return -error;
}

void launch_end_failed(struct launch *l)
{
	if (!l->failed)
		return;
	close(l->word);
	waitpid(l->pid, NULL, 0);
}

void launch_cancel(struct launch *l)
{
	close(l->word);
	waitpid(l->pid, NULL, 0);
}
