/* sign.h - signatures with the server's own key, random bytes made at first start (DIR/key, mode 0600).
 * HMAC-SHA-256 (RFC 2104, FIPS 180-4); JSON Web Tokens (RFC 7519) with HS256 only; compared in constant time. */
#pragma once
#include "base/arena.h"

struct sign_key;
MUST_USE enum err sign_key_open(const char *path, struct sign_key **ret); /* makes it if there is none */
void sign_key_free(struct sign_key *);

/* The part of a signed URL behind '?': "expires=…&signature=…". Covers method, path and expiry. */
char *sign_url_query(const struct sign_key *, struct arena *, const char *method, const char *path, int64_t expires_s);
/* E_FORBIDDEN: "the link has expired" or "the signature does not fit". */
MUST_USE enum err sign_url_check(const struct sign_key *, const char *method, const char *path, const char *expires,
                                 const char *signature);

/* A login token. The issuer (`iss`) inside says who may check it: this server's say JWT_ISSUER. */
#define JWT_ISSUER "saccade"
struct jwt {
    const char *subject, *audience, *token_id; /* sub, aud and jti */
    int64_t expires_s;
};
char *sign_jwt(const struct sign_key *, struct arena *, const struct jwt *);
MUST_USE enum err sign_jwt_check(const struct sign_key *, struct arena *, const char *jwt, struct jwt *ret); /* E_UNKNOWN_USER */

/* A key of its own for a purpose, made of the server's. */
void sign_key_derive(const struct sign_key *, const char *purpose, uint8_t ret[32]);
/* HMAC-SHA-256 of a text under a text, as 64 hexadecimal digits. */
void hmac_hex(const char *key, const char *text, char ret[65]);
/* The same of a key of bytes, as bytes. */
void hmac_bytes(const void *key, size_t n, const char *text, uint8_t ret[32]);

/* A secret that must be had back (AES-256-GCM under a derived key, as hexadecimal text): who reads the database without the
 * server's key learns nothing of it. purpose: what it is of, as "webhook" and its id: sealed for one, it cannot be used as another.
 * E_BROKEN: it was sealed with another key, or changed. */
MUST_USE enum err seal(const struct sign_key *, struct arena *, const char *purpose, const char *secret, const char **ret);
MUST_USE enum err unseal(const struct sign_key *, struct arena *, const char *purpose, const char *sealed, const char **ret);

void sha256_hex(const void *bytes, size_t n, char ret[65]);

/* Argon2id (RFC 9106), 19 MiB, 2 passes; the encoded form holds salt and parameters. */
MUST_USE enum err password_hash(const char *password, char *ret, size_t room); /* room >= 128 */
bool password_fits(const char *password, const char *hash);
/* n random bytes as base64url without padding behind a prefix: secrets for people and programs. */
char *secret_new(struct arena *, const char *prefix, size_t n);
