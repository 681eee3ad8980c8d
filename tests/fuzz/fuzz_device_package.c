/* Any contents of a provisioning package: what is taken is whole and for this device, and no name leaves its directory. */
#include "fuzz.h"
#include "role/device/device_package.h"

#include <stdlib.h>
#include <string.h>

#define NOW (INT64_C(1700000000) * USEC_PER_SEC)

static void sound(const struct device_package *p)
{
    const struct device_state *s = &p->state;
    MUST_HOLD(secret_is_set(&s->kpm.s) == (s->kpm_id.z[0] != '\0'));
    MUST_HOLD(secret_is_set(&s->km.s) == (s->km_id.z[0] != '\0'));
    MUST_HOLD(secret_is_set(&s->kpsa.s) == (s->kpsa_id.z[0] != '\0'));
    MUST_HOLD(p->entries_n <= DEVICE_PACKAGE_ENTRIES_MAX && p->octets_n <= sizeof(p->octets));
    for (size_t i = 0; i < p->entries_n; i++) {
        const struct device_package_entry *e = &p->entries[i];
        MUST_HOLD(e->name[0] != '\0' && e->name[0] != '.' && strchr(e->name, '/') == NULL);
        MUST_HOLD(secret_is_set(&e->key) == (e->octets.n == 0));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct device_package *p = calloc(1, sizeof(*p));
    MUST_HOLD(p != NULL);
    err_t e = device_package_parse(bytes_of(data, size), text_of("dev42"), NOW, p);
    if (e == ERR_OK) {
        sound(p);
    }
    MUST_HOLD(e != ERR_PACKAGE || p->detail[0] != '\0');
    device_package_wipe(p);
    free(p);
    return 0;
}
