/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/container/create.h — from what a user asks to a container in the store. */
#ifndef MB_CONTAINER_CREATE_H
#define MB_CONTAINER_CREATE_H

#include <stdbool.h>

#include "container/record.h"

struct mb_container;
struct mb_err;
struct mb_store;

/* The flags of create and run.  config and host hold what maps one to one; what needs checking
 * or an image comes as typed.  Everything is owned by the request. */
struct mb_container_create_request {
	struct mb_container_config config;
	struct mb_container_host_config host;
	char *name, *image, *platform;
	/* Layers in place of an image, for a step of a build: chain ids, lowest first, which the
	 * caller keeps from being removed.  config then is the whole of it, and image a word to
	 * show. */
	struct mb_strv layers;
	bool on_layers;
	bool is_rootfs;                        /* the image is a directory, "DIR[:O]" */
	struct mb_strv command;                /* operands after the image */
	bool has_entrypoint;                   /* --entrypoint was given, be it "" */
	struct mb_strv host_env;               /* --env-host: what nobody else says */
	bool drop_image_env;                   /* --unsetenv-all */
	struct mb_strv volumes, mounts, tmpfs; /* -v, --mount, --tmpfs */
	struct mb_strv networks, aliases;      /* --network, --network-alias */
	struct mb_strv links;                  /* --link */
	char *ip, *ip6, *mac;
	struct mb_strv expose;       /* --expose */
	struct mb_strv ulimits;      /* --ulimit name=soft[:hard] */
	struct mb_strv secrets;      /* --secret name[,key=value...] */
	struct mb_strv devices;      /* --device source[:target[:rwm]] */
	struct mb_strv throttles[4]; /* --device-{read,write}-{bps,iops}: path:rate */
	char *cwd;                   /* the caller's, for relative bind sources */
};
void mb_container_create_request_done(struct mb_container_create_request *request);

enum { MB_CONTAINER_OTHER_PLATFORM = 16 }; /* beside those of image/image.h */

/* Check everything, claim the name, write the documents.  Nothing remains of one that fails.
 * Takes out of @request what it needs; release it all the same.  @ret_warnings (may be NULL)
 * gets lines for the user.
 * Return: 0 and the container; MB_IMAGE_ABSENT, told: no such image;
 * MB_CONTAINER_OTHER_PLATFORM, told: what has the image's name here is not for the platform that
 * is wanted; or -errno, told: -EEXIST for a name in use. */
int mb_container_create(struct mb_store *store, struct mb_container_create_request *request,
                        struct mb_container **ret, struct mb_strv *ret_warnings,
                        struct mb_err *err);

#endif
