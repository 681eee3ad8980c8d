#include "cli/ladder_arrows.h"

#define OPERATOR LADDER_OPERATOR
#define DEVICE LADDER_DEVICE
#define BSF LADDER_BSF
#define MEF LADDER_MEF
#define MAF LADDER_MAF
#define CSE LADDER_CSE
#define HERE LADDER_HERE
#define PEER LADDER_PEER
#define JOINS LADDER_JOINS
#define ASIDE LADDER_ASIDE

const struct ladder_arrow ladder_arrows[] = {
    {AUDIT_STARTED, HERE, HERE, DEVICE, ASIDE, "a writer took over the store", "-"},
    {AUDIT_AUTHORITY_BACK, HERE, HERE, DEVICE, ASIDE, "an authority was restored from an older backup", "-"},
    {AUDIT_CREDENTIAL_ADDED, OPERATOR, HERE, OPERATOR, 0, "credential stored, sealed", "TS-0003 8.3.2.1"},
    {AUDIT_INSTRUCTION_ADDED, OPERATOR, HERE, OPERATOR, 0, "a further Enrolment Target", "TS-0003 8.3.2.1"},
    {AUDIT_INSTRUCTION_REMOVED, OPERATOR, HERE, OPERATOR, 0, "an Enrolment Target taken back", "TS-0003 8.3.2.1"},
    {AUDIT_CLIENT_ALLOWED, OPERATOR, HERE, OPERATOR, 0, "client allowed", "TS-0003 8.8.2.7"},
    {AUDIT_CLIENT_REMOVED, OPERATOR, HERE, OPERATOR, 0, "client no longer allowed", "TS-0003 8.8.2.7"},
    {AUDIT_CREDENTIAL_SUSPENDED, OPERATOR, HERE, OPERATOR, 0, "credential suspended", "TS-0001 11.2.1"},
    {AUDIT_CREDENTIAL_RESUMED, OPERATOR, HERE, OPERATOR, 0, "credential given back", "TS-0001 11.2.1"},
    {AUDIT_CREDENTIAL_REVOKED, OPERATOR, HERE, OPERATOR, 0, "credential revoked", "TS-0001 11.2.1"},
    {AUDIT_CERTIFICATE_REFUSED, DEVICE, HERE, DEVICE, ASIDE, "handshake with a certificate", "TS-0003 8.1.2.2"},
    {AUDIT_HANDSHAKE_REFUSED, DEVICE, HERE, DEVICE, ASIDE, "handshake with a key", "TS-0003 8.2.2.1"},
    {AUDIT_KE_DROPPED, HERE, HERE, DEVICE, 0, "the oldest Ke of the credential made room", "TS-0003 8.3.2.1"},
    {AUDIT_KE_ISSUED, MEF, DEVICE, DEVICE, JOINS, "Ke and KeId by TLS export; Finished leaves when they are durable",
     "TS-0003 10.3.1"},
    {AUDIT_BOOTSTRAPPED, BSF, DEVICE, DEVICE, JOINS, "Ks by Digest AKA, named B-TID; the 200 leaves when it is durable",
     "TS 33.220 4.5.2"},
    {AUDIT_CERTIFICATE_ISSUED, MEF, DEVICE, DEVICE, JOINS, "certificate issued by EST", "TS-0003 8.3.6.2"},
    {AUDIT_MEF_CLIENT_REGISTERED, DEVICE, MEF, DEVICE, JOINS, "MEF client registration", "TS-0003 8.3.5.2.3"},
    {AUDIT_MEF_KEY_REGISTERED, DEVICE, MEF, DEVICE, JOINS, "key registration at the MEF", "TS-0003 8.3.5.2.7"},
    {AUDIT_COMMAND_ADDED, OPERATOR, HERE, OPERATOR, 0, "a command for a MEF client", "TS-0003 8.3.9"},
    {AUDIT_COMMAND_ISSUED, MEF, DEVICE, DEVICE, JOINS, "MEF client command handed out", "TS-0003 8.3.9"},
    {AUDIT_COMMAND_DONE, DEVICE, MEF, DEVICE, JOINS, "status of the MEF client command", "TS-0003 8.3.9"},
    {AUDIT_COMMAND_CANCELLED, OPERATOR, HERE, OPERATOR, 0, "command taken back", "TS-0003 8.3.9"},
    {AUDIT_KEY_RELEASED, MEF, PEER, MAF, 0, "Km or Kpsa for its target, derived from Ke; Ke stays", "TS-0003 8.3.2.1"},
    {AUDIT_MEF_KEY_RETRIEVED, MEF, PEER, MAF, 0, "registered key to its target", "TS-0003 8.3.5.2.8"},
    {AUDIT_NAF_KEY_GIVEN, BSF, PEER, CSE, 0, "key of this NAF and suite, in the middle of the handshake; Ks stays",
     "TS 33.220 4.5.3"},
    {AUDIT_KM_STORED, MAF, MAF, MEF, 0, "Km stored; the suspended handshake goes on", "TS-0003 8.8.2.3"},
    {AUDIT_MAF_CLIENT_REGISTERED, DEVICE, MAF, DEVICE, JOINS, "MAF client registration; KmId assigned", "TS-0003 8.8.2.3"},
    {AUDIT_CLIENT_CONFIGURED, OPERATOR, HERE, OPERATOR, 0, "configuration of the client's registration", "TS-0003 8.8.2.4, 8.3.5.2.4"},
    {AUDIT_CLIENT_UPDATED, DEVICE, HERE, DEVICE, 0, "registration updated", "TS-0003 8.8.2.5, 8.3.5.2.5"},
    {AUDIT_MAF_KEY_REGISTERED, DEVICE, MAF, DEVICE, JOINS, "key registration, SUID 32: Kc by TLS export", "TS-0003 8.8.2.7"},
    {AUDIT_KEY_UPDATED, DEVICE, HERE, DEVICE, 0, "key registration updated", "TS-0003 8.8.2.9, 8.3.5.2.9"},
    {AUDIT_MAF_KEY_RETRIEVED, MAF, PEER, CSE, 0, "Kc to its target, in the middle of the handshake", "TS-0003 8.8.2.8"},
    {AUDIT_KEY_DEREGISTERED, DEVICE, HERE, DEVICE, 0, "key registration ended", "TS-0003 8.8.2.10, 8.3.5.2.10"},
    {AUDIT_KEY_RECORD_LOST, HERE, HERE, DEVICE, 0, "the record of a key of a registration that ended could not be read", "TS-0003 8.8.2.6"},
    {AUDIT_CLIENT_DEREGISTERED, DEVICE, HERE, DEVICE, 0, "registration ended, with its keys", "TS-0003 8.8.2.6, 8.3.5.2.6"},
    {AUDIT_KEY_WITHDRAWN, HERE, HERE, DEVICE, 0, "the authority of the key revoked it, suspended it or gave it back",
     "TS-0001 11.2.1"},
    {AUDIT_KC_STORED, CSE, CSE, DEVICE, JOINS, "Kc stored; the suspended handshake goes on", "TS-0003 8.2.2.3"},
    {AUDIT_KPSA_STORED, CSE, CSE, DEVICE, JOINS, "Kpsa stored; the suspended handshake goes on", "TS-0003 8.3.2.1"},
    {AUDIT_ASSOCIATED, DEVICE, CSE, DEVICE, JOINS, "security association established", "TS-0003 8.2.1"},
    {AUDIT_AE_REGISTERED, CSE, DEVICE, DEVICE, JOINS, "AE-ID assigned", "TS-0001 10.2.2.2"},
    {AUDIT_CSE_REGISTERED, CSE, DEVICE, DEVICE, JOINS, "CSE registered", "TS-0001 10.2.2.7"},
    {AUDIT_REGISTRAR_JOINED, HERE, HERE, PEER, 0, "registered at its registrar: two remoteCSE", "TS-0001 10.2.2.7"},
    {AUDIT_REGISTRAR_LOST, HERE, HERE, PEER, 0, "the registrar knows it no more", "TS-0001 10.2.2.7"},
    {AUDIT_REGISTRAR_LEFT, HERE, HERE, PEER, 0, "the registration was ended", "TS-0001 10.1.5"},
    {AUDIT_ANNOUNCED, HERE, PEER, DEVICE, 0, "announced there", "TS-0001 10.2.18"},
    {AUDIT_ANNOUNCEMENT_REFUSED, HERE, PEER, DEVICE, 0, "the announcement was refused there", "TS-0001 10.2.18"},
    {AUDIT_ANNOUNCEMENT_SET_ASIDE, HERE, HERE, DEVICE, 0, "the record of its announcement could not be read", "TS-0001 10.2.18"},
    {AUDIT_ANNOUNCEMENT_ENDED, HERE, PEER, DEVICE, 0, "its announcement was deleted there", "TS-0001 10.2.18"},
    {AUDIT_AE_MOVED, PEER, HERE, PEER, 0, "announced by this CSE now", "TS-0001 10.2.2.2"},
    {AUDIT_RESOURCE_CREATED, DEVICE, CSE, DEVICE, 0, "resource created, durable", "TS-0001 10.1.2"},
    {AUDIT_RESOURCE_UPDATED, DEVICE, CSE, DEVICE, 0, "resource updated, durable", "TS-0001 10.1.4"},
    {AUDIT_RESOURCE_DELETED, DEVICE, CSE, DEVICE, 0, "resource deleted, durable", "TS-0001 10.1.5"},
    {AUDIT_REFUSED, PEER, HERE, DEVICE, 0, "refused and audited", "TS-0003 7"},
};
const size_t ladder_arrows_n = ARRAY_LEN(ladder_arrows);

/* What has no row of its own is a note in the words of the audit chain. */
static const struct ladder_arrow plain[] = {
#define X(name, number, code, doc) {AUDIT_##name, HERE, HERE, DEVICE, 0, doc, "-"},
#include "store/audit_rows.h"
#undef X
};

const struct ladder_arrow *ladder_arrows_of(struct text code)
{
    for (size_t i = 0; i < ladder_arrows_n; i++) {
        if (text_eq_z(code, audit_kind_info(ladder_arrows[i].kind)->code)) {
            return &ladder_arrows[i];
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        if (plain[i].kind != AUDIT_NONE && text_eq_z(code, audit_kind_info(plain[i].kind)->code)) {
            return &plain[i];
        }
    }
    return NULL;
}

size_t ladder_arrows_rank(const struct ladder_arrow *row)
{
    size_t i = 0;
    while (i < ladder_arrows_n && row != &ladder_arrows[i]) {
        i++;
    }
    return i;
}
