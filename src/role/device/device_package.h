/*
 * The contents of a provisioning package (R000-18): what a device needs of every layer, in one JSON object. The M2M service layer goes into
 * the state; network and application layer are opaque, and handed on under their names. Who may read and make one is not decided here: it
 * comes out of an object that is encrypted and authenticated (docs/decisions/0025-provisioning-package.md).
 */
#ifndef KEYSTEAD_ROLE_DEVICE_DEVICE_PACKAGE_H
#define KEYSTEAD_ROLE_DEVICE_DEVICE_PACKAGE_H

#include "role/device/device_state.h"
#include "role/role.h"

#define DEVICE_PACKAGE_TYPE "application/vnd.keystead.package+json"
#define DEVICE_PACKAGE_VERSION 1
#define DEVICE_PACKAGE_NAME_MAX 65
#define DEVICE_PACKAGE_OCTETS_MAX (24U * 1024U) /* of all opaque entries together */
#define DEVICE_PACKAGE_ENTRIES_MAX 16

enum device_package_server { DEVICE_PACKAGE_MEF, DEVICE_PACKAGE_MAF, DEVICE_PACKAGE_CSE, DEVICE_PACKAGE_SERVERS };

struct device_package_files { /* PEM, views into `tree`; all three or none, with a SIM `trust` alone */
    struct text certificate, private_key, trust;
};

struct device_package_entry {
    char name[DEVICE_PACKAGE_NAME_MAX]; /* good as the name of a file */
    struct secret key;                  /* of an application */
    struct bytes octets;                /* of the network layer, if no key is set: a view into `octets` */
};

struct device_package { /* large: not for a stack */
    json_t *tree;
    struct device_state state; /* without the certificates, which `files` has */
    struct device_package_files files[DEVICE_PACKAGE_SERVERS];
    struct text card; /* a SIM in software (aka_sim_file.h), a view into `tree`; nobody has looked into it yet */
    struct device_package_entry entries[DEVICE_PACKAGE_ENTRIES_MAX];
    size_t entries_n;
    size_t passed_over; /* layers that are not known and not critical */
    uint8_t octets[DEVICE_PACKAGE_OCTETS_MAX];
    size_t octets_n;
    char detail[ROLE_DETAIL_MAX];
};

/*
 * ERR_PACKAGE and the errors of json_parse: the format; ERR_PACKAGE_DEVICE, ERR_PACKAGE_EXPIRED, ERR_PACKAGE_LAYER: not to be used here and
 * now. The detail names the member, never a value of a key. After an error *out is only good for device_package_wipe().
 */
MUST_USE err_t device_package_parse(struct bytes contents, struct text device, usec_t now, struct device_package *out);
void device_package_wipe(struct device_package *p);

#endif
