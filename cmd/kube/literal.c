/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text that Kubernetes leaves as it is.
 *
 * In commands and variables it makes "$" of "$$", and of "$(NAME)" what the variable holds; a name
 * that it does not know it lets stand, and all that is in it.  podman expands nothing, so that no
 * more is doubled than has to be: "$(hostname)" is the same to both.
 */
#include <string.h>

#include "cmd/kube/kube.h"
#include "core/own.h"

/* Whether Kubernetes may know it: a variable of the container's, or of one of the Services, whose
 * names are in capitals. */
static bool is_known(const char *name, size_t n, const struct mb_strv *env)
{
	static const char capitals[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

	MB_STRV_FOREACH (assignment, env)
		if (strcspn(assignment, "=") == n && strncmp(assignment, name, n) == 0)
			return true;
	return strspn(name, capitals) == n;
}

char *mb_cmd_kube_literal(const char *text, const struct mb_strv *env)
{
	MB_AUTO_STR struct mb_str out = MB_STR_INIT;

	while (*text) {
		const char *end = mb_starts_with(text, "$(") ? strchr(text, ')') : NULL;
		size_t n = end ? (size_t)(end - text) + 1 : 1;
		bool known = end && is_known(text + 2, n - 3, env);

		if (known)
			n = 2;
		if (known || mb_starts_with(text, "$$"))
			mb_str_addc(&out, '$');
		mb_str_addn(&out, text, n);
		text += n;
	}
	return mb_str_take(&out);
}

void mb_cmd_kube_put_words(struct mb_str *out, const char *indent, const char *key,
                           const struct mb_strv *words, const struct mb_strv *env)
{
	MB_AUTO_STRV struct mb_strv literals = MB_STRV_INIT;

	MB_STRV_FOREACH (word, words)
		mb_strv_take(&literals, mb_cmd_kube_literal(word, env));
	mb_cmd_kube_put_list(out, indent, key, &literals);
}
