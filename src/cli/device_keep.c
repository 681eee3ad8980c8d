#include "cli/device_keep.h"

#include "cli/device_est.h"
#include "cli/device_ub.h"
#include "cli/device_usage.h"
#include "role/detail.h"
#include "role/device/device_renew.h"
#include "shell/clock.h"
#include "shell/crypto_openssl.h"
#include "wire/body.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#include <signal.h>
#include <string.h>
#include <time.h>

#define SLEEP_MOST (60 * USEC_PER_SEC) /* then the clock is looked at again: somebody may have set it */
#define BUSY (USEC_PER_SEC / 10) /* until another command is done with the state */
#define RETRY_FIRST USEC_PER_SEC
#define RETRY_MOST (300 * USEC_PER_SEC)
#define CHECK_DEFAULT (300 * USEC_PER_SEC)
#define CHECK_LEAST USEC_PER_SEC

const struct cli_opt device_keep_opts[DEVICE_KEEP_OPTS_N] = {
    DEVICE_WORK_OPT_STATE,
    DEVICE_WORK_OPT_EXCHANGE,
    {"--admin-fqdn", 0, "administrating stakeholder at the MAF; by default the SP of the CSE-ID"},
    {"--check", 0, "how often to ask the CSE whether it still knows this device, e.g. 1h; 5m (default)"},
    {"--once", CLI_OPT_FLAG, "do what is due now, and end: for cron"},
};

struct round {
    bool once;
    bool busy; /* another command works on the state */
    bool told;
    usec_t check;
    usec_t checked[DEVICE_BOOK_MAX]; /* when each place was found whole; 0: not yet */
    struct device_due next;          /* after this round */
};

/* -- enrolment and connection key ---------------------------------------------------------------------------- */
static void begin(struct device_work *w)
{
    w->state = w->dir.book->at[w->dir.place].s;
    w->task = (struct device_task){.goal = DEVICE_ENROL};
    w->run.until = 0;
    w->run.rsc = 0;
    w->deferred = false;
    w->detail[0] = '\0';
}

/* The new ones are on disk, together, only when all of them work; until then the old ones stay, and are good. */
static err_t make(struct device_work *w, enum device_renewal what, bool associated)
{
    w->deferred = true;
    if (what == DEVICE_RENEW_ENROLMENT) {
        TRY(device_ub_enrol(w, true));
    }
    if (associated) {
        struct text sp = text_skip(text_of(w->state.cse_id.z), 2);
        TRY(TEXT_COPY(text_take(sp, text_find(sp, '/')), w->admin_fqdn));
        TRY(device_work_take_fqdn(w, "--admin-fqdn", w->admin_fqdn, sizeof(w->admin_fqdn)));
        w->task.goal = DEVICE_ASSOCIATE;
        w->task.admin_fqdn = w->admin_fqdn;
        w->task.renew = true;
        TRY(device_work_pursue(w));
    }
    return device_dir_save(&w->dir, &w->state);
}

static bool is_refusal(err_t e)
{
    return e != ERR_OK && cli_exit_code(e) == CLI_REFUSED;
}

/* Its servers refuse what is new, too: has it been given to others [TS-0003 8.3.5.2.4]? ERR_NOT_FOUND: no. */
static err_t follow(struct device_work *w)
{
    bool moved = false;
    begin(w);
    bool associated = w->state.kc_id.z[0] != '\0';
    err_t e = device_usage_configuration(w, &moved);
    if (e != ERR_OK || !moved) {
        return e == ERR_OK ? ERR_NOT_FOUND : e;
    }
    return make(w, DEVICE_RENEW_ENROLMENT, associated);
}

static err_t renew(struct device_work *w, enum device_renewal what)
{
    char said[ROLE_DETAIL_MAX];
    begin(w);
    err_t e = make(w, what, w->state.kc_id.z[0] != '\0');
    if (what != DEVICE_RENEW_ENROLMENT || !is_refusal(e) || device_state_is_gba(&w->state)) { /* a BSF has no configuration for it */
        return e;
    }
    memcpy(said, w->detail, sizeof(said));
    err_t f = follow(w);
    if (f == ERR_NOT_FOUND) { /* the refusal is what is told */
        memcpy(w->detail, said, sizeof(said));
        return e;
    }
    return f;
}

static struct device_due renewal_due(const struct device_work *w, const struct round *r)
{
    (void)r;
    return device_renew_next(&w->state, clock_now());
}

static err_t renewal_do(struct device_work *w, const char **did)
{
    enum device_renewal what = device_renew_next(&w->state, clock_now()).what;
    TRY(renew(w, what));
    *did = what == DEVICE_RENEW_ENROLMENT ? "enrolled" : "key-renewed";
    return ERR_OK;
}

/* -- the AE at its registrar ----------------------------------------------------------------------------------- */
static bool can_reach_cse(const struct device_state *s)
{
    return s->cse.address[0] != '\0' && (device_state_is_direct(s) || secret_is_set(&s->kc.s));
}

/* One that is gone is registered again as it was; one that ends is given as long again (TS-0001 10.2.2.2). */
static struct device_due ae_due(const struct device_work *w, const struct round *r)
{
    (void)r;
    return device_renew_ae(&w->state);
}

static err_t ae_register(struct device_work *w)
{
    begin(w);
    char app_id[DEVICE_STATE_APP_MAX], from[M2MID_MAX];
    TRY(TEXT_COPY(text_of(w->state.app_id), app_id));
    TRY(TEXT_COPY(text_of(w->state.ae_from), from));
    w->task = (struct device_task){
        .goal = DEVICE_REGISTER, .app_id = app_id, .from = from, .unreachable = w->state.unreachable};
    err_t e = device_work_pursue(w);
    w->task.app_id = w->task.from = NULL;
    return e;
}

static err_t ae_request(struct device_work *w, enum op op, const char *content)
{
    char path[M2MID_MAX + 4];
    struct writer to = WRITER_ARRAY(path);
    begin(w);
    writer_z(&to, "/-/");
    writer_z(&to, w->state.ae_stem);
    TRY(writer_finish_z(&to));
    w->task = (struct device_task){.goal = DEVICE_REQUEST, .op = op, .path = path, .body = content};
    err_t e = device_work_pursue(w);
    w->task.path = w->task.body = NULL;
    return e;
}

static err_t ae_prolong(struct device_work *w)
{
    char content[64];
    struct writer c = WRITER_ARRAY(content);
    usec_t now = clock_now();
    usec_t until = now + (w->state.ae_not_after - w->state.ae_since);
    TRY(body_ae_until_write(&c, until));
    TRY(writer_finish_z(&c));
    return ae_request(w, OP_UPDATE, content); /* what the registrar grants is in the state then */
}

/* Not what was asked, but the key by which it was asked. */
static bool is_key_refused(const struct device_work *w, err_t e)
{
    return is_refusal(e) && w->run.rsc == 0;
}

/* A Kpsa or a certificate of somebody's has nothing behind it that another could be made of; Ks has the card. */
static bool is_final(const struct device_state *s)
{
    return device_state_is_direct(s) && !device_state_is_gba(s);
}

/* R000-17: what is refused is a reason to begin anew, from the nearest credential to the bootstrap credential. */
static err_t keys_anew(struct device_work *w, const char **did)
{
    err_t e = device_state_is_direct(&w->state) ? ERR_PEER_REFUSED : renew(w, DEVICE_RENEW_KEY);
    *did = "key-renewed";
    if (is_refusal(e) && !is_final(&w->state)) {
        e = renew(w, DEVICE_RENEW_ENROLMENT);
        *did = "enrolled";
    }
    return e;
}

/* The registrar knows the key, and not the AE: another one took its place, or its record is lost. */
static bool is_ae_gone(err_t e)
{
    return e == ERR_DENIED_NOT_REGISTERED || e == ERR_NOT_FOUND || e == ERR_DENIED_FROM;
}

static err_t ae_do(struct device_work *w, const char **did)
{
    bool gone = w->state.ae_stem[0] == '\0' || w->state.ae_not_after <= clock_now();
    err_t e = gone ? ae_register(w) : ae_prolong(w);
    if (is_key_refused(w, e) && !is_final(&w->state)) {
        TRY(keys_anew(w, did));
        gone = gone || w->state.ae_stem[0] == '\0';
        e = gone ? ae_register(w) : ae_prolong(w);
    }
    if (!gone && is_ae_gone(e) && w->state.app_id[0] != '\0') { /* nothing is there to prolong */
        gone = true;
        e = ae_register(w);
    }
    *did = gone ? "registered" : "registration-prolonged";
    return e;
}

/* -- the certificate that the MEF gave -------------------------------------------------------------------------- */
/* It lies beside the state, for all places: it is renewed at the MEF of the first one. */
static struct device_due certificate_due(const struct device_work *w, const struct round *r)
{
    (void)r;
    struct device_due d = {.what = DEVICE_RENEW_NOTHING, .at = USEC_NEVER, .end = USEC_NEVER};
    if (w->dir.place == 0 && w->state.mef.address[0] != '\0') {
        device_est_due(&w->dir, &d.at, &d.end);
    }
    return d;
}

static err_t certificate_do(struct device_work *w, const char **did)
{
    begin(w);
    *did = "certificate-renewed";
    return device_est_again(w);
}

/* -- usage-constrained keys: DIR/keys ---------------------------------------------------------------------------- */
static struct device_due usage_due(const struct device_work *w, const struct round *r)
{
    (void)r;
    return device_usage_due(w);
}

static err_t usage_do(struct device_work *w, const char **did)
{
    bool any = false;
    begin(w);
    TRY(device_usage_again(w, &any));
    *did = any ? "usage-keys-renewed" : NULL;
    return ERR_OK;
}

/* -- is all of it still there? --------------------------------------------------------------------------------------- */
static struct device_due check_due(const struct device_work *w, const struct round *r)
{
    usec_t last = r->checked[w->dir.place], now = clock_now();
    bool able = can_reach_cse(&w->state) && w->state.ae_stem[0] != '\0';
    bool set_back = last > now; /* the clock */
    usec_t at = last == 0 || set_back ? now : last + r->check;
    return (struct device_due){DEVICE_RENEW_NOTHING, able ? at : USEC_NEVER, able ? at : USEC_NEVER};
}

static err_t heal(struct device_work *w, const char **did)
{
    TRY(keys_anew(w, did));
    return w->state.ae_stem[0] == '\0' ? ERR_DENIED_NOT_REGISTERED : ae_request(w, OP_RETRIEVE, NULL);
}

static err_t check_do(struct device_work *w, const char **did)
{
    err_t e = ae_request(w, OP_RETRIEVE, NULL);
    if (is_refusal(e) && !is_ae_gone(e)) {
        e = heal(w, did);
    }
    if (is_ae_gone(e) && w->state.app_id[0] != '\0') {
        *did = "registered";
        e = ae_register(w);
    }
    return e;
}

/* -- what is kept: a row a thing ---------------------------------------------------------------------------------------- */
static const struct row {
    struct device_due (*due)(const struct device_work *w, const struct round *r);
    err_t (*run)(struct device_work *w, const char **did); /* *did stays NULL if there was nothing to do */
} rows[] = {{renewal_due, renewal_do}, {ae_due, ae_do}, {certificate_due, certificate_do}, {check_due, check_do},
          {usage_due, usage_do}};

static void tell(struct device_work *w, const char *did, usec_t next)
{
    cli_out_begin(w->a);
    cli_out(w->a, "result", text_of(did));
    cli_out(w->a, "ke_id", text_of(w->state.ke_id.z));
    cli_out(w->a, "kc_id", text_of(w->state.kc_id.z));
    if (w->dir.book->n > 1) {
        cli_out(w->a, "at", text_of(device_book_name(w->dir.book, w->dir.place).z));
    }
    device_work_out_time(w->a, "next", next);
    cli_out_end(w->a);
}

static void sooner(struct device_due *next, struct device_due d)
{
    *next = d.at < next->at ? d : *next;
}

/* The next of all rows of this place. */
static struct device_due place_next(struct device_work *w, const struct round *r)
{
    struct device_due next = {.at = USEC_NEVER, .end = USEC_NEVER};
    w->state = w->dir.book->at[w->dir.place].s;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        sooner(&next, rows[i].due(w, r));
    }
    return next;
}

static err_t place_keep(struct device_work *w, struct round *r, bool *any)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *did = NULL;
        begin(w);
        usec_t at = rows[i].due(w, r).at, now = clock_now();
        *any = *any || at != USEC_NEVER;
        if (at > now) { /* R000-17: before that no enrolment is started */
            continue;
        }
        TRY(rows[i].run(w, &did));
        if (rows[i].run == check_do || did != NULL) {
            r->checked[w->dir.place] = clock_now();
        }
        if (did != NULL) {
            usec_t next = place_next(w, r).at;
            tell(w, did, next);
            r->told = true;
        }
    }
    return ERR_OK;
}

/* Each place by itself: one whose servers refuse does not keep the others waiting. */
static err_t look(struct device_work *w)
{
    struct round *r = w->arg;
    struct device_due next = {.at = USEC_NEVER, .end = USEC_NEVER};
    char said[ROLE_DETAIL_MAX] = "";
    bool any = false, all = cli_arg(w->a, "--at") == NULL;
    err_t first = ERR_OK, e = device_work_open(w, false);
    r->busy = e == ERR_STORE_LOCKED && !r->once;
    r->next = next; /* until it is known what comes first, only the intervals of a failure count */
    if (r->busy) {
        return ERR_OK;
    }
    TRY(all && e == ERR_USAGE && w->dir.book != NULL && w->dir.book->n > 1 ? ERR_OK : e);
    size_t from = all ? 0 : w->dir.place, to = all ? w->dir.book->n : from + 1;
    for (w->dir.place = from; w->dir.place < to; w->dir.place++) {
        e = place_keep(w, r, &any);
        if (e != ERR_OK && first == ERR_OK) {
            first = e;
            memcpy(said, w->detail, sizeof(said));
        } else if (e == ERR_OK) { /* what failed is tried again with its own intervals */
            sooner(&next, place_next(w, r));
        }
    }
    r->next = next;
    memcpy(w->detail, said, sizeof(said));
    TRY(first);
    if (!any) {
        return detail_fail(w->detail, ERR_STATE, "nothing here ends: run device enrol first", text_empty());
    }
    if (r->once && !r->told) {
        w->dir.place = from;
        tell(w, "not-due", next.at);
    }
    return ERR_OK;
}

/* -- the loop ------------------------------------------------------------------------------------------------ */
/* Up to a quarter of it, so that a million devices that were enrolled together do not come together again. */
static usec_t jitter(usec_t span)
{
    uint32_t n = 0;
    if (span <= 0 || crypto_openssl()->random((uint8_t *)&n, sizeof(n)) != ERR_OK) {
        return 0;
    }
    return span / 4 * (usec_t)(n % 1024) / 1024;
}

/* True: SIGTERM or SIGINT came, perhaps while a renewal ran, which was let go to its end. */
static bool sleeps(usec_t time)
{
    sigset_t ends;
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGINT);
    const struct timespec t = {.tv_sec = (time_t)(time / USEC_PER_SEC), .tv_nsec = (long)(time % USEC_PER_SEC) * 1000};
    (void)sigprocmask(SIG_BLOCK, &ends, NULL);
    return sigtimedwait(&ends, NULL, &t) > 0;
}

static usec_t nap(const struct round *r, usec_t wait)
{
    usec_t left = r->busy ? BUSY : r->next.at - clock_now() + wait;
    return left < 0 ? 0 : left < SLEEP_MOST ? left : SLEEP_MOST;
}

/* What failed is tried again with its own intervals; what did not is not late for it. */
static usec_t soonest(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

int device_keep(const struct cli_args *a)
{
    struct round r = {.once = cli_arg(a, "--once") != NULL, .check = CHECK_DEFAULT};
    const char *check = cli_arg(a, "--check");
    if (check != NULL && (timestamp_duration(text_of(check), &r.check) != ERR_OK || r.check < CHECK_LEAST)) {
        return cli_fail(a, ERR_USAGE, "--check");
    }
    usec_t retry = RETRY_FIRST, spread = 0, seen = 0;
    bool ended = !r.once && sleeps(0);
    while (!ended) {
        int code = device_work_run_with(a, look, &r);
        bool again = code == CLI_REFUSED || code == CLI_UNREACHABLE;
        if (r.once || (code != CLI_DONE && !again)) {
            return code;
        }
        if (r.next.at != seen) { /* once for each renewal: naps do not throw the dice again */
            seen = r.next.at;
            spread = jitter(r.next.end - r.next.at);
        }
        ended = sleeps(code == CLI_DONE ? nap(&r, spread) : soonest(retry + jitter(retry), nap(&r, spread)));
        retry = code == CLI_DONE ? RETRY_FIRST : retry * 2 < RETRY_MOST ? retry * 2 : RETRY_MOST;
    }
    return CLI_DONE;
}
