#include "shell/pki_impl.h"

err_t pki_csr_parse(struct bytes der, X509_REQ **out)
{
    const unsigned char *p = der.p;
    *out = der.n > INT32_MAX ? NULL : d2i_X509_REQ(NULL, &p, (long)der.n);
    return *out == NULL || p != der.p + der.n ? ERR_MALFORMED : ERR_OK;
}

err_t pki_csr_read(const char *pem_file, X509_REQ **out)
{
    FILE *f = fopen(pem_file, "rbe");
    if (f == NULL) {
        return ERR_IO;
    }
    *out = PEM_read_X509_REQ(f, NULL, NULL, NULL);
    (void)fclose(f);
    return *out == NULL ? ERR_MALFORMED : ERR_OK;
}

bool pki_csr_is_profile(X509_REQ *req)
{
    return x509_key_is_p256(X509_REQ_get_X509_PUBKEY(req)) && X509_REQ_get_signature_nid(req) == NID_ecdsa_with_SHA256;
}

bool pki_csr_is_proved(X509_REQ *req)
{
    return X509_REQ_verify(req, X509_REQ_get0_pubkey(req)) == 1;
}

err_t pki_csr_check(X509_REQ *req)
{
    if (!pki_csr_is_profile(req)) {
        return ERR_DENIED_CERT_PROFILE;
    }
    return pki_csr_is_proved(req) ? ERR_OK : ERR_DENIED_CERT_PROOF;
}

err_t pki_csr_names(const X509_EXTENSIONS *list, GENERAL_NAMES **out)
{
    int critical = -1; /* also: not there */
    *out = list == NULL ? NULL : X509V3_get_d2i(list, NID_subject_alt_name, &critical, NULL);
    return *out != NULL || critical == -1 ? ERR_OK : ERR_MALFORMED;
}
