/* Rows of err_rows.h: keys in a PKCS#11 token, a TPM or a SIM. */
/* clang-format off */
X(ERR_TOKEN_ENGINE,         "token-engine",          ERROR,  0, 5000,  80, "the PKCS#11 engine or its module cannot be loaded", "install libengine-pkcs11-openssl; see PKCS11_MODULE_PATH", "RFC 7512")
X(ERR_TOKEN_PIN,            "token-pin",             ERROR,  0, 5000,  80, "the token refuses the PIN", "correct the file of pin-source before the token locks itself", "RFC 7512")
X(ERR_TOKEN_KEY,            "token-key",             ERROR,  0, 5000,  80, "the URI names no token that is there, or no private key in it", "compare with p11tool --list-tokens and --list-privkeys", "RFC 7512")
X(ERR_TPM_GONE,             "tpm-unavailable",       ERROR,  0, 5000,  80, "no TPM answers", "see TPM2TOOLS_TCTI; /dev/tpmrm0 is for members of the group tss", "TPM 2.0")
X(ERR_TPM_AUTH,             "tpm-auth",              ERROR,  0, 5000,  80, "the TPM refuses the authorisation value of the key", "correct the file of auth before the TPM locks itself", "TPM 2.0")
X(ERR_TPM_LOCKED,           "tpm-lockout",           ERROR,  0, 5000,  80, "the TPM is locked after too many wrong authorisation values", "wait, or tpm2_dictionarylockout --clear-lockout", "TPM 2.0")
X(ERR_TPM_KEY,              "tpm-key",               ERROR,  0, 5000,  80, "the TPM has no such key, or another one under that handle, or the key file is not for this TPM", "compare with tpm2_getcap handles-persistent and tpm2_readpublic", "TPM 2.0")
X(ERR_TPM_KIND,             "tpm-key-kind",          ERROR,  0, 5000,  80, "the key in the TPM cannot serve", "make an unrestricted P-256 signing key that is used with an authorisation value (userwithauth)", "TS-0003 10.1.1.3")
X(ERR_TPM_FILE,             "tpm-key-file",          ERROR,  0, 5000,  80, "not a loadable TPM key (TSS2 PRIVATE KEY without a policy)", "write it with tpm2_encodeobject", "TPM 2.0 Key Files")
X(ERR_TPM_FAILED,           "tpm-failed",            ERROR,  0, 5000,  80, "the TPM cannot do what it was asked", "start again with TSS2_LOG=all+warning to see its code", "TPM 2.0")
X(ERR_SIM_MISSING,          "sim-missing",           ERROR,  0, 5000,  80, "the SIM in software is not there", "see the name in the message; docs/operate/sim.md says what is in such a file", "-")
X(ERR_SIM_FILE,             "sim-malformed",         ERROR,  0, 5000,  80, "the file is no SIM in software, or a line of it is wrong", "docs/operate/sim.md has the lines", "-")
X(ERR_SIM_READER,           "sim-reader",            ERROR,  0, 5000,  80, "no reader, no card in it, another program uses it, or pcscd does not run", "`pcsc_scan` shows readers and cards; with several say pcsc:READER", "-")
X(ERR_SIM_CARD,             "sim-card",              ERROR,  0, 5000,  80, "the card answers what a USIM does not", "is it a USIM? See TS 31.102 7.1", "TS 31.102 7.1")
X(ERR_SIM_PIN,              "sim-pin",               ERROR,  0, 5000,  80, "the card wants its PIN", "switch the PIN of the card off: no PIN is asked for here", "TS 102 221 9")
/* clang-format on */
