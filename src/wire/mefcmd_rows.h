/*
 * MEF client commands [TS-0003 8.3.9, 12.3.2.3, 12.3.2.4, 12.4]: the classes and the status codes.
 *   MEFCMD_CLASS(name, cmdClassID, member of cmdArgs, what an operator calls it)
 *   MEFCMD_STATUS(name, cmdStatusCode, class whose outcome it is or -1 for any, set by the client, name of the standard)
 * clang-format off
 */
#ifdef MEFCMD_CLASS
MEFCMD_CLASS(NO_MORE,   0, "noMoreCmdArgs",   "no-more")
MEFCMD_CLASS(CERT_PROV, 1, "certProvCmdArgs", "cert-prov")
MEFCMD_CLASS(DEV_CFG,   2, "devCfgCmdArgs",   "dev-cfg")
MEFCMD_CLASS(MO_NODE,   3, "MONodeCmdArgs",   "mo-node")
#endif
#ifdef MEFCMD_STATUS
MEFCMD_STATUS(ISSUED,               10, -1, false, "MEF_CLIENT_CMD_ISSUED")
MEFCMD_STATUS(REISSUED,             11, -1, false, "MEF_CLIENT_CMD_REISSUED")
MEFCMD_STATUS(OK,                   20, -1, true,  "MEF_CLIENT_CMD_OK")
MEFCMD_STATUS(REPEATED,             40, -1, true,  "MEF_CLIENT_CMD_REPEATED_CMD_ID")
MEFCMD_STATUS(CLASS,                41, -1, true,  "MEF_CLIENT_CMD_CLASS_NOT_SUPPORTED")
MEFCMD_STATUS(BAD_ARGS,             42, -1, true,  "MEF_CLIENT_CMD_BAD_ARGUMENTS")
MEFCMD_STATUS(UNACCEPTABLE,         43, -1, true,  "MEF_CLIENT_CMD_UNACCEPTABLE_ARGUMENTS")
MEFCMD_STATUS(CERT_SERVER,         100,  1, true,  "MEF_CLIENT_CMD_CERT_PROV_SERVER_ERROR")
MEFCMD_STATUS(CERT_CLIENT,         101,  1, true,  "MEF_CLIENT_CMD_CERT_PROV_CLIENT_ERROR")
MEFCMD_STATUS(CFG_SERVER,          201,  2, true,  "MEF_CLIENT_CMD_DEV_CFG_SERVER_ERROR")
MEFCMD_STATUS(CFG_CLIENT,          202,  2, true,  "MEF_CLIENT_CMD_DEV_CFG_CLIENT_ERROR")
MEFCMD_STATUS(NODE_NOT_FOUND,      300,  3, true,  "MEF_CLIENT_CMD_MO_NODE_NOT_FOUND")
MEFCMD_STATUS(NODE_TYPE,           301,  3, true,  "MEF_CLIENT_CMD_MO_NODE_TYPE_CONFLICT")
MEFCMD_STATUS(NODE_BAD_ARGS,       302,  3, true,  "MEF_CLIENT_CMD_MO_NODE_BAD_ARGS")
MEFCMD_STATUS(NODE_UNACCEPTABLE,   303,  3, true,  "MEF_CLIENT_CMD_MO_NODE_UNACCEPTABLE_ARGS")
MEFCMD_STATUS(NODE_INCONSISTENT,   304,  3, true,  "MEF_CLIENT_CMD_MO_NODE_INCONSISTENT_CONFIG")
MEFCMD_STATUS(NODE_EXECUTION,      305,  3, true,  "MEF_CLIENT_CMD_MO_NODE_EXECUTION_ERROR")
#endif
/* clang-format on */
