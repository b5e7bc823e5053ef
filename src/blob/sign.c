#include "blob/sign.h"
#include "base/clock.h"
#include "base/file.h"
#include "json/json.h"
#include <argon2.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { KEY = 32, ARGON_PASSES = 2, ARGON_KIB = 19456, ARGON_LANES = 1, ARGON_SALT = 16, ARGON_HASH = 32 };

struct sign_key {
    uint8_t bytes[KEY];
};

/* A key that others can read or set signs nothing, and one that is no chance (zeros, a word) can be guessed. Of 32 random bytes
 * fewer than 12 differ once in 10^20 times. */
static enum err check_key(const char *path, const char *bytes, size_t n)
{
    struct stat st;
    bool seen[256] = { false };
    int different = 0;
    if (n != KEY)
        return fail(E_BROKEN, "%s must hold %d bytes; it has %zu", path, KEY, n);
    for (size_t i = 0; i < n; i++) {
        different += !seen[(uint8_t)bytes[i]];
        seen[(uint8_t)bytes[i]] = true;
    }
    if (different < 12)
        return fail(E_BROKEN, "%s holds no random key; remove it and a new one is made (signed links and logins then end)", path);
    if (stat(path, &st) != 0 || st.st_mode & 027)
        return fail(E_BROKEN, "%s may be read or written by others (mode %03o): chmod 600 it", path, (unsigned)st.st_mode & 0777);
    return OK;
}

enum err sign_key_open(const char *path, struct sign_key **ret)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sign_key *k = heap_take(sizeof *k);
    if (!file_exists(path)) {
        random_bytes(k->bytes, KEY);
        enum err e = file_write(path, k->bytes, KEY, 0600);
        if (e != OK) {
            free(k);
            return e;
        }
    }
    char *bytes = NULL;
    size_t n = 0;
    enum err e = file_read(a, path, KEY, &bytes, &n);
    if (e == OK)
        e = check_key(path, bytes, n);
    if (e != OK) {
        free(k);
        return e;
    }
    memcpy(k->bytes, bytes, KEY);
    *ret = k;
    return OK;
}

void sign_key_free(struct sign_key *k)
{
    if (!k)
        return;
    OPENSSL_cleanse(k->bytes, KEY);
    free(k);
}

/* purpose keeps signatures of one kind from being used as another. */
static void mac(const struct sign_key *k, const char *purpose, const char *text, uint8_t ret[32])
{
    AUTO(text) struct text t;
    text_init(&t, 1 << 20);
    text_fmt(&t, "%s\n%s", purpose, text);
    unsigned n = 32;
    HMAC(EVP_sha256(), k->bytes, KEY, (const unsigned char *)t.bytes, t.n, ret, &n);
}

void sign_key_derive(const struct sign_key *k, const char *purpose, uint8_t ret[32])
{
    mac(k, "derive", purpose, ret);
}

void hmac_bytes(const void *key, size_t n, const char *text, uint8_t ret[32])
{
    unsigned got = 32;
    HMAC(EVP_sha256(), key, (int)n, (const unsigned char *)text, strlen(text), ret, &got);
}

void hmac_hex(const char *key, const char *text, char ret[65])
{
    uint8_t bytes[32];
    hmac_bytes(key, strlen(key), text, bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
}

static const char base64url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static char *encode64(struct arena *a, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    char *out = arena_take(a, n * 4 / 3 + 4), *to = out;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16 | (i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0) | (i + 2 < n ? p[i + 2] : 0);
        size_t digits = n - i >= 3 ? 4 : n - i + 1;
        for (size_t k = 0; k < digits; k++)
            *to++ = base64url[v >> (18 - 6 * k) & 63];
    }
    return out;
}

static bool decode64(struct arena *a, const char *s, char **ret, size_t *ret_n)
{
    char *out = arena_take(a, strlen(s) + 1);
    uint32_t v = 0;
    size_t n = 0;
    int bits = 0;
    for (; *s; s++) {
        const char *digit = strchr(base64url, *s);
        if (!digit)
            return false;
        v = v << 6 | (uint32_t)(digit - base64url);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out[n++] = (char)(v >> bits);
        }
    }
    *ret = out;
    *ret_n = n;
    return true;
}

static char *signature(const struct sign_key *k, struct arena *a, const char *purpose, const char *text)
{
    uint8_t m[32];
    mac(k, purpose, text, m);
    return encode64(a, m, sizeof m);
}

static bool same(const char *a, const char *b)
{
    size_t n = strlen(a);
    return strlen(b) == n && CRYPTO_memcmp(a, b, n) == 0;
}

static char *url_text(struct arena *a, const char *method, const char *path, int64_t expires_s)
{
    return arena_fmt(a, "%s\n%s\n%lld", method, path, (long long)expires_s);
}

char *sign_url_query(const struct sign_key *k, struct arena *a, const char *method, const char *path, int64_t expires_s)
{
    return arena_fmt(a, "expires=%lld&signature=%s", (long long)expires_s,
                     signature(k, a, "url", url_text(a, method, path, expires_s)));
}

enum err sign_url_check(const struct sign_key *k, const char *method, const char *path, const char *expires, const char *given)
{
    AUTO(arena) struct arena *a = arena_new();
    int64_t until = expires ? strtoll(expires, NULL, 10) : 0;
    if (!given || !same(given, signature(k, a, "url", url_text(a, method, path, until))))
        return fail(E_FORBIDDEN, "the link's signature does not fit");
    if (clock_now_ms() / 1000 > until)
        return fail(E_FORBIDDEN, "the link has expired");
    return OK;
}

char *sign_jwt(const struct sign_key *k, struct arena *a, const struct jwt *j)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    AUTO(out) struct out o;
    out_init(&o, 1 << 16);
    out_object(&o, NULL);
    out_text(&o, "iss", JWT_ISSUER);
    out_text(&o, "sub", j->subject);
    out_text(&o, "aud", j->audience);
    out_text(&o, "jti", j->token_id);
    out_int(&o, "iat", clock_now_ms() / 1000);
    out_int(&o, "exp", j->expires_s);
    out_end_object(&o);
    const char *text = arena_fmt(a, "%s.%s", encode64(a, header, sizeof header - 1), encode64(a, o.text.bytes, o.text.n));
    return arena_fmt(a, "%s.%s", text, signature(k, a, "jwt", text));
}

/* What a token says of itself, not yet checked: that tells whose key it must be checked with. */
static enum err jwt_claims(struct arena *a, const char *jwt, const struct json **ret)
{
    const char *dot = strrchr(jwt, '.'), *first = strchr(jwt, '.');
    char *claims;
    size_t n;
    if (!dot || dot == first || !decode64(a, arena_copy(a, first + 1, (size_t)(dot - first - 1)), &claims, &n) ||
        json_parse(a, claims, n, ret) != OK)
        return fail(E_UNKNOWN_USER, "not a login token");
    return OK;
}

/* The header's "alg" is not asked: the only algorithm is ours. */
enum err sign_jwt_check(const struct sign_key *k, struct arena *a, const char *jwt, struct jwt *ret)
{
    const struct json *v;
    TRY(jwt_claims(a, jwt, &v));
    const char *issuer = json_text(json_get(v, "iss")), *dot = strrchr(jwt, '.');
    if (issuer && strcmp(issuer, JWT_ISSUER) != 0)
        return fail(E_UNKNOWN_USER, "tokens of the issuer \"%.100s\" are not accepted here", issuer);
    if (!same(dot + 1, signature(k, a, "jwt", arena_copy(a, jwt, (size_t)(dot - jwt)))))
        return fail(E_UNKNOWN_USER, "the login token's signature does not fit");
    struct jwt j = { json_text(json_get(v, "sub")), json_text(json_get(v, "aud")), json_text(json_get(v, "jti")), 0 };
    if (!json_int(json_get(v, "exp"), &j.expires_s) || !j.subject || !j.audience || !j.token_id)
        return fail(E_UNKNOWN_USER, "not a login token");
    if (clock_now_ms() / 1000 > j.expires_s)
        return fail(E_UNKNOWN_USER, "the login token has expired");
    *ret = j;
    return OK;
}

void sha256_hex(const void *bytes, size_t n, char ret[65])
{
    uint8_t digest[32];
    SHA256(bytes, n, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

enum err password_hash(const char *password, char *ret, size_t room)
{
    uint8_t salt[ARGON_SALT];
    random_bytes(salt, sizeof salt);
    int code = argon2id_hash_encoded(ARGON_PASSES, ARGON_KIB, ARGON_LANES, password, strlen(password), salt, sizeof salt,
                                     ARGON_HASH, ret, room);
    return code == ARGON2_OK ? OK : fail(E_BROKEN, "hashing the password failed: %s", argon2_error_message(code));
}

bool password_fits(const char *password, const char *hash)
{
    return argon2id_verify(hash, password, strlen(password)) == ARGON2_OK;
}

char *secret_new(struct arena *a, const char *prefix, size_t n)
{
    uint8_t *bytes = arena_take(a, n);
    random_bytes(bytes, n);
    return arena_fmt(a, "%s%s", prefix, encode64(a, bytes, n));
}
