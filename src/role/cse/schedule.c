#include "role/cse/schedule.h"

#define YEAR_MIN 2000
#define YEAR_MAX 9999
#define FIELD_DIGITS_MAX 4

static bool number(struct text *t, uint16_t *out)
{
    size_t n = 0;
    unsigned v = 0;
    while (n < t->n && t->p[n] >= '0' && t->p[n] <= '9') {
        if (n == FIELD_DIGITS_MAX) {
            return false;
        }
        v = v * 10 + (unsigned)(t->p[n] - '0');
        n++;
    }
    *t = text_skip(*t, n);
    *out = (uint16_t)v;
    return n > 0;
}

static bool take(struct text *t, char c)
{
    if (t->n == 0 || t->p[0] != c) {
        return false;
    }
    *t = text_skip(*t, 1);
    return true;
}

/* One element of a list: `*`, `* /n`, `a`, `a-b`, `a-b/n`. */
static bool element(struct text t, uint16_t min, uint16_t max, struct schedule_years *out)
{
    *out = (struct schedule_years){min, max, 1};
    bool steps = true;
    if (!take(&t, '*')) {
        if (!number(&t, &out->from)) {
            return false;
        }
        out->to = out->from;
        steps = take(&t, '-');
        if (steps && !number(&t, &out->to)) {
            return false;
        }
    }
    if (steps && take(&t, '/') && (!number(&t, &out->step) || out->step == 0)) {
        return false;
    }
    return t.n == 0 && out->from >= min && out->to <= max && out->from <= out->to;
}

static bool field(struct text t, uint16_t min, uint16_t max, uint64_t *mask)
{
    struct text part = text_empty();
    *mask = 0;
    if (t.n == 0 || t.p[t.n - 1] == ',') {
        return false;
    }
    while (text_next(&t, ',', &part)) {
        struct schedule_years e;
        if (!element(part, min, max, &e)) {
            return false;
        }
        for (unsigned v = e.from; v <= e.to; v += e.step) {
            *mask |= UINT64_C(1) << v;
        }
    }
    return true;
}

static bool years(struct text t, struct schedule *out)
{
    struct text part = text_empty();
    if (t.n == 0 || t.p[t.n - 1] == ',') {
        return false;
    }
    while (text_next(&t, ',', &part)) {
        if (out->years_n == SCHEDULE_YEARS_MAX || !element(part, YEAR_MIN, YEAR_MAX, &out->years[out->years_n])) {
            return false;
        }
        out->years_n++;
    }
    return true;
}

err_t schedule_parse(struct text t, struct schedule *out)
{
    *out = (struct schedule){0};
    const struct {
        uint16_t min, max;
        uint64_t *mask;
    } rows[] = {
        {0, 59, &out->second}, {0, 59, &out->minute}, {0, 23, &out->hour},
        {1, 31, &out->day},    {1, 12, &out->month},  {0, 6, &out->weekday},
    };
    struct text part = text_empty();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!text_next(&t, ' ', &part) || !field(part, rows[i].min, rows[i].max, rows[i].mask)) {
            return ERR_ATTRIBUTE_TYPE;
        }
    }
    return years(t, out) ? ERR_OK : ERR_ATTRIBUTE_TYPE;
}

static bool has(uint64_t mask, int v)
{
    return v >= 0 && v < 64 && (mask >> v & 1) != 0;
}

static bool year_matches(const struct schedule *s, int year)
{
    for (size_t i = 0; i < s->years_n; i++) {
        const struct schedule_years *y = &s->years[i];
        if (year >= y->from && year <= y->to && y->step > 0 && (year - y->from) % y->step == 0) {
            return true;
        }
    }
    return false;
}

bool schedule_match(const struct schedule *s, const struct timestamp_parts *now)
{
    return has(s->second, now->second) && has(s->minute, now->minute) && has(s->hour, now->hour) &&
           has(s->day, now->day) && has(s->month, now->month) && has(s->weekday, now->weekday) &&
           year_matches(s, now->year);
}

void schedule_write(const struct schedule *s, struct writer *w)
{
    const uint64_t masks[] = {s->second, s->minute, s->hour, s->day, s->month, s->weekday};
    for (size_t i = 0; i < ARRAY_LEN(masks); i++) {
        writer_u64(w, masks[i]);
    }
    writer_u8(w, s->years_n);
    for (size_t i = 0; i < s->years_n; i++) {
        writer_u16(w, s->years[i].from);
        writer_u16(w, s->years[i].to);
        writer_u16(w, s->years[i].step);
    }
}

void schedule_read(struct reader *r, struct schedule *out)
{
    *out = (struct schedule){0};
    out->second = reader_u64(r);
    out->minute = reader_u64(r);
    out->hour = reader_u64(r);
    out->day = reader_u64(r);
    out->month = reader_u64(r);
    out->weekday = reader_u64(r);
    uint8_t n = reader_u8(r);
    if (n > SCHEDULE_YEARS_MAX) {
        r->failed = true;
        return;
    }
    for (size_t i = 0; i < n; i++) {
        out->years[i].from = reader_u16(r);
        out->years[i].to = reader_u16(r);
        out->years[i].step = reader_u16(r);
    }
    out->years_n = n;
}
