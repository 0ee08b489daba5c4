/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agent/brief.h"
#include "agent/perf_maps.h"
#include "base/log.h"

#define SHOWN 5u /* processes without names */

int perf_maps_on_file(struct session *s, struct wire_message *m)
{
	const struct tracer_perf_map *told = wire_payload(m, sizeof(*told));
	const struct collection *c = &s->data;

	if (!told || !told->module || told->module > c->n_numbers)
		return -EPROTO;
	uint32_t id = c->number_module[told->module - 1];
	struct module *module = id ? &c->modules[id - 1] : NULL;
	if (!module || !(module->info.flags & MODULE_NO_FILE))
		return -EPROTO;
	struct perf_map *map = &module->perf_map;
	map->pid = told->pid;
	map->error = told->error;
	if (m->fd < 0)
		return 0;
	/* Its number stays: it may wait in the outbox. */
	if (map->fd >= 0)
		return dup3(m->fd, map->fd, O_CLOEXEC) < 0 ? -errno : 0;
	map->fd = m->fd;
	m->fd = -1;
	return 0;
}

int perf_maps_on_read(struct session *s, const struct wire_message *m)
{
	const struct worker_perf_map *told = wire_payload(m, sizeof(*told));

	if (!told || !told->module || told->module > s->data.n_modules)
		return -EPROTO;
	struct perf_map *map = &s->data.modules[told->module - 1].perf_map;
	map->functions = told->functions;
	map->bad = told->bad;
	if (told->error)
		map->error = told->error;
	return 0;
}

int perf_maps_is_usable(const struct module *m)
{
	return (m->info.flags & MODULE_NO_FILE) && !(m->info.flags & MODULE_BLACKLISTED) &&
	       m->perf_map.fd >= 0;
}

void perf_maps_brief(struct session *s, uint32_t id)
{
	const struct module *m = &s->data.modules[id - 1];
	struct worker_module msg = {.module = id, .flags = m->info.flags};

	if (perf_maps_is_usable(m))
		brief_send(s, TO_WORKER_PERF_MAP, &msg, sizeof(msg), NULL, 0, m->perf_map.fd);
}

/* --- summary ------------------------------------------------------------------------------ */

static const char *reason(int error)
{
	switch (error) {
	case -ELOOP:
		return "it is a symbolic link";
	case -EPERM:
		return "it belongs to another user";
	case -EMLINK:
		return "it has more than one name";
	case -EINVAL:
		return "it is no regular file";
	case -ESTALE:
		return "it is older than the process";
	case -EFBIG:
	case -E2BIG:
		return "it is too large";
	default:
		return strerror(-error);
	}
}

static int is_missing(const struct perf_map *map)
{
	return map->fd < 0 && map->error == -ENOENT;
}

static int is_refused(const struct perf_map *map)
{
	return map->error && map->error != -ENOENT;
}

static int is_empty(const struct perf_map *map)
{
	return map->fd >= 0 && !map->error && !map->functions;
}

static int is_read(const struct perf_map *map)
{
	return map->functions && log_get_level() >= LOG_VERBOSE;
}

static int is_in(struct perf_map *const *v, uint32_t n, int32_t pid)
{
	for (uint32_t i = 0; i < n && i < SHOWN; i++)
		if (v[i]->pid == pid)
			return 1;
	return 0;
}

/* Of the modules with frames the maps of that kind, SHOWN of them: how many there are. A process's
 * map is that of all its modules. */
static uint32_t find(
	const struct session *s, int (*is_kind)(const struct perf_map *map), struct perf_map **v)
{
	const struct naming *naming = &s->naming;
	uint32_t n = 0, last = 0;

	for (uint32_t i = 0; i < naming->n; i++) {
		uint32_t id = naming->frames[i].module;
		struct perf_map *map = &s->data.modules[id - 1].perf_map;
		if (id == last || !map->pid || !is_kind(map) || is_in(v, n, map->pid))
			continue;
		last = id;
		if (n < SHOWN)
			v[n] = map;
		n++;
	}
	return n;
}

static void missing_text(const struct session *s, struct buf *out)
{
	struct perf_map *v[SHOWN];
	uint32_t n = find(s, is_missing, v);

	for (uint32_t i = 0; i < n && i < SHOWN; i++)
		buf_printf(out, "%s/tmp/perf-%d.map",
			i ? ", " : "modules   no symbols: JIT code without ", v[i]->pid);
	if (n > SHOWN)
		buf_printf(out, " and %u more", n - SHOWN);
	if (n)
		buf_string(out, " (node --perf-basic-prof; jcmd PID Compiler.perfmap, or java "
				"-XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit; python "
				"3.12 -X perf)\n");
}

void perf_maps_text(const struct session *s, struct buf *out)
{
	struct perf_map *v[SHOWN];
	uint32_t n;

	if (s->options->symbols == SYMBOLS_NONE)
		return;
	missing_text(s, out);
	n = find(s, is_refused, v);
	for (uint32_t i = 0; i < n && i < SHOWN; i++)
		buf_printf(out, "modules   JIT code: /tmp/perf-%d.map is not used: %s\n", v[i]->pid,
			reason(v[i]->error));
	n = find(s, is_empty, v);
	for (uint32_t i = 0; i < n && i < SHOWN; i++)
		buf_printf(out, "modules   JIT code: nothing in /tmp/perf-%d.map, %u bad lines\n",
			v[i]->pid, v[i]->bad);
	n = find(s, is_read, v);
	for (uint32_t i = 0; i < n && i < SHOWN; i++)
		buf_printf(out,
			"modules   JIT code: %u functions in /tmp/perf-%d.map, %u bad lines\n",
			v[i]->functions, v[i]->pid, v[i]->bad);
}
