/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/debuginfod.h"
#include "agent/progress.h"
#include "agent/sandbox.h"
#include "agent/session.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/now.h"

#define DEADLINE_S 30u
#define NO_PROGRAM 127 /* its exit status where there is no debuginfod-find */
#define PROGRAM	   "debuginfod-find"

void debuginfod_begin(struct session *s)
{
	s->debuginfod = (struct debuginfod){.answer = -1};
}

static void end_child(struct debuginfod *d, int *status)
{
	if (!d->pid)
		return;
	kill(d->pid, SIGKILL);
	waitpid(d->pid, status, 0);
	close(d->answer);
	d->answer = -1;
	d->pid = 0;
}

/* --- the process -------------------------------------------------------------------------- */

/* The client makes no folder but the last one. */
static void set_home(void)
{
	char cache[LIMIT_PATH];

	sandbox_set_home();
	const char *home = getenv("HOME");
	if (home && !getenv("DEBUGINFOD_CACHE_PATH") &&
		snprintf(cache, sizeof(cache), "%s/.cache", home) < (int)sizeof(cache))
		mkdir(cache, 0700);
}

static void run(const struct session *s, const char *id, int out, pid_t parent)
{
	char program[] = PROGRAM, what[] = "debuginfo", hex[65];
	char *const command[] = {program, what, hex, NULL};
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	snprintf(hex, sizeof(hex), "%s", id);
	signal(SIGPIPE, SIG_DFL);
	if (nothing < 0 || sandbox_enter_client(parent) < 0 || dup2(nothing, 0) < 0 ||
		dup2(out, 1) < 0 || dup2(nothing, 2) < 0)
		_exit(1);
	set_home();
	setenv("DEBUGINFOD_URLS", s->options->debuginfod_urls, 1);
	execvp(program, command);
	_exit(errno == ENOENT ? NO_PROGRAM : 1);
}

static int start(struct session *s, const struct want *w)
{
	struct debuginfod *d = &s->debuginfod;
	char id[2 * sizeof(w->file.build_id) + 1];
	int pair[2];
	pid_t parent = getpid();

	hex_text(id, w->file.build_id, w->file.build_id_len);
	if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	d->pid = fork();
	if (d->pid == 0)
		run(s, id, pair[1], parent);
	close(pair[1]);
	if (d->pid < 0) {
		close(pair[0]);
		d->pid = 0;
		return -EAGAIN;
	}
	d->answer = pair[0];
	d->module = w->file.module;
	d->len = 0;
	d->asked++;
	return 0;
}

/* --- which modules ------------------------------------------------------------------------ */

static int is_to_be_asked(const struct session *s, const struct want *w)
{
	const struct module *m = &s->data.modules[w->file.module - 1];

	return w->file.kind == EXTRA_DEBUG && w->state == WANT_DONE && w->fd < 0 &&
	       w->file.build_id_len && !w->is_fetched && m->has_frames &&
	       !(m->has & (HAS_INFO | HAS_GO)) && !m->symtab_only;
}

static uint32_t count_frames(const struct naming *n, uint32_t module)
{
	uint32_t frames = 0;

	for (uint32_t i = 0; i < n->n; i++)
		frames += n->frames[i].module == module;
	return frames;
}

/* The module with the most places in the profile: there may be no time for all. */
static struct want *next_want(struct session *s)
{
	struct want *best = NULL;
	uint32_t most = 0;

	for (uint32_t i = 0; i < s->wants.n; i++) {
		struct want *w = &s->wants.v[i];
		uint32_t n = is_to_be_asked(s, w) ? count_frames(&s->naming, w->file.module) : 0;
		if (n > most) {
			best = w;
			most = n;
		}
	}
	return best;
}

/* --- its course --------------------------------------------------------------------------- */

static void over(struct session *s)
{
	struct debuginfod *d = &s->debuginfod;

	end_child(d, NULL);
	if (d->asked && !d->over)
		log_note("debuginfod: debug information of %u of %u modules", d->got, d->asked);
	d->over = 1;
}

static int ask_next(struct session *s)
{
	struct debuginfod *d = &s->debuginfod;
	struct want *w = next_want(s);
	char shown[512];

	if (!w) {
		over(s);
		return 0;
	}
	if (!s->options->debuginfod_urls || !*s->options->debuginfod_urls) {
		log_note("debuginfod: no server is set; give DEBUGINFOD_URLS, such as "
			 "https://debuginfod.elfutils.org/");
		over(s);
		return 0;
	}
	if (!d->ends)
		d->ends = clock_now() + DEADLINE_S * SECOND;
	w->is_fetched = 1;
	progress_end(s);
	log_note("debuginfod: asking for %s",
		log_escape(shown, sizeof(shown), s->data.modules[w->file.module - 1].info.path));
	if (start(s, w) < 0) {
		over(s);
		return 0;
	}
	return 1;
}

/* It has ended: its output is the path of the file. */
static void take_answer(struct session *s)
{
	struct debuginfod *d = &s->debuginfod;
	struct want *w = wants_find(&s->wants, d->module, EXTRA_DEBUG, 0);
	int status = 0;

	waitpid(d->pid, &status, 0);
	close(d->answer);
	d->answer = -1;
	d->pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_PROGRAM) {
		log_note("debuginfod: there is no " PROGRAM "; install the package debuginfod "
			 "(Fedora: elfutils-debuginfod-client)");
		d->asked = 0;
		over(s);
		return;
	}
	d->path[strcspn(d->path, "\n")] = '\0';
	int fd = w && status == 0 && d->path[0] == '/'
			 ? open(d->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
			 : -1;
	if (fd < 0)
		return;
	d->got++;
	wants_offer(s, w, fd, d->path);
}

/* 1: it has closed its end. */
static int read_answer(struct debuginfod *d)
{
	ssize_t n = 1;

	while (d->len < sizeof(d->path) - 1 && n > 0) {
		n = read(d->answer, d->path + d->len, sizeof(d->path) - 1 - d->len);
		d->len += n > 0 ? n : 0;
	}
	d->path[d->len] = '\0';
	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) ||
	       d->len == sizeof(d->path) - 1;
}

int debuginfod_step(struct session *s)
{
	struct debuginfod *d = &s->debuginfod;

	if (!s->options->debuginfod || s->options->symbols != SYMBOLS_FULL || d->over)
		return 0;
	if (d->ends && clock_now() >= d->ends) {
		log_note("debuginfod: given up after %u s", DEADLINE_S);
		over(s);
		return 0;
	}
	if (!d->pid)
		return ask_next(s);
	if (!read_answer(d))
		return 1;
	take_answer(s);
	if (s->wants.given)
		return 1;
	return d->over ? 0 : ask_next(s);
}

void debuginfod_leave(struct session *s)
{
	if (s->debuginfod.pid)
		over(s);
}
