#include "aka/aka_sim.h"

const char *aka_sim_gba_name(enum aka_sim_gba kind)
{
    static const char *const names[AKA_SIM_KINDS] = {"me", "u", "secure-environment"};
    return names[kind];
}
