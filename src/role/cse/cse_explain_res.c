#include "role/cse/cse_explain_res.h"

#include "role/cse/cse_addr.h"
#include "role/cse/cse_csr.h"
#include "wire/json.h"

#define ATTRS_MAX 3
#define ADDRESS_MAX 1024

/* A type that has states is a row here and in states_rows.h. */
static const struct {
    uint32_t ty;
    enum states_state alive, over;
    struct {
        const char *attr, *name;
    } told[ATTRS_MAX];
} rows[] = {
    {TYPE_CSR, STATES_CSR_REGISTERED, STATES_CSR_EXPIRED, {{"poa", "points-of-access"}, {"dcse", "cses-below"}}},
    {TYPE_GRP, STATES_GROUP_MADE, STATES_GROUP_EXPIRED, {{"cnm", "members"}, {"mnm", "members-max"}, {"mid", "member-ids"}}},
    {TYPE_NOD, STATES_NODE_MADE, STATES_NODE_EXPIRED, {{"ni", "node-id"}, {"hcl", "cse"}, {"hael", "applications"}}},
    {TYPE_MSSP, STATES_CONTRACT_RUNNING, STATES_CONTRACT_OVER, {{"svr", "services"}}},
    {TYPE_SUB, STATES_WATCH_LIVE, STATES_WATCH_OVER, {{"nu", "targets"}, {"exc", "left"}, {"enc", "criteria"}}},
    {TYPE_SVSN, STATES_SVSN_SUBSCRIBED, STATES_SVSN_OVER, {{"ni", "node-id"}, {"csi", "registrar"}, {"rlk", "rules"}}},
};

static err_t emit_attrs(struct explain *x, struct txn *t, const struct cse_res *r, size_t row)
{
    SCOPED(json_scope) json_t *attrs = NULL;
    TRY(cse_res_attrs(t, r, &attrs));
    for (size_t i = 0; i < ATTRS_MAX && rows[row].told[i].attr != NULL; i++) {
        const json_t *v = json_object_get(attrs, rows[row].told[i].attr);
        if (v != NULL) {
            emit_name(x->e, rows[row].told[i].name);
            TRY(json_write(v, x->e->w));
        }
    }
    return ERR_OK;
}

/* Where it stands: also above an ancestor that is over there is an address no more. */
static void emit_address(const struct cse *cse, struct explain *x, struct txn *t, const struct cse_res *r)
{
    char address[ADDRESS_MAX];
    struct writer w = WRITER_ARRAY(address);
    if (cse_addr_write(cse, t, r, x->now, &w) == ERR_OK && writer_finish(&w) == ERR_OK) {
        emit_text(x->e, "address", writer_view_text(&w));
    }
}

static err_t tell(const struct cse *cse, struct explain *x, struct txn *t, const struct cse_res *r, size_t row)
{
    struct cse_target target = {.res = *r};
    char id[KEYID_MAX];
    char ri[KEYID_MAX];
    err_t anchored = r->et <= x->now ? ERR_NOT_FOUND : cse_addr_anchor(cse, t, x->now, &target);
    TRY(explain_maybe(anchored));
    TRY(TEXT_COPY(r->ri, ri));
    TRY(TEXT_COPY(rows[row].ty == TYPE_CSR ? r->creator : r->ri, id)); /* the audit chain names a CSE by its CSE-ID */
    if (!explain_open(x, anchored == ERR_OK ? rows[row].alive : rows[row].over, id)) {
        return ERR_OK;
    }
    explain_name(x, ri);
    emit_text(x->e, "name", r->rn);
    emit_address(cse, x, t, r);
    if (r->credential.n > 0) {
        emit_text(x->e, "came-from", r->credential);
    }
    TRY(emit_attrs(x, t, r, row));
    emit_time(x->e, "created", r->ct);
    emit_time(x->e, "changed", r->lt);
    if (r->et != USEC_NEVER) {
        emit_time(x->e, "not-after", r->et);
    }
    explain_close(x);
    return ERR_OK;
}

static err_t maybe_tell(const struct cse *cse, struct explain *x, struct txn *t, const struct cse_res *r)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (r->type->ty == rows[i].ty) {
            return tell(cse, x, t, r, i);
        }
    }
    return ERR_OK;
}

/* The record itself, past its end or not. */
static err_t by_ri(const struct cse *cse, struct explain *x, struct txn *t, struct text ri)
{
    struct store_value v;
    struct cse_res r;
    err_t e = txn_get(t, TABLE_CSE_RES, ri, &v);
    if (e == ERR_OK) {
        TRY(cse_res_parse(v.data, &r));
        return maybe_tell(cse, x, t, &r);
    }
    return explain_maybe(e);
}

static err_t by_cse_id(const struct cse *cse, struct explain *x, struct txn *t)
{
    struct cse_from id = {0};
    struct m2mid ri;
    if (cse_from_forms(cse, x->id, &id) != ERR_OK || cse_csr_ri(&id, &ri) != ERR_OK) {
        return ERR_OK;
    }
    return by_ri(cse, x, t, text_of(ri.z));
}

static err_t by_address(const struct cse *cse, struct explain *x, struct txn *t, const char *prefix, struct text address)
{
    char to[KEYID_MAX + 8];
    struct cse_target target;
    struct writer w = WRITER_ARRAY(to);
    writer_z(&w, prefix);
    writer_text(&w, address);
    TRY(writer_finish(&w));
    err_t e = cse_addr_resolve(cse, t, writer_view_text(&w), x->now, &target);
    if (e == ERR_OK) {
        return maybe_tell(cse, x, t, &target.res);
    }
    return e == ERR_MALFORMED_TO ? ERR_OK : explain_maybe(e); /* most names are no address */
}

err_t cse_explain_res(const struct cse *cse, struct txn *t, struct explain *x)
{
    TRY(by_cse_id(cse, x, t));
    TRY(by_ri(cse, x, t, x->id));
    TRY(by_address(cse, x, t, "", x->id));
    TRY(by_address(cse, x, t, "-/", x->id));
    bool is_path = text_starts(x->id, "/"); /* as it stands in an HTTP request */
    return is_path ? by_address(cse, x, t, "", text_skip(x->id, 1)) : ERR_OK;
}
