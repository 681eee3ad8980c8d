#include "role/cse/types.h"

#include <string.h>

#define U32 INT64_C(4294967295)
#define U53 INT64_C(9007199254740991) /* every JSON reader keeps integers up to here exact */

/* Attributes of every resource [TS-0004 table 7.4.1]; cr and acpi stand with the types that have them. */
static const struct types_attr universal[] = {
    {"rn", "resourceName", TYPES_NAME, TYPES_O, TYPES_NP, TYPES_HEADER, 1, 64},
    {"ty", "resourceType", TYPES_UINT, TYPES_NP, TYPES_NP, TYPES_HEADER, 1, 65535},
    {"ri", "resourceID", TYPES_TEXT, TYPES_NP, TYPES_NP, TYPES_HEADER, 1, 191},
    {"pi", "parentID", TYPES_TEXT, TYPES_NP, TYPES_NP, TYPES_HEADER, 0, 191},
    {"ct", "creationTime", TYPES_TIME, TYPES_NP, TYPES_NP, TYPES_HEADER, 0, 0},
    {"lt", "lastModifiedTime", TYPES_TIME, TYPES_NP, TYPES_NP, TYPES_TAIL, 0, 0},
    {"lbl", "labels", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 64},
};

#define EXPIRES {"et", "expirationTime", TYPES_TIME, TYPES_O, TYPES_O, TYPES_HEADER, 0, 0}
#define POLICIES {"acpi", "accessControlPolicyIDs", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 16}, \
    {"daci", "dynamicAuthorizationConsultationIDs", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 4}
#define CREATOR {"cr", "creator", TYPES_NULL, TYPES_O, TYPES_NP, TYPES_GIVEN, 0, 0}
#define STATE {"st", "stateTag", TYPES_UINT, TYPES_NP, TYPES_NP, TYPES_TAIL, 0, U53}

static const struct types_attr cb[] = { /* TS-0001 9.6.3 */
    POLICIES,
    {"cst", "cseType", TYPES_UINT, TYPES_NP, TYPES_NP, TYPES_GIVEN, 1, 3},
    {"csi", "CSE-ID", TYPES_TEXT, TYPES_NP, TYPES_NP, TYPES_GIVEN, 2, 191},
    {"srt", "supportedResourceType", TYPES_ANY, TYPES_NP, TYPES_NP, TYPES_GIVEN, 0, 0},
    {"srv", "supportedReleaseVersions", TYPES_TEXTS, TYPES_NP, TYPES_NP, TYPES_GIVEN, 1, 16},
    {"poa", "pointOfAccess", TYPES_TEXTS, TYPES_NP, TYPES_O, TYPES_GIVEN, 1, 16},
    {"esi", "e2eSecInfo", TYPES_OBJECT, TYPES_NP, TYPES_NP, TYPES_GIVEN, 0, 0},
};

static const struct types_attr ae[] = { /* TS-0001 9.6.5; the mandatory ones: part 11.3.3 */
    EXPIRES,
    POLICIES,
    {"apn", "appName", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 256},
    {"api", "App-ID", TYPES_TEXT, TYPES_M, TYPES_NP, TYPES_GIVEN, 1, 256},
    {"aei", "AE-ID", TYPES_TEXT, TYPES_NP, TYPES_NP, TYPES_GIVEN, 1, 191},
    {"poa", "pointOfAccess", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 16},
    {"or", "ontologyRef", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 1024},
    {"nl", "nodeLink", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 191},
    {"rr", "requestReachability", TYPES_BOOL, TYPES_M, TYPES_O, TYPES_GIVEN, 0, 0},
    {"csz", "contentSerialization", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 8},
    {"esi", "e2eSecInfo", TYPES_OBJECT, TYPES_O, TYPES_O, TYPES_GIVEN, 0, 0},
    {"srv", "supportedReleaseVersions", TYPES_TEXTS, TYPES_M, TYPES_O, TYPES_GIVEN, 1, 16},
};

/* TS-0001 9.6.4. What the registree may not know yet is optional, as the seed has it (R002-20, R002-21). */
static const struct types_attr csr[] = {
    EXPIRES,
    POLICIES,
    {"cst", "cseType", TYPES_UINT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 3},
    {"poa", "pointOfAccess", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 16},
    {"cb", "CSEBase", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 256},
    {"csi", "CSE-ID", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 2, 191},
    {"mei", "M2M-Ext-ID", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 256},
    {"tri", "triggerRecipientID", TYPES_UINT, TYPES_O, TYPES_O, TYPES_GIVEN, 0, U32},
    {"rr", "requestReachability", TYPES_BOOL, TYPES_M, TYPES_O, TYPES_GIVEN, 0, 0},
    {"nl", "nodeLink", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 191},
    {"csz", "contentSerialization", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 8},
    {"esi", "e2eSecInfo", TYPES_OBJECT, TYPES_O, TYPES_O, TYPES_GIVEN, 0, 0},
    {"dcse", "descendantCSEs", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 32},
    {"srv", "supportedReleaseVersions", TYPES_TEXTS, TYPES_M, TYPES_O, TYPES_GIVEN, 1, 16},
};

static const struct types_attr acp[] = { /* TS-0001 9.6.2 */
    EXPIRES,
    {"pv", "privileges", TYPES_RULES, TYPES_M, TYPES_O, TYPES_GIVEN, 0, 0},
    {"pvs", "selfPrivileges", TYPES_RULES, TYPES_M, TYPES_O, TYPES_GIVEN, 0, 0},
};

static const struct types_attr cnt[] = { /* TS-0001 9.6.6 */
    EXPIRES,
    POLICIES,
    CREATOR,
    STATE,
    {"mni", "maxNrOfInstances", TYPES_UINT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, U32},
    {"mbs", "maxByteSize", TYPES_UINT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, U53},
    {"mia", "maxInstanceAge", TYPES_UINT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, U32},
    {"cni", "currentNrOfInstances", TYPES_UINT, TYPES_NP, TYPES_NP, TYPES_TAIL, 0, U53},
    {"cbs", "currentByteSize", TYPES_UINT, TYPES_NP, TYPES_NP, TYPES_TAIL, 0, U53},
    {"or", "ontologyRef", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 1024},
};

static const struct types_attr cin[] = { /* TS-0001 9.6.7 */
    EXPIRES,
    CREATOR,
    STATE,
    {"cnf", "contentInfo", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 256},
    {"cs", "contentSize", TYPES_UINT, TYPES_NP, TYPES_NP, TYPES_GIVEN, 0, U53},
    {"or", "ontologyRef", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 1024},
    {"con", "content", TYPES_ANY, TYPES_M, TYPES_NP, TYPES_GIVEN, 0, 0},
};

static const struct types_attr grp[] = { /* TS-0001 9.6.13 */
    EXPIRES,
    POLICIES,
    CREATOR,
    {"mt", "memberType", TYPES_UINT, TYPES_O, TYPES_NP, TYPES_GIVEN, 0, 65535},
    {"cnm", "currentNrOfMembers", TYPES_UINT, TYPES_NP, TYPES_NP, TYPES_GIVEN, 0, TYPES_MEMBERS_MAX},
    {"mnm", "maxNrOfMembers", TYPES_UINT, TYPES_M, TYPES_O, TYPES_GIVEN, 1, TYPES_MEMBERS_MAX},
    {"mid", "memberIDs", TYPES_TEXTS, TYPES_M, TYPES_O, TYPES_GIVEN, 1, TYPES_MEMBERS_MAX},
    {"macp", "membersAccessControlPolicyIDs", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 16},
    {"mtv", "memberTypeValidated", TYPES_BOOL, TYPES_NP, TYPES_NP, TYPES_GIVEN, 0, 0},
    {"csy", "consistencyStrategy", TYPES_UINT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 3},
    {"gn", "groupName", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 256},
};

static const struct types_attr nod[] = { /* TS-0001 9.6.18 */
    EXPIRES,
    POLICIES,
    {"ni", "nodeID", TYPES_TEXT, TYPES_M, TYPES_NP, TYPES_GIVEN, 1, 256},
    {"hcl", "hostedCSELink", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 191},
    {"hael", "hostedAELinks", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 64},
    {"hsl", "hostedServiceLinks", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 64},
    {"mgca", "mgmtClientAddress", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 256},
    {"rms", "roamingStatus", TYPES_BOOL, TYPES_O, TYPES_O, TYPES_GIVEN, 0, 0},
    {"nid", "networkID", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 256},
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
    {"enc", "eventNotificationCriteria", TYPES_OBJECT, TYPES_O, TYPES_O, TYPES_GIVEN, 0, 0},
    {"exc", "expirationCounter", TYPES_UINT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, U32},
    {"nu", "notificationURI", TYPES_TEXTS, TYPES_M, TYPES_O, TYPES_GIVEN, 1, TYPES_TARGETS_MAX},
    {"nfu", "notificationForwardingURI", TYPES_TEXT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 256},
    {"pn", "pendingNotification", TYPES_UINT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 2},
    {"ln", "latestNotify", TYPES_BOOL, TYPES_O, TYPES_O, TYPES_GIVEN, 0, 0},
    {"nct", "notificationContentType", TYPES_UINT, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 3},
    {"su", "subscriberURI", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 256},
};

/* Service subscription, part 11.1. What its contract includes is `svr`, a list of resource types by short name. */
static const struct types_attr mssp[] = { /* TS-0001 9.6.19 */
    EXPIRES,
    POLICIES,
    {"svr", "serviceRoles", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 16},
};

static const struct types_attr asar[] = { /* TS-0001 9.6.29 */
    EXPIRES,
    POLICIES,
    {"apci", "applicableCredIDs", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 200},
    {"aai", "allowedApp-IDs", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 200},
    {"aae", "allowedAEs", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 200},
    {"ari", "allowedRole-IDs", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 64},
};

static const struct types_attr svsn[] = { /* TS-0001 9.6.20 */
    EXPIRES,
    POLICIES,
    {"ni", "nodeID", TYPES_TEXT, TYPES_M, TYPES_NP, TYPES_GIVEN, 1, 256},
    {"csi", "CSE-ID", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 2, 190},
    {"di", "deviceIdentifier", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 16},
    {"rlk", "ruleLinks", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 64},
    {"nrq", "niddRequired", TYPES_BOOL, TYPES_O, TYPES_O, TYPES_GIVEN, 0, 0},
};

/* Its parent's policies hold for others than its issuer; it is taken back and made anew, never changed. */
static const struct types_attr rol[] = { /* TS-0001 9.6.38 */
    EXPIRES,
    {"rlid", "roleID", TYPES_TEXT, TYPES_M, TYPES_NP, TYPES_GIVEN, 3, 191},
    {"tkis", "issuer", TYPES_TEXT, TYPES_M, TYPES_NP, TYPES_GIVEN, 1, 191},
    {"tkhd", "holder", TYPES_TEXT, TYPES_M, TYPES_NP, TYPES_GIVEN, 1, 191},
    {"tknb", "notBefore", TYPES_TEXT, TYPES_M, TYPES_NP, TYPES_GIVEN, 15, 22},
    {"tkna", "notAfter", TYPES_TIME, TYPES_M, TYPES_NP, TYPES_GIVEN, 0, 0},
    {"rlnm", "roleName", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 256},
    {"rltl", "tokenLink", TYPES_TEXT, TYPES_O, TYPES_NP, TYPES_GIVEN, 1, 256},
};

/* Direct dynamic authorization, part 12.7. */
static const struct types_attr dac[] = { /* TS-0001 9.6.40 */
    EXPIRES,
    POLICIES,
    {"dae", "dynamicAuthorizationEnabled", TYPES_BOOL, TYPES_M, TYPES_O, TYPES_GIVEN, 0, 0},
    {"dap", "dynamicAuthorizationPoA", TYPES_TEXTS, TYPES_O, TYPES_O, TYPES_GIVEN, 1, 4},
    {"dal", "dynamicAuthorizationLifetime", TYPES_TIME, TYPES_O, TYPES_O, TYPES_GIVEN, 0, 0},
};

#define ATTRS(a) (a), ARRAY_LEN(a)

static const struct types_row types[TYPES_COUNT] = {
    {TYPE_ACP, "m2m:acp", "accessControlPolicy", ATTRS(acp), {TYPE_SUB}, TYPES_HAS_CHILDREN, "TS-0004 7.4.2"},
    {TYPE_AE, "m2m:ae", "AE", ATTRS(ae), {TYPE_ACP, TYPE_CNT, TYPE_GRP, TYPE_PCH, TYPE_SUB, TYPE_ROL, TYPE_DAC},
     TYPES_HAS_ACPI | TYPES_HAS_CHILDREN | TYPES_REGISTRATION, "TS-0004 7.4.5"},
    {TYPE_CNT, "m2m:cnt", "container", ATTRS(cnt), {TYPE_CNT, TYPE_CIN, TYPE_SUB},
     TYPES_HAS_ACPI | TYPES_HAS_STATE | TYPES_HAS_VIRTUAL | TYPES_HAS_CHILDREN, "TS-0004 7.4.6"},
    {TYPE_CIN, "m2m:cin", "contentInstance", ATTRS(cin), {0}, TYPES_HAS_STATE | TYPES_IMMUTABLE, "TS-0004 7.4.7"},
    {TYPE_CB, "m2m:cb", "CSEBase", ATTRS(cb),
     {TYPE_ACP, TYPE_AE, TYPE_CNT, TYPE_GRP, TYPE_NOD, TYPE_CSR, TYPE_MSSP, TYPE_ASAR, TYPE_SUB, TYPE_DAC},
     TYPES_HAS_ACPI | TYPES_NOT_BY_REQUEST | TYPES_HAS_CHILDREN, "TS-0004 7.4.3"},
    {TYPE_GRP, "m2m:grp", "group", ATTRS(grp), {TYPE_SUB}, TYPES_HAS_ACPI | TYPES_HAS_FANOUT | TYPES_HAS_CHILDREN,
     "TS-0004 7.4.13"},
    {TYPE_NOD, "m2m:nod", "node", ATTRS(nod), {TYPE_SUB}, TYPES_HAS_ACPI | TYPES_HAS_CHILDREN, "TS-0004 7.4.18"},
    {TYPE_MSSP, "m2m:mssp", "m2mServiceSubscriptionProfile", ATTRS(mssp), {TYPE_SVSN},
     TYPES_HAS_ACPI | TYPES_HAS_CHILDREN | TYPES_ADMIN, "TS-0001 9.6.19"},
    {TYPE_PCH, "m2m:pch", "pollingChannel", ATTRS(pch), {0}, TYPES_HAS_ACPI, "TS-0004 7.4.21"},
    {TYPE_CSR, "m2m:csr", "remoteCSE", ATTRS(csr), {TYPE_ACP, TYPE_CNT, TYPE_SUB, TYPE_ROL, TYPE_DAC},
     TYPES_HAS_ACPI | TYPES_HAS_CHILDREN | TYPES_REGISTRATION, "TS-0004 7.4.4"},
    {TYPE_ASAR, "m2m:asar", "serviceSubscribedAppRule", ATTRS(asar), {0}, TYPES_HAS_ACPI | TYPES_ADMIN,
     "TS-0001 9.6.29"},
    {TYPE_SVSN, "m2m:svsn", "serviceSubscribedNode", ATTRS(svsn), {0}, TYPES_HAS_ACPI | TYPES_ADMIN, "TS-0001 9.6.20"},
    {TYPE_SUB, "m2m:sub", "subscription", ATTRS(sub), {0}, TYPES_HAS_ACPI, "TS-0004 7.4.8"},
    {TYPE_ROL, "m2m:rol", "role", ATTRS(rol), {0}, TYPES_IMMUTABLE, "TS-0001 9.6.38"},
    {TYPE_DAC, "m2m:dac", "dynamicAuthorizationConsultation", ATTRS(dac), {0}, TYPES_HAS_ACPI, "TS-0001 9.6.40"},
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

const struct types_attr *types_attr_at(const struct types_row *type, size_t i)
{
    if (i < ARRAY_LEN(universal)) {
        return &universal[i];
    }
    i -= ARRAY_LEN(universal);
    return i < type->attrs_n ? &type->attrs[i] : NULL;
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
        [TYPES_OBJECT] = "object", [TYPES_ANY] = "any",     [TYPES_RULES] = "rules",
        [TYPES_NULL] = "null",
    };
    return (size_t)k < ARRAY_LEN(names) ? names[k] : "-";
}

const char *types_presence_name(enum types_presence p)
{
    static const char *const names[] = {[TYPES_NP] = "NP", [TYPES_O] = "O", [TYPES_M] = "M"};
    return (size_t)p < ARRAY_LEN(names) ? names[p] : "-";
}
