/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/oci/oci.h — mybox-oci: the command line that container engines drive. */
#ifndef MB_CMD_OCI_OCI_H
#define MB_CMD_OCI_OCI_H

#include <stdbool.h>

#include "bundle/bundle.h"

struct mb_cli_program;
struct mb_cmd_context;
struct mb_err;
struct mb_kv;

#define MB_CMD_OCI_NAME "mybox-oci"

enum { MB_CMD_OCI_LOG_TEXT, MB_CMD_OCI_LOG_JSON };

/* The options before the verb. */
struct mb_cmd_oci {
	const char *root, *log, *rootless, *criu;
	int log_format;
	bool debug, systemd_cgroup, version;
};

bool mb_cmd_oci_is_meant(const char *argv0);
int mb_cmd_oci_run(struct mb_cmd_context *cx, int argc, char *const *argv);
const struct mb_cli_program *mb_cmd_oci_program(void);

/* One line to the log; without --log to stderr.  @level: "error", "warning"... */
void mb_cmd_oci_log(const struct mb_cmd_oci *g, const char *level, const char *text);
/* An error: to the log, and for people. */
void mb_cmd_oci_fail(const struct mb_cmd_oci *g, const struct mb_err *err);

/* Open the container @id of --root.  @how: MB_BUNDLE_LOCK... */
int mb_cmd_oci_open(struct mb_cmd_context *cx, const char *id, unsigned how, struct mb_bundle **ret,
                    struct mb_err *err);
void mb_cmd_oci_tell_warnings(const struct mb_cmd_oci *g, struct mb_bundle *b);

/* ---- create and run, exec ---- */

struct mb_cmd_oci_create_args {
	const char *bundle, *console_socket, *pid_file;
	int preserve_fds;
	bool no_pivot, no_new_keyring, detach, keep;
};
/* Fill in @ret from the options; @env gets what socket activation adds. */
int mb_cmd_oci_create_fill(struct mb_cmd_context *cx, const struct mb_cmd_oci_create_args *args,
                           const char *id, struct mb_bundle_create *ret, struct mb_kv *env,
                           struct mb_err *err);
/* Make what @how says in --root.  Who is told to end meanwhile takes it all back and ends; with
 * @stays what comes too late for that is left for mb_cmd_oci_stay().
 * Return: 0 and *@ret; or -errno, told. */
int mb_cmd_oci_make(struct mb_cmd_context *cx, struct mb_bundle_create *how, bool stays,
                    struct mb_bundle_made *ret, struct mb_err *err);
/* 3..@n+2 must be open.  Return: 0 or -errno, told. */
int mb_cmd_oci_check_fds(int n, struct mb_err *err);
/* What was made runs: leave it, or stay until it ends, and delete it then unless @keep.
 * Return: 0 or its exit code; or -errno, told. */
int mb_cmd_oci_see_off(struct mb_cmd_context *cx, const struct mb_bundle_made *made, bool detach,
                       bool keep, struct mb_err *err);
/* Serve the terminal or pass signals until the process of @pidfd ends. */
int mb_cmd_oci_stay(int console_fd, int pidfd, int *ret_code, struct mb_err *err);

#endif
