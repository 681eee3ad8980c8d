/*
 * The index of Enrolment Targets: who may come with a certificate that no instruction names, to fetch. One row for each
 * identity that some instruction has as its target. A revoked credential keeps its row as it keeps its record, so that the
 * target is told "revoked" at its fetch and not that nobody knows it.
 */
#include "role/cert_key.h"
#include "role/mef/mef_ctx.h"
#include "role/mef/rec_credential.h"

#include <string.h>

enum { VERSION = 1, BATCH = 32 /* credentials at a time, well within TXN_STAGED_MAX */ };

#define BUILT "mef-targets" /* in TABLE_META: whether every credential that is older than the index is in it */

/* The table key of the certificate that this identity would show: an AE by its AE-ID, all others by a host name, which
 * is the same for a MAF-ID and a CSE-ID. ERR_NOT_FOUND: no certificate can name it. */
static err_t key_of(struct text id, struct keyid *out)
{
    struct cert_key c;
    struct m2mid host;
    if (m2mid_is_ae(m2mid_kind(id))) {
        return cert_key_parse(id, &c) == ERR_OK ? TEXT_COPY(text_of(c.key.z), out->z) : ERR_NOT_FOUND;
    }
    if (m2mid_fqdn(id, &host) != ERR_OK) {
        return ERR_NOT_FOUND;
    }
    struct writer w = WRITER_ARRAY(out->z);
    writer_z(&w, "32-");
    writer_z(&w, host.z);
    return writer_finish_z(&w) == ERR_OK ? ERR_OK : ERR_NOT_FOUND;
}

static err_t has(struct txn *t, const struct keyid *key, bool *out)
{
    struct bytes there;
    err_t e = rec_get(t, TABLE_MEF_TARGET, text_of(key->z), &there);
    *out = e == ERR_OK;
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

err_t mef_target_put(struct txn *t, const struct m2mid *target)
{
    struct keyid key;
    bool there = false;
    if (target->z[0] == '\0' || key_of(text_of(target->z), &key) != ERR_OK) {
        return ERR_OK;
    }
    TRY(has(t, &key, &there));
    uint8_t version = VERSION;
    return there ? ERR_OK
                 : txn_put(t, TABLE_MEF_TARGET, text_of(key.z), bytes_of(&version, 1), STORE_PUT_ANY, 0);
}

err_t mef_target_is(struct txn *t, const struct association *a, bool *out)
{
    *out = false;
    for (size_t i = 0; i < a->ids_n && !*out; i++) {
        struct keyid key;
        if (key_of(text_of(a->ids[i].z), &key) == ERR_OK) {
            TRY(has(t, &key, out));
        }
    }
    return ERR_OK;
}

/* -- stores from before the index ----------------------------------------------------------------------- */
struct pass {
    struct txn *t;
    struct bytes last;
    size_t seen;
    struct m2mid targets[BATCH];
    err_t err;
};

static bool hit(void *arg, struct bytes id, struct store_value value)
{
    struct pass *p = arg;
    struct rec_credential c;
    if (!arena_dup(p->t->arena, id, &p->last)) {
        p->err = ERR_LIMIT_CAPACITY;
        return false;
    }
    /* What cannot be read instructs nobody; an operator sees it in the list. */
    if (rec_credential_parse(value.data, &c) == ERR_OK) {
        p->targets[p->seen] = c.target;
    }
    return ++p->seen < BATCH;
}

/* The record: version octet, whether the pass is over, the credential to go on behind. */
static err_t progress(struct txn *t, bool *over, struct bytes *after)
{
    struct bytes record;
    *over = false;
    *after = bytes_empty();
    err_t e = rec_get(t, TABLE_META, text_of(BUILT), &record);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    struct reader r = reader_of(record);
    rec_version(&r, VERSION);
    *over = rec_bool(&r);
    *after = reader_take(&r, reader_left(&r));
    return rec_finish(&r);
}

err_t mef_target_seed(const void *ctx, struct txn *t, usec_t now)
{
    (void)ctx;
    (void)now;
    struct pass p = {.t = t, .last = bytes_empty()};
    bool over = false;
    struct store_scan q = {
        .table = TABLE_MEF_CREDENTIAL, .prefix = bytes_empty(), .order = STORE_ASCENDING, .limit = BATCH};
    TRY(progress(t, &over, &q.after));
    if (over) {
        return ERR_OK;
    }
    TRY(txn_scan(t, &q, hit, &p));
    TRY(p.err);
    for (size_t i = 0; i < p.seen; i++) {
        TRY(mef_target_put(t, &p.targets[i]));
    }
    uint8_t buf[2 + STORE_ID_MAX];
    struct writer w = WRITER_ARRAY(buf);
    over = p.seen < BATCH;
    writer_u8(&w, VERSION);
    writer_u8(&w, over);
    writer_bytes(&w, over ? bytes_empty() : p.last);
    return rec_put(t, TABLE_META, text_of(BUILT), &w, STORE_PUT_ANY);
}
