/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "agent/brief.h"
#include "agent/go_programs.h"
#include "agent/phases.h"
#include "agent/progress.h"
#include "base/log.h"

static int is_of_kinds(const struct session *s, uint32_t kinds)
{
	return (s->options->kinds & kinds) && !s->options->replay;
}

/* Goroutines that wait are in block and mutex, too. */
#define KINDS (KIND(PROFILE_GOROUTINE) | KIND(PROFILE_BLOCK) | KIND(PROFILE_MUTEX))

static int is_program(const struct module *m)
{
	return !!(m->info.flags & MODULE_IS_EXE);
}

void go_programs_ask(struct session *s, uint32_t module)
{
	const struct module *m = &s->data.modules[module - 1];
	struct worker_go ask = {.module = module};

	if (is_of_kinds(s, KINDS) && is_program(m) && !m->go.number)
		brief_send(s, TO_WORKER_GO, &ask, sizeof(ask), NULL, 0, -1);
}

void go_programs_tell(struct session *s, uint32_t module)
{
	struct module *m = &s->data.modules[module - 1];
	uint32_t number = collection_number(&s->data, module);

	if (!m->go.number || !number || s->tracer.sock < 0)
		return;
	m->go.number = number;
	wire_send(s->tracer.sock, TO_TRACER_GO, &m->go, sizeof(m->go), -1);
}

static int all_are_known(const struct collection *c)
{
	for (uint32_t i = 0; i < c->n_modules; i++)
		if (is_program(&c->modules[i]) && !c->modules[i].go.number)
			return 0;
	return 1;
}

static void ask_tracer(struct session *s)
{
	if (s->tracer.sock < 0 || !all_are_known(&s->data))
		return;
	s->goroutines_awaited = AWAIT_GOROUTINES;
	wire_send(s->tracer.sock, TO_TRACER_GOROUTINES, NULL, 0, -1);
}

int go_programs_on_facts(struct session *s, const struct worker_go *facts)
{
	if (!facts || !facts->module || facts->module > s->data.n_modules ||
		facts->lack >= GO_LACKS)
		return -EPROTO;
	struct module *m = &s->data.modules[facts->module - 1];
	m->go = (struct tracer_go){UINT32_MAX, facts->lack, facts->facts};
	go_programs_tell(s, facts->module);
	if (s->goroutines_awaited == AWAIT_FACTS)
		ask_tracer(s);
	return 0;
}

/* Of a command that begins later they are looked at in its end. */
int go_programs_await(struct session *s)
{
	if (!is_of_kinds(s, KIND(PROFILE_GOROUTINE)) || s->options->launched ||
		s->goroutines_awaited == AWAIT_GOROUTINES) {
		s->goroutines_awaited = AWAIT_NOTHING;
		return 0;
	}
	s->goroutines_awaited = AWAIT_FACTS;
	ask_tracer(s);
	return 1;
}

static const char *text_of(uint32_t lack)
{
	static const char *const texts[GO_LACKS] = {
		[GO_LACK_UNKNOWN] = "its program is not known",
		[GO_LACK_GO] = "its program was not made by Go, or by one before 1.18",
		[GO_LACK_LAYOUT] = "its program is stripped, and of a version of Go that is not "
				   "known here",
		[GO_LACK_LIST] = "the list of goroutines is not found in its program",
		[GO_LACK_SENSE] = "what is in its memory does not look like goroutines",
		[GO_LACK_MEMORY] = "its memory cannot be read",
	};

	return lack < GO_LACKS && texts[lack] ? texts[lack] : "no reason is known";
}

#define SHOWN 5u

/* Where nothing else was asked for there is no profile at all. */
void go_programs_on_none(struct session *s, const struct tracer_goroutines *none)
{
	const struct process_info *p = none ? collection_process(&s->data, none->process) : NULL;
	char shown[64];

	if (!p)
		return;
	int is_only = s->options->kinds == KIND(PROFILE_GOROUTINE) && s->data.n_processes == 1;
	log_escape(shown, sizeof(shown), p->comm);
	if (is_only && s->phase == PHASE_SNAPSHOT) {
		progress_end(s);
		log_error("process %d (%s) shows no goroutines: %s\n"
			  "-profile threads shows its threads",
			p->pid, shown, text_of(none->lack));
		session_over(s, STATUS_REFUSED);
	} else if (s->without_goroutines++ < SHOWN) {
		log_note("process %d (%s) shows no goroutines: %s", p->pid, shown,
			text_of(none->lack));
	}
}
