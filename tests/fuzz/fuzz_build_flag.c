/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "build/flag_spec.h"
#include "core/err.h"
#include "fuzz.h"

/* "id=a,b" is a and b; without "=" it is the agent's socket, which nothing splits. */
static void read_ssh(const char *text)
{
	struct mb_build_ssh_spec ssh = {0};
	struct mb_err err = MB_ERR_INIT;
	int r = mb_build_ssh_spec_parse(text, "/a,b=c", &ssh, &err);

	FUZZ_CHECK(r == 0 ? ssh.id && ssh.paths.n : err.msg[0]);
	if (r == 0 && !strchr(text, '='))
		FUZZ_CHECK(strcmp(ssh.id, text) == 0 && ssh.paths.n == 1 &&
		           strcmp(ssh.paths.v[0], "/a,b=c") == 0);
	if (r == 0 && strchr(text, '='))
		FUZZ_CHECK(strncmp(text, ssh.id, strlen(ssh.id)) == 0 &&
		           !strchr(ssh.paths.v[0], ','));
	mb_build_ssh_spec_done(&ssh);
}

/* What comes out is where it was in the text, and nothing is nothing's name. */
static void read_context(const char *text)
{
	struct mb_build_context_spec context = {0};
	struct mb_err err = MB_ERR_INIT;
	int r = mb_build_context_spec_parse(text, &context, &err);

	FUZZ_CHECK(r == 0 ? context.name && *context.name && context.place : err.msg[0]);
	if (r == 0) {
		FUZZ_CHECK(!strchr(context.name, '=') && strstr(text, context.place));
		FUZZ_CHECK(*context.place || context.kind == MB_BUILD_CONTEXT_LAYOUT);
		FUZZ_CHECK(!context.pick ||
		           (context.kind == MB_BUILD_CONTEXT_LAYOUT && !strchr(context.pick, '/') &&
		            strlen(context.place) + 1 + strlen(context.pick) < strlen(text)));
	}
	mb_build_context_spec_done(&context);
}

/* --cache-from, --cache-to, --output, --secret, --ssh and --build-context, each by the same text.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	static const char *const directories[] = {"src", "dest"};

	for (size_t i = 0; i < 2; i++) {
		struct mb_build_cache_spec cache = {0};
		struct mb_err err = MB_ERR_INIT;
		int r = mb_build_cache_spec_parse(text, directories[i], &cache, &err);

		FUZZ_CHECK(r == 0 ? cache.type != NULL : err.msg[0]);
		mb_build_cache_spec_done(&cache);
	}
	{
		struct mb_build_output_spec output = {0};
		struct mb_err err = MB_ERR_INIT;
		int r = mb_build_output_spec_parse(text, &output, &err);

		FUZZ_CHECK(r == 0 ? output.type != NULL : err.msg[0]);
		mb_build_output_spec_done(&output);
	}
	{
		struct mb_build_secret_spec secret = {0};
		struct mb_err err = MB_ERR_INIT;
		int r = mb_build_secret_spec_parse(text, &secret, &err);

		FUZZ_CHECK(r == 0 ? secret.id && *secret.id : err.msg[0]);
		mb_build_secret_spec_done(&secret);
	}
	read_ssh(text);
	read_context(text);
	free(text);
	return 0;
}
