/* What may be meant but is worth a word. */
#include "shell/conf_fault.h"
#include "shell/snapshot.h"
#include "shell/x509.h"

#define SOON (7 * 86400 * USEC_PER_SEC)

static void warn_end(struct conf_faults *out, const char *section, const char *name, usec_t end, usec_t now)
{
    if (end - SOON < now && end != USEC_NEVER) {
        conf_fault_add(out, 0, "[%s %s] crl: a revocation list %s; make a new one and reload", section, name,
                       end <= now ? "is past its nextUpdate: certificates it should cover are refused"
                                  : "ends within seven days");
    }
}

/* A response lasts days, not months: what ends within the day is worth a word. */
#define TOMORROW (86400 * USEC_PER_SEC)

static void warn_staple(struct conf_faults *out, const struct snapshot_listener *l, usec_t now)
{
    usec_t end = l->tls_ctx == NULL ? USEC_NEVER : tls_ctx_ocsp_end(l->tls_ctx);
    if (end - TOMORROW < now && end != USEC_NEVER) {
        conf_fault_add(out, 0, "[listener %s] ocsp-response: the response %s; make a new one and reload", l->name,
                       end <= now ? "is past its nextUpdate: it is not stapled any more" : "ends within a day");
    }
}

/* [TS-0003 8.1.2.2]: an infrastructure entity that receives a MEF certificate must check a CRL. */
void snapshot_warnings(const struct snapshot *s, usec_t now, struct conf_faults *out)
{
    out->n = 0;
    for (size_t i = 0; i < s->listeners_n; i++) {
        const struct snapshot_listener *l = &s->listeners[i];
        warn_end(out, "listener", l->name, l->tls_ctx == NULL ? USEC_NEVER : tls_ctx_crl_end(l->tls_ctx), now);
        warn_staple(out, l, now);
    }
    for (size_t i = 0; i < s->peers_n; i++) {
        const struct snapshot_peer *p = &s->peers[i];
        warn_end(out, "peer", p->fqdn, x509_trust_crl_end(p->trust_store), now);
        if (text_eq_z(conf_text(s->conf, "peer", p->fqdn, "kind"), "mef") &&
            conf_text(s->conf, "peer", p->fqdn, "crl").n == 0 && p->ocsp != X509_OCSP_REQUIRED) {
            conf_fault_add(out, 0, "[peer %s]: neither crl nor ocsp = required, but the certificate of a MEF must be checked for revocation "
                           "(TS-0003 8.1.2.2)", p->fqdn);
        }
    }
}
