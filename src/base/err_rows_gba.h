/*
 * Rows of err_rows.h, which includes them: the refusals of AKA and GBA.
 * clang-format off
 */
X(ERR_DENIED_DIGEST,        "digest-wrong",          NOTICE, 0, 4107,  51, "the Digest response was not made with the right password", "the card and the network hold different keys, or the header was changed on its way", "RFC 7616 3.4")
X(ERR_DENIED_IMPI,          "impi-unknown",          NOTICE, 0, 4107,  51, "no subscriber has this IMPI or TMPI", "add it: `ctl subscriber add`; a device whose TMPI was forgotten sends its IMPI", "TS 33.220 4.5.2")
X(ERR_DENIED_REALM,         "digest-realm",          NOTICE, 0, 4107,  51, "the realm is not the name of this BSF", "put the FQDN of the BSF into the realm", "TS 24.109 4.3")
X(ERR_DENIED_GUSS_KEY,      "guss-no-key",           NOTICE, 1, 4103,  49, "the security settings of the subscriber allow no key with this target", "`ctl subscriber add` with --naf names who may have one", "TS-0003 8.3.3.1")
X(ERR_DENIED_GUSS_GIVE,     "guss-no-distribution",  NOTICE, 1, 4103,  49, "the security settings of the subscriber forbid the BSF to hand the key out to this target", "`ctl subscriber add` with --naf FQDN=both allows it", "TS-0003 8.3.3.1")
X(ERR_DENIED_B_TID,         "b-tid-unknown",         NOTICE, 1, 4107, 115, "no live Ks has this B-TID", "run the bootstrapping of Ub again", "TS 33.220 4.5.2")
X(ERR_DENIED_USS,           "uss-missing",           NOTICE, 2, 4107, 115, "the BSF sent no user security settings for the service of this target", "give the subscriber a USS with the gsid of the [peer] section, or set uss = optional there", "TS-0003 8.3.3.1")
X(ERR_DENIED_CHALLENGES,    "too-many-challenges",   NOTICE, 0, 4107,  51, "this subscriber asked for too many challenges, and each uses a sequence number up", "wait a minute; see challenges-per-minute", "TS 33.220 4.5.2")
X(ERR_DENIED_AUTN,          "aka-network-unknown",   NOTICE, 0, 4107,  51, "the challenge was not made by a network that knows the key of this card", "compare K, OPc and the algorithm of the card with those of the subscriber at the BSF", "TS 33.102 6.3.3")
X(ERR_DENIED_AUTS,          "auts-wrong",            NOTICE, 0, 4107,  51, "the resynchronisation was not made by the card of this subscriber for this challenge", "compare K, OPc and the algorithm of the subscriber with those of the card", "TS 33.102 6.3.5")
X(ERR_SQN_RANGE,            "sqn-out-of-range",      NOTICE, 0, 4107,  51, "the sequence number of the challenge is not one that the card takes now", "send AUTS: the network catches up and challenges again", "TS 33.102 6.3.3, C.2")
X(ERR_SQN_AHEAD,            "sqn-too-far-ahead",     WARN,   1, 5000,  80, "the network's sequence number is further ahead than the card takes, and no number is used twice", "give the subscriber a new card, or correct the SQN that was imported", "TS 33.102 6.3.5, C.2")
X(ERR_SQN_UNRESERVED,       "sqn-not-reserved",      ERROR,  0, 5000,  80, "the reserved sequence numbers are used up", "reserve more in the store before the next vector", "TS 33.102 C.1")
X(ERR_ZH_AWAY,              "subscriber-database-away", WARN, 0, 5199, 80, "the HLR or HSS that has the keys of this subscriber is not connected", "is it running, at the address in [bsf]? `ctl status` shows the questions to it; the log has the reason", "TS 33.220 4.4.6")
X(ERR_ZH_SLOW,              "subscriber-database-slow", WARN, 0, 5199, 80, "the HLR or HSS did not answer in time", "try again; see subscriber-time in [bsf], and how busy the HLR or HSS is", "TS 33.220 4.4.6")
X(ERR_ZH_BUSY,              "subscriber-database-busy", NOTICE, 0, 5199, 80, "a question of this subscriber to the HLR or HSS is under way, or too many are", "try again in a moment", "TS 33.220 4.4.6")
X(ERR_ZH_NONSENSE,          "subscriber-database-nonsense", WARN, 0, 5199, 80, "what the HLR or HSS gave cannot be used, or it gave a challenge twice", "check the subscriber there, and its settings (GUSS)", "TS 33.220 4.4.6")
X(ERR_ZH_REFUSED,           "subscriber-database-refused", WARN, 0, 5199, 80, "the HLR or HSS refused to give a vector of this subscriber", "look into its log: is this BSF allowed to ask it?", "TS 29.109 4.2")
X(ERR_DENIED_STALE,         "nonce-stale",           NOTICE, 0, 4107,  51, "the server calls each nonce stale that it gives", "compare its clock and its nonce-lifetime; several servers behind one address need one store", "RFC 7616 3.3")
X(ERR_DENIED_RSPAUTH,       "rspauth-wrong",         NOTICE, 0, 4107,  51, "the BSF did not prove that it knows RES, or the answer was changed on its way", "nothing was stored; does a proxy change the answer, or is another BSF at that address?", "RFC 7616 3.5, TS 24.109 4.4")
X(ERR_DENIED_B_TID_FOREIGN, "b-tid-foreign",         NOTICE, 0, 4107,  51, "the B-TID that came is not of the challenge that was answered", "bootstrap again", "TS 33.220 4.5.2")
X(ERR_DENIED_KS_LIFETIME,   "ks-lifetime",           NOTICE, 0, 4107,  51, "the lifetime of Ks is over already, or longer than ten years", "compare the clocks of device and BSF, and ks-lifetime", "TS 24.109 C.1")
X(ERR_DENIED_GBA_VARIANT,   "gba-variant",           NOTICE, 0, 4103,  51, "this card does not give the key that was asked for", "a card that is the Secure Environment uses Ks_int_NAF alone; one that knows GBA_ME only has Ks_NAF alone: see --naf-key", "TS-0003 8.3.3.1")
X(ERR_DENIED_UB_WEAK,       "ub-too-weak",           NOTICE, 0, 4107,  51, "the BSF challenges with something else than Digest AKA with the integrity of the body, or a card that keeps Ks with AKAv2", "is it a BSF at that address? It has to offer AKAv1-MD5 with qop auth-int", "TS 24.109 4.3, RFC 4169 3.3")
/* clang-format on */
