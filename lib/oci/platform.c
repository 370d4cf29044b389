/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of an index's manifests suits a machine. */
#include <stdlib.h>
#include <string.h>

#include "core/parse.h"
#include "core/str.h"
#include "oci/image_spec.h"

void mb_oci_host_architecture(const char **ret_architecture, const char **ret_variant)
{
	*ret_variant = NULL;
#if defined(__x86_64__)
	*ret_architecture = "amd64";
#elif defined(__aarch64__)
	*ret_architecture = "arm64";
#elif defined(__arm__)
	*ret_architecture = "arm";
	*ret_variant = "v7";
#elif defined(__i386__)
	*ret_architecture = "386";
#elif defined(__riscv)
	*ret_architecture = "riscv64";
#elif defined(__powerpc64__)
	*ret_architecture = "ppc64le";
#elif defined(__s390x__)
	*ret_architecture = "s390x";
#elif defined(__loongarch64)
	*ret_architecture = "loong64";
#else
#error "give Go's name of this architecture"
#endif
}

/* "v7" is 7.  What has no variant is the oldest that the architecture name stands for. */
static uint32_t variant_number(const char *architecture, const char *variant)
{
	uint32_t n;

	if (variant && *variant == 'v' && mb_parse_u32(variant + 1, &n) == 0)
		return n;
	if (strcmp(architecture, "arm64") == 0)
		return 8;
	if (strcmp(architecture, "arm") == 0)
		return 7;
	return 1;
}

static bool is_attestation(const struct mb_oci_descriptor *d)
{
	const char *type = mb_kv_find(&d->annotations, "vnd.docker.reference.type");

	return (type && strcmp(type, "attestation-manifest") == 0) ||
	       mb_streq(d->platform.os, "unknown");
}

/* 0: does not suit; else the higher the better.  A machine runs what older ones of its
 * architecture ran; an entry that tells no platform is the last resort. */
static uint32_t score(const struct mb_oci_descriptor *d, const char *os, const char *architecture,
                      const char *variant)
{
	const struct mb_oci_platform *p = &d->platform;
	uint32_t have, want;

	if (is_attestation(d))
		return 0;
	if (!p->os && !p->architecture)
		return 1;
	if (!mb_streq(p->os, os) || !mb_streq(p->architecture, architecture))
		return 0;
	have = variant_number(architecture, p->variant);
	want = variant_number(architecture, variant);
	if (have > want || have > 1000)
		return 0;
	return 2 + have;
}

const struct mb_oci_descriptor *mb_oci_index_find(const struct mb_oci_index *index, const char *os,
                                                  const char *architecture, const char *variant)
{
	const struct mb_oci_descriptor *best = NULL;
	uint32_t best_score = 0;

	for (size_t i = 0; i < index->n_manifests; i++) {
		uint32_t s = score(&index->manifests[i], os, architecture, variant);

		if (s > best_score) {
			best = &index->manifests[i];
			best_score = s;
		}
	}
	return best;
}
