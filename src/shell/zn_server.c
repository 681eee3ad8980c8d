#include "shell/zn_server.h"

#include "base/ct.h"
#include "role/dispatch.h"
#include "role/originator.h"
#include "role/zn.h"
#include "shell/clock.h"
#include "shell/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEAD_MAX 512

struct asked {
    struct zn_server *s;
    struct zh_zn q;
    struct association assoc;
    uint8_t octets[HEAD_MAX + ZH_ZN_BODY_MAX];
};

/* What a NAF is told; whatever else happened here is ours to know (ERR_PEER_REFUSED). */
static const struct {
    err_t from, to;
} reasons[] = {
    {ERR_OK, ERR_OK},
    {ERR_DENIED_B_TID, ERR_DENIED_B_TID},
    {ERR_DENIED_EXPIRED, ERR_DENIED_B_TID},
    {ERR_MALFORMED_KEY_ID, ERR_DENIED_B_TID},
    {ERR_DENIED_FROM, ERR_DENIED_FROM},
    {ERR_DENIED_GUSS_KEY, ERR_DENIED_FROM},
    {ERR_DENIED_GUSS_GIVE, ERR_DENIED_FROM},
    {ERR_DENIED_CERT_NAME, ERR_DENIED_FROM},
    {ERR_MALFORMED_ID, ERR_MALFORMED},
    {ERR_LIMIT_BUSY, ERR_LIMIT_BUSY},
};

static err_t reason_of(err_t e)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (reasons[i].from == e) {
            return reasons[i].to;
        }
    }
    return ERR_PEER_REFUSED;
}

static void done(void *arg, const struct job_result *r)
{
    struct asked *a = arg;
    const struct snapshot_role *role = &a->s->snap->roles[a->s->role];
    if (r->err != ERR_OK) {
        metrics_refused(a->s->metrics, r->err);
        log_refusal_of(r->err, &(struct log_refused){.instance = role->partition,
                                                     .peer = association_name(&a->assoc),
                                                     .detail = text_of(r->detail),
                                                     .audited = dispatch_is_audited(r->err, &a->assoc)});
    }
    if (a->s->zh != NULL) {
        zh_zn_answer(a->s->zh, &a->q, reason_of(r->err), r->err == ERR_OK ? r->body : bytes_empty());
    }
    ct_wipe(a, sizeof(*a));
    free(a);
}

/* The peer was proved by its certificate, or whatever freeDiameter's configuration asks of it: it is that host and nothing else. */
static err_t associate(const struct zn_server *s, struct text host, usec_t now, struct association *out)
{
    const struct role_cert cert = {.dns = {host}, .dns_n = 1, .not_after = USEC_NEVER};
    memset(out, 0, sizeof(*out));
    TRY(originator_of_cert(&cert, out));
    out->not_after = USEC_NEVER;
    return dispatch_associate(out, s->snap->env.crypto, 0, 0, now, USEC_NEVER);
}

static err_t submit(struct asked *a, const struct zh_zn *q)
{
    struct job j;
    job_init(&j, JOB_REQUEST, a->s->role, clock_now());
    j.binding = JOB_HTTP;
    TRY(associate(a->s, q->host, j.now, &a->assoc));
    j.assoc = &a->assoc;
    struct writer w = WRITER_ARRAY(a->octets);
    char head[HEAD_MAX];
    (void)snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: bsf\r\nX-M2M-RI: zn\r\nX-M2M-RVI: 3\r\nContent-Type: application/json\r\n"
                   "Content-Length: %zu\r\n\r\n", zn_json_form.path, q->body.n);
    writer_z(&w, head);
    writer_bytes(&w, q->body);
    TRY(writer_finish(&w));
    j.octets = writer_view(&w);
    return intake_submit(a->s->intake, &j, done, a);
}

void zn_server_asked(void *owner, const struct zh_zn *q)
{
    struct zn_server *s = owner;
    struct asked *a = calloc(1, sizeof(*a));
    err_t e = a == NULL ? ERR_LIMIT_BUSY : ERR_OK;
    if (a != NULL) {
        a->s = s;
        a->q = (struct zh_zn){.token = q->token, .run = q->run};
        e = submit(a, q);
    }
    if (e != ERR_OK) {
        free(a);
        zh_zn_answer(s->zh, q, reason_of(e), bytes_empty());
    }
}
