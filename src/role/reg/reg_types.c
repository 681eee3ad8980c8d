#include "role/reg/reg_types.h"

#include "role/detail.h"
#include "role/secret_text.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#include <string.h>

enum presence { NP, O, M }; /* not permitted, optional, mandatory */

typedef err_t read_fn(json_t *v, struct reg_content *out);

static struct text text_value(const json_t *v)
{
    return text_span(json_string_value(v), json_string_length(v));
}

static err_t read_et(json_t *v, struct reg_content *out)
{
    return timestamp_parse(text_value(v), &out->et) == ERR_OK ? ERR_OK : ERR_ATTRIBUTE_TYPE;
}

static err_t read_adfq(json_t *v, struct reg_content *out)
{
    out->adfq = text_value(v);
    return keyid_is_fqdn(out->adfq) ? ERR_OK : ERR_ATTRIBUTE_TYPE;
}

static err_t read_suid(json_t *v, struct reg_content *out)
{
    json_int_t n = json_is_integer(v) ? json_integer_value(v) : -1;
    if (n < 0 || n > 99) {
        return ERR_ATTRIBUTE_TYPE;
    }
    out->suid = (unsigned)n;
    return keys_usage_is_suid(out->suid) ? ERR_OK : ERR_MALFORMED_SUID; /* CHOICE-26 */
}

static err_t read_kv(json_t *v, struct reg_content *out)
{
    err_t e = json_is_string(v) ? secret_text_take(v, KEYS_PROVISIONED_MIN, KEYS_PROVISIONED_MAX, &out->kv) : ERR_BUG;
    return e == ERR_OK ? e : ERR_ATTRIBUTE_TYPE;
}

static bool is_label(struct text t)
{
    return t.n > 0 && t.n <= REG_TYPES_LABEL_MAX;
}

static bool is_entity(struct text t)
{
    enum m2mid_kind k = m2mid_kind(t);
    return t.n < M2MID_MAX && (k == M2MID_ABS_CSE || k == M2MID_ABS_AE_C || k == M2MID_ABS_AE_S || k == M2MID_FQDN);
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

static err_t read_lbl(json_t *v, struct reg_content *out)
{
    return read_list(v, is_label, &out->lbl);
}

static err_t read_tgis(json_t *v, struct reg_content *out)
{
    return read_list(v, is_entity, &out->tgis);
}

/* How an attribute may stand in the CREATE and the UPDATE of a client registration and of a key registration; the others
 * are the server's to set: RelativeKeyID (rn) among them [CHOICE-25]. A key's value cannot be changed [8.8.2.9]. */
static const struct {
    enum presence in[REG_FORMS];
    read_fn *read;
} attrs[REG_ATTR_COUNT] = {
    [REG_ATTR_ET] = {{M, O, O, O}, read_et},
    [REG_ATTR_LBL] = {{O, O, O, O}, read_lbl},
    [REG_ATTR_ADFQ] = {{M, NP, M, NP}, read_adfq},
    [REG_ATTR_SUID] = {{NP, NP, M, NP}, read_suid},
    [REG_ATTR_TGIS] = {{NP, NP, O, O}, read_tgis},
    [REG_ATTR_KV] = {{NP, NP, O, NP}, read_kv},
};

static err_t read_attr(enum reg_form form, const char *name, json_t *v, struct reg_content *out,
                       char detail[static ROLE_DETAIL_MAX])
{
    for (size_t a = 0; a < REG_ATTR_COUNT; a++) {
        if (strcmp(reg_attr_name((enum reg_attr)a), name) != 0) {
            continue;
        }
        if (attrs[a].in[form] == NP) {
            return detail_fail(detail, ERR_CONTENTS, "not permitted in this request", text_of(name));
        }
        out->has[a] = true;
        err_t e = attrs[a].read(v, out);
        return e == ERR_OK ? ERR_OK : detail_fail(detail, e, "attribute", text_of(name));
    }
    return detail_fail(detail, ERR_UNKNOWN_ATTRIBUTE, "attribute", text_of(name));
}

static err_t check_present(enum reg_form form, const struct reg_content *c, char detail[static ROLE_DETAIL_MAX])
{
    size_t n = 0;
    for (size_t a = 0; a < REG_ATTR_COUNT; a++) {
        n += c->has[a] ? 1 : 0;
        if (attrs[a].in[form] == M && !c->has[a]) {
            return detail_fail(detail, ERR_MISSING, "attribute", text_of(reg_attr_name((enum reg_attr)a)));
        }
    }
    return n > 0 ? ERR_OK : detail_fail(detail, ERR_MISSING, "an UPDATE changes at least one attribute", text_empty());
}

err_t reg_types_parse(enum reg_form form, uint32_t ty, const struct request *rq, struct reg_content *out,
                      char detail[static ROLE_DETAIL_MAX])
{
    memset(out, 0, sizeof(*out));
    const char *root = reg_attr_root(ty);
    json_t *obj = json_object_get(rq->prim->pc, root);
    if (!json_is_object(obj) || json_object_size(rq->prim->pc) != 1) {
        return detail_fail(detail, ERR_MISSING, "the content must be one object", text_of(root));
    }
    const char *name = NULL;
    json_t *v = NULL;
    json_object_foreach(obj, name, v)
    {
        TRY(read_attr(form, name, v, out, detail));
    }
    TRY(check_present(form, out, detail));
    if (out->has[REG_ATTR_ET] && out->et <= rq->now) {
        return detail_fail(detail, ERR_CONTENTS, "et has passed", text_empty());
    }
    return ERR_OK;
}

void reg_types_wipe(struct reg_content *c)
{
    secret_wipe(&c->kv);
}

void reg_types_emit_list(struct emit *e, enum reg_attr a, const struct rec_list *l)
{
    if (l->n == 0) {
        return;
    }
    emit_array(e, reg_attr_name(a));
    for (size_t i = 0; i < l->n; i++) {
        emit_text(e, NULL, l->at[i]);
    }
    emit_close_array(e);
}
