/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "registry/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/io.h"
#include "core/str.h"
#include "oci/ref.h"
#include "json/json.h"

enum { MAX_SETTINGS = 1 << 20, MAX_TIMEOUT = 3600 };

static const struct mb_json_field host_table[] = {
	MB_JSON_BOOL("insecure", struct mb_registry_host, insecure),
	MB_JSON_STR("ca", struct mb_registry_host, ca),
	MB_JSON_STRV("mirrors", struct mb_registry_host, mirrors),
	MB_JSON_END,
};

static const struct mb_json_field settings_table[] = {
	MB_JSON_MAP("registries", struct mb_registry_settings, hosts, n_hosts,
                    struct mb_registry_host, name, host_table),
	MB_JSON_KV("short-names", struct mb_registry_settings, short_names),
	MB_JSON_INT("timeout", struct mb_registry_settings, timeout_sec),
	MB_JSON_END,
};

int mb_registry_settings_load(const char *path, struct mb_registry_settings *ret,
                              struct mb_err *err)
{
	struct mb_registry_settings settings = {0};
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	int r = mb_read_file(AT_FDCWD, path, MAX_SETTINGS, &text, err);

	if (r == 0)
		r = mb_json_load(text.buf, text.len, settings_table, &settings, sizeof(settings),
		                 err);
	else if (r == -ENOENT)
		r = 0;
	if (r < 0)
		return mb_wrap(err, r, "'%s'", path);
	if (settings.timeout_sec < 0 || settings.timeout_sec > MAX_TIMEOUT) {
		mb_registry_settings_done(&settings);
		return mb_fail(err, ERANGE, "'%s': 'timeout' is from 1 to %d seconds", path,
		               MAX_TIMEOUT);
	}
	if (settings.timeout_sec == 0)
		settings.timeout_sec = MB_REGISTRY_TIMEOUT_SEC;
	*ret = settings;
	return 0;
}

void mb_registry_settings_done(struct mb_registry_settings *settings)
{
	mb_json_done(settings_table, settings);
}

const struct mb_registry_host *
mb_registry_settings_find(const struct mb_registry_settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->n_hosts; i++)
		if (strcmp(settings->hosts[i].name, name) == 0)
			return &settings->hosts[i];
	return NULL;
}

int mb_registry_settings_resolve(const struct mb_registry_settings *settings, const char *text,
                                 struct mb_oci_ref *ret, struct mb_err *err)
{
	size_t name = strcspn(text, ":@");
	MB_AUTO_FREE char *alone = mb_strndup(text, name), *whole = NULL;
	const char *meant = NULL;

	/* With a slash it is no short name; "host:5000/x" has one behind the colon. */
	if (!strchr(text, '/'))
		meant = mb_kv_find(&settings->short_names, alone);
	if (!meant)
		return mb_oci_ref_parse(text, true, ret, err);
	whole = mb_asprintf("%s%s", meant, text + name);
	return mb_oci_ref_parse(whole, true, ret, err);
}
