#include "wire/uss.h"

#define SEPARATOR ';'

/* What may stand in a line: nothing that would end the member, the line or a list of lines. */
static bool is_value(struct text t)
{
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] <= ' ' || t.p[i] > '~' || t.p[i] == SEPARATOR || t.p[i] == ',') {
            return false;
        }
    }
    return t.n > 0;
}

static err_t number(struct text t, uint32_t *out)
{
    uint64_t v;
    TRY(text_u64(t, UINT32_MAX, &v) == ERR_OK ? ERR_OK : ERR_MALFORMED_USS);
    *out = (uint32_t)v;
    return ERR_OK;
}

/* -- members ------------------------------------------------------------------------------------------------ */
err_t uss_add_uid(struct uss *u, struct text uid)
{
    if (!is_value(uid) || uid.n >= M2MID_MAX) {
        return ERR_MALFORMED_USS;
    }
    return u->uids_n == USS_UIDS_MAX ? ERR_LIMIT_CAPACITY : TEXT_COPY(uid, u->uids[u->uids_n++]);
}

err_t uss_add_flag(struct uss *u, struct text flag)
{
    return u->flags_n == USS_FLAGS_MAX ? ERR_LIMIT_CAPACITY : number(flag, &u->flags[u->flags_n++]);
}

err_t uss_set_group(struct uss *u, struct text group)
{
    return is_value(group) && u->group[0] == '\0' && TEXT_COPY(group, u->group) == ERR_OK ? ERR_OK : ERR_MALFORMED_USS;
}

static err_t set_type(struct uss *u, struct text type)
{
    return number(type, &u->type);
}

/* -- the line ----------------------------------------------------------------------------------------------- */
static const struct {
    const char *name;
    err_t (*take)(struct uss *u, struct text value);
} members[] = {{"type", set_type}, {"group", uss_set_group}, {"flag", uss_add_flag}, {"uid", uss_add_uid}};

static err_t take_member(struct uss *u, struct text part)
{
    size_t eq = text_find(part, '=');
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (eq < part.n && text_eq_z(text_take(part, eq), members[i].name)) {
            return members[i].take(u, text_skip(part, eq + 1));
        }
    }
    return ERR_MALFORMED_USS;
}

err_t uss_parse(struct text line, struct uss *out)
{
    struct text part;
    *out = (struct uss){.gsid = 0};
    if (line.n > 0 && line.p[line.n - 1] == SEPARATOR) {
        return ERR_MALFORMED_USS;
    }
    TRY(text_next(&line, SEPARATOR, &part) ? number(part, &out->gsid) : ERR_MALFORMED_USS);
    while (text_next(&line, SEPARATOR, &part)) {
        TRY(take_member(out, part));
    }
    return ERR_OK;
}

err_t uss_write(const struct uss *u, char out[static USS_TEXT_MAX])
{
    struct writer w = writer_of(out, USS_TEXT_MAX);
    writer_decimal(&w, u->gsid);
    if (u->type != 0) {
        writer_z(&w, ";type=");
        writer_decimal(&w, u->type);
    }
    if (u->group[0] != '\0') {
        writer_z(&w, ";group=");
        writer_z(&w, u->group);
    }
    for (size_t i = 0; i < u->flags_n; i++) {
        writer_z(&w, ";flag=");
        writer_decimal(&w, u->flags[i]);
    }
    for (size_t i = 0; i < u->uids_n; i++) {
        writer_z(&w, ";uid=");
        writer_z(&w, u->uids[i]);
    }
    return writer_finish_z(&w);
}

/* -- the element -------------------------------------------------------------------------------------------- */
/* Each <one> in the <list> of n; no list is an empty one. */
static err_t take_list(struct xml_node n, const char *list, const char *one, struct uss *out,
                       err_t (*take)(struct uss *u, struct text value))
{
    const char *ns = xml_namespace(n);
    struct xml_node at;
    struct text value;
    err_t e = xml_only(n, ns, list, &at);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    for (at = xml_first(at); at.at != NULL; at = xml_next(at)) {
        if (xml_is(at, ns, one)) {
            TRY(xml_text(at, &value));
            TRY(take(out, value));
        }
    }
    return ERR_OK;
}

err_t uss_of_xml(struct xml_node n, struct uss *out)
{
    *out = (struct uss){.gsid = 0};
    struct text type = xml_attribute(n, "type");
    struct text group = xml_attribute(n, "nafGroup");
    TRY(number(xml_attribute(n, "id"), &out->gsid));
    TRY(type.n > 0 ? number(type, &out->type) : ERR_OK);
    TRY(group.n > 0 ? uss_set_group(out, group) : ERR_OK);
    TRY(take_list(n, "uids", "uid", out, uss_add_uid));
    return take_list(n, "flags", "flag", out, uss_add_flag);
}

static void write_number(struct writer *w, const char *name, uint32_t v)
{
    char digits[16];
    struct writer d = WRITER_ARRAY(digits);
    writer_decimal(&d, v);
    xml_write_element(w, name, writer_view_text(&d));
}

void uss_to_xml(const struct uss *u, struct writer *w)
{
    writer_z(w, "<uss id=\"");
    writer_decimal(w, u->gsid);
    writer_z(w, "\" type=\"");
    writer_decimal(w, u->type);
    if (u->group[0] != '\0') {
        writer_z(w, "\" nafGroup=\"");
        xml_write_text(w, text_of(u->group));
    }
    writer_z(w, "\"><uids>");
    for (size_t i = 0; i < u->uids_n; i++) {
        xml_write_element(w, "uid", text_of(u->uids[i]));
    }
    writer_z(w, "</uids><flags>");
    for (size_t i = 0; i < u->flags_n; i++) {
        write_number(w, "flag", u->flags[i]);
    }
    writer_z(w, "</flags></uss>");
}
