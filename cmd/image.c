/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/image.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/output.h"
#include "cmd/progress.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"

void mb_cmd_image_name_split(const char *name, struct mb_cmd_image_name *ret)
{
	const char *digest = name ? strchr(name, '@') : NULL;
	const char *slash = name ? strrchr(name, '/') : NULL;
	const char *colon = name && !digest ? strchr(slash ? slash : name, ':') : NULL;
	const char *end = digest ? digest : colon;

	ret->repository = !name ? mb_strdup("<none>")
	                  : end ? mb_strndup(name, (size_t)(end - name))
	                        : mb_strdup(name);
	ret->tag = mb_strdup(colon ? colon + 1 : "<none>");
	ret->digest = mb_strdup(digest ? digest + 1 : "<none>");
}

void mb_cmd_image_name_done(struct mb_cmd_image_name *split)
{
	free(split->repository);
	free(split->tag);
	free(split->digest);
}

bool mb_cmd_image_name_matches(const char *name, const char *pattern)
{
	struct mb_cmd_image_name split = {0};
	bool same = false;

	if (!name)
		return false;
	mb_cmd_image_name_split(name, &split);
	same = fnmatch(pattern, name, FNM_PATHNAME) == 0 ||
	       fnmatch(pattern, split.repository, FNM_PATHNAME) == 0;
	mb_cmd_image_name_done(&split);
	return same;
}

void mb_cmd_image_report(void *progress, const struct mb_image_progress *p)
{
	const struct mb_cmd_progress_report report = {
		.label = *p->layer ? p->layer : "layer",
		.verb = "Loading layer",
		.done = p->done,
		.total = p->total,
		.finished = p->finished,
		.outcome = p->cached ? "Already exists" : "Loaded",
	};

	const struct mb_cmd_progress_report all = {
		.label = "in all",
		.verb = "Loading",
		.done = p->all_done,
		.total = p->all_total,
		.finished = p->all_done == p->all_total,
		.outcome = "Done",
	};

	mb_cmd_progress_update(progress, &report);
	/* Plain lines are about layers alone. */
	if (p->count > 1 && p->all_total && mb_cmd_is_tty(STDERR_FILENO))
		mb_cmd_progress_update(progress, &all);
}
