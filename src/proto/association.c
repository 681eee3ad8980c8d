#include "proto/association.h"

#include "base/hex.h"

#include <string.h>

#define FORMAT 2 /* first octet of the coded form */

void association_init_plain(struct association *a)
{
    memset(a, 0, sizeof(*a));
    a->framework = ASSOCIATION_NONE;
    a->peer = PEER_PLAIN;
    a->not_after = USEC_NEVER;
}

struct text association_name(const struct association *a)
{
    if (a->ids_n > 0) {
        return text_of(a->ids[0].z);
    }
    return text_of(a->credential_id[0] != '\0' ? a->credential_id : "-");
}

bool association_is_bound_to(const struct association *a, struct text absolute)
{
    for (size_t i = 0; i < a->ids_n; i++) {
        if (m2mid_same(text_of(a->ids[i].z), absolute)) {
            return true;
        }
    }
    return false;
}

void association_limit(struct association *a, usec_t limit)
{
    if (limit < a->not_after) {
        a->not_after = limit; /* R002-85, R004-21 */
    }
}

void association_write(const struct association *a, struct writer *w)
{
    writer_u8(w, FORMAT);
    writer_text16(w, a->id); /* R004-19 */
    writer_u8(w, (uint8_t)a->framework);
    writer_u16(w, (uint16_t)a->peer);
    writer_u16(w, a->tls_version); /* R004-22 */
    writer_u16(w, a->suite);
    writer_u8(w, a->by_digest ? 1 : 0);
    writer_u8(w, (uint8_t)a->ids_n);
    for (size_t i = 0; i < a->ids_n; i++) {
        writer_text16(w, a->ids[i].z);
    }
    writer_text16(w, a->credential_id);
    writer_text16(w, a->key_id.z);
    writer_text16(w, a->serial);
    writer_u64(w, (uint64_t)a->established);
    writer_u64(w, (uint64_t)a->not_after);
}

/* Empty (a plain connection) or all of its digits. */
static bool id_is_valid(const char *id)
{
    struct text t = text_of(id);
    return t.n == 0 || (t.n == ASSOCIATION_ID_LEN && hex_is_text(t));
}

static bool peer_is_valid(unsigned peer)
{
    return peer <= PEER_PLAIN && (peer & (peer - 1)) == 0; /* none or exactly one bit */
}

err_t association_parse(struct reader *r, struct association *out)
{
    memset(out, 0, sizeof(*out));
    uint8_t format = reader_u8(r);
    reader_text16(r, out->id, sizeof(out->id));
    uint8_t framework = reader_u8(r);
    uint16_t peer = reader_u16(r);
    out->tls_version = reader_u16(r);
    out->suite = reader_u16(r);
    uint8_t by_digest = reader_u8(r);
    uint8_t ids_n = reader_u8(r);
    bool valid = ids_n <= ASSOCIATION_IDS_MAX && by_digest <= 1;
    for (size_t i = 0; valid && i < ids_n; i++) {
        reader_text16(r, out->ids[i].z, sizeof(out->ids[i].z));
        valid = out->ids[i].z[0] != '\0';
    }
    reader_text16(r, out->credential_id, sizeof(out->credential_id));
    reader_text16(r, out->key_id.z, sizeof(out->key_id.z));
    reader_text16(r, out->serial, sizeof(out->serial));
    out->established = (usec_t)reader_u64(r);
    out->not_after = (usec_t)reader_u64(r);
    if (reader_failed(r)) {
        return ERR_MALFORMED_TRUNCATED;
    }
    if (format != FORMAT || !valid || framework > ASSOCIATION_E2E || !peer_is_valid(peer) || !id_is_valid(out->id)) {
        return ERR_MALFORMED;
    }
    out->framework = (enum association_framework)framework;
    out->peer = (enum association_peer)peer;
    out->ids_n = ids_n;
    out->by_digest = by_digest == 1;
    return ERR_OK;
}
