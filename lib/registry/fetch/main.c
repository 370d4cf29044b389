/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mybox-fetch: HTTP for the command, in a process that can do nothing else.
 *
 * It is started with the socket as descriptor 3, as nobody, and ends with it.  What servers send
 * is parsed here; what it means is decided by the command. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/own.h"
#include "core/sock.h"
#include "core/str.h"
#include "library.h"
#include "protocol.h"

enum { REPORT_NSEC = 100000000, RECEIVE_BUFFER = 128 * 1024, STOPPED = 0, STREAM_IDLE = 30 };

struct fetch {
	struct mb_fetch_library lib;
	CURL *curl;
	char why[CURL_ERROR_SIZE];
	/* the request at hand */
	struct mb_fetch_request request;
	int body_fd;
	uint64_t sent;
	int64_t reported;
	/* its answer */
	struct mb_str heads;
	long status;
	bool head_sent, too_long;
	bool has_failed; /* the exchange before this one */
	size_t n_body;
	struct {
		struct mb_fetch_reply reply;
		char bytes[MB_FETCH_MAX_HEADS + 1024];
	} out;
};

static void reply(struct fetch *f, uint32_t type, uint64_t value, size_t n)
{
	f->out.reply = (struct mb_fetch_reply){.type = type, .value = value};
	/* The command is gone, or wants no more of this. */
	if (mb_sock_send(MB_FETCH_FD, &f->out, sizeof(f->out.reply) + n, NULL, 0) < 0)
		_exit(0);
}

static void reply_end(struct fetch *f, enum mb_fetch_end end, const char *text)
{
	size_t n = strnlen(text, 512);

	memcpy(f->out.bytes, text, n);
	reply(f, MB_FETCH_END, end, n);
}

static void flush_body(struct fetch *f)
{
	if (f->n_body)
		reply(f, MB_FETCH_BODY, 0, f->n_body);
	f->n_body = 0;
}

static void send_head(struct fetch *f)
{
	memcpy(f->out.bytes, mb_str_text(&f->heads), f->heads.len);
	reply(f, MB_FETCH_HEAD, (uint64_t)f->status, f->heads.len);
	f->head_sent = true;
}

/* "HTTP/1.1 200 OK": the three digits. */
static long parse_status(const char *line, size_t n)
{
	const char *space = memchr(line, ' ', n);

	if (!space || (size_t)(space - line) + 4 > n)
		return 0;
	return strtol((char[]){space[1], space[2], space[3], '\0'}, NULL, 10);
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
	struct fetch *f = arg;
	size_t len = n;

	(void)size;
	while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	if (f->head_sent) /* trailers */
		return n;
	if (len >= 5 && strncasecmp(line, "HTTP/", 5) == 0) {
		f->status = parse_status(line, len);
		mb_str_reset(&f->heads);
		return n;
	}
	if (len == 0) {
		if (f->status >= 200)
			send_head(f);
		return n;
	}
	if (f->heads.len + len + 1 > MB_FETCH_MAX_HEADS) {
		f->too_long = true;
		return STOPPED;
	}
	if (!memchr(line, '\0', len)) {
		mb_str_addn(&f->heads, line, len);
		mb_str_addc(&f->heads, '\0');
	}
	return n;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg)
{
	struct fetch *f = arg;

	(void)size;
	for (size_t done = 0; done < n;) {
		size_t part = MB_FETCH_MAX_BODY - f->n_body;

		part = part < n - done ? part : n - done;
		memcpy(f->out.bytes + f->n_body, bytes + done, part);
		f->n_body += part;
		done += part;
		if (f->n_body == MB_FETCH_MAX_BODY)
			flush_body(f);
	}
	if (f->request.flags & MB_FETCH_STREAM)
		flush_body(f);
	return n;
}

static size_t on_read(char *to, size_t size, size_t n, void *arg)
{
	struct fetch *f = arg;
	uint64_t left = f->request.body_size - f->sent;
	ssize_t got;

	n *= size;
	n = n < left ? n : (size_t)left;
	do
		got = pread(f->body_fd, to, n, (off_t)(f->request.body_offset + f->sent));
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return CURL_READFUNC_ABORT;
	f->sent += (uint64_t)got;
	return (size_t)got;
}

/* Begin the body again, when a connection that was kept turns out to be dead. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
	struct fetch *f = arg;

	if (origin != SEEK_SET || offset < 0)
		return CURL_SEEKFUNC_FAIL;
	f->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static int on_progress(void *arg, curl_off_t total, curl_off_t now, curl_off_t up_total,
                       curl_off_t up)
{
	struct fetch *f = arg;
	int64_t clock = mb_monotonic_nsec();

	(void)total;
	(void)now;
	(void)up_total;
	if (clock - f->reported < REPORT_NSEC)
		return 0;
	f->reported = clock;
	if (f->head_sent)
		flush_body(f); /* a slow server's bytes count at once */
	else if (f->request.flags & MB_FETCH_HAS_BODY)
		reply(f, MB_FETCH_SENT, (uint64_t)up, 0);
	return 0;
}

static enum mb_fetch_end end_of(CURLcode code)
{
	switch ((int)code) {
	case CURLE_OK:
		return MB_FETCH_DONE;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
		return MB_FETCH_UNREACHABLE;
	case CURLE_SSL_CONNECT_ERROR:
		return MB_FETCH_NOT_TLS;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_INVALIDCERTSTATUS:
		return MB_FETCH_UNTRUSTED;
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_PARTIAL_FILE:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return MB_FETCH_BROKEN;
	default:
		return MB_FETCH_BAD;
	}
}

/* One option after the other; the first that fails is remembered. */
#define SET(option, value)                                                     \
	do {                                                                   \
		if (code == CURLE_OK)                                          \
			code = f->lib.easy_setopt(f->curl, (option), (value)); \
	} while (0)

/* What came in descriptors. */
enum { CA, CERT, KEY, N_FILES };

static struct curl_blob blob_of(const struct mb_str *file)
{
	return (struct curl_blob){.data = file->buf, .len = file->len, .flags = CURL_BLOB_COPY};
}

static CURLcode set_up(struct fetch *f, const char *method, const char *url,
                       struct curl_slist *headers, const struct mb_str *files)
{
	struct curl_blob blob = blob_of(&files[CA]), cert = blob_of(&files[CERT]);
	struct curl_blob key = blob_of(&files[KEY]);
	long verified = !(f->request.flags & MB_FETCH_UNVERIFIED);
	const char *directory = getenv("SSL_CERT_DIR");
	CURLcode code = CURLE_OK;

	SET(CURLOPT_ERRORBUFFER, f->why);
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_HTTPHEADER, headers);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, f);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, f);
	SET(CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(CURLOPT_XFERINFODATA, f);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_HTTP_CONTENT_DECODING, 0L);
	SET(CURLOPT_BUFFERSIZE, (long)RECEIVE_BUFFER);
	SET(CURLOPT_CONNECTTIMEOUT, (long)f->request.timeout_sec);
	SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
	SET(CURLOPT_LOW_SPEED_TIME,
	    f->request.flags & MB_FETCH_STREAM ? 0L : (long)f->request.timeout_sec);
	/* One that goes on says nothing for long: whoever is between forgets it, or is found out.
	 */
	if (f->request.flags & MB_FETCH_STREAM) {
		SET(CURLOPT_TCP_KEEPALIVE, 1L);
		SET(CURLOPT_TCP_KEEPIDLE, (long)STREAM_IDLE);
		SET(CURLOPT_TCP_KEEPINTVL, (long)STREAM_IDLE);
	}
	if (f->request.flags & MB_FETCH_DIRECT)
		SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, verified);
	SET(CURLOPT_SSL_VERIFYHOST, verified ? 2L : 0L);
	if (blob.len)
		SET(CURLOPT_CAINFO_BLOB, &blob);
	if (cert.len) {
		SET(CURLOPT_SSLCERT_BLOB, &cert);
		SET(CURLOPT_SSLKEY_BLOB, &key);
	}
	if (directory && *directory)
		SET(CURLOPT_CAPATH, directory);
	if (f->request.flags & MB_FETCH_HAS_BODY) {
		SET(CURLOPT_UPLOAD, 1L);
		SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)f->request.body_size);
		SET(CURLOPT_READFUNCTION, on_read);
		SET(CURLOPT_READDATA, f);
		SET(CURLOPT_SEEKFUNCTION, on_seek);
		SET(CURLOPT_SEEKDATA, f);
	}
	if (strcmp(method, "HEAD") == 0)
		SET(CURLOPT_NOBODY, 1L);
	else
		SET(CURLOPT_CUSTOMREQUEST, method);
	return code;
}

/* The handle keeps the connection; but one that failed to resolve a name refuses all that follows,
 * with libcurl 7.88. */
static CURLcode renew(struct fetch *f)
{
	if (!f->has_failed) {
		f->lib.easy_reset(f->curl);
		return CURLE_OK;
	}
	f->lib.easy_cleanup(f->curl);
	f->curl = f->lib.easy_init();
	return f->curl ? CURLE_OK : CURLE_FAILED_INIT;
}

static void perform(struct fetch *f, const char *text, const struct mb_str *files)
{
	const char *method = text, *url = method + strlen(method) + 1;
	const char *end = text + f->request.text;
	struct curl_slist *headers = NULL;
	CURLcode code;

	for (const char *h = url + strlen(url) + 1; h < end; h += strlen(h) + 1)
		headers = f->lib.slist_append(headers, h);
	/* Nobody answers "100 Continue" before a second has passed. */
	headers = f->lib.slist_append(headers, "Expect:");
	mb_str_reset(&f->heads);
	f->why[0] = '\0';
	f->status = 0;
	f->sent = 0;
	f->reported = mb_monotonic_nsec();
	f->head_sent = f->too_long = false;
	f->n_body = 0;
	code = renew(f);
	if (code == CURLE_OK)
		code = set_up(f, method, url, headers, files);
	if (code == CURLE_OK)
		code = f->lib.easy_perform(f->curl);
	f->has_failed = code != CURLE_OK;
	flush_body(f);
	f->lib.slist_free_all(headers);
	/* libcurl has a limit of its own, and an odd name for it. */
	if (f->too_long || (code == CURLE_OUT_OF_MEMORY && !f->head_sent))
		reply_end(f, MB_FETCH_BAD, "the answer's header is too long");
	else if (code == CURLE_OK && !f->head_sent)
		reply_end(f, MB_FETCH_BAD, "the answer is not HTTP");
	else
		reply_end(f, end_of(code),
		          *f->why ? f->why
		          : code  ? f->lib.easy_strerror(code)
		                  : "");
}

/* Text of @n bytes that holds a method and a URL, ended by NUL. */
static bool is_whole(const char *text, size_t n)
{
	const char *nul = n ? memchr(text, '\0', n) : NULL;

	return nul && nul + 1 < text + n && text[n - 1] == '\0';
}

/* From its beginning: others have the same file open, and move about in it. */
static int read_file(int fd, struct mb_str *file)
{
	char part[16 * 1024];

	while (fd >= 0) {
		ssize_t n = pread(fd, part, sizeof(part), (off_t)file->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || file->len + (size_t)n > MB_FETCH_MAX_CA)
			return -EIO;
		if (n == 0)
			break;
		mb_str_addn(file, part, (size_t)n);
	}
	return 0;
}

/* One request.  Return: whether to go on. */
static bool serve(struct fetch *f)
{
	static char buffer[sizeof(struct mb_fetch_request) + MB_FETCH_MAX_TEXT];
	static const uint32_t flag_of[N_FILES] = {[CA] = MB_FETCH_HAS_CA,
	                                          [CERT] = MB_FETCH_HAS_IDENTITY,
	                                          [KEY] = MB_FETCH_HAS_IDENTITY};
	struct mb_str files[N_FILES] = {0};
	int fds[1 + N_FILES] = {-1, -1, -1, -1};
	size_t n = 0, n_fds = 0, want, at = 0;
	bool fails = false;

	if (mb_sock_receive(MB_FETCH_FD, buffer, sizeof(buffer), &n, fds, MB_N(fds), &n_fds) < 0 ||
	    n < sizeof(f->request))
		return false;
	memcpy(&f->request, buffer, sizeof(f->request));
	want = !!(f->request.flags & MB_FETCH_HAS_BODY);
	for (size_t i = 0; i < N_FILES; i++)
		want += !!(f->request.flags & flag_of[i]);
	if (f->request.version != MB_FETCH_VERSION || n_fds != want ||
	    f->request.text != n - sizeof(f->request) ||
	    !is_whole(buffer + sizeof(f->request), f->request.text))
		return false;
	f->body_fd = f->request.flags & MB_FETCH_HAS_BODY ? fds[at++] : -1;
	for (size_t i = 0; i < N_FILES; i++)
		if (f->request.flags & flag_of[i])
			fails |= read_file(fds[at++], &files[i]) < 0;
	if (fails)
		reply_end(f, MB_FETCH_BAD, "the certificates cannot be read");
	else
		perform(f, buffer + sizeof(f->request), files);
	for (size_t i = 0; i < N_FILES; i++) {
		if (files[i].len)
			explicit_bzero(files[i].buf, files[i].len);
		mb_str_done(&files[i]);
	}
	for (size_t i = 0; i < n_fds; i++)
		mb_close(&fds[i]);
	return true;
}

int main(int argc, char **argv)
{
	static struct fetch f;
	const char *missing;

	/* Others of this user have no business with keys and passwords that pass through here. */
	prctl(PR_SET_DUMPABLE, 0);
	/* Changing the user cleared what the command had set. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "mybox-fetch"); /* not the number of the file it came from */
	if (argc != 2 || getppid() != (pid_t)strtol(argv[1], NULL, 10))
		return 1;
	signal(SIGPIPE, SIG_IGN);
	missing = mb_fetch_library_load(&f.lib);
	if (!missing) {
		f.curl = f.lib.easy_init();
		if (!f.curl)
			missing = "the library libcurl.so.4 does not start";
	}
	if (missing) {
		reply_end(&f, MB_FETCH_NO_LIBRARY, missing);
		return 1;
	}
	while (serve(&f))
		;
	_exit(0);
}
