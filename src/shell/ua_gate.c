#include "shell/ua_gate.h"

#include "proto/ua.h"
#include "role/dispatch.h"
#include "shell/clock.h"
#include "shell/exchange.h"

#include <stdlib.h>
#include <string.h>

#define FETCHES_MOST 3 /* for B-TIDs that turn up on a connection, without a request that is proved: a stranger costs two servers no more */

/* R000-46: whoever is known by this B-TID on this connection. */
struct ua_who {
    char b_tid[B_TID_MAX];
    bool of_card;
    bool answered; /* the question was, and `err` says how */
    err_t err;
    struct secret key;
    struct association assoc;
    bool established; /* it is in the audit chain (R004-19) */
};

/* Who proved the last request that was proved, and who turned up since: until he has proved one he takes nobody's place. */
struct ua_state {
    struct ua_who proved, next;
    struct ua_count count; /* of the connection, whoever it was */
    struct ua_proof proof; /* of the answer to the request under way, if that was admitted */
    unsigned fetches;
};

static void forget(struct ua_who *u)
{
    secret_wipe(&u->key);
    memset(u, 0, sizeof(*u));
}

void ua_gate_free(struct conn *c)
{
    if (c->ua != NULL) {
        forget(&c->ua->proved);
        forget(&c->ua->next);
        ua_proof_wipe(&c->ua->proof);
        free(c->ua);
        c->ua = NULL;
    }
}

/* -- refusals ------------------------------------------------------------------------------------------- */
/* With these goes a challenge: bootstrapping is required, or required again [TS 24.109 5.2.4, 5.2.5], or only another nonce is. */
static const struct {
    err_t e;
    bool stale;
} challenged[] = {
    {ERR_UA_REQUIRED, false}, {ERR_UA_REALM, false},      {ERR_UA_STALE, true},       {ERR_UA_REPLAYED, true},
    {ERR_DENIED_B_TID, false}, {ERR_DENIED_EXPIRED, false}, {ERR_DENIED_DIGEST, false},
};

static bool has_word(struct text t, const char *word)
{
    struct text w = text_of(word);
    for (size_t i = 0; i + w.n <= t.n; i++) {
        if (text_eq(text_take(text_skip(t, i), w.n), w)) {
            return true;
        }
    }
    return false;
}

static void refuse(struct conn *c, const struct ua_naf *n, const struct primitive *p, err_t e, usec_t now)
{
    char headers[ROLE_HEADERS_MAX] = "";
    struct writer w = WRITER_ARRAY(headers);
    const bool of_card = has_word(p->agent, UA_AGENT_UICC) || has_word(p->authorization, UA_REALM_UICC);
    for (size_t i = 0; i < ARRAY_LEN(challenged); i++) {
        if (challenged[i].e != e) {
            continue;
        }
        writer_z(&w, "WWW-Authenticate: ");
        if (ua_challenge(n, of_card, challenged[i].stale, now, &w) != ERR_OK) {
            break;
        }
        writer_z(&w, "\n");
        if (writer_finish_z(&w) == ERR_OK) {
            exchange_challenge(c, e, headers);
            return;
        }
    }
    exchange_refuse(c, e, "");
}

/* -- the key -------------------------------------------------------------------------------------------- */
static void asked(struct ask_waiter *waiter, err_t e, const struct secret *key, const struct association *a)
{
    struct conn *c = (struct conn *)((char *)waiter - offsetof(struct conn, waiter));
    struct ua_who *u = &c->ua->next;
    u->answered = true;
    u->err = e;
    if (e == ERR_OK) {
        u->key = *key;
        u->assoc = *a;
    }
    conn_again(c);
}

static void psk_wipe(struct role_psk *p)
{
    secret_wipe(&p->key);
}

static err_t make_room(struct conn *c)
{
    c->ua = c->ua != NULL ? c->ua : calloc(1, sizeof(*c->ua));
    TRY(c->ua != NULL ? ERR_OK : ERR_LIMIT_BUSY);
    forget(&c->ua->next);
    return ERR_OK;
}

static err_t fetch(struct conn *c, const struct question *q)
{
    if (c->ua->fetches == FETCHES_MOST) {
        c->last = true;
        return ERR_UA_UNPROVED;
    }
    TRY(ask_key(&c->w->ask, c->role, q, &c->waiter, asked));
    c->ua->fetches++;
    c->busy = true;
    return ERR_OK;
}

/* As in a handshake with this B-TID: the same questions, limits and answers. */
static err_t ask(struct conn *c, const struct ua_request *rq, usec_t now)
{
    struct txn t;
    struct arena arena;
    SCOPED(psk_wipe) struct role_psk psk;
    const struct role_ua ua = {rq->b_tid, tls_suite(c->tls), rq->of_card};
    TRY(make_room(c));
    struct ua_who *u = &c->ua->next;
    TRY(worker_view(c->w, c->role, &t, &arena));
    TRY(dispatch_ua(conn_role(c)->role, conn_role(c)->ctx, &t, &ua, now, &psk));
    TRY(TEXT_COPY(rq->b_tid, u->b_tid));
    u->of_card = rq->of_card;
    if (psk.verdict == ROLE_ASK) {
        return fetch(c, &psk.ask);
    }
    u->answered = true;
    u->key = psk.key;
    u->assoc = psk.assoc;
    return ERR_OK;
}

static bool is_of(const struct ua_who *u, const struct ua_request *rq)
{
    return u->answered && text_eq_z(rq->b_tid, u->b_tid) && rq->of_card == u->of_card;
}

/* Whose key is there already? NULL: nobody's who could have made this request. R001-134: at its end a key is asked for anew. */
static struct ua_who *find_who(struct conn *c, const struct ua_request *rq, usec_t now)
{
    struct ua_who *u = c->ua == NULL ? NULL : is_of(&c->ua->proved, rq) ? &c->ua->proved : &c->ua->next;
    return u != NULL && is_of(u, rq) && u->err == ERR_OK && u->assoc.not_after > now ? u : NULL;
}

/* With the key there, or busy until it is. */
static err_t find_key(struct conn *c, const struct ua_request *rq, usec_t now, struct ua_who **out)
{
    *out = find_who(c, rq, now);
    if (*out != NULL) {
        return ERR_OK;
    }
    if (c->ua != NULL && is_of(&c->ua->next, rq) && c->ua->next.err != ERR_OK) {
        err_t e = c->ua->next.err;
        forget(&c->ua->next);
        return e;
    }
    TRY(ask(c, rq, now));
    *out = &c->ua->next;
    return ERR_OK;
}

/* -- the proof ------------------------------------------------------------------------------------------ */
/* Who takes another's place does it with a nonce younger than all that were used before: what the other sent is not taken again. */
static err_t prove(struct conn *c, const struct ua_naf *n, const struct ua_request *rq, const struct ua_message *m, struct ua_who *u)
{
    struct ua_state *s = c->ua;
    struct ua_count last = s->count;
    if (u == &s->next) {
        last.nc = UINT32_MAX;
    }
    TRY(ua_check(n, rq, m, &u->key, &last));
    TRY(ua_proof_make(n, rq, &u->key, &s->proof));
    s->count = last;
    s->fetches = 0;
    if (u == &s->next) {
        forget(&s->proved);
        s->proved = s->next;
        forget(&s->next);
    }
    return ERR_OK;
}

/* -- the association ------------------------------------------------------------------------------------ */
static void kept(void *owner, const struct job_result *r)
{
    struct conn *c = owner;
    worker_view_renew(c->w);
    if (!conn_unpin(c)) {
        return;
    }
    err_t e = r == NULL ? ERR_STORE : r->err;
    if (e != ERR_OK) {
        exchange_refuse(c, e, "");
        conn_resume(c);
        return;
    }
    c->assoc = r->assoc;
    c->ua->proved.assoc = r->assoc;
    c->ua->proved.established = true;
    c->busy = true;
    conn_again(c);
}

/* R004-19: before it carries its first request. */
static err_t establish(struct conn *c, usec_t now)
{
    struct ua_who *u = &c->ua->proved;
    u->assoc.by_digest = true;
    TRY(dispatch_associate(&u->assoc, c->w->snap->env.crypto, tls_version(c->tls), tls_suite(c->tls), now, USEC_NEVER));
    c->assoc = u->assoc;
    TRY(conn_alive(c));
    if (conn_role(c)->role->established == NULL) {
        u->established = true;
        return ERR_OK;
    }
    SCOPED(job_wipe) struct job j = conn_job(c, JOB_ESTABLISHED, now);
    TRY(channel_submit(&c->w->channel, &j, kept, c));
    c->busy = true;
    return ERR_OK;
}

static err_t judge(struct conn *c, const struct ua_naf *n, const struct primitive *p, usec_t now)
{
    char room[DIGEST_TEXT_MAX];
    struct writer scratch = WRITER_ARRAY(room);
    struct ua_request rq;
    struct ua_who *u = NULL;
    const struct ua_message m = {p->method, p->target, p->content};
    TRY(p->authorization.n > 0 ? ERR_OK : ERR_UA_REQUIRED);
    TRY(ua_read(n, p->authorization, now, &scratch, &rq));
    TRY(find_key(c, &rq, now, &u));
    if (c->busy) {
        return ERR_OK;
    }
    TRY(prove(c, n, &rq, &m, u));
    c->admitted = true;
    c->assoc = c->ua->proved.assoc;
    return c->ua->proved.established ? ERR_OK : establish(c, now);
}

static struct ua_naf naf_of(const struct conn *c)
{
    const struct snapshot_role *r = conn_role(c);
    return (struct ua_naf){c->w->snap->env.crypto, r->role->ua_fqdn(r->ctx), bytes_of(c->w->ua_secret, sizeof(c->w->ua_secret)),
                           text_of(c->session)};
}

bool ua_gate_pass(struct conn *c, const struct primitive *p)
{
    usec_t now = clock_now();
    if (!c->listener->digest || c->admitted) {
        return true;
    }
    const struct ua_naf n = naf_of(c);
    err_t e = judge(c, &n, p, now);
    if (e != ERR_OK) {
        refuse(c, &n, p, e, now);
        return false;
    }
    return !c->busy;
}

/* TS 24.109 5.2: whoever it is that answers has the key of the B-TID too. Where it cannot be made the UE takes the answer for nobody's. */
struct text ua_gate_answer(const struct conn *c, struct bytes body, char room[static UA_GATE_INFO_MAX])
{
    struct writer w = writer_of(room, UA_GATE_INFO_MAX);
    if (!c->listener->digest || !c->admitted || c->ua == NULL) {
        return text_empty();
    }
    const struct ua_naf n = naf_of(c);
    return ua_answer(&n, &c->ua->proof, body, clock_now(), &w) == ERR_OK ? writer_view_text(&w) : text_empty();
}
