#include "role/device/device.h"

#include "role/detail.h"
#include "role/device/device_step.h"
#include "wire/json.h"

/* The goals as lists of steps, in the order in which they are taken: the phases of R001-21 that the Enrolee runs. */
static const struct device_step steps[] = {
    {DEVICE_ENROL, "bootstrap handshake", "TS-0003 8.3.2.1", NULL, device_enrol_prepare, device_enrol_accept},
    {DEVICE_ASSOCIATE, "MAF client registration", "TS-0003 8.8.2.3", device_maf_register_needed,
     device_maf_register_prepare, device_maf_register_accept},
    {DEVICE_ASSOCIATE, "MAF key registration", "TS-0003 8.8.2.7", device_maf_key_needed, device_maf_key_prepare,
     device_maf_key_accept},
    /* R002-71: as TS-0003 has it; a session that carries requests is its end (R000-51) */
    {DEVICE_ASSOCIATE, "association security handshake", "TS-0003 8.2.2", NULL, device_cse_handshake_prepare,
     device_cse_handshake_accept},
    {DEVICE_REGISTER, "AE registration", "TS-0001 10.2.2.2", NULL, device_cse_register_prepare,
     device_cse_register_accept},
    {DEVICE_MAF_CONFIGURATION, "MAF client configuration retrieval", "TS-0003 8.8.2.4", NULL, device_manage_prepare,
     device_manage_accept},
    {DEVICE_MAF_UPDATE, "MAF client registration update", "TS-0003 8.8.2.5", NULL, device_manage_prepare,
     device_manage_accept},
    {DEVICE_MAF_DEREGISTER, "MAF client de-registration", "TS-0003 8.8.2.6", NULL, device_manage_prepare,
     device_manage_accept},
    {DEVICE_KEY_UPDATE, "MAF key registration update", "TS-0003 8.8.2.9", NULL, device_manage_prepare, device_manage_accept},
    {DEVICE_KEY_DEREGISTER, "MAF key de-registration", "TS-0003 8.8.2.10", NULL, device_manage_prepare,
     device_manage_accept},
    {DEVICE_FETCH, "key fetching", "TS-0003 8.3.2.1", NULL, device_enrol_fetch_prepare, device_enrol_fetch_accept},
    {DEVICE_MEF_REQUEST, "request to the MEF", "TS-0003 8.3.5.2, 8.3.9", NULL, device_mef_prepare, device_mef_accept},
    {DEVICE_MAF_REQUEST, "request to the MAF", "TS-0003 8.8.2", NULL, device_maf_request_prepare, device_maf_request_accept},
    /* what a command MO_NODE asks for: parts of DEVICE_ASSOCIATE */
    {DEVICE_MAF_REGISTER, "MAF client registration", "TS-0003 8.8.2.3", device_maf_register_needed,
     device_maf_register_prepare, device_maf_register_accept},
    {DEVICE_MAF_KEY, "MAF client registration", "TS-0003 8.8.2.3", device_maf_register_needed,
     device_maf_register_prepare, device_maf_register_accept},
    {DEVICE_MAF_KEY, "MAF key registration", "TS-0003 8.8.2.7", device_maf_key_needed, device_maf_key_prepare,
     device_maf_key_accept},
    {DEVICE_REQUEST, "request", "TS-0004 7.3", NULL, device_cse_request_prepare, device_cse_request_accept},
};

void device_start(struct device *d, struct device_state *state, const struct crypto *c, const struct device_task *task)
{
    *d = (struct device){.state = state, .crypto = c, .task = task};
}

void device_wipe(struct device *d)
{
    secret_wipe(&d->made.key.s);
    keys_export_wipe(&d->exported);
    fetched_wipe(&d->fetched);
}

err_t device_next(struct device *d, usec_t now, struct device_exchange *out)
{
    for (; d->step < ARRAY_LEN(steps); d->step++) {
        const struct device_step *s = &steps[d->step];
        if (s->goal != d->task->goal || (s->needed != NULL && !s->needed(d, now))) {
            continue;
        }
        *out = (struct device_exchange){.name = s->name, .clause = s->clause};
        TRY(s->prepare(d, now, out));
        if (out->server->address[0] == '\0') { /* R001-71: without an address the Enrolee does not start */
            return detail_fail(d->detail, ERR_STATE, "no address is configured for", text_of(out->server->fqdn));
        }
        d->waiting = true;
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

/* Of "code: text (detail); hint [clause]" the detail, if the rest stands in our own row; of anything else all. */
static struct text said_beyond(struct text dbg, const struct err_info *row)
{
    struct text rest = text_skip(dbg, text_of(row->code).n + 2);
    if (!text_starts(rest, row->text)) {
        return dbg;
    }
    rest = text_skip(rest, text_of(row->text).n);
    if (!text_starts(rest, " (")) {
        return text_empty();
    }
    rest = text_skip(rest, 2);
    for (size_t i = 0; i < rest.n; i++) {
        struct text end = text_skip(rest, i);
        if (text_starts(end, "); ") && text_starts(text_skip(end, 3), row->hint)) {
            return text_take(rest, i);
        }
    }
    return dbg;
}

/* The peer's reason code stands at the front of its debug text; what it says beyond goes to the detail. */
err_t device_refusal(struct bytes answer, char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(json_scope) json_t *body = NULL;
    char code[64];
    if (json_parse(answer, &body) == ERR_OK) {
        struct text dbg = json_get_text(body, json_object_get(body, "m2m:dbg") != NULL ? "m2m:dbg" : "errorString");
        bool named = TEXT_COPY(text_take(dbg, text_find(dbg, ':')), code) == ERR_OK;
        err_t e = named ? err_of_code(code) : ERR_OK;
        struct text said = e == ERR_OK ? dbg : said_beyond(dbg, err_info(e));
        detail[0] = '\0';
        if (e == ERR_OK || said.n > 0) {
            (void)detail_fail(detail, ERR_OK, "the peer says", said);
        }
        if (e != ERR_OK) {
            return e;
        }
    }
    return ERR_PEER_REFUSED;
}

err_t device_accept(struct device *d, usec_t now, const struct device_outcome *got)
{
    if (!d->waiting) {
        return ERR_BUG;
    }
    d->waiting = false;
    TRY(got->err);
    if (got->rsc >= 3000) {
        err_t e = device_refusal(got->body, d->detail);
        device_cse_refused(d, e);
        return e;
    }
    TRY(steps[d->step].accept(d, now, got));
    d->step++;
    return ERR_OK;
}
