/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/stat.h>

#include "core/err.h"
#include "core/strv.h"
#include "fuzz.h"
#include "sys/userdb.h"

/* --user, --group-add, passwd and group, between lines "---". */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *rest = text;
	char *user = fuzz_part(&rest), *add = fuzz_part(&rest), *passwd = fuzz_part(&rest);
	MB_AUTO_STRV struct mb_strv groups = MB_STRV_INIT;
	struct mb_err err = MB_ERR_INIT;
	struct mb_sys_user who = {0};

	mkdirat(fuzz_dir(), "etc", 0700);
	fuzz_file("etc/passwd", passwd, strlen(passwd));
	/* The last file has every byte that came, NUL too. */
	fuzz_file("etc/group", rest, (size_t)(text + size - rest));
	mb_strv_split(&groups, add, ',');
	if (mb_sys_userdb_resolve(fuzz_dir(), user, &groups, &who, &err) == 0) {
		FUZZ_CHECK(who.uid != UINT32_MAX && who.gid != UINT32_MAX);
		FUZZ_CHECK(who.home && who.n_groups >= 1 && who.groups[0] == who.gid);
		mb_sys_user_done(&who);
	} else {
		FUZZ_CHECK(err.msg[0]);
	}
	free(text);
	return 0;
}
