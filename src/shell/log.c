#include "shell/log.h"

#include "base/writer.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_OCTETS 2048
#define PART_MAX 64
#define VALUE_MAX 512 /* a longer value is cut and marked: a peer cannot flood a line */
#define WINDOW USEC_PER_SEC

struct refusal {
    uint64_t total;
    int64_t window; /* start, monotonic */
    unsigned shown;
    unsigned left_out;
};

/* The one log of a process; the shell is single-threaded, so nothing here is locked. */
static struct {
    char part[PART_MAX];
    enum err_level least;
    unsigned rate;
    uint64_t lost; /* lines that nobody took */
    int64_t (*clock)(void);
    struct refusal refusals[ERR_COUNT];
} state = {.part = "keystead", .least = ERR_LEVEL_INFO, .rate = 10};

static const char *const level_names[] = {
    [ERR_LEVEL_DEBUG] = "debug", [ERR_LEVEL_INFO] = "info",   [ERR_LEVEL_NOTICE] = "notice",
    [ERR_LEVEL_WARN] = "warn",   [ERR_LEVEL_ERROR] = "error",
};

static int64_t monotonic(void)
{
    struct timespec ts = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * USEC_PER_SEC + ts.tv_nsec / 1000;
}

static int64_t now(void)
{
    return state.clock != NULL ? state.clock() : monotonic();
}

void log_open(const char *program_part, enum err_level least)
{
    struct text t = text_take(text_of(program_part), PART_MAX - 1);
    if (TEXT_COPY(t, state.part) != ERR_OK) {
        state.part[0] = '\0';
    }
    state.least = least;
}

void log_limit(unsigned per_second)
{
    state.rate = per_second;
}

void log_clock(int64_t (*microseconds)(void))
{
    state.clock = microseconds;
}

enum err_level log_level_of(struct text name)
{
    for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
        if (text_eq_z(name, level_names[i])) {
            return (enum err_level)i;
        }
    }
    return ERR_LEVEL_INFO;
}

/* -- one line -------------------------------------------------------------------------------------- */
static bool is_bare(struct text t)
{
    for (size_t i = 0; i < t.n; i++) {
        unsigned char c = (unsigned char)t.p[i];
        if (c <= 0x20 || c >= 0x7F || c == '"' || c == '\\' || c == '=') {
            return false;
        }
    }
    return t.n > 0;
}

/* Whatever could end the value, the line or confuse a terminal is written as an escape. */
static void value_write(struct writer *w, struct text value)
{
    struct text t = text_take(value, VALUE_MAX);
    if (is_bare(t)) {
        writer_text(w, t);
    } else {
        writer_z(w, "\"");
        for (size_t i = 0; i < t.n; i++) {
            unsigned char c = (unsigned char)t.p[i];
            char escape[5];
            if (c < 0x20 || c >= 0x7F) {
                (void)snprintf(escape, sizeof(escape), "\\x%02x", (unsigned)c);
                writer_z(w, escape);
            } else {
                if (c == '"' || c == '\\') {
                    writer_z(w, "\\");
                }
                writer_u8(w, c);
            }
        }
        writer_z(w, "\"");
    }
    if (value.n > VALUE_MAX) {
        writer_z(w, "...");
    }
}

/* A field that no longer fits is left out as a whole, and the line says so. */
static void field_write(struct writer *w, const char *key, struct text value)
{
    struct writer before = *w;
    writer_z(w, " ");
    writer_z(w, key);
    writer_z(w, "=");
    value_write(w, value);
    if (w->overflow || w->cap - w->n < sizeof(" cut=1\n")) {
        *w = before;
    }
}

static void stamp_write(struct writer *w)
{
    struct timespec ts = {0};
    struct tm tm;
    char z[64];
    (void)clock_gettime(CLOCK_REALTIME, &ts);
    if (gmtime_r(&ts.tv_sec, &tm) == NULL || strftime(z, sizeof(z), "time=%Y-%m-%dT%H:%M:%S", &tm) == 0) {
        return;
    }
    writer_z(w, z);
    (void)snprintf(z, sizeof(z), ".%03dZ", (int)(ts.tv_nsec / 1000000));
    writer_z(w, z);
}

/*
 * One write a line, so that lines of several processes do not mix. A log that cannot be written stops nobody: a pipe
 * that takes poll's word has room for a whole line.
 */
static bool line_out(const struct writer *w)
{
    struct pollfd p = {STDERR_FILENO, POLLOUT, 0};
    return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0 && write(STDERR_FILENO, w->buf, w->n) == (ssize_t)w->n;
}

static void lost_report(void)
{
    char line[256];
    char count[24];
    struct writer w = WRITER_ARRAY(line);
    (void)snprintf(count, sizeof(count), "%llu", (unsigned long long)state.lost);
    stamp_write(&w);
    field_write(&w, "level", text_of(level_names[ERR_LEVEL_WARN]));
    field_write(&w, "part", text_of(state.part));
    field_write(&w, "event", text_of("log-lines-lost"));
    field_write(&w, "lines", text_of(count));
    writer_z(&w, "\n");
    if (line_out(&w)) {
        state.lost = 0;
    }
}

void log_event(enum err_level level, const char *event, const struct log_field *fields, size_t n)
{
    if (level < state.least) {
        return;
    }
    char line[LINE_MAX_OCTETS];
    struct writer w = WRITER_ARRAY(line);
    stamp_write(&w);
    field_write(&w, "level", text_of(level_names[level]));
    field_write(&w, "part", text_of(state.part));
    field_write(&w, "event", text_of(event));
    for (size_t i = 0; i < n; i++) {
        size_t before = w.n;
        field_write(&w, fields[i].key, fields[i].value);
        if (w.n == before) {
            writer_z(&w, " cut=1");
            break;
        }
    }
    writer_z(&w, "\n");
    if (state.lost > 0) {
        lost_report();
    }
    if (state.lost > 0 || !line_out(&w)) {
        state.lost++;
    }
}

/* -- refusals -------------------------------------------------------------------------------------- */
static void left_out_report(err_t e)
{
    struct refusal *r = &state.refusals[e];
    if (r->left_out == 0) {
        return;
    }
    char count[24];
    (void)snprintf(count, sizeof(count), "%u", r->left_out);
    r->left_out = 0;
    const struct log_field fields[] = {{"code", text_of(err_code(e))}, {"lines", text_of(count)}};
    log_event(err_info(e)->level, "refusals-left-out", fields, ARRAY_LEN(fields));
}

/* May this line be written? Opens a new window when the old one is over. */
static bool rate_allows(err_t e)
{
    struct refusal *r = &state.refusals[e];
    int64_t t = now();
    if (r->total == 1 || t - r->window >= WINDOW || t < r->window) {
        left_out_report(e);
        r->window = t;
        r->shown = 0;
    }
    if (r->shown >= state.rate) {
        r->left_out++;
        return false;
    }
    r->shown++;
    return true;
}

static void refusal_write(err_t e, const struct log_refused *r)
{
    const struct err_info *info = err_info(e);
    const struct log_field fields[] = {
        {"code", text_of(info->code)},     {"peer", r->peer},         {"detail", r->detail}, {"text", text_of(info->text)},
        {"clause", text_of(info->clause)}, {"instance", r->instance},
    };
    log_event(info->level, "refused", fields, ARRAY_LEN(fields) - (r->instance.n == 0 ? 1 : 0));
}

static err_t counted(err_t e)
{
    err_t known = e <= ERR_OK || e >= ERR_COUNT ? ERR_BUG : e;
    state.refusals[known].total++;
    return known;
}

void log_refusal_of(err_t e, const struct log_refused *r)
{
    err_t known = counted(e);
    if (r->audited || rate_allows(known)) {
        refusal_write(known, r);
    }
}

void log_refusal(err_t e, struct text peer, struct text detail)
{
    log_refusal_of(e, &(struct log_refused){.instance = text_empty(), .peer = peer, .detail = detail});
}

void log_tick(void)
{
    int64_t t = now();
    for (size_t i = 0; i < ARRAY_LEN(state.refusals); i++) {
        if (t - state.refusals[i].window >= WINDOW) {
            left_out_report((err_t)i);
        }
    }
}

uint64_t log_refusals(err_t e)
{
    return e > ERR_OK && e < ERR_COUNT ? state.refusals[e].total : 0;
}
