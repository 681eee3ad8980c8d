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
    /* A dNSName stands for a CSE, never for an AE (table 5.4): the host sx.sp is not the AE //sp/Sx. */
    struct m2mid fqdn;
    return a->framework == ASSOCIATION_CERT && m2mid_kind(id) == M2MID_ABS_CSE && m2mid_fqdn(id, &fqdn) == ERR_OK &&
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

static err_t bind(struct association *a, struct text id)
{
    if (a->ids_n == ASSOCIATION_IDS_MAX) {
        return ERR_DENIED_CERT_NAME;
    }
    return TEXT_COPY(id, a->ids[a->ids_n++].z) == ERR_OK ? ERR_OK : ERR_DENIED_CERT_NAME;
}

/* Host names are compared without case [CHOICE-41]; in lower case none of them looks like an AE-ID stem. */
static err_t bind_host(struct association *a, struct text host)
{
    struct keyid folded;
    TRY(keyid_fold(host, &folded));
    return bind(a, text_of(folded.z));
}

/* "m2m://sp/S1" and "//sp/S1" name an AE and nothing else [CHOICE-39]: no CSE, and not the host of its SP domain. */
static err_t bind_uri(struct association *a, struct text uri)
{
    bool m2m = text_starts(uri, "m2m:");
    struct text rest = m2m ? text_skip(uri, sizeof("m2m:") - 1) : uri;
    if (m2m || text_starts(uri, "//")) {
        return m2mid_is_ae(m2mid_kind(rest)) && text_starts(rest, "//") ? bind(a, rest) : ERR_OK;
    }
    rest = text_skip(uri, text_find(uri, ':') + 1); /* "https://mef.example.com/x": the host (table 5.4, FQDN) */
    struct text host = text_starts(rest, "//") ? text_skip(rest, 2) : text_empty();
    host = text_take(host, text_find(host, '/'));
    return keyid_is_fqdn(host) ? bind_host(a, host) : ERR_OK;
}

err_t originator_of_cert(const struct role_cert *cert, struct association *out)
{
    for (size_t i = 0; i < cert->dns_n; i++) {
        if (keyid_is_fqdn(cert->dns[i])) { /* wildcards and raw labels name nobody */
            TRY(bind_host(out, cert->dns[i]));
        }
    }
    for (size_t i = 0; i < cert->uri_n; i++) {
        TRY(bind_uri(out, cert->uri[i]));
    }
    out->framework = ASSOCIATION_CERT;
    out->peer = PEER_CLIENT;
    out->not_after = cert->not_after;
    return out->ids_n > 0 ? ERR_OK : ERR_DENIED_CERT_NAME;
}
