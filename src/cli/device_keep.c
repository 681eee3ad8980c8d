#include "cli/device_keep.h"

#include "role/detail.h"
#include "role/device/device_renew.h"
#include "shell/clock.h"
#include "shell/crypto_openssl.h"

#include <signal.h>
#include <string.h>
#include <time.h>

#define SLEEP_MOST (60 * USEC_PER_SEC) /* then the clock is looked at again: somebody may have set it */
#define BUSY (USEC_PER_SEC / 10) /* until another command is done with the state */
#define RETRY_FIRST USEC_PER_SEC
#define RETRY_MOST (300 * USEC_PER_SEC)

const struct cli_opt device_keep_opts[DEVICE_KEEP_OPTS_N] = {
    DEVICE_WORK_OPT_STATE,
    DEVICE_WORK_OPT_EXCHANGE,
    {"--admin-fqdn", 0, "administrating stakeholder at the MAF; by default the SP of the CSE-ID"},
    {"--once", CLI_OPT_FLAG, "renew what is due now, and end: for cron"},
};

struct round {
    bool once;
    bool busy; /* another command works on the state */
    struct device_due next; /* after this round */
};

/* -- one renewal ------------------------------------------------------------------------------------------- */
/* The new ones are on disk, together, only when all of them work; until then the old ones stay, and are good. */
static err_t renew(struct device_work *w, enum device_renewal what)
{
    bool associated = w->state.kc_id.z[0] != '\0';
    w->deferred = true;
    if (what == DEVICE_RENEW_ENROLMENT) {
        w->task.goal = DEVICE_ENROL;
        TRY(device_work_pursue(w));
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

static void tell(const struct device_work *w, const struct round *r, const char *did)
{
    cli_out_begin(w->a);
    cli_out(w->a, "result", text_of(did));
    cli_out(w->a, "ke_id", text_of(w->state.ke_id.z));
    cli_out(w->a, "kc_id", text_of(w->state.kc_id.z));
    device_work_out_time(w->a, "next", r->next.at);
    cli_out_end(w->a);
}

static err_t look(struct device_work *w)
{
    struct round *r = w->arg;
    err_t e = device_work_open(w, false);
    r->busy = e == ERR_STORE_LOCKED && !r->once;
    if (r->busy) {
        return ERR_OK;
    }
    TRY(e);
    struct device_due due = device_renew_next(&w->state);
    if (due.what == DEVICE_RENEW_NOTHING) {
        return detail_fail(w->detail, ERR_STATE, "nothing here ends: run device enrol first", text_empty());
    }
    bool now = due.at <= clock_now(); /* R000-17: before that no enrolment is started */
    if (now) {
        TRY(renew(w, due.what));
    }
    r->next = device_renew_next(&w->state);
    if (now || r->once) {
        tell(w, r, !now ? "not-due" : due.what == DEVICE_RENEW_ENROLMENT ? "enrolled" : "key-renewed");
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

int device_keep(const struct cli_args *a)
{
    struct round r = {.once = cli_arg(a, "--once") != NULL, .next = {.at = 0}};
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
        ended = sleeps(code == CLI_DONE ? nap(&r, spread) : retry + jitter(retry));
        retry = code == CLI_DONE ? RETRY_FIRST : retry * 2 < RETRY_MOST ? retry * 2 : RETRY_MOST;
    }
    return CLI_DONE;
}
