/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/core/parse.h — text to numbers, strictly: the whole text or an error, never a guess.
 *
 * Every function returns 0 with the output set, or -EINVAL/-ERANGE with nothing changed.  They
 * tell no error text: the caller knows the name of what it parses.
 */
#ifndef MB_CORE_PARSE_H
#define MB_CORE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

int mb_parse_u64(const char *s, uint64_t *ret); /* decimal digits only */
int mb_parse_i64(const char *s, int64_t *ret);  /* optional leading '-' */
int mb_parse_u32(const char *s, uint32_t *ret);
int mb_parse_int(const char *s, int *ret);
int mb_parse_bool(const char *s, bool *ret);     /* Go's strconv.ParseBool forms */
int mb_parse_mode(const char *s, uint32_t *ret); /* octal, up to 07777 */
/* docker's sizes: 64m, 1g, 1.5GiB, 100kb, 512 (bytes); binary multiples; "-1" is INT64_MAX's
 * refusal, not accepted here. */
int mb_parse_size(const char *s, int64_t *ret_bytes);
/* Go's durations: 1h2m3.5s, 100ms, 250us, 7ns; a bare "0". */
int mb_parse_duration(const char *s, int64_t *ret_nsec);
/* cpus as docker has them: "1.5" to billionths (1500000000). */
int mb_parse_nano_cpus(const char *s, int64_t *ret);
/* A list as cpuset has it: "0-3,7".  Bounded: numbers over @max are -ERANGE. */
int mb_parse_cpu_list(const char *s, uint32_t max);
/* A signal: "9", "KILL", "SIGKILL", "RTMIN+3", any case. */
int mb_parse_signal(const char *s, int *ret);
/* "SIGTERM"; borrowed, static. "SIG34" style for real-time ones is written to @buf (>= 16). */
const char *mb_signal_name(int sig, char *buf);
/* The names that docker allows: [a-zA-Z0-9][a-zA-Z0-9_.-]+, at most 253 bytes. */
bool mb_name_is_valid(const char *s);
bool mb_hex_is_valid(const char *s, uint64_t len); /* exactly len lower-case hex digits */

#endif
