#include "wire/aka_nonce.h"

#include "base/reader.h"

#include <string.h>

err_t aka_nonce_write(const struct aka_nonce *n, struct writer *w)
{
    uint8_t all[2 * AKA_NONCE_PART + AKA_NONCE_DATA_MAX];
    struct writer raw = WRITER_ARRAY(all);
    if (n->data_n > sizeof(n->data)) {
        return ERR_LIMIT_SIZE;
    }
    writer_bytes(&raw, BYTES_ARRAY(n->rand));
    writer_bytes(&raw, BYTES_ARRAY(n->autn));
    writer_bytes(&raw, bytes_of(n->data, n->data_n));
    TRY(writer_finish(&raw));
    base64_write(w, writer_view(&raw));
    return writer_finish(w);
}

err_t aka_nonce_parse(struct text t, struct aka_nonce *out)
{
    uint8_t all[2 * AKA_NONCE_PART + AKA_NONCE_DATA_MAX];
    struct writer raw = WRITER_ARRAY(all);
    memset(out, 0, sizeof(*out));
    if (t.n > AKA_NONCE_TEXT_MAX || base64_parse(t, &raw) != ERR_OK) {
        return ERR_MALFORMED_NONCE;
    }
    struct reader r = reader_of(writer_view(&raw));
    reader_copy(&r, out->rand, sizeof(out->rand));
    reader_copy(&r, out->autn, sizeof(out->autn));
    out->data_n = reader_left(&r);
    reader_copy(&r, out->data, out->data_n);
    return reader_finish(&r) == ERR_OK ? ERR_OK : ERR_MALFORMED_NONCE;
}

err_t aka_nonce_write_auts(const uint8_t auts[AKA_NONCE_AUTS], struct writer *w)
{
    base64_write(w, bytes_of(auts, AKA_NONCE_AUTS));
    return writer_finish(w);
}

err_t aka_nonce_parse_auts(struct text t, uint8_t auts[AKA_NONCE_AUTS])
{
    struct writer raw = writer_of(auts, AKA_NONCE_AUTS);
    memset(auts, 0, AKA_NONCE_AUTS);
    return base64_parse(t, &raw) == ERR_OK && raw.n == AKA_NONCE_AUTS ? ERR_OK : ERR_MALFORMED_NONCE;
}
