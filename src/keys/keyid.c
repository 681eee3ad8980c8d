#include "keys/keyid.h"

#include "base/hex.h"

#define FQDN_MAX 253
#define LABEL_MAX 63
#define B_TID_RELATIVE 24 /* octets of base64(RAND) [TS 33.220 4.5.2] */

static bool is_alnum(char c)
{
    char l = text_lower(c);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9');
}

/* Labels of letters, digits and hyphens, a hyphen neither first nor last; dots between them. */
bool keyid_is_fqdn(struct text t)
{
    size_t label = 0; /* octets of it so far */
    char last = '.';
    for (size_t i = 0; i < t.n && t.n <= FQDN_MAX; i++) {
        const char c = t.p[i];
        const bool fits = is_alnum(c) || (c == '-' && last != '.') || (c == '.' && last != '.' && last != '-');
        label = c == '.' ? 0 : label + 1;
        if (!fits || label > LABEL_MAX) {
            return false;
        }
        last = c;
    }
    return t.n <= FQDN_MAX && last != '.' && last != '-';
}

/* sec:relKeyID [TS-0003 12.2]. */
static bool is_relative(struct text t)
{
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        if (!is_alnum(c) && c != '.' && c != '_' && c != '-') {
            return false;
        }
    }
    return t.n > 0;
}

/* RelativeKeID@FQDN, from which the FQDN of the issuer is found again [TS-0003 10.3.4, 10.3.5; R001-87]. */
err_t keyid_of_relative(const struct keys_relative *id, struct text fqdn, struct keyid *out)
{
    out->z[0] = '\0';
    if (!keyid_is_fqdn(fqdn)) {
        return ERR_MALFORMED_ID;
    }
    struct keyid made;
    struct writer w = WRITER_ARRAY(made.z);
    hex_write_upper(&w, BYTES_ARRAY(id->b)); /* [CHOICE-14] */
    writer_z(&w, "@");
    writer_text(&w, fqdn);
    TRY(writer_finish_z(&w));
    *out = made;
    return ERR_OK;
}

err_t keyid_of_name(struct text name, struct text fqdn, struct keyid *out)
{
    out->z[0] = '\0';
    struct keyid made;
    struct writer w = WRITER_ARRAY(made.z);
    writer_text(&w, name);
    writer_z(&w, "@");
    writer_text(&w, fqdn);
    TRY(writer_finish_z(&w));
    struct keyid_parts parts;
    TRY(keyid_parse(writer_view_text(&w), &parts));
    *out = made;
    return ERR_OK;
}

err_t keyid_parse(struct text t, struct keyid_parts *out)
{
    size_t at = text_find(t, '@');
    if (t.n >= KEYID_MAX || at == t.n) {
        return ERR_MALFORMED_KEY_ID;
    }
    /* A second '@' is in neither alphabet. */
    struct keyid_parts parts = {text_take(t, at), text_skip(t, at + 1)};
    if (!is_relative(parts.relative) || !keyid_is_fqdn(parts.fqdn)) {
        return ERR_MALFORMED_KEY_ID;
    }
    *out = parts;
    return ERR_OK;
}

/* MAF_RELATIVE_KmID ignores case [TS-0003 10.6], hexBinary and host names too. Also for identifiers that people
 * chose (KpmId), so the form NAME@FQDN is not demanded here. */
err_t keyid_fold(struct text t, struct keyid *out)
{
    out->z[0] = '\0';
    if (t.n == 0) {
        return ERR_MALFORMED_KEY_ID;
    }
    TRY(TEXT_COPY(t, out->z));
    size_t at = text_find(t, '@');
    bool is_base64 = at == B_TID_RELATIVE && at < t.n && t.p[at - 1] == '='; /* of a B-TID: it keeps its case */
    for (size_t i = is_base64 ? at : 0; i < t.n; i++) {
        out->z[i] = text_lower(out->z[i]);
    }
    return ERR_OK;
}
