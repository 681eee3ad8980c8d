/* None of these can print a key: sealed octets are not opened here. */
#include "role/cse/cse_ctl.h"

#include "role/credential_args.h"
#include "role/cse/cse_ae.h"
#include "role/cse/cse_key.h"
#include "role/ctl_list.h"
#include "role/detail.h"
#include "role/emit.h"
#include "wire/json.h"

#define KPSA_LIFETIME (INT64_C(365) * 86400 * USEC_PER_SEC) /* R002-63: every credential has an end */

static err_t tell(struct txn *t, enum audit_kind kind, const struct keyid *id, usec_t now)
{
    struct audit_event e = {.kind = kind, .time = now, .peer = "operator"};
    TRY(TEXT_COPY(text_take(text_of(id->z), AUDIT_TEXT_MAX - 1), e.object));
    return txn_audit(t, &e);
}

static const char *state_of(const struct cse_key *k, usec_t now)
{
    if (k->revoked) {
        return "revoked";
    }
    return k->not_after <= now ? "expired" : "valid";
}

static void members(struct emit *e, const struct cse_key *k, usec_t now)
{
    emit_object(e, NULL);
    emit_z(e, "id", k->id.z);
    emit_z(e, "kind", cse_key_kind_name(k->kind));
    emit_z_if(e, "enrolee-id", k->peer.z);
    emit_z(e, "credential-id", k->credential_id);
    emit_z_if(e, "source", k->source.z);
    emit_time(e, "added", k->created);
    emit_time(e, "not-after", k->not_after);
    emit_z(e, "state", state_of(k, now));
    emit_close_object(e);
}

static err_t answer(const struct cse_key *k, usec_t now, struct writer *out)
{
    struct emit e = emit_to(out);
    members(&e, k, now);
    return writer_finish(out);
}

/* A C-type AE-ID below another CSE, or an identity of another SP, can never be associated with here. */
static err_t enrolee_check(const struct cse *cse, const struct m2mid *id, char *detail)
{
    struct cse_from f = {0};
    if (id->z[0] == '\0' || (cse_from_forms(cse, text_of(id->z), &f) == ERR_OK &&
                             (f.kind == CSE_FROM_CSE || f.stem.z[0] != '\0'))) {
        return ERR_OK;
    }
    return detail_fail(detail, ERR_MALFORMED_ID, "--enrolee-id is no AE of this CSE", text_of(id->z));
}

static err_t credential_add(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                            char detail[static ROLE_DETAIL_MAX])
{
    const struct cse *cse = ctx;
    const struct credential_rules rules = {.kind = "kpsa", .fqdn = text_empty(), .lifetime = KPSA_LIFETIME};
    SCOPED(credential_args_wipe) struct credential_args a;
    TRY(credential_args_parse(&rules, rq->args, &a, detail));
    TRY(enrolee_check(cse, &a.enrolee_id, detail));
    struct cse_key k;
    err_t e = cse_key_get(t, text_of(a.folded.z), &k);
    if (e != ERR_NOT_FOUND) {
        return e == ERR_OK ? detail_fail(detail, ERR_EXISTS, "credential", text_of(a.id.z)) : e;
    }
    k = (struct cse_key){.kind = CSE_KEY_KPSA, .id = a.id, .peer = a.enrolee_id, .created = rq->now,
                         .not_after = rq->now + a.lifetime};
    struct writer w = WRITER_ARRAY(k.credential_id);
    writer_z(&w, "12-"); /* a symmetric key of an association framework (2.6) */
    writer_z(&w, a.id.z);
    TRY(writer_finish_z(&w));
    TRY(cse_key_put(cse, t, &k, &a.key, STORE_PUT_IF_ABSENT));
    TRY(cse_ae_reserve(cse, t, text_of(k.peer.z)));
    TRY(tell(t, AUDIT_CREDENTIAL_ADDED, &k.id, rq->now));
    return answer(&k, rq->now, out);
}

static err_t named(const struct ctl_request *rq, struct txn *t, struct cse_key *k, char *detail)
{
    struct keyid folded;
    TRY(credential_args_id(rq->args, &folded, detail));
    err_t e = cse_key_get(t, text_of(folded.z), k);
    return e == ERR_OK ? e : detail_fail(detail, e, "credential", text_of(folded.z));
}

static err_t credential_show(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                             char detail[static ROLE_DETAIL_MAX])
{
    (void)ctx;
    struct cse_key k;
    TRY(named(rq, t, &k, detail));
    return answer(&k, rq->now, out);
}

/* The key goes, the record stays: a revoked Kc is not fetched again, and open associations end with it. */
static err_t credential_revoke(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                               char detail[static ROLE_DETAIL_MAX])
{
    struct cse_key k;
    TRY(named(rq, t, &k, detail));
    if (!k.revoked) {
        k.revoked = true;
        k.sealed = bytes_empty();
        TRY(cse_key_put(ctx, t, &k, NULL, STORE_PUT_ANY));
        TRY(tell(t, AUDIT_CREDENTIAL_REVOKED, &k.id, rq->now));
    }
    return answer(&k, rq->now, out);
}

struct listing {
    struct ctl_list list;
    usec_t now;
};

static bool item(void *arg, struct bytes id, struct store_value value)
{
    struct listing *l = arg;
    struct cse_key k;
    if (!ctl_list_room(&l->list, id)) {
        return false;
    }
    if (cse_key_parse(value.data, &k) == ERR_OK) {
        members(&l->list.e, &k, l->now);
        return true;
    }
    emit_object(&l->list.e, NULL);
    emit_text(&l->list.e, "id", text_span((const char *)id.p, id.n));
    emit_z(&l->list.e, "state", "record-malformed");
    emit_close_object(&l->list.e);
    return true;
}

static err_t credential_list(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                             char detail[static ROLE_DETAIL_MAX])
{
    (void)ctx;
    (void)detail;
    struct listing l = {.now = rq->now};
    ctl_list_begin(&l.list, out, "credentials");
    struct store_scan q = {.table = TABLE_CSE_KEY, .prefix = bytes_empty(), .after = ctl_list_after(rq),
                           .order = STORE_ASCENDING};
    TRY(txn_scan(t, &q, item, &l));
    return ctl_list_end(&l.list);
}

const struct ctl_row cse_ctl_rows[CSE_CTL_ROWS_N] = {
    {"credential", "add", credential_args_add, CREDENTIAL_ARGS_ADD_N, true, credential_add,
     "gives this CSE a pre-provisioned key (--kind kpsa) to associate with"},
    {"credential", "list", ctl_list_args, CTL_LIST_ARGS_N, false, credential_list, "all keys this CSE associates with"},
    {"credential", "show", credential_args_one, CREDENTIAL_ARGS_ONE_N, false, credential_show, "one credential"},
    {"credential", "revoke", credential_args_one, CREDENTIAL_ARGS_ONE_N, true, credential_revoke,
     "forgets the key; it is refused from now on, also on open associations"},
};
