/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The documents, and what others see of them. */
#include "container/health.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "container/container.h"
#include "container/health_doc.h"
#include "core/own.h"
#include "core/str.h"
#include "store/doc.h"
#include "store/store.h"
#include "json/json.h"

static const char *const words[] = {"starting", "healthy", "unhealthy", NULL};

// clang-format off
static const struct mb_json_field result_table[] = {
	MB_JSON_TIME("Start", struct mb_container_health_result, start, .flags = MB_JSON_ALWAYS),
	MB_JSON_TIME("End", struct mb_container_health_result, end, .flags = MB_JSON_ALWAYS),
	MB_JSON_INT("ExitCode", struct mb_container_health_result, exit_code, .flags = MB_JSON_ALWAYS),
	MB_JSON_STR("Output", struct mb_container_health_result, output, .flags = MB_JSON_ALWAYS),
	MB_JSON_END,
};

static const struct mb_json_field table[] = {
	MB_JSON_ENUM("Status", struct mb_container_health, status, words, .flags = MB_JSON_ALWAYS),
	MB_JSON_INT("FailingStreak", struct mb_container_health, failing_streak, .flags = MB_JSON_ALWAYS),
	MB_JSON_BOOL("Began", struct mb_container_health, began),
	MB_JSON_INT("StartupSuccesses", struct mb_container_health, startup_successes),
	MB_JSON_INT("StartupFailures", struct mb_container_health, startup_failures),
	MB_JSON_LIST("Log", struct mb_container_health, log, n_log,
		     struct mb_container_health_result, result_table, .flags = MB_JSON_ALWAYS),
	MB_JSON_END,
};
// clang-format on

void mb_container_health_done(struct mb_container_health *health)
{
	mb_json_done(table, health);
}

static bool is_probed(const struct mb_container *c)
{
	return mb_container_health_is_probe(c->record->config.healthcheck);
}

/* One that never ran has no health. */
static bool has_health(const struct mb_container *c)
{
	const struct mb_container_state *s = &c->state;

	return is_probed(c) && (s->has_run || (s->has_exit && !s->exit.failed_start));
}

/* The link beside state.json, without a descriptor: lists have none. */
enum mb_health_status mb_container_health_status(const struct mb_container *c)
{
	struct mb_container_health health;
	char path[32 + MB_ID_TEXT], word[16];
	enum mb_health_status status = MB_HEALTH_STARTING;
	ssize_t n;

	if (!has_health(c))
		return MB_HEALTH_NONE;
	if (!mb_container_is_running(c)) {
		mb_container_health_load(c, &health);
		status = (enum mb_health_status)health.status;
		mb_container_health_done(&health);
		return status;
	}
	snprintf(path, sizeof(path), "c/%s/" MB_HEALTH_LINK, c->id);
	n = readlinkat(c->store->run_fd, path, word, sizeof(word) - 1);
	word[n > 0 ? n : 0] = '\0';
	for (int i = 0; words[i]; i++)
		if (strcmp(word, words[i]) == 0)
			status = (enum mb_health_status)i;
	return status;
}

void mb_container_health_load(const struct mb_container *c, struct mb_container_health *ret)
{
	bool runs = mb_container_is_running(c);
	char path[32 + MB_ID_TEXT];

	*ret = (struct mb_container_health){0};
	snprintf(path, sizeof(path), "%s/%s/" MB_HEALTH_DOC, runs ? "c" : "containers", c->id);
	/* One that cannot be read is written anew by the next probe. */
	if (mb_store_doc_load(runs ? c->store->run_fd : c->store->root_fd, path, table, ret, NULL))
		*ret = (struct mb_container_health){0};
}

int mb_container_health_save(struct mb_container *c, const struct mb_container_health *health,
                             struct mb_err *err)
{
	static const char fresh[] = ".health.new";
	int r = mb_store_doc_save(c->run_fd, MB_HEALTH_DOC, table, health, MB_DOC_REPLACE, err);

	if (r < 0)
		return r;
	unlinkat(c->run_fd, fresh, 0);
	if (symlinkat(words[health->status], c->run_fd, fresh) == 0)
		renameat(c->run_fd, fresh, c->run_fd, MB_HEALTH_LINK);
	return 0;
}

void mb_container_health_keep(struct mb_container *c)
{
	struct mb_container_health health = {0};

	if (!is_probed(c) || c->run_fd < 0 || c->record->host.auto_remove)
		return;
	if (mb_store_doc_load(c->run_fd, MB_HEALTH_DOC, table, &health, NULL) == 0)
		(void)mb_store_doc_save(c->dir_fd, MB_HEALTH_DOC, table, &health, MB_DOC_REPLACE,
		                        NULL);
	else if (c->state.has_run)
		unlinkat(c->dir_fd, MB_HEALTH_DOC, 0); /* of the run before */
	mb_container_health_done(&health);
}

struct json_object *mb_container_health_json(const struct mb_container *c)
{
	struct mb_container_health health;
	struct json_object *o, *log = mb_json_new_array();

	if (!has_health(c)) {
		mb_json_free(log);
		return NULL;
	}
	mb_container_health_load(c, &health);
	o = mb_json_new_object();
	mb_json_set_str(o, "Status", words[health.status]);
	mb_json_set_i64(o, "FailingStreak", health.failing_streak);
	for (size_t i = 0; i < health.n_log; i++)
		mb_json_push(log, mb_json_encode(result_table, &health.log[i]));
	mb_json_set(o, "Log", log);
	mb_container_health_done(&health);
	return o;
}
