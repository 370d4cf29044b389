/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "build/mount_spec.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

static char *show(const struct mb_build_mount_spec *s)
{
	static const char *const types[] = {"bind", "cache", "tmpfs", "secret", "ssh"};
	static const char *const sharing[] = {"shared", "private", "locked"};
	struct mb_str out = MB_STR_INIT;

	mb_str_addf(&out, "%s %s", types[s->type], s->target ? s->target : "-");
	mb_str_addf(&out, " %s %s %s %s", s->source ? s->source : "-", s->from ? s->from : "-",
	            s->id ? s->id : "-", s->env ? s->env : "-");
	mb_str_addf(&out, " %s%s%s%s", sharing[s->sharing], s->is_readonly ? " ro" : "",
	            s->is_writable ? " rw" : "", s->is_required ? " required" : "");
	if (s->has_mode)
		mb_str_addf(&out, " %o", s->mode);
	if (s->uid || s->gid || s->size)
		mb_str_addf(&out, " %u:%u %lld", s->uid, s->gid, (long long)s->size);
	return mb_str_take(&out);
}

static void specs_are_read(void **state)
{
	static const char *const rows[][2] = {
		{"target=/x", "bind /x - - - - shared"},
		{"type=bind,dst=/x,src=a,from=b", "bind /x a b - - shared"},
		{"type=bind,destination=/x,source=a,rw", "bind /x a - - - shared rw"},
		{"target=/x,readwrite=true", "bind /x - - - - shared rw"},
		{"target=/x,rw=false", "bind /x - - - - shared ro"},
		{"target=x,ro", "bind x - - - - shared ro"},
		{"type=cache,target=/c", "cache /c - - - - shared"},
		{"target=/c,id=../../x,type=cache,sharing=locked,mode=0700,uid=1,gid=2",
	         "cache /c - - ../../x - locked 700 1:2 0"},
		{"type=cache,target=/c,sharing=private,readonly", "cache /c - - - - private ro"},
		{"type=tmpfs,target=/t,size=64m", "tmpfs /t - - - - shared 0:0 67108864"},
		{"type=secret,id=a", "secret - - - a - shared"},
		{"type=secret,id=a,env=A,required", "secret - - - a A shared required"},
		{"type=secret,src=dir/a,target=/s,mode=444,required=false",
	         "secret /s dir/a - - - shared 444"},
		{"type=ssh", "ssh - - - - - shared"},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		MB_AUTO_BUILD_MOUNT_SPEC struct mb_build_mount_spec spec = {0};
		struct mb_err err = MB_ERR_INIT;
		MB_AUTO_FREE char *got = NULL;

		if (mb_build_mount_spec_parse(rows[i][0], &spec, &err) < 0)
			fail_msg("'%s': %s", rows[i][0], err.msg);
		got = show(&spec);
		if (strcmp(got, rows[i][1]) != 0)
			fail_msg("'%s' is read as '%s'", rows[i][0], got);
	}
}

static void what_is_wrong_is_told(void **state)
{
	static const char *const rows[][2] = {
		{"", "a mount of type 'bind' needs a target"},
		{"target=/x,,ro", "unexpected key '' in ''"},
		{"type=bind", "a mount of type 'bind' needs a target"},
		{"type=cache", "needs a target"},
		{"type=tmpfs,size=1m", "needs a target"},
		{"target=/", "invalid mount target \"/\""},
		{"target=", "the mount option 'target' is empty"},
		{"target", "'target' must be a key=value pair"},
		{"type=volume,target=/x", "unsupported mount type \"volume\""},
		{"type=,target=/x", "unsupported mount type \"\""},
		{"target=/x,propagation=rshared", "unexpected key 'propagation'"},
		{"target=/x,bind-propagation=shared", "unexpected key"},
		{"target=/x,rw=maybe", "invalid value maybe for readwrite"},
		{"target=/x,id=a", "'id' means nothing for a mount of type 'bind'"},
		{"target=/x,size=1", "'size' means nothing"},
		{"target=/x,from=$A", "doesn't support variable expansion"},
		{"type=cache,target=/x,sharing=some", "unsupported sharing value \"some\""},
		{"type=cache,target=/x,mode=9", "invalid value 9 for mode"},
		{"type=cache,target=/x,uid=-1", "invalid value -1 for uid"},
		{"type=cache,target=/x,uid=4294967295", "invalid value 4294967295 for uid"},
		{"type=cache,target=/x,gid=x", "invalid value x for gid"},
		{"type=tmpfs,target=/x,size=-1", "invalid value -1 for size"},
		{"type=tmpfs,target=/x,size=0", "invalid value 0 for size"},
		{"type=secret", "a mount of type 'secret' needs an id"},
		{"type=secret,id=a,env=A=b", "'A=b' is no name of a variable"},
		{"type=secret,id=a,from=x", "'from' means nothing"},
	};

	(void)state;
	for (size_t i = 0; i < N(rows); i++) {
		MB_AUTO_BUILD_MOUNT_SPEC struct mb_build_mount_spec spec = {0};
		struct mb_err err = MB_ERR_INIT;

		assert_int_equal(mb_build_mount_spec_parse(rows[i][0], &spec, &err), -EINVAL);
		if (!strstr(err.msg, rows[i][1]) || strncmp(err.msg, "--mount=", 8) != 0)
			fail_msg("'%s' tells '%s'", rows[i][0], err.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(specs_are_read),
		cmocka_unit_test(what_is_wrong_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
