/* Which certificate a connection shows: for all steps, below device.c, which has them in its table. */
#include "role/detail.h"
#include "role/device/device_step.h"

err_t device_show_certificate(struct device *d, const struct device_state_server *to, struct device_exchange *out)
{
    const struct device_state_certificate *c = &to->cert;
    if (c->key[0] == '\0' || c->trust[0] == '\0') { /* R000-62, R000-64, R001-30, R001-98 */
        return detail_fail(d->detail, ERR_STATE, "give --certificate with --private-key and --trust for",
                           text_of(to->fqdn));
    }
    out->server = to;
    out->psk_id = NULL;
    out->psk = NULL;
    return ERR_OK;
}
