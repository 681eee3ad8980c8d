#include "role/reg/reg_ctl.h"

#include "role/detail.h"
#include "role/reg/reg_client.h"
#include "role/reg/reg_key.h"
#include "wire/json.h"

const struct ctl_arg reg_ctl_ri_args[REG_CTL_ONE_N] = {
    {"RI", CTL_ARG_REQUIRED | CTL_ARG_POSITIONAL, "resource identifier of the registration"},
};
const struct ctl_arg reg_ctl_key_args[REG_CTL_ONE_N] = {
    {"KEYID", CTL_ARG_REQUIRED | CTL_ARG_POSITIONAL, "Key Identifier, or its RelativeKeyID alone"},
};
const struct ctl_arg reg_ctl_configure_args[REG_CTL_CONFIGURE_N] = {
    {"RI", CTL_ARG_REQUIRED | CTL_ARG_POSITIONAL, "resource identifier of the registration"},
    {"--configuration", 0, "a JSON object; without it there is no configuration any more"},
};

static err_t tell(struct txn *t, enum audit_kind kind, struct text object, usec_t now)
{
    struct audit_event e = {.kind = kind, .time = now, .outcome = ERR_OK, .peer = "operator"};
    TRY(TEXT_COPY(object, e.object));
    return txn_audit(t, &e);
}

static void texts(struct emit *e, const char *name, const struct rec_list *l)
{
    emit_array(e, name);
    for (size_t i = 0; i < l->n; i++) {
        emit_text(e, NULL, l->at[i]);
    }
    emit_close_array(e);
}

/* -- client registrations ---------------------------------------------------------------------------------- */
static void client_members(struct emit *e, const struct rec_client *c, usec_t now)
{
    emit_object(e, NULL);
    emit_z(e, "id", c->ri);
    emit_z(e, "client", c->client);
    emit_z(e, "admin-fqdn", c->adfq);
    emit_z_if(e, "credential", c->credential.z);
    texts(e, "labels", &c->lbl);
    emit_bool(e, "configured", c->cfg.n > 0);
    emit_time(e, "created", c->created);
    emit_time(e, "not-after", c->not_after);
    emit_z(e, "state", c->not_after <= now ? "expired" : "valid");
    emit_close_object(e);
}

static err_t client_item(struct emit *e, const struct ctl_list_record *r)
{
    struct rec_client c;
    TRY(rec_client_parse(r->data, &c));
    client_members(e, &c, r->now);
    return ERR_OK;
}

err_t reg_ctl_client_list(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                          char detail[static ROLE_DETAIL_MAX])
{
    const struct reg *r = ctx;
    const struct ctl_list_of clients = {.name = "registrations", .table = r->kind->client, .item = client_item};
    (void)detail;
    return ctl_list(rq, t, &clients, out);
}

static err_t client_named(const struct reg *r, const struct ctl_request *rq, struct txn *t, struct rec_client *c,
                          char detail[static ROLE_DETAIL_MAX])
{
    struct text ri = json_get_text(rq->args, "RI");
    err_t e = ri.n == 0 || ri.n >= REC_CLIENT_RI_MAX ? ERR_NOT_FOUND : rec_client_get(t, r->kind->client, ri, c);
    return e == ERR_OK ? e : detail_fail(detail, e, "registration", ri);
}

static err_t client_answer(const struct rec_client *c, usec_t now, struct writer *out)
{
    struct emit e = emit_to(out);
    client_members(&e, c, now);
    return writer_finish(out);
}

err_t reg_ctl_client_configure(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                               char detail[static ROLE_DETAIL_MAX])
{
    const struct reg *r = ctx;
    struct rec_client c;
    char compact[REC_CLIENT_CFG_MAX];
    struct writer w = WRITER_ARRAY(compact);
    struct text given = json_get_text(rq->args, "configuration");
    TRY(client_named(r, rq, t, &c, detail));
    if (given.n > 0) {
        SCOPED(json_scope) json_t *v = NULL;
        err_t e = json_parse(text_bytes(given), &v);
        e = e == ERR_OK ? json_write(v, &w) : e;
        if (e != ERR_OK) {
            return detail_fail(detail, e, "--configuration must be a JSON object of at most 2048 octets", text_empty());
        }
    }
    c.cfg = writer_view_text(&w);
    TRY(rec_client_put(t, r->kind->client, &c, STORE_PUT_ANY));
    TRY(tell(t, AUDIT_CLIENT_CONFIGURED, text_of(c.ri), rq->now));
    return client_answer(&c, rq->now, out);
}

err_t reg_ctl_client_remove(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                            char detail[static ROLE_DETAIL_MAX])
{
    const struct reg *r = ctx;
    struct rec_client c;
    TRY(client_named(r, rq, t, &c, detail));
    TRY(reg_client_remove(r, t, &c, rq->now));
    TRY(tell(t, AUDIT_CLIENT_DEREGISTERED, text_of(c.ri), rq->now));
    return client_answer(&c, rq->now, out);
}

/* -- key registrations ------------------------------------------------------------------------------------- */
static void key_members(struct emit *e, const struct rec_key *k, usec_t now)
{
    emit_object(e, NULL);
    emit_z(e, "id", k->relative);
    emit_z(e, "registration", k->parent);
    emit_z(e, "source", k->creator);
    emit_z(e, "admin-fqdn", k->adfq);
    emit_number(e, "suid", k->suid);
    texts(e, "targets", &k->tgis);
    texts(e, "labels", &k->lbl);
    emit_time(e, "created", k->created);
    emit_time(e, "not-after", k->not_after);
    emit_z(e, "state", k->not_after <= now ? "expired" : "valid");
    emit_close_object(e);
}

static err_t key_item(struct emit *e, const struct ctl_list_record *r)
{
    struct rec_key k;
    TRY(rec_key_parse(r->data, &k));
    key_members(e, &k, r->now);
    return ERR_OK;
}

err_t reg_ctl_key_list(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                       char detail[static ROLE_DETAIL_MAX])
{
    const struct reg *r = ctx;
    const struct ctl_list_of keys = {.name = "keys", .table = r->kind->key, .item = key_item};
    (void)detail;
    return ctl_list(rq, t, &keys, out);
}

err_t reg_ctl_key_remove(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                         char detail[static ROLE_DETAIL_MAX])
{
    const struct reg *r = ctx;
    struct text id = json_get_text(rq->args, "KEYID");
    struct text relative = text_take(id, text_find(id, '@'));
    struct text fqdn = text_skip(id, relative.n + 1);
    char folded[REC_KEY_RELATIVE_MAX];
    struct rec_key k;
    err_t e = fqdn.n > 0 && !text_eq_nocase(fqdn, text_of(r->fqdn)) ? ERR_NOT_FOUND : rec_key_fold(relative, folded);
    e = e == ERR_OK ? rec_key_get(t, r->kind->key, text_of(folded), &k) : e;
    if (e != ERR_OK) {
        return detail_fail(detail, e, "key", id);
    }
    TRY(reg_key_remove(r, t, &k, rq->now));
    TRY(tell(t, AUDIT_KEY_DEREGISTERED, text_of(k.relative), rq->now));
    struct emit em = emit_to(out);
    key_members(&em, &k, rq->now);
    return writer_finish(out);
}
