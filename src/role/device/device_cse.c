/* The registrar's peer: association handshake, AE registration and requests over it. */
#include "base/hex.h"
#include "role/detail.h"
#include "role/device/device_step.h"
#include "wire/body.h"
#include "wire/json.h"
#include "wire/timestamp.h"

/* GBA-based SAEF: the CSE is the NAF, its key Kpsa (R001-113); R001-111: without a bootstrapping there is none. */
static err_t with_naf_key(struct device *d, usec_t now, struct device_exchange *out)
{
    struct device_state *s = d->state;
    if (!device_state_is_enrolled(s)) {
        return detail_fail(d->detail, ERR_STATE, "not bootstrapped: run device enrol --gba first", text_empty());
    }
    if (s->ke_not_after <= now) {
        return detail_fail(d->detail, ERR_DENIED_EXPIRED, "Ks has ended: run device enrol --gba", text_empty());
    }
    out->server = &s->cse;
    out->psk_id = &s->ke_id;
    out->gba = s;
    return ERR_OK;
}

/* What the association is made with: Kpsa where one was given [8.2.2.1], a certificate [8.2.2.2], else Kc [8.2.2.3]. */
static err_t with_association(struct device *d, usec_t now, struct device_exchange *out)
{
    struct device_state *s = d->state;
    if (secret_is_set(&s->kpsa.s)) {
        out->psk_id = &s->kpsa_id; /* R000-61 */
        out->psk = &s->kpsa.s;     /* R000-60 */
    } else if (s->cse.cert.file[0] != '\0') { /* R000-43; the registrar must show the name of this CSE-ID (R002-78) */
        return device_show_certificate(d, &s->cse, out);
    } else if (device_state_is_direct(s)) {
        return with_naf_key(d, now, out);
    } else if (secret_is_set(&s->kc.s)) {
        if (s->kc_not_after <= now) { /* R002-85 */
            return detail_fail(d->detail, ERR_DENIED_EXPIRED, "the connection key has expired: run device associate", text_empty());
        }
        out->psk_id = &s->kc_id;
        out->psk = &s->kc.s;
    } else { /* R000-13, R000-86: B hears nothing before bootstrapping and association are done */
        return detail_fail(d->detail, ERR_STATE, "no association: run device associate first", text_empty());
    }
    out->server = &s->cse;
    return ERR_OK;
}

err_t device_cse_handshake_prepare(struct device *d, usec_t now, struct device_exchange *out)
{
    out->export_label = KEYS_LABEL_ASSOCIATION;
    return with_association(d, now, out);
}

/* The handshake has proved both sides' identities, and without session keys there is no success either (R000-50, R002-76). */
err_t device_cse_handshake_accept(struct device *d, usec_t now, const struct device_outcome *got)
{
    (void)now;
    struct device_made *m = &d->made;
    struct keys_relative id;
    m->tls_version = got->tls_version;
    m->suite = got->suite;
    if (got->by_digest) { /* the CSE proved itself in its answer; this end has no identifier for the association */
        m->id[0] = '\0';
        return ERR_OK;
    }
    TRY(keys_association_split(&got->exported, &m->key, &id));
    struct writer w = WRITER_ARRAY(m->id);
    hex_write_lower(&w, BYTES_ARRAY(id.b));
    return writer_finish_z(&w);
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

/* What it takes to register once more, and until when it need not (TS-0001 9.6.1.3.1). */
static err_t remember(struct device *d, usec_t now, const json_t *ae)
{
    struct device_state *s = d->state;
    struct text et = json_get_text(ae, "et");
    s->ae_since = now;
    s->ae_not_after = 0;
    if (et.n > 0 && (timestamp_parse(et, &s->ae_not_after) != ERR_OK || s->ae_not_after <= now)) {
        return detail_fail(d->detail, ERR_PEER_NONSENSE, "et", text_empty());
    }
    s->unreachable = d->task->unreachable;
    TRY(TEXT_COPY(text_of(d->task->app_id), s->app_id));
    return TEXT_COPY(text_of(d->task->from), s->ae_from);
}

err_t device_cse_register_accept(struct device *d, usec_t now, const struct device_outcome *got)
{
    SCOPED(json_scope) json_t *body = NULL;
    TRY(json_parse(got->body, &body) == ERR_OK ? ERR_OK : ERR_PEER_NONSENSE);
    const json_t *ae = json_object_get(body, "m2m:ae");
    struct text stem = json_get_text(ae, "aei");
    if (!m2mid_is_stem(stem) || TEXT_COPY(stem, d->state->ae_stem) != ERR_OK) {
        return detail_fail(d->detail, ERR_PEER_NONSENSE, "aei", text_empty());
    }
    return remember(d, now, ae);
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
    out->token = t->token;
    return TEXT_COPY(text_of(t->path), out->path);
}

/* Is this the address of the AE that is registered here, in the forms of TS-0009 6.2.2? Others are found out at the next
 * request: the registrar says then that it does not know us. */
static bool is_own_ae(const struct device_state *s, const char *path)
{
    char prefixes[2][M2MID_MAX + 4];
    struct text sp_relative = text_skip(text_of(s->cse_id.z), 2); /* of "//sp/cse" */
    sp_relative = text_skip(sp_relative, text_find(sp_relative, '/'));
    struct writer relative = WRITER_ARRAY(prefixes[0]);
    struct writer absolute = WRITER_ARRAY(prefixes[1]);
    writer_z(&relative, "/~");
    writer_text(&relative, sp_relative);
    writer_z(&absolute, "/_");
    writer_text(&absolute, text_skip(text_of(s->cse_id.z), 1));
    struct text p = text_of(path);
    if (writer_finish_z(&relative) == ERR_OK && text_starts(p, prefixes[0])) {
        p = text_skip(p, relative.n);
    } else if (writer_finish_z(&absolute) == ERR_OK && text_starts(p, prefixes[1])) {
        p = text_skip(p, absolute.n);
    }
    p = text_starts(p, "/-/") ? text_skip(p, 2) : p;
    return text_starts(p, "/") && s->ae_stem[0] != '\0' && text_eq_z(text_skip(p, 1), s->ae_stem);
}

/* Another end of the own AE, by whoever asked for it here; what the answer does not tell stays. */
static void new_end(struct device_state *s, usec_t now, struct bytes answer)
{
    SCOPED(json_scope) json_t *body = NULL;
    usec_t et = 0;
    struct text t = json_parse(answer, &body) == ERR_OK ? json_get_text(json_object_get(body, "m2m:ae"), "et") : text_empty();
    if (timestamp_parse(t, &et) == ERR_OK && et > now) {
        s->ae_since = now;
        s->ae_not_after = et;
    }
}

err_t device_cse_request_accept(struct device *d, usec_t now, const struct device_outcome *got)
{
    if (d->task->op == OP_UPDATE && is_own_ae(d->state, d->task->path)) {
        new_end(d->state, now, got->body);
    }
    if (d->task->op == OP_DELETE && is_own_ae(d->state, d->task->path)) {
        d->state->ae_stem[0] = d->state->app_id[0] = '\0'; /* it wanted to go: nobody registers it again */
    }
    return ERR_OK;
}

void device_cse_refused(struct device *d, err_t why)
{
    bool own = d->task->goal == DEVICE_REQUEST && d->task->from == NULL;
    if (own && (why == ERR_DENIED_NOT_REGISTERED || (why == ERR_NOT_FOUND && is_own_ae(d->state, d->task->path)))) {
        d->state->ae_stem[0] = '\0';
    }
}
