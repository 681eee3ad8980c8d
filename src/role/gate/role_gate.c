#include "role/gate/role_gate.h"

#include "role/cse/cse_cert.h"
#include "role/cse/cse_ctl.h"
#include "role/cse/cse_explain.h"
#include "role/cse/cse_heard.h"
#include "role/cse/cse_saef.h"
#include "role/gate/gate_hop.h"
#include "role/withdraw.h"

#define ANYBODY (PEER_AE | PEER_CSE | PEER_UNKNOWN | PEER_PLAIN)

/* What may pass has gone on before (role.hop): a handler is asked for refusals alone. */
static const struct route routes[] = {
    {OP_RETRIEVE, "/**", 0, ANYBODY, ROUTE_FILTER, gate_hop_refuse, "TS-0003 7.2.1"},
    {OP_CREATE, "/**", 0, ANYBODY, 0, gate_hop_refuse, "TS-0003 7.2.1"},
    {OP_UPDATE, "/**", 0, ANYBODY, 0, gate_hop_refuse, "TS-0003 7.2.1"},
    {OP_DELETE, "/**", 0, ANYBODY, 0, gate_hop_refuse, "TS-0003 7.2.1"},
    {OP_NOTIFY, "/**", 0, ANYBODY, 0, gate_hop_refuse, "TS-0001 10.2.10"},
};

/* R004-07: associations as the CSE takes them, for a CSE that takes none. */
const struct role role_gate = {
    .name = "gate",
    .doc = "stands in front of another CSE: associations, From and access control; what passes goes there over HTTP",
    .conf = gate_ctx_rows,
    .conf_n = GATE_CTX_ROWS_N,
    .routes = routes,
    .routes_n = ARRAY_LEN(routes),
    .explain = cse_explain_keys,
    .ctl = cse_ctl_rows,
    .ctl_n = CSE_CTL_CREDENTIAL_N,
    .export_label = KEYS_LABEL_ASSOCIATION,
    .export_on_handshake = true,
    .ctx_size = sizeof(struct gate_ctx),
    .configure = gate_ctx_configure,
    .hop = gate_hop_next,
    .psk = cse_saef_psk,
    .ua = cse_saef_ua,
    .cert = cse_cert_bind,
    .answer = cse_saef_answer,
    .alive = cse_heard_alive,
    .withdraw = &withdraw_cse,
    .watch = cse_heard_watch,
    .heard = cse_heard_take,
    .established = cse_saef_established,
};
