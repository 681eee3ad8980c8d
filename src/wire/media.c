#include "wire/media.h"

static const struct row {
    const char *type;
    enum media media;
} types[] = {
    {"application/json", MEDIA_JSON},
    {"application/vnd.onem2m-res+json", MEDIA_JSON},
    {"application/pkcs10", MEDIA_PKCS10},
    {"application/pkcs7-mime", MEDIA_CERTS},
    {"application/csrattrs", MEDIA_CSR_ATTRS},
};

static const char *const names[MEDIA_N] = {
    [MEDIA_JSON] = "application/json",
    [MEDIA_PKCS10] = "application/pkcs10",
    [MEDIA_CERTS] = "application/pkcs7-mime; smime-type=certs-only",
    [MEDIA_CSR_ATTRS] = "application/csrattrs",
};

err_t media_parse(struct text type, enum media *out)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (text_eq_nocase(type, text_of(types[i].type))) {
            *out = types[i].media;
            return ERR_OK;
        }
    }
    return ERR_MEDIA_TYPE;
}

const char *media_name(enum media m)
{
    return names[(unsigned)m < MEDIA_N ? m : MEDIA_JSON];
}
