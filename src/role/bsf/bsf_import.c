/*
 * `ctl subscriber import`: some lines of a list at a time, as the CLI sends them; each is a subscriber, taken whole or refused by itself
 * with the number of its line. A list is CSV, whose first line names the columns, or one JSON object a line; both have the same
 * names. A name that is not known is refused: `nafs` for `naf` would be a subscriber without a limit. No answer repeats a key.
 */
#include "base/ct.h"
#include "role/bsf/bsf_ctx.h"
#include "role/detail.h"
#include "role/emit.h"
#include "wire/json.h"

#include <string.h>

#define LINES_MAX 50 /* at once: audit events of a transaction are bounded */
#define COLUMNS_MAX 16
#define KEY_DIGITS 24 /* so many hexadecimal digits in a row are a key or a part of one */

const struct ctl_arg bsf_import_args[BSF_IMPORT_N] = {
    {"FILE", CTL_ARG_REQUIRED | CTL_ARG_POSITIONAL | CTL_ARG_LINES,
     "mode 0600: CSV whose first line names its columns, or a JSON object a line, of impi or imsi, mnc-digits (2), k, one of opc, op, "
     "topc, top, and what add has: kind, card, amf, sqn, enrolee-id, naf, uss, lifetime"},
};

/* What a list may say; what follows from which kind of operator's key it has. */
static const char *const names[] = {"impi", "imsi", "mnc-digits", "k",   "opc",        "op",  "topc",
                                    "top",  "kind", "card",       "amf", "enrolee-id", "naf", "lifetime", "sqn", "uss"};
static const struct {
    const char *name, *kind;
} operator_keys[] = {{"opc", "milenage"}, {"op", "milenage-op"}, {"topc", "tuak"}, {"top", "tuak-op"}};

static void wipe_values(json_t **v)
{
    const char *name;
    json_t *one;
    json_object_foreach(*v, name, one) { /* jansson frees without wiping */
        if (json_is_string(one)) {
            ct_wipe((void *)(uintptr_t)json_string_value(one), json_string_length(one));
        }
    }
    json_decref(*v);
}

static const char *known_name(struct text name)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (text_eq_z(name, names[i])) {
            return names[i];
        }
    }
    return NULL;
}

/* -- a line ------------------------------------------------------------------------------------------------- */
/* One field of CSV (RFC 4180): quoted or not; quotes in it are not for lists like these. */
static err_t next_field(struct text *line, struct text *out)
{
    if (line->n > 0 && line->p[0] == '"') {
        struct text inner = text_skip(*line, 1);
        size_t end = text_find(inner, '"');
        *out = text_take(inner, end);
        *line = text_skip(inner, end + 1);
        if (end == inner.n || (line->n > 0 && line->p[0] != ',')) {
            return ERR_MALFORMED;
        }
    } else {
        *out = text_trim(text_take(*line, text_find(*line, ',')), " \t");
        *line = text_skip(*line, text_find(*line, ','));
    }
    return ERR_OK;
}

static err_t from_csv(struct text head, struct text line, json_t *out, char detail[static ROLE_DETAIL_MAX])
{
    struct text name, value;
    for (size_t i = 0; i < COLUMNS_MAX; i++) {
        TRY(next_field(&head, &name));
        if (next_field(&line, &value) != ERR_OK) {
            return detail_fail(detail, ERR_MALFORMED, "a quote without its end, in column", name);
        }
        const char *z = known_name(name);
        if (z == NULL) {
            char room[8]; /* its number: where the first line is missing, what stands there may be a key */
            struct writer w = WRITER_ARRAY(room);
            writer_decimal(&w, i + 1);
            return detail_fail(detail, ERR_UNKNOWN_ATTRIBUTE, "the first line names the columns, and this is no name: column",
                               writer_view_text(&w));
        }
        if (value.n > 0 && (json_object_get(out, z) != NULL || !json_set_text(out, z, value))) {
            return detail_fail(detail, ERR_MALFORMED, "twice, or not UTF-8: column", name);
        }
        if (head.n == 0 || line.n == 0) {
            return head.n == line.n ? ERR_OK : detail_fail(detail, ERR_MALFORMED, "not as many fields as the first line", text_empty());
        }
        head = text_skip(head, 1);
        line = text_skip(line, 1);
    }
    return detail_fail(detail, ERR_LIMIT_CAPACITY, "too many columns", text_empty());
}

static err_t from_json(struct text line, json_t *out, char detail[static ROLE_DETAIL_MAX])
{
    json_t *v = NULL; /* only views of it are taken; out owns copies */
    err_t e = json_parse(text_bytes(line), &v);
    if (e != ERR_OK || !json_is_object(v)) {
        json_decref(v);
        return detail_fail(detail, ERR_MALFORMED_JSON, "not a JSON object", text_empty());
    }
    SCOPED(wipe_values) json_t *object = v;
    const char *name;
    json_t *one;
    json_object_foreach(object, name, one) {
        const char *z = known_name(text_of(name));
        if (z == NULL || !json_is_string(one)) {
            return detail_fail(detail, ERR_UNKNOWN_ATTRIBUTE, z == NULL ? "no such member" : "not text: member", text_of(name));
        }
        if (!json_set_text(out, z, json_get_text(object, name))) {
            return detail_fail(detail, ERR_MALFORMED_JSON, "member", text_of(name));
        }
    }
    return ERR_OK;
}

/* -- what `add` takes --------------------------------------------------------------------------------------- */
static err_t name_impi(json_t *args, char detail[static ROLE_DETAIL_MAX])
{
    struct text imsi = json_get_text(args, "imsi");
    struct text digits = json_get_text(args, "mnc-digits");
    struct impi impi;
    if (imsi.n == 0) {
        return ERR_OK;
    }
    if (json_get_text(args, "impi").n > 0 || impi_of_imsi(imsi, text_eq_z(digits, "3") ? 3 : 2, &impi) != ERR_OK ||
        (digits.n > 0 && !text_eq_z(digits, "2") && !text_eq_z(digits, "3"))) {
        return detail_fail(detail, ERR_MALFORMED_ID, "imsi: 6 to 15 digits, mnc-digits 2 or 3, and no impi", imsi);
    }
    return json_set_text(args, "impi", text_of(impi.z)) ? ERR_OK : ERR_LIMIT_CAPACITY;
}

static void wipe_hex(char (*hex)[4 * SECRET_MAX])
{
    ct_wipe(*hex, sizeof(*hex));
}

/* K and the one key of the operator, as --key-file has them; and the kind that this means, if none is named. */
static err_t join_keys(json_t *args, char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(wipe_hex) char hex[4 * SECRET_MAX] = {0};
    struct writer w = WRITER_ARRAY(hex);
    const char *kind = NULL;
    size_t found = 0;
    writer_text(&w, json_get_text(args, "k"));
    for (size_t i = 0; i < ARRAY_LEN(operator_keys); i++) {
        struct text t = json_get_text(args, operator_keys[i].name);
        found += t.n > 0;
        kind = t.n > 0 ? operator_keys[i].kind : kind;
        writer_text(&w, t);
    }
    struct text named = json_get_text(args, "kind");
    if (found == 0 && json_get_text(args, "k").n == 0 && text_eq_z(named, "hlr")) {
        return ERR_OK;
    }
    if (found != 1 || writer_finish(&w) != ERR_OK || (named.n > 0 && !text_eq_z(named, kind))) {
        return detail_fail(detail, ERR_MALFORMED_KEY, "k and one of opc, op, topc, top, as its kind wants it", text_empty());
    }
    bool good = json_set_text(args, "kind", text_of(kind)) && json_set_text(args, "key", writer_view_text(&w));
    return good ? ERR_OK : detail_fail(detail, ERR_MALFORMED_KEY, "k", text_empty());
}

static err_t take_line(const struct bsf *b, const struct ctl_request *rq, struct text line, struct txn *t,
                       char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(wipe_values) json_t *args = json_object();
    struct text head = json_get_text(rq->args, "head");
    struct rec_subscriber s;
    TRY(head.n > 0 ? from_csv(head, line, args, detail) : from_json(line, args, detail));
    TRY(name_impi(args, detail));
    TRY(join_keys(args, detail));
    return bsf_ctl_put(b, &(struct ctl_request){args, rq->now}, t, &s, detail);
}

/* -- the list ----------------------------------------------------------------------------------------------- */
/* A refusal names what it does not take; where columns are exchanged, that is a key. */
static void hide_keys(char *detail)
{
    size_t run = 0;
    for (char *at = detail;; at++) {
        if (text_find(text_of("0123456789abcdef"), text_lower(*at)) < 16) {
            run++;
            continue;
        }
        if (run >= KEY_DIGITS) {
            memset(at - run, '*', run);
        }
        if (*at == '\0') {
            return;
        }
        run = 0;
    }
}

/* Of a line that is refused nothing stays, and the others are taken. */
static void try_line(const struct bsf *b, const struct ctl_request *rq, struct text line, struct txn *t, uint64_t number,
                     struct emit *refused)
{
    char detail[ROLE_DETAIL_MAX] = "";
    size_t staged = t->staged_n, audit = t->audit_n;
    err_t e = take_line(b, rq, line, t, detail);
    if (e != ERR_OK) {
        hide_keys(detail);
        t->staged_n = staged;
        t->audit_n = audit;
        emit_object(refused, NULL);
        emit_number(refused, "line", number);
        emit_z(refused, "code", err_code(e));
        emit_z(refused, "text", detail[0] != '\0' ? detail : err_info(e)->text);
        emit_close_object(refused);
    }
}

err_t bsf_import(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,
                 char detail[static ROLE_DETAIL_MAX])
{
    struct text rest = json_get_text(rq->args, "key");
    struct text line;
    struct emit e = emit_to(out);
    uint64_t number = 0, added = 0;
    if (rest.n == 0 || text_u64(json_get_text(rq->args, "line"), UINT32_MAX, &number) != ERR_OK) {
        return detail_fail(detail, ERR_USAGE, "no lines", text_empty());
    }
    emit_object(&e, NULL);
    emit_array(&e, "refused");
    for (size_t i = 0; text_next(&rest, '\n', &line); i++, number++) {
        if (i == LINES_MAX) {
            return detail_fail(detail, ERR_LIMIT_CAPACITY, "too many lines at once", text_empty());
        }
        line = text_trim(line, " \t\r");
        if (line.n > 0) {
            size_t before = t->audit_n;
            try_line(ctx, rq, line, t, number, &e);
            added += t->audit_n - before; /* each has its event */
        }
    }
    emit_close_array(&e);
    emit_number(&e, "added", added);
    emit_close_object(&e);
    return ERR_OK;
}
