/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "cli/cli.h"
#include "cli/names.h"

bool mb_cli_names_next(const char **at, const char **name, size_t *len)
{
	if (!*at || !**at)
		return false;
	*name = *at;
	*len = strcspn(*at, "|");
	*at += *len + ((*at)[*len] == '|');
	return true;
}

bool mb_cli_name_is(const char *name, const char *other, size_t other_len)
{
	return strlen(name) == other_len && memcmp(name, other, other_len) == 0;
}

bool mb_cli_names_have(const char *names, const char *name, size_t len)
{
	const char *one = NULL;
	size_t one_len = 0;

	while (mb_cli_names_next(&names, &one, &one_len))
		if (one_len == len && memcmp(one, name, len) == 0)
			return true;
	return false;
}

const char *mb_cli_parent_leaf(const struct mb_cli_parent *p, const char *parent)
{
	size_t len = strlen(parent);
	const char *leaf = p->name;

	if (len && (strncmp(leaf, parent, len) != 0 || leaf[len] != ' '))
		return NULL;
	leaf += len ? len + 1 : 0;
	return strchr(leaf, ' ') ? NULL : leaf;
}

bool mb_cli_names_listed(const struct mb_cli_verb *verb, const char *parent, const char **ret_leaf,
                         size_t *ret_len)
{
	const char *paths = verb->paths, *path = NULL;
	size_t len = 0, skip = *parent ? strlen(parent) + 1 : 0;

	while (mb_cli_names_next(&paths, &path, &len)) {
		if (skip &&
		    (len <= skip || memcmp(path, parent, skip - 1) != 0 || path[skip - 1] != ' '))
			continue;
		if (memchr(path + skip, ' ', len - skip))
			continue;
		*ret_leaf = path + skip;
		*ret_len = len - skip;
		return true;
	}
	return false;
}
