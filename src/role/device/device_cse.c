/* The registrar's peer: association handshake, AE registration and requests over it. */
#include "role/detail.h"
#include "role/device/device_step.h"
#include "wire/body.h"
#include "wire/json.h"

/* What the association is made with: Kpsa where one was given [8.2.2.1], a certificate [8.2.2.2], else Kc [8.2.2.3]. */
static err_t with_association(struct device *d, usec_t now, struct device_exchange *out)
{
    struct device_state *s = d->state;
    if (secret_is_set(&s->kpsa.s)) {
        out->psk_id = &s->kpsa_id; /* R000-61 */
        out->psk = &s->kpsa.s;     /* R000-60 */
    } else if (s->cse.cert.file[0] != '\0') { /* R000-43; the registrar must show the name of this CSE-ID (R002-78) */
        return device_show_certificate(d, &s->cse, out);
    } else if (secret_is_set(&s->kc.s)) {
        if (s->kc_not_after <= now) { /* R002-85 */
            return detail_fail(d->detail, ERR_DENIED_EXPIRED, "the connection key has expired: run device associate", text_empty());
        }
        out->psk_id = &s->kc_id;
        out->psk = &s->kc.s;
    } else {
        return detail_fail(d->detail, ERR_STATE, "no association: run device associate first", text_empty());
    }
    out->server = &s->cse;
    return ERR_OK;
}

err_t device_cse_handshake_prepare(struct device *d, usec_t now, struct device_exchange *out)
{
    return with_association(d, now, out);
}

err_t device_cse_handshake_accept(struct device *d, usec_t now, const struct device_outcome *got)
{
    (void)d;
    (void)now;
    (void)got;
    return ERR_OK;
}

err_t device_cse_register_prepare(struct device *d, usec_t now, struct device_exchange *out)
{
    TRY(with_association(d, now, out));
    out->has_request = true;
    out->op = OP_CREATE;
    out->ty = BODY_TY_AE;
    out->from = d->task->from;
    TRY(TEXT_COPY(text_of("/-"), out->path));
    struct writer w = WRITER_ARRAY(d->body);
    TRY(body_ae_write(&w, text_of(d->task->app_id), !d->task->unreachable));
    out->body = writer_view_text(&w);
    return ERR_OK;
}

err_t device_cse_register_accept(struct device *d, usec_t now, const struct device_outcome *got)
{
    (void)now;
    SCOPED(json_scope) json_t *body = NULL;
    TRY(json_parse(got->body, &body) == ERR_OK ? ERR_OK : ERR_PEER_NONSENSE);
    struct text stem = json_get_text(json_object_get(body, "m2m:ae"), "aei");
    if (!m2mid_is_stem(stem) || TEXT_COPY(stem, d->state->ae_stem) != ERR_OK) {
        return detail_fail(d->detail, ERR_PEER_NONSENSE, "aei", text_empty());
    }
    return ERR_OK;
}

err_t device_cse_request_prepare(struct device *d, usec_t now, struct device_exchange *out)
{
    const struct device_task *t = d->task;
    TRY(with_association(d, now, out));
    out->has_request = true;
    out->op = t->op;
    out->ty = t->ty;
    out->from = t->from != NULL ? t->from : d->state->ae_stem;
    if (out->from[0] == '\0') {
        return detail_fail(d->detail, ERR_STATE, "not registered: run device register first, or give --from", text_empty());
    }
    out->body = text_of(t->body);
    return TEXT_COPY(text_of(t->path), out->path);
}

err_t device_cse_request_accept(struct device *d, usec_t now, const struct device_outcome *got)
{
    (void)d;
    (void)now;
    (void)got;
    return ERR_OK;
}
