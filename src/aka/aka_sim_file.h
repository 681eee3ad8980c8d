/*
 * A SIM in software as text: lines `name = value`, of which a person writes the first four and the card the rest. It holds K in
 * clear: it is for laboratories, and for devices whose file system is their Secure Environment.
 *
 *     # keystead software SIM
 *     impi = 001010123456789@ims.mnc001.mcc001.3gppnetwork.org
 *     kind = milenage               or tuak
 *     k = 32 digits                 TUAK: 32 or 64
 *     opc = 32 digits               TUAK: TOPc of 64; or op, which becomes opc
 *     gba = me                      or u, or secure-environment (aka_sim.h)
 *     sqn = 0 0 ...                 the highest SEQ of each of 32 IND
 *     ks = 64 digits, rand = 32     of the last GBA_U bootstrap
 */
#ifndef KEYSTEAD_AKA_AKA_SIM_FILE_H
#define KEYSTEAD_AKA_AKA_SIM_FILE_H

#include "aka/aka_sim.h"

#define AKA_SIM_FILE_MAX 4096
#define AKA_SIM_FILE_WHOLE "impi, kind, k and one of opc and op are needed, and keys as long as kind has them;"
#define AKA_SIM_FILE_MARK "# keystead software SIM" /* the first line: nobody takes it for something else */

struct aka_sim_file {
    struct impi impi;
    enum aka_sim_gba gba;
    struct aka_card card;
};
void aka_sim_file_wipe(struct aka_sim_file *f);

/* ERR_SIM_FILE: not that text; *line is where, 0: no line alone, but what they are together (AKA_SIM_FILE_WHOLE). ERR_MALFORMED_KEY,
 * ERR_MALFORMED_HEX of a value. */
MUST_USE err_t aka_sim_file_parse(const struct crypto *c, struct text t, struct aka_sim_file *out, unsigned *line);
MUST_USE err_t aka_sim_file_write(const struct aka_sim_file *f, struct writer *w);

#endif
