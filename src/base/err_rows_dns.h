/* Rows of err_rows.h: what a name server says to DNS UPDATE. */
/* clang-format off */
X(ERR_DNS_AWAY,             "dns-unreachable",       WARN,   0, 5103,  80, "the name server does not answer", "check [cse] dns-server and the server; it is asked again", "RFC 2136")
X(ERR_DNS_KEY,              "dns-key",               WARN,   0, 5103,  80, "the name server and this CSE do not have the same TSIG key", "compare [cse] dns-key and dns-key-name with the key of the server, and both clocks", "RFC 8945")
X(ERR_DNS_ZONE,             "dns-outside-zone",      WARN,   0, 5103,  80, "the public domain name of the CSE is outside of the zone", "make [cse] dns-zone the zone that has it, or leave the name out of CSEBase", "RFC 2136")
X(ERR_DNS_TAKEN,            "dns-name-taken",        WARN,   0, 5103,  80, "the DNS has another record under the public domain name of the CSE", "remove it there, and let the CSE register again; or give the CSE another CSE-ID", "RFC 2136")
X(ERR_DNS_REFUSED,          "dns-refused",           WARN,   0, 5103,  80, "the name server refuses to change the zone", "allow updates of the zone with this key there; its log says why", "RFC 2136")
