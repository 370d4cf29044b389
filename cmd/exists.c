/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `X exists NAME`: the answer is the exit code, 0 or 1, and nothing is printed. */
#include "cli/cli.h"
#include "cmd/context.h"
#include "cmd/network.h"
#include "container/container.h"
#include "core/err.h"
#include "core/own.h"
#include "image/image.h"
#include "net/net.h"
#include "secret/secret.h"
#include "volume/volume.h"

enum { EXIT_FAILED = 125 };

static int container_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                          struct mb_err *err)
{
	struct mb_store *store = NULL;
	char id[MB_ID_TEXT];
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_container_resolve(store, in->operands[0], id, err);
	return r > 0 ? 1 : r;
}

static int image_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO(mb_image_free) struct mb_image *image = NULL;
	struct mb_store *store = NULL;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_image_find(store, in->operands[0], &image, NULL, err);
	return r > 0 ? 1 : r;
}

static int network_main(struct mb_cmd_context *cx, const struct mb_cli_input *in,
                        struct mb_err *err)
{
	MB_AUTO(mb_net_network_free) struct mb_net_network *network = NULL;
	MB_AUTO(mb_net_free) struct mb_net *net = NULL;
	int r = mb_cmd_net(cx, &net, err);

	if (r == 0)
		r = mb_net_network_find(net, in->operands[0], &network, err);
	return r > 0 ? 1 : r;
}

static int volume_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO(mb_volume_free) struct mb_volume *volume = NULL;
	struct mb_store *store = NULL;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_volume_find(store, in->operands[0], &volume, err);
	return r > 0 ? 1 : r;
}

static int secret_main(struct mb_cmd_context *cx, const struct mb_cli_input *in, struct mb_err *err)
{
	MB_AUTO(mb_secret_free) struct mb_secret *secret = NULL;
	struct mb_store *store = NULL;
	int r = mb_cmd_store(cx, &store, err);

	if (r == 0)
		r = mb_secret_find(store, in->operands[0], &secret, err);
	return r > 0 ? 1 : r;
}

const struct mb_cli_verb mb_cmd_container_exists = {
	.paths = "container exists",
	.summary = "tell by the exit code whether a container exists",
	.operands = "CONTAINER",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_CONTAINER},
	.fail_code = EXIT_FAILED,
	.main = container_main,
};
const struct mb_cli_verb mb_cmd_image_exists = {
	.paths = "image exists",
	.summary = "tell by the exit code whether an image exists",
	.operands = "IMAGE",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_IMAGE},
	.fail_code = EXIT_FAILED,
	.main = image_main,
};
const struct mb_cli_verb mb_cmd_network_exists = {
	.paths = "network exists",
	.summary = "tell by the exit code whether a network exists",
	.operands = "NETWORK",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_NETWORK},
	.fail_code = EXIT_FAILED,
	.main = network_main,
};
const struct mb_cli_verb mb_cmd_volume_exists = {
	.paths = "volume exists",
	.summary = "tell by the exit code whether a volume exists",
	.operands = "VOLUME",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_VOLUME},
	.fail_code = EXIT_FAILED,
	.main = volume_main,
};
const struct mb_cli_verb mb_cmd_secret_exists = {
	.paths = "secret exists",
	.summary = "tell by the exit code whether a secret exists",
	.operands = "SECRET",
	.min = 1,
	.max = 1,
	.complete = {MB_COMP_SECRET},
	.fail_code = EXIT_FAILED,
	.main = secret_main,
};
