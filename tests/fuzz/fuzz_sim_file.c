/* A SIM in software as text: what is taken is whole, and written again it says the same. */
#include "fuzz.h"
#include "aka/aka_sim_file.h"
#include "shell/crypto_openssl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct aka_sim_file f, g;
    char one[AKA_SIM_FILE_MAX], two[AKA_SIM_FILE_MAX];
    struct writer w = WRITER_ARRAY(one), v = WRITER_ARRAY(two);
    unsigned line = 0;
    if (aka_sim_file_parse(crypto_openssl(), text_span((const char *)data, size), &f, &line) != ERR_OK) {
        MUST_HOLD(!secret_is_set(&f.card.keys.k.s) && !secret_is_set(&f.card.ks.s));
        return 0;
    }
    MUST_HOLD(f.impi.z[0] != '\0' && aka_check_keys(&f.card.keys) == ERR_OK);
    MUST_HOLD(aka_sim_file_write(&f, &w) == ERR_OK);
    MUST_HOLD(aka_sim_file_parse(crypto_openssl(), writer_view_text(&w), &g, &line) == ERR_OK);
    MUST_HOLD(aka_sim_file_write(&g, &v) == ERR_OK && text_eq(writer_view_text(&w), writer_view_text(&v)));
    return 0;
}
