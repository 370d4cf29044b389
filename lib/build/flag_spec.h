/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/flag_spec.h — the texts of --cache-from, --cache-to, --output, --secret, --ssh
 * and --build-context.
 *
 * Each is read as far as the text alone decides; what is in a struct is for its _done(), on failure
 * too.
 */
#ifndef MB_BUILD_FLAG_SPEC_H
#define MB_BUILD_FLAG_SPEC_H

#include <stdbool.h>

#include "core/strv.h"

struct mb_err;

struct mb_build_cache_spec {
	char *type, *place; /* ref, src or dest */
	bool is_max;
};
/* @directory: what a local one's is called, "src" or "dest".  Return: 0; -EINVAL or -EOPNOTSUPP,
 * told. */
int mb_build_cache_spec_parse(const char *text, const char *directory,
                              struct mb_build_cache_spec *spec, struct mb_err *err);
void mb_build_cache_spec_done(struct mb_build_cache_spec *spec);

struct mb_build_output_spec {
	char *type, *dest; /* dest NULL: not given */
	struct mb_strv names;
	bool push;
};
/* Return: as above. */
int mb_build_output_spec_parse(const char *text, struct mb_build_output_spec *spec,
                               struct mb_err *err);
void mb_build_output_spec_done(struct mb_build_output_spec *spec);

struct mb_build_secret_spec {
	char *id, *src, *env; /* a file, a variable; NULL: not given */
};
/* Return: as above. */
int mb_build_secret_spec_parse(const char *text, struct mb_build_secret_spec *spec,
                               struct mb_err *err);
void mb_build_secret_spec_done(struct mb_build_secret_spec *spec);

struct mb_build_ssh_spec {
	char *id;
	struct mb_strv paths; /* at least one: a socket, or keys */
};
/* @agent: the socket of a text without "=", or NULL.  Return: 0; -ENOENT: there is no socket. */
int mb_build_ssh_spec_parse(const char *text, const char *agent, struct mb_build_ssh_spec *spec,
                            struct mb_err *err);
void mb_build_ssh_spec_done(struct mb_build_ssh_spec *spec);

enum mb_build_context_kind {
	MB_BUILD_CONTEXT_DIRECTORY,
	MB_BUILD_CONTEXT_ADDRESS,
	MB_BUILD_CONTEXT_IMAGE,
	MB_BUILD_CONTEXT_LAYOUT,
};
struct mb_build_context_spec {
	char *name, *place; /* without docker-image:// and oci-layout:// */
	char *pick;         /* of a layout, behind its "@" or ":"; or NULL */
	enum mb_build_context_kind kind;
};
/* Return: 0; -EINVAL or -EOPNOTSUPP, told. */
int mb_build_context_spec_parse(const char *text, struct mb_build_context_spec *spec,
                                struct mb_err *err);
void mb_build_context_spec_done(struct mb_build_context_spec *spec);

#endif
