/* Collecting the faults of a configuration file, and guessing what a misspelt word was meant to be. */
#ifndef KEYSTEAD_SHELL_CONF_FAULT_H
#define KEYSTEAD_SHELL_CONF_FAULT_H

#include "shell/conf_file.h"

/* Counts every fault; keeps the first CONF_FAULTS_MAX. Control characters of the file become '?'. */
void conf_fault_add(struct conf_faults *f, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The line of the file or key that a fault names, in that section if it is there, else where it is first; 0: none is
 * named. */
int conf_fault_line_of(const struct conf *c, const char *section, const char *arg, const char *detail);

/* The best guess so far at what `word` was meant to be: offer every right word, then read `best`. */
struct conf_fault_guess {
    struct text word;
    const char *best; /* NULL: nothing is near */
    size_t distance;
};
struct conf_fault_guess conf_fault_guess_of(struct text word);
void conf_fault_guess_offer(struct conf_fault_guess *g, const char *right);

#endif
