/*
 * Several administrating stakeholders at one trust enabler (R002-43, R004-24): three instances of a MAF, and of a MEF, over
 * one store. Random operations of their clients, targets and operators on identifiers of any of them, held against a model that
 * is nothing but three separate lists: what one does to another's identifier fails and changes nothing, and no answer
 * names what is another's. Clients have the same names at all three.
 */
#include "role/maf/maf.h"
#include "role/mef/mef.h"
#include "wire/json.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define KV "QkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkI=" /* 32 octets of 0x42 */
#define OPERATIONS 90000 /* at each of the two roles: two thirds of them are on what is another's */
#define CHECK_EVERY 200

enum { STAKEHOLDERS = 3, CLIENTS = 3, KEYS = 2 };

struct side {
    const struct role *role;
    const char *name, *kind, *root, *more, *target_cert;
    uint32_t client_ty;
    unsigned suid;
    const char *target;
};
static const struct side maf_side = {.role = &role_maf, .name = "maf", .kind = "km", .root = "m2m:macr", .client_ty = 60002,
                                     .more = "", .suid = 32, .target = "//sp.example.com/in",
                                     .target_cert = "in.sp.example.com"};
static const struct side mef_side = {.role = &role_mef, .name = "mef", .kind = "kpm", .root = "m2m:mecr", .client_ty = 60005,
                                     .more = ",\"target\":\"other.example.com\"", .suid = 21, .target = "maf.example.com",
                                     .target_cert = "maf.example.com"};
static const char *const stakeholders[STAKEHOLDERS] = {"enabler.example", "b.example", "c.example"};

struct client { /* the model: what there is, and nothing of how it is kept */
    char ri[64];                /* "" : not registered */
    char key[KEYS][64];         /* RelativeKeyID; "": none */
    bool allowed;
    char last_ri[64], last_key[64]; /* of what is gone */
};

struct fixture {
    const struct side *x;
    struct world w;
    struct world_node *node[STAKEHOLDERS];
    struct client client[STAKEHOLDERS][CLIENTS];
    struct world_session s[STAKEHOLDERS][CLIENTS], target[STAKEHOLDERS];
    struct secret key[STAKEHOLDERS];
    struct world_reply r;
    uint64_t seed;
    size_t cross, done; /* operations on another's identifier; that had an effect */
    char subject[128];  /* what the operation itself names: an answer may repeat it */
};

static unsigned pick(struct fixture *f, unsigned below)
{
    f->seed = f->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(f->seed >> 33) % below;
}

/* -- the three ----------------------------------------------------------------------------------------- */
static void conf_of(const struct side *x, char out[static 1024])
{
    snprintf(out, 1024,
             "[%s]\nfqdn = a.%s.example\nadmin-fqdn = %s\n[%s b]\nfqdn = b.%s.example\nadmin-fqdn = %s\n[%s c]\n"
             "fqdn = c.%s.example\nadmin-fqdn = %s\n",
             x->name, x->name, stakeholders[0], x->name, x->name, stakeholders[1], x->name, x->name, stakeholders[2]);
}

static void key_id(const struct fixture *f, unsigned s, unsigned c, char out[static 128])
{
    snprintf(out, 128, "c%u@%c.%s.example", c, (int)('a' + s), f->x->name);
}

static err_t ctl(struct fixture *f, unsigned s, const char *noun, const char *verb, const char *args)
{
    return world_ctl(&f->w, f->node[s], noun, verb, args, &f->r);
}

static err_t allow(struct fixture *f, unsigned s, unsigned c, bool on)
{
    char args[256];
    snprintf(args, sizeof(args), "{\"client\":\"//sp.example.com/Sc%u\"%s%s%s}", c, on ? ",\"target\":\"" : "",
             on ? f->x->target : "", on ? "\"" : "");
    return ctl(f, s, "client", on ? "allow" : "remove", args);
}

static void populate(struct fixture *f, unsigned s)
{
    char args[512], id[128];
    for (unsigned c = 0; c < CLIENTS; c++) {
        key_id(f, s, c, id);
        snprintf(args, sizeof(args),
                 "{\"kind\":\"%s\",\"id\":\"%s\",\"enrolee-id\":\"//sp.example.com/Sc%u\",\"key\":\"%02x%030x\"%s}", f->x->kind,
                 id, c, 0xa0 + s, 7u, f->x->more);
        assert_int_equal(ctl(f, s, "credential", "add", args), ERR_OK);
        assert_int_equal(allow(f, s, c, true), ERR_OK);
        f->client[s][c].allowed = true;
        assert_int_equal(world_connect(&f->w, f->node[s], id, &f->key[s], &f->s[s][c]), ERR_OK);
    }
    if (f->x == &mef_side) { /* the target may come, and what a client may register is up to client allow alone */
        snprintf(args, sizeof(args), "{\"kind\":\"kpm\",\"id\":\"t@%c.mef.example\",\"target\":\"%s\",\"key\":\"%032x\"}",
                 (int)('a' + s), f->x->target, 7u);
        assert_int_equal(ctl(f, s, "credential", "add", args), ERR_OK);
    }
    assert_int_equal(world_connect_cert(&f->w, f->node[s], f->x->target_cert, &f->target[s]), ERR_OK);
}

static struct fixture *start(const struct side *x)
{
    struct fixture *f = calloc(1, sizeof(*f));
    char conf[1024], fqdn[64], hex[40];
    f->x = x;
    f->seed = 20261121;
    world_init(&f->w, T0);
    conf_of(x, conf);
    for (unsigned s = 0; s < STAKEHOLDERS; s++) {
        const char name[] = {(char)('a' + s), '\0'};
        snprintf(fqdn, sizeof(fqdn), "%s.%s.example", name, x->name);
        f->node[s] = s == 0 ? world_add(&f->w, x->role, fqdn, conf)
                            : world_add_instance(&f->w, f->node[0], name, fqdn, conf);
        snprintf(hex, sizeof(hex), "%02x%030x", 0xa0 + s, 7u);
        world_secret(hex, &f->key[s]);
    }
    for (unsigned s = 0; s < STAKEHOLDERS; s++) {
        populate(f, s);
    }
    return f;
}

/* -- one operation --------------------------------------------------------------------------------------- */
struct operation { /* who: stakeholder s, its client c; on what: that of v, its client d, key k */
    unsigned s, c, v, d, k;
    struct client *of; /* the model of v's client d */
    bool own;          /* of the same stakeholder */
    bool self;         /* of the same client */
};

static err_t request(struct fixture *f, struct world_session *s, enum op op, uint32_t ty, const char *path, const char *body)
{
    struct world_request rq = {.op = op, .ty = ty, .path = path, .body = body,
                               .from = s == &f->target[0] || s == &f->target[1] || s == &f->target[2] ? f->x->target : NULL};
    return world_request(s, &rq, &f->r);
}

static void member(struct fixture *f, const char *root, const char *name, char out[static 64])
{
    json_t *o = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(f->r.body)), &o), ERR_OK);
    assert_int_equal(text_copy(json_get_text(json_object_get(o, root), name), out, 64), ERR_OK);
    json_decref(o);
}

static void forget_key(struct client *c, unsigned k)
{
    memcpy(c->last_key, c->key[k], sizeof(c->last_key));
    c->key[k][0] = '\0';
}

static void forget(struct client *c)
{
    memcpy(c->last_ri, c->ri, sizeof(c->last_ri));
    c->ri[0] = '\0';
    for (unsigned k = 0; k < KEYS; k++) {
        if (c->key[k][0] != '\0') {
            forget_key(c, k);
        }
    }
}

/* The registration or key that is meant: a live one, else one that is gone, else a name that never was. */
static const char *ri_of(struct fixture *f, const struct operation *o)
{
    const char *ri = o->of->ri[0] != '\0' ? o->of->ri : o->of->last_ri;
    snprintf(f->subject, sizeof(f->subject), "%s", ri[0] != '\0' ? ri : "never");
    return f->subject;
}

static const char *key_of(struct fixture *f, const struct operation *o)
{
    const char *key = o->of->key[o->k][0] != '\0' ? o->of->key[o->k] : o->of->last_key;
    snprintf(f->subject, sizeof(f->subject), "%s", key[0] != '\0' ? key : "00112233445566778899AABBCCDDEEFF");
    return f->subject;
}

static void expect(struct fixture *f, err_t got, bool granted)
{
    assert_int_equal(got == ERR_OK, granted);
    f->done += granted ? 1 : 0;
}

static void op_register(struct fixture *f, const struct operation *o)
{
    char body[256];
    struct client *c = &f->client[o->s][o->c];
    snprintf(body, sizeof(body), "{\"%s\":{\"et\":\"20231116T000000\",\"adfq\":\"%s\"}}", f->x->root, stakeholders[o->v]);
    err_t e = request(f, &f->s[o->s][o->c], OP_CREATE, f->x->client_ty, "/-", body);
    if (!o->own) {
        assert_int_equal(e, ERR_DENIED_STAKEHOLDER); /* refuses R002-43 */
        return;
    }
    expect(f, e, c->ri[0] == '\0');
    if (e == ERR_OK) {
        member(f, f->x->root, "ri", c->ri);
    }
}

static void op_client(struct fixture *f, const struct operation *o, enum op op)
{
    char path[160];
    snprintf(path, sizeof(path), "/%s", ri_of(f, o));
    char body[128];
    snprintf(body, sizeof(body), "{\"%s\":{\"lbl\":[\"x\"]}}", f->x->root);
    err_t e = request(f, &f->s[o->s][o->c], op, 0, path, op == OP_UPDATE ? body : NULL);
    bool live = o->of->ri[0] != '\0';
    expect(f, e, o->self && live);
    if (!o->own) {
        assert_int_equal(e, ERR_NOT_FOUND); /* not even that it is there */
    }
    if (e == ERR_OK && op == OP_DELETE) {
        forget(o->of);
    }
}

static void op_key_register(struct fixture *f, const struct operation *o)
{
    char path[160], body[256];
    snprintf(path, sizeof(path), "/%s", ri_of(f, o));
    bool granted = o->self && o->of->ri[0] != '\0' && o->of->allowed;
    if (granted && o->of->key[o->k][0] != '\0') {
        return; /* the model has no place for it */
    }
    snprintf(body, sizeof(body), "{\"m2m:skr\":{\"adfq\":\"%s\",\"suid\":%u,\"tgis\":[\"%s\"],\"kv\":\"" KV "\"}}",
             stakeholders[o->v], f->x->suid, f->x->target);
    err_t e = request(f, &f->s[o->s][o->c], OP_CREATE, 60003, path, body);
    expect(f, e, granted);
    if (e == ERR_OK) {
        member(f, "m2m:skr", "rn", o->of->key[o->k]);
    }
}

static void op_key(struct fixture *f, const struct operation *o, enum op op)
{
    char path[160];
    snprintf(path, sizeof(path), "/-/%s", key_of(f, o));
    bool target = op == OP_RETRIEVE;
    struct world_session *s = target ? &f->target[o->s] : &f->s[o->s][o->c];
    err_t e = request(f, s, op, 0, path, op == OP_UPDATE ? "{\"m2m:skr\":{\"lbl\":[\"x\"]}}" : NULL);
    bool live = o->of->key[o->k][0] != '\0';
    expect(f, e, live && (target ? o->own : o->self));
    if (!o->own) {
        assert_int_equal(e, ERR_NOT_FOUND);
    }
    if (e == ERR_OK && op == OP_DELETE) {
        forget_key(o->of, o->k);
    }
}

static void op_base(struct fixture *f, const struct operation *o)
{
    expect(f, request(f, &f->s[o->s][o->c], OP_RETRIEVE, 0, "/-", NULL), true);
    assert_int_equal(strstr(f->r.body, "\"val\"") != NULL, f->client[o->s][o->c].ri[0] != '\0');
}

static void op_operator_removes(struct fixture *f, const struct operation *o, bool key)
{
    char args[256];
    snprintf(args, sizeof(args), "{\"%s\":\"%s\"}", key ? "KEYID" : "RI", key ? key_of(f, o) : ri_of(f, o));
    err_t e = ctl(f, o->s, key ? "key" : "registration", "remove", args);
    expect(f, e, o->own && (key ? o->of->key[o->k][0] : o->of->ri[0]) != '\0');
    if (e == ERR_OK && key) {
        forget_key(o->of, o->k);
    } else if (e == ERR_OK) {
        forget(o->of);
    }
}

/* Nobody renews or revokes what is another's: the credential goes on to open its association. */
static void op_credential(struct fixture *f, const struct operation *o)
{
    char args[256], id[128];
    struct world_session s;
    key_id(f, o->v, o->d, id);
    snprintf(f->subject, sizeof(f->subject), "%s", id);
    snprintf(args, sizeof(args), "{\"ID\":\"%s\"}", id);
    expect(f, ctl(f, o->s, "credential", "show", args), o->own);
    if (!o->own) {
        assert_int_equal(ctl(f, o->s, "credential", "revoke", args), ERR_NOT_FOUND); /* refuses R004-24 */
        assert_int_not_equal(world_connect(&f->w, f->node[o->s], id, &f->key[o->v], &s), ERR_OK);
    }
    assert_int_equal(world_connect(&f->w, f->node[o->v], id, &f->key[o->v], &s), ERR_OK);
}

static void op_allow(struct fixture *f, const struct operation *o)
{
    struct client *c = &f->client[o->s][o->c];
    err_t e = allow(f, o->s, o->c, !c->allowed);
    expect(f, e, true);
    c->allowed = !c->allowed;
}

static const char *const nouns[] = {"registration", "key", "credential", "client"};

static void op_list(struct fixture *f, const struct operation *o)
{
    expect(f, ctl(f, o->s, nouns[pick(f, ARRAY_LEN(nouns))], "list", "{}"), true);
    char other[32];
    for (unsigned v = 0; v < STAKEHOLDERS; v++) {
        snprintf(other, sizeof(other), "@%c.%s.example", (int)('a' + v), f->x->name);
        assert_true(v == o->s || strstr(f->r.body, other) == NULL);
    }
}

/* -- what must hold after each ------------------------------------------------------------------------------ */
static void no_word_of(const struct fixture *f, const char *id)
{
    assert_true(id[0] == '\0' || strcmp(id, f->subject) == 0 || strstr(f->r.body, id) == NULL);
}

static void nothing_leaked(const struct fixture *f, unsigned s)
{
    for (unsigned v = 0; v < STAKEHOLDERS; v++) {
        for (unsigned d = 0; v != s && d < CLIENTS; d++) {
            no_word_of(f, f->client[v][d].ri);
            for (unsigned k = 0; k < KEYS; k++) {
                no_word_of(f, f->client[v][d].key[k]);
            }
        }
    }
}

static size_t count(const char *body, const char *what)
{
    size_t n = 0;
    for (const char *p = body; (p = strstr(p, what)) != NULL; p++) {
        n++;
    }
    return n;
}

/* The lists of the operator are the model's, no more and no less. */
static void all_is_as_modelled(struct fixture *f)
{
    for (unsigned s = 0; s < STAKEHOLDERS; s++) {
        size_t regs = 0, keys = 0;
        assert_int_equal(ctl(f, s, "registration", "list", "{}"), ERR_OK);
        for (unsigned c = 0; c < CLIENTS; c++) {
            regs += f->client[s][c].ri[0] != '\0' ? 1 : 0;
            assert_true(f->client[s][c].ri[0] == '\0' || strstr(f->r.body, f->client[s][c].ri) != NULL);
        }
        assert_int_equal(count(f->r.body, "\"id\":"), regs);
        assert_int_equal(count(f->r.body, stakeholders[s]), regs);
        assert_int_equal(ctl(f, s, "key", "list", "{}"), ERR_OK);
        for (unsigned c = 0; c < CLIENTS * KEYS; c++) {
            const char *key = f->client[s][c / KEYS].key[c % KEYS];
            keys += key[0] != '\0' ? 1 : 0;
            assert_true(key[0] == '\0' || strstr(f->r.body, key) != NULL);
        }
        assert_int_equal(count(f->r.body, "\"id\":"), keys);
    }
}

static void step(struct fixture *f)
{
    struct operation o = {pick(f, STAKEHOLDERS), pick(f, CLIENTS), pick(f, STAKEHOLDERS), pick(f, CLIENTS), pick(f, KEYS),
                          NULL, false, false};
    o.d = pick(f, 3) == 0 ? o.d : o.c;
    o.of = &f->client[o.v][o.d];
    o.own = o.s == o.v;
    o.self = o.own && o.c == o.d;
    f->subject[0] = '\0';
    f->r.body[0] = '\0';
    f->cross += o.own ? 0 : 1;
    f->w.now += 1;
    switch (pick(f, 16)) {
    case 0: case 1: op_register(f, &o); break;
    case 2: op_client(f, &o, OP_RETRIEVE); break;
    case 3: op_client(f, &o, OP_UPDATE); break;
    case 4: op_client(f, &o, OP_DELETE); break;
    case 5: case 6: case 7: op_key_register(f, &o); break;
    case 8: op_key(f, &o, OP_RETRIEVE); break;
    case 9: op_key(f, &o, OP_UPDATE); break;
    case 10: op_key(f, &o, OP_DELETE); break;
    case 11: op_operator_removes(f, &o, false); break;
    case 12: op_operator_removes(f, &o, true); break;
    case 13: op_credential(f, &o); break;
    case 14: op_list(f, &o); break;
    default: pick(f, 4) == 0 ? op_allow(f, &o) : op_base(f, &o); break;
    }
    nothing_leaked(f, o.s);
}

static void random_operations(const struct side *x)
{
    struct fixture *f = start(x);
    for (size_t i = 0; i < OPERATIONS; i++) {
        step(f);
        if (i % CHECK_EVERY == 0) {
            all_is_as_modelled(f);
        }
    }
    all_is_as_modelled(f);
    print_message("%s: %d operations, %zu on another stakeholder's identifier, %zu with effect\n", x->name, OPERATIONS,
                  f->cross, f->done);
    assert_true(f->cross > 50000); /* more than 100000 at the two */
    assert_true(f->done > OPERATIONS / 10); /* the world was not dead */
    world_free(&f->w);
    free(f);
}

static void stakeholders_of_a_maf(void **state)
{
    (void)state;
    random_operations(&maf_side);
}

static void stakeholders_of_a_mef(void **state)
{
    (void)state;
    random_operations(&mef_side);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(stakeholders_of_a_maf), cmocka_unit_test(stakeholders_of_a_mef)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
