#include "role/zn.h"

static const struct zn_form *const forms[] = {&zn_json_form, &zn_soap_form, &zn_soap_urn};

const struct zn_form *zn_of_name(struct text name)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (text_eq_z(name, forms[i]->name)) {
            return forms[i];
        }
    }
    return NULL;
}

const struct zn_form *zn_of_path(struct text path)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (text_eq_z(path, forms[i]->path)) {
            return forms[i];
        }
    }
    return NULL;
}

void zn_answer_wipe(struct zn_answer *a)
{
    secret_wipe(&a->me);
    secret_wipe(&a->uicc);
}
