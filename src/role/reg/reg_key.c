/* Key Registration, Retrieval, Registration Update and De-Registration [TS-0003 8.8.2.7-10, 8.3.5.2.7-10]. */
#include "role/reg/reg_key.h"

#include "base/hex.h"
#include "role/detail.h"
#include "role/expire.h"
#include "role/key_wipe.h"
#include "role/originator.h"
#include "role/reg/reg_own.h"
#include "role/reg/reg_types.h"
#include "role/reg/reg_who.h"
#include "role/standing.h"

/* One request being served. */
struct call {
    const struct reg *r;
    const struct request *rq;
    struct txn *t;
    struct response *rs;
    struct reg_who w;
    struct reg_content in;
    struct rec_client parent;
};

static void call_wipe(struct call *c)
{
    reg_types_wipe(&c->in);
}

/* The registration under which a key stands: alive, and the client's own. */
static err_t parent_of(struct call *call, struct text ri)
{
    err_t e = reg_own_get(call->r, call->t, &call->w, ri, call->rq->now, &call->parent);
    return e == ERR_OK ? e : detail_fail(call->rs->detail, e, "client registration", ri);
}

/* -- what is asked ----------------------------------------------------------------------------------------- */
static const struct reg_suid *suid_row(const struct reg *r, unsigned suid)
{
    for (size_t i = 0; i < r->kind->suids_n; i++) {
        if (r->kind->suids[i].suid == suid) {
            return &r->kind->suids[i];
        }
    }
    return NULL;
}

static err_t check_permitted(const struct call *call, unsigned suid, struct text target)
{
    const struct reg_use use = {target, text_of(call->parent.adfq), suid, call->rq->now};
    bool instructed = false;
    if (call->r->kind->instructed != NULL) {
        TRY(call->r->kind->instructed(&call->w, call->t, &use, &instructed));
    }
    return instructed ? ERR_OK : reg_who_check(call->r, &call->w, call->t, target, call->rs->detail);
}

/* The targets of a key of this SUID: as many and of the kind that it takes, and permitted to this client. */
static err_t check_targets(const struct call *call, unsigned suid)
{
    const struct reg_suid *row = suid_row(call->r, suid);
    const struct rec_list *tgis = &call->in.tgis;
    char *detail = call->rs->detail;
    if (row == NULL) {
        return detail_fail(detail, ERR_MALFORMED_SUID, call->r->kind->suids_text, text_empty());
    }
    if (tgis->n == 0 || tgis->n > row->targets) {
        return detail_fail(detail, ERR_CONTENTS, row->targets == 1 ? "tgis must name exactly one target" : "tgis",
                           text_empty());
    }
    for (size_t i = 0; i < tgis->n; i++) {
        if ((m2mid_kind(tgis->at[i]) == M2MID_FQDN) != row->for_maf) {
            return detail_fail(detail, ERR_ATTRIBUTE_TYPE,
                               row->for_maf ? "tgis of SUID 21 names a MAF by its FQDN"
                                            : "tgis names CSEs and AEs by their absolute identifiers",
                               tgis->at[i]);
        }
        if (m2mid_same(tgis->at[i], text_of(call->w.name))) {
            return detail_fail(detail, ERR_CONTENTS, "tgis names the Source itself", tgis->at[i]); /* it never reads it back */
        }
    }
    for (size_t i = 0; i < tgis->n; i++) {
        TRY(check_permitted(call, suid, tgis->at[i]));
    }
    return ERR_OK;
}

static err_t check_content(const struct call *call)
{
    if (!text_eq_nocase(call->in.adfq, text_of(call->parent.adfq))) {
        return detail_fail(call->rs->detail, ERR_CONTENTS, "adfq is not that of the registration", call->in.adfq);
    }
    size_t octets = call->in.kv.n;
    if (call->in.has[REG_ATTR_KV] && (octets < call->r->kv_min || octets > call->r->kv_max)) { /* CHOICE-54 */
        return detail_fail(call->rs->detail, ERR_ATTRIBUTE_TYPE, "attribute",
                           text_of(reg_attr_name(REG_ATTR_KV)));
    }
    return check_targets(call, call->in.suid);
}

/* -- the key ------------------------------------------------------------------------------------------- */
/* For an association with any CSE or AE (R001-02): by export of this session, once (R001-59, CHOICE-10), or the client's
 * own key under a random name [CHOICE-25]. */
static err_t make_key(const struct call *call, struct key_kc *kc, struct keys_relative *id)
{
    if (call->in.has[REG_ATTR_KV]) {
        kc->s = call->in.kv;
        return call->r->env.crypto->random(id->b, sizeof(id->b));
    }
    TRY(call->rq->assoc->by_digest ? ERR_EXPORT_DIGEST : ERR_OK);
    TRY(call->rq->exported->set ? keys_kc_split(call->rq->exported, kc, id) : ERR_EXPORT_USED);
    return call->r->kind->claim == NULL ? ERR_OK : call->r->kind->claim(call->r, call->rq, call->t, id);
}

/* No key outlives the credential, or the registration, that it stands on [TS-0003 10.7]. */
static usec_t end_of(const struct call *call)
{
    usec_t end = reg_earlier(call->rq->now + call->r->key_lifetime,
                             reg_earlier(call->w.not_after, call->parent.not_after));
    end = call->in.has[REG_ATTR_ET] ? reg_earlier(end, call->in.et) : end;
    return end - end % USEC_PER_SEC;
}

static err_t fill(const struct keys_relative *id, const struct call *call, struct rec_key *k)
{
    struct writer rel = WRITER_ARRAY(k->relative);
    hex_write_upper(&rel, BYTES_ARRAY(id->b));
    TRY(writer_finish_z(&rel));
    TRY(TEXT_COPY(text_of(call->parent.ri), k->parent));
    TRY(TEXT_COPY(text_of(call->w.name), k->creator));
    TRY(TEXT_COPY(text_of(call->parent.adfq), k->adfq));
    k->credential = call->w.credential;
    k->suid = (uint8_t)call->in.suid;
    k->tgis = call->in.tgis;
    k->lbl = call->in.lbl;
    return ERR_OK;
}

/* With `key` a new registration, else the same key under changed attributes. */
static err_t store(const struct call *call, const struct rec_key *k, const struct secret *key)
{
    const struct reg_kind *kind = call->r->kind;
    char id[REC_KEY_RELATIVE_MAX], of[REC_KEY_OF_MAX];
    uint8_t buf[REC_MAX];
    TRY(rec_key_fold(text_of(k->relative), id));
    TRY(rec_key_of_id(text_of(k->parent), text_of(id), of));
    struct writer w = WRITER_ARRAY(buf);
    struct rec_seal seal = {.sealer = call->r->env.sealer, .table = kind->key, .id = text_of(id), .key = key,
                            .sealed = k->sealed};
    TRY(rec_key_write(k, &seal, &w));
    TRY(rec_put(call->t, kind->key, text_of(id), &w, key != NULL ? STORE_PUT_IF_ABSENT : STORE_PUT_ANY));
    struct writer index = WRITER_ARRAY(buf);
    TRY(rec_key_of_write(k->not_after, &index));
    return rec_put(call->t, kind->key_of, text_of(of), &index, STORE_PUT_ANY);
}

static err_t tell_targets(const struct call *call)
{
    for (size_t i = 0; i < call->in.tgis.n && call->r->kind->target != NULL; i++) {
        struct m2mid target;
        TRY(TEXT_COPY(call->in.tgis.at[i], target.z));
        TRY(call->r->kind->target(call->t, &target));
    }
    return ERR_OK;
}

static err_t check_free(const struct call *call, const struct rec_key *k)
{
    char id[REC_KEY_RELATIVE_MAX];
    struct bytes taken;
    TRY(rec_key_fold(text_of(k->relative), id));
    err_t e = rec_get(call->t, call->r->kind->key, text_of(id), &taken);
    return e == ERR_NOT_FOUND ? ERR_OK : e == ERR_OK ? ERR_KEY_ID_TAKEN : e;
}

static bool is_over(struct bytes record, usec_t now)
{
    struct rec_key k;
    return rec_key_parse(record, &k) == ERR_OK && k.not_after <= now;
}

static bool index_is_over(struct bytes record, usec_t now)
{
    usec_t not_after = 0;
    return rec_key_of_parse(record, &not_after) == ERR_OK && not_after <= now;
}

/* -- answers --------------------------------------------------------------------------------------------- */
static struct emit open_answer(const struct call *call)
{
    struct emit e = emit_to(&call->rs->body);
    emit_object(&e, NULL);
    emit_object(&e, reg_attr_root(REG_ATTR_TY_KEY));
    return e;
}

static void close_answer(struct emit *e)
{
    emit_close_object(e);
    emit_close_object(e);
}

/* What registration and retrieval both answer; the key itself only if `kc` is given: a Source never reads it back. */
static void answer(const struct call *call, const struct rec_key *k, const struct key_kc *kc)
{
    struct emit e = open_answer(call);
    emit_z(&e, reg_attr_name(REG_ATTR_RN), k->relative);
    emit_time(&e, reg_attr_name(REG_ATTR_ET), k->not_after);
    emit_z(&e, reg_attr_name(REG_ATTR_CR), k->creator);
    reg_types_emit_list(&e, REG_ATTR_LBL, &k->lbl);
    emit_z(&e, reg_attr_name(REG_ATTR_ADFQ), k->adfq);
    emit_number(&e, reg_attr_name(REG_ATTR_SUID), k->suid);
    if (kc == NULL) {
        reg_types_emit_list(&e, REG_ATTR_TGIS, &k->tgis);
    } else {
        emit_z_if(&e, reg_attr_name(REG_ATTR_ASKI), call->r->kind->tells_source ? k->credential.z : "");
        emit_secret(&e, reg_attr_name(REG_ATTR_KV), &kc->s);
    }
    close_answer(&e);
}

static err_t tell(const struct call *call, enum audit_kind kind, const struct rec_key *k)
{
    char object[KEYID_MAX + REC_KEY_RELATIVE_MAX];
    struct writer w = WRITER_ARRAY(object);
    writer_z(&w, k->relative);
    writer_u8(&w, '@');
    writer_z(&w, call->r->fqdn);
    TRY(writer_finish_z(&w));
    return reg_tell(call->t, kind, call->rq, object);
}

/* -- registration ------------------------------------------------------------------------------------------ */
static err_t register_key(struct call *call)
{
    TRY(parent_of(call, text_skip(call->rq->prim->path, 1)));
    TRY(check_content(call));
    struct rec_key k = {.created = call->rq->now, .not_after = end_of(call)};
    if (k.not_after <= call->rq->now) {
        return ERR_DENIED_EXPIRED;
    }
    SCOPED(key_wipe_kc) struct key_kc kc = {0};
    struct keys_relative id;
    TRY(make_key(call, &kc, &id));
    TRY(fill(&id, call, &k));
    TRY(check_free(call, &k));
    TRY(store(call, &k, &kc.s));
    TRY(tell_targets(call));
    if (expire_is_due(text_of(k.relative), '0')) {
        TRY(expire_run(call->t, call->r->kind->key, is_over, call->rq->now));
    }
    if (expire_is_due(text_of(k.relative), '1')) {
        TRY(expire_run(call->t, call->r->kind->key_of, index_is_over, call->rq->now));
    }
    answer(call, &k, NULL);
    struct writer at = WRITER_ARRAY(call->rs->location);
    writer_z(&at, "/-/");
    writer_z(&at, k.relative);
    call->rs->rsc = 2001;
    TRY(writer_finish_z(&at));
    return tell(call, call->r->kind->key_registered, &k);
}

err_t reg_key_register(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    SCOPED(call_wipe) struct call call = {.r = ctx, .rq = rq, .t = t, .rs = rs};
    TRY(reg_who_of(call.r, rq, t, &call.w, rs->detail));
    TRY(reg_types_parse(REG_KEY_CREATE, REG_ATTR_TY_KEY, rq, &call.in, rs->detail));
    return register_key(&call);
}

/* -- retrieval ------------------------------------------------------------------------------------------- */
static struct text relative_of(const struct request *rq)
{
    return text_skip(rq->prim->path, sizeof("/-/") - 1);
}

/* The registration of this RelativeKeyID, whoever asks. */
static err_t find(struct call *call, struct text relative, struct rec_key *k, char id[static REC_KEY_RELATIVE_MAX])
{
    TRY(reg_who_of(call->r, call->rq, call->t, &call->w, call->rs->detail));
    err_t e = rec_key_fold(relative, id);
    e = e == ERR_OK ? rec_key_get(call->t, call->r->kind->key, text_of(id), k) : e;
    return e == ERR_OK ? e : detail_fail(call->rs->detail, e, "RelativeKeyID", relative);
}

static err_t check_target(const struct call *call, const struct rec_key *k)
{
    for (size_t i = 0; i < k->tgis.n; i++) {
        if (originator_is(call->rq->assoc, k->tgis.at[i])) {
            return ERR_OK;
        }
    }
    return detail_fail(call->rs->detail, ERR_DENIED_TARGET, "RelativeKeyID", text_of(k->relative)); /* 4103, audited */
}

/* It has not ended, nor has the registration that it stands on, and its Source's credential was not revoked. */
static err_t check_alive(const struct call *call, const struct rec_key *k)
{
    struct rec_client parent;
    struct text relative = text_of(k->relative);
    if (k->not_after <= call->rq->now) {
        return detail_fail(call->rs->detail, ERR_DENIED_EXPIRED, "RelativeKeyID", relative);
    }
    err_t e = rec_client_get(call->t, call->r->kind->client, text_of(k->parent), &parent);
    if (e != ERR_OK || parent.not_after <= call->rq->now) {
        return detail_fail(call->rs->detail, e == ERR_OK ? ERR_NOT_FOUND : e, "RelativeKeyID", relative);
    }
    return k->credential.z[0] == '\0' ? ERR_OK : call->r->kind->source(call->r, call->t, &k->credential, k->created);
}

void reg_key_given_wipe(struct reg_key_given *g)
{
    key_wipe_kc(&g->kc);
}

/* Under what it is noted who has the key: the credential of its Source; of a certificate's holder the key's own name. */
static err_t root_of(const struct reg *r, struct txn *t, const struct rec_key *k, struct keyid *out)
{
    *out = k->credential;
    if (out->z[0] == '\0') {
        return keyid_of_name(text_of(k->relative), text_of(r->fqdn), out);
    }
    return r->kind->root == NULL ? ERR_OK : r->kind->root(t, &k->credential, out);
}

/* Who is to know when the Source is revoked, or the key is taken away. */
static err_t hand(const struct call *call, const struct rec_key *k, struct text relative)
{
    struct keyid root;
    TRY(root_of(call->r, call->t, k, &root));
    const struct withdraw_handed h = {text_of(root.z), relative, text_empty(), k->not_after};
    return withdraw_handed(call->r->kind->withdraw, call->rq, call->t, &h);
}

err_t reg_key_lost(const struct reg *r, struct txn *t, struct text relative, usec_t now)
{
    struct audit_event lost = {.kind = AUDIT_KEY_RECORD_LOST, .time = now};
    struct writer w = WRITER_ARRAY(lost.object);
    writer_text(&w, relative);
    writer_u8(&w, '@');
    writer_z(&w, r->fqdn);
    TRY(writer_finish_z(&w));
    return txn_audit(t, &lost);
}

err_t reg_key_remove(const struct reg *r, struct txn *t, const struct rec_key *k, usec_t now)
{
    struct keyid root;
    TRY(rec_key_remove(t, r->kind->key, r->kind->key_of, k));
    err_t e = root_of(r, t, k, &root);
    if (e == ERR_MALFORMED_RECORD) { /* of the Source's credential: under which name it was handed out is lost */
        return reg_key_lost(r, t, text_of(k->relative), now);
    }
    TRY(e);
    const struct withdraw_what what = {text_of(root.z), STANDING_REVOKED, k->not_after, text_empty(), text_of(k->relative)};
    return withdraw_note(r->kind->withdraw, t, &what, now);
}

static err_t give(struct call *call, struct text relative, struct reg_key_given *out)
{
    char id[REC_KEY_RELATIVE_MAX];
    TRY(find(call, relative, &out->k, id)); /* a target whose credential was revoked since its handshake gets nothing more */
    TRY(check_target(call, &out->k));
    TRY(check_alive(call, &out->k));
    TRY(seal_open(call->r->env.sealer, call->r->kind->key, text_of(id), out->k.sealed, &out->kc.s));
    TRY(hand(call, &out->k, relative));
    return tell(call, call->r->kind->key_retrieved, &out->k);
}

err_t reg_key_give(const struct reg *r, const struct request *rq, struct txn *t, struct response *rs,
                   struct text relative, struct reg_key_given *out)
{
    struct call call = {.r = r, .rq = rq, .t = t, .rs = rs};
    return give(&call, relative, out);
}

err_t reg_key_retrieve(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct call call = {.r = ctx, .rq = rq, .t = t, .rs = rs};
    SCOPED(reg_key_given_wipe) struct reg_key_given g;
    g.kc.s = (struct secret){0};
    TRY(give(&call, relative_of(rq), &g));
    answer(&call, &g.k, &g.kc);
    rs->rsc = 2000;
    return ERR_OK;
}

/* -- update, de-registration ------------------------------------------------------------------------------- */
/* A live key, its Source asking [CHOICE-55]. */
static err_t find_own(struct call *call, struct rec_key *k, char id[static REC_KEY_RELATIVE_MAX])
{
    TRY(find(call, relative_of(call->rq), k, id));
    if (!reg_own_is(k->creator, &call->w)) {
        return detail_fail(call->rs->detail, ERR_DENIED_CLIENT, "not the Source of RelativeKeyID", text_of(k->relative));
    }
    TRY(check_alive(call, k));
    return parent_of(call, text_of(k->parent));
}

/* Only what was in the request, as it is now [8.8.2.9]. */
static void answer_update(const struct call *call, const struct rec_key *k)
{
    struct emit e = open_answer(call);
    if (call->in.has[REG_ATTR_ET]) {
        emit_time(&e, reg_attr_name(REG_ATTR_ET), k->not_after);
    }
    if (call->in.has[REG_ATTR_LBL]) {
        reg_types_emit_list(&e, REG_ATTR_LBL, &k->lbl);
    }
    if (call->in.has[REG_ATTR_TGIS]) {
        reg_types_emit_list(&e, REG_ATTR_TGIS, &k->tgis);
    }
    close_answer(&e);
}

static err_t update(struct call *call, struct rec_key *k)
{
    const struct reg_content *in = &call->in;
    if (in->has[REG_ATTR_TGIS]) {
        TRY(check_targets(call, k->suid));
        k->tgis = in->tgis;
    }
    if (in->has[REG_ATTR_LBL]) {
        k->lbl = in->lbl;
    }
    if (in->has[REG_ATTR_ET]) {
        k->not_after = end_of(call);
    }
    TRY(store(call, k, NULL));
    TRY(tell_targets(call));
    answer_update(call, k);
    call->rs->rsc = 2004;
    return tell(call, AUDIT_KEY_UPDATED, k);
}

err_t reg_key_update(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    SCOPED(call_wipe) struct call call = {.r = ctx, .rq = rq, .t = t, .rs = rs};
    char id[REC_KEY_RELATIVE_MAX];
    struct rec_key k;
    TRY(find_own(&call, &k, id));
    TRY(reg_types_parse(REG_KEY_UPDATE, REG_ATTR_TY_KEY, rq, &call.in, rs->detail));
    return update(&call, &k);
}

err_t reg_key_deregister(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct call call = {.r = ctx, .rq = rq, .t = t, .rs = rs};
    char id[REC_KEY_RELATIVE_MAX];
    struct rec_key k;
    TRY(find_own(&call, &k, id));
    TRY(reg_key_remove(call.r, t, &k, rq->now));
    rs->rsc = 2002;
    return tell(&call, AUDIT_KEY_DEREGISTERED, &k);
}
