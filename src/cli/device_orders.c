/* What MEF client commands ask a device to do: a row a job. Whatever cannot be done is reported as it is [TS-0003 8.3.9]. */
#include "cli/device_commands.h"
#include "role/detail.h"
#include "shell/cert_print.h"
#include "shell/est_client.h"
#include "wire/json.h"

#include <stdio.h>
#include <string.h>

enum { FILE_MAX = 600 };

typedef err_t job_fn(struct device_work *w, const struct device_cmd_order *o);

static void file_of(const struct device_work *w, const char *name, char out[static FILE_MAX])
{
    (void)snprintf(out, FILE_MAX, "%s/%s", w->dir.path, name); /* the path of a state directory fits */
}

/* -- CERT_PROV: as `device certificate` ------------------------------------------------------------------------------ */
static err_t certificate(struct device_work *w, const struct device_cmd_order *o)
{
    char key[FILE_MAX], cert[FILE_MAX], ca[FILE_MAX];
    const struct device_state *s = &w->state;
    bool by_key = s->mef.cert.file[0] == '\0';
    struct est_client c = {.identity = o->subject, .key_file = key, .cert_file = cert, .ca_file = ca, .until = w->run.until};
    file_of(w, "est.key", key);
    file_of(w, "est.crt", cert);
    file_of(w, "est-ca.crt", ca);
    c.tls = (struct client_tls){.fqdn = s->mef.fqdn, .address = s->mef.address};
    if (by_key) { /* RFC 7030 3.3.3 */
        c.tls.psk_identity = text_of(s->kpm_id.z);
        c.tls.psk = &s->kpm.s;
    } else { /* RFC 7030 3.3.2 */
        c.tls.certificate = s->mef.cert.file;
        c.tls.key = s->mef.cert.key;
        c.tls.trust = s->mef.cert.trust;
    }
    err_t e = est_client_run(&c);
    return e == ERR_OK ? e : detail_fail(w->detail, e, c.detail, text_empty());
}

/* -- MO_NODE ------------------------------------------------------------------------------------------------------------ */
static err_t local_key(struct device_work *w, const struct device_cmd_order *o)
{
    const struct device_state *s = &w->state;
    struct text id = json_get_text(o->node, "symmKeyID");
    const struct {
        const struct keyid *id;
        const struct secret *key;
    } held[] = {{&s->kpsa_id, &s->kpsa.s}, {&s->km_id, &s->km.s}, {&s->kc_id, &s->kc.s}};
    bool found = json_get_text(o->node, "symmKeyValue").n > 0;
    for (size_t i = 0; i < ARRAY_LEN(held) && !found; i++) {
        found = secret_is_set(held[i].key) && text_eq_nocase(text_of(held[i].id->z), id);
    }
    return found ? ERR_OK : ERR_NOT_FOUND;
}

static err_t local_cert(struct device_work *w, const struct device_cmd_order *o)
{
    char key[FILE_MAX], cert[FILE_MAX];
    const struct device_state *s = &w->state;
    struct text print = json_get_text(o->node, "myCertFingerprint");
    file_of(w, "est.key", key);
    file_of(w, "est.crt", cert);
    bool found = cert_print_has(cert, key, print) || cert_print_has(s->mef.cert.file, s->mef.cert.key, print) ||
                 cert_print_has(s->maf.cert.file, s->maf.cert.key, print) || cert_print_has(s->cse.cert.file, s->cse.cert.key, print);
    return found ? ERR_OK : ERR_NOT_FOUND;
}

/* Only what is here: the MO's URI is not fetched, for nothing here says whom to trust at it. */
static err_t anchor(struct device_work *w, const struct device_cmd_order *o)
{
    char ca[FILE_MAX];
    const struct device_state *s = &w->state;
    struct text print = json_get_text(o->node, "certFingerprint");
    file_of(w, "est-ca.crt", ca);
    bool found = cert_print_has(ca, NULL, print) || cert_print_has(s->mef.cert.trust, NULL, print) ||
                 cert_print_has(s->maf.cert.trust, NULL, print) || cert_print_has(s->cse.cert.trust, NULL, print);
    return found ? ERR_OK : ERR_NOT_FOUND;
}

/* The MAF that this device knows, for the stakeholder that the object names. */
static err_t at_maf(struct device_work *w, const struct device_cmd_order *o, enum device_goal goal)
{
    char admin[KEYID_MAX];
    if (!text_eq_nocase(json_get_text(o->node, "fqdn"), text_of(w->state.maf.fqdn))) {
        return detail_fail(w->detail, ERR_STATE, "no address is known for", json_get_text(o->node, "fqdn"));
    }
    TRY(TEXT_COPY(json_get_text(o->node, "adminFQDN"), admin));
    w->task = (struct device_task){.goal = goal, .admin_fqdn = admin};
    err_t e = device_work_pursue(w);
    w->task = (struct device_task){.goal = goal};
    return e;
}

static err_t maf_client(struct device_work *w, const struct device_cmd_order *o)
{
    return at_maf(w, o, DEVICE_MAF_REGISTER);
}

static err_t maf_key(struct device_work *w, const struct device_cmd_order *o)
{
    return at_maf(w, o, DEVICE_MAF_KEY);
}

/* -- the table ------------------------------------------------------------------------------------------------------------ */
unsigned device_orders_run(struct device_work *w, const struct device_cmd_order *o)
{
    static const struct {
        enum device_cmd_job job;
        job_fn *run;
        unsigned theirs; /* status if the other side is to blame; 0: there is one status only */
    } jobs[] = {
        {DEVICE_CMD_EST, certificate, MEFCMD_STATUS_CERT_SERVER}, {DEVICE_CMD_LOCAL_KEY, local_key, 0},
        {DEVICE_CMD_LOCAL_CERT, local_cert, 0},                   {DEVICE_CMD_ANCHOR, anchor, 0},
        {DEVICE_CMD_MAF_CLIENT, maf_client, 0},                   {DEVICE_CMD_MAF_KEY, maf_key, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(jobs); i++) {
        if (jobs[i].job != o->job) {
            continue;
        }
        err_t e = jobs[i].run(w, o);
        bool theirs = jobs[i].theirs != 0 && cli_exit_code(e) != CLI_INTERNAL && cli_exit_code(e) != CLI_USAGE;
        return e == ERR_OK ? MEFCMD_STATUS_OK : theirs ? jobs[i].theirs : o->failure;
    }
    return o->failure;
}
