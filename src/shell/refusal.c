#include "shell/refusal.h"

#include "shell/clock.h"
#include "shell/log.h"
#include "shell/tls.h"

static bool by_key(const struct conn *c)
{
    return tls_identity(c->tls).n > 0; /* also if no key was found for it */
}

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
    struct job j;
    job_init(&j, JOB_REFUSED, c->role, clock_now());
    j.refusal.why = e;
    j.refusal.key = by_key(c);
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

/* A certificate for any reason that is audited at all. A key only under an identifier that is known: of a wrong key the role has
 * named the one it expected (the decoy of hide-identities names none); the other reasons are told of a record that is there,
 * or of an identifier that names a configured MEF or MAF. */
static bool is_audited(const struct conn *c, err_t e, bool shown)
{
    const struct err_info *row = err_info(e);
    if (!by_key(c)) {
        return row->audited || (shown && row->handshake_audited);
    }
    return row->handshake_audited && (e != ERR_DENIED_PSK_WRONG || c->assoc.key_id.z[0] != '\0');
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
    if (is_audited(c, e, shown.n > 0)) {
        audit(c, e, peer, by_key(c) ? tls_identity(c->tls) : shown);
    }
}
