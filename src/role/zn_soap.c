/*
 * Zn as a web service [TS 29.109 5, annex D]: SOAP 1.1, document/literal, in both namespaces that BSFs are seen with; also the bare
 * element without an envelope [CHOICE-16]. docs/operate/zn.wsdl is the contract.
 */
#include "role/detail.h"
#include "role/fetched.h"
#include "role/secret_text.h"
#include "role/zn.h"
#include "wire/bsf_info.h"

#define SOAP "http://schemas.xmlsoap.org/soap/envelope/"

enum { URN = 1, BARE = 2 }; /* bits of a dialect */
static const char *const namespaces[] = {"http://www.3gpp.org/GBAService", "urn:3gpp:gba:GBAService"};

static const char *namespace_of(unsigned dialect)
{
    return namespaces[(dialect & URN) != 0 ? 1 : 0];
}

/* -- the envelope ------------------------------------------------------------------------------------------- */
static void open_body(unsigned dialect, const char *element, struct writer *w)
{
    writer_z(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    writer_z(w, (dialect & BARE) != 0 ? "" : "<soap:Envelope xmlns:soap=\"" SOAP "\"><soap:Body>");
    writer_z(w, "<");
    writer_z(w, element);
    writer_z(w, " xmlns=\"");
    writer_z(w, namespace_of(dialect));
    writer_z(w, "\">");
}

static void close_body(unsigned dialect, const char *element, struct writer *w)
{
    writer_z(w, "</");
    writer_z(w, element);
    writer_z(w, (dialect & BARE) != 0 ? ">\n" : "></soap:Body></soap:Envelope>\n");
}

/* SOAP 1.1 4.2.3: what must be understood and is not ends it. */
static err_t check_headers(struct xml_node envelope)
{
    struct xml_node header;
    err_t e = xml_only(envelope, SOAP, "Header", &header);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    for (struct xml_node at = xml_first(header); at.at != NULL; at = xml_next(at)) {
        TRY(text_eq_z(xml_attribute(at, "mustUnderstand"), "1") ? ERR_NOT_IMPLEMENTED : ERR_OK);
    }
    return ERR_OK;
}

/* The one element that counts, within an envelope or without. */
static err_t open_document(const struct xml *x, struct xml_node *out, unsigned *dialect)
{
    struct xml_node root = xml_root(x);
    struct xml_node body;
    *dialect = BARE;
    *out = root;
    if (!xml_is(root, NULL, "Envelope")) {
        return ERR_OK;
    }
    *dialect = 0;
    TRY(xml_is(root, SOAP, "Envelope") ? ERR_OK : ERR_XML_NAMESPACE);
    TRY(check_headers(root));
    err_t e = xml_only(root, SOAP, "Body", &body);
    TRY(e == ERR_NOT_FOUND ? ERR_MALFORMED_XML : e);
    *out = xml_first(body);
    return out->at != NULL && xml_next(*out).at == NULL ? ERR_OK : ERR_MALFORMED_XML;
}

static err_t check_element(struct xml_node n, const char *name, unsigned *dialect)
{
    TRY(xml_is(n, NULL, name) ? ERR_OK : ERR_MALFORMED_XML);
    if (xml_is(n, namespaces[1], name)) {
        *dialect |= URN;
        return ERR_OK;
    }
    return xml_is(n, namespaces[0], name) ? ERR_OK : ERR_XML_NAMESPACE;
}

/* Text of the one child of that name; empty if there is none. */
static err_t member(struct xml_node n, const char *name, struct text *out)
{
    struct xml_node at;
    *out = text_empty();
    err_t e = xml_only(n, xml_namespace(n), name, &at);
    return e == ERR_OK ? xml_text(at, out) : e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* -- the question ------------------------------------------------------------------------------------------- */
#define ASK "requestBootstrappingInfoRequest"

static err_t ask_write(const struct zn_ask *a, struct writer *w)
{
    char octets[BASE64_LEN(GBA_FQDN_MAX + GBA_UA_LEN)];
    struct writer naf = WRITER_ARRAY(octets);
    base64_write(&naf, naf_id_view(&a->naf_id));
    TRY(writer_finish(&naf));
    open_body(a->dialect, ASK, w);
    xml_write_element(w, "btid", text_of(a->b_tid));
    xml_write_element(w, "nafid", writer_view_text(&naf));
    for (size_t i = 0; i < a->gsids_n; i++) {
        writer_z(w, "<gsid>");
        writer_decimal(w, a->gsids[i]);
        writer_z(w, "</gsid>");
    }
    xml_write_element(w, "gbaUAware", text_of(a->gba_u_aware ? "true" : "false"));
    close_body(a->dialect, ASK, w);
    return writer_finish(w);
}

static err_t take_gsids(struct xml_node n, struct zn_ask *out, char detail[static ROLE_DETAIL_MAX])
{
    for (struct xml_node at = xml_first(n); at.at != NULL; at = xml_next(at)) {
        struct text value;
        uint64_t v;
        if (!xml_is(at, xml_namespace(n), "gsid")) {
            continue;
        }
        TRY(xml_text(at, &value));
        if (text_u64(value, UINT32_MAX, &v) != ERR_OK) {
            return detail_fail(detail, ERR_ATTRIBUTE_TYPE, "gsid", value);
        }
        if (out->gsids_n == ZN_GSIDS_MAX) {
            return detail_fail(detail, ERR_LIMIT_CAPACITY, "gsid", text_empty());
        }
        out->gsids[out->gsids_n++] = (uint32_t)v;
    }
    return ERR_OK;
}

static err_t take_aware(struct text t, bool *out, char detail[static ROLE_DETAIL_MAX])
{
    *out = text_eq_nocase(t, text_of("true")) || text_eq_z(t, "1"); /* a known client writes True */
    bool no = t.n == 0 || text_eq_nocase(t, text_of("false")) || text_eq_z(t, "0");
    return *out || no ? ERR_OK : detail_fail(detail, ERR_ATTRIBUTE_TYPE, "gbaUAware", t);
}

static err_t take_ask(struct xml_node n, struct zn_ask *out, char detail[static ROLE_DETAIL_MAX])
{
    struct text b_tid, naf, aware;
    uint8_t octets[GBA_FQDN_MAX + GBA_UA_LEN];
    struct writer w = WRITER_ARRAY(octets);
    TRY(member(n, "btid", &b_tid));
    TRY(member(n, "nafid", &naf));
    TRY(member(n, "gbaUAware", &aware));
    TRY(take_aware(aware, &out->gba_u_aware, detail));
    if (base64_parse(naf, &w) != ERR_OK || naf_id_parse(writer_view(&w), &out->naf_id) != ERR_OK) {
        return detail_fail(detail, ERR_MALFORMED_ID, "nafid", naf);
    }
    if (TEXT_COPY(b_tid, out->b_tid) != ERR_OK) {
        return detail_fail(detail, ERR_MALFORMED_KEY_ID, "btid", b_tid);
    }
    return take_gsids(n, out, detail);
}

static err_t ask_read(const struct primitive *p, struct zn_ask *out, char detail[static ROLE_DETAIL_MAX])
{
    SCOPED(xml_wipe) struct xml x = {NULL};
    struct xml_node n;
    if (p->media != MEDIA_SOAP) {
        return ERR_MEDIA_TYPE;
    }
    TRY(xml_read(p->content, ZN_BODY_MAX, &x));
    TRY(open_document(&x, &n, &out->dialect));
    TRY(check_element(n, ASK, &out->dialect));
    return take_ask(n, out, detail);
}

/* -- the answer --------------------------------------------------------------------------------------------- */
#define ANSWER "requestBootstrappingInfoResponse"

static void time_element(struct writer *w, const char *name, usec_t t)
{
    char z[32];
    struct writer v = WRITER_ARRAY(z);
    bsf_info_time_write(&v, t);
    xml_write_element(w, name, writer_view_text(&v));
}

static void secret_element(struct writer *w, const char *open, const struct secret *s, const char *close)
{
    writer_z(w, open);
    secret_text_write(w, s);
    writer_z(w, close);
}

static void answer_write(const struct zn_ask *to, const struct zn_answer *a, struct writer *w)
{
    open_body(to->dialect, ANSWER, w);
    xml_write_element(w, "impi", text_of(a->impi.z));
    secret_element(w, "<meKeyMaterial>", &a->me, "</meKeyMaterial>"); /* R001-136, R001-137 */
    if (a->gba_u && to->gba_u_aware) {
        secret_element(w, "<uiccKeyMaterial>", &a->uicc, "</uiccKeyMaterial>");
    }
    time_element(w, "keyExpiryTime", a->not_after); /* R001-134 */
    time_element(w, "bootstrappingInfoCreationTime", a->made);
    xml_write_element(w, "gbaType", text_of("0")); /* 3G GBA */
    if (a->enrolee_id.z[0] != '\0') { /* R001-122 */
        xml_write_element(w, "enroleeID", text_of(a->enrolee_id.z));
    }
    if (a->uss_n > 0) { /* R001-135 */
        writer_z(w, "<ussList>");
        for (size_t i = 0; i < a->uss_n; i++) {
            uss_to_xml(&a->uss[i], w);
        }
        writer_z(w, "</ussList>");
    }
    close_body(to->dialect, ANSWER, w);
}

static err_t take_key(struct xml_node n, const char *name, struct secret *out, bool *is_there)
{
    struct text t;
    TRY(member(n, name, &t));
    *is_there = t.n > 0;
    return t.n > 0 ? secret_text_parse(t, KEYS_DERIVED_LEN, KEYS_DERIVED_LEN, out) : ERR_OK;
}

static err_t take_times(struct xml_node n, struct zn_answer *out)
{
    struct text end, made;
    TRY(member(n, "keyExpiryTime", &end));
    TRY(member(n, "bootstrappingInfoCreationTime", &made));
    TRY(bsf_info_time_parse(end, &out->not_after));
    return made.n > 0 ? bsf_info_time_parse(made, &out->made) : ERR_OK;
}

static err_t take_uss_list(struct xml_node n, struct zn_answer *out)
{
    struct xml_node list;
    err_t e = xml_only(n, xml_namespace(n), "ussList", &list);
    if (e != ERR_OK) {
        return e == ERR_NOT_FOUND ? ERR_OK : e;
    }
    for (struct xml_node at = xml_first(list); at.at != NULL; at = xml_next(at)) {
        if (xml_is(at, NULL, "uss")) { /* some put the element of the GUSS in, with the namespace that it has there */
            TRY(out->uss_n < USS_MAX ? uss_of_xml(at, &out->uss[out->uss_n]) : ERR_LIMIT_CAPACITY);
            out->uss_n++;
        }
    }
    return ERR_OK;
}

static err_t take_answer(struct xml_node n, struct zn_answer *out)
{
    struct text impi, enrolee;
    bool has_me;
    TRY(member(n, "impi", &impi));
    TRY(member(n, "enroleeID", &enrolee));
    TRY(TEXT_COPY(impi, out->impi.z));
    TRY(take_key(n, "meKeyMaterial", &out->me, &has_me));
    TRY(has_me ? ERR_OK : ERR_MISSING);
    TRY(take_key(n, "uiccKeyMaterial", &out->uicc, &out->gba_u));
    TRY(take_times(n, out));
    TRY(enrolee.n > 0 ? fetched_enrolee_text(enrolee, &out->enrolee_id) : ERR_OK);
    return take_uss_list(n, out);
}

/* -- faults ------------------------------------------------------------------------------------------------- */
/* Experimental results of TS 29.109 6.2 as they are called in a fault; the rest says only whose fault it was. */
static const struct {
    err_t e;
    const char *code, *name;
} faults[] = {
    {ERR_DENIED_B_TID, "Client", "TRANSACTION_IDENTIFIER_INVALID"},
    {ERR_DENIED_EXPIRED, "Client", "TRANSACTION_IDENTIFIER_INVALID"},
    {ERR_MALFORMED_KEY_ID, "Client", "TRANSACTION_IDENTIFIER_INVALID"},
    {ERR_DENIED_FROM, "Client", "NOT_AUTHORIZED"},
    {ERR_DENIED_GUSS_KEY, "Client", "NOT_AUTHORIZED"},
    {ERR_DENIED_GUSS_GIVE, "Client", "NOT_AUTHORIZED"},
    {ERR_NOT_IMPLEMENTED, "MustUnderstand", NULL},
};

static void refusal_write(const struct zn_ask *to, err_t e, const char *detail, struct writer *w)
{
    const struct err_info *info = err_info(e);
    const char *code = info->rsc >= 5000 ? "Server" : "Client";
    const char *name = NULL;
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        code = faults[i].e == e ? faults[i].code : code;
        name = faults[i].e == e ? faults[i].name : name;
    }
    writer_z(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<soap:Envelope xmlns:soap=\"" SOAP "\"><soap:Body><soap:Fault><faultcode>soap:");
    writer_z(w, code);
    writer_z(w, "</faultcode><faultstring>");
    writer_z(w, info->code);
    writer_z(w, ": ");
    xml_write_text(w, text_of(info->text));
    if (detail[0] != '\0') {
        writer_z(w, " (");
        xml_write_text(w, text_of(detail));
        writer_z(w, ")");
    }
    writer_z(w, "</faultstring>");
    if (name != NULL) {
        writer_z(w, "<detail><errorCode xmlns=\"");
        writer_z(w, namespace_of(to->dialect));
        writer_z(w, "\">");
        writer_z(w, name);
        writer_z(w, "</errorCode></detail>");
    }
    writer_z(w, "</soap:Fault></soap:Body></soap:Envelope>\n");
}

static bool ends_with(struct text t, const char *word)
{
    struct text end = text_of(word);
    return t.n >= end.n && text_eq(text_skip(t, t.n - end.n), end);
}

/* Whose fault it was: a client's is a refusal, a server's is not. */
static err_t read_fault(struct xml_node fault)
{
    struct xml_node at;
    struct text code = text_empty(), name = text_empty();
    if (xml_only(fault, "", "faultcode", &at) == ERR_OK) {
        TRY(xml_text(at, &code) == ERR_OK ? ERR_OK : ERR_PEER_NONSENSE);
    }
    if (xml_only(fault, "", "detail", &at) == ERR_OK && xml_first(at).at != NULL && xml_text(xml_first(at), &name) != ERR_OK) {
        name = text_empty();
    }
    if (ends_with(name, "TRANSACTION_IDENTIFIER_INVALID")) {
        return ERR_DENIED_B_TID;
    }
    return name.n == 0 && ends_with(code, "Server") ? ERR_PEER_NONSENSE : ERR_DENIED_FETCH;
}

static err_t answer_read(unsigned status, struct bytes body, struct zn_answer *out)
{
    SCOPED(xml_wipe) struct xml x = {NULL};
    struct xml_node n;
    unsigned dialect = 0;
    bool readable = xml_read(body, ZN_BODY_MAX, &x) == ERR_OK && open_document(&x, &n, &dialect) == ERR_OK;
    if (readable && xml_is(n, SOAP, "Fault")) {
        return read_fault(n);
    }
    if (status >= 400 && status < 500) {
        return ERR_DENIED_FETCH;
    }
    if (status != 200 || !readable || check_element(n, ANSWER, &dialect) != ERR_OK) {
        return ERR_PEER_NONSENSE;
    }
    return take_answer(n, out) == ERR_OK ? ERR_OK : ERR_PEER_NONSENSE;
}

#define FORM(the_name, the_dialect)                                                                                    \
    {                                                                                                                  \
        .name = (the_name), .path = "/bsf/requestBootstrappingInfo", .media = MEDIA_SOAP, .dialect = (the_dialect),    \
        .ask_write = ask_write, .ask_read = ask_read, .answer_write = answer_write, .answer_read = answer_read,        \
        .refusal_write = refusal_write,                                                                                \
    }
const struct zn_form zn_soap_form = FORM("soap", 0);
const struct zn_form zn_soap_urn = FORM("soap-urn", URN);
