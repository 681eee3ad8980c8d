#include "role/explain.h"

#include "keys/gba_id.h"

#include <string.h>

void explain_init(struct explain *x, struct emit *e, struct text id, usec_t now)
{
    *x = (struct explain){.e = e, .id = id, .now = now, .state = STATES_NONE};
    struct keyid_parts parts;
    struct b_tid_parts b_tid; /* a name of keys too (R001-141), with letters of its own */
    bool named = keyid_parse(id, &parts) == ERR_OK || b_tid_parse(id, &b_tid) == ERR_OK;
    if (!named || keyid_fold(id, &x->folded) != ERR_OK) {
        x->folded.z[0] = '\0';
    }
}

static bool is_told(const struct explain *x, enum states_machine m, const char *id)
{
    for (size_t i = 0; i < x->objects_n; i++) {
        if (x->objects[i].machine == m && text_eq_nocase(text_of(x->objects[i].id.z), text_of(id))) {
            return true;
        }
    }
    return false;
}

bool explain_open(struct explain *x, enum states_state s, const char *id)
{
    const struct states_row *row = states_row(s);
    if (is_told(x, row->machine, id)) {
        return false;
    }
    if (x->objects_n == EXPLAIN_OBJECTS_MAX) {
        x->cut = true;
        return false;
    }
    x->objects[x->objects_n].machine = row->machine;
    if (TEXT_COPY(text_take(text_of(id), KEYID_MAX - 1), x->objects[x->objects_n].id.z) != ERR_OK) {
        return false;
    }
    x->state = x->objects_n == 0 ? s : x->state;
    x->objects_n++;
    explain_name(x, id);
    emit_object(x->e, NULL);
    emit_z(x->e, "kind", states_machine_row(row->machine)->code);
    emit_z(x->e, "id", id);
    emit_z(x->e, "state", row->code);
    emit_z(x->e, "means", row->means);
    return true;
}

void explain_close(struct explain *x)
{
    emit_close_object(x->e);
}

void explain_name(struct explain *x, const char *name)
{
    char folded[AUDIT_FIND_NAME_MAX];
    audit_find_fold(text_of(name), folded);
    for (size_t i = 0; i < x->names_n; i++) {
        if (strcmp(x->names[i], folded) == 0) {
            return;
        }
    }
    if (folded[0] != '\0' && x->names_n < EXPLAIN_NAMES_MAX) {
        memcpy(x->names[x->names_n++], folded, sizeof(folded));
    }
}

void explain_near(struct explain *x, struct text id)
{
    for (size_t i = 0; i < x->near_n; i++) {
        if (text_eq_z(id, x->near[i])) {
            return;
        }
    }
    if (x->near_n < EXPLAIN_NEAR_MAX && TEXT_COPY(id, x->near[x->near_n]) == ERR_OK) {
        x->near_n++;
    }
}

static bool near_hit(void *arg, struct bytes id, struct store_value value)
{
    struct explain *x = arg;
    struct text found = text_span((const char *)id.p, id.n);
    (void)value;
    if (!text_eq_z(found, x->folded.z)) {
        explain_near(x, found);
    }
    return x->near_n < EXPLAIN_NEAR_MAX;
}

err_t explain_scan_near(struct explain *x, struct txn *t, enum store_table table)
{
    struct text folded = text_of(x->folded.z);
    struct text left = text_take(folded, text_find(folded, '@') + 1);
    struct store_scan q = {.table = table, .prefix = text_bytes(left), .order = STORE_ASCENDING, .limit = EXPLAIN_NEAR_MAX + 1};
    return left.n == 0 ? ERR_OK : txn_scan(t, &q, near_hit, x);
}

struct whose {
    struct text who;
    explain_is_whose *is;
    struct explain_found *out;
    size_t seen;
};

static bool whose_hit(void *arg, struct bytes id, struct store_value value)
{
    struct whose *w = arg;
    struct explain_found *f = w->out;
    struct text whole = text_span((const char *)id.p, id.n);
    size_t names = w->is(whole, value.data, w->who);
    if (names > 0 && TEXT_COPY(text_take(whole, names), f->keys[f->n].z) == ERR_OK) {
        f->n++;
    }
    return ++w->seen < EXPLAIN_SCAN_MAX && f->n < EXPLAIN_GAVE_MAX;
}

err_t explain_scan_whose(struct explain *x, struct txn *t, enum store_table table, explain_is_whose *is,
                         struct explain_found *out)
{
    struct whose w = {.who = x->id, .is = is, .out = out};
    struct store_scan q = {.table = table, .prefix = bytes_empty(), .order = STORE_ASCENDING};
    out->n = 0;
    if (!text_starts(x->id, "//")) {
        return ERR_OK;
    }
    TRY(txn_scan(t, &q, whose_hit, &w));
    x->cut = x->cut || w.seen == EXPLAIN_SCAN_MAX || out->n == EXPLAIN_GAVE_MAX;
    return ERR_OK;
}

enum states_state explain_standing(const struct explain_stand *s, uint8_t standing, usec_t left,
                                   enum states_state alive)
{
    err_t e = standing_check(standing);
    if (e != ERR_OK) {
        return e == ERR_DENIED_REVOKED ? s->revoked : s->suspended;
    }
    return left <= 0 ? s->expired : alive;
}

err_t explain_maybe(err_t e)
{
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}
