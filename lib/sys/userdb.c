/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/userdb.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/err.h"
#include "core/own.h"
#include "core/parse.h"
#include "core/str.h"
#include "core/strv.h"
#include "sys/path.h"

static const char passwd_path[] = "/etc/passwd";
static const char group_path[] = "/etc/group";
enum { FIELDS_MAX = 7 };

void mb_sys_user_done(struct mb_sys_user *user)
{
	free(user->groups);
	free(user->name);
	free(user->home);
	*user = (struct mb_sys_user){0};
}

/* ---- what was asked for ---- */

/* A name or a number of one kind; neither when the text was empty. */
struct wanted {
	const char *name; /* borrowed */
	bool is_number;
	uint32_t number;
};

/* Anything that looks like a number is one: a name "0" in a hostile passwd has no chance. */
static int parse_wanted(const char *text, const char *kind, struct wanted *ret, struct mb_err *err)
{
	const char *digits = text + (*text == '-');
	struct wanted w = {0};

	if (!*text) {
		*ret = w;
		return 0;
	}
	if (*digits && strspn(digits, "0123456789") == strlen(digits)) {
		if (mb_parse_u32(text, &w.number) < 0 || w.number == UINT32_MAX)
			return mb_fail(err, ERANGE, "%s '%.40s' is not in 0..4294967294", kind,
			               text);
		w.is_number = true;
	} else {
		w.name = text;
	}
	*ret = w;
	return 0;
}

static int no_entry(struct mb_err *err, const char *kind, const char *name, const char *file)
{
	MB_AUTO_FREE char *shown = mb_printable(name);

	return mb_fail(err, ENOENT, "unable to find %s '%.100s': no matching entries in %s file",
	               kind, shown, file);
}

/* ---- the files ---- */

/* A file in memory, cut into lines and these into fields as it is walked. */
struct table {
	const char *path;
	struct mb_str text;
	char *at;
	unsigned line;
	char *field[FIELDS_MAX];
	int n_fields;
};

#define AUTO_TABLE __attribute__((cleanup(table_done)))
static void table_done(struct table *t)
{
	mb_str_done(&t->text);
}

static int table_load(struct table *t, int rootfd, const char *path, struct mb_err *err)
{
	int r;

	t->path = path;
	r = mb_sys_path_read(rootfd, path, MB_SYS_USERDB_FILE_MAX, &t->text, err);
	if (r == -ENOENT || r == -ENOTDIR) {
		if (err)
			*err = MB_ERR_INIT;
		r = 0;
	}
	t->at = t->text.buf;
	return r;
}

static void table_cut(struct table *t, char *line, int max_fields)
{
	line += strspn(line, " \t\r");
	t->n_fields = 0;
	while (line && t->n_fields < max_fields)
		t->field[t->n_fields++] = strsep(&line, ":");
}

/* Step to the next line that has a name and @min fields at least.
 * Return: 1; 0 at the end; or -errno. */
static int table_next(struct table *t, int min, int max, struct mb_err *err)
{
	while (t->at && t->at < t->text.buf + t->text.len) {
		const char *end = t->text.buf + t->text.len;
		char *line = t->at, *stop = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((stop ? stop : end) - line);

		t->line++;
		t->at = stop ? stop + 1 : NULL;
		if (len > MB_SYS_USERDB_LINE_MAX)
			return mb_fail(err, E2BIG, "line %u of '%s' is longer than %d bytes",
			               t->line, t->path, MB_SYS_USERDB_LINE_MAX);
		line[len] = '\0';
		while (len > 0 && strchr(" \t\r", line[len - 1]))
			line[--len] = '\0';
		if (strlen(line) != len) /* NUL inside */
			continue;
		table_cut(t, line, max);
		if (t->n_fields >= min && t->field[0][0] && !strchr("#+-", t->field[0][0]))
			return 1;
	}
	return 0;
}

static bool parse_id(const char *text, uint32_t *ret)
{
	return mb_parse_u32(text, ret) == 0 && *ret != UINT32_MAX;
}

/* ---- passwd ---- */

static bool passwd_matches(const struct table *t, uint32_t uid, const struct wanted *want)
{
	return want->name ? mb_streq(t->field[0], want->name) : uid == want->number;
}

/* Fill in uid, gid, name and home; a number needs no entry. */
static int find_user(int rootfd, const struct wanted *want, struct mb_sys_user *user,
                     struct mb_err *err)
{
	AUTO_TABLE struct table t = {.text = MB_STR_INIT};
	int r = table_load(&t, rootfd, passwd_path, err);

	if (r < 0)
		return r;
	while ((r = table_next(&t, 4, FIELDS_MAX, err)) == 1) {
		uint32_t uid, gid;

		if (!parse_id(t.field[2], &uid) || !parse_id(t.field[3], &gid) ||
		    !passwd_matches(&t, uid, want))
			continue;
		user->uid = uid;
		user->gid = gid;
		user->name = mb_strdup(t.field[0]);
		user->home = mb_strdup(t.n_fields > 5 && t.field[5][0] ? t.field[5] : "/");
		return 0;
	}
	if (r < 0)
		return r;
	if (want->name)
		return no_entry(err, "user", want->name, "passwd");
	user->uid = want->number;
	user->gid = 0;
	user->home = mb_strdup("/");
	return 0;
}

/* ---- group ---- */

struct groups {
	uint32_t *v;
	size_t n, cap;
};

static int groups_add(struct groups *g, uint32_t gid, struct mb_err *err)
{
	if (g->n >= MB_SYS_USERDB_GROUPS_MAX)
		return mb_fail(err, E2BIG, "the user is in more than %d groups",
		               MB_SYS_USERDB_GROUPS_MAX);
	if (g->n == g->cap) {
		g->cap = g->cap ? g->cap * 2 : 16;
		g->v = mb_realloc(g->v, g->cap * sizeof(*g->v));
	}
	g->v[g->n++] = gid;
	return 0;
}

static bool is_member(char *members, const char *name)
{
	char *member;

	while ((member = strsep(&members, ","))) {
		if (mb_streq(member, name))
			return true;
	}
	return false;
}

/* What is looked for in the group file, all in one walk. */
struct search {
	struct wanted primary; /* "user:GROUP" */
	bool primary_found;
	const char *member;   /* groups of this one are taken; NULL for none */
	struct wanted *added; /* --group-add; a name found becomes a number */
	size_t n_added;
	struct groups groups;
};

static int search_entry(struct search *s, struct table *t, uint32_t gid, struct mb_err *err)
{
	const char *name = t->field[0];

	if (s->primary.name && !s->primary_found && mb_streq(name, s->primary.name)) {
		s->primary_found = true;
		s->primary.number = gid;
	}
	for (size_t i = 0; i < s->n_added; i++) {
		struct wanted *a = &s->added[i];

		if (!a->is_number && mb_streq(name, a->name)) {
			a->is_number = true;
			a->number = gid;
		}
	}
	if (s->member && t->n_fields > 3 && is_member(t->field[3], s->member))
		return groups_add(&s->groups, gid, err);
	return 0;
}

static int search_file(struct search *s, int rootfd, struct mb_err *err)
{
	AUTO_TABLE struct table t = {.text = MB_STR_INIT};
	int r = table_load(&t, rootfd, group_path, err);

	if (r < 0)
		return r;
	while ((r = table_next(&t, 3, 4, err)) == 1) {
		uint32_t gid;

		if (!parse_id(t.field[2], &gid))
			continue;
		r = search_entry(s, &t, gid, err);
		if (r < 0)
			return r;
	}
	return r;
}

static int compare_ids(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The primary first, the others once each. */
static void groups_finish(const struct groups *g, struct mb_sys_user *user)
{
	user->groups = mb_calloc(g->n + 1, sizeof(*user->groups));
	user->groups[user->n_groups++] = user->gid;
	if (g->n)
		qsort(g->v, g->n, sizeof(*g->v), compare_ids);
	for (size_t i = 0; i < g->n; i++) {
		if (g->v[i] != user->gid && (i == 0 || g->v[i] != g->v[i - 1]))
			user->groups[user->n_groups++] = g->v[i];
	}
}

static int find_groups(struct search *s, int rootfd, struct mb_sys_user *user, struct mb_err *err)
{
	int r = search_file(s, rootfd, err);

	if (r < 0)
		return r;
	if (s->primary.name && !s->primary_found)
		return no_entry(err, "group", s->primary.name, "group");
	if (s->primary.name || s->primary.is_number)
		user->gid = s->primary.number;
	for (size_t i = 0; i < s->n_added; i++) {
		if (!s->added[i].is_number)
			return no_entry(err, "group", s->added[i].name, "group");
		r = groups_add(&s->groups, s->added[i].number, err);
		if (r < 0)
			return r;
	}
	groups_finish(&s->groups, user);
	return 0;
}

/* ---- both ---- */

static int parse_added(const struct mb_strv *list, struct search *s, struct mb_err *err)
{
	s->n_added = list ? list->n : 0;
	s->added = mb_calloc(s->n_added + 1, sizeof(*s->added));
	for (size_t i = 0; i < s->n_added; i++) {
		int r = parse_wanted(list->v[i], "group", &s->added[i], err);

		if (r < 0)
			return r;
		if (!*list->v[i])
			return mb_fail(err, EINVAL, "an empty name of a group");
	}
	return 0;
}

static int resolve(int rootfd, char *spec, struct search *s, struct mb_sys_user *user,
                   struct mb_err *err)
{
	char *group = strchr(spec, ':');
	struct wanted who;
	int r;

	if (group)
		*group++ = '\0';
	if (group && strchr(group, ':'))
		return mb_fail(err, EINVAL, "more than one ':' in a user");
	r = parse_wanted(spec, "user", &who, err);
	if (r == 0)
		r = parse_wanted(group ? group : "", "group", &s->primary, err);
	if (r == 0)
		r = find_user(rootfd, &who, user, err);
	if (r < 0)
		return r;
	/* As docker has it: who names a group gets that one, not those of the group file. */
	if (!s->primary.name && !s->primary.is_number)
		s->member = user->name;
	return find_groups(s, rootfd, user, err);
}

int mb_sys_userdb_resolve(int rootfd, const char *user, const struct mb_strv *group_add,
                          struct mb_sys_user *ret, struct mb_err *err)
{
	MB_AUTO_FREE char *spec = mb_strdup(user ? user : "");
	MB_AUTO_USER struct mb_sys_user found = {0};
	struct search s = {0};
	int r = parse_added(group_add, &s, err);

	if (r == 0)
		r = resolve(rootfd, spec, &s, &found, err);
	free(s.added);
	free(s.groups.v);
	if (r < 0)
		return r;
	*ret = found;
	found = (struct mb_sys_user){0};
	return 0;
}
