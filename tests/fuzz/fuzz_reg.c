/*
 * Sequences of client and key registrations, at a MAF and at a MEF: no answer breaks its form, a key value goes to a target and
 * to nobody else, no client touches another's registration, and the indexes agree with the records.
 */
#include "fuzz_steps.h"
#include "role/maf/maf.h"
#include "role/mef/mef.h"

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define KEY "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
#define KEY_BASE64 "oKGio6SlpqeoqaqrrK2urw=="

struct fixture {
    struct world w;
    struct world_node *n;
    bool mef, connected, is_target;
    struct secret key;
    struct world_session s;
    struct world_reply r;
    char who;            /* '1', '2': dev1, dev2; 't' */
    char ri[M2MID_MAX * 2]; /* the last registration, and whose it is */
    char owner;
    char key_path[M2MID_MAX * 2];
};

static void connect_client(struct fixture *f, const struct fuzz_step *s)
{
    f->who = (s->what & 0x80) != 0 ? '2' : '1';
    char id[64] = "devN@";
    id[3] = f->who;
    strcat(id, f->n->fqdn);
    f->connected = world_connect(&f->w, f->n, id, &f->key, &f->s) == ERR_OK;
    f->is_target = false;
}

static void connect_target(struct fixture *f)
{
    f->who = 't';
    f->is_target = world_connect_cert(&f->w, f->n, f->mef ? "maf.example.com" : "in.sp.example.com", &f->s) == ERR_OK;
    f->connected = f->is_target;
}

static const char *from_of(const struct fixture *f)
{
    return !f->is_target ? NULL : f->mef ? "maf.example.com" : "//sp.example.com/in";
}

static void send(struct fixture *f, enum op op, uint32_t ty, const char *path, const char *body)
{
    if (!f->connected) {
        return;
    }
    struct world_request rq = {.op = op, .ty = ty, .path = path, .from = from_of(f), .body = body};
    (void)world_request(&f->s, &rq, &f->r);
    fuzz_check_reply(&f->r, KEY, KEY_BASE64);
    MUST_HOLD(f->is_target || strstr(f->r.body, "\"kv\":") == NULL || f->r.err != ERR_OK);
    if (f->r.err == ERR_OK && path == f->ri && op != OP_CREATE && f->owner != 0) { /* else it is the base */
        MUST_HOLD(f->who == f->owner);
    }
    if (f->r.err == ERR_OK && op == OP_CREATE) {
        char *to = ty == 60003 ? f->key_path : f->ri;
        f->owner = ty == 60003 ? f->owner : f->who;
        memcpy(to, f->r.location, sizeof(f->ri));
    }
}

static void command(struct fixture *f, const struct fuzz_step *s)
{
    static const char *const commands[][2] = {{"registration", "list"}, {"registration", "configure"}, {"key", "list"},
                                              {"registration", "remove"}, {"key", "remove"}, {"client", "allow"}};
    const char *const *c = commands[(s->what >> 4) % ARRAY_LEN(commands)];
    char args[700];
    json_t *v = NULL;
    strcpy(args, s->text);
    if (s->text[0] == '\0') {
        strcpy(args, "{\"RI\":\"");
        strcat(args, f->ri + (f->ri[0] == '/'));
        strcat(args, "\",\"configuration\":\"{}\"}");
    }
    if (json_parse(text_bytes(text_of(args)), &v) == ERR_OK) {
        (void)world_ctl(&f->w, f->n, c[0], c[1], args, &f->r);
    }
    json_decref(v);
}

static void step(struct fixture *f, const struct fuzz_step *s)
{
    const char *own = (s->what & 0x40) != 0 ? f->key_path : f->ri;
    char cfg[sizeof(f->ri) + 4];
    if (fuzz_step_says(s, KEY, KEY_BASE64)) {
        return;
    }
    switch (s->what & 0x0F) {
    case 0:
    case 1:
        connect_client(f, s);
        break;
    case 2:
        connect_target(f);
        break;
    case 3:
    case 4:
        send(f, OP_CREATE, f->mef ? 60005 : 60002, "/-", s->text);
        break;
    case 5:
    case 6:
        send(f, OP_CREATE, 60003, f->ri, s->text);
        break;
    case 7:
        send(f, OP_RETRIEVE, 0, s->text[0] == '/' ? s->text : own, NULL);
        break;
    case 8:
    case 9:
        send(f, OP_UPDATE, 0, own, s->text);
        break;
    case 10:
        send(f, OP_DELETE, 0, own, NULL);
        break;
    case 11:
        strcpy(cfg, f->ri);
        strcat(cfg, "/cfg");
        send(f, OP_RETRIEVE, 0, cfg, NULL);
        break;
    case 12:
        f->w.now += (usec_t)strlen(s->text) * 600 * USEC_PER_SEC;
        break;
    default:
        command(f, s);
        break;
    }
}

static void add(struct fixture *f, const char *id, const char *enrolee)
{
    char args[512] = "{\"kind\":\"";
    strcat(args, f->mef ? "kpm\",\"target\":\"maf.example.com" : "km");
    strcat(args, "\",\"id\":\"");
    strcat(args, id);
    strcat(args, f->n->fqdn);
    strcat(args, "\",\"enrolee-id\":\"");
    strcat(args, enrolee);
    strcat(args, "\",\"key\":\"" KEY "\"}");
    MUST_HOLD(world_ctl(&f->w, f->n, "credential", "add", args, &f->r) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fixture f;
    memset(&f, 0, sizeof(f));
    if (size == 0) {
        return 0;
    }
    f.mef = (data[0] & 1) != 0;
    world_init(&f.w, T0);
    f.n = f.mef ? world_add(&f.w, &role_mef, "mef.example.com", "[mef]\nfqdn = mef.example.com\nkey-value-min = 16\n")
                : world_add(&f.w, &role_maf, "maf.example.com", "[maf]\nfqdn = maf.example.com\nkey-value-min = 16\n");
    world_secret(KEY, &f.key);
    add(&f, "dev1@", "//sp.example.com/Sdev1");
    add(&f, "dev2@", "//sp.example.com/Sdev2");
    MUST_HOLD(world_ctl(&f.w, f.n, "client", "allow", "{\"client\":\"//sp.example.com/S*\"}", &f.r) == ERR_OK);
    strcpy(f.ri, "/-");
    strcpy(f.key_path, "/-/AA");
    struct reader r = reader_of(bytes_of(data + 1, size - 1));
    struct fuzz_step s = {0};
    for (int i = 0; i < FUZZ_STEPS_MAX && fuzz_next_step(&r, &s); i++) {
        step(&f, &s);
    }
    MUST_HOLD(world_count(f.n, f.mef ? TABLE_MEF_CLIENT : TABLE_MAF_CLIENT) ==
              world_count(f.n, f.mef ? TABLE_MEF_CLIENT_OF : TABLE_MAF_CLIENT_OF));
    MUST_HOLD(world_count(f.n, f.mef ? TABLE_MEF_KEY : TABLE_MAF_KEY) ==
              world_count(f.n, f.mef ? TABLE_MEF_KEY_OF : TABLE_MAF_KEY_OF));
    MUST_HOLD(world_count(f.n, TABLE_MEF_KE) == world_count(f.n, TABLE_MEF_KE_OF));
    (void)world_audited(f.n, AUDIT_REFUSED); /* verifies the chain */
    world_free(&f.w);
    return 0;
}
