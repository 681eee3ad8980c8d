/* Records of the MAF from a store that somebody else may have written: what parses writes itself again, octet by octet. */
#include "fuzz.h"
#include "role/reg/rec_allow.h"
#include "role/reg/rec_key.h"
#include "role/maf/rec_km.h"

static void check(const struct writer *w, err_t e, struct bytes in)
{
    struct bytes again = writer_view(w);
    MUST_HOLD(e == ERR_OK && (bytes_eq(again, in) || again.p[0] > in.p[0])); /* an older version is written as the newest */
}

static void km(struct bytes in, struct writer *w)
{
    struct rec_km r;
    if (rec_km_parse(in, &r) == ERR_OK) {
        struct rec_seal seal = {.sealed = r.sealed};
        check(w, rec_km_write(&r, &seal, w), in);
        MUST_HOLD(!rec_km_is_held(&r) || r.sealed.n > 0);
    }
}

static void client(struct bytes in, struct writer *w)
{
    struct rec_client r;
    if (rec_client_parse(in, &r) == ERR_OK) {
        check(w, rec_client_write(&r, w), in);
    }
}

static void key(struct bytes in, struct writer *w)
{
    struct rec_key r;
    if (rec_key_parse(in, &r) == ERR_OK) {
        struct rec_seal seal = {.sealed = r.sealed};
        check(w, rec_key_write(&r, &seal, w), in);
    }
}

static void key_of(struct bytes in, struct writer *w)
{
    usec_t not_after = 0;
    if (rec_key_of_parse(in, &not_after) == ERR_OK) {
        check(w, rec_key_of_write(not_after, w), in);
    }
}

static void allow(struct bytes in, struct writer *w)
{
    struct rec_allow r;
    if (rec_allow_parse(in, &r) == ERR_OK) {
        check(w, rec_allow_write(&r, w), in);
        (void)rec_allow_permits(&r, text_of("//sp.example.com/in"));
    }
}

static void allow_id(struct bytes in, struct writer *w)
{
    char id[REC_ALLOW_ID_MAX];
    char again[REC_ALLOW_ID_MAX];
    (void)w;
    if (rec_allow_id(text_span((const char *)in.p, in.n), id) == ERR_OK && id[0] != '*') {
        MUST_HOLD(rec_allow_id(text_of(id), again) == ERR_OK && text_eq_z(text_of(id), again)); /* folding is done once */
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t buf[1 << 20];
    static void (*const codecs[])(struct bytes in, struct writer *w) = {km, client, key, allow, allow_id, key_of};
    if (size == 0 || size > sizeof(buf)) {
        return 0;
    }
    struct writer w = WRITER_ARRAY(buf);
    codecs[data[0] % ARRAY_LEN(codecs)](bytes_of(data + 1, size - 1), &w);
    return 0;
}
