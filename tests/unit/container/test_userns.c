/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include "container/record.h"
#include "container/userns.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "oci/spec.h"

static int read_maps(const char *uids, const char *gids, struct mb_sys_id_maps *maps,
                     struct mb_err *err)
{
	struct mb_container_host_config host = {0};
	int r;

	mb_strv_split(&host.uid_map, uids, ' ');
	mb_strv_split(&host.gid_map, gids, ' ');
	r = mb_container_maps_read(&host, maps, err);
	mb_strv_done(&host.uid_map);
	mb_strv_done(&host.gid_map);
	return r;
}

static void maps_are_read(void **state)
{
	MB_AUTO_MAPS struct mb_sys_id_maps maps = {0};

	(void)state;
	assert_int_equal(read_maps("0:100000:1000 1000:@7", "0:200000:65536", &maps, NULL), 0);
	assert_int_equal(maps.n_uids, 2);
	assert_int_equal(maps.n_gids, 1);
	assert_int_equal(maps.uids[0].outside, 100000);
	assert_int_equal(maps.uids[0].count, 1000);
	assert_int_equal(maps.uids[1].inside, 1000);
	assert_int_equal(maps.uids[1].outside, 7);
	assert_int_equal(maps.uids[1].count, 1);
	assert_int_equal(maps.gids[0].count, 65536);
}

static void wrong_maps_are_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"0",
		"0:",
		":0",
		"0:1:",
		"0:1:0",
		"0:1:2:3",
		"a:1:2",
		"0:b:2",
		"0:1:c",
		" 0:1:2",
		"0:1:4294967295",
		"0:4294967295:1",
		"4294967295:0:1",
		"0:4294967296:1",
		"-1:1:1",
		"+0:1:1",
		"0:@@1:1",
		"1:1:1",                         /* 0 is missing */
		"0:100:10 9:200:1",              /* inside */
		"0:100:10 10:109:1",             /* outside */
		"0:100:10 10:50:51",             /* outside, from below */
		"0:0:4294967294 5:4294967294:1", /* inside, at the end */
	};

	(void)state;
	for (size_t i = 0; i < N(texts); i++) {
		MB_AUTO_MAPS struct mb_sys_id_maps maps = {0};
		struct mb_err err = MB_ERR_INIT;

		if (read_maps(texts[i], "0:1:2", &maps, &err) >= 0)
			fail_msg("'%s' was taken", texts[i]);
		assert_true(err.msg[0]);
	}
}

static void there_can_be_too_many(void **state)
{
	struct mb_container_host_config host = {0};
	MB_AUTO_MAPS struct mb_sys_id_maps maps = {0};

	(void)state;
	for (unsigned i = 0; i <= MB_SYS_ID_RANGES_MAX; i++)
		mb_strv_addf(&host.uid_map, "%u:%u:1", i, 1000 + i);
	assert_int_equal(mb_container_maps_read(&host, &maps, NULL), -E2BIG);
	mb_strv_done(&host.uid_map);
}

static void the_users_of_a_process_must_be_mapped(void **state)
{
	struct mb_container_host_config host = {0};
	struct mb_oci_process process = {0};
	struct mb_err err = MB_ERR_INIT;
	uint32_t groups[] = {5, 2000};

	(void)state;
	process.user.uid = 5000;
	assert_int_equal(mb_container_userns_check_user(&host, &process, &err), 0);
	mb_strv_add(&host.uid_map, "0:100000:1000");
	mb_strv_add(&host.gid_map, "0:100000:1000");
	assert_int_equal(mb_container_userns_check_user(&host, &process, &err), -EINVAL);
	process.user.uid = 999;
	assert_int_equal(mb_container_userns_check_user(&host, &process, &err), 0);
	process.user.gid = 1000;
	assert_int_equal(mb_container_userns_check_user(&host, &process, &err), -EINVAL);
	process.user.gid = 0;
	process.user.additional_gids = groups;
	process.user.n_additional_gids = 1;
	assert_int_equal(mb_container_userns_check_user(&host, &process, &err), 0);
	process.user.n_additional_gids = 2;
	assert_int_equal(mb_container_userns_check_user(&host, &process, &err), -EINVAL);
	mb_strv_done(&host.uid_map);
	mb_strv_done(&host.gid_map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(maps_are_read),
		cmocka_unit_test(wrong_maps_are_refused),
		cmocka_unit_test(there_can_be_too_many),
		cmocka_unit_test(the_users_of_a_process_must_be_mapped),
	};

	return cmocka_run_group_tests_name("container/userns", tests, NULL, NULL);
}
