#include "role/cse/cse.h"

#include "role/cse/cse_ctl.h"
#include "role/cse/cse_group.h"
#include "role/cse/cse_announce.h"
#include "role/cse/cse_bell.h"
#include "role/cse/cse_cert.h"
#include "role/cse/cse_das.h"
#include "role/cse/cse_decide.h"
#include "role/cse/cse_dns.h"
#include "role/cse/cse_deliver.h"
#include "role/cse/cse_esprim.h"
#include "role/cse/cse_explain.h"
#include "role/cse/cse_heard.h"
#include "role/cse/cse_hop.h"
#include "role/cse/cse_pep.h"
#include "role/cse/cse_pip.h"
#include "role/cse/cse_saef.h"
#include "role/cse/cse_seed.h"
#include "role/cse/cse_token_ask.h"
#include "role/cse/cse_verify.h"
#include "role/withdraw.h"

/* Everybody who may turn up here; who may do what is decided by From and by policies, not by the route. */
#define ANYBODY (PEER_AE | PEER_CSE | PEER_UNKNOWN | PEER_PLAIN)

static const struct route routes[] = {
    {OP_RETRIEVE, "/**", 0, ANYBODY, ROUTE_FILTER | ROUTE_ASKS | ROUTE_TOKENS, cse_fanout_request, "TS-0004 7.4"},
    {OP_CREATE, "/**", 0, ANYBODY, ROUTE_WRITES | ROUTE_ASKS | ROUTE_TOKENS, cse_fanout_request, "TS-0004 7.4"},
    {OP_UPDATE, "/**", 0, ANYBODY, ROUTE_WRITES | ROUTE_ASKS | ROUTE_TOKENS, cse_fanout_request, "TS-0004 7.4"},
    {OP_DELETE, "/**", 0, ANYBODY, ROUTE_WRITES | ROUTE_ASKS | ROUTE_TOKENS, cse_fanout_request, "TS-0004 7.4"},
    {OP_NOTIFY, "/**", 0, ANYBODY, ROUTE_WRITES | ROUTE_ASKS | ROUTE_TOKENS, cse_fanout_request, "TS-0004 7.4"},
};

/* A token of which the name is known, a key for an object, or a right. */
static err_t need(const void *ctx, const struct request *rq, struct txn *t, struct question *q)
{
    struct cse_from from;
    char detail[ROLE_DETAIL_MAX] = "";
    const struct cse_ask ask = {ctx, rq, t, &from};
    if (rq->prim->tids.n > 0) {
        TRY(cse_from_check(ctx, rq, t, &from, detail));
        err_t e = cse_pip_need_tokens(&ask, q);
        e = e == ERR_NOT_FOUND ? cse_token_ask_need(&ask, q) : e;
        if (e != ERR_NOT_FOUND) {
            return e;
        }
    }
    if (rq->prim->op == OP_UPDATE && ((const struct cse *)ctx)->distributed) {
        TRY(cse_from_check(ctx, rq, t, &from, detail));
        err_t e = cse_decide_need(&ask, q);
        if (e != ERR_NOT_FOUND) {
            return e;
        }
    }
    return rq->prim->op == OP_NOTIFY ? cse_esprim_need(ctx, rq, t, q) : cse_das_need(ctx, rq, t, q);
}

static err_t answer(const void *ctx, const struct question *q, const struct answer *a, struct txn *t, usec_t now,
                    struct role_psk *out)
{
    return q->suid == CSE_DAS_SUID     ? cse_das_answer(ctx, q, a, t, now, out)
           : q->suid == CSE_TOKEN_ASK_SUID ? cse_token_ask_answer(ctx, q, a, t, now, out)
           : q->suid == CSE_PEP_SUID_DECISION || q->suid == CSE_PEP_SUID_POLICIES
               ? cse_pep_answer(ctx, q, a, t, now, out)
           : q->suid == CSE_PIP_SUID ? cse_pip_answer(ctx, q, a, t, now, out)
               : cse_saef_answer(ctx, q, a, t, now, out);
}

static struct text ua_fqdn(const void *ctx)
{
    const struct cse *cse = ctx;
    return text_of(cse->naf.fqdn);
}

/* R004-07: whatever CSE runs here, takes associations. */
const struct role role_cse = {
    .name = "cse",
    .doc = "IN-CSE as registrar: associations, AE registration, resources, access control",
    .conf = cse_ctx_rows,
    .conf_n = CSE_CTX_ROWS_N,
    .routes = routes,
    .routes_n = ARRAY_LEN(routes),
    .ctl = cse_ctl_rows,
    .ctl_n = CSE_CTL_ROWS_N,
    .export_label = KEYS_LABEL_ASSOCIATION,
    .export_on_handshake = true,
    .ctx_size = sizeof(struct cse),
    .configure = cse_ctx_configure,
    .seed = cse_seed,
    .psk = cse_saef_psk,
    .ua = cse_saef_ua,
    .ua_fqdn = ua_fqdn,
    .need = need,
    .cert = cse_cert_bind,
    .answer = answer,
    .alive = cse_heard_alive,
    .withdraw = &withdraw_cse,
    .watch = cse_heard_watch,
    .heard = cse_heard_take,
    .verify = cse_verify,
    .bell = cse_bell_heard,
    .outbox = cse_deliver_next,
    .told = cse_deliver_done,
    .hop = cse_hop_next,
    .lanes = CSE_ANNOUNCE_LANES,
    .errand = cse_announce_errand,
    .returned = cse_announce_returned,
    .naming = cse_dns_next,
    .named = cse_dns_done,
    .established = cse_saef_established,
    .explain = cse_explain,
};
