#include "cli/device_est.h"

#include "role/detail.h"
#include "shell/clock.h"
#include "shell/crypto_openssl.h"
#include "shell/device_dir.h"
#include "shell/est_client.h"
#include "shell/est_pki.h"
#include "shell/key_source.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 600, DUE_OF_THREE = 2 /* thirds of its life after which a certificate is renewed */ };

const struct cli_opt device_est_certificate_opts[DEVICE_EST_CERTIFICATE_OPTS_N] = {
    DEVICE_WORK_OPT_STATE,
    DEVICE_WORK_OPT_TIMEOUT,
    {"--identity", 0, "absolute AE-ID or CSE-ID that the certificate has to be for; by default what the MEF has"},
    {"--trust", 0, "PEM file with the trust anchors of the MEF, if not those that it was enrolled with"},
    {"--private-key", 0, "key of the certificate if not est.key there: a PEM file, or a pkcs11: or tpm2: name; one that is not there is made, but only in a file"},
};
const struct cli_opt device_est_renew_opts[DEVICE_EST_RENEW_OPTS_N] = {
    DEVICE_WORK_OPT_STATE,
    DEVICE_WORK_OPT_TIMEOUT,
    {"--identity", 0, "absolute AE-ID or CSE-ID that the certificate has to be for; by default what the MEF has"},
    {"--trust", 0, "PEM file with the trust anchors of the MEF, if not the CA certificates that it gave"},
    {"--private-key", 0, "key of the certificate if not est.key there: a PEM file, or a pkcs11: or tpm2: name; the one it was issued for"},
    {"--if-due", CLI_OPT_FLAG, "do nothing before two thirds of its life are over"},
};

struct work {
    const struct cli_args *a;
    struct device_dir dir;
    struct device_state state;
    struct est_client est;
    char key_file[FILE_MAX], cert_file[FILE_MAX], ca_file[FILE_MAX];
    char detail[ROLE_DETAIL_MAX];
};

static void work_wipe(struct work *w)
{
    device_dir_close(&w->dir);
    device_state_wipe(&w->state);
}

static err_t file_of(const struct device_dir *dir, const char *name, char out[static FILE_MAX])
{
    int n = snprintf(out, FILE_MAX, "%s/%s", dir->path, name);
    return n < 0 || n >= FILE_MAX ? ERR_LIMIT_SIZE : ERR_OK;
}

/* A name that has a form is looked at before anybody is asked; faults do not repeat it, for it may hold a PIN. */
static err_t key_of(struct work *w)
{
    const char *name = cli_arg(w->a, "--private-key");
    char why[KEY_PIN_WHY_MAX];
    if (name == NULL) {
        return file_of(&w->dir, "est.key", w->key_file);
    }
    err_t e = key_source_check(text_of(name), why);
    if (e != ERR_OK) {
        return detail_fail(w->detail, e, "--private-key", text_of(why));
    }
    e = TEXT_COPY(text_of(name), w->key_file);
    return e == ERR_OK ? e : detail_fail(w->detail, e, "--private-key: the name is too long", text_empty());
}

static err_t opened(struct work *w)
{
    const char *dir = cli_arg(w->a, "--state");
    err_t e = device_dir_open(dir, cli_arg(w->a, "--seal-key"), crypto_openssl(), false, &w->dir);
    e = e == ERR_OK ? device_dir_load(&w->dir, cli_arg(w->a, "--at"), &w->state, w->detail) : e;
    if (e == ERR_USAGE) {
        return e;
    }
    if (e != ERR_OK) {
        return detail_fail(w->detail, e == ERR_NOT_FOUND ? ERR_NO_DEVICE_STATE : e, "state", text_of(dir));
    }
    if (w->state.mef.address[0] == '\0') {
        return detail_fail(w->detail, ERR_STATE, "no MEF is known: device enrol first", text_empty());
    }
    TRY(key_of(w));
    TRY(file_of(&w->dir, "est.crt", w->cert_file));
    return file_of(&w->dir, "est-ca.crt", w->ca_file);
}

static err_t pursue(struct work *w, bool renew)
{
    struct est_client *c = &w->est;
    c->tls.fqdn = w->state.mef.fqdn;
    c->tls.address = w->state.mef.address;
    c->renew = renew;
    c->identity = cli_arg(w->a, "--identity");
    c->key_file = w->key_file;
    c->cert_file = w->cert_file;
    c->ca_file = w->ca_file;
    TRY(device_work_until(w->a, &c->until, w->detail));
    err_t e = est_client_run(c);
    return e == ERR_OK ? e : detail_fail(w->detail, e, c->detail, text_empty());
}

static err_t report(struct work *w, const char *did)
{
    struct est_status s;
    err_t e = est_pki_status(w->cert_file, &s);
    if (e != ERR_OK) {
        return detail_fail(w->detail, e, "certificate", text_of(w->cert_file));
    }
    cli_out_begin(w->a);
    cli_out(w->a, "result", text_of(did));
    cli_out(w->a, "identity", text_of(s.name));
    cli_out(w->a, "serial", text_of(s.serial));
    device_work_out_time(w->a, "expires", s.not_after);
    cli_out(w->a, "certificate", text_of(w->cert_file));
    cli_out(w->a, "key", text_of(w->key_file));
    cli_out(w->a, "trust", text_of(w->ca_file));
    cli_out_end(w->a);
    return ERR_OK;
}

/* -- the first one: with the bootstrap credential, whichever it is ------------------------------------------ */
static err_t provision(struct work *w)
{
    const struct device_state *s = &w->state;
    struct client_tls *tls = &w->est.tls;
    const char *trust = cli_arg(w->a, "--trust");
    TRY(opened(w));
    if (s->mef.cert.file[0] != '\0') { /* RFC 7030 3.3.2 */
        tls->certificate = s->mef.cert.file;
        tls->key = s->mef.cert.key;
        tls->trust = trust != NULL ? trust : s->mef.cert.trust;
    } else if (secret_is_set(&s->kpm.s)) { /* RFC 7030 3.3.3 */
        tls->psk_identity = text_of(s->kpm_id.z);
        tls->psk = &s->kpm.s;
    } else {
        return detail_fail(w->detail, ERR_STATE, "no bootstrap credential: device enrol first", text_empty());
    }
    TRY(pursue(w, false));
    return report(w, "issued");
}

/* A life begins when the certificate comes here: it says that it is older, for clocks that are behind. */
static usec_t due_of(const char *file, const struct est_status *s)
{
    struct stat st;
    usec_t since = s->not_before;
    if (stat(file, &st) == 0) {
        usec_t written = (usec_t)st.st_mtim.tv_sec * USEC_PER_SEC;
        since = written > since && written < s->not_after ? written : since;
    }
    return since + (s->not_after - since) / 3 * DUE_OF_THREE;
}

/* -- the next one: with the latest (7.0.3) -------------------------------------------------------------------- */
static err_t renewed(struct work *w)
{
    struct client_tls *tls = &w->est.tls;
    const char *trust = cli_arg(w->a, "--trust");
    struct est_status s;
    TRY(opened(w));
    err_t e = est_pki_status(w->cert_file, &s);
    if (e != ERR_OK) {
        return detail_fail(w->detail, e == ERR_IO ? ERR_STATE : e, "no certificate yet: device certificate first", text_empty());
    }
    if (cli_arg(w->a, "--if-due") != NULL && clock_now() < due_of(w->cert_file, &s)) {
        return report(w, "not-due");
    }
    tls->certificate = w->cert_file;
    tls->key = w->key_file;
    tls->trust = trust != NULL ? trust : w->ca_file;
    TRY(pursue(w, true));
    return report(w, "renewed");
}

static int run_with(const struct cli_args *a, err_t (*body)(struct work *w))
{
    SCOPED(work_wipe) struct work w = {.a = a, .dir = {.lock = -1}};
    err_t e = body(&w);
    return e == ERR_OK ? CLI_DONE : cli_fail(a, e, w.detail);
}

int device_est_certificate(const struct cli_args *a)
{
    return run_with(a, provision);
}

int device_est_renew(const struct cli_args *a)
{
    return run_with(a, renewed);
}

/* -- for device keep -------------------------------------------------------------------------------------------- */
void device_est_due(const struct device_dir *dir, usec_t *at, usec_t *end)
{
    char key[FILE_MAX], cert[FILE_MAX];
    struct est_status s;
    bool there = file_of(dir, "est.key", key) == ERR_OK && file_of(dir, "est.crt", cert) == ERR_OK && access(key, R_OK) == 0 &&
                 access(cert, R_OK) == 0 && est_pki_status(cert, &s) == ERR_OK;
    if (there) {
        *at = due_of(cert, &s);
        *end = s.not_after;
    }
}

err_t device_est_again(struct device_work *w)
{
    char key[FILE_MAX], cert[FILE_MAX], ca[FILE_MAX];
    TRY(file_of(&w->dir, "est.key", key));
    TRY(file_of(&w->dir, "est.crt", cert));
    TRY(file_of(&w->dir, "est-ca.crt", ca));
    struct est_client c = {.renew = true, .key_file = key, .cert_file = cert, .ca_file = ca};
    c.tls = (struct client_tls){
        .fqdn = w->state.mef.fqdn, .address = w->state.mef.address, .certificate = cert, .key = key, .trust = ca};
    TRY(device_work_until(w->a, &c.until, w->detail));
    err_t e = est_client_run(&c);
    return e == ERR_OK ? e : detail_fail(w->detail, e, c.detail, text_empty());
}
