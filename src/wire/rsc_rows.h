/*
 * X(rsc, name, http, coap class, coap detail): response status codes [TS-0004 6.6.3, TS-0009 6.3.2, TS-0008 6.2].
 * clang-format off
 */
X(1000, "ACCEPTED",                         202, 2, 1)
X(2000, "OK",                               200, 2, 5)
X(2001, "CREATED",                          201, 2, 1)
X(2002, "DELETED",                          200, 2, 2)
X(2004, "UPDATED",                          200, 2, 4)
X(4000, "BAD_REQUEST",                      400, 4, 0)
X(4001, "RELEASE_VERSION_NOT_SUPPORTED",    501, 5, 1)
X(4004, "NOT_FOUND",                        404, 4, 4)
X(4005, "OPERATION_NOT_ALLOWED",            405, 4, 5)
X(4008, "REQUEST_TIMEOUT",                  504, 5, 4)
X(4015, "UNSUPPORTED_MEDIA_TYPE",           415, 4, 15)
X(4102, "CONTENTS_UNACCEPTABLE",            400, 4, 0)
X(4103, "ORIGINATOR_HAS_NO_PRIVILEGE",      403, 4, 3)
X(4105, "CONFLICT",                         409, 4, 3)
X(4106, "ORIGINATOR_NOT_AUTHENTICATED",     403, 4, 3)
X(4107, "SECURITY_ASSOCIATION_REQUIRED",    403, 4, 3)
X(4108, "INVALID_CHILD_RESOURCE_TYPE",      403, 4, 3)
X(4109, "NO_MEMBERS",                       403, 4, 3)
X(4110, "GROUP_MEMBER_TYPE_INCONSISTENT",   400, 4, 0)
X(4111, "ESPRIM_UNSUPPORTED_OPTION",        403, 4, 3)
X(4112, "ESPRIM_UNKNOWN_KEY_ID",            403, 4, 3)
X(4113, "ESPRIM_UNKNOWN_ORIG_RAND_ID",      403, 4, 3)
X(4114, "ESPRIM_UNKNOWN_RECV_RAND_ID",      403, 4, 3)
X(4115, "ESPRIM_BAD_MAC",                   403, 4, 3)
X(4116, "ESPRIM_IMPERSONATION_ERROR",       403, 4, 3)
X(4117, "ORIGINATOR_HAS_ALREADY_REGISTERED",403, 4, 3)
X(4126, "APP_RULE_VALIDATION_FAILED",       403, 4, 3)
X(4127, "OPERATION_DENIED_BY_REMOTE_ENTITY",403, 4, 3)
X(4128, "SERVICE_SUBSCRIPTION_NOT_ESTABLISHED", 403, 4, 3) /* CHOICE-84 */
X(4199, "DIGEST_CHALLENGE",                 401, 4, 1) /* of Ub, never sent as a number */
X(5000, "INTERNAL_SERVER_ERROR",            500, 5, 0)
X(5198, "SOAP_FAULT",                       500, 5, 0) /* of Zn as a web service, never sent as a number */
X(5001, "NOT_IMPLEMENTED",                  501, 5, 1)
X(5103, "TARGET_NOT_REACHABLE",             404, 4, 4)
X(5105, "RECEIVER_HAS_NO_PRIVILEGE",        403, 4, 3)
X(5106, "ALREADY_EXISTS",                   409, 4, 0)
X(5199, "SUBSCRIBER_DATABASE_AWAY",         503, 5, 3) /* of Ub */
X(5203, "TARGET_NOT_SUBSCRIBABLE",          403, 4, 3)
X(5204, "SUBSCRIPTION_VERIFICATION_INITIATION_FAILED", 500, 5, 0)
X(5205, "SUBSCRIPTION_HOST_HAS_NO_PRIVILEGE", 403, 4, 3)
X(5207, "NOT_ACCEPTABLE",                   406, 4, 6)
X(5210, "ESPRIM_DECRYPTION_ERROR",          500, 5, 0)
X(5211, "ESPRIM_ENCRYPTION_ERROR",          500, 5, 0)
X(6010, "MAX_NUMBER_OF_MEMBER_EXCEEDED",    400, 4, 0)
/* clang-format on */
