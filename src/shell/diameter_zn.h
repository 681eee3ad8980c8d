/*
 * Zn over Diameter [TS 29.109 5]: the BSF's side, in keystead-diameter. A BIR becomes a question of JSON for the server, which decides,
 * and its answer a BIA. Who asks is the Diameter peer that is connected: nobody asks for another, through a proxy or by a name.
 */
#ifndef KEYSTEAD_SHELL_DIAMETER_ZN_H
#define KEYSTEAD_SHELL_DIAMETER_ZN_H

#include "shell/diameter_dict.h"
#include "wire/zh_frame.h"

/* Before fd_core_start(); `send` gives a frame to the server, from any thread. */
bool diameter_zn_init(const struct diameter_dict *d, void (*send)(const struct zh_frame *f));
/* The server's answer, ZH_FRAME_ZN_ANSWER. */
void diameter_zn_answered(const struct zh_frame *f);

#endif
