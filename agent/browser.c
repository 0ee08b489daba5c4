/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/browser.h"
#include "agent/sandbox.h"
#include "base/limits.h"
#include "base/log.h"

#define WAIT_MS	   2000
#define NO_PROGRAM 127
#define FAILED	   1

/* sudo keeps neither the user's home nor the folder by which a running browser is found. */
static void set_environment(void)
{
	char folder[64];

	sandbox_set_home();
	snprintf(folder, sizeof(folder), "/run/user/%u", (unsigned)getuid());
	if (access(folder, W_OK) == 0)
		setenv("XDG_RUNTIME_DIR", folder, 0);
}

static void run_program(const char *program, const char *page)
{
	char name[LIMIT_PATH], what[LIMIT_PATH];
	char *const command[] = {name, what, NULL};

	snprintf(name, sizeof(name), "%s", program);
	snprintf(what, sizeof(what), "%s", page);
	execvp(name, command);
}

/* $BROWSER may name several programs: the first one that is there. */
static void run_any(const char *page)
{
	const char *named = getenv("BROWSER");
	char *rest = named ? strdup(named) : NULL, *program;

	while (rest && (program = strsep(&rest, ":")))
		if (*program)
			run_program(program, page);
	run_program("xdg-open", page);
}

static void run(const char *page)
{
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (nothing < 0 || sandbox_enter_browser() < 0 || dup2(nothing, 0) < 0 ||
		dup2(nothing, 1) < 0 || dup2(nothing, 2) < 0)
		_exit(FAILED);
	set_environment();
	run_any(page);
	_exit(errno == ENOENT ? NO_PROGRAM : FAILED);
}

/* 1: it has ended. One that runs on is the browser itself. */
static int has_ended(pid_t pid, int *status)
{
	const struct timespec step = {.tv_nsec = 20 * 1000000};

	for (int waited = 0; waited < WAIT_MS; waited += 20) {
		if (waitpid(pid, status, WNOHANG) == pid)
			return 1;
		nanosleep(&step, NULL);
	}
	return 0;
}

static int tell(const char *page, int status)
{
	char shown[512];

	log_escape(shown, sizeof(shown), page);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_PROGRAM) {
		log_error(
			"-open: there is no xdg-open, and BROWSER names no program; the page is %s",
			shown);
		return -ENOENT;
	}
	log_error("-open: no browser could be started; the page is %s", shown);
	return -EIO;
}

int browser_open(const char *url_or_path)
{
	char path[LIMIT_PATH];
	const char *page = url_or_path;
	int status = 0;

	/* A name that begins with a dash, or has a colon in it, is still a file. */
	if (!strstr(page, "://") && realpath(page, path))
		page = path;
	pid_t pid = fork();
	if (pid == 0)
		run(page);
	if (pid < 0) {
		log_error("-open: cannot start a process: %s", strerror(errno));
		return -EAGAIN;
	}
	if (!has_ended(pid, &status) || (WIFEXITED(status) && !WEXITSTATUS(status)))
		return 0;
	return tell(url_or_path, status);
}
