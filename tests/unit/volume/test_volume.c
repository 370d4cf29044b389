/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/err.h"
#include "core/str.h"
#include "store/store.h"
#include "sys/tree.h"
#include "volume/copy.h"
#include "volume/volume.h"

static char top[] = "/tmp/mybox-volume-XXXXXX";
static struct mb_store *store;

static int set_up(void **state)
{
	char root[64], run[64];

	(void)state;
	if (!mkdtemp(top))
		return -1;
	snprintf(root, sizeof(root), "%s/root", top);
	snprintf(run, sizeof(run), "%s/run", top);
	return mb_store_open(root, run, &store, NULL);
}

static int tear_down(void **state)
{
	(void)state;
	mb_store_free(store);
	return mb_sys_tree_remove(AT_FDCWD, top, NULL);
}

static struct mb_volume *create(const char *name, bool *ret_created)
{
	const struct mb_volume_create_request request = {.name = name};
	struct mb_volume *volume = NULL;

	assert_int_equal(mb_volume_create(store, &request, &volume, ret_created, NULL), 0);
	return volume;
}

static void create_is_idempotent(void **state)
{
	bool created = false;
	MB_AUTO(mb_volume_free) struct mb_volume *a = create("data", &created);
	MB_AUTO(mb_volume_free) struct mb_volume *b = NULL, *c = NULL;

	(void)state;
	assert_true(created);
	assert_false(a->anonymous);
	b = create("data", &created);
	assert_false(created);
	assert_int_equal(a->created, b->created);
	c = create(NULL, &created);
	assert_true(created && c->anonymous);
	assert_int_equal(strlen(c->name), 64);
	assert_int_equal(mb_volume_remove(store, c->name, false, NULL, NULL), 0);
}

static void create_refuses(void **state)
{
	static const char *const names[] = {"x", "a/b", "..", "-a", "a b", "$x"};
	MB_AUTO_KV struct mb_kv odd = MB_KV_INIT, half = MB_KV_INIT;
	struct mb_volume_create_request request = {0};
	struct mb_volume *volume = NULL;
	struct mb_err err = MB_ERR_INIT;

	(void)state;
	for (size_t i = 0; i < MB_N(names); i++) {
		request.name = names[i];
		assert_int_equal(mb_volume_create(store, &request, &volume, NULL, &err), -EINVAL);
	}
	request.name = "opts";
	request.options = &odd;
	mb_kv_set(&odd, "foo", "x");
	assert_int_equal(mb_volume_create(store, &request, &volume, NULL, &err), -EINVAL);
	assert_string_equal(err.msg, "invalid option: \"foo\"");
	request.options = &half;
	mb_kv_set(&half, "type", "tmpfs");
	assert_int_equal(mb_volume_create(store, &request, &volume, NULL, &err), -EINVAL);
	assert_string_equal(err.msg, "missing required option: \"device\"");
	request.options = NULL;
	request.driver = "nfs";
	assert_int_equal(mb_volume_create(store, &request, &volume, NULL, &err), -ENOENT);
}

static int used(void *arg, const char *name, struct mb_strv *out, struct mb_err *err)
{
	(void)arg;
	(void)name;
	(void)err;
	mb_strv_add(out, "c1");
	mb_strv_add(out, "c2");
	return 0;
}

static void remove_asks_who_uses_it(void **state)
{
	const struct mb_volume_users users = {used, NULL};
	struct mb_err err = MB_ERR_INIT;
	MB_AUTO(mb_volume_free) struct mb_volume *volume = create("used", NULL);
	MB_AUTO(mb_volume_free) struct mb_volume *again = NULL;

	(void)state;
	assert_non_null(volume);
	assert_int_equal(mb_volume_remove(store, "used", false, &users, &err), MB_VOLUME_IN_USE);
	assert_string_equal(err.msg, "remove used: volume is in use - [c1, c2]");
	assert_int_equal(mb_volume_remove(store, "used", false, NULL, &err), 0);
	assert_int_equal(mb_volume_find(store, "used", &again, &err), MB_VOLUME_ABSENT);
	assert_string_equal(err.msg, "get used: no such volume");
	assert_int_equal(mb_volume_remove(store, "used", false, NULL, &err), MB_VOLUME_ABSENT);
	assert_int_equal(mb_volume_remove(store, "used", true, NULL, &err), 0);
	assert_int_equal(mb_volume_find(store, "../images", &again, &err), MB_VOLUME_ABSENT);
}

static int open_dir(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void put(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void copy_up_once_and_whole(void **state)
{
	char image[128];
	struct stat a, b;
	MB_AUTO_CLOSE int rootfs = -1, data = -1, dir = -1;
	MB_AUTO(mb_volume_free) struct mb_volume *volume = create("copy", NULL);

	(void)state;
	snprintf(image, sizeof(image), "%s/image", top);
	assert_int_equal(mkdir(image, 0755), 0);
	rootfs = open_dir("image");
	assert_int_equal(mkdirat(rootfs, "srv", 0750), 0);
	assert_int_equal(symlinkat("/srv", rootfs, "link"), 0);
	assert_int_equal(symlinkat("../../../../etc", rootfs, "out"), 0);
	dir = openat(rootfs, "srv", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put(dir, "a", "text");
	assert_int_equal(linkat(dir, "a", dir, "b", 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", dir, "s"), 0);
	assert_int_equal(mkdirat(dir, "sub", 0700), 0);
	assert_int_equal(mkfifoat(dir, "p", 0600), 0);

	assert_int_equal(mb_volume_data_open(store, volume, &data, NULL, NULL), 0);
	/* A link out of the image leads into the image, where there is no /etc. */
	assert_int_equal(mb_volume_copy_up(store, volume, rootfs, "/out", data, NULL), 0);
	assert_int_equal(mb_volume_copy_up(store, volume, rootfs, "/nothing", data, NULL), 0);
	assert_false(volume->copied);
	assert_int_equal(mb_volume_copy_up(store, volume, rootfs, "/link", data, NULL), 0);
	assert_true(volume->copied);
	assert_int_equal(fstatat(data, "a", &a, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(fstatat(data, "b", &b, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(a.st_ino == b.st_ino && a.st_nlink == 2 && a.st_size == 4);
	assert_int_equal(fstatat(data, "s", &a, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISLNK(a.st_mode));
	assert_int_equal(fstatat(data, "p", &a, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISFIFO(a.st_mode));
	assert_int_equal(fstatat(data, "sub", &a, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(a.st_mode & 07777, 0700);
	assert_int_equal(fstatat(data, "", &a, AT_EMPTY_PATH), 0);
	assert_int_equal(a.st_mode & 07777, 0750);
	/* Never again, also for another handle. */
	assert_int_equal(unlinkat(data, "a", 0), 0);
	volume->copied = false;
	assert_int_equal(mb_volume_copy_up(store, volume, rootfs, "/srv", data, NULL), 0);
	assert_true(volume->copied);
	assert_int_equal(faccessat(data, "a", F_OK, 0), -1);
}

static void copy_up_begins_again(void **state)
{
	MB_AUTO(mb_volume_free) struct mb_volume *volume = create("half", NULL);
	MB_AUTO_CLOSE int rootfs = open_dir("image"), data = -1, own = -1, vol = -1;

	(void)state;
	assert_int_equal(mb_store_dir(store, "volumes/half", false, &vol, NULL), 0);
	own = openat(vol, "_data", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put(vol, "COPYING", "");
	put(own, "half-a-file", "x");
	assert_int_equal(mb_volume_data_open(store, volume, &data, NULL, NULL), 0);
	assert_int_equal(mb_volume_copy_up(store, volume, rootfs, "/srv", data, NULL), 0);
	assert_int_equal(faccessat(data, "half-a-file", F_OK, 0), -1);
	assert_int_equal(faccessat(data, "b", F_OK, 0), 0);
	assert_int_equal(faccessat(vol, "COPYING", F_OK, 0), -1);
}

static void list_and_check(void **state)
{
	struct mb_volume_list list = {0};
	const struct mb_volume_check_request look = {0}, mend = {.repair = true};
	MB_AUTO_CLOSE int vol = -1, all = -1;
	size_t left = 0;

	(void)state;
	assert_int_equal(mb_store_dir(store, "volumes", false, &all, NULL), 0);
	assert_int_equal(mkdirat(all, ".tmp-x", 0700), 0);
	assert_int_equal(mb_store_dir(store, "volumes/half", false, &vol, NULL), 0);
	assert_int_equal(unlinkat(vol, "meta.json", 0), 0);
	put(vol, "meta.json", "{}");
	assert_int_equal(mb_volume_list_load(store, &list, NULL), 0);
	assert_int_equal(list.n, 2);
	assert_string_equal(list.v[0]->name, "copy");
	assert_int_equal(list.corrupt.n, 1);
	mb_volume_list_done(&list);
	assert_int_equal(mb_volume_check(store, &look, &left, NULL), 0);
	assert_int_equal(left, 2);
	assert_int_equal(mb_volume_check(store, &mend, &left, NULL), 0);
	assert_int_equal(left, 0);
	assert_int_equal(mb_volume_list_load(store, &list, NULL), 0);
	assert_int_equal(list.n, 3);
	mb_volume_list_done(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create_is_idempotent),    cmocka_unit_test(create_refuses),
		cmocka_unit_test(remove_asks_who_uses_it), cmocka_unit_test(copy_up_once_and_whole),
		cmocka_unit_test(copy_up_begins_again),    cmocka_unit_test(list_and_check),
	};

	return cmocka_run_group_tests_name("volume/volume", tests, set_up, tear_down);
}
