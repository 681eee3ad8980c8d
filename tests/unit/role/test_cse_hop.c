/* Retargeting as a decision: to whom a request goes on, from whom, by every kind of address; and that it never goes in a circle. */
#include "cse_fixture.h"

#include "role/cse/cse_hop.h"
#include "role/cse/cse_join.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SP "//sp.example.com"
#define IN_CONF CSE_CONF WAY("mn") WAY("mn2") WAY("mn3")
#define CSR_WITH(more) "{\"m2m:csr\":{\"rr\":true,\"srv\":[\"3\"]" more "}}"

static struct cse_fixture f;

static struct world_session come(const char *name, const char *more)
{
    struct world_session s;
    char id[64], who[64], from[32], body[256];
    (void)snprintf(id, sizeof(id), "k%s@sp.example.com", name);
    (void)snprintf(who, sizeof(who), SP "/%s", name);
    (void)snprintf(from, sizeof(from), "/%s", name);
    (void)snprintf(body, sizeof(body), CSR_WITH("%s"), more);
    assert_int_equal(cse_fixture_add_key(&f, id, who, ""), ERR_OK);
    cse_fixture_connect(&f, id, &s);
    if (strcmp(name, "in") != 0) {
        assert_int_equal(cse_fixture_create(&f, &s, from, "-", 16, body), ERR_OK);
    }
    return s;
}

/* FQDN of the next CSE without ".sp.example.com"; "-": nobody. */
static const char *next_of(const struct world_session *s, const char *from, const char *to, enum media media, struct hop *out)
{
    static const struct keys_export none;
    static uint8_t memory[1 << 20];
    struct arena arena = arena_of(memory, sizeof(memory));
    const struct primitive p = {.op = OP_RETRIEVE, .to = text_of(to), .path = text_of("/x"), .has_from = true,
                                .from = text_of(from), .rqi = text_of("r1"), .rvi = text_of("3"), .media = media, .expires = USEC_NEVER};
    const struct request rq = {.prim = &p, .assoc = &s->assoc, .exported = &none, .now = f.w.now};
    struct txn t;
    *out = (struct hop){.peer = ""};
    assert_int_equal(store_begin(f.cse->store, false), ERR_OK);
    txn_init(&t, f.cse->store, &arena, false);
    err_t e = cse_hop_next(f.cse->ctx, &rq, &t, out);
    store_rollback(f.cse->store);
    if (e != ERR_OK) {
        return "-";
    }
    *strchr(out->peer, '.') = '\0';
    return out->peer;
}

static const char *next(const struct world_session *s, const char *from, const char *to, struct hop *out)
{
    return next_of(s, from, to, MEDIA_JSON, out);
}

struct row {
    const struct world_session *s;
    const char *from, *to, *peer, *as; /* NULL: whatever */
};

static void check(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct hop hop;
        const char *got = next(rows[i].s, rows[i].from, rows[i].to, &hop);
        if (strcmp(got, rows[i].peer) != 0) {
            print_message("%s -> %s: %s\n", rows[i].from, rows[i].to, got);
        }
        assert_string_equal(got, rows[i].peer);
        if (rows[i].as != NULL) {
            assert_string_equal(hop.from, rows[i].as);
        }
    }
}

static void the_infrastructure_sends_down(void **state)
{
    (void)state;
    cse_fixture_init(&f, IN_CONF);
    struct world_session mn = come("mn", ",\"dcse\":[\"/deep\"]");
    struct world_session mn2 = come("mn2", "");
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "-", 2, AE_BODY), ERR_OK);
    const struct row rows[] = {
        {&f.a, "Sa", "/mn/cse-mn/x", "mn", "/Sa"},
        {&f.a, "Sa", "/mn", "mn", "/Sa"},
        {&f.a, "Sa", SP "/mn/cse-mn/x", "mn", "/Sa"},
        {&f.a, "Sa", "//SP.example.com/mn2/-", "mn2", "/Sa"},
        {&f.a, "Sa", "/deep/-/x", "mn", "/Sa"},        /* by descendantCSEs */
        {&f.a, "Sa", "/mn3/-", "-", NULL},             /* configured, and not registered */
        {&f.a, "Sa", "/nowhere/-", "-", NULL},
        {&f.a, "Sa", "//other.example.com/mn/-", "-", NULL},
        {&f.a, "Sa", "//sp.example.com", "-", NULL},
        {&f.a, "Sa", "cse-in/x", "-", NULL},           /* our own, by each kind of address */
        {&f.a, "Sa", "/in/cse-in/x", "-", NULL},
        {&f.a, "Sa", SP "/in/-", "-", NULL},
        {&f.a, "Sb", "/mn/-", "-", NULL},              /* who speaks in another's name is refused here */
        {&mn, "/mn", "/mn2/-", "mn2", "/mn"},          /* from one to another */
        {&mn, "/mn/Cx", "/mn2/-", "mn2", "/mn/Cx"},
        {&mn, "/deep", "/mn2/-", "mn2", "/deep"},
        {&mn, "/mn", "/deep/-", "-", NULL},            /* never back */
        {&mn, "/mn", "/mn/-", "-", NULL},
        {&mn2, "/mn", "/mn/-", "-", NULL},
        {&f.plain, "Sa", "/mn/-", "-", NULL},
    };
    check(rows, ARRAY_LEN(rows));
    struct hop hop;
    assert_string_equal(next_of(&f.a, "Sa", "/mn/-", MEDIA_CBOR, &hop), "mn");
    assert_string_equal(next_of(&f.a, "Sa", "/mn/-", MEDIA_PKCS10, &hop), "-"); /* octets that are no primitive go nowhere */
    assert_int_equal(cse_fixture_del(&f, &mn2, "/mn2", "csr-mn2"), ERR_OK); /* who is gone is not reached */
    check(&(const struct row){&f.a, "Sa", "/mn2/-", "-", NULL}, 1);
    cse_fixture_free(&f);
}

static void the_field_sends_up_what_it_does_not_know(void **state)
{
    (void)state;
    static struct errand q;
    const struct errand_memory m = {.checked = 0};
    cse_fixture_init(&f, MN_CONF);
    struct world_session deep = come("deep", "");
    struct world_session in = come("in", "");
    assert_int_equal(cse_fixture_create(&f, &f.a, "Sa", "-", 2, AE_BODY), ERR_OK);
    check(&(const struct row){&f.a, "Sa", "/in/-", "-", NULL}, 1); /* not registered yet */
    err_t why = ERR_BUG;
    const struct errand_answer a = {.rsc = 2001, .body = text_bytes(text_of("{\"m2m:csr\":{\"csi\":\"/mn\"}}"))};
    assert_int_equal(world_errand(&f.w, f.cse, &m, &q), ERR_OK);
    assert_int_equal(world_returned(&f.w, f.cse, &q, &a, &why), ERR_OK);
    const struct row rows[] = {
        {&f.a, "Sa", "/in/-", "in", "/Sa"},
        {&f.a, "Sa", "/anywhere/-", "in", "/Sa"},
        {&f.a, "Sa", "//other.example.com/cse/-", "in", SP "/Sa"}, /* another provider is told the whole name */
        {&f.a, "Sa", "/deep/-", "deep", "/Sa"},
        {&f.a, "Sa", "cse-mn", "-", NULL},
        {&f.a, "Sa", "/Sx", "-", NULL},                  /* an AE by its name alone names no CSE */
        {&f.a, "Sa", SP "/Sx/c", "-", NULL},
        {&f.a, "Sa", "/in/Sx", "in", "/Sa"},
        {&deep, "/deep", "/in/-", "in", "/deep"},
        {&deep, "/deep", "/deep/x", "-", NULL},
        {&in, "/in", "/deep/-", "deep", "/in"},
        {&in, "/mn2/Cx", "/deep/-", "deep", "/mn2/Cx"},  /* the registrar speaks for who is above */
        {&in, "//other.example.com/x/Cy", "/deep/-", "deep", "//other.example.com/x/Cy"},
        {&in, "//other.example.com/Sy", "/deep/-", "deep", "//other.example.com/Sy"},
        {&deep, "//other.example.com/Sy", "/in/-", "-", NULL}, /* who is of another provider comes from above */
        {&in, "/deep", "/deep/-", "-", NULL},            /* and for nobody here or below */
        {&in, "/mn", "/deep/-", "-", NULL},
        {&in, "/in", "/anywhere/-", "-", NULL},          /* what came down does not go up again */
    };
    check(rows, ARRAY_LEN(rows));
    cse_fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_infrastructure_sends_down),
        cmocka_unit_test(the_field_sends_up_what_it_does_not_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
