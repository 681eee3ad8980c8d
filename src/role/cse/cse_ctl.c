/* None of these can print a key: sealed octets are not opened here. */
#include "role/cse/cse_ctl.h"

#include "role/cert_key.h"
#include "role/credential_args.h"
#include "role/cse/cse_ae.h"
#include "role/cse/cse_announce_ctl.h"
#include "role/cse/cse_join_ctl.h"
#include "role/cse/cse_key.h"
#include "role/cse/cse_notify_ctl.h"
#include "role/cse/cse_res_ctl.h"
#include "role/cse/cse_sub_ctl.h"
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

/* As it was given: several with commas. */
static void emit_peers(struct emit *e, const struct cse_key *k)
{
    char list[ASSOCIATION_IDS_MAX * M2MID_MAX];
    struct writer w = WRITER_ARRAY(list);
    for (size_t i = 0; i < k->peers_n; i++) {
        writer_z(&w, i > 0 ? "," : "");
        writer_z(&w, k->peers[i].z);
    }
    emit_z_if(e, "enrolee-id", writer_finish_z(&w) == ERR_OK ? list : "");
}

static void members(struct emit *e, const struct cse_key *k, usec_t now)
{
    emit_object(e, NULL);
    emit_z(e, "id", k->id.z);
    emit_z(e, "kind", cse_key_kind_name(k->kind));
    if (k->kind == CSE_KEY_CERT) {
        struct cert_key c;
        emit_z(e, "flavour", cert_key_parse(text_of(k->id.z), &c) == ERR_OK ? cert_id_name(c.flavour) : "-");
    }
    emit_peers(e, k);
    emit_z(e, "credential-id", k->credential_id);
    emit_z_if(e, "source", k->source.z);
    emit_uss(e, k->uss, k->uss_n);
    emit_time(e, "added", k->created);
    emit_time(e, "not-after", k->not_after);
    emit_z(e, "state", standing_name(k->standing, k->not_after, now));
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
    if (cse_from_forms(cse, text_of(id->z), &f) == ERR_OK && (f.kind == CSE_FROM_CSE || f.stem.z[0] != '\0')) {
        return ERR_OK;
    }
    return detail_fail(detail, ERR_MALFORMED_ID, "--enrolee-id is no AE of this CSE", text_of(id->z));
}

/* Whom the credential stands for. A certificate that names a CSE or an AE says it itself; a list is of AEs, and only of
 * what sits on one node (6.0.2 iii). */
static err_t peers_of(const struct cse *cse, const struct credential_args *a, bool certificate, struct cse_key *k,
                      char *detail)
{
    bool named = certificate && (a->flavour == CERT_ID_AE || a->flavour == CERT_ID_CSE);
    for (size_t i = 0; i < a->enrolee_ids_n; i++) {
        k->peers[k->peers_n++] = a->enrolee_ids[i];
    }
    if (named && k->peers_n == 0) {
        TRY(TEXT_COPY(text_of(a->id.z), k->peers[k->peers_n++].z));
    }
    if (named && (k->peers_n != 1 || !m2mid_same(text_of(k->peers[0].z), text_of(a->id.z)))) {
        return detail_fail(detail, ERR_MALFORMED_ID, "--enrolee-id is not what the certificate says", text_of(a->id.z));
    }
    for (size_t i = 0; i < k->peers_n; i++) {
        TRY(enrolee_check(cse, &k->peers[i], detail));
        if (k->peers_n > 1 && !m2mid_is_ae(m2mid_kind(text_of(k->peers[i].z)))) {
            return detail_fail(detail, ERR_MALFORMED_ID, "a list of --enrolee-id is of AE-IDs", text_of(k->peers[i].z));
        }
    }
    return ERR_OK;
}

/* R002-84: a key for objects stands for one originator, wherever he is registered. */
static err_t originator_of(const struct cse *cse, const struct credential_args *a, struct cse_key *k, char *detail)
{
    if (a->enrolee_ids_n == 0) {
        return detail_fail(detail, ERR_MISSING, "--enrolee-id: whom the key stands for", text_empty());
    }
    if (m2mid_same(text_of(a->enrolee_id.z), text_of(cse->self.z))) {
        return detail_fail(detail, ERR_MALFORMED_ID, "--enrolee-id is this CSE", text_of(a->enrolee_id.z));
    }
    k->peers[0] = a->enrolee_id;
    k->peers_n = 1;
    return ERR_OK;
}

/* "12-" a symmetric key of an association framework, "13-" of ESPrim, "30-" to "34-" a certificate (2.6). */
static err_t credential_id(const struct credential_args *a, struct cse_key *k)
{
    if (k->kind == CSE_KEY_CERT) {
        return cert_key_credential(a->flavour, text_of(a->id.z), k->credential_id);
    }
    struct writer w = WRITER_ARRAY(k->credential_id);
    writer_z(&w, k->kind == CSE_KEY_ESPRIM ? "13-" : "12-");
    writer_z(&w, a->id.z);
    return writer_finish_z(&w);
}

/* R000-12, R002-46, R002-58: pre-provisioned on device and here, used without any MEF. */
static err_t credential_add(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                            char detail[static ROLE_DETAIL_MAX])
{
    static const struct credential_rules kinds[] = {
        {.kind = "kpsa", .lifetime = KPSA_LIFETIME},
        {.kind = "esprim", .lifetime = KPSA_LIFETIME},
        {.kind = "cert", .certificate = true, .enrolees = ASSOCIATION_IDS_MAX, .lifetime = KPSA_LIFETIME}};
    static const enum cse_key_kind kept[] = {CSE_KEY_KPSA, CSE_KEY_ESPRIM, CSE_KEY_CERT};
    const struct cse *cse = ctx;
    const struct credential_rules *rules = credential_args_rules(kinds, ARRAY_LEN(kinds), rq->args);
    bool cert = rules->certificate;
    SCOPED(credential_args_wipe) struct credential_args a;
    TRY(credential_args_parse(rules, rq->args, &a, detail));
    struct cse_key k;
    err_t e = cse_key_get(t, text_of(a.folded.z), &k);
    if (e != ERR_NOT_FOUND) {
        return e == ERR_OK ? detail_fail(detail, ERR_EXISTS, "credential", text_of(a.id.z)) : e;
    }
    k = (struct cse_key){.kind = kept[rules - kinds], .id = cert ? a.folded : a.id, .created = rq->now,
                         .not_after = rq->now + a.lifetime};
    TRY(k.kind == CSE_KEY_ESPRIM ? originator_of(cse, &a, &k, detail) : peers_of(cse, &a, cert, &k, detail));
    TRY(credential_id(&a, &k));
    TRY(cse_key_put(cse, t, &k, cert ? NULL : &a.key, STORE_PUT_IF_ABSENT));
    for (size_t i = 0; i < k.peers_n && k.kind != CSE_KEY_ESPRIM; i++) { /* its originator may live anywhere */
        TRY(cse_ae_reserve(cse, t, text_of(k.peers[i].z)));
    }
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

/* Of a revoked one the key goes and the record stays: a Kc is not fetched again, and open associations end with it. */
static err_t stand(const struct cse *cse, const struct standing_act *act, const struct ctl_request *rq, struct txn *t,
                   struct writer *out, char detail[static ROLE_DETAIL_MAX])
{
    struct cse_key k;
    bool changed = false;
    TRY(named(rq, t, &k, detail));
    err_t e = standing_do(&k.standing, act, &changed);
    if (e != ERR_OK) {
        return detail_fail(detail, e, "credential", text_of(k.id.z));
    }
    if (changed) {
        TRY(cse_key_stand(cse, t, &k, rq->now));
        TRY(tell(t, act->kind, &k.id, rq->now));
    }
    return answer(&k, rq->now, out);
}

static err_t credential_revoke(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                               char detail[static ROLE_DETAIL_MAX])
{
    return stand(ctx, &standing_revoke, rq, t, out, detail);
}

static err_t credential_suspend(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                                char detail[static ROLE_DETAIL_MAX])
{
    return stand(ctx, &standing_suspend, rq, t, out, detail);
}

static err_t credential_resume(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                               char detail[static ROLE_DETAIL_MAX])
{
    return stand(ctx, &standing_resume, rq, t, out, detail);
}

static err_t item(struct emit *e, const struct ctl_list_record *r)
{
    struct cse_key k;
    TRY(cse_key_parse(r->data, &k));
    members(e, &k, r->now);
    return ERR_OK;
}

static err_t credential_list(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                             char detail[static ROLE_DETAIL_MAX])
{
    static const struct ctl_list_of credentials = {.name = "credentials", .table = TABLE_CSE_KEY, .item = item};
    (void)ctx;
    (void)detail;
    return ctl_list(rq, t, &credentials, out);
}

const struct ctl_row cse_ctl_rows[CSE_CTL_ROWS_N] = {
    {"credential", "add", credential_args_add, CREDENTIAL_ARGS_ADD_N, true, credential_add,
     "gives this CSE a pre-provisioned key (--kind kpsa), or one for ESPrim Objects (esprim), or says whom a certificate stands for (cert)"},
    {"credential", "list", ctl_list_args, CTL_LIST_ARGS_N, false, credential_list, "all keys and certificates this CSE associates with"},
    {"credential", "show", credential_args_one, CREDENTIAL_ARGS_ONE_N, false, credential_show, "one credential"},
    {"credential", "revoke", credential_args_one, CREDENTIAL_ARGS_ONE_N, true, credential_revoke,
     "forgets the key; it is refused from now on, also on open associations"},
    {"credential", "suspend", credential_args_one, CREDENTIAL_ARGS_ONE_N, true, credential_suspend,
     "refuse it until it is resumed"},
    {"credential", "resume", credential_args_one, CREDENTIAL_ARGS_ONE_N, true, credential_resume,
     "give a suspended credential back, with the keys that came from it"},
    CSE_SUB_CTL_ROWS,
    CSE_NOTIFY_CTL_ROWS,
    CSE_RES_CTL_ROWS,
    CSE_JOIN_CTL_ROWS,
    CSE_ANNOUNCE_CTL_ROWS,
};
