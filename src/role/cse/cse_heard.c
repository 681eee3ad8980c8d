#include "role/cse/cse_heard.h"

#include "role/cse/cse_key.h"
#include "role/heard.h"
#include "role/withdraw.h"

#define MARK "kpsa-from/" /* in TABLE_META */

err_t cse_heard_alive(const void *ctx, struct txn *t, const struct association *a)
{
    (void)ctx;
    struct cse_key k;
    if (a->key_id.z[0] == '\0') {
        return ERR_OK;
    }
    err_t e = cse_key_get(t, text_of(a->key_id.z), &k);
    if (e != ERR_OK) { /* a certificate needs no record; without one a request on a key is refused, and says why */
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    return standing_check(k.standing);
}

static err_t tell(struct txn *t, const struct cse_key *k, usec_t now)
{
    struct audit_event e = {.kind = AUDIT_KEY_WITHDRAWN, .time = now};
    TRY(TEXT_COPY(text_take(text_of(k->source.z), AUDIT_TEXT_MAX - 1), e.peer));
    TRY(TEXT_COPY(text_take(text_of(k->id.z), AUDIT_TEXT_MAX - 1), e.object));
    return txn_audit(t, &e);
}

/* A key that is not held may be on its way here: a record without a key awaits it. */
static err_t tombstone(const struct keyid *id, usec_t now, struct cse_key *k)
{
    struct text name = text_of(id->z);
    *k = (struct cse_key){.kind = CSE_KEY_KC, .id = *id, .created = now, .not_after = now + HEARD_TOMBSTONE_LIFE,
                          .sealed = bytes_empty()};
    return TEXT_COPY(text_skip(name, text_find(name, '@') + 1), k->source.z);
}

static const struct heard_kept kept = {"cse", TABLE_CSE_KEY, cse_key_is_over};

static err_t apply(const void *ctx, struct txn *t, const struct keyid *id, struct text state, usec_t now)
{
    struct cse_key k;
    bool changed = false, room = true;
    err_t e = cse_key_get(t, text_of(id->z), &k);
    if (e == ERR_NOT_FOUND) {
        TRY(heard_room(&kept, t, id, now, &room));
        TRY(tombstone(id, now, &k));
    } else {
        TRY(e);
    }
    if (!room || k.source.z[0] == '\0') { /* a key that an operator gave is the operator's, whatever its name */
        return ERR_OK;
    }
    TRY(standing_told(&k.standing, state, &changed));
    if (!changed) {
        return ERR_OK;
    }
    if (k.standing == 0 && k.sealed.n == 0) { /* a tombstone of a suspension: the key is fetched when it is needed */
        TRY(txn_del(t, TABLE_CSE_KEY, text_of(id->z)));
        const struct withdraw_what what = {text_of(id->z), 0, now, text_empty(), text_empty()};
        TRY(withdraw_note(&withdraw_cse, t, &what, now));
    } else {
        TRY(cse_key_stand(ctx, t, &k, now));
    }
    return tell(t, &k, now);
}

/* -- whom to ask: every MAF; a MEF that has given a key, since one that does not know this CSE as a target refuses it ------ */
static err_t mark_of(struct text mef, char out[static M2MID_MAX + sizeof(MARK)])
{
    struct writer w = writer_of(out, M2MID_MAX + sizeof(MARK));
    writer_z(&w, MARK);
    writer_text(&w, mef);
    return writer_finish_z(&w);
}

err_t cse_heard_from(struct txn *t, struct text mef)
{
    char id[M2MID_MAX + sizeof(MARK)];
    uint8_t version = 1;
    struct bytes there;
    TRY(mark_of(mef, id));
    err_t e = rec_get(t, TABLE_META, text_of(id), &there);
    return e == ERR_NOT_FOUND ? txn_put(t, TABLE_META, text_of(id), bytes_of(&version, 1), STORE_PUT_ANY, 0) : e;
}

static bool is_asked(struct txn *t, const struct cse_peer *p)
{
    char id[M2MID_MAX + sizeof(MARK)];
    struct bytes there;
    return p->kind == CSE_PEER_MAF ||
           (mark_of(text_of(p->fqdn.z), id) == ERR_OK && rec_get(t, TABLE_META, text_of(id), &there) == ERR_OK);
}

/* The i-th peer stays the i-th: one that is not asked yet moves no other from its place. */
err_t cse_heard_watch(const void *ctx, struct txn *t, size_t i, struct question *out)
{
    const struct cse *cse = ctx;
    const struct heard h = {"cse", ctx, apply};
    if (i >= cse->peers_n) {
        return ERR_NOT_FOUND;
    }
    TRY(heard_question(&h, t, text_of(cse->peers[i].fqdn.z), text_of(cse->self.z), out));
    if (!is_asked(t, &cse->peers[i])) {
        out->path[0] = '\0';
    }
    return ERR_OK;
}

err_t cse_heard_take(const void *ctx, const struct question *q, const struct answer *a, struct txn *t, usec_t now, bool *more)
{
    const struct heard h = {"cse", ctx, apply};
    return heard_take(&h, q, a, t, now, more);
}
