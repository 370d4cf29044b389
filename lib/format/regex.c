/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "format/regex.h"

#include <regex.h>
#include <string.h>

enum { MAX_EXPANDED = 16384 }; /* bytes of an expression with its repetitions */

/* The larger number of "{2,5}", 1 at least. */
static unsigned long times_of(const char *braces)
{
	unsigned long most = 1, number = 0;

	for (const char *p = braces + 1; (*p >= '0' && *p <= '9') || *p == ','; p++) {
		number = *p == ',' ? 0 : number * 10 + (unsigned long)(*p - '0');
		if (number > most)
			most = number;
		if (most > MAX_EXPANDED)
			break;
	}
	return most;
}

/* regcomp() writes out what is repeated: '+' doubles what stands before it, "{n}" takes it n
 * times, and one within the other multiply.  Some fifty bytes would fill all memory. */
static bool is_bounded(const char *pattern)
{
	unsigned long expanded = strlen(pattern);

	for (const char *p = strpbrk(pattern, "+{"); p; p = strpbrk(p + 1, "+{")) {
		expanded *= *p == '+' ? 2 : times_of(p);
		if (expanded > MAX_EXPANDED)
			return false;
	}
	return expanded <= MAX_EXPANDED;
}

static bool compile(const char *pattern, regex_t *ret)
{
	return is_bounded(pattern) && regcomp(ret, pattern, REG_EXTENDED | REG_NOSUB) == 0;
}

bool mb_format_regex_is_valid(const char *pattern)
{
	regex_t regex;
	bool is_valid = compile(pattern, &regex);

	if (is_valid)
		regfree(&regex);
	return is_valid;
}

bool mb_format_regex_finds(const char *pattern, const char *value)
{
	regex_t regex;
	bool found;

	if (!compile(pattern, &regex))
		return false;
	found = regexec(&regex, value, 0, NULL, 0) == 0;
	regfree(&regex);
	return found;
}
