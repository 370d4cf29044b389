/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/own.h"
#include "image/ring.h"
#include "image/write.h"
#include "sys/tree.h"

static char top[] = "/tmp/mybox-write-XXXXXX";
static int root = -1;

struct row {
	const char *name;
	mode_t type;
	const char *text; /* content, or target; "=NAME": a hard link */
	mode_t mode;      /* 0: 0755 or 0644 */
	gid_t gid;
};

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(top))
		return -1;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return mb_sys_tree_remove(AT_FDCWD, top, NULL);
}

static void add(struct archive *a, const struct row *row)
{
	struct archive_entry *e = archive_entry_new();
	size_t n = row->text ? strlen(row->text) : 0;
	mode_t mode = row->mode ? row->mode : row->type == S_IFDIR ? 0755 : 0644;

	archive_entry_set_pathname(e, row->name);
	archive_entry_set_mode(e, (row->type ? row->type : S_IFREG) | mode);
	archive_entry_set_uid(e, geteuid());
	archive_entry_set_gid(e, row->gid ? row->gid : getegid());
	archive_entry_set_mtime(e, 1000, 5);
	archive_entry_set_size(e, 0);
	if (row->type == S_IFLNK)
		archive_entry_set_symlink(e, row->text);
	else if (row->text && row->text[0] == '=')
		archive_entry_set_hardlink(e, row->text + 1);
	else if (!row->type)
		archive_entry_set_size(e, (la_int64_t)n);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	if (archive_entry_size(e) > 0)
		assert_int_equal(archive_write_data(a, row->text, n), n);
	archive_entry_free(e);
}

/* Unpack @rows into a new directory.  Return: what the writer says. */
static struct mb_image_written unpack(const struct row *rows, size_t n, bool bottom)
{
	struct mb_image_written written = {0};
	struct archive *a = archive_write_new();
	struct mb_image_ring ring;
	unsigned char *slot;
	size_t used = 0;
	int dir = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	mb_close(&root);
	mb_sys_tree_remove(dir, "root", NULL);
	assert_int_equal(mkdirat(dir, "root", 0755), 0);
	root = openat(dir, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mb_close(&dir);
	assert_int_equal(mb_image_ring_init(&ring, NULL), 0);
	assert_int_equal(mb_image_ring_slot(&ring, &slot), 0);
	archive_write_set_format_pax(a);
	archive_write_open_memory(a, slot, MB_IMAGE_RING_SLOT, &used);
	for (size_t i = 0; i < n; i++)
		add(a, &rows[i]);
	archive_write_close(a);
	archive_write_free(a);
	assert_int_equal(mb_image_ring_push(&ring, used), 0);
	assert_int_equal(mb_image_ring_push(&ring, 0), 0);
	mb_image_write(
		&ring,
		&(struct mb_image_write_to){.root_fd = root, .names_fd = -1, .bottom = bottom},
		&written);
	mb_image_ring_done(&ring);
	return written;
}

static mode_t type_of(const char *path)
{
	struct stat st;

	return fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : st.st_mode & S_IFMT;
}

static void read_all(const char *path, char text[64])
{
	MB_AUTO_CLOSE int fd = openat(root, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, text, 63);
	assert_true(n >= 0);
	text[n] = '\0';
}

static void write_makes_a_tree(void **state)
{
	static const struct row rows[] = {
		{"d/", S_IFDIR, NULL}, {"d/f", 0, "text"},     {"l", S_IFLNK, "/d"},
		{"l/g", 0, "in d"},    {"h", 0, "=d/f"},       {"p", S_IFIFO, NULL},
		{"i/j/k", 0, "deep"},  {"x", 0, "first"},      {"x", 0, "second"},
		{"y", 0, "file"},      {"y", S_IFDIR, NULL},   {"z/", S_IFDIR, NULL},
		{"z/in", 0, "gone"},   {"z", S_IFLNK, "/etc"},
	};
	struct mb_image_written w = unpack(rows, MB_N(rows), true);
	struct stat st;
	char text[64];

	(void)state;
	assert_string_equal(w.err.msg, "");
	assert_int_equal(w.err.code, 0);
	assert_int_equal(w.entries, MB_N(rows));
	read_all("d/g", text);
	assert_string_equal(text, "in d");
	read_all("x", text);
	assert_string_equal(text, "second");
	read_all("i/j/k", text);
	assert_int_equal(type_of("y"), S_IFDIR);
	assert_int_equal(type_of("z"), S_IFLNK);
	assert_int_equal(type_of("p"), S_IFIFO);
	assert_int_equal(fstatat(root, "h", &st, 0), 0);
	assert_int_equal(st.st_nlink, 2);
	assert_int_equal(fstatat(root, "d", &st, 0), 0);
	assert_int_equal(st.st_mtim.tv_sec, 1000);
	assert_int_equal(st.st_mtim.tv_nsec, 5);
}

/* A directory that gives its group to what is made in it must not while a layer is unpacked. */
static void write_owners_inside_setgid(void **state)
{
	static const struct row rows[] = {
		{"s/", S_IFDIR, NULL, 02775, 50},
		{"s/f", 0, "text"},
		{"s/d/", S_IFDIR, NULL},
		{"s/d/f", 0, "text"},
		{"s/l", S_IFLNK, "f"},
		{"s/p", S_IFIFO, NULL},
		{"s/.wh.gone", 0, ""},
		{"s/i/j", 0, "deep"},
		{"s/own", 0, "text", 0644, 50},
		{"was/", S_IFDIR, NULL, 02775, 50},
		{"was/", S_IFDIR, NULL, 0700},
	};
	static const struct {
		const char *name;
		gid_t gid;
		mode_t mode;
	} want[] = {
		{"s", 50, 02775},    {"s/f", 0, 0644}, {"s/d", 0, 0755}, {"s/d/f", 0, 0644},
		{"s/l", 0, 0777},    {"s/p", 0, 0644}, {"s/i", 0, 0755}, {"s/i/j", 0, 0644},
		{"s/own", 50, 0644}, {"was", 0, 0700},
	};
	struct mb_image_written w;

	(void)state;
	if (geteuid() != 0)
		skip(); /* needs other groups */
	w = unpack(rows, MB_N(rows), false);
	assert_string_equal(w.err.msg, "");
	for (size_t i = 0; i < MB_N(want); i++) {
		struct stat st;

		assert_int_equal(fstatat(root, want[i].name, &st, AT_SYMLINK_NOFOLLOW), 0);
		if (st.st_gid != want[i].gid || (st.st_mode & 07777) != want[i].mode)
			fail_msg("%s: %u %o", want[i].name, st.st_gid, st.st_mode);
	}
}

static void write_whiteouts(void **state)
{
	static const struct row rows[] = {
		{".wh.gone", 0, ""}, {"d/.wh.a", 0, ""}, {"f", 0, "here"},
		{".wh.f", 0, ""},    {".wh.g", 0, ""},   {"g", 0, "again"},
	};
	struct mb_image_written w = unpack(rows, MB_N(rows), false);
	struct stat st;

	(void)state;
	assert_int_equal(w.err.code, 0);
	assert_int_equal(fstatat(root, "gone", &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(S_ISCHR(st.st_mode) && st.st_rdev == 0);
	assert_int_equal(type_of("d/a"), S_IFCHR);
	assert_int_equal(type_of("f"), S_IFREG);
	assert_int_equal(type_of("g"), S_IFREG);
	w = unpack(rows, MB_N(rows), true);
	assert_int_equal(w.err.code, 0);
	assert_int_equal(type_of("gone"), 0);
}

static void write_refuses(void **state)
{
	static const struct row rows[][2] = {
		{{"../x", 0, "x"}, {"a", 0, ""}},
		{{"f", 0, "x"}, {"f/x", 0, ""}},
		{{"l", S_IFLNK, "/nowhere"}, {"l/x", 0, ""}},
		{{"h", 0, "=../../etc/passwd"}, {"a", 0, ""}},
		{{"h", 0, "=missing"}, {"a", 0, ""}},
		{{"d", S_IFDIR, NULL}, {"h", 0, "=d"}},
		{{".wh..", 0, ""}, {"a", 0, ""}},
	};

	(void)state;
	for (size_t i = 0; i < MB_N(rows); i++) {
		struct mb_image_written w = unpack(rows[i], 2, false);

		assert_int_not_equal(w.err.code, 0);
		assert_non_null(strstr(w.err.msg, "entry '"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(write_makes_a_tree),
		cmocka_unit_test(write_owners_inside_setgid),
		cmocka_unit_test(write_whiteouts),
		cmocka_unit_test(write_refuses),
	};

	return cmocka_run_group_tests_name("image/write", tests, set_up, tear_down);
}
