/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/format/template.h — the text templates of --format, over JSON trees.
 *
 * The language is Go's text/template as docker's users know it: actions {{.A.b}}, {{range}},
 * {{if}}, {{with}}, {{else}}, {{end}}, {{break}}, {{continue}}, variables, pipelines,
 * parentheses, comments, trimming {{- -}}, and the functions that docker adds.  Objects of the
 * tree are Go's maps and structs at once: a name that is not there prints "<no value>", or is
 * an error where the host says that the object is a struct.
 */
#ifndef MB_FORMAT_TEMPLATE_H
#define MB_FORMAT_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/own.h"

struct mb_err;
struct mb_str;
struct mb_strv;
struct json_object;
struct mb_format_template; /* opaque */

enum {
	MB_FORMAT_MAX_OUTPUT = 64 * 1024 * 1024, /* bytes that one execution may write */
	MB_FORMAT_MAX_STEPS = 1000 * 1000,       /* actions that one execution may take */
};

/* What the caller of a template may add.  Every member may be NULL. */
struct mb_format_host {
	void *user;
	/* A name that @object does not have: is that an error?  @member is the name under which
	 * @object was found, NULL for the data itself.  NULL: never an error, "<no value>". */
	bool (*is_struct)(void *user, struct json_object *object, const char *member);
	/* With a type the error is "can't evaluate field X in type TYPE" (lists), without "map
	 * has no entry for key "X"" (inspect). */
	const char *type;
	/* The field or method @name of @object with @n_args arguments ({{.Label "x"}}); asked
	 * when there are arguments or the object has no such member.
	 * Return: 0 and *@ret (owned by the caller, NULL is nil); 1: there is no such; or
	 * -errno, told. */
	int (*call)(void *user, struct json_object *object, const char *name,
	            struct json_object *const *args, size_t n_args, struct json_object **ret,
	            struct mb_err *err);
};

/* Compile @text.  With @escapes, \t and \n outside actions are a tab and a new line, as in the
 * formats of list commands.  Return: 0; -EINVAL "template: :1: ..." as Go words it, for which
 * docker's exit code is 64 with inspect and 1 with lists. */
int mb_format_template_new(const char *text, bool escapes, struct mb_format_template **ret,
                           struct mb_err *err);
void mb_format_template_free(struct mb_format_template *t);
MB_AUTO_DEFINE(struct mb_format_template, mb_format_template_free)

/* Append what @t makes of @data.  @host may be NULL.  Return: 0; -EINVAL, told, with
 * docker's exit code 1; -E2BIG over the limits.  On failure @out holds what was written before. */
int mb_format_template_run(const struct mb_format_template *t, struct json_object *data,
                           const struct mb_format_host *host, struct mb_str *out,
                           struct mb_err *err);
/* Does any action mention the field @name (".Size"), or with NULL the dot alone ("json .")?  For
 * columns that are dear to make. */
bool mb_format_template_uses(const struct mb_format_template *t, const char *name);
/* For the heading line of `table {{.ID}}\t{{.Names}}`: run @t with each field replaced by its
 * heading; functions give their first argument back. */
int mb_format_template_run_header(const struct mb_format_template *t, struct json_object *headings,
                                  struct mb_str *out, struct mb_err *err);

#endif
