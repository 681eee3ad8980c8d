#include "role/cse/cse_share.h"

#include "base/hex.h"
#include "crypto/crypto.h"
#include "role/rec.h"

#define RECORD_COST 512 /* octets of an event, its queue and their keys, beside the content */

enum { VERSION = 1 };

struct share {
    usec_t since;
    uint64_t used;
};

/* A CSE speaks for as many names as it likes: 256 shares in all, so these records are no way to fill the store either. */
static err_t id_of(const struct cse_ask *ask, struct writer *w)
{
    uint8_t hash[CRYPTO_HASH_LEN];
    TRY(ask->cse->env.crypto->sha256(text_bytes(text_of(ask->from->absolute.z)), hash));
    writer_z(w, "elsewhere/");
    hex_write_lower(w, bytes_of(hash, 1));
    return writer_finish(w);
}

static err_t share_get(struct txn *t, struct text id, struct share *out)
{
    struct bytes b;
    *out = (struct share){.used = 0};
    err_t e = rec_get(t, TABLE_META, id, &b);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    struct reader r = reader_of(b);
    rec_version(&r, VERSION);
    out->since = rec_time(&r);
    out->used = reader_u64(&r);
    return rec_finish(&r);
}

err_t cse_share_take(const struct cse_ask *ask, size_t octets)
{
    char id[32];
    uint8_t buf[32];
    struct share s;
    struct writer k = WRITER_ARRAY(id), w = WRITER_ARRAY(buf);
    TRY(id_of(ask, &k));
    TRY(share_get(ask->t, writer_view_text(&k), &s));
    if (ask->rq->now < s.since || ask->rq->now - s.since >= CSE_SHARE_TIME) {
        s = (struct share){.since = ask->rq->now};
    }
    s.used += octets + RECORD_COST;
    if (s.used > CSE_SHARE_OCTETS) {
        return ERR_NOTIFY_SHARE;
    }
    writer_u8(&w, VERSION);
    writer_u64(&w, (uint64_t)s.since);
    writer_u64(&w, s.used);
    TRY(writer_finish(&w));
    return rec_put(ask->t, TABLE_META, writer_view_text(&k), &w, STORE_PUT_ANY);
}
