#include "role/cse/cse_dns.h"

#include "role/cse/cse_csr.h"
#include "role/rec.h"
#include "wire/json.h"

#define FORMS 2  /* of a public domain name */
#define BATCH 32 /* records looked at in one go */

/* -- the record ------------------------------------------------------------------------------------------- */
enum { VERSION = 1 };
static const struct rec_field fields[] = {
    {REC_TEXT, REC_AT(struct cse_dns, csi)},
    {REC_TEXT, REC_AT(struct cse_dns, addresses)},
    {REC_U8, REC_AT(struct cse_dns, gone), .high = 1},
    {REC_U8, REC_AT(struct cse_dns, refused), .high = 1},
};
static const struct rec_layout layout = REC_LAYOUT(struct cse_dns, fields, VERSION, VERSION);

err_t cse_dns_parse(struct bytes b, struct cse_dns *out)
{
    return rec_parse(&layout, b, out);
}

static err_t get(struct txn *t, struct text name, struct cse_dns *out)
{
    struct bytes b;
    TRY(rec_get(t, TABLE_CSE_DNS, name, &b));
    return cse_dns_parse(b, out);
}

static err_t put(struct txn *t, struct text name, const struct cse_dns *d)
{
    uint8_t buf[M2MID_MAX + NAMING_ADDRESSES_MAX + 16];
    struct writer w = WRITER_ARRAY(buf);
    TRY(rec_write(&layout, VERSION, d, NULL, &w));
    return rec_put(t, TABLE_CSE_DNS, name, &w, STORE_PUT_ANY);
}

/* -- the name --------------------------------------------------------------------------------------------- */
/* R002-29. Not every CSE-ID makes one: a label has no dot and no tilde. */
static err_t form(const struct cse *cse, const struct cse_from *id, size_t i, struct m2mid *out)
{
    struct m2mid own;
    if (id->sp_relative.z[0] == '\0') { /* another provider names its own */
        return ERR_NOT_FOUND;
    }
    TRY(m2mid_fqdn(text_of(id->absolute.z), out));
    if (i == 0) {
        return ERR_OK;
    }
    TRY(m2mid_fqdn(text_of(cse->self.z), &own));
    struct m2mid flat = *out;
    struct text label = text_take(text_of(flat.z), text_find(text_of(flat.z), '.') + 1);
    struct writer w = WRITER_ARRAY(out->z);
    writer_text(&w, label);
    writer_z(&w, own.z);
    return writer_finish_z(&w);
}

bool cse_dns_is_name(const struct cse *cse, const struct cse_from *id, struct text cb)
{
    bool is = false;
    for (size_t i = 0; i < FORMS && !is; i++) {
        struct m2mid name;
        is = form(cse, id, i, &name) == ERR_OK && text_eq_nocase(cb, text_of(name.z));
    }
    return is;
}

/* Names are without case, CSE-IDs are not: who was first keeps the name until it is free again. */
static err_t note_one(const struct cse_ask *ask, struct text csi, struct text name, bool wanted)
{
    struct cse_dns d = {.gone = 0};
    err_t e = get(ask->t, name, &d);
    bool theirs = e == ERR_OK && !m2mid_same(text_of(d.csi), csi);
    if ((e == ERR_NOT_FOUND && !wanted) || theirs) {
        return ERR_OK;
    }
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    d.gone = wanted ? 0 : 1;
    d.refused = 0;
    TRY(TEXT_COPY(csi, d.csi));
    return put(ask->t, name, &d);
}

err_t cse_dns_note(const struct cse_ask *ask, const struct cse_res *r, const json_t *attrs)
{
    struct cse_from id = {0};
    if (ask->cse->dns.zone.n == 0) {
        return ERR_OK;
    }
    TRY(cse_from_forms(ask->cse, r->creator, &id));
    struct text cb = json_get_text(attrs, "cb");
    for (size_t i = 0; i < FORMS; i++) {
        struct m2mid name;
        if (form(ask->cse, &id, i, &name) == ERR_OK) { /* R002-28 */
            TRY(note_one(ask, r->creator, text_of(name.z), text_eq_nocase(cb, text_of(name.z))));
        }
    }
    return ERR_OK;
}

/* -- what is to be done ----------------------------------------------------------------------------------- */
struct batch {
    struct arena *arena;
    struct bytes key[BATCH], data[BATCH];
    size_t n;
    bool ok;
};

static bool batch_hit(void *arg, struct bytes id, struct store_value value)
{
    struct batch *b = arg;
    b->ok = arena_dup(b->arena, id, &b->key[b->n]) && arena_dup(b->arena, value.data, &b->data[b->n]);
    b->n++;
    return b->ok && b->n < BATCH;
}

static err_t is_registered(struct txn *t, const struct cse_dns *d, usec_t now, bool *out)
{
    struct cse_res r;
    err_t e = d->gone != 0 ? ERR_NOT_FOUND : cse_csr_get(t, text_of(d->csi), now, &r);
    *out = e == ERR_OK;
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static err_t order_of(const struct cse *cse, struct txn *t, const struct cse_dns *d, usec_t now, struct naming *out)
{
    bool live = false;
    bool has = d->addresses[0] != '\0';
    TRY(is_registered(t, d, now, &live));
    bool same = text_eq(text_of(d->addresses), cse->dns_addresses);
    out->order = !live || (has && !same) ? NAMING_REMOVE : has || d->refused != 0 ? NAMING_NOTHING : NAMING_ADD;
    return TEXT_COPY(has ? text_of(d->addresses) : cse->dns_addresses, out->addresses);
}

err_t cse_dns_next(const void *ctx, struct txn *t, struct text after, usec_t now, struct naming *out)
{
    const struct cse *cse = ctx;
    struct batch b = {.arena = t->arena, .ok = true};
    const struct store_scan q = {.table = TABLE_CSE_DNS, .prefix = bytes_empty(), .after = text_bytes(after),
                                 .order = STORE_ASCENDING, .limit = BATCH};
    *out = (struct naming){.order = NAMING_NOTHING, .server = cse->dns};
    if (cse->dns.zone.n == 0) {
        return ERR_NOT_FOUND;
    }
    TRY(txn_scan(t, &q, batch_hit, &b));
    TRY(b.ok ? ERR_OK : ERR_LIMIT_CAPACITY);
    for (size_t i = 0; i < b.n && out->order == NAMING_NOTHING; i++) {
        struct cse_dns d;
        TRY(TEXT_COPY(text_span((const char *)b.key[i].p, b.key[i].n), out->name.z));
        TRY(cse_dns_parse(b.data[i], &d));
        TRY(order_of(cse, t, &d, now, out));
    }
    return out->order == NAMING_NOTHING && b.n < BATCH ? ERR_NOT_FOUND : ERR_OK;
}

/* -- what came of it -------------------------------------------------------------------------------------- */
err_t cse_dns_done(const void *ctx, const struct naming *n, err_t what, struct txn *t, usec_t now)
{
    struct cse_dns d;
    bool live = false;
    bool never = what == ERR_DNS_ZONE || what == ERR_DNS_TAKEN;
    (void)ctx;
    err_t e = get(t, text_of(n->name.z), &d);
    if (e == ERR_NOT_FOUND || (what != ERR_OK && !never)) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    TRY(e);
    if (n->order == NAMING_ADD) {
        d.refused = never;
        TRY(never ? ERR_OK : TEXT_COPY(text_of(n->addresses), d.addresses));
        return put(t, text_of(n->name.z), &d);
    }
    TRY(is_registered(t, &d, now, &live));
    d.addresses[0] = '\0';
    return live ? put(t, text_of(n->name.z), &d) : txn_del(t, TABLE_CSE_DNS, text_of(n->name.z));
}
