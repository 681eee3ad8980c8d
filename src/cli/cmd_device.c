/* keystead device: the Enrolee's side. Every verb opens the state, runs the steps of its goal, saves after each. */
#include "cli/cli.h"
#include "cli/device_est.h"
#include "role/detail.h"
#include "shell/clock.h"
#include "shell/crypto_openssl.h"
#include "shell/device_cert.h"
#include "shell/device_dir.h"
#include "shell/device_run.h"
#include "wire/json.h"
#include "wire/timestamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct cli_command cmd_device;

enum { SECONDS_DEFAULT = 20, LIFETIME_DAYS = 90, FILE_BODY_MAX = 1048576 };

#define NO_STATE "no device state here, run device enrol first"

/* -- options: one table for all verbs, each verb a range of it ------------------------------------------- */
#define OPT_STATE                                                                                                      \
    {"--state", CLI_OPT_REQUIRED, "directory of the device's sealed state"},                                          \
    {"--seal-key", 0, "file with the sealing key, if not DIR/state.key"}

#define OPT_CERTIFICATE                                                                                                \
    {"--certificate", 0, "PEM file of the device's own certificate, its chain behind it"},                            \
        {"--private-key", 0, "PEM file of the key of --certificate, mode 0600, or a pkcs11: URI; it is not copied"},  \
    {"--trust", 0, "PEM file with the trust anchors that the other side's certificate must lead to"}

static const struct cli_opt enrol_opts[] = {
    OPT_STATE,
    {"--mef", 0, "HOST:PORT of the MEF (the MEF URI)"},
    {"--mef-id", 0, "FQDN of the MEF"},
    {"--kpm-id", 0, "identifier of the pre-provisioned key (KpmId)"},
    {"--key-file", 0, "file with Kpm: hex and a newline, mode 0600"},
    OPT_CERTIFICATE,
    {"--target", 0, "Enrolment Target: FQDN of the MAF (MAF-ID)"},
    {"--maf", 0, "HOST:PORT of the MAF"},
    {"--profile", 0, "r3 (default) or seed: as the MEF has it for this credential"},
    {"--lifetime", 0, "Enrolment Expiry, e.g. 90d (default)"},
};
static const struct cli_opt associate_opts[] = {
    OPT_STATE,
    {"--cse", 0, "HOST:PORT of the registrar CSE"},
    {"--cse-id", 0, "absolute CSE-ID of the registrar, e.g. //sp.example/in"},
    {"--cse-name", 0, "public domain name of the CSE (SNI); by default from the CSE-ID"},
    {"--admin-fqdn", 0, "administrating stakeholder at the MAF; by default the SP of the CSE-ID"},
    {"--kpsa-id", 0, "identifier of a pre-provisioned Kpsa: then no MAF is asked"},
    {"--kpsa-file", 0, "file with Kpsa: hex and a newline, mode 0600"},
    OPT_CERTIFICATE,
    {"--maf", 0, "HOST:PORT of a MAF to show --certificate to; without it --certificate is shown to the CSE"},
    {"--maf-id", 0, "FQDN of that MAF, as in its certificate"},
};
static const struct cli_opt register_opts[] = {
    OPT_STATE,
    {"--app-id", CLI_OPT_REQUIRED, "App-ID, e.g. Nthermometer"},
    {"--from", 0, "S, C, or a full AE-ID stem; absent: the registrar chooses"},
    {"--unreachable", CLI_OPT_FLAG, "requestReachability false"},
};
static const struct cli_opt request_opts[] = {
    OPT_STATE,
    {"OPERATION", CLI_OPT_POSITIONAL | CLI_OPT_REQUIRED, "create, retrieve, update or delete"},
    {"PATH", CLI_OPT_POSITIONAL | CLI_OPT_REQUIRED, "address, e.g. /Cae1/box or /~/in/Cae1/box/la"},
    {"--type", 0, "resource type to create: 1 ACP, 3 container, 4 contentInstance"},
    {"--content", 0, "JSON text, or @FILE"},
    {"--from", 0, "originator, if not the registered AE"},
};
static const struct cli_opt status_opts[] = {OPT_STATE};

/* -- what the verbs share --------------------------------------------------------------------------------- */
struct work {
    const struct cli_args *a;
    struct device_dir dir;
    struct device_state state;
    struct device_task task;
    struct device device;
    struct device_run run;
    uint16_t rsc;
    char detail[ROLE_DETAIL_MAX];
    char admin_fqdn[KEYID_MAX];
};

static struct work *work_new(const struct cli_args *a)
{
    struct work *w = calloc(1, sizeof(*w)); /* too large for a stack */
    if (w != NULL) {
        w->a = a;
        w->dir.lock = -1;
    }
    return w;
}

static void work_free(struct work **w)
{
    if (*w != NULL) {
        device_dir_close(&(*w)->dir);
        device_state_wipe(&(*w)->state);
        free(*w);
    }
}

static err_t opened(struct work *w, bool make)
{
    err_t e = device_dir_open(cli_arg(w->a, "--state"), cli_arg(w->a, "--seal-key"), crypto_openssl(), make, &w->dir);
    if (e != ERR_OK) {
        return detail_fail(w->detail, e, e == ERR_NOT_FOUND ? NO_STATE : "state", text_of(cli_arg(w->a, "--state")));
    }
    e = device_dir_load(&w->dir, &w->state);
    if (make && e == ERR_NOT_FOUND) {
        w->state.profile = CREDENTIAL_R3;
        w->state.lifetime = (usec_t)LIFETIME_DAYS * 86400 * USEC_PER_SEC;
        return ERR_OK;
    }
    return e == ERR_NOT_FOUND ? detail_fail(w->detail, e, NO_STATE, text_of(w->dir.path)) : e;
}

/* Copies an option into the state if it was given. */
static err_t take(struct work *w, const char *option, char *dst, size_t cap)
{
    const char *v = cli_arg(w->a, option);
    if (v == NULL) {
        return ERR_OK;
    }
    /* What does not fit is not repeated: a pkcs11: URI may hold a PIN that its check has not refused yet. */
    return text_copy(text_of(v), dst, cap) == ERR_OK ? ERR_OK
                                                     : detail_fail(w->detail, ERR_USAGE, option, text_of("is too long"));
}
#define TAKE(w, option, array) take((w), (option), (array), sizeof(array))

static err_t take_fqdn(struct work *w, const char *option, char *dst, size_t cap)
{
    TRY(take(w, option, dst, cap));
    if (cli_arg(w->a, option) != NULL && !keyid_is_fqdn(text_of(dst))) {
        return detail_fail(w->detail, ERR_USAGE, option, text_of(dst));
    }
    for (char *c = dst; *c != '\0'; c++) {
        *c = text_lower(*c); /* FQDNs go into derivations: one form only */
    }
    return ERR_OK;
}

static err_t take_key(struct work *w, const char *option, struct secret *out)
{
    const char *file = cli_arg(w->a, option);
    if (file == NULL) {
        return ERR_OK;
    }
    err_t e = cli_key_file(file, out);
    if (e == ERR_OK && out->n < KEYS_PROVISIONED_MIN) {
        e = ERR_MALFORMED_KEY;
    }
    return e == ERR_OK ? ERR_OK : detail_fail(w->detail, e, option, text_of(file));
}

/* --certificate, --private-key and --trust belong together; *given says whether they are there. */
static err_t take_certificate(struct work *w, struct device_state_certificate *out, bool *given)
{
    static const char *const options[] = {"--certificate", "--private-key", "--trust"};
    struct device_state_certificate c = {.file = ""};
    *given = false;
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        *given = *given || cli_arg(w->a, options[i]) != NULL;
    }
    for (size_t i = 0; *given && i < ARRAY_LEN(options); i++) {
        if (cli_arg(w->a, options[i]) == NULL) {
            return detail_fail(w->detail, ERR_USAGE, "--certificate, --private-key and --trust belong together; missing",
                               text_of(options[i]));
        }
    }
    if (!*given) {
        return ERR_OK;
    }
    TRY(TAKE(w, "--certificate", c.file));
    TRY(TAKE(w, "--private-key", c.key));
    TRY(TAKE(w, "--trust", c.trust));
    TRY(device_cert_look(&c, w->detail));
    *out = c;
    return ERR_OK;
}

/* All steps of the goal; the state is on disk before the next step begins. */
static err_t pursue(struct work *w)
{
    struct device_exchange x = {0};
    device_start(&w->device, &w->state, crypto_openssl(), &w->task);
    w->run.seconds = SECONDS_DEFAULT;
    for (;;) {
        err_t e = device_next(&w->device, clock_now(), &x);
        if (e == ERR_NOT_FOUND) {
            return ERR_OK;
        }
        struct device_outcome got = {.err = e};
        if (e == ERR_OK) {
            device_run_exchange(&w->run, &x, &got);
            w->rsc = got.rsc;
            e = device_accept(&w->device, clock_now(), &got);
            keys_export_wipe(&got.exported);
        }
        if (e != ERR_OK) {
            bool said = w->device.detail[0] != '\0' || x.name == NULL;
            return detail_fail(w->detail, e, said ? w->device.detail : x.name, text_empty());
        }
        TRY(device_dir_save(&w->dir, &w->state));
    }
}

static int finish(struct work *w, err_t e)
{
    return e == ERR_OK ? CLI_DONE : cli_fail(w->a, e, w->detail);
}

static void out_time(const struct cli_args *a, const char *name, usec_t t)
{
    char text[TIMESTAMP_LEN + 8];
    struct writer o = WRITER_ARRAY(text);
    timestamp_write(&o, t);
    cli_out(a, name, t == 0 ? text_of("-") : t == USEC_NEVER ? text_of("never") : writer_view_text(&o));
}

/* -- enrol --------------------------------------------------------------------------------------------------- */
/* What was given last is what is used from now on: a key or a certificate (R001-94). */
static err_t enrol_credential(struct work *w)
{
    struct device_state *s = &w->state;
    bool certificate = false;
    bool key = cli_arg(w->a, "--key-file") != NULL;
    TRY(take_certificate(w, &s->mef.cert, &certificate));
    if (certificate && key) {
        return detail_fail(w->detail, ERR_USAGE, "--key-file or --certificate, not both", text_empty());
    }
    if (key) {
        s->mef.cert = (struct device_state_certificate){.file = ""};
    }
    return ERR_OK;
}

static err_t enrol_options(struct work *w)
{
    struct device_state *s = &w->state;
    const char *profile = cli_arg(w->a, "--profile");
    const char *lifetime = cli_arg(w->a, "--lifetime");
    TRY(TAKE(w, "--mef", s->mef.address));
    TRY(take_fqdn(w, "--mef-id", s->mef.fqdn, sizeof(s->mef.fqdn)));
    TRY(TAKE(w, "--kpm-id", s->kpm_id.z));
    TRY(take_key(w, "--key-file", &s->kpm.s));
    TRY(take_fqdn(w, "--target", s->maf.fqdn, sizeof(s->maf.fqdn)));
    TRY(TAKE(w, "--maf", s->maf.address));
    TRY(enrol_credential(w));
    if (profile != NULL && credential_args_profile(text_of(profile), &s->profile) != ERR_OK) {
        return detail_fail(w->detail, ERR_USAGE, "--profile", text_of(profile));
    }
    if (lifetime != NULL && timestamp_duration(text_of(lifetime), &s->lifetime) != ERR_OK) {
        return detail_fail(w->detail, ERR_USAGE, "--lifetime", text_of(lifetime));
    }
    if (s->mef.fqdn[0] == '\0') { /* the KpmId can identify the MEF to the Enrolee (R001-76) */
        struct keyid_parts parts;
        if (keyid_parse(text_of(s->kpm_id.z), &parts) != ERR_OK || TEXT_COPY(parts.fqdn, s->mef.fqdn) != ERR_OK) {
            return detail_fail(w->detail, ERR_USAGE, "--mef-id is missing and the KpmId does not name the MEF", text_empty());
        }
    }
    return ERR_OK;
}

static err_t enrol(struct work *w)
{
    TRY(opened(w, true));
    TRY(enrol_options(w));
    w->task.goal = DEVICE_ENROL;
    TRY(pursue(w));
    cli_out_begin(w->a);
    cli_out(w->a, "ke_id", text_of(w->state.ke_id.z));
    out_time(w->a, "expires", w->state.ke_not_after);
    cli_out_end(w->a);
    return ERR_OK;
}

/* -- associate ------------------------------------------------------------------------------------------------ */
/* With a MAF the certificate is for the MAF Handshake [8.8.2.2], else for the CSE itself [8.2.2.2]. */
static err_t associate_credential(struct work *w)
{
    struct device_state *s = &w->state;
    struct device_state_certificate none = {.file = ""};
    struct device_state_certificate c = none;
    bool given = false;
    bool to_maf = cli_arg(w->a, "--maf") != NULL || cli_arg(w->a, "--maf-id") != NULL;
    TRY(take_certificate(w, &c, &given));
    if (to_maf && !given) {
        return detail_fail(w->detail, ERR_USAGE, "--maf and --maf-id are for --certificate", text_empty());
    }
    if (given && cli_arg(w->a, "--kpsa-file") != NULL) {
        return detail_fail(w->detail, ERR_USAGE, "--kpsa-file or --certificate, not both", text_empty());
    }
    TRY(TAKE(w, "--maf", s->maf.address));
    TRY(take_fqdn(w, "--maf-id", s->maf.fqdn, sizeof(s->maf.fqdn)));
    if (to_maf && s->maf.fqdn[0] == '\0') {
        return detail_fail(w->detail, ERR_USAGE, "--maf-id is missing", text_empty());
    }
    if (given && strcmp(c.file, (to_maf ? s->maf : s->cse).cert.file) == 0) {
        *(to_maf ? &s->maf.cert : &s->cse.cert) = c; /* said again: what was built on it stays */
    } else if (given) {
        s->maf.cert = to_maf ? c : none;
        s->cse.cert = to_maf ? none : c;
        secret_wipe(&s->kpsa.s);
        secret_wipe(&s->kc.s);
        s->kpsa_id.z[0] = s->kc_id.z[0] = s->registration[0] = '\0';
    } else if (cli_arg(w->a, "--kpsa-file") != NULL) {
        s->cse.cert = none;
    }
    return ERR_OK;
}

static err_t associate_options(struct work *w)
{
    struct device_state *s = &w->state;
    struct m2mid name;
    bool new_cse = cli_arg(w->a, "--cse-id") != NULL && strcmp(cli_arg(w->a, "--cse-id"), s->cse_id.z) != 0;
    TRY(TAKE(w, "--cse", s->cse.address));
    TRY(TAKE(w, "--cse-id", s->cse_id.z));
    TRY(take_fqdn(w, "--cse-name", s->cse.fqdn, sizeof(s->cse.fqdn)));
    TRY(TAKE(w, "--kpsa-id", s->kpsa_id.z));
    TRY(take_key(w, "--kpsa-file", &s->kpsa.s));
    TRY(associate_credential(w));
    if (m2mid_kind(text_of(s->cse_id.z)) != M2MID_ABS_CSE) { /* R002-74: the registrar must be known beforehand */
        return detail_fail(w->detail, ERR_USAGE, "--cse-id must be an absolute CSE-ID", text_of(s->cse_id.z));
    }
    if (s->cse.fqdn[0] == '\0') {
        TRY(m2mid_fqdn(text_of(s->cse_id.z), &name));
        TRY(TEXT_COPY(text_of(name.z), s->cse.fqdn));
    }
    if (new_cse) { /* a connection key is for one target only */
        secret_wipe(&s->kc.s);
        s->kc_id.z[0] = '\0';
    }
    struct text sp = text_skip(text_of(s->cse_id.z), 2);
    TRY(TEXT_COPY(text_take(sp, text_find(sp, '/')), w->admin_fqdn));
    return take_fqdn(w, "--admin-fqdn", w->admin_fqdn, sizeof(w->admin_fqdn));
}

static err_t associate(struct work *w)
{
    TRY(opened(w, cli_arg(w->a, "--kpsa-file") != NULL || cli_arg(w->a, "--certificate") != NULL));
    TRY(associate_options(w));
    w->task.goal = DEVICE_ASSOCIATE;
    w->task.admin_fqdn = w->admin_fqdn;
    TRY(device_dir_save(&w->dir, &w->state));
    TRY(pursue(w));
    bool kpsa = secret_is_set(&w->state.kpsa.s);
    bool certificate = !kpsa && w->state.cse.cert.file[0] != '\0';
    cli_out_begin(w->a);
    cli_out(w->a, "framework", text_of(kpsa ? "psk" : certificate ? "cert" : "maf"));
    if (certificate) {
        cli_out(w->a, "certificate", text_of(w->state.cse.cert.file));
    } else {
        cli_out(w->a, "key_id", text_of(kpsa ? w->state.kpsa_id.z : w->state.kc_id.z));
    }
    if (!kpsa && !certificate) {
        if (w->state.maf.cert.file[0] == '\0') {
            cli_out(w->a, "km_id", text_of(w->state.km_id.z));
        }
        out_time(w->a, "expires", w->state.kc_not_after);
    }
    cli_out_end(w->a);
    return ERR_OK;
}

/* -- register ------------------------------------------------------------------------------------------------- */
static err_t registered(struct work *w)
{
    TRY(opened(w, false));
    w->task.goal = DEVICE_REGISTER;
    w->task.app_id = cli_arg(w->a, "--app-id");
    w->task.from = cli_arg(w->a, "--from") != NULL ? cli_arg(w->a, "--from") : "";
    w->task.unreachable = cli_arg(w->a, "--unreachable") != NULL;
    TRY(pursue(w));
    cli_out_begin(w->a);
    cli_out(w->a, "ae_id", text_of(w->state.ae_stem));
    cli_out_end(w->a);
    return ERR_OK;
}

/* -- request --------------------------------------------------------------------------------------------------- */
static err_t operation(struct work *w)
{
    static const struct {
        const char *name;
        enum op op;
    } names[] = {{"create", OP_CREATE}, {"retrieve", OP_RETRIEVE}, {"update", OP_UPDATE}, {"delete", OP_DELETE}};
    const char *want = cli_arg(w->a, "OPERATION");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (strcmp(names[i].name, want) == 0) {
            w->task.op = names[i].op;
            return ERR_OK;
        }
    }
    return detail_fail(w->detail, ERR_USAGE, "OPERATION is create, retrieve, update or delete", text_of(want));
}

static err_t file_text(struct work *w, const char *file, char **out)
{
    FILE *f = fopen(file, "re");
    char *text = calloc(1, FILE_BODY_MAX + 1);
    size_t n = f != NULL && text != NULL ? fread(text, 1, FILE_BODY_MAX + 1, f) : 0;
    bool good = f != NULL && text != NULL && ferror(f) == 0 && n <= FILE_BODY_MAX;
    if (f != NULL) {
        (void)fclose(f);
    }
    if (!good) {
        free(text);
        return detail_fail(w->detail, ERR_IO, "--content", text_of(file));
    }
    text[n] = '\0';
    *out = text;
    return ERR_OK;
}

static void free_text(char **p)
{
    free(*p);
}

static err_t request(struct work *w)
{
    SCOPED(free_text) char *from_file = NULL;
    const char *content = cli_arg(w->a, "--content");
    const char *ty = cli_arg(w->a, "--type");
    uint64_t type = 0;
    TRY(opened(w, false));
    TRY(operation(w));
    if (ty != NULL && text_u64(text_of(ty), 99999, &type) != ERR_OK) {
        return detail_fail(w->detail, ERR_USAGE, "--type", text_of(ty));
    }
    if (content != NULL && content[0] == '@') {
        TRY(file_text(w, content + 1, &from_file));
        content = from_file;
    }
    w->task.goal = DEVICE_REQUEST;
    w->task.path = cli_arg(w->a, "PATH");
    w->task.ty = (uint32_t)type;
    w->task.body = content;
    w->task.from = cli_arg(w->a, "--from");
    TRY(pursue(w));
    char rsc[8];
    (void)snprintf(rsc, sizeof(rsc), "%u", (unsigned)w->rsc);
    cli_out_begin(w->a);
    cli_out(w->a, "rsc", text_of(rsc));
    cli_out(w->a, "content", text_span((const char *)w->run.body, w->run.body_n));
    cli_out_end(w->a);
    return ERR_OK;
}

/* -- status ---------------------------------------------------------------------------------------------------- */
static err_t status(struct work *w)
{
    TRY(opened(w, false));
    const struct device_state *s = &w->state;
    usec_t now = clock_now();
    bool enrolled = secret_is_set(&s->ke.s);
    cli_out_begin(w->a);
    cli_out(w->a, "enrolled", text_of(!enrolled ? "no" : s->ke_not_after > now ? "yes" : "expired"));
    cli_out(w->a, "kpm_id", text_of(s->kpm_id.z));
    cli_out(w->a, "mef_certificate", text_of(s->mef.cert.file));
    cli_out(w->a, "maf_certificate", text_of(s->maf.cert.file));
    cli_out(w->a, "cse_certificate", text_of(s->cse.cert.file));
    cli_out(w->a, "profile", text_of(credential_args_profile_name(s->profile)));
    cli_out(w->a, "target", text_of(s->maf.fqdn));
    cli_out(w->a, "ke_id", text_of(s->ke_id.z));
    out_time(w->a, "ke_expires", s->ke_not_after);
    cli_out(w->a, "km_id", text_of(s->km_id.z));
    cli_out(w->a, "kpsa_id", text_of(s->kpsa_id.z));
    cli_out(w->a, "kc_id", text_of(s->kc_id.z));
    out_time(w->a, "kc_expires", s->kc_not_after);
    cli_out(w->a, "cse_id", text_of(s->cse_id.z));
    cli_out(w->a, "ae_id", text_of(s->ae_stem));
    cli_out_end(w->a);
    return ERR_OK;
}

/* -- the table ------------------------------------------------------------------------------------------------- */
static int run_with(const struct cli_args *a, err_t (*body)(struct work *w))
{
    SCOPED(work_free) struct work *w = work_new(a);
    return w == NULL ? cli_fail(a, ERR_LIMIT_CAPACITY, "memory") : finish(w, body(w));
}

static int run_enrol(const struct cli_args *a)
{
    return run_with(a, enrol);
}

static int run_associate(const struct cli_args *a)
{
    return run_with(a, associate);
}

static int run_register(const struct cli_args *a)
{
    return run_with(a, registered);
}

static int run_request(const struct cli_args *a)
{
    return run_with(a, request);
}

static int run_status(const struct cli_args *a)
{
    return run_with(a, status);
}

static const struct cli_verb verbs[] = {
    {"enrol", enrol_opts, ARRAY_LEN(enrol_opts), run_enrol,
     "Enrols at the MEF with the pre-provisioned key or a certificate; what is given once is remembered in the state.",
     "TS-0003 8.3.2.1, 8.3.2.2"},
    {"associate", associate_opts, ARRAY_LEN(associate_opts), run_associate,
     "Makes a connection key with the MAF, or takes a Kpsa or a certificate, and opens a security association with the CSE.", "TS-0003 8.2.2"},
    {"register", register_opts, ARRAY_LEN(register_opts), run_register, "Registers an AE at the CSE.", "TS-0001 10.2.2.2"},
    {"request", request_opts, ARRAY_LEN(request_opts), run_request, "Sends one request to the CSE and prints the answer.",
     "TS-0004 7.3"},
    {"certificate", device_est_certificate_opts, DEVICE_EST_CERTIFICATE_OPTS_N, device_est_certificate,
     "Makes a key, has the MEF certify it by EST, and stores certificate and CA certificates beside the state.",
     "TS-0003 8.3.6.2"},
    {"renew", device_est_renew_opts, DEVICE_EST_RENEW_OPTS_N, device_est_renew,
     "Replaces the certificate that the MEF gave by a new one for the same key.", "TS-0003 8.3.6.2"},
    {"status", status_opts, ARRAY_LEN(status_opts), run_status, "Says where this device stands; no key is printed.", "-"},
};
const struct cli_command cmd_device = {"device", verbs, ARRAY_LEN(verbs), "the enrolee's side", NULL};
