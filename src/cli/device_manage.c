#include "cli/device_manage.h"

#include "role/detail.h"
#include "shell/clock.h"
#include "wire/timestamp.h"

#include <string.h>

const struct cli_opt device_manage_opts[DEVICE_MANAGE_OPTS_N] = {DEVICE_WORK_OPT_STATE, DEVICE_WORK_OPT_EXCHANGE};
const struct cli_opt device_manage_update_opts[DEVICE_MANAGE_UPDATE_OPTS_N] = {
    DEVICE_WORK_OPT_STATE,
    DEVICE_WORK_OPT_EXCHANGE,
    {"--lifetime", 0, "how long it is to last from now, e.g. 30d; the MAF may give less"},
    {"--labels", 0, "labels instead of those it has, commas between"},
};

static const struct {
    const char *verb;
    enum device_goal goal;
    bool update;
} verbs[] = {
    {"maf-config", DEVICE_MAF_CONFIGURATION, false},   {"maf-update", DEVICE_MAF_UPDATE, true},
    {"maf-deregister", DEVICE_MAF_DEREGISTER, false},  {"key-update", DEVICE_KEY_UPDATE, true},
    {"key-deregister", DEVICE_KEY_DEREGISTER, false},
};

/* --lifetime and --labels, at least one of them. */
static err_t changes(struct device_work *w)
{
    const char *lifetime = cli_arg(w->a, "--lifetime");
    usec_t d = 0;
    w->task.labels = text_of(cli_arg(w->a, "--labels"));
    if (lifetime == NULL && w->task.labels.n == 0) {
        return detail_fail(w->detail, ERR_USAGE, "--lifetime or --labels is missing", text_empty());
    }
    if (lifetime == NULL) {
        return ERR_OK;
    }
    usec_t now = clock_now();
    if (timestamp_duration(text_of(lifetime), &d) != ERR_OK || d > CREDENTIAL_LIFETIME_MAX) {
        return detail_fail(w->detail, ERR_USAGE, "--lifetime", text_of(lifetime));
    }
    w->task.until = now + d;
    return ERR_OK;
}

static void print(struct device_work *w)
{
    const struct device_state *s = &w->state;
    cli_out_begin(w->a);
    if (w->task.goal == DEVICE_MAF_CONFIGURATION) {
        cli_out_json(w->a, "content", text_span((const char *)w->run.body, w->run.body_n));
    } else {
        cli_out(w->a, "registration", text_of(s->registration));
        cli_out(w->a, "km_id", text_of(s->km_id.z));
        cli_out(w->a, "kc_id", text_of(s->kc_id.z));
        device_work_out_time(w->a, "kc_expires", s->kc_not_after);
    }
    cli_out_end(w->a);
}

err_t device_manage(struct device_work *w)
{
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++) {
        if (strcmp(verbs[i].verb, w->a->verb->verb) == 0) {
            w->task.goal = verbs[i].goal;
            TRY(verbs[i].update ? changes(w) : ERR_OK);
        }
    }
    TRY(device_work_open(w, false));
    TRY(device_work_pursue(w));
    print(w);
    return ERR_OK;
}
