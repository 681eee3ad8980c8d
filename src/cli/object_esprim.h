/* The verbs of `keystead object` that have two ends: ESPrim with its state in a file, ESCertKE over a pipe. */
#ifndef KEYSTEAD_CLI_OBJECT_ESPRIM_H
#define KEYSTEAD_CLI_OBJECT_ESPRIM_H

#include "cli/cli.h"

enum { OBJECT_ESPRIM_OFFER_OPTS_N = 3, OBJECT_ESPRIM_WRAP_OPTS_N = 8, OBJECT_ESPRIM_ACCEPT_OPTS_N = 9,
       OBJECT_ESCERTKE_OPTS_N = 9 };
extern const struct cli_opt object_esprim_offer_opts[OBJECT_ESPRIM_OFFER_OPTS_N];
extern const struct cli_opt object_esprim_wrap_opts[OBJECT_ESPRIM_WRAP_OPTS_N];
extern const struct cli_opt object_esprim_accept_opts[OBJECT_ESPRIM_ACCEPT_OPTS_N];
extern const struct cli_opt object_escertke_opts[OBJECT_ESCERTKE_OPTS_N];

int object_esprim_offer(const struct cli_args *a);
int object_esprim_wrap(const struct cli_args *a);
int object_esprim_unwrap(const struct cli_args *a);
int object_esprim_answer(const struct cli_args *a);
int object_esprim_accept(const struct cli_args *a);
int object_escertke(const struct cli_args *a);

#endif
