#include "cli/device_usage.h"

#include "base/ct.h"
#include "cli/device_commands.h"
#include "role/detail.h"
#include "role/device/device_config.h"
#include "shell/clock.h"
#include "wire/body.h"
#include "wire/json.h"
#include "wire/reg_attr.h"
#include "wire/timestamp.h"

#include <stdlib.h>
#include <string.h>

#define RING "keys"
#define ADMIN {"--admin-fqdn", 0, "administrating stakeholder; by default the SP of the registrar's CSE-ID"}
#define LIFETIME {"--lifetime", 0, "how long it is to last from now, e.g. 30d; the authority may give less"}
#define LABELS {"--labels", 0, "labels, commas between"}
#define KEY_ID {"--key-id", CLI_OPT_REQUIRED, "identifier of the key, RELATIVE@FQDN of the MAF or MEF"}

const struct cli_opt device_usage_register_opts[DEVICE_USAGE_REGISTER_OPTS_N] = {
    DEVICE_WORK_OPT_STATE, DEVICE_WORK_OPT_EXCHANGE, ADMIN, LIFETIME, LABELS,
    {"--suid", CLI_OPT_REQUIRED, "what it is for, at a MEF 21 to 25, at a MAF 32 to 35: 23, 33 ESPrim; 24, 34 and 25, 35 ESData"},
    {"--target", 0, "who may retrieve it, commas between; by default the registrar's CSE-ID, for SUID 21 the MAF"},
};
const struct cli_opt device_usage_key_opts[DEVICE_USAGE_KEY_OPTS_N] = {DEVICE_WORK_OPT_STATE, DEVICE_WORK_OPT_EXCHANGE, KEY_ID};
const struct cli_opt device_usage_update_opts[DEVICE_USAGE_UPDATE_OPTS_N] = {
    DEVICE_WORK_OPT_STATE, DEVICE_WORK_OPT_EXCHANGE, KEY_ID, LIFETIME, LABELS};
const struct cli_opt device_usage_list_opts[DEVICE_USAGE_LIST_OPTS_N] = {DEVICE_WORK_OPT_STATE};
const struct cli_opt device_usage_mef_opts[DEVICE_USAGE_MEF_OPTS_N] = {DEVICE_WORK_OPT_STATE, DEVICE_WORK_OPT_EXCHANGE, ADMIN};
const struct cli_opt device_usage_mef_update_opts[DEVICE_USAGE_MEF_UPDATE_OPTS_N] = {
    DEVICE_WORK_OPT_STATE, DEVICE_WORK_OPT_EXCHANGE, ADMIN, LIFETIME, LABELS};

/* -- the keys of this device ----------------------------------------------------------------------------------- */
static void room_free(uint8_t **room)
{
    free(*room); /* sealed */
}

static void ring_free(struct device_keyring **r)
{
    if (*r != NULL) {
        device_keyring_wipe(*r);
        free(*r);
    }
}

err_t device_usage_load(const struct device_dir *d, struct device_keyring *out)
{
    SCOPED(room_free) uint8_t *room = malloc(DEVICE_KEYRING_RECORD_MAX);
    *out = (struct device_keyring){.n = 0};
    if (room == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    struct writer w = writer_of(room, DEVICE_KEYRING_RECORD_MAX);
    err_t e = device_dir_file_load(d, RING, &w);
    return e == ERR_OK ? device_keyring_parse(writer_view(&w), &d->sealer, out) : e == ERR_NOT_FOUND ? ERR_OK : e;
}

static err_t save(const struct device_dir *d, const struct device_keyring *r)
{
    SCOPED(room_free) uint8_t *room = malloc(DEVICE_KEYRING_RECORD_MAX);
    if (room == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    struct writer w = writer_of(room, DEVICE_KEYRING_RECORD_MAX);
    TRY(device_keyring_write(r, &d->sealer, &w));
    return device_dir_file_save(d, RING, writer_view(&w));
}

/* Puts *k in, or takes out what is called `drop`. */
static err_t change_ring(struct device_work *w, const struct device_keyring_key *k, struct text drop)
{
    SCOPED(ring_free) struct device_keyring *r = malloc(sizeof(*r));
    err_t e = r == NULL ? ERR_LIMIT_CAPACITY : device_usage_load(&w->dir, r);
    if (e == ERR_OK && k != NULL) {
        e = device_keyring_put(r, k, clock_now());
    } else if (e == ERR_OK) {
        device_keyring_drop(r, drop);
    }
    e = e == ERR_OK ? save(&w->dir, r) : e;
    return e == ERR_OK ? e : detail_fail(w->detail, e, RING, text_of(w->dir.path));
}

static void print_key(const struct cli_args *a, const struct device_keyring_key *k)
{
    cli_out(a, "key_id", text_of(k->id.z));
    cli_out_number(a, "suid", k->suid);
    cli_out(a, k->own ? "target" : "source", text_of(k->peer.z));
    device_work_out_time(a, "expires", k->not_after);
}

/* -- options ------------------------------------------------------------------------------------------------------ */
static err_t lifetime(struct device_work *w, usec_t *out)
{
    const char *given = cli_arg(w->a, "--lifetime");
    usec_t d = 0;
    if (given != NULL && (timestamp_duration(text_of(given), &d) != ERR_OK || d > CREDENTIAL_LIFETIME_MAX)) {
        return detail_fail(w->detail, ERR_USAGE, "--lifetime", text_of(given));
    }
    *out = d;
    return ERR_OK;
}

static err_t admin(struct device_work *w)
{
    struct text sp = text_skip(text_of(w->state.cse_id.z), 2);
    TRY(TEXT_COPY(text_take(sp, text_find(sp, '/')), w->admin_fqdn));
    TRY(device_work_take_fqdn(w, "--admin-fqdn", w->admin_fqdn, sizeof(w->admin_fqdn)));
    return w->admin_fqdn[0] != '\0' ? ERR_OK
                                    : detail_fail(w->detail, ERR_USAGE, "--admin-fqdn", text_of("is missing: no registrar is known yet"));
}

/* -- requests ---------------------------------------------------------------------------------------------------- */
static err_t pursue(struct device_work *w, const struct device_task *t)
{
    w->task = *t;
    err_t e = device_work_pursue(w);
    w->task = (struct device_task){.goal = t->goal}; /* what it pointed to is the caller's */
    return e;
}

/* The resource under which keys are registered; the client is registered first if need be. */
static err_t parent(struct device_work *w, bool mef, const char *admin_fqdn, char out[static DEVICE_PATH_MAX])
{
    char registration[DEVICE_CMD_REGISTRATION_MAX] = "";
    struct writer path = writer_of(out, DEVICE_PATH_MAX);
    if (mef) {
        TRY(device_commands_registered(w, admin_fqdn, registration));
    } else {
        TRY(pursue(w, &(struct device_task){.goal = DEVICE_MAF_REGISTER, .admin_fqdn = admin_fqdn}));
    }
    writer_z(&path, "/");
    writer_z(&path, mef ? registration : w->state.registration);
    return writer_finish_z(&path);
}

err_t device_usage_make(struct device_work *w, const struct device_use *u, struct device_keyring_key *out)
{
    const bool mef = device_use_is_of_mef(u->suid);
    char path[DEVICE_PATH_MAX], admin_fqdn[KEYID_MAX], body[2048];
    struct writer b = WRITER_ARRAY(body);
    TRY(TEXT_COPY(u->admin_fqdn, admin_fqdn));
    TRY(parent(w, mef, admin_fqdn, path));
    TRY(device_use_body(u, &b));
    TRY(writer_finish_z(&b));
    TRY(pursue(w, &(struct device_task){.goal = mef ? DEVICE_MEF_REQUEST : DEVICE_MAF_REQUEST, .op = OP_CREATE,
                                        .ty = REG_ATTR_TY_KEY, .path = path, .body = body, .exports = true}));
    const struct device_use_answer a = {bytes_of(w->run.body, w->run.body_n), &w->device.exported,
                                        text_of(mef ? w->state.mef.fqdn : w->state.maf.fqdn), clock_now()};
    TRY(device_use_registered(u, &a, out, w->detail));
    return change_ring(w, out, text_empty());
}

static err_t printed(struct device_work *w, const struct device_keyring_key *k)
{
    cli_out_begin(w->a);
    print_key(w->a, k);
    cli_out_end(w->a);
    return ERR_OK;
}

err_t device_usage_register(struct device_work *w)
{
    SCOPED(device_keyring_key_wipe) struct device_keyring_key k = {.suid = 0};
    uint64_t suid = 0;
    usec_t d = 0;
    TRY(device_work_open(w, false));
    TRY(admin(w));
    TRY(lifetime(w, &d));
    struct text given = text_of(cli_arg(w->a, "--suid"));
    if (text_u64(given, 35, &suid) != ERR_OK || suid < 21 || !keys_usage_is_suid((unsigned)suid)) {
        return detail_fail(w->detail, ERR_USAGE, "--suid", given);
    }
    const char *target = cli_arg(w->a, "--target");
    target = target != NULL ? target : suid == FETCHED_SUID_KM ? w->state.maf.fqdn : w->state.cse_id.z;
    if (target[0] == '\0') {
        return detail_fail(w->detail, ERR_USAGE, "--target", text_of("is missing: no registrar is known yet"));
    }
    usec_t now = clock_now();
    const struct device_use u = {.suid = (unsigned)suid, .targets = text_of(target), .admin_fqdn = text_of(w->admin_fqdn),
                                 .labels = text_of(cli_arg(w->a, "--labels")),
                                 .until = d != 0 ? now + d : w->state.ke_not_after > now ? w->state.ke_not_after : now + w->state.lifetime};
    TRY(device_usage_make(w, &u, &k));
    return printed(w, &k);
}

/* -- one key ------------------------------------------------------------------------------------------------------- */
/* Where it is registered, by the name after the @, and its address there. */
static err_t address(struct device_work *w, struct text id, enum device_goal *goal, char out[static DEVICE_PATH_MAX])
{
    struct keyid_parts parts;
    if (keyid_parse(id, &parts) != ERR_OK) {
        return detail_fail(w->detail, ERR_MALFORMED_KEY_ID, "--key-id", id);
    }
    bool maf = text_eq_nocase(parts.fqdn, text_of(w->state.maf.fqdn));
    if (!maf && !text_eq_nocase(parts.fqdn, text_of(w->state.mef.fqdn))) {
        return detail_fail(w->detail, ERR_STATE, "no address is known for", parts.fqdn);
    }
    *goal = maf ? DEVICE_MAF_REQUEST : DEVICE_MEF_REQUEST;
    struct writer path = writer_of(out, DEVICE_PATH_MAX);
    writer_z(&path, "/-/");
    writer_text(&path, parts.relative);
    return writer_finish_z(&path);
}

err_t device_usage_retrieve(struct device_work *w)
{
    SCOPED(device_keyring_key_wipe) struct device_keyring_key k = {.suid = 0};
    struct text id = text_of(cli_arg(w->a, "--key-id"));
    enum device_goal goal = DEVICE_MAF_REQUEST;
    char path[DEVICE_PATH_MAX];
    TRY(device_work_open(w, false));
    TRY(address(w, id, &goal, path));
    TRY(pursue(w, &(struct device_task){.goal = goal, .op = OP_RETRIEVE, .path = path}));
    TRY(device_use_retrieved(id, bytes_of(w->run.body, w->run.body_n), clock_now(), &k, w->detail));
    ct_wipe(w->run.body, w->run.body_n); /* the key is in it */
    TRY(change_ring(w, &k, text_empty()));
    return printed(w, &k);
}

/* What an UPDATE changes: at least one of the two. */
static err_t update_body(struct device_work *w, uint32_t ty, char *body, size_t cap)
{
    usec_t d = 0;
    struct writer b = writer_of(body, cap);
    struct text labels = text_of(cli_arg(w->a, "--labels"));
    TRY(lifetime(w, &d));
    if (d == 0 && labels.n == 0) {
        return detail_fail(w->detail, ERR_USAGE, "--lifetime or --labels", text_of("is missing"));
    }
    TRY(body_update_write(&b, ty, d == 0 ? 0 : clock_now() + d, labels));
    return writer_finish_z(&b);
}

static err_t forget(struct device_work *w, struct text id)
{
    TRY(change_ring(w, NULL, id));
    cli_out_begin(w->a);
    cli_out(w->a, "key_id", id);
    cli_out_end(w->a);
    return ERR_OK;
}

/* What is kept here says when the key ends, so it follows. */
static err_t follow(struct device_work *w, struct text id, const struct body_answer *a, usec_t asked)
{
    SCOPED(ring_free) struct device_keyring *r = malloc(sizeof(*r));
    const struct device_keyring_key *found = NULL;
    const char *wrong = "";
    usec_t et = 0;
    if (body_update_check(a, asked != 0, clock_now(), &et, &wrong) != ERR_OK) {
        return detail_fail(w->detail, ERR_PEER_NONSENSE, wrong, text_empty());
    }
    TRY(r == NULL ? ERR_LIMIT_CAPACITY : device_usage_load(&w->dir, r));
    err_t e = device_keyring_find(r, id, clock_now(), &found);
    if (e != ERR_OK) {
        return detail_fail(w->detail, e, "this device keeps no key", id);
    }
    SCOPED(device_keyring_key_wipe) struct device_keyring_key k = *found;
    k.not_after = asked != 0 && et < asked ? et : asked != 0 ? asked : k.not_after;
    k.since = asked != 0 ? clock_now() : k.since;
    TRY(change_ring(w, &k, text_empty()));
    return printed(w, &k);
}

static err_t updated(struct device_work *w, struct text id)
{
    SCOPED(json_scope) json_t *body = NULL;
    usec_t d = 0;
    TRY(lifetime(w, &d));
    if (json_parse(bytes_of(w->run.body, w->run.body_n), &body) != ERR_OK) {
        return detail_fail(w->detail, ERR_PEER_NONSENSE, "the answer is not JSON", text_empty());
    }
    const json_t *skr = json_object_get(body, reg_attr_root(REG_ATTR_TY_KEY));
    const struct body_answer a = {.et = json_get_text(skr, reg_attr_name(REG_ATTR_ET))};
    return follow(w, id, &a, d == 0 ? 0 : clock_now() + d);
}

err_t device_usage_change(struct device_work *w)
{
    const bool ends = strcmp(w->a->verb->verb, "use-deregister") == 0;
    struct text id = text_of(cli_arg(w->a, "--key-id"));
    enum device_goal goal = DEVICE_MAF_REQUEST;
    char path[DEVICE_PATH_MAX], body[1024];
    TRY(device_work_open(w, false));
    TRY(ends ? ERR_OK : update_body(w, REG_ATTR_TY_KEY, body, sizeof(body)));
    TRY(address(w, id, &goal, path));
    TRY(pursue(w, &(struct device_task){.goal = goal, .op = ends ? OP_DELETE : OP_UPDATE, .path = path,
                                        .body = ends ? NULL : body}));
    return ends ? forget(w, id) : updated(w, id);
}

/* -- for device keep ------------------------------------------------------------------------------------------------ */
static bool is_of(const struct device_work *w, const struct device_keyring_key *k)
{
    struct text fqdn = text_skip(text_of(k->id.z), text_find(text_of(k->id.z), '@') + 1);
    return text_eq_nocase(fqdn, text_of(w->state.maf.fqdn)) || text_eq_nocase(fqdn, text_of(w->state.mef.fqdn));
}

struct device_due device_usage_due(const struct device_work *w)
{
    SCOPED(ring_free) struct device_keyring *r = malloc(sizeof(*r));
    struct device_due first = {.what = DEVICE_RENEW_NOTHING, .at = USEC_NEVER, .end = USEC_NEVER};
    if (r == NULL || device_usage_load(&w->dir, r) != ERR_OK) {
        return first;
    }
    for (size_t i = 0; i < r->n; i++) {
        struct device_due d = device_renew_key(&r->at[i]);
        first = is_of(w, &r->at[i]) && r->at[i].not_after > clock_now() && d.at < first.at ? d : first;
    }
    return first;
}

/* The Source gives its key as long again as it had (8.8.2.9); a target sees what its Source did. */
static err_t ask_again(struct device_work *w, struct device_keyring_key *k)
{
    enum device_goal goal = DEVICE_MAF_REQUEST;
    char path[DEVICE_PATH_MAX], body[256];
    struct writer b = WRITER_ARRAY(body);
    usec_t now = clock_now(), until = now + (k->not_after - k->since), et = 0;
    const char *wrong = "";
    TRY(address(w, text_of(k->id.z), &goal, path));
    TRY(body_update_write(&b, REG_ATTR_TY_KEY, until, text_empty()));
    TRY(writer_finish_z(&b));
    TRY(pursue(w, &(struct device_task){
                      .goal = goal, .op = k->own ? OP_UPDATE : OP_RETRIEVE, .path = path, .body = k->own ? body : NULL}));
    if (!k->own) {
        SCOPED(device_keyring_key_wipe) struct device_keyring_key got;
        err_t e = device_use_retrieved(text_of(k->id.z), bytes_of(w->run.body, w->run.body_n), now, &got, w->detail);
        ct_wipe(w->run.body, w->run.body_n); /* the key is in it */
        k->not_after = e == ERR_OK ? got.not_after : k->not_after;
        return e;
    }
    SCOPED(json_scope) json_t *said = NULL;
    TRY(json_parse(bytes_of(w->run.body, w->run.body_n), &said));
    const json_t *skr = json_object_get(said, reg_attr_root(REG_ATTR_TY_KEY));
    const struct body_answer a = {.et = json_get_text(skr, reg_attr_name(REG_ATTR_ET))};
    TRY(body_update_check(&a, true, now, &et, &wrong));
    k->not_after = et < until ? et : until;
    return ERR_OK;
}

err_t device_usage_again(struct device_work *w, bool *any)
{
    SCOPED(ring_free) struct device_keyring *r = malloc(sizeof(*r));
    *any = false;
    TRY(r == NULL ? ERR_LIMIT_CAPACITY : device_usage_load(&w->dir, r));
    for (size_t i = 0; i < r->n; i++) {
        struct device_keyring_key *k = &r->at[i];
        usec_t now = clock_now(), end = k->not_after;
        if (!is_of(w, k) || end <= now || device_renew_key(k).at > now) {
            continue;
        }
        err_t e = ask_again(w, k);
        if (e != ERR_OK && cli_exit_code(e) != CLI_REFUSED) {
            return e;
        }
        bool longer = e == ERR_OK && k->not_after > end;
        k->since = longer ? now : k->since;
        if (!longer) { /* refused, or it ends with what it stands on: it may be asked for again, and ends in peace */
            device_renew_key_later(k, now);
        }
        *any = *any || longer;
        TRY(change_ring(w, k, text_empty()));
    }
    w->detail[0] = '\0';
    return ERR_OK;
}

err_t device_usage_list(struct device_work *w)
{
    SCOPED(ring_free) struct device_keyring *r = malloc(sizeof(*r));
    TRY(device_work_open(w, false));
    err_t e = r == NULL ? ERR_LIMIT_CAPACITY : device_usage_load(&w->dir, r);
    if (e != ERR_OK) {
        return detail_fail(w->detail, e, RING, text_of(w->dir.path));
    }
    if (r->n == 0) {
        cli_out_begin(w->a);
        cli_out_number(w->a, "keys", 0);
        cli_out_end(w->a);
    }
    for (size_t i = 0; i < r->n; i++) {
        cli_out_begin(w->a);
        print_key(w->a, &r->at[i]);
        cli_out_end(w->a);
    }
    return ERR_OK;
}

/* -- the registration at the MEF ------------------------------------------------------------------------------------ */
enum mef_verb { MEF_REGISTER, MEF_CONFIG, MEF_UPDATE, MEF_DEREGISTER };

static err_t at_mef(struct device_work *w, enum op op, const char *suffix, const char *registration, const char *body)
{
    char path[DEVICE_PATH_MAX];
    struct writer p = WRITER_ARRAY(path);
    writer_z(&p, "/");
    writer_z(&p, registration);
    writer_z(&p, suffix);
    TRY(writer_finish_z(&p));
    return pursue(w, &(struct device_task){.goal = DEVICE_MEF_REQUEST, .op = op, .path = path, .body = body});
}

err_t device_usage_configuration(struct device_work *w, bool *moved)
{
    char registration[DEVICE_CMD_REGISTRATION_MAX] = "";
    *moved = false;
    TRY(admin(w));
    TRY(device_commands_registered(w, w->admin_fqdn, registration));
    TRY(at_mef(w, OP_RETRIEVE, "/cfg", registration, NULL));
    return device_config_take(bytes_of(w->run.body, w->run.body_n), &w->state, moved, w->detail);
}

/* R003-93, R003-94: who the node is, if the MEF says so. Where its servers are is for `keep` to follow. */
static err_t take_node(struct device_work *w)
{
    bool named = false;
    TRY(device_config_named(bytes_of(w->run.body, w->run.body_n), &w->state, &named, w->detail));
    return named ? device_dir_save(&w->dir, &w->state) : ERR_OK;
}

err_t device_usage_mef(struct device_work *w)
{
    static const struct {
        const char *verb;
        enum op op; /* OP_NONE: registration, which is all */
        const char *suffix;
    } rows[] = {[MEF_REGISTER] = {"mef-register", OP_NONE, ""}, [MEF_CONFIG] = {"mef-config", OP_RETRIEVE, "/cfg"},
                [MEF_UPDATE] = {"mef-update", OP_UPDATE, ""}, [MEF_DEREGISTER] = {"mef-deregister", OP_DELETE, ""}};
    char registration[DEVICE_CMD_REGISTRATION_MAX] = "";
    char body[1024];
    size_t v = 0;
    while (v + 1 < ARRAY_LEN(rows) && strcmp(rows[v].verb, w->a->verb->verb) != 0) {
        v++;
    }
    TRY(device_work_open(w, false));
    TRY(admin(w));
    TRY(v == MEF_UPDATE ? update_body(w, REG_ATTR_TY_MEF_CLIENT, body, sizeof(body)) : ERR_OK);
    TRY(device_commands_registered(w, w->admin_fqdn, registration));
    TRY(rows[v].op == OP_NONE
            ? ERR_OK
            : at_mef(w, rows[v].op, rows[v].suffix, registration, v == MEF_UPDATE ? body : NULL));
    TRY(v == MEF_DEREGISTER ? device_commands_forget(w) : ERR_OK);
    TRY(v == MEF_CONFIG ? take_node(w) : ERR_OK);
    cli_out_begin(w->a);
    if (v == MEF_CONFIG) {
        cli_out_json(w->a, "content", text_span((const char *)w->run.body, w->run.body_n));
    } else {
        cli_out(w->a, "registration", text_of(v == MEF_DEREGISTER ? "" : registration));
    }
    cli_out_end(w->a);
    return ERR_OK;
}
