/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/outfile.h — where a verb writes an archive: -o FILE, or stdout. */
#ifndef MB_CMD_OUTFILE_H
#define MB_CMD_OUTFILE_H

struct mb_err;

struct mb_cmd_outfile {
	int fd;           /* to write to */
	const char *path; /* borrowed; NULL: stdout */
	char *temporary;  /* a file of our own next to it, which takes its name when it is whole */
};
#define MB_CMD_OUTFILE_INIT ((struct mb_cmd_outfile){.fd = -1})
/* @path NULL or "": stdout, which is refused when it is a terminal. */
int mb_cmd_outfile_open(struct mb_cmd_outfile *out, const char *path, struct mb_err *err);
/* @r: how the writing went.  The file takes its name, or is gone.  Return: @r, or -errno, told. */
int mb_cmd_outfile_close(struct mb_cmd_outfile *out, int r, struct mb_err *err);
/* The directory @path and those above it that are not there, mode 0755, wherever "..", "." and
 * links lead from the working directory.  Return: 0 or -errno, told. */
int mb_cmd_outfile_mkdirs(const char *path, struct mb_err *err);

#endif
