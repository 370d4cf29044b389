/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/container_choice.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/ps_filter.h"
#include "container/container.h"
#include "core/err.h"
#include "core/io.h"
#include "core/own.h"
#include "core/str.h"

/* An id and no more, whatever stands in the file. */
enum { CIDFILE_MAX = 256 };

static int read_cidfile(const char *path, bool ignore, struct mb_strv *names, struct mb_err *err)
{
	MB_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;
	char *id;
	int r;

	if (fd < 0 && errno == ENOENT && ignore)
		return 0;
	if (fd < 0)
		return mb_fail_sys(err, errno, "--cidfile: cannot open '%s'", path);
	r = mb_read_fd(fd, CIDFILE_MAX, &text, err);
	if (r < 0)
		return mb_wrap(err, r, "--cidfile '%s'", path);
	id = mb_str_take(&text);
	id[strcspn(id, "\n")] = '\0';
	mb_strv_take(names, id);
	return *id ? 0 : mb_fail(err, EINVAL, "--cidfile: '%s' is empty", path);
}

static int add_matching(struct mb_store *store, const struct mb_cmd_choice *choice,
                        mb_cmd_choice_fn *may, struct mb_strv *names, struct mb_err *err)
{
	struct mb_container_list all = {0};
	struct mb_cmd_ps_asked asked = {0};
	int r = mb_cmd_ps_ask(store, &choice->filters, &asked, err);

	if (r == 0)
		r = mb_container_list_load(store, false, &all, err);
	for (size_t i = 0; r == 0 && i < all.n; i++) {
		/* The newest is the first. */
		if (choice->latest ? i == 0
		                   : (!may || may(all.v[i])) && mb_cmd_ps_matches(all.v[i], &asked))
			mb_strv_add(names, all.v[i]->id);
	}
	mb_container_list_done(&all);
	mb_cmd_ps_asked_done(&asked);
	return r;
}

static int add_named(struct mb_store *store, const struct mb_cli_input *in, bool ignore,
                     struct mb_strv *names)
{
	for (size_t i = 0; i < in->n_operands; i++) {
		char id[MB_ID_TEXT];

		if (!ignore ||
		    mb_container_resolve(store, in->operands[i], id, NULL) != MB_CONTAINER_ABSENT)
			mb_strv_add(names, in->operands[i]);
	}
	return 0;
}

int mb_cmd_choose(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                  const struct mb_cmd_choice *choice, mb_cmd_choice_fn *may,
                  struct mb_cli_input *ret, struct mb_strv *names, struct mb_err *err)
{
	const bool matches = choice->all || choice->latest || choice->filters.n;
	struct mb_store *store;
	int r;

	if (!matches && !choice->cidfiles.n && !in->n_operands)
		return mb_fail(err, EINVAL, "no container is named");
	if (matches && (choice->cidfiles.n || in->n_operands))
		return mb_fail(err, EINVAL,
		               "--all, --latest and --filter do not go with names of containers");
	if (choice->latest && (choice->all || choice->filters.n))
		return mb_fail(err, EINVAL, "--latest does not go with --all and --filter");
	r = mb_cmd_store(cx, &store, err);
	if (r == 0)
		r = matches ? add_matching(store, choice, may, names, err)
		            : add_named(store, in, choice->ignore, names);
	for (size_t i = 0; r == 0 && i < choice->cidfiles.n; i++)
		r = read_cidfile(choice->cidfiles.v[i], choice->ignore, names, err);
	if (r == 0 && choice->latest && !names->n)
		r = mb_fail(err, ENOENT, "--latest: there is no container");
	*ret = *in;
	ret->operands = names->v;
	ret->n_operands = names->n;
	return r;
}
