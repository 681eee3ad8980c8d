#include "cli/device_ub.h"

#include "cli/device_cert_opts.h"
#include "role/detail.h"
#include "role/device/device_gba.h"
#include "shell/clock.h"
#include "shell/crypto_openssl.h"
#include "shell/sim.h"
#include "shell/ub_client.h"

#include <string.h>

bool device_ub_is_meant(const struct device_work *w, bool other_credential)
{
    bool asked = cli_arg(w->a, "--gba") != NULL;
    return asked || (device_state_is_gba(&w->state) && !other_credential);
}

/* -- options ------------------------------------------------------------------------------------------------- */
/* R001-119: it must be known for which target; a MAF by its FQDN, whose Km the key will be, a CSE by its CSE-ID (R001-113). */
static err_t take_target(struct device_work *w)
{
    struct device_state *s = &w->state;
    struct text given = text_of(cli_arg(w->a, "--target"));
    if (given.n == 0) {
        return ERR_OK;
    }
    if (m2mid_kind(given) != M2MID_ABS_CSE) {
        return device_work_take_fqdn(w, "--target", s->maf.fqdn, sizeof(s->maf.fqdn));
    }
    struct m2mid name;
    TRY(m2mid_fqdn(given, &name));
    s->maf = (struct device_state_server){.fqdn = ""};
    TRY(TEXT_COPY(given, s->cse_id.z));
    return TEXT_COPY(text_of(name.z), s->cse.fqdn);
}

/* Whose it is and which key it gives; another card is another subscriber, and begins anew. */
static err_t take_card(struct device_work *w, const struct aka_sim *card, const char *wanted)
{
    struct device_state_sim *s = &w->state.sim;
    uint8_t key = 0;
    err_t e = device_gba_choose(card->gba, wanted, &key);
    if (e != ERR_OK) {
        return detail_fail(w->detail, e, "--naf-key", text_of(wanted));
    }
    bool other = strcmp(s->impi.z, card->impi.z) != 0;
    bool keep = s->naf_key != DEVICE_STATE_NAF_NONE && wanted == NULL && !other;
    key = keep ? s->naf_key : key;
    if (other || key != s->naf_key) {
        device_state_forget_enrolment(&w->state);
    }
    s->impi = card->impi;
    s->naf_key = key;
    return ERR_OK;
}

static err_t take_sim(struct device_work *w)
{
    struct sim sim = {.close = NULL};
    TRY(sim_name(w->state.sim.file, sizeof(w->state.sim.file), w->detail));
    err_t e = sim_open(w->state.sim.file, crypto_openssl(), &sim, w->detail);
    e = e == ERR_OK ? take_card(w, &sim.card, cli_arg(w->a, "--naf-key")) : e;
    if (e == ERR_OK && w->state.mef.fqdn[0] == '\0') { /* that of its home network [TS 23.003 16.2] */
        e = impi_bsf(text_of(w->state.sim.impi.z), w->state.mef.fqdn, sizeof(w->state.mef.fqdn));
    }
    sim_close(&sim);
    return e;
}

err_t device_ub_options(struct device_work *w)
{
    struct device_state *s = &w->state;
    TRY(DEVICE_WORK_TAKE(w, "--sim", s->sim.file));
    TRY(take_target(w));
    bool has_target = s->maf.fqdn[0] != '\0' || s->cse_id.z[0] != '\0';
    const struct device_work_need needs[] = {
        {"--mef", s->mef.address[0] != '\0'},
        {"--target", has_target},
        {"--sim", s->sim.file[0] != '\0'},
    };
    TRY(device_work_need(w, needs, ARRAY_LEN(needs)));
    if (device_gba_is_https(&s->mef)) { /* a BSF behind TLS; Ub is HTTP Digest in any case */
        TRY(device_cert_opts_trust(w, s->mef.address, s->mef.cert.trust));
    }
    if (device_gba_is_https(&s->maf)) { /* Kc is exported, and by HTTP Digest nothing is */
        return detail_fail(w->detail, ERR_USAGE, "--maf is HOST:PORT or coaps://HOST:PORT", text_of(s->maf.address));
    }
    secret_wipe(&s->kpm.s); /* the card takes its place */
    s->kpm_id.z[0] = '\0';
    return take_sim(w);
}

/* -- the run --------------------------------------------------------------------------------------------------- */
static err_t converse(struct device_work *w, struct sim *sim, struct ub_ue *ue)
{
    const struct device_state *s = &w->state;
    char tmpi[KEYID_MAX];
    struct writer t = WRITER_ARRAY(tmpi);
    TRY(device_gba_tmpi(s, &sim->card, crypto_openssl(), &t));
    const struct ub_ue_conf conf = {.crypto = crypto_openssl(),
                                    .impi = text_of(s->sim.impi.z),
                                    .tmpi = writer_view_text(&t),
                                    .bsf = text_of(s->mef.fqdn),
                                    .card_keeps_ks = device_gba_card_keeps_ks(s)};
    struct ub_client u = {.bsf = &s->mef, .sim = &sim->card, .until = w->run.until};
    ub_ue_start(ue, &conf);
    err_t e = ub_client_run(&u, ue);
    return e == ERR_OK ? e : detail_fail(w->detail, e, u.detail, text_empty());
}

/* R001-111: what fails leaves nothing behind but a number that the card will not take again. */
static err_t bootstrap(struct device_work *w)
{
    SCOPED(ub_ue_wipe) struct ub_ue ue;
    SCOPED(sim_close) struct sim sim = {.close = NULL};
    ue.step = UB_UE_FAILED;
    if (w->run.until == 0) {
        TRY(device_work_until(w->a, &w->run.until, w->detail));
    }
    TRY(sim_open(w->state.sim.file, crypto_openssl(), &sim, w->detail));
    if (w->state.sim.naf_key == DEVICE_STATE_NAF_NONE) { /* out of a package, and never used */
        TRY(take_card(w, &sim.card, NULL));
    }
    TRY(converse(w, &sim, &ue));
    TRY(device_gba_bootstrapped(&w->state, &ue, clock_now()));
    return w->deferred ? ERR_OK : device_dir_save(&w->dir, &w->state);
}

err_t device_ub_enrol(struct device_work *w, bool anew)
{
    if (!device_state_is_gba(&w->state)) {
        w->task = (struct device_task){.goal = DEVICE_ENROL};
        return device_work_pursue(w);
    }
    if (!anew && device_gba_is_live(&w->state, clock_now())) { /* R001-128 */
        return w->deferred ? ERR_OK : device_dir_save(&w->dir, &w->state);
    }
    return bootstrap(w);
}

void device_ub_print(const struct device_work *w, bool left_out)
{
    cli_out(w->a, "bootstrapping", text_of(left_out ? "left-out" : "done"));
    cli_out(w->a, "impi", text_of(w->state.sim.impi.z));
    cli_out(w->a, "naf_key", text_of(device_gba_key_name(w->state.sim.naf_key)));
}
