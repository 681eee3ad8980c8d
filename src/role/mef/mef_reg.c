/* What client and key registration need to know of the MEF: its row, and the bootstrap credential behind a client
 * [TS-0003 8.3.5.2]. */
#include "role/mef/mef_instruction.h"
#include "role/mef/rec_ke.h"
#include "role/reg/reg_who.h"

static err_t credential_of(struct txn *t, struct text key_id, struct keyid *folded, struct rec_credential *c)
{
    TRY(cert_key_fold(key_id, folded));
    return rec_credential_get(t, text_of(folded->z), c);
}

/* An Enrolee is what its instruction says; any other certificate names its holder itself. */
static err_t who(const struct reg *r, const struct request *rq, struct txn *t, struct reg_who *out)
{
    (void)r;
    struct keyid folded;
    struct rec_credential c;
    if (rq->assoc->peer != PEER_ENROLEE) {
        return reg_who_cert(rq, out);
    }
    err_t e = credential_of(t, text_of(rq->assoc->key_id.z), &folded, &c);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_DENIED_CLIENT : e;
    }
    TRY(standing_check(c.standing));
    TRY(c.not_after <= rq->now ? ERR_DENIED_EXPIRED : ERR_OK);
    out->named = c.enrolee_id.z[0] != '\0' || c.kind != REC_CREDENTIAL_KPM;
    out->not_after = c.not_after;
    if (rq->assoc->framework == ASSOCIATION_CERT) { /* nor does it outlive the certificate shown */
        out->not_after = reg_earlier(c.not_after, rq->assoc->not_after);
    }
    TRY(TEXT_COPY(text_of(rq->assoc->key_id.z), out->credential.z));
    if (c.enrolee_id.z[0] != '\0') {
        return reg_who_name(text_of(c.enrolee_id.z), out->name);
    }
    return c.kind == REC_CREDENTIAL_KPM ? reg_who_name(text_of(rq->assoc->credential_id), out->name)
                                        : TEXT_COPY(text_of(rq->assoc->credential_id), out->name);
}

static err_t instructed(const struct reg_who *w, struct txn *t, const struct reg_use *use, bool *out)
{
    struct keyid folded;
    *out = false;
    return cert_key_fold(text_of(w->credential.z), &folded) != ERR_OK
               ? ERR_OK /* no credential of this MEF stands behind it */
               : mef_instruction_permits(t, text_of(folded.z), use, out);
}

/* What came with its last reassignment: where its service is now. */
static err_t configured(const struct reg_who *w, struct txn *t, struct text *out)
{
    struct keyid folded;
    struct rec_credential c;
    if (w->credential.z[0] == '\0') { /* no credential of this MEF stands behind it */
        return ERR_OK;
    }
    err_t e = credential_of(t, text_of(w->credential.z), &folded, &c);
    *out = e == ERR_OK ? c.cfg : text_empty();
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static err_t source(const struct reg *r, struct txn *t, const struct keyid *credential, usec_t created)
{
    (void)r;
    struct keyid folded;
    struct rec_credential c;
    err_t e = credential_of(t, text_of(credential->z), &folded, &c);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    TRY(standing_check(c.standing));
    return created > c.since ? ERR_OK : ERR_DENIED_REVOKED;
}

/* -- the session's export -------------------------------------------------------------------------------- */
struct entry {
    struct text ke_id; /* folded */
    char index[REC_KE_OF_ID_MAX];
};

static bool entry_hit(void *arg, struct bytes id, struct store_value value)
{
    struct entry *x = arg;
    struct keyid ke_id;
    bool found = rec_ke_of_parse(value.data, &ke_id) == ERR_OK && text_eq_z(x->ke_id, ke_id.z) &&
                 TEXT_COPY(text_span((const char *)id.p, id.n), x->index) == ERR_OK;
    return !found;
}

/* The Enrolment Key and its entry among the live ones of its credential. */
static err_t drop_ke(struct txn *t, const struct rec_ke *k, struct text folded)
{
    char prefix[KEYID_MAX + 1];
    struct entry x = {.ke_id = folded};
    struct writer w = WRITER_ARRAY(prefix);
    writer_z(&w, k->credential.z);
    writer_u8(&w, '/');
    TRY(writer_finish(&w));
    struct store_scan q = {.table = TABLE_MEF_KE_OF, .prefix = writer_view(&w), .order = STORE_ASCENDING};
    TRY(txn_scan(t, &q, entry_hit, &x));
    TRY(x.index[0] == '\0' ? ERR_OK : txn_del(t, TABLE_MEF_KE_OF, text_of(x.index)));
    return txn_del(t, TABLE_MEF_KE, folded);
}

/* The export of an Enrolee's session is its Enrolment Key [CHOICE-24]. It has one use [CHOICE-10]: as a registered key it is
 * an Enrolment Key no more, and one of which a key was released already cannot become a registered key. */
static err_t claim(const struct reg *r, const struct request *rq, struct txn *t, const struct keys_relative *id)
{
    struct keyid ke_id, folded;
    struct rec_ke k;
    if (rq->assoc->peer != PEER_ENROLEE) { /* its session made no Enrolment Key */
        return ERR_OK;
    }
    TRY(keyid_of_relative(id, text_of(r->fqdn), &ke_id));
    TRY(keyid_fold(text_of(ke_id.z), &folded));
    err_t e = rec_ke_get(t, text_of(folded.z), &k);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_EXPORT_USED : e;
    }
    return k.released ? ERR_EXPORT_USED : drop_ke(t, &k, text_of(folded.z));
}

/* Which keys a MEF provisions, and for how many targets [TS-0003 table 8.3.5.1-1, CHOICE-59]. */
static const struct reg_suid suids[] = {{21, 1, true},
                                        {22, 1, false},
                                        {23, 1, false},
                                        {24, REC_LIST_MAX, false},
                                        {25, REC_LIST_MAX, false}};

const struct reg_kind mef_reg_kind = {
    .name = "MEF",
    .ri = "mecr",
    .configuration = "sec:mefClientCfg",
    .base_ty = REG_ATTR_TY_MEF_BASE,
    .client_ty = REG_ATTR_TY_MEF_CLIENT,
    .withdraw = &withdraw_mef,
    .suids = suids,
    .suids_n = ARRAY_LEN(suids),
    .suids_text = "a MEF registers keys for SUID 21, 22, 23, 24 and 25",
    .client = TABLE_MEF_CLIENT,
    .client_of = TABLE_MEF_CLIENT_OF,
    .key = TABLE_MEF_KEY,
    .key_of = TABLE_MEF_KEY_OF,
    .allow = TABLE_MEF_ALLOW,
    .client_registered = AUDIT_MEF_CLIENT_REGISTERED,
    .key_registered = AUDIT_MEF_KEY_REGISTERED,
    .key_retrieved = AUDIT_MEF_KEY_RETRIEVED,
    .who = who,
    .source = source,
    .target = mef_target_put, /* it may come to fetch (R001-100) */
    .children = mef_cmd_children,
    .claim = claim,
    .instructed = instructed,
    .configured = configured,
};
