/* Answers of the control interface for people: tables for lists, `name: value` for the rest. */
#ifndef KEYSTEAD_CLI_CTL_PRINT_H
#define KEYSTEAD_CLI_CTL_PRINT_H

#include <jansson.h>
#include <stdio.h>

void ctl_print(FILE *out, const json_t *result);

#endif
