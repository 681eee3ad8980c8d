/* One exchange of the device on a connection of its own: handshake, export if asked, request if there is one. Blocking. */
#ifndef KEYSTEAD_SHELL_DEVICE_RUN_H
#define KEYSTEAD_SHELL_DEVICE_RUN_H

#include "role/device/device.h"
#include "shell/device_naf.h"

struct device_run {
    uint8_t body[DEVICE_BODY_MAX];
    size_t body_n;
    bool too_large;
    bool cbor;         /* contents go as CBOR and are asked for as such; who reads the answer finds JSON */
    uint16_t rsc;
    enum media media;  /* of the body; MEDIA_N: none, or one that is not known here */
    char status[64];   /* what came, "HTTP 200", "CoAP 4.04", "TLS alert 80": for a person, when it is no answer of oneM2M */
    char challenge[DIGEST_TEXT_MAX], info[DIGEST_TEXT_MAX]; /* WWW-Authenticate, Authentication-Info; the first of each, or empty */
    struct device_naf naf; /* of an exchange whose key is made in the handshake; naf.detail of its failure */
    usec_t until;      /* clock_monotonic() at which to give up; for all exchanges of a command */
};

/* Fills *out (body: a view into *r); out->err says how the connection failed. The caller wipes out->exported. */
void device_run_exchange(struct device_run *r, const struct device_exchange *x, struct device_outcome *out);

#endif
