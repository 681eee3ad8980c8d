/* Rows of err_rows.h: what a DAS refuses, and what is wrong with a token that a request shows: any of that refuses it [CHOICE-78]. */
/* clang-format off */
X(ERR_DENIED_DAS,           "authorization-refused", NOTICE, 0, 4103,  49, "the dynamic authorization system does not grant this", "ask who runs it; daci of the resource names it", "TS-0003 7.3.2.2")
X(ERR_TOKEN_FORM,           "token-unreadable",      NOTICE, 1, 4103,  49, "the token is not a oneM2M JWT: a compact JWS with typ JWT and the claims jti, iss, azp, nbf, exp", "compare its header and claims with docs/procedures/tokens.md", "TS-0003 7.3.2.6.2")
X(ERR_TOKEN_ALG,            "token-algorithm",       NOTICE, 1, 4103,  49, "the token is unsecured, or made with an algorithm that does not fit the key of its issuer", "sign it with the private key that belongs to [das] key: ES256 for P-256, RS256 for RSA", "TS-0003 7.3.2.6.3")
X(ERR_TOKEN_ISSUER,         "token-issuer-unknown",  NOTICE, 1, 4103,  49, "no dynamic authorization system that is configured here issues this token", "a [das FQDN] section has its id (iss), and its FQDN is that of the Token-ID (jti)", "TS-0003 7.3.2.5")
X(ERR_TOKEN_SIGNATURE,      "token-signature",       NOTICE, 1, 4103,  51, "the signature of the token is wrong: another key, or changed on the way", "compare [das] key with the key of the issuer, and show the token as it came", "TS-0003 7.3.2.5")
X(ERR_TOKEN_EXPIRED,        "token-expired",         NOTICE, 1, 4103,  49, "the token is past its notAfter (exp)", "get a new one from its issuer; if its times are right, set the clocks", "TS-0003 7.3.2.3")
X(ERR_TOKEN_EARLY,          "token-not-yet-valid",   NOTICE, 1, 4103,  49, "the token is not valid before its notBefore (nbf)", "wait; if its times are right, set the clocks of issuer and CSE", "TS-0003 7.3.2.3")
X(ERR_TOKEN_HOLDER,         "token-holder",          NOTICE, 1, 4103,  49, "the token is another's, or the originator is not authenticated", "show tokens that have your absolute AE-ID or CSE-ID as holder (azp), over an association", "TS-0003 7.3.2.3")
X(ERR_TOKEN_AUDIENCE,       "token-audience",        NOTICE, 1, 4103,  49, "the token is for other CSEs", "ask its issuer for one whose audience (aud) has the CSE-ID of this CSE", "TS-0003 7.3.2.3")
X(ERR_TOKEN_SIZE,           "token-too-large",       NOTICE, 1, 4103,  49, "the token, or what it permits, is larger than allowed", "at most 8192 octets, 16 permissions, 64 resources and 32 roles each", "-")
X(ERR_TOKEN_UNKNOWN,        "token-unknown",         NOTICE, 1, 4103,  49, "no token has this identifier here, and its issuer gave none", "show the token itself; a Local-Token-ID ends with its token", "TS-0003 7.3.2.3")
/* clang-format on */
