/* MAF Key Registration and Key Retrieval [TS-0003 8.8.2.7, 8.8.2.8]. */
#include "base/hex.h"
#include "role/detail.h"
#include "role/emit.h"
#include "role/expire.h"
#include "role/key_wipe.h"
#include "role/maf/maf_types.h"
#include "role/maf/maf_who.h"
#include "role/maf/rec_key.h"
#include "role/originator.h"

#include <string.h>

/* Which keys the MAF distributes, and for how many targets [TS-0003 table 8.8.1-1, CHOICE-53]. */
static const struct {
    unsigned suid;
    size_t most_targets;
} suids[] = {{32, 1}, {33, 1}, {34, REC_LIST_MAX}, {35, REC_LIST_MAX}};

/* -- registration: what is asked ----------------------------------------------------------------------- */
/* The registration under which the key is made: alive, and the client's own. */
static err_t parent_of(const struct request *rq, const struct maf_who *w, struct txn *t, struct rec_client *out,
                       char detail[static ROLE_DETAIL_MAX])
{
    struct text ri = text_skip(rq->prim->path, 1);
    err_t e = rec_client_get(t, ri, out);
    if (e != ERR_OK || out->not_after <= rq->now) {
        return detail_fail(detail, e == ERR_OK ? ERR_NOT_FOUND : e, "MAF client registration", ri);
    }
    if (!m2mid_same(text_of(out->client), text_of(w->name)) && strcmp(out->client, w->name) != 0) {
        return detail_fail(detail, ERR_DENIED_CLIENT, "not the client's own registration", ri);
    }
    return ERR_OK;
}

static err_t check_targets(const struct maf_content *in, const struct maf_who *w, char detail[static ROLE_DETAIL_MAX])
{
    size_t most = 0;
    for (size_t i = 0; i < ARRAY_LEN(suids); i++) {
        most = suids[i].suid == in->suid ? suids[i].most_targets : most;
    }
    if (most == 0) {
        return detail_fail(detail, ERR_MALFORMED_SUID, "a MAF registers keys for SUID 32, 33, 34 and 35", text_empty());
    }
    if (in->tgis.n == 0 || in->tgis.n > most) {
        return detail_fail(detail, ERR_CONTENTS, most == 1 ? "tgis must name exactly one target" : "tgis",
                           text_empty());
    }
    for (size_t i = 0; i < in->tgis.n; i++) {
        if (m2mid_same(in->tgis.at[i], text_of(w->name))) { /* a Source never reads its key back */
            return detail_fail(detail, ERR_CONTENTS, "tgis names the Source itself", in->tgis.at[i]);
        }
    }
    return ERR_OK;
}

static err_t check_content(const struct maf_content *in, const struct rec_client *parent, const struct maf_who *w,
                           struct txn *t, char detail[static ROLE_DETAIL_MAX])
{
    if (!text_eq_nocase(in->adfq, text_of(parent->adfq))) {
        return detail_fail(detail, ERR_CONTENTS, "adfq is not that of the registration", in->adfq);
    }
    TRY(check_targets(in, w, detail));
    for (size_t i = 0; i < in->tgis.n; i++) {
        TRY(maf_who_check(w, t, in->tgis.at[i], detail));
    }
    return ERR_OK;
}

/* -- registration: the key ----------------------------------------------------------------------------- */
/* For an association with any CSE or AE (R001-02): Kc by export of this session, once (R001-59, CHOICE-10), or the client's own key under a random name [CHOICE-25]. */
static err_t make_key(const struct maf *m, const struct request *rq, const struct maf_content *in, struct key_kc *kc,
                      struct keys_relative *id)
{
    if (in->has[MAF_ATTR_KV]) {
        kc->s = in->kv;
        return m->env.crypto->random(id->b, sizeof(id->b));
    }
    return rq->exported->set ? keys_kc_split(rq->exported, kc, id) : ERR_EXPORT_USED;
}

static usec_t earlier(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

/* No key outlives the Km, or the registration, that it stands on [TS-0003 10.7]. */
static usec_t end_of(const struct maf *m, const struct request *rq, const struct maf_content *in,
                     const struct maf_who *w, const struct rec_client *parent)
{
    usec_t end = earlier(rq->now + m->kc_lifetime, earlier(w->not_after, parent->not_after));
    end = in->has[MAF_ATTR_ET] ? earlier(end, in->et) : end;
    return end - end % USEC_PER_SEC;
}

static err_t fill(const struct keys_relative *id, const struct maf_content *in, const struct maf_who *w,
                  const struct rec_client *parent, struct rec_key *k)
{
    struct writer rel = WRITER_ARRAY(k->relative);
    hex_write_upper(&rel, BYTES_ARRAY(id->b));
    TRY(writer_finish_z(&rel));
    TRY(TEXT_COPY(text_of(parent->ri), k->parent));
    TRY(TEXT_COPY(text_of(w->name), k->creator));
    TRY(TEXT_COPY(text_of(parent->adfq), k->adfq));
    if (w->has_km) {
        TRY(TEXT_COPY(rec_km_name(&w->km), k->aski.z));
    }
    k->suid = (uint8_t)in->suid;
    k->tgis = in->tgis;
    k->lbl = in->lbl;
    return ERR_OK;
}

/* How a RelativeKeyID is stored: lower case. ERR_NOT_FOUND for what cannot be one. */
static err_t fold(struct text relative, char out[static REC_KEY_RELATIVE_MAX])
{
    struct writer w = writer_of(out, REC_KEY_RELATIVE_MAX);
    for (size_t i = 0; i < relative.n; i++) {
        writer_u8(&w, (uint8_t)text_lower(relative.p[i]));
    }
    return hex_is_text(relative) && writer_finish_z(&w) == ERR_OK ? ERR_OK : ERR_NOT_FOUND;
}

static err_t store(const struct maf *m, const struct rec_key *k, const struct key_kc *kc, struct txn *t)
{
    char id[REC_KEY_RELATIVE_MAX];
    TRY(fold(text_of(k->relative), id));
    struct bytes taken;
    err_t e = rec_get(t, TABLE_MAF_KEY, text_of(id), &taken);
    if (e != ERR_NOT_FOUND) {
        return e == ERR_OK ? ERR_KEY_ID_TAKEN : e;
    }
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    struct rec_seal seal = {.sealer = m->env.sealer, .table = TABLE_MAF_KEY, .id = text_of(id), .key = &kc->s};
    TRY(rec_key_write(k, &seal, &w));
    return rec_put(t, TABLE_MAF_KEY, text_of(id), &w, STORE_PUT_IF_ABSENT);
}

static bool is_over(struct bytes record, usec_t now)
{
    struct rec_key k;
    return rec_key_parse(record, &k) == ERR_OK && k.not_after <= now;
}

/* -- answers --------------------------------------------------------------------------------------------- */
/* What both answers carry; the key itself only if `kc` is given: a Source never reads it back. */
static void answer(const struct rec_key *k, const struct key_kc *kc, struct writer *body)
{
    struct emit e = emit_to(body);
    emit_object(&e, NULL);
    emit_object(&e, maf_types_root(MAF_TYPES_KEY_REG));
    emit_z(&e, maf_types_name(MAF_ATTR_RN), k->relative);
    emit_time(&e, maf_types_name(MAF_ATTR_ET), k->not_after);
    emit_z(&e, maf_types_name(MAF_ATTR_CR), k->creator);
    maf_types_emit_list(&e, MAF_ATTR_LBL, &k->lbl);
    emit_z(&e, maf_types_name(MAF_ATTR_ADFQ), k->adfq);
    emit_number(&e, maf_types_name(MAF_ATTR_SUID), k->suid);
    if (kc == NULL) {
        maf_types_emit_list(&e, MAF_ATTR_TGIS, &k->tgis);
    } else {
        emit_z_if(&e, maf_types_name(MAF_ATTR_ASKI), k->aski.z); /* for the Credential-ID 11-KmId [CHOICE-05] */
        emit_secret(&e, maf_types_name(MAF_ATTR_KV), &kc->s);
    }
    emit_close_object(&e);
    emit_close_object(&e);
}

static err_t tell(const struct maf *m, struct txn *t, const struct request *rq, enum audit_kind kind,
                  const struct rec_key *k)
{
    struct audit_event e = {.kind = kind, .time = rq->now, .outcome = ERR_OK};
    struct writer object = WRITER_ARRAY(e.object);
    writer_z(&object, k->relative);
    writer_u8(&object, '@');
    writer_z(&object, m->fqdn);
    TRY(writer_finish_z(&object));
    TRY(TEXT_COPY(association_name(rq->assoc), e.peer));
    TRY(TEXT_COPY(text_of(rq->assoc->id), e.association));
    return txn_audit(t, &e);
}

/* -- handlers -------------------------------------------------------------------------------------------- */
static err_t register_key(const struct maf *m, const struct request *rq, const struct maf_content *in,
                          const struct maf_who *w, struct txn *t, struct response *rs)
{
    struct rec_client parent;
    TRY(parent_of(rq, w, t, &parent, rs->detail));
    TRY(check_content(in, &parent, w, t, rs->detail));
    struct rec_key k = {.created = rq->now, .not_after = end_of(m, rq, in, w, &parent)};
    if (k.not_after <= rq->now) {
        return ERR_DENIED_EXPIRED;
    }
    SCOPED(key_wipe_kc) struct key_kc kc = {0};
    struct keys_relative id;
    TRY(make_key(m, rq, in, &kc, &id));
    TRY(fill(&id, in, w, &parent, &k));
    TRY(store(m, &k, &kc, t));
    if (expire_is_due(text_of(k.relative))) {
        TRY(expire_run(t, TABLE_MAF_KEY, is_over, rq->now));
    }
    answer(&k, NULL, &rs->body);
    struct writer at = WRITER_ARRAY(rs->location);
    writer_z(&at, "/-/");
    writer_z(&at, k.relative);
    rs->rsc = 2001;
    TRY(writer_finish_z(&at));
    return tell(m, t, rq, AUDIT_MAF_KEY_REGISTERED, &k);
}

err_t maf_key_register(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct maf_who w;
    SCOPED(maf_types_wipe) struct maf_content in;
    in.kv = (struct secret){0};
    TRY(maf_who_of(rq, t, &w, rs->detail));
    TRY(maf_types_parse(MAF_TYPES_KEY_REG, rq->prim->pc, rq->now, &in, rs->detail));
    return register_key(ctx, rq, &in, &w, t, rs);
}

/* A key whose Source was revoked since is not handed out any more. */
static err_t check_source(struct txn *t, const struct rec_key *k)
{
    if (k->aski.z[0] == '\0') {
        return ERR_OK;
    }
    struct keyid folded;
    struct rec_km km;
    TRY(keyid_fold(text_of(k->aski.z), &folded));
    err_t e = rec_km_get(t, text_of(folded.z), &km);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    return km.revoked ? ERR_DENIED_REVOKED : ERR_OK;
}

static err_t check_target(const struct request *rq, const struct rec_key *k, char detail[static ROLE_DETAIL_MAX])
{
    for (size_t i = 0; i < k->tgis.n; i++) {
        if (originator_is(rq->assoc, k->tgis.at[i])) {
            return ERR_OK;
        }
    }
    return detail_fail(detail, ERR_DENIED_TARGET, "RelativeKeyID", text_of(k->relative)); /* 4103, audited */
}

err_t maf_key_retrieve(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    const struct maf *m = ctx;
    struct text relative = text_skip(rq->prim->path, sizeof("/-/") - 1);
    char id[REC_KEY_RELATIVE_MAX];
    struct rec_key k;
    struct maf_who w;
    TRY(maf_who_of(rq, t, &w, rs->detail)); /* a target whose Km was revoked since its handshake gets nothing more */
    err_t e = fold(relative, id);
    e = e == ERR_OK ? rec_key_get(t, text_of(id), &k) : e;
    if (e != ERR_OK) {
        return detail_fail(rs->detail, e, "RelativeKeyID", relative);
    }
    TRY(check_target(rq, &k, rs->detail));
    if (k.not_after <= rq->now) {
        return detail_fail(rs->detail, ERR_DENIED_EXPIRED, "RelativeKeyID", relative);
    }
    TRY(check_source(t, &k));
    SCOPED(key_wipe_kc) struct key_kc kc = {0};
    TRY(rec_key_open(&k, m->env.sealer, text_of(id), &kc));
    answer(&k, &kc, &rs->body);
    rs->rsc = 2000;
    return tell(m, t, rq, AUDIT_MAF_KEY_RETRIEVED, &k);
}
