#include "shell/control_explain.h"

#include "role/explain.h"
#include "role/explain_step.h"
#include "shell/control.h"
#include "shell/snapshot.h"
#include "wire/json.h"

#include <stdio.h>
#include <string.h>

#define HISTORY_MAX 20    /* events shown */
#define LOOK_BACK 20000   /* events looked at for them */
#define ASSOCIATION_MS 13 /* hexadecimal digits of its id that are milliseconds, and the first of what is random */

const struct ctl_arg control_explain_args[CONTROL_EXPLAIN_ARGS_N] = {
    {"ID", CTL_ARG_REQUIRED | CTL_ARG_POSITIONAL,
     "KpmId, KeId, KmId, KcId, KpsaId, AE-ID or CSE-ID, client, registration, command, certificate serial, association id, or address or name of a resource"},
};

/* -- which step it was --------------------------------------------------------------------------------------------- */
static void emit_step(const struct snapshot *snap, const struct audit_event *e, struct emit *m)
{
    const struct explain_step *step = NULL;
    for (size_t i = 0; i < snap->roles_n && step == NULL; i++) {
        step = explain_step_of(snap->roles[i].role->name, e);
    }
    if (step != NULL) {
        emit_z(m, "step", step->step);
        emit_z(m, "step-clause", step->clause);
    }
}

/* -- what to do ----------------------------------------------------------------------------------------------------- */
#define RESUME                                                                                                         \
    "an operator suspended it, here or where it came from: `ctl credential resume` at that server gives it back; nothing has to be enrolled again"

/* What the state and the reason together say; else the reason's own advice counts. */
static const struct {
    enum states_machine machine;
    err_t why;
    const char *todo;
} remedies[] = {
    {STATES_MACHINE_BOOTSTRAP, ERR_DENIED_PSK_WRONG, "the device holds another key than the Kpm of this credential: compare its key file with the one given to `ctl credential add`, or revoke it and add one under another name"},
    {STATES_MACHINE_BOOTSTRAP, ERR_DENIED_NOT_INSTRUCTED, "say for which target it may enrol: `ctl instruction add`"},
    {STATES_MACHINE_BOOTSTRAP, ERR_DENIED_REVOKED, "an operator revoked it: if the device may come back, add a credential under another name and give it that key"},
    {STATES_MACHINE_BOOTSTRAP, ERR_DENIED_EXPIRED, "the credential or its instruction ended before the device came: add an instruction, or a credential under another name, with a longer --lifetime"},
    {STATES_MACHINE_BOOTSTRAP, ERR_DENIED_TARGET, "somebody who is not its target asked for its key: let the device use its target, or permit that target: `ctl instruction add`"},
    {STATES_MACHINE_BOOTSTRAP, ERR_DENIED_SUSPENDED, RESUME},
    {STATES_MACHINE_KM, ERR_DENIED_SUSPENDED, RESUME},
    {STATES_MACHINE_SAEF, ERR_DENIED_SUSPENDED, RESUME},
    {STATES_MACHINE_KE, ERR_DENIED_TARGET, "somebody who is not its target asked for it: let the device use its target, or permit that target: `ctl instruction add`"},
    {STATES_MACHINE_KM, ERR_DENIED_PSK_WRONG, "the device derived another Km: it was enrolled for another MAF or in the other profile (r3, seed); let it enrol again"},
    {STATES_MACHINE_KM, ERR_DENIED_CLIENT, "permit it at this MAF: `ctl client allow --client ID --target CSE-ID`"},
    {STATES_MACHINE_CLIENT, ERR_DENIED_CLIENT, "permit it: `ctl client allow --client ID --target CSE-ID`"},
    {STATES_MACHINE_KEY, ERR_DENIED_TARGET, "somebody who is no target of this key asked for it: let the Source register it for that target"},
    {STATES_MACHINE_SAEF, ERR_DENIED_PSK_WRONG, "the device holds another key: compare its key file with the one given to `ctl credential add`, or let it register a new key at the MAF"},
    {STATES_MACHINE_SAEF, ERR_DENIED_EXPIRED, "the key is over: let the device register a new one at the MAF, or add a new credential"},
    {STATES_MACHINE_SAEF, ERR_DENIED_REVOKED, "it was revoked here or where it came from: let the device register a new key at the MAF, or add a credential under another name"},
};

static const char *remedy(const struct explain *x, err_t why)
{
    enum states_machine own = states_row(x->state)->machine;
    for (size_t i = 0; i < ARRAY_LEN(remedies); i++) {
        if (remedies[i].why == why && remedies[i].machine == own) {
            return remedies[i].todo;
        }
    }
    return err_info(why)->hint;
}

/* -- what the chain says ---------------------------------------------------------------------------------------------- */
struct history {
    const struct explain *x;
    struct {
        uint64_t number;
        struct audit_event event;
    } at[HISTORY_MAX];
    size_t n;
    uint64_t success;  /* newest event that is a success of its own */
    uint64_t by_operator; /* newest event of an operator */
    uint64_t oldest;   /* how far was looked back */
};

static bool is_about(const struct explain *x, const struct audit_event *e)
{
    for (size_t i = 0; i < x->names_n; i++) {
        if (audit_find_is_about(e, x->names[i])) {
            return true;
        }
    }
    return false;
}

static bool history_hit(void *arg, uint64_t number, const struct audit_event *e)
{
    struct history *h = arg;
    h->oldest = number;
    if (!is_about(h->x, e)) {
        return true;
    }
    bool by_operator = strcmp(e->peer, "operator") == 0;
    if (by_operator && h->by_operator == 0) {
        h->by_operator = number;
    } else if (!by_operator && e->outcome == ERR_OK && h->success == 0) {
        h->success = number;
    }
    h->at[h->n].number = number;
    h->at[h->n++].event = *e;
    return h->n < HISTORY_MAX;
}

/* The id of an association begins with the time when it was made, and numbers rise with time. */
static err_t association_begin(struct txn *t, struct text id, uint64_t *from)
{
    uint64_t ms = 0;
    uint64_t low = 1;
    struct audit_find_last last = {.number = 0};
    for (size_t i = 0; i < ASSOCIATION_MS - 1; i++) {
        char c = text_lower(id.p[i]);
        ms = ms << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    struct history h = {.x = &(struct explain){.names_n = 0}};
    TRY(audit_back(t->store, 0, 1, history_hit, &h));
    uint64_t high = h.oldest;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        TRY(audit_get(t->store, middle, t->arena, &last.event));
        if ((uint64_t)last.event.time / 1000 + 1000 < ms) { /* a second of another process's clock */
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *from = low;
    return ERR_OK;
}

static void tell_association(struct explain *x, const struct audit_event *e)
{
    if (!explain_open(x, STATES_ASSOCIATION_MADE, e->association)) {
        return;
    }
    explain_name(x, e->peer);
    emit_z(x->e, "came-from", e->object);
    emit_z(x->e, "peer", e->peer);
    emit_time(x->e, "established", e->time);
    explain_close(x);
}

static bool is_association(struct text id)
{
    for (size_t i = 0; i < id.n; i++) {
        char c = text_lower(id.p[i]);
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
    }
    return id.n == ASSOCIATION_ID_LEN;
}

static err_t association(struct explain *x, struct txn *t)
{
    uint64_t from = 0;
    if (!is_association(x->id)) {
        return ERR_OK;
    }
    TRY(explain_maybe(association_begin(t, x->id, &from)));
    for (uint64_t n = from; n < from + LOOK_BACK && x->objects_n == 0; n++) {
        struct audit_event e;
        err_t found = audit_get(t->store, n, t->arena, &e);
        if (found == ERR_NOT_FOUND) {
            break;
        }
        TRY(found);
        if (e.association[0] != '\0' && text_eq_nocase(x->id, text_of(e.association))) {
            tell_association(x, &e);
        }
    }
    return ERR_OK;
}

/* -- the answer ------------------------------------------------------------------------------------------------------ */
static err_t objects(const struct snapshot *snap, struct explain *x, struct txn *t)
{
    emit_array(x->e, "objects");
    for (size_t i = 0; i < snap->roles_n; i++) {
        const struct snapshot_role *r = &snap->roles[i];
        struct txn view;
        txn_init(&view, t->store, t->arena, false);
        txn_enter(&view, r->partition);
        if (r->role->explain != NULL) {
            TRY(r->role->explain(r->ctx, &view, x));
        }
    }
    TRY(association(x, t));
    emit_close_array(x->e);
    return ERR_OK;
}

static err_t last_refusal(const struct explain *x, struct txn *t, struct audit_find_last *out)
{
    out->number = 0;
    for (size_t i = 0; i < x->names_n; i++) {
        struct audit_find_last l;
        err_t e = audit_find_last(t->store, x->names[i], t->arena, &l);
        TRY(explain_maybe(e));
        if (e == ERR_OK && l.number > out->number) {
            *out = l;
        }
    }
    return ERR_OK;
}

static void emit_refusal(const struct snapshot *snap, const struct audit_find_last *l, struct emit *m)
{
    const struct err_info *why = err_info(l->event.outcome);
    emit_object(m, "last-refusal");
    emit_time(m, "time", l->event.time);
    emit_step(snap, &l->event, m);
    emit_z(m, "code", why->code);
    emit_z(m, "text", why->text);
    emit_z(m, "clause", why->clause);
    emit_z_if(m, "peer", l->event.peer);
    emit_z_if(m, "object", l->event.object);
    emit_z_if(m, "association", l->event.association);
    emit_number(m, "event", l->number);
    emit_number(m, "refusals", l->count);
    emit_close_object(m);
}

/* Whom this server asks when somebody shows this identifier: the [peer] whose FQDN it ends with; or NULL. */
static const struct snapshot_peer *asked_at(const struct snapshot *snap, const struct explain *x)
{
    char fqdn[KEYID_MAX];
    bool named = TEXT_COPY(text_skip(x->id, text_find(x->id, '@') + 1), fqdn) == ERR_OK; /* of a KeId or a B-TID */
    return named && fqdn[0] != '\0' ? snapshot_peer_of(snap, fqdn) : NULL;
}

static const char *nothing_to_do(const struct snapshot *snap, const struct explain *x)
{
    return asked_at(snap, x) != NULL ? "its key is asked for when it connects, at the server of `asked-at`: `ctl explain` there says more; "
                                       "while that one does not answer, authority-away stands in the log here"
                                     : "compare the identifier with the lists: `ctl credential list`, `ctl key list`; ask the other servers too";
}

static const char *what_to_do(const struct explain *x, const struct history *h, const struct audit_find_last *l)
{
    bool stands = l->number > h->success;
    if (stands && h->by_operator > l->number) {
        return "an operator has changed something since the last refusal: let the device try again";
    }
    if (stands && l->number > 0) {
        return remedy(x, l->event.outcome);
    }
    return x->objects_n == 0 ? NULL : states_row(x->state)->todo;
}

static void emit_nothing_found(const struct snapshot *snap, const struct explain *x, struct emit *m)
{
    const struct snapshot_peer *p = asked_at(snap, x);
    if (p != NULL) {
        emit_z(m, "asked-at", p->fqdn);
    }
    emit_z(m, "looked-for", "a credential, key, client, registration, command, AE, CSE, group, node, service subscription, certificate or association of this name, in the store and "
                            "the audit chain of this server");
    emit_array(m, "near");
    for (size_t i = 0; i < x->near_n; i++) {
        emit_z(m, NULL, x->near[i]);
    }
    emit_close_array(m);
}

err_t control_explain(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                      char detail[static ROLE_DETAIL_MAX])
{
    const struct control_ctx *c = ctx;
    struct text id = json_get_text(rq->args, "ID");
    struct emit m = emit_to(out);
    struct explain x;
    struct audit_find_last last;
    if (id.n == 0 || id.n >= KEYID_MAX) {
        (void)snprintf(detail, ROLE_DETAIL_MAX, "ID is 1 to %d octets", KEYID_MAX - 1);
        return ERR_USAGE;
    }
    explain_init(&x, &m, id, rq->now);
    char asked[KEYID_MAX];
    TRY(TEXT_COPY(id, asked));
    explain_name(&x, asked);
    emit_object(&m, NULL);
    emit_text(&m, "id", id);
    TRY(objects(c->snap, &x, t));
    struct history h = {.x = &x};
    TRY(audit_back(t->store, 0, LOOK_BACK, history_hit, &h));
    TRY(last_refusal(&x, t, &last));
    emit_bool(&m, "found", x.objects_n > 0);
    if (x.objects_n == 0) {
        emit_nothing_found(c->snap, &x, &m);
    }
    if (last.number > 0) {
        emit_refusal(c->snap, &last, &m);
    }
    emit_array(&m, "history");
    for (size_t i = h.n; i > 0; i--) {
        (void)control_emit_event(&m, h.at[i - 1].number, &h.at[i - 1].event);
    }
    emit_close_array(&m);
    emit_bool(&m, "cut", x.cut);
    const char *todo = what_to_do(&x, &h, &last);
    emit_z(&m, "do", todo != NULL ? todo : nothing_to_do(c->snap, &x));
    emit_close_object(&m);
    return writer_finish(out);
}
