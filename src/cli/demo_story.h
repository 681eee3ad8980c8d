/* The story of the demo as data: what is run, and what has to come of it. */
#ifndef KEYSTEAD_CLI_DEMO_STORY_H
#define KEYSTEAD_CLI_DEMO_STORY_H

#include "base/err.h"
#include "cli/ladder.h"
#include "cli/demo_proc.h"

/* One command of this program. In arguments: {dir} {sp} {mef} {maf} {cse} {mn} {ub}. */
struct demo_story_step {
    const char *title;
    enum ladder_line from, to;
    const char *clause;
    const char *code;   /* reason code that must come back, or NULL: it must succeed */
    const char *server; /* refusals before authentication: the server whose log must hold `logged` ... */
    const char *logged; /* ... this reason code, or NULL */
    unsigned wait_ms;   /* before the step, for a lifetime to end */
    unsigned patience_ms; /* it is tried again so long, for what servers do by themselves */
    const char *argv[DEMO_PROC_ARGS_MAX];
    const char *chapter; /* begins with this step, or NULL */
};
extern const struct demo_story_step demo_story_steps[];
extern const size_t demo_story_steps_n;

/* Key files: made up, and they look it. */
struct demo_story_key {
    const char *file; /* in the directory of the demo */
    char digit;       /* 64 times */
};
extern const struct demo_story_key demo_story_keys[];
extern const size_t demo_story_keys_n;

/* SIMs in software: made up too. */
struct demo_story_sim {
    const char *file;
    const char *impi;
    const char *gba; /* what the card does: aka_sim.h */
    char digit;      /* of K and OPc, 32 times each */
};
extern const struct demo_story_sim demo_story_sims[];
extern const size_t demo_story_sims_n;

#endif
