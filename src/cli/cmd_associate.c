/*
 * keystead associate: the association procedure (docs/procedures/association.md) on the steps of `keystead device`. What the device's own verb
 * remembers is said here each time: who calls, with whom, by which mechanism and for how long.
 */
#include "cli/device_associate.h"
#include "cli/device_cert_opts.h"
#include "cli/device_instance.h"
#include "role/detail.h"
#include "role/device/device_gba.h"
#include "shell/clock.h"
#include "shell/est_pki.h"
#include "shell/secret_file.h"
#include "wire/establish.h"
#include "wire/timestamp.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern const struct cli_command cmd_associate;

static const struct cli_opt opts[] = {
    DEVICE_WORK_OPT_STATE,
    DEVICE_WORK_OPT_EXCHANGE,
    {"--self", 0, "absolute CSE-ID or AE-ID of the caller"},
    {"--local-cse", 0, "of an AE behind a CSE: absolute CSE-ID of the CSE whose state --state is"},
    {"--peer", 0, "absolute CSE-ID or AE-ID of the other end"},
    {"--address", CLI_OPT_REQUIRED, "HOST:PORT of the other end"},
    {"--peer-name", 0, "its public domain name (SNI); by default from --peer"},
    {"--mechanism", CLI_OPT_REQUIRED, "key, certificate, maf or gba"},
    {"--key-id", 0, "key: identifier of the pre-provisioned key"},
    {"--key-file", 0, "key: file with it: hex and a newline, mode 0600"},
    DEVICE_CERT_OPTS,
    {"--maf-id", 0, "maf: FQDN of the MAF; by default of the enrolment"},
    {"--maf", 0, "maf: HOST:PORT of the MAF; by default of the enrolment"},
    {"--admin-fqdn", 0, "maf: administrating stakeholder; by default the SP of --peer"},
    {"--lifetime", 0, "credential (default), session, data or contract"},
    {"--until", 0, "data, contract: when validity or contract ends, YYYYMMDDThhmmss"},
    {"--key-out", 0, "new file for the association's key; mode 0400"},
};

struct call {
    struct device_work *w;
    struct establish_input in;
};

/* -- what was said: judged before anything is opened ----------------------------------------------------------------- */
static err_t named(struct call *c)
{
    const struct cli_args *a = c->w->a;
    const char *lifetime = cli_arg(a, "--lifetime");
    const char *until = cli_arg(a, "--until");
    c->in.self = text_of(cli_arg(a, "--self"));
    c->in.peer = text_of(cli_arg(a, "--peer"));
    c->in.local_cse = text_of(cli_arg(a, "--local-cse"));
    if (establish_by_name(text_of(cli_arg(a, "--mechanism")), &c->in.mechanism) != ERR_OK) {
        return detail_fail(c->w->detail, ERR_USAGE, "--mechanism is key, certificate, maf or gba", text_empty());
    }
    if (lifetime != NULL && establish_lifetime_by_name(text_of(lifetime), &c->in.lifetime) != ERR_OK) {
        return detail_fail(c->w->detail, ERR_USAGE, "--lifetime is credential, session, data or contract", text_of(lifetime));
    }
    if (until != NULL && timestamp_parse(text_of(until), &c->in.until) != ERR_OK) {
        return detail_fail(c->w->detail, ERR_MALFORMED_TIME, "--until", text_of(until));
    }
    return ERR_OK;
}

static err_t check(struct call *c)
{
    const char *what = "";
    err_t e = establish_check(&c->in, clock_now(), &what);
    return e == ERR_OK ? e : detail_fail(c->w->detail, e, what, text_empty());
}

static err_t said(struct call *c)
{
    const char *out = cli_arg(c->w->a, "--key-out");
    TRY(named(c));
    c->in.is_provisioned = c->in.has_secret = c->in.has_certificate = c->in.has_provider = c->in.has_network = true;
    c->in.credential_end = USEC_NEVER;
    TRY(check(c));
    if (c->in.local_cse.n > 0 && cli_arg(c->w->a, "--key-file") != NULL) {
        return detail_fail(c->w->detail, ERR_USAGE, "--key-file: the key of an AE behind a CSE is derived by device instantiate",
                           text_empty());
    }
    return out != NULL && access(out, F_OK) == 0 ? detail_fail(c->w->detail, ERR_EXISTS, "--key-out", text_of(out)) : ERR_OK;
}

/* -- what is there ---------------------------------------------------------------------------------------------------- */
/* A CSE that has enrolled anew has another long term key: what it derived from the old one is over (R004-16). */
static err_t derived_still(struct call *c, const struct device_state *cse)
{
    const struct device_state *ae = &c->w->state;
    const struct secret *held = c->in.mechanism == ESTABLISH_MAF ? &ae->km.s : &ae->kpsa.s;
    unsigned suid = establish_row(c->in.mechanism)->app_suid;
    struct key_application key = {0};
    if (suid == 0 || !secret_is_set(held)) {
        return ERR_OK; /* a certificate; or judged with the other prerequisites */
    }
    err_t e = keys_application_derive(c->w->dir.sealer.crypto, &cse->ke.s, suid, c->in.self, &key);
    bool same = e == ERR_OK && secret_eq(&key.s, held);
    secret_wipe(&key.s);
    return same || e != ERR_OK ? e
                               : detail_fail(c->w->detail, ERR_DENIED_SECRET,
                                             "the local CSE has enrolled anew: device instantiate again", c->in.self);
}

/* The AE's own state beside that of its CSE, which must be provisioned still. */
static err_t open_instance(struct call *c, struct device_dir *cse_dir, struct device_state *cse)
{
    struct device_work *w = c->w;
    char path[DEVICE_INSTANCE_PATH_MAX];
    TRY(device_instance_local(w->a, cse_dir, cse, w->detail));
    TRY(device_instance_path(cse_dir->path, cli_arg(w->a, "--self"), path));
    err_t e = device_dir_open(path, cli_arg(w->a, "--seal-key"), cse_dir->sealer.crypto, false, &w->dir);
    e = e == ERR_OK ? device_dir_load(&w->dir, NULL, &w->state, w->detail) : e;
    if (e == ERR_NOT_FOUND) { /* R004-16: no instance, no application key */
        return detail_fail(w->detail, ERR_DENIED_SECRET, "no application key: device instantiate first", c->in.self);
    }
    return e == ERR_OK ? derived_still(c, cse) : e;
}

static err_t open_state(struct call *c)
{
    struct device_work *w = c->w;
    if (c->in.local_cse.n > 0) {
        struct device_dir cse_dir = {.lock = -1};
        SCOPED(device_state_wipe) struct device_state cse = {.profile = CREDENTIAL_R3};
        err_t e = open_instance(c, &cse_dir, &cse);
        device_dir_close(&cse_dir);
        return e;
    }
    /* A node without a CSE (ADN) has the same kind of state: the function is there, too (R004-08). */
    bool make = cli_arg(w->a, "--key-file") != NULL || cli_arg(w->a, "--certificate") != NULL;
    err_t e = device_work_open_place(w, &(struct device_work_place){.options = {"--peer"}, .make = make});
    return e == ERR_NO_DEVICE_STATE ? ERR_DENIED_UNPROVISIONED : e; /* R000-54 */
}

/* A key or certificate of one pair is not shown to another peer (R004-06); what was given last is what is used. */
static err_t credentials(struct call *c)
{
    struct device_work *w = c->w;
    struct device_state *s = &w->state;
    bool given = false;
    bool other = !text_eq_z(c->in.peer, s->cse_id.z);
    bool own_key = c->in.local_cse.n > 0; /* an application key is not for one peer alone */
    if (other || c->in.mechanism != ESTABLISH_MAF) {
        secret_wipe(&s->kc.s);
        s->kc_id.z[0] = '\0';
    }
    if ((other && s->cse_id.z[0] != '\0' && !own_key) || c->in.mechanism != ESTABLISH_KEY) {
        secret_wipe(&s->kpsa.s);
        s->kpsa_id.z[0] = '\0';
    }
    if (c->in.mechanism != ESTABLISH_CERTIFICATE) {
        s->cse.cert = (struct device_state_certificate){.file = ""};
    }
    TRY(device_work_take_key(w, &(struct device_work_key){"--key-id", "--key-file", &s->kpsa_id, &s->kpsa.s}));
    bool to_maf = c->in.mechanism == ESTABLISH_MAF;
    return device_cert_opts_take(w, to_maf ? &s->maf.cert : &s->cse.cert, &given);
}

/* What is configured here is no secret: who the other end is and where, and of the MAF too (R002-72, R002-73). */
static err_t addresses(struct call *c)
{
    struct device_work *w = c->w;
    struct device_state *s = &w->state;
    struct m2mid name;
    TRY(TEXT_COPY(c->in.peer, s->cse_id.z));
    TRY(DEVICE_WORK_TAKE(w, "--address", s->cse.address));
    if (device_gba_is_https(&s->cse)) { /* this command is for the key of the session, and by HTTP Digest there is none */
        return detail_fail(w->detail, ERR_USAGE, "--address is HOST:PORT or coaps://HOST:PORT", text_of(s->cse.address));
    }
    TRY(m2mid_fqdn(c->in.peer, &name));
    TRY(TEXT_COPY(text_of(name.z), s->cse.fqdn));
    TRY(device_work_take_fqdn(w, "--peer-name", s->cse.fqdn, sizeof(s->cse.fqdn)));
    TRY(DEVICE_WORK_TAKE(w, "--maf", s->maf.address));
    TRY(device_work_take_fqdn(w, "--maf-id", s->maf.fqdn, sizeof(s->maf.fqdn)));
    struct text sp = text_skip(c->in.peer, 2);
    TRY(TEXT_COPY(text_take(sp, text_find(sp, '/')), w->admin_fqdn));
    return device_work_take_fqdn(w, "--admin-fqdn", w->admin_fqdn, sizeof(w->admin_fqdn));
}

static err_t end_of_certificate(const struct device_state_certificate *cert, usec_t *end)
{
    struct est_status s;
    TRY(est_pki_status(cert->file, &s));
    *end = s.not_after;
    return ERR_OK;
}

/* What the procedure is to know of the state. */
static err_t judge(struct call *c)
{
    const struct device_state *s = &c->w->state;
    bool km = secret_is_set(&s->km.s), maf_cert = s->maf.cert.file[0] != '\0';
    bool kpsa = secret_is_set(&s->kpsa.s), cert = s->cse.cert.file[0] != '\0';
    const bool has[ESTABLISH_MECHANISMS] = {[ESTABLISH_KEY] = kpsa, [ESTABLISH_CERTIFICATE] = cert,
                                            [ESTABLISH_MAF] = km || maf_cert};
    c->in.has_secret = c->in.has_certificate = has[c->in.mechanism];
    c->in.is_provisioned = has[c->in.mechanism] || secret_is_set(&s->ke.s) || c->in.local_cse.n > 0;
    c->in.has_provider = s->maf.fqdn[0] != '\0' && s->maf.address[0] != '\0';
    bool enrolled = (km && c->in.mechanism == ESTABLISH_MAF && !maf_cert) || c->in.local_cse.n > 0;
    c->in.credential_end = enrolled ? s->ke_not_after : USEC_NEVER;
    if (c->in.mechanism == ESTABLISH_CERTIFICATE && cert) {
        TRY(end_of_certificate(&s->cse.cert, &c->in.credential_end));
    } else if (c->in.mechanism == ESTABLISH_MAF && maf_cert) {
        TRY(end_of_certificate(&s->maf.cert, &c->in.credential_end));
    }
    return check(c);
}

/* -- what comes out ------------------------------------------------------------------------------------------------------ */
static void report(const struct call *c)
{
    const struct cli_args *a = c->w->a;
    const struct device_made *m = &c->w->device.made;
    const struct establish_row *row = establish_row(c->in.mechanism);
    const struct device_state *s = &c->w->state;
    char suite[8];
    bool datagram = m->tls_version != 0 && m->tls_version != 0x0303;
    (void)snprintf(suite, sizeof(suite), "0x%04X", (unsigned)m->suite);
    cli_out_begin(a);
    cli_out(a, "association_id", text_of(m->id));
    cli_out(a, "self", c->in.self);
    cli_out(a, "peer", c->in.peer);
    cli_out(a, "mechanism", text_of(row->name));
    cli_out(a, "clause", text_of(row->clause));
    if (row->wants_certificate) {
        cli_out(a, "certificate", text_of(s->cse.cert.file));
    } else {
        cli_out(a, "key_id", text_of(c->in.mechanism == ESTABLISH_MAF ? s->kc_id.z : s->kpsa_id.z));
    }
    cli_out_number(a, "suid", row->suid);
    cli_out(a, "tls", text_of(datagram ? "DTLS 1.2" : "TLS 1.2"));
    cli_out(a, "suite", text_of(suite));
    cli_out(a, "lifetime", text_of(establish_lifetime_name(c->in.lifetime)));
    device_work_out_time(a, "expires", c->in.lifetime == ESTABLISH_SESSION ? clock_now() : establish_end(&c->in));
    cli_out(a, "key_file", text_of(cli_arg(a, "--key-out")));
    cli_out_end(a);
}

/* R002-86: the session is over with this command, and what could carry another one goes with it. */
static err_t end_session(struct call *c)
{
    struct device_state *s = &c->w->state;
    if (c->in.lifetime != ESTABLISH_SESSION || c->in.mechanism != ESTABLISH_MAF) {
        return ERR_OK;
    }
    secret_wipe(&s->kc.s);
    s->kc_not_after = 0;
    return device_dir_save(&c->w->dir, s);
}

/* R004-12: whoever wants to communicate calls it; in which direction requests go afterwards is not its business. */
static err_t associate(struct device_work *w)
{
    struct call c = {.w = w, .in = {.lifetime = ESTABLISH_CREDENTIAL}};
    TRY(said(&c));
    TRY(open_state(&c));
    TRY(credentials(&c));
    TRY(addresses(&c));
    TRY(judge(&c));
    w->task.goal = DEVICE_ASSOCIATE;
    w->task.admin_fqdn = w->admin_fqdn;
    w->task.self = cli_arg(w->a, "--self");
    bool limited = c.in.lifetime == ESTABLISH_DATA || c.in.lifetime == ESTABLISH_CONTRACT;
    w->task.key_until = limited ? c.in.until : 0;
    TRY(device_work_pursue(w));
    if (c.in.mechanism == ESTABLISH_MAF && w->state.kc_not_after < c.in.credential_end) {
        c.in.credential_end = w->state.kc_not_after; /* the nearest credential is Kc */
    }
    const char *out = cli_arg(w->a, "--key-out");
    err_t e = out == NULL ? ERR_OK : secret_file_write(out, &w->device.made.key.s);
    if (e != ERR_OK) {
        return detail_fail(w->detail, e, "--key-out", text_of(out));
    }
    report(&c);
    return end_session(&c);
}

static int run(const struct cli_args *a)
{
    return device_work_run(a, associate);
}

static const struct cli_verb verbs[] = {
    {"", opts, ARRAY_LEN(opts), run,
     "Makes a security association from one CSE or AE to another: says its identifier, lifetime, methods and parameters.",
     "TS-0003 8.2"},
};
const struct cli_command cmd_associate = {"associate", verbs, ARRAY_LEN(verbs), "the association procedure between a CSE or AE and another", NULL};
