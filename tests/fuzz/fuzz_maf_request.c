/*
 * Sequences of handshakes, requests and operator commands against the MAF over a memory store: no answer breaks its form or
 * gives a key to who is not its target, and the audit chain verifies afterwards.
 */
#include "fuzz_steps.h"
#include "role/maf/maf.h"

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define KM "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
#define KM_BASE64 "oKGio6SlpqeoqaqrrK2urw=="

struct fixture {
    struct world w;
    struct world_node *maf;
    struct secret km;
    struct world_session s;
    bool connected;
    bool is_target;
    char ri[M2MID_MAX * 2];
    struct world_reply r;
};

static void connect_key(struct fixture *f, const struct fuzz_step *s)
{
    const char *identity = s->text[0] != '\0' ? s->text : "dev1@maf.example.com";
    f->connected = world_connect(&f->w, f->maf, identity, &f->km, &f->s) == ERR_OK;
    f->is_target = false;
}

static void connect_cert(struct fixture *f, const struct fuzz_step *s)
{
    f->is_target = s->text[0] == '\0';
    f->connected = world_connect_cert(&f->w, f->maf, f->is_target ? "in.sp.example.com" : s->text, &f->s) == ERR_OK;
    f->is_target = f->is_target || text_eq_nocase(text_of(s->text), text_of("in.sp.example.com"));
}

static void send(struct fixture *f, struct world_request rq)
{
    if (!f->connected) {
        return;
    }
    (void)world_request(&f->s, &rq, &f->r);
    fuzz_check_reply(&f->r, KM, KM_BASE64);
    MUST_HOLD(f->is_target || strstr(f->r.body, "\"kv\"") == NULL || f->r.err != ERR_OK);
    if (f->r.err == ERR_OK && f->r.location[0] != '\0') {
        memcpy(f->ri, f->r.location, sizeof(f->ri));
    }
}

static void step(struct fixture *f, struct fuzz_step *s)
{
    const char *from = (s->what & 0x80) != 0 ? "//sp.example.com/in" : NULL;
    char *rest = strchr(s->text, '\n');
    const char *tail = rest == NULL ? "" : rest + 1;
    json_t *args = NULL;
    if (fuzz_step_says(s, KM, KM_BASE64)) {
        return;
    }
    switch (s->what & 0x0F) {
    case 0:
        connect_key(f, s);
        break;
    case 1:
        connect_cert(f, s);
        break;
    case 2:
        send(f, (struct world_request){.op = OP_CREATE, .ty = 60002, .path = "/-", .from = from, .body = s->text});
        break;
    case 3:
        send(f, (struct world_request){.op = OP_CREATE, .ty = 60003, .path = f->ri, .from = from, .body = s->text});
        break;
    case 4:
        send(f, (struct world_request){.op = OP_RETRIEVE, .path = s->text[0] != '\0' ? s->text : f->ri, .from = from});
        break;
    case 5:
        f->w.now += (usec_t)strlen(s->text) * 600 * USEC_PER_SEC;
        break;
    case 6:
        if (rest != NULL) {
            *rest = '\0';
        }
        send(f, (struct world_request){.op = OP_UPDATE, .path = s->text, .from = tail, .body = tail});
        break;
    default:
        if (json_parse(text_bytes(text_of(s->text)), &args) == ERR_OK) {
            static const char *const commands[][2] = {
                {"client", "allow"}, {"client", "remove"}, {"client", "list"}, {"credential", "list"}, {"credential", "show"}};
            const char *const *c = commands[(s->what & 0x0F) % ARRAY_LEN(commands)];
            (void)world_ctl(&f->w, f->maf, c[0], c[1], s->text, &f->r);
            MUST_HOLD(strstr(f->r.body, KM) == NULL);
        }
        json_decref(args);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fixture f;
    memset(&f, 0, sizeof(f));
    world_init(&f.w, T0);
    f.maf = world_add(&f.w, &role_maf, "maf.example.com",
                      "[maf]\nfqdn = maf.example.com\nkm-lifetime = 2d\n[peer mef.example.com]\nkind = mef\n");
    f.w.away = ERR_PEER_UNREACHABLE;
    world_secret(KM, &f.km);
    MUST_HOLD(world_ctl(&f.w, f.maf, "credential", "add",
                        "{\"kind\":\"km\",\"id\":\"dev1@maf.example.com\",\"enrolee-id\":\"//sp.example.com/Sdev1\",\"key\":\"" KM "\"}",
                        &f.r) == ERR_OK);
    MUST_HOLD(world_ctl(&f.w, f.maf, "client", "allow", "{\"client\":\"//sp.example.com/Sdev1\",\"target\":\"//sp.example.com/in\"}",
                        &f.r) == ERR_OK);
    strcpy(f.ri, "/-");
    struct reader r = reader_of(bytes_of(data, size));
    struct fuzz_step s = {0};
    for (int i = 0; i < FUZZ_STEPS_MAX && fuzz_next_step(&r, &s); i++) {
        step(&f, &s);
    }
    (void)world_audited(f.maf, AUDIT_REFUSED); /* verifies the chain */
    world_free(&f.w);
    return 0;
}
