#include "shell/refusal.h"

#include "shell/clock.h"
#include "shell/log.h"
#include "shell/tls.h"

static void done(void *owner, const struct job_result *r)
{
    (void)owner;
    (void)r; /* nobody waits for it: a writer that cannot keep it says so itself */
}

static void audit(struct conn *c, err_t e, struct text peer, struct text shown)
{
    if (!refusal_gate_pass(&c->w->refusals[e], clock_monotonic())) {
        return;
    }
    struct job j = conn_job(c, JOB_REFUSED, clock_now());
    j.refusal.why = e;
    err_t kept = text_copy(peer, j.refusal.peer, sizeof(j.refusal.peer));
    if (kept == ERR_OK) {
        kept = text_copy(text_take(shown, sizeof(j.refusal.shown) - 1), j.refusal.shown, sizeof(j.refusal.shown));
    }
    if (kept == ERR_OK) {
        kept = channel_submit(&c->w->channel, &j, done, NULL);
    }
    if (kept != ERR_OK) {
        log_refusal(kept, peer, text_of("not in the audit chain")); /* a writer with too much to do */
    }
}

void refusal_note(struct conn *c, err_t e)
{
    char name[64];
    struct text peer = conn_name(c, name, sizeof(name));
    struct text shown = tls_shown(c->tls);
    c->w->metrics->handshakes_failed++;
    metrics_refused(c->w->metrics, e);
    log_refusal_of(e, &(struct log_refused){.instance = conn_role(c)->partition,
                                            .peer = peer,
                                            .detail = shown.n > 0 ? shown : tls_identity(c->tls)});
    if (err_info(e)->audited && !tls_is_psk(c->tls)) {
        audit(c, e, peer, shown);
    }
}
