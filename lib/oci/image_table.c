/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The members of image documents, row by row. */
#include "oci/image_table.h"

const struct mb_json_field mb_oci_healthcheck_table[] = {
	MB_JSON_STRV("Test", struct mb_oci_healthcheck, test),
	MB_JSON_I64("Interval", struct mb_oci_healthcheck, interval_nsec),
	MB_JSON_I64("Timeout", struct mb_oci_healthcheck, timeout_nsec),
	MB_JSON_I64("StartPeriod", struct mb_oci_healthcheck, start_period_nsec),
	MB_JSON_I64("StartInterval", struct mb_oci_healthcheck, start_interval_nsec),
	MB_JSON_INT("Retries", struct mb_oci_healthcheck, retries),
	MB_JSON_END,
};

const struct mb_json_field mb_oci_container_config_table[] = {
	MB_JSON_STR("User", struct mb_oci_container_config, user),
	MB_JSON_SET("ExposedPorts", struct mb_oci_container_config, exposed_ports),
	MB_JSON_STRV("Env", struct mb_oci_container_config, env),
	MB_JSON_STRV("Entrypoint", struct mb_oci_container_config, entrypoint),
	MB_JSON_STRV("Cmd", struct mb_oci_container_config, cmd),
	MB_JSON_PTR("Healthcheck", struct mb_oci_container_config, healthcheck,
                    mb_oci_healthcheck_table),
	MB_JSON_SET("Volumes", struct mb_oci_container_config, volumes),
	MB_JSON_STR("WorkingDir", struct mb_oci_container_config, working_dir),
	MB_JSON_STRV("OnBuild", struct mb_oci_container_config, on_build),
	MB_JSON_KV("Labels", struct mb_oci_container_config, labels),
	MB_JSON_STR("StopSignal", struct mb_oci_container_config, stop_signal),
	MB_JSON_I64_OPT("StopTimeout", struct mb_oci_container_config, stop_timeout,
                        has_stop_timeout),
	MB_JSON_STRV("Shell", struct mb_oci_container_config, shell),
	MB_JSON_BOOL("ArgsEscaped", struct mb_oci_container_config, args_escaped),
	MB_JSON_END,
};

static const struct mb_json_field history_table[] = {
	MB_JSON_TIME("created", struct mb_oci_history, created),
	MB_JSON_STR("created_by", struct mb_oci_history, created_by),
	MB_JSON_STR("author", struct mb_oci_history, author),
	MB_JSON_STR("comment", struct mb_oci_history, comment),
	MB_JSON_BOOL("empty_layer", struct mb_oci_history, empty_layer),
	MB_JSON_END,
};

static const struct mb_json_field rootfs_table[] = {
	MB_JSON_STR("type", struct mb_oci_image_config, rootfs_type, .flags = MB_JSON_ALWAYS),
	MB_JSON_STRV("diff_ids", struct mb_oci_image_config, diff_ids, .flags = MB_JSON_ALWAYS),
	MB_JSON_END,
};

const struct mb_json_field mb_oci_image_config_table[] = {
	MB_JSON_STR("architecture", struct mb_oci_image_config, architecture,
                    .flags = MB_JSON_ALWAYS),
	MB_JSON_STR("variant", struct mb_oci_image_config, variant),
	MB_JSON_STR("author", struct mb_oci_image_config, author),
	MB_JSON_STR("comment", struct mb_oci_image_config, comment),
	MB_JSON_OBJ("config", struct mb_oci_image_config, config, mb_oci_container_config_table,
                    .flags = MB_JSON_ALWAYS),
	MB_JSON_TIME("created", struct mb_oci_image_config, created),
	MB_JSON_STR("docker_version", struct mb_oci_image_config, docker_version),
	MB_JSON_LIST("history", struct mb_oci_image_config, history, n_history,
                     struct mb_oci_history, history_table),
	MB_JSON_STR("os", struct mb_oci_image_config, os, .flags = MB_JSON_ALWAYS),
	MB_JSON_STR("os.version", struct mb_oci_image_config, os_version),
	/* The struct has the two members of rootfs among its own. */
	{.name = "rootfs",
         .kind = MB_JSON_KIND_OBJ,
         .table = rootfs_table,
         .flags = MB_JSON_ALWAYS | MB_JSON_REQUIRED},
	MB_JSON_END,
};

static const struct mb_json_field platform_table[] = {
	MB_JSON_STR("architecture", struct mb_oci_platform, architecture),
	MB_JSON_STR("os", struct mb_oci_platform, os),
	MB_JSON_STR("os.version", struct mb_oci_platform, os_version),
	MB_JSON_STRV("os.features", struct mb_oci_platform, os_features),
	MB_JSON_STR("variant", struct mb_oci_platform, variant),
	MB_JSON_END,
};

const struct mb_json_field mb_oci_descriptor_table[] = {
	MB_JSON_STR("mediaType", struct mb_oci_descriptor, media_type,
                    .flags = MB_JSON_ALWAYS | MB_JSON_REQUIRED),
	MB_JSON_STR("digest", struct mb_oci_descriptor, digest_text,
                    .flags = MB_JSON_ALWAYS | MB_JSON_REQUIRED),
	MB_JSON_I64("size", struct mb_oci_descriptor, size,
                    .flags = MB_JSON_ALWAYS | MB_JSON_REQUIRED),
	MB_JSON_OBJ("platform", struct mb_oci_descriptor, platform, platform_table),
	MB_JSON_KV("annotations", struct mb_oci_descriptor, annotations),
	MB_JSON_STR("artifactType", struct mb_oci_descriptor, artifact_type),
	MB_JSON_END,
};

const struct mb_json_field mb_oci_manifest_table[] = {
	MB_JSON_INT("schemaVersion", struct mb_oci_manifest, schema_version,
                    .flags = MB_JSON_ALWAYS | MB_JSON_REQUIRED),
	MB_JSON_STR("mediaType", struct mb_oci_manifest, media_type),
	MB_JSON_STR("artifactType", struct mb_oci_manifest, artifact_type),
	MB_JSON_OBJ("config", struct mb_oci_manifest, config, mb_oci_descriptor_table,
                    .flags = MB_JSON_ALWAYS | MB_JSON_REQUIRED),
	MB_JSON_LIST("layers", struct mb_oci_manifest, layers, n_layers, struct mb_oci_descriptor,
                     mb_oci_descriptor_table, .flags = MB_JSON_ALWAYS | MB_JSON_REQUIRED),
	MB_JSON_KV("annotations", struct mb_oci_manifest, annotations),
	MB_JSON_END,
};

const struct mb_json_field mb_oci_index_table[] = {
	MB_JSON_INT("schemaVersion", struct mb_oci_index, schema_version,
                    .flags = MB_JSON_ALWAYS | MB_JSON_REQUIRED),
	MB_JSON_STR("mediaType", struct mb_oci_index, media_type),
	MB_JSON_LIST("manifests", struct mb_oci_index, manifests, n_manifests,
                     struct mb_oci_descriptor, mb_oci_descriptor_table,
                     .flags = MB_JSON_ALWAYS | MB_JSON_REQUIRED),
	MB_JSON_KV("annotations", struct mb_oci_index, annotations),
	MB_JSON_END,
};
