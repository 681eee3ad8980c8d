#include "cli/trail.h"

#include "store/audit_find.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#include <stdlib.h>
#include <string.h>

#define HOPS_MAX 16 /* from name to name: a device takes four; a trail made to mislead would take as many as it has events */

void trail_free(struct trail *t)
{
    free(t->at);
    free(t->names);
    *t = (struct trail){.n = 0};
}

/* -- reading ------------------------------------------------------------------------------------------------------- */
static err_t say(char detail[static TRAIL_DETAIL_MAX], err_t e, const char *what)
{
    (void)snprintf(detail, TRAIL_DETAIL_MAX, "%s", what);
    return e;
}

/* Whose chain it is: a role of a server, and its lifeline. */
struct whose {
    const char *role;
    enum ladder_line line;
};

static bool is_role(struct text role, struct whose *out)
{
    for (size_t l = 0; l < LADDER_LINES; l++) {
        for (size_t i = 0; i < ARRAY_LEN(ladder_participants[l].roles); i++) {
            const char *name = ladder_participants[l].roles[i];
            if (name != NULL && text_eq_z(role, name)) {
                *out = (struct whose){name, (enum ladder_line)l};
                return true;
            }
        }
    }
    return false;
}

static err_t say_roles(char detail[static TRAIL_DETAIL_MAX])
{
    struct writer w = writer_of(detail, TRAIL_DETAIL_MAX);
    const char *before = "\"roles\" does not say whose chain it is: ";
    for (size_t l = 0; l < LADDER_LINES; l++) {
        for (size_t i = 0; i < ARRAY_LEN(ladder_participants[l].roles) && ladder_participants[l].roles[i] != NULL; i++) {
            writer_z(&w, before);
            writer_z(&w, ladder_participants[l].roles[i]);
            before = ", ";
        }
    }
    return writer_finish_z(&w) == ERR_OK ? ERR_MALFORMED : ERR_LIMIT_SIZE;
}

/* Of a server with several roles: the one the kind of the event belongs to, if it has that, else its first. */
static bool whose_chain(const char *roles, const struct ladder_arrow *arrow, struct whose *out)
{
    struct text rest = text_of(roles);
    struct text role;
    struct whose one;
    bool found = false;
    while (text_next(&rest, ',', &role)) {
        if (!is_role(text_trim(role, " "), &one)) {
            continue;
        }
        bool its_own = one.line == arrow->from || one.line == arrow->to;
        if (its_own || !found) {
            *out = one;
        }
        if (its_own) {
            return true;
        }
        found = true;
    }
    return found;
}

static err_t chain_of(struct trail *t, size_t source, struct text roles, size_t *out)
{
    for (*out = 0; *out < t->chains_n; (*out)++) {
        if (t->chains[*out].source == source && text_eq_z(roles, t->chains[*out].roles)) {
            return ERR_OK;
        }
    }
    if (t->chains_n == TRAIL_CHAINS_MAX) {
        return ERR_LIMIT_CAPACITY;
    }
    TRY(TEXT_COPY(roles, t->chains[t->chains_n].roles));
    t->chains[t->chains_n++].source = source;
    return ERR_OK;
}

static err_t room(struct trail *t)
{
    if (t->n == TRAIL_EVENTS_MAX) {
        return ERR_LIMIT_CAPACITY;
    }
    if (t->n == t->capacity) {
        size_t more = t->capacity == 0 ? 256 : 2 * t->capacity;
        struct trail_event *at = realloc(t->at, more * sizeof(*at));
        if (at == NULL) {
            return ERR_LIMIT_CAPACITY;
        }
        t->at = at;
        t->capacity = more;
    }
    return ERR_OK;
}

static err_t fields(const json_t *v, struct trail_event *out)
{
    const struct {
        const char *member;
        char *to;
        size_t cap;
    } texts[] = {{"peer", out->event.peer, sizeof(out->event.peer)},
                 {"object", out->event.object, sizeof(out->event.object)},
                 {"association", out->event.association, sizeof(out->event.association)},
                 {"instance", out->event.instance, sizeof(out->event.instance)}};
    json_int_t number = json_integer_value(json_object_get(v, "number"));
    json_int_t usec = json_integer_value(json_object_get(v, "usec"));
    if (number <= 0 || usec < 0 || usec >= USEC_PER_SEC ||
        timestamp_parse(json_get_text(v, "time"), &out->event.time) != ERR_OK) {
        return ERR_MALFORMED;
    }
    out->number = (uint64_t)number;
    out->event.time += usec;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        TRY(text_copy(json_get_text(v, texts[i].member), texts[i].to, texts[i].cap));
    }
    return ERR_OK;
}

static err_t outcome_of(const json_t *v, err_t *out)
{
    struct text t = json_get_text(v, "outcome");
    char code[64];
    TRY(TEXT_COPY(t, code));
    *out = err_of_code(code);
    /* Of a server that knows more reasons: refused all the same. */
    *out = *out == ERR_OK && !text_eq_z(t, err_code(ERR_OK)) ? ERR_PEER_REFUSED : *out;
    return t.n == 0 ? ERR_MALFORMED : ERR_OK;
}

static err_t add_event(struct trail *t, size_t source, struct text roles, const json_t *v, char detail[static TRAIL_DETAIL_MAX])
{
    struct trail_event x = {.arrow = ladder_arrows_of(json_get_text(v, "event"))};
    char all[128] = "";
    struct whose whose = {NULL, LADDER_HERE};
    if (json_get_text(v, "event").n == 0) {
        return say(detail, ERR_MALFORMED, "no audit event: it has no \"event\"");
    }
    if (x.arrow == NULL) {
        t->unknown++;
        return ERR_OK;
    }
    x.event.kind = x.arrow->kind;
    if (TEXT_COPY(roles, all) != ERR_OK || !whose_chain(all, x.arrow, &whose)) {
        return say_roles(detail);
    }
    x.role = whose.role;
    x.at = whose.line;
    if (fields(v, &x) != ERR_OK || outcome_of(v, &x.event.outcome) != ERR_OK) {
        return say(detail, ERR_MALFORMED, "no audit event: number, time, outcome or a name is wrong or too long");
    }
    if (chain_of(t, source, roles, &x.chain) != ERR_OK || room(t) != ERR_OK) {
        return say(detail, ERR_LIMIT_CAPACITY, "too many events or servers at once");
    }
    t->at[t->n++] = x;
    return ERR_OK;
}

err_t trail_add(struct trail *t, size_t source, const json_t *value, char detail[static TRAIL_DETAIL_MAX])
{
    struct text roles = json_get_text(value, "roles");
    const json_t *events = json_object_get(value, "events");
    if (events == NULL) {
        return add_event(t, source, roles, value, detail);
    }
    for (size_t i = 0; i < json_array_size(events); i++) {
        TRY(add_event(t, source, roles, json_array_get(events, i), detail));
    }
    return json_is_array(events) ? ERR_OK : say(detail, ERR_MALFORMED, "\"events\" is no list");
}

/* Into `line`, which has TRAIL_LINE_MAX octets, without the newline. False at the end. */
static bool next_line(FILE *f, char *line, size_t *n, bool *fits)
{
    int c = getc(f);
    *fits = true;
    if (c == EOF) {
        return false;
    }
    for (*n = 0; c != EOF && c != '\n' && *fits; c = getc(f)) {
        *fits = *n < TRAIL_LINE_MAX;
        if (*fits) {
            line[(*n)++] = (char)c;
        }
    }
    return true;
}

static err_t add_line(struct trail *t, size_t source, struct text line, char detail[static TRAIL_DETAIL_MAX])
{
    SCOPED(json_scope) json_t *v = NULL;
    if (text_trim(line, " \t\r").n == 0) {
        return ERR_OK;
    }
    if (json_parse(text_bytes(line), &v) != ERR_OK) {
        return say(detail, ERR_MALFORMED, "not one JSON object: take what `keystead ctl -c FILE audit tail --json` prints");
    }
    return trail_add(t, source, v, detail);
}

err_t trail_add_file(struct trail *t, size_t source, FILE *f, char detail[static TRAIL_DETAIL_MAX])
{
    char *line = malloc(TRAIL_LINE_MAX);
    err_t e = line == NULL ? ERR_LIMIT_CAPACITY : ERR_OK;
    size_t n = 0;
    bool fits = true;
    for (size_t number = 1; e == ERR_OK && next_line(f, line, &n, &fits); number++) {
        char why[TRAIL_DETAIL_MAX] = "longer than a megabyte";
        e = fits ? add_line(t, source, text_span(line, n), why) : ERR_LIMIT_SIZE;
        if (e != ERR_OK) {
            (void)snprintf(detail, TRAIL_DETAIL_MAX, "line %zu: %.260s", number, why);
        }
    }
    free(line);
    return e == ERR_OK && ferror(f) ? say(detail, ERR_IO, "cannot be read") : e;
}

/* -- one order ------------------------------------------------------------------------------------------------------ */
static int by_chain(const void *a, const void *b)
{
    const struct trail_event *x = a;
    const struct trail_event *y = b;
    if (x->chain != y->chain) {
        return x->chain < y->chain ? -1 : 1;
    }
    return x->number < y->number ? -1 : x->number > y->number;
}

static bool is_before(const struct trail_event *a, const struct trail_event *b)
{
    return a->event.time != b->event.time ? a->event.time < b->event.time
                                            : ladder_arrows_rank(a->arrow) < ladder_arrows_rank(b->arrow);
}

static bool is_same(const struct trail_event *a, const struct trail_event *b)
{
    return a->chain == b->chain && a->number == b->number && a->arrow == b->arrow && a->event.time == b->event.time &&
           strcmp(a->event.object, b->event.object) == 0 && strcmp(a->event.peer, b->event.peer) == 0;
}

err_t trail_sort(struct trail *t)
{
    size_t head[TRAIL_CHAINS_MAX] = {0}; /* positions in t->at, each up to the head of the next chain */
    size_t end[TRAIL_CHAINS_MAX] = {0};
    struct trail_event *out = calloc(t->n + 1, sizeof(*out));
    size_t n = 0;
    if (out == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    if (t->n > 0) {
        qsort(t->at, t->n, sizeof(*t->at), by_chain);
    }
    for (size_t i = t->n; i > 0; i--) {
        size_t c = t->at[i - 1].chain;
        head[c] = i - 1;
        end[c] = end[c] == 0 ? i : end[c];
    }
    for (size_t left = t->n; left > 0; left--) {
        size_t best = TRAIL_CHAINS_MAX;
        for (size_t c = 0; c < t->chains_n; c++) {
            if (head[c] < end[c] && (best == TRAIL_CHAINS_MAX || is_before(&t->at[head[c]], &t->at[head[best]]))) {
                best = c;
            }
        }
        const struct trail_event *next = &t->at[head[best]++];
        bool again = head[best] >= 2 && is_same(next, next - 1); /* its neighbour in its own chain */
        out[n] = *next;
        n += again ? 0 : 1;
    }
    free(t->at);
    t->at = out;
    t->capacity = t->n + 1;
    t->n = n;
    return ERR_OK;
}

/* -- what is about a name -------------------------------------------------------------------------------------------- */
err_t trail_name(struct trail *t, struct text name)
{
    char folded[AUDIT_FIND_NAME_MAX];
    audit_find_fold(name, folded);
    for (size_t i = 0; i < t->names_n; i++) {
        if (strcmp(t->names[i], folded) == 0) {
            return ERR_OK;
        }
    }
    if (t->names == NULL) {
        t->names = malloc(TRAIL_NAMES_MAX * sizeof(*t->names));
    }
    if (t->names == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    if (folded[0] != '\0' && t->names_n < TRAIL_NAMES_MAX) {
        memcpy(t->names[t->names_n++], folded, sizeof(folded));
    }
    return ERR_OK;
}

static bool is_about(const struct trail *t, const struct audit_find_names *names)
{
    for (size_t i = 0; i < names->n; i++) {
        for (size_t k = 0; k < t->names_n; k++) {
            if (strcmp(names->at[i], t->names[k]) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* Of its names all but the association: that leads nowhere else. */
static err_t join(struct trail *t, const struct audit_event *e, const struct audit_find_names *names)
{
    for (size_t i = 0; i < names->n; i++) {
        char association[AUDIT_FIND_NAME_MAX];
        audit_find_fold(text_of(e->association), association);
        if (strcmp(names->at[i], association) != 0) {
            TRY(trail_name(t, text_of(names->at[i])));
        }
    }
    return ERR_OK;
}

err_t trail_narrow(struct trail *t, size_t *shown)
{
    size_t before = SIZE_MAX;
    *shown = 0;
    for (size_t hop = 0; hop < HOPS_MAX && *shown != before; hop++) {
        before = *shown;
        for (size_t i = 0; i < t->n; i++) {
            struct trail_event *x = &t->at[i];
            struct audit_find_names names;
            if (x->shown) {
                continue;
            }
            audit_find_names(&x->event, &names);
            x->shown = is_about(t, &names);
            *shown += x->shown ? 1 : 0;
            if (x->shown && x->event.outcome == ERR_OK && (x->arrow->flags & LADDER_JOINS) != 0) {
                TRY(join(t, &x->event, &names));
            }
        }
    }
    return ERR_OK;
}

void trail_all(struct trail *t)
{
    for (size_t i = 0; i < t->n; i++) {
        t->at[i].shown = true;
    }
}

/* -- who is who ------------------------------------------------------------------------------------------------------- */
/* A key that one server hands out and another stores: so the one's peer is the other. */
static const struct {
    enum audit_kind given, stored;
} handed[] = {{AUDIT_KEY_RELEASED, AUDIT_KM_STORED},
              {AUDIT_KEY_RELEASED, AUDIT_KPSA_STORED},
              {AUDIT_MEF_KEY_RETRIEVED, AUDIT_KC_STORED},
              {AUDIT_MAF_KEY_RETRIEVED, AUDIT_KC_STORED}};

static bool stores(const struct trail *t, const struct audit_event *given, enum audit_kind stored, enum ladder_line *line)
{
    for (size_t i = 0; i < t->n; i++) {
        const struct trail_event *x = &t->at[i];
        if (x->event.kind == stored && text_eq_nocase(text_of(x->event.object), text_of(given->object))) {
            *line = x->at;
            return true;
        }
    }
    return false;
}

enum ladder_line trail_peer(const struct trail *t, const struct trail_event *e)
{
    enum ladder_line line = e->arrow->peer;
    bool fetches = text_starts(text_of(e->event.object), "/fetchCredentials");
    for (size_t i = 0; i < ARRAY_LEN(handed); i++) {
        if (e->event.kind == handed[i].given && stores(t, &e->event, handed[i].stored, &line)) {
            return line;
        }
    }
    /* Only a target fetches: the MAF, unless the trail has seen this peer be handed a key that a CSE stored. */
    for (size_t i = 0; fetches && i < t->n; i++) {
        const struct trail_event *x = &t->at[i];
        if (x->event.kind == AUDIT_KEY_RELEASED && strcmp(x->event.peer, e->event.peer) == 0) {
            return stores(t, &x->event, AUDIT_KPSA_STORED, &line) ? line : LADDER_MAF;
        }
    }
    return fetches ? LADDER_MAF : line;
}
