/* Requests to the MEF on Mmef with the bootstrap credential, Kpm or a certificate [TS-0003 8.3.5.2.2]. */
#include "role/detail.h"
#include "role/device/device_step.h"

err_t device_mef_prepare(struct device *d, usec_t now, struct device_exchange *out)
{
    TRY(device_enrol_prepare(d, now, out));
    out->has_request = true;
    out->op = d->task->op;
    out->ty = d->task->ty;
    out->from = "";
    out->body = text_of(d->task->body);
    return TEXT_COPY(text_of(d->task->path), out->path);
}

/*
 * Each handshake with the MEF is an enrolment: it has an Enrolment Key of this session now, and keeps only the newest ones.
 * As long as nothing was registered at the MAF with the key of an earlier session, that of this one takes its place.
 */
err_t device_mef_accept(struct device *d, usec_t now, const struct device_outcome *got)
{
    const struct device_state *s = d->state;
    if (d->task->exports) { /* this session's key is registered for another purpose, and no Enrolment Key any more */
        d->exported = got->exported;
        return ERR_OK;
    }
    bool unused = secret_is_set(&s->ke.s) && s->registration[0] == '\0' && s->maf.cert.file[0] == '\0';
    return unused && got->exported.set ? device_enrol_accept(d, now, got) : ERR_OK;
}
