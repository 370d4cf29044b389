/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/tar.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "core/own.h"
#include "core/str.h"
#include "core/utf8.h"

enum { BLOCK = 512, NAME_SIZE = 100, DIGITS_7 = 7, DIGITS_11 = 11 };

/* Where the parts of a header are: "ustar Interchange Format". */
enum {
	NAME = 0,
	MODE = 100,
	UID = 108,
	GID = 116,
	SIZE = 124,
	MTIME = 136,
	SUM = 148,
	TYPE = 156,
	LINK = 157,
	MAGIC = 257,
	MAJOR = 329,
	MINOR = 337,
};

static bool fits(uint64_t value, unsigned digits)
{
	return value >> (3 * digits) == 0;
}

/* Octal and a NUL; what does not fit is in the pax header and zero here. */
static void put_number(unsigned char *block, size_t at, uint64_t value, unsigned digits)
{
	char text[32];

	snprintf(text, sizeof(text), "%0*llo", (int)digits,
	         fits(value, digits) ? (unsigned long long)value : 0ull);
	memcpy(block + at, text, digits + 1);
}

static void put_name(unsigned char *block, size_t at, const char *name)
{
	memcpy(block + at, name, strnlen(name, NAME_SIZE));
}

static void add_header(struct mb_str *out, const struct mb_image_tar_entry *e, char type)
{
	unsigned char block[BLOCK] = {0};
	unsigned sum = 0;

	put_name(block, NAME, e->path);
	put_number(block, MODE, e->mode & 07777, DIGITS_7);
	put_number(block, UID, e->uid, DIGITS_7);
	put_number(block, GID, e->gid, DIGITS_7);
	put_number(block, SIZE, e->size, DIGITS_11);
	put_number(block, MTIME, e->mtime.tv_sec < 0 ? 0 : (uint64_t)e->mtime.tv_sec, DIGITS_11);
	block[TYPE] = (unsigned char)type;
	if (e->link)
		put_name(block, LINK, e->link);
	memcpy(block + MAGIC, "ustar\00000", 8);
	put_number(block, MAJOR, major(e->device), DIGITS_7);
	put_number(block, MINOR, minor(e->device), DIGITS_7);
	memset(block + SUM, ' ', 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += block[i];
	snprintf((char *)block + SUM, 8, "%06o", sum);
	mb_str_addn(out, block, BLOCK);
}

/* --- pax -------------------------------------------------------------------------------------- */

static size_t digits_of(size_t n)
{
	size_t digits = 1;

	for (; n >= 10; n /= 10)
		digits++;
	return digits;
}

/* "length key=value\n", where the length counts itself. */
static void add_record(struct mb_str *pax, const char *key, const void *value, size_t n)
{
	size_t rest = strlen(key) + n + 3, len = rest + digits_of(rest);

	if (digits_of(len) != digits_of(rest))
		len = rest + digits_of(len);
	mb_str_addf(pax, "%zu %s=", len, key);
	mb_str_addn(pax, value, n);
	mb_str_addc(pax, '\n');
}

static void add_text(struct mb_str *pax, const char *key, const char *value)
{
	add_record(pax, key, value, strlen(value));
}

static void add_number(struct mb_str *pax, const char *key, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	add_text(pax, key, text);
}

/* Without zeros at the end.  -1.5 is half a second after -2. */
static void add_time(struct mb_str *pax, const struct timespec *t)
{
	bool below = t->tv_sec < 0 && t->tv_nsec;
	long long sec = below ? (long long)t->tv_sec + 1 : (long long)t->tv_sec;
	long nsec = below ? 1000000000L - t->tv_nsec : t->tv_nsec;
	char text[48];
	int n = snprintf(text, sizeof(text), "%s%lld.%09ld", below && sec == 0 ? "-" : "", sec,
	                 nsec);

	while (text[n - 1] == '0')
		n--;
	n -= text[n - 1] == '.';
	add_record(pax, "mtime", text, (size_t)n);
}

static bool is_ascii(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x80)
			return false;
	return true;
}

static bool name_fits(const char *name)
{
	return !name || (strlen(name) <= NAME_SIZE && is_ascii(name));
}

static bool is_text(const char *name)
{
	return !name || mb_utf8_is_valid(name, strlen(name));
}

/* By key; POSIX wants hdrcharset before the names that it is about. */
static void add_records(struct mb_str *pax, const struct mb_image_tar_entry *e)
{
	bool long_path = !name_fits(e->path), long_link = !name_fits(e->link);

	for (size_t i = 0; i < e->n_xattrs; i++) {
		MB_AUTO_FREE char *key = mb_asprintf("SCHILY.xattr.%s", e->xattrs[i].name);

		add_record(pax, key, e->xattrs[i].value, e->xattrs[i].n);
	}
	if (!fits(e->gid, DIGITS_7))
		add_number(pax, "gid", e->gid);
	if ((long_path && !is_text(e->path)) || (long_link && !is_text(e->link)))
		add_text(pax, "hdrcharset", "BINARY");
	if (long_link)
		add_text(pax, "linkpath", e->link);
	if (e->mtime.tv_nsec || e->mtime.tv_sec < 0 || !fits((uint64_t)e->mtime.tv_sec, DIGITS_11))
		add_time(pax, &e->mtime);
	if (long_path)
		add_text(pax, "path", e->path);
	if (!fits(e->size, DIGITS_11))
		add_number(pax, "size", e->size);
	if (!fits(e->uid, DIGITS_7))
		add_number(pax, "uid", e->uid);
}

void mb_image_tar_add_padding(struct mb_str *out, uint64_t size)
{
	static const char zeros[BLOCK];

	mb_str_addn(out, zeros, (BLOCK - size % BLOCK) % BLOCK);
}

void mb_image_tar_add_entry(struct mb_str *out, const struct mb_image_tar_entry *entry)
{
	MB_AUTO_STR struct mb_str pax = MB_STR_INIT;

	add_records(&pax, entry);
	if (pax.len) {
		const struct mb_image_tar_entry header = {
			.path = "./PaxHeaders/0", .mode = 0644, .size = pax.len};

		add_header(out, &header, 'x');
		mb_str_addn(out, pax.buf, pax.len);
		mb_image_tar_add_padding(out, pax.len);
	}
	add_header(out, entry, (char)entry->type);
}

void mb_image_tar_add_end(struct mb_str *out)
{
	static const char zeros[2 * BLOCK];

	mb_str_addn(out, zeros, sizeof(zeros));
}
