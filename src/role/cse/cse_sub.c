#include "role/cse/cse_sub.h"

#include "role/cse/cse_addr.h"
#include "role/detail.h"
#include "role/rec.h"

#include <string.h>

#define RECORD_VERSION 1
#define HEADER_MAX 1024 /* of a record without its lists */
#define NODES_AT_ONCE 32 /* subscribed nodes of one registrar that are read in one step of the scan */

static const struct rec_field fields[] = {
    {REC_U8, REC_AT(struct cse_sub, ty), .low = TYPE_MSSP, .high = TYPE_SVSN},
    {REC_VIEW16, REC_AT(struct cse_sub, node)},
    {REC_VIEW16, REC_AT(struct cse_sub, pi)},
    {REC_VIEW16, REC_AT(struct cse_sub, pnode)},
    {REC_TIME, REC_AT(struct cse_sub, et)},
    {REC_VIEW16, REC_AT(struct cse_sub, services)},
    {REC_VIEW16, REC_AT(struct cse_sub, csi)},
    {REC_VIEW16, REC_AT(struct cse_sub, rules)},
    {REC_VIEW16, REC_AT(struct cse_sub, credentials)},
    {REC_VIEW16, REC_AT(struct cse_sub, apps)},
    {REC_VIEW16, REC_AT(struct cse_sub, aes)},
};
static const struct rec_layout layout = REC_LAYOUT(struct cse_sub, fields, RECORD_VERSION, RECORD_VERSION);

err_t cse_sub_parse(struct bytes b, struct cse_sub *out)
{
    return rec_parse(&layout, b, out);
}

err_t cse_sub_write(const struct cse_sub *s, struct writer *w)
{
    return rec_write(&layout, RECORD_VERSION, s, NULL, w);
}

/* ERR_NOT_FOUND also past its end. */
static err_t get(struct txn *t, struct text ri, uint8_t ty, usec_t now, struct cse_sub *out)
{
    struct bytes b;
    TRY(rec_get(t, TABLE_CSE_SUB, ri, &b));
    TRY(cse_sub_parse(b, out));
    return out->ty == ty && out->et > now ? ERR_OK : ERR_NOT_FOUND;
}

/* -- compiling ------------------------------------------------------------------------------------------ */
static struct text element(const json_t *list, size_t i)
{
    const json_t *v = json_array_get(list, i);
    return text_span(json_string_value(v), json_string_length(v));
}

static bool is_printable(struct text t)
{
    for (size_t i = 0; i < t.n; i++) {
        if ((unsigned char)t.p[i] < 0x20 || t.p[i] == 0x7F) {
            return false;
        }
    }
    return true;
}

/* An element that stands for a resource, or NULL: it is written as it is. */
typedef err_t element_fn(const struct cse *cse, struct txn *t, usec_t now, struct text in, struct text *out);

static err_t is_service(const struct cse *cse, struct txn *t, usec_t now, struct text in, struct text *out)
{
    (void)cse;
    (void)t;
    (void)now;
    *out = in;
    const struct types_row *type;
    for (size_t i = 0; (type = types_at(i)) != NULL; i++) {
        if (cse_sub_includes(in, type)) {
            return ERR_OK;
        }
    }
    return ERR_CONTENTS;
}

static err_t is_rule(const struct cse *cse, struct txn *t, usec_t now, struct text in, struct text *out)
{
    struct cse_target target;
    TRY(cse_addr_resolve(cse, t, in, now, &target));
    *out = target.res.ri;
    return target.res.type->ty == TYPE_ASAR ? ERR_OK : ERR_CONTENTS;
}

struct compiling {
    const struct cse *cse;
    struct txn *t;
    const json_t *attrs;
    usec_t now;
    char *detail;
};

static err_t list(const struct compiling *c, const char *name, element_fn *fn, struct text *out)
{
    const json_t *given = json_object_get(c->attrs, name);
    size_t cap = 0;
    for (size_t i = 0; i < json_array_size(given); i++) {
        cap += 1 + (fn == is_rule ? M2MID_MAX : element(given, i).n);
    }
    void *buf = arena_alloc(c->t->arena, cap + 1);
    if (buf == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    struct writer w = writer_of(buf, cap + 1);
    for (size_t i = 0; i < json_array_size(given); i++) {
        struct text in = element(given, i);
        struct text is = in;
        err_t e = !is_printable(in) ? ERR_CONTENTS : fn == NULL ? ERR_OK : fn(c->cse, c->t, c->now, in, &is);
        if (e == ERR_NOT_FOUND || e == ERR_MALFORMED_TO || e == ERR_CONTENTS) {
            return detail_fail(c->detail, ERR_CONTENTS, name, in);
        }
        TRY(e);
        writer_z(&w, i > 0 ? "\n" : "");
        writer_text(&w, is);
    }
    *out = writer_view_text(&w);
    return writer_finish(&w);
}

/* A registrar as the CSE-ID is compared: "/in". */
static err_t registrar(const struct compiling *c, struct text *out)
{
    const json_t *v = json_object_get(c->attrs, "csi");
    *out = text_span(json_string_value(v), json_string_length(v));
    if (v != NULL && (out->n < 2 || out->p[0] != '/' || !m2mid_is_unreserved(text_skip(*out, 1)))) {
        return detail_fail(c->detail, ERR_CONTENTS, "csi is no SP-relative CSE-ID", *out);
    }
    return ERR_OK;
}

static err_t compile(const struct compiling *c, struct cse_sub *s)
{
    TRY(list(c, "svr", is_service, &s->services));
    TRY(list(c, "apci", NULL, &s->credentials));
    TRY(list(c, "aai", NULL, &s->apps));
    TRY(list(c, "aae", NULL, &s->aes));
    if (s->ty != TYPE_SVSN) {
        return ERR_OK;
    }
    TRY(registrar(c, &s->csi));
    TRY(list(c, "rlk", is_rule, &s->rules));
    if (s->rules.n > 0 && s->csi.n == 0) { /* 11.1 */
        return detail_fail(c->detail, ERR_CONTENTS, "rlk is only for a node with a CSE-ID (csi)", text_empty());
    }
    return ERR_OK;
}

static err_t node_of_key(struct text csi, struct text ri, struct writer *w)
{
    writer_text(w, csi);
    writer_u8(w, '|');
    writer_text(w, ri);
    return writer_finish(w);
}

err_t cse_sub_put(const struct cse *cse, struct txn *t, const struct cse_res *r, const json_t *attrs,
                  char detail[static ROLE_DETAIL_MAX])
{
    struct cse_sub s = {.ty = (uint8_t)r->type->ty, .node = r->node, .pi = r->pi, .pnode = r->pnode, .et = r->et};
    const struct compiling c = {cse, t, attrs, r->lt, detail};
    TRY(compile(&c, &s));
    size_t cap = HEADER_MAX + s.services.n + s.rules.n + s.credentials.n + s.apps.n + s.aes.n;
    void *buf = arena_alloc(t->arena, cap);
    if (buf == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    struct writer w = writer_of(buf, cap);
    TRY(cse_sub_write(&s, &w));
    TRY(rec_put(t, TABLE_CSE_SUB, r->ri, &w, STORE_PUT_ANY));
    if (s.csi.n == 0) {
        return ERR_OK;
    }
    char key[2 * M2MID_MAX];
    struct writer k = WRITER_ARRAY(key);
    TRY(node_of_key(s.csi, r->ri, &k));
    return txn_put(t, TABLE_CSE_SUB_NODE_OF, writer_view_text(&k), text_bytes(r->ri), STORE_PUT_ANY, 0);
}

/* -- the check ---------------------------------------------------------------------------------------------- */
static bool any_matches(struct text patterns, struct text value)
{
    struct text p;
    while (text_next(&patterns, '\n', &p)) {
        if (text_eq_z(p, "*") || m2mid_glob(p, value)) { /* alone it stands for any, also with a slash in it */
            return true;
        }
    }
    return false;
}

/* 11.1.2; a list that is absent admits nothing [CHOICE-67], but that of credentials: it is the case without association. */
static bool rule_admits(const struct cse_sub *rule, const struct cse_sub_claim *c)
{
    bool credential = c->credential.n == 0 ? rule->credentials.n == 0 : any_matches(rule->credentials, c->credential);
    return credential && any_matches(rule->apps, c->app) && any_matches(rule->aes, c->who);
}

/* A node whose contract is over or gone is not subscribed. */
static err_t node_get(struct txn *t, struct text ri, usec_t now, struct cse_sub *node, struct cse_sub *contract)
{
    TRY(get(t, ri, TYPE_SVSN, now, node));
    TRY(get(t, node->pi, TYPE_MSSP, now, contract));
    return text_eq(contract->node, node->pnode) ? ERR_OK : ERR_NOT_FOUND;
}

/* ERR_DENIED_SUBSCRIPTION: no subscribed node of this registrar. ERR_DENIED_APP_RULE: none of its rules. */
static err_t node_admits(struct txn *t, usec_t now, struct text ri, const struct cse_sub_claim *c,
                         struct cse_sub_grant *out)
{
    struct cse_sub node, contract;
    err_t e = node_get(t, ri, now, &node, &contract);
    if (e == ERR_NOT_FOUND || (e == ERR_OK && !text_eq(node.csi, c->registrar))) {
        return ERR_DENIED_SUBSCRIPTION;
    }
    TRY(e);
    struct text rules = node.rules;
    struct text link;
    while (text_next(&rules, '\n', &link)) {
        struct cse_sub rule;
        e = get(t, link, TYPE_ASAR, now, &rule);
        if (e == ERR_OK && rule_admits(&rule, c)) {
            *out = (struct cse_sub_grant){ri, contract.services};
            return ERR_OK;
        }
        TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    }
    return ERR_DENIED_APP_RULE;
}

struct page {
    char ri[NODES_AT_ONCE][M2MID_MAX];
    char last[2 * M2MID_MAX];
    size_t n;
    err_t err;
};

static bool page_hit(void *arg, struct bytes id, struct store_value value)
{
    struct page *p = arg;
    p->err = TEXT_COPY(text_span((const char *)value.data.p, value.data.n), p->ri[p->n]);
    if (p->err == ERR_OK) {
        p->err = TEXT_COPY(text_span((const char *)id.p, id.n), p->last);
    }
    p->n++;
    return p->err == ERR_OK && p->n < NODES_AT_ONCE;
}

/* All subscribed nodes of the registrar, until one of their rules admits. */
static err_t search(struct txn *t, usec_t now, const struct cse_sub_claim *c, struct cse_sub_grant *out)
{
    char prefix[M2MID_MAX + 1];
    struct writer w = WRITER_ARRAY(prefix);
    TRY(node_of_key(c->registrar, text_empty(), &w));
    struct page *p = arena_alloc(t->arena, sizeof(*p));
    err_t result = ERR_DENIED_SUBSCRIPTION;
    if (p == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    p->last[0] = '\0';
    do {
        struct store_scan q = {.table = TABLE_CSE_SUB_NODE_OF, .prefix = writer_view(&w), .order = STORE_ASCENDING,
                               .after = text_bytes(text_of(p->last))};
        p->n = 0;
        p->err = ERR_OK;
        TRY(txn_scan(t, &q, page_hit, p));
        TRY(p->err);
        for (size_t i = 0; i < p->n; i++) {
            size_t before = t->arena->used;
            err_t e = node_admits(t, now, text_of(p->ri[i]), c, out);
            if (e == ERR_OK || (e != ERR_DENIED_SUBSCRIPTION && e != ERR_DENIED_APP_RULE)) {
                return e;
            }
            result = e == ERR_DENIED_APP_RULE ? e : result;
            t->arena->used = before; /* any number of nodes: what was read of this one is not needed again */
        }
    } while (p->n == NODES_AT_ONCE);
    return result;
}

/* The node that the credential was first used on, if it still is a subscribed one (kept data: R002-79). */
static err_t bound_node(struct txn *t, usec_t now, struct text credential, struct text *out)
{
    struct bytes b;
    struct cse_sub node, contract;
    *out = text_empty();
    err_t e = credential.n == 0 ? ERR_NOT_FOUND : rec_get(t, TABLE_CSE_SUB_BOUND, credential, &b);
    if (e == ERR_OK) {
        struct text ri = text_span((const char *)b.p, b.n);
        e = node_get(t, ri, now, &node, &contract);
        *out = e == ERR_OK ? ri : text_empty();
    }
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* R002-80: registration determines the subscription by this. */
err_t cse_sub_check(struct txn *t, usec_t now, const struct cse_sub_claim *c, struct cse_sub_grant *out,
                    char detail[static ROLE_DETAIL_MAX])
{
    struct text bound;
    TRY(bound_node(t, now, c->credential, &bound));
    err_t e = bound.n > 0 ? node_admits(t, now, bound, c, out) : search(t, now, c, out);
    if (bound.n > 0 && e == ERR_DENIED_SUBSCRIPTION) {
        return detail_fail(detail, ERR_DENIED_APP_RULE, "the credential is for another node than this registrar's",
                           c->credential);
    }
    if (e == ERR_DENIED_SUBSCRIPTION) {
        return detail_fail(detail, e, "no subscribed node has the CSE-ID", c->registrar);
    }
    return e == ERR_DENIED_APP_RULE ? detail_fail(detail, e, "App-ID", c->app) : e;
}

err_t cse_sub_bind(struct txn *t, struct text credential, struct text node)
{
    struct store_value v;
    err_t e = credential.n == 0 ? ERR_OK : txn_get(t, TABLE_CSE_SUB_BOUND, credential, &v);
    if (credential.n == 0 || (e == ERR_OK && bytes_eq(v.data, text_bytes(node)))) {
        return ERR_OK;
    }
    TRY(e == ERR_NOT_FOUND ? ERR_OK : e);
    return txn_put(t, TABLE_CSE_SUB_BOUND, credential, text_bytes(node), STORE_PUT_ANY, 0);
}

bool cse_sub_includes(struct text services, const struct types_row *type)
{
    struct text s;
    if (services.n == 0) {
        return true;
    }
    while (text_next(&services, '\n', &s)) {
        if (text_starts(text_of(type->root), "m2m:") && text_eq_z(s, type->root + 4)) {
            return true;
        }
    }
    return false;
}
