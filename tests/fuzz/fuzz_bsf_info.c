/* BootstrappingInfo: what is taken can be written, and read again as the same; a DOCTYPE never is. And the identifiers of GBA. */
#include "fuzz.h"
#include "wire/bsf_info.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bsf_info i, back;
    struct naf_id id;
    struct b_tid_parts parts;
    char out[1024];
    struct writer w = WRITER_ARRAY(out);
    const struct bytes in = bytes_of(data, size);
    if (bsf_info_parse(in, &i) == ERR_OK) {
        MUST_HOLD(size <= BSF_INFO_MAX);
        MUST_HOLD(b_tid_parse(text_of(i.b_tid.z), &parts) == ERR_OK);
        MUST_HOLD(bsf_info_write(&i, &w) == ERR_OK);
        MUST_HOLD(bsf_info_parse(writer_view(&w), &back) == ERR_OK);
        MUST_HOLD(strcmp(i.b_tid.z, back.b_tid.z) == 0 && i.lifetime == back.lifetime);
    } else {
        MUST_HOLD(i.b_tid.z[0] == '\0');
    }
    if (naf_id_parse(in, &id) == ERR_OK) {
        MUST_HOLD(bytes_eq(naf_id_view(&id), in) && keyid_is_fqdn(naf_id_fqdn(&id)));
    }
    MUST_HOLD(!impi_is(text_span((const char *)data, size)) || size < IMPI_MAX);
    return 0;
}
