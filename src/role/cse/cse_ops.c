#include "role/cse/cse_ops.h"

#include "role/cse/cse_esprim.h"
#include "role/cse/cse_relay.h"
#include "role/detail.h"
#include "wire/json.h"

struct rcn_row {
    enum op op;
    bool discovery; /* a RETRIEVE with filterUsage 1 */
    uint32_t fallback;
    uint32_t allowed; /* a bit per value */
    uint32_t legal;   /* by the standard; what is legal and not allowed is not implemented */
};

#define RCN(n) (1U << (n))

static const struct rcn_row rcn_rows[] = {
    {OP_CREATE, false, CSE_RCN_ATTRIBUTES, RCN(0) | RCN(1) | RCN(2) | RCN(3) | RCN(9),
     RCN(0) | RCN(1) | RCN(2) | RCN(3) | RCN(9)},
    {OP_RETRIEVE, false, CSE_RCN_ATTRIBUTES, RCN(1) | RCN(4) | RCN(5) | RCN(6) | RCN(8),
     RCN(1) | RCN(4) | RCN(5) | RCN(6) | RCN(7) | RCN(8) | RCN(10) | RCN(12)},
    {OP_RETRIEVE, true, CSE_RCN_DISCOVERY, RCN(6) | RCN(11), RCN(6) | RCN(10) | RCN(11)},
    {OP_UPDATE, false, CSE_RCN_ATTRIBUTES, RCN(0) | RCN(1) | RCN(9), RCN(0) | RCN(1) | RCN(9)},
    {OP_DELETE, false, CSE_RCN_NOTHING, RCN(0) | RCN(1) | RCN(4) | RCN(5) | RCN(6) | RCN(8),
     RCN(0) | RCN(1) | RCN(4) | RCN(5) | RCN(6) | RCN(8)},
};

err_t cse_ops_rcn(const struct primitive *p, uint32_t *out, char detail[static ROLE_DETAIL_MAX])
{
    for (size_t i = 0; i < ARRAY_LEN(rcn_rows); i++) {
        const struct rcn_row *row = &rcn_rows[i];
        if (row->op != p->op || row->discovery != (p->op == OP_RETRIEVE && p->fu == 1)) {
            continue;
        }
        *out = p->has_rcn ? p->rcn : row->fallback;
        if (*out > 31 || (row->legal & RCN(*out)) == 0) {
            return detail_fail(detail, ERR_MALFORMED_QUERY, "rcn", text_empty());
        }
        return (row->allowed & RCN(*out)) != 0 ? ERR_OK
                                               : detail_fail(detail, ERR_NOT_IMPLEMENTED, "rcn", text_empty());
    }
    return ERR_BUG;
}

err_t cse_ops_audit(const struct cse_ask *ask, enum audit_kind kind, struct text object)
{
    struct audit_event e = {.kind = kind, .time = ask->rq->now};
    struct text peer = ask->from->kind == CSE_FROM_ABSENT || ask->from->absolute.z[0] == '\0'
                           ? association_name(ask->rq->assoc)
                           : text_of(ask->from->absolute.z);
    TRY(TEXT_COPY(text_take(peer, AUDIT_TEXT_MAX - 1), e.peer));
    TRY(TEXT_COPY(text_take(object, AUDIT_TEXT_MAX - 1), e.object));
    TRY(TEXT_COPY(text_of(ask->rq->assoc->id), e.association));
    return txn_audit(ask->t, &e);
}

static err_t write_address(const struct cse_ask *ask, const struct cse_res *r, struct writer *w)
{
    char address[(CSE_RES_DEPTH_MAX + 2) * 65];
    struct writer a = WRITER_ARRAY(address);
    TRY(cse_addr_write(ask->cse, ask->t, r, ask->rq->now, &a));
    json_write_string(w, writer_view_text(&a));
    return ERR_OK;
}

/* Modified attributes: those that the registrar set or changed, not what the originator knows because it sent it. */
static err_t write_modified(const struct cse_ask *ask, const struct cse_res *r, struct writer *w)
{
    SCOPED(json_scope) json_t *whole = NULL;
    size_t start = w->n;
    cse_res_emit(r, w);
    TRY(writer_finish(w));
    TRY(json_parse(bytes_of(w->buf + start, w->n - start), &whole));
    json_t *attrs = json_object_get(whole, r->type->root);
    const json_t *sent = json_object_get(ask->rq->prim->pc, r->type->root);
    const char *name;
    json_t *v;
    json_object_foreach((json_t *)sent, name, v) {
        if (json_equal(v, json_object_get(attrs, name))) {
            (void)json_object_del(attrs, name);
        }
    }
    w->n = start;
    return json_write(whole, w);
}

err_t cse_ops_answer(const struct cse_ask *ask, const struct cse_res *r, uint32_t rcn, struct response *rs)
{
    if (rcn == CSE_RCN_MODIFIED) {
        return write_modified(ask, r, &rs->body);
    }
    if (rcn == CSE_RCN_ATTRIBUTES) {
        cse_res_emit(r, &rs->body);
    } else if (rcn == CSE_RCN_ADDRESS) {
        writer_z(&rs->body, "{\"m2m:uri\":");
        TRY(write_address(ask, r, &rs->body));
        writer_z(&rs->body, "}");
    } else if (rcn == CSE_RCN_ADDRESS_ATTRIBUTES) {
        writer_z(&rs->body, "{\"m2m:rce\":{\"uri\":");
        TRY(write_address(ask, r, &rs->body));
        writer_z(&rs->body, ",");
        size_t at = rs->body.n;
        cse_res_emit(r, &rs->body);
        if (rs->body.overflow) {
            return ERR_LIMIT_CAPACITY;
        }
        /* {"m2m:cnt":{...}} inside the object that is open already: without its first brace; its last closes ours */
        for (size_t i = at; i + 1 < rs->body.n; i++) {
            rs->body.buf[i] = rs->body.buf[i + 1];
        }
        rs->body.n--;
        writer_z(&rs->body, "}");
    }
    return rs->body.overflow ? ERR_LIMIT_CAPACITY : ERR_OK;
}

err_t cse_ops_find(const struct cse_ask *ask, struct text to, const struct types_row *type, struct cse_target *out,
                   char detail[static ROLE_DETAIL_MAX])
{
    err_t e = cse_addr_resolve(ask->cse, ask->t, to, ask->rq->now, out);
    e = e == ERR_OK && out->res.type != type ? ERR_NOT_FOUND : e;
    return e == ERR_OK ? e : detail_fail(detail, e, type->name, to);
}

static const char *largest(const json_t *attrs)
{
    const char *name, *out = "";
    json_t *v;
    size_t most = 0;
    json_object_foreach((json_t *)attrs, name, v) {
        size_t n = json_dumpb(v, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
        out = n > most ? name : out;
        most = n > most ? n : most;
    }
    return out;
}

err_t cse_ops_render(const struct cse_ask *ask, struct cse_res *r, const json_t *attrs, char detail[static ROLE_DETAIL_MAX])
{
    err_t e = cse_res_render(ask->t, r, attrs);
    return e == ERR_LIMIT_SIZE ? detail_fail(detail, e, r->type->root, text_of(largest(attrs))) : e;
}

err_t cse_ops_notify(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct cse_from from;
    const struct cse_ask ask = {ctx, rq, t, &from};
    struct cse_target target;
    TRY(cse_from_check(ctx, rq, t, &from, rs->detail));
    TRY(cse_addr_resolve(ctx, t, rq->prim->to, rq->now, &target));
    if (cse_esprim_is_it(rq) && target.res.type->ty == TYPE_CB) {
        return cse_esprim_notify(&ask, rs);
    }
    if (target.res.type->ty == TYPE_AE) {
        return cse_relay_request(&ask, &target, rs);
    }
    return detail_fail(rs->detail, ERR_OPERATION, "Notify", rq->prim->to);
}
