#include "role/cse/cse_group.h"
#include "role/cse/cse_poll.h"
#include "role/cse/cse_relay.h"
#include "role/cse/cse_token_ask.h"
#include "role/cse/cse_verify.h"
#include "role/cse/cse_walk.h"
#include "role/detail.h"
#include "role/dispatch.h"
#include "wire/emit.h"
#include "wire/json.h"

#include <string.h>

#define DEPTH_MAX 4      /* groups of groups */
#define REQUESTS_MAX 256 /* members asked in one request, groups of groups included */
#define READ_MAX (2 * CSE_WALK_READ_MAX) /* octets of records for all of them */
#define ROOM 320         /* octets left in the answer behind each member */

/* One request to a fanOutPoint, through all groups of groups. */
struct fanout {
    const void *ctx;
    struct txn *t;
    size_t asked;
    size_t later; /* members that have been asked by NOTIFY and have not answered yet */
    struct role_wait wait; /* for one of them: for all, since what they were asked has one name */
};

static err_t serve(struct fanout *f, const struct request *rq, struct response *rs, size_t depth);

static err_t handle(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    static role_handler *const handlers[] = {
        [OP_CREATE] = cse_create, [OP_RETRIEVE] = cse_retrieve, [OP_UPDATE] = cse_update, [OP_DELETE] = cse_delete,
        [OP_NOTIFY] = cse_ops_notify,
    };
    bool known = (size_t)rq->prim->op < ARRAY_LEN(handlers) && handlers[rq->prim->op] != NULL;
    if (cse_poll_is_one(rq->prim->to)) {
        return cse_poll_request(ctx, rq, t, rs);
    }
    return known ? handlers[rq->prim->op](ctx, rq, t, rs) : ERR_BUG;
}

/* Who may use the group for its members: membersAccessControlPolicyIDs, else the policies of the group. */
static err_t right_check(const struct cse_ask *ask, const struct cse_target *group, const json_t *attrs)
{
    struct cse_target holder = *group;
    const json_t *macp = json_object_get(attrs, "macp");
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(macp) && i < CSE_RES_ACPI_MAX; i++) {
        const json_t *v = json_array_get(macp, i);
        struct cse_target acp;
        err_t e = cse_addr_resolve(ask->cse, ask->t, text_span(json_string_value(v), json_string_length(v)),
                                   ask->rq->now, &acp);
        if (e == ERR_OK && acp.res.type->ty == TYPE_ACP) {
            holder.res.acpi[n++] = acp.res.ri;
        }
    }
    if (macp != NULL) {
        holder.res.has_acpi = true;
        holder.res.acpi_n = (uint8_t)n;
    }
    const struct primitive *p = ask->rq->prim;
    return cse_policy_check(ask, &holder, p->op, p->op == OP_CREATE ? p->ty : 0);
}

/* -- one member ----------------------------------------------------------------------------------------------- */
/* An AE answers when it likes: the request waits for all of them. */
static err_t notify_member(struct fanout *f, const struct request *rq, struct response *rs)
{
    struct cse_from from;
    const struct cse_ask ask = {f->ctx, rq, f->t, &from};
    TRY(cse_from_check(f->ctx, rq, f->t, &from, rs->detail));
    err_t e = cse_relay_member(&ask, rs);
    bool later = (e == ERR_OK && rs->rsc == ROLE_RSC_LATER) || (e != ERR_OK && rs->wait.set);
    f->later += later;
    f->wait = rs->wait.set ? rs->wait : f->wait;
    return e;
}

static err_t ask_member(struct fanout *f, const struct request *rq, struct text to, struct response *rs, size_t depth)
{
    struct text group, rest;
    rs->rsc = 0;
    rs->next = 0;
    rs->location[0] = '\0';
    rs->detail[0] = '\0';
    rs->own_refusal = false;
    rs->media = MEDIA_JSON;
    rs->wait = (struct role_wait){.set = false};
    if (f->asked++ == REQUESTS_MAX) {
        return ERR_LIMIT_CAPACITY;
    }
    if (f->t->read > READ_MAX) {
        return detail_fail(rs->detail, ERR_LIMIT_CAPACITY, "the members before took all the work of one request: ask this one by itself", to);
    }
    bool local = cse_addr_is_local(f->ctx, to);
    if (local && cse_group_split(to, &group, &rest)) {
        return serve(f, rq, rs, depth + 1);
    }
    if (rq->prim->op == OP_NOTIFY) {
        return notify_member(f, rq, rs);
    }
    return local ? handle(f->ctx, rq, f->t, rs) : detail_fail(rs->detail, ERR_PEER_UNREACHABLE, "member", to); /* no retargeting yet */
}

/* {"pc":ANSWER,"rsc":N,"rqi":...,"fr":MEMBER}: the answer is written where it stays. What a refused member staged goes. */
static err_t item(struct fanout *f, const struct request *rq, struct text to, struct writer *w, size_t depth)
{
    struct primitive prim = *rq->prim;
    struct request one = *rq;
    struct response rs;
    size_t staged = f->t->staged_n;
    size_t audit = f->t->audit_n;
    size_t start = w->n;
    static const char open[] = "{\"pc\":";
    prim.to = to;
    one.prim = &prim;
    writer_z(w, open);
    if (w->overflow || w->cap - w->n < 2 * (size_t)ROOM) {
        return ERR_LIMIT_CAPACITY;
    }
    rs.body = writer_of(w->buf + w->n, w->cap - w->n - ROOM);
    err_t e = ask_member(f, &one, to, &rs, depth);
    e = e == ERR_OK && rs.body.overflow ? ERR_LIMIT_CAPACITY : e;
    if (e != ERR_OK) {
        f->t->staged_n = staged;
        f->t->audit_n = audit;
        dispatch_refuse(&rs, e);
    }
    w->n = rs.body.n > 0 ? w->n + rs.body.n : start + 1;
    struct emit out = {w, rs.body.n > 0};
    emit_number(&out, "rsc", rs.rsc);
    if (e == ERR_OK && rs.next != 0) { /* a part of the result, and where the rest begins: as in rqp.c */
        emit_number(&out, "cts", 1);
        emit_number(&out, "cto", rs.next);
    }
    if (prim.rqi.n > 0) {
        emit_text(&out, "rqi", prim.rqi);
    }
    emit_text(&out, "fr", to);
    writer_u8(w, '}');
    return w->overflow ? ERR_LIMIT_CAPACITY : ERR_OK;
}

/* -- all of them ---------------------------------------------------------------------------------------------- */
static err_t members(struct fanout *f, const struct request *rq, const json_t *mid, struct writer *w, size_t depth)
{
    struct text group, rest;
    if (!cse_group_split(rq->prim->to, &group, &rest)) {
        return ERR_BUG;
    }
    writer_z(w, "{\"m2m:agr\":{\"m2m:rsp\":[");
    for (size_t i = 0; i < json_array_size(mid); i++) {
        const json_t *v = json_array_get(mid, i);
        size_t n = json_string_length(v) + rest.n;
        uint8_t *at = arena_alloc(f->t->arena, n + 1);
        if (at == NULL) {
            return ERR_LIMIT_CAPACITY;
        }
        struct writer to = writer_of(at, n + 1);
        writer_text(&to, text_span(json_string_value(v), json_string_length(v)));
        writer_text(&to, rest);
        writer_z(w, i > 0 ? "," : "");
        TRY(item(f, rq, writer_view_text(&to), w, depth));
    }
    writer_z(w, "]}}");
    return w->overflow ? ERR_LIMIT_CAPACITY : ERR_OK;
}

static err_t serve(struct fanout *f, const struct request *rq, struct response *rs, size_t depth)
{
    struct cse_from from;
    const struct cse_ask ask = {f->ctx, rq, f->t, &from};
    struct cse_target group;
    struct text name, rest;
    SCOPED(json_scope) json_t *attrs = NULL;
    if (depth > DEPTH_MAX || !cse_group_split(rq->prim->to, &name, &rest)) {
        return ERR_GROUP_CIRCLE;
    }
    TRY(cse_from_check(f->ctx, rq, f->t, &from, rs->detail));
    TRY(cse_addr_resolve(f->ctx, f->t, name, rq->now, &group));
    if ((group.res.type->flags & TYPES_HAS_FANOUT) == 0) {
        return ERR_NOT_FOUND;
    }
    TRY(cse_res_attrs(f->t, &group.res, &attrs));
    TRY(right_check(&ask, &group, attrs));
    const json_t *mid = json_object_get(attrs, "mid");
    if (json_array_size(mid) == 0) {
        return ERR_GROUP_EMPTY;
    }
    rs->rsc = 2000;
    return members(f, rq, mid, &rs->body, depth);
}

/* What some have answered is not told before all have, or before it is too late [TS-0001 10.2.7]. */
static err_t wait_for_all(struct fanout *f, struct response *rs)
{
    rs->body = writer_of(rs->body.buf, rs->body.cap);
    rs->rsc = ROLE_RSC_LATER;
    rs->wait = f->wait;
    return f->t->writable ? ERR_OK : detail_fail(rs->detail, ERR_TARGET_AWAY, "members of the group", text_empty());
}

/* What would send notifications to somebody. */
static err_t with_targets(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct cse_from from;
    const struct cse_ask ask = {ctx, rq, t, &from};
    TRY(cse_from_check(ctx, rq, t, &from, rs->detail));
    return cse_verify_run(&ask, handle, rs);
}

static err_t request(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct text group, rest;
    struct fanout f = {.ctx = ctx, .t = t};
    if (!cse_group_split(rq->prim->to, &group, &rest)) {
        return cse_verify_is_asked(rq->prim) ? with_targets(ctx, rq, t, rs) : handle(ctx, rq, t, rs);
    }
    TRY(serve(&f, rq, rs, 1));
    return f.later == 0 || rq->final ? ERR_OK : wait_for_all(&f, rs);
}

/* Who is refused and would fetch a token is told where [TS-0003 7.3.2.3 step 2.3], and nothing else [TS-0009 6.5]. */
static err_t offer(const struct cse_ask *ask, err_t refusal, struct response *rs)
{
    rs->body = writer_of(rs->body.buf, rs->body.cap);
    rs->own_refusal = cse_token_ask_offer(ask, &rs->body) == ERR_OK;
    rs->token_request = rs->own_refusal;
    return refusal;
}

/* Tokens that a DAS has given for it, if it needed them, are named to the originator as those that he shows are [TS-0003 7.3.2.2 step 5]. */
static err_t plain(const struct cse_ask *ask, struct response *rs)
{
    struct request rq = *ask->rq;
    struct primitive prim = *rq.prim;
    struct cse_tokens *l;
    if (!ask->cse->dynamic || ask->cse->token_issuers.n == 0) {
        return request(ask->cse, ask->rq, ask->t, rs);
    }
    l = arena_alloc(ask->t->arena, 2 * sizeof(*l));
    if (l == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    l[0].n = l[1].n = 0;
    l[0].granted = &l[1];
    prim.given = &l[0];
    rq.prim = &prim;
    err_t e = request(ask->cse, &rq, ask->t, rs);
    if (e == ERR_OK && l[1].n > 0) {
        cse_token_assigned(&l[1], rs->ati);
    }
    return e;
}

/* Tokens are looked at once, however many members of a group are asked. */
err_t cse_fanout_request(const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    struct cse_from from;
    struct primitive prim;
    struct request as = *rq;
    const struct cse_ask ask = {ctx, rq, t, &from};
    if (!primitive_has_tokens(rq->prim) && !rq->prim->tqi) {
        return plain(&ask, rs);
    }
    TRY(cse_from_check(ctx, rq, t, &from, rs->detail));
    TRY(cse_token_look(&ask, &prim, rs->detail));
    as.prim = &prim;
    err_t e = request(ctx, &as, t, rs);
    if (e == ERR_OK && prim.given != NULL) {
        cse_token_assigned(prim.given, rs->ati);
    }
    return e == ERR_DENIED_PRIVILEGE && prim.tqi && from.authenticated ? offer(&ask, e, rs) : e;
}
