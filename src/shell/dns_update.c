#include "shell/dns_update.h"

#include "base/base64.h"
#include "base/ct.h"
#include "shell/openssl.h"

#include <ldns/ldns.h>

#include <string.h>

#define TTL 300
#define FUDGE 300 /* seconds by which clocks may differ [RFC 8945 10] */
#define ALGORITHM "hmac-sha256."
#define MAC_FIELD 3 /* of the TSIG record */

struct key_text {
    char z[BASE64_LEN(SECRET_MAX) + 1];
};

static void key_text_wipe(struct key_text *k)
{
    ct_wipe(k, sizeof(*k));
}

static err_t key_text_of(const struct secret *s, struct key_text *out)
{
    struct writer w = WRITER_ARRAY(out->z);
    base64_write(&w, secret_view(s));
    return writer_finish_z(&w);
}

static void list_free(ldns_rr_list **l)
{
    ldns_rr_list_deep_free(*l);
}

static void packet_free(ldns_pkt **p)
{
    ldns_pkt_free(*p);
}

static void octets_free(uint8_t **p)
{
    LDNS_FREE(*p);
}

static bool in_zone(struct text name, struct text zone)
{
    return name.n > zone.n + 1 && name.p[name.n - zone.n - 1] == '.' && text_eq_nocase(text_skip(name, name.n - zone.n), zone);
}

/* -- records ---------------------------------------------------------------------------------------------- */
/* `address` NULL: no content. */
static err_t push(ldns_rr_list *list, const struct naming *n, ldns_rr_class class, const char *address)
{
    bool ok;
    ldns_rr *rr = ldns_rr_new();
    ldns_rdf *owner = ldns_dname_new_frm_str(n->name.z);
    if (rr == NULL || owner == NULL) {
        ldns_rr_free(rr);
        ldns_rdf_deep_free(owner);
        return ERR_LIMIT_CAPACITY;
    }
    bool six = address != NULL && strchr(address, ':') != NULL;
    ldns_rr_set_owner(rr, owner);
    ldns_rr_set_class(rr, class);
    ldns_rr_set_ttl(rr, 0);
    ldns_rr_set_type(rr, address == NULL ? LDNS_RR_TYPE_ANY : six ? LDNS_RR_TYPE_AAAA : LDNS_RR_TYPE_A);
    ldns_rdf *data = address == NULL ? NULL : ldns_rdf_new_frm_str(six ? LDNS_RDF_TYPE_AAAA : LDNS_RDF_TYPE_A, address);
    ok = (address == NULL || (data != NULL && ldns_rr_push_rdf(rr, data))) && ldns_rr_list_push_rr(list, rr);
    if (!ok) {
        ldns_rdf_deep_free(data);
        ldns_rr_free(rr);
    }
    return ok ? ERR_OK : ERR_CONFIG;
}

static err_t push_all(ldns_rr_list *list, const struct naming *n, ldns_rr_class class, uint32_t ttl)
{
    struct text rest = text_of(n->addresses), one;
    while (text_next(&rest, ',', &one)) {
        char z[NAMING_ADDRESSES_MAX];
        TRY(TEXT_COPY(one, z));
        TRY(push(list, n, class, z));
        ldns_rr_set_ttl(ldns_rr_list_rr(list, ldns_rr_list_rr_count(list) - 1), ttl);
    }
    return ERR_OK;
}

/* R002-30: A for IPv4, AAAA for IPv6 [RFC 2136 2.4.3, 2.4.5, 2.5.1, 2.5.4]. */
static err_t sections(const struct dns_update *u, ldns_rr_list *need, ldns_rr_list *change)
{
    switch (u->step) {
    case DNS_UPDATE_ADD:
        TRY(push(need, u->what, LDNS_RR_CLASS_NONE, NULL));
        return push_all(change, u->what, LDNS_RR_CLASS_IN, TTL);
    case DNS_UPDATE_OURS:
        return push_all(need, u->what, LDNS_RR_CLASS_IN, 0);
    case DNS_UPDATE_REMOVE:
        break;
    }
    return push_all(change, u->what, LDNS_RR_CLASS_NONE, 0);
}

static err_t sign(struct dns_update *u, ldns_pkt *p)
{
    SCOPED(key_text_wipe) struct key_text key = {{0}};
    TRY(key_text_of(u->key, &key));
    if (ldns_pkt_tsig_sign(p, u->what->server.key_name.p, key.z, FUDGE, ALGORITHM, NULL) != LDNS_STATUS_OK) {
        return ERR_CRYPTO;
    }
    const ldns_rdf *mac = ldns_rr_rdf(ldns_pkt_tsig(p), MAC_FIELD);
    u->mac_n = mac == NULL ? 0 : ldns_rdf_size(mac);
    if (u->mac_n == 0 || u->mac_n > sizeof(u->mac)) {
        return ERR_CRYPTO;
    }
    memcpy(u->mac, ldns_rdf_data(mac), u->mac_n);
    return ERR_OK;
}

err_t dns_update_write(struct dns_update *u, struct writer *w)
{
    if (!in_zone(text_of(u->what->name.z), u->what->server.zone)) {
        return ERR_DNS_ZONE;
    }
    SCOPED(list_free) ldns_rr_list *need = ldns_rr_list_new();
    SCOPED(list_free) ldns_rr_list *change = ldns_rr_list_new();
    if (need == NULL || change == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    TRY(sections(u, need, change));
    ldns_rdf *zone = ldns_dname_new_frm_str(u->what->server.zone.p);
    SCOPED(packet_free) ldns_pkt *p = zone == NULL ? NULL : ldns_update_pkt_new(zone, LDNS_RR_CLASS_IN, need, change, NULL);
    if (p == NULL) {
        ldns_rdf_deep_free(zone);
        return ERR_LIMIT_CAPACITY;
    }
    ldns_pkt_set_id(p, u->id);
    ldns_pkt_set_rd(p, false);
    TRY(sign(u, p));
    SCOPED(octets_free) uint8_t *wire = NULL;
    size_t n = 0;
    if (ldns_pkt2wire(&wire, p, &n) != LDNS_STATUS_OK || n > DNS_UPDATE_MAX) {
        return ERR_LIMIT_SIZE;
    }
    writer_bytes(w, bytes_of(wire, n));
    return writer_finish(w);
}

/* -- the answer ------------------------------------------------------------------------------------------- */
/* Before ldns parses it: an answer of UPDATE to this request, with at most its signature in the last section. We asked for no
 * more there, and a second TSIG is an error [RFC 8945 5.1]. */
static bool is_answer(const struct dns_update *u, struct bytes a)
{
    return a.n >= LDNS_HEADER_SIZE && ldns_read_uint16(a.p) == u->id && (a.p[2] & 0xf8) == (LDNS_QR_MASK | LDNS_PACKET_UPDATE << 3) &&
           ldns_read_uint16(a.p + 10) <= 1;
}

/* Only what the holder of the key said counts for a name; what anybody may have said makes us try again. */
static bool is_authentic(const struct dns_update *u, ldns_pkt *p, struct bytes octets)
{
    SCOPED(key_text_wipe) struct key_text key = {{0}};
    ldns_rr *tsig = ldns_pkt_tsig(p);
    if (tsig == NULL || key_text_of(u->key, &key) != ERR_OK) {
        return false;
    }
    ldns_rdf mac = {._size = u->mac_n, ._type = LDNS_RDF_TYPE_INT16_DATA, ._data = (void *)(uintptr_t)u->mac};
    bool good = ldns_pkt_tsig_verify(p, octets.p, octets.n, u->what->server.key_name.p, key.z, &mac);
    ldns_pkt_set_tsig(p, tsig); /* ldns 1.8 takes it out and, if it does not know the algorithm, forgets to put it back */
    return good;
}

static err_t verdict(const struct dns_update *u, ldns_pkt_rcode rcode)
{
    switch ((int)rcode) {
    case LDNS_RCODE_NOERROR:
        return ERR_OK;
    case LDNS_RCODE_YXDOMAIN:
    case LDNS_RCODE_YXRRSET:
        return ERR_DNS_TAKEN;
    case LDNS_RCODE_NXRRSET:
    case LDNS_RCODE_NXDOMAIN:
        return u->step == DNS_UPDATE_OURS ? ERR_DNS_TAKEN : ERR_DNS_REFUSED;
    case LDNS_RCODE_NOTZONE:
        return ERR_DNS_ZONE;
    default:
        return ERR_DNS_REFUSED;
    }
}

err_t dns_update_read(const struct dns_update *u, struct bytes answer)
{
    SCOPED(packet_free) ldns_pkt *p = NULL;
    if (!is_answer(u, answer) || ldns_wire2pkt(&p, answer.p, answer.n) != LDNS_STATUS_OK) {
        return ERR_PEER_NONSENSE;
    }
    ldns_pkt_rcode rcode = ldns_pkt_get_rcode(p);
    if (!is_authentic(u, p, answer)) { /* RFC 8945 5.2.2: a server that does not know the key cannot sign */
        return rcode == LDNS_RCODE_NOERROR || rcode == LDNS_RCODE_NOTAUTH ? ERR_DNS_KEY : ERR_DNS_REFUSED;
    }
    return verdict(u, rcode);
}
