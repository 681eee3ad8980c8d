/* keystead device: the Enrolee's side. The verbs as rows, and those that are a few lines. */
#include "cli/cli.h"
#include "cli/device_associate.h"
#include "cli/device_cert_opts.h"
#include "cli/device_commands.h"
#include "cli/device_est.h"
#include "cli/device_instance.h"
#include "cli/device_keep.h"
#include "cli/device_manage.h"
#include "cli/device_package.h"
#include "cli/device_request.h"
#include "cli/device_ub.h"
#include "cli/device_usage.h"
#include "role/detail.h"
#include "role/device/device_gba.h"
#include "shell/clock.h"
#include "shell/crypto_openssl.h"
#include "shell/secret_file.h"
#include "wire/timestamp.h"

#include <string.h>

extern const struct cli_command cmd_device;

/* -- enrol --------------------------------------------------------------------------------------------------- */
static const struct cli_opt enrol_opts[] = {
    DEVICE_WORK_OPT_STATE,
    DEVICE_WORK_OPT_EXCHANGE,
    {"--mef", 0, "HOST:PORT of the MEF (the MEF URI)"},
    {"--mef-id", 0, "FQDN of the MEF; with --gba that of the BSF, by default the one of the home network that the IMPI names"},
    {"--kpm-id", 0, "identifier of the pre-provisioned key (KpmId)"},
    {"--key-file", 0, "file with Kpm: hex and a newline, mode 0600"},
    DEVICE_CERT_OPTS,
    {"--target", 0, "Enrolment Target: FQDN of the MAF (MAF-ID); with --gba also the CSE-ID of a CSE"},
    {"--maf", 0, "HOST:PORT of the MAF"},
    {"--profile", 0, "r3 (default) or seed: as the MEF has it for this credential"},
    {"--lifetime", 0, "Enrolment Expiry, e.g. 90d (default)"},
    DEVICE_UB_OPTS,
    {"--add", CLI_OPT_FLAG, "a further MEF; what is there stays"},
    {"--commands", CLI_OPT_FLAG, "then register at the MEF and do what it has to do, as device commands does"},
    DEVICE_COMMANDS_OPTS_SELF,
};

/* By what an MEF is known to the Enrolee (R001-76). */
#define MEF_NAMES {"--kpm-id", "--mef-id", "--mef"}

/* What was given last is what is used from now on: a key or a certificate (R001-94). */
static err_t enrol_credential(struct device_work *w)
{
    struct device_state *s = &w->state;
    bool certificate = false;
    bool key = cli_arg(w->a, "--key-file") != NULL || cli_arg(w->a, "--kpm-id") != NULL;
    TRY(device_work_take_key(w, &(struct device_work_key){"--kpm-id", "--key-file", &s->kpm_id, &s->kpm.s}));
    TRY(device_cert_opts_take(w, &s->mef.cert, &certificate));
    if (certificate && key) {
        return detail_fail(w->detail, ERR_USAGE, "--kpm-id with --key-file or --certificate, not both", text_empty());
    }
    if (key) {
        s->mef.cert = (struct device_state_certificate){.file = ""};
    }
    if (key || certificate) {
        s->sim = (struct device_state_sim){.file = ""};
    }
    return ERR_OK;
}

/* R001-70, R001-71, R001-74, R001-99: what the Enrolee has to know before it starts. */
static err_t enrol_complete(struct device_work *w)
{
    struct device_state *s = &w->state;
    bool certificate = s->mef.cert.file[0] != '\0';
    const struct device_work_need needs[] = {
        {"--mef", s->mef.address[0] != '\0'},
        {"--target", w->task.goal == DEVICE_FETCH || s->maf.fqdn[0] != '\0'},
        {"--kpm-id (or --certificate)", certificate || s->kpm_id.z[0] != '\0'},
        {"--key-file (or --certificate)", certificate || secret_is_set(&s->kpm.s)},
    };
    TRY(device_work_need(w, needs, ARRAY_LEN(needs)));
    if (s->mef.fqdn[0] == '\0') { /* the KpmId can identify the MEF to the Enrolee (R001-76) */
        struct keyid_parts parts;
        if (keyid_parse(text_of(s->kpm_id.z), &parts) != ERR_OK || TEXT_COPY(parts.fqdn, s->mef.fqdn) != ERR_OK) {
            return detail_fail(w->detail, ERR_USAGE, "--mef-id is missing and the KpmId does not name the MEF", text_empty());
        }
    }
    return ERR_OK;
}

/* Which MEF, and with what. */
static err_t mef_options(struct device_work *w)
{
    struct device_state *s = &w->state;
    TRY(DEVICE_WORK_TAKE(w, "--mef", s->mef.address));
    TRY(device_work_take_fqdn(w, "--mef-id", s->mef.fqdn, sizeof(s->mef.fqdn)));
    return enrol_credential(w);
}

/* R000-79, R000-81, R001-09, R002-61: the same kinds of credential as between device and CSE; a card is one of them. */
static err_t enrol_with(struct device_work *w)
{
    struct device_state *s = &w->state;
    bool key = cli_arg(w->a, "--key-file") != NULL || cli_arg(w->a, "--kpm-id") != NULL;
    bool other = key || cli_arg(w->a, "--certificate") != NULL;
    if (cli_arg(w->a, "--sim") != NULL && !device_ub_is_meant(w, other)) {
        return detail_fail(w->detail, ERR_USAGE, "--sim goes with --gba", text_empty());
    }
    if (device_ub_is_meant(w, other)) {
        if (other) {
            return detail_fail(w->detail, ERR_USAGE, "--gba, or --kpm-id with --key-file, or --certificate", text_empty());
        }
        TRY(DEVICE_WORK_TAKE(w, "--mef", s->mef.address));
        TRY(device_work_take_fqdn(w, "--mef-id", s->mef.fqdn, sizeof(s->mef.fqdn)));
        s->mef.cert.file[0] = s->mef.cert.key[0] = '\0';
        return device_ub_options(w);
    }
    TRY(mef_options(w));
    TRY(device_work_take_fqdn(w, "--target", s->maf.fqdn, sizeof(s->maf.fqdn)));
    return enrol_complete(w);
}

static err_t enrol_options(struct device_work *w)
{
    struct device_state *s = &w->state;
    const char *profile = cli_arg(w->a, "--profile");
    const char *lifetime = cli_arg(w->a, "--lifetime");
    TRY(DEVICE_WORK_TAKE(w, "--maf", s->maf.address));
    if (profile != NULL && credential_args_profile(text_of(profile), &s->profile) != ERR_OK) {
        return detail_fail(w->detail, ERR_USAGE, "--profile", text_of(profile));
    }
    if (lifetime != NULL && timestamp_duration(text_of(lifetime), &s->lifetime) != ERR_OK) {
        return detail_fail(w->detail, ERR_USAGE, "--lifetime", text_of(lifetime));
    }
    return enrol_with(w);
}

static err_t enrol(struct device_work *w)
{
    TRY(device_work_open_place(w, &(struct device_work_place){.options = MEF_NAMES, .make = true, .adds = true}));
    const struct keyid before = w->state.kpm_id;
    TRY(enrol_options(w));
    if (strcmp(before.z, w->state.kpm_id.z) != 0) { /* another provider's: its registrar has given no name yet (R000-16) */
        w->state.ae_stem[0] = '\0';
    }
    bool gba = device_state_is_gba(&w->state), anew = cli_arg(w->a, "--anew") != NULL;
    bool left_out = gba && !anew && device_gba_is_live(&w->state, clock_now());
    TRY(device_ub_enrol(w, anew));
    bool commands = cli_arg(w->a, "--commands") != NULL;
    struct device_commands_said said = {.processed = 0};
    TRY(commands ? device_commands_run(w, false, &said) : ERR_OK);
    cli_out_begin(w->a);
    cli_out(w->a, "ke_id", text_of(w->state.ke_id.z));
    device_work_out_time(w->a, "expires", w->state.ke_not_after);
    if (gba) {
        device_ub_print(w, left_out);
    }
    if (commands) {
        device_commands_print(w, &said);
    }
    cli_out_end(w->a);
    return ERR_OK;
}

/* -- fetch --------------------------------------------------------------------------------------------------- */
static const struct cli_opt fetch_opts[] = {
    DEVICE_WORK_OPT_STATE,
    DEVICE_WORK_OPT_EXCHANGE,
    {"--ke-id", CLI_OPT_REQUIRED, "KeId of the Enrolee, as it gave it to this device"},
    {"--suid", 0, "what the key is for: 22 associations, 23 ESPrim, 24 or 25 ESData; absent: profile seed"},
    {"--key-out", CLI_OPT_REQUIRED, "new file for the key; mode 0400"},
    {"--mef", 0, "HOST:PORT of the MEF"},
    {"--mef-id", 0, "FQDN of the MEF"},
    {"--kpm-id", 0, "identifier of this device's own pre-provisioned key; each use of it makes an Enrolment Key at the MEF"},
    {"--key-file", 0, "file with Kpm: hex and a newline, mode 0600"},
    DEVICE_CERT_OPTS,
};

static err_t key_out(struct device_work *w, const char *file, const struct secret *key)
{
    err_t e = secret_file_write(file, key);
    return e == ERR_OK ? e : detail_fail(w->detail, e, "--key-out", text_of(file));
}

static err_t fetch(struct device_work *w)
{
    uint64_t suid = 0;
    struct text given = text_of(cli_arg(w->a, "--suid"));
    const char *out = cli_arg(w->a, "--key-out");
    if (given.n > 0 && (text_u64(given, 99, &suid) != ERR_OK || !keys_usage_is_suid((unsigned)suid))) {
        return detail_fail(w->detail, ERR_USAGE, "--suid", given);
    }
    w->task.goal = DEVICE_FETCH;
    w->task.ke_id = text_of(cli_arg(w->a, "--ke-id"));
    w->task.suid = (unsigned)suid;
    TRY(device_work_open_place(w, &(struct device_work_place){.options = MEF_NAMES, .make = true}));
    TRY(mef_options(w));
    TRY(enrol_complete(w));
    TRY(device_work_pursue(w));
    const struct fetched *f = &w->device.fetched;
    TRY(key_out(w, out, &f->key));
    cli_out_begin(w->a);
    cli_out(w->a, "key_id", w->task.ke_id);
    cli_out(w->a, "enrolee_id", text_of(f->enrolee_id.z));
    cli_out(w->a, "key_file", text_of(out));
    device_work_out_time(w->a, "expires", clock_now() + f->lifetime);
    cli_out_end(w->a);
    return ERR_OK;
}

/* -- key ------------------------------------------------------------------------------------------------------ */
static const struct cli_opt key_opts[] = {
    DEVICE_WORK_OPT_STATE,
    {"--target", CLI_OPT_REQUIRED, "Enrolment Target: FQDN of a MAF, or absolute CSE-ID or AE-ID"},
    {"--suid", 0, "what the key is for; by default 21 for a MAF, 22 for a CSE or AE; not with profile seed"},
    {"--key-out", CLI_OPT_REQUIRED, "new file for the key; mode 0400"},
};

static err_t key(struct device_work *w)
{
    struct m2mid target = {""};
    uint64_t suid = 0;
    struct text given = text_of(cli_arg(w->a, "--suid"));
    const char *out = cli_arg(w->a, "--key-out");
    SCOPED(secret_wipe) struct secret k = {0};
    TRY(device_work_open(w, false));
    TRY(DEVICE_WORK_TAKE(w, "--target", target.z));
    bool maf = m2mid_kind(text_of(target.z)) == M2MID_FQDN;
    if (given.n > 0 && (w->state.profile == CREDENTIAL_SEED || text_u64(given, 25, &suid) != ERR_OK || suid < 21 ||
                        maf != (suid == FETCHED_SUID_KM))) {
        return detail_fail(w->detail, ERR_USAGE, "--suid", given);
    }
    usec_t now = clock_now();
    if (!secret_is_set(&w->state.ke.s) || w->state.ke_not_after <= now) {
        return detail_fail(w->detail, w->state.ke_not_after == 0 ? ERR_STATE : ERR_DENIED_EXPIRED,
                           "no Enrolment Key: run device enrol", text_empty());
    }
    const struct device_enrol_use use = {text_of(target.z), suid != 0 ? (unsigned)suid : maf ? FETCHED_SUID_KM : FETCHED_SUID_KPSA};
    err_t e = device_enrol_key(&w->state, crypto_openssl(), &use, &k);
    if (e != ERR_OK) {
        return detail_fail(w->detail, e, "--target", text_of(target.z));
    }
    TRY(key_out(w, out, &k));
    cli_out_begin(w->a);
    cli_out(w->a, "key_id", text_of(w->state.ke_id.z));
    cli_out(w->a, "key_file", text_of(out));
    device_work_out_time(w->a, "expires", w->state.ke_not_after);
    cli_out_end(w->a);
    return ERR_OK;
}

/* -- register ------------------------------------------------------------------------------------------------- */
static const struct cli_opt register_opts[] = {
    DEVICE_WORK_OPT_STATE,
    DEVICE_WORK_OPT_EXCHANGE,
    {"--app-id", CLI_OPT_REQUIRED, "App-ID, e.g. Nthermometer"},
    {"--from", 0, "S, C, or a full AE-ID stem; absent: the registrar chooses"},
    {"--unreachable", CLI_OPT_FLAG, "requestReachability false"},
};

static err_t registered(struct device_work *w)
{
    TRY(device_work_open(w, false));
    w->task.goal = DEVICE_REGISTER;
    w->task.app_id = cli_arg(w->a, "--app-id");
    w->task.from = cli_arg(w->a, "--from") != NULL ? cli_arg(w->a, "--from") : "";
    w->task.unreachable = cli_arg(w->a, "--unreachable") != NULL;
    TRY(device_work_pursue(w));
    cli_out_begin(w->a);
    cli_out(w->a, "ae_id", text_of(w->state.ae_stem));
    cli_out_end(w->a);
    return ERR_OK;
}

/* -- status ---------------------------------------------------------------------------------------------------- */
static const struct cli_opt status_opts[] = {DEVICE_WORK_OPT_STATE};

static void status_of(struct device_work *w, const struct device_state *s, const char *at)
{
    usec_t now = clock_now();
    bool enrolled = device_state_is_enrolled(s);
    cli_out_begin(w->a);
    cli_out(w->a, "enrolled", text_of(!enrolled ? "no" : s->ke_not_after > now ? "yes" : "expired"));
    cli_out(w->a, "kpm_id", text_of(s->kpm_id.z));
    cli_out(w->a, "sim", text_of(s->sim.file));
    cli_out(w->a, "impi", text_of(s->sim.impi.z));
    cli_out(w->a, "mef_certificate", text_of(s->mef.cert.file));
    cli_out(w->a, "maf_certificate", text_of(s->maf.cert.file));
    cli_out(w->a, "cse_certificate", text_of(s->cse.cert.file));
    cli_out(w->a, "profile", text_of(credential_args_profile_name(s->profile)));
    bool to_cse = device_state_is_gba(s) && s->maf.fqdn[0] == '\0';
    cli_out(w->a, "target", text_of(to_cse ? s->cse_id.z : s->maf.fqdn));
    cli_out(w->a, "ke_id", text_of(s->ke_id.z));
    device_work_out_time(w->a, "ke_expires", s->ke_not_after);
    bool ks_is_kpsa = to_cse && !secret_is_set(&s->kpsa.s); /* R001-141: what the KeId is the name of depends on the target */
    cli_out(w->a, "km_id", text_of(to_cse ? "" : s->km_id.z));
    cli_out(w->a, "kpsa_id", text_of(ks_is_kpsa ? s->ke_id.z : s->kpsa_id.z));
    cli_out(w->a, "kc_id", text_of(s->kc_id.z));
    device_work_out_time(w->a, "kc_expires", s->kc_not_after);
    cli_out(w->a, "cse_id", text_of(s->cse_id.z));
    cli_out(w->a, "ae_id", text_of(s->ae_stem));
    cli_out(w->a, "node_id", text_of(s->node_id));
    cli_out(w->a, "node_cse_id", text_of(s->node_cse.z));
    if (at != NULL) {
        cli_out(w->a, "at", text_of(at));
    }
    cli_out_end(w->a);
}

/* Of several places each, with the name by which it is chosen. */
static err_t status(struct device_work *w)
{
    err_t e = device_work_open(w, false);
    const struct device_book *b = w->dir.book;
    bool several = b != NULL && b->n > 1;
    if (e == ERR_USAGE && several && cli_arg(w->a, "--at") == NULL) {
        for (size_t i = 0; i < b->n; i++) {
            status_of(w, &b->at[i].s, device_book_name(b, i).z);
        }
        return ERR_OK;
    }
    TRY(e);
    status_of(w, &w->state, several ? device_book_name(b, w->dir.place).z : NULL);
    return ERR_OK;
}

/* -- forget ---------------------------------------------------------------------------------------------------- */
static const struct cli_opt forget_opts[] = {DEVICE_WORK_OPT_STATE};

static err_t forget(struct device_work *w)
{
    TRY(device_work_open(w, false));
    if (cli_arg(w->a, "--at") == NULL) { /* not by mistake */
        return detail_fail(w->detail, ERR_USAGE, "--at is missing: which place is to be forgotten", text_empty());
    }
    const struct device_book_name name = device_book_name(w->dir.book, w->dir.place);
    TRY(device_dir_forget(&w->dir));
    cli_out_begin(w->a);
    cli_out(w->a, "forgotten", text_of(name.z));
    cli_out_number(w->a, "left", (uint64_t)w->dir.book->n);
    cli_out_end(w->a);
    return ERR_OK;
}

/* -- the table ------------------------------------------------------------------------------------------------- */
static int run(const struct cli_args *a)
{
    static const struct {
        const char *verb;
        device_work_body *body;
    } bodies[] = {{"enrol", enrol}, {"fetch", fetch}, {"key", key}, {"associate", device_associate}, {"register", registered},
                  {"commands", device_commands}, {"request", device_request}, {"status", status}, {"forget", forget},
                  {"maf-config", device_manage}, {"maf-update", device_manage}, {"maf-deregister", device_manage},
                  {"key-update", device_manage}, {"key-deregister", device_manage},
                  {"use-register", device_usage_register}, {"use-retrieve", device_usage_retrieve},
                  {"use-update", device_usage_change}, {"use-deregister", device_usage_change}, {"use-list", device_usage_list},
                  {"mef-register", device_usage_mef}, {"mef-config", device_usage_mef}, {"mef-update", device_usage_mef},
                  {"mef-deregister", device_usage_mef}};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        if (strcmp(bodies[i].verb, a->verb->verb) == 0) {
            return device_work_run(a, bodies[i].body);
        }
    }
    return cli_fail(a, ERR_BUG, a->verb->verb);
}

static const struct cli_verb verbs[] = {
    {"enrol", enrol_opts, ARRAY_LEN(enrol_opts), run,
     "Enrols at the MEF with the pre-provisioned key or a certificate; what is given once is remembered in the state.",
     "TS-0003 8.3.2.1, 8.3.2.2"},
    {"associate", device_associate_opts, DEVICE_ASSOCIATE_OPTS_N, run,
     "Makes a connection key with the MAF, or takes a Kpsa or a certificate, and opens a security association with the CSE.", "TS-0003 8.2.2"},
    {"key", key_opts, ARRAY_LEN(key_opts), run,
     "Writes the key that this device shares with a further Enrolment Target, from its Enrolment Key; its identifier is the KeId.", "TS-0003 10.3"},
    {"fetch", fetch_opts, ARRAY_LEN(fetch_opts), run,
     "As an Enrolment Target itself: gets the key of an Enrolee for this device from the MEF.", "TS-0003 8.3.2.1"},
    {"register", register_opts, ARRAY_LEN(register_opts), run, "Registers an AE at the CSE.", "TS-0001 10.2.2.2"},
    {"request", device_request_opts, DEVICE_REQUEST_OPTS_N, run,
     "Sends one request to the CSE and prints the answer: rsc, and content; with --json a number, and what the JSON says (null: none).",
     "TS-0004 7.3"},
    {"maf-config", device_manage_opts, DEVICE_MANAGE_OPTS_N, run,
     "Prints the configuration that the MAF holds for this client.", "TS-0003 8.8.2.4"},
    {"maf-update", device_manage_update_opts, DEVICE_MANAGE_UPDATE_OPTS_N, run,
     "Changes lifetime or labels of this client's registration at the MAF.", "TS-0003 8.8.2.5"},
    {"maf-deregister", device_manage_opts, DEVICE_MANAGE_OPTS_N, run,
     "Ends this client's registration at the MAF, with the connection key.", "TS-0003 8.8.2.6"},
    {"key-update", device_manage_update_opts, DEVICE_MANAGE_UPDATE_OPTS_N, run,
     "Changes lifetime or labels of the connection key at the MAF.", "TS-0003 8.8.2.9"},
    {"key-deregister", device_manage_opts, DEVICE_MANAGE_OPTS_N, run,
     "Ends the connection key at the MAF: no target is given it any more.", "TS-0003 8.8.2.10"},
    {"use-register", device_usage_register_opts, DEVICE_USAGE_REGISTER_OPTS_N, run,
     "Registers a key for one purpose at the MEF or MAF, by its SUID, and keeps it in the state.", "TS-0003 8.3.5.2.7, 8.8.2.7"},
    {"use-retrieve", device_usage_key_opts, DEVICE_USAGE_KEY_OPTS_N, run,
     "As a target: retrieves a key that another one registered, and keeps it in the state.", "TS-0003 8.3.5.2.8, 8.8.2.8"},
    {"use-update", device_usage_update_opts, DEVICE_USAGE_UPDATE_OPTS_N, run,
     "Changes lifetime or labels of a key that this device registered.", "TS-0003 8.3.5.2.9, 8.8.2.9"},
    {"use-deregister", device_usage_key_opts, DEVICE_USAGE_KEY_OPTS_N, run,
     "Ends a key that this device registered.", "TS-0003 8.3.5.2.10, 8.8.2.10"},
    {"use-list", device_usage_list_opts, DEVICE_USAGE_LIST_OPTS_N, run, "Says which of these keys are kept here.", "-"},
    {"mef-register", device_usage_mef_opts, DEVICE_USAGE_MEF_OPTS_N, run, "Registers this client at the MEF.", "TS-0003 8.3.5.2.3"},
    {"mef-config", device_usage_mef_opts, DEVICE_USAGE_MEF_OPTS_N, run,
     "Prints the configuration that the MEF holds for this client.", "TS-0003 8.3.5.2.4"},
    {"mef-update", device_usage_mef_update_opts, DEVICE_USAGE_MEF_UPDATE_OPTS_N, run,
     "Changes lifetime or labels of this client's registration at the MEF.", "TS-0003 8.3.5.2.5"},
    {"mef-deregister", device_usage_mef_opts, DEVICE_USAGE_MEF_OPTS_N, run,
     "Ends this client's registration at the MEF, with its keys.", "TS-0003 8.3.5.2.6"},
    {"certificate", device_est_certificate_opts, DEVICE_EST_CERTIFICATE_OPTS_N, device_est_certificate,
     "Makes a key, has the MEF certify it by EST, and stores certificate and CA certificates beside the state.",
     "TS-0003 8.3.6.2"},
    {"renew", device_est_renew_opts, DEVICE_EST_RENEW_OPTS_N, device_est_renew,
     "Replaces the certificate that the MEF gave by a new one for the same key.", "TS-0003 8.3.6.2"},
    {"keep", device_keep_opts, DEVICE_KEEP_OPTS_N, device_keep,
     "Renews enrolment, connection key, AE registration and certificate before they end, and makes anew what a server lost, until SIGTERM.", "TS-0003 10.7"},
    {"instantiate", device_instance_opts, DEVICE_INSTANCE_OPTS_N, device_instance,
     "Derives the application key of an AE behind this CSE and begins its state, for keystead associate --local-cse.", "-"},
    {"commands", device_commands_opts, DEVICE_COMMANDS_OPTS_N, run,
     "Registers at the MEF if need be, and does what the MEF has for this device to do, until there is nothing more.",
     "TS-0003 8.3.9"},
    {"package", device_package_opts, DEVICE_PACKAGE_OPTS_N, device_package_make,
     "At the operator: makes the provisioning package of one device, encrypted, with what it needs of every layer.", "-"},
    {"provision", device_provision_opts, DEVICE_PROVISION_OPTS_N, device_provision,
     "Begins the state of this device with what its provisioning package holds.", "-"},
    {"status", status_opts, ARRAY_LEN(status_opts), run, "Says where this device stands; no key is printed.", "-"},
    {"forget", forget_opts, ARRAY_LEN(forget_opts), run, "Takes one place (--at) out of the state, with its keys.", "-"},
};
const struct cli_command cmd_device = {"device", verbs, ARRAY_LEN(verbs), "the enrolee's side", NULL};
