#include "role/mef/mef.h"

#include "role/conf_instance.h"
#include "role/credential_args.h"
#include "role/ctl_list.h"
#include "role/detail.h"
#include "role/mef/mef_cmd_ctl.h"
#include "role/mef/mef_ctx.h"
#include "role/reg/reg_ctl.h"
#include "role/reg/reg_leave.h"

static const struct conf_row rows[] = {
    {"mef", "", CONF_TEXT, CONF_INSTANCES, NULL, 0, 32, NULL,
     "The M2M Enrolment Function: gives devices their first keys. [mef NAME] is a further one behind the same address."},
    {"mef", "fqdn", CONF_FQDN, CONF_REQUIRED, NULL, 0, 0, NULL,
     "MEF-ID: the right half of every KpmId and KeId, and the name in its certificate."},
    {"mef", "max-live-ke", CONF_NUMBER, 0, "8", 1, 1024, NULL,
     "Enrolment Keys kept for each credential; the oldest makes room for the next."},
    {"mef", "credential-lifetime", CONF_DURATION, 0, "365d", USEC_PER_SEC, CREDENTIAL_LIFETIME_MAX, NULL,
     "Enrolment Expiry of a credential that is added without --lifetime."},
    {"mef", "ke-lifetime", CONF_DURATION, 0, "3650d", USEC_PER_SEC, CREDENTIAL_LIFETIME_MAX, NULL,
     "Longest life of one Enrolment Key; it never outlives its credential."},
    REG_CONF_ROWS("mef", "key-lifetime", "365d",
                  "Longest life of a registered key; it never outlives its bootstrap credential or its registration."),
    {"mef", "command-retry", CONF_DURATION, 0, "1d", USEC_PER_SEC, CREDENTIAL_LIFETIME_MAX, NULL,
     "When a client for which no command waits is told to ask again (retryDuration)."},
    {"mef", "est", CONF_BOOL, 0, "off", 0, 0, NULL,
     "Provision certificates by EST (RFC 7030); needs issuing-ca and issuing-ca-key."},
    {"mef", "issuing-ca", CONF_FILE, 0, NULL, 0, 0, NULL,
     "PEM certificate of the CA that signs them, then its chain; listeners need it in trust to see renewals."},
    {"mef", "issuing-ca-key", CONF_KEY, 0, NULL, 0, 0, NULL, "PEM private key of that CA: P-256, or a key in a token or TPM."},
    {"mef", "est-lifetime", CONF_DURATION, 0, "90d", USEC_PER_SEC, CREDENTIAL_LIFETIME_MAX, NULL,
     "Longest life of a provisioned certificate; it never outlives its credential or the CA."},
    CONF_INSTANCE_ROWS("mef"),
};

#define EST "/.well-known/est"
#define CLIENTS (PEER_CLIENT | PEER_MAF | PEER_CSE | PEER_AE | PEER_NODE)

/* Who may be an Enrolment Target: an Enrolee of this MEF as well, with its own bootstrap credential [8.3.2.1 last part]. */
#define TARGETS (PEER_ENROLEE | PEER_CLIENT | PEER_MAF | PEER_CSE | PEER_AE)

/* One handler for both forms: the credential's profile decides which of them is right (design section 12). */
static const struct route routes[] = {
    {OP_RETRIEVE, "/fetchCredentials/{ke_id}", 0, TARGETS, ROUTE_WRITES,
     mef_fetch_credential, "TS-0003 8.3.2.1, 10.3.2, 10.3.3"},
    {OP_RETRIEVE, "/fetchCredentials/{ke_id}/{suid}", 0, TARGETS, ROUTE_WRITES,
     mef_fetch_credential, "TS-0003 8.3.2.1, 10.3.7"},
    REG_ROUTES(REG_ATTR_TY_MEF_CLIENT, PEER_ENROLEE | CLIENTS, "8.3.5.2"),
    {OP_RETRIEVE, "/{ri}/" MEF_CMD_NAME, 0, PEER_ENROLEE | CLIENTS, ROUTE_WRITES, mef_cmd_retrieve, "TS-0003 8.3.9.3"},
    {OP_UPDATE, "/{ri}/" MEF_CMD_NAME, 0, PEER_ENROLEE | CLIENTS, ROUTE_WRITES, mef_cmd_update, "TS-0003 8.3.9.5"},
    {OP_RETRIEVE, EST "/cacerts", 0, PEER_ENROLEE | CLIENTS, 0, mef_est_ca_certs, "TS-0003 8.3.6.2, RFC 7030 4.1"},
    {OP_RETRIEVE, EST "/csrattrs", 0, PEER_ENROLEE | CLIENTS, 0, mef_est_csr_attrs, "TS-0003 8.3.6.2, RFC 7030 4.5"},
    {OP_NOTIFY, EST "/simpleenroll", 0, PEER_ENROLEE, ROUTE_WRITES | ROUTE_RAW, mef_est_enroll,
     "TS-0003 8.3.6.2, RFC 7030 4.2.1"},
    {OP_NOTIFY, EST "/simplereenroll", 0, PEER_ENROLEE | CLIENTS, ROUTE_WRITES | ROUTE_RAW, mef_est_reenroll,
     "TS-0003 8.3.6.2, RFC 7030 4.2.2"},
    {OP_NOTIFY, EST "/serverkeygen", 0, PEER_ENROLEE | CLIENTS, ROUTE_RAW, mef_est_unsupported, "RFC 7030 4.4"},
    {OP_NOTIFY, EST "/fullcmc", 0, PEER_ENROLEE | CLIENTS, ROUTE_RAW, mef_est_unsupported, "RFC 7030 4.3"},
};

static const struct ctl_arg enrolment_show_args[] = {
    {"KEID", CTL_ARG_REQUIRED | CTL_ARG_POSITIONAL, "identifier of the Enrolment Key"},
};

static const struct ctl_row commands[] = {
    {"credential", "add", credential_args_add, CREDENTIAL_ARGS_ADD_N, true, mef_ctl_credential_add,
     "add a bootstrap credential (Kpm, or a certificate's identity) and its instruction"},
    {"credential", "list", ctl_list_args, CTL_LIST_ARGS_N, false, mef_ctl_credential_list, "bootstrap credentials"},
    {"credential", "show", credential_args_one, CREDENTIAL_ARGS_ONE_N, false, mef_ctl_credential_show,
     "one bootstrap credential, without its key"},
    {"credential", "revoke", credential_args_one, CREDENTIAL_ARGS_ONE_N, true, mef_ctl_credential_revoke,
     "refuse this credential and every key that came from it"},
    {"credential", "reassign", mef_ctl_reassign_args, MEF_CTL_REASSIGN_N, true, mef_ctl_reassign,
     "give a credential a new first Enrolment Target: every key that came from it is refused, and the device enrols again"},
    {"credential", "rename", mef_ctl_reassign_name_args, MEF_CTL_RENAME_N, true, mef_ctl_reassign_name,
     "give the Enrolee a new Enrolee-ID: every key that came from the credential is refused, and the device enrols again"},
    {"instruction", "add", mef_ctl_instruction_add_args, MEF_CTL_INSTRUCTION_ADD_N, true, mef_ctl_instruction_add,
     "give a credential a further Enrolment Target"},
    {"instruction", "list", credential_args_one, CREDENTIAL_ARGS_ONE_N, false, mef_ctl_instruction_list,
     "the bootstrap instructions of one credential"},
    {"instruction", "show", mef_ctl_instruction_one_args, MEF_CTL_INSTRUCTION_ONE_N, false, mef_ctl_instruction_show,
     "one bootstrap instruction"},
    {"instruction", "remove", mef_ctl_instruction_one_args, MEF_CTL_INSTRUCTION_ONE_N, true, mef_ctl_instruction_remove,
     "give no more keys of this credential to this target"},
    {"credential", "suspend", credential_args_one, CREDENTIAL_ARGS_ONE_N, true, mef_ctl_credential_suspend,
     "refuse it until it is resumed"},
    {"credential", "resume", credential_args_one, CREDENTIAL_ARGS_ONE_N, true, mef_ctl_credential_resume,
     "give a suspended credential back, with the keys that came from it"},
    REG_CTL_ROWS,
    MEF_CMD_CTL_ROWS,
    {"certificate", "list", ctl_list_args, CTL_LIST_ARGS_N, false, mef_ctl_certificate_list,
     "certificates provisioned by EST, by serial number"},
    {"enrolment", "list", ctl_list_args, CTL_LIST_ARGS_N, false, mef_ctl_enrolment_list, "live Enrolment Keys"},
    {"enrolment", "show", enrolment_show_args, ARRAY_LEN(enrolment_show_args), false, mef_ctl_enrolment_show,
     "one Enrolment Key, without its value"},
};

static err_t configure(void *ctx, const struct conf *cf, const struct role_env *env,
                       char detail[static ROLE_DETAIL_MAX])
{
    struct mef *m = ctx;
    m->reg.kind = &mef_reg_kind;
    m->reg.env = *env;
    TRY(reg_configure(&m->reg, cf, "mef", "key-lifetime", detail));
    m->max_live_ke = (size_t)conf_number(cf, "mef", env->name, "max-live-ke");
    m->credential_lifetime = conf_number(cf, "mef", env->name, "credential-lifetime");
    m->ke_lifetime = conf_number(cf, "mef", env->name, "ke-lifetime");
    m->command_retry = conf_number(cf, "mef", env->name, "command-retry");
    m->est_lifetime = conf_number(cf, "mef", env->name, "est-lifetime");
    if (!conf_bool(cf, "mef", env->name, "est")) {
        m->reg.env.issuer = NULL;
    } else if (m->reg.env.issuer == NULL) {
        return detail_fail(detail, ERR_CONFIG, "[mef] est = on needs issuing-ca and issuing-ca-key", text_empty());
    }
    return ERR_OK;
}

const struct role role_mef = {
    .name = "mef",
    .doc = "M2M Enrolment Function: enrols devices that hold a pre-shared key or a certificate",
    .conf = rows,
    .conf_n = ARRAY_LEN(rows),
    .routes = routes,
    .routes_n = ARRAY_LEN(routes),
    .ctl = commands,
    .ctl_n = ARRAY_LEN(commands),
    .export_label = KEYS_LABEL_BOOTSTRAP,
    .export_on_handshake = true, /* nothing but the handshake is needed to be enrolled */
    .ctx_size = sizeof(struct mef),
    .configure = configure,
    .seed = mef_target_seed,
    .psk = mef_enrol_psk,
    .cert = mef_enrol_cert,
    .alive = mef_enrol_alive,
    .withdraw = &withdraw_mef,
    .established = mef_enrol_established,
    .lanes = 1,
    .errand = reg_leave_errand,
    .returned = reg_leave_returned,
    .explain = mef_explain,
};
