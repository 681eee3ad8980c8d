#include "role/cse/cse_sub_ctl.h"

#include "role/cse/cse_csr.h"
#include "role/cse/cse_ops.h"
#include "role/detail.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#define NAME {"NAME", CTL_ARG_POSITIONAL | CTL_ARG_REQUIRED, "its resource name"}
#define SUBSCRIPTION {"--subscription", CTL_ARG_REQUIRED, "NAME of the service subscription that the node is under"}
#define RULES {"--rules", 0, "NAMEs of application rules, commas between; none: takes all away"}
#define DEVICE_IDS {"--device-ids", 0, "device identifiers of the node, commas between"}

const struct ctl_arg cse_sub_ctl_subscription[CSE_SUB_CTL_SUBSCRIPTION_N] = {
    NAME,
    {"--lifetime", 0, "how long the contract lasts, counted from now; default [cse] lifetime"},
    {"--services", 0, "short names of the resource types it includes (cnt,cin,acp), commas between; none: all"},
};
const struct ctl_arg cse_sub_ctl_node[CSE_SUB_CTL_NODE_N] = {
    NAME,
    SUBSCRIPTION,
    {"--node-id", CTL_ARG_REQUIRED, "Node-ID"},
    {"--cse-id", 0, "SP-relative CSE-ID of the registrar of its applications: its own CSE, or this one (/in)"},
    RULES,
    DEVICE_IDS,
};
const struct ctl_arg cse_sub_ctl_node_set[CSE_SUB_CTL_NODE_SET_N] = {NAME, SUBSCRIPTION, RULES, DEVICE_IDS};
const struct ctl_arg cse_sub_ctl_rule[CSE_SUB_CTL_RULE_N] = {
    NAME,
    {"--credential-ids", 0,
     "Credential-IDs as ctl credential list shows them, commas between; * within one segment; alone: any; none: AEs "
     "without association"},
    {"--app-ids", 0, "App-IDs, commas between; * is a wildcard; none: no application"},
    {"--aes", 0, "AE-ID stems, commas between: Sname, S*, C*, *; none: no AE"},
};
const struct ctl_arg cse_sub_ctl_one[CSE_SUB_CTL_ONE_N] = {NAME};
const struct ctl_arg cse_sub_ctl_node_one[CSE_SUB_CTL_NODE_ONE_N] = {NAME, SUBSCRIPTION};
const struct ctl_arg cse_sub_ctl_nodes[CSE_SUB_CTL_NODES_N] = {
    SUBSCRIPTION, CTL_LIST_AFTER};
const struct ctl_arg cse_sub_ctl_registration[CSE_SUB_CTL_REGISTRATION_N] = {
    {"RI", CTL_ARG_POSITIONAL | CTL_ARG_REQUIRED, "AE-ID stem (Sname), or SP-relative CSE-ID (/mn)"}};

/* -- options and attributes ----------------------------------------------------------------------------------- */
enum form { FORM_TEXT, FORM_LIST, FORM_RULES, FORM_END };

static const struct {
    const char *option; /* without dashes */
    const char *attr;
    enum form form;
} members[] = {
    {"lifetime", "et", FORM_END},          {"services", "svr", FORM_LIST}, {"node-id", "ni", FORM_TEXT},
    {"cse-id", "csi", FORM_TEXT},          {"rules", "rlk", FORM_RULES},   {"device-ids", "di", FORM_LIST},
    {"credential-ids", "apci", FORM_LIST}, {"app-ids", "aai", FORM_LIST},  {"aes", "aae", FORM_LIST},
};

static bool append(json_t *list, struct text v)
{
    return json_array_append_new(list, json_stringn(v.p, v.n)) == 0;
}

static err_t set_list(const struct cse *cse, json_t *to, const char *attr, struct text value, bool rules)
{
    if (text_eq_z(value, "none")) {
        return json_object_set_new(to, attr, json_null()) == 0 ? ERR_OK : ERR_LIMIT_CAPACITY;
    }
    json_t *list = json_array();
    struct text part;
    bool ok = json_object_set_new(to, attr, list) == 0;
    while (ok && text_next(&value, ',', &part)) {
        char buf[2 * M2MID_MAX];
        struct writer w = WRITER_ARRAY(buf);
        writer_z(&w, rules ? cse->name.z : "");
        writer_z(&w, rules ? "/" : "");
        writer_text(&w, part);
        TRY(writer_finish(&w));
        ok = append(list, writer_view_text(&w));
    }
    return ok ? ERR_OK : ERR_LIMIT_CAPACITY;
}

static err_t set_end(json_t *to, const char *attr, struct text value, usec_t now, char *detail)
{
    usec_t d = 0;
    char z[TIMESTAMP_LEN + 8];
    if (timestamp_duration(value, &d) != ERR_OK || d <= 0 || d > INT64_C(36500) * 86400 * USEC_PER_SEC) {
        return detail_fail(detail, ERR_MALFORMED_TIME, "--lifetime", value);
    }
    struct writer w = WRITER_ARRAY(z);
    timestamp_write(&w, now + d);
    return json_set_text(to, attr, writer_view_text(&w)) ? ERR_OK : ERR_LIMIT_CAPACITY;
}

static err_t content_of(const struct cse *cse, const struct ctl_request *rq, bool add, json_t *to, char *detail)
{
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        struct text v = json_get_text(rq->args, members[i].option);
        if (v.n == 0 || (add && members[i].form != FORM_TEXT && text_eq_z(v, "none"))) {
            continue;
        }
        switch (members[i].form) {
        case FORM_TEXT:
            TRY(json_set_text(to, members[i].attr, v) ? ERR_OK : ERR_LIMIT_CAPACITY);
            break;
        case FORM_LIST:
        case FORM_RULES:
            TRY(set_list(cse, to, members[i].attr, v, members[i].form == FORM_RULES));
            break;
        case FORM_END:
            TRY(set_end(to, members[i].attr, v, rq->now, detail));
            break;
        }
    }
    return ERR_OK;
}

/* -- the commands ------------------------------------------------------------------------------------------------ */
/* A request as the functions behind requests want one, made by the operator: nobody's AE-ID, so nobody is the creator. */
struct order {
    struct cse_ask ask;
    struct primitive prim;
    struct request rq;
    struct association assoc;
    struct cse_from from;
    char parent[2 * M2MID_MAX], at[3 * M2MID_MAX];
};

static void order_wipe(struct order *o)
{
    json_decref(o->prim.pc);
}

static err_t join(const char *base, struct text name, char *out, size_t cap)
{
    struct writer w = writer_of(out, cap);
    writer_z(&w, base);
    writer_z(&w, "/");
    writer_text(&w, name);
    return writer_finish_z(&w);
}

/* Everything of a command but its content; a node stands under its subscription, the others under the CSEBase. */
static err_t order_init(const struct cse *cse, const struct ctl_request *rq, struct txn *t, struct order *o, char *detail)
{
    struct text name = json_get_text(rq->args, "NAME");
    struct text subscription = json_get_text(rq->args, "subscription");
    if ((name.n > 0 && !m2mid_is_unreserved(name)) || (subscription.n > 0 && !m2mid_is_unreserved(subscription))) {
        return detail_fail(detail, ERR_MALFORMED_ID, "NAME: letters, digits, - . _ ~", name);
    }
    association_init_plain(&o->assoc);
    TRY(TEXT_COPY(text_of("operator"), o->from.absolute.z));
    o->from.kind = CSE_FROM_CSE;
    o->rq = (struct request){.prim = &o->prim, .assoc = &o->assoc, .now = rq->now};
    o->ask = (struct cse_ask){cse, &o->rq, t, &o->from};
    TRY(TEXT_COPY(text_of(cse->name.z), o->parent));
    if (subscription.n > 0) {
        TRY(join(cse->name.z, subscription, o->parent, sizeof(o->parent)));
    }
    return join(o->parent, name, o->at, sizeof(o->at));
}

static err_t content(const struct cse *cse, const struct ctl_request *rq, const struct types_row *type, bool add,
                     struct order *o, char *detail)
{
    o->prim.pc = json_object();
    json_t *attrs = json_object();
    if (json_object_set_new(o->prim.pc, type->root, attrs) != 0) {
        return ERR_LIMIT_CAPACITY;
    }
    TRY(content_of(cse, rq, add, attrs, detail));
    if (add && !json_set_text(attrs, "rn", json_get_text(rq->args, "NAME"))) {
        return ERR_LIMIT_CAPACITY;
    }
    return ERR_OK;
}

/* What there is now, by the long names of its attributes. */
static err_t members_of(struct txn *t, const struct cse_res *r, usec_t now, struct emit *e)
{
    SCOPED(json_scope) json_t *attrs = NULL;
    TRY(cse_res_attrs(t, r, &attrs));
    emit_object(e, NULL);
    emit_text(e, "name", r->rn);
    if ((r->type->flags & TYPES_REGISTRATION) != 0) {
        emit_z(e, "kind", r->type->ty == TYPE_CSR ? "cse" : "ae");
        emit_text(e, "credential-id", r->credential);
    }
    emit_z(e, "state", r->et > now ? "valid" : "over");
    if (r->et != USEC_NEVER) {
        emit_time(e, "not-after", r->et);
    }
    for (size_t i = 0; i < r->type->attrs_n; i++) {
        const json_t *v = json_object_get(attrs, r->type->attrs[i].name);
        if (v == NULL || r->type->attrs[i].source != TYPES_GIVEN) {
            continue;
        }
        if (json_is_string(v)) {
            emit_text(e, r->type->attrs[i].long_name, text_span(json_string_value(v), json_string_length(v)));
            continue;
        }
        if (json_is_integer(v)) {
            emit_number(e, r->type->attrs[i].long_name, (uint64_t)json_integer_value(v));
            continue;
        }
        emit_name(e, r->type->attrs[i].long_name);
        TRY(json_is_array(v) || json_is_object(v) ? json_write(v, e->w) : ERR_OK);
        writer_z(e->w, json_is_true(v) ? "true" : json_is_false(v) ? "false" : "");
    }
    emit_close_object(e);
    return ERR_OK;
}

static err_t answer(const struct order *o, const struct types_row *type, struct writer *out, char *detail)
{
    struct cse_target target;
    struct emit e = emit_to(out);
    TRY(cse_ops_find(&o->ask, text_of(o->at), type, &target, detail));
    TRY(members_of(o->ask.t, &target.res, o->rq.now, &e));
    return writer_finish(out);
}

struct command {
    const struct cse *cse;
    const struct ctl_request *rq;
    struct txn *t;
    struct writer *out;
    char *detail;
};

static err_t add_or_set(const struct command *c, uint32_t ty, bool add)
{
    SCOPED(order_wipe) struct order o = {.prim = {.pc = NULL}};
    const struct types_row *type = types_find(ty);
    TRY(order_init(c->cse, c->rq, c->t, &o, c->detail));
    TRY(content(c->cse, c->rq, type, add, &o, c->detail));
    TRY(add ? cse_create_direct(&o.ask, text_of(o.parent), type, c->detail)
            : cse_update_direct(&o.ask, text_of(o.at), type, c->detail));
    return answer(&o, type, c->out, c->detail);
}

static err_t removed(const struct command *c, const char *arg)
{
    struct emit e = emit_to(c->out);
    emit_object(&e, NULL);
    emit_text(&e, "removed", json_get_text(c->rq->args, arg));
    emit_close_object(&e);
    return writer_finish(c->out);
}

static err_t take_away(const struct command *c, uint32_t ty)
{
    SCOPED(order_wipe) struct order o = {.prim = {.pc = NULL}};
    TRY(order_init(c->cse, c->rq, c->t, &o, c->detail));
    TRY(cse_delete_direct(&o.ask, text_of(o.at), types_find(ty), c->detail));
    return removed(c, "NAME");
}

/* -- registrations --------------------------------------------------------------------------------------------------- */
/* The resource of RI: of an AE its stem names it; the rest is as for the commands above. */
static err_t registration_of(const struct command *c, struct order *o, const struct types_row **type)
{
    struct text id = json_get_text(c->rq->args, "RI");
    struct cse_from who = {0};
    struct m2mid ri;
    TRY(order_init(c->cse, c->rq, c->t, o, c->detail));
    err_t e = cse_from_forms(c->cse, id, &who);
    if (e == ERR_OK && who.kind == CSE_FROM_CSE) {
        *type = types_find(TYPE_CSR);
        TRY(cse_csr_ri(&who, &ri));
        return TEXT_COPY(text_of(ri.z), o->at);
    }
    if (e != ERR_OK || who.stem.z[0] == '\0') {
        return detail_fail(c->detail, ERR_MALFORMED_ID, "RI: Sname or /mn", id);
    }
    *type = types_find(TYPE_AE);
    return TEXT_COPY(text_of(who.stem.z), o->at);
}

static err_t registration_show(const struct command *c)
{
    SCOPED(order_wipe) struct order o = {.prim = {.pc = NULL}};
    const struct types_row *type = NULL;
    TRY(registration_of(c, &o, &type));
    return answer(&o, type, c->out, c->detail);
}

static err_t registration_remove(const struct command *c)
{
    SCOPED(order_wipe) struct order o = {.prim = {.pc = NULL}};
    const struct types_row *type = NULL;
    TRY(registration_of(c, &o, &type));
    TRY(cse_delete_direct(&o.ask, text_of(o.at), type, c->detail));
    return removed(c, "RI");
}

/* -- lists ---------------------------------------------------------------------------------------------------------- */
#define PAGE 32 /* resources that one answer reads */

static err_t item(struct emit *e, const struct ctl_list_record *r)
{
    struct cse_child c;
    struct cse_res res;
    TRY(cse_res_child_parse(r->data, &c));
    TRY(cse_res_get(r->t, c.ri, INT64_MIN, &res));
    return members_of(r->t, &res, r->now, e);
}

static err_t list_type(const struct command *c, struct text node, uint32_t ty, struct ctl_list *l)
{
    char prefix[CSE_CHILD_KEY_MAX];
    struct writer w = WRITER_ARRAY(prefix);
    TRY(cse_res_child_key(&w, node, ty, text_empty()));
    const struct ctl_list_of of = {.table = TABLE_CSE_CHILD, .item = item, .prefix = writer_view_text(&w), .most = PAGE};
    return ctl_list_add(l, c->rq, c->t, &of);
}

struct list {
    const char *name;
    uint32_t parent; /* type */
    uint32_t types[2]; /* rising, as in the ids; 0: no second */
};

static const struct list subscriptions = {"subscriptions", TYPE_CB, {TYPE_MSSP, 0}};
static const struct list nodes = {"nodes", TYPE_MSSP, {TYPE_SVSN, 0}};
static const struct list rules = {"rules", TYPE_CB, {TYPE_ASAR, 0}};
static const struct list registrations = {"registrations", TYPE_CB, {TYPE_AE, TYPE_CSR}};

static err_t listed(const struct command *c, const struct list *of)
{
    SCOPED(order_wipe) struct order o = {.prim = {.pc = NULL}};
    struct cse_target parent;
    struct ctl_list l;
    TRY(order_init(c->cse, c->rq, c->t, &o, c->detail));
    TRY(cse_ops_find(&o.ask, text_of(o.parent), types_find(of->parent), &parent, c->detail));
    ctl_list_begin(&l, c->out, of->name);
    for (size_t i = 0; i < ARRAY_LEN(of->types) && of->types[i] != 0; i++) {
        TRY(list_type(c, parent.res.node, of->types[i], &l));
    }
    return ctl_list_end(&l);
}

/* -- one function a command ------------------------------------------------------------------------------------------ */
#define HANDLER(name, call)                                                                                            \
    err_t name(const void *ctx, const struct ctl_request *rq, struct txn *t, struct writer *out,                       \
               char detail[static ROLE_DETAIL_MAX])                                                                    \
    {                                                                                                                  \
        const struct command c = {ctx, rq, t, out, detail};                                                            \
        return call;                                                                                                   \
    }

HANDLER(cse_sub_ctl_subscription_add, add_or_set(&c, TYPE_MSSP, true))
HANDLER(cse_sub_ctl_subscription_set, add_or_set(&c, TYPE_MSSP, false))
HANDLER(cse_sub_ctl_subscription_list, listed(&c, &subscriptions))
HANDLER(cse_sub_ctl_subscription_remove, take_away(&c, TYPE_MSSP))
HANDLER(cse_sub_ctl_node_add, add_or_set(&c, TYPE_SVSN, true))
HANDLER(cse_sub_ctl_node_change, add_or_set(&c, TYPE_SVSN, false))
HANDLER(cse_sub_ctl_node_list, listed(&c, &nodes))
HANDLER(cse_sub_ctl_node_remove, take_away(&c, TYPE_SVSN))
HANDLER(cse_sub_ctl_rule_add, add_or_set(&c, TYPE_ASAR, true))
HANDLER(cse_sub_ctl_rule_set, add_or_set(&c, TYPE_ASAR, false))
HANDLER(cse_sub_ctl_rule_list, listed(&c, &rules))
HANDLER(cse_sub_ctl_rule_remove, take_away(&c, TYPE_ASAR))
HANDLER(cse_sub_ctl_registration_list, listed(&c, &registrations))
HANDLER(cse_sub_ctl_registration_show, registration_show(&c))
HANDLER(cse_sub_ctl_registration_remove, registration_remove(&c))
