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
    return r->kind->who(r, rq, t, out);
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

static err_t permitted_by_name(enum store_table table, struct text name, struct txn *t, struct text target, bool *out)
{
    char id[REC_ALLOW_ID_MAX];
    struct rec_allow a;
    struct bytes b;
    if (rec_allow_id(name, id) != ERR_OK) {
        return ERR_OK;
    }
    err_t e = rec_get(t, table, text_of(id), &b);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    TRY(rec_allow_parse(b, &a));
    *out = rec_allow_permits(&a, target);
    return ERR_OK;
}

struct search {
    const struct names *names;
    struct text target;
    bool permitted;
};

static bool pattern_row(void *arg, struct bytes id, struct store_value value)
{
    struct search *s = arg;
    struct rec_allow a;
    (void)id;
    if (rec_allow_parse(value.data, &a) != ERR_OK || !rec_allow_permits(&a, s->target)) {
        return true;
    }
    for (size_t i = 0; i < s->names->n; i++) {
        if (m2mid_match(text_of(a.client), s->names->at[i])) {
            s->permitted = true;
            return false;
        }
    }
    return true;
}

err_t reg_who_check(const struct reg *r, const struct reg_who *w, struct txn *t, struct text target,
                    char detail[static ROLE_DETAIL_MAX])
{
    struct names names = names_of(w);
    bool permitted = false;
    for (size_t i = 0; i < names.n && !permitted; i++) {
        TRY(permitted_by_name(r->kind->allow, names.at[i], t, target, &permitted));
    }
    if (permitted) {
        return ERR_OK;
    }
    struct search s = {.names = &names, .target = target};
    struct store_scan q = {.table = r->kind->allow,
                           .prefix = bytes_of("*", 1),
                           .after = bytes_empty(),
                           .order = STORE_ASCENDING,
                           .limit = PATTERNS_MAX};
    TRY(txn_scan(t, &q, pattern_row, &s));
    return s.permitted ? ERR_OK : detail_fail(detail, ERR_DENIED_CLIENT, "may not register a key for", target);
}
