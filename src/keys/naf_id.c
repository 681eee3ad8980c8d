#include "keys/gba_id.h"

#include <string.h>

struct naf_ua naf_id_ua_digest(void)
{
    return (struct naf_ua){{1, 0, 0, 0, 2}};
}

struct naf_ua naf_id_ua_tls13(void)
{
    return (struct naf_ua){{1, 0, 0, 0, 7}};
}

/* The key depends on the suite that the handshake agreed on [TS 33.220 H.3]. */
struct naf_ua naf_id_ua_tls(uint16_t suite)
{
    return (struct naf_ua){{1, 0, 1, (uint8_t)(suite >> 8), (uint8_t)(suite & 255U)}};
}

struct naf_ua naf_id_ua_tmpi(void)
{
    return (struct naf_ua){{1, 0, 0, 1, 0}};
}

err_t naf_id_of(struct text fqdn, struct naf_ua ua, struct naf_id *out)
{
    out->n = 0;
    if (!keyid_is_fqdn(fqdn)) {
        return ERR_MALFORMED_ID;
    }
    struct writer w = WRITER_ARRAY(out->b);
    for (size_t i = 0; i < fqdn.n; i++) { /* a name that people wrote in another case is the same name */
        writer_u8(&w, (uint8_t)text_lower(fqdn.p[i]));
    }
    writer_bytes(&w, BYTES_ARRAY(ua.b));
    TRY(writer_finish(&w));
    out->n = w.n;
    return ERR_OK;
}

err_t naf_id_parse(struct bytes b, struct naf_id *out)
{
    out->n = 0;
    if (b.n <= GBA_UA_LEN || b.n > sizeof(out->b) ||
        !keyid_is_fqdn(text_span((const char *)b.p, b.n - GBA_UA_LEN))) {
        return ERR_MALFORMED_ID;
    }
    memcpy(out->b, b.p, b.n);
    out->n = b.n;
    return ERR_OK;
}

struct text naf_id_fqdn(const struct naf_id *id)
{
    return id->n > GBA_UA_LEN ? text_span((const char *)id->b, id->n - GBA_UA_LEN) : text_empty();
}

struct naf_ua naf_id_ua(const struct naf_id *id)
{
    struct naf_ua ua = {{0}};
    if (id->n > GBA_UA_LEN) {
        memcpy(ua.b, id->b + id->n - GBA_UA_LEN, sizeof(ua.b));
    }
    return ua;
}

struct bytes naf_id_view(const struct naf_id *id)
{
    return bytes_of(id->b, id->n);
}
