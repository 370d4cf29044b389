/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bundle/bundle.h"
#include "bundle/parts.h"
#include "core/err.h"
#include "core/io.h"
#include "core/str.h"
#include "fuzz.h"
#include "store/doc.h"
#include "sys/cgroup.h"

/* What is taken is written, and must come back the same. */
static void check_record(const struct mb_bundle_record *record)
{
	struct mb_bundle b = {.dir_fd = fuzz_dir(), .record = *record};
	struct mb_bundle_record again = {0};
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	FUZZ_CHECK(record->bundle[0] == '/' && mb_sys_cgroup_path_is_valid(record->cgroup));
	unlinkat(b.dir_fd, MB_BUNDLE_STATE, 0);
	FUZZ_CHECK(mb_bundle_record_save(&b, NULL) == 0);
	FUZZ_CHECK(mb_read_file(b.dir_fd, MB_BUNDLE_STATE, MB_DOC_LIMIT, &text, NULL) == 0);
	FUZZ_CHECK(mb_bundle_record_parse(text.buf, text.len, &again, NULL) == 0);
	FUZZ_CHECK(strcmp(record->oci_version, again.oci_version) == 0 &&
	           strcmp(record->bundle, again.bundle) == 0 &&
	           strcmp(record->rootfs, again.rootfs) == 0 &&
	           strcmp(record->cgroup, again.cgroup) == 0 &&
	           strcmp(record->config_sum, again.config_sum) == 0);
	FUZZ_CHECK(record->created == again.created &&
	           record->systemd_cgroup == again.systemd_cgroup &&
	           record->annotations.n == again.annotations.n);
	mb_bundle_record_done(&again);
}

static void check_process(const struct mb_sys_proc_id *id, bool making)
{
	struct mb_bundle b = {.dir_fd = fuzz_dir(), .process = *id, .making = making};
	struct mb_sys_proc_id again = {0};
	bool still = !making;
	MB_AUTO_STR struct mb_str text = MB_STR_INIT;

	FUZZ_CHECK(id->pid > 1);
	unlinkat(b.dir_fd, MB_BUNDLE_PROCESS, 0);
	FUZZ_CHECK(mb_bundle_process_save(&b, NULL) == 0);
	FUZZ_CHECK(mb_read_file(b.dir_fd, MB_BUNDLE_PROCESS, MB_DOC_LIMIT, &text, NULL) == 0);
	FUZZ_CHECK(mb_bundle_process_parse(text.buf, text.len, &again, &still, NULL) == 0);
	FUZZ_CHECK(still == making);
	FUZZ_CHECK(id->pid == again.pid && id->start == again.start);
}

static void parse(const char *text, size_t len)
{
	struct mb_bundle_record record = {0};
	struct mb_sys_proc_id id = {0};
	bool making;
	struct mb_err err = MB_ERR_INIT;

	if (mb_bundle_record_parse(text, len, &record, &err) == 0) {
		check_record(&record);
		mb_bundle_record_done(&record);
	} else {
		FUZZ_CHECK(err.code > 0 && err.msg[0]);
	}
	err = (struct mb_err)MB_ERR_INIT;
	if (mb_bundle_process_parse(text, len, &id, &making, &err) == 0)
		check_process(&id, making);
	else
		FUZZ_CHECK(err.code > 0 && err.msg[0]);
}

/* state.json and process.json of mybox-oci: the same body under a right sum, and as it is. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	MB_AUTO_STR struct mb_str doc = MB_STR_INIT;
	char *text = fuzz_text(data, size);

	parse(text, size);
	free(text);
	if (size) {
		mb_store_doc_format((const char *)data, size, &doc);
		parse(doc.buf, doc.len);
	}
	return 0;
}
