#include "role/reg/reg_own.h"

#include <string.h>

static bool hit(void *arg, struct bytes id, struct store_value value)
{
    struct reg_own *o = arg;
    struct text of = text_span((const char *)id.p, id.n);
    o->err = TEXT_COPY(of, o->at[o->n].of);
    if (o->err == ERR_OK) {
        o->err = rec_name_parse(value.data, o->at[o->n].ri, REC_CLIENT_RI_MAX);
    }
    o->n++;
    return o->err == ERR_OK && o->n < REG_OWN_MAX;
}

err_t reg_own_list(const struct reg *r, struct txn *t, const char *client, struct reg_own *out)
{
    char prefix[REC_CLIENT_NAME_MAX + 1];
    struct writer p = WRITER_ARRAY(prefix);
    writer_z(&p, client);
    writer_u8(&p, '/');
    TRY(writer_finish(&p));
    *out = (struct reg_own){.prefix = p.n};
    struct store_scan q = {.table = r->kind->client_of, .prefix = writer_view(&p), .order = STORE_ASCENDING};
    TRY(rec_scan_own(t, &q, hit, out));
    return out->err;
}

bool reg_own_is(const char *client, const struct reg_who *w)
{
    return m2mid_same(text_of(client), text_of(w->name)) || strcmp(client, w->name) == 0;
}

err_t reg_own_get(const struct reg *r, struct txn *t, const struct reg_who *w, struct text ri, usec_t now,
                  struct rec_client *out)
{
    TRY(rec_client_get(t, r->kind->client, ri, out));
    if (out->not_after <= now) {
        return ERR_NOT_FOUND;
    }
    return reg_own_is(out->client, w) ? ERR_OK : ERR_DENIED_CLIENT;
}
