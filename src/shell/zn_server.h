/*
 * Zn over Diameter at the server: what a NAF asked keystead-diameter becomes a request of the role like one over HTTPS, of the
 * association that the Diameter peer stands for, and the writer decides (role/zn.h).
 */
#ifndef KEYSTEAD_SHELL_ZN_SERVER_H
#define KEYSTEAD_SHELL_ZN_SERVER_H

#include "shell/intake.h"
#include "shell/zh.h"

struct zn_server {
    const struct snapshot *snap;
    struct intake *intake;
    struct metrics *metrics;
    size_t role;
    struct zh *zh; /* over which answers go; NULL: no more */
};
zh_zn_fn zn_server_asked; /* owner: a struct zn_server, which lives as long as the intake */

#endif
