/* Enrolment with the card of the device: Ub with the MEF as Bootstrapping Server Function [TS-0003 8.3.3.1]. */
#ifndef KEYSTEAD_CLI_DEVICE_UB_H
#define KEYSTEAD_CLI_DEVICE_UB_H

#include "cli/device_work.h"

#define DEVICE_UB_OPTS                                                                                                 \
    {"--gba", CLI_OPT_FLAG, "with the SIM of this device: the MEF is its Bootstrapping Server Function"},              \
    {"--sim", 0, "with --gba: file of a SIM in software (docs/operate/sim.md), or pcsc or pcsc:READER for a card"},                                      \
    {"--naf-key", 0, "with --gba: me (Ks_NAF), ext (Ks_ext_NAF) or int (Ks_int_NAF, used in the card); by default what suits the card"}, \
    {"--anew", CLI_OPT_FLAG, "with --gba: bootstrap again, though Ks is still good"}

/* Is this enrolment one with a card: asked for, or as the one before without another credential given? */
bool device_ub_is_meant(const struct device_work *w, bool other_credential);
/* Options, card and target into the state. */
MUST_USE err_t device_ub_options(struct device_work *w);

/* Enrols with what the state has: Ub, or the bootstrap handshake with Kpm or certificate. `anew`: also while Ks is good. */
MUST_USE err_t device_ub_enrol(struct device_work *w, bool anew);
/* What came of it, inside cli_out_begin(). */
void device_ub_print(const struct device_work *w, bool left_out);

#endif
