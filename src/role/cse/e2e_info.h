/* e2eSecInfo (esi) of an <AE>, <remoteCSE> or <CSEBase>: what it may hold [part 13.1.3 and 13.1.4; TS-0004 6.3.5]. */
#ifndef KEYSTEAD_ROLE_CSE_E2E_INFO_H
#define KEYSTEAD_ROLE_CSE_E2E_INFO_H

#include "role/role.h"

#include <jansson.h>

/* An object; the detail of a refusal is the path of the member: "esi.esro: esrx". */
MUST_USE err_t e2e_info_check(const json_t *v, char detail[static ROLE_DETAIL_MAX]);

#endif
