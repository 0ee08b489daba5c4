/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/tracer/proc_status.h"
#include "agent/tracer/roots.h"

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000u /* Linux 5.8 */
#endif

#define NOBODY 65534u

void roots_fini(struct roots *r)
{
	for (uint32_t i = 0; i < r->n; i++)
		close(r->v[i].fd);
	*r = (struct roots){0};
}

/* Each mount namespace has mounts of its own, with numbers of their own. */
static int identify(struct root *root)
{
	struct statx st;

	if (statx(root->fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &st) < 0)
		return -errno;
	root->mount = st.stx_mnt_id;
	root->dev = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor;
	root->ino = st.stx_ino;
	return 0;
}

static int is_same_folder(const struct root *a, const struct root *b)
{
	return a->mount == b->mount && a->dev == b->dev && a->ino == b->ino;
}

int roots_link(int fd, char *out, size_t room)
{
	char self[48];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(self, out, room - 1);
	if (n < 0 || n == (ssize_t)room - 1)
		return n < 0 ? -errno : -ENAMETOOLONG;
	out[n] = '\0';
	return n;
}

const char *roots_inside(int folder, const char *path)
{
	char own[LIMIT_PATH];
	int n = roots_link(folder, own, sizeof(own));

	if (n == 1)
		n = 0; /* "/" */
	return n >= 0 && !strncmp(path, own, n) && path[n] == '/' ? path + n : NULL;
}

static int read_rights(const struct target *t, pid_t tid, struct root *root)
{
	struct proc_status status;
	int error = proc_status_take(target_open_file(t, tid, "status"), &status);

	error = error ? error : proc_status_effective_id(&status, "Uid", &root->uid);
	return error ? error : proc_status_effective_id(&status, "Gid", &root->gid);
}

int roots_open_ours(struct root *out, const struct root *rights)
{
	*out = (struct root){.uid = NOBODY, .gid = NOBODY, .is_ours = 1};
	if (rights) {
		out->uid = rights->uid;
		out->gid = rights->gid;
	}
	out->fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (out->fd < 0)
		return -errno;
	int error = identify(out);
	if (error)
		close(out->fd);
	return error;
}

static int is_ours(const struct root *root)
{
	struct root ours;

	if (roots_open_ours(&ours, NULL) < 0)
		return 0;
	close(ours.fd);
	return is_same_folder(root, &ours);
}

static int open_root(const struct target *t, pid_t tid, struct root *out)
{
	out->fd = target_open_root(t, tid);
	if (out->fd < 0)
		return out->fd;
	int error = identify(out);
	if (!error)
		error = read_rights(t, tid, out);
	if (error)
		close(out->fd);
	return error;
}

uint32_t roots_of(struct roots *r, const struct target *t, pid_t tid)
{
	struct root root = {0};

	if (open_root(t, tid, &root) < 0)
		return 0;
	for (uint32_t i = 0; i < r->n; i++) {
		const struct root *known = &r->v[i];
		if (!is_same_folder(known, &root) || known->uid != root.uid ||
			known->gid != root.gid)
			continue;
		close(root.fd);
		return i + 1;
	}
	if (r->n == ROOTS_MAX) {
		close(root.fd);
		return 0;
	}
	root.is_ours = is_ours(&root);
	r->v[r->n++] = root;
	return r->n;
}
