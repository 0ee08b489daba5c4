/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * torn PID READS SAID: reads the blocked threads of a process over and over as a snapshot does,
 * unwinds each copy, and looks whether the functions of the program in it are a chain that the
 * program said it can be in ("may FUNCTION;..." in the file SAID). Prints "KEY VALUE" lines:
 *
 * reads     copies that count, of which
 * sure        whole chains
 * guessed     whole chains with the mark of a guess
 * cut         their beginnings, and a reason why there is no more
 * astray      no chain, with the mark of a guess
 * torn        no chain, and nothing says so
 * elsewhere   threads that were in no call of the C library
 * running   threads that were not blocked
 * moved     threads that were on the move each time
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/tracer/capture.h"
#include "symbolize/symtab.h"
#include "unwind/unwind.h"

#define MODULES 64
#define CHAIN	4096

static struct modules modules;
static struct symtab symtabs[MODULES + 1];
static char paths[MODULES + 1][256];
static uint32_t n_modules;
static struct maps maps;
static char **chains;
static size_t n_chains;

enum outcome { SURE, GUESSED, CUT, ASTRAY, TORN, ELSEWHERE, OUTCOMES };

static const char *const outcome_names[] = {
	"sure", "guessed", "cut", "astray", "torn", "elsewhere"};
static uint64_t outcomes[OUTCOMES];

/* --- what is known of the program ------------------------------------------------------------ */

static uint32_t module_of(const char *path)
{
	uint32_t i;

	for (i = 1; i <= n_modules; i++)
		if (!strcmp(paths[i], path))
			return i;
	if (n_modules == MODULES)
		return 0;
	n_modules++;
	snprintf(paths[i], sizeof(paths[i]), "%s", path);
	int fd = path[0] == '/' ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	modules_open(&modules, fd, i, fd < 0 ? MODULE_NO_FILE : 0);
	symtab_init(&symtabs[i], modules_get(&modules, i));
	return i;
}

/* The program's own file is the first one. */
static void read_maps(int pid)
{
	char name[64], line[600], path[256], perms[8];
	uint64_t start, end, offset;

	snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	FILE *f = fopen(name, "re");
	maps.v = calloc(MODULES, sizeof(*maps.v));
	while (f && maps.n < MODULES && fgets(line, sizeof(line), f)) {
		path[0] = '\0';
		sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %" SCNx64 " %*s %*s %255s", &start, &end,
			perms, &offset, path);
		if (perms[2] == 'x')
			maps.v[maps.n++] = (struct mapping){start, end, offset, module_of(path), 0};
	}
	if (f)
		fclose(f);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void read_chains(const char *said)
{
	static char line[CHAIN];
	FILE *f = fopen(said, "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "may ", 4))
			continue;
		line[strcspn(line, "\n")] = '\0';
		chains = realloc(chains, (n_chains + 1) * sizeof(*chains));
		if (chains)
			chains[n_chains++] = strdup(line + 4);
	}
	if (f)
		fclose(f);
	qsort(chains, n_chains, sizeof(*chains), by_text);
}

/* --- one stack ------------------------------------------------------------------------------- */

static const char *name_of(const struct frame *f)
{
	uint64_t vaddr;
	struct module *m = modules_get(&modules, f->module);
	const struct symtab_entry *e = NULL;

	if (m && module_offset_to_vaddr(m, f->offset, &vaddr) == 0)
		e = symtab_find(&symtabs[f->module], vaddr);
	return e ? e->name : "?";
}

static int is_guessed(const struct stack *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (s->v[i].flags & FRAME_GUESSED)
			return 1;
	return 0;
}

static int is_begun(const char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n_chains; i++)
		if (!strncmp(chains[i], text, n))
			return 1;
	return 0;
}

/* The program's functions between libc's; *below and *above: of these there are some. */
static void describe(const struct stack *s, char *text, int *below, int *above)
{
	uint32_t i = 0;
	size_t n = 0;

	text[0] = '\0';
	while (i < s->n && s->v[i].module != 1)
		i++;
	*below = i > 0;
	for (; i < s->n && s->v[i].module == 1 && n < CHAIN - 100; i++)
		n += snprintf(text + n, CHAIN - n, "%s%.90s", n ? ";" : "", name_of(&s->v[i]));
	*above = i < s->n;
	for (; i < s->n; i++)
		*above &= s->v[i].module != 1;
}

static enum outcome judge(const struct stack *s)
{
	static char text[CHAIN];
	char *key = text;
	int below, above, guessed = is_guessed(s);

	describe(s, text, &below, &above);
	if (!below)
		return ELSEWHERE;
	if (s->end == STACK_DONE && above &&
		bsearch(&key, chains, n_chains, sizeof(*chains), by_text))
		return guessed ? GUESSED : SURE;
	if (s->end != STACK_DONE && !above && is_begun(text))
		return CUT;
	if (guessed)
		return ASTRAY;
	printf("torn: end %u, %s\n", s->end, text);
	return TORN;
}

/* --- all of them ----------------------------------------------------------------------------- */

static void ignore(void *arg, uint32_t module)
{
	(void)arg, (void)module;
}

static void unwind_next(struct ring *ring, struct unwinder *u)
{
	static struct stack stack;
	static _Alignas(64) unsigned char bytes[CAPTURE_MAX];
	uint64_t need;

	if (ring_pop(ring, bytes, sizeof(bytes)) <= 0)
		return;
	unwind_capture(u, (struct capture *)bytes, &maps, &stack, &need);
	outcomes[judge(&stack)]++;
}

static void forget_all(void)
{
	for (uint32_t i = 1; i <= n_modules; i++)
		symtab_fini(&symtabs[i]);
	for (size_t i = 0; i < n_chains; i++)
		free(chains[i]);
	free(chains);
	free(maps.v);
	modules_fini(&modules);
}

int main(int argc, char **argv)
{
	struct tracer_stats stats = {0};
	struct ring ring;
	struct capturer c = {.ring = &ring, .stats = &stats};
	struct process p = {.number = 1};
	struct tracer_refused why;
	static struct unwinder u = {.modules = &modules, .reading = ignore};
	uint64_t reads = 0, running = 0, moved = 0;
	uint32_t serial = 0;

	if (argc != 4) {
		fprintf(stderr, "usage: torn PID READS SAID\n");
		return 2;
	}
	int pid = atoi(argv[1]);
	u.rules = rules_new();
	modules_init(&modules);
	read_maps(pid);
	read_chains(argv[3]);
	/* As if launched: a script may have started both of us. */
	if (!n_chains || ring_open(&ring) < 0 || target_open(&p.target, pid, 1, &why) < 0) {
		fprintf(stderr, "torn: process %d: nothing to read\n", pid);
		return 1;
	}
	ring_produce(&ring);
	threads_init(&p.threads, &p.target, &p, &serial, threads_time());
	threads_refresh(&p.threads);
	while (reads < strtoull(argv[2], NULL, 10) && target_is_alive(&p.target))
		for (uint32_t i = 0; i < p.threads.n; i++) {
			struct thread *th = &p.threads.v[i];
			if (th->tid == pid)
				continue;
			int result = capture_blocked(&c, th, KIND(PROFILE_THREADS), 'S');
			reads += result == 1;
			running += result == 0;
			moved += result == -EAGAIN;
			unwind_next(&ring, &u);
		}
	printf("reads %" PRIu64 "\nrunning %" PRIu64 "\nmoved %" PRIu64 "\n", reads, running,
		moved);
	for (int i = 0; i < OUTCOMES; i++)
		printf("%s %" PRIu64 "\n", outcome_names[i], outcomes[i]);
	threads_fini(&p.threads);
	target_close(&p.target);
	ring_close(&ring);
	rules_free(u.rules);
	forget_all();
	return 0;
}
