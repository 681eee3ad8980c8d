#include "role/maf/maf_types.h"

#include "role/detail.h"
#include "role/secret_text.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#include <string.h>

enum presence { NP, O, M }; /* not permitted, optional, mandatory in a CREATE */

typedef err_t read_fn(json_t *v, struct maf_content *out);

static struct text text_value(const json_t *v)
{
    return text_span(json_string_value(v), json_string_length(v));
}

static err_t read_et(json_t *v, struct maf_content *out)
{
    return timestamp_parse(text_value(v), &out->et) == ERR_OK ? ERR_OK : ERR_ATTRIBUTE_TYPE;
}

static err_t read_adfq(json_t *v, struct maf_content *out)
{
    out->adfq = text_value(v);
    return keyid_is_fqdn(out->adfq) ? ERR_OK : ERR_ATTRIBUTE_TYPE;
}

static err_t read_suid(json_t *v, struct maf_content *out)
{
    json_int_t n = json_is_integer(v) ? json_integer_value(v) : -1;
    if (n < 0 || n > 99) {
        return ERR_ATTRIBUTE_TYPE;
    }
    out->suid = (unsigned)n;
    return keys_usage_is_suid(out->suid) ? ERR_OK : ERR_MALFORMED_SUID; /* CHOICE-26 */
}

static err_t read_kv(json_t *v, struct maf_content *out)
{
    return json_is_string(v) && secret_text_take(v, &out->kv) == ERR_OK ? ERR_OK : ERR_ATTRIBUTE_TYPE;
}

static bool is_label(struct text t)
{
    return t.n > 0 && t.n <= MAF_TYPES_LABEL_MAX;
}

static bool is_entity(struct text t)
{
    enum m2mid_kind k = m2mid_kind(t);
    return t.n < M2MID_MAX && (k == M2MID_ABS_CSE || k == M2MID_ABS_AE_C || k == M2MID_ABS_AE_S);
}

static err_t read_list(json_t *v, bool (*is_item)(struct text t), struct rec_list *out)
{
    if (!json_is_array(v) || json_array_size(v) == 0 || json_array_size(v) > REC_LIST_MAX) {
        return ERR_ATTRIBUTE_TYPE;
    }
    for (size_t i = 0; i < json_array_size(v); i++) {
        struct text t = text_value(json_array_get(v, i));
        for (size_t k = 0; k < out->n; k++) {
            if (text_eq(out->at[k], t)) {
                return ERR_ATTRIBUTE_TYPE;
            }
        }
        if (!is_item(t)) {
            return ERR_ATTRIBUTE_TYPE;
        }
        out->at[out->n++] = t;
    }
    return ERR_OK;
}

static err_t read_lbl(json_t *v, struct maf_content *out)
{
    return read_list(v, is_label, &out->lbl);
}

static err_t read_tgis(json_t *v, struct maf_content *out)
{
    return read_list(v, is_entity, &out->tgis);
}

/* in mafClientReg, in symmKeyReg, how it is read */
static const struct {
    enum presence client, key;
    read_fn *read;
} attrs[MAF_ATTR_COUNT] = {
    [MAF_ATTR_RI] = {NP, NP, NULL},
    [MAF_ATTR_RN] = {NP, NP, NULL}, /* RelativeKeyID is the MAF's to choose [CHOICE-25] */
    [MAF_ATTR_TY] = {NP, NP, NULL},
    [MAF_ATTR_PI] = {NP, NP, NULL},
    [MAF_ATTR_CT] = {NP, NP, NULL},
    [MAF_ATTR_LT] = {NP, NP, NULL},
    [MAF_ATTR_ET] = {M, O, read_et},
    [MAF_ATTR_LBL] = {O, O, read_lbl},
    [MAF_ATTR_CR] = {NP, NP, NULL},
    [MAF_ATTR_ADFQ] = {M, M, read_adfq},
    [MAF_ATTR_ASKI] = {NP, NP, NULL},
    [MAF_ATTR_SUID] = {NP, M, read_suid},
    [MAF_ATTR_TGIS] = {NP, O, read_tgis},
    [MAF_ATTR_KV] = {NP, O, read_kv},
};

static enum presence presence_of(uint32_t ty, size_t a)
{
    return ty == MAF_TYPES_CLIENT_REG ? attrs[a].client : attrs[a].key;
}

const char *maf_types_name(enum maf_attr a)
{
    return maf_attr_name(a);
}

const char *maf_types_root(uint32_t ty)
{
    return maf_attr_root(ty);
}

static err_t read_attr(uint32_t ty, const char *name, json_t *v, struct maf_content *out,
                       char detail[static ROLE_DETAIL_MAX])
{
    for (size_t a = 0; a < MAF_ATTR_COUNT; a++) {
        if (strcmp(maf_attr_name(a), name) != 0) {
            continue;
        }
        if (presence_of(ty, a) == NP) {
            return detail_fail(detail, ERR_CONTENTS, "not permitted in a CREATE", text_of(name));
        }
        out->has[a] = true;
        err_t e = attrs[a].read(v, out);
        return e == ERR_OK ? ERR_OK : detail_fail(detail, e, "attribute", text_of(name));
    }
    return detail_fail(detail, ERR_UNKNOWN_ATTRIBUTE, "attribute", text_of(name));
}

err_t maf_types_parse(uint32_t ty, json_t *pc, usec_t now, struct maf_content *out,
                      char detail[static ROLE_DETAIL_MAX])
{
    memset(out, 0, sizeof(*out));
    const char *root = maf_types_root(ty);
    json_t *obj = json_object_get(pc, root);
    if (!json_is_object(obj) || json_object_size(pc) != 1) {
        return detail_fail(detail, ERR_MISSING, "the content must be one object", text_of(root));
    }
    const char *name = NULL;
    json_t *v = NULL;
    json_object_foreach(obj, name, v)
    {
        TRY(read_attr(ty, name, v, out, detail));
    }
    for (size_t a = 0; a < MAF_ATTR_COUNT; a++) {
        if (presence_of(ty, a) == M && !out->has[a]) {
            return detail_fail(detail, ERR_MISSING, "attribute", text_of(maf_attr_name(a)));
        }
    }
    if (out->has[MAF_ATTR_ET] && out->et <= now) {
        return detail_fail(detail, ERR_CONTENTS, "et has passed", text_empty());
    }
    return ERR_OK;
}

void maf_types_wipe(struct maf_content *c)
{
    secret_wipe(&c->kv);
}

void maf_types_emit_list(struct emit *e, enum maf_attr a, const struct rec_list *l)
{
    if (l->n == 0) {
        return;
    }
    emit_array(e, maf_types_name(a));
    for (size_t i = 0; i < l->n; i++) {
        emit_text(e, NULL, l->at[i]);
    }
    emit_close_array(e);
}
