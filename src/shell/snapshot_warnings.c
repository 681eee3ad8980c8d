/* What may be meant but is worth a word. */
#include "role/cert_id.h"
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

/* What its clients look for: the FQDN of an authority, of a CSE the public domain name of its CSE-ID [8.1.2.1]. */
static err_t own_id(const struct snapshot *s, const struct snapshot_role *r, struct writer *id, enum cert_id_flavour *f)
{
    *f = r->fqdn[0] != '\0' ? CERT_ID_FQDN : CERT_ID_CSE;
    if (*f == CERT_ID_FQDN) {
        writer_z(id, r->fqdn);
    } else if (conf_row_of(s->conf, text_of(r->role->name), text_of("csi")) != NULL) {
        writer_z(id, "//");
        writer_text(id, conf_text(s->conf, r->role->name, r->name, "sp"));
        writer_text(id, conf_text(s->conf, r->role->name, r->name, "csi"));
    } else {
        return ERR_NOT_FOUND;
    }
    return writer_finish_z(id);
}

static void warn_name(struct conf_faults *out, const struct snapshot *s, const struct snapshot_listener *l, size_t role)
{
    char id[KEYID_MAX];
    char must[KEYID_MAX];
    struct writer w = WRITER_ARRAY(id);
    struct writer host = WRITER_ARRAY(must);
    enum cert_id_flavour f = CERT_ID_FQDN;
    bool dns = false;
    struct role_cert names;
    void *store = NULL;
    bool known = own_id(s, &s->roles[role], &w, &f) == ERR_OK && cert_id_write(f, text_of(id), &host, &dns) == ERR_OK &&
                 writer_finish_z(&host) == ERR_OK;
    if (!known || tls_ctx_shown(l->tls_ctx, role, &names, &store) != ERR_OK) {
        return;
    }
    if (cert_id_check(&names, f, text_of(id)) != ERR_OK) {
        conf_fault_add(out, 0, "[listener %s] certificate: it does not name %s, which clients by certificate look for; issue one with that "
                       "dNSName", l->name, must);
    }
    x509_names_free(store);
}

/* [TS-0003 8.1.2.2]: an infrastructure entity that receives a MEF certificate must check a CRL. */
void snapshot_warnings(const struct snapshot *s, usec_t now, struct conf_faults *out)
{
    out->n = 0;
    for (size_t i = 0; i < s->listeners_n; i++) {
        const struct snapshot_listener *l = &s->listeners[i];
        warn_end(out, "listener", l->name, l->tls_ctx == NULL ? USEC_NEVER : tls_ctx_crl_end(l->tls_ctx), now);
        warn_staple(out, l, now);
        for (size_t r = 0; l->tls_ctx != NULL && r < s->roles_n; r++) {
            warn_name(out, s, l, r);
        }
    }
    for (size_t i = 0; i < s->peers_n; i++) {
        const struct snapshot_peer *p = &s->peers[i];
        warn_end(out, "peer", p->fqdn, p->trust_store == NULL ? USEC_NEVER : x509_trust_crl_end(p->trust_store), now);
        if (text_eq_z(conf_text(s->conf, "peer", p->fqdn, "kind"), "mef") &&
            conf_text(s->conf, "peer", p->fqdn, "crl").n == 0 && p->ocsp != X509_OCSP_REQUIRED) {
            conf_fault_add(out, 0, "[peer %s]: neither crl nor ocsp = required, but the certificate of a MEF must be checked for revocation "
                           "(TS-0003 8.1.2.2)", p->fqdn);
        }
    }
}
