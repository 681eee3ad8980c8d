/*
 * Certificate framework of the CSE as entity B (part 6.2, R000-43): what a certificate that the shell has verified binds.
 * One CSE-ID or one AE-ID in it names the peer (6.0.3, 1). Anything else is a Credential-ID, which the operator's table
 * resolves to one identity or to the AEs of a node, or leaves alone (6.0.3, 2 and 3).
 */
#include "role/cert_key.h"
#include "role/cse/cse_from.h"
#include "role/cse/cse_key.h"
#include "role/cse/cse_cert.h"

#include <string.h>

struct claim { /* what one name of the certificate stands for */
    struct cert_key id;
    struct cse_key record;
    bool has_record;
};

/* A name whose record was revoked or is over refuses the whole certificate, whatever else it names. */
static err_t claim_of(struct txn *t, const struct cert_key *id, usec_t now, struct claim *out)
{
    out->id = *id;
    err_t e = cse_key_get(t, text_of(id->key.z), &out->record);
    out->has_record = e == ERR_OK;
    if (e == ERR_NOT_FOUND) {
        return ERR_OK;
    }
    TRY(e);
    return cse_key_check(&out->record, now);
}

/* An AE-ID of this CSE or of its SP needs no table: the certificate says it (6.2 step 6). */
static bool is_own_ae(const struct cse *cse, const struct cert_key *id)
{
    struct cse_from f = {0};
    return id->flavour == CERT_ID_AE && cse_from_forms(cse, text_of(id->name.z), &f) == ERR_OK && f.stem.z[0] != '\0';
}

/* Without a record: a device or node is its Credential-ID [CHOICE-43]; a host name may be anybody's; a pinned key that
 * is not in the table was never trusted. */
static bool stands_alone(const struct cse *cse, const struct cert_key *id)
{
    return id->flavour == CERT_ID_DEVICE || is_own_ae(cse, id) ||
           (id->flavour == CERT_ID_NODE && !keyid_is_fqdn(text_of(id->name.z)));
}

static err_t bind(const struct claim *c, struct association *a)
{
    a->framework = ASSOCIATION_CERT;
    TRY(TEXT_COPY(text_of(c->id.key.z), a->key_id.z));
    if (!c->has_record) {
        bool ae = c->id.flavour == CERT_ID_AE;
        a->not_after = USEC_NEVER; /* dispatch_cert cuts it to the certificate's end */
        a->peer = ae ? PEER_AE : PEER_UNKNOWN;
        a->ids_n = ae ? 1 : 0;
        TRY(ae ? TEXT_COPY(text_of(c->id.name.z), a->ids[0].z) : ERR_OK);
        return cert_key_credential(c->id.flavour, text_of(c->id.name.z), a->credential_id);
    }
    return cse_key_bind(&c->record, a);
}

static bool names_an_entity(const struct claim *c)
{
    return c->id.flavour == CERT_ID_AE || c->id.flavour == CERT_ID_CSE;
}

err_t cse_cert_bind(const void *ctx, struct txn *t, const struct role_cert *cert, usec_t now, struct association *out)
{
    const struct cse *cse = ctx;
    struct cert_key_list ids;
    struct claim best = {.has_record = false};
    bool found = false;
    cert_key_all(cert, &ids);
    for (size_t i = 0; i < ids.n; i++) {
        struct claim c = {.has_record = false};
        TRY(claim_of(t, &ids.at[i], now, &c));
        if (!c.has_record && !stands_alone(cse, &c.id)) {
            continue;
        }
        if (found && names_an_entity(&c)) { /* 6.0.2: exactly one */
            return ERR_DENIED_CERT_NAME;
        }
        bool better = !found || (c.has_record && !best.has_record && !names_an_entity(&best));
        best = better ? c : best;
        found = true;
    }
    if (!found) {
        return cert->raw ? ERR_DENIED_CERT_RAW : ERR_DENIED_CERT_NAME;
    }
    return bind(&best, out);
}
