/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/registry/list.h — what a registry has: tags of a repository, repositories, search. */
#ifndef MB_REGISTRY_LIST_H
#define MB_REGISTRY_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mb_err;
struct mb_registry;
struct mb_strv;

/* Append the tags of the repository, sorted, each once; what is no tag is left out.
 * Return: 0; MB_REGISTRY_ABSENT, told: no such repository; -errno, told. */
int mb_registry_tags(struct mb_registry *reg, struct mb_strv *out, struct mb_err *err);
/* Append all repositories, as the registry has them: not yet fit for a terminal.
 * Return: as above; MB_REGISTRY_ABSENT: it has no such list. */
int mb_registry_catalog(struct mb_registry *reg, struct mb_strv *out, struct mb_err *err);

/* Texts are what the registry says: not yet fit for a terminal. */
struct mb_registry_found {
	char *name, *description;
	int64_t stars;
	bool is_official, is_automated;
};
struct mb_registry_findings {
	struct mb_registry_found *v; /* most stars first, then by name */
	size_t n;
};
void mb_registry_findings_done(struct mb_registry_findings *found);
#define MB_AUTO_REGISTRY_FINDINGS __attribute__((cleanup(mb_registry_findings_done)))

/* Look for @term with the registry's own search (docker's /v1/search), or in its catalog where
 * there is none.  @limit is the most that come.  Return: 0 or -errno, told. */
int mb_registry_search(struct mb_registry *reg, const char *term, size_t limit,
                       struct mb_registry_findings *ret, struct mb_err *err);

#endif
