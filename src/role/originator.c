#include "role/originator.h"

#include "role/cert_key.h"
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
        return rq->assoc->framework == ASSOCIATION_PSK || rq->assoc->framework == ASSOCIATION_GBA || rq->assoc->ids_n == 0
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

/* A URI names an AE, or the host of an authority (table 5.4). */
static err_t bind_uri(struct association *a, struct text uri)
{
    enum cert_id_flavour f;
    struct text id;
    if (cert_id_of_uri(uri, &f, &id) != ERR_OK || f == CERT_ID_NODE) {
        return ERR_OK;
    }
    return f == CERT_ID_AE ? bind(a, id) : bind_host(a, id);
}

/* A device or a node has no identity of its own here: its Credential-ID is who it is [TS-0003 10.4]. An AE has both. */
static err_t bind_credential(struct association *a, const struct role_cert *cert)
{
    struct cert_key_list l;
    cert_key_all(cert, &l);
    for (size_t i = 0; i < l.n; i++) {
        const struct cert_key *k = &l.at[i];
        bool host = keyid_is_fqdn(text_of(k->name.z)) && k->flavour != CERT_ID_DEVICE;
        if (!host) {
            return cert_key_credential(k->flavour, text_of(k->name.z), a->credential_id);
        }
    }
    return ERR_OK;
}

err_t originator_of_cert(const struct role_cert *cert, struct association *out)
{
    if (cert->raw) { /* no path says that its names are true, and no table here knows the key [CHOICE-42] */
        return ERR_DENIED_CERT_RAW;
    }
    for (size_t i = 0; i < cert->dns_n; i++) {
        if (keyid_is_fqdn(cert->dns[i])) { /* wildcards and raw labels name nobody */
            TRY(bind_host(out, cert->dns[i]));
        }
    }
    for (size_t i = 0; i < cert->uri_n; i++) {
        TRY(bind_uri(out, cert->uri[i]));
    }
    TRY(bind_credential(out, cert));
    out->framework = ASSOCIATION_CERT;
    out->peer = PEER_CLIENT;
    out->not_after = cert->not_after;
    return out->ids_n > 0 || out->credential_id[0] != '\0' ? ERR_OK : ERR_DENIED_CERT_NAME;
}
