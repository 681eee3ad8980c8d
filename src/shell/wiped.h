/*
 * Memory for libraries that free without wiping what may hold a key: the JSON of a request with one, the answer of a
 * MEF, MAF or BSF. What they free is wiped first.
 */
#ifndef KEYSTEAD_SHELL_WIPED_H
#define KEYSTEAD_SHELL_WIPED_H

#include "base/err.h"

void wiped_json(void);           /* before the first JSON value */
MUST_USE err_t wiped_xml(void);  /* before the first document */
MUST_USE err_t wiped_curl(void); /* instead of curl_global_init; again is allowed */

#endif
