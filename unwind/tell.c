/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/wire.h"
#include "unwind/tell.h"

int tell_module(int sock, const struct module *m)
{
	const unsigned char *build_id;
	struct worker_module_info info = {
		.module = module_id(m), .flags = module_flags(m), .has = module_has(m)};

	info.build_id_len = module_build_id(m, &build_id);
	memcpy(info.build_id, build_id, info.build_id_len);
	return wire_send(sock, WORKER_MODULE, &info, sizeof(info), -1);
}

int tell_wants(int sock, struct module *m, int *any)
{
	const struct extra *e;
	int error = 0;

	while (!error && (e = module_next_want(m))) {
		struct extra_file file = e->file;
		file.module = module_id(m);
		error = wire_send2(sock, WORKER_WANTS, &file, sizeof(file), e->names,
			file.name_len + file.folder_len, -1);
		*any = 1;
	}
	return error;
}
