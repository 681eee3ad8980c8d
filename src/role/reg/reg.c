#include "role/reg/reg.h"

#include "role/detail.h"

usec_t reg_earlier(usec_t a, usec_t b)
{
    return a < b ? a : b;
}

err_t reg_configure(struct reg *r, const struct conf *cf, const char *section, const char *lifetime_key,
                    char detail[static ROLE_DETAIL_MAX])
{
    struct text fqdn = conf_text(cf, section, r->env.name, "fqdn");
    struct keyid folded;
    if (!keyid_is_fqdn(fqdn) || keyid_fold(fqdn, &folded) != ERR_OK || TEXT_COPY(text_of(folded.z), r->fqdn) != ERR_OK) {
        return detail_fail(detail, ERR_CONFIG, "fqdn is no host name", fqdn);
    }
    struct text admin = conf_text(cf, section, r->env.name, "admin-fqdn");
    struct keyid stakeholder = {.z = ""};
    TRY(admin.n == 0 ? ERR_OK : keyid_fold(admin, &stakeholder));
    TRY(TEXT_COPY(text_of(stakeholder.z), r->admin));
    r->key_lifetime = conf_number(cf, section, r->env.name, lifetime_key);
    r->kv_min = (size_t)conf_number(cf, section, r->env.name, "key-value-min");
    r->kv_max = (size_t)conf_number(cf, section, r->env.name, "key-value-max");
    return r->kv_min <= r->kv_max ? ERR_OK
                                  : detail_fail(detail, ERR_CONFIG, "key-value-min is above key-value-max", text_empty());
}

err_t reg_tell(struct txn *t, enum audit_kind kind, const struct request *rq, const char *object)
{
    struct audit_event e = {.kind = kind, .time = rq->now, .outcome = ERR_OK};
    TRY(TEXT_COPY(association_name(rq->assoc), e.peer));
    TRY(TEXT_COPY(text_of(object), e.object));
    TRY(TEXT_COPY(text_of(rq->assoc->id), e.association));
    return txn_audit(t, &e);
}
