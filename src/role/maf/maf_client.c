/* MAF Client Registration [TS-0003 8.8.2.3]. */
#include "base/hex.h"
#include "role/detail.h"
#include "role/emit.h"
#include "role/key_wipe.h"
#include "role/maf/maf_types.h"
#include "role/maf/maf_who.h"

enum { KM_NAME_OCTETS = 8, KM_NAME_TRIES = 4, RI_RANDOM = 4,
       CLIENT_REGS_MAX = 16 /* stakeholders of one client: adminFQDN is the client's to choose */ };

/* -- KmId -------------------------------------------------------------------------------------------- */
/* "k<hex>@maf-fqdn" that nothing is stored under: unique per MAF, compared without case [TS-0003 10.6]. */
static err_t new_km_id(const struct maf *m, struct txn *t, struct keyid *out)
{
    for (int i = 0; i < KM_NAME_TRIES; i++) {
        uint8_t octets[KM_NAME_OCTETS];
        TRY(m->env.crypto->random(octets, sizeof(octets)));
        struct writer w = WRITER_ARRAY(out->z);
        writer_u8(&w, 'k');
        hex_write_lower(&w, BYTES_ARRAY(octets));
        writer_u8(&w, '@');
        writer_z(&w, m->fqdn);
        TRY(writer_finish_z(&w));
        struct keyid folded;
        struct bytes taken;
        TRY(keyid_fold(text_of(out->z), &folded));
        err_t e = rec_get(t, TABLE_MAF_KM, text_of(folded.z), &taken);
        if (e != ERR_OK) {
            return e == ERR_NOT_FOUND ? ERR_OK : e;
        }
    }
    return ERR_KEY_ID_TAKEN;
}

/* A Km from an RSPF gets its KmId here (r3); afterwards both identifiers name it (R001-44, R001-45). */
static err_t assign_km_id(const struct maf *m, struct txn *t, struct maf_who *w)
{
    if (!w->has_km || w->km.km_id.z[0] != '\0') { /* pre-provisioned, seed (KmId = KeId), or assigned before */
        return ERR_OK;
    }
    SCOPED(key_wipe_km) struct key_km km = {0};
    TRY(rec_km_key(&w->km, m->env.sealer, text_of(w->km_folded.z), &km));
    TRY(new_km_id(m, t, &w->km.km_id));
    TRY(rec_km_put(t, &w->km, m->env.sealer, &km));
    return maf_who_name(w);
}

/* -- registration ------------------------------------------------------------------------------------ */
/* Time-ordered, so that the store appends, and unique. */
static err_t new_ri(const struct maf *m, usec_t now, char out[static REC_CLIENT_RI_MAX])
{
    uint8_t octets[8 + RI_RANDOM];
    struct writer o = WRITER_ARRAY(octets);
    writer_u64(&o, (uint64_t)now);
    uint8_t *random = writer_reserve(&o, RI_RANDOM);
    TRY(random == NULL ? ERR_BUG : m->env.crypto->random(random, RI_RANDOM));
    struct writer w = writer_of(out, REC_CLIENT_RI_MAX);
    writer_z(&w, "macr");
    hex_write_lower(&w, BYTES_ARRAY(octets));
    return writer_finish_z(&w);
}

struct own {
    size_t prefix;
    struct {
        char of[REC_CLIENT_OF_MAX];
        char ri[REC_CLIENT_RI_MAX];
    } at[CLIENT_REGS_MAX];
    size_t n;
    err_t err;
};

static bool own_hit(void *arg, struct bytes id, struct store_value value)
{
    struct own *o = arg;
    struct text of = text_span((const char *)id.p, id.n);
    struct text adfq = text_skip(of, o->prefix);
    if (text_find(adfq, '/') < adfq.n) { /* //sp/cse/Cx/adfq stands between those of //sp/cse, and is another client's */
        return true;
    }
    o->err = TEXT_COPY(of, o->at[o->n].of);
    if (o->err == ERR_OK) {
        o->err = rec_name_parse(value.data, o->at[o->n].ri, REC_CLIENT_RI_MAX);
    }
    o->n++;
    return o->err == ERR_OK && o->n < CLIENT_REGS_MAX;
}

/* Takes an expired registration of the client away. */
static err_t drop_expired(const struct own *o, size_t i, usec_t now, struct txn *t, bool *dropped)
{
    struct rec_client c;
    err_t e = rec_client_get(t, text_of(o->at[i].ri), &c);
    if (e != ERR_NOT_FOUND) {
        TRY(e);
        if (c.not_after > now) {
            return ERR_OK;
        }
        TRY(txn_del(t, TABLE_MAF_CLIENT, text_of(o->at[i].ri)));
    }
    *dropped = true;
    return txn_del(t, TABLE_MAF_CLIENT_OF, text_of(o->at[i].of));
}

/* A client that names ever new stakeholders does not fill the store. */
static err_t check_few(const struct maf_who *w, usec_t now, struct txn *t, char detail[static ROLE_DETAIL_MAX])
{
    char prefix[REC_CLIENT_NAME_MAX + 1];
    struct writer p = WRITER_ARRAY(prefix);
    writer_z(&p, w->name);
    writer_u8(&p, '/');
    TRY(writer_finish(&p));
    struct own o = {.prefix = p.n};
    struct store_scan q = {.table = TABLE_MAF_CLIENT_OF, .prefix = writer_view(&p), .order = STORE_ASCENDING};
    TRY(txn_scan(t, &q, own_hit, &o));
    TRY(o.err);
    bool room = o.n < CLIENT_REGS_MAX;
    for (size_t i = 0; i < o.n && o.n == CLIENT_REGS_MAX; i++) {
        TRY(drop_expired(&o, i, now, t, &room));
    }
    return room ? ERR_OK : detail_fail(detail, ERR_LIMIT_CAPACITY, "registrations of", text_of(w->name));
}

/*
 * One live registration per client and stakeholder. An expired one makes room; so does one made with another Km, since
 * a client that enrolled anew has lost the keys that the old one belongs to.
 */
static err_t make_room(const struct maf_who *w, const char *of, usec_t now, struct txn *t,
                       char detail[static ROLE_DETAIL_MAX])
{
    struct bytes b;
    struct rec_client old;
    char ri[REC_CLIENT_RI_MAX];
    err_t e = rec_get(t, TABLE_MAF_CLIENT_OF, text_of(of), &b);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? check_few(w, now, t, detail) : e;
    }
    TRY(rec_name_parse(b, ri, sizeof(ri)));
    e = rec_client_get(t, text_of(ri), &old);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    struct text km_name = w->has_km ? rec_km_name(&w->km) : text_empty();
    if (old.not_after > now && text_eq_nocase(text_of(old.km_name.z), km_name)) {
        return detail_fail(detail, ERR_REGISTERED, "registered as", text_of(old.ri));
    }
    return txn_del(t, TABLE_MAF_CLIENT, text_of(ri));
}

static err_t store(const struct rec_client *c, const char *of, struct txn *t)
{
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    TRY(rec_client_write(c, &w));
    TRY(rec_put(t, TABLE_MAF_CLIENT, text_of(c->ri), &w, STORE_PUT_IF_ABSENT));
    struct writer index = WRITER_ARRAY(buf);
    TRY(rec_name_write(c->ri, &index));
    return rec_put(t, TABLE_MAF_CLIENT_OF, text_of(of), &index, STORE_PUT_ANY);
}

static usec_t earlier(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

static err_t fill(const struct maf *m, const struct request *rq, const struct maf_who *w,
                  const struct maf_content *in, struct rec_client *c)
{
    TRY(new_ri(m, rq->now, c->ri));
    TRY(TEXT_COPY(text_of(w->name), c->client));
    TRY(TEXT_COPY(in->adfq, c->adfq));
    if (w->has_km) {
        TRY(TEXT_COPY(rec_km_name(&w->km), c->km_name.z));
    }
    c->lbl = in->lbl;
    c->created = rq->now;
    c->not_after = earlier(in->et, w->not_after); /* the MAF may change any value */
    c->not_after -= c->not_after % USEC_PER_SEC;  /* what et can say */
    return ERR_OK;
}

static err_t answer(const struct maf_who *w, const struct rec_client *c, struct response *rs)
{
    struct emit e = emit_to(&rs->body);
    emit_object(&e, NULL);
    emit_object(&e, maf_types_root(MAF_TYPES_CLIENT_REG));
    emit_z(&e, maf_types_name(MAF_ATTR_RI), c->ri);
    emit_time(&e, maf_types_name(MAF_ATTR_ET), c->not_after);
    maf_types_emit_list(&e, MAF_ATTR_LBL, &c->lbl);
    emit_z(&e, maf_types_name(MAF_ATTR_CR), c->client);
    emit_z(&e, maf_types_name(MAF_ATTR_ADFQ), c->adfq);
    if (w->has_km && w->km.ke_id.z[0] != '\0' && w->km.profile == CREDENTIAL_R3) {
        emit_z(&e, maf_types_name(MAF_ATTR_ASKI), w->km.km_id.z); /* only if Km was remotely provisioned */
    }
    emit_close_object(&e);
    emit_close_object(&e);
    struct writer at = WRITER_ARRAY(rs->location);
    writer_z(&at, "/");
    writer_z(&at, c->ri);
    rs->rsc = 2001;
    return writer_finish_z(&at);
}

static err_t tell(struct txn *t, const struct request *rq, const struct rec_client *c)
{
    struct audit_event e = {.kind = AUDIT_MAF_CLIENT_REGISTERED, .time = rq->now, .outcome = ERR_OK};
    TRY(TEXT_COPY(association_name(rq->assoc), e.peer));
    TRY(TEXT_COPY(text_of(c->ri), e.object));
    TRY(TEXT_COPY(text_of(rq->assoc->id), e.association));
    return txn_audit(t, &e);
}

err_t maf_client_register(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    const struct maf *m = ctx;
    struct maf_who w;
    SCOPED(maf_types_wipe) struct maf_content in;
    in.kv = (struct secret){0};
    TRY(maf_who_of(rq, t, &w, rs->detail));
    TRY(maf_types_parse(MAF_TYPES_CLIENT_REG, rq->prim->pc, rq->now, &in, rs->detail));
    TRY(assign_km_id(m, t, &w));
    char of[REC_CLIENT_OF_MAX];
    TRY(rec_client_of_id(text_of(w.name), in.adfq, of));
    TRY(make_room(&w, of, rq->now, t, rs->detail)); /* 4117 */
    struct rec_client c = {.created = rq->now};
    TRY(fill(m, rq, &w, &in, &c));
    TRY(store(&c, of, t));
    TRY(answer(&w, &c, rs));
    return tell(t, rq, &c);
}
