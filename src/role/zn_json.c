/* Zn in JSON, in the manner of Nbsp_GBA [TS 29.309 6.1]: NAF_Id and keys are base64, as everywhere between our authorities. */
#include "role/detail.h"
#include "role/emit.h"
#include "role/fetched.h"
#include "role/secret_text.h"
#include "role/zn.h"
#include "wire/bsf_info.h"
#include "wire/json.h"

/* -- the question ------------------------------------------------------------------------------------------- */
static err_t ask_write(const struct zn_ask *a, struct writer *w)
{
    char octets[BASE64_LEN(GBA_FQDN_MAX + GBA_UA_LEN)];
    struct writer naf = WRITER_ARRAY(octets);
    struct emit e = emit_to(w);
    base64_write(&naf, naf_id_view(&a->naf_id));
    TRY(writer_finish(&naf));
    emit_object(&e, NULL);
    emit_z(&e, "btId", a->b_tid);
    emit_text(&e, "nafId", writer_view_text(&naf));
    emit_bool(&e, "gbaUAware", a->gba_u_aware);
    if (a->gsids_n > 0) {
        emit_array(&e, "gsIds");
        for (size_t i = 0; i < a->gsids_n; i++) {
            emit_number(&e, NULL, a->gsids[i]);
        }
        emit_close_array(&e);
    }
    emit_close_object(&e);
    return writer_finish(w);
}

static err_t take_naf_id(struct text t, struct naf_id *out, char detail[static ROLE_DETAIL_MAX])
{
    uint8_t octets[GBA_FQDN_MAX + GBA_UA_LEN];
    struct writer w = WRITER_ARRAY(octets);
    if (base64_parse(t, &w) != ERR_OK || naf_id_parse(writer_view(&w), out) != ERR_OK) {
        return detail_fail(detail, ERR_MALFORMED_ID, "nafId is base64 of an FQDN and 5 octets", t);
    }
    return ERR_OK;
}

static err_t take_gsids(const json_t *list, struct zn_ask *out, char detail[static ROLE_DETAIL_MAX])
{
    size_t i;
    json_t *v;
    if (list != NULL && !json_is_array(list)) {
        return detail_fail(detail, ERR_ATTRIBUTE_TYPE, "gsIds", text_empty());
    }
    json_array_foreach(list, i, v) {
        if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > UINT32_MAX) {
            return detail_fail(detail, ERR_ATTRIBUTE_TYPE, "gsIds", text_empty());
        }
        if (out->gsids_n == ZN_GSIDS_MAX) {
            return detail_fail(detail, ERR_LIMIT_CAPACITY, "gsIds", text_empty());
        }
        out->gsids[out->gsids_n++] = (uint32_t)json_integer_value(v);
    }
    return ERR_OK;
}

static err_t ask_read(const struct primitive *p, struct zn_ask *out, char detail[static ROLE_DETAIL_MAX])
{
    const json_t *aware = json_object_get(p->pc, "gbaUAware");
    if (!media_is_content(p->media)) {
        return ERR_MEDIA_TYPE;
    }
    if (p->pc == NULL) {
        return detail_fail(detail, ERR_MISSING, "btId, nafId", text_empty());
    }
    if (aware != NULL && !json_is_boolean(aware)) {
        return detail_fail(detail, ERR_ATTRIBUTE_TYPE, "gbaUAware", text_empty());
    }
    out->gba_u_aware = json_is_true(aware);
    TRY(take_naf_id(json_get_text(p->pc, "nafId"), &out->naf_id, detail));
    struct text b_tid = json_get_text(p->pc, "btId");
    if (TEXT_COPY(b_tid, out->b_tid) != ERR_OK) {
        return detail_fail(detail, ERR_MALFORMED_KEY_ID, "btId", b_tid);
    }
    return take_gsids(json_object_get(p->pc, "gsIds"), out, detail);
}

/* -- the answer --------------------------------------------------------------------------------------------- */
static void time_member(struct emit *e, const char *name, usec_t t)
{
    char z[32];
    struct writer w = WRITER_ARRAY(z);
    bsf_info_time_write(&w, t);
    emit_text(e, name, writer_view_text(&w));
}

static void uss_member(struct emit *e, const struct uss *u)
{
    emit_object(e, NULL);
    emit_object(e, "uss");
    emit_number(e, "gsId", u->gsid);
    emit_number(e, "gsType", u->type);
    emit_z_if(e, "nafGroup", u->group);
    emit_array(e, "ueIds");
    for (size_t i = 0; i < u->uids_n; i++) {
        emit_object(e, NULL);
        emit_z(e, "ueId", u->uids[i]);
        emit_close_object(e);
    }
    emit_close_array(e);
    emit_array(e, "flags");
    for (size_t i = 0; i < u->flags_n; i++) {
        emit_object(e, NULL);
        emit_number(e, "flag", u->flags[i]);
        emit_close_object(e);
    }
    emit_close_array(e);
    emit_close_object(e);
    emit_close_object(e);
}

static void answer_write(const struct zn_ask *to, const struct zn_answer *a, struct writer *w)
{
    struct emit e = emit_to(w);
    emit_object(&e, NULL);
    emit_z_if(&e, "impi", a->impi.z);
    emit_secret(&e, "meKeyMaterial", &a->me); /* R001-136, R001-137 */
    if (a->gba_u && to->gba_u_aware) {
        emit_secret(&e, "uiccKeyMaterial", &a->uicc);
    }
    time_member(&e, "keyExpiryTime", a->not_after); /* R001-134 */
    time_member(&e, "bootstrappingInfoCreationTime", a->made);
    emit_z_if(&e, "enroleeID", a->enrolee_id.z); /* R001-122 */
    if (a->uss_n > 0) { /* R001-135 */
        emit_array(&e, "ussList");
        for (size_t i = 0; i < a->uss_n; i++) {
            uss_member(&e, &a->uss[i]);
        }
        emit_close_array(&e);
    }
    emit_close_object(&e);
}

/* A member of each item, as text; a number as its digits. */
static err_t take_items(const json_t *list, const char *name, struct uss *out, err_t (*take)(struct uss *u, struct text value))
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        char digits[24];
        struct writer w = WRITER_ARRAY(digits);
        const json_t *v = json_object_get(item, name);
        if (json_is_integer(v) && json_integer_value(v) >= 0) {
            writer_decimal(&w, (uint64_t)json_integer_value(v));
            TRY(take(out, writer_view_text(&w)));
        } else {
            TRY(take(out, text_span(json_string_value(v), json_string_length(v))));
        }
    }
    return ERR_OK;
}

static bool take_number(const json_t *v, uint32_t *out)
{
    if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > UINT32_MAX) {
        return false;
    }
    *out = (uint32_t)json_integer_value(v);
    return true;
}

static err_t take_uss(const json_t *obj, struct uss *out)
{
    const json_t *type = json_object_get(obj, "gsType");
    struct text group = json_get_text(obj, "nafGroup");
    *out = (struct uss){.gsid = 0};
    if (!take_number(json_object_get(obj, "gsId"), &out->gsid) || (type != NULL && !take_number(type, &out->type))) {
        return ERR_MALFORMED_USS;
    }
    TRY(group.n > 0 ? uss_set_group(out, group) : ERR_OK);
    TRY(take_items(json_object_get(obj, "ueIds"), "ueId", out, uss_add_uid));
    return take_items(json_object_get(obj, "flags"), "flag", out, uss_add_flag);
}

static err_t take_uss_list(const json_t *list, struct zn_answer *out)
{
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item) {
        TRY(out->uss_n < USS_MAX ? take_uss(json_object_get(item, "uss"), &out->uss[out->uss_n]) : ERR_LIMIT_CAPACITY);
        out->uss_n++;
    }
    return ERR_OK;
}

static err_t take_key(json_t *v, struct secret *out)
{
    return secret_text_take(v, KEYS_DERIVED_LEN, KEYS_DERIVED_LEN, out);
}

/* R001-136 .. R001-138, R001-140: Ks_NAF, or Ks_ext_NAF, which has the same name here. R001-139: Ks_int_NAF for a client in the card. */
static err_t success(json_t *obj, struct zn_answer *out)
{
    struct text made = json_get_text(obj, "bootstrappingInfoCreationTime");
    json_t *uicc = json_object_get(obj, "uiccKeyMaterial");
    out->gba_u = uicc != NULL;
    TRY(TEXT_COPY(json_get_text(obj, "impi"), out->impi.z));
    TRY(take_key(json_object_get(obj, "meKeyMaterial"), &out->me));
    TRY(uicc != NULL ? take_key(uicc, &out->uicc) : ERR_OK);
    TRY(bsf_info_time_parse(json_get_text(obj, "keyExpiryTime"), &out->not_after));
    TRY(made.n > 0 ? bsf_info_time_parse(made, &out->made) : ERR_OK);
    TRY(fetched_enrolee(json_object_get(obj, "enroleeID"), &out->enrolee_id));
    return take_uss_list(json_object_get(obj, "ussList"), out);
}

static void wiped_scope(json_t **v)
{
    secret_text_wipe(*v); /* the key that is not ours to use, too */
    json_scope(v);
}

/* A BSF of ours says its reason code first; any other says with 404 that it has no such B-TID. */
static err_t refusal(unsigned status, const json_t *obj)
{
    struct text said = json_get_text(obj, "m2m:dbg");
    struct text code = text_take(said, text_find(said, ':'));
    if (text_eq_z(code, err_code(ERR_DENIED_EXPIRED))) {
        return ERR_DENIED_EXPIRED;
    }
    return text_eq_z(code, err_code(ERR_DENIED_B_TID)) || status == 404 ? ERR_DENIED_B_TID : ERR_DENIED_FETCH;
}

static err_t answer_read(unsigned status, struct bytes body, struct zn_answer *out)
{
    SCOPED(wiped_scope) json_t *obj = NULL;
    err_t e = json_parse(body, &obj);
    if (status >= 400 && status < 500) {
        return refusal(status, e == ERR_OK ? obj : NULL);
    }
    return status == 200 && e == ERR_OK && success(obj, out) == ERR_OK ? ERR_OK : ERR_PEER_NONSENSE;
}

const struct zn_form zn_json_form = {
    .name = "json",
    .path = "/nbsp-gba/v1/bootstrapping-info-retrieval",
    .media = MEDIA_JSON,
    .ask_write = ask_write,
    .ask_read = ask_read,
    .answer_write = answer_write,
    .answer_read = answer_read,
};
