/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a registry answers, to each thing that it can be asked.  The input is a letter for what is
 * asked, and then the answers, with "---" between: a status and header lines, an empty line, the
 * body.  "!N" in place of the status fails as the transport does. */
#include <errno.h>
#include <sys/mman.h>
#include <time.h>

#include "core/err.h"
#include "core/sha256.h"
#include "core/str.h"
#include "fuzz.h"
#include "oci/ref.h"
#include "registry/auths.h"
#include "registry/list.h"
#include "registry/registry.h"
#include "registry/settings.h"
#include "registry/transport.h"

#define BASE "https://r.example/"
/* Of "{}". */
#define HEX "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

struct script {
	struct mb_registry_transport base;
	char *rest;
};

/* Nobody waits here for a registry to come to its senses. */
int nanosleep(const struct timespec *request, struct timespec *remaining)
{
	(void)request;
	(void)remaining;
	return 0;
}

/* Passwords and tokens stay where they belong; what began with TLS does not end without. */
static void check_call(const struct mb_registry_call *call)
{
	FUZZ_CHECK(mb_starts_with(call->url, "https://"));
	FUZZ_CHECK(!strpbrk(call->url, " \r\n\033"));
	MB_STRV_FOREACH (header, call->headers) {
		FUZZ_CHECK(!strpbrk(header, "\r\n"));
		if (mb_starts_with(header, "Authorization: Bearer"))
			FUZZ_CHECK(mb_starts_with(call->url, BASE));
	}
}

static int play(struct mb_registry_transport *t, const struct mb_registry_call *call,
                const struct mb_registry_sink *sink, struct mb_err *err)
{
	struct script *script = (struct script *)t;
	struct mb_registry_head head = {0};
	char *answer, *body, *line;
	int r;

	check_call(call);
	if (!*script->rest)
		return mb_fail(err, EIO, "there is no further answer");
	answer = fuzz_part(&script->rest);
	body = strstr(answer, "\n\n");
	if (body) {
		*body = '\0';
		body += 2;
	}
	if (*answer == '!') {
		mb_fail(err, EIO, "as written");
		return 1 + (answer[1] & 3);
	}
	head.status = (unsigned)atoi(answer) % 1000;
	strtok_r(answer, "\n", &line);
	for (char *field; (field = strtok_r(NULL, "\n", &line));)
		mb_registry_head_add(&head, field);
	r = sink->head(sink->arg, &head, err);
	mb_registry_head_done(&head);
	if (r == 0 && body && *body)
		r = sink->body(sink->arg, body, strlen(body), err);
	if (sink->sent)
		sink->sent(sink->arg, call->body_size);
	return r;
}

static void free_script(struct mb_registry_transport *t)
{
	free(t);
}

static void get_manifest(struct mb_registry *reg, struct mb_err *err)
{
	struct mb_registry_manifest manifest = {0};
	char hex[MB_SHA256_TEXT];
	int r = mb_registry_manifest_get(reg, "1", &manifest, err);

	FUZZ_CHECK(r == 0 || (err->code && err->msg[0]));
	if (r == 0) {
		mb_sha256_text(mb_str_text(&manifest.text), manifest.text.len, hex);
		FUZZ_CHECK(strcmp(manifest.digest.hex, hex) == 0);
	}
	mb_registry_manifest_done(&manifest);
}

/* What came is the blob, or it is not there. */
static void fetch_blob(struct mb_registry *reg, const struct mb_oci_digest *digest,
                       struct mb_err *err)
{
	int fd = memfd_create("blob", MFD_CLOEXEC);
	char bytes[8] = "{";
	int r;

	FUZZ_CHECK(fd >= 0 && write(fd, bytes, 1) == 1);
	r = mb_registry_blob_fetch(reg, digest, 2, fd, 1, NULL, err);
	FUZZ_CHECK(r == 0 || err->code);
	if (r == 0)
		FUZZ_CHECK(pread(fd, bytes, sizeof(bytes), 0) == 2 && memcmp(bytes, "{}", 2) == 0);
	close(fd);
}

static void read_blob(struct mb_registry *reg, const struct mb_oci_digest *digest,
                      struct mb_err *err)
{
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	if (mb_registry_blob_read(reg, digest, 2, &text, err) == 0)
		FUZZ_CHECK(text.len == 2 && memcmp(text.buf, "{}", 2) == 0);
}

static void list(struct mb_registry *reg, bool tags, struct mb_err *err)
{
	MB_AUTO_STRV struct mb_strv out = MB_STRV_INIT;
	int r = tags ? mb_registry_tags(reg, &out, err) : mb_registry_catalog(reg, &out, err);

	FUZZ_CHECK(r == 0 || err->code);
	for (size_t i = 0; r == 0 && i < out.n; i++) {
		FUZZ_CHECK(!tags || mb_oci_ref_tag_is_valid(out.v[i]));
		FUZZ_CHECK(i == 0 || strcmp(out.v[i - 1], out.v[i]) < 0);
	}
}

static void search(struct mb_registry *reg, struct mb_err *err)
{
	struct mb_registry_findings found = {0};

	if (mb_registry_search(reg, "a", 3, &found, err) == 0)
		FUZZ_CHECK(found.n <= 3);
	for (size_t i = 0; i < found.n; i++)
		FUZZ_CHECK(found.v[i].name && *found.v[i].name);
	mb_registry_findings_done(&found);
}

static void ask(struct mb_registry *reg, char what)
{
	struct mb_err err = MB_ERR_INIT;
	struct mb_oci_digest digest;
	bool there = false;

	FUZZ_CHECK(mb_oci_digest_from_hex(HEX, &digest) == 0);
	switch (what) {
	case 'b':
		fetch_blob(reg, &digest, &err);
		break;
	case 'r':
		read_blob(reg, &digest, &err);
		break;
	case 't':
		list(reg, true, &err);
		break;
	case 'c':
		list(reg, false, &err);
		break;
	case 's':
		search(reg, &err);
		break;
	case 'h':
		mb_registry_blob_is_there(reg, &digest, &there, &err);
		break;
	case 'x':
		mb_registry_blob_mount(reg, &digest, "c/d", &there, &err);
		break;
	case 'u':
		mb_registry_blob_send(reg, &digest, -1, 0, 40 << 20, NULL, &err);
		break;
	case 'p':
		mb_registry_ping(reg, &err);
		break;
	default:
		get_manifest(reg, &err);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char user[] = "me", password[] = "secret";
	static const struct mb_registry_login login = {.username = user, .password = password};
	static const struct mb_registry_settings settings = {.timeout_sec = 30};
	MB_AUTO_OCI_REF struct mb_oci_ref ref = {0};
	struct script *script = calloc(1, sizeof(*script));
	char *text = fuzz_text(data, size);
	struct mb_registry *reg = NULL;

	FUZZ_CHECK(script && mb_oci_ref_parse("r.example/a/b:1", true, &ref, NULL) == 0);
	*script = (struct script){{play, free_script}, size ? text + 1 : text};
	FUZZ_CHECK(mb_registry_open(&ref,
	                            &(struct mb_registry_options){
					    .settings = &settings,
					    .login = size % 2 ? &login : NULL,
					    .push = size % 3 == 0,
					    .transport = &script->base,
				    },
	                            &reg, NULL) == 0);
	ask(reg, text[0]);
	mb_registry_free(reg);
	free(text);
	return 0;
}
