#include "wire/body.h"

#include "keys/keyid.h"
#include "wire/emit.h"
#include "wire/m2mid.h"
#include "wire/reg_attr.h"
#include "wire/timestamp.h"

/* Opens {"ROOT":{; body_close() closes both. */
static struct emit open_root(struct writer *w, const char *root)
{
    struct emit e = emit_to(w);
    emit_object(&e, NULL);
    emit_object(&e, root);
    return e;
}

static err_t close_root(struct emit *e)
{
    emit_close_object(e);
    emit_close_object(e);
    return writer_finish(e->w);
}

/* What both registrations carry. */
static struct emit open_registration(struct writer *w, uint32_t ty, usec_t et, struct text admin_fqdn)
{
    struct emit e = open_root(w, reg_attr_root(ty));
    emit_time(&e, reg_attr_name(REG_ATTR_ET), et);
    emit_text(&e, reg_attr_name(REG_ATTR_ADFQ), admin_fqdn);
    return e;
}

err_t body_client_write(struct writer *w, usec_t et, struct text admin_fqdn)
{
    struct emit e = open_registration(w, REG_ATTR_TY_MAF_CLIENT, et, admin_fqdn);
    return close_root(&e);
}

err_t body_key_write(struct writer *w, usec_t et, struct text admin_fqdn, struct text target)
{
    struct emit e = open_registration(w, REG_ATTR_TY_KEY, et, admin_fqdn);
    emit_number(&e, reg_attr_name(REG_ATTR_SUID), BODY_SUID_SAEF);
    emit_array(&e, reg_attr_name(REG_ATTR_TGIS));
    emit_text(&e, NULL, target);
    emit_close_array(&e);
    return close_root(&e);
}

err_t body_update_write(struct writer *w, uint32_t ty, usec_t et, struct text labels)
{
    struct emit e = open_root(w, reg_attr_root(ty));
    struct text label = text_empty();
    if (et != 0) {
        emit_time(&e, reg_attr_name(REG_ATTR_ET), et);
    }
    if (labels.n > 0) {
        emit_array(&e, reg_attr_name(REG_ATTR_LBL));
        while (text_next(&labels, ',', &label)) {
            emit_text(&e, NULL, label);
        }
        emit_close_array(&e);
    }
    return close_root(&e);
}

err_t body_ae_write(struct writer *w, struct text app_id, bool reachable)
{
    struct emit e = open_root(w, "m2m:ae");
    emit_text(&e, "api", app_id);
    emit_bool(&e, "rr", reachable);
    emit_array(&e, "srv");
    emit_z(&e, NULL, "3");
    emit_close_array(&e);
    return close_root(&e);
}

err_t body_ae_until_write(struct writer *w, usec_t et)
{
    struct emit e = open_root(w, "m2m:ae");
    emit_time(&e, "et", et);
    return close_root(&e);
}

err_t body_content_write(struct writer *w, struct text con)
{
    struct emit e = open_root(w, "m2m:cin");
    emit_text(&e, "con", con);
    return close_root(&e);
}

static err_t nonsense(const char *what, const char **wrong)
{
    *wrong = what;
    return ERR_PEER_NONSENSE;
}

/* An end that is over may be true all the same: one of the two clocks is wrong then. */
static err_t end_check(struct text end, usec_t now, usec_t *et, const char **wrong)
{
    if (timestamp_parse(end, et) != ERR_OK) {
        return nonsense("expirationTime", wrong);
    }
    return *et > now ? ERR_OK : nonsense("expirationTime is over by the clock here: look at both clocks", wrong);
}

/* Not expired, and the stakeholder that was sent. */
static err_t common_check(const struct body_answer *a, const struct body_expected *x, usec_t *et, const char **wrong)
{
    TRY(end_check(a->et, x->now, et, wrong));
    if (!text_eq_nocase(a->adfq, x->admin_fqdn)) {
        return nonsense("adminFQDN", wrong);
    }
    return ERR_OK;
}

static bool is_km_id_or_none(struct text aski)
{
    struct keyid_parts parts;
    return aski.n == 0 || keyid_parse(aski, &parts) == ERR_OK;
}

err_t body_update_check(const struct body_answer *a, bool asked_et, usec_t now, usec_t *et, const char **wrong)
{
    *et = 0;
    if (asked_et) {
        TRY(end_check(a->et, now, et, wrong));
    }
    return is_km_id_or_none(a->aski) ? ERR_OK : nonsense("assignedSymmKeyID", wrong);
}

err_t body_client_check(const struct body_answer *a, const struct body_expected *x, usec_t *et, const char **wrong)
{
    TRY(common_check(a, x, et, wrong));
    if (!m2mid_is_unreserved(a->ri)) {
        return nonsense("ri", wrong);
    }
    if (!is_km_id_or_none(a->aski)) { /* absent in the seed profile (R001-60) */
        return nonsense("assignedSymmKeyID", wrong);
    }
    return ERR_OK;
}

err_t body_key_check(const struct body_answer *a, const struct body_expected *x, usec_t *et, const char **wrong)
{
    TRY(common_check(a, x, et, wrong));
    if (a->suid != BODY_SUID_SAEF) {
        return nonsense("SUID", wrong);
    }
    if (!text_eq(a->target, x->target)) {
        return nonsense("targetIDs", wrong);
    }
    if (x->relative.n == 0 || !text_eq_nocase(a->rn, x->relative)) { /* else the two sides hold different exports */
        return nonsense("RelativeKeyID", wrong);
    }
    return ERR_OK;
}
