/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Programs of another machine are the kernel's to start, by binfmt_misc. */
#include <errno.h>

#include "container/container.h"
#include "container/life.h"
#include "container/record.h"
#include "core/err.h"
#include "core/own.h"
#include "core/str.h"
#include "image/image.h"
#include "oci/image_spec.h"

int mb_container_explain_for(const char *architecture, int r, struct mb_err *err)
{
	const char *ours, *variant;

	mb_oci_host_architecture(&ours, &variant);
	if ((r != -ENOEXEC && r != -ENOENT) || !architecture || !*architecture ||
	    mb_streq(architecture, ours))
		return r;
	return mb_wrap(err, r,
	               r == -ENOEXEC ? "no binfmt handler for %s (qemu-user-static has one)"
	                             : "no program, or a binfmt handler for %s without flag F",
	               architecture);
}

int mb_container_explain(const struct mb_container *c, int r, struct mb_err *err)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	const char *id = mb_skip_prefix(c->record->image_id ? c->record->image_id : "", "sha256:");

	if ((r != -ENOEXEC && r != -ENOENT) || !id ||
	    mb_image_open(c->store, id, &image, NULL) != 0)
		return r;
	return mb_container_explain_for(image->architecture, r, err);
}
