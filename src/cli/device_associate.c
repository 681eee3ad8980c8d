#include "cli/device_associate.h"

#include "cli/device_cert_opts.h"
#include "role/detail.h"
#include "role/device/device_gba.h"

#include <string.h>

const struct cli_opt device_associate_opts[DEVICE_ASSOCIATE_OPTS_N] = {
    DEVICE_WORK_OPT_STATE,
    DEVICE_WORK_OPT_EXCHANGE,
    {"--cse", 0, "HOST:PORT of the registrar CSE; with a SIM also https://HOST:PORT, HTTP Digest behind --trust"},
    {"--cse-id", 0, "absolute CSE-ID of the registrar, e.g. //sp.example/in"},
    {"--cse-name", 0, "public domain name of the CSE (SNI); by default from the CSE-ID"},
    {"--admin-fqdn", 0, "administrating stakeholder at the MAF; by default the SP of the CSE-ID"},
    {"--kpsa-id", 0, "identifier of a pre-provisioned Kpsa: then no MAF is asked"},
    {"--kpsa-file", 0, "file with Kpsa: hex and a newline, mode 0600"},
    DEVICE_CERT_OPTS,
    {"--maf", 0, "HOST:PORT of a MAF to show --certificate to; without it --certificate is shown to the CSE"},
    {"--maf-id", 0, "FQDN of that MAF, as in its certificate"},
    {"--add", CLI_OPT_FLAG, "a further CSE with the same enrolment; what is there stays"},
};

/* The CSE is the NAF, behind https://: of the options of a certificate it takes the anchors of the other end's. */
static err_t digest_options(struct device_work *w)
{
    struct device_state *s = &w->state;
    bool other = secret_is_set(&s->kpsa.s) || cli_arg(w->a, "--certificate") != NULL || cli_arg(w->a, "--kpsa-file") != NULL;
    if (other || !device_state_is_gba(s) || s->maf.fqdn[0] != '\0') {
        return detail_fail(w->detail, ERR_USAGE, "--cse " DEVICE_GBA_HTTPS " is for a SIM whose --target is this CSE", text_empty());
    }
    s->cse.cert.file[0] = s->cse.cert.key[0] = '\0';
    return device_cert_opts_trust(w, s->cse.address, s->cse.cert.trust);
}

/* With a MAF the certificate is for the MAF Handshake [8.8.2.2], else for the CSE itself [8.2.2.2]. */
static err_t associate_credential(struct device_work *w)
{
    struct device_state *s = &w->state;
    struct device_state_certificate none = {.file = ""};
    struct device_state_certificate c = none;
    bool given = false;
    bool to_maf = cli_arg(w->a, "--maf") != NULL || cli_arg(w->a, "--maf-id") != NULL;
    if (device_gba_is_https(&s->cse)) {
        return digest_options(w);
    }
    TRY(device_cert_opts_take(w, &c, &given));
    if (to_maf && !given) {
        return detail_fail(w->detail, ERR_USAGE, "--maf and --maf-id are for --certificate", text_empty());
    }
    if (given && cli_arg(w->a, "--kpsa-file") != NULL) {
        return detail_fail(w->detail, ERR_USAGE, "--kpsa-file or --certificate, not both", text_empty());
    }
    TRY(DEVICE_WORK_TAKE(w, "--maf", s->maf.address));
    TRY(device_work_take_fqdn(w, "--maf-id", s->maf.fqdn, sizeof(s->maf.fqdn)));
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

/* Km or a certificate for the MAF, and nothing to show to the CSE itself. */
static bool needs_maf(const struct device_state *s)
{
    return !device_state_is_direct(s) && (secret_is_set(&s->km.s) || device_state_is_gba(s) || s->maf.cert.file[0] != '\0');
}

static err_t associate_options(struct device_work *w)
{
    struct device_state *s = &w->state;
    struct m2mid name;
    bool new_cse = cli_arg(w->a, "--cse-id") != NULL && strcmp(cli_arg(w->a, "--cse-id"), s->cse_id.z) != 0;
    TRY(DEVICE_WORK_TAKE(w, "--cse", s->cse.address));
    TRY(DEVICE_WORK_TAKE(w, "--cse-id", s->cse_id.z));
    TRY(device_work_take_fqdn(w, "--cse-name", s->cse.fqdn, sizeof(s->cse.fqdn)));
    TRY(device_work_take_key(w, &(struct device_work_key){"--kpsa-id", "--kpsa-file", &s->kpsa_id, &s->kpsa.s}));
    TRY(associate_credential(w));
    const struct device_work_need needs[] = {{"--cse", s->cse.address[0] != '\0'},
                                             {"--cse-id", s->cse_id.z[0] != '\0'},
                                             {"--maf (of device enrol)", !needs_maf(s) || s->maf.address[0] != '\0'}};
    TRY(device_work_need(w, needs, ARRAY_LEN(needs)));
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
    return device_work_take_fqdn(w, "--admin-fqdn", w->admin_fqdn, sizeof(w->admin_fqdn));
}

err_t device_associate(struct device_work *w)
{
    static const char *const first[] = {"--kpsa-id", "--kpsa-file", "--certificate", "--private-key", "--trust"};
    bool make = false; /* a credential that needs no enrolment begins a state */
    for (size_t i = 0; i < ARRAY_LEN(first); i++) {
        make = make || cli_arg(w->a, first[i]) != NULL;
    }
    TRY(device_work_open_place(w, &(struct device_work_place){.options = {"--cse-id"}, .make = make, .adds = true, .shares = true}));
    TRY(associate_options(w));
    w->task.goal = DEVICE_ASSOCIATE;
    w->task.admin_fqdn = w->admin_fqdn;
    TRY(device_dir_save(&w->dir, &w->state));
    TRY(device_work_pursue(w));
    bool kpsa = secret_is_set(&w->state.kpsa.s);
    bool certificate = !kpsa && w->state.cse.cert.file[0] != '\0';
    bool gba = !kpsa && !certificate && device_state_is_direct(&w->state);
    cli_out_begin(w->a);
    if (w->device.made.id[0] != '\0') { /* none by HTTP Digest */
        cli_out(w->a, "association_id", text_of(w->device.made.id));
    }
    cli_out(w->a, "framework", text_of(kpsa ? "psk" : certificate ? "cert" : gba ? "gba" : "maf")); /* R000-41 */
    if (gba) {
        cli_out(w->a, "ua", text_of(device_gba_is_https(&w->state.cse) ? "http-digest" : "tls-psk"));
        cli_out(w->a, "key_id", text_of(w->state.ke_id.z));
        device_work_out_time(w->a, "expires", w->state.ke_not_after);
    } else if (certificate) {
        cli_out(w->a, "certificate", text_of(w->state.cse.cert.file));
    } else {
        cli_out(w->a, "key_id", text_of(kpsa ? w->state.kpsa_id.z : w->state.kc_id.z));
    }
    if (!kpsa && !certificate && !gba) {
        if (w->state.maf.cert.file[0] == '\0') {
            cli_out(w->a, "km_id", text_of(w->state.km_id.z));
        }
        device_work_out_time(w->a, "expires", w->state.kc_not_after);
    }
    cli_out_end(w->a);
    return ERR_OK;
}
