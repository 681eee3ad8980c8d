#include "cli/device_package.h"

#include "base/ct.h"
#include "cli/device_work.h"
#include "role/detail.h"
#include "role/device/device_package.h"
#include "shell/clock.h"
#include "shell/crypto_openssl.h"
#include "shell/device_cert.h"
#include "shell/object_jose.h"
#include "shell/secret_file.h"
#include "shell/sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const struct cli_opt device_provision_opts[DEVICE_PROVISION_OPTS_N] = {
    DEVICE_WORK_OPT_DIR,
    {"--package", CLI_OPT_REQUIRED, "file that device package made"},
    {"--package-key", CLI_OPT_REQUIRED, "[ID=]FILE with the key of the package: 32 octets in hex, mode 0600"},
    {"--device", CLI_OPT_REQUIRED, "name of this device; a package for another one is refused"},
    {"--layers", 0, "directory for what is of other layers: a file each, by its name; made if need be"},
};

struct work {
    const struct cli_args *a;
    struct object_file file;
    struct object_file_key key;
    struct device_package package;
    struct device_dir dir;
    uint8_t plain[ESDATA_CONTENT_MAX];
    char detail[ROLE_DETAIL_MAX];
};

static void work_free(struct work **w)
{
    if (*w != NULL) {
        device_dir_close(&(*w)->dir);
        device_package_wipe(&(*w)->package);
        ct_wipe(*w, sizeof(**w));
        free(*w);
    }
}

static err_t fail(struct work *w, err_t e, const char *option)
{
    return e == ERR_OK ? e : detail_fail(w->detail, e, option, text_of(cli_arg(w->a, option)));
}

/* -- out of the envelope ------------------------------------------------------------------------------------- */
static err_t opened(struct work *w)
{
    usec_t now = clock_now();
    struct esdata_opened what;
    struct writer plain = WRITER_ARRAY(w->plain);
    TRY(fail(w, device_package_key(cli_arg(w->a, "--package-key"), &w->key), "--package-key"));
    TRY(fail(w, object_file_read(cli_arg(w->a, "--package"), &w->file), "--package"));
    const struct esdata_ring ring = {.own = &w->key.k, .own_n = 1, .class = ESDATA_ENCRYPTED};
    TRY(fail(w, esdata_open(object_jose(), &ring, bytes_of(w->file.b, w->file.n), now, &plain, &what), "--package"));
    if (strcmp(what.cty, DEVICE_PACKAGE_TYPE) != 0) { /* something else under the same key */
        return detail_fail(w->detail, ERR_PACKAGE, "content type", text_of(what.cty));
    }
    err_t e = device_package_parse(writer_view(&plain), text_of(cli_arg(w->a, "--device")), now, &w->package);
    return e == ERR_OK ? e : detail_fail(w->detail, e, w->package.detail, text_empty());
}

/* -- to where it belongs ------------------------------------------------------------------------------------- */
static err_t path_of(const char *dir, const char *name, struct writer *out)
{
    writer_z(out, dir);
    writer_z(out, "/");
    writer_z(out, name);
    return writer_finish_z(out);
}

static err_t pem(struct work *w, const char *name, struct text t, char file[static DEVICE_STATE_FILE_MAX])
{
    struct writer p = writer_of(file, DEVICE_STATE_FILE_MAX);
    TRY(path_of(w->dir.path, name, &p));
    return object_file_write(file, text_bytes(t));
}

static err_t certificates(struct work *w)
{
    struct device_package *p = &w->package;
    const struct {
        struct device_state_certificate *to;
        const char *certificate, *key, *trust;
    } rows[DEVICE_PACKAGE_SERVERS] = {
        [DEVICE_PACKAGE_MEF] = {&p->state.mef.cert, "mef.crt", "mef.key", "mef-ca.crt"},
        [DEVICE_PACKAGE_MAF] = {&p->state.maf.cert, "maf.crt", "maf.key", "maf-ca.crt"},
        [DEVICE_PACKAGE_CSE] = {&p->state.cse.cert, "cse.crt", "cse.key", "cse-ca.crt"},
    };
    for (size_t i = 0; i < DEVICE_PACKAGE_SERVERS; i++) {
        const struct device_package_files *f = &p->files[i];
        if (f->certificate.n > 0) {
            TRY(fail(w, pem(w, rows[i].certificate, f->certificate, rows[i].to->file), "--state"));
            TRY(fail(w, pem(w, rows[i].key, f->private_key, rows[i].to->key), "--state"));
            TRY(fail(w, pem(w, rows[i].trust, f->trust, rows[i].to->trust), "--state"));
            TRY(device_cert_look(rows[i].to, w->detail));
        } else if (f->trust.n > 0) { /* of a server that is met with a SIM */
            TRY(fail(w, pem(w, rows[i].trust, f->trust, rows[i].to->trust), "--state"));
            TRY(device_cert_look_trust(rows[i].to->trust, w->detail));
        }
    }
    return ERR_OK;
}

/* A SIM in software lies beside the state, which names it wherever the device is called from. */
static err_t card(struct work *w)
{
    struct device_state_sim *sim = &w->package.state.sim;
    if (w->package.card.n == 0) {
        return ERR_OK;
    }
    TRY(device_package_card(&w->package, w->detail));
    TRY(fail(w, pem(w, "sim", w->package.card, sim->file), "--state"));
    return sim_name(sim->file, sizeof(sim->file), w->detail);
}

static err_t other_layers(struct work *w)
{
    const char *dir = cli_arg(w->a, "--layers");
    const struct device_package *p = &w->package;
    char file[512];
    if (p->entries_n > 0 && dir == NULL) {
        return detail_fail(w->detail, ERR_USAGE, "--layers is missing: the package has more than the service layer", text_empty());
    }
    if (p->entries_n > 0 && mkdir(dir, 0700) != 0 && errno != EEXIST) {
        return fail(w, ERR_IO, "--layers");
    }
    for (size_t i = 0; i < p->entries_n; i++) {
        const struct device_package_entry *e = &p->entries[i];
        struct writer o = WRITER_ARRAY(file);
        TRY(fail(w, path_of(dir, e->name, &o), "--layers"));
        bool key = secret_is_set(&e->key);
        err_t done = key ? secret_file_write(file, &e->key) : object_file_write(file, e->octets);
        if (done != ERR_OK) {
            return detail_fail(w->detail, done, "--layers", text_of(file));
        }
    }
    return ERR_OK;
}

/* The state is written last: a run that is cut short leaves no device that believes to be provisioned. */
static err_t provision(struct work *w)
{
    TRY(opened(w));
    err_t e = device_dir_open(cli_arg(w->a, "--state"), cli_arg(w->a, "--seal-key"), crypto_openssl(), true, &w->dir);
    TRY(fail(w, e, "--state"));
    e = device_dir_read(&w->dir);
    if (e == ERR_OK && w->dir.book->n > 0) {
        return detail_fail(w->detail, ERR_STATE, "this device is provisioned already: take a new directory for --state", text_empty());
    }
    TRY(e == ERR_OK || e == ERR_NOT_FOUND ? ERR_OK : fail(w, e, "--state"));
    TRY(certificates(w));
    TRY(card(w));
    TRY(other_layers(w));
    return fail(w, device_dir_save(&w->dir, &w->package.state), "--state");
}

int device_provision(const struct cli_args *a)
{
    SCOPED(work_free) struct work *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        return cli_fail(a, ERR_LIMIT_CAPACITY, NULL);
    }
    w->a = a;
    w->dir.lock = -1;
    err_t e = provision(w);
    if (e != ERR_OK) {
        return cli_fail(a, e, w->detail);
    }
    const struct device_state *s = &w->package.state;
    cli_out_begin(a);
    cli_out(a, "kpm_id", text_of(s->kpm_id.z));
    cli_out(a, "km_id", text_of(s->km_id.z));
    cli_out(a, "kpsa_id", text_of(s->kpsa_id.z));
    cli_out(a, "sim", text_of(s->sim.file));
    cli_out(a, "mef_certificate", text_of(s->mef.cert.file));
    cli_out(a, "maf_certificate", text_of(s->maf.cert.file));
    cli_out(a, "cse_certificate", text_of(s->cse.cert.file));
    cli_out_number(a, "other_layers", w->package.entries_n);
    cli_out_number(a, "passed_over", w->package.passed_over);
    cli_out_end(a);
    return CLI_DONE;
}
