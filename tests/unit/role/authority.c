#include "authority.h"

#include "role/maf/maf.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct authority *authority_new(const struct role *role, const char *fqdn, const char *conf)
{
    struct authority *f = calloc(1, sizeof(*f));
    world_init(&f->w, T0);
    f->n = world_add(&f->w, role, fqdn, conf);
    return f;
}

int authority_teardown(void **state)
{
    struct authority *f = *state;
    world_free(&f->w);
    free(f);
    return 0;
}

err_t authority_ctl(struct authority *f, const char *noun, const char *verb, const char *args)
{
    return world_ctl(&f->w, f->n, noun, verb, args, &f->r);
}

void authority_allow(struct authority *f, const char *client)
{
    char args[300];
    (void)snprintf(args, sizeof(args), "{\"client\":\"%s\",\"target\":\"//sp.example.com/in\"}", client);
    assert_int_equal(authority_ctl(f, "client", "allow", args), ERR_OK);
}

err_t authority_request(struct authority *f, enum op op, uint32_t ty, const char *path, const char *from, const char *body)
{
    struct world_request rq = {.op = op, .ty = ty, .path = path, .from = from, .body = body};
    return world_request(&f->s, &rq, &f->r);
}

void authority_member(struct authority *f, const char *root, const char *name, char *out, size_t cap)
{
    json_t *o = NULL;
    assert_int_equal(json_parse(text_bytes(text_of(f->r.body)), &o), ERR_OK);
    const json_t *inner = json_object_get(o, root);
    assert_non_null(inner);
    assert_int_equal(text_copy(json_get_text(inner, name), out, cap), ERR_OK);
    json_decref(o);
}

void authority_register(struct authority *f, const char *from)
{
    assert_int_equal(authority_request(f, OP_CREATE, 60002, "/-", from, MACR), ERR_OK);
    assert_int_equal(f->r.rsc, 2001);
    f->ri[0] = '/';
    authority_member(f, "m2m:macr", "ri", f->ri + 1, sizeof(f->ri) - 1);
    assert_string_equal(f->r.location, f->ri);
}

int authority_maf_setup(void **state)
{
    struct authority *f = authority_new(&role_maf, "maf.example.com", MAF_CONF);
    world_secret(KM, &f->key);
    uint8_t b[32];
    memset(b, 0x42, sizeof(b));
    assert_int_equal(secret_set(&f->other, BYTES_ARRAY(b)), ERR_OK);
    f->w.forged = GOOD;
    f->w.forged_status = 200;
    *state = f;
    return 0;
}

void authority_add_km(struct authority *f)
{
    assert_int_equal(authority_ctl(f, "credential", "add",
                         "{\"kind\":\"km\",\"id\":\"dev1@maf.example.com\",\"enrolee-id\":\"//sp.example.com/Sdev1\",\"key\":\"" KM "\"}"),
                     ERR_OK);
}

err_t authority_connect(struct authority *f, const char *identity, const struct secret *key)
{
    return world_connect(&f->w, f->n, identity, key, &f->s);
}

void authority_ready(struct authority *f)
{
    authority_add_km(f);
    authority_allow(f, "//sp.example.com/Sdev1");
    assert_int_equal(authority_connect(f, "dev1@maf.example.com", &f->key), ERR_OK);
    authority_register(f, NULL);
}
