/* What an announcement says of its original [TS-0001 9.6.26]: the content of the CREATE or UPDATE that goes to the other CSE. */
#ifndef KEYSTEAD_ROLE_CSE_CSE_ANNC_TEXT_H
#define KEYSTEAD_ROLE_CSE_CSE_ANNC_TEXT_H

#include "role/cse/cse_annc.h"
#include "role/cse/cse_res.h"

struct cse_annc_text {
    const struct cse *cse;
    const struct cse_res *r;
    const json_t *attrs;
    const struct cse_annc *a;
    usec_t now;
};
MUST_USE err_t cse_annc_text_write(const struct cse_annc_text *s, struct writer *w);

/* Has its address an identifier that follows from its original? Else its name is the node of that. */
bool cse_annc_text_is_by_id(const struct cse *cse, const struct cse_annc *a);

#endif
