/* What a card answers: taken whole or not at all. */
#include "fuzz.h"
#include "aka/aka_apdu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct bytes b = bytes_of(data, size);
    for (int gba = 0; gba < 2; gba++) {
        struct aka_answer a;
        err_t e = aka_apdu_answer(b, gba != 0, &a);
        MUST_HOLD(e == ERR_OK || e == ERR_SQN_RANGE || e == ERR_SIM_CARD);
        MUST_HOLD(secret_is_set(&a.res.s) == (e == ERR_OK) && secret_is_set(&a.ck.s) == (e == ERR_OK && gba == 0));
    }
    struct key_ks_ext_naf k = {0};
    MUST_HOLD((aka_apdu_derived(b, &k) == ERR_OK) == secret_is_set(&k.s));
    struct impi impi;
    static const uint8_t ad[] = {0, 0, 0, 2};
    if (aka_apdu_impi(b, BYTES_ARRAY(ad), &impi) == ERR_OK) {
        MUST_HOLD(impi_is(text_of(impi.z)));
    }
    (void)aka_apdu_has_gba(b);
    return 0;
}
