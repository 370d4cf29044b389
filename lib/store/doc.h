/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/store/doc.h — documents on disk: one JSON object with a schema number and a checksum.
 *
 *   {"schema":1,"sum":"89abcdef","id":...}
 *
 * The sum is the CRC-32C of every byte after the closing quote of the sum to the end of the
 * file.  Documents appear and change whole, by rename.
 */
#ifndef MB_STORE_DOC_H
#define MB_STORE_DOC_H

#include <stddef.h>

struct json_object;
struct mb_err;
struct mb_json_field;
struct mb_str;

enum { MB_DOC_LIMIT = 4 << 20 }; /* bytes a document may have */

enum mb_doc_flags {
	MB_DOC_DURABLE = 1, /* fdatasync the file and fsync the directory */
	MB_DOC_REPLACE = 2, /* rename over an old one; without it an old one is -EEXIST */
	MB_DOC_DIRECT = 4,  /* the directory is not published yet: no temporary file needed */
};

enum { MB_DOC_CORRUPT = 1 };

/* Write @body (an object, borrowed) as @name below @dirfd, mode 0600. */
int mb_store_doc_write(int dirfd, const char *name, struct json_object *body, unsigned flags,
                       struct mb_err *err);
/* Read it.  *@ret is owned by the caller (json_object_put).
 * Return: 0; MB_DOC_CORRUPT, told with the reason; -ENOENT and other -errno, told;
 * -EPROTONOSUPPORT for a newer schema. */
int mb_store_doc_read(int dirfd, const char *name, struct json_object **ret, struct mb_err *err);

/* The same by a field table (json/table.h): save the struct @in; load into @out, which is zeroed
 * before by the caller and on failure holds nothing to free. */
int mb_store_doc_save(int dirfd, const char *name, const struct mb_json_field *table,
                      const void *in, unsigned flags, struct mb_err *err);
int mb_store_doc_load(int dirfd, const char *name, const struct mb_json_field *table, void *out,
                      struct mb_err *err);

/* The pure halves: the document of @body ("{...}", @len bytes), and the checked object of one,
 * whose @text ends with a NUL after its @len bytes. */
void mb_store_doc_format(const char *body, size_t len, struct mb_str *out);
int mb_store_doc_parse(const char *text, size_t len, struct json_object **ret, struct mb_err *err);

/* Write any bytes whole: temporary file, optional sync, rename.  Flags as above. */
int mb_store_file_write(int dirfd, const char *name, const void *bytes, size_t n, unsigned flags,
                        struct mb_err *err);

#endif
