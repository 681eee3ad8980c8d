#include "role/dispatch.h"

#include "base/ct.h"
#include "base/hex.h"
#include "keys/gba_id.h"
#include "role/detail.h"
#include "wire/json.h"

#include <string.h>

/* -- routes ---------------------------------------------------------------------------------------- */
static bool segment(struct text *rest, struct text *part)
{
    if (rest->n == 0 || rest->p[0] != '/') {
        return false;
    }
    *rest = text_skip(*rest, 1);
    *part = text_take(*rest, text_find(*rest, '/'));
    *rest = text_skip(*rest, part->n);
    return true;
}

static bool path_matches(const char *pattern, struct text path)
{
    struct text want = text_of(pattern);
    struct text w = text_empty();
    struct text p = text_empty();
    while (segment(&want, &w)) {
        if (text_eq_z(w, "**")) {
            return true;
        }
        if (!segment(&path, &p)) {
            return false;
        }
        bool any = w.n > 2 && w.p[0] == '{';
        if (any ? p.n == 0 : !text_eq(w, p)) {
            return false;
        }
    }
    return path.n == 0;
}

/* How far a row agrees with the request: the furthest one names the refusal. */
enum { AGREES_NOT, AGREES_PATH, AGREES_OP, AGREES_TYPE, AGREES };

static int agreement(const struct route *r, const struct primitive *p, const struct association *a)
{
    if (!path_matches(r->path, p->path)) {
        return AGREES_NOT;
    }
    if (r->op != p->op) {
        return AGREES_PATH;
    }
    if (r->op == OP_CREATE && r->ty != 0 && (!p->has_ty || r->ty != p->ty)) {
        return AGREES_OP;
    }
    return (r->peers & (unsigned)a->peer) != 0 ? AGREES : AGREES_TYPE;
}

/* "/" names no resource: of a role that has no route for it, it is no address. */
static bool is_nowhere(const struct role *role, struct text path)
{
    bool none = text_eq_z(path, "/");
    for (size_t i = 0; none && i < role->routes_n; i++) {
        none = strcmp(role->routes[i].path, "/") != 0;
    }
    return none;
}

err_t dispatch_route(const struct role *role, const struct primitive *p, const struct association *a,
                     const struct route **out)
{
    int best = AGREES_NOT;
    if (is_nowhere(role, p->path)) {
        return ERR_MALFORMED_TO;
    }
    for (size_t i = 0; i < role->routes_n; i++) {
        int now = agreement(&role->routes[i], p, a);
        if (now == AGREES) {
            *out = &role->routes[i];
            return ERR_OK;
        }
        best = now > best ? now : best;
    }
    const err_t reasons[] = {
        [AGREES_NOT] = ERR_NOT_FOUND,
        [AGREES_PATH] = ERR_OPERATION,
        [AGREES_OP] = ERR_TYPE_UNSUPPORTED,
        [AGREES_TYPE] = a->peer == PEER_PLAIN ? ERR_DENIED_NO_ASSOCIATION : ERR_DENIED_CLIENT,
    };
    return reasons[best];
}

enum { RSC_REFUSED = 4000 }; /* and above: no success */

/* -- requests -------------------------------------------------------------------------------------- */
static void unstage(struct txn *t)
{
    t->staged_n = 0;
    t->audit_n = 0;
}

static err_t request_check(const struct request *rq, char detail[static ROLE_DETAIL_MAX])
{
    if (rq->assoc->not_after <= rq->now) { /* R004-21: after its lifetime an association is not usable */
        struct writer w = writer_of(detail, ROLE_DETAIL_MAX);
        writer_z(&w, "the association is past its lifetime");
        return writer_finish_z(&w) == ERR_OK ? ERR_DENIED_NO_ASSOCIATION : ERR_BUG; /* not 4004: the resource may be there */
    }
    if (rq->prim->expires <= rq->now) {
        return ERR_REQUEST_EXPIRED;
    }
    if (rq->prim->unsupported) {
        struct writer w = writer_of(detail, ROLE_DETAIL_MAX);
        writer_z(&w, rq->prim->unsupported_name);
        return writer_finish_z(&w) == ERR_OK ? ERR_NOT_IMPLEMENTED : ERR_BUG;
    }
    return ERR_OK;
}

static err_t run(const struct role *role, const void *ctx, const struct request *rq, struct txn *t, struct response *rs)
{
    static const struct keys_export none;
    TRY(request_check(rq, rs->detail));
    const struct route *route = NULL;
    err_t e = dispatch_route(role, rq->prim, rq->assoc, &route);
    const bool tokens = e == ERR_OK && (route->flags & ROUTE_TOKENS) != 0;
    const bool digest = e == ERR_OK && (route->flags & ROUTE_DIGEST) != 0;
    if (rq->prim->authorization.n > 0 && !rq->assoc->by_digest && !digest && !(tokens && rq->prim->tokens.n > 0)) {
        return detail_fail(rs->detail, ERR_NOT_IMPLEMENTED, "Authorization", text_empty());
    }
    TRY(e);
    if (!tokens && !digest && (primitive_has_tokens(rq->prim) || rq->prim->tqi)) {
        return detail_fail(rs->detail, ERR_NOT_IMPLEMENTED, "tokens", text_empty());
    }
    if (rq->prim->filter.given != 0 && (route->flags & ROUTE_FILTER) == 0) {
        return detail_fail(rs->detail, ERR_NOT_IMPLEMENTED, "filter criteria", text_empty());
    }
    if (!media_is_content(rq->prim->media) && (route->flags & ROUTE_RAW) == 0) {
        return ERR_MEDIA_TYPE;
    }
    struct request given = *rq;
    if ((route->flags & ROUTE_EXPORT) == 0) {
        given.exported = &none;
    }
    TRY(route->handler(ctx, &given, t, rs));
    if (rs->body.overflow) {
        return ERR_LIMIT_CAPACITY;
    }
    return rs->rsc == 0 ? ERR_BUG : ERR_OK;
}

err_t dispatch_run(const struct role *role, const void *ctx, const struct request *rq, struct txn *t,
                   struct response *rs)
{
    rs->rsc = 0;
    rs->location[0] = '\0';
    rs->headers[0] = '\0';
    rs->ati[0] = '\0';
    rs->token_request = false;
    rs->detail[0] = '\0';
    rs->own_refusal = false;
    rs->vector.asked = false;
    rs->wait = (struct role_wait){.set = false};
    rs->next = 0;
    rs->media = MEDIA_JSON;
    rs->body = writer_of(rs->body.buf, rs->body.cap);
    err_t e = run(role, ctx, rq, t, rs);
    if (e != ERR_OK) {
        if (!t->keep) {
            unstage(t);
        }
        if (rs->own_refusal &&
            !rs->body.overflow) { /* table 8.3.2.1-6: a failure at /fetchCredentials has its own form */
            rs->rsc = rs->rsc >= RSC_REFUSED ? rs->rsc : err_info(e)->rsc; /* of another protocol: the handler knows which */
            rs->location[0] = '\0';
        } else {
            dispatch_refuse(rs, e);
        }
    }
    return e;
}

static void explanation(struct writer *w, const struct err_info *info, const char *detail)
{
    writer_z(w, info->code);
    writer_z(w, ": ");
    writer_z(w, info->text);
    if (detail[0] != '\0') {
        writer_z(w, " (");
        writer_z(w, detail);
        writer_z(w, ")");
    }
    writer_z(w, "; ");
    writer_z(w, info->hint);
    writer_z(w, " [");
    writer_z(w, info->clause);
    writer_z(w, "]");
}

void dispatch_refuse(struct response *rs, err_t e)
{
    const struct err_info *info = err_info(e);
    char text[ROLE_DETAIL_MAX + 512];
    struct writer w = WRITER_ARRAY(text);
    explanation(&w, info, rs->detail);
    rs->rsc = info->rsc;
    rs->vector.asked = false;
    rs->next = 0;
    rs->media = MEDIA_JSON;
    rs->location[0] = '\0';
    rs->headers[0] = '\0';
    rs->ati[0] = '\0';
    rs->token_request = false;
    rs->body = writer_of(rs->body.buf, rs->body.cap);
    writer_z(&rs->body, "{\"m2m:dbg\":");
    json_write_string(&rs->body, writer_view_text(&w));
    writer_z(&rs->body, "}");
    if (rs->body.overflow) { /* a body too small for its own refusal: the status alone still goes out */
        rs->body = writer_of(rs->body.buf, rs->body.cap);
    }
}

struct primitive_response dispatch_reply(const struct primitive *p, const struct response *rs)
{
    return (struct primitive_response){
        .rsc = rs->rsc,
        .rqi = p->rqi,
        .rvi = p->rvi,
        .location = text_of(rs->location),
        .headers = text_of(rs->headers),
        .ati = text_of(rs->ati),
        .token_request = rs->token_request,
        .body = writer_view(&rs->body),
        .media = rs->media,
        .next = rs->next,
    };
}

/* -- what lasts ------------------------------------------------------------------------------------ */
bool dispatch_is_audited(err_t outcome, const struct association *a)
{
    return outcome != ERR_OK && err_info(outcome)->audited && a != NULL && a->peer != PEER_PLAIN &&
           a->peer != PEER_NONE;
}

static void clip(struct text t, char *dst, size_t cap)
{
    if (text_copy(text_take(t, cap - 1), dst, cap) != ERR_OK) {
        dst[0] = '\0';
    }
}

static err_t keep_refusal(struct txn *t, err_t outcome, const struct dispatch_about *about, const struct crypto *c,
                          struct audit_chain *chain)
{
    if (t->quiet || !dispatch_is_audited(outcome, about->assoc)) {
        return ERR_OK;
    }
    struct audit_event e = {.kind = AUDIT_REFUSED, .time = about->now, .outcome = outcome};
    clip(association_name(about->assoc), e.peer, sizeof(e.peer));
    clip(about->object, e.object, sizeof(e.object));
    clip(text_of(about->assoc->id), e.association, sizeof(e.association));
    clip(t->partition, e.instance, sizeof(e.instance));
    return audit_chain_append(t->store, c, chain, &e);
}

err_t dispatch_keep(struct txn *t, err_t outcome, const struct dispatch_about *about, const struct crypto *c,
                    struct audit_chain *chain)
{
    if (outcome != ERR_OK) {
        TRY(t->keep ? txn_apply(t) : ERR_OK);
        return keep_refusal(t, outcome, about, c, chain);
    }
    TRY(txn_apply(t));
    for (size_t i = 0; i < t->audit_n; i++) {
        TRY(audit_chain_append(t->store, c, chain, t->audit[i]));
    }
    return ERR_OK;
}

/* -- handshakes ------------------------------------------------------------------------------------ */
static err_t key_check(const struct role_psk *p, usec_t now)
{
    if (!secret_is_set(&p->key) || p->assoc.peer == PEER_NONE) {
        return ERR_BUG;
    }
    return p->assoc.not_after <= now ? ERR_DENIED_EXPIRED : ERR_OK;
}

static err_t key_of(const struct role *role, const void *ctx, struct txn *t, const struct role_hello *hello, usec_t now,
                    struct role_psk *out)
{
    const struct role_ua ua = {b_tid_of_psk_identity(hello->identity), hello->suite, b_tid_is_of_card(hello->identity)};
    struct b_tid_parts parts;
    if (role->ua != NULL && b_tid_parse(ua.b_tid, &parts) == ERR_OK) {
        return role->ua(ctx, t, &ua, now, out);
    }
    return role->psk == NULL ? ERR_DENIED_PSK_UNKNOWN : role->psk(ctx, t, hello->identity, now, out);
}

err_t dispatch_psk(const struct role *role, const void *ctx, struct txn *t, const struct role_hello *hello, usec_t now,
                   struct role_psk *out)
{
    *out = (struct role_psk){0};
    TRY(key_of(role, ctx, t, hello, now, out));
    if (out->verdict == ROLE_ASK) {
        return role->answer == NULL ? ERR_BUG : ERR_OK;
    }
    return key_check(out, now);
}

err_t dispatch_ua(const struct role *role, const void *ctx, struct txn *t, const struct role_ua *ua, usec_t now, struct role_psk *out)
{
    struct b_tid_parts parts;
    *out = (struct role_psk){0};
    TRY(b_tid_parse(ua->b_tid, &parts) == ERR_OK ? ERR_OK : ERR_DENIED_B_TID); /* no BSF made this name */
    TRY(role->ua(ctx, t, ua, now, out));
    return out->verdict == ROLE_ASK ? ERR_OK : key_check(out, now);
}

err_t dispatch_answer(const struct role *role, const void *ctx, const struct dispatch_asked *x, struct txn *t,
                      struct role_psk *out)
{
    *out = (struct role_psk){0};
    if (role->answer == NULL) {
        return ERR_BUG;
    }
    struct answer a = *x->a;
    if (a.err == ERR_DENIED_CERT_INSTRUCTION) { /* it refused our certificate: we are the target of none of its keys */
        a.err = ERR_DENIED_FETCH;
    }
    err_t e = role->answer(ctx, x->q, &a, t, x->now, out);
    if (e == ERR_OK) { /* a second question would let one handshake cause any number of fetches */
        e = out->verdict == ROLE_KEY     ? key_check(out, x->now)
            : out->verdict == ROLE_TAKEN ? ERR_OK
                                         : ERR_PEER_NONSENSE;
    }
    if (e != ERR_OK) {
        unstage(t);
    }
    return e;
}

err_t dispatch_cert(const struct role *role, const void *ctx, struct txn *t, const struct role_cert *cert, usec_t now,
                    struct association *out)
{
    memset(out, 0, sizeof(*out));
    if (role->cert == NULL) {
        return ERR_DENIED_CERT_CA;
    }
    TRY(role->cert(ctx, t, cert, now, out));
    memcpy(out->serial, cert->serial, sizeof(out->serial));
    association_limit(out, cert->not_after);
    if (out->peer == PEER_NONE) {
        return ERR_BUG;
    }
    return out->not_after <= now ? ERR_DENIED_CERT_EXPIRED : ERR_OK;
}

err_t dispatch_associate(struct association *a, const struct crypto *c, uint16_t tls_version, uint16_t suite,
                         usec_t now, usec_t lifetime)
{
    uint8_t id[ASSOCIATION_ID_LEN / 2];
    TRY(c->random(id, sizeof(id)));
    uint64_t ms = (uint64_t)now / 1000;
    for (size_t i = 0; i < 6; i++) {
        id[i] = (uint8_t)(ms >> (8 * (5 - i)));
    }
    struct writer w = WRITER_ARRAY(a->id);
    hex_write_lower(&w, BYTES_ARRAY(id));
    TRY(writer_finish_z(&w));
    a->tls_version = tls_version;
    a->suite = suite;
    a->established = now;
    if (a->not_after != USEC_NEVER) {
        a->not_after--; /* an association lives for less time than its credential, not as long (R002-85) */
    }
    if (lifetime < USEC_NEVER - now) {
        association_limit(a, now + lifetime);
    }
    return ERR_OK;
}

err_t dispatch_established(const struct role *role, const void *ctx, struct association *a, const struct keys_export *x,
                           struct txn *t, usec_t now)
{
    if (role->established == NULL) {
        return ERR_OK;
    }
    err_t e = role->established(ctx, a, x, t, now);
    if (e != ERR_OK) {
        unstage(t);
    }
    return e;
}
