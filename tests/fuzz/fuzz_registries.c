/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/err.h"
#include "core/own.h"
#include "fuzz.h"
#include "oci/ref.h"
#include "registry/registry.h"
#include "registry/settings.h"

/* A place is asked as the settings say, or is refused. */
static void open_place(const struct mb_registry_settings *settings, const char *name,
                       const char *mirror)
{
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};
	struct mb_registry *reg = NULL;
	struct mb_err err = MB_ERR_INIT;
	char *whole = mb_asprintf("%s/a:1", name);

	if (mb_oci_ref_parse(whole, true, &ref, NULL) == 0) {
		int r = mb_registry_open(
			&ref, &(struct mb_registry_options){.settings = settings, .mirror = mirror},
			&reg, &err);

		FUZZ_CHECK(r == 0 || err.code);
	}
	mb_registry_free(reg);
	free(whole);
}

/* registries.json. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"deb", "mine:1", "a/b", "deb@x", "r.example:5000/x"};
	MB_AUTO_REGISTRY_SETTINGS struct mb_registry_settings settings = {0};
	struct mb_err err = MB_ERR_INIT;
	char path[128];

	fuzz_file("registries.json", data, size);
	snprintf(path, sizeof(path), "%s/registries.json", fuzz_dir_path);
	if (mb_registry_settings_load(path, &settings, &err) < 0) {
		FUZZ_CHECK(err.code && strstr(err.msg, "registries.json"));
		return 0;
	}
	FUZZ_CHECK(settings.timeout_sec > 0);
	for (size_t i = 0; i < MB_N(names); i++) {
		MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};

		if (mb_registry_settings_resolve(&settings, names[i], &ref, NULL) == 0)
			FUZZ_CHECK(ref.domain && ref.path && (ref.tag || ref.digest.alg));
	}
	for (size_t i = 0; i < settings.n_hosts && i < 4; i++) {
		const struct mb_registry_host *host = &settings.hosts[i];

		FUZZ_CHECK(mb_registry_settings_find(&settings, host->name));
		/* What certificates are, is a file's matter. */
		if (!host->ca)
			open_place(&settings, host->name,
			           host->mirrors.n ? host->mirrors.v[0] : NULL);
	}
	return 0;
}
