/*
 * The dictionary of Zh and Zn for freeDiameter, which ships none [TS 29.109 7]: vendor, application, commands, AVPs. Only for the
 * Diameter process: it has threads, and freeDiameter's own memory.
 */
#ifndef KEYSTEAD_SHELL_DIAMETER_DICT_H
#define KEYSTEAD_SHELL_DIAMETER_DICT_H

#include <stdbool.h>
#include <freeDiameter/freeDiameter-host.h>
#include <freeDiameter/libfdcore.h>

#define DIAMETER_VENDOR_3GPP 10415
#define DIAMETER_APP_ZH 16777221
#define DIAMETER_APP_ZN 16777220

/* The AVPs that are used, of 3GPP and of the base protocol. */
enum diameter_avp {
    DIAMETER_GUSS,
    DIAMETER_AUTH_ITEM,
    DIAMETER_AUTH_SCHEME,
    DIAMETER_AUTHENTICATE,
    DIAMETER_AUTHORIZATION,
    DIAMETER_CK,
    DIAMETER_IK,
    DIAMETER_TRANSACTION, /* B-TID */
    DIAMETER_NAF_ID,
    DIAMETER_GSID,
    DIAMETER_KEY_EXPIRY,
    DIAMETER_ME_KEY,
    DIAMETER_UICC_KEY,
    DIAMETER_GBA_U_AWARE,
    DIAMETER_CREATION_TIME,
    DIAMETER_GUSS_TIMESTAMP,
    DIAMETER_GBA_TYPE,
    DIAMETER_ORIGIN_HOST,
    DIAMETER_ORIGIN_REALM,
    DIAMETER_AUTH_SESSION_STATE,
    DIAMETER_AUTH_APPLICATION,
    DIAMETER_DESTINATION_REALM,
    DIAMETER_EXPERIMENTAL,
    DIAMETER_EXPERIMENTAL_CODE,
    DIAMETER_RESULT_CODE,
    DIAMETER_USER_NAME,
    DIAMETER_VENDOR_APPLICATION,
    DIAMETER_VENDOR_ID,
    DIAMETER_AVPS
};

struct diameter_dict {
    struct dict_object *vendor, *zh, *mar, *zn, *bir;
    struct dict_object *avp[DIAMETER_AVPS];
};
bool diameter_dict_init(struct diameter_dict *d); /* after fd_core_initialize(), once; then fd_disp_app_support() of zh or zn */

/* Adds an AVP to a message or to a grouped AVP. */
bool diameter_dict_octets(const struct diameter_dict *d, msg_or_avp *to, enum diameter_avp which, const void *p, size_t n);
bool diameter_dict_number(const struct diameter_dict *d, msg_or_avp *to, enum diameter_avp which, uint32_t value);
bool diameter_dict_time(const struct diameter_dict *d, msg_or_avp *to, enum diameter_avp which, int64_t seconds); /* since 1970 */
struct avp *diameter_dict_group(const struct diameter_dict *d, msg_or_avp *to, enum diameter_avp which); /* NULL: no memory */

/* The value of the only AVP of this kind in a message or grouped AVP; NULL if there is none, or more than one. */
const union avp_value *diameter_dict_value(const struct diameter_dict *d, msg_or_avp *in, enum diameter_avp which);
struct avp *diameter_dict_find(const struct diameter_dict *d, msg_or_avp *in, enum diameter_avp which);
/* Of those that may be there several times: the one behind `last`, or the first; NULL: none. */
struct avp *diameter_dict_next(const struct diameter_dict *d, msg_or_avp *in, enum diameter_avp which, struct avp *last);

#endif
