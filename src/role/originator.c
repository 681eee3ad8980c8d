#include "role/originator.h"

#include "role/detail.h"

bool originator_is(const struct association *a, struct text id)
{
    if (id.n == 0) {
        return false;
    }
    if (association_is_bound_to(a, id)) {
        return true;
    }
    struct m2mid fqdn;
    return a->framework == ASSOCIATION_CERT && m2mid_fqdn(id, &fqdn) == ERR_OK &&
           association_is_bound_to(a, text_of(fqdn.z));
}

err_t originator_check(const struct request *rq, char detail[static ROLE_DETAIL_MAX])
{
    const struct primitive *p = rq->prim;
    bool absent = !p->has_from || p->from.n == 0;
    if (absent) { /* a key names one client, who need not know the Enrolee-ID that its MEF was configured with */
        return rq->assoc->framework == ASSOCIATION_PSK || rq->assoc->ids_n == 0
                   ? ERR_OK
                   : detail_fail(detail, ERR_MALFORMED_FROM, "From must be", association_name(rq->assoc));
    }
    return originator_is(rq->assoc, p->from) ? ERR_OK : detail_fail(detail, ERR_DENIED_FROM, "From", p->from);
}

enum association_peer originator_peer(struct text id)
{
    enum m2mid_kind kind = m2mid_kind(id);
    if (m2mid_is_ae(kind)) {
        return PEER_AE;
    }
    return m2mid_is_cse(kind) ? PEER_CSE : PEER_CLIENT;
}

static bool is_absolute(enum m2mid_kind k)
{
    return k == M2MID_ABS_CSE || k == M2MID_ABS_AE_C || k == M2MID_ABS_AE_S;
}

static err_t bind(struct association *a, struct text id)
{
    if (a->ids_n == ASSOCIATION_IDS_MAX) {
        return ERR_DENIED_CERT_NAME;
    }
    return TEXT_COPY(id, a->ids[a->ids_n++].z) == ERR_OK ? ERR_OK : ERR_DENIED_CERT_NAME;
}

/* "m2m://sp/S1" -> "//sp/S1" [CHOICE-39]; "https://mef.example.com/x" -> host; else empty. */
static struct text uri_identity(struct text uri)
{
    struct text rest = text_skip(uri, text_find(uri, ':') + 1);
    if (rest.n == 0) {
        rest = uri;
    }
    if (is_absolute(m2mid_kind(rest))) {
        return rest;
    }
    struct text host = text_starts(rest, "//") ? text_skip(rest, 2) : text_empty();
    host = text_take(host, text_find(host, '/'));
    return m2mid_kind(host) == M2MID_FQDN ? host : text_empty();
}

err_t originator_of_cert(const struct role_cert *cert, struct association *out)
{
    for (size_t i = 0; i < cert->dns_n; i++) {
        if (m2mid_kind(cert->dns[i]) == M2MID_FQDN) { /* wildcards and raw labels name nobody */
            TRY(bind(out, cert->dns[i]));
        }
    }
    for (size_t i = 0; i < cert->uri_n; i++) {
        struct text id = uri_identity(cert->uri[i]);
        if (id.n > 0) {
            TRY(bind(out, id));
        }
    }
    out->framework = ASSOCIATION_CERT;
    out->peer = PEER_CLIENT;
    out->not_after = cert->not_after;
    return out->ids_n > 0 ? ERR_OK : ERR_DENIED_CERT_NAME;
}
