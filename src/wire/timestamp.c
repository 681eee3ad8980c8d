#include "wire/timestamp.h"

#define SECONDS_PER_DAY 86400
#define YEAR_FIRST 1970
#define YEAR_LAST 9999
#define SECONDS_LAST INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define DAYS_PER_ERA 146097                /* 400 years of the Gregorian calendar */
#define DAYS_TO_1970 719468                /* from 0000-03-01 */
#define FRACTION_DIGITS 6

/*
 * Calendar arithmetic counts from 1 March, so that the leap day is the last day of the year;
 * (153 m + 2) / 5 are the days before the m-th month of such a year.
 */
static int64_t days_of_date(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year;
    int era = y / 400;
    int year_of_era = y - era * 400;
    int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int64_t)era * DAYS_PER_ERA + day_of_era - DAYS_TO_1970;
}

static void date_of_days(int64_t days, struct timestamp_parts *out)
{
    int z = (int)(days + DAYS_TO_1970);
    int era = z / DAYS_PER_ERA;
    int day_of_era = z - era * DAYS_PER_ERA;
    int year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int m = (5 * day_of_year + 2) / 153;
    out->day = day_of_year - (153 * m + 2) / 5 + 1;
    out->month = m < 10 ? m + 3 : m - 9;
    out->year = year_of_era + era * 400 + (out->month <= 2 ? 1 : 0);
    out->weekday = (int)((days + 4) % 7); /* 1970-01-01 was a Thursday */
}

static int days_in_month(int year, int month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* What lies outside the years that the text form can show is shown as its nearest end. */
void timestamp_split(usec_t t, struct timestamp_parts *out)
{
    int64_t s = t < 0 ? 0 : t / USEC_PER_SEC;
    if (s > SECONDS_LAST) {
        s = SECONDS_LAST;
    }
    date_of_days(s / SECONDS_PER_DAY, out);
    int in_day = (int)(s % SECONDS_PER_DAY);
    out->hour = in_day / 3600;
    out->minute = in_day / 60 % 60;
    out->second = in_day % 60;
}

static void write_digits(struct writer *w, int value, unsigned width)
{
    char digits[4];
    for (unsigned i = width; i > 0; i--) {
        digits[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    writer_text(w, text_span(digits, width));
}

void timestamp_write(struct writer *w, usec_t t)
{
    struct timestamp_parts p;
    timestamp_split(t, &p);
    write_digits(w, p.year, 4);
    write_digits(w, p.month, 2);
    write_digits(w, p.day, 2);
    writer_u8(w, 'T');
    write_digits(w, p.hour, 2);
    write_digits(w, p.minute, 2);
    write_digits(w, p.second, 2);
}

void timestamp_write_ms(struct writer *w, usec_t t)
{
    timestamp_write(w, t);
    writer_u8(w, ',');
    write_digits(w, t < 0 ? 0 : (int)(t % USEC_PER_SEC / 1000), 3);
}

/* Takes `width` digits off the front; false if there are not as many, or the value is out of range. */
static bool take_digits(struct text *t, size_t width, int low, int high, int *out)
{
    if (t->n < width) {
        return false;
    }
    int v = 0;
    for (size_t i = 0; i < width; i++) {
        if (t->p[i] < '0' || t->p[i] > '9') {
            return false;
        }
        v = v * 10 + (t->p[i] - '0');
    }
    *t = text_skip(*t, width);
    *out = v;
    return v >= low && v <= high;
}

static bool take_char(struct text *t, char c)
{
    if (t->n == 0 || t->p[0] != c) {
        return false;
    }
    *t = text_skip(*t, 1);
    return true;
}

static bool take_fraction(struct text *t, int *usec)
{
    *usec = 0;
    if (t->n == 0) {
        return true;
    }
    if (!take_char(t, ',') || t->n == 0 || t->n > FRACTION_DIGITS) {
        return false;
    }
    size_t digits = t->n;
    if (!take_digits(t, digits, 0, 999999, usec)) {
        return false;
    }
    for (; digits < FRACTION_DIGITS; digits++) {
        *usec *= 10;
    }
    return true;
}

err_t timestamp_parse(struct text t, usec_t *out)
{
    struct timestamp_parts p;
    int usec;
    bool ok = take_digits(&t, 4, YEAR_FIRST, YEAR_LAST, &p.year) && take_digits(&t, 2, 1, 12, &p.month) &&
              take_digits(&t, 2, 1, days_in_month(p.year, p.month), &p.day) && take_char(&t, 'T') &&
              take_digits(&t, 2, 0, 23, &p.hour) && take_digits(&t, 2, 0, 59, &p.minute) &&
              take_digits(&t, 2, 0, 59, &p.second) && take_fraction(&t, &usec);
    if (!ok) {
        return ERR_MALFORMED_TIME;
    }
    int64_t s = days_of_date(p.year, p.month, p.day) * SECONDS_PER_DAY + p.hour * 3600 + p.minute * 60 + p.second;
    *out = s * USEC_PER_SEC + usec;
    return ERR_OK;
}

err_t timestamp_duration(struct text t, usec_t *out)
{
    static const struct {
        char unit;
        int32_t seconds;
    } units[] = {{'d', SECONDS_PER_DAY}, {'h', 3600}, {'m', 60}, {'s', 1}};
    for (size_t i = 0; t.n > 0 && i < ARRAY_LEN(units); i++) {
        uint64_t n;
        if (t.p[t.n - 1] != units[i].unit) {
            continue;
        }
        if (text_u64(text_take(t, t.n - 1), (uint64_t)(SECONDS_LAST / units[i].seconds), &n) != ERR_OK) {
            return ERR_MALFORMED_TIME;
        }
        *out = (usec_t)n * units[i].seconds * USEC_PER_SEC;
        return ERR_OK;
    }
    return ERR_MALFORMED_TIME;
}

/* Digits and a unit off the front. */
static bool take_unit(struct text *t, uint64_t *n, char *unit)
{
    size_t digits = 0;
    while (digits < t->n && t->p[digits] >= '0' && t->p[digits] <= '9') {
        digits++;
    }
    if (digits == t->n || text_u64(text_take(*t, digits), (uint64_t)SECONDS_LAST, n) != ERR_OK) {
        return false;
    }
    *unit = t->p[digits];
    *t = text_skip(*t, digits + 1);
    return true;
}

err_t timestamp_xs_duration(struct text t, usec_t *out)
{
    static const struct {
        char unit;
        bool after_t;
        uint64_t seconds; /* 0: of no fixed length */
    } rows[] = {{'Y', false, 0}, {'M', false, 0}, {'D', false, SECONDS_PER_DAY}, {'H', true, 3600}, {'M', true, 60}, {'S', true, 1}};
    uint64_t sum = 0, n = 0;
    bool after_t = false;
    char unit = 0;
    size_t at = 0;
    if (!text_starts(t, "P") || t.n < 3) {
        return ERR_MALFORMED_TIME;
    }
    for (t = text_skip(t, 1); t.n > 0; at++) {
        if (!after_t && text_starts(t, "T")) {
            after_t = true;
            t = text_skip(t, 1);
        }
        if (!take_unit(&t, &n, &unit)) {
            return ERR_MALFORMED_TIME;
        }
        while (at < ARRAY_LEN(rows) && (rows[at].unit != unit || rows[at].after_t != after_t)) {
            at++; /* each at most once, in this order */
        }
        if (at == ARRAY_LEN(rows) || n > (rows[at].seconds == 0 ? 0 : (uint64_t)SECONDS_LAST / rows[at].seconds)) {
            return ERR_MALFORMED_TIME;
        }
        sum += n * rows[at].seconds;
    }
    *out = (usec_t)sum * USEC_PER_SEC;
    return sum <= (uint64_t)SECONDS_LAST ? ERR_OK : ERR_MALFORMED_TIME;
}
