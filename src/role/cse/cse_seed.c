#include "role/cse/cse_seed.h"

#include "role/cse/cse_annc.h"
#include "role/cse/cse_esprim_state.h"
#include "role/cse/cse_res.h"
#include "wire/json.h"

static bool append_text(json_t *list, const char *z)
{
    return json_array_append_new(list, json_string(z)) == 0;
}

static err_t attributes(const struct cse *cse, json_t *attrs)
{
    json_t *srt = json_array();
    json_t *srv = json_array();
    const struct types_row *type;
    bool ok = srt != NULL && srv != NULL;
    for (size_t i = 0; ok && (type = types_at(i)) != NULL; i++) {
        ok = json_array_append_new(srt, json_integer((json_int_t)type->ty)) == 0;
    }
    ok = ok && append_text(srv, "2a") && append_text(srv, "3") && append_text(srv, "4");
    ok = json_object_set_new(attrs, "srt", srt) == 0 && ok;
    ok = json_object_set_new(attrs, "srv", srv) == 0 && ok;
    ok = ok && json_object_set_new(attrs, "cst", json_integer(cse->kind)) == 0;
    ok = ok && json_set_text(attrs, "csi", text_of(cse->csi.z));
    return ok ? ERR_OK : ERR_LIMIT_CAPACITY;
}

/* What an administrator changed (lbl, acpi) is kept; what the program says of itself is written again. */
err_t cse_seed(const void *ctx, struct txn *t, usec_t now)
{
    const struct cse *cse = ctx;
    struct cse_res r;
    SCOPED(json_scope) json_t *attrs = NULL;
    err_t e = cse_res_get(t, text_of(cse->root.z), now, &r);
    if (e == ERR_NOT_FOUND) {
        r = (struct cse_res){.type = types_find(TYPE_CB), .ct = now, .lt = now, .et = USEC_NEVER};
        attrs = json_object();
    } else {
        TRY(e);
        TRY(cse_res_attrs(t, &r, &attrs));
    }
    struct text before = r.json;
    r.ri = text_of(cse->root.z);
    r.node = text_of(CSE_NODE_ROOT);
    r.rn = text_of(cse->name.z);
    r.creator = text_of(cse->self.z);
    TRY(attributes(cse, attrs));
    TRY(cse_res_render(t, &r, attrs));
    if (text_eq(before, r.json)) {
        return cse_esprim_state_seed(cse, t, now);
    }
    TRY(cse_res_add(t, &r));
    return cse_annc_base_changed(t, now);
}
