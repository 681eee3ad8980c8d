#include "role/cse/cse_acp.h"

#include "role/cse/access_rules.h"
#include "role/cse/cse_addr.h"
#include "role/detail.h"
#include "role/rec.h"

#define RECORD_VERSION 1
#define COMPILED_CAP (2 * ACCESS_COMPILED_MAX + 1024)

err_t cse_acp_parse(struct bytes b, struct cse_acp *out)
{
    struct reader r = reader_of(b);
    rec_version(&r, RECORD_VERSION);
    struct bytes pi = reader_block16(&r);
    struct bytes pnode = reader_block16(&r);
    out->et = rec_time(&r);
    out->pv = reader_block32(&r);
    out->pvs = reader_block32(&r);
    out->pi = text_span((const char *)pi.p, pi.n);
    out->pnode = text_span((const char *)pnode.p, pnode.n);
    return rec_finish(&r);
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

static err_t compile(const json_t *attrs, const char *name, struct writer *w, char *detail)
{
    size_t mark = w->n;
    writer_u32(w, 0);
    size_t start = w->n;
    TRY(access_rules_compile(json_object_get(attrs, name), name, w, detail));
    struct writer prefix = writer_of(w->buf + mark, 4);
    writer_u32(&prefix, (uint32_t)(w->n - start));
    return writer_finish(&prefix);
}

err_t cse_acp_put(struct txn *t, const struct cse_res *r, const json_t *attrs, char detail[static ROLE_DETAIL_MAX])
{
    void *buf = arena_alloc(t->arena, COMPILED_CAP);
    if (buf == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    struct writer w = writer_of(buf, COMPILED_CAP);
    writer_u8(&w, RECORD_VERSION);
    writer_block16(&w, text_bytes(r->pi));
    writer_block16(&w, text_bytes(r->pnode));
    writer_u64(&w, (uint64_t)r->et);
    TRY(compile(attrs, "pv", &w, detail));
    size_t pvs = w.n + 4;
    TRY(compile(attrs, "pvs", &w, detail));
    if (access_rules_count(bytes_of(w.buf + pvs, w.n - pvs)) == 0) { /* else nobody could ever change or delete it */
        return detail_fail(detail, ERR_CONTENTS, "pvs must have a rule", text_empty());
    }
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
