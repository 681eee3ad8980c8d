#include "cli/device_instance.h"

#include "role/detail.h"
#include "shell/clock.h"
#include "shell/crypto_openssl.h"
#include "shell/secret_file.h"
#include "wire/establish.h"

#include <string.h>

const struct cli_opt device_instance_opts[DEVICE_INSTANCE_OPTS_N] = {
    DEVICE_WORK_OPT_STATE,
    {"--local-cse", CLI_OPT_REQUIRED, "absolute CSE-ID of the CSE whose state --state is"},
    {"--ae-id", CLI_OPT_REQUIRED, "absolute AE-ID of the instance"},
    {"--mechanism", CLI_OPT_REQUIRED, "what the key is for: maf (in the place of Km) or key (of Kpsa)"},
    {"--key-id", 0, "identifier of the key, NAME@FQDN; by default the AE's name @ the MAF or the SP"},
    {"--maf-id", 0, "FQDN of the MAF; by default the one of the local CSE"},
    {"--maf", 0, "HOST:PORT of the MAF; by default the one of the local CSE"},
    {"--key-out", CLI_OPT_REQUIRED, "new file for the key, for the operator of the MAF or of the peer; mode 0400"},
};

err_t device_instance_path(const char *dir, const char *ae_id, char out[static DEVICE_INSTANCE_PATH_MAX])
{
    struct writer w = writer_of(out, DEVICE_INSTANCE_PATH_MAX);
    writer_z(&w, dir);
    writer_z(&w, "/ae");
    for (struct text t = text_skip(text_of(ae_id), 1); t.n > 0; t = text_skip(t, 1)) {
        writer_u8(&w, (uint8_t)(t.p[0] == '/' ? '+' : t.p[0])); /* no plus is in an identifier: no two have one name */
    }
    return writer_finish_z(&w);
}

err_t device_instance_local(const struct cli_args *a, struct device_dir *dir, struct device_state *s,
                            char detail[static ROLE_DETAIL_MAX])
{
    const char *where = cli_arg(a, "--state");
    err_t e = device_dir_open(where, cli_arg(a, "--seal-key"), crypto_openssl(), false, dir);
    e = e == ERR_OK ? device_dir_load(dir, cli_arg(a, "--at"), s, detail) : e;
    if (e == ERR_USAGE) {
        return e;
    }
    if (e == ERR_NOT_FOUND || (e == ERR_OK && !secret_is_set(&s->ke.s))) { /* R004-03, R004-15 */
        return detail_fail(detail, ERR_DENIED_UNPROVISIONED, "the local CSE has no long term key in", text_of(where));
    }
    if (e == ERR_OK && s->ke_not_after <= clock_now()) {
        return detail_fail(detail, ERR_DENIED_EXPIRED, "the enrolment of the local CSE", text_of(where));
    }
    return e == ERR_OK ? e : detail_fail(detail, e, "state", text_of(where));
}

/* -- instantiate ------------------------------------------------------------------------------------------------- */
struct work {
    const struct cli_args *a;
    struct device_dir cse_dir, ae_dir;
    struct device_state cse, ae;
    enum establish_mechanism mechanism;
    struct key_application key;
    char detail[ROLE_DETAIL_MAX];
};

static void work_wipe(struct work *w)
{
    device_dir_close(&w->cse_dir);
    device_dir_close(&w->ae_dir);
    device_state_wipe(&w->cse);
    device_state_wipe(&w->ae);
    secret_wipe(&w->key.s);
}

/* Who is asked for is an AE of this CSE; the peer and all that comes later is not known yet. */
static err_t entities(struct work *w)
{
    struct establish_input in = {.self = text_of(cli_arg(w->a, "--ae-id")), .local_cse = text_of(cli_arg(w->a, "--local-cse")),
                                 .credential_end = USEC_NEVER, .is_provisioned = true, .has_secret = true,
                                 .has_provider = true, .has_network = true};
    const char *mechanism = cli_arg(w->a, "--mechanism");
    const char *what = "";
    if (establish_by_name(text_of(mechanism), &w->mechanism) != ERR_OK || establish_row(w->mechanism)->app_suid == 0) {
        return detail_fail(w->detail, ERR_USAGE, "--mechanism is maf or key", text_of(mechanism));
    }
    in.mechanism = w->mechanism;
    in.peer = in.local_cse; /* any other entity will do */
    err_t e = establish_check(&in, clock_now(), &what);
    return e == ERR_OK ? e : detail_fail(w->detail, e, what, text_empty());
}

static err_t key_id(struct work *w, struct keyid *out)
{
    const char *given = cli_arg(w->a, "--key-id");
    struct text ae_id = text_of(cli_arg(w->a, "--ae-id"));
    struct keyid_parts parts;
    struct m2mid name;
    struct text id = text_of(given);
    char made[KEYID_MAX] = "";
    if (given == NULL) {
        TRY(m2mid_fqdn(ae_id, &name));
        struct text sp = text_skip(ae_id, 2);
        struct writer o = WRITER_ARRAY(made);
        writer_z(&o, name.z);
        writer_z(&o, "@");
        writer_text(&o, w->mechanism == ESTABLISH_MAF ? text_of(w->ae.maf.fqdn) : text_take(sp, text_find(sp, '/')));
        TRY(writer_finish_z(&o));
        id = text_of(made);
    }
    if (keyid_parse(id, &parts) != ERR_OK) {
        return detail_fail(w->detail, ERR_MALFORMED_KEY_ID, "--key-id", id);
    }
    return TEXT_COPY(id, out->z);
}

/* R004-14: the application key stands where the CSE has its own; R004-16: and it is this instance's alone. */
static err_t instance(struct work *w)
{
    struct device_state *s = &w->ae;
    *s = (struct device_state){.maf = w->cse.maf, .profile = w->cse.profile, .lifetime = w->cse.lifetime,
                               .ke_not_after = w->cse.ke_not_after}; /* no key of an AE outlives that of its CSE */
    s->maf.cert = (struct device_state_certificate){.file = ""};
    const char *fqdn = cli_arg(w->a, "--maf-id");
    const char *address = cli_arg(w->a, "--maf");
    TRY(fqdn != NULL ? TEXT_COPY(text_of(fqdn), s->maf.fqdn) : ERR_OK);
    TRY(address != NULL ? TEXT_COPY(text_of(address), s->maf.address) : ERR_OK);
    if (w->mechanism == ESTABLISH_MAF && !keyid_is_fqdn(text_of(s->maf.fqdn))) {
        return detail_fail(w->detail, ERR_DENIED_PROVIDER, "--maf-id", text_of(s->maf.fqdn));
    }
    TRY(keys_application_derive(crypto_openssl(), &w->cse.ke.s, establish_row(w->mechanism)->app_suid,
                                text_of(cli_arg(w->a, "--ae-id")), &w->key));
    if (w->mechanism == ESTABLISH_MAF) {
        s->km.s = w->key.s;
        return key_id(w, &s->km_id);
    }
    s->kpsa.s = w->key.s;
    return key_id(w, &s->kpsa_id);
}

static err_t instantiate(struct work *w)
{
    char path[DEVICE_INSTANCE_PATH_MAX];
    const char *out = cli_arg(w->a, "--key-out");
    TRY(entities(w));
    TRY(device_instance_local(w->a, &w->cse_dir, &w->cse, w->detail));
    TRY(instance(w));
    TRY(device_instance_path(w->cse_dir.path, cli_arg(w->a, "--ae-id"), path));
    err_t e = device_dir_open(path, cli_arg(w->a, "--seal-key"), crypto_openssl(), true, &w->ae_dir);
    e = e == ERR_OK ? secret_file_write(out, &w->key.s) : e;
    if (e != ERR_OK) {
        return detail_fail(w->detail, e, e == ERR_EXISTS ? "--key-out" : "state", text_of(e == ERR_EXISTS ? out : path));
    }
    TRY(device_dir_save(&w->ae_dir, &w->ae));
    cli_out_begin(w->a);
    cli_out(w->a, "ae_id", text_of(cli_arg(w->a, "--ae-id")));
    cli_out(w->a, "key_id", text_of(w->mechanism == ESTABLISH_MAF ? w->ae.km_id.z : w->ae.kpsa_id.z));
    cli_out(w->a, "key_file", text_of(out));
    cli_out(w->a, "state", text_of(path));
    device_work_out_time(w->a, "expires", w->ae.ke_not_after);
    cli_out_end(w->a);
    return ERR_OK;
}

int device_instance(const struct cli_args *a)
{
    SCOPED(work_wipe) struct work w = {.a = a, .cse_dir = {.lock = -1}, .ae_dir = {.lock = -1}};
    err_t e = instantiate(&w);
    return e == ERR_OK ? CLI_DONE : cli_fail(a, e, w.detail);
}
