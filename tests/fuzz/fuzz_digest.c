/* Digest headers of each kind, the AKA nonce and AUTS: what is taken can be written, and read again as the same. */
#include "fuzz.h"
#include "wire/aka_nonce.h"
#include "wire/digest.h"

#include <string.h>

static void header(enum digest_header h, struct text in)
{
    static char room[DIGEST_TEXT_MAX], room_again[2 * DIGEST_TEXT_MAX], out[4 * DIGEST_TEXT_MAX];
    struct writer scratch = WRITER_ARRAY(room), again = WRITER_ARRAY(room_again), w = WRITER_ARRAY(out);
    struct digest d, back;
    enum digest_algorithm a;
    if (digest_parse(h, in, &scratch, &d) != ERR_OK) {
        return;
    }
    MUST_HOLD(in.n <= DIGEST_TEXT_MAX);
    (void)digest_offers(&d, "auth-int");
    MUST_HOLD(digest_algorithm(&d, &a) != ERR_OK || a < DIGEST_ALGORITHMS);
    if (digest_write(h, &d, &w) != ERR_OK || w.n > DIGEST_TEXT_MAX || w.n == 0) {
        return; /* a token that came in quotes and is none; or longer than what is read */
    }
    MUST_HOLD(digest_parse(h, writer_view_text(&w), &again, &back) == ERR_OK);
    for (size_t i = 0; i < DIGEST_PARAMS; i++) {
        MUST_HOLD(d.given[i] == back.given[i] && text_eq(d.v[i], back.v[i]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = text_span((const char *)data, size);
    struct aka_nonce n;
    uint8_t auts[AKA_NONCE_AUTS];
    char out[AKA_NONCE_TEXT_MAX];
    struct writer w = WRITER_ARRAY(out);
    for (unsigned h = DIGEST_CHALLENGE; h <= DIGEST_INFO; h++) {
        header((enum digest_header)h, in);
    }
    if (aka_nonce_parse(in, &n) == ERR_OK) {
        MUST_HOLD(aka_nonce_write(&n, &w) == ERR_OK && text_eq(writer_view_text(&w), in));
    }
    w = WRITER_ARRAY(out);
    if (aka_nonce_parse_auts(in, auts) == ERR_OK) {
        MUST_HOLD(aka_nonce_write_auts(auts, &w) == ERR_OK && text_eq(writer_view_text(&w), in));
    }
    return 0;
}
