#include "role/explain_step.h"

#include <string.h>

static const struct explain_step rows[] = {
    {"mef", AUDIT_HANDSHAKE_REFUSED, "", "enrolment: the handshake with the bootstrap key Kpm", "TS-0003 8.3.2.1"},
    {"mef", AUDIT_CERTIFICATE_REFUSED, "", "the handshake with a certificate at the MEF", "TS-0003 8.3.2.2"},
    {"mef", AUDIT_REFUSED, "/fetchCredentials", "key retrieval: the target asks the MEF for a key derived from Ke", "TS-0003 8.3.2.1"},
    {"mef", AUDIT_REFUSED, "/.well-known/est", "certificate provisioning by EST", "TS-0003 8.3.6.2"},
    {"mef", AUDIT_REFUSED, "/-/", "a registered key at the MEF: retrieval, update or de-registration", "TS-0003 8.3.5.2.8"},
    {"mef", AUDIT_REFUSED, "/-", "MEF client registration", "TS-0003 8.3.5.2.3"},
    {"mef", AUDIT_REFUSED, "/", "MEF key registration, or a change of the registration", "TS-0003 8.3.5.2.7"},
    {"mef", AUDIT_REFUSED, "", "enrolment: the Enrolment Key is made", "TS-0003 10.3.1"},
    {"maf", AUDIT_HANDSHAKE_REFUSED, "", "the handshake with the MAF under KmId or KeId", "TS-0003 8.8.2.2"},
    {"maf", AUDIT_CERTIFICATE_REFUSED, "", "the handshake with a certificate at the MAF", "TS-0003 8.8.2.2"},
    {"maf", AUDIT_REFUSED, "/-/", "a registered key at the MAF: retrieval, update or de-registration", "TS-0003 8.8.2.8"},
    {"maf", AUDIT_REFUSED, "/-", "MAF client registration", "TS-0003 8.8.2.3"},
    {"maf", AUDIT_REFUSED, "/", "MAF key registration, or a change of the registration", "TS-0003 8.8.2.7"},
    {"cse", AUDIT_HANDSHAKE_REFUSED, "", "the association with the CSE under Kpsa or Kc", "TS-0003 8.2.2.1, 8.2.2.3"},
    {"cse", AUDIT_CERTIFICATE_REFUSED, "", "the association with the CSE by certificate", "TS-0003 8.2.2.2"},
    {"cse", AUDIT_REFUSED, "", "a request to the CSE", "TS-0004 7.3.2.1"},
    {"gate", AUDIT_HANDSHAKE_REFUSED, "", "the association with the gate under Kpsa or Kc", "TS-0003 8.2.2.1, 8.2.2.3"},
    {"gate", AUDIT_CERTIFICATE_REFUSED, "", "the association with the gate by certificate", "TS-0003 8.2.2.2"},
    {"gate", AUDIT_REFUSED, "", "a request through the gate", "TS-0004 7.3.2.1"},
};

const struct explain_step *explain_step_of(const char *role, const struct audit_event *e)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct explain_step *s = &rows[i];
        if (s->kind == e->kind && strcmp(s->role, role) == 0 && text_starts(text_of(e->object), s->object)) {
            return s;
        }
    }
    return NULL;
}
