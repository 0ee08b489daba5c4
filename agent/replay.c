/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "agent/progress.h"
#include "agent/raw_format.h"
#include "agent/replay.h"
#include "agent/session.h"
#include "base/log.h"
#include "output/profile.h"

static const char *shown_name(const struct session *s)
{
	static char shown[512];

	if (!strcmp(s->options->replay, "-"))
		return "standard input";
	return log_escape(shown, sizeof(shown), s->options->replay);
}

static int on_recording(struct session *s, const struct tracer_recording *r)
{
	if (!r)
		return -EPROTO;
	s->replay.options = *s->options;
	s->replay.options.hz = r->hz;
	s->replay.options.kinds &= r->kinds;
	if (!s->replay.options.kinds) {
		log_error("%s holds no such profile; give -profile %s", shown_name(s),
			profile_kind_name(__builtin_ctz(r->kinds)));
		session_over(s, STATUS_FAILED);
	}
	s->options = &s->replay.options;
	s->replay.wall_began = r->wall_began;
	return 0;
}

static int on_identity(struct session *s, const struct tracer_identity *i)
{
	if (!i || i->build_id_len > sizeof(i->build_id))
		return -EPROTO;
	s->replay.identity = *i;
	return 0;
}

static int on_recorded(struct session *s, const struct tracer_recorded *end)
{
	if (!end)
		return -EPROTO;
	s->replay.end = *end;
	s->replay.has_ended = 1;
	return 0;
}

static int on_restarted(struct session *s)
{
	struct tracer_start unused;

	collection_new_tracer(&s->data, &unused);
	return 0;
}

static void tell_damage(const char *path, const struct tracer_damaged *d)
{
	switch (d->cause) {
	case DAMAGE_OPEN:
	case DAMAGE_READ:
		log_error("cannot read %s: %s", path, strerror(d->detail));
		break;
	case DAMAGE_NO_RAW:
		log_error("%s is no recording (of -save-raw)", path);
		break;
	case DAMAGE_VERSION:
		log_error("%s was saved by another version of cpprof-attach: its format is %d, "
			  "this one reads %u",
			path, d->detail, RAW_VERSION);
		break;
	case DAMAGE_TRUNCATED:
		log_error("%s is truncated: it ends behind record %" PRIu64, path, d->records);
		break;
	default:
		log_error("%s is damaged: record %" PRIu64 " (type %d) makes no sense", path,
			d->records, d->detail);
	}
}

static int on_damaged(struct session *s, const struct tracer_damaged *d)
{
	if (!d)
		return -EPROTO;
	progress_end(s);
	tell_damage(shown_name(s), d);
	session_over(s, STATUS_FAILED);
	return 0;
}

int replay_on_message(struct session *s, const struct wire_message *m)
{
	if (!s->options->replay)
		return -EPROTO;
	switch (m->type) {
	case TRACER_RECORDING:
		return on_recording(s, wire_payload(m, sizeof(struct tracer_recording)));
	case TRACER_IDENTITY:
		return on_identity(s, wire_payload(m, sizeof(struct tracer_identity)));
	case TRACER_RESTARTED:
		return on_restarted(s);
	case TRACER_RECORDED:
		return on_recorded(s, wire_payload(m, sizeof(struct tracer_recorded)));
	case TRACER_DAMAGED:
		return on_damaged(s, wire_payload(m, sizeof(struct tracer_damaged)));
	default:
		return -EPROTO;
	}
}

void replay_module(struct session *s, uint32_t id)
{
	struct module_info *info = &s->data.modules[id - 1].info;

	if (!s->options->replay)
		return;
	info->build_id_len = s->replay.identity.build_id_len;
	memcpy(info->build_id, s->replay.identity.build_id, sizeof(info->build_id));
}

void replay_begin_window(struct session *s)
{
	if (s->options->replay)
		s->data.intervals[0].wall_began = s->replay.wall_began;
}

uint64_t replay_window_end(struct session *s, uint64_t now)
{
	if (!s->replay.has_ended)
		return now;
	s->data.intervals[0].wall_began = s->replay.end.wall_began;
	return s->began + s->replay.end.duration;
}

int replay_on_role_ended(struct session *s, enum role role)
{
	/* Afterwards only debug files are asked of it. */
	if (!s->options->replay || role != ROLE_TRACER || s->phase > PHASE_STOP)
		return 0;
	progress_end(s);
	log_error("cannot replay %s: the process that reads it was killed", shown_name(s));
	session_over(s, STATUS_FAILED);
	return 1;
}
