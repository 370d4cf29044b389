/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/csv.h"

#include <errno.h>
#include <string.h>

#include "core/own.h"
#include "core/str.h"
#include "core/strv.h"

int mb_csv_split(const char *s, struct mb_strv *out, const char **ret_why)
{
	for (;;) {
		MB_AUTO_STR struct mb_str field = MB_STR_INIT;

		if (*s == '"') {
			for (s++; *s && !(*s == '"' && s[1] != '"'); s++) {
				s += *s == '"';
				mb_str_addc(&field, *s);
			}
			if (*s++ != '"' || (*s && *s != ',')) {
				*ret_why = "a quote is not closed";
				return -EINVAL;
			}
		} else {
			for (; *s && *s != ','; s++) {
				if (*s == '"') {
					*ret_why = "bare \" in non-quoted field";
					return -EINVAL;
				}
				mb_str_addc(&field, *s);
			}
		}
		mb_strv_take(out, mb_str_take(&field));
		if (!*s)
			return 0;
		s++;
	}
}

void mb_csv_add(struct mb_str *out, const char *field)
{
	if (!strpbrk(field, ",\"\n")) {
		mb_str_add(out, field);
		return;
	}
	mb_str_addc(out, '"');
	for (; *field; field++) {
		if (*field == '"')
			mb_str_addc(out, '"');
		mb_str_addc(out, *field);
	}
	mb_str_addc(out, '"');
}
