#include "role/cse/cse_enrolled.h"

#include "role/cse/cse_ops.h"
#include "role/cse/cse_sub.h"
#include "wire/json.h"

static size_t room(const struct types_row *type, const char *name)
{
    const struct types_attr *a = types_attr_find(type, name);
    return a == NULL ? 0 : (size_t)a->max;
}

/* The list with the value, if it is not in it and has room; *added says so. */
static err_t append(const struct types_row *type, const json_t *attrs, const char *name, struct text value, json_t *to,
                    bool *added)
{
    const json_t *given = json_object_get(attrs, name);
    SCOPED(json_scope) json_t *list = given == NULL ? json_array() : json_copy((json_t *)given);
    SCOPED(json_scope) json_t *v = json_stringn(value.p, value.n);
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_equal(json_array_get(list, i), v)) {
            return ERR_OK;
        }
    }
    if (json_array_size(list) >= room(type, name)) {
        return ERR_OK;
    }
    *added = true;
    return json_array_append(list, v) == 0 && json_object_set(to, name, list) == 0 ? ERR_OK : ERR_LIMIT_CAPACITY;
}

/* The rule as it is, and what is to be changed of it as the content of an UPDATE; *pc NULL: nothing. */
static err_t change_of(const struct cse_ask *ask, struct text to, const struct association *a, json_t **pc)
{
    const struct types_row *type = types_find(TYPE_ASAR);
    SCOPED(json_scope) json_t *attrs = NULL;
    SCOPED(json_scope) json_t *change = json_object();
    char detail[ROLE_DETAIL_MAX];
    struct cse_from id = {0};
    struct cse_target rule;
    bool added = false;
    err_t e = cse_ops_find(ask, to, type, &rule, detail);
    if (e == ERR_NOT_FOUND || cse_from_forms(ask->cse, text_of(a->ids[0].z), &id) != ERR_OK || id.stem.z[0] == '\0') {
        return ERR_OK;
    }
    TRY(e);
    TRY(cse_res_attrs(ask->t, &rule.res, &attrs));
    TRY(append(type, attrs, "apci", text_of(a->credential_id), change, &added));
    TRY(append(type, attrs, "aae", text_of(id.stem.z), change, &added));
    if (added) {
        *pc = json_object();
        return json_object_set(*pc, type->root, change) == 0 ? ERR_OK : ERR_LIMIT_CAPACITY;
    }
    return ERR_OK;
}

/* A Kc of a MAF, or a Kpsa whose identifier is a KeId of a configured MEF. */
static bool is_fetched(const struct cse *cse, const struct association *a)
{
    struct keyid_parts parts;
    return a->framework == ASSOCIATION_MAF || a->framework == ASSOCIATION_GBA ||
           (a->framework == ASSOCIATION_PSK && keyid_parse(text_of(a->key_id.z), &parts) == ERR_OK &&
            cse_ctx_peer(cse, parts.fqdn) != NULL);
}

err_t cse_enrolled_note(const struct cse *cse, const struct association *a, struct txn *t, usec_t now)
{
    if (cse->enrolled_rule.z[0] == '\0' || !is_fetched(cse, a) || a->peer != PEER_AE || a->ids_n != 1) {
        return ERR_OK;
    }
    char to[2 * M2MID_MAX], detail[ROLE_DETAIL_MAX];
    struct writer w = WRITER_ARRAY(to);
    writer_z(&w, cse->name.z);
    writer_z(&w, "/");
    writer_z(&w, cse->enrolled_rule.z);
    TRY(writer_finish(&w));
    SCOPED(json_scope) json_t *pc = NULL;
    struct primitive prim = {.op = OP_UPDATE};
    struct cse_from self = {.kind = CSE_FROM_CSE, .absolute = cse->self};
    const struct request rq = {.prim = &prim, .assoc = a, .now = now};
    const struct cse_ask ask = {cse, &rq, t, &self};
    TRY(change_of(&ask, writer_view_text(&w), a, &pc));
    prim.pc = pc;
    return pc == NULL ? ERR_OK : cse_update_direct(&ask, writer_view_text(&w), types_find(TYPE_ASAR), detail);
}
