#include "shell/snapshot_impl.h"

#include "role/detail.h"
#include "shell/secret_file.h"
#include "shell/x509.h"

#define PSK_MIN 16 /* octets */

static err_t load_peer_trust(struct snapshot_loading *l, struct snapshot_peer *p)
{
    const struct conf *c = l->s->conf;
    const struct x509_trust trust = {
        .anchors = p->trust,
        .crls = snapshot_z(conf_text(c, "peer", p->fqdn, "crl")),
        .crl_stale_ok = text_eq_z(conf_text(c, "peer", p->fqdn, "crl-expired"), "accept"),
        .unconstrained_ok = text_eq_z(conf_text(c, "peer", p->fqdn, "name-constraints"), "allowed"),
    };
    char detail[ROLE_DETAIL_MAX] = "";
    X509_STORE *store = NULL;
    if (p->trust == NULL) { /* a key proves it */
        return ERR_OK;
    }
    err_t e = x509_trust_load(&trust, &store, detail);
    if (e != ERR_OK) {
        conf_fault_add(l->faults, 0, "[peer %s] %s: %s", p->fqdn, err_info(e)->text, detail);
    }
    p->trust_store = store;
    return e;
}

static enum x509_ocsp ocsp_of(struct text word)
{
    return text_eq_z(word, "required") ? X509_OCSP_REQUIRED : text_eq_z(word, "if-given") ? X509_OCSP_IF_GIVEN : X509_OCSP_OFF;
}

/* The workers load it again for each connection; what is wrong with it shows here. */
static err_t load_peer_key(struct snapshot_loading *l, const struct snapshot_peer *p)
{
    char detail[ROLE_DETAIL_MAX] = "";
    EVP_PKEY *key = NULL;
    X509 *cert = NULL;
    if (p->certificate == NULL || p->key == NULL) {
        return ERR_OK; /* conf_file_server_check has the rules */
    }
    err_t e = x509_key_load(p->key, &key);
    (void)detail_fail(detail, e, "private key", text_of(p->key));
    if (e == ERR_OK) {
        e = x509_cert_load(p->certificate, &cert);
        e = e == ERR_OK && X509_check_private_key(cert, key) != 1 ? ERR_CONFIG : e;
        (void)detail_fail(detail, e, "key does not belong to certificate", text_of(p->certificate));
    }
    ERR_clear_error();
    EVP_PKEY_free(key);
    X509_free(cert);
    if (e != ERR_OK) {
        conf_fault_add(l->faults, conf_fault_line_of(l->s->conf, "peer", p->fqdn, detail), "[peer %s] %s: %s", p->fqdn,
                       err_info(e)->text, detail);
    }
    return e;
}

static err_t load_peer_psk(struct snapshot_loading *l, struct snapshot_peer *p)
{
    if (p->psk_id == NULL) {
        return ERR_OK;
    }
    err_t e = secret_file_read(conf_text(l->s->conf, "peer", p->fqdn, "psk").p, 0, &p->psk);
    e = e == ERR_OK && p->psk.n < PSK_MIN ? ERR_MALFORMED_KEY : e;
    if (e != ERR_OK) {
        conf_fault_add(l->faults, 0, "[peer %s] psk: %s; %s", p->fqdn, err_info(e)->text, err_info(e)->hint);
    }
    return e == ERR_OK ? ERR_OK : ERR_CONFIG;
}

err_t snapshot_peers_load(struct snapshot_loading *l)
{
    const struct conf *c = l->s->conf;
    const char *fqdn = NULL;
    for (size_t i = 0; (fqdn = conf_section_arg(c, "peer", i)) != NULL; i++) {
        if (i == SNAPSHOT_PEERS_MAX) {
            conf_fault_add(l->faults, 0, "more than %d peers", SNAPSHOT_PEERS_MAX);
            return ERR_CONFIG;
        }
        l->s->peers[l->s->peers_n++] = (struct snapshot_peer){
            .fqdn = fqdn,
            .kind = conf_text(c, "peer", fqdn, "kind").p,
            .csi = snapshot_z(conf_text(c, "peer", fqdn, "csi")),
            .address = conf_text(c, "peer", fqdn, "address").p,
            .certificate = snapshot_z(conf_text(c, "peer", fqdn, "certificate")),
            .key = snapshot_z(conf_text(c, "peer", fqdn, "key")),
            .psk_id = snapshot_z(conf_text(c, "peer", fqdn, "psk-id")),
            .state = snapshot_z(conf_text(c, "peer", fqdn, "state")),
            .trust = snapshot_z(conf_text(c, "peer", fqdn, "trust")),
            .poll = conf_number(c, "peer", fqdn, "withdrawn-poll"),
            .ocsp = ocsp_of(conf_text(c, "peer", fqdn, "ocsp")),
        };
        TRY(load_peer_trust(l, &l->s->peers[i]));
        TRY(load_peer_key(l, &l->s->peers[i]));
        TRY(load_peer_psk(l, &l->s->peers[i]));
    }
    return ERR_OK;
}
