#include "role/cse/cse_annc_text.h"

#include "wire/json.h"
#include "wire/timestamp.h"

#include <string.h>

static bool lists(const json_t *list, const char *name)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (strcmp(json_string_value(json_array_get(list, i)), name) == 0) {
            return true;
        }
    }
    return false;
}

/* An AE-ID of the provider is judged by its App-ID too; the CSEBase is not there to say what of it. */
static bool is_said(const struct cse_res *r, const json_t *attrs, const struct types_attr *a)
{
    static const char *const base[] = {"cst", "csi", "srv"};
    bool always = a->announce == TYPES_MA || (r->type->ty == TYPE_AE && text_starts(r->ri, "S") && strcmp(a->name, "api") == 0);
    for (size_t i = 0; i < ARRAY_LEN(base) && r->type->ty == TYPE_CB; i++) {
        always = always || strcmp(a->name, base[i]) == 0;
    }
    return always || (a->announce == TYPES_OA && lists(json_object_get(attrs, "aa"), a->name));
}

static bool set_attributes(const struct cse_res *r, const json_t *attrs, bool first, json_t *out)
{
    const struct types_attr *a;
    bool ok = true;
    for (size_t i = 0; ok && (a = types_attr_at(r->type, i)) != NULL; i++) {
        json_t *v = a->announce == TYPES_NA || !is_said(r, attrs, a) ? NULL : json_object_get(attrs, a->name);
        if (v != NULL) {
            ok = json_object_set(out, a->name, v) == 0;
        } else if (!first && a->announce != TYPES_NA) { /* no more */
            ok = json_object_set_new(out, a->name, json_null()) == 0;
        }
    }
    return ok;
}

static bool set_link(const struct cse *cse, const struct cse_res *r, json_t *out)
{
    char link[2 * M2MID_MAX];
    struct writer w = WRITER_ARRAY(link);
    writer_z(&w, cse->csi.z);
    writer_u8(&w, '/');
    writer_text(&w, r->ri);
    return writer_finish_z(&w) == ERR_OK && json_set_text(out, "lnk", text_of(link));
}

/* It ends with its original. */
static bool set_end(const struct cse *cse, const struct cse_res *r, usec_t now, json_t *out)
{
    char z[TIMESTAMP_LEN + 2];
    struct writer w = WRITER_ARRAY(z);
    timestamp_write(&w, r->et != USEC_NEVER ? r->et : now + cse->lifetime);
    return writer_finish_z(&w) == ERR_OK && json_set_text(out, "et", text_of(z));
}

bool cse_annc_text_is_by_id(const struct cse *cse, const struct cse_annc *a)
{
    return a->ty == TYPE_CB || (a->ty == TYPE_AE && text_starts(a->ri, "S") && m2mid_same(a->target, text_of(cse->in_cse.z)));
}

err_t cse_annc_text_write(const struct cse_annc_text *s, struct writer *w)
{
    SCOPED(json_scope) json_t *pc = json_object();
    json_t *out = json_object();
    const bool first = s->a->state == CSE_ANNC_NEW;
    bool ok = pc != NULL && json_object_set_new(pc, types_announcement(s->r->type)->root, out) == 0 &&
              (s->a->state > CSE_ANNC_FOUND || set_link(s->cse, s->r, out)) && set_end(s->cse, s->r, s->now, out) &&
              (!first || cse_annc_text_is_by_id(s->cse, s->a) || json_set_text(out, "rn", s->a->node)) &&
              set_attributes(s->r, s->attrs, first, out);
    TRY(ok ? ERR_OK : ERR_LIMIT_CAPACITY);
    TRY(json_write(pc, w));
    return writer_finish_z(w);
}

