/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "cli/cli.h"
#include "cli/names.h"

/* How many words of @argv spell @path, whole words only.  0 when they do not. */
static int words_of_path(const char *path, size_t len, int argc, char *const *argv)
{
	const char *end = path + len;
	int words = 0;

	while (path < end && words < argc) {
		const char *space = memchr(path, ' ', (size_t)(end - path));
		size_t word = (size_t)((space ? space : end) - path);

		if (!mb_cli_name_is(argv[words], path, word))
			return 0;
		words++;
		path += word + (space != NULL);
	}
	return path == end ? words : 0;
}

static void match_verb(const struct mb_cli_verb *verb, int argc, char *const *argv,
                       struct mb_cli_found *best)
{
	const char *paths = verb->paths, *path = NULL;
	size_t len = 0;

	while (mb_cli_names_next(&paths, &path, &len)) {
		int words = words_of_path(path, len, argc, argv);

		if (words > best->words)
			*best = (struct mb_cli_found){verb, NULL, path, len, words};
	}
}

int mb_cli_find(const struct mb_cli_program *program, int argc, char *const *argv,
                struct mb_cli_found *ret)
{
	struct mb_cli_found best = {0};

	for (const struct mb_cli_verb *const *v = program->verbs; *v; v++)
		match_verb(*v, argc, argv, &best);
	if (best.words) {
		*ret = best;
		return 0;
	}
	for (const struct mb_cli_parent *p = program->parents; p->name; p++) {
		size_t len = strlen(p->name);
		int words = words_of_path(p->name, len, argc, argv);

		if (words > best.words)
			best = (struct mb_cli_found){NULL, p, p->name, len, words};
	}
	if (!best.words)
		return MB_CLI_NO_VERB;
	*ret = best;
	return MB_CLI_ONLY_PARENT;
}
