/*
 * X(name, number, doc): the tables of the store. Numbers are on disk: never reuse one.
 * clang-format off
 */
X(META,        1, "format version, store identity, counters in blocks, cursors of passes over a table")
X(AUDIT,       2, "audit events by time-ordered number")
X(CHECKPOINT,  3, "signed checkpoints of the audit chain")
X(MEF_CREDENTIAL, 10, "bootstrap credential and instruction by folded KpmId or identity of a certificate")
X(MEF_KE,      11, "Enrolment Keys by folded KeId")
X(MEF_KE_OF,   12, "KpmId / time -> KeId: the live Enrolment Keys of a credential, oldest first")
X(MEF_TARGET,  13, "identities (as table keys of their certificates) that are the target of some instruction")
X(MEF_CERT,    14, "provisioned certificates by serial number")
X(MEF_CERT_OF, 15, "subjectAltName of a client -> serial number of its latest certificate")
X(MAF_KM,      20, "Master Credentials by every folded identifier (KmId, KeId) that names them")
X(MAF_CLIENT,  21, "MAF client registrations by resource identifier")
X(MAF_CLIENT_OF, 22, "client identity / adminFQDN -> registration")
X(MAF_KEY,     23, "symmetric key registrations by folded RelativeKeyID")
X(MAF_ALLOW,   24, "who may register keys, for whom (ctl client allow)")
X(CSE_KEY,     30, "Kpsa and fetched Kc by folded identifier, and what certificates stand for")
X(CSE_RES,     31, "resources by resource identifier")
X(CSE_NAME,    32, "parent identifier / resource name -> resource identifier")
X(CSE_CHILD,   33, "parent identifier / type / time-ordered number -> resource identifier")
X(CSE_ACP,     34, "compiled access control policies by resource identifier")
X(CSE_AE,      35, "AE-ID stem -> whose it is: the absolute identifier of a credential, or a Credential-ID")
X(DEVICE,      50, "the Enrolee's own state: one record")
X(CSE_GARBAGE, 36, "nodes of deleted resources whose children are still to be collected")
/* clang-format on */
