#include "ocsp_fixture.h"

#include <openssl/pem.h>
#include <sys/stat.h>
#include <time.h>

static uint8_t octets[32768];

X509 *ocsp_cert(const char *name)
{
    X509 *cert = NULL;
    assert_int_equal(x509_cert_load(fixture_file(name, "pem"), &cert), ERR_OK);
    return cert;
}

static EVP_PKEY *key_of(const char *name)
{
    EVP_PKEY *key = NULL;
    assert_int_equal(x509_key_load(fixture_file(name, "key"), &key), ERR_OK);
    return key;
}

static void answer_add(OCSP_BASICRESP *basic, const struct ocsp_answer *a, bool sha1)
{
    X509 *cert = ocsp_cert(a->cert);
    X509 *issuer = ocsp_cert(a->issuer);
    OCSP_CERTID *id = OCSP_cert_to_id(sha1 ? EVP_sha1() : EVP_sha256(), cert, issuer);
    ASN1_TIME *from = ASN1_TIME_set(NULL, time(NULL) + a->from_sec);
    ASN1_TIME *to = a->to_sec == 0 ? NULL : ASN1_TIME_set(NULL, time(NULL) + a->to_sec);
    ASN1_TIME *revoked = a->status == V_OCSP_CERTSTATUS_REVOKED ? ASN1_TIME_set(NULL, time(NULL) - 3600) : NULL;
    assert_non_null(OCSP_basic_add1_status(basic, id, a->status, OCSP_REVOKED_STATUS_NOSTATUS, revoked, from, to));
    OCSP_CERTID_free(id);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    ASN1_TIME_free(revoked);
    X509_free(cert);
    X509_free(issuer);
}

static struct bytes octets_of(OCSP_RESPONSE *r)
{
    unsigned char *p = octets;
    assert_non_null(r);
    assert_in_range(i2d_OCSP_RESPONSE(r, NULL), 1, sizeof(octets));
    int n = i2d_OCSP_RESPONSE(r, &p);
    OCSP_RESPONSE_free(r);
    return bytes_of(octets, (size_t)n);
}

struct bytes ocsp_make(const struct ocsp_made *m)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    for (const struct ocsp_answer *a = m->answers; a < m->answers + ARRAY_LEN(m->answers) && a->cert != NULL; a++) {
        answer_add(basic, a, m->sha1_id);
    }
    if (m->critical) {
        ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
        assert_int_equal(ASN1_OCTET_STRING_set(value, (const unsigned char *)"\5", 2), 1);
        X509_EXTENSION *e = X509_EXTENSION_create_by_NID(NULL, NID_netscape_comment, 1, value);
        assert_int_equal(OCSP_BASICRESP_add_ext(basic, e, -1), 1);
        X509_EXTENSION_free(e);
        ASN1_OCTET_STRING_free(value);
    }
    X509 *signer = ocsp_cert(m->signer);
    EVP_PKEY *key = key_of(m->signer);
    const unsigned long flags = OCSP_RESPID_KEY | (m->shows_signer ? 0 : OCSP_NOCERTS);
    assert_int_equal(OCSP_basic_sign(basic, signer, key, m->md == NULL ? EVP_sha256() : m->md, NULL, flags), 1);
    struct bytes made = octets_of(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic));
    OCSP_BASICRESP_free(basic);
    X509_free(signer);
    EVP_PKEY_free(key);
    return made;
}

struct bytes ocsp_error(int status)
{
    return octets_of(OCSP_response_create(status, NULL));
}

void ocsp_put(const char *name, struct bytes response)
{
    FILE *f = fopen(fixture_path(name), "w");
    assert_non_null(f);
    assert_int_equal(fwrite(response.p, 1, response.n, f), response.n);
    (void)fclose(f);
}

struct bytes ocsp_read(const char *name)
{
    FILE *f = fopen(fixture_path(name), "r");
    assert_non_null(f);
    size_t n = fread(octets, 1, sizeof(octets), f);
    (void)fclose(f);
    return bytes_of(octets, n);
}

/* -- responders ---------------------------------------------------------------------------------------------- */
static void extension_add(X509 *cert, int nid, const char *value)
{
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(e);
    assert_int_equal(X509_add_ext(cert, e, -1), 1);
    X509_EXTENSION_free(e);
}

void ocsp_responder_make(const struct ocsp_responder *r)
{
    static long serial = 9000;
    X509 *ca = ocsp_cert(r->ca);
    EVP_PKEY *ca_key = key_of(r->ca);
    EVP_PKEY *key = EVP_EC_gen(r->group == NULL ? "P-256" : r->group);
    X509 *cert = X509_new();
    assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -2 * 86400));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), r->to_day * 86400));
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "O", MBSTRING_ASC,
                                                (const unsigned char *)"made-up responder", -1, -1, 0), 1);
    assert_int_equal(X509_set_issuer_name(cert, X509_get_subject_name(ca)), 1);
    extension_add(cert, NID_key_usage, "critical,digitalSignature");
    if (r->usage != NULL) {
        extension_add(cert, NID_ext_key_usage, r->usage);
    }
    if (r->nocheck) {
        extension_add(cert, NID_id_pkix_OCSP_noCheck, "");
    }
    assert_true(X509_sign(cert, ca_key, EVP_sha256()) > 0);
    fixture_pem_put(r->name, key, cert);
    X509_free(cert);
    X509_free(ca);
    EVP_PKEY_free(key);
    EVP_PKEY_free(ca_key);
}
