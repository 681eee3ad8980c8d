/* GUSS of an HSS: what is taken is within its bounds. */
#include "fuzz.h"
#include "wire/guss.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct guss g;
    if (guss_parse(bytes_of(data, size), &g) == ERR_OK) {
        MUST_HOLD(size <= GUSS_MAX && g.nafs_n <= GUSS_NAFS_MAX && g.lifetime >= 0);
        for (size_t i = 0; i < g.nafs_n; i++) {
            MUST_HOLD(g.nafs[i].may <= GUSS_BOTH && keyid_is_fqdn(text_of(g.nafs[i].fqdn)));
        }
    }
    return 0;
}
