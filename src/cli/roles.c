#include "cli/roles.h"

#include "role/bsf/bsf.h"
#include "role/cse/cse.h"
#include "role/gate/role_gate.h"
#include "role/maf/maf.h"
#include "role/mef/mef.h"
#include "shell/crypto_openssl.h"

const struct role *const roles_all[] = {
    &role_mef,
    &role_maf,
    &role_cse,
    &role_gate,
    &role_bsf,
};
const size_t roles_all_n = ARRAY_LEN(roles_all);

const struct role *roles_find(struct text name)
{
    for (size_t i = 0; i < roles_all_n; i++) {
        if (text_eq_z(name, roles_all[i]->name)) {
            return roles_all[i];
        }
    }
    return NULL;
}

struct snapshot_source roles_source(const char *file)
{
    return (struct snapshot_source){
        .file = file, .roles = roles_all, .roles_n = roles_all_n, .crypto = crypto_openssl()};
}
