/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"
#include "image/change.h"
#include "image/entry.h"
#include "oci/image_spec.h"

static void check_path(const char *path)
{
	char *around = malloc(strlen(path) + 3);

	sprintf(around, "/%s/", path);
	FUZZ_CHECK(!*path || !strstr(around, "//"));
	FUZZ_CHECK(!strstr(around, "/../") && !strstr(around, "/./"));
	free(around);
}

/* The name of an archive's entry, and lines of --change. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mb_image_entry_name name;
	MB_AUTO_STRV struct mb_strv lines = MB_STRV_INIT;
	char *text = fuzz_text(data, size);
	struct mb_oci_image_config config = {0};

	if (mb_image_entry_parse(text, &name, NULL) == 0) {
		check_path(name.dir);
		check_path(name.leaf);
		FUZZ_CHECK(!strchr(name.leaf, '/'));
	}
	mb_image_entry_xattr_is_kept(text);
	mb_strv_split(&lines, text, '\n');
	mb_image_changes_apply(&config.config, &lines, NULL);
	mb_oci_image_config_done(&config);
	free(text);
	return 0;
}
