#include "role/cse/cse_acp.h"

#include "role/cse/access_rules.h"
#include "role/cse/cse_addr.h"
#include "role/detail.h"
#include "role/rec.h"

#define RECORD_VERSION 1
#define COMPILED_CAP (2 * ACCESS_COMPILED_MAX + 1024)

static const struct rec_field fields[] = {
    {REC_VIEW16, REC_AT(struct cse_acp, pi)},
    {REC_VIEW16, REC_AT(struct cse_acp, pnode)},
    {REC_TIME, REC_AT(struct cse_acp, et)},
    {REC_VIEW32, REC_AT(struct cse_acp, pv)},
    {REC_VIEW32, REC_AT(struct cse_acp, pvs)},
};
static const struct rec_layout layout = REC_LAYOUT(struct cse_acp, fields, RECORD_VERSION, RECORD_VERSION);

err_t cse_acp_parse(struct bytes b, struct cse_acp *out)
{
    return rec_parse(&layout, b, out);
}

err_t cse_acp_get(const struct cse *cse, struct txn *t, struct text ri, usec_t now, struct cse_acp *out)
{
    struct bytes b;
    TRY(rec_get(t, TABLE_CSE_ACP, ri, &b));
    TRY(cse_acp_parse(b, out));
    if (out->et <= now) {
        return ERR_NOT_FOUND;
    }
    if (text_eq_z(out->pi, cse->root.z)) {
        return ERR_OK;
    }
    struct cse_res parent; /* an AE: its own parent is the CSEBase */
    TRY(cse_res_get(t, out->pi, now, &parent));
    return text_eq(parent.node, out->pnode) ? ERR_OK : ERR_NOT_FOUND;
}

/* One list of rules, appended to w. */
static err_t compile(const json_t *attrs, const char *name, struct writer *w, struct bytes *out, char *detail)
{
    size_t start = w->n;
    TRY(access_rules_compile(json_object_get(attrs, name), name, w, detail));
    *out = bytes_of(w->buf + start, w->n - start);
    return writer_finish(w);
}

static err_t writer_in(struct arena *a, struct writer *w)
{
    void *buf = arena_alloc(a, COMPILED_CAP);
    *w = writer_of(buf, COMPILED_CAP);
    return buf == NULL ? ERR_LIMIT_CAPACITY : ERR_OK;
}

err_t cse_acp_put(struct txn *t, const struct cse_res *r, const json_t *attrs, char detail[static ROLE_DETAIL_MAX])
{
    struct writer compiled, w;
    struct cse_acp acp = {.pi = r->pi, .pnode = r->pnode, .et = r->et};
    TRY(writer_in(t->arena, &compiled));
    TRY(writer_in(t->arena, &w));
    TRY(compile(attrs, "pv", &compiled, &acp.pv, detail));
    TRY(compile(attrs, "pvs", &compiled, &acp.pvs, detail));
    if (access_rules_count(acp.pvs) == 0) { /* else nobody could ever change or delete it */
        return detail_fail(detail, ERR_CONTENTS, "pvs must have a rule", text_empty());
    }
    TRY(rec_write(&layout, RECORD_VERSION, &acp, NULL, &w));
    return rec_put(t, TABLE_CSE_ACP, r->ri, &w, STORE_PUT_ANY);
}

err_t cse_acp_link(const struct cse *cse, struct txn *t, usec_t now, struct cse_res *r, const json_t *attrs,
                   char detail[static ROLE_DETAIL_MAX])
{
    const json_t *list = json_object_get(attrs, "acpi");
    r->has_acpi = list != NULL;
    r->acpi_n = 0;
    for (size_t i = 0; i < json_array_size(list) && i < CSE_RES_ACPI_MAX; i++) {
        const json_t *v = json_array_get(list, i);
        struct text to = text_span(json_string_value(v), json_string_length(v));
        struct cse_target target;
        err_t e = cse_addr_resolve(cse, t, to, now, &target);
        if (e == ERR_NOT_FOUND || e == ERR_MALFORMED_TO || (e == ERR_OK && target.res.type->ty != TYPE_ACP)) {
            return detail_fail(detail, ERR_CONTENTS, "acpi names no accessControlPolicy of this CSE", to);
        }
        TRY(e);
        r->acpi[r->acpi_n++] = target.res.ri;
    }
    return ERR_OK;
}
