#include "shell/diameter_dict.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define NTP_EPOCH INT64_C(2208988800) /* seconds from 1900 to 1970 */

enum { MAR_CODE = 303, BIR_CODE = 310 };

/* Of 3GPP: code and type; those of the base protocol have code 0 and are looked up by their names. */
static const struct {
    const char *name;
    avp_code_t code;
    enum dict_avp_basetype type;
    bool mandatory;
} rows[DIAMETER_AVPS] = {
    [DIAMETER_GUSS] = {"GBA-UserSecSettings", 400, AVP_TYPE_OCTETSTRING, true},
    [DIAMETER_AUTH_ITEM] = {"3GPP-SIP-Auth-Data-Item", 612, AVP_TYPE_GROUPED, true},
    [DIAMETER_AUTH_SCHEME] = {"3GPP-SIP-Authentication-Scheme", 608, AVP_TYPE_OCTETSTRING, true},
    [DIAMETER_AUTHENTICATE] = {"3GPP-SIP-Authenticate", 609, AVP_TYPE_OCTETSTRING, true},
    [DIAMETER_AUTHORIZATION] = {"3GPP-SIP-Authorization", 610, AVP_TYPE_OCTETSTRING, true},
    [DIAMETER_CK] = {"Confidentiality-Key", 625, AVP_TYPE_OCTETSTRING, true},
    [DIAMETER_IK] = {"Integrity-Key", 626, AVP_TYPE_OCTETSTRING, true},
    [DIAMETER_TRANSACTION] = {"Transaction-Identifier", 401, AVP_TYPE_OCTETSTRING, true},
    [DIAMETER_NAF_ID] = {"NAF-Id", 402, AVP_TYPE_OCTETSTRING, true},
    [DIAMETER_GSID] = {"GAA-Service-Identifier", 403, AVP_TYPE_OCTETSTRING, true},
    [DIAMETER_KEY_EXPIRY] = {"Key-ExpiryTime", 404, AVP_TYPE_OCTETSTRING, true},
    [DIAMETER_ME_KEY] = {"ME-Key-Material", 405, AVP_TYPE_OCTETSTRING, true},
    [DIAMETER_UICC_KEY] = {"UICC-Key-Material", 406, AVP_TYPE_OCTETSTRING, true},
    [DIAMETER_GBA_U_AWARE] = {"GBA_U-Awareness-Indicator", 407, AVP_TYPE_UNSIGNED32, true},
    [DIAMETER_CREATION_TIME] = {"BootstrapInfoCreationTime", 408, AVP_TYPE_OCTETSTRING, true},
    [DIAMETER_GUSS_TIMESTAMP] = {"GUSS-Timestamp", 409, AVP_TYPE_OCTETSTRING, true},
    [DIAMETER_GBA_TYPE] = {"GBA-Type", 410, AVP_TYPE_UNSIGNED32, false},
    [DIAMETER_ORIGIN_HOST] = {"Origin-Host", 0, AVP_TYPE_OCTETSTRING, true},
    [DIAMETER_ORIGIN_REALM] = {"Origin-Realm", 0, AVP_TYPE_OCTETSTRING, true},
    [DIAMETER_AUTH_SESSION_STATE] = {"Auth-Session-State", 0, AVP_TYPE_UNSIGNED32, true},
    [DIAMETER_AUTH_APPLICATION] = {"Auth-Application-Id", 0, AVP_TYPE_UNSIGNED32, true},
    [DIAMETER_DESTINATION_REALM] = {"Destination-Realm", 0, AVP_TYPE_OCTETSTRING, true},
    [DIAMETER_EXPERIMENTAL] = {"Experimental-Result", 0, AVP_TYPE_GROUPED, true},
    [DIAMETER_EXPERIMENTAL_CODE] = {"Experimental-Result-Code", 0, AVP_TYPE_UNSIGNED32, true},
    [DIAMETER_RESULT_CODE] = {"Result-Code", 0, AVP_TYPE_UNSIGNED32, true},
    [DIAMETER_USER_NAME] = {"User-Name", 0, AVP_TYPE_OCTETSTRING, true},
    [DIAMETER_VENDOR_APPLICATION] = {"Vendor-Specific-Application-Id", 0, AVP_TYPE_GROUPED, true},
    [DIAMETER_VENDOR_ID] = {"Vendor-Id", 0, AVP_TYPE_UNSIGNED32, true},
};

static bool add_avp(struct dict_object **out, size_t i)
{
    struct dictionary *dict = fd_g_config->cnf_dict;
    const uint8_t fixed = AVP_FLAG_VENDOR | AVP_FLAG_MANDATORY;
    if (rows[i].code == 0) {
        return fd_dict_search(dict, DICT_AVP, AVP_BY_NAME, rows[i].name, out, ENOENT) == 0;
    }
    struct dict_avp_data data = {.avp_code = rows[i].code,
                                 .avp_vendor = DIAMETER_VENDOR_3GPP,
                                 .avp_name = (char *)rows[i].name, /* copied */
                                 .avp_flag_mask = AVP_FLAG_VENDOR,
                                 .avp_flag_val = rows[i].mandatory ? fixed : AVP_FLAG_VENDOR,
                                 .avp_basetype = rows[i].type};
    return fd_dict_new(dict, DICT_AVP, &data, NULL, out) == 0;
}

/* An application and its one command, request and answer. */
static bool add_application(const struct diameter_dict *d, struct dict_application_data *app, struct dict_cmd_data cmd[2],
                            struct dict_object **out, struct dict_object **request)
{
    struct dictionary *dict = fd_g_config->cnf_dict;
    return fd_dict_new(dict, DICT_APPLICATION, app, d->vendor, out) == 0 && fd_dict_new(dict, DICT_COMMAND, &cmd[0], *out, request) == 0 &&
           fd_dict_new(dict, DICT_COMMAND, &cmd[1], *out, NULL) == 0;
}

bool diameter_dict_init(struct diameter_dict *d)
{
    const uint8_t mask = CMD_FLAG_REQUEST | CMD_FLAG_PROXIABLE;
    struct dict_vendor_data vendor = {DIAMETER_VENDOR_3GPP, (char *)"3GPP"};
    struct dict_application_data zh = {DIAMETER_APP_ZH, (char *)"3GPP Zh"}, zn = {DIAMETER_APP_ZN, (char *)"3GPP Zn"};
    struct dict_cmd_data of_zh[] = {{MAR_CODE, (char *)"Zh-Multimedia-Auth-Request", mask, mask},
                                    {MAR_CODE, (char *)"Zh-Multimedia-Auth-Answer", CMD_FLAG_REQUEST, 0}};
    struct dict_cmd_data of_zn[] = {{BIR_CODE, (char *)"Bootstrapping-Info-Request", mask, mask},
                                    {BIR_CODE, (char *)"Bootstrapping-Info-Answer", CMD_FLAG_REQUEST, 0}};
    int e = fd_dict_new(fd_g_config->cnf_dict, DICT_VENDOR, &vendor, NULL, &d->vendor);
    bool good = (e == 0 || e == EEXIST) && add_application(d, &zh, of_zh, &d->zh, &d->mar) &&
                add_application(d, &zn, of_zn, &d->zn, &d->bir);
    for (size_t i = 0; good && i < DIAMETER_AVPS; i++) {
        good = add_avp(&d->avp[i], i);
    }
    return good;
}

static bool add(const struct diameter_dict *d, msg_or_avp *to, enum diameter_avp which, union avp_value *value)
{
    struct avp *avp = NULL;
    if (fd_msg_avp_new(d->avp[which], 0, &avp) != 0) {
        return false;
    }
    if (fd_msg_avp_setvalue(avp, value) != 0 || fd_msg_avp_add(to, MSG_BRW_LAST_CHILD, avp) != 0) {
        fd_msg_free(avp);
        return false;
    }
    return true;
}

bool diameter_dict_octets(const struct diameter_dict *d, msg_or_avp *to, enum diameter_avp which, const void *p, size_t n)
{
    union avp_value v;
    v.os.data = (uint8_t *)p; /* copied */
    v.os.len = n;
    return add(d, to, which, &v);
}

bool diameter_dict_number(const struct diameter_dict *d, msg_or_avp *to, enum diameter_avp which, uint32_t value)
{
    union avp_value v = {.u32 = value};
    return add(d, to, which, &v);
}

bool diameter_dict_time(const struct diameter_dict *d, msg_or_avp *to, enum diameter_avp which, int64_t seconds)
{
    const uint32_t ntp = (uint32_t)(seconds + NTP_EPOCH);
    const uint8_t b[] = {(uint8_t)(ntp >> 24), (uint8_t)(ntp >> 16), (uint8_t)(ntp >> 8), (uint8_t)ntp};
    return diameter_dict_octets(d, to, which, b, sizeof(b));
}

struct avp *diameter_dict_group(const struct diameter_dict *d, msg_or_avp *to, enum diameter_avp which)
{
    struct avp *avp = NULL;
    if (fd_msg_avp_new(d->avp[which], 0, &avp) != 0) {
        return NULL;
    }
    if (fd_msg_avp_add(to, MSG_BRW_LAST_CHILD, avp) != 0) {
        fd_msg_free(avp);
        return NULL;
    }
    return avp;
}

struct avp *diameter_dict_next(const struct diameter_dict *d, msg_or_avp *in, enum diameter_avp which, struct avp *last)
{
    msg_or_avp *at = NULL;
    struct dict_object *model = NULL;
    int e = last == NULL ? fd_msg_browse_internal(in, MSG_BRW_FIRST_CHILD, &at, NULL) : fd_msg_browse_internal(last, MSG_BRW_NEXT, &at, NULL);
    while (e == 0 && at != NULL && (fd_msg_model(at, &model) != 0 || model != d->avp[which])) {
        e = fd_msg_browse_internal(at, MSG_BRW_NEXT, &at, NULL);
    }
    return e == 0 ? at : NULL;
}

struct avp *diameter_dict_find(const struct diameter_dict *d, msg_or_avp *in, enum diameter_avp which)
{
    struct avp *found = diameter_dict_next(d, in, which, NULL);
    return found != NULL && diameter_dict_next(d, in, which, found) == NULL ? found : NULL;
}

const union avp_value *diameter_dict_value(const struct diameter_dict *d, msg_or_avp *in, enum diameter_avp which)
{
    struct avp *a = diameter_dict_find(d, in, which);
    struct avp_hdr *head = NULL;
    return a != NULL && fd_msg_avp_hdr(a, &head) == 0 ? head->avp_value : NULL;
}
