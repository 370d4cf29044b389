/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lib/image/image.h — images in the store: load, import, find, list, tag, remove, mount. */
#ifndef MB_IMAGE_IMAGE_H
#define MB_IMAGE_IMAGE_H

#include "core/own.h"
#include "core/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_object;
struct mb_err;
struct mb_image_pack;
struct mb_oci_ref;
struct mb_registry_login;
struct mb_registry_settings;
struct mb_store;
struct mb_str;

enum { MB_IMAGE_ID_TEXT = 65, MB_IMAGE_MAX_LAYERS = 128 };

/* Positive answers.  Each is told in the error too, in docker's words, ready to print. */
enum {
	MB_IMAGE_ABSENT = 1, /* "No such image: x:latest" */
	MB_IMAGE_AMBIGUOUS,  /* an id prefix that more than one image has */
	MB_IMAGE_IN_USE,     /* "conflict: unable to delete ..." */
};

/* What an image says about the process: checked when the image came in, small, quick to load.
 * A member that the image does not set is NULL or empty. */
struct mb_image_settings {
	char *user, *workdir, *stop_signal;
	struct mb_strv env, entrypoint, cmd, shell;
	struct mb_strv volumes;          /* absolute paths, sorted */
	struct mb_strv ports;            /* "80/tcp", sorted */
	struct mb_kv labels;             /* io.mybox.* never among them */
	struct json_object *healthcheck; /* docker's object as it stands, or NULL */
};

/* The prepared record of an image. */
struct mb_image {
	char *id; /* 64 hex digits: sha256 of the configuration */
	char *architecture, *os, *variant, *author, *comment;
	int64_t created;         /* nsec, 0 unknown */
	uint64_t size;           /* bytes of the regular files of all layers */
	struct mb_strv layers;   /* chain ids in hex, lowest first */
	struct mb_strv diff_ids; /* 64 hex digits each, lowest first */
	struct mb_image_settings config;
	bool passes; /* it is here for builds that need it, and goes with the last of them */
};
void mb_image_free(struct mb_image *image);
MB_AUTO_DEFINE(struct mb_image, mb_image_free)

/* Where @layers are (as of struct mb_image), as overlay takes them: top first, ":" between. */
void mb_image_layers_text(struct mb_store *store, const struct mb_strv *layers, struct mb_str *out);

/* Keep every image and layer that is there now from being removed until @ret_fd is closed: for
 * whoever finds an image and is about to write down that it uses it. */
int mb_image_hold(struct mb_store *store, int *ret_fd, struct mb_err *err);

/* --- finding --------------------------------------------------------------------------------- */

/* Find by name ("deb", "deb:12", "docker.io/library/deb@sha256:..."), by id ("sha256:HEX" or HEX)
 * or by a prefix of the id; names win.  @ret_name, when not NULL, gets the familiar name that
 * matched, or NULL when an id did; caller frees.
 * Return: 0; MB_IMAGE_ABSENT or MB_IMAGE_AMBIGUOUS, told; -errno. */
int mb_image_find(struct mb_store *store, const char *name, struct mb_image **ret_image,
                  char **ret_name, struct mb_err *err);
/* The image with exactly this id (64 hex digits).  Return: 0; MB_IMAGE_ABSENT, told; -errno. */
int mb_image_open(struct mb_store *store, const char *id, struct mb_image **ret_image,
                  struct mb_err *err);
/* Is there one, whatever its state?  Return: 0; MB_IMAGE_ABSENT, told; -errno. */
int mb_image_is_here(struct mb_store *store, const char *id, struct mb_err *err);
/* The configuration, byte for byte as its digest has it (verified against @id). */
int mb_image_config_read(struct mb_store *store, const char *id, struct mb_str *out,
                         struct mb_err *err);
/* How it was made, from its configuration, newest step first. */
struct mb_image_history {
	struct mb_image_step {
		char *id; /* of the image, for its last step; NULL: that image is not here */
		char *created_by, *comment;
		int64_t created; /* nsec, 0 unknown */
		uint64_t size;   /* bytes of the regular files of its layer, if it made one */
	} * v;
	size_t n;
};
/* Layers that the configuration's history does not mention have steps without words. */
int mb_image_history_load(struct mb_store *store, const struct mb_image *image,
                          struct mb_image_history *ret, struct mb_err *err);
void mb_image_history_done(struct mb_image_history *history);
/* Does @image go on where @base ends: with its layers, and with its steps where both tell of
 * theirs?  What cannot be read does not. */
bool mb_image_is_built_on(struct mb_store *store, const struct mb_image *image,
                          const struct mb_image *base);
/* The names of an image in familiar form, sorted. */
int mb_image_names(struct mb_store *store, const char *id, struct mb_strv *out, struct mb_err *err);
/* The manifests by which registries know it: "deb@sha256:...", sorted. */
int mb_image_digests(struct mb_store *store, const char *id, struct mb_strv *out,
                     struct mb_err *err);
/* Descriptors (O_PATH, directories) of the layers' trees, TOPMOST FIRST as overlayfs wants them,
 * in @fds, which has room for MB_IMAGE_MAX_LAYERS.  An image without layers gives one empty
 * directory.  Caller closes them.  Return: 0 or -errno, told. */
int mb_image_layers_open(struct mb_store *store, const struct mb_image *image, int *fds,
                         size_t *ret_n, struct mb_err *err);

/* All layers as one detached mount (nosuid, nodev) that nobody can write to, whatever he may
 * remount; ids are shown by the maps of @userns_fd (-1: as they are). */
int mb_image_view(struct mb_store *store, const struct mb_image *image, int userns_fd, int *ret_fd,
                  struct mb_err *err);

struct mb_image_row {
	char *id;
	int64_t created;
	uint64_t size;
	size_t n_layers;
	struct mb_strv names;   /* familiar "repo:tag", sorted; empty: dangling */
	struct mb_strv digests; /* of each name's manifest: "sha256:...", or "" */
	struct mb_kv labels;
	char *architecture, *os;
};
struct mb_image_list {
	struct mb_image_row *v; /* newest first, then by id */
	size_t n;
	size_t n_corrupt; /* images whose record could not be read and that are left out */
};
int mb_image_list_load(struct mb_store *store, struct mb_image_list *ret, struct mb_err *err);
void mb_image_list_done(struct mb_image_list *list);

/* --- names ----------------------------------------------------------------------------------- */

/* Give @source (as mb_image_find() takes it) the name @target, "repo[:tag]".  A name that was
 * another image's moves.  @ret_familiar may be NULL. */
int mb_image_tag(struct mb_store *store, const char *source, const char *target,
                 char **ret_familiar, struct mb_err *err);

/* What @name means to who saves it: all its tags here ("web:1", "web:2") if it has neither tag nor
 * digest and there are any, else as it is. */
int mb_image_name_spread(struct mb_store *store, const char *name, struct mb_strv *out,
                         struct mb_err *err);

/* The tags that images here have in the repository of @ref, sorted. */
int mb_image_tags(struct mb_store *store, const struct mb_oci_ref *ref, struct mb_strv *out,
                  struct mb_err *err);

enum mb_image_use { MB_IMAGE_UNUSED = 0, MB_IMAGE_USE_STOPPED, MB_IMAGE_USE_RUNNING };
/* Who uses images: asked with the id (64 hex).  Fills @container (an id) when used.  Return: an
 * enum mb_image_use or -errno, told. */
struct mb_image_users {
	int (*ask)(void *arg, const char *image_id, char container[MB_IMAGE_ID_TEXT],
	           struct mb_err *err);
	void *arg;
};
struct mb_image_remove_request {
	const char *name; /* as mb_image_find() takes it */
	bool force;
	bool no_prune;               /* accepted; images here have no parents to keep */
	bool untag_only;             /* take the name off, keep the image */
	bool nameless_only;          /* one that has a name by now stays: a success of nothing */
	bool passing_only;           /* so does one that does not pass, or has a name */
	struct mb_image_users users; /* .ask NULL: nobody uses anything */
};
struct mb_image_removed {
	struct mb_strv untagged; /* "deb:latest": print "Untagged: %s" first */
	struct mb_strv deleted;  /* "sha256:HEX" of the image, then of its layers: "Deleted: %s" */
	uint64_t bytes;          /* of the regular files in those layers */
};
/* Return: 0; MB_IMAGE_ABSENT, _AMBIGUOUS, _IN_USE, told; -errno.  @ret is filled as far as the
 * work went, and is for mb_image_removed_done() in every case. */
int mb_image_remove(struct mb_store *store, const struct mb_image_remove_request *request,
                    struct mb_image_removed *ret, struct mb_err *err);
void mb_image_removed_done(struct mb_image_removed *removed);

/* --- coming in ------------------------------------------------------------------------------- */

enum mb_image_phase { MB_IMAGE_UNPACKS, MB_IMAGE_FETCHES, MB_IMAGE_SENDS };
struct mb_image_progress {
	enum mb_image_phase phase;
	const char *layer;    /* first twelve digits of the diff id; "" for an import */
	size_t index, count;  /* layer index (from 0) of count */
	uint64_t done, total; /* bytes of the archive's layer as stored; total 0 = unknown */
	uint64_t all_done, all_total; /* the same of all layers; total 0 = unknown */
	bool finished;                /* the last report of this layer */
	bool cached;                  /* it was there already */
};
struct mb_image_report {
	void (*progress)(void *arg, const struct mb_image_progress *p); /* or NULL */
	void *arg;
};

struct mb_image_load_request {
	int fd;             /* an archive (file or pipe), or an OCI layout's directory; borrowed */
	const char *source; /* for messages: the path, or "-" */
	/* The images get no names, whatever the archive calls them, and those that are new pass. */
	bool nameless;
	const char *pick;   /* of a layout: "TAG" or "sha256:...", that image alone; or NULL */
	uint64_t max_layer; /* bytes that a layer may unpack to; 0: see image/bound.h */
	struct mb_image_report report;
};
struct mb_image_loaded {
	struct mb_image_loaded_row {
		char *id;       /* 64 hex digits */
		char *name;     /* familiar; NULL: print "Loaded image ID: sha256:..." */
		char *replaced; /* id of the image that had this name before, or NULL */
	} * v;                  /* one for each name; one for an image without names */
	size_t n;
};
/* Load every image of a docker archive or OCI layout.  On failure no name appears or moves. */
int mb_image_load(struct mb_store *store, const struct mb_image_load_request *request,
                  struct mb_image_loaded *ret, struct mb_err *err);
void mb_image_loaded_done(struct mb_image_loaded *loaded);

struct mb_image_import_request {
	int fd;             /* a tar of a root file system, plain or compressed; borrowed */
	const char *source; /* for messages and the history */
	const char *name;   /* "deb", "deb:12", or NULL */
	const char *message;
	const struct mb_strv *changes; /* Dockerfile instructions, or NULL */
	const char *architecture;      /* NULL: this machine's */
	uint64_t max_layer;            /* as in mb_image_load_request */
	struct mb_image_report report;
};
int mb_image_import(struct mb_store *store, const struct mb_image_import_request *request,
                    char ret_id[MB_IMAGE_ID_TEXT], struct mb_err *err);

/* An image of another one and what was done on top of it. */
struct mb_image_derive_request {
	const struct mb_image *parent; /* NULL: of nothing */
	bool squash; /* @tree is all of it: the parent's layers and history are left behind */
	/* What is copied for its layer (image/pack.h; give and arg are not looked at), or NULL: it
	 * gets no layer.  Whoever owns the tree may go on changing it. */
	const struct mb_image_pack *tree;
	/* What it says about the process; its shell and health check are the parent's.  NULL: all
	 * is. */
	const struct mb_image_settings *settings;
	const struct mb_strv *changes; /* Dockerfile instructions, or NULL */
	const char *name;              /* "deb", "deb:12", or NULL */
	const char *author, *message;  /* or NULL */
	const char *created_by;        /* for the history */
};
/* Signals that are held back (sys/interrupt.h) end the copying: -EINTR. */
int mb_image_derive(struct mb_store *store, const struct mb_image_derive_request *request,
                    char ret_id[MB_IMAGE_ID_TEXT], struct mb_err *err);

struct mb_image_pull_request {
	const struct mb_oci_ref *ref; /* with a tag, a digest or both */
	const char *platform;         /* "linux/arm64/v8"; NULL: this machine's */
	const struct mb_registry_settings *settings;
	const struct mb_registry_login *login; /* of ref's registry, or NULL */
	int tls_verify;                        /* -1: do not; 0: as the settings say */
	const char *agent;                     /* the value of User-Agent */
	bool nameless; /* it gets no name, and passes if it is new; what has this one keeps it */
	uint64_t max_layer; /* as in mb_image_load_request */
	struct mb_image_report report;
};
struct mb_image_pulled {
	char id[MB_IMAGE_ID_TEXT];
	char *name;   /* canonical: "docker.io/library/deb:latest" */
	char *digest; /* of the manifest or index that the name means: "sha256:..." */
	bool is_new;  /* the name means something else than before */
};
/* Bring an image in from its registry.  On failure no name appears or moves; what was fetched is
 * kept for the next try.  Return: 0 or -errno, told. */
int mb_image_pull(struct mb_store *store, const struct mb_image_pull_request *request,
                  struct mb_image_pulled *ret, struct mb_err *err);
void mb_image_pulled_done(struct mb_image_pulled *pulled);

/* --- going out ------------------------------------------------------------------------------- */

struct mb_image_push_request {
	const struct mb_oci_ref *ref; /* with a tag; it is a name of an image here */
	const char *id; /* or this image is sent, 64 hex digits, whatever has the name here */
	bool by_digest; /* it gets no name there either */
	const struct mb_registry_settings *settings;
	const struct mb_registry_login *login; /* of ref's registry, or NULL */
	int tls_verify;                        /* as in mb_image_pull_request */
	const char *agent;
	/* "gzip" or "zstd": layers are sent so, whatever they are like in the registry; NULL: gzip
	 * for those that it does not have. */
	const char *compression;
	int level;                       /* of the compression, 0: its own default */
	const struct mb_kv *annotations; /* of the manifest, which is then OCI's; or NULL */
	struct mb_image_report report;
};
struct mb_image_pushed {
	char *digest; /* of the manifest: "sha256:..." */
	uint64_t size;
};
/* Send the image that has the name to its registry: configuration and layers byte for byte as
 * they are here, layers compressed (the same bytes for the same layer), each only if it is not
 * there.
 * Return: 0; MB_IMAGE_ABSENT, told; -errno, told. */
int mb_image_push(struct mb_store *store, const struct mb_image_push_request *request,
                  struct mb_image_pushed *ret, struct mb_err *err);
void mb_image_pushed_done(struct mb_image_pushed *pushed);

struct mb_image_save_request {
	const char *const *names; /* as mb_image_find() takes them */
	size_t n_names;
	int fd; /* where the archive goes; borrowed */
	/* Familiar: what the images are called in the archive, whatever they are called here; or
	 * NULL. */
	const struct mb_strv *call;
	bool is_layout;                  /* OCI's alone, without docker's manifest.json */
	const struct mb_kv *annotations; /* of the manifests, or NULL */
	struct mb_image_saved {
		char digest[80]; /* "sha256:..." */
		uint64_t size;
	} * ret_saved; /* the manifest of the last image; or NULL */
};
/* Write images to an archive.  Return: 0; MB_IMAGE_ABSENT or _AMBIGUOUS, told; -errno, told. */
int mb_image_save(struct mb_store *store, const struct mb_image_save_request *request,
                  struct mb_err *err);

/* --- care ------------------------------------------------------------------------------------ */

struct mb_image_collected {
	size_t layers;  /* removed */
	uint64_t bytes; /* of their regular files */
	size_t ingests; /* leftovers of dead loads removed */
};
/* Remove layers that no image has and what dead loads left.  Skips (and returns 0) while a load
 * is at work. */
int mb_image_collect(struct mb_store *store, struct mb_image_collected *ret, struct mb_err *err);

struct mb_image_usage {
	size_t images;
	size_t used;    /* of these, those of @ids */
	size_t corrupt; /* those that cannot be read, in none of these figures */
	uint64_t bytes; /* of the regular files of all layers, each layer once */
	uint64_t kept;  /* of these, in layers of images of @ids */
};
/* What images take; @ids are "sha256:HEX".  Layers that no image has are not counted. */
int mb_image_usage(struct mb_store *store, const struct mb_strv *ids, struct mb_image_usage *ret,
                   struct mb_err *err);

/* Of each image of @list, what it takes together with others and what it alone takes: bytes of
 * the regular files of its layers.  *@ret has list->n, caller frees. */
struct mb_image_share {
	uint64_t shared, unique;
};
int mb_image_shares(struct mb_store *store, const struct mb_image_list *list,
                    struct mb_image_share **ret, struct mb_err *err);
/* What each of its layers takes, lowest first; @ret has room for all. */
int mb_image_layer_sizes(struct mb_store *store, const struct mb_image *image, uint64_t *ret,
                         struct mb_err *err);

struct mb_image_check_request {
	bool repair; /* remove what is broken beyond use and what is orphaned */
	bool full;   /* also the digests of the configurations */
	/* One finding: what it is about ("image sha256:..", "layer ..", "ref .."), what is wrong,
	 * and whether it was put right. */
	void (*finding)(void *arg, const char *subject, const char *problem, bool repaired);
	void *arg;
};
/* Return: 0 and the number of findings that remain in *@ret_left; or -errno, told. */
int mb_image_check(struct mb_store *store, const struct mb_image_check_request *request,
                   size_t *ret_left, struct mb_err *err);

#endif
