#include "role/reg/reg_who.h"

#include "role/detail.h"
#include "role/originator.h"
#include "role/reg/rec_allow.h"

#include <string.h>

enum { PATTERNS_MAX = 1000 };

err_t reg_who_name(struct text given, char out[static REC_CLIENT_NAME_MAX])
{
    TRY(text_copy(given, out, REC_CLIENT_NAME_MAX));
    m2mid_fold(out);
    return ERR_OK;
}

err_t reg_who_cert(const struct request *rq, struct reg_who *out)
{
    out->not_after = rq->assoc->not_after;
    out->named = true;
    if (rq->assoc->ids_n == 0) { /* the certificate of a device or node [CHOICE-42] */
        return TEXT_COPY(text_of(rq->assoc->credential_id), out->name);
    }
    return reg_who_name(rq->prim->from, out->name);
}

err_t reg_who_of(const struct reg *r, const struct request *rq, struct txn *t, struct reg_who *out,
                 char detail[static ROLE_DETAIL_MAX])
{
    memset(out, 0, sizeof(*out));
    TRY(originator_check(rq, detail));
    err_t e = r->kind->who(r, rq, t, out);
    return e == ERR_DENIED_CONTRACT ? detail_fail(detail, e, "client", text_of(out->name)) : e;
}

/* -- permissions ------------------------------------------------------------------------------------- */
struct names { /* everything this client may be called in a permission */
    struct text at[3];
    size_t n;
};

static struct names names_of(const struct reg_who *w)
{
    struct names s = {.n = 0};
    if (w->named) { /* a Credential-ID, 11-KmId, may be another's KmId to the letter */
        s.at[s.n++] = text_of(w->name);
    }
    if (w->credential.z[0] != '\0') {
        s.at[s.n++] = text_of(w->credential.z);
    }
    if (w->also.z[0] != '\0') {
        s.at[s.n++] = text_of(w->also.z);
    }
    return s;
}

static err_t named_row(struct txn *t, enum store_table table, struct text name, reg_who_fits *fits, void *arg, bool *out)
{
    char id[REC_ALLOW_ID_MAX];
    struct text client;
    struct bytes b;
    if (rec_allow_id(name, id) != ERR_OK) {
        return ERR_OK;
    }
    err_t e = rec_get(t, table, text_of(id), &b);
    *out = e == ERR_OK && fits(arg, b, &client);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

struct search {
    const struct names *names;
    reg_who_fits *fits;
    void *arg;
    bool found;
};

static bool pattern_row(void *arg, struct bytes id, struct store_value value)
{
    struct search *s = arg;
    struct text client;
    (void)id;
    for (size_t i = 0; i < s->names->n && s->fits(s->arg, value.data, &client); i++) {
        if (m2mid_match(client, s->names->at[i])) {
            s->found = true;
            return false;
        }
    }
    return true;
}

err_t reg_who_row(const struct reg_who *w, struct txn *t, enum store_table table, reg_who_fits *fits, void *arg, bool *out)
{
    struct names names = names_of(w);
    *out = false;
    for (size_t i = 0; i < names.n && !*out; i++) {
        TRY(named_row(t, table, names.at[i], fits, arg, out));
    }
    if (*out) {
        return ERR_OK;
    }
    struct search s = {.names = &names, .fits = fits, .arg = arg};
    struct store_scan q = {.table = table,
                           .prefix = bytes_of("*", 1),
                           .after = bytes_empty(),
                           .order = STORE_ASCENDING,
                           .limit = PATTERNS_MAX};
    TRY(txn_scan(t, &q, pattern_row, &s));
    *out = s.found;
    return ERR_OK;
}

struct allowed {
    struct text target;
    struct rec_allow a;
};

static bool is_allowed(void *arg, struct bytes record, struct text *client)
{
    struct allowed *x = arg;
    bool fits = rec_allow_parse(record, &x->a) == ERR_OK && rec_allow_permits(&x->a, x->target);
    *client = text_of(fits ? x->a.client : "");
    return fits;
}

err_t reg_who_check(const struct reg *r, const struct reg_who *w, struct txn *t, struct text target,
                    char detail[static ROLE_DETAIL_MAX])
{
    struct allowed x = {.target = target};
    bool permitted = false;
    TRY(reg_who_row(w, t, r->kind->allow, is_allowed, &x, &permitted));
    return permitted ? ERR_OK : detail_fail(detail, ERR_DENIED_CLIENT, "may not register a key for", target);
}
