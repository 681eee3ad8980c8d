#include "wire/bsf_info.h"

#include "wire/timestamp.h"
#include "wire/xml.h"

#define NAMESPACE "uri:3gpp-gba"
#define TIME_LEN 20 /* YYYY-MM-DDThh:mm:ssZ */

/* -- xs:dateTime ---------------------------------------------------------------------------------------- */

void bsf_info_time_write(struct writer *w, usec_t t)
{
    char basic[TIMESTAMP_LEN + 8];
    struct writer b = WRITER_ARRAY(basic);
    timestamp_write(&b, t);
    struct text rest = writer_view_text(&b);
    static const struct {
        uint8_t n;
        char after;
    } parts[] = {{4, '-'}, {2, '-'}, {5, ':'}, {2, ':'}, {2, 'Z'}}; /* YYYYMMDDThhmmss with its marks put back */
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        writer_text(w, text_take(rest, parts[i].n));
        writer_u8(w, (uint8_t)parts[i].after);
        rest = text_skip(rest, parts[i].n);
    }
}

static void two_digits(struct writer *w, int n)
{
    writer_u8(w, (uint8_t)('0' + n / 10));
    writer_u8(w, (uint8_t)('0' + n % 10));
}

void bsf_info_expires_write(struct writer *w, usec_t t)
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    struct timestamp_parts p;
    timestamp_split(t, &p);
    writer_text(w, text_span(days + (size_t)p.weekday * 3, 3));
    writer_z(w, ", ");
    two_digits(w, p.day);
    writer_u8(w, ' ');
    writer_text(w, text_span(months + ((size_t)p.month - 1) * 3, 3));
    writer_u8(w, ' ');
    two_digits(w, p.year / 100);
    two_digits(w, p.year % 100);
    writer_u8(w, ' ');
    two_digits(w, p.hour);
    writer_u8(w, ':');
    two_digits(w, p.minute);
    writer_u8(w, ':');
    two_digits(w, p.second);
    writer_z(w, " GMT");
}

/* A fraction of a second is dropped: the key ends no later for it. */
err_t bsf_info_time_parse(struct text t, usec_t *out)
{
    static const char form[TIME_LEN] = "0000-00-00T00:00:00Z";
    char basic[TIMESTAMP_LEN];
    size_t n = 0;
    if (t.n < TIME_LEN || t.p[t.n - 1] != 'Z') {
        return ERR_MALFORMED_TIME;
    }
    for (size_t i = 0; i < TIME_LEN - 1; i++) {
        const bool is_mark = form[i] == '-' || form[i] == ':';
        if (is_mark && t.p[i] != form[i]) {
            return ERR_MALFORMED_TIME;
        }
        if (!is_mark) {
            basic[n++] = t.p[i];
        }
    }
    for (size_t i = TIME_LEN - 1; i + 1 < t.n; i++) {
        const bool dot = i == TIME_LEN - 1 && t.p[i] == '.' && i + 2 < t.n;
        const bool digit = i >= TIME_LEN && t.p[i] >= '0' && t.p[i] <= '9';
        if (!dot && !digit) {
            return ERR_MALFORMED_TIME;
        }
    }
    return timestamp_parse(text_span(basic, n), out);
}

/* -- the document --------------------------------------------------------------------------------------- */

/* A B-TID holds none of the characters that XML would have to escape: b_tid_parse() knows. */
err_t bsf_info_write(const struct bsf_info *i, struct writer *w)
{
    struct b_tid_parts parts;
    TRY(b_tid_parse(text_of(i->b_tid.z), &parts));
    writer_z(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<BootstrappingInfo xmlns=\"" NAMESPACE "\">\n<btid>");
    writer_z(w, i->b_tid.z);
    writer_z(w, "</btid>\n<lifetime>");
    bsf_info_time_write(w, i->lifetime);
    writer_z(w, "</lifetime>\n</BootstrappingInfo>\n");
    return writer_finish(w);
}

/* The text of the one child of that name. */
static err_t child_text(struct xml_node root, const char *name, struct text *out)
{
    struct xml_node found;
    err_t e = xml_only(root, NAMESPACE, name, &found);
    TRY(e == ERR_NOT_FOUND ? ERR_MALFORMED_XML : e);
    TRY(xml_text(found, out));
    return out->n > 0 ? ERR_OK : ERR_MALFORMED_XML;
}

static err_t read_root(struct xml_node root, struct bsf_info *out)
{
    struct text b_tid, lifetime;
    struct b_tid_parts parts;
    if (!xml_is(root, NULL, "BootstrappingInfo")) {
        return ERR_MALFORMED_XML;
    }
    TRY(xml_is(root, NAMESPACE, "BootstrappingInfo") ? ERR_OK : ERR_XML_NAMESPACE);
    TRY(child_text(root, "btid", &b_tid));
    TRY(child_text(root, "lifetime", &lifetime));
    TRY(bsf_info_time_parse(lifetime, &out->lifetime));
    TRY(b_tid_parse(b_tid, &parts));
    return TEXT_COPY(b_tid, out->b_tid.z);
}

err_t bsf_info_parse(struct bytes xml, struct bsf_info *out)
{
    SCOPED(xml_wipe) struct xml x = {NULL};
    struct bsf_info info = {.lifetime = 0};
    *out = info;
    TRY(xml_read(xml, BSF_INFO_MAX, &x));
    TRY(read_root(xml_root(&x), &info));
    *out = info;
    return ERR_OK;
}
