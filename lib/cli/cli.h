/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/cli/cli.h — a verb is a table: options, operands and words, from which all else follows.
 *
 * One const table per verb gives the parser, --help, the man page, shell completion and the
 * introspection document, so that none of them can drift from another.  A verb file in cmd/:
 *
 *	struct rm_args { bool force; struct mb_strv filters; };
 *
 *	static const struct mb_cli_opt rm_opts[] = {
 *		MB_OPT_SWITCH('f', "force", struct rm_args, force, "kill it first if it runs"),
 *		MB_OPT_LIST(0, "filter", "filter", struct rm_args, filters, "only those that match",
 *			    .aliases = "filters", .complete = MB_COMP_NONE),
 *		MB_OPT_END,
 *	};
 *	static int rm_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
 *			   struct mb_err *err);
 *	const struct mb_cli_verb mb_cmd_rm = {
 *		.paths = "rm|container rm|container remove",
 *		.summary = "remove one or more containers",
 *		.operands = "CONTAINER [CONTAINER...]", .min = 1, .max = MB_CLI_MANY,
 *		.complete = {MB_COMP_CONTAINER},
 *		.opts = rm_opts, .args_size = sizeof(struct rm_args), .main = rm_main,
 *	};
 *
 * and one line in cmd/verbs.c.  The macros refuse at compile time a member of the wrong type.
 */
#ifndef MB_CLI_CLI_H
#define MB_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/strv.h"

struct mb_cmd_context; /* what main() gives to verbs: cmd/context.h */
struct mb_err;

enum mb_cli_kind {
	MB_CLI_SWITCH = 1, /* bool */
	MB_CLI_TRI,        /* int: enum mb_cli_tri */
	MB_CLI_STRING,     /* const char *, borrowed from argv; NULL when not given */
	MB_CLI_INT,        /* int */
	MB_CLI_I64,        /* int64_t */
	MB_CLI_U64,        /* uint64_t */
	MB_CLI_SIZE,       /* int64_t bytes: 64m, 1g */
	MB_CLI_CPUS,       /* int64_t billionths: 1.5 */
	MB_CLI_DURATION,   /* int64_t nanoseconds: 1m30s */
	MB_CLI_LIST,       /* struct mb_strv: each use adds one */
	MB_CLI_KV,         /* struct mb_kv: each use is KEY=VALUE, or KEY */
	MB_CLI_CHOICE,     /* int: index in .choices */
	MB_CLI_COUNT,      /* int: number of uses */
	MB_CLI_IGNORED,    /* accepted, without effect */
	MB_CLI_REFUSED,    /* known elsewhere, not offered here: a named refusal */
};
enum mb_cli_tri { MB_CLI_NO = -1, MB_CLI_UNSET = 0, MB_CLI_YES = 1 };

enum mb_cli_complete {
	MB_COMP_NONE,
	MB_COMP_FILE,
	MB_COMP_DIRECTORY,
	MB_COMP_CONTAINER, /* any container */
	MB_COMP_RUNNING,   /* running ones */
	MB_COMP_STOPPED,   /* created or exited ones */
	MB_COMP_IMAGE,
	MB_COMP_NETWORK,
	MB_COMP_VOLUME,
	MB_COMP_SECRET,
	MB_COMP_SIGNAL,
	MB_COMP_VERB, /* names of commands */
	MB_COMP_N_,
};

struct mb_cli_opt {
	enum mb_cli_kind kind; /* 0 ends a table */
	char letter;           /* 0: none */
	const char *name;      /* without dashes */
	const char *value;     /* what help calls it; NULL: docker's word for the kind */
	size_t offset;         /* of the member in the args struct */
	const char *help;      /* lower case, no full stop, <= 60 characters */
	/* The rest is given by name at the end of a row: MB_OPT_STRING(..., .def = "x"). */
	const char *aliases;        /* further long names: "net|netns" */
	const char *def;            /* default, parsed before the command line; shown in help */
	const char *bare;           /* value of "--name" without "=": else a value is required */
	const char *deprecated;     /* what to use instead: one warning on stderr when given */
	const char *const *choices; /* CHOICE: NULL-terminated */
	enum mb_cli_complete complete;
	/* The switch that the letter means when no number, nor the default, comes as a word after
	 * it. */
	const char *else_means;
	bool hidden;    /* not in help, man and completion */
	bool minus_one; /* SIZE: "-1" is a value too */
	bool is_pairs;  /* LIST: each value is a filter, "name=value" */
	bool chooses;   /* says what operands would: there may be fewer of them, or none */
	bool valued;    /* IGNORED, REFUSED: takes a value */
};

// clang-format off
#define MB_CLI_MEMBER_(s, m, type) (offsetof(s, m) + 0 * sizeof(char[ \
	__builtin_types_compatible_p(__typeof__(((s *)0)->m), type) ? 1 : -1]))
#define MB_CLI_ROW_(k, l, n, v, s, m, type, h, ...) \
	{ .kind = (k), .letter = (l), .name = (n), .value = (v), \
	  .offset = MB_CLI_MEMBER_(s, m, type), .help = (h), __VA_ARGS__ }
#define MB_OPT_SWITCH(l, n, s, m, h, ...) \
	MB_CLI_ROW_(MB_CLI_SWITCH, l, n, NULL, s, m, bool, h, __VA_ARGS__)
#define MB_OPT_TRI(l, n, s, m, h, ...) \
	MB_CLI_ROW_(MB_CLI_TRI, l, n, NULL, s, m, int, h, __VA_ARGS__)
#define MB_OPT_STRING(l, n, v, s, m, h, ...) \
	MB_CLI_ROW_(MB_CLI_STRING, l, n, v, s, m, const char *, h, __VA_ARGS__)
#define MB_OPT_INT(l, n, v, s, m, h, ...) \
	MB_CLI_ROW_(MB_CLI_INT, l, n, v, s, m, int, h, __VA_ARGS__)
#define MB_OPT_I64(l, n, v, s, m, h, ...) \
	MB_CLI_ROW_(MB_CLI_I64, l, n, v, s, m, int64_t, h, __VA_ARGS__)
#define MB_OPT_U64(l, n, v, s, m, h, ...) \
	MB_CLI_ROW_(MB_CLI_U64, l, n, v, s, m, uint64_t, h, __VA_ARGS__)
#define MB_OPT_SIZE(l, n, v, s, m, h, ...) \
	MB_CLI_ROW_(MB_CLI_SIZE, l, n, v, s, m, int64_t, h, __VA_ARGS__)
#define MB_OPT_CPUS(l, n, v, s, m, h, ...) \
	MB_CLI_ROW_(MB_CLI_CPUS, l, n, v, s, m, int64_t, h, __VA_ARGS__)
#define MB_OPT_DURATION(l, n, v, s, m, h, ...) \
	MB_CLI_ROW_(MB_CLI_DURATION, l, n, v, s, m, int64_t, h, __VA_ARGS__)
#define MB_OPT_LIST(l, n, v, s, m, h, ...) \
	MB_CLI_ROW_(MB_CLI_LIST, l, n, v, s, m, struct mb_strv, h, __VA_ARGS__)
#define MB_OPT_KV(l, n, v, s, m, h, ...) \
	MB_CLI_ROW_(MB_CLI_KV, l, n, v, s, m, struct mb_kv, h, __VA_ARGS__)
#define MB_OPT_CHOICE(l, n, v, s, m, list, h, ...) \
	MB_CLI_ROW_(MB_CLI_CHOICE, l, n, v, s, m, int, h, .choices = (list), __VA_ARGS__)
#define MB_OPT_COUNT(l, n, s, m, h, ...) \
	MB_CLI_ROW_(MB_CLI_COUNT, l, n, NULL, s, m, int, h, __VA_ARGS__)
/* has_value: whether the option takes one.  REFUSED's text says why, or what to do instead. */
#define MB_OPT_IGNORED(l, n, has_value, h, ...) \
	{ .kind = MB_CLI_IGNORED, .letter = (l), .name = (n), .valued = (has_value), \
	  .help = (h), .hidden = true, __VA_ARGS__ }
#define MB_OPT_REFUSED(l, n, has_value, h, ...) \
	{ .kind = MB_CLI_REFUSED, .letter = (l), .name = (n), .valued = (has_value), \
	  .help = (h), .hidden = true, __VA_ARGS__ }
#define MB_OPT_END { .kind = 0 }
// clang-format on

/* As messages and help say it: "mybox" until main() has found out otherwise. */
extern const char *mb_cli_name;
#define MB_CLI_NAME mb_cli_name

enum {
	MB_CLI_MANY = -1,      /* .max: no upper bound */
	MB_CLI_MAX_OPTS = 256, /* rows of one table */
	MB_CLI_EXIT_FLAGS = 125,
	MB_CLI_EXIT_OPERANDS = 1,
};

/* What a verb's main gets; all borrowed. */
struct mb_cli_input {
	const struct mb_cli_verb *verb;
	const char *path;      /* as typed, aliases resolved to their path: "container rm" */
	const void *args;      /* the verb's own struct */
	char *const *operands; /* NULL-terminated; strings from argv */
	size_t n_operands;
	uint64_t given[MB_CLI_MAX_OPTS / 64];
	void *owned_;
};

struct mb_cli_verb {
	/* Every way to say it, '|' between: "ps|container ls|container list|container ps".  The
	 * first is the name; of those below one parent the first is listed, the others work. */
	const char *paths;
	const char *summary;  /* lower case, no full stop, <= 70 characters */
	const char *operands; /* as usage shows them: "CONTAINER [CONTAINER...]"; NULL: none */
	int min, max;         /* number of operands; MB_CLI_MANY */
	/* Of operand 1, 2, 3...; a missing one repeats the one before, unless stop_at_operand. */
	enum mb_cli_complete complete[3];
	bool stop_at_operand; /* everything after the first operand is an operand (run, exec) */
	bool common;          /* among the first ten that people need */
	bool hidden;          /* not in help and completion */
	bool unprivileged;    /* works without root */
	int fail_code;        /* exit code when main fails; 0 means 1 */
	const struct mb_cli_opt *opts; /* NULL: none but --help */
	size_t args_size;
	const char *examples; /* for the man page: lines of "command\n" */
	/* Return: the exit code, 0 or positive; or -errno told in @err, which is then printed once
	 * as "mybox: ..." and gives fail_code. */
	int (*main)(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err);
};

/* A word that only holds further verbs: "network". */
struct mb_cli_parent {
	const char *name, *summary;
	bool hidden;
};

/* All that the program can do.  Both lists end with NULL / a NULL name. */
struct mb_cli_program {
	const char *name, *summary;
	const struct mb_cli_verb *const *verbs; /* entries may be hidden */
	const struct mb_cli_parent *parents;
	const struct mb_cli_opt *globals;
	size_t globals_size;
};

enum { MB_CLI_HELP = 1, MB_CLI_BAD_FLAG, MB_CLI_BAD_OPERANDS };

/* Parse @argv (options and operands, not the verb's words).  Return: 0 and @ret, release with
 * mb_cli_input_done(); MB_CLI_HELP; MB_CLI_BAD_FLAG or MB_CLI_BAD_OPERANDS, told in @err in the
 * words that docker's users know.  A warning line for each deprecated option is added to
 * @warnings (may be NULL). */
int mb_cli_parse(const struct mb_cli_verb *verb, const char *path, int argc, char *const *argv,
                 struct mb_cli_input *ret, struct mb_strv *warnings, struct mb_err *err);
/* The same, which tells of each use of an option in its order on the line; @text: its value, or
 * NULL.  For those who write the line anew. */
struct mb_cli_watch {
	void (*use)(void *arg, const struct mb_cli_opt *opt, const char *text);
	void *arg;
};
int mb_cli_parse_watched(const struct mb_cli_verb *verb, const char *path, int argc,
                         char *const *argv, const struct mb_cli_watch *watch,
                         struct mb_cli_input *ret, struct mb_err *err);
void mb_cli_input_done(struct mb_cli_input *in);
/* Whether the user gave the option, by its long name. */
bool mb_cli_is_given(const struct mb_cli_input *in, const char *name);

enum { MB_CLI_NO_VERB = 1, MB_CLI_ONLY_PARENT };
/* Which verb the first words of @argv mean.  Return: 0, the verb, its path in @ret_path (points
 * into constant text, @ret_path_len long) and the number of words; MB_CLI_ONLY_PARENT (a parent
 * alone or with an unknown word; *@ret_words = 1); MB_CLI_NO_VERB. */
struct mb_cli_found {
	const struct mb_cli_verb *verb;
	const struct mb_cli_parent *parent;
	const char *path;
	size_t path_len;
	int words;
};
int mb_cli_find(const struct mb_cli_program *program, int argc, char *const *argv,
                struct mb_cli_found *ret);

#endif
