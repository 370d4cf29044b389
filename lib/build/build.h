/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/build/build.h — a Dockerfile and a context become an image.
 *
 * The caller has read the Dockerfile and opened the context; everything of either is hostile.
 */
#ifndef MB_BUILD_BUILD_H
#define MB_BUILD_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "build/claim.h"
#include "build/keyring.h"
#include "core/str.h"
#include "core/strv.h"
#include "dockerfile/dockerfile.h"
#include "image/image.h"

struct mb_err;
struct mb_store;

enum mb_build_end {
	MB_BUILD_DONE,
	MB_BUILD_CACHED,
	MB_BUILD_FAILED,
	MB_BUILD_CANCELED, /* another one failed meanwhile */
};

/* Something that is not as it should be, and yet no failure. */
struct mb_build_warning {
	const char *rule; /* of docker build --check, or NULL; borrowed as message is */
	const char *message;
	struct mb_dockerfile_span where; /* lines of the Dockerfile, 0: of none */
};

/* What there is to see, in the order in which it happens.  Every member may be NULL. */
struct mb_build_report {
	/* Step @number (from 1) begins; others may be under way: "[build 2/5] RUN make". */
	void (*begin)(void *arg, unsigned number, const char *name);
	/* What its command wrote; @bytes are hostile. */
	void (*output)(void *arg, unsigned number, bool is_stderr, const char *bytes, size_t n);
	/* A line about it in our words. */
	void (*say)(void *arg, unsigned number, const char *line);
	/* @why: what failed, or NULL. */
	void (*end)(void *arg, unsigned number, enum mb_build_end how, const char *why);
	void (*warn)(void *arg, const struct mb_build_warning *warning);
	/* Time goes by while a command runs: a few times a second. */
	void (*tick)(void *arg);
	void *arg;
};

struct mb_build_secret {
	char *id;
	char *bytes; /* owned, wiped when freed */
	size_t n;
};

/* Where the result goes.  With none it is an image here. */
enum mb_build_output_kind {
	MB_BUILD_OUTPUT_IMAGE,
	MB_BUILD_OUTPUT_LOCAL, /* its tree, into the directory @fd */
	MB_BUILD_OUTPUT_TAR,   /* its tree as a tar, written to @fd; so are the next two */
	MB_BUILD_OUTPUT_OCI,
	MB_BUILD_OUTPUT_DOCKER,
	MB_BUILD_OUTPUT_NOTHING, /* only the steps are kept */
};
struct mb_build_output {
	enum mb_build_output_kind kind;
	int fd; /* borrowed */
};

/* --ssh: an agent of the caller's, or one that has his keys. */
struct mb_build_ssh {
	char *id;
	char *path; /* of its socket, or NULL: */
	struct mb_build_keyring keyring;
};
/* All of them, and which servers are who they say. */
struct mb_build_ssh_access {
	const struct mb_build_ssh *v;
	size_t n;
	const char *known_hosts; /* the text of the caller's file, or NULL */
	const char *problem;     /* why it could not be read, or NULL: for who wants it */
};
/* The one of @id, or NULL. */
const struct mb_build_ssh *mb_build_ssh_find(const struct mb_build_ssh_access *access,
                                             const char *id);

/* --build-context: what stands for a name instead of a stage or an image. */
struct mb_build_named {
	char *name;
	int fd;               /* a directory, or -1 */
	bool passes;          /* it was made for this build: no other one meets it */
	char *image;          /* or an image */
	struct mb_str ignore; /* .dockerignore of the directory; empty: there is none */
};

/* --cache-to: steps that are given to others (build/exchange.h). */
enum mb_build_give { MB_BUILD_GIVE_NOTHING, MB_BUILD_GIVE_TARGET, MB_BUILD_GIVE_ALL };

/* An image that a build stands on or copies from. */
struct mb_build_wanted {
	const char *name;
	const char *platform; /* "linux/arm64"; NULL: nobody said, what is here will do */
	bool newer;
};

struct mb_build_request {
	int context_fd;         /* a directory; -1: there is none */
	bool context_passes;    /* as of a mb_build_named */
	const char *dockerfile; /* the text */
	size_t dockerfile_len;
	const char *ignore; /* the text of .dockerignore, or NULL */
	size_t ignore_len;
	struct mb_kv args;   /* --build-arg, with the values that the environment had */
	struct mb_kv labels; /* --label */
	const char *target;  /* a stage's name or number; NULL: the last */
	const char *network; /* --network: default, none, host or a network's name; NULL: default */
	const char *cgroup_parent;
	const char *platform; /* "linux/amd64"; NULL: this machine's */
	struct mb_strv extra_hosts, ulimits;
	struct mb_strv no_cache_for; /* --no-cache-filter: stages */
	int64_t shm_size, memory;    /* bytes; 0: as ever */
	/* Of RUN, as of a container (container/record.h). */
	int64_t memory_swap, cpu_shares, cpu_period, cpu_quota;
	const char *cpuset_cpus, *cpuset_mems;
	const struct mb_build_secret *secrets;
	size_t n_secrets;
	struct mb_build_ssh_access ssh;
	const struct mb_build_named *named;
	size_t n_named;
	struct mb_strv names; /* -t, canonical or familiar */
	const struct mb_build_output *outputs;
	size_t n_outputs;
	struct mb_kv annotations; /* of the manifest of an archive */
	int64_t epoch;          /* nsec: no time in the image is later; -1: times are as they are */
	bool epoch_is_commit;   /* the context's, as nobody said one (mb_build_work_epoch()) */
	struct mb_strv origins; /* caches whose steps may be used, as they were called when taken */
	bool no_cache, pull;
	bool host_network; /* RUN may ask for the host's */
	bool inline_cache; /* the image says itself which steps it is made of */
	enum mb_build_give give;
	/* Find the image that is wanted, bring it in if it is not here (or .newer: if there is a
	 * newer one), and say which it is: no name here need be its own.  Return: 0 or -errno,
	 * told. */
	int (*fetch)(void *arg, const struct mb_build_wanted *wanted, char ret_id[MB_IMAGE_ID_TEXT],
	             struct mb_err *err);
	void *fetch_arg;
	struct mb_build_report report;
};

struct mb_build_result {
	bool has_image;                      /* it is an image here */
	char id[MB_IMAGE_ID_TEXT];           /* of the image or of that in an archive, or "" */
	struct mb_image_saved saved;         /* the manifest in an archive, if there is one */
	unsigned n_steps;                    /* that were shown */
	struct mb_strv cache_ids;            /* of images for request.give; the caller's */
	struct mb_build_claims claims;       /* on those; the caller's too */
	char cache_target[MB_IMAGE_ID_TEXT]; /* which of them is the target, or "" */
	/* Of a failure: the lines of the Dockerfile it is about, 0 when it is about none, and the
	 * exit code of its command, or -1. */
	struct mb_dockerfile_span where;
	int exit_code;
};

/* Return: 0; or -errno, told, and nothing is left but steps that the next build may use again. */
int mb_build_run(struct mb_store *store, const struct mb_build_request *request,
                 struct mb_build_result *ret, struct mb_err *err);

/* What there is to say of the Dockerfile, and nothing is built.  Return: 0; 1: there were warnings;
 * -errno, told. */
int mb_build_check(struct mb_store *store, const struct mb_build_request *request,
                   struct mb_build_result *ret, struct mb_err *err);

#endif
