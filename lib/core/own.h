/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/core/own.h — who frees what: scope-bound ownership and allocation.
 *
 * A variable declared MB_AUTO_* is initialised where it is declared and released when its scope
 * ends; hand it over only with mb_take_ptr()/mb_take_fd().  Small internal allocations abort
 * when memory is out (one hook, mb_oom); a size that comes from outside goes through
 * mb_alloc_bounded().
 */
#ifndef MB_CORE_OWN_H
#define MB_CORE_OWN_H

#include <stddef.h>
#include <stdio.h>

struct mb_err;

#define MB_AUTO(destructor) __attribute__((cleanup(destructor##_p)))
/* Defines name_p(), the scope hook of the destructor name(type *). */
#define MB_AUTO_DEFINE(type, name)                 \
	static inline void name##_p(type **object) \
	{                                          \
		name(*object);                     \
	}
#define MB_AUTO_FREE   __attribute__((cleanup(mb_free_p)))
#define MB_AUTO_CLOSE  __attribute__((cleanup(mb_close_p)))
#define MB_AUTO_FCLOSE __attribute__((cleanup(mb_fclose_p)))
#define MB_MUST_CHECK  __attribute__((warn_unused_result))

void mb_free_p(void *pointer_to_pointer);
void mb_close_p(const int *fd);
void mb_fclose_p(FILE **file);

/* Close *@fd unless negative, keep errno, set *@fd to -1. */
void mb_close(int *fd);

static inline int mb_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}
#define mb_take_ptr(pp)                         \
	({                                      \
		__typeof__(pp) pp_ = (pp);      \
		__typeof__(*pp_) taken_ = *pp_; \
		*pp_ = NULL;                    \
		taken_;                         \
	})

/* Never return NULL: memory out ends the process with one line and exit code 125. */
void *mb_malloc(size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1)));
void *mb_calloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull, alloc_size(1, 2)));
void *mb_realloc(void *old, size_t size) __attribute__((returns_nonnull, alloc_size(2)));
char *mb_strdup(const char *s) __attribute__((malloc, returns_nonnull));
/* NULL stays NULL. */
char *mb_strdup_or_null(const char *s);
char *mb_strndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
char *mb_asprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2), returns_nonnull));
/* Replace *@slot (freed) by a copy of @s; NULL clears. */
void mb_strset(char **slot, const char *s);
void mb_oom(void) __attribute__((noreturn));

/* n * size zeroed bytes, or NULL with @err told: -E2BIG over @limit bytes, -ENOMEM. */
int mb_alloc_bounded(size_t n, size_t size, size_t limit, void **ret, struct mb_err *err);

#define MB_N(array) (sizeof(array) / sizeof((array)[0]))

#endif
