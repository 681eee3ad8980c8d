#include "role/reg/reg_explain.h"

#include "role/reg/rec_key.h"
#include "role/reg/reg_own.h"
#include "role/reg/reg_who.h"

static void texts(struct emit *e, const char *name, const struct rec_list *l)
{
    emit_array(e, name);
    for (size_t i = 0; i < l->n; i++) {
        emit_text(e, NULL, l->at[i]);
    }
    emit_close_array(e);
}

static void tell_key(const struct reg *r, struct explain *x, const struct rec_key *k)
{
    struct keyid id;
    struct writer w = WRITER_ARRAY(id.z);
    writer_z(&w, k->relative);
    writer_u8(&w, '@');
    writer_z(&w, r->fqdn);
    if (writer_finish_z(&w) != ERR_OK ||
        !explain_open(x, states_of_end(k->not_after, x->now, STATES_KEY_REGISTERED, STATES_KEY_EXPIRED), id.z)) {
        return;
    }
    explain_name(x, k->relative);
    emit_z(x->e, "came-from", k->parent);
    emit_z(x->e, "source", k->creator);
    emit_z_if(x->e, "credential", k->credential.z);
    emit_number(x->e, "suid", k->suid);
    texts(x->e, "targets", &k->tgis);
    emit_time(x->e, "created", k->created);
    emit_time(x->e, "not-after", k->not_after);
    explain_close(x);
}

/* -- the keys of a registration ------------------------------------------------------------------------------ */
struct keys {
    char relative[EXPLAIN_GAVE_MAX][REC_KEY_RELATIVE_MAX];
    size_t n, prefix;
};

static bool key_hit(void *arg, struct bytes id, struct store_value value)
{
    struct keys *k = arg;
    struct text of = text_skip(text_span((const char *)id.p, id.n), k->prefix);
    (void)value;
    k->n += TEXT_COPY(of, k->relative[k->n]) == ERR_OK ? 1 : 0;
    return k->n < EXPLAIN_GAVE_MAX;
}

static err_t keys_of(const struct reg *r, struct txn *t, const char *ri, struct keys *k)
{
    char prefix[REC_CLIENT_RI_MAX + 1];
    struct writer w = WRITER_ARRAY(prefix);
    writer_z(&w, ri);
    writer_u8(&w, '/');
    TRY(writer_finish(&w));
    *k = (struct keys){.prefix = w.n};
    struct store_scan q = {.table = r->kind->key_of, .prefix = writer_view(&w), .order = STORE_ASCENDING};
    return txn_scan(t, &q, key_hit, k);
}

static err_t tell_client(const struct reg *r, struct explain *x, struct txn *t, const struct rec_client *c)
{
    struct keys keys;
    TRY(keys_of(r, t, c->ri, &keys));
    if (!explain_open(x, states_of_end(c->not_after, x->now, STATES_CLIENT_REGISTERED, STATES_CLIENT_EXPIRED), c->ri)) {
        return ERR_OK;
    }
    explain_name(x, c->client);
    emit_z(x->e, "client", c->client);
    emit_z(x->e, "admin-fqdn", c->adfq);
    emit_z_if(x->e, "came-from", c->credential.z);
    emit_time(x->e, "created", c->created);
    emit_time(x->e, "not-after", c->not_after);
    emit_array(x->e, "gave");
    for (size_t i = 0; i < keys.n; i++) {
        emit_z(x->e, NULL, keys.relative[i]);
    }
    emit_close_array(x->e);
    explain_close(x);
    for (size_t i = 0; i < keys.n; i++) {
        struct rec_key k;
        err_t e = rec_key_get(t, r->kind->key, text_of(keys.relative[i]), &k);
        if (e == ERR_OK) {
            tell_key(r, x, &k);
        }
        TRY(explain_maybe(e));
    }
    return ERR_OK;
}

static err_t by_ri(const struct reg *r, struct explain *x, struct txn *t, struct text ri)
{
    struct rec_client c;
    err_t e = ri.n == 0 || ri.n >= REC_CLIENT_RI_MAX ? ERR_NOT_FOUND : rec_client_get(t, r->kind->client, ri, &c);
    return e == ERR_OK ? tell_client(r, x, t, &c) : explain_maybe(e);
}

err_t reg_explain_client(const struct reg *r, struct explain *x, struct txn *t, const char *client)
{
    struct reg_own own;
    char name[REC_CLIENT_NAME_MAX];
    if (client[0] == '\0') {
        return ERR_OK;
    }
    TRY(reg_who_name(text_of(client), name));
    TRY(reg_own_list(r, t, name, &own));
    for (size_t i = 0; i < own.n; i++) {
        TRY(by_ri(r, x, t, text_of(own.at[i].ri)));
    }
    return ERR_OK;
}

static err_t by_key(const struct reg *r, struct explain *x, struct txn *t)
{
    struct text relative = text_take(x->id, text_find(x->id, '@'));
    struct text fqdn = text_skip(x->id, relative.n + 1);
    char folded[REC_KEY_RELATIVE_MAX];
    struct rec_key k;
    err_t e = rec_key_fold(relative, folded);
    e = e == ERR_OK ? rec_key_get(t, r->kind->key, text_of(folded), &k) : e;
    if (e != ERR_OK) {
        return explain_maybe(e);
    }
    if (fqdn.n > 0 && !text_eq_nocase(fqdn, text_of(r->fqdn))) { /* a key of the same left part, here */
        struct keyid here;
        struct writer w = WRITER_ARRAY(here.z);
        writer_z(&w, k.relative);
        writer_u8(&w, '@');
        writer_z(&w, r->fqdn);
        if (writer_finish_z(&w) == ERR_OK) {
            explain_near(x, text_of(here.z));
        }
        return ERR_OK;
    }
    char parent[REC_CLIENT_RI_MAX];
    TRY(TEXT_COPY(text_of(k.parent), parent));
    tell_key(r, x, &k);
    return by_ri(r, x, t, text_of(parent));
}

err_t reg_explain(const struct reg *r, struct explain *x, struct txn *t)
{
    char client[REC_CLIENT_NAME_MAX];
    TRY(by_key(r, x, t));
    TRY(by_ri(r, x, t, x->id));
    return TEXT_COPY(x->id, client) == ERR_OK ? reg_explain_client(r, x, t, client) : ERR_OK;
}
