/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/dockerfile/dockerfile.h — a Dockerfile's text as stages of instructions.
 *
 * The language is the one that docker's BuildKit reads (docs.docker.com/reference/dockerfile).
 * Parsing is pure: nothing is opened, nothing is expanded but what the text itself decides.
 * Strings are owned by the struct that holds them.
 */
#ifndef MB_DOCKERFILE_DOCKERFILE_H
#define MB_DOCKERFILE_DOCKERFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/strv.h"

struct mb_err;

enum {
	MB_DOCKERFILE_MAX_BYTES = 4 * 1024 * 1024,
	MB_DOCKERFILE_MAX_LINES = 65536,
};

enum mb_dockerfile_kind {
	MB_DOCKERFILE_ADD,
	MB_DOCKERFILE_ARG,
	MB_DOCKERFILE_CMD,
	MB_DOCKERFILE_COPY,
	MB_DOCKERFILE_ENTRYPOINT,
	MB_DOCKERFILE_ENV,
	MB_DOCKERFILE_EXPOSE,
	MB_DOCKERFILE_FROM,
	MB_DOCKERFILE_HEALTHCHECK,
	MB_DOCKERFILE_LABEL,
	MB_DOCKERFILE_MAINTAINER,
	MB_DOCKERFILE_ONBUILD,
	MB_DOCKERFILE_RUN,
	MB_DOCKERFILE_SHELL,
	MB_DOCKERFILE_STOPSIGNAL,
	MB_DOCKERFILE_USER,
	MB_DOCKERFILE_VOLUME,
	MB_DOCKERFILE_WORKDIR,
	MB_DOCKERFILE_KIND_N_
};

/* Lines of the file, from 1, both ends included. */
struct mb_dockerfile_span {
	unsigned first, last;
};

struct mb_dockerfile_heredoc {
	char *word;    /* as it stands in the instruction: "<<-EOF", "3<<'x'" */
	char *name;    /* the delimiter without quotes */
	char *content; /* every line with its newline; tabs are stripped already after "<<-" */
	char *lines;   /* the same as they stand in the file, the delimiter's line included */
	bool expands;  /* the delimiter has no quotes: variables count in the content of COPY */
};

struct mb_dockerfile_flag {
	char *name, *value; /* "true" for a switch that stands alone */
};

/* What args holds depends on the kind:
 *   RUN CMD ENTRYPOINT SHELL  is_exec: the words; else one, the line for the shell
 *   ADD COPY                  sources, then the destination
 *   ENV LABEL                 name, value, name, value, ...; quotes and $ as they stand
 *   ARG                       "NAME" or "NAME=VALUE"
 *   FROM                      the base alone; the stage has the rest
 *   HEALTHCHECK               "NONE", or "CMD" and then as CMD has it
 *   ONBUILD                   one, the instruction's text
 *   EXPOSE VOLUME             a list
 *   others                    one word or line
 */
struct mb_dockerfile_instruction {
	enum mb_dockerfile_kind kind;
	char *keyword; /* as it is typed: "run"; NULL for one by itself */
	char *text;    /* without continuations, comments and here-documents: "RUN a && b" */
	struct mb_dockerfile_span span;
	bool is_exec;
	bool is_legacy; /* ENV and LABEL: "name value" without '=' */
	struct mb_strv args;
	struct mb_dockerfile_flag *flags;
	size_t n_flags;
	struct mb_dockerfile_heredoc *heredocs;
	size_t n_heredocs;
};

struct mb_dockerfile_stage {
	char *base, *name, *platform; /* name in lower case or NULL; platform or NULL */
	struct mb_dockerfile_span span;
	char *text;                      /* of FROM */
	char *keyword, *as, *typed_name; /* as they are typed; as and name NULL without a name */
	struct mb_dockerfile_instruction *v;
	size_t n;
};

/* One thing that docker build --check tells. */
struct mb_dockerfile_warning {
	const char *rule; /* "StageNameCasing"; static */
	char *message;
	struct mb_dockerfile_span span;
};

struct mb_dockerfile {
	char escape;                               /* '\\' or '`' */
	char *syntax, *check;                      /* what these directives say, or NULL */
	struct mb_dockerfile_instruction *globals; /* ARGs above the first FROM */
	size_t n_globals;
	struct mb_dockerfile_stage *stages;
	size_t n_stages;
	struct mb_dockerfile_warning *warnings; /* by line */
	size_t n_warnings;
};

/* Return: 0; -EINVAL with docker's words ("dockerfile parse error on line 3: ...") and, where it
 * is known, the place in *@ret_span; -E2BIG over a limit.  @ret_span may be NULL. */
int mb_dockerfile_parse(const char *text, size_t len, struct mb_dockerfile *ret,
                        struct mb_dockerfile_span *ret_span, struct mb_err *err);
void mb_dockerfile_done(struct mb_dockerfile *file);
#define MB_AUTO_DOCKERFILE __attribute__((cleanup(mb_dockerfile_done)))

/* One instruction by itself, a trigger of ONBUILD or a change of `commit -c`; FROM, ONBUILD and
 * MAINTAINER are refused if @is_trigger. */
int mb_dockerfile_instruction_parse(const char *text, bool is_trigger,
                                    struct mb_dockerfile_instruction *ret, struct mb_err *err);
void mb_dockerfile_instruction_done(struct mb_dockerfile_instruction *instruction);

const char *mb_dockerfile_kind_name(enum mb_dockerfile_kind kind); /* "RUN"; static */
/* The value of a flag, borrowed; NULL when it is not given.  The last one counts. */
const char *mb_dockerfile_flag_find(const struct mb_dockerfile_instruction *instruction,
                                    const char *name);
bool mb_dockerfile_flag_is_set(const struct mb_dockerfile_instruction *instruction,
                               const char *name);

#endif
