/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/key.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "build/state.h"

/* Changes when keys come to mean something else. */
static const char version[] = "mybox-step-4";

static void add(struct mb_build_key *key, const void *bytes, ssize_t n)
{
	char length[24];
	int digits = snprintf(length, sizeof(length), "%zd:", n);

	mb_sha256_add(&key->sum, length, (size_t)digits);
	if (n > 0)
		mb_sha256_add(&key->sum, bytes, (size_t)n);
}

void mb_build_key_add_bytes(struct mb_build_key *key, const void *bytes, size_t n)
{
	add(key, bytes, (ssize_t)n);
}

void mb_build_key_add(struct mb_build_key *key, const char *part)
{
	add(key, part, part ? (ssize_t)strlen(part) : -1);
}

void mb_build_key_add_all(struct mb_build_key *key, const struct mb_strv *parts)
{
	char count[24];

	snprintf(count, sizeof(count), "%zu", parts->n);
	mb_build_key_add(key, count);
	MB_STRV_FOREACH (part, parts)
		mb_build_key_add(key, part);
}

void mb_build_key_init_bare(struct mb_build_key *key, const char *kind,
                            const struct mb_build_state *state)
{
	mb_sha256_init(&key->sum);
	mb_build_key_add(key, version);
	mb_build_key_add(key, kind);
	mb_build_key_add(key, state->config.os);
	mb_build_key_add(key, state->config.architecture);
	mb_build_key_add(key, state->config.variant);
}

void mb_build_key_init(struct mb_build_key *key, const char *kind,
                       const struct mb_build_state *state)
{
	mb_build_key_init_bare(key, kind, state);
	mb_build_key_add(key, mb_build_state_top(state));
}

void mb_build_key_add_epoch(struct mb_build_key *key, int64_t epoch)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)epoch);
	mb_build_key_add(key, text);
}

void mb_build_key_finish(struct mb_build_key *key, char text[MB_SHA256_TEXT])
{
	mb_sha256_finish_text(&key->sum, text);
}
