#include "role/cse/cse.h"

#include "role/cse/cse_ctl.h"
#include "role/cse/cse_group.h"
#include "role/cse/cse_cert.h"
#include "role/cse/cse_deliver.h"
#include "role/cse/cse_esprim.h"
#include "role/cse/cse_explain.h"
#include "role/cse/cse_heard.h"
#include "role/cse/cse_hop.h"
#include "role/cse/cse_join.h"
#include "role/cse/cse_saef.h"
#include "role/cse/cse_seed.h"
#include "role/cse/cse_verify.h"
#include "role/withdraw.h"

/* Everybody who may turn up here; who may do what is decided by From and by policies, not by the route. */
#define ANYBODY (PEER_AE | PEER_CSE | PEER_UNKNOWN | PEER_PLAIN)

static const struct route routes[] = {
    {OP_RETRIEVE, "/**", 0, ANYBODY, ROUTE_FILTER, cse_fanout_request, "TS-0004 7.4"},
    {OP_CREATE, "/**", 0, ANYBODY, ROUTE_WRITES, cse_fanout_request, "TS-0004 7.4"},
    {OP_UPDATE, "/**", 0, ANYBODY, ROUTE_WRITES, cse_fanout_request, "TS-0004 7.4"},
    {OP_DELETE, "/**", 0, ANYBODY, ROUTE_WRITES, cse_fanout_request, "TS-0004 7.4"},
    {OP_NOTIFY, "/**", 0, ANYBODY, ROUTE_WRITES | ROUTE_ASKS, cse_fanout_request, "TS-0004 7.4"},
};

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
    .need = cse_esprim_need,
    .cert = cse_cert_bind,
    .answer = cse_saef_answer,
    .alive = cse_heard_alive,
    .withdraw = &withdraw_cse,
    .watch = cse_heard_watch,
    .heard = cse_heard_take,
    .verify = cse_verify,
    .outbox = cse_deliver_next,
    .told = cse_deliver_done,
    .hop = cse_hop_next,
    .errand = cse_join_errand,
    .returned = cse_join_returned,
    .established = cse_saef_established,
    .explain = cse_explain,
};
