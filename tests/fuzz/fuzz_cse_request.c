/*
 * Sequences of requests and operator commands against the CSE over a memory store, from everybody but the AE Sa: what Sa
 * wrote without opening it is never in an answer, no key ever is, every index entry can be read, and the audit
 * chain verifies afterwards. A step's text is TO \n FROM \n BODY.
 */
#include "fuzz_steps.h"
#include "role/cse/cse.h"
#include "role/cse/cse_notify.h"
#include "role/cse/cse_res.h"

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define KPSA "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
#define KPSA_BASE64 "wMHCw8TFxsfIycrLzM3Ozw=="
#define PRIVATE "for-Sa-alone"
#define CONF "[cse]\nsp = sp.example.com\nadmin = Sadmin\nassociation = optional\nlifetime = 30d\nnotify-queue = 3\n" \
             "[peer mn1.example.com]\nkind = cse\ncsi = /mn1\n"
#define QUEUE 3

enum { WHO_ADMIN, WHO_B, WHO_UNKNOWN, WHO_CSE, WHO_PLAIN, WHO_A, WHO_COUNT };

struct fixture {
    struct world w;
    struct world_node *cse;
    struct secret kpsa;
    struct world_session who[WHO_COUNT];
    struct world_reply r;
    bool tainted; /* the input itself contains the private text or the key */
};

static void join(struct fixture *f, size_t who, const char *id, const char *enrolee)
{
    char args[512];
    snprintf(args, sizeof(args), "{\"kind\":\"kpsa\",\"key\":\"" KPSA "\",\"id\":\"%s@sp.example.com\"%s%s%s}", id,
             enrolee[0] != '\0' ? ",\"enrolee-id\":\"" : "", enrolee, enrolee[0] != '\0' ? "\"" : "");
    MUST_HOLD(world_ctl(&f->w, f->cse, "credential", "add", args, &f->r) == ERR_OK);
    snprintf(args, sizeof(args), "%s@sp.example.com", id);
    MUST_HOLD(world_connect(&f->w, f->cse, args, &f->kpsa, &f->who[who]) == ERR_OK);
}

static void as_a(struct fixture *f, uint32_t ty, const char *path, const char *body)
{
    struct world_request rq = {.op = OP_CREATE, .ty = ty, .path = path, .from = "Sa", .body = body};
    MUST_HOLD(world_request(&f->who[WHO_A], &rq, &f->r) == ERR_OK);
}

/* A field CSE that speaks for another one. */
static void as_mn(struct fixture *f)
{
    struct world_request rq = {.op = OP_CREATE, .ty = 16, .path = "/cse-in", .from = "/mn1",
                               .body = "{\"m2m:csr\":{\"rn\":\"mn\",\"rr\":true,\"srv\":[\"3\"],\"dcse\":[\"/deep\"]}}"};
    MUST_HOLD(world_request(&f->who[WHO_CSE], &rq, &f->r) == ERR_OK);
}

static void begin(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    world_init(&f->w, T0);
    f->cse = world_add(&f->w, &role_cse, "in.sp.example.com", CONF);
    world_secret(KPSA, &f->kpsa);
    join(f, WHO_ADMIN, "kadmin", "//sp.example.com/Sadmin");
    join(f, WHO_B, "kb", "//sp.example.com/Sb");
    join(f, WHO_UNKNOWN, "kx", "");
    join(f, WHO_CSE, "kmn", "//sp.example.com/mn1");
    join(f, WHO_A, "ka", "//sp.example.com/Sa");
    f->who[WHO_PLAIN] = (struct world_session){.world = &f->w, .node = f->cse};
    association_init_plain(&f->who[WHO_PLAIN].assoc);
    as_a(f, 2, "/cse-in", "{\"m2m:ae\":{\"rn\":\"a\",\"api\":\"Na\",\"rr\":false,\"srv\":[\"3\"]}}");
    as_a(f, 3, "/cse-in/a", "{\"m2m:cnt\":{\"rn\":\"c\"}}");
    as_a(f, 4, "/cse-in/a/c", "{\"m2m:cin\":{\"con\":\"" PRIVATE "\"}}");
    as_a(f, 1, "/cse-in/a", "{\"m2m:acp\":{\"rn\":\"p\",\"pv\":{\"acr\":[{\"acor\":[\"all\"],\"acop\":63}]},"
                            "\"pvs\":{\"acr\":[{\"acor\":[\"Sa\"],\"acop\":63}]}}}");
    as_a(f, 3, "/cse-in/a", "{\"m2m:cnt\":{\"rn\":\"open\",\"mni\":2,\"acpi\":[\"cse-in/a/p\"]}}");
    as_mn(f);
}

/* Types that came when the numbers of the steps were given away: their content names them. */
static uint32_t type_of(const char *body, uint32_t ty)
{
    bool sub = body != NULL && strncmp(body, "{\"m2m:sub\"", 10) == 0;
    bool pch = body != NULL && strncmp(body, "{\"m2m:pch\"", 10) == 0;
    return sub ? TYPE_SUB : pch ? TYPE_PCH : ty;
}

static void request(struct fixture *f, struct fuzz_step *s)
{
    static const uint32_t types[] = {16, 1, 2, 3, 4, 11, 19, 20};
    static const enum op ops[] = {OP_CREATE, OP_RETRIEVE, OP_UPDATE, OP_DELETE};
    char path[600] = "/";
    char *from = strchr(s->text, '\n');
    char *body = from != NULL ? strchr(from + 1, '\n') : NULL;
    if (from != NULL) {
        *from++ = '\0';
    }
    if (body != NULL) {
        *body++ = '\0';
    }
    strcat(path, s->text);
    struct world_request rq = {.op = ops[s->what & 3], .path = path, .from = from, .body = body,
                               .ty = (s->what & 3) == 0 ? type_of(body, types[s->what >> 2 & 7]) : 0};
    (void)world_hop(&f->who[(s->what >> 5) % (WHO_PLAIN + 1)], &rq);
    (void)world_request(&f->who[(s->what >> 5) % (WHO_PLAIN + 1)], &rq, &f->r);
    fuzz_check_reply(&f->r, f->tainted ? "\n" : KPSA, f->tainted ? "\n" : KPSA_BASE64);
    MUST_HOLD(f->tainted || strstr(f->r.body, PRIVATE) == NULL);
}

static void command(struct fixture *f, const struct fuzz_step *s)
{
    static const char *const verbs[] = {"add", "list", "show"};
    json_t *args = NULL;
    if (json_parse(text_bytes(text_of(s->text)), &args) == ERR_OK) {
        (void)world_ctl(&f->w, f->cse, "credential", verbs[(s->what >> 4) % ARRAY_LEN(verbs)], s->text, &f->r);
        MUST_HOLD(f->tainted || strstr(f->r.body, KPSA) == NULL);
    }
    json_decref(args);
}

static bool index_entry(void *arg, struct bytes id, struct store_value value)
{
    struct cse_child c;
    (void)arg;
    (void)id;
    MUST_HOLD(cse_res_child_parse(value.data, &c) == ERR_OK);
    return true;
}

static bool resource(void *arg, struct bytes id, struct store_value value)
{
    struct cse_res r;
    (void)arg;
    MUST_HOLD(cse_res_parse(value.data, &r) == ERR_OK);
    MUST_HOLD(bytes_eq(text_bytes(r.ri), id));
    MUST_HOLD(r.type->ty != TYPE_CNT || ((r.mni == 0 || r.cni <= r.mni) && (r.mbs == 0 || r.cbs <= r.mbs)));
    /* a registration as a CSE is that of the one CSE that has a credential for it */
    MUST_HOLD(r.type->ty != TYPE_CSR || (text_eq_z(r.ri, "csr-mn1") && text_eq_z(r.creator, "//sp.example.com/mn1")));
    return true;
}

/* What Sa keeps for itself waits for nobody else. */
static bool event(void *arg, struct bytes id, struct store_value value)
{
    struct cse_outbox_event e;
    const struct fixture *f = arg;
    bool own = id.n > 5 && memcmp(id.p, "A:Sa ", 5) == 0;
    MUST_HOLD(cse_outbox_event_parse(value.data, &e) == ERR_OK && e.body.n > 0);
    MUST_HOLD(f->tainted || own || e.kind >= CSE_OUTBOX_RELAY || /* what somebody sends an AE on purpose */
              memmem(e.body.p, e.body.n, PRIVATE, sizeof(PRIVATE) - 1) == NULL);
    return true;
}

static bool queue(void *arg, struct bytes id, struct store_value value)
{
    struct cse_outbox_queue q;
    (void)arg;
    (void)id;
    MUST_HOLD(cse_outbox_queue_parse(value.data, &q) == ERR_OK && (q.count > 0 || q.until > 0) && q.count <= QUEUE);
    return true;
}

static bool watcher(void *arg, struct bytes id, struct store_value value)
{
    struct cse_notify n;
    (void)arg;
    (void)id;
    MUST_HOLD(cse_notify_parse(value.data, &n) == ERR_OK);
    return true;
}

static void check_store(struct fixture *f)
{
    struct store_scan q = {.table = TABLE_CSE_CHILD, .prefix = bytes_empty(), .after = bytes_empty()};
    MUST_HOLD(store_begin(f->cse->store, false) == ERR_OK);
    MUST_HOLD(store_scan(f->cse->store, &q, index_entry, NULL) == ERR_OK);
    q.table = TABLE_CSE_RES;
    MUST_HOLD(store_scan(f->cse->store, &q, resource, NULL) == ERR_OK);
    q.table = TABLE_CSE_EVENT;
    MUST_HOLD(store_scan(f->cse->store, &q, event, f) == ERR_OK);
    q.table = TABLE_CSE_QUEUE;
    MUST_HOLD(store_scan(f->cse->store, &q, queue, NULL) == ERR_OK);
    q.table = TABLE_CSE_NOTIFY;
    MUST_HOLD(store_scan(f->cse->store, &q, watcher, NULL) == ERR_OK);
    store_rollback(f->cse->store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fixture f;
    begin(&f);
    struct reader r = reader_of(bytes_of(data, size));
    struct fuzz_step s = {0};
    for (int i = 0; i < FUZZ_STEPS_MAX && fuzz_next_step(&r, &s); i++) {
        f.tainted = f.tainted || strstr(s.text, "for-Sa") != NULL || strstr(s.text, "c0c1") != NULL ||
                    strstr(s.text, "wMHC") != NULL || strstr(s.text, "\\u") != NULL;
        if ((s.what & 0x1f) == 0x1f) {
            f.w.now += (usec_t)strlen(s.text) * 3600 * USEC_PER_SEC;
        } else if ((s.what & 0x1f) == 0x1e) {
            command(&f, &s);
        } else {
            request(&f, &s);
        }
    }
    check_store(&f);
    (void)world_audited(f.cse, AUDIT_REFUSED); /* verifies the chain */
    world_free(&f.w);
    return 0;
}
