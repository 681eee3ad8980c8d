/* What MEF client commands ask a device to do: a row a job. Whatever cannot be done is reported as it is [TS-0003 8.3.9]. */
#include "cli/device_commands.h"
#include "cli/device_usage.h"
#include "role/detail.h"
#include "shell/cert_print.h"
#include "shell/clock.h"
#include "shell/est_client.h"
#include "shell/https_get.h"
#include "wire/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* DIR/anchor-DIGITS.crt, by the beginning of the fingerprint. */
static err_t anchor_name(struct text print, char *out, size_t cap)
{
    struct writer w = writer_of(out, cap);
    size_t digits = 0;
    writer_z(&w, "anchor-");
    for (size_t i = 0; i < print.n && digits < 16; i++) {
        char c = text_lower(print.p[i]);
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')) {
            writer_u8(&w, (uint8_t)c);
            digits++;
        } else if (c != ':') {
            return ERR_MALFORMED_HEX;
        }
    }
    writer_z(&w, ".crt");
    return writer_finish_z(&w);
}

/* From the object's URI, where somebody whom this device trusts already answers; the fingerprint says what it has to be. */
static err_t anchor_fetch(struct device_work *w, const struct device_cmd_order *o, struct https_get *g, const char *name)
{
    char ca[FILE_MAX], pem[2 * HTTPS_GET_MAX];
    const struct device_state *s = &w->state;
    struct writer out = WRITER_ARRAY(pem);
    file_of(w, "est-ca.crt", ca);
    const char *const trusted[] = {s->mef.cert.trust, s->maf.cert.trust, s->cse.cert.trust, access(ca, R_OK) == 0 ? ca : ""};
    err_t e = ERR_STATE; /* it trusts nobody */
    g->until = w->run.until;
    for (size_t i = 0; i < ARRAY_LEN(trusted) && e != ERR_OK && e != ERR_USAGE; i++) {
        e = trusted[i][0] == '\0' ? e : https_get_run(g, json_get_text(o->node, "URI"), trusted[i]);
    }
    e = e == ERR_OK ? cert_print_take(bytes_of(g->body, g->n), json_get_text(o->node, "certFingerprint"), &out) : e;
    e = e == ERR_OK ? device_dir_file_save(&w->dir, name, writer_view(&out)) : e;
    return e == ERR_OK ? e : detail_fail(w->detail, e, "the trust anchor at", json_get_text(o->node, "URI"));
}

static err_t anchor_get(struct device_work *w, const struct device_cmd_order *o, const char *name)
{
    struct https_get *g = calloc(1, sizeof(*g)); /* too large for a stack */
    err_t e = g == NULL ? ERR_LIMIT_CAPACITY : anchor_fetch(w, o, g, name);
    free(g);
    return e;
}

static err_t anchor(struct device_work *w, const struct device_cmd_order *o)
{
    char ca[FILE_MAX], kept[FILE_MAX], name[64];
    const struct device_state *s = &w->state;
    struct text print = json_get_text(o->node, "certFingerprint");
    TRY(anchor_name(print, name, sizeof(name)));
    file_of(w, "est-ca.crt", ca);
    file_of(w, name, kept);
    bool found = cert_print_has(ca, NULL, print) || cert_print_has(kept, NULL, print) || cert_print_has(s->mef.cert.trust, NULL, print) ||
                 cert_print_has(s->maf.cert.trust, NULL, print) || cert_print_has(s->cse.cert.trust, NULL, print);
    bool somewhere = json_get_text(o->node, "URI").n > 0;
    return found ? ERR_OK : somewhere ? anchor_get(w, o, name) : ERR_NOT_FOUND;
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

/* Who is to have the key [9.6]: the MAF that it is for; the registrar; where the data go. */
static struct text target_of(const struct device_work *w, const struct device_cmd_order *o)
{
    struct text path = json_get_text(o->parent, "containerPath");
    if (json_object_get(o->parent, "fqdn") != NULL) { /* the parent is a MAFClientRegCfg */
        return json_get_text(o->parent, "fqdn");
    }
    if (!text_starts(path, "//")) { /* relative to this device's own registrar */
        return text_of(w->state.cse_id.z);
    }
    size_t sp = text_find(text_skip(path, 2), '/') + 3; /* //sp/cse of //sp/cse/container */
    return sp < path.n ? text_take(path, sp + text_find(text_skip(path, sp), '/')) : text_empty();
}

static err_t use_key(struct device_work *w, const struct device_cmd_order *o)
{
    SCOPED(device_keyring_key_wipe) struct device_keyring_key k = {.suid = 0};
    char labels[512];
    struct writer l = WRITER_ARRAY(labels);
    usec_t d = 0;
    const json_t *list = json_object_get(o->profile, "keyRegLabels");
    const char *fqdn = device_use_is_of_mef(o->suid) ? w->state.mef.fqdn : w->state.maf.fqdn;
    struct device_use u = {.suid = o->suid, .targets = target_of(w, o), .admin_fqdn = json_get_text(o->node, "adminFQDN")};
    if (!text_eq_nocase(json_get_text(o->node, "fqdn"), text_of(fqdn))) {
        return detail_fail(w->detail, ERR_STATE, "no address is known for", json_get_text(o->node, "fqdn"));
    }
    if (device_use_is_of_mef(o->suid) && !text_eq_nocase(u.admin_fqdn, text_of(w->admin_fqdn))) {
        return detail_fail(w->detail, ERR_STATE, "this run is for another stakeholder than", u.admin_fqdn);
    }
    if (u.targets.n == 0) {
        return detail_fail(w->detail, ERR_STATE, "nobody is known who is to have the key", text_empty());
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        writer_z(&l, i > 0 ? "," : "");
        writer_z(&l, json_string_value(json_array_get(list, i)));
    }
    TRY(writer_finish(&l));
    TRY(mefcmd_duration(json_get_text(o->profile, "keyRegDuration"), &d));
    u.labels = writer_view_text(&l);
    u.until = clock_now() + d;
    return device_usage_make(w, &u, &k);
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
        {DEVICE_CMD_USE_KEY, use_key, 0},
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
