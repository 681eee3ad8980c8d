/* The tables of the configuration as text for people: docs/operate/configuration.md and the comments init writes. */
#ifndef KEYSTEAD_SHELL_CONF_DOC_H
#define KEYSTEAD_SHELL_CONF_DOC_H

#include "base/writer.h"
#include "role/conf_values.h"

void conf_doc_schema(const struct conf_schema *s, struct writer *w); /* one heading a section, one row a key */

#endif
