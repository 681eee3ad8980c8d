#include "cli/device_cert_opts.h"

#include "role/detail.h"
#include "shell/device_cert.h"

err_t device_cert_opts_take(struct device_work *w, struct device_state_certificate *out, bool *given)
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
    TRY(DEVICE_WORK_TAKE(w, "--certificate", c.file));
    TRY(DEVICE_WORK_TAKE(w, "--private-key", c.key));
    TRY(DEVICE_WORK_TAKE(w, "--trust", c.trust));
    TRY(device_cert_look(&c, w->detail));
    *out = c;
    return ERR_OK;
}

err_t device_cert_opts_trust(struct device_work *w, const char *of, char trust[static DEVICE_STATE_FILE_MAX])
{
    TRY(device_work_take(w, "--trust", trust, DEVICE_STATE_FILE_MAX));
    if (trust[0] == '\0') {
        return detail_fail(w->detail, ERR_USAGE, "--trust is missing: the anchors of the certificate at", text_of(of));
    }
    return device_cert_look_trust(trust, w->detail);
}
