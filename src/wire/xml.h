/*
 * XML under bounds, read by libxml2, which this file alone knows below the shell: no document type, so no entities and nothing
 * external; UTF-8; so many octets, so many levels. Names are compared with their namespaces. A document may hold a key: its text is
 * wiped with it.
 */
#ifndef KEYSTEAD_WIRE_XML_H
#define KEYSTEAD_WIRE_XML_H

#include "base/writer.h"

#define XML_DEPTH_MAX 16

struct xml {
    void *document;
};
struct xml_node {
    void *at; /* NULL: there is none */
};

/* ERR_LIMIT_SIZE, ERR_LIMIT_DEPTH, ERR_XML_DOCTYPE, ERR_MALFORMED_XML (not well-formed, or an entity that nobody declared). */
MUST_USE err_t xml_read(struct bytes octets, size_t max, struct xml *out);
void xml_wipe(struct xml *x);

struct xml_node xml_root(const struct xml *x);
struct xml_node xml_first(struct xml_node n); /* its first element; text and comments are passed over */
struct xml_node xml_next(struct xml_node n);
bool xml_is(struct xml_node n, const char *ns, const char *name); /* ns NULL: in any, or in none */
const char *xml_namespace(struct xml_node n); /* "": none */

/* The one element of that name in it. ERR_NOT_FOUND; ERR_MALFORMED_XML: several. */
MUST_USE err_t xml_only(struct xml_node n, const char *ns, const char *name, struct xml_node *out);
/* What stands in it, without white space around; views live as long as the document. Empty if nothing does. ERR_MALFORMED_XML:
 * elements do, or comments cut it into pieces. */
MUST_USE err_t xml_text(struct xml_node n, struct text *out);
struct text xml_attribute(struct xml_node n, const char *name); /* empty: it is not there */

/* Text between tags or in an attribute: & < > " are escaped; a control octet that XML cannot carry goes out as '?'. */
void xml_write_text(struct writer *w, struct text t);
void xml_write_element(struct writer *w, const char *name, struct text t); /* <name>text</name> */

#endif
