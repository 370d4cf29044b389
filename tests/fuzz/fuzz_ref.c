/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"
#include "oci/digest.h"
#include "oci/ref.h"

/* What is a name, has one whole form that is itself a name. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *whole, *again, *familiar;
	struct mb_oci_ref ref = {0}, second = {0}, third = {0};
	char shown[MB_OCI_DIGEST_TEXT];
	struct mb_oci_digest digest;

	if (mb_oci_digest_parse(text, &digest, NULL) == 0)
		FUZZ_CHECK(strcmp(mb_oci_digest_format(&digest, shown), text) == 0 &&
		           !strpbrk(text, "/. "));
	if (mb_oci_ref_parse(text, size % 2, &ref, NULL) < 0) {
		free(text);
		return 0;
	}
	whole = mb_oci_ref_format(&ref, MB_OCI_REF_CANONICAL);
	familiar = mb_oci_ref_format(&ref, MB_OCI_REF_FAMILIAR);
	FUZZ_CHECK(mb_oci_ref_parse(whole, false, &second, NULL) == 0);
	again = mb_oci_ref_format(&second, MB_OCI_REF_CANONICAL);
	FUZZ_CHECK(strcmp(whole, again) == 0);
	FUZZ_CHECK(!strstr(ref.path, "..") && ref.path[0] != '/' && !strpbrk(whole, " \n\033"));
	free(again);
	FUZZ_CHECK(mb_oci_ref_parse(familiar, false, &third, NULL) == 0);
	again = mb_oci_ref_format(&third, MB_OCI_REF_CANONICAL);
	FUZZ_CHECK(strcmp(whole, again) == 0);
	mb_oci_ref_matches(&ref, text);
	free(again);
	free(whole);
	free(familiar);
	free(text);
	mb_oci_ref_done(&ref);
	mb_oci_ref_done(&second);
	mb_oci_ref_done(&third);
	return 0;
}
