/*
 * Sequences of enrolments, fetches and operator commands against the MEF over a memory store: only the target is ever
 * given a credential, Kpm is never in an answer, no more Ke live than configured, and the audit chain verifies afterwards.
 */
#include "fuzz_steps.h"
#include "role/mef/mef.h"

#define T0 (INT64_C(1700000000) * USEC_PER_SEC)
#define KPM "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
#define KPM_BASE64 "wMHCw8TFxsfIycrLzM3Ozw=="
#define LIVE 3

struct fixture {
    struct world w;
    struct world_node *mef;
    struct secret kpm;
    struct world_session s;
    struct keyid ke_id; /* of the last enrolment */
    bool connected;
    bool is_target;
    struct world_reply r;
};

static void enrol(struct fixture *f, const struct fuzz_step *s)
{
    const char *identity = s->text[0] != '\0' ? s->text : "dev42@mef.example.com";
    struct key_ke ke;
    struct keys_relative rel;
    f->connected = world_connect(&f->w, f->mef, identity, &f->kpm, &f->s) == ERR_OK;
    f->is_target = false;
    if (f->connected) {
        MUST_HOLD(keys_ke_split(&f->s.exported, &ke, &rel) == ERR_OK);
        MUST_HOLD(keyid_of_relative(&rel, text_of("mef.example.com"), &f->ke_id) == ERR_OK);
    }
}

static void fetch(struct fixture *f, const struct fuzz_step *s, enum op op)
{
    char path[1024] = "/fetchCredentials/";
    if (!f->connected) {
        return;
    }
    if (s->text[0] == '/') {
        strcat(path, f->ke_id.z);
    }
    strcat(path, s->text);
    struct world_request rq = {.op = op, .path = path, .from = (s->what & 0x80) != 0 ? "maf.example.com" : s->text};
    (void)world_request(&f->s, &rq, &f->r);
    fuzz_check_reply(&f->r, KPM, KPM_BASE64);
    MUST_HOLD(strstr(f->r.body, "\"credential\"") == NULL || (f->is_target && f->r.err == ERR_OK));
}

static void command(struct fixture *f, const struct fuzz_step *s)
{
    static const char *const commands[][2] = {{"credential", "add"},    {"credential", "list"}, {"credential", "show"},
                                              {"credential", "revoke"}, {"enrolment", "list"},  {"enrolment", "show"}};
    json_t *args = NULL;
    if (json_parse(text_bytes(text_of(s->text)), &args) == ERR_OK) {
        const char *const *c = commands[(s->what >> 4) % ARRAY_LEN(commands)];
        (void)world_ctl(&f->w, f->mef, c[0], c[1], s->text, &f->r);
        MUST_HOLD(strstr(f->r.body, KPM) == NULL);
    }
    json_decref(args);
}

static void step(struct fixture *f, const struct fuzz_step *s)
{
    if (fuzz_step_says(s, KPM, KPM_BASE64)) {
        return;
    }
    switch (s->what & 0x07) {
    case 0:
        enrol(f, s);
        break;
    case 1:
        f->is_target = s->text[0] == '\0' || text_eq_nocase(text_of(s->text), text_of("maf.example.com"));
        f->connected = world_connect_cert(&f->w, f->mef, s->text[0] == '\0' ? "maf.example.com" : s->text, &f->s) == ERR_OK;
        break;
    case 2:
    case 3:
        fetch(f, s, OP_RETRIEVE);
        break;
    case 4:
        fetch(f, s, OP_CREATE);
        break;
    case 5:
        f->w.now += (usec_t)strlen(s->text) * 3600 * USEC_PER_SEC * ((s->what & 0x80) != 0 ? -1 : 1);
        break;
    default:
        command(f, s);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fixture f;
    memset(&f, 0, sizeof(f));
    world_init(&f.w, T0);
    f.mef = world_add(&f.w, &role_mef, "mef.example.com", "[mef]\nfqdn = mef.example.com\nmax-live-ke = 3\n");
    world_secret(KPM, &f.kpm);
    MUST_HOLD(world_ctl(&f.w, f.mef, "credential", "add",
                        "{\"kind\":\"kpm\",\"id\":\"dev42@mef.example.com\",\"key\":\"" KPM "\",\"target\":\"maf.example.com\"}",
                        &f.r) == ERR_OK);
    struct reader r = reader_of(bytes_of(data, size));
    struct fuzz_step s = {0};
    size_t credentials = 1;
    for (int i = 0; i < FUZZ_STEPS_MAX && fuzz_next_step(&r, &s); i++) {
        step(&f, &s);
        credentials = world_count(f.mef, TABLE_MEF_CREDENTIAL);
        MUST_HOLD(world_count(f.mef, TABLE_MEF_KE) <= LIVE * credentials);
    }
    MUST_HOLD(world_count(f.mef, TABLE_MEF_KE) == world_count(f.mef, TABLE_MEF_KE_OF));
    (void)world_audited(f.mef, AUDIT_REFUSED); /* verifies the chain */
    world_free(&f.w);
    return 0;
}
