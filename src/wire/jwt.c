#include "wire/jwt.h"

#include "keys/keyid.h"
#include "wire/m2mid.h"

#define SECONDS_MAX INT64_C(253402300799) /* the end of the year 9999 */

void jwt_wipe(struct jwt *j)
{
    json_decref(j->root);
    *j = (struct jwt){.root = NULL};
}

/* Presence and type of a text claim. */
static err_t text_claim(const json_t *root, const char *name, bool must, struct text *out)
{
    const json_t *v = json_object_get(root, name);
    *out = json_get_text(root, name);
    bool good = v == NULL ? !must : json_is_string(v) && out->n > 0 && out->n <= 2 * M2MID_MAX;
    return good ? ERR_OK : ERR_TOKEN_FORM;
}

/* NumericDate: seconds, possibly with a fraction [RFC 7519 2]. */
static err_t date_claim(const json_t *root, const char *name, usec_t *out)
{
    const json_t *v = json_object_get(root, name);
    double seconds = json_number_value(v);
    if (!json_is_number(v) || !(seconds >= 0 && seconds <= (double)SECONDS_MAX)) {
        return ERR_TOKEN_FORM;
    }
    *out = json_is_integer(v) ? json_integer_value(v) * USEC_PER_SEC : (usec_t)(seconds * (double)USEC_PER_SEC);
    return ERR_OK;
}

/* A list, as the profile has it; RFC 7519 4.1.3 would take a single text as well. */
static err_t audience_claim(const json_t *root, const json_t **out)
{
    const json_t *v = json_object_get(root, "aud");
    bool good = v == NULL || (json_is_array(v) && json_array_size(v) <= 64);
    for (size_t i = 0; good && i < json_array_size(v); i++) {
        good = json_is_string(json_array_get(v, i)) && json_string_length(json_array_get(v, i)) > 0;
    }
    *out = v;
    return good ? ERR_OK : ERR_TOKEN_FORM;
}

err_t jwt_parse(struct bytes claims, struct jwt *out, const char **fault)
{
    struct text extension;
    *out = (struct jwt){.root = NULL};
    *fault = "claims";
    if (claims.n > JWT_MAX || json_parse(claims, &out->root) != ERR_OK) {
        return ERR_TOKEN_FORM;
    }
    const struct {
        const char *name;
        bool must;
        struct text *to;
    } texts[] = {{"tkvr", true, &out->version}, {"jti", true, &out->id}, {"iss", true, &out->issuer}, {"azp", true, &out->holder},
                 {"tknm", false, &out->name}, {"tkex", false, &extension}};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        *fault = texts[i].name;
        TRY(text_claim(out->root, texts[i].name, texts[i].must, texts[i].to));
    }
    struct keyid_parts id;
    *fault = "jti"; /* NAME@FQDN [TS-0004 table 6.3.3-1]: it goes into a header */
    TRY(keyid_parse(out->id, &id) == ERR_OK ? ERR_OK : ERR_TOKEN_FORM);
    *fault = "nbf";
    TRY(date_claim(out->root, "nbf", &out->not_before));
    *fault = "exp";
    TRY(date_claim(out->root, "exp", &out->not_after));
    *fault = "aud";
    TRY(audience_claim(out->root, &out->audience));
    *fault = "tkps";
    out->permissions = json_object_get(out->root, "tkps");
    return out->permissions == NULL || json_is_object(out->permissions) ? ERR_OK : ERR_TOKEN_FORM;
}
