/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/registry/settings.h — what the administrator says about registries: registries.json. */
#ifndef MB_REGISTRY_SETTINGS_H
#define MB_REGISTRY_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/strv.h"

struct mb_err;
struct mb_oci_ref;

#define MB_REGISTRY_SETTINGS_PATH "/etc/mybox/registries.json"

enum { MB_REGISTRY_TIMEOUT_SEC = 30 };

struct mb_registry_host {
	char *name;             /* "registry.example.com:5000" */
	bool insecure;          /* certificates need not be valid, and http will do */
	char *ca;               /* a file of certificates that alone are trusted, or NULL */
	struct mb_strv mirrors; /* "host:port" or whole addresses, asked first, in this order */
};
struct mb_registry_settings {
	struct mb_registry_host *hosts;
	size_t n_hosts;
	struct mb_kv short_names; /* "deb" -> "registry.example.com/base/debian" */
	int timeout_sec;          /* without a byte in either direction */
	/* Not of the file.  What breaks is tried so often; 0: as usual. */
	unsigned tries;
	uint64_t rest_msec; /* between two tries; 0: longer each time */
};

/* A file that is not there is an empty one. */
int mb_registry_settings_load(const char *path, struct mb_registry_settings *ret,
                              struct mb_err *err);
void mb_registry_settings_done(struct mb_registry_settings *settings);
#define MB_AUTO_REGISTRY_SETTINGS __attribute__((cleanup(mb_registry_settings_done)))

/* What is said of @name, or NULL. */
const struct mb_registry_host *
mb_registry_settings_find(const struct mb_registry_settings *settings, const char *name);
/* The reference that the user means: short names first, then docker's rules. */
int mb_registry_settings_resolve(const struct mb_registry_settings *settings, const char *text,
                                 struct mb_oci_ref *ret, struct mb_err *err);

#endif
