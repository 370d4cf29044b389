/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/registry.h — what the verbs that talk to registries share. */
#ifndef MB_CMD_REGISTRY_H
#define MB_CMD_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "registry/authfile.h"
#include "registry/settings.h"

#define MB_CMD_AGENT "mybox/" MB_VERSION

struct mb_cmd_context;
struct mb_err;
struct mb_image_progress;

struct mb_cmd_registry {
	struct mb_registry_settings settings;
	struct mb_registry_caller caller;
	struct mb_registry_login login;
	bool has_login;
};
/* The settings, and who asks. */
int mb_cmd_registry_open(const struct mb_cmd_context *cx, struct mb_cmd_registry *ret,
                         struct mb_err *err);
/* Who to be, as the options say, and how patient; NULL: not given. */
struct mb_cmd_registry_who {
	const char *creds;    /* USER:PASSWORD */
	const char *authfile; /* looked at before all others */
	bool has_retry;       /* .retry was given */
	uint64_t retry;
	int64_t retry_delay; /* nsec; 0: longer each time, or as long as the registry asks */
};
/* Return: 0; or -errno, told: there is no such file, or no password. */
int mb_cmd_registry_be(struct mb_cmd_registry *reg, const struct mb_cmd_registry_who *who,
                       struct mb_err *err);
/* clang-format off */
#define MB_CMD_REGISTRY_OPT_AUTHFILE(type)                                                         \
	MB_OPT_STRING(0, "authfile", "FILE", type, who.authfile,                                   \
	              "a file of logins that is looked at first", .complete = MB_COMP_FILE)
#define MB_CMD_REGISTRY_OPT_CREDS(type)                                                            \
	MB_OPT_STRING(0, "creds", "USER:PASSWORD", type, who.creds,                                \
	              "who to be for this command; process lists show it")
#define MB_CMD_REGISTRY_OPT_RETRY(type)                                                            \
	MB_OPT_U64(0, "retry", "N", type, who.retry,                                               \
	           "how often to try again (default 4)")
#define MB_CMD_REGISTRY_OPT_RETRY_DELAY(type)                                                      \
	MB_OPT_DURATION(0, "retry-delay", NULL, type, who.retry_delay,                             \
	                "time between two tries")
/* clang-format on */
/* The canonical name that @typed is short for; or NULL in *@ret: it is no short name. */
int mb_cmd_registry_meaning(const struct mb_cmd_registry *reg, const char *typed, char **ret,
                            struct mb_err *err);
/* The caller's login at @domain, if there is one. */
int mb_cmd_registry_find_login(struct mb_cmd_registry *reg, const char *domain, struct mb_err *err);
void mb_cmd_registry_done(struct mb_cmd_registry *reg);
#define MB_AUTO_CMD_REGISTRY __attribute__((cleanup(mb_cmd_registry_done)))

/* How far layers are: bars and one in all on a terminal, docker's lines in a pipe. */
struct mb_cmd_transfer; /* opaque */
struct mb_cmd_transfer *mb_cmd_transfer_new(bool quiet);
/* For struct mb_image_report. */
void mb_cmd_transfer_report(void *transfer, const struct mb_image_progress *p);
void mb_cmd_transfer_free(struct mb_cmd_transfer *transfer);

#endif
