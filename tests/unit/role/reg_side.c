#include "reg_side.h"

#include "role/maf/maf.h"
#include "role/mef/mef.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define KEY "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"

static const struct reg_side sides[] = {
    {.role = &role_maf, .fqdn = "maf.example.com", .kind = "km", .root = "m2m:macr", .client_ty = 60002, .base_ty = 60001,
     .conf = "[maf]\nfqdn = maf.example.com\nkc-lifetime = 12h\n", .base_root = "m2m:mafb",
     .suid = 32, .suid_many = 34, .suid_other = 22, .target = "//sp.example.com/in", .target_cert = "in.sp.example.com",
     .wrong_target = "mef.example.com", .client = TABLE_MAF_CLIENT, .client_of = TABLE_MAF_CLIENT_OF,
     .key = TABLE_MAF_KEY, .key_of = TABLE_MAF_KEY_OF, .client_registered = AUDIT_MAF_CLIENT_REGISTERED,
     .key_registered = AUDIT_MAF_KEY_REGISTERED, .key_retrieved = AUDIT_MAF_KEY_RETRIEVED, .cfg = "sec:mafClientCfg"},
    {.role = &role_mef, .fqdn = "mef.example.com", .kind = "kpm", .root = "m2m:mecr", .client_ty = 60005, .base_ty = 60004,
     .conf = "[mef]\nfqdn = mef.example.com\nkey-lifetime = 12h\n", .base_root = "m2m:mefb",
     .suid = 21, .suid_many = 24, .suid_other = 32, .target = "maf.example.com", .target_cert = "maf.example.com",
     .wrong_target = "//sp.example.com/in", .client = TABLE_MEF_CLIENT, .client_of = TABLE_MEF_CLIENT_OF,
     .key = TABLE_MEF_KEY, .key_of = TABLE_MEF_KEY_OF, .client_registered = AUDIT_MEF_CLIENT_REGISTERED,
     .key_registered = AUDIT_MEF_KEY_REGISTERED, .key_retrieved = AUDIT_MEF_KEY_RETRIEVED, .cfg = "sec:mefClientCfg"},
};

static void add(struct authority *f, const char *name, const char *key)
{
    char args[512];
    snprintf(args, sizeof(args), "{\"kind\":\"%s\",\"id\":\"%s@%s\",\"enrolee-id\":\"//sp.example.com/S%s\"%s,\"key\":\"%s\"}",
             f->x->kind, name, f->x->fqdn, name, f->x->role == &role_mef ? ",\"target\":\"maf.example.com\"" : "", key);
    assert_int_equal(authority_ctl(f, "credential", "add", args), ERR_OK);
    snprintf(args, sizeof(args), "{\"client\":\"//sp.example.com/S%s\",\"target\":\"%s,//sp.example.com/in*\"}", name, f->x->target);
    assert_int_equal(authority_ctl(f, "client", "allow", args), ERR_OK);
}

static void *start(const struct reg_side *x)
{
    struct authority *f = authority_new(x->role, x->fqdn, x->conf);
    f->x = x;
    world_secret(KEY, &f->key);
    world_secret(KEY2, &f->other);
    add(f, "dev1", KEY);
    add(f, "dev2", KEY2);
    return f;
}

int reg_side_maf(void **state)
{
    *state = start(&sides[0]);
    return 0;
}

int reg_side_mef(void **state)
{
    *state = start(&sides[1]);
    return 0;
}

void reg_side_connect(struct authority *f, const char *name)
{
    char id[64];
    snprintf(id, sizeof(id), "%s@%s", name, f->x->fqdn);
    assert_int_equal(world_connect(&f->w, f->n, id, strcmp(name, "dev1") == 0 ? &f->key : &f->other, &f->s), ERR_OK);
}

err_t reg_side_create_client(struct authority *f, const char *adfq, const char *more)
{
    char body[256];
    snprintf(body, sizeof(body), "{\"%s\":{\"et\":\"20231116T000000\",\"adfq\":\"%s\"%s}}", f->x->root, adfq, more);
    return authority_request(f, OP_CREATE, f->x->client_ty, "/-", NULL, body);
}

void reg_side_register_client(struct authority *f)
{
    assert_int_equal(reg_side_create_client(f, SP, ""), ERR_OK);
    assert_int_equal(f->r.rsc, 2001);
    strcpy(f->ri, "/");
    authority_member(f, f->x->root, "ri", f->ri + 1, sizeof(f->ri) - 1);
}

err_t reg_side_create_key(struct authority *f, unsigned suid, const char *targets, const char *more)
{
    char body[512];
    snprintf(body, sizeof(body), "{\"m2m:skr\":{\"adfq\":\"sp.example.com\",\"suid\":%u,\"tgis\":[%s]%s}}", suid, targets, more);
    return authority_request(f, OP_CREATE, 60003, f->ri, NULL, body);
}

err_t reg_side_create_own_key(struct authority *f, const char *kv)
{
    char target[80], more[160];
    snprintf(target, sizeof(target), "\"%s\"", f->x->target);
    snprintf(more, sizeof(more), ",\"kv\":\"%s\"", kv);
    return reg_side_create_key(f, f->x->suid, target, more);
}

void reg_side_register_key(struct authority *f)
{
    assert_int_equal(reg_side_create_own_key(f, K42), ERR_OK);
    assert_int_equal(f->r.rsc, 2001);
    strcpy(f->path, "/-/");
    authority_member(f, "m2m:skr", "rn", f->path + 3, sizeof(f->path) - 3);
}

void reg_side_ready(struct authority *f)
{
    reg_side_connect(f, "dev1");
    reg_side_register_client(f);
    reg_side_register_key(f);
}

err_t reg_side_fetch(struct authority *f)
{
    struct world_session kept = f->s;
    assert_int_equal(world_connect_cert(&f->w, f->n, f->x->target_cert, &f->s), ERR_OK);
    err_t e = authority_request(f, OP_RETRIEVE, 0, f->path, f->x->target, NULL);
    f->s = kept;
    return e;
}
