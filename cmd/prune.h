/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmd/prune.h — removing what nobody uses: each kind for its own verb and for system prune. */
#ifndef MB_CMD_PRUNE_H
#define MB_CMD_PRUNE_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/cli.h"
#include "core/str.h"
#include "core/strv.h"
#include "format/filter.h"

struct mb_cmd_context;
struct mb_err;

struct mb_cmd_prune_args {
	struct mb_strv filters;
	bool force, all, volumes;
	int64_t keep; /* bytes of what builds have kept; 0: nothing */
};

struct mb_cmd_prune {
	struct mb_cmd_context *cx;
	struct mb_format_filters filters;
	int64_t until;  /* what is younger stays, nsec since 1970; 0: no such filter */
	bool all;       /* of images: those with a name; of volumes: those with a name */
	uint64_t keep;  /* of what builds have kept: so many bytes may stay */
	uint64_t bytes; /* freed */
	bool failed;    /* something could not be removed, and was told */
};

/* Remove what fits the filters; "Deleted Containers:" and what it was, to stdout.  What comes to be
 * used meanwhile stays.  Return: 0, also when single ones failed; -errno. */
int mb_cmd_prune_containers(struct mb_cmd_prune *p, struct mb_err *err);
int mb_cmd_prune_networks(struct mb_cmd_prune *p, struct mb_err *err);
int mb_cmd_prune_volumes(struct mb_cmd_prune *p, struct mb_err *err);
int mb_cmd_prune_images(struct mb_cmd_prune *p, struct mb_err *err);
/* Steps of builds whose layers no image has; with .all every step, and cache mounts. */
int mb_cmd_prune_builds(struct mb_cmd_prune *p, struct mb_err *err);
/* Volumes without a name, whatever .all says. */
int mb_cmd_prune_anonymous(struct mb_cmd_prune *p, struct mb_err *err);

typedef int mb_cmd_prune_fn(struct mb_cmd_prune *p, struct mb_err *err);
struct mb_cmd_prune_verb {
	const char *const *known; /* filters, NULL at the end */
	mb_cmd_prune_fn *const *kinds;
	bool frees;  /* "Total reclaimed space: 0B" */
	bool is_all; /* the sum only when the question was answered with yes */
};
/* All of a verb: filters, the question @warning unless --force, the kinds, the sum.
 * Return: an exit code, or -errno, told. */
int mb_cmd_prune_run(struct mb_cmd_context *cx, const struct mb_cmd_prune_args *args,
                     const char *warning, const struct mb_cmd_prune_verb *verb, struct mb_err *err);

/* Whether the labels and the time of something let it go. */
bool mb_cmd_prune_fits(const struct mb_cmd_prune *p, const struct mb_kv *labels, int64_t created);
/* A list under a head line, when there is anything in it. */
int mb_cmd_prune_put(const char *head, const struct mb_strv *removed);

/* --filter with label and until, and --force, for those that take no more. */
extern const struct mb_cli_opt mb_cmd_prune_opts[];
extern const char *const mb_cmd_prune_filters[];

/* clang-format off */
#define MB_CMD_PRUNE_FILTER(help) \
	MB_OPT_LIST(0, "filter", "filter", struct mb_cmd_prune_args, filters, help, \
                    .is_pairs = true)
#define MB_CMD_PRUNE_FORCE \
	MB_OPT_SWITCH('f', "force", struct mb_cmd_prune_args, force, "do not ask")
/* clang-format on */

#endif
