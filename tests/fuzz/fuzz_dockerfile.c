/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/err.h"
#include "dockerfile/dockerfile.h"
#include "dockerfile/expand.h"
#include "dockerfile/lint.h"
#include "fuzz.h"

static const char *find(void *arg, const char *name)
{
	(void)arg;
	return *name == 'A' ? "a value/with.dots" : NULL;
}

static void expand_all(const struct mb_dockerfile *file, const struct mb_dockerfile_instruction *in)
{
	const struct mb_dockerfile_scope scope = {.find = find, .escape = file->escape};
	struct mb_dockerfile_scope body = scope;

	body.quotes_are_plain = true;
	MB_STRV_FOREACH (arg, &in->args) {
		MB_AUTO_STRV struct mb_strv words = MB_STRV_INIT;
		struct mb_err err = MB_ERR_INIT;
		char *word = NULL;
		int r = mb_dockerfile_expand(&scope, arg, &word, &err);

		FUZZ_CHECK((r == 0) == (word != NULL));
		FUZZ_CHECK(r == 0 || err.msg[0]);
		FUZZ_CHECK((mb_dockerfile_expand_words(&scope, arg, &words, NULL) == 0) ==
		           (r == 0));
		free(word);
	}
	for (size_t i = 0; i < in->n_heredocs; i++) {
		char *text = NULL;

		mb_dockerfile_expand(&body, in->heredocs[i].content, &text, NULL);
		free(text);
	}
	if (in->kind == MB_DOCKERFILE_ONBUILD) {
		struct mb_dockerfile_instruction trigger = {0};

		if (file->escape == '\\' &&
		    mb_dockerfile_instruction_parse(in->args.v[0], true, &trigger, NULL) == 0)
			mb_dockerfile_instruction_done(&trigger);
	}
}

/* Warnings are about lines that there are, in their order. */
static void lint(struct mb_dockerfile *file, const char *text, size_t size)
{
	const struct mb_dockerfile_lint how = {.text = text, .len = size};
	struct mb_err err = MB_ERR_INIT;
	bool is_error;

	if (mb_dockerfile_lint(file, &how, &is_error, &err) < 0) {
		FUZZ_CHECK(err.msg[0]);
		return;
	}
	for (size_t i = 0; i < file->n_warnings; i++) {
		FUZZ_CHECK(file->warnings[i].span.first > 0 && file->warnings[i].message[0]);
		FUZZ_CHECK(i == 0 ||
		           file->warnings[i - 1].span.first <= file->warnings[i].span.first);
	}
}

/* A Dockerfile, and every word of it with its variables. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MB_AUTO_DOCKERFILE struct mb_dockerfile file = {0};
	struct mb_dockerfile_span span = {0};
	struct mb_err err = MB_ERR_INIT;

	if (mb_dockerfile_parse((const char *)data, size, &file, &span, &err) < 0) {
		FUZZ_CHECK(err.msg[0]);
		return 0;
	}
	FUZZ_CHECK(file.n_stages > 0);
	lint(&file, (const char *)data, size);
	for (size_t i = 0; i < file.n_globals; i++)
		expand_all(&file, &file.globals[i]);
	for (size_t i = 0; i < file.n_stages; i++)
		for (size_t j = 0; j < file.stages[i].n; j++)
			expand_all(&file, &file.stages[i].v[j]);
	return 0;
}
