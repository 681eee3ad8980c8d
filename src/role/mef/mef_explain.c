/* ctl explain at the MEF: bootstrap credential with its instructions, its Enrolment Keys, certificates that were provisioned, registrations. */
#include "role/cert_key.h"
#include "role/mef/mef_explain_cmd.h"
#include "role/mef/mef_instruction.h"
#include "role/mef/rec_cert.h"
#include "role/mef/rec_credential.h"
#include "role/mef/rec_ke.h"
#include "role/reg/reg_explain.h"

struct gave {
    struct keyid ids[EXPLAIN_GAVE_MAX];
    size_t n;
};

static bool gave_hit(void *arg, struct bytes id, struct store_value value)
{
    struct gave *g = arg;
    (void)id;
    g->n += rec_ke_of_parse(value.data, &g->ids[g->n]) == ERR_OK ? 1 : 0;
    return g->n < EXPLAIN_GAVE_MAX;
}

static err_t gave_of(struct txn *t, const char *credential, struct gave *g)
{
    char prefix[KEYID_MAX + 1];
    struct writer w = WRITER_ARRAY(prefix);
    writer_z(&w, credential);
    writer_z(&w, "/");
    TRY(writer_finish(&w));
    *g = (struct gave){.n = 0};
    struct store_scan q = {.table = TABLE_MEF_KE_OF, .prefix = writer_view(&w), .order = STORE_ASCENDING};
    return txn_scan(t, &q, gave_hit, g);
}

/* As mef_instruction_check() judges: with one instruction that is not over a device may enrol. */
static enum states_state credential_state(const struct rec_credential *c, const struct mef_instruction_list *l,
                                          const struct gave *g, usec_t now)
{
    static const struct explain_stand of = {STATES_BOOTSTRAP_REVOKED, STATES_BOOTSTRAP_SUSPENDED, STATES_BOOTSTRAP_EXPIRED};
    usec_t last = 0;
    for (size_t i = 0; i < l->n; i++) {
        last = l->at[i].not_after > last ? l->at[i].not_after : last;
    }
    enum states_state alive = l->n == 0   ? STATES_BOOTSTRAP_IDLE
                              : g->n == 0 ? STATES_BOOTSTRAP_WAITING
                                          : STATES_BOOTSTRAP_ENROLLED;
    usec_t end = l->n == 0 || c->not_after < last ? c->not_after : last;
    return explain_standing(&of, c->standing, end - now, alive);
}

static void tell_instructions(struct explain *x, const struct mef_instruction_list *l)
{
    emit_array(x->e, "instructions");
    for (size_t i = 0; i < l->n; i++) {
        emit_object(x->e, NULL);
        emit_z(x->e, "target", l->at[i].target.z);
        emit_z_if(x->e, "enrolee-id", l->at[i].enrolee_id.z);
        emit_time(x->e, "not-after", l->at[i].not_after);
        emit_close_object(x->e);
    }
    emit_close_array(x->e);
}

static void tell_ke(struct explain *x, const struct rec_ke *k)
{
    enum states_state alive = k->released ? STATES_KE_RELEASED : STATES_KE_ISSUED;
    if (!explain_open(x, states_of_end(k->not_after, x->now, alive, STATES_KE_EXPIRED), k->ke_id.z)) {
        return;
    }
    emit_z(x->e, "came-from", k->credential.z);
    emit_z_if(x->e, "enrolee-id", k->enrolee_id.z);
    emit_time(x->e, "issued", k->issued);
    emit_time(x->e, "not-after", k->not_after);
    explain_close(x);
}

static err_t tell_gave(struct explain *x, struct txn *t, const struct gave *g)
{
    for (size_t i = 0; i < g->n; i++) {
        struct rec_ke k;
        err_t e = rec_ke_get(t, text_of(g->ids[i].z), &k);
        if (e == ERR_OK) {
            tell_ke(x, &k);
        }
        TRY(explain_maybe(e));
    }
    return ERR_OK;
}

static void tell_certificate(struct explain *x, struct txn *t, const struct rec_cert *c)
{
    struct rec_cert latest;
    bool is_latest = rec_cert_latest(t, text_of(c->name), &latest) == ERR_OK && text_eq_z(text_of(latest.serial), c->serial);
    enum states_state alive = is_latest ? STATES_CERT_LATEST : STATES_CERT_EARLIER;
    if (!explain_open(x, states_of_end(c->not_after, x->now, alive, STATES_CERT_EXPIRED), c->serial)) {
        return;
    }
    emit_z(x->e, "name", c->name);
    emit_z(x->e, "came-from", c->credential.z);
    emit_time(x->e, "issued", c->issued);
    emit_time(x->e, "not-after", c->not_after);
    explain_close(x);
}

static err_t latest_of(struct explain *x, struct txn *t, const struct m2mid *enrolee)
{
    char name[REC_CERT_NAME_MAX];
    struct rec_cert c;
    struct writer w = WRITER_ARRAY(name);
    writer_z(&w, "URI:m2m:");
    writer_z(&w, enrolee->z);
    if (enrolee->z[0] == '\0' || writer_finish_z(&w) != ERR_OK) {
        return ERR_OK;
    }
    err_t e = rec_cert_latest(t, text_of(name), &c);
    if (e == ERR_OK) {
        tell_certificate(x, t, &c);
    }
    return explain_maybe(e);
}

static err_t tell_credential(const struct mef *m, struct explain *x, struct txn *t, const struct rec_credential *c,
                             const char *key)
{
    struct gave g;
    struct mef_instruction_list l;
    TRY(gave_of(t, key, &g));
    TRY(mef_instruction_list(t, text_of(key), c, &l));
    if (!explain_open(x, credential_state(c, &l, &g, x->now), c->id.z)) {
        return ERR_OK;
    }
    explain_name(x, key);
    explain_name(x, c->enrolee_id.z);
    emit_z_if(x->e, "enrolee-id", c->enrolee_id.z);
    tell_instructions(x, &l);
    emit_time(x->e, "added", c->added);
    emit_time(x->e, "not-after", c->not_after);
    emit_array(x->e, "gave");
    for (size_t i = 0; i < g.n; i++) {
        emit_z(x->e, NULL, g.ids[i].z);
    }
    emit_close_array(x->e);
    explain_close(x);
    TRY(tell_gave(x, t, &g));
    TRY(latest_of(x, t, &c->enrolee_id));
    return reg_explain_client(&m->reg, x, t, c->enrolee_id.z);
}

static err_t by_credential(const struct mef *m, struct explain *x, struct txn *t, const char *key)
{
    struct rec_credential c;
    err_t e = key[0] == '\0' ? ERR_NOT_FOUND : rec_credential_get(t, text_of(key), &c);
    return e == ERR_OK ? tell_credential(m, x, t, &c, key) : explain_maybe(e);
}

static err_t by_ke(const struct mef *m, struct explain *x, struct txn *t)
{
    struct rec_ke k;
    err_t e = x->folded.z[0] == '\0' ? ERR_NOT_FOUND : rec_ke_get(t, text_of(x->folded.z), &k);
    if (e != ERR_OK) {
        return explain_maybe(e);
    }
    tell_ke(x, &k);
    return by_credential(m, x, t, k.credential.z);
}

static size_t is_enrolee(struct text id, struct bytes record, struct text who)
{
    struct rec_credential c;
    return rec_credential_parse(record, &c) == ERR_OK && m2mid_same(text_of(c.enrolee_id.z), who) ? id.n : 0;
}

/* Its id is the credential's, "/" and the target. */
static size_t is_instructed(struct text id, struct bytes record, struct text who)
{
    struct rec_instruction i;
    bool found = rec_instruction_parse(record, &i) == ERR_OK && m2mid_same(text_of(i.enrolee_id.z), who);
    size_t tail = found ? text_of(i.target.z).n + 1 : id.n;
    return tail < id.n ? id.n - tail : 0;
}

static err_t by_enrolee(const struct mef *m, struct explain *x, struct txn *t, enum store_table table,
                        explain_is_whose *is)
{
    struct explain_found f;
    TRY(explain_scan_whose(x, t, table, is, &f));
    for (size_t i = 0; i < f.n; i++) {
        TRY(by_credential(m, x, t, f.keys[i].z));
    }
    return ERR_OK;
}

static err_t by_serial(const struct mef *m, struct explain *x, struct txn *t)
{
    struct rec_cert c;
    err_t e = x->id.n >= ASSOCIATION_SERIAL_MAX ? ERR_NOT_FOUND : rec_cert_get(t, x->id, &c);
    if (e != ERR_OK) {
        return explain_maybe(e);
    }
    tell_certificate(x, t, &c);
    return by_credential(m, x, t, c.credential.z);
}

err_t mef_explain(const void *ctx, struct txn *t, struct explain *x)
{
    const struct mef *m = ctx;
    struct cert_key certificate;
    TRY(by_credential(m, x, t, x->folded.z));
    if (x->folded.z[0] == '\0' && cert_key_parse(x->id, &certificate) == ERR_OK) {
        TRY(by_credential(m, x, t, certificate.key.z));
    }
    TRY(by_ke(m, x, t));
    TRY(by_enrolee(m, x, t, TABLE_MEF_CREDENTIAL, is_enrolee));
    TRY(by_enrolee(m, x, t, TABLE_MEF_INSTRUCTION, is_instructed));
    TRY(by_serial(m, x, t));
    TRY(reg_explain(&m->reg, x, t));
    TRY(mef_explain_cmd(t, x));
    TRY(explain_scan_near(x, t, TABLE_MEF_CREDENTIAL));
    return explain_scan_near(x, t, TABLE_MEF_KE);
}
