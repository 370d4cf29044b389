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
	char *text = fuzz_text(data, size), *line = text;
	struct mb_oci_image_config config = {0};

	if (mb_image_entry_parse(text, &name, NULL) == 0) {
		check_path(name.dir);
		check_path(name.leaf);
		FUZZ_CHECK(!strchr(name.leaf, '/'));
	}
	mb_image_entry_xattr_is_kept(text);
	while (line) {
		char *end = strchr(line, '\n');

		if (end)
			*end++ = '\0';
		mb_image_change_apply(&config.config, line, NULL);
		line = end;
	}
	mb_oci_image_config_done(&config);
	free(text);
	return 0;
}
