/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/mman.h>
#include <sys/stat.h>

#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"
#include "fuzz.h"
#include "image/ring.h"
#include "image/skeleton.h"
#include "image/write.h"
#include "sys/tree.h"

enum { BLOCK = 512, LIMIT = MB_IMAGE_RING_SLOT };

/* --- the archive: "TYPE NAME|LINK|SIZE|MODE|OWNER|CONTENT" a line, with '~' for a line's end in
 * the content; a line that begins with '!' is bytes as they are ---------------------------------
 */

static void add_padding(struct mb_str *out)
{
	static const char zeros[BLOCK];

	mb_str_addn(out, zeros, (BLOCK - out->len % BLOCK) % BLOCK);
}

static const char *field(char **rest)
{
	char *part = strsep(rest, "|");

	return part ? part : "";
}

static void add_member(struct mb_str *out, char *line)
{
	char header[BLOCK + 1] = "", type = *line, *rest = line + 1;
	const char *name = field(&rest), *link = field(&rest), *size = field(&rest);
	const char *mode = field(&rest), *owner = field(&rest);
	char *content = rest ? rest : strchr(line, '\0');
	unsigned int sum = 0;

	for (char *s = content; *s; s++)
		*s = *s == '~' ? '\n' : *s;
	strncpy(header, name, 100);
	snprintf(header + 100, 8, "%.7s", *mode ? mode : "644");
	snprintf(header + 108, 8, "%.7s", *owner ? owner : "0");
	snprintf(header + 116, 8, "%.7s", *owner ? owner : "0");
	if (*size)
		snprintf(header + 124, 12, "%.11s", size);
	else
		snprintf(header + 124, 12, "%o", (unsigned int)strlen(content));
	snprintf(header + 136, 12, "7346545000");
	header[156] = type;
	strncpy(header + 157, link, 100);
	memcpy(header + 257,
	       "ustar\0"
	       "00",
	       8);
	memset(header + 148, ' ', 8);
	for (int i = 0; i < BLOCK; i++)
		sum += (unsigned char)header[i];
	snprintf(header + 148, 8, "%06o", sum);
	mb_str_addn(out, header, BLOCK);
	mb_str_add(out, content);
	add_padding(out);
}

static void make_archive(char *text, struct mb_str *out)
{
	static const char zeros[2 * BLOCK];
	char *line;

	while ((line = strsep(&text, "\n")) && out->len < LIMIT)
		if (*line == '!')
			mb_str_add(out, line + 1);
		else if (*line)
			add_member(out, line);
	mb_str_addn(out, zeros, sizeof(zeros));
	if (out->len > LIMIT)
		out->len = LIMIT;
}

/* --- what becomes of it ------------------------------------------------------------------------
 */

static bool unpack(const struct mb_str *tar, int root)
{
	struct mb_image_written written = {0};
	struct mb_image_ring ring;
	unsigned char *slot;

	FUZZ_CHECK(mb_image_ring_init(&ring, NULL) == 0);
	FUZZ_CHECK(mb_image_ring_slot(&ring, &slot) == 0);
	memcpy(slot, tar->buf, tar->len);
	FUZZ_CHECK(mb_image_ring_push(&ring, tar->len) == 0);
	FUZZ_CHECK(mb_image_ring_push(&ring, 0) == 0);
	mb_image_write(&ring, &(struct mb_image_write_to){.root_fd = root, .names_fd = -1},
	               &written);
	mb_image_ring_done(&ring);
	FUZZ_CHECK(written.err.code == 0 || *written.err.msg);
	return written.err.code == 0;
}

/* What the record and the tree give together is as long as the archive, or nothing. */
static void rebuild(const struct mb_str *tar, int root)
{
	MB_AUTO_CLOSE int fd = memfd_create("skeleton", MFD_CLOEXEC);
	struct mb_image_skeleton *s = mb_image_skeleton_new(fd);
	struct mb_image_ring ring;
	const unsigned char *bytes;
	size_t n = 0, total = 0;

	for (size_t at = 0; at < tar->len; at += 1000)
		mb_image_skeleton_add(s, (unsigned char *)tar->buf + at,
		                      tar->len - at < 1000 ? tar->len - at : 1000);
	FUZZ_CHECK(mb_image_skeleton_finish(s) == 0);
	FUZZ_CHECK(lseek(fd, 0, SEEK_SET) == 0);
	FUZZ_CHECK(mb_image_ring_init(&ring, NULL) == 0);
	if (mb_image_skeleton_fill(fd, root, &ring, NULL) == 0) {
		mb_image_ring_pull(&ring, &bytes, &n);
		total = n;
		FUZZ_CHECK(total == tar->len);
	}
	mb_image_ring_done(&ring);
}

/* Nothing outside of the root. */
static void check_canary(const struct stat *before)
{
	struct stat now;

	FUZZ_CHECK(fstatat(fuzz_dir(), "log", &now, AT_SYMLINK_NOFOLLOW) == 0);
	FUZZ_CHECK(now.st_ino == before->st_ino && now.st_nlink == 1 && now.st_size == 6 &&
	           now.st_mode == before->st_mode && now.st_uid == before->st_uid &&
	           now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
	           now.st_mtim.tv_nsec == before->st_mtim.tv_nsec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MB_AUTO_STR struct mb_str tar = MB_STR_INIT;
	char *text = fuzz_text(data, size);
	MB_AUTO_CLOSE int root = -1;
	struct stat canary;

	make_archive(text, &tar);
	free(text);
	fuzz_file("log", "canary", 6);
	FUZZ_CHECK(fstatat(fuzz_dir(), "log", &canary, AT_SYMLINK_NOFOLLOW) == 0);
	FUZZ_CHECK(mkdirat(fuzz_dir(), "etc", 0755) == 0);
	root = openat(fuzz_dir(), "etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	FUZZ_CHECK(root >= 0);
	if (unpack(&tar, root))
		rebuild(&tar, root);
	check_canary(&canary);
	FUZZ_CHECK(mb_sys_tree_remove(fuzz_dir(), "etc", NULL) == 0);
	return 0;
}
