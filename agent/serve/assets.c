/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/serve/assets.h"
#include "config.h"

#ifndef SPEEDSCOPE_FOLDER
#define SPEEDSCOPE_FOLDER ""
#endif

#define ASSET_MAX (8 * MIB)

static const struct {
	const char *ending, *type;
} types[] = {
	{".html", HTTP_HTML},
	{".js", "text/javascript; charset=utf-8"},
	{".css", "text/css; charset=utf-8"},
	{".png", "image/png"},
	{".ico", "image/x-icon"},
	{".woff2", "font/woff2"},
	{".wasm", "application/wasm"},
	{".txt", HTTP_TEXT},
	{".md", HTTP_TEXT},
};

static const char *type_of(const char *name)
{
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(dot, types[i].ending))
			return types[i].type;
	return NULL;
}

/* No folders, nothing hidden. */
static int is_plain(const char *name)
{
	for (const char *p = name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			return 0;
	return *name && *name != '.';
}

int assets_are_there(void)
{
	return *SPEEDSCOPE_FOLDER && access(SPEEDSCOPE_FOLDER "/index.html", R_OK) == 0;
}

void assets_answer(struct exchange *e)
{
	const char *name = *e->wish.asset ? e->wish.asset : "index.html";
	const char *type = type_of(name);
	char path[LIMIT_PATH];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", SPEEDSCOPE_FOLDER, name);
	int fd = *SPEEDSCOPE_FOLDER && type && is_plain(name)
			 ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
			 : -1;
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
		st.st_size <= (off_t)ASSET_MAX && buf_read_fd(&e->body, fd) == 0) {
		e->status = 200;
		e->type = type;
	} else {
		http_refuse(e, 404, "404 page not found");
	}
	if (fd >= 0)
		close(fd);
}
