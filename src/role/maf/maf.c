#include "role/maf/maf.h"

#include "role/conf_instance.h"
#include "role/credential_args.h"
#include "role/ctl_list.h"
#include "role/detail.h"
#include "role/fetched.h"
#include "role/maf/maf_ctx.h"
#include "role/reg/reg_ctl.h"
#include "role/reg/reg_leave.h"

#define CLIENTS (PEER_CLIENT | PEER_CSE | PEER_AE)

static const struct conf_row rows[] = {
    {"maf", "", CONF_TEXT, CONF_INSTANCES, NULL, 0, 32, NULL,
     "The M2M Authentication Function: hands out connection keys. [maf NAME] is a further one behind the same address."},
    {"maf", "fqdn", CONF_FQDN, CONF_REQUIRED, NULL, 0, 0, NULL,
     "MAF-ID: the right half of every KmId and Key Identifier, and the name in its certificate."},
    {"maf", "km-lifetime", CONF_DURATION, 0, "365d", USEC_PER_SEC, CREDENTIAL_LIFETIME_MAX, NULL,
     "Longest life of a Master Credential; a fetched one never outlives its Enrolment Key."},
    REG_CONF_ROWS("maf", "kc-lifetime", "1d",
                  "Longest life of a registered key; it never outlives its Master Credential or its registration."),
    {"maf", "provisioning", CONF_CHOICE, 0, "any", 0, 0, "any|remote|pre",
     "Master Credentials it accepts: of a MEF (remote), added by the operator (pre), or both."},
    {"maf", "service-subscription", CONF_BOOL, 0, "off", 0, 0, NULL,
     "A client, registrars too, needs a service subscription (ctl contract add), for every request: 4128 without."},
    {"maf", "hide-identities", CONF_BOOL, 0, "off", 0, 0, NULL,
     "Answer an unknown psk_identity like a wrong key, so that nobody learns which exist."},
    CONF_INSTANCE_ROWS("maf"),
};

static const struct route routes[] = {
    REG_ROUTES(REG_ATTR_TY_MAF_CLIENT, CLIENTS, "8.8.2"),
};

static const struct ctl_row commands[] = {
    {"credential", "add", credential_args_add, CREDENTIAL_ARGS_ADD_N, true, maf_ctl_credential_add,
     "add a pre-provisioned Master Credential (Km)"},
    {"credential", "list", ctl_list_args, CTL_LIST_ARGS_N, false, maf_ctl_credential_list, "Master Credentials"},
    {"credential", "show", credential_args_one, CREDENTIAL_ARGS_ONE_N, false, maf_ctl_credential_show,
     "one Master Credential, without its key"},
    {"credential", "revoke", credential_args_one, CREDENTIAL_ARGS_ONE_N, true, maf_ctl_credential_revoke,
     "refuse this Master Credential and the keys registered with it"},
    {"credential", "suspend", credential_args_one, CREDENTIAL_ARGS_ONE_N, true, maf_ctl_credential_suspend,
     "refuse it until it is resumed"},
    {"credential", "resume", credential_args_one, CREDENTIAL_ARGS_ONE_N, true, maf_ctl_credential_resume,
     "give a suspended credential back, with the keys that came from it"},
    {"contract", "add", maf_contract_add_args, MAF_CONTRACT_ADD_N, true, maf_contract_add,
     "relate a client to the service subscription it belongs to"},
    {"contract", "list", ctl_list_args, CTL_LIST_ARGS_N, false, maf_contract_list, "which client belongs to which service subscription"},
    {"contract", "remove", maf_contract_one_args, MAF_CONTRACT_ONE_N, true, maf_contract_remove,
     "take a client out of its service subscription"},
    REG_CTL_ROWS,
};

/* Only configured MEFs are ever asked: a stranger cannot make the MAF call a host (R001-49). */
static err_t add_mef(struct maf *m, const struct conf *cf, const char *arg, char detail[static ROLE_DETAIL_MAX])
{
    if (m->mefs_n == MAF_PEERS_MAX) {
        return detail_fail(detail, ERR_CONFIG, "too many [peer] sections of kind mef", text_of(arg));
    }
    struct maf_peer *p = &m->mefs[m->mefs_n++];
    struct keyid folded;
    TRY(keyid_fold(text_of(arg), &folded));
    TRY(TEXT_COPY(text_of(folded.z), p->fqdn));
    return fetched_profile(cf, arg, &p->profile, detail);
}

static err_t configure(void *ctx, const struct conf *cf, const struct role_env *env,
                       char detail[static ROLE_DETAIL_MAX])
{
    struct maf *m = ctx;
    m->reg.kind = &maf_reg_kind;
    m->reg.env = *env;
    TRY(reg_configure(&m->reg, cf, "maf", "kc-lifetime", detail));
    m->km_lifetime = conf_number(cf, "maf", env->name, "km-lifetime");
    struct text provisioning = conf_text(cf, "maf", env->name, "provisioning");
    m->takes_remote = !text_eq_z(provisioning, "pre");
    m->takes_pre = !text_eq_z(provisioning, "remote");
    m->contracts = conf_bool(cf, "maf", env->name, "service-subscription");
    m->hide_identities = conf_bool(cf, "maf", env->name, "hide-identities");
    const char *arg = NULL;
    for (size_t i = 0; (arg = conf_section_arg(cf, "peer", i)) != NULL; i++) {
        if (text_eq_z(conf_text(cf, "peer", arg, "kind"), "mef")) {
            TRY(add_mef(m, cf, arg, detail));
        }
    }
    return naf_configure(&m->naf, cf, text_of(m->reg.fqdn), detail);
}

static struct text ua_fqdn(const void *ctx)
{
    const struct maf *m = ctx;
    return text_of(m->naf.fqdn);
}

const struct role role_maf = {
    .name = "maf",
    .doc = "M2M Authentication Function: authenticates clients and distributes connection keys",
    .conf = rows,
    .conf_n = ARRAY_LEN(rows),
    .routes = routes,
    .routes_n = ARRAY_LEN(routes),
    .ctl = commands,
    .ctl_n = ARRAY_LEN(commands),
    .export_label = KEYS_LABEL_CONNECTION,
    .ctx_size = sizeof(struct maf),
    .configure = configure,
    .psk = maf_handshake_psk,
    .ua = maf_gba_ua,
    .ua_fqdn = ua_fqdn,
    .answer = maf_answer_take,
    .cert = maf_handshake_cert,
    .alive = maf_heard_alive,
    .withdraw = &withdraw_maf,
    .watch = maf_heard_watch,
    .heard = maf_heard_take,
    .lanes = 1,
    .errand = reg_leave_errand,
    .returned = reg_leave_returned,
    .explain = maf_explain,
};
