#include "wire/filter.h"

#include "wire/timestamp.h"

#define NUMBER_MAX INT64_C(9007199254740991)
#define TEXT_MAX 256

enum kind { KIND_TIME, KIND_NUMBER, KIND_TYPES, KIND_TEXTS, KIND_PATH };

static const struct filter_row {
    const char *name;
    enum kind kind;
    uint64_t low, high; /* of a number */
} rows[FILTER_N] = {
    [FILTER_CRB] = {"crb", KIND_TIME, 0, 0},
    [FILTER_CRA] = {"cra", KIND_TIME, 0, 0},
    [FILTER_MS] = {"ms", KIND_TIME, 0, 0},
    [FILTER_US] = {"us", KIND_TIME, 0, 0},
    [FILTER_EXB] = {"exb", KIND_TIME, 0, 0},
    [FILTER_EXA] = {"exa", KIND_TIME, 0, 0},
    [FILTER_STS] = {"sts", KIND_NUMBER, 1, NUMBER_MAX},
    [FILTER_STB] = {"stb", KIND_NUMBER, 0, NUMBER_MAX},
    [FILTER_SZA] = {"sza", KIND_NUMBER, 0, NUMBER_MAX},
    [FILTER_SZB] = {"szb", KIND_NUMBER, 1, NUMBER_MAX},
    [FILTER_TY] = {"ty", KIND_TYPES, 1, 65535},
    [FILTER_LBL] = {"lbl", KIND_TEXTS, 0, 0},
    [FILTER_CTY] = {"cty", KIND_TEXTS, 0, 0},
    [FILTER_FO] = {"fo", KIND_NUMBER, FILTER_AND, FILTER_XOR},
    [FILTER_LIM] = {"lim", KIND_NUMBER, 1, UINT32_MAX},
    [FILTER_OFST] = {"ofst", KIND_NUMBER, 1, UINT64_MAX}, /* 1 is the first [TS-0004 7.3.3.17.15] */
    [FILTER_LVL] = {"lvl", KIND_NUMBER, 1, UINT32_MAX},
    [FILTER_ARP] = {"arp", KIND_PATH, 0, 0},
    [FILTER_DRT] = {"drt", KIND_NUMBER, FILTER_STRUCTURED, FILTER_UNSTRUCTURED},
};

#define BIT(c) (UINT32_C(1) << (c))

bool filter_has(const struct filter *f, enum filter_criterion c)
{
    return (f->given & BIT(c)) != 0;
}

static size_t row_of(struct text name)
{
    size_t i = 0;
    while (i < FILTER_N && !text_eq_z(name, rows[i].name)) {
        i++;
    }
    return i;
}

bool filter_is_name(struct text name)
{
    return row_of(name) < FILTER_N;
}

/* -- values ------------------------------------------------------------------------------------------- */
static int digit(char c)
{
    char l = text_lower(c);
    return c >= '0' && c <= '9' ? c - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

/* One value of a list or path: 1..256 octets, none of them a control character, escapes read if there is a scratch. */
static err_t value_text(struct text t, struct writer *scratch, struct text *out)
{
    char plain[TEXT_MAX];
    size_t n = 0;
    for (size_t i = 0; i < t.n; i++) {
        char c = t.p[i];
        if (c == '%' && scratch != NULL) {
            int high = i + 2 < t.n ? digit(t.p[i + 1]) : -1;
            int low = i + 2 < t.n ? digit(t.p[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return ERR_MALFORMED_QUERY;
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (n == sizeof(plain) || (unsigned char)c < 0x20 || c == 0x7f) {
            return ERR_MALFORMED_QUERY;
        }
        plain[n++] = c;
    }
    *out = t;
    if (n < t.n) {
        size_t start = scratch->n;
        writer_text(scratch, text_span(plain, n));
        TRY(writer_finish(scratch));
        *out = text_span((const char *)scratch->buf + start, n);
    }
    return n > 0 ? ERR_OK : ERR_MALFORMED_QUERY;
}

static err_t add_type(const struct filter_row *row, struct text part, struct filter *out)
{
    uint64_t v;
    if (out->ty_n == FILTER_LIST_MAX || text_u64(part, row->high, &v) != ERR_OK || v < row->low) {
        return ERR_MALFORMED_QUERY;
    }
    out->ty[out->ty_n++] = (uint32_t)v;
    return ERR_OK;
}

static err_t add_list(const struct filter_row *row, struct text value, struct writer *scratch, struct filter *out)
{
    struct filter_list *list = row == &rows[FILTER_LBL] ? &out->lbl : &out->cty;
    struct text part;
    if (value.n == 0 || value.p[value.n - 1] == '+') {
        return ERR_MALFORMED_QUERY;
    }
    while (text_next(&value, '+', &part)) {
        if (row->kind == KIND_TYPES) {
            TRY(add_type(row, part, out));
            continue;
        }
        if (list->n == FILTER_LIST_MAX) {
            return ERR_MALFORMED_QUERY;
        }
        TRY(value_text(part, scratch, &list->at[list->n]));
        list->n++;
    }
    return ERR_OK;
}

err_t filter_parse(struct text name, struct text value, struct writer *scratch, struct filter *out)
{
    size_t i = row_of(name);
    if (i == FILTER_N) {
        return ERR_MALFORMED_QUERY;
    }
    const struct filter_row *row = &rows[i];
    bool list = row->kind == KIND_TYPES || row->kind == KIND_TEXTS;
    if (!list && (out->given & BIT(i)) != 0) {
        return ERR_MALFORMED_QUERY;
    }
    out->given |= BIT(i);
    if (list) {
        return add_list(row, value, scratch, out);
    }
    if (row->kind == KIND_TIME) {
        return timestamp_parse(value, &out->time[i]) == ERR_OK ? ERR_OK : ERR_MALFORMED_QUERY;
    }
    if (row->kind == KIND_PATH) {
        return value_text(value, scratch, &out->arp);
    }
    bool good = text_u64(value, row->high, &out->number[i]) == ERR_OK && out->number[i] >= row->low;
    return good ? ERR_OK : ERR_MALFORMED_QUERY;
}

/* -- and back ------------------------------------------------------------------------------------------- */
static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~' || c == '/' || c == ':';
}

static void write_text(struct text t, bool escape, struct writer *w)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < t.n; i++) {
        unsigned char c = (unsigned char)t.p[i];
        if (!escape || is_plain(t.p[i])) {
            writer_u8(w, c);
        } else {
            writer_u8(w, '%');
            writer_u8(w, (uint8_t)hex[c >> 4]);
            writer_u8(w, (uint8_t)hex[c & 15]);
        }
    }
}

static void write_name(size_t i, bool escape, struct writer *w)
{
    writer_u8(w, escape ? '&' : FILTER_BREAK);
    writer_z(w, rows[i].name);
    writer_u8(w, '=');
}

static void write_one(const struct filter *f, size_t i, bool escape, struct writer *w)
{
    const struct filter_list *list = i == FILTER_LBL ? &f->lbl : &f->cty;
    switch (rows[i].kind) {
    case KIND_TIME:
        write_name(i, escape, w);
        timestamp_write(w, f->time[i]);
        break;
    case KIND_NUMBER:
        write_name(i, escape, w);
        writer_decimal(w, f->number[i]);
        break;
    case KIND_PATH:
        write_name(i, escape, w);
        write_text(f->arp, escape, w);
        break;
    case KIND_TYPES:
        for (size_t k = 0; k < f->ty_n; k++) {
            write_name(i, escape, w);
            writer_decimal(w, f->ty[k]);
        }
        break;
    case KIND_TEXTS:
        for (size_t k = 0; k < list->n; k++) {
            write_name(i, escape, w);
            write_text(list->at[k], escape, w);
        }
        break;
    }
}

/* Without escapes a '+' within a value would make two of it. */
static bool has_plus(const struct filter_list *list)
{
    for (size_t k = 0; k < list->n; k++) {
        if (text_find(list->at[k], '+') < list->at[k].n) {
            return true;
        }
    }
    return false;
}

err_t filter_write(const struct filter *f, bool escape, struct writer *w)
{
    if (!escape && (has_plus(&f->lbl) || has_plus(&f->cty))) {
        return ERR_MALFORMED_QUERY;
    }
    for (size_t i = 0; i < FILTER_N; i++) {
        if ((f->given & BIT(i)) != 0) {
            write_one(f, i, escape, w);
        }
    }
    return writer_finish(w);
}
