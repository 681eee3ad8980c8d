/*
 * Rows that the section of every role has which may run in several instances behind one address: how an instance shows
 * itself in TLS, where that differs from the listener. The shell reads them (shell/snapshot), the role does not.
 */
#ifndef KEYSTEAD_ROLE_CONF_INSTANCE_H
#define KEYSTEAD_ROLE_CONF_INSTANCE_H

#include "role/conf.h"

#define CONF_INSTANCE_ROWS(section)                                                                                    \
    {section, "aliases", CONF_FQDN, CONF_MANY, NULL, 0, 0, NULL,                                                       \
     "Server names (SNI) that lead to this instance besides its fqdn."},                                               \
    {section, "certificate", CONF_FILE, 0, NULL, 0, 0, NULL,                                                           \
     "PEM certificate with its chain that this instance shows, to clients and to peers; without one that of the listener or peer."}, \
    {section, "key", CONF_KEY, 0, NULL, 0, 0, NULL,                                                                    \
     "PEM private key of that certificate, or a key in a token or TPM."},                                                     \
    {section, "ocsp-response", CONF_FILE, 0, NULL, 0, 0, NULL,                                                         \
     "DER OCSP response for that certificate, as for a listener."},                                                    \
    {section, "trust", CONF_FILE, 0, NULL, 0, 0, NULL,                                                                 \
     "PEM anchors that certificates of its clients must lead to; without them those of the listener, with its crl."},  \
    {section, "crl", CONF_FILE, CONF_MANY, NULL, 0, 0, NULL,                                                           \
     "PEM revocation lists that go with trust, as for a listener."}

#endif
