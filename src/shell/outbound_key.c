#include "shell/outbound_key.h"

#include "shell/clock.h"
#include "shell/device_dir.h"

#include <stdlib.h>
#include <string.h>

#define FRESH (5 * USEC_PER_SEC)

void outbound_key_wipe(struct outbound_key *k)
{
    secret_wipe(&k->psk);
    k->read = 0;
}

/* Else it is certificates. */
static bool is_used(const struct snapshot_peer *p)
{
    return p->psk_id != NULL || p->state != NULL;
}

static err_t take(const struct device_state *s, struct outbound_key *k)
{
    bool kpsa = secret_is_set(&s->kpsa.s);
    if (!kpsa && !secret_is_set(&s->kc.s)) {
        return ERR_DENIED_UNPROVISIONED;
    }
    k->id = kpsa ? s->kpsa_id : s->kc_id;
    k->psk = kpsa ? s->kpsa.s : s->kc.s;
    k->not_after = kpsa ? USEC_NEVER : s->kc_not_after;
    k->read = clock_monotonic();
    return ERR_OK;
}

static err_t read_state(const char *path, const struct crypto *c, struct outbound_key *k)
{
    char detail[ROLE_DETAIL_MAX];
    struct device_dir dir;
    struct device_state *s = calloc(1, sizeof(*s));
    if (s == NULL) {
        return ERR_LIMIT_BUSY;
    }
    err_t e = device_dir_open(path, NULL, c, false, &dir);
    if (e == ERR_OK) {
        e = device_dir_load(&dir, NULL, s, detail);
        e = e == ERR_OK ? take(s, k) : e;
        device_state_wipe(s);
        device_dir_close(&dir);
    }
    free(s);
    return e == ERR_NOT_FOUND ? ERR_DENIED_UNPROVISIONED : e;
}

/* Fills *k unless it is fresh. ERR_DENIED_UNPROVISIONED: nothing is there yet; ERR_STORE_LOCKED: a command works on the state, and nothing
 * was read before. */
static err_t key_get(const struct snapshot_peer *p, const struct crypto *c, struct outbound_key *k)
{
    if (p->state == NULL) {
        TRY(TEXT_COPY(text_of(p->psk_id), k->id.z));
        k->psk = p->psk;
        return ERR_OK;
    }
    if (k->read == 0 || clock_monotonic() - k->read >= FRESH) {
        err_t e = read_state(p->state, c, k);
        TRY(e == ERR_STORE_LOCKED && k->read != 0 ? ERR_OK : e);
    }
    return k->not_after <= clock_now() ? ERR_DENIED_EXPIRED : ERR_OK; /* R002-85 */
}

const struct snapshot_role *outbound_key_role(const struct snapshot_peer *p, const struct snapshot_role *as)
{
    return as == NULL || as->certificate == NULL || is_used(p) ? NULL : as;
}

err_t outbound_key_tls(const struct snapshot_peer *p, const struct snapshot_role *as, const struct crypto *c,
                       struct outbound_key *k, struct client_tls *out)
{
    bool psk = is_used(p);
    TRY(psk ? key_get(p, c, k) : ERR_OK);
    *out = (struct client_tls){
        .psk_identity = text_of(psk ? k->id.z : NULL),
        .psk = psk ? &k->psk : NULL,
        .certificate = as != NULL ? as->certificate : p->certificate,
        .key = as != NULL ? as->key : p->key,
        .fqdn = p->fqdn,
        .address = p->address,
        .trust = p->trust,
        .trust_store = p->trust_store,
        .ocsp = p->ocsp,
    };
    return ERR_OK;
}
