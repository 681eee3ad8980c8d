/* What a protocol of Zh gives to zh.c: the calls of zh.h, each with its own struct. */
#ifndef KEYSTEAD_SHELL_ZH_DRIVER_H
#define KEYSTEAD_SHELL_ZH_DRIVER_H

#include "shell/zh.h"

struct zh_driver {
    err_t (*open)(uv_loop_t *loop, const struct zh_conf *conf, void **out);
    void (*end)(void *it);
    bool (*is_up)(const void *it);
    void (*zn_answer)(void *it, const struct zh_zn *q, err_t e, struct bytes body); /* or NULL */
    err_t (*ask)(void *it, const struct zh_question *q, zh_fn *fn, void *owner);
};
extern const struct zh_driver zh_gsup_driver, zh_diameter_driver;

#endif
