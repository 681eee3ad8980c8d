/*
 * `ctl contract`: which service subscription a client of the MAF belongs to [R004-10; TS-0001 11.2.1]. A row a client or pattern,
 * as those of `client allow`; with [maf] service-subscription = on nobody is served without one that has not ended.
 */
#include "role/ctl_list.h"
#include "role/detail.h"
#include "role/maf/maf_ctx.h"
#include "role/reg/rec_allow.h"
#include "role/reg/reg_who.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#define LIFETIME (INT64_C(365) * 86400 * USEC_PER_SEC)
#define NAME_MAX 64 /* of a subscription, as the IN-CSE has it */

struct contract {
    char client[REC_CLIENT_NAME_MAX]; /* as given */
    char subscription[NAME_MAX + 1];  /* M2M-Sub-ID */
    usec_t not_after;
};

enum { VERSION = 1 };
static const struct rec_field fields[] = {
    {REC_TEXT, REC_AT(struct contract, client)},
    {REC_TEXT, REC_AT(struct contract, subscription)},
    {REC_TIME, REC_AT(struct contract, not_after)},
};
static const struct rec_layout layout = REC_LAYOUT(struct contract, fields, VERSION, VERSION);

const struct ctl_arg maf_contract_add_args[MAF_CONTRACT_ADD_N] = {
    {"--client", CTL_ARG_REQUIRED, "Enrolee-ID, FQDN, KmId or KeId of the client; * matches within one segment"},
    {"--subscription", CTL_ARG_REQUIRED, "name of the service subscription (M2M-Sub-ID)"},
    {"--lifetime", 0, "how long from now, e.g. 30d; by default 365d"},
};
const struct ctl_arg maf_contract_one_args[MAF_CONTRACT_ONE_N] = {
    {"--client", CTL_ARG_REQUIRED, "as it was given to contract add"},
};

/* -- the check ------------------------------------------------------------------------------------------------- */
struct running {
    usec_t now;
    struct contract c;
};

static bool is_running(void *arg, struct bytes record, struct text *client)
{
    struct running *x = arg;
    bool fits = rec_parse(&layout, record, &x->c) == ERR_OK && x->c.not_after > x->now;
    *client = text_of(fits ? x->c.client : "");
    return fits;
}

err_t maf_contract_check(const struct maf *m, const struct reg_who *w, struct txn *t, usec_t now)
{
    struct running x = {.now = now};
    bool found = false;
    if (!m->contracts) {
        return ERR_OK;
    }
    TRY(reg_who_row(w, t, TABLE_MAF_CONTRACT, is_running, &x, &found));
    return found ? ERR_OK : ERR_DENIED_CONTRACT;
}

/* -- the commands ------------------------------------------------------------------------------------------------ */
static void members(struct emit *e, const struct contract *c, usec_t now)
{
    emit_object(e, NULL);
    emit_z(e, "client", c->client);
    emit_z(e, "subscription", c->subscription);
    emit_time(e, "not-after", c->not_after);
    emit_z(e, "state", c->not_after > now ? "running" : "over");
    emit_close_object(e);
}

static err_t done(struct txn *t, const struct contract *c, enum audit_kind kind, usec_t now, struct writer *out)
{
    struct audit_event a = {.kind = kind, .time = now, .peer = "operator"};
    struct emit e = emit_to(out);
    TRY(TEXT_COPY(text_take(text_of(c->client), AUDIT_TEXT_MAX - 1), a.object));
    TRY(txn_audit(t, &a));
    members(&e, c, now);
    return writer_finish(out);
}

static err_t client_of(const struct ctl_request *rq, struct contract *c, char id[static REC_ALLOW_ID_MAX], char *detail)
{
    struct text client = json_get_text(rq->args, "client");
    err_t e = TEXT_COPY(client, c->client) == ERR_OK ? rec_allow_id(client, id) : ERR_MALFORMED_ID;
    return e == ERR_OK ? e
                       : detail_fail(detail, e, "--client must be an absolute identifier, an FQDN or the identifier of a key",
                                     text_take(client, 64));
}

err_t maf_contract_add(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                       char detail[static ROLE_DETAIL_MAX])
{
    (void)ctx;
    struct contract c = {.client = ""};
    char id[REC_ALLOW_ID_MAX];
    uint8_t buf[sizeof(struct contract) + 64];
    struct writer w = WRITER_ARRAY(buf);
    usec_t lifetime = LIFETIME;
    struct text name = json_get_text(rq->args, "subscription"), given = json_get_text(rq->args, "lifetime");
    TRY(client_of(rq, &c, id, detail));
    if (!m2mid_is_unreserved(name) || TEXT_COPY(name, c.subscription) != ERR_OK) {
        return detail_fail(detail, ERR_MALFORMED_ID, "--subscription is a name of at most 64 letters, digits and - . _ ~",
                           text_take(name, NAME_MAX));
    }
    if (given.n > 0 && (timestamp_duration(given, &lifetime) != ERR_OK || lifetime <= 0 || lifetime > CREDENTIAL_LIFETIME_MAX)) {
        return detail_fail(detail, ERR_MALFORMED_TIME, "--lifetime", text_take(given, 64));
    }
    c.not_after = rq->now + lifetime;
    TRY(rec_write(&layout, VERSION, &c, NULL, &w));
    TRY(rec_put(t, TABLE_MAF_CONTRACT, text_of(id), &w, STORE_PUT_ANY));
    return done(t, &c, AUDIT_CONTRACT_ADDED, rq->now, out);
}

err_t maf_contract_remove(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                          char detail[static ROLE_DETAIL_MAX])
{
    (void)ctx;
    struct contract c = {.client = ""};
    char id[REC_ALLOW_ID_MAX];
    struct bytes b;
    TRY(client_of(rq, &c, id, detail));
    err_t e = rec_get(t, TABLE_MAF_CONTRACT, text_of(id), &b);
    e = e == ERR_OK ? rec_parse(&layout, b, &c) : e;
    if (e != ERR_OK) {
        return detail_fail(detail, e, "client", json_get_text(rq->args, "client"));
    }
    TRY(txn_del(t, TABLE_MAF_CONTRACT, text_of(id)));
    return done(t, &c, AUDIT_CONTRACT_REMOVED, rq->now, out);
}

static err_t item(struct emit *e, const struct ctl_list_record *r)
{
    struct contract c;
    TRY(rec_parse(&layout, r->data, &c));
    members(e, &c, r->now);
    return ERR_OK;
}

err_t maf_contract_list(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                        char detail[static ROLE_DETAIL_MAX])
{
    static const struct ctl_list_of contracts = {.name = "contracts", .table = TABLE_MAF_CONTRACT, .item = item};
    (void)ctx;
    (void)detail;
    return ctl_list(rq, t, &contracts, out);
}
