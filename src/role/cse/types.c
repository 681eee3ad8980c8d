#include "role/cse/types.h"

#include "wire/jwt.h"

#include <string.h>

#define U32 INT64_C(4294967295)
#define U53 INT64_C(9007199254740991) /* every JSON reader keeps integers up to here exact */

/* Attributes of every resource [TS-0004 table 7.4.1]; cr and acpi stand with the types that have them. */
static const struct types_attr universal[] = {
    {"rn", "resourceName", TYPES_NAME, TYPES_O, TYPES_NP, TYPES_HEADER, 1, 64, TYPES_NA},
    {"ty", "resourceType", TYPES_UINT, TYPES_NP, TYPES_NP, TYPES_HEADER, 1, 65535, TYPES_NA},
    {"ri", "resourceID", TYPES_TEXT, TYPES_NP, TYPES_NP, TYPES_HEADER, 1, 191, TYPES_NA},
    {"pi", "parentID", TYPES_TEXT, TYPES_NP, TYPES_NP, TYPES_HEADER, 0, 191, TYPES_NA},
    {"ct", "creationTime", TYPES_TIME, TYPES_NP, TYPES_NP, TYPES_HEADER, 0, 0, TYPES_NA},
    {"lt", "lastModifiedTime", TYPES_TIME, TYPES_NP, TYPES_NP, TYPES_TAIL, 0, 0, TYPES_NA},
    {"lbl", "labels", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 64, TYPES_MA},
};

/* Not announced, but every announcement has them of its own: et follows the original (cse_announce.c), and policies are
 * those of the place where it is (decision 0033). */
#define EXPIRES {"et", "expirationTime", TYPES_TIME, TYPES_O, TYPES_O, TYPES_HEADER, 0, 0, TYPES_NA}
#define POLICIES {"acpi", "accessControlPolicyIDs", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 16, TYPES_NA}, \
    {"daci", "dynamicAuthorizationConsultationIDs", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 4, TYPES_NA}
#define ANNOUNCES {"at", "announceTo", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, TYPES_ANNOUNCE_MAX, TYPES_NA}, \
    {"aa", "announcedAttribute", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 16, TYPES_NA}
#define CREATOR {"cr", "creator", TYPES_NULL, TYPES_O, TYPES_NP, TYPES_GIVEN, 0, 0, TYPES_NA}
#define STATE {"st", "stateTag", TYPES_UINT, TYPES_NP, TYPES_NP, TYPES_TAIL, 0, U53, TYPES_NA}

static const struct types_attr cb[] = { /* TS-0001 9.6.3 */
    POLICIES,
    {"cst", "cseType", TYPES_UINT, TYPES_NP, TYPES_NP, TYPES_GIVEN, 1, 3, TYPES_OA},
    {"csi", "CSE-ID", TYPES_TEXT, TYPES_NP, TYPES_NP, TYPES_GIVEN, 2, 191, TYPES_OA},
    {"srt", "supportedResourceType", TYPES_ANY, TYPES_NP, TYPES_NP, TYPES_GIVEN, 0, 0, TYPES_OA},
    {"srv", "supportedReleaseVersions", TYPES_TEXTS, TYPES_NP, TYPES_NP, TYPES_GIVEN, 1, 16, TYPES_OA},
    {"poa", "pointOfAccess", TYPES_TEXTS, TYPES_NP, TYPES_O, TYPES_GIVEN, 1, 16, TYPES_OA},
    {"esi", "e2eSecInfo", TYPES_E2E, TYPES_NP, TYPES_NP, TYPES_GIVEN, 0, 0, TYPES_MA},
};

static const struct types_attr ae[] = { /* TS-0001 9.6.5; the mandatory ones: part 11.3.3 */
    EXPIRES,
    POLICIES,
    ANNOUNCES,
    {"apn", "appName", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 256, TYPES_OA},
    {"api", "App-ID", TYPES_TEXT, TYPES_M, TYPES_NP, TYPES_GIVEN, 1, 256, TYPES_OA},
    {"aei", "AE-ID", TYPES_TEXT, TYPES_NP, TYPES_NP, TYPES_GIVEN, 1, 191, TYPES_OA},
    {"poa", "pointOfAccess", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 16, TYPES_OA},
    {"or", "ontologyRef", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 1024, TYPES_OA},
    {"nl", "nodeLink", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 191, TYPES_OA},
    {"rr", "requestReachability", TYPES_BOOL, TYPES_M, TYPES_O, TYPES_GIVEN, 0, 0, TYPES_OA},
    {"csz", "contentSerialization", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 8, TYPES_OA},
    {"esi", "e2eSecInfo", TYPES_E2E, TYPES_O, TYPES_O, TYPES_GIVEN, 0, 0, TYPES_MA},
    {"srv", "supportedReleaseVersions", TYPES_TEXTS, TYPES_M, TYPES_O, TYPES_GIVEN, 1, 16, TYPES_MA},
};

/* TS-0001 9.6.4. What the registree may not know yet is optional, as the seed has it (R002-20, R002-21). */
static const struct types_attr csr[] = {
    EXPIRES,
    POLICIES,
    {"cst", "cseType", TYPES_UINT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 3, TYPES_NA},
    {"poa", "pointOfAccess", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 16, TYPES_NA},
    {"cb", "CSEBase", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 256, TYPES_NA},
    {"csi", "CSE-ID", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 2, 191, TYPES_NA},
    {"mei", "M2M-Ext-ID", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 256, TYPES_NA},
    {"tri", "triggerRecipientID", TYPES_UINT, TYPES_O, TYPES_O, TYPES_GIVEN, 0, U32, TYPES_NA},
    {"rr", "requestReachability", TYPES_BOOL, TYPES_M, TYPES_O, TYPES_GIVEN, 0, 0, TYPES_NA},
    {"nl", "nodeLink", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 191, TYPES_NA},
    {"csz", "contentSerialization", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 8, TYPES_NA},
    {"esi", "e2eSecInfo", TYPES_E2E, TYPES_O, TYPES_O, TYPES_GIVEN, 0, 0, TYPES_NA},
    {"dcse", "descendantCSEs", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 32, TYPES_NA},
    {"srv", "supportedReleaseVersions", TYPES_TEXTS, TYPES_M, TYPES_O, TYPES_GIVEN, 1, 16, TYPES_NA},
};

static const struct types_attr acp[] = { /* TS-0001 9.6.2 */
    EXPIRES,
    {"pv", "privileges", TYPES_RULES, TYPES_M, TYPES_O, TYPES_GIVEN, 0, 0, TYPES_NA},
    {"pvs", "selfPrivileges", TYPES_RULES, TYPES_M, TYPES_O, TYPES_GIVEN, 0, 0, TYPES_NA},
    {"adri", "authorizationDecisionResourceIDs", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 4, TYPES_NA},
    {"apri", "authorizationPolicyResourceIDs", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 4, TYPES_NA},
    {"airi", "authorizationInformationResourceIDs", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 4, TYPES_NA},
};

static const struct types_attr cnt[] = { /* TS-0001 9.6.6 */
    EXPIRES,
    POLICIES,
    ANNOUNCES,
    CREATOR,
    STATE,
    {"mni", "maxNrOfInstances", TYPES_UINT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, U32, TYPES_OA},
    {"mbs", "maxByteSize", TYPES_UINT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, U53, TYPES_OA},
    {"mia", "maxInstanceAge", TYPES_UINT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, U32, TYPES_OA},
    {"cni", "currentNrOfInstances", TYPES_UINT, TYPES_NP, TYPES_NP, TYPES_TAIL, 0, U53, TYPES_NA},
    {"cbs", "currentByteSize", TYPES_UINT, TYPES_NP, TYPES_NP, TYPES_TAIL, 0, U53, TYPES_NA},
    {"or", "ontologyRef", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 1024, TYPES_OA},
};

static const struct types_attr cin[] = { /* TS-0001 9.6.7 */
    EXPIRES,
    ANNOUNCES,
    CREATOR,
    STATE,
    {"cnf", "contentInfo", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 256, TYPES_OA},
    {"cs", "contentSize", TYPES_UINT, TYPES_NP, TYPES_NP, TYPES_GIVEN, 0, U53, TYPES_OA},
    {"or", "ontologyRef", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 1024, TYPES_OA},
    {"con", "content", TYPES_ANY, TYPES_M, TYPES_NP, TYPES_GIVEN, 0, 0, TYPES_OA},
};

static const struct types_attr grp[] = { /* TS-0001 9.6.13 */
    EXPIRES,
    POLICIES,
    CREATOR,
    {"mt", "memberType", TYPES_UINT, TYPES_O, TYPES_NP, TYPES_GIVEN, 0, 65535, TYPES_NA},
    {"cnm", "currentNrOfMembers", TYPES_UINT, TYPES_NP, TYPES_NP, TYPES_GIVEN, 0, TYPES_MEMBERS_MAX, TYPES_NA},
    {"mnm", "maxNrOfMembers", TYPES_UINT, TYPES_M, TYPES_O, TYPES_GIVEN, 1, TYPES_MEMBERS_MAX, TYPES_NA},
    {"mid", "memberIDs", TYPES_TEXTS, TYPES_M, TYPES_O, TYPES_GIVEN, 1, TYPES_MEMBERS_MAX, TYPES_NA},
    {"macp", "membersAccessControlPolicyIDs", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 16, TYPES_NA},
    {"mtv", "memberTypeValidated", TYPES_BOOL, TYPES_NP, TYPES_NP, TYPES_GIVEN, 0, 0, TYPES_NA},
    {"csy", "consistencyStrategy", TYPES_UINT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 3, TYPES_NA},
    {"gn", "groupName", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 256, TYPES_NA},
};

static const struct types_attr nod[] = { /* TS-0001 9.6.18 */
    EXPIRES,
    POLICIES,
    {"ni", "nodeID", TYPES_TEXT, TYPES_M, TYPES_NP, TYPES_GIVEN, 1, 256, TYPES_NA},
    {"hcl", "hostedCSELink", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 191, TYPES_NA},
    {"hael", "hostedAELinks", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 64, TYPES_NA},
    {"hsl", "hostedServiceLinks", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 64, TYPES_NA},
    {"mgca", "mgmtClientAddress", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 256, TYPES_NA},
    {"rms", "roamingStatus", TYPES_BOOL, TYPES_O, TYPES_O, TYPES_GIVEN, 0, 0, TYPES_NA},
    {"nid", "networkID", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 256, TYPES_NA},
};

static const struct types_attr pch[] = { /* TS-0001 9.6.21 */
    EXPIRES,
    POLICIES,
};

/* Notifications are asked for by this one; a service subscription is mssp. */
static const struct types_attr sub[] = { /* TS-0001 9.6.8 */
    EXPIRES,
    POLICIES,
    CREATOR,
    {"enc", "eventNotificationCriteria", TYPES_OBJECT, TYPES_O, TYPES_O, TYPES_GIVEN, 0, 0, TYPES_NA},
    {"exc", "expirationCounter", TYPES_UINT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, U32, TYPES_NA},
    {"nu", "notificationURI", TYPES_TEXTS, TYPES_M, TYPES_O, TYPES_GIVEN, 1, TYPES_TARGETS_MAX, TYPES_NA},
    {"nfu", "notificationForwardingURI", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 256, TYPES_NA},
    {"bn", "batchNotify", TYPES_OBJECT, TYPES_O, TYPES_O, TYPES_GIVEN, 0, 0, TYPES_NA},
    {"rl", "rateLimit", TYPES_OBJECT, TYPES_O, TYPES_O, TYPES_GIVEN, 0, 0, TYPES_NA},
    {"pn", "pendingNotification", TYPES_UINT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 2, TYPES_NA},
    {"ln", "latestNotify", TYPES_BOOL, TYPES_O, TYPES_O, TYPES_GIVEN, 0, 0, TYPES_NA},
    {"nct", "notificationContentType", TYPES_UINT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 3, TYPES_NA},
    {"su", "subscriberURI", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 256, TYPES_NA},
    {"gpi", "groupID", TYPES_REFUSED, TYPES_O, TYPES_O, TYPES_GIVEN, 0, 0, TYPES_NA},
    {"psn", "preSubscriptionNotify", TYPES_UINT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, U32, TYPES_NA},
    {"nsp", "notificationStoragePriority", TYPES_REFUSED, TYPES_O, TYPES_O, TYPES_GIVEN, 0, 0, TYPES_NA},
    {"nec", "notificationEventCat", TYPES_REFUSED, TYPES_O, TYPES_O, TYPES_GIVEN, 0, 0, TYPES_NA},
    {"acrs", "associatedCrossResourceSub", TYPES_REFUSED, TYPES_O, TYPES_O, TYPES_GIVEN, 0, 0, TYPES_NA},
};

/* Service subscription, part 11.1. What its contract includes is `svr`, a list of resource types by short name. */
static const struct types_attr mssp[] = { /* TS-0001 9.6.19 */
    EXPIRES,
    POLICIES,
    {"svr", "serviceRoles", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 16, TYPES_NA},
};

static const struct types_attr asar[] = { /* TS-0001 9.6.29 */
    EXPIRES,
    POLICIES,
    {"apci", "applicableCredIDs", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 200, TYPES_NA},
    {"aai", "allowedApp-IDs", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 200, TYPES_NA},
    {"aae", "allowedAEs", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 200, TYPES_NA},
    {"ari", "allowedRole-IDs", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 64, TYPES_NA},
};

static const struct types_attr svsn[] = { /* TS-0001 9.6.20 */
    EXPIRES,
    POLICIES,
    {"ni", "nodeID", TYPES_TEXT, TYPES_M, TYPES_NP, TYPES_GIVEN, 1, 256, TYPES_NA},
    {"csi", "CSE-ID", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 2, 190, TYPES_NA},
    {"di", "deviceIdentifier", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 16, TYPES_NA},
    {"rlk", "ruleLinks", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 64, TYPES_NA},
    {"nrq", "niddRequired", TYPES_BOOL, TYPES_O, TYPES_O, TYPES_GIVEN, 0, 0, TYPES_NA},
};

/* Its parent's policies hold for others than its issuer; it is taken back and made anew, never changed. */
static const struct types_attr rol[] = { /* TS-0001 9.6.38 */
    EXPIRES,
    {"rlid", "roleID", TYPES_TEXT, TYPES_M, TYPES_NP, TYPES_GIVEN, 3, 191, TYPES_NA},
    {"tkis", "issuer", TYPES_TEXT, TYPES_M, TYPES_NP, TYPES_GIVEN, 1, 191, TYPES_NA},
    {"tkhd", "holder", TYPES_TEXT, TYPES_M, TYPES_NP, TYPES_GIVEN, 1, 191, TYPES_NA},
    {"tknb", "notBefore", TYPES_TEXT, TYPES_M, TYPES_NP, TYPES_GIVEN, 15, 22, TYPES_NA},
    {"tkna", "notAfter", TYPES_TIME, TYPES_M, TYPES_NP, TYPES_GIVEN, 0, 0, TYPES_NA},
    {"rlnm", "roleName", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 256, TYPES_NA},
    {"rltl", "tokenLink", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 256, TYPES_NA},
};

/* A token that an issuer of this CSE signed; the rest is what it says (cse_token_res.h). */
static const struct types_attr tk[] = { /* TS-0001 9.6.39 */
    EXPIRES,
    POLICIES,
    {"tkid", "tokenID", TYPES_TEXT, TYPES_M, TYPES_NP, TYPES_GIVEN, 3, 191, TYPES_NA},
    {"tkob", "tokenObject", TYPES_TEXT, TYPES_M, TYPES_NP, TYPES_GIVEN, 5, JWT_MAX, TYPES_NA},
    {"vr", "version", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 256, TYPES_NA},
    {"tkis", "issuer", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 191, TYPES_NA},
    {"tkhd", "holder", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 191, TYPES_NA},
    {"tknb", "notBefore", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 15, 22, TYPES_NA},
    {"tkna", "notAfter", TYPES_TIME, TYPES_O, TYPES_NP, TYPES_GIVEN, 0, 0, TYPES_NA},
    {"tknm", "tokenName", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 384, TYPES_NA},
    {"tkau", "audience", TYPES_TEXTS, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 64, TYPES_NA},
    {"tkps", "permissions", TYPES_OBJECT, TYPES_O, TYPES_NP, TYPES_GIVEN, 0, 0, TYPES_NA},
    {"tkex", "extension", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 384, TYPES_NA},
};

/* Direct dynamic authorization, part 12.7. */
static const struct types_attr dac[] = { /* TS-0001 9.6.40 */
    EXPIRES,
    POLICIES,
    {"dae", "dynamicAuthorizationEnabled", TYPES_BOOL, TYPES_M, TYPES_O, TYPES_GIVEN, 0, 0, TYPES_NA},
    {"dap", "dynamicAuthorizationPoA", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 4, TYPES_NA},
    {"dal", "dynamicAuthorizationLifetime", TYPES_TIME, TYPES_O, TYPES_O, TYPES_GIVEN, 0, 0, TYPES_NA},
};

/* Distributed authorization, part 12.9: what an UPDATE asks and is answered is kept nowhere (cse_decide.h). */
#define ASKED(short, long, kind, low, high) {short, long, kind, TYPES_NP, TYPES_O, TYPES_GIVEN, low, high, TYPES_NA}
#define ANSWERED(short, long, kind, low, high) {short, long, kind, TYPES_NP, TYPES_NP, TYPES_GIVEN, low, high, TYPES_NA}

static const struct types_attr auds[] = { /* TS-0001 9.6.41 */
    EXPIRES,
    POLICIES,
    ANSWERED("dec", "decision", TYPES_UINT, 1, 2),
    ANSWERED("sus", "status", TYPES_UINT, 1, 5),
    ASKED("to", "to", TYPES_TEXT, 1, 512),
    ASKED("fr", "from", TYPES_TEXT, 1, 191),
    ASKED("op", "operation", TYPES_UINT, 1, 5),
    ASKED("rrt", "requestedResourceType", TYPES_UINT, 1, 65535),
    ASKED("fu", "filterUsage", TYPES_UINT, 1, 3),
    ASKED("rids", "roleIDs", TYPES_TEXTS, 1, 4),
    ASKED("tids", "tokenIDs", TYPES_TEXTS, 1, 4),
    ASKED("tkns", "tokens", TYPES_ANY, 1, 4),
    ASKED("rtm", "requestTime", TYPES_TEXT, 15, 22),
    ASKED("olo", "originatorLocation", TYPES_ANY, 0, 0),
    ASKED("oip", "originatorIP", TYPES_OBJECT, 0, 0),
};

static const struct types_attr aupy[] = { /* TS-0001 9.6.42 */
    EXPIRES,
    POLICIES,
    ANSWERED("ps", "policies", TYPES_OBJECT, 0, 0),
    ANSWERED("ca", "combiningAlgorithm", TYPES_UINT, 1, 1),
    ANSWERED("sus", "status", TYPES_UINT, 1, 5),
    ASKED("to", "to", TYPES_TEXT, 1, 512),
};

static const struct types_attr auif[] = { /* TS-0001 9.6.43 */
    EXPIRES,
    POLICIES,
    ANSWERED("sus", "status", TYPES_UINT, 1, 5),
    ASKED("fr", "from", TYPES_TEXT, 1, 191),
    ASKED("rids", "roleIDs", TYPES_TEXTS, 1, 4),
    ASKED("tids", "tokenIDs", TYPES_TEXTS, 1, 4),
};

/* What every announcement has of its own; the rest are the attributes of its original that can be announced. */
static const struct types_attr annc[] = { /* TS-0001 9.6.26 */
    EXPIRES,
    POLICIES,
    {"lnk", "link", TYPES_TEXT, TYPES_M, TYPES_O, TYPES_GIVEN, 1, 256, TYPES_NA},
};

#define ATTRS(a) (a), ARRAY_LEN(a)
#define ANNOUNCED (TYPES_HAS_ACPI | TYPES_HAS_CHILDREN | TYPES_ANNOUNCED)

static const struct types_row types[TYPES_COUNT] = {
    {TYPE_ACP, "m2m:acp", "accessControlPolicy", ATTRS(acp), {TYPE_SUB}, TYPES_HAS_CHILDREN, "TS-0004 7.4.2", 0},
    {TYPE_AE, "m2m:ae", "AE", ATTRS(ae), {TYPE_ACP, TYPE_CNT, TYPE_GRP, TYPE_PCH, TYPE_SUB, TYPE_ROL, TYPE_DAC},
     TYPES_HAS_ACPI | TYPES_HAS_CHILDREN | TYPES_REGISTRATION, "TS-0004 7.4.5", 0},
    {TYPE_CNT, "m2m:cnt", "container", ATTRS(cnt), {TYPE_CNT, TYPE_CIN, TYPE_SUB},
     TYPES_HAS_ACPI | TYPES_HAS_STATE | TYPES_HAS_VIRTUAL | TYPES_HAS_CHILDREN, "TS-0004 7.4.6", 0},
    {TYPE_CIN, "m2m:cin", "contentInstance", ATTRS(cin), {0}, TYPES_HAS_STATE | TYPES_IMMUTABLE, "TS-0004 7.4.7", 0},
    {TYPE_CB, "m2m:cb", "CSEBase", ATTRS(cb),
     {TYPE_ACP, TYPE_AE, TYPE_CNT, TYPE_GRP, TYPE_NOD, TYPE_CSR, TYPE_MSSP, TYPE_ASAR, TYPE_SUB, TYPE_DAC,
      TYPE_AUDS, TYPE_AUPY, TYPE_AUIF, TYPE_AE_ANNC, TYPE_CB_ANNC, TYPE_ROL, TYPE_TK},
     TYPES_HAS_ACPI | TYPES_NOT_BY_REQUEST | TYPES_HAS_CHILDREN, "TS-0004 7.4.3", 0},
    {TYPE_GRP, "m2m:grp", "group", ATTRS(grp), {TYPE_SUB}, TYPES_HAS_ACPI | TYPES_HAS_FANOUT | TYPES_HAS_CHILDREN,
     "TS-0004 7.4.13", 0},
    {TYPE_NOD, "m2m:nod", "node", ATTRS(nod), {TYPE_SUB}, TYPES_HAS_ACPI | TYPES_HAS_CHILDREN, "TS-0004 7.4.18", 0},
    {TYPE_MSSP, "m2m:mssp", "m2mServiceSubscriptionProfile", ATTRS(mssp), {TYPE_SVSN},
     TYPES_HAS_ACPI | TYPES_HAS_CHILDREN | TYPES_ADMIN, "TS-0001 9.6.19", 0},
    {TYPE_PCH, "m2m:pch", "pollingChannel", ATTRS(pch), {0}, TYPES_HAS_ACPI, "TS-0004 7.4.21", 0},
    {TYPE_CSR, "m2m:csr", "remoteCSE", ATTRS(csr), {TYPE_ACP, TYPE_CNT, TYPE_SUB, TYPE_ROL, TYPE_DAC},
     TYPES_HAS_ACPI | TYPES_HAS_CHILDREN | TYPES_REGISTRATION, "TS-0004 7.4.4", 0},
    {TYPE_ASAR, "m2m:asar", "serviceSubscribedAppRule", ATTRS(asar), {0}, TYPES_HAS_ACPI | TYPES_ADMIN,
     "TS-0001 9.6.29", 0},
    {TYPE_SVSN, "m2m:svsn", "serviceSubscribedNode", ATTRS(svsn), {0}, TYPES_HAS_ACPI | TYPES_ADMIN, "TS-0001 9.6.20", 0},
    {TYPE_SUB, "m2m:sub", "subscription", ATTRS(sub), {0}, TYPES_HAS_ACPI, "TS-0004 7.4.8", 0},
    {TYPE_ROL, "m2m:rol", "role", ATTRS(rol), {0}, TYPES_IMMUTABLE, "TS-0001 9.6.38", 0},
    {TYPE_TK, "m2m:tk", "token", ATTRS(tk), {TYPE_SUB}, TYPES_HAS_ACPI | TYPES_HAS_CHILDREN, "TS-0004 7.4.41", 0},
    {TYPE_DAC, "m2m:dac", "dynamicAuthorizationConsultation", ATTRS(dac), {0}, TYPES_HAS_ACPI, "TS-0001 9.6.40", 0},
    {TYPE_AUDS, "m2m:auds", "authorizationDecision", ATTRS(auds), {0}, TYPES_HAS_ACPI, "TS-0004 7.4.43", 0},
    {TYPE_AUPY, "m2m:aupy", "authorizationPolicy", ATTRS(aupy), {0}, TYPES_HAS_ACPI, "TS-0004 7.4.44", 0},
    {TYPE_AUIF, "m2m:auif", "authorizationInformation", ATTRS(auif), {0}, TYPES_HAS_ACPI, "TS-0004 7.4.45", 0},
    {TYPE_AE_ANNC, "m2m:aeA", "AEAnnc", ATTRS(annc), {TYPE_CNT_ANNC, TYPE_CIN_ANNC, TYPE_SUB}, ANNOUNCED,
     "TS-0001 9.6.5, 9.6.26", TYPE_AE},
    {TYPE_CNT_ANNC, "m2m:cntA", "containerAnnc", ATTRS(annc), {TYPE_CNT_ANNC, TYPE_CIN_ANNC, TYPE_SUB}, ANNOUNCED,
     "TS-0001 9.6.6, 9.6.26", TYPE_CNT},
    {TYPE_CIN_ANNC, "m2m:cinA", "contentInstanceAnnc", ATTRS(annc), {0}, TYPES_HAS_ACPI | TYPES_ANNOUNCED,
     "TS-0001 9.6.7, 9.6.26", TYPE_CIN},
    {TYPE_CB_ANNC, "m2m:cbA", "CSEBaseAnnc", ATTRS(annc), {TYPE_AE_ANNC, TYPE_CNT_ANNC, TYPE_CIN_ANNC, TYPE_SUB}, ANNOUNCED,
     "TS-0001 9.6.3, 9.6.26", TYPE_CB},
};

const struct types_row *types_at(size_t i)
{
    return i < ARRAY_LEN(types) ? &types[i] : NULL;
}

const struct types_row *types_find(uint32_t ty)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].ty == ty) {
            return &types[i];
        }
    }
    return NULL;
}

bool types_is_child(const struct types_row *parent, uint32_t ty)
{
    for (size_t i = 0; i < ARRAY_LEN(parent->children) && parent->children[i] != 0; i++) {
        if (parent->children[i] == ty) {
            return true;
        }
    }
    return false;
}

/* The i-th attribute of the original that can be announced, without the universal ones. */
static const struct types_attr *announceable_at(const struct types_row *type, size_t i)
{
    const struct types_row *of = types_find(type->original);
    for (size_t k = 0; of != NULL && k < of->attrs_n; k++) {
        if (of->attrs[k].announce != TYPES_NA && i-- == 0) {
            return &of->attrs[k];
        }
    }
    return NULL;
}

const struct types_row *types_announcement(const struct types_row *original)
{
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].original == original->ty) {
            return &types[i];
        }
    }
    return NULL;
}

const struct types_attr *types_attr_at(const struct types_row *type, size_t i)
{
    if (i < ARRAY_LEN(universal)) {
        return &universal[i];
    }
    i -= ARRAY_LEN(universal);
    return i < type->attrs_n ? &type->attrs[i] : type->original != 0 ? announceable_at(type, i - type->attrs_n) : NULL;
}

/* An announcement has what its originator gives it of what the original may announce: it cannot demand anything. */
static bool is_own(const struct types_row *type, const struct types_attr *a)
{
    return type->original == 0 || a->announce == TYPES_NA || a->source != TYPES_GIVEN ||
           (a >= universal && a < universal + ARRAY_LEN(universal));
}

enum types_presence types_on_create(const struct types_row *type, const struct types_attr *a)
{
    return is_own(type, a) ? a->create : TYPES_O;
}

enum types_presence types_on_update(const struct types_row *type, const struct types_attr *a)
{
    return is_own(type, a) ? a->update : TYPES_O;
}

const struct types_attr *types_attr_find(const struct types_row *type, const char *name)
{
    const struct types_attr *a;
    for (size_t i = 0; (a = types_attr_at(type, i)) != NULL; i++) {
        if (strcmp(a->name, name) == 0) {
            return a;
        }
    }
    return NULL;
}

const char *types_kind_name(enum types_kind k)
{
    static const char *const names[] = {
        [TYPES_TEXT] = "text",     [TYPES_NAME] = "name",   [TYPES_UINT] = "integer",
        [TYPES_BOOL] = "boolean",  [TYPES_TIME] = "time",   [TYPES_TEXTS] = "list of text",
        [TYPES_OBJECT] = "object", [TYPES_E2E] = "object", [TYPES_ANY] = "any",     [TYPES_RULES] = "rules",
        [TYPES_NULL] = "null", [TYPES_REFUSED] = "not implemented",
    };
    return (size_t)k < ARRAY_LEN(names) ? names[k] : "-";
}

const char *types_presence_name(enum types_presence p)
{
    static const char *const names[] = {[TYPES_NP] = "NP", [TYPES_O] = "O", [TYPES_M] = "M"};
    return (size_t)p < ARRAY_LEN(names) ? names[p] : "-";
}

const char *types_announce_name(enum types_announce a)
{
    static const char *const names[] = {[TYPES_NA] = "NA", [TYPES_OA] = "OA", [TYPES_MA] = "MA"};
    return (size_t)a < ARRAY_LEN(names) ? names[a] : "-";
}
