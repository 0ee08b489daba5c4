/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/exit_status.h"
#include "agent/launch.h"
#include "agent/player.h"
#include "agent/sandbox.h"
#include "agent/session.h"
#include "agent/supervisor.h"
#include "agent/tracer/tracer_main.h"
#include "base/log.h"
#include "base/now.h"
#include "base/ring.h"
#include "base/wire.h"
#include "unwind/worker_main.h"

struct supervisor {
	struct options options;
	struct launch launch;
	struct ring ring;
	pid_t pid[ROLES]; /* 0: not running */
	int killed[ROLES];
	int session; /* our end of its socket */
	int signals;
	int interrupts;
	struct signalfd_siginfo last; /* signal that was to end us */
	uint64_t last_at;
	uint64_t patience_ends; /* of the second interrupt: then session is killed; 0: not yet */
};

#define PATIENCE_NS	 300000000ull
#define REPEATED_NS	 100000000ull
#define LOOKS_MS	 500
#define LOOKS_SERVING_MS 60000

static const char *const role_names[ROLES] = {"session", "tracer", "worker"};

/* A role hears of the terminal only through us: Ctrl-Z must never freeze a tracer in mid-stop. */
static void detach_from_terminal(void)
{
	sigset_t none;

	setpgid(0, 0);
	signal(SIGTSTP, SIG_IGN);
	signal(SIGTTOU, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void run_role(struct supervisor *s, enum role role, int sock, pid_t parent)
{
	const char *what;

	sandbox_close_others(sock, s->ring.wake);
	detach_from_terminal();
	prctl(PR_SET_NAME, role_names[role]);
	int plays = role == ROLE_TRACER && s->options.replay;
	int error =
		plays ? sandbox_enter_player(parent, &what) : sandbox_enter(role, parent, &what);
	if (error) {
		log_error("%s: %s: %s", role_names[role], what, strerror(-error));
		_exit(1);
	}
	if (role == ROLE_SESSION)
		_exit(session_run(&s->options, sock, &s->ring));
	if (plays)
		_exit(player_main(sock, &s->ring, &s->options));
	_exit(role == ROLE_TRACER ? tracer_main(sock, &s->ring)
				  : worker_main(sock, &s->ring, !!s->options.save_raw));
}

/* Starts a role; its socket's other end, or -errno. */
static int start(struct supervisor *s, enum role role)
{
	int pair[2];
	pid_t parent = getpid();
	int error = wire_pair(pair);

	if (error)
		return error;
	pid_t pid = fork();
	if (pid == 0)
		run_role(s, role, pair[1], parent);
	close(pair[1]);
	if (pid < 0) {
		error = -errno;
		close(pair[0]);
		return error;
	}
	s->pid[role] = pid;
	s->killed[role] = 0;
	return pair[0];
}

/* Session waits for this: without it, it would for ever. */
static void tell_session(
	struct supervisor *s, enum message_type type, const void *p, size_t n, int fd)
{
	int error = s->session < 0 ? 0 : wire_send(s->session, type, p, n, fd);

	/* One that has closed its socket is about to end. */
	if (!error || error == -EPIPE || !s->pid[ROLE_SESSION])
		return;
	log_error("cannot tell the session: %s", strerror(-error));
	kill(s->pid[ROLE_SESSION], SIGKILL);
}

static void on_message(struct supervisor *s, const struct wire_message *m)
{
	const struct supervisor_role *ask = wire_payload(m, sizeof(*ask));

	if (m->type == TO_SUPERVISOR_GO)
		launch_go(&s->launch);
	if (!ask || (ask->role != ROLE_TRACER && ask->role != ROLE_WORKER))
		return;
	struct supervisor_role answer = *ask;
	if (m->type == TO_SUPERVISOR_KILL && s->pid[ask->role]) {
		s->killed[ask->role] = 1;
		kill(s->pid[ask->role], SIGKILL);
	} else if (m->type == TO_SUPERVISOR_START && !s->pid[ask->role]) {
		int fd = start(s, ask->role);
		answer.pid = fd < 0 ? fd : s->pid[ask->role];
		tell_session(s, SUPERVISOR_STARTED, &answer, sizeof(answer), fd);
		if (fd >= 0)
			close(fd);
	}
}

static void on_end(struct supervisor *s, enum role role, int status)
{
	struct supervisor_role ended = {
		.role = role, .pid = s->pid[role], .status = status, .by_us = s->killed[role]};

	s->pid[role] = 0;
	if (role != ROLE_SESSION)
		tell_session(s, SUPERVISOR_ENDED, &ended, sizeof(ended), -1);
}

/* Children that ended. The session's wait status once it is gone, else -1. */
static int reap(struct supervisor *s)
{
	int status, session = -1;
	pid_t pid;

	/* By pid: a command's own end is taken later, until then its figures can be read. */
	for (int role = 0; role < ROLES; role++) {
		pid = s->pid[role];
		if (!pid || waitpid(pid, &status, WNOHANG) != pid)
			continue;
		if (role == ROLE_SESSION)
			session = status;
		on_end(s, role, status);
	}
	return session;
}

/* The first one ends the window. The second ends us; session may be busy where it cannot hear of
 * it, with a pager that does not read or a file system that does not answer. */
static void on_interrupt(struct supervisor *s)
{
	wire_try2(s->session, SUPERVISOR_INTERRUPT, NULL, 0, NULL, 0, -1);
	if (++s->interrupts == 2)
		s->patience_ends = clock_now() + PATIENCE_NS;
}

/* How long to wait for events, in ms. */
static int patience(struct supervisor *s)
{
	/* A word of a child's end that got lost must not be waited for. A server is mostly idle. */
	if (!s->patience_ends)
		return s->options.serves ? LOOKS_SERVING_MS : LOOKS_MS;
	uint64_t now = clock_now();
	if (now < s->patience_ends)
		return (s->patience_ends - now) / 1000000 + 1;
	if (s->pid[ROLE_SESSION])
		kill(s->pid[ROLE_SESSION], SIGKILL);
	return 100;
}

/* timeout(1) sends its signal to us, and at once to all of our group: that is one. */
static int is_repeated(struct supervisor *s, const struct signalfd_siginfo *info)
{
	uint64_t now = clock_now();
	int is_same = info->ssi_code == SI_USER && info->ssi_signo == s->last.ssi_signo &&
		      info->ssi_pid == s->last.ssi_pid && now - s->last_at < REPEATED_NS;

	s->last = *info;
	s->last_at = now;
	return is_same;
}

/* The next of the signals that are meant to end us; 0: none waits. */
static int next_signal(struct supervisor *s, struct signalfd_siginfo *info)
{
	while (read(s->signals, info, sizeof(*info)) == sizeof(*info))
		if (info->ssi_signo != SIGCHLD && info->ssi_signo != SIGTSTP &&
			!is_repeated(s, info))
			return 1;
	return 0;
}

/* Who ends a job by its pid (a service manager, a container's, timeout) means the command, and
 * knows us alone. What the terminal sends both of us have got. Whether it was the first one. */
static int pass_on(struct supervisor *s, const struct signalfd_siginfo *info)
{
	int is_for_it = info->ssi_signo != SIGINT && info->ssi_code != SI_KERNEL;

	return is_for_it && launch_signal(&s->launch, info->ssi_signo);
}

static void on_signals(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (next_signal(s, &info)) {
		pass_on(s, &info);
		on_interrupt(s);
	}
}

static int take_signals(void)
{
	static const int wanted[] = {SIGCHLD, SIGINT, SIGTERM, SIGTSTP};
	struct sigaction hangup;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		sigaddset(&set, wanted[i]);
	/* nohup(1): we are to outlive the terminal. What is blocked would come here all the same.
	 */
	if (sigaction(SIGHUP, NULL, &hangup) < 0 || hangup.sa_handler != SIG_IGN)
		sigaddset(&set, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void tell_launched(struct supervisor *s)
{
	struct supervisor_launched l = {
		.error = launch_take_answer(&s->launch), .pid = s->launch.pid};

	tell_session(s, SUPERVISOR_LAUNCHED, &l, sizeof(l), -1);
	launch_end_failed(&s->launch);
}

static int serve(struct supervisor *s)
{
	static struct wire_message message;

	for (;;) {
		struct pollfd p[3] = {
			{.fd = s->session, .events = POLLIN},
			{.fd = s->signals, .events = POLLIN},
			{.fd = s->launch.answer, .events = POLLIN},
		};
		if (poll(p, 3, patience(s)) < 0 && errno != EINTR)
			return -1;
		if (p[2].revents)
			tell_launched(s);
		if (p[0].revents && wire_recv(s->session, &message, 0) == 1)
			on_message(s, &message);
		if (p[1].revents)
			on_signals(s);
		int status = reap(s);
		if (status >= 0)
			return status;
		/* Its end of the socket is closed: only its exit status is still to come. */
		if (p[0].revents & POLLHUP)
			s->session = -1;
	}
}

static void end_others(struct supervisor *s)
{
	for (int role = ROLE_TRACER; role < ROLES; role++)
		if (s->pid[role]) {
			kill(s->pid[role], SIGKILL);
			waitpid(s->pid[role], NULL, 0);
		}
}

static int end_status(const struct supervisor *s, int status)
{
	if (status >= 0 && WIFEXITED(status))
		return WEXITSTATUS(status);
	if (s->patience_ends) {
		log_note("given up; nothing more is written, the target runs on");
		return STATUS_GIVEN_UP;
	}
	log_error("the session was killed (signal %d); nothing was written, the target runs on",
		status >= 0 ? WTERMSIG(status) : 0);
	return STATUS_FAILED;
}

/* The command outlives the window, and is ours: we are there until it ends, as a shell would be, or
 * until we are interrupted. Its wait status, or -1: it was left alone. */
static int wait_for_command(struct supervisor *s, int is_refused)
{
	int status;

	/* One that was held and could not be profiled is about to end: it has done nothing. */
	for (int tries = is_refused ? 100 : 1; tries; tries--) {
		if (waitpid(s->launch.pid, &status, WNOHANG) == s->launch.pid)
			return status;
		if (is_refused)
			poll(NULL, 0, 10);
	}
	/* Interrupted twice: it is not waited for. */
	if (s->patience_ends)
		return -1;
	log_note("the command runs on; waiting for its end (Ctrl-C leaves it alone)");
	for (;;) {
		struct pollfd p = {.fd = s->signals, .events = POLLIN};
		struct signalfd_siginfo info;
		poll(&p, 1, -1);
		while (next_signal(s, &info))
			if (!pass_on(s, &info))
				return -1;
		if (waitpid(s->launch.pid, &status, WNOHANG) == s->launch.pid)
			return status;
	}
}

/* Who asks for its status must not take ours for it. */
static int leave_command(const struct supervisor *s, int ours)
{
	if (!s->options.exit_status) {
		log_note("left alone: the command (process %d) runs on", s->launch.pid);
		return ours;
	}
	log_error("left alone: the command (process %d) runs on; its status is not known",
		s->launch.pid);
	return STATUS_GIVEN_UP;
}

static int end_of_command(struct supervisor *s, int session)
{
	int ours = end_status(s, session), is_refused = ours == STATUS_REFUSED;

	if (s->launch.failed || ours == STATUS_GIVEN_UP)
		return ours;
	if (!s->launch.gone) {
		launch_cancel(&s->launch);
		return ours;
	}
	int status = wait_for_command(s, is_refused);
	if (status < 0)
		return leave_command(s, ours);
	if (!s->options.exit_status || is_refused)
		return ours;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int supervisor_run(const struct options *o)
{
	static struct supervisor s;
	int error = ring_open(&s.ring);

	if (error) {
		log_error("cannot set up shared memory: %s", strerror(-error));
		return STATUS_FAILED;
	}
	s.options = *o;
	s.session = s.launch.answer = -1;
	/* Before our own signals are set up: the command gets them as we got them. */
	if (o->command) {
		error = launch_fork(&s.launch, o->command);
		if (error) {
			log_error("cannot start a process: %s", strerror(-error));
			return STATUS_FAILED;
		}
		s.options.launched = s.launch.pid;
	}
	s.signals = take_signals();
	s.session = start(&s, ROLE_SESSION);
	/* Only session pushes; the roles that the target can reach have nothing to tell. */
	push_options_forget(&s.options.push);
	if (s.signals < 0 || s.session < 0) {
		log_error("cannot start: %s", strerror(errno));
		return STATUS_FAILED;
	}
	int status = serve(&s);
	end_others(&s);
	ring_close(&s.ring);
	if (o->command)
		return end_of_command(&s, status);
	return end_status(&s, status);
}
