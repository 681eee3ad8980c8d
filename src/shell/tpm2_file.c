/* The file format of keys for a TPM ("TPM 2.0 Key Files"), as tpm2_encodeobject and tpm2-openssl write it. */
#include "shell/openssl.h"
#include "shell/tpm2.h"

#include <openssl/asn1t.h>
#include <openssl/objects.h>
#include <string.h>

#define OID_LOADABLE "2.23.133.10.1.3"

/* With a policy, or a secret of its own (an importable key), it is another kind: no field here takes it. */
struct tpm_key_file {
    ASN1_OBJECT *type;
    ASN1_BOOLEAN empty_auth;
    ASN1_INTEGER *parent;
    ASN1_OCTET_STRING *pub;
    ASN1_OCTET_STRING *priv;
};
typedef struct tpm_key_file TPM_KEY_FILE;

ASN1_SEQUENCE(TPM_KEY_FILE) = {
    ASN1_SIMPLE(TPM_KEY_FILE, type, ASN1_OBJECT),
    ASN1_EXP_OPT(TPM_KEY_FILE, empty_auth, ASN1_BOOLEAN, 0),
    ASN1_SIMPLE(TPM_KEY_FILE, parent, ASN1_INTEGER),
    ASN1_SIMPLE(TPM_KEY_FILE, pub, ASN1_OCTET_STRING),
    ASN1_SIMPLE(TPM_KEY_FILE, priv, ASN1_OCTET_STRING),
} static_ASN1_SEQUENCE_END(TPM_KEY_FILE)

static void file_freep(TPM_KEY_FILE **p)
{
    ASN1_item_free((ASN1_VALUE *)*p, ASN1_ITEM_rptr(TPM_KEY_FILE));
}

static bool take(const ASN1_OCTET_STRING *s, struct tpm2_area *out)
{
    size_t n = (size_t)ASN1_STRING_length(s);
    if (n == 0 || n > sizeof(out->at)) {
        return false;
    }
    memcpy(out->at, ASN1_STRING_get0_data(s), n);
    out->n = n;
    return true;
}

static err_t quiet(err_t e)
{
    ERR_clear_error();
    return e;
}

err_t tpm2_file_parse(struct bytes der, struct tpm2_key *out)
{
    const unsigned char *p = der.p;
    char oid[sizeof(OID_LOADABLE) + 1] = "";
    uint64_t parent = 0;
    if (der.n > 2 * TPM2_AREA_MAX + 64) {
        return ERR_TPM_FILE;
    }
    SCOPED(file_freep) TPM_KEY_FILE *f =
        (TPM_KEY_FILE *)ASN1_item_d2i(NULL, &p, (long)der.n, ASN1_ITEM_rptr(TPM_KEY_FILE));
    bool ok = f != NULL && p == der.p + der.n &&
              OBJ_obj2txt(oid, sizeof(oid), f->type, 1) == sizeof(OID_LOADABLE) - 1 && strcmp(oid, OID_LOADABLE) == 0 &&
              ASN1_INTEGER_get_uint64(&parent, f->parent) == 1 && parent <= UINT32_MAX && take(f->pub, &out->pub) &&
              take(f->priv, &out->priv);
    out->handle = (uint32_t)parent;
    out->wrapped = true;
    return quiet(ok ? ERR_OK : ERR_TPM_FILE);
}
