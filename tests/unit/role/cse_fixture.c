#include "cse_fixture.h"

#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARENA_SIZE (8u << 20)

void cse_fixture_init(struct cse_fixture *f, const char *conf)
{
    memset(f, 0, sizeof(*f));
    world_init(&f->w, T0);
    f->cse = world_add(&f->w, &role_cse, "in.sp.example.com", conf);
    f->body = calloc(1, BODY_MAX);
    assert_non_null(f->body);
    world_secret(KPSA, &f->kpsa);
    f->plain = (struct world_session){.world = &f->w, .node = f->cse};
    association_init_plain(&f->plain.assoc);
    const struct {
        const char *id, *enrolee;
        struct world_session *s;
    } rows[] = {
        {"kadmin@sp.example.com", "//sp.example.com/Sadmin", &f->admin},
        {"ka@sp.example.com", "//sp.example.com/Sa", &f->a},
        {"kb@sp.example.com", "//sp.example.com/Sb", &f->b},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(cse_fixture_add_key(f, rows[i].id, rows[i].enrolee, ""), ERR_OK);
        cse_fixture_connect(f, rows[i].id, rows[i].s);
    }
}

void cse_fixture_free(struct cse_fixture *f)
{
    world_free(&f->w);
    free(f->body);
}

err_t cse_fixture_add_key(struct cse_fixture *f, const char *id, const char *enrolee, const char *more)
{
    char args[1024];
    snprintf(args, sizeof(args), "{\"kind\":\"kpsa\",\"key\":\"" KPSA "\",\"id\":\"%s\"%s%s%s%s}", id,
             enrolee != NULL ? ",\"enrolee-id\":\"" : "", enrolee != NULL ? enrolee : "", enrolee != NULL ? "\"" : "",
             more);
    return world_ctl(&f->w, f->cse, "credential", "add", args, &f->r);
}

void cse_fixture_connect(struct cse_fixture *f, const char *id, struct world_session *out)
{
    assert_int_equal(world_connect(&f->w, f->cse, id, &f->kpsa, out), ERR_OK);
}

static void primitive_of(const struct cse_call *c, struct primitive *p)
{
    *p = (struct primitive){
        .op = c->op, .to = text_of(c->to), .path = text_of("/x"), .has_from = c->from != NULL,
        .from = text_of(c->from), .rqi = text_of("r1"), .rvi = text_of("3"), .has_ty = c->ty != 0, .ty = c->ty,
        .has_rcn = c->rcn != 0, .rcn = c->rcn != 0 ? (uint32_t)(c->rcn - 1) : 0, .fu = c->fu,
        .expires = c->expires != 0 ? c->expires : USEC_NEVER, .unsupported = c->unsupported,
        .content = text_bytes(text_of(c->body)),
    };
    if (c->role != NULL) {
        p->rids.at[p->rids.n++] = text_of(c->role);
    }
    struct text rest = text_of(c->query);
    struct text part;
    while (text_next(&rest, '&', &part)) {
        size_t eq = text_find(part, '=');
        assert_int_equal(filter_parse(text_take(part, eq), text_skip(part, eq + 1), NULL, &p->filter), ERR_OK);
    }
    if (c->unsupported) {
        snprintf(p->unsupported_name, sizeof(p->unsupported_name), "ec");
    }
}

err_t cse_fixture_call(struct cse_fixture *f, const struct cse_call *c)
{
    struct primitive p;
    primitive_of(c, &p);
    if (p.content.n > 0) {
        assert_int_equal(json_parse(p.content, &p.pc), ERR_OK);
    }
    static const struct keys_export none;
    struct request rq = {.prim = &p, .assoc = &c->s->assoc, .exported = &none, .now = f->w.now};
    p.verified = f->unverified ? f->verified : UINT8_MAX;
    rq.final = c->final;
    if (c->ip != NULL) {
        assert_int_equal(ipaddr_parse(text_of(c->ip), &rq.ip), ERR_OK);
    }
    struct response rs = {.body = writer_of(f->body, BODY_MAX - 1)};
    void *memory = malloc(ARENA_SIZE);
    struct arena arena = arena_of(memory, ARENA_SIZE);
    struct txn t;
    assert_int_equal(store_begin(f->cse->store, true), ERR_OK);
    bool writes = c->op != OP_RETRIEVE && !c->again; /* a RETRIEVE gets a read-only view, so that staging would be a bug */
    txn_init(&t, f->cse->store, &arena, writes);
    err_t e = dispatch_run(&role_cse, f->cse->ctx, &rq, &t, &rs);
    t.writable = true;
    struct dispatch_about about = {.assoc = rq.assoc, .object = p.to, .now = f->w.now};
    assert_int_equal(dispatch_keep(&t, e, &about, f->cse->env.crypto, &f->cse->chain), ERR_OK);
    assert_int_equal(store_commit(f->cse->store), ERR_OK);
    f->body[rs.body.n] = '\0';
    f->rsc = rs.rsc;
    f->next = rs.next;
    f->read = t.read;
    f->wait = rs.wait;
    memcpy(f->location, rs.location, sizeof(f->location));
    free(memory);
    json_decref(p.pc);
    return e;
}

err_t cse_fixture_create(struct cse_fixture *f, struct world_session *s, const char *from, const char *to, uint32_t ty,
                         const char *body)
{
    const struct cse_call c = {.s = s, .op = OP_CREATE, .ty = ty, .to = to, .from = from, .body = body};
    return cse_fixture_call(f, &c);
}

err_t cse_fixture_get(struct cse_fixture *f, struct world_session *s, const char *from, const char *to)
{
    const struct cse_call c = {.s = s, .op = OP_RETRIEVE, .to = to, .from = from};
    return cse_fixture_call(f, &c);
}

err_t cse_fixture_put(struct cse_fixture *f, struct world_session *s, const char *from, const char *to,
                      const char *body)
{
    const struct cse_call c = {.s = s, .op = OP_UPDATE, .to = to, .from = from, .body = body};
    return cse_fixture_call(f, &c);
}

err_t cse_fixture_del(struct cse_fixture *f, struct world_session *s, const char *from, const char *to)
{
    const struct cse_call c = {.s = s, .op = OP_DELETE, .to = to, .from = from};
    return cse_fixture_call(f, &c);
}

const char *cse_fixture_member(struct cse_fixture *f, const char *name)
{
    static char out[4096];
    json_t *v = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(f->body)), &v), ERR_OK);
    const json_t *inner = json_object_iter_value(json_object_iter(v));
    const json_t *m = json_object_get(inner, name);
    out[0] = '\0';
    if (json_is_string(m)) {
        snprintf(out, sizeof(out), "%s", json_string_value(m));
    } else if (m != NULL) {
        struct writer w = WRITER_ARRAY(out);
        assert_int_equal(json_write(m, &w), ERR_OK);
        assert_int_equal(writer_finish_z(&w), ERR_OK);
    }
    json_decref(v);
    return out;
}

/* -- the outbox -------------------------------------------------------------------------------------- */
bool cse_fixture_waits(struct cse_fixture *f, const char *after, struct cse_told *out)
{
    void *memory = malloc(1u << 20);
    struct arena arena = arena_of(memory, 1u << 20);
    struct txn t;
    assert_int_equal(ERR_OK, store_begin(f->cse->store, false));
    txn_init(&t, f->cse->store, &arena, false);
    err_t e = role_cse.outbox(f->cse->ctx, &t, &(const struct outbox_look){.after = text_of(after), .now = f->w.now}, &out->item);
    assert_true(e == ERR_OK || e == ERR_NOT_FOUND);
    if (e == ERR_OK) {
        assert_true(out->item.body.n < sizeof(out->body));
        memcpy(out->body, out->item.body.p, out->item.body.n);
        out->body[out->item.body.n] = '\0';
    }
    store_rollback(f->cse->store);
    free(memory);
    return e == ERR_OK;
}

err_t cse_fixture_told(struct cse_fixture *f, const struct cse_told *x, enum outbox_outcome o)
{
    void *memory = malloc(1u << 20);
    struct arena arena = arena_of(memory, 1u << 20);
    struct txn t;
    struct outbox_done d = {.outcome = o, .number = x->item.number,
                            .rsc = o == OUTBOX_TOLD ? 2000 : o == OUTBOX_REFUSED ? 4103 : 0};
    memcpy(d.queue, x->item.queue, sizeof(d.queue));
    assert_int_equal(ERR_OK, store_begin(f->cse->store, true));
    txn_init(&t, f->cse->store, &arena, true);
    err_t e = role_cse.told(f->cse->ctx, &t, &d, f->w.now);
    struct dispatch_about about = {.now = f->w.now, .object = text_empty()};
    assert_int_equal(ERR_OK, dispatch_keep(&t, e == ERR_OK ? e : ERR_NOT_FOUND, &about, f->cse->env.crypto, &f->cse->chain));
    assert_int_equal(ERR_OK, store_commit(f->cse->store));
    free(memory);
    return e;
}

void cse_fixture_must(const struct cse_fixture *f, err_t e)
{
    if (e != ERR_OK) {
        fail_msg("%s: %s", err_code(e), f->body);
    }
}

enum op cse_fixture_errand(struct cse_fixture *f, size_t lane, struct errand *out)
{
    const struct errand_memory m = {.lane = lane};
    assert_int_equal(world_errand(&f->w, f->cse, &m, out), ERR_OK);
    return out->op;
}

err_t cse_fixture_returned(struct cse_fixture *f, const struct errand *q, uint16_t rsc, const char *body)
{
    err_t why = ERR_BUG;
    const struct errand_answer a = {.err = rsc == 0 ? ERR_PEER_UNREACHABLE : ERR_OK, .rsc = rsc, .body = text_bytes(text_of(body))};
    assert_int_equal(world_returned(&f->w, f->cse, q, &a, &why), ERR_OK);
    return why;
}

void cse_fixture_joins(struct cse_fixture *f)
{
    static struct errand q;
    assert_int_equal(cse_fixture_errand(f, 0, &q), OP_CREATE);
    (void)cse_fixture_returned(f, &q, 2001, "{\"m2m:csr\":{\"csi\":\"/mn\"}}");
}

int cse_fixture_setup(void **state)
{
    struct cse_fixture *f = calloc(1, sizeof(*f));
    cse_fixture_init(f, CSE_CONF "admin = Sadmin\n");
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", "cse-in", 2, AE_NAMED("app-a")), ERR_OK);
    assert_int_equal(cse_fixture_create(f, &f->b, "Sb", "cse-in", 2, AE_NAMED("app-b")), ERR_OK);
    *state = f;
    return 0;
}

int cse_fixture_teardown(void **state)
{
    cse_fixture_free(*state);
    free(*state);
    return 0;
}

void cse_fixture_make(struct cse_fixture *f, const char *to, uint32_t ty, const char *body)
{
    assert_int_equal(cse_fixture_create(f, &f->a, "Sa", to, ty, body), ERR_OK);
}
