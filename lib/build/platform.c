/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For which machine a stage is: its images, and whether its commands can run here. */
#include "build/platform.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "build/job.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"

int mb_build_platform_choose(struct mb_build *b, struct mb_build_stage *stage, const char *said,
                             struct mb_err *err)
{
	int r;

	stage->platform_said = b->request->platform != NULL;
	if (stage->base_stage >= 0) {
		const struct mb_build_stage *base = &b->stages[stage->base_stage];

		stage->platform = mb_strdup(base->platform);
		stage->platform_said = base->platform_said;
		return 0;
	}
	if (!said) {
		stage->platform = mb_strdup(b->platform);
		return 0;
	}
	if (!*said)
		return mb_fail(err, EINVAL, "empty platform value from expression %s",
		               stage->text->platform);
	stage->platform_said = true;
	r = mb_oci_platform_parse(said, &stage->platform, err);
	return r < 0 ? mb_wrap(err, r, "failed to parse platform %s", stage->text->platform) : 0;
}

static int find(struct mb_build *b, const struct mb_build_stage *stage, const char *name,
                struct mb_image **ret, struct mb_err *err)
{
	const struct mb_build_wanted wanted = {name, stage->platform_said ? stage->platform : NULL,
	                                       b->request->pull};
	char id[MB_IMAGE_ID_TEXT];
	int r;

	if (!b->request->fetch)
		return mb_image_find(b->store, name, ret, NULL, err);
	r = b->request->fetch(b->request->fetch_arg, &wanted, id, err);
	return r < 0 ? r : mb_image_open(b->store, id, ret, err);
}

static bool suits(const struct mb_build_stage *stage, const struct mb_image *image)
{
	return mb_oci_platform_suits(stage->platform, image->os, image->architecture,
	                             image->variant);
}

static void warn(struct mb_build *b, const struct mb_build_stage *stage, const char *name,
                 const struct mb_image *image)
{
	const struct mb_build_report *report = &b->request->report;
	MB_AUTO_FREE char *message = NULL;

	if (!b->warns_of_platforms || !report->warn || suits(stage, image))
		return;
	message = mb_asprintf("Base image %s was pulled with platform \"%s/%s%s%s\", expected "
	                      "\"%s\" for current build",
	                      name, image->os ? image->os : "linux", image->architecture,
	                      image->variant ? "/" : "", image->variant ? image->variant : "",
	                      stage->platform);
	report->warn(report->arg, &(struct mb_build_warning){"InvalidBaseImagePlatform", message,
	                                                     stage->text->span});
}

int mb_build_image_state(struct mb_build *b, const struct mb_build_stage *stage, const char *name,
                         struct mb_build_state *ret, struct mb_err *err)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	int r = find(b, stage, name, &image, err);

	if (r != 0)
		return r < 0 ? r : -ENOENT;
	if (mb_streq(name, stage->base))
		warn(b, stage, name, image);
	return mb_build_state_from_image(b->store, image, ret, err);
}

unsigned mb_build_platforms_check(struct mb_build *b)
{
	unsigned n = 0;

	for (size_t i = 0; i < b->n_stages; i++) {
		const struct mb_build_stage *stage = &b->stages[i];
		MB_AUTO(mb_image_free) struct mb_image *image = NULL;

		if (!stage->needed || stage->base_stage >= 0 ||
		    strcmp(stage->base, "scratch") == 0 ||
		    mb_build_named_find(b, stage->base) >= 0 ||
		    mb_image_find(b->store, stage->base, &image, NULL, NULL) != 0)
			continue;
		warn(b, stage, stage->base, image);
		n += b->warns_of_platforms && !suits(stage, image);
	}
	return n;
}
