#include "role/cse/cse_join.h"

#include "role/cse/cse_csr.h"
#include "role/cse/cse_ops.h"
#include "role/detail.h"
#include "role/rec.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#include <string.h>

#define RECORD "registrar"
#define DESCENDANTS_MAX 32
#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

/* -- the record --------------------------------------------------------------------------------------------- */
enum { VERSION = 1 };
static const struct rec_field fields[] = {
    {REC_U8, REC_AT(struct cse_join, state), .low = STATES_JOIN_WAITING, .high = STATES_JOIN_LEFT},
    {REC_U8, REC_AT(struct cse_join, leave), .high = 1},
    {REC_U8, REC_AT(struct cse_join, clear), .high = 1},
    {REC_TIME, REC_AT(struct cse_join, since)},
};
static const struct rec_layout layout = REC_LAYOUT(struct cse_join, fields, VERSION, VERSION);

err_t cse_join_parse(struct bytes b, struct cse_join *out)
{
    return rec_parse(&layout, b, out);
}

err_t cse_join_get(struct txn *t, struct cse_join *out)
{
    struct bytes b;
    *out = (struct cse_join){.state = STATES_JOIN_WAITING};
    err_t e = rec_get(t, TABLE_CSE_JOIN, text_of(RECORD), &b);
    return e == ERR_OK ? cse_join_parse(b, out) : e == ERR_NOT_FOUND ? ERR_OK : e;
}

err_t cse_join_put(struct txn *t, const struct cse_join *j)
{
    uint8_t buf[32];
    struct writer w = WRITER_ARRAY(buf);
    TRY(rec_write(&layout, VERSION, j, NULL, &w));
    return rec_put(t, TABLE_CSE_JOIN, text_of(RECORD), &w, STORE_PUT_ANY);
}

static err_t move(struct txn *t, struct cse_join *j, enum states_state to, usec_t now)
{
    j->state = (uint8_t)to;
    j->since = now;
    return cse_join_put(t, j);
}

/* -- who is below us ---------------------------------------------------------------------------------------- */
struct below {
    struct text ri[DESCENDANTS_MAX];
    size_t n;
    char room[DESCENDANTS_MAX * M2MID_MAX];
    size_t used;
};

static bool note_registree(void *arg, struct bytes id, struct store_value value)
{
    struct below *b = arg;
    struct cse_child c;
    (void)id;
    if (cse_res_child_parse(value.data, &c) != ERR_OK || b->n == DESCENDANTS_MAX || c.ri.n > sizeof(b->room) - b->used) {
        return b->n < DESCENDANTS_MAX;
    }
    memcpy(b->room + b->used, c.ri.p, c.ri.n);
    b->ri[b->n++] = text_span(b->room + b->used, c.ri.n);
    b->used += c.ri.n;
    return true;
}

static err_t append(json_t *list, struct text csi)
{
    if (csi.n == 0 || json_array_size(list) == DESCENDANTS_MAX) { /* what the attribute can hold */
        return ERR_OK;
    }
    return json_array_append_new(list, json_stringn(csi.p, csi.n)) == 0 ? ERR_OK : ERR_LIMIT_CAPACITY;
}

static err_t append_registree(struct txn *t, const struct cse_res *r, json_t *list)
{
    SCOPED(json_scope) json_t *attrs = NULL;
    TRY(cse_res_attrs(t, r, &attrs));
    TRY(append(list, json_get_text(attrs, "csi")));
    const json_t *deeper = json_object_get(attrs, "dcse");
    for (size_t i = 0; i < json_array_size(deeper); i++) {
        const json_t *v = json_array_get(deeper, i);
        TRY(append(list, text_span(json_string_value(v), json_string_length(v))));
    }
    return ERR_OK;
}

/* descendantCSEs: who is registered here, and who they say is below them. */
static err_t descendants(const struct cse *cse, struct txn *t, usec_t now, json_t *list)
{
    char key[CSE_CHILD_KEY_MAX];
    struct writer w = WRITER_ARRAY(key);
    struct below b = {.n = 0};
    struct cse_res root;
    TRY(cse_res_get(t, text_of(cse->root.z), now, &root));
    TRY(cse_res_child_key(&w, root.node, TYPE_CSR, text_empty()));
    const struct store_scan q = {.table = TABLE_CSE_CHILD, .prefix = writer_view(&w), .order = STORE_ASCENDING};
    TRY(txn_scan(t, &q, note_registree, &b));
    for (size_t i = 0; i < b.n; i++) {
        struct cse_res r;
        err_t e = cse_res_get(t, b.ri[i], now, &r);
        if (e == ERR_OK && !m2mid_same(r.creator, text_of(cse->registrar.csi.z))) {
            e = append_registree(t, &r, list);
        }
        TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    }
    return ERR_OK;
}

static uint64_t mark_of(const json_t *list)
{
    uint64_t h = FNV_START;
    for (size_t i = 0; i < json_array_size(list); i++) {
        for (const char *p = json_string_value(json_array_get(list, i));; p++) {
            h = (h ^ (uint8_t)*p) * FNV_PRIME;
            if (*p == '\0') {
                break;
            }
        }
    }
    return h;
}

/* -- what to send --------------------------------------------------------------------------------------------- */
static bool set_time(json_t *attrs, usec_t et)
{
    char z[TIMESTAMP_LEN + 2];
    struct writer w = WRITER_ARRAY(z);
    timestamp_write(&w, et);
    return writer_finish_z(&w) == ERR_OK && json_set_text(attrs, "et", text_of(z));
}

static bool set_list(json_t *attrs, const char *name, struct text list)
{
    struct text part;
    json_t *a = json_array();
    bool ok = a != NULL && json_object_set_new(attrs, name, a) == 0;
    while (ok && text_next(&list, ',', &part)) {
        ok = json_array_append_new(a, json_stringn(part.p, part.n)) == 0;
    }
    return ok;
}

/* R002-19: what the originator provides; R002-20, R002-21: CSE-ID and the receiver's CSEBase if it knows them. */
static bool set_first(const struct cse *cse, json_t *attrs)
{
    char base[M2MID_MAX + 4];
    struct writer w = WRITER_ARRAY(base);
    writer_z(&w, cse->registrar.csi.z);
    writer_z(&w, "/-"); /* the CSEBase whatever its name */
    return writer_finish_z(&w) == ERR_OK && json_set_text(attrs, "rn", text_of(cse->root.z)) &&
           json_object_set_new(attrs, "cst", json_integer(cse->kind)) == 0 && json_set_text(attrs, "cb", text_of(base)) &&
           (cse->registrar.anonymous || json_set_text(attrs, "csi", text_of(cse->csi.z))) &&
           json_object_set_new(attrs, "rr", json_boolean(cse->poa.n > 0)) == 0 && set_list(attrs, "srv", text_of("2a,3,4"));
}

static err_t content(const struct cse *cse, json_t *list, bool first, usec_t now, struct errand *out)
{
    SCOPED(json_scope) json_t *pc = json_object();
    json_t *attrs = json_object();
    bool ok = pc != NULL && json_object_set_new(pc, "m2m:csr", attrs) == 0 && (!first || set_first(cse, attrs)) &&
              set_time(attrs, now + cse->lifetime) && (cse->poa.n == 0 || set_list(attrs, "poa", cse->poa));
    if (json_array_size(list) > 0) {
        ok = ok && json_object_set(attrs, "dcse", list) == 0;
    } else if (!first) {
        ok = ok && json_object_set_new(attrs, "dcse", json_null()) == 0;
    }
    struct writer w = WRITER_ARRAY(out->body);
    return ok ? json_write(pc, &w) == ERR_OK ? writer_finish_z(&w) : ERR_LIMIT_CAPACITY : ERR_LIMIT_CAPACITY;
}

static err_t address(const struct cse *cse, bool own, struct errand *out)
{
    struct writer w = WRITER_ARRAY(out->path);
    struct m2mid registrar;
    TRY(m2mid_sp_relative(text_of(cse->registrar.csi.z), &registrar));
    writer_z(&w, "/~");
    writer_z(&w, registrar.z);
    writer_z(&w, "/-");
    if (own) {
        writer_z(&w, cse->csi.z); /* its name is our CSE-ID without the slash */
    }
    return writer_finish_z(&w);
}

/* R002-17, R002-18: Step 001. From is empty if the CSE is told not to know its CSE-ID. */
static err_t say(const struct cse *cse, enum cse_join_step step, enum op op, struct errand *out)
{
    out->step = step;
    out->op = op;
    out->ty = op == OP_CREATE ? TYPE_CSR : 0;
    TRY(TEXT_COPY(text_of(cse->registrar.fqdn.z), out->peer));
    TRY(TEXT_COPY(text_of(op == OP_CREATE && cse->registrar.anonymous ? "" : cse->csi.z), out->from));
    return address(cse, op != OP_CREATE, out);
}

/* Is the registration at this end still what it was? Its other end goes first if it is not. */
static err_t local(const struct cse *cse, struct txn *t, usec_t now, struct cse_res *out)
{
    return cse_csr_get(t, text_of(cse->registrar.csi.z), now, out);
}

static err_t check(const struct cse *cse, struct txn *t, const struct errand_memory *m, usec_t now, struct errand *out)
{
    SCOPED(json_scope) json_t *list = json_array();
    struct cse_res r;
    err_t e = local(cse, t, now, &r);
    if (e == ERR_NOT_FOUND) {
        return say(cse, CSE_JOIN_CLEAR, OP_DELETE, out);
    }
    TRY(e);
    TRY(descendants(cse, t, now, list));
    out->mark = mark_of(list);
    bool update = m->checked == 0 || out->mark != m->mark || r.et - now < cse->lifetime / 2;
    if (!update && now - m->checked < cse->registrar.check) {
        return ERR_OK;
    }
    TRY(say(cse, CSE_JOIN_CHECK, update ? OP_UPDATE : OP_RETRIEVE, out));
    return update ? content(cse, list, false, now, out) : ERR_OK;
}

static err_t first(const struct cse *cse, struct txn *t, usec_t now, struct errand *out)
{
    SCOPED(json_scope) json_t *list = json_array();
    TRY(descendants(cse, t, now, list));
    out->mark = mark_of(list);
    TRY(say(cse, CSE_JOIN_CREATE, OP_CREATE, out));
    return content(cse, list, true, now, out);
}

err_t cse_join_errand(const void *ctx, struct txn *t, const struct errand_memory *m, usec_t now, struct errand *out)
{
    const struct cse *cse = ctx;
    struct cse_join j;
    *out = (struct errand){.op = OP_NONE};
    if (cse->registrar.fqdn.z[0] == '\0') {
        return ERR_NOT_FOUND;
    }
    TRY(cse_join_get(t, &j));
    if (j.leave != 0) {
        return j.state == STATES_JOIN_REGISTERED ? say(cse, CSE_JOIN_LEAVE, OP_DELETE, out) : ERR_OK;
    }
    if (j.state == STATES_JOIN_REGISTERED) {
        return check(cse, t, m, now, out);
    }
    return j.clear != 0 ? say(cse, CSE_JOIN_CLEAR, OP_DELETE, out) : first(cse, t, now, out);
}

/* -- what came of it ------------------------------------------------------------------------------------------- */
struct doing {
    const struct cse *cse;
    struct request rq;
    struct primitive prim;
    struct association assoc; /* ours with the registrar, as far as a resource knows one */
    struct cse_from from;
    struct cse_ask ask;
    char detail[ROLE_DETAIL_MAX];
};

static void doing_wipe(struct doing *d)
{
    json_decref(d->prim.pc);
}

static err_t doing_init(const struct cse *cse, struct txn *t, usec_t now, struct doing *d)
{
    d->cse = cse;
    d->assoc = (struct association){.framework = ASSOCIATION_PSK, .peer = PEER_CSE, .ids = {cse->registrar.csi}, .ids_n = 1,
                                    .not_after = USEC_NEVER};
    TRY(TEXT_COPY(text_of("registrar"), d->assoc.credential_id));
    TRY(cse_from_forms(cse, text_of(cse->registrar.csi.z), &d->from));
    d->prim.pc = json_object();
    d->rq = (struct request){.prim = &d->prim, .assoc = &d->assoc, .now = now};
    d->ask = (struct cse_ask){cse, &d->rq, t, &d->from};
    return d->prim.pc != NULL ? ERR_OK : ERR_LIMIT_CAPACITY;
}

static err_t tell(struct doing *d, enum audit_kind kind)
{
    return cse_ops_audit(&d->ask, kind, text_of(d->cse->self.z));
}

static err_t fill(struct doing *d, bool make)
{
    json_t *attrs = json_object();
    bool ok = json_object_set_new(d->prim.pc, "m2m:csr", attrs) == 0 && set_time(attrs, d->rq.now + d->cse->lifetime);
    ok = ok && (!make || (json_set_text(attrs, "csi", text_of(d->from.sp_relative.z)) &&
                          json_object_set_new(attrs, "rr", json_true()) == 0 && set_list(attrs, "srv", text_of("3"))));
    return ok ? ERR_OK : ERR_LIMIT_CAPACITY;
}

/* The <remoteCSE> of this end goes, if it is there. */
static err_t forget(struct doing *d, struct cse_join *j, enum audit_kind kind, enum states_state to)
{
    struct m2mid ri;
    struct cse_res r;
    bool was = j->state == STATES_JOIN_REGISTERED;
    TRY(cse_csr_ri(&d->from, &ri));
    err_t e = local(d->cse, d->ask.t, d->rq.now, &r);
    e = e == ERR_OK ? cse_delete_direct(&d->ask, text_of(ri.z), types_find(TYPE_CSR), d->detail) : e;
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    j->clear = 0;
    TRY(move(d->ask.t, j, to, d->rq.now));
    return was ? tell(d, kind) : ERR_OK;
}

/* Does the registrar say that we are who we are? An empty `csi` is no answer (R002-24, R002-25). */
static bool is_us(const struct cse *cse, struct bytes body)
{
    SCOPED(json_scope) json_t *pc = NULL;
    struct m2mid said;
    struct text csi = json_parse(body, &pc) != ERR_OK ? text_empty() : json_get_text(json_object_get(pc, "m2m:csr"), "csi");
    return csi.n > 0 && m2mid_absolute(csi, text_of(cse->self.z), &said) == ERR_OK && m2mid_same(text_of(said.z), text_of(cse->self.z));
}

static err_t created(struct doing *d, struct cse_join *j, const struct errand_answer *a, err_t *why)
{
    if (a->rsc != 2001 || !is_us(d->cse, a->body)) {
        bool known = a->rsc == 2001 || a->rsc == 4117 || a->rsc == 4105;
        *why = a->rsc == 2001 ? ERR_DENIED_ASSIGNED : known ? ERR_REGISTERED : ERR_PEER_REFUSED;
        j->clear = known; /* R002-04: after a failure there is none at the other end either */
        return known ? move(d->ask.t, j, STATES_JOIN_WAITING, d->rq.now) : ERR_OK;
    }
    struct cse_res r;
    err_t e = local(d->cse, d->ask.t, d->rq.now, &r);
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    TRY(fill(d, e == ERR_NOT_FOUND));
    struct m2mid ri;
    TRY(cse_csr_ri(&d->from, &ri));
    TRY(e == ERR_NOT_FOUND ? cse_create_direct(&d->ask, text_of(d->cse->root.z), types_find(TYPE_CSR), d->detail)
                           : cse_update_direct(&d->ask, text_of(ri.z), types_find(TYPE_CSR), d->detail));
    TRY(move(d->ask.t, j, STATES_JOIN_REGISTERED, d->rq.now));
    return tell(d, AUDIT_REGISTRAR_JOINED);
}

/* What a registrar says of a CSE that it does not know (any more). */
static bool is_unknown(uint16_t rsc)
{
    return rsc == 4004 || rsc == 4106;
}

static err_t checked(struct doing *d, struct cse_join *j, const struct errand *q, const struct errand_answer *a, err_t *why)
{
    if (is_unknown(a->rsc)) {
        *why = ERR_DENIED_NOT_REGISTERED;
        return forget(d, j, AUDIT_REGISTRAR_LOST, STATES_JOIN_WAITING);
    }
    if (a->rsc != 2000 && a->rsc != 2004) {
        *why = ERR_PEER_REFUSED;
        return ERR_OK;
    }
    if (q->op != OP_UPDATE) {
        return ERR_OK;
    }
    struct m2mid ri;
    TRY(cse_csr_ri(&d->from, &ri));
    TRY(fill(d, false));
    return cse_update_direct(&d->ask, text_of(ri.z), types_find(TYPE_CSR), d->detail);
}

err_t cse_join_returned(const void *ctx, const struct errand *q, const struct errand_answer *a, struct txn *t, usec_t now,
                        err_t *why)
{
    SCOPED(doing_wipe) struct doing d = {.prim = {.pc = NULL}};
    const struct cse *cse = ctx;
    struct cse_join j;
    TRY(cse_join_get(t, &j));
    TRY(doing_init(cse, t, now, &d));
    *why = a->err;
    if (a->err != ERR_OK) { /* R002-11: no association, no Step 001, and nothing here */
        return ERR_OK;
    }
    if (q->step == CSE_JOIN_CREATE) {
        return created(&d, &j, a, why);
    }
    if (q->step == CSE_JOIN_CHECK) {
        return checked(&d, &j, q, a, why);
    }
    if (a->rsc != 2002 && !is_unknown(a->rsc)) {
        *why = ERR_PEER_REFUSED;
        return ERR_OK;
    }
    bool left = q->step == CSE_JOIN_LEAVE;
    return forget(&d, &j, left ? AUDIT_REGISTRAR_LEFT : AUDIT_REGISTRAR_LOST, left ? STATES_JOIN_LEFT : STATES_JOIN_WAITING);
}
