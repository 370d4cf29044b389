/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/str.h"
#include "volume/mount.h"

/* One line that says all, so that a row is easy to read. */
static char *describe(const struct mb_volume_mount *m)
{
	struct mb_str s = MB_STR_INIT;

	mb_str_addf(&s, "%s %s %s%s", mb_volume_mount_type_name(m->type),
	            m->source ? m->source : "-", m->target, m->readonly ? " ro" : "");
	if (m->propagation)
		mb_str_addf(&s, " %s", mb_volume_propagation_name(m->propagation));
	if (m->nocopy)
		mb_str_add(&s, " nocopy");
	if (m->chown)
		mb_str_add(&s, " chown");
	if (m->overlay)
		mb_str_add(&s, " overlay");
	if (m->relabel)
		mb_str_addf(&s, " %c", m->relabel);
	if (m->recursive)
		mb_str_addf(&s, " recursive%d", (int)m->recursive);
	if (m->create_source)
		mb_str_add(&s, " create");
	if (m->subpath)
		mb_str_addf(&s, " sub=%s", m->subpath);
	if (m->tmpfs_size)
		mb_str_addf(&s, " size=%lld", (long long)m->tmpfs_size);
	if (m->tmpfs_has_mode)
		mb_str_addf(&s, " mode=%o", m->tmpfs_mode);
	MB_KV_FOREACH (pair, &m->options)
		mb_str_addf(&s, " %s=%s", pair->key, pair->value);
	MB_STRV_FOREACH (flag, &m->flags)
		mb_str_addf(&s, " %s", flag);
	MB_STRV_FOREACH (o, &m->tmpfs_options)
		mb_str_addf(&s, " %s", o);
	return mb_str_take(&s);
}

struct row {
	const char *text, *want; /* what comes, or the error after "!" */
};
typedef int parse_fn(const char *text, const char *cwd, struct mb_volume_mount **ret,
                     struct mb_err *err);

static int parse_tmpfs(const char *text, const char *cwd, struct mb_volume_mount **ret,
                       struct mb_err *err)
{
	(void)cwd;
	return mb_volume_mount_parse_tmpfs(text, ret, err);
}

static void check(parse_fn *parse, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		MB_AUTO(mb_volume_mount_free) struct mb_volume_mount *m = NULL;
		struct mb_err err = MB_ERR_INIT;
		int r = parse(rows[i].text, "/cwd", &m, &err);
		MB_AUTO_FREE char *got = r < 0 ? mb_asprintf("!%s", err.msg) : describe(m);

		if (rows[i].want[0] == '!' ? !strstr(got, rows[i].want + 1) || r >= 0
		                           : strcmp(got, rows[i].want) != 0)
			fail_msg("'%s' gave '%s', not '%s'", rows[i].text, got, rows[i].want);
	}
}

static void short_form(void **state)
{
	static const struct row rows[] = {
		{"/data", "volume - /data"},
		{"vol:/data", "volume vol /data"},
		{"vol:/data:ro", "volume vol /data ro"},
		{"vol:/data:rw,nocopy", "volume vol /data nocopy"},
		{"/a:/b", "bind /a /b"},
		{"/a//b/../c:/x/./y/", "bind /a/c /x/y"},
		{"./rel:/b", "bind /cwd/rel /b"},
		{".:/b", "bind /cwd /b"},
		{"sub/dir:/b",
	         "!sub/dir includes invalid characters for a local volume name, only "
	         "\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a "
	         "host directory, use absolute path"},
		{"./sub/dir:/b", "bind /cwd/sub/dir /b"},
		{"/a:/b:ro,z,rslave", "bind /a /b ro rslave z"},
		{"/a:/b:Z,cached", "bind /a /b Z"},
		{"/a:/b:shared", "bind /a /b shared"},
		{"", "!invalid empty volume spec"},
		{":/b", "!invalid spec: :/b: empty section between colons"},
		{"/a:", "!empty section between colons"},
		{"/a::ro", "!empty section between colons"},
		{"/a:/b:ro:x", "!invalid volume specification: '/a:/b:ro:x'"},
		{"rel", "!invalid mount path: 'rel' mount path must be absolute"},
		{"/a:rel", "!mount path must be absolute"},
		{"/a:/", "!invalid specification: destination can't be '/'"},
		{"/a:/x/..", "!destination can't be '/'"},
		{"/a:/b:bad", "!invalid mode: bad"},
		{"/a:/b:ro,rw", "!invalid mode: ro,rw"},
		{"/a:/b:z,Z", "!invalid mode"},
		{"/a:/b:ro,", "!invalid mode: ro,"},
		{"/a:/b:nocopy", "!invalid mode: nocopy"},
		{"vol:/b:shared", "!invalid mode: shared"},
		{"/a:/b:U,ro", "bind /a /b ro chown"},
		{"vol:/b:U", "volume vol /b chown"},
		{"/a:/b:O", "bind /a /b overlay"},
		{"/a:/b:rw,O,z", "bind /a /b overlay z"},
		{"vol:/b:O", "!'O' is for directories of the host"},
		{"/a:/b:O,ro", "!'O' and 'ro' exclude each other"},
		{"/a:/b:U,O", "!'O' and 'U' exclude each other"},
		{"/a:/b:idmap,O", "!'O' and 'idmap' exclude each other"},
		{"/a:/b:O,shared", "!'O' and 'propagation' exclude each other"},
		{"/a:/b:O,upperdir=/u,workdir=/w", "!'upperdir=/u' is not supported"},
		{"/a:/b:U,U", "!invalid mode"},
		{"/a:/b:O,O", "!invalid mode"},
		{"/a:/b:ro,rprivate,rbind", "bind /a /b ro rprivate"},
		{"/a:/b:bind", "bind /a /b recursive1"},
		{"/a:/b:bind,rbind", "!invalid mode: bind,rbind"},
		{"vol:/b:rbind", "!invalid mode: rbind"},
		{"/a:/b:noexec,nosuid,dev", "bind /a /b noexec nosuid dev"},
		{"/a:/b:exec,noexec", "!invalid mode: exec,noexec"},
		{"vol:/b:noexec", "!invalid mode: noexec"},
		{"v$:/b", "!includes invalid characters for a local volume name"},
		{"v:/b", "!includes invalid characters"},
	};

	(void)state;
	check(mb_volume_mount_parse_short, rows, MB_N(rows));
}

static void long_form(void **state)
{
	static const struct row rows[] = {
		{"type=bind,source=/a,target=/b", "bind /a /b"},
		{"type=bind,src=/a,dst=/b,readonly", "bind /a /b ro"},
		{"type=bind,src=/a,destination=/b,ro=false", "bind /a /b"},
		{"type=bind,src=rel,dst=/b", "bind /cwd/rel /b"},
		{"type=bind,src=/a,dst=/b,bind-propagation=rshared", "bind /a /b rshared"},
		{"type=bind,src=/a,dst=/b,bind-nonrecursive", "bind /a /b recursive1"},
		{"type=bind,src=/a,dst=/b,bind-recursive=writable,ro", "bind /a /b ro recursive2"},
		{"type=bind,src=/a,dst=/b,ro,bind-recursive=readonly,bind-propagation=rprivate",
	         "bind /a /b ro rprivate recursive3"},
		{"type=bind,src=/a,dst=/b,bind-create-src", "bind /a /b create"},
		{"target=/b", "volume - /b"},
		{"type=volume,src=vol,dst=/b,volume-nocopy", "volume vol /b nocopy"},
		{"src=vol,dst=/b,volume-opt=type=tmpfs,volume-opt=device=tmpfs",
	         "volume vol /b type=tmpfs device=tmpfs"},
		{"src=vol,dst=/b,\"volume-opt=o=a,b\"", "volume vol /b o=a,b"},
		{"src=vol,dst=/b,volume-subpath=x//y", "volume vol /b sub=x/y"},
		{"type=tmpfs,dst=/t,tmpfs-size=64m,tmpfs-mode=1770",
	         "tmpfs - /t size=67108864 mode=1770"},
		{"type=bind,src=/a,dst=/b,consistency=cached", "bind /a /b"},
		{"type=bind,dst=/b", "!invalid mount config for type \"bind\": field Source must "
	                             "not be empty"},
		{"type=bind,src=/a", "!target is required"},
		{"type=nope,dst=/b", "!mount type unknown: \"nope\""},
		{"type=image,src=x,dst=/b", "image x /b ro"},
		{"type=image,src=x,dst=/b,ro=1,image-subpath=y//z", "image x /b ro sub=y/z"},
		{"type=image,dst=/b", "!invalid mount config for type \"image\": field Source must "
	                              "not be empty"},
		{"type=image,src=x,dst=/b,ro=false", "!mount type 'image' is read-only"},
		{"type=image,src=x,dst=/b,U", "!option 'chown' is not for mount type 'image'"},
		{"type=image,src=x,dst=/b,idmap", "!option 'idmap' is not for mount type 'image'"},
		{"type=image,src=x,dst=/b,volume-nocopy", "!cannot mix 'volume-*'"},
		{"type=image,src=x,dst=/b,image-subpath=../x", "!relative path below the image"},
		{"type=volume,src=x,dst=/b,image-subpath=x", "!cannot mix 'image-*' options with "
	                                                     "mount type 'volume'"},
		{"type=npipe,src=x,dst=/b", "!'npipe' is not supported"},
		{"type=bind,src=/a,dst=/b,bogus=1", "!unexpected key 'bogus' in 'bogus=1'"},
		{"type=bind,src=/a,dst=/b,bogus",
	         "!invalid field 'bogus' must be a key=value pair"},
		{"type=bind,src=/a,dst=/b,", "!invalid field '' must be a key=value pair"},
		{"type=bind,src=/a,dst=/b,ro=maybe", "!invalid value for ro: maybe"},
		{"type=bind,src=/a,dst=/b,volume-nocopy", "!cannot mix 'volume-*' options with "
	                                                  "mount type 'bind'"},
		{"type=volume,dst=/b,bind-propagation=slave", "!cannot mix 'bind-*'"},
		{"type=bind,src=/a,dst=/b,tmpfs-size=1", "!cannot mix 'tmpfs-*'"},
		{"type=tmpfs,src=/a,dst=/b", "!field Source must not be specified"},
		{"type=bind,src=/a,dst=b", "!mount path must be absolute"},
		{"type=bind,src=/a,dst=/b,bind-propagation=x", "!invalid propagation option: x"},
		{"type=bind,src=/a,dst=/b,bind-recursive=readonly", "!requires 'readonly'"},
		{"type=volume,src=vol,dst=/b,volume-subpath=../x", "!relative path below"},
		{"type=volume,dst=/b,volume-subpath=x", "!must not set Subpath"},
		{"type=volume,src=vol,dst=/b,volume-driver=nfs", "!plugin \"nfs\" not found"},
		{"type=bind,src=/a,dst=/b,\"x", "!a quote is not closed"},
		{"type=tmpfs,dst=/b,tmpfs-mode=9", "!invalid value for tmpfs-mode: 9"},
		{"type=bind,src=/a,dst=/b,idmap", "bind /a /b"},
		{"type=bind,src=/a,dst=/b,U", "bind /a /b chown"},
		{"type=bind,src=/a,dst=/b,chown=true", "bind /a /b chown"},
		{"type=bind,src=/a,dst=/b,chown=false", "bind /a /b"},
		{"type=tmpfs,dst=/b,U", "tmpfs - /b chown"},
		{"type=bind,src=/a,dst=/b,U=maybe", "!invalid value for U: maybe"},
	};

	(void)state;
	check(mb_volume_mount_parse_long, rows, MB_N(rows));
}

static void tmpfs_form(void **state)
{
	static const struct row rows[] = {
		{"/t", "tmpfs - /t"},
		{"/t:size=64m,noexec", "tmpfs - /t size=64m noexec"},
		{"t", "!mount path must be absolute"},
		{"", "!field Target must not be empty"},
	};

	(void)state;
	check(parse_tmpfs, rows, MB_N(rows));
}

static void volumes_from(void **state)
{
	MB_AUTO_FREE char *a = NULL, *b = NULL, *c = NULL;
	bool ro;

	(void)state;
	assert_int_equal(mb_volume_from_parse("c1", &a, &ro, NULL), 0);
	assert_string_equal(a, "c1");
	assert_false(ro);
	assert_int_equal(mb_volume_from_parse("c1:ro", &b, &ro, NULL), 0);
	assert_true(ro);
	assert_int_equal(mb_volume_from_parse("c1:x", &c, &ro, NULL), -EINVAL);
	assert_int_equal(mb_volume_from_parse(":ro", &c, &ro, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_form),
		cmocka_unit_test(long_form),
		cmocka_unit_test(tmpfs_form),
		cmocka_unit_test(volumes_from),
	};

	return cmocka_run_group_tests_name("volume/mount", tests, NULL, NULL);
}
