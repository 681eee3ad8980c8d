/*
 * A small tree of management objects [TS-0003 8.3.9.9, TS-0022]: one JSON object, path -> attributes; the parent of /a/b is /a.
 * Definitions, attributes and the rules of consistency (304) are rows.
 */
#include "role/detail.h"
#include "role/device/device_cmd.h"
#include "wire/json.h"

#include <string.h>

enum { REGISTRATION = 1020, DATA_COLLECTION = 1021, AUTH_PROFILE = 1022, MY_CERT = 1023, ANCHOR = 1024, MAF_CFG = 1025, MEF_CFG = 1026 };

/* -- attributes --------------------------------------------------------------------------------------------- */
enum form { TEXT, NUMBER, DURATION, TEXTS };

static const struct attribute {
    int of;
    const char *name;
    enum form form;
    bool required;
} attributes[] = {
    {AUTH_PROFILE, "SUID", NUMBER, true},          {AUTH_PROFILE, "TLSCiphersuites", TEXTS, false},
    {AUTH_PROFILE, "symmKeyID", TEXT, false},      {AUTH_PROFILE, "symmKeyValue", TEXT, false},
    {AUTH_PROFILE, "keyRegDuration", DURATION, false}, {AUTH_PROFILE, "keyRegLabels", TEXTS, false},
    {AUTH_PROFILE, "myCertFingerprint", TEXT, false},
    {ANCHOR, "certFingerprint", TEXT, true},       {ANCHOR, "URI", TEXT, false},
    {MAF_CFG, "fqdn", TEXT, true},                 {MAF_CFG, "adminFQDN", TEXT, true},
    {MAF_CFG, "expirationTime", TEXT, false},      {MAF_CFG, "labels", TEXTS, false},
    {MAF_CFG, "httpPort", NUMBER, false},          {MAF_CFG, "coapPort", NUMBER, false},
    {MAF_CFG, "websocketPort", NUMBER, false},
    {MEF_CFG, "fqdn", TEXT, true},                 {MEF_CFG, "adminFQDN", TEXT, true},
    {MEF_CFG, "expirationTime", TEXT, false},      {MEF_CFG, "labels", TEXTS, false},
    {MEF_CFG, "httpPort", NUMBER, false},          {MEF_CFG, "coapPort", NUMBER, false},
    {MEF_CFG, "websocketPort", NUMBER, false},
    {REGISTRATION, "originatorID", TEXT, false},   {REGISTRATION, "poA", TEXT, false},
    {DATA_COLLECTION, "containerPath", TEXT, false},
    {MY_CERT, "certFingerprint", TEXT, false},
};

static bool texts(const json_t *v)
{
    bool good = json_is_array(v);
    for (size_t i = 0; i < json_array_size(v) && good; i++) {
        good = json_is_string(json_array_get(v, i));
    }
    return good;
}

static bool has_form(const json_t *v, enum form f)
{
    usec_t t;
    switch (f) {
    case TEXT:
        return json_is_string(v);
    case NUMBER:
        return json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) <= UINT16_MAX;
    case DURATION:
        return json_is_string(v) &&
               mefcmd_duration(text_span(json_string_value(v), json_string_length(v)), &t) == ERR_OK;
    case TEXTS:
    default:
        return texts(v);
    }
}

static int definition(const json_t *node)
{
    json_int_t n = json_integer_value(json_object_get(node, "mgmtDefinition"));
    return n >= REGISTRATION && n <= MEF_CFG ? (int)n : 0;
}

static const struct attribute *attribute_of(int of, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
        if (attributes[i].of == of && strcmp(attributes[i].name, name) == 0) {
            return &attributes[i];
        }
    }
    return NULL;
}

static err_t node_check(const json_t *node, const char **wrong)
{
    int of = definition(node);
    const char *name;
    json_t *v;
    *wrong = "mgmtDefinition";
    if (of == 0) {
        return ERR_MALFORMED_JSON;
    }
    json_object_foreach((json_t *)(uintptr_t)node, name, v)
    {
        const struct attribute *a = attribute_of(of, name);
        *wrong = name;
        if (strcmp(name, "mgmtDefinition") != 0 && (a == NULL || !has_form(v, a->form))) {
            return ERR_MALFORMED_JSON;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(attributes); i++) {
        *wrong = attributes[i].name;
        if (attributes[i].of == of && attributes[i].required && json_object_get(node, attributes[i].name) == NULL) {
            return ERR_MALFORMED_JSON;
        }
    }
    return ERR_OK;
}

err_t device_mo_check(const json_t *tree, char detail[static ROLE_DETAIL_MAX])
{
    const char *path;
    const char *wrong = "";
    json_t *node;
    json_object_foreach((json_t *)(uintptr_t)tree, path, node)
    {
        bool good = path[0] == '/' && path[1] != '\0' && path[strlen(path) - 1] != '/';
        if (!good || node_check(node, &wrong) != ERR_OK) {
            (void)detail_fail(detail, ERR_OK, good ? wrong : "no path", text_of(path));
            return ERR_MALFORMED_JSON;
        }
    }
    return ERR_OK;
}

/* -- around a node --------------------------------------------------------------------------------------------- */
static const json_t *parent_of(const json_t *tree, struct text path)
{
    char name[512];
    size_t slash = text_find_last(path, '/');
    bool good = slash > 0 && slash < path.n && TEXT_COPY(text_take(path, slash), name) == ERR_OK;
    return good ? json_object_get(tree, name) : NULL;
}

/* The first child of this definition, or NULL. */
static const json_t *child_of(const json_t *tree, struct text path, int of)
{
    const char *name;
    json_t *node;
    json_object_foreach((json_t *)(uintptr_t)tree, name, node)
    {
        struct text t = text_of(name);
        bool below = t.n > path.n && t.p[path.n] == '/' && text_eq(text_take(t, path.n), path);
        if (below && text_find_last(t, '/') == path.n && definition(node) == of) {
            return node;
        }
    }
    return NULL;
}

/* -- consistency [9.10.11] ---------------------------------------------------------------------------------------- */
enum suites { ANY_SUITES, PSK_SUITES, CERT_SUITES };

static const struct rule {
    uint32_t suid;
    int parent;
    const char *needed; /* attribute */
    int child;          /* 0: none is needed. DEFECT-17: of 41 to 43 there must be one, as printed there must be none */
    enum suites suites;
    enum device_cmd_job job;
} rules[] = {
    {11, MAF_CFG, "symmKeyID", 0, PSK_SUITES, DEVICE_CMD_LOCAL_KEY},
    {12, REGISTRATION, "symmKeyID", 0, PSK_SUITES, DEVICE_CMD_LOCAL_KEY},
    {13, DATA_COLLECTION, "symmKeyID", 0, ANY_SUITES, DEVICE_CMD_LOCAL_KEY},
    {21, MAF_CFG, "keyRegDuration", MEF_CFG, PSK_SUITES, DEVICE_CMD_USE_KEY},
    {22, REGISTRATION, "keyRegDuration", MEF_CFG, PSK_SUITES, DEVICE_CMD_USE_KEY},
    {23, DATA_COLLECTION, "keyRegDuration", MEF_CFG, ANY_SUITES, DEVICE_CMD_USE_KEY},
    {31, MAF_CFG, "keyRegDuration", MAF_CFG, PSK_SUITES, DEVICE_CMD_USE_KEY},
    {32, REGISTRATION, "keyRegDuration", MAF_CFG, PSK_SUITES, DEVICE_CMD_MAF_KEY},
    {33, DATA_COLLECTION, "keyRegDuration", MAF_CFG, ANY_SUITES, DEVICE_CMD_USE_KEY},
    {41, MAF_CFG, "myCertFingerprint", ANCHOR, CERT_SUITES, DEVICE_CMD_LOCAL_CERT},
    {42, REGISTRATION, "myCertFingerprint", ANCHOR, CERT_SUITES, DEVICE_CMD_LOCAL_CERT},
    {43, DATA_COLLECTION, "myCertFingerprint", ANCHOR, CERT_SUITES, DEVICE_CMD_LOCAL_CERT},
};

/* One of the mandatory suites of this kind [part 4.3]. */
static bool has_suite(const json_t *node, enum suites kind)
{
    static const struct {
        enum suites kind;
        const char *name;
    } mandatory[] = {{PSK_SUITES, "TLS_PSK_WITH_AES_128_CBC_SHA256"},
                     {PSK_SUITES, "TLS_PSK_WITH_AES_128_CCM_8"},
                     {CERT_SUITES, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"},
                     {CERT_SUITES, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8"}};
    const json_t *list = json_object_get(node, "TLSCiphersuites");
    bool found = kind == ANY_SUITES;
    for (size_t i = 0; i < json_array_size(list) && !found; i++) {
        const char *name = json_string_value(json_array_get(list, i));
        for (size_t k = 0; k < ARRAY_LEN(mandatory) && !found; k++) {
            found = name != NULL && mandatory[k].kind == kind && strcmp(mandatory[k].name, name) == 0;
        }
    }
    return found;
}

static unsigned profile(const json_t *tree, const json_t *node, const struct mefcmd_args *a, struct device_cmd_order *out)
{
    if (a->specific != MEFCMD_SPECIFIC_SUID) {
        return MEFCMD_STATUS_NODE_BAD_ARGS;
    }
    if ((json_int_t)a->suid != json_integer_value(json_object_get(node, "SUID"))) {
        return MEFCMD_STATUS_NODE_UNACCEPTABLE;
    }
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        const struct rule *r = &rules[i];
        const json_t *child = r->child == 0 ? NULL : child_of(tree, a->path, r->child);
        if (r->suid != a->suid) {
            continue;
        }
        out->parent = parent_of(tree, a->path);
        bool good = definition(out->parent) == r->parent && json_object_get(node, r->needed) != NULL &&
                    (r->child == 0 || child != NULL) && has_suite(node, r->suites);
        out->job = r->job;
        out->node = r->job == DEVICE_CMD_MAF_KEY || r->job == DEVICE_CMD_USE_KEY ? child : node;
        out->profile = node;
        out->suid = a->suid;
        return good ? 0 : MEFCMD_STATUS_NODE_INCONSISTENT;
    }
    return MEFCMD_STATUS_NODE_INCONSISTENT;
}

unsigned device_mo_judge(const json_t *tree, const struct mefcmd_args *a, struct device_cmd_order *out)
{
    static const int types[] = {0, AUTH_PROFILE, ANCHOR, MAF_CFG}; /* by objectTypeID */
    static const enum device_cmd_job jobs[] = {DEVICE_CMD_NOTHING, DEVICE_CMD_NOTHING, DEVICE_CMD_ANCHOR, DEVICE_CMD_MAF_CLIENT};
    char path[512];
    const json_t *node = TEXT_COPY(a->path, path) == ERR_OK ? json_object_get(tree, path) : NULL;
    out->failure = MEFCMD_STATUS_NODE_EXECUTION;
    if (node == NULL) {
        return MEFCMD_STATUS_NODE_NOT_FOUND;
    }
    if (a->object_type == 0 || a->object_type >= ARRAY_LEN(types) || definition(node) != types[a->object_type]) {
        return MEFCMD_STATUS_NODE_TYPE;
    }
    if (types[a->object_type] == AUTH_PROFILE) {
        return profile(tree, node, a, out);
    }
    if (a->specific != MEFCMD_SPECIFIC_NONE) { /* only for type 1 */
        return MEFCMD_STATUS_NODE_BAD_ARGS;
    }
    out->job = jobs[a->object_type];
    out->node = node;
    return 0;
}
