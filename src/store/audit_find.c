#include "store/audit_find.h"

#include "base/reader.h"

#include <string.h>

#define RECORD_VERSION 1
#define HEX_NAME_MIN 16 /* digits; shorter ones are words */

/* -- names ---------------------------------------------------------------------------------------------------------- */
static bool is_hex(struct text t)
{
    for (size_t i = 0; i < t.n; i++) {
        char c = text_lower(t.p[i]);
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
    }
    return t.n >= HEX_NAME_MIN;
}

void audit_find_fold(struct text name, char out[static AUDIT_FIND_NAME_MAX])
{
    struct text t = text_take(name, AUDIT_FIND_NAME_MAX - 1);
    bool lower = text_find(t, '@') < t.n || is_hex(t);
    for (size_t i = 0; i < t.n; i++) {
        out[i] = lower ? text_lower(t.p[i]) : t.p[i];
    }
    out[t.n] = '\0';
}

static void add(struct audit_find_names *out, struct text name)
{
    if (name.n > 0 && !text_eq_z(name, "-") && out->n < AUDIT_FIND_NAMES_MAX) {
        audit_find_fold(name, out->at[out->n++]);
    }
}

/* "12-NAME@FQDN", "33-//sp/Sname": the identifier behind the type number of a Credential-ID [TS-0003 10.4]. */
static struct text without_type(struct text t)
{
    bool typed = t.n > 3 && t.p[0] >= '0' && t.p[0] <= '9' && t.p[1] >= '0' && t.p[1] <= '9' && t.p[2] == '-';
    return typed ? text_skip(t, 3) : t;
}

static void add_segments(struct audit_find_names *out, struct text path)
{
    struct text part;
    while (text_next(&path, '/', &part)) {
        if (text_find(part, '@') < part.n || is_hex(part)) {
            add(out, part);
        }
    }
}

/* "m2m://sp/Sname serial 0a by /CN=..." as shell/tls_shown.c writes it. */
static void add_certificate(struct audit_find_names *out, struct text shown)
{
    struct text name;
    struct text word;
    if (!text_next(&shown, ' ', &name)) {
        return;
    }
    add(out, text_starts(name, "m2m:") ? text_skip(name, 4) : name);
    if (text_next(&shown, ' ', &word) && text_eq_z(word, "serial") && text_next(&shown, ' ', &word)) {
        add(out, word);
    }
}

void audit_find_names(const struct audit_event *e, struct audit_find_names *out)
{
    struct text object = text_of(e->object);
    *out = (struct audit_find_names){.n = 0};
    if (e->kind == AUDIT_CERTIFICATE_REFUSED) {
        add_certificate(out, object);
        return;
    }
    if (e->kind == AUDIT_HANDSHAKE_REFUSED) { /* its peer is a network address */
        add(out, object);
        return;
    }
    add(out, without_type(text_of(e->peer)));
    add(out, text_of(e->association));
    if (object.n > 0 && object.p[0] == '/' && !text_starts(object, "//")) {
        add_segments(out, object);
    } else if (e->kind == AUDIT_INSTRUCTION_ADDED || e->kind == AUDIT_INSTRUCTION_REMOVED) {
        size_t end = text_find(object, ' '); /* "credential for target" */
        add(out, text_take(object, end));
        add(out, text_skip(object, text_find_last(object, ' ') + 1));
    } else {
        add(out, without_type(object));
    }
}

bool audit_find_is_about(const struct audit_event *e, const char *folded)
{
    struct audit_find_names names;
    audit_find_names(e, &names);
    for (size_t i = 0; i < names.n; i++) {
        if (strcmp(names.at[i], folded) == 0) {
            return true;
        }
    }
    return false;
}

/* -- the last refusal ------------------------------------------------------------------------------------------------ */
static err_t parse(struct bytes b, struct audit_find_last *out)
{
    struct reader r = reader_of(b);
    uint8_t version = reader_u8(&r);
    out->number = reader_u64(&r);
    out->count = reader_u64(&r);
    return reader_finish(&r) == ERR_OK && version == RECORD_VERSION ? ERR_OK : ERR_MALFORMED_RECORD;
}

/* Zeros if there is none yet; one that cannot be read is begun anew: the chain itself has every event. */
static err_t index_get(struct store *s, const char *name, struct audit_find_last *out)
{
    uint8_t room[256];
    struct arena a = arena_of(room, sizeof(room));
    struct store_value v;
    out->number = 0;
    out->count = 0;
    err_t e = store_get(s, TABLE_REFUSAL_OF, text_bytes(text_of(name)), &a, &v);
    if (e == ERR_OK && parse(v.data, out) != ERR_OK) {
        out->number = 0;
        out->count = 0;
    }
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

err_t audit_find_note(struct store *s, uint64_t number, const struct audit_event *e)
{
    struct audit_find_names names;
    if (e->outcome == ERR_OK) {
        return ERR_OK;
    }
    audit_find_names(e, &names);
    for (size_t i = 0; i < names.n; i++) {
        struct audit_find_last last;
        uint8_t buf[32];
        struct writer w = WRITER_ARRAY(buf);
        TRY(index_get(s, names.at[i], &last));
        writer_u8(&w, RECORD_VERSION);
        writer_u64(&w, number);
        writer_u64(&w, last.count + 1);
        TRY(writer_finish(&w));
        TRY(store_put(s, TABLE_REFUSAL_OF, text_bytes(text_of(names.at[i])), writer_view(&w), STORE_PUT_ANY, 0));
    }
    return ERR_OK;
}

err_t audit_find_last(struct store *s, const char *folded, struct arena *a, struct audit_find_last *out)
{
    struct store_value v;
    size_t used = a->used;
    *out = (struct audit_find_last){.number = 0};
    if (folded[0] == '\0') {
        return ERR_NOT_FOUND;
    }
    TRY(store_get(s, TABLE_REFUSAL_OF, text_bytes(text_of(folded)), a, &v));
    TRY(parse(v.data, out));
    a->used = used;
    return audit_get(s, out->number, a, &out->event);
}
