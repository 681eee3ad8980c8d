/* `ctl client allow | list | remove`: who may register keys at the MAF or MEF, for whom. */
#include "role/reg/reg_ctl.h"

#include "role/detail.h"
#include "role/reg/rec_allow.h"
#include "wire/json.h"

const struct ctl_arg reg_ctl_allow_args[REG_CTL_ALLOW_N] = {
    {"--client", CTL_ARG_REQUIRED, "Enrolee-ID, FQDN, KmId or KpmId of the client; * matches within one segment"},
    {"--target", 0,
     "CSE-ID or AE-ID in absolute form, or FQDN of a MAF, that it may register keys for; commas between; none: all"},
};
const struct ctl_arg reg_ctl_allow_remove_args[REG_CTL_ONE_N] = {
    {"--client", CTL_ARG_REQUIRED, "as it was given to client allow"},
};

static err_t tell(struct txn *t, enum audit_kind kind, const char *client, usec_t now)
{
    struct audit_event e = {.kind = kind, .time = now, .outcome = ERR_OK, .peer = "operator"};
    TRY(TEXT_COPY(text_of(client), e.object));
    return txn_audit(t, &e);
}

static void members(struct emit *e, const struct rec_allow *a)
{
    emit_object(e, NULL);
    emit_z(e, "client", a->client);
    emit_array(e, "targets");
    if (a->any) {
        emit_z(e, NULL, "*");
    }
    for (size_t i = 0; i < a->targets.n; i++) {
        emit_text(e, NULL, a->targets.at[i]);
    }
    emit_close_array(e);
    emit_close_object(e);
}

static err_t answer(const struct rec_allow *a, struct writer *out)
{
    struct emit e = emit_to(out);
    members(&e, a);
    return writer_finish(out);
}

/* -- allow ------------------------------------------------------------------------------------------- */
static err_t add_target(struct rec_allow *a, struct text target, char detail[static ROLE_DETAIL_MAX])
{
    bool host = m2mid_kind(target) == M2MID_FQDN && text_find(target, '.') < target.n;
    if ((!text_starts(target, "//") && !host) || target.n >= M2MID_MAX) {
        return detail_fail(detail, ERR_MALFORMED_ID, "--target must be an absolute CSE-ID or AE-ID, or an FQDN", target);
    }
    for (size_t i = 0; i < a->targets.n; i++) {
        if (text_eq(a->targets.at[i], target)) {
            return ERR_OK;
        }
    }
    if (a->targets.n == REC_LIST_MAX) {
        return detail_fail(detail, ERR_LIMIT_CAPACITY, "targets of one client; use a pattern", target);
    }
    a->targets.at[a->targets.n++] = target;
    return ERR_OK;
}

static err_t add_joined(struct rec_allow *a, struct text list, char detail[static ROLE_DETAIL_MAX])
{
    struct text target = text_empty();
    while (text_next(&list, ',', &target)) {
        TRY(add_target(a, target, detail));
    }
    return ERR_OK;
}

/* --target as one text, several joined by commas, or an array of texts; none at all means every target. */
static err_t add_targets(struct rec_allow *a, const json_t *v, char detail[static ROLE_DETAIL_MAX])
{
    if (json_is_string(v) && json_string_length(v) > 0) {
        return add_joined(a, text_span(json_string_value(v), json_string_length(v)), detail);
    }
    if (!json_is_array(v) || json_array_size(v) == 0) {
        a->any = true;
        a->targets.n = 0;
        return ERR_OK;
    }
    for (size_t i = 0; i < json_array_size(v); i++) {
        const json_t *item = json_array_get(v, i);
        TRY(add_target(a, text_span(json_string_value(item), json_string_length(item)), detail));
    }
    return ERR_OK;
}

static err_t client_id(const struct ctl_request *rq, struct text *client, char id[static REC_ALLOW_ID_MAX],
                       char detail[static ROLE_DETAIL_MAX])
{
    *client = json_get_text(rq->args, "client");
    err_t e = client->n < REC_CLIENT_NAME_MAX ? rec_allow_id(*client, id) : ERR_MALFORMED_ID;
    return e == ERR_OK
               ? e
               : detail_fail(detail, e, "--client must be an absolute identifier, an FQDN or the identifier of a key", *client);
}

static err_t existing(const struct reg *r, struct txn *t, const char *id, struct rec_allow *out)
{
    struct bytes b;
    err_t e = rec_get(t, r->kind->allow, text_of(id), &b);
    if (e == ERR_NOT_FOUND) {
        *out = (struct rec_allow){0};
        return ERR_OK;
    }
    return e == ERR_OK ? rec_allow_parse(b, out) : e;
}

err_t reg_ctl_allow_add(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                        char detail[static ROLE_DETAIL_MAX])
{
    const struct reg *r = ctx;
    struct text client;
    char id[REC_ALLOW_ID_MAX];
    struct rec_allow a;
    TRY(client_id(rq, &client, id, detail));
    TRY(existing(r, t, id, &a));
    TRY(TEXT_COPY(client, a.client));
    TRY(add_targets(&a, json_object_get(rq->args, "target"), detail));
    uint8_t buf[REC_MAX];
    struct writer w = WRITER_ARRAY(buf);
    TRY(rec_allow_write(&a, &w));
    TRY(rec_put(t, r->kind->allow, text_of(id), &w, STORE_PUT_ANY));
    TRY(tell(t, AUDIT_CLIENT_ALLOWED, a.client, rq->now));
    return answer(&a, out);
}

err_t reg_ctl_allow_remove(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                           char detail[static ROLE_DETAIL_MAX])
{
    const struct reg *r = ctx;
    struct text client;
    char id[REC_ALLOW_ID_MAX];
    struct bytes b;
    struct rec_allow a;
    TRY(client_id(rq, &client, id, detail));
    err_t e = rec_get(t, r->kind->allow, text_of(id), &b);
    if (e != ERR_OK) {
        return detail_fail(detail, e, "client", client);
    }
    TRY(rec_allow_parse(b, &a));
    TRY(txn_del(t, r->kind->allow, text_of(id)));
    TRY(tell(t, AUDIT_CLIENT_REMOVED, a.client, rq->now));
    return answer(&a, out);
}

static err_t item(struct emit *e, const struct ctl_list_record *r)
{
    struct rec_allow a;
    TRY(rec_allow_parse(r->data, &a));
    members(e, &a);
    return ERR_OK;
}

err_t reg_ctl_allow_list(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                         char detail[static ROLE_DETAIL_MAX])
{
    const struct reg *r = ctx;
    const struct ctl_list_of clients = {.name = "clients", .table = r->kind->allow, .item = item};
    (void)detail;
    return ctl_list(rq, t, &clients, out);
}
