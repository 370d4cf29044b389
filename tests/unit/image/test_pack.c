/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit_store.h"

#include <archive.h>
#include <archive_entry.h>
#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "core/err.h"
#include "core/own.h"
#include "core/sha256.h"
#include "core/str.h"
#include "core/strv.h"
#include "image/image.h"
#include "image/layer.h"
#include "image/pack.h"
#include "image/rebuild.h"
#include "image/tar.h"
#include "sys/userns.h"

static int gather(void *arg, const void *bytes, size_t n)
{
	mb_str_addn(arg, bytes, n);
	return 0;
}

static int pack(struct mb_image_pack *how, const struct unit_dir *dir, struct mb_str *out,
                struct mb_err *err)
{
	struct mb_image_packed packed;

	mb_str_reset(out);
	how->root_fd = dir->fd;
	how->give = gather;
	how->arg = out;
	return mb_image_pack(how, &packed, err);
}

/* "TYPE NAME[ > LINK]\n" for each entry, as another reader sees them. */
static void list(const struct mb_str *tar, struct mb_str *out)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;

	mb_str_reset(out);
	assert_int_equal(archive_read_support_format_tar(a), ARCHIVE_OK);
	assert_int_equal(archive_read_open_memory(a, tar->buf, tar->len), ARCHIVE_OK);
	while (archive_read_next_header(a, &e) <= ARCHIVE_OK && archive_entry_pathname(e)) {
		const char *hard = archive_entry_hardlink(e), *soft = archive_entry_symlink(e);
		mode_t type = archive_entry_filetype(e);

		mb_str_addf(out, "%c %s",
		            hard              ? 'h'
		            : type == S_IFDIR ? 'd'
		            : type == S_IFLNK ? 'l'
		            : type == S_IFIFO ? 'p'
		            : type == S_IFCHR ? 'c'
		                              : 'f',
		            archive_entry_pathname(e));
		if (hard || soft)
			mb_str_addf(out, " > %s", hard ? hard : soft);
		mb_str_addc(out, '\n');
		archive_entry_clear(e);
	}
	archive_read_free(a);
}

static void make_socket(int dirfd, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dirfd, name);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

static void make_tree(const struct unit_dir *dir)
{
	assert_int_equal(mkdirat(dir->fd, "b", 0750), 0);
	unit_write_text(dir->fd, "b/z", "zz");
	unit_write_text(dir->fd, "b.txt", "text");
	assert_int_equal(linkat(dir->fd, "b/z", dir->fd, "hard", 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", dir->fd, "link"), 0);
	assert_int_equal(mkfifoat(dir->fd, "pipe", 0600), 0);
	assert_int_equal(mkdirat(dir->fd, "a", 0755), 0);
	unit_write_text(dir->fd, "a/1", "");
	make_socket(dir->fd, "socket");
}

static void pack_is_sorted_and_the_same_each_time(void **state)
{
	MB_AUTO_STR struct mb_str one = MB_STR_INIT, two = MB_STR_INIT, seen = MB_STR_INIT;
	struct mb_image_pack how = {.layer = false};
	UNIT_DIR dir;

	(void)state;
	unit_dir_init(&dir);
	make_tree(&dir);
	assert_int_equal(pack(&how, &dir, &one, NULL), 0);
	list(&one, &seen);
	assert_string_equal(mb_str_text(&seen), "d a/\nf a/1\nd b/\nf b/z\nf b.txt\nh hard > b/z\n"
	                                        "l link > /etc/passwd\np pipe\n");
	assert_int_equal(pack(&how, &dir, &two, NULL), 0);
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.buf, two.buf, one.len);
	assert_int_equal(one.len % 512, 0);
}

static void pack_layer_has_words_for_what_is_deleted(void **state)
{
	MB_AUTO_STR struct mb_str tar = MB_STR_INIT, seen = MB_STR_INIT;
	struct mb_image_pack how = {.layer = true, .user_xattrs = true};
	struct mb_err err = MB_ERR_INIT;
	UNIT_DIR dir;

	(void)state;
	if (geteuid() != 0)
		skip();
	unit_dir_init(&dir);
	make_tree(&dir);
	assert_int_equal(mknodat(dir.fd, "a/gone", S_IFCHR, makedev(0, 0)), 0);
	/* The kernel gives all whiteouts of a mount one inode. */
	assert_int_equal(linkat(dir.fd, "a/gone", dir.fd, "gone", 0), 0);
	assert_int_equal(mknodat(dir.fd, "null", S_IFCHR | 0666, makedev(1, 3)), 0);
	assert_int_equal(unlinkat(dir.fd, "socket", 0), 0);
	assert_int_equal(pack(&how, &dir, &tar, NULL), 0);
	list(&tar, &seen);
	assert_string_equal(mb_str_text(&seen),
	                    "d ./\nd a/\nf a/1\nf a/.wh.gone\nd b/\nf b/z\nf b.txt\nf .wh.gone\n"
	                    "h hard > b/z\nl link > /etc/passwd\nc null\np pipe\n");
	unit_write_text(dir.fd, "a/.wh.real", "");
	assert_int_equal(pack(&how, &dir, &tar, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "'/a/.wh.real'"));
}

static bool set_mark(const struct unit_dir *dir, const char *path, const char *name,
                     const char *value)
{
	int fd = openat(dir->fd, path, O_RDONLY | O_CLOEXEC);
	int r = fsetxattr(fd, name, value, strlen(value), 0);

	close(fd);
	return r == 0;
}

static void pack_heeds_the_marks_of_overlayfs(void **state)
{
	MB_AUTO_STR struct mb_str tar = MB_STR_INIT, seen = MB_STR_INIT;
	struct mb_image_pack how = {.layer = true, .user_xattrs = true, .tidy = true};
	struct mb_err err = MB_ERR_INIT;
	char value[8];
	UNIT_DIR dir;

	(void)state;
	unit_dir_init(&dir);
	make_tree(&dir);
	if (!set_mark(&dir, "b", "user.overlay.opaque", "y"))
		skip(); /* a file system without such attributes */
	assert_true(set_mark(&dir, "a", "user.overlay.opaque", "n"));
	assert_true(set_mark(&dir, "b", "user.overlay.origin", "?"));
	assert_true(set_mark(&dir, "b.txt", "user.kept", "1"));
	assert_int_equal(pack(&how, &dir, &tar, NULL), 0);
	list(&tar, &seen);
	assert_string_equal(mb_str_text(&seen),
	                    "d ./\nd a/\nf a/1\nd b/\nf b/.wh..wh..opq\nf b/z\nf b.txt\n"
	                    "h hard > b/z\nl link > /etc/passwd\np pipe\n");
	/* Tidy: the tree is what the tar says. */
	assert_int_equal(faccessat(dir.fd, "socket", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	assert_non_null(memmem(tar.buf, tar.len, "SCHILY.xattr.user.kept=1\n", 25));
	assert_null(memmem(tar.buf, tar.len, "overlay", 7));
	{
		MB_AUTO_CLOSE int fd = openat(dir.fd, "b", O_RDONLY | O_CLOEXEC);

		assert_int_equal(fgetxattr(fd, "user.overlay.opaque", value, sizeof(value)), 1);
		assert_int_equal(fgetxattr(fd, "user.overlay.origin", value, sizeof(value)), -1);
	}
	assert_true(set_mark(&dir, "a", "user.overlay.redirect", "/b"));
	assert_int_equal(pack(&how, &dir, &tar, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.msg, "'/a'"));
}

static void pack_takes_names_of_any_bytes(void **state)
{
	MB_AUTO_STR struct mb_str tar = MB_STR_INIT, seen = MB_STR_INIT, path = MB_STR_INIT;
	struct mb_image_pack how = {.layer = true};
	struct mb_err err = MB_ERR_INIT;
	MB_AUTO_CLOSE int at = -1;
	UNIT_DIR dir;

	(void)state;
	unit_dir_init(&dir);
	unit_write_text(dir.fd, "new\nline", "");
	unit_write_text(dir.fd, "\xff\xfe raw", "raw");
	at = dup(dir.fd);
	/* 15 * 256 + 2 + 254 = 4,096 bytes. */
	for (int i = 0; i < 16; i++) {
		char name[256];
		int next;

		memset(name, 'd', 255);
		name[i < 15 ? 255 : 1] = '\0';
		assert_int_equal(mkdirat(at, name, 0755), 0);
		next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = next;
		mb_str_addf(&path, "%s/", name);
	}
	mb_str_reserve(&path, 256);
	for (int i = 0; i < 254; i++)
		mb_str_addc(&path, 'f');
	unit_write_text(at, mb_str_text(&path) + path.len - 254, "deep");
	assert_int_equal(path.len, 4096);
	assert_int_equal(pack(&how, &dir, &tar, NULL), 0);
	list(&tar, &seen);
	assert_non_null(strstr(mb_str_text(&seen), mb_str_text(&path)));
	assert_non_null(strstr(mb_str_text(&seen), "f new\nline\n"));
	assert_non_null(strstr(mb_str_text(&seen), "f \xff\xfe raw\n"));
	assert_non_null(memmem(tar.buf, tar.len, "21 hdrcharset=BINARY\n", 21));
	/* One byte more cannot be in a layer. */
	mb_str_addc(&path, 'f');
	unit_write_text(at, mb_str_text(&path) + path.len - 255, "");
	assert_int_equal(pack(&how, &dir, &tar, &err), -ENAMETOOLONG);
	/* nftw() of the clean-up would not find its way down by paths. */
	unlinkat(at, mb_str_text(&path) + path.len - 255, 0);
	unlinkat(at, mb_str_text(&path) + path.len - 254, 0);
	for (int i = 15; i >= 0; i--) {
		char name[256];
		int up = openat(at, "..", O_RDONLY | O_CLOEXEC);

		memset(name, 'd', 255);
		name[i < 15 ? 255 : 1] = '\0';
		assert_int_equal(unlinkat(up, name, AT_REMOVEDIR), 0);
		close(at);
		at = up;
	}
}

static void pack_goes_deeper_than_it_keeps_descriptors(void **state)
{
	MB_AUTO_STR struct mb_str tar = MB_STR_INIT, seen = MB_STR_INIT, want = MB_STR_INIT;
	struct mb_image_pack how = {.layer = false};
	MB_AUTO_STR struct mb_str path = MB_STR_INIT;
	unsigned before = unit_count_fds();
	UNIT_DIR dir;

	(void)state;
	unit_dir_init(&dir);
	for (int i = 0; i < 100; i++) {
		mb_str_addf(&path, "%sd", i ? "/" : "");
		assert_int_equal(mkdirat(dir.fd, mb_str_text(&path), 0755), 0);
		mb_str_addf(&want, "d %s/\n", mb_str_text(&path));
	}
	/* On the way back each directory has one more. */
	for (size_t n = path.len; n; n = n > 1 ? n - 2 : 0) {
		MB_AUTO_FREE char *file = mb_asprintf("%.*s/e", (int)n, mb_str_text(&path));

		unit_write_text(dir.fd, file, "e");
		mb_str_addf(&want, "f %s\n", file);
		if (n == 1)
			break;
	}
	assert_int_equal(pack(&how, &dir, &tar, NULL), 0);
	list(&tar, &seen);
	assert_string_equal(mb_str_text(&seen), mb_str_text(&want));
	assert_int_equal(unit_count_fds(), before + 1);
}

static void pack_leaves_out_what_mounts_left(void **state)
{
	MB_AUTO_STR struct mb_str tar = MB_STR_INIT, seen = MB_STR_INIT;
	MB_AUTO_STRV struct mb_strv points = MB_STRV_INIT;
	struct mb_image_pack how = {.layer = true, .mount_points = &points};
	UNIT_DIR dir;
	UNIT_DIR below;

	(void)state;
	unit_dir_init(&dir);
	unit_dir_init(&below);
	how.below_fd = below.fd;
	mb_strv_add(&points, "mnt/deep/volume");
	mb_strv_add(&points, "kept/volume");
	mb_strv_add(&points, "etc/file");
	mb_strv_add(&points, "old");
	assert_int_equal(mkdirat(dir.fd, "mnt", 0755), 0);
	assert_int_equal(mkdirat(dir.fd, "mnt/deep", 0755), 0);
	assert_int_equal(mkdirat(dir.fd, "mnt/deep/volume", 0755), 0);
	assert_int_equal(mkdirat(dir.fd, "kept", 0755), 0);
	assert_int_equal(mkdirat(dir.fd, "kept/volume", 0755), 0);
	unit_write_text(dir.fd, "kept/x", "");
	assert_int_equal(mkdirat(dir.fd, "etc", 0755), 0);
	unit_write_text(dir.fd, "etc/file", "");
	unit_write_text(dir.fd, "etc/file2", "");
	assert_int_equal(mkdirat(dir.fd, "old", 0700), 0);
	assert_int_equal(mkdirat(below.fd, "old", 0755), 0);
	assert_int_equal(pack(&how, &dir, &tar, NULL), 0);
	list(&tar, &seen);
	assert_string_equal(mb_str_text(&seen),
	                    "d ./\nd etc/\nf etc/file2\nd kept/\nf kept/x\nd old/\n");
}

/* What a user namespace has written, as its own root sees it. */
static void pack_maps_ids_back(void **state)
{
	struct mb_sys_id_range range = {.inside = 0, .outside = 100000, .count = 65536};
	const struct mb_sys_id_maps maps = {&range, &range, 1, 1};
	const struct vfs_ns_cap_data caps = {.magic_etc = VFS_CAP_REVISION_3 | 1,
	                                     .data = {{.permitted = 1 << 10}},
	                                     .rootid = 100000};
	const unsigned char acl[] = {2,   0,   0,   0,    1,   0,    6,    0,   255, 255, 255,
	                             255, 2,   0,   4,    0,   0x88, 0x8a, 1,   0,   4,   0,
	                             6,   0,   255, 255,  255, 255,  0x10, 0,   6,   0,   255,
	                             255, 255, 255, 0x20, 0,   4,    0,    255, 255, 255, 255};
	MB_AUTO_STR struct mb_str tar = MB_STR_INIT;
	struct mb_image_pack how = {.layer = true, .maps = &maps};
	bool has_acl;
	struct archive *a;
	struct archive_entry *e;
	UNIT_DIR dir;

	(void)state;
	if (geteuid() != 0)
		skip();
	unit_dir_init(&dir);
	assert_int_equal(fchown(dir.fd, 100000, 100000), 0);
	unit_write_text(dir.fd, "file", "x");
	assert_int_equal(fchownat(dir.fd, "file", 101000, 100050, 0), 0);
	unit_write_text(dir.fd, "host", "x");
	{
		MB_AUTO_CLOSE int fd = openat(dir.fd, "file", O_RDONLY | O_CLOEXEC);

		assert_int_equal(fsetxattr(fd, "security.capability", &caps, sizeof(caps), 0), 0);
		has_acl = fsetxattr(fd, "system.posix_acl_access", acl, sizeof(acl), 0) == 0;
	}
	assert_int_equal(pack(&how, &dir, &tar, NULL), 0);
	a = archive_read_new();
	archive_read_support_format_tar(a);
	assert_int_equal(archive_read_open_memory(a, tar.buf, tar.len), ARCHIVE_OK);
	assert_int_equal(archive_read_next_header(a, &e), ARCHIVE_OK);
	assert_int_equal(archive_entry_uid(e), 0);
	assert_int_equal(archive_read_next_header(a, &e), ARCHIVE_OK);
	assert_int_equal(archive_entry_uid(e), 1000);
	assert_int_equal(archive_entry_gid(e), 50);
	archive_entry_xattr_reset(e);
	for (int n = archive_entry_xattr_count(e); n > 0; n--) {
		const char *name;
		const void *value;
		size_t size;

		archive_entry_xattr_next(e, &name, &value, &size);
		if (strcmp(name, "security.capability") == 0) {
			assert_int_equal(size, XATTR_CAPS_SZ_2);
			assert_int_equal(((const unsigned char *)value)[3], 2);
		} else if (has_acl) {
			/* User 101000 is 1000. */
			assert_string_equal(name, "system.posix_acl_access");
			assert_memory_equal((const char *)value + 16, "\xe8\x03\0\0", 4);
		}
	}
	assert_int_equal(archive_entry_xattr_count(e), 1 + has_acl);
	/* Nobody inside is root outside. */
	assert_int_equal(archive_read_next_header(a, &e), ARCHIVE_OK);
	assert_int_equal(archive_entry_uid(e), 65534);
	archive_read_free(a);
}

/* What ustar cannot hold comes through, too. */
static void tar_holds_what_ustar_does_not(void **state)
{
	static const struct timespec times[] = {
		{0, 0},  {1, 0},         {1700000000, 123456789}, {1700000000, 120000000},
		{-5, 0}, {1ll << 35, 0},
	};
	MB_AUTO_STR struct mb_str tar = MB_STR_INIT;
	struct archive *a = archive_read_new();
	struct archive_entry *e;

	(void)state;
	for (size_t i = 0; i < N(times); i++) {
		const struct mb_image_tar_entry entry = {
			.type = MB_IMAGE_TAR_DIR,
			.path = "d/",
			.mode = 01755,
			.uid = i % 2 ? 4000000000u : 1000,
			.gid = i % 2 ? 4000000001u : 1001,
			.mtime = times[i],
		};

		mb_image_tar_add_entry(&tar, &entry);
		/* The plainest entry is one block. */
		if (i == 0)
			assert_int_equal(tar.len, 512);
	}
	mb_image_tar_add_end(&tar);
	archive_read_support_format_tar(a);
	assert_int_equal(archive_read_open_memory(a, tar.buf, tar.len), ARCHIVE_OK);
	for (size_t i = 0; i < N(times); i++) {
		assert_int_equal(archive_read_next_header(a, &e), ARCHIVE_OK);
		assert_int_equal(archive_entry_mtime(e), times[i].tv_sec);
		assert_int_equal(archive_entry_mtime_nsec(e), times[i].tv_nsec);
		assert_int_equal(archive_entry_uid(e), i % 2 ? 4000000000u : 1000);
		assert_int_equal(archive_entry_gid(e), i % 2 ? 4000000001u : 1001);
		assert_int_equal(archive_entry_perm(e), 01755);
	}
	assert_int_equal(archive_read_next_header(a, &e), ARCHIVE_EOF);
	archive_read_free(a);
	/* Half a second before 1969-12-31 23:59:59 is -1.5. */
	{
		const struct mb_image_tar_entry entry = {.type = MB_IMAGE_TAR_FILE,
		                                         .path = "f",
		                                         .size = 1ull << 40,
		                                         .mtime = {-2, 500000000}};

		mb_str_reset(&tar);
		mb_image_tar_add_entry(&tar, &entry);
		assert_non_null(
			memmem(tar.buf, tar.len, "14 mtime=-1.5\n22 size=1099511627776\n", 36));
	}
}

/* --- layers ----------------------------------------------------------------------------------- */

static void make_upper(struct mb_store *store, int *ret_ingest, const char *name)
{
	MB_AUTO_CLOSE int fd = -1;

	assert_int_equal(mb_store_dir(store, "ingest", false, ret_ingest, NULL), 0);
	assert_int_equal(mkdirat(*ret_ingest, name, 0755), 0);
	fd = openat(*ret_ingest, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(fd, "etc", 0755), 0);
	unit_write_text(fd, "etc/file", "content");
	assert_int_equal(linkat(fd, "etc/file", fd, "same", 0), 0);
	assert_int_equal(mknodat(fd, "gone", S_IFCHR, makedev(0, 0)), 0);
	{
		const struct timespec times[2] = {{1, 0}, {1600000000, 5}};

		assert_int_equal(utimensat(fd, "etc/file", times, 0), 0);
		assert_int_equal(utimensat(fd, "etc", times, 0), 0);
		assert_int_equal(futimens(fd, times), 0);
	}
}

static void adopt_makes_a_layer_without_copying(void **state)
{
	static const char parent[] =
		"ab00000000000000000000000000000000000000000000000000000000000000";
	MB_AUTO_CLOSE int hold = -1, ingest = -1, out = -1;
	struct mb_image_layer_tree tree = {.name = "upper", .parent = parent};
	struct mb_image_layer layer, again;
	struct mb_image_rebuilt built;
	struct stat before, after;
	char path[256];
	UNIT_STORE s;

	(void)state;
	if (geteuid() != 0)
		skip();
	unit_store_init(&s);
	assert_int_equal(mb_image_hold(s.store, &hold, NULL), 0);
	make_upper(s.store, &ingest, "upper");
	tree.dir_fd = ingest;
	assert_int_equal(fstatat(ingest, "upper/etc/file", &before, 0), 0);
	assert_int_equal(mb_image_layer_adopt(s.store, &tree, &layer, NULL), 0);
	assert_false(layer.cached);
	assert_int_equal(layer.bytes, 7);
	snprintf(path, sizeof(path), "layers/%s/diff/etc/file", layer.chain);
	assert_int_equal(fstatat(s.store->root_fd, path, &after, 0), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(faccessat(ingest, "upper", F_OK, 0), -1);
	/* Its archive can be made again, with the digest it was given. */
	assert_int_equal(mb_image_rebuild_file(s.store, &out, NULL), 0);
	assert_int_equal(
		mb_image_rebuild(s.store, layer.chain, layer.diff_id, false, out, &built, NULL), 0);
	assert_string_equal(built.blob, layer.diff_id);
	/* The same once more is the same layer. */
	make_upper(s.store, &(int){-1}, "again");
	tree.name = "again";
	assert_int_equal(mb_image_layer_adopt(s.store, &tree, &again, NULL), 0);
	assert_true(again.cached);
	assert_string_equal(again.chain, layer.chain);
	assert_int_equal(faccessat(ingest, "again", F_OK, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pack_is_sorted_and_the_same_each_time),
		cmocka_unit_test(pack_layer_has_words_for_what_is_deleted),
		cmocka_unit_test(pack_heeds_the_marks_of_overlayfs),
		cmocka_unit_test(pack_takes_names_of_any_bytes),
		cmocka_unit_test(pack_goes_deeper_than_it_keeps_descriptors),
		cmocka_unit_test(pack_leaves_out_what_mounts_left),
		cmocka_unit_test(pack_maps_ids_back),
		cmocka_unit_test(tar_holds_what_ustar_does_not),
		cmocka_unit_test(adopt_makes_a_layer_without_copying),
	};

	return cmocka_run_group_tests_name("image/pack", tests, NULL, NULL);
}
