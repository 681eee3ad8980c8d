/* Client Registration, Configuration Retrieval, Registration Update, De-Registration [TS-0003 8.8.2.3-6, 8.3.5.2.3-6]. */
#include "role/reg/reg_client.h"

#include "base/hex.h"
#include "role/detail.h"
#include "role/reg/reg_key.h"
#include "role/reg/reg_leave.h"
#include "role/reg/reg_own.h"
#include "role/reg/reg_types.h"
#include "role/reg/reg_who.h"

#include <string.h>

enum { RI_RANDOM = 4 };

/* One request being served. */
struct call {
    const struct reg *r;
    const struct request *rq;
    struct txn *t;
    struct response *rs;
    struct reg_who w;
    struct reg_content in;
};

static void call_wipe(struct call *c)
{
    reg_types_wipe(&c->in);
}

/* -- the end of a registration ---------------------------------------------------------------------------- */
/* The registration, its place in the index and its keys. */
static err_t drop(const struct reg *r, struct txn *t, const struct rec_client *c, usec_t now)
{
    char of[REC_CLIENT_OF_MAX];
    TRY(rec_client_of_id(text_of(c->client), text_of(c->adfq), of));
    TRY(reg_leave_begin(r, t, c->ri, now));
    TRY(txn_del(t, r->kind->client_of, text_of(of)));
    return txn_del(t, r->kind->client, text_of(c->ri));
}

static err_t is_last_of_credential(const struct reg *r, struct txn *t, const struct rec_client *c, bool *out)
{
    struct reg_own own;
    TRY(reg_own_list(r, t, c->client, &own));
    *out = c->credential.z[0] != '\0';
    for (size_t i = 0; i < own.n && *out; i++) {
        struct rec_client other;
        err_t e = strcmp(own.at[i].ri, c->ri) == 0 ? ERR_NOT_FOUND
                                                    : rec_client_get(t, r->kind->client, text_of(own.at[i].ri), &other);
        TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
        *out = e != ERR_OK || !text_eq_nocase(text_of(other.credential.z), text_of(c->credential.z));
    }
    return ERR_OK;
}

err_t reg_client_remove(const struct reg *r, struct txn *t, const struct rec_client *c, usec_t now)
{
    bool last = false;
    TRY(is_last_of_credential(r, t, c, &last));
    TRY(drop(r, t, c, now));
    return last && r->kind->forget != NULL ? r->kind->forget(r, t, &c->credential) : ERR_OK;
}

/* -- registration ------------------------------------------------------------------------------------ */
/* Time-ordered, so that the store appends, and unique. */
static err_t new_ri(const struct reg *r, usec_t now, char out[static REC_CLIENT_RI_MAX])
{
    uint8_t octets[8 + RI_RANDOM];
    struct writer o = WRITER_ARRAY(octets);
    writer_u64(&o, (uint64_t)now);
    uint8_t *random = writer_reserve(&o, RI_RANDOM);
    TRY(random == NULL ? ERR_BUG : r->env.crypto->random(random, RI_RANDOM));
    struct writer w = writer_of(out, REC_CLIENT_RI_MAX);
    writer_z(&w, r->kind->ri);
    hex_write_lower(&w, BYTES_ARRAY(octets));
    return writer_finish_z(&w);
}

/* Takes an expired registration of the client away. */
static err_t drop_expired(const struct call *call, const char *of, const char *ri, bool *dropped)
{
    struct rec_client c;
    err_t e = rec_client_get(call->t, call->r->kind->client, text_of(ri), &c);
    if (e != ERR_NOT_FOUND) {
        TRY(e);
        if (c.not_after > call->rq->now) {
            return ERR_OK;
        }
        TRY(txn_del(call->t, call->r->kind->client, text_of(ri)));
    }
    *dropped = true;
    return txn_del(call->t, call->r->kind->client_of, text_of(of));
}

/* A client that names ever new stakeholders does not fill the store. */
static err_t check_few(const struct call *call)
{
    struct reg_own own;
    TRY(reg_own_list(call->r, call->t, call->w.name, &own));
    bool room = own.n < REG_OWN_MAX;
    for (size_t i = 0; i < own.n && own.n == REG_OWN_MAX; i++) {
        TRY(drop_expired(call, own.at[i].of, own.at[i].ri, &room));
    }
    return room ? ERR_OK : detail_fail(call->rs->detail, ERR_LIMIT_CAPACITY, "registrations of", text_of(call->w.name));
}

/*
 * One live registration per client and stakeholder: *out is the one there is, or has an empty ri. An expired one makes room.
 * One made with another key goes on with the new one, as by an update: the client enrolled anew. A client that still uses the
 * identifier which the answer takes away never saw that answer: it gets it again.
 */
static err_t make_room(const struct call *call, const char *of, struct rec_client *out)
{
    const struct reg_kind *kind = call->r->kind;
    struct bytes b;
    char ri[REC_CLIENT_RI_MAX];
    *out = (struct rec_client){.created = call->rq->now};
    err_t e = rec_get(call->t, kind->client_of, text_of(of), &b);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? check_few(call) : e;
    }
    struct rec_client old;
    TRY(rec_name_parse(b, ri, sizeof(ri)));
    e = rec_client_get(call->t, kind->client, text_of(ri), &old);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    bool same = text_eq_nocase(text_of(old.credential.z), text_of(call->w.credential.z));
    if (old.not_after <= call->rq->now) {
        return drop(call->r, call->t, &old, call->rq->now);
    }
    *out = old;
    return !same || call->w.unanswered
               ? ERR_OK
               : detail_fail(call->rs->detail, ERR_REGISTERED, "registered as", text_of(old.ri));
}

/* Nothing outlives the credential it stands on; et says whole seconds. The server may change any value [8.8.2.3 step 3]. */
static usec_t end_of(usec_t asked, const struct reg_who *w)
{
    usec_t end = reg_earlier(asked, w->not_after);
    return end - end % USEC_PER_SEC;
}

static err_t fill(const struct call *call, struct rec_client *c)
{
    if (c->ri[0] == '\0') {
        TRY(new_ri(call->r, call->rq->now, c->ri));
        TRY(TEXT_COPY(text_of(call->w.name), c->client));
        TRY(TEXT_COPY(call->in.adfq, c->adfq));
    }
    c->credential = call->w.credential;
    c->lbl = call->in.lbl;
    c->not_after = end_of(call->in.et, &call->w);
    return ERR_OK;
}

static err_t store_new(const struct call *call, const struct rec_client *c, const char *of)
{
    uint8_t buf[REC_MAX];
    struct writer index = WRITER_ARRAY(buf);
    TRY(rec_client_put(call->t, call->r->kind->client, c, STORE_PUT_ANY));
    TRY(rec_name_write(c->ri, &index));
    return rec_put(call->t, call->r->kind->client_of, text_of(of), &index, STORE_PUT_ANY);
}

/* -- answers --------------------------------------------------------------------------------------------- */
static struct emit open_answer(const struct call *call)
{
    struct emit e = emit_to(&call->rs->body);
    emit_object(&e, NULL);
    emit_object(&e, reg_attr_root(call->r->kind->client_ty));
    return e;
}

static err_t close_answer(const struct call *call, const struct rec_client *c, struct emit *e)
{
    if (call->r->kind->children != NULL) {
        TRY(call->r->kind->children(call->r, call->t, c, e));
    }
    emit_close_object(e);
    emit_close_object(e);
    return ERR_OK;
}

static err_t answer(const struct call *call, const struct rec_client *c)
{
    struct emit e = open_answer(call);
    emit_z(&e, reg_attr_name(REG_ATTR_RI), c->ri);
    emit_time(&e, reg_attr_name(REG_ATTR_ET), c->not_after);
    reg_types_emit_list(&e, REG_ATTR_LBL, &c->lbl);
    emit_z(&e, reg_attr_name(REG_ATTR_CR), c->client);
    emit_z(&e, reg_attr_name(REG_ATTR_ADFQ), c->adfq);
    emit_z_if(&e, reg_attr_name(REG_ATTR_ASKI), call->w.assigned.z); /* only if Km was remotely provisioned */
    return close_answer(call, c, &e);
}

static err_t assign(struct call *call)
{
    return call->r->kind->assign == NULL ? ERR_OK : call->r->kind->assign(call->r, call->rq, call->t, &call->w);
}

/* The others have an instance of their own, with records that nothing here reaches (store/partition.h). */
static err_t stakeholder_check(const struct call *call)
{
    struct text admin = text_of(call->r->admin);
    return admin.n == 0 || text_eq_nocase(admin, call->in.adfq)
               ? ERR_OK
               : detail_fail(call->rs->detail, ERR_DENIED_STAKEHOLDER, "adfq", call->in.adfq);
}

static err_t register_client(struct call *call)
{
    char of[REC_CLIENT_OF_MAX];
    struct rec_client c;
    TRY(stakeholder_check(call));
    TRY(assign(call));
    TRY(rec_client_of_id(text_of(call->w.name), call->in.adfq, of));
    TRY(make_room(call, of, &c)); /* 4117 */
    TRY(fill(call, &c));
    TRY(store_new(call, &c, of));
    TRY(answer(call, &c));
    struct writer at = WRITER_ARRAY(call->rs->location);
    writer_z(&at, "/");
    writer_z(&at, c.ri);
    TRY(writer_finish_z(&at));
    call->rs->rsc = 2001;
    return reg_tell(call->t, call->r->kind->client_registered, call->rq, c.ri);
}

err_t reg_client_register(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    SCOPED(call_wipe) struct call call = {.r = ctx, .rq = rq, .t = t, .rs = rs};
    TRY(reg_who_of(call.r, rq, t, &call.w, rs->detail));
    TRY(reg_types_parse(REG_CLIENT_CREATE, call.r->kind->client_ty, rq, &call.in, rs->detail));
    return register_client(&call);
}

/* -- on an existing one ------------------------------------------------------------------------------------ */
/* Who asks, and the registration that the first segment of the path names, which must be its own. */
static err_t find(struct call *call, struct rec_client *out)
{
    struct text ri = text_skip(call->rq->prim->path, 1);
    ri = text_take(ri, text_find(ri, '/'));
    if (text_eq_z(ri, "-")) { /* the base */
        return ERR_OPERATION;
    }
    TRY(reg_who_of(call->r, call->rq, call->t, &call->w, call->rs->detail));
    err_t e = reg_own_get(call->r, call->t, &call->w, ri, call->rq->now, out);
    return e == ERR_OK ? e : detail_fail(call->rs->detail, e, "client registration", ri);
}

/* What its registration answered, as it is now. */
err_t reg_client_retrieve(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct call call = {.r = ctx, .rq = rq, .t = t, .rs = rs};
    struct rec_client c;
    TRY(find(&call, &c));
    rs->rsc = 2000;
    return answer(&call, &c);
}

/* R002-36, R002-47, R002-53, R002-59, R002-60: parameters of the service, CSE-ID and M2M-Sub-ID or whatever the operator
 * gives; to nobody without the session that security provisioning has made possible (R002-54). */
err_t reg_client_configuration(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct call call = {.r = ctx, .rq = rq, .t = t, .rs = rs};
    struct rec_client c;
    struct text cfg = text_empty();
    TRY(find(&call, &c));
    TRY(call.r->kind->configured != NULL ? call.r->kind->configured(&call.w, t, &cfg) : ERR_OK);
    cfg = cfg.n == 0 ? c.cfg : cfg;
    if (cfg.n == 0) { /* CHOICE-51 */
        return detail_fail(rs->detail, ERR_NOT_FOUND, "no configuration for client registration", text_of(c.ri));
    }
    struct emit e = emit_to(&rs->body);
    emit_object(&e, NULL);
    emit_name(&e, call.r->kind->configuration);
    writer_text(e.w, cfg);
    emit_close_object(&e);
    rs->rsc = 2000;
    return ERR_OK;
}

/* Only what was in the request, and the KmId of a Km that is new to the registration [8.8.2.5]. */
static err_t answer_update(const struct call *call, const struct rec_client *c, bool renewed)
{
    struct emit e = open_answer(call);
    if (call->in.has[REG_ATTR_ET]) {
        emit_time(&e, reg_attr_name(REG_ATTR_ET), c->not_after);
    }
    if (call->in.has[REG_ATTR_LBL]) {
        reg_types_emit_list(&e, REG_ATTR_LBL, &c->lbl);
    }
    emit_z_if(&e, reg_attr_name(REG_ATTR_ASKI), renewed || call->w.unanswered ? call->w.assigned.z : "");
    call->rs->rsc = 2004;
    return close_answer(call, c, &e);
}

static err_t update(struct call *call, struct rec_client *c)
{
    TRY(assign(call));
    /* R000-16: a later enrolment has another Km, and the registration stands on that from now on */
    bool renewed = !text_eq_nocase(text_of(c->credential.z), text_of(call->w.credential.z));
    c->credential = call->w.credential;
    c->not_after = end_of(call->in.has[REG_ATTR_ET] ? call->in.et : c->not_after, &call->w);
    if (call->in.has[REG_ATTR_LBL]) {
        c->lbl = call->in.lbl;
    }
    TRY(rec_client_put(call->t, call->r->kind->client, c, STORE_PUT_ANY));
    TRY(answer_update(call, c, renewed));
    return reg_tell(call->t, AUDIT_CLIENT_UPDATED, call->rq, c->ri);
}

err_t reg_client_update(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    SCOPED(call_wipe) struct call call = {.r = ctx, .rq = rq, .t = t, .rs = rs};
    struct rec_client c;
    TRY(find(&call, &c));
    TRY(reg_types_parse(REG_CLIENT_UPDATE, call.r->kind->client_ty, rq, &call.in, rs->detail));
    return update(&call, &c);
}

err_t reg_client_deregister(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct call call = {.r = ctx, .rq = rq, .t = t, .rs = rs};
    struct rec_client c;
    TRY(find(&call, &c));
    TRY(reg_client_remove(call.r, t, &c, rq->now));
    rs->rsc = 2002;
    return reg_tell(t, AUDIT_CLIENT_DEREGISTERED, rq, c.ri);
}
