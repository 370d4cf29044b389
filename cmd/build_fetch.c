/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/build_fetch.h"

#include <errno.h>
#include <string.h>

#include "cmd/context.h"
#include "cmd/pull.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"
#include "oci/image_spec.h"

/* One for another machine takes no name: what "run" finds by it is for this one. */
static int pull(struct mb_cmd_context *cx, const struct mb_build_wanted *wanted, bool nameless,
                char ret_id[MB_IMAGE_ID_TEXT], struct mb_err *err)
{
	const struct mb_cmd_pull_request request = {.name = wanted->name,
	                                            .platform = wanted->platform,
	                                            .beside = true,
	                                            .nameless = nameless,
	                                            .ret_id = ret_id,
	                                            .quiet = true};
	int r = mb_cmd_pull_image(cx, &request, err);

	return r > 0 ? -EPIPE : r;
}

static int pull_other(struct mb_cmd_context *cx, const struct mb_build_wanted *wanted,
                      const struct mb_image *here, char ret_id[MB_IMAGE_ID_TEXT],
                      struct mb_err *err)
{
	int r = pull(cx, wanted, true, ret_id, err);

	return r < 0 ? mb_wrap(err, r,
	                       "image '%s' is here for %s/%s, and not for the specified platform "
	                       "(%s)",
	                       wanted->name, here->os ? here->os : "linux", here->architecture,
	                       wanted->platform)
	             : r;
}

int mb_cmd_build_fetch(void *cx, const struct mb_build_wanted *wanted,
                       char ret_id[MB_IMAGE_ID_TEXT], struct mb_err *err)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	MB_AUTO_FREE char *host = mb_oci_host_platform();
	struct mb_store *store;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_image_find(store, wanted->name, &image, NULL, err);
	if (r != 0 && r != MB_IMAGE_ABSENT)
		return r > 0 ? -EINVAL : r;
	if (r == MB_IMAGE_ABSENT)
		return pull(cx, wanted, wanted->platform && !mb_streq(wanted->platform, host),
		            ret_id, err);
	if (wanted->platform && !mb_oci_platform_suits(wanted->platform, image->os,
	                                               image->architecture, image->variant))
		return pull_other(cx, wanted, image, ret_id, err);
	if (wanted->newer)
		return pull(cx, wanted, false, ret_id, err);
	memcpy(ret_id, image->id, MB_IMAGE_ID_TEXT);
	return 0;
}
