#include "wire/xml.h"

#include "base/ct.h"

#include <libxml/parser.h>
#include <libxml/tree.h>
#include <string.h>

/* -- reading -------------------------------------------------------------------------------------------- */
static void ctxt_free(xmlParserCtxtPtr *c)
{
    if (*c != NULL) {
        xmlFreeDoc((*c)->myDoc);
        xmlFreeParserCtxt(*c);
    }
}

/* A document type is the only way to an entity of one's own, and it comes before any content. */
static void refuse_doctype(void *ctx, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
    (void)name;
    (void)external;
    (void)system;
    xmlParserCtxtPtr c = ctx;
    bool *seen = c->_private;
    *seen = true;
    c->wellFormed = 0;
    xmlStopParser(c);
}

/* libxml2 itself stops at 256 levels. */
static bool is_deep(const xmlNode *root)
{
    size_t depth = 1;
    for (const xmlNode *n = root; n != NULL;) {
        if (n->type == XML_ELEMENT_NODE && depth > XML_DEPTH_MAX) {
            return true;
        }
        if (n->type == XML_ELEMENT_NODE && n->children != NULL) {
            n = n->children;
            depth++;
            continue;
        }
        while (n != root && n->next == NULL) {
            n = n->parent;
            depth--;
        }
        n = n == root ? NULL : n->next;
    }
    return false;
}

err_t xml_read(struct bytes octets, size_t max, struct xml *out)
{
    bool doctype = false;
    out->document = NULL;
    if (octets.n > max) {
        return ERR_LIMIT_SIZE;
    }
    SCOPED(ctxt_free) xmlParserCtxtPtr c = xmlNewParserCtxt();
    if (c == NULL) {
        return ERR_LIMIT_CAPACITY;
    }
    c->sax->internalSubset = refuse_doctype;
    c->_private = &doctype;
    /* The encoding is not the document's choice: one in which a DOCTYPE looks like something else is none of ours. */
    const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA;
    xmlDocPtr doc = xmlCtxtReadMemory(c, (const char *)octets.p, (int)octets.n, NULL, "UTF-8", options);
    out->document = doc;
    const xmlNode *root = doc == NULL ? NULL : xmlDocGetRootElement(doc);
    err_t e = doctype ? ERR_XML_DOCTYPE
              : root == NULL || c->wellFormed != 1 ? ERR_MALFORMED_XML
              : is_deep(root) ? ERR_LIMIT_DEPTH
                              : ERR_OK;
    if (e != ERR_OK) {
        xml_wipe(out);
    }
    return e;
}

static void wipe_text(xmlNode *n)
{
    if (n->type == XML_TEXT_NODE && n->content != NULL) {
        ct_wipe(n->content, strlen((const char *)n->content));
    }
}

/* Each node once: down, right, or up and right. */
static void wipe_tree(xmlNode *root)
{
    for (xmlNode *n = root; n != NULL;) {
        wipe_text(n);
        if (n->type == XML_ELEMENT_NODE && n->children != NULL) {
            n = n->children;
            continue;
        }
        while (n != root && n->next == NULL) {
            n = n->parent;
        }
        n = n == root ? NULL : n->next;
    }
}

void xml_wipe(struct xml *x)
{
    xmlDocPtr doc = x->document;
    if (doc != NULL) {
        wipe_tree(xmlDocGetRootElement(doc));
        xmlFreeDoc(doc);
    }
    x->document = NULL;
}

/* -- walking -------------------------------------------------------------------------------------------- */
static struct xml_node element_from(xmlNode *n)
{
    while (n != NULL && n->type != XML_ELEMENT_NODE) {
        n = n->next;
    }
    return (struct xml_node){n};
}

struct xml_node xml_root(const struct xml *x)
{
    return (struct xml_node){x->document == NULL ? NULL : xmlDocGetRootElement(x->document)};
}

struct xml_node xml_first(struct xml_node n)
{
    const xmlNode *at = n.at;
    return element_from(at == NULL ? NULL : at->children);
}

struct xml_node xml_next(struct xml_node n)
{
    const xmlNode *at = n.at;
    return element_from(at == NULL ? NULL : at->next);
}

const char *xml_namespace(struct xml_node n)
{
    const xmlNode *at = n.at;
    return at == NULL || at->ns == NULL ? "" : (const char *)at->ns->href;
}

bool xml_is(struct xml_node n, const char *ns, const char *name)
{
    const xmlNode *at = n.at;
    return at != NULL && strcmp((const char *)at->name, name) == 0 && (ns == NULL || strcmp(xml_namespace(n), ns) == 0);
}

err_t xml_only(struct xml_node n, const char *ns, const char *name, struct xml_node *out)
{
    out->at = NULL;
    for (struct xml_node at = xml_first(n); at.at != NULL; at = xml_next(at)) {
        if (xml_is(at, ns, name)) {
            TRY(out->at == NULL ? ERR_OK : ERR_MALFORMED_XML); /* two readers might take different ones */
            *out = at;
        }
    }
    return out->at == NULL ? ERR_NOT_FOUND : ERR_OK;
}

err_t xml_text(struct xml_node n, struct text *out)
{
    const xmlNode *at = n.at;
    const xmlNode *text = at == NULL ? NULL : at->children;
    *out = text_empty();
    if (text == NULL) {
        return at == NULL ? ERR_MALFORMED_XML : ERR_OK;
    }
    if (text->type != XML_TEXT_NODE || text->next != NULL || text->content == NULL) {
        return ERR_MALFORMED_XML;
    }
    *out = text_trim(text_of((const char *)text->content), " \t\r\n");
    return ERR_OK;
}

struct text xml_attribute(struct xml_node n, const char *name)
{
    const xmlNode *at = n.at;
    for (const xmlAttr *a = at == NULL ? NULL : at->properties; a != NULL; a = a->next) {
        const xmlNode *v = a->children;
        if (strcmp((const char *)a->name, name) == 0 && v != NULL && v->type == XML_TEXT_NODE && v->next == NULL) {
            return text_of((const char *)v->content);
        }
    }
    return text_empty();
}

/* -- writing -------------------------------------------------------------------------------------------- */
void xml_write_text(struct writer *w, struct text t)
{
    static const struct {
        char c;
        const char *escape;
    } escapes[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}};
    for (size_t i = 0; i < t.n; i++) {
        const char *escape = NULL;
        for (size_t k = 0; k < ARRAY_LEN(escapes); k++) {
            escape = escapes[k].c == t.p[i] ? escapes[k].escape : escape;
        }
        const bool carried = (unsigned char)t.p[i] >= 0x20 || t.p[i] == '\t' || t.p[i] == '\n';
        if (escape != NULL) {
            writer_z(w, escape);
        } else {
            writer_u8(w, carried ? (uint8_t)t.p[i] : (uint8_t)'?');
        }
    }
}

void xml_write_element(struct writer *w, const char *name, struct text t)
{
    writer_z(w, "<");
    writer_z(w, name);
    writer_z(w, ">");
    xml_write_text(w, t);
    writer_z(w, "</");
    writer_z(w, name);
    writer_z(w, ">");
}
