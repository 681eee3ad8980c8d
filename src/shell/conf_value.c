#include "shell/conf_value.h"

#include "keys/keyid.h"
#include "shell/conf_fault.h"
#include "shell/key_source.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PEM_MAX 3072

/* One element of a value on its way: a list has several. */
struct element {
    const struct conf_row *row;
    struct text in;
    const char *dir;
    struct writer *out;
    int64_t number;
    char *why; /* CONF_VALUE_WHY_MAX */
};

typedef bool parse_fn(struct element *e);

#define WHY(e, ...) ((void)snprintf((e)->why, CONF_VALUE_WHY_MAX, __VA_ARGS__), false)

static int shown(struct text t)
{
    return t.n > 60 ? 60 : (int)t.n;
}

static bool keep(struct element *e)
{
    writer_text(e->out, e->in);
    return true;
}

static bool parse_text(struct element *e)
{
    if (e->row->max > 0 && e->in.n > (size_t)e->row->max) {
        return WHY(e, "%zu octets are more than the %lld allowed", e->in.n, (long long)e->row->max);
    }
    return keep(e);
}

static bool parse_fqdn(struct element *e)
{
    if (!keyid_is_fqdn(e->in)) {
        return WHY(e, "\"%.*s\" is not a host name (labels of letters, digits and '-')", shown(e->in), e->in.p);
    }
    return keep(e);
}

static bool is_host(struct text host)
{
    char z[64];
    uint8_t octets[16];
    if (host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']') {
        struct text inner = text_span(host.p + 1, host.n - 2);
        return TEXT_COPY(inner, z) == ERR_OK && inet_pton(AF_INET6, z, octets) == 1;
    }
    /* What looks like an IPv4 address must be one: 127.0.0.300 is no host name. */
    bool numeric = host.n > 0;
    for (size_t i = 0; i < host.n; i++) {
        numeric = numeric && (host.p[i] == '.' || (host.p[i] >= '0' && host.p[i] <= '9'));
    }
    if (numeric) {
        return TEXT_COPY(host, z) == ERR_OK && inet_pton(AF_INET, z, octets) == 1;
    }
    return keyid_is_fqdn(host);
}

static bool parse_address(struct element *e)
{
    size_t colon = text_find_last(e->in, ':');
    uint64_t port = 0;
    if (colon == e->in.n || text_u64(text_skip(e->in, colon + 1), 65535, &port) != ERR_OK) {
        return WHY(e, "\"%.*s\" has no port: write HOST:PORT, 0 to 65535", shown(e->in), e->in.p);
    }
    if (!is_host(text_take(e->in, colon))) {
        return WHY(e, "\"%.*s\" is no address: write 127.0.0.1:8443, [::1]:8443 or NAME:8443", shown(e->in), e->in.p);
    }
    return keep(e);
}

/* Writes the resolved path and leaves it terminated in `z`. */
static bool resolve(struct element *e, char z[static CONF_VALUE_MAX])
{
    struct writer w = writer_of(z, CONF_VALUE_MAX);
    if (e->in.p[0] != '/' && e->dir[0] != '\0') {
        writer_z(&w, e->dir);
        writer_z(&w, "/");
    }
    writer_text(&w, e->in);
    if (writer_finish_z(&w) != ERR_OK) {
        return WHY(e, "the path is too long");
    }
    /* A row bounds a path where something else does: a socket address holds 107 octets. */
    if (e->row->max > 0 && w.n > (size_t)e->row->max) {
        return WHY(e, "the path has %zu octets with its directory; at most %lld are possible", w.n,
                   (long long)e->row->max);
    }
    writer_z(e->out, z);
    return true;
}

static bool parse_path(struct element *e)
{
    char z[CONF_VALUE_MAX];
    return resolve(e, z);
}

static bool file_is_usable(struct element *e, const char *z, struct stat *st)
{
    if (stat(z, st) != 0) {
        return WHY(e, "%.110s: %s", z, strerror(errno));
    }
    if (!S_ISREG(st->st_mode)) {
        return WHY(e, "%.110s is not a regular file", z);
    }
    if (access(z, R_OK) != 0) {
        return WHY(e, "%.110s: %s", z, strerror(errno));
    }
    return true;
}

static bool parse_file(struct element *e)
{
    char z[CONF_VALUE_MAX];
    struct stat st;
    return resolve(e, z) && file_is_usable(e, z, &st);
}

/* What is public may be read here: a role has no files. */
static bool parse_pem(struct element *e)
{
    char z[CONF_VALUE_MAX];
    uint8_t octets[PEM_MAX + 1];
    struct writer path = *e->out;
    struct stat st;
    if (!resolve(e, z)) {
        return false;
    }
    *e->out = path; /* not its name, but its content */
    FILE *f = file_is_usable(e, z, &st) ? fopen(z, "re") : NULL;
    if (f == NULL) {
        return false;
    }
    size_t n = fread(octets, 1, sizeof(octets), f);
    (void)fclose(f);
    if (n == 0 || n > PEM_MAX || memchr(octets, '\0', n) != NULL) {
        return WHY(e, "%.80s holds no PEM text of at most %d octets", z, PEM_MAX);
    }
    writer_bytes(e->out, bytes_of(octets, n));
    return true;
}

static bool parse_secret_file(struct element *e)
{
    char z[CONF_VALUE_MAX];
    struct stat st;
    if (!resolve(e, z) || !file_is_usable(e, z, &st)) {
        return false;
    }
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return WHY(e, "%.80s has mode %04o and is open to others: chmod 600", z, (unsigned)(st.st_mode & 07777));
    }
    return true;
}

static bool parse_key(struct element *e)
{
    if (key_source_is_file(e->in)) {
        return parse_secret_file(e);
    }
    char why[KEY_PIN_WHY_MAX];
    return key_source_check(e->in, why) == ERR_OK ? keep(e) : WHY(e, "%s", why);
}

static bool in_range(const struct conf_row *row, int64_t v)
{
    return (row->min == 0 && row->max == 0) || (v >= row->min && v <= row->max);
}

static bool parse_number(struct element *e)
{
    uint64_t v = 0;
    if (text_u64(e->in, INT64_MAX, &v) != ERR_OK) {
        return WHY(e, "\"%.*s\" is not a number", shown(e->in), e->in.p);
    }
    if (!in_range(e->row, (int64_t)v)) {
        return WHY(e, "%lld is outside %lld to %lld", (long long)v, (long long)e->row->min, (long long)e->row->max);
    }
    e->number = (int64_t)v;
    return keep(e);
}

static const struct {
    const char *name;
    int64_t us;
} units[] = {
    {"us", 1}, {"ms", 1000}, {"s", USEC_PER_SEC}, {"m", 60 * USEC_PER_SEC},
    {"h", 3600 * USEC_PER_SEC}, {"d", 86400 * USEC_PER_SEC},
};

void conf_value_write_duration(struct writer *w, int64_t us)
{
    size_t i = ARRAY_LEN(units) - 1;
    while (i > 0 && (us == 0 ? i != 2 : us % units[i].us != 0)) {
        i--;
    }
    writer_decimal(w, (uint64_t)us / (uint64_t)units[i].us);
    writer_z(w, units[i].name);
}

static int64_t unit_of(struct text t)
{
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (text_eq_z(t, units[i].name)) {
            return units[i].us;
        }
    }
    return 0;
}

static bool parse_duration(struct element *e)
{
    size_t digits = 0;
    while (digits < e->in.n && e->in.p[digits] >= '0' && e->in.p[digits] <= '9') {
        digits++;
    }
    int64_t unit = unit_of(text_skip(e->in, digits));
    uint64_t v = 0;
    if (unit == 0 || text_u64(text_take(e->in, digits), (uint64_t)(INT64_MAX / unit), &v) != ERR_OK) {
        return WHY(e, "\"%.*s\" is not a duration: write 500ms, 5s, 10m, 12h or 90d", shown(e->in), e->in.p);
    }
    e->number = (int64_t)v * unit;
    if (!in_range(e->row, e->number)) {
        char range[64];
        struct writer w = WRITER_ARRAY(range);
        conf_value_write_duration(&w, e->row->min);
        writer_z(&w, " to ");
        conf_value_write_duration(&w, e->row->max);
        return writer_finish_z(&w) == ERR_OK && WHY(e, "%.*s is outside %s", shown(e->in), e->in.p, range);
    }
    return keep(e);
}

static bool parse_bool(struct element *e)
{
    e->number = text_eq_z(e->in, "on") ? 1 : 0;
    if (e->number == 0 && !text_eq_z(e->in, "off")) {
        return WHY(e, "\"%.*s\" is neither on nor off", shown(e->in), e->in.p);
    }
    return keep(e);
}

static bool parse_choice(struct element *e)
{
    struct text rest = text_of(e->row->choices);
    struct text choice;
    struct conf_fault_guess guess = conf_fault_guess_of(e->in);
    char words[8][32] = {{0}};
    for (size_t i = 0; text_next(&rest, '|', &choice); i++) {
        if (text_eq(choice, e->in)) {
            return keep(e);
        }
        if (i < ARRAY_LEN(words) && TEXT_COPY(choice, words[i]) == ERR_OK) {
            conf_fault_guess_offer(&guess, words[i]);
        }
    }
    if (guess.best != NULL) {
        return WHY(e, "\"%.*s\" is none of %s; did you mean \"%s\"?", shown(e->in), e->in.p, e->row->choices,
                   guess.best);
    }
    return WHY(e, "\"%.*s\" is none of %s", shown(e->in), e->in.p, e->row->choices);
}

static const struct {
    const char *name;
    parse_fn *parse;
} types[] = {
    [CONF_TEXT] = {"text", parse_text},
    [CONF_FQDN] = {"fqdn", parse_fqdn},
    [CONF_ADDRESS] = {"host:port", parse_address},
    [CONF_FILE] = {"file", parse_file},
    [CONF_SECRET_FILE] = {"secret file", parse_secret_file},
    [CONF_KEY] = {"secret file, pkcs11: or tpm2: name", parse_key},
    [CONF_PEM] = {"PEM file", parse_pem},
    [CONF_PATH] = {"path", parse_path},
    [CONF_NUMBER] = {"number", parse_number},
    [CONF_DURATION] = {"duration", parse_duration},
    [CONF_BOOL] = {"on or off", parse_bool},
    [CONF_CHOICE] = {"choice", parse_choice},
};

const char *conf_value_type_name(enum conf_type t)
{
    return types[t].name;
}

static bool has_control(struct text t)
{
    for (size_t i = 0; i < t.n; i++) {
        if ((unsigned char)t.p[i] < 0x20 || t.p[i] == 0x7F) {
            return true;
        }
    }
    return false;
}

bool conf_value_parse(const struct conf_row *row, struct text raw, const char *dir, struct writer *out,
                      int64_t *number, char why[static CONF_VALUE_WHY_MAX])
{
    struct element e = {.row = row, .dir = dir, .out = out, .why = why};
    struct text rest = text_trim(raw, " \t");
    if (has_control(rest)) {
        return WHY(&e, "the value holds a control character");
    }
    if (rest.n == 0) {
        return WHY(&e, "no value is given");
    }
    bool many = (row->flags & CONF_MANY) != 0;
    bool first = true;
    while (many ? text_next(&rest, ',', &e.in) : first) {
        e.in = text_trim(many ? e.in : rest, " \t");
        if (e.in.n == 0) {
            return WHY(&e, "the list has an empty element");
        }
        if (!first) {
            writer_z(out, ",");
        }
        if (!types[row->type].parse(&e)) {
            return false;
        }
        first = false;
    }
    *number = e.number;
    return writer_finish(out) == ERR_OK || WHY(&e, "the value is too long");
}
