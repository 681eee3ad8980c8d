#include "store/seal_proof.h"

#include "base/reader.h"

static const char proof_id[] = "root-secret"; /* in TABLE_META */
static const uint8_t proof_text[] = "keystead root secret";

static err_t make(const struct sealer *s, struct store *st)
{
    SCOPED(secret_wipe) struct secret text = {0};
    uint8_t buf[SEAL_MAX + 2];
    struct writer w = WRITER_ARRAY(buf);
    TRY(secret_set(&text, BYTES_ARRAY(proof_text)));
    TRY(seal_write(s, TABLE_META, text_of(proof_id), &text, &w));
    return store_put(st, TABLE_META, text_bytes(text_of(proof_id)), writer_view(&w), STORE_PUT_IF_ABSENT, 0);
}

err_t seal_proof_check(const struct sealer *s, struct store *st, struct arena *a)
{
    struct store_value v;
    err_t e = store_get(st, TABLE_META, text_bytes(text_of(proof_id)), a, &v);
    if (e == ERR_NOT_FOUND) {
        return make(s, st);
    }
    TRY(e);
    SCOPED(secret_wipe) struct secret text = {0};
    struct reader r = reader_of(v.data);
    struct bytes sealed = reader_block16(&r);
    return reader_finish(&r) == ERR_OK ? seal_open(s, TABLE_META, text_of(proof_id), sealed, &text) : ERR_CRYPTO_UNSEAL;
}
