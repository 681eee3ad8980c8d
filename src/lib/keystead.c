/* From the plain types of the installed header to the core and back; no derivation and no message is written here. */
#include <keystead/keystead.h>

#include "base/ct.h"
#include "keys/keyid.h"
#include "lib/port.h"
#include "wire/body.h"
#include "wire/json_member.h"
#include "wire/m2mid.h"
#include "wire/reg_attr.h"

#include <string.h>

#define SECONDS_LAST INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

_Static_assert(KEYSTEAD_EXPORT_LEN == KEYS_EXPORT_LEN && KEYSTEAD_KEY_LEN == KEYS_DERIVED_LEN, "keys.h");
_Static_assert(KEYSTEAD_ID_MAX == KEYID_MAX, "keyid.h");
_Static_assert((int)KEYSTEAD_TY_CLIENT_REGISTRATION == (int)REG_ATTR_TY_MAF_CLIENT &&
                   (int)KEYSTEAD_TY_KEY_REGISTRATION == (int)REG_ATTR_TY_KEY,
               "reg_attr.h");
_Static_assert((int)KEYSTEAD_TY_AE == (int)BODY_TY_AE && (int)KEYSTEAD_TY_CONTENT == (int)BODY_TY_CONTENT, "body.h");
_Static_assert(sizeof(KEYSTEAD_LABEL_BOOTSTRAP) == sizeof(KEYS_LABEL_BOOTSTRAP) &&
                   sizeof(KEYSTEAD_LABEL_CONNECTION) == sizeof(KEYS_LABEL_CONNECTION),
               "keys.h");

/* -- keys -------------------------------------------------------------------------------------------------- */
void keystead_wipe(void *p, size_t n)
{
    if (p != NULL) {
        ct_wipe(p, n);
    }
}

/* What a derivation works on; wiped as a whole. */
struct work {
    struct keys_export exported;
    struct key_ke ke;
    struct secret out;
};

static void work_wipe(struct work *w)
{
    ct_wipe(w, sizeof(*w));
}

static void give(const struct secret *s, keystead_key *out)
{
    memcpy(out->b, secret_view(s).p, sizeof(out->b)); /* every derived key has KEYS_DERIVED_LEN octets */
}

static err_t id_of(const struct keys_relative *relative, const char *fqdn, keystead_id *out)
{
    struct keyid id;
    TRY(keyid_of_relative(relative, text_of(fqdn), &id));
    memcpy(out->z, id.z, sizeof(out->z));
    return ERR_OK;
}

static bool split_begin(const uint8_t *exported, const char *fqdn, keystead_key *key, keystead_id *id)
{
    if (key != NULL) {
        ct_wipe(key, sizeof(*key));
    }
    if (id != NULL) {
        id->z[0] = '\0';
    }
    return exported != NULL && fqdn != NULL && key != NULL && id != NULL;
}

keystead_result keystead_ke(const uint8_t exported[KEYSTEAD_EXPORT_LEN], const char *mef_fqdn, keystead_key *ke,
                            keystead_id *ke_id)
{
    SCOPED(work_wipe) struct work w = {.exported = {.set = true}};
    struct keys_relative relative;
    if (!split_begin(exported, mef_fqdn, ke, ke_id)) {
        return KEYSTEAD_BAD_ARGUMENT;
    }
    memcpy(w.exported.b, exported, sizeof(w.exported.b));
    err_t e = keys_ke_split(&w.exported, &w.ke, &relative);
    e = e == ERR_OK ? id_of(&relative, mef_fqdn, ke_id) : e;
    if (e == ERR_OK) {
        give(&w.ke.s, ke);
    }
    return port_result(e);
}

keystead_result keystead_kc(const uint8_t exported[KEYSTEAD_EXPORT_LEN], const char *maf_fqdn, keystead_key *kc,
                            keystead_id *kc_id)
{
    SCOPED(work_wipe) struct work w = {.exported = {.set = true}};
    struct key_kc got = {0};
    struct keys_relative relative;
    if (!split_begin(exported, maf_fqdn, kc, kc_id)) {
        return KEYSTEAD_BAD_ARGUMENT;
    }
    memcpy(w.exported.b, exported, sizeof(w.exported.b));
    err_t e = keys_kc_split(&w.exported, &got, &relative);
    e = e == ERR_OK ? id_of(&relative, maf_fqdn, kc_id) : e;
    if (e == ERR_OK) {
        give(&got.s, kc);
    }
    secret_wipe(&got.s);
    return port_result(e);
}

/* One derivation below Ke, in the type that all of them can be put into. */
typedef err_t derive_fn(const struct crypto *c, const struct key_ke *ke, unsigned suid, struct text target,
                        struct secret *out);

static err_t derive_km(const struct crypto *c, const struct key_ke *ke, unsigned suid, struct text target,
                       struct secret *out)
{
    struct key_km km = {0};
    (void)suid;
    err_t e = keys_km_usage(c, ke, target, &km);
    *out = km.s;
    secret_wipe(&km.s);
    return e;
}

static err_t derive_km_seed(const struct crypto *c, const struct key_ke *ke, unsigned suid, struct text target,
                            struct secret *out)
{
    struct key_km km = {0};
    (void)suid;
    err_t e = keys_km_derive(c, ke, target, &km);
    *out = km.s;
    secret_wipe(&km.s);
    return e;
}

static err_t derive_kpsa(const struct crypto *c, const struct key_ke *ke, unsigned suid, struct text target,
                         struct secret *out)
{
    struct key_kpsa kpsa = {0};
    (void)suid;
    err_t e = keys_kpsa_derive(c, ke, target, &kpsa);
    *out = kpsa.s;
    secret_wipe(&kpsa.s);
    return e;
}

static err_t derive_usage(const struct crypto *c, const struct key_ke *ke, unsigned suid, struct text target,
                          struct secret *out)
{
    struct key_usage k = {0};
    err_t e = keys_usage_derive(c, ke, suid, target, &k);
    *out = k.s;
    secret_wipe(&k.s);
    return e;
}

static keystead_result derive(derive_fn *run, const keystead_crypto *c, const keystead_key *ke, unsigned suid,
                              const char *target, keystead_key *out)
{
    SCOPED(work_wipe) struct work w = {.exported = {.set = false}};
    if (out == NULL || c == NULL || c->hmac_sha256 == NULL || ke == NULL || target == NULL) {
        keystead_wipe(out, sizeof(*out));
        return KEYSTEAD_BAD_ARGUMENT;
    }
    const struct port port = port_of(c);
    const struct crypto crypto = {.port = &port.head};
    err_t e = secret_set(&w.ke.s, BYTES_ARRAY(ke->b));
    ct_wipe(out, sizeof(*out)); /* may be ke itself */
    e = e == ERR_OK ? run(&crypto, &w.ke, suid, text_of(target), &w.out) : e;
    if (e == ERR_OK) {
        give(&w.out, out);
    }
    return port_result(e);
}

keystead_result keystead_km(const keystead_crypto *c, const keystead_key *ke, const char *maf_fqdn, keystead_key *km)
{
    return derive(derive_km, c, ke, 0, maf_fqdn, km);
}

keystead_result keystead_km_seed(const keystead_crypto *c, const keystead_key *ke, const char *maf_fqdn, keystead_key *km)
{
    return derive(derive_km_seed, c, ke, 0, maf_fqdn, km);
}

keystead_result keystead_kpsa(const keystead_crypto *c, const keystead_key *ke, const char *target, keystead_key *kpsa)
{
    return derive(derive_kpsa, c, ke, 0, target, kpsa);
}

keystead_result keystead_usage_key(const keystead_crypto *c, const keystead_key *ke, unsigned suid,
                                   const char *target_fqdn, keystead_key *key)
{
    return derive(derive_usage, c, ke, suid, target_fqdn, key);
}

/* -- bodies ------------------------------------------------------------------------------------------------ */
static bool is_time(int64_t seconds)
{
    return seconds >= 0 && seconds <= SECONDS_LAST;
}

static bool is_entity(const char *z)
{
    enum m2mid_kind k = m2mid_kind(text_of(z));
    return k == M2MID_ABS_CSE || k == M2MID_ABS_AE_C || k == M2MID_ABS_AE_S;
}

static struct writer body_begin(keystead_buffer *out)
{
    out->n = 0;
    return writer_of(out->p, out->cap);
}

static keystead_result body_end(keystead_buffer *out, struct writer *w, err_t e)
{
    e = e == ERR_OK ? writer_finish_z(w) : e;
    if (e == ERR_OK) {
        out->n = w->n;
    } else if (out->cap > 0) {
        out->p[0] = '\0';
    }
    return port_result(e);
}

static bool is_usable(const keystead_buffer *b)
{
    return b != NULL && b->p != NULL;
}

keystead_result keystead_body_client_registration(keystead_buffer *out, int64_t expires, const char *admin_fqdn)
{
    if (!is_usable(out) || admin_fqdn == NULL || !is_time(expires)) {
        return KEYSTEAD_BAD_ARGUMENT;
    }
    struct writer w = body_begin(out);
    struct text admin = text_of(admin_fqdn);
    return body_end(out, &w, keyid_is_fqdn(admin) ? body_client_write(&w, expires * USEC_PER_SEC, admin) : ERR_MALFORMED_ID);
}

keystead_result keystead_body_key_registration(keystead_buffer *out, int64_t expires, const char *admin_fqdn,
                                               const char *target)
{
    if (!is_usable(out) || admin_fqdn == NULL || target == NULL || !is_time(expires)) {
        return KEYSTEAD_BAD_ARGUMENT;
    }
    struct writer w = body_begin(out);
    struct text admin = text_of(admin_fqdn);
    bool good = keyid_is_fqdn(admin) && is_entity(target);
    return body_end(out, &w, good ? body_key_write(&w, expires * USEC_PER_SEC, admin, text_of(target)) : ERR_MALFORMED_ID);
}

keystead_result keystead_body_update(keystead_buffer *out, bool key, int64_t expires)
{
    if (!is_usable(out) || !is_time(expires) || expires == 0) {
        return KEYSTEAD_BAD_ARGUMENT;
    }
    struct writer w = body_begin(out);
    uint32_t ty = key ? REG_ATTR_TY_KEY : REG_ATTR_TY_MAF_CLIENT;
    return body_end(out, &w, body_update_write(&w, ty, expires * USEC_PER_SEC, text_empty()));
}

keystead_result keystead_body_ae(keystead_buffer *out, const char *app_id, bool reachable)
{
    if (!is_usable(out) || app_id == NULL) {
        return KEYSTEAD_BAD_ARGUMENT;
    }
    struct writer w = body_begin(out);
    struct text app = text_of(app_id);
    return body_end(out, &w, m2mid_is_app_id(app) ? body_ae_write(&w, app, reachable) : ERR_MALFORMED_ID);
}

keystead_result keystead_body_content(keystead_buffer *out, const char *content)
{
    if (!is_usable(out) || content == NULL) {
        return KEYSTEAD_BAD_ARGUMENT;
    }
    struct writer w = body_begin(out);
    return body_end(out, &w, body_content_write(&w, text_of(content)));
}

/* -- answers ------------------------------------------------------------------------------------------------ */
static err_t member(struct text object, enum reg_attr a, bool in_array, struct text *out)
{
    struct text raw;
    TRY(json_member_find(object, reg_attr_name(a), &raw));
    *out = json_member_text(raw, in_array);
    return raw.n > 0 && out->n == 0 ? ERR_PEER_NONSENSE : ERR_OK; /* there, but not of its type */
}

static err_t answer_parse(keystead_octets body, uint32_t ty, struct body_answer *out)
{
    struct text root, suid;
    *out = (struct body_answer){.suid = 0};
    TRY(json_member_find(text_span((const char *)body.p, body.n), reg_attr_root(ty), &root));
    TRY(member(root, REG_ATTR_RI, false, &out->ri));
    TRY(member(root, REG_ATTR_RN, false, &out->rn));
    TRY(member(root, REG_ATTR_ASKI, false, &out->aski));
    TRY(member(root, REG_ATTR_ET, false, &out->et));
    TRY(member(root, REG_ATTR_ADFQ, false, &out->adfq));
    if (ty == REG_ATTR_TY_KEY) {
        TRY(member(root, REG_ATTR_TGIS, true, &out->target));
        TRY(json_member_find(root, reg_attr_name(REG_ATTR_SUID), &suid));
        return text_u64(suid, BODY_SUID_SAEF, &out->suid) == ERR_OK ? ERR_OK : ERR_PEER_NONSENSE;
    }
    return ERR_OK;
}

static err_t client_registered(keystead_octets body, const struct body_expected *expected, keystead_registration *out)
{
    struct body_answer a;
    usec_t et = 0;
    const char *wrong = "";
    TRY(answer_parse(body, REG_ATTR_TY_MAF_CLIENT, &a));
    TRY(body_client_check(&a, expected, &et, &wrong));
    TRY(TEXT_COPY(a.ri, out->resource) == ERR_OK ? ERR_OK : ERR_PEER_NONSENSE);
    TRY(TEXT_COPY(a.aski, out->km_id.z) == ERR_OK ? ERR_OK : ERR_PEER_NONSENSE);
    out->expires = et / USEC_PER_SEC;
    return ERR_OK;
}

keystead_result keystead_client_registered(keystead_octets body, int64_t now, const char *admin_fqdn,
                                           keystead_registration *out)
{
    if (out == NULL) {
        return KEYSTEAD_BAD_ARGUMENT;
    }
    memset(out, 0, sizeof(*out));
    if (body.p == NULL || admin_fqdn == NULL || !is_time(now)) {
        return KEYSTEAD_BAD_ARGUMENT;
    }
    const struct body_expected expected = {.admin_fqdn = text_of(admin_fqdn), .now = now * USEC_PER_SEC};
    err_t e = client_registered(body, &expected, out);
    if (e != ERR_OK) {
        memset(out, 0, sizeof(*out));
    }
    return port_result(e);
}

static err_t key_registered(keystead_octets body, const struct body_expected *expected, int64_t *expires)
{
    struct body_answer a;
    usec_t et = 0;
    const char *wrong = "";
    TRY(answer_parse(body, REG_ATTR_TY_KEY, &a));
    TRY(body_key_check(&a, expected, &et, &wrong));
    *expires = et / USEC_PER_SEC;
    return ERR_OK;
}

keystead_result keystead_key_registered(keystead_octets body, int64_t now, const keystead_key_request *asked,
                                        int64_t *expires)
{
    if (expires == NULL) {
        return KEYSTEAD_BAD_ARGUMENT;
    }
    *expires = 0;
    if (body.p == NULL || asked == NULL || asked->admin_fqdn == NULL || asked->target == NULL || asked->kc_id == NULL ||
        !is_time(now)) {
        return KEYSTEAD_BAD_ARGUMENT;
    }
    struct text kc_id = text_of(asked->kc_id->z);
    const struct body_expected expected = {.admin_fqdn = text_of(asked->admin_fqdn),
                                           .target = text_of(asked->target),
                                           .relative = text_take(kc_id, text_find(kc_id, '@')),
                                           .now = now * USEC_PER_SEC};
    return port_result(key_registered(body, &expected, expires));
}

static err_t updated(keystead_octets body, bool key, usec_t now, usec_t *et, keystead_id *km_id)
{
    struct text root;
    struct body_answer a = {.suid = 0};
    const char *wrong = "";
    TRY(json_member_find(text_span((const char *)body.p, body.n),
                         reg_attr_root(key ? REG_ATTR_TY_KEY : REG_ATTR_TY_MAF_CLIENT), &root));
    TRY(member(root, REG_ATTR_ET, false, &a.et));
    TRY(member(root, REG_ATTR_ASKI, false, &a.aski));
    TRY(body_update_check(&a, true, now, et, &wrong));
    return TEXT_COPY(a.aski, km_id->z) == ERR_OK ? ERR_OK : ERR_PEER_NONSENSE;
}

keystead_result keystead_updated(keystead_octets body, bool key, int64_t now, int64_t *expires, keystead_id *km_id)
{
    usec_t et = 0;
    if (expires == NULL || km_id == NULL) {
        return KEYSTEAD_BAD_ARGUMENT;
    }
    *expires = 0;
    km_id->z[0] = '\0';
    if (body.p == NULL || !is_time(now)) {
        return KEYSTEAD_BAD_ARGUMENT;
    }
    err_t e = updated(body, key, now * USEC_PER_SEC, &et, km_id);
    *expires = e == ERR_OK ? et / USEC_PER_SEC : 0;
    return port_result(e);
}
