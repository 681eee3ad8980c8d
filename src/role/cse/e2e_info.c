#include "role/cse/e2e_info.h"

#include "base/base64.h"
#include "role/detail.h"
#include "wire/json.h"

#include <string.h>

#define LIST_MAX 32
#define NUMBER_MAX 65535
#define TEXT_MAX_OCTETS 64
#define CERTIFICATE_MAX 4096 /* octets */

enum kind { KIND_TEXT, KIND_NUMBERS, KIND_CERTIFICATES, KIND_RAND };

struct member {
    const char *name;
    enum kind kind;
    bool must;
};

struct object {
    const char *path;
    const struct member *members;
    size_t n;
};

static const struct member rand_members[] = {
    {"esri", KIND_TEXT, true}, {"esrv", KIND_TEXT, true}, {"esrx", KIND_TEXT, true}, {"esks", KIND_NUMBERS, true}, {"espa", KIND_NUMBERS, true},
};
static const struct member info_members[] = {{"esf", KIND_NUMBERS, false}, {"escert", KIND_CERTIFICATES, false}, {"esro", KIND_RAND, false}};
static const struct object of_rand = {"esi.esro", rand_members, ARRAY_LEN(rand_members)};
static const struct object of_info = {"esi", info_members, ARRAY_LEN(info_members)};

static bool is_text(const json_t *v)
{
    size_t n = json_string_length(v);
    return json_is_string(v) && n > 0 && n <= TEXT_MAX_OCTETS;
}

static bool is_number(const json_t *v)
{
    return json_is_integer(v) && json_integer_value(v) > 0 && json_integer_value(v) <= NUMBER_MAX;
}

static bool is_certificate(const json_t *v)
{
    uint8_t der[CERTIFICATE_MAX];
    struct writer w = WRITER_ARRAY(der);
    return json_is_string(v) && json_string_length(v) > 0 &&
           base64_parse(text_span(json_string_value(v), json_string_length(v)), &w) == ERR_OK && writer_finish(&w) == ERR_OK;
}

static bool is_list(const json_t *v, bool (*is_one)(const json_t *))
{
    size_t n = json_array_size(v);
    bool ok = json_is_array(v) && n > 0 && n <= LIST_MAX;
    for (size_t i = 0; ok && i < n; i++) {
        ok = is_one(json_array_get(v, i));
    }
    return ok;
}

static bool has_kind(const json_t *v, enum kind k)
{
    switch (k) {
    case KIND_TEXT:
        return is_text(v);
    case KIND_NUMBERS:
        return is_list(v, is_number);
    case KIND_CERTIFICATES:
        return is_list(v, is_certificate);
    case KIND_RAND:
        return json_is_object(v);
    }
    return false;
}

static const struct member *find(const struct object *o, const char *name)
{
    for (size_t i = 0; i < o->n; i++) {
        if (strcmp(o->members[i].name, name) == 0) {
            return &o->members[i];
        }
    }
    return NULL;
}

static err_t members_check(const struct object *o, const json_t *v, char *detail)
{
    const char *name;
    json_t *one;
    json_object_foreach((json_t *)v, name, one) {
        const struct member *m = find(o, name);
        if (m == NULL) {
            return detail_fail(detail, ERR_UNKNOWN_ATTRIBUTE, o->path, text_of(name));
        }
        if (!has_kind(one, m->kind)) {
            return detail_fail(detail, ERR_ATTRIBUTE_TYPE, o->path, text_of(name));
        }
    }
    for (size_t i = 0; i < o->n; i++) {
        if (o->members[i].must && json_object_get(v, o->members[i].name) == NULL) {
            return detail_fail(detail, ERR_MISSING, o->path, text_of(o->members[i].name));
        }
    }
    return ERR_OK;
}

err_t e2e_info_check(const json_t *v, char detail[static ROLE_DETAIL_MAX])
{
    const json_t *shared = json_object_get(v, "esro");
    TRY(members_check(&of_info, v, detail));
    return shared == NULL ? ERR_OK : members_check(&of_rand, shared, detail);
}
