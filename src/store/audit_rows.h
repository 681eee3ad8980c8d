/*
 * X(name, number, code, doc): the events of the audit chain. Numbers are on disk: never reuse one.
 * clang-format off
 */
X(NONE,                0, "none",                "no event")
X(STARTED,             1, "started",             "a writer took over the store")
X(CREDENTIAL_ADDED,   10, "credential-added",    "an operator added a credential")
X(CREDENTIAL_REVOKED, 11, "credential-revoked",  "an operator revoked a credential")
X(CLIENT_ALLOWED,     12, "client-allowed",      "an operator allowed a client to register keys")
X(CLIENT_REMOVED,     13, "client-removed",      "an operator took back what client allow gave")
X(KE_ISSUED,          20, "ke-issued",           "an Enrolee completed the bootstrap handshake; Ke stored")
X(KE_DROPPED,         21, "ke-dropped",          "the oldest Ke of a credential made room")
X(KEY_RELEASED,       22, "key-released",        "the MEF handed a derived key to its target")
X(CERTIFICATE_ISSUED, 23, "certificate-issued", "the MEF issued a certificate to an authenticated client")
X(KM_STORED,          30, "km-stored",           "the MAF stored a Master Credential")
X(MAF_CLIENT_REGISTERED, 31, "maf-client-registered", "a MAF client registered")
X(MAF_KEY_REGISTERED, 32, "maf-key-registered",  "a connection key was registered at the MAF")
X(MAF_KEY_RETRIEVED,  33, "maf-key-retrieved",   "the MAF handed a connection key to its target")
X(KC_STORED,          40, "kc-stored",           "the CSE stored a connection key it fetched")
X(ASSOCIATED,         41, "associated",          "a security association was established")
X(AE_REGISTERED,      42, "ae-registered",       "an AE registered")
X(RESOURCE_CREATED,   43, "resource-created",    "a resource was created")
X(RESOURCE_UPDATED,   44, "resource-updated",    "a resource was updated")
X(RESOURCE_DELETED,   45, "resource-deleted",    "a resource was deleted")
X(REFUSED,            50, "refused",             "an authenticated peer was refused")
X(CERTIFICATE_REFUSED, 51, "certificate-refused", "a certificate was refused in the handshake; the peer is a network address")
/* clang-format on */
