#include "world.h"

#include "wire/url.h"

#include "base/hex.h"
#include "role/hop.h"
#include "shell/crypto_openssl.h"
#include "shell/object_jose.h"
#include "store/store_memory.h"
#include "store/store_volatile.h"
#include "wire/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define ARENA_SIZE (256u << 10)

/* The shell declares these; only what roles read is needed here. */
static const struct conf_row peer_rows[] = {
    {"peer", "", CONF_FQDN, CONF_REPEATS, NULL, 0, 0, NULL, "another authority"},
    {"peer", "kind", CONF_CHOICE, CONF_REPEATS | CONF_REQUIRED, NULL, 0, 0, "mef|maf|cse|bsf", "what it is"},
    {"peer", "csi", CONF_TEXT, CONF_REPEATS, NULL, 0, 190, NULL, "CSE-ID of a CSE"},
    {"peer", "profile", CONF_CHOICE, CONF_REPEATS, "r3", 0, 0, "r3|seed", "form of fetching"},
    {"peer", "zn-form", CONF_CHOICE, CONF_REPEATS, "json", 0, 0, "json|soap|soap-urn", "how a BSF is asked"},
    {"peer", "zn-path", CONF_TEXT, CONF_REPEATS, NULL, 0, 200, NULL, "and where"},
    {"peer", "gsid", CONF_NUMBER, CONF_REPEATS, "0", 0, UINT32_MAX, NULL, "and about which service"},
    {"peer", "uss", CONF_CHOICE, CONF_REPEATS, "optional", 0, 0, "optional|required", "and whether it must know it"},
};

/* One transaction of one role, as the writer runs it. */
struct turn {
    struct txn txn;
    struct arena arena;
    uint8_t *memory;
};

static void turn_begin(struct turn *u, struct world_node *n, bool write)
{
    u->memory = malloc(ARENA_SIZE);
    assert(u->memory != NULL);
    u->arena = arena_of(u->memory, ARENA_SIZE);
    err_t e = store_begin(n->store, write);
    assert(e == ERR_OK);
    (void)e;
    txn_init(&u->txn, n->store, &u->arena, write);
    if (n->base != NULL) {
        txn_enter(&u->txn, text_of(n->fqdn));
    }
}

static void turn_drop(struct turn *u, struct world_node *n)
{
    store_rollback(n->store);
    free(u->memory);
}

/* Commits what is staged (or the refusal's event); a store that fails is the outcome. */
static err_t turn_keep(struct turn *u, struct world_node *n, err_t outcome, const struct dispatch_about *about)
{
    struct audit_chain *chain = n->base != NULL ? &n->base->chain : &n->chain;
    struct audit_chain before = *chain;
    err_t e = dispatch_keep(&u->txn, outcome, about, n->env.crypto, chain);
    if (e != ERR_OK) {
        *chain = before;
        turn_drop(u, n);
        return e;
    }
    e = store_commit(n->store);
    free(u->memory);
    return e == ERR_OK ? outcome : e;
}

/* -- the world ------------------------------------------------------------------------------------------ */
void world_init(struct world *w, usec_t now)
{
    memset(w, 0, sizeof(*w));
    w->now = now;
}

void world_free(struct world *w)
{
    for (size_t i = 0; i < w->n; i++) {
        if (w->nodes[i].base == NULL) {
            store_close(w->nodes[i].store);
        }
        seal_wipe(&w->nodes[i].sealer);
        free(w->nodes[i].ctx);
    }
    for (size_t i = 0; i < w->confs_n; i++) {
        conf_file_free(w->confs[i]);
    }
}

void world_reload(struct world *w, struct world_node *n, const char *conf)
{
    struct conf_schema schemas[] = {{n->role->conf, n->role->conf_n}, {peer_rows, ARRAY_LEN(peer_rows)}};
    struct conf_faults faults = {.n = 0};
    struct conf *c = NULL;
    err_t e = conf_file_parse(text_of(conf), ".", schemas, ARRAY_LEN(schemas), &c, &faults);
    assert(e == ERR_OK && w->confs_n < ARRAY_LEN(w->confs));
    w->confs[w->confs_n++] = c;
    char detail[ROLE_DETAIL_MAX] = "";
    memset(n->ctx, 0, n->role->ctx_size);
    e = n->role->configure(n->ctx, c, &n->env, detail);
    assert(e == ERR_OK);
    (void)e;
}

void world_seed(struct world *w, struct world_node *n)
{
    if (n->role->seed == NULL) {
        return;
    }
    for (size_t staged = 1; staged > 0;) {
        struct turn u;
        turn_begin(&u, n, true);
        struct dispatch_about about = {.now = w->now};
        err_t e = n->role->seed(n->ctx, &u.txn, w->now);
        staged = u.txn.staged_n;
        e = turn_keep(&u, n, e, &about);
        assert(e == ERR_OK);
        (void)e;
    }
}

/* Scheme, host and port of one of the URLs in `callable`, commas between them. */
static bool may_call(const void *who, const char *url)
{
    const struct world *w = who;
    struct text list = text_of(w->callable == NULL ? "" : w->callable), one;
    struct url u, x;
    bool listed = false;
    while (url_parse(text_of(url), &u) == ERR_OK && !listed && text_next(&list, ',', &one)) {
        listed = url_parse(one, &x) == ERR_OK && text_eq_nocase(x.scheme, u.scheme) && text_eq_nocase(x.host, u.host) && x.port == u.port;
    }
    return listed;
}

struct world_node *world_add(struct world *w, const struct role *role, const char *fqdn, const char *conf)
{
    assert(w->n < WORLD_NODES_MAX);
    struct world_node *n = &w->nodes[w->n++];
    n->role = role;
    n->sealer.crypto = crypto_openssl();
    uint8_t root[CRYPTO_KEY_LEN];
    memset(root, (int)(0x50 + w->n), sizeof(root)); /* each authority has its own */
    err_t e = secret_set(&n->sealer.root, BYTES_ARRAY(root));
    assert(e == ERR_OK);
    n->env = (struct role_env){.crypto = crypto_openssl(), .objects = object_jose(), .sealer = &n->sealer, .issuer = w->issuer,
                               .may_call = may_call, .may_call_who = w};
    e = TEXT_COPY(text_of(fqdn), n->fqdn);
    assert(e == ERR_OK);
    struct store *inner = NULL;
    e = store_memory_open(&inner);
    assert(e == ERR_OK);
    e = store_volatile_open(inner, 1024, 1, &n->store);
    assert(e == ERR_OK);
    struct turn u;
    turn_begin(&u, n, false);
    e = audit_chain_load(n->store, n->env.crypto, &u.arena, &n->chain);
    assert(e == ERR_OK);
    (void)e;
    turn_drop(&u, n);
    n->ctx = calloc(1, role->ctx_size);
    assert(n->ctx != NULL);
    world_reload(w, n, conf);
    world_seed(w, n);
    return n;
}

struct world_node *world_add_instance(struct world *w, struct world_node *base, const char *name, const char *fqdn,
                                      const char *conf)
{
    assert(w->n < WORLD_NODES_MAX);
    struct world_node *n = &w->nodes[w->n++];
    *n = (struct world_node){.role = base->role, .store = base->store, .base = base, .sealer = base->sealer};
    err_t e = TEXT_COPY(text_of(fqdn), n->fqdn);
    assert(e == ERR_OK);
    e = TEXT_COPY(text_of(name), n->section);
    assert(e == ERR_OK);
    (void)e;
    n->sealer.partition = text_of(n->fqdn);
    n->env = (struct role_env){.crypto = crypto_openssl(), .objects = object_jose(), .sealer = &n->sealer, .issuer = w->issuer, .name = n->section};
    n->ctx = calloc(1, n->role->ctx_size);
    assert(n->ctx != NULL);
    world_reload(w, n, conf);
    world_seed(w, n);
    return n;
}

static struct world_node *node_named(struct world *w, const char *fqdn)
{
    for (size_t i = 0; i < w->n; i++) {
        if (text_eq_nocase(text_of(w->nodes[i].fqdn), text_of(fqdn))) {
            return &w->nodes[i];
        }
    }
    return NULL;
}

/* -- operator ------------------------------------------------------------------------------------------- */
static const struct ctl_row *command(const struct role *r, const char *noun, const char *verb)
{
    for (size_t i = 0; i < r->ctl_n; i++) {
        if (strcmp(r->ctl[i].noun, noun) == 0 && strcmp(r->ctl[i].verb, verb) == 0) {
            return &r->ctl[i];
        }
    }
    return NULL;
}

err_t world_ctl(struct world *w, struct world_node *n, const char *noun, const char *verb, const char *args,
                struct world_reply *out)
{
    const struct ctl_row *row = command(n->role, noun, verb);
    assert(row != NULL);
    json_t *a = NULL;
    err_t e = json_parse(text_bytes(text_of(args)), &a);
    assert(e == ERR_OK);
    struct ctl_request rq = {.args = a, .now = w->now};
    struct writer body = writer_of(out->body, sizeof(out->body));
    struct turn u;
    turn_begin(&u, n, row->writes);
    char detail[ROLE_DETAIL_MAX] = "";
    e = row->handler(n->ctx, &rq, &u.txn, &body, detail);
    struct dispatch_about about = {.now = w->now};
    if (row->writes) {
        e = turn_keep(&u, n, e, &about);
    } else {
        turn_drop(&u, n);
    }
    json_decref(a);
    if (e != ERR_OK) {
        body = writer_of(out->body, sizeof(out->body));
        writer_z(&body, detail);
    }
    out->err = writer_finish_z(&body) == ERR_OK ? e : ERR_LIMIT_SIZE;
    return out->err;
}

/* -- handshakes ----------------------------------------------------------------------------------------- */
/* The GET that the shell would make for this question, with the asking authority's certificate. */
static void put_question(struct world *w, struct world_node *asks, const struct question *q, struct world_reply *got,
                         struct answer *a)
{
    w->asked++;
    *a = (struct answer){.err = w->away, .body = bytes_empty()};
    if (w->away != ERR_OK) {
        return;
    }
    if (w->forged != NULL) {
        a->status = w->forged_status;
        a->body = text_bytes(text_of(w->forged));
        return;
    }
    struct world_node *peer = node_named(w, q->peer);
    struct world_session s;
    a->err = peer == NULL ? ERR_PEER_UNREACHABLE : world_connect_cert(w, peer, asks->fqdn, &s);
    if (a->err != ERR_OK) {
        return;
    }
    struct world_request rq = {.op = OP_RETRIEVE, .path = q->path, .from = q->origin};
    (void)world_request(&s, &rq, got);
    a->status = primitive_http_status(got->rsc);
    a->body = text_bytes(text_of(got->body));
}

static err_t ask(struct world *w, struct world_node *n, struct role_psk *p)
{
    struct question q = p->ask;
    struct world_reply *got = calloc(1, sizeof(*got));
    assert(got != NULL);
    struct answer a;
    put_question(w, n, &q, got, &a);
    struct turn u;
    turn_begin(&u, n, true);
    const struct dispatch_asked asked = {&q, &a, w->now};
    err_t e = dispatch_answer(n->role, n->ctx, &asked, &u.txn, p);
    struct dispatch_about about = {.now = w->now};
    e = turn_keep(&u, n, e, &about);
    free(got);
    return e;
}

static err_t find_key(struct world *w, struct world_node *n, const char *identity, struct role_psk *p)
{
    struct turn u;
    turn_begin(&u, n, false);
    const struct role_hello hello = {text_of(identity), WORLD_SUITE};
    err_t e = dispatch_psk(n->role, n->ctx, &u.txn, &hello, w->now, p);
    turn_drop(&u, n);
    if (e == ERR_OK && p->verdict == ROLE_ASK) {
        e = ask(w, n, p);
    }
    return e;
}

static err_t finish(struct world *w, struct world_node *n, const struct association *a, struct world_session *out)
{
    memset(out, 0, sizeof(*out));
    out->world = w;
    out->node = n;
    out->assoc = *a;
    if (w->next_export != NULL) {
        out->exported = *w->next_export;
        w->next_export = NULL;
    } else {
        err_t e = n->env.crypto->random(out->exported.b, sizeof(out->exported.b));
        assert(e == ERR_OK);
        (void)e;
        out->exported.set = true;
    }
    err_t e = dispatch_associate(&out->assoc, n->env.crypto, 0x0303, 0x00AE, w->now, USEC_NEVER);
    assert(e == ERR_OK);
    struct turn u;
    turn_begin(&u, n, true);
    e = dispatch_established(n->role, n->ctx, &out->assoc, &out->exported, &u.txn, w->now);
    struct dispatch_about about = {.assoc = &out->assoc, .object = text_empty(), .now = w->now};
    return turn_keep(&u, n, e, &about);
}

err_t world_connect(struct world *w, struct world_node *n, const char *identity, const struct secret *psk,
                    struct world_session *out)
{
    struct role_psk p = {0};
    err_t e = find_key(w, n, identity, &p);
    if (e == ERR_OK && !secret_eq(&p.key, psk)) {
        e = ERR_DENIED_PSK_WRONG; /* Finished does not verify */
    }
    if (e == ERR_OK) {
        w->now += w->handshake_takes;
        e = finish(w, n, &p.assoc, out);
    }
    secret_wipe(&p.key);
    return e;
}

struct role_cert world_cert(const struct world *w, enum world_name kind, const char *name)
{
    struct role_cert cert = {.not_after = w->now + 365 * 86400 * USEC_PER_SEC,
                             .key_id = text_of("sha-256;AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")};
    struct text *lists[] = {[WORLD_DNS] = cert.dns, [WORLD_URI] = cert.uri, [WORLD_DEVICE] = cert.device};
    size_t *counts[] = {[WORLD_DNS] = &cert.dns_n, [WORLD_URI] = &cert.uri_n, [WORLD_DEVICE] = &cert.device_n};
    if (kind == WORLD_RAW) {
        cert.raw = true;
        cert.key_id = text_of(name);
        return cert;
    }
    lists[kind][0] = text_of(name);
    *counts[kind] = 1;
    return cert;
}

err_t world_connect_cert(struct world *w, struct world_node *n, const char *dns, struct world_session *out)
{
    struct role_cert cert = {.dns_n = 1, .not_after = w->now + 365 * 86400 * USEC_PER_SEC};
    cert.dns[0] = text_of(dns);
    return world_connect_names(w, n, &cert, out);
}

err_t world_connect_names(struct world *w, struct world_node *n, const struct role_cert *cert,
                          struct world_session *out)
{
    struct association a;
    struct turn u;
    turn_begin(&u, n, false);
    err_t e = dispatch_cert(n->role, n->ctx, &u.txn, cert, w->now, &a);
    turn_drop(&u, n);
    return e == ERR_OK ? finish(w, n, &a, out) : e;
}

/* -- withdrawals ---------------------------------------------------------------------------------------- */
static err_t watched(struct world_node *n, size_t i, struct question *q)
{
    struct turn u;
    turn_begin(&u, n, false);
    err_t e = n->role->watch(n->ctx, &u.txn, i, q);
    turn_drop(&u, n);
    return e;
}

static err_t heard(struct world *w, struct world_node *n, const struct question *q, const struct answer *a)
{
    bool more = true;
    err_t e = ERR_OK;
    while (e == ERR_OK && more) {
        struct turn u;
        turn_begin(&u, n, true);
        e = n->role->heard(n->ctx, q, a, &u.txn, w->now, &more);
        struct dispatch_about about = {.object = text_empty(), .now = w->now};
        e = turn_keep(&u, n, e, &about);
    }
    return e;
}

err_t world_hear(struct world *w, struct world_node *n)
{
    struct world_reply *got = calloc(1, sizeof(*got));
    assert(got != NULL);
    err_t e = ERR_OK;
    for (size_t i = 0; e == ERR_OK; i++) {
        struct question q;
        struct answer a;
        e = watched(n, i, &q);
        if (e == ERR_OK && q.path[0] != '\0') {
            put_question(w, n, &q, got, &a);
            e = heard(w, n, &q, &a);
        }
    }
    free(got);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

err_t world_hear_forged(struct world *w, struct world_node *n, const struct answer *a)
{
    struct question q;
    err_t e = watched(n, 0, &q);
    return e == ERR_OK ? heard(w, n, &q, a) : e;
}

err_t world_errand(struct world *w, struct world_node *n, const struct errand_memory *m, struct errand *out)
{
    struct turn u;
    turn_begin(&u, n, false);
    err_t e = n->role->errand(n->ctx, &u.txn, m, w->now, out);
    turn_drop(&u, n);
    return e;
}

err_t world_returned(struct world *w, struct world_node *n, const struct errand *q, const struct errand_answer *a, err_t *why)
{
    struct turn u;
    turn_begin(&u, n, true);
    err_t e = n->role->returned(n->ctx, q, a, &u.txn, w->now, why);
    struct dispatch_about about = {.object = text_empty(), .now = w->now};
    return turn_keep(&u, n, e, &about);
}

err_t world_alive(struct world_session *s)
{
    struct turn u;
    turn_begin(&u, s->node, false);
    err_t e = s->node->role->alive(s->node->ctx, &u.txn, &s->assoc);
    turn_drop(&u, s->node);
    return e;
}

/* -- requests ------------------------------------------------------------------------------------------- */
static void primitive_of(const struct world_request *rq, struct primitive *p)
{
    memset(p, 0, sizeof(*p));
    p->op = rq->op;
    p->path = text_of(rq->path);
    p->to = text_skip(p->path, 1);
    p->has_from = rq->from != NULL && rq->from[0] != '\0';
    p->from = text_of(rq->from);
    p->rqi = text_of("r1");
    p->rvi = text_of("3");
    p->has_ty = rq->ty != 0;
    p->ty = rq->ty;
    p->expires = USEC_NEVER;
    p->content = text_bytes(text_of(rq->body));
    p->media = rq->media;
}

err_t world_hop(struct world_session *s, const struct world_request *rq)
{
    static const struct keys_export none;
    struct primitive p;
    struct hop out;
    struct turn u;
    primitive_of(rq, &p);
    struct request r = {.prim = &p, .assoc = &s->assoc, .exported = &none, .now = s->world->now};
    turn_begin(&u, s->node, false);
    err_t e = s->node->role->hop(s->node->ctx, &r, &u.txn, &out);
    turn_drop(&u, s->node);
    return e;
}

static err_t dispatch(struct world_session *s, const struct primitive *p, struct response *rs)
{
    static const struct keys_export none;
    struct world_node *n = s->node;
    struct request rq = {
        .prim = p, .assoc = &s->assoc, .exported = s->spent ? &none : &s->exported, .now = s->world->now};
    const struct route *route = NULL;
    struct turn u;
    err_t e = dispatch_route(n->role, p, &s->assoc, &route);
    bool writes = e == ERR_OK && (route->flags & ROUTE_WRITES) != 0;
    /* Only the writer can keep a refusal's event, so what is refused before its route is known goes there too. */
    turn_begin(&u, n, writes || e != ERR_OK);
    e = dispatch_run(n->role, n->ctx, &rq, &u.txn, rs);
    s->spent = s->spent || (e == ERR_OK && (route->flags & ROUTE_EXPORT) != 0 && rq.exported->set);
    struct dispatch_about about = {.assoc = &s->assoc, .object = p->path, .now = s->world->now};
    if (!u.txn.writable) {
        turn_drop(&u, n);
        return e;
    }
    return turn_keep(&u, n, e, &about);
}

err_t world_request(struct world_session *s, const struct world_request *rq, struct world_reply *out)
{
    struct primitive p;
    primitive_of(rq, &p);
    memset(out, 0, sizeof(*out));
    err_t e = p.content.n > 0 && p.media == MEDIA_JSON ? json_parse(p.content, &p.pc) : ERR_OK;
    struct response rs = {.body = writer_of(out->body, sizeof(out->body) - 1)};
    if (e == ERR_OK) {
        e = dispatch(s, &p, &rs);
    } else {
        dispatch_refuse(&rs, e);
    }
    out->err = e;
    out->rsc = rs.rsc;
    out->body[rs.body.n] = '\0';
    memcpy(out->location, rs.location, sizeof(out->location));
    json_decref(p.pc);
    return e;
}

/* -- what is left behind --------------------------------------------------------------------------------- */
struct tally {
    enum audit_kind kind;
    size_t n;
};

static bool count_event(void *arg, uint64_t number, const struct audit_event *e)
{
    struct tally *t = arg;
    (void)number;
    t->n += e->kind == t->kind ? 1 : 0;
    return true;
}

size_t world_audited(struct world_node *n, enum audit_kind kind)
{
    struct tally t = {.kind = kind};
    struct turn u;
    turn_begin(&u, n, false);
    uint8_t seed_octets[CRYPTO_SIG_KEY_LEN] = {7};
    uint8_t pub[CRYPTO_SIG_KEY_LEN];
    uint64_t count = 0;
    uint64_t at = 0;
    err_t e = n->env.crypto->sign_public(BYTES_ARRAY(seed_octets), pub);
    assert(e == ERR_OK);
    e = audit_verify(n->store, n->env.crypto, BYTES_ARRAY(pub), &u.arena, &count, &at);
    assert(e == ERR_OK);
    e = audit_tail(n->store, 100000, count_event, &t);
    assert(e == ERR_OK);
    (void)e;
    turn_drop(&u, n);
    return t.n;
}

static bool count_record(void *arg, struct bytes id, struct store_value value)
{
    size_t *n = arg;
    (void)id;
    (void)value;
    (*n)++;
    return true;
}

size_t world_count(struct world_node *n, enum store_table table)
{
    size_t count = 0;
    struct turn u;
    turn_begin(&u, n, false);
    struct store_scan q = {.table = table, .order = STORE_ASCENDING, .prefix = bytes_empty(), .after = bytes_empty()};
    err_t e = store_scan(n->store, &q, count_record, &count);
    assert(e == ERR_OK);
    (void)e;
    turn_drop(&u, n);
    return count;
}

void world_secret(const char *hex, struct secret *out)
{
    uint8_t b[SECRET_MAX];
    struct writer w = WRITER_ARRAY(b);
    err_t e = hex_parse(text_of(hex), &w);
    assert(e == ERR_OK);
    e = secret_set(out, writer_view(&w));
    assert(e == ERR_OK);
    (void)e;
}
