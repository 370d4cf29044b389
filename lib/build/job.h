/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/job.h — one build under way: what the files of this folder share. */
#ifndef MB_BUILD_JOB_H
#define MB_BUILD_JOB_H

#include "build/build.h"
#include "build/key.h"
#include "build/state.h"
#include "dockerfile/ignore.h"

struct mb_build_stage {
	const struct mb_dockerfile_stage *text;
	char *label;        /* "build", or "stage-1", or "" when there is only one */
	char *base;         /* of FROM, expanded: an image, "scratch", or a stage */
	ssize_t base_stage; /* its index, or -1 */
	char *platform;     /* of images that it reads: "linux/amd64" */
	bool platform_said; /* by FROM or the caller */
	bool needed, is_made;
	bool *needs;             /* of each stage, whether it has to be made before */
	unsigned n_shown, shown; /* steps that count in "[build 2/5]", and how many have begun */
	struct mb_build_state state;
};

struct mb_build {
	struct mb_store *store;
	const struct mb_build_request *request;
	struct mb_dockerfile file;
	struct mb_dockerfile_ignore ignore;
	struct mb_dockerfile_ignore *named_ignores; /* one for each of request->named */
	char *platform;                             /* of the target: "linux/amd64" */
	bool warns_of_platforms;                    /* nobody skips that rule */
	struct mb_kv globals;    /* ARGs above the first FROM, and those of the platform */
	struct mb_strv consumed; /* names of --build-arg that an ARG took */
	struct mb_build_stage *stages;
	size_t n_stages, target;
	unsigned n_steps; /* begun */
	struct mb_dockerfile_span where;
	int exit_code;
};

/* One step as it is shown. */
struct mb_build_step {
	unsigned number;
	bool cached;
};
/* Begin a step of @stage: "[label n/m] text". */
struct mb_build_step mb_build_step_begin(struct mb_build *b, struct mb_build_stage *stage,
                                         const char *text);
/* One that belongs to no stage: "[internal] ...". */
struct mb_build_step mb_build_step_begin_named(struct mb_build *b, const char *name);
/* Call the report's tick after this many milliseconds without an event; -1: nobody wants it. */
int mb_build_tick_every(const struct mb_build *b);
void mb_build_tick(const struct mb_build *b);
/* @r: how it went.  Return: @r. */
int mb_build_step_end(struct mb_build *b, const struct mb_build_step *step, int r,
                      const struct mb_err *err);
void mb_build_say(struct mb_build *b, const struct mb_build_step *step, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* stage.c: make it; what it needs is made. */
int mb_build_stage_make(struct mb_build *b, struct mb_build_stage *stage, struct mb_err *err);
/* schedule.c: all that are needed, those that do not wait for each other side by side. */
int mb_build_stages_make(struct mb_build *b, struct mb_err *err);

/* graph.c: which stages there are, what they stand on, and which are needed. */
int mb_build_graph_make(struct mb_build *b, struct mb_err *err);
/* Stage @i is needed after all: and so is what it stands on and reads. */
int mb_build_need(struct mb_build *b, size_t i, struct mb_err *err);
/* The stage that COPY --from and FROM mean with @name, among those before @before; or -1. */
ssize_t mb_build_stage_find(const struct mb_build *b, const char *name, size_t before);

/* What --build-context has for @name: its index in request->named, or -1. */
ssize_t mb_build_named_find(const struct mb_build *b, const char *name);

struct mb_build_root;
/* Where COPY --from and mounts read: the context for a NULL @from, else a directory of
 * --build-context, or the tree of @ret_state.  @ret_fd is owned by the caller, or -1 when the root
 * is not ours to close. */
int mb_build_root_open(struct mb_build *b, const struct mb_build_stage *stage, const char *from,
                       struct mb_build_state *ret_state, struct mb_build_root *root, int *ret_fd,
                       struct mb_err *err);

/* The word with the variables of @state.  Caller frees. */
int mb_build_expand(struct mb_build *b, struct mb_build_state *state, const char *word, char **ret,
                    struct mb_err *err);
/* The layers and configuration of a stage, or of an image that is brought in if need be. */
int mb_build_source_state(struct mb_build *b, const char *name, size_t before,
                          struct mb_build_state *ret, struct mb_err *err);

/* Instructions.  Each changes the state and adds to its history. */
typedef int mb_build_apply_fn(struct mb_build *b, struct mb_build_stage *stage,
                              const struct mb_dockerfile_instruction *in, struct mb_err *err);
mb_build_apply_fn mb_build_setting; /* all that only change the configuration */
mb_build_apply_fn mb_build_arg, mb_build_maintainer, mb_build_run_command, mb_build_copy,
	mb_build_workdir;
/* The configuration alone; @said gets what the history is to say. */
int mb_build_set(struct mb_build *b, struct mb_build_state *state,
                 const struct mb_dockerfile_instruction *in, struct mb_str *said,
                 struct mb_err *err);

/* What the target is becomes what the caller asked for. */
int mb_build_outputs_write(struct mb_build *b, struct mb_build_result *ret, struct mb_err *err);

/* A step's layer from the last time, if it may be used.  Return: 0: it is on @state now; 1: there
 * is none; -errno, told. */
int mb_build_cache_use(struct mb_build *b, struct mb_build_stage *stage, const char *key,
                       struct mb_err *err);
/* One that was made on something else, kept under @link_key, comes on this and is kept under @key.
 * Return: as above. */
int mb_build_cache_move(struct mb_build *b, struct mb_build_stage *stage, const char *link_key,
                        const char *key, struct mb_err *err);

#endif
