#include "cli/trace_steps.h"

#include "cli/ladder_svg.h"
#include "role/explain_step.h"
#include "wire/timestamp.h"

#include <stdlib.h>
#include <string.h>

static const char *code(enum ladder_line l)
{
    return ladder_participants[l].code;
}

static enum ladder_line resolve(const struct trail *t, const struct trail_event *e, enum ladder_line l)
{
    return l == LADDER_HERE ? e->at : l == LADDER_PEER ? trail_peer(t, e) : l;
}

static bool is_by_operator(const struct trail_event *e)
{
    return strcmp(e->event.peer, "operator") == 0;
}

/* What devices do by request an operator may do by command. */
static enum ladder_line from_of(const struct trail *t, const struct trail_event *e)
{
    enum ladder_line from = resolve(t, e, e->arrow->from);
    return from == LADDER_DEVICE && is_by_operator(e) ? LADDER_OPERATOR : from;
}

static void say_what(const struct trail_event *e, struct trace_steps *out)
{
    struct timestamp_parts at;
    const struct audit_event *x = &e->event;
    bool is_whose = x->peer[0] != '\0' && !is_by_operator(e) && strcmp(x->peer, x->object) != 0;
    timestamp_split(x->time, &at);
    (void)snprintf(out->text[0], TRACE_STEPS_TEXT_MAX, "%02d:%02d:%02d.%03d %s%s%s%s%s%s", at.hour, at.minute, at.second,
                   (int)(x->time % USEC_PER_SEC / 1000), out->step, x->object[0] == '\0' ? "" : ": ", x->object,
                   is_whose ? " (" : "", is_whose ? x->peer : "", is_whose ? ")" : "");
}

static void add(struct trace_steps *out, enum ladder_shape shape, const char *clause)
{
    size_t n = out->items_n++;
    out->items[n] = (struct ladder_item){shape, out->from, out->to, out->why != NULL, out->text[n], clause};
}

/* A refusal is an arrow to the server that refused. */
static void refused(const struct trail *t, const struct trail_event *e, struct trace_steps *out)
{
    const struct explain_step *s = explain_step_of(e->role, &e->event);
    out->why = err_info(e->event.outcome);
    out->step = s == NULL ? e->arrow->text : s->step;
    out->clause = s == NULL ? e->arrow->clause : s->clause;
    out->from = is_by_operator(e) ? LADDER_OPERATOR : trail_peer(t, e);
    out->to = e->at;
}

void trace_steps_of(const struct trail *t, const struct trail_event *e, struct trace_steps *out)
{
    *out = (struct trace_steps){.from = from_of(t, e), .to = resolve(t, e, e->arrow->to)};
    out->step = e->arrow->text;
    out->clause = e->arrow->clause;
    if (e->event.outcome != ERR_OK) {
        refused(t, e, out);
    }
    out->clause = strcmp(out->clause, "-") == 0 ? "" : out->clause;
    say_what(e, out);
    add(out, out->from == out->to ? LADDER_NOTE : LADDER_ARROW, out->clause);
    if (out->why != NULL) {
        const char *clause = strcmp(out->why->clause, "-") == 0 ? "" : out->why->clause;
        (void)snprintf(out->text[1], TRACE_STEPS_TEXT_MAX, "refused: %s: %s", out->why->code, out->why->text);
        (void)snprintf(out->text[2], TRACE_STEPS_TEXT_MAX, "do: %s", out->why->hint);
        add(out, LADDER_REMARK, clause);
        add(out, LADDER_REMARK, "");
    }
}

/* -- drawing ---------------------------------------------------------------------------------------------------------- */
static void day_of(const struct trail_event *e, char out[static 32])
{
    struct timestamp_parts at;
    timestamp_split(e->event.time, &at);
    (void)snprintf(out, 32, "%04d-%02d-%02d", at.year, at.month, at.day);
}

/* A title whenever the day is another one: times below it are of that day, in UTC. */
static bool is_new_day(const struct trail_event *e, char day[static 32])
{
    char today[32];
    day_of(e, today);
    bool is_new = strcmp(today, day) != 0;
    memcpy(day, today, sizeof(today));
    return is_new;
}

struct drawing {
    FILE *f;
    void (*put)(struct drawing *d, const struct ladder_item *item);
    struct ladder_columns columns;
    size_t items;
};

static void put_text(struct drawing *d, const struct ladder_item *item)
{
    ladder_text_item(d->f, &d->columns, item);
}

static void put_svg(struct drawing *d, const struct ladder_item *item)
{
    ladder_svg_item(d->f, &d->columns, d->items++, item);
}

static void count(struct drawing *d, const struct ladder_item *item)
{
    ladder_columns_add(&d->columns, item);
    d->items++;
}

static void draw(const struct trail *t, struct drawing *d)
{
    char day[32] = "";
    for (size_t i = 0; i < t->n; i++) {
        struct trace_steps s;
        if (!t->at[i].shown) {
            continue;
        }
        if (is_new_day(&t->at[i], day)) {
            d->put(d, &(struct ladder_item){LADDER_TITLE, LADDER_OPERATOR, LADDER_OPERATOR, false, day, ""});
        }
        trace_steps_of(t, &t->at[i], &s);
        for (size_t k = 0; k < s.items_n; k++) {
            d->put(d, &s.items[k]);
        }
    }
}

/* Who takes part, and how many lines it will have. */
static struct drawing counted(const struct trail *t)
{
    struct drawing d = {.put = count, .columns = ladder_columns()};
    draw(t, &d);
    return d;
}

void trace_steps_text(const struct trail *t, FILE *f)
{
    struct drawing d = {.f = f, .put = put_text, .columns = counted(t).columns};
    ladder_text_head(f, &d.columns);
    draw(t, &d);
}

void trace_steps_svg(const struct trail *t, FILE *f)
{
    struct drawing all = counted(t);
    struct drawing d = {.f = f, .put = put_svg, .columns = all.columns};
    ladder_svg_head(f, &d.columns, all.items);
    draw(t, &d);
    ladder_svg_end(f);
}

/* -- as data ------------------------------------------------------------------------------------------------------------ */
static void set_text(json_t *o, const char *member, const char *z)
{
    if (z[0] != '\0') {
        (void)json_object_set_new(o, member, json_string(z));
    }
}

static void put_line(json_t *o, FILE *f)
{
    char *line = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
    for (const char *p = line; p != NULL && *p != '\0'; p++) {
        if (*p == 0x7F) { /* the one control character that jansson leaves */
            (void)fputs("\\u007F", f);
        } else {
            (void)fputc(*p, f);
        }
    }
    (void)fputc('\n', f);
    free(line);
    json_decref(o);
}

static json_t *json_of(const struct trail *t, const struct trail_event *e)
{
    char when[TIMESTAMP_LEN + 1];
    struct writer w = WRITER_ARRAY(when);
    struct trace_steps s;
    json_t *o = json_object();
    trace_steps_of(t, e, &s);
    timestamp_write(&w, e->event.time);
    set_text(o, "time", writer_finish_z(&w) == ERR_OK ? when : "");
    (void)json_object_set_new(o, "usec", json_integer((json_int_t)(e->event.time % USEC_PER_SEC)));
    set_text(o, "at", code(e->at));
    (void)json_object_set_new(o, "number", json_integer((json_int_t)e->number));
    set_text(o, "event", audit_kind_info(e->event.kind)->code);
    set_text(o, "from", code(s.from));
    set_text(o, "to", code(s.to));
    set_text(o, "text", s.step);
    set_text(o, "clause", s.clause);
    set_text(o, "outcome", err_code(e->event.outcome));
    set_text(o, "peer", e->event.peer);
    set_text(o, "object", e->event.object);
    set_text(o, "association", e->event.association);
    if (s.why != NULL) {
        set_text(o, "reason", s.why->text);
        set_text(o, "do", s.why->hint);
    }
    return o;
}

void trace_steps_json(const struct trail *t, FILE *f)
{
    json_t *names = json_array();
    const struct ladder_columns columns = counted(t).columns;
    for (size_t l = 0; l < LADDER_LINES; l++) {
        if (columns.shown[l]) {
            (void)json_array_append_new(names, json_string(code((enum ladder_line)l)));
        }
    }
    json_t *head = json_object();
    (void)json_object_set_new(head, "participants", names);
    put_line(head, f);
    for (size_t i = 0; i < t->n; i++) {
        if (t->at[i].shown) {
            put_line(json_of(t, &t->at[i]), f);
        }
    }
}
