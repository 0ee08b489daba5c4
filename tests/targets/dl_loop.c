/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dl_loop [SECONDS [OPEN_MS]]: two libraries take turns: each is opened, works and is closed again,
 * one for OPEN_MS (40) and the other for three times that, and both land at the same address.
 */
#include "target.h"

#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>

struct part {
	const char *function;
	char path[PATH_MAX];
	uint64_t cpu;
	void *at;
};

static struct part parts[2] = {{.function = "first_part"}, {.function = "second_part"}};
static char folder[PATH_MAX];

static FRAME void call_part(void (*work)(uint64_t))
{
	work(target.per_us * 1000);
	KEEP_FRAME();
}

/* Opens it, works so many milliseconds of CPU time, closes it. */
static int use(struct part *p, uint64_t ms)
{
	void *library = dlopen(p->path, RTLD_NOW | RTLD_LOCAL);
	void (*work)(uint64_t);
	uint64_t before;

	if (!library)
		return -1;
	*(void **)&work = p->at = dlsym(library, p->function);
	before = clock_ns(CLOCK_THREAD_CPUTIME_ID);
	while (clock_ns(CLOCK_THREAD_CPUTIME_ID) - before < ms * 1000000)
		call_part(work);
	p->cpu += clock_ns(CLOCK_THREAD_CPUTIME_ID) - before;
	return dlclose(library);
}

static void find_parts(void)
{
	ssize_t n = readlink("/proc/self/exe", folder, sizeof(folder) - 32);

	folder[n < 0 ? 0 : n] = '\0';
	dirname(folder);
	for (int i = 0; i < 2; i++)
		snprintf(parts[i].path, PATH_MAX, "%.*s/lib%s.so", PATH_MAX - 64, folder,
			parts[i].function);
}

int main(int argc, char **argv)
{
	uint64_t open_ms = arg_number(argc, argv, 2, 40);
	uint64_t rounds = 0, elsewhere = 0;

	target_init(arg_number(argc, argv, 1, 0));
	find_parts();
	target_ready();
	while (target_running()) {
		if (use(&parts[0], open_ms) || use(&parts[1], open_ms * 3)) {
			fprintf(stderr, "dl_loop: %s\n", dlerror());
			return 1;
		}
		rounds++;
		elsewhere += parts[0].at != parts[1].at;
	}
	truth("rounds", rounds);
	truth("elsewhere", elsewhere);
	truth("first_part", parts[0].cpu);
	truth("second_part", parts[1].cpu);
	truth("accounted", parts[0].cpu + parts[1].cpu);
	return 0;
}
