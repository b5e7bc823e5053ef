/* Secrets of others that the server must use itself: passwords of mail servers, keys of webhooks. */
#include "base/clock.h"
#include "base/text.h"
#include "blob/sign.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

enum { KEY = 32, NONCE = 12, TAG = 16, SECRET_MOST = 4096 };

static void auto_cipher(EVP_CIPHER_CTX **c)
{
    EVP_CIPHER_CTX_free(*c);
}

enum err seal(const struct sign_key *k, struct arena *a, const char *purpose, const char *secret, const char **ret)
{
    AUTO(cipher) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    uint8_t key[KEY], *out = arena_take(a, NONCE + strlen(secret) + TAG);
    int n = (int)strlen(secret), got = 0, rest = 0;
    AUTO(text) struct text hex = { 0 };
    if (n > SECRET_MOST)
        return fail(E_TOO_BIG, "a secret has at most %d bytes", SECRET_MOST);
    sign_key_derive(k, purpose, key);
    random_bytes(out, NONCE);
    bool fine = c && EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, out) == 1 &&
                EVP_EncryptUpdate(c, out + NONCE, &got, (const uint8_t *)secret, n) == 1 &&
                EVP_EncryptFinal_ex(c, out + NONCE + got, &rest) == 1 &&
                EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG, out + NONCE + n) == 1;
    OPENSSL_cleanse(key, sizeof key);
    if (!fine)
        return fail(E_BROKEN, "cannot encrypt a secret");
    text_init(&hex, 4 * SECRET_MOST);
    text_hex(&hex, out, (size_t)(NONCE + n + TAG));
    *ret = arena_str(a, hex.bytes);
    return OK;
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hex(const char *s, uint8_t *ret, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int high = digit(s[2 * i]), low = high < 0 ? -1 : digit(s[2 * i + 1]);
        if (low < 0)
            return false;
        ret[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

enum err unseal(const struct sign_key *k, struct arena *a, const char *purpose, const char *sealed, const char **ret)
{
    AUTO(cipher) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    size_t all = strlen(sealed) / 2;
    uint8_t key[KEY], *in = arena_take(a, all + 1);
    char *out = arena_take(a, all + 1);
    int got = 0, rest = 0, n = (int)all - NONCE - TAG;
    if (n < 0 || n > SECRET_MOST || !read_hex(sealed, in, all))
        return fail(E_BROKEN, "a kept secret is damaged");
    sign_key_derive(k, purpose, key);
    bool fine = c && EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key, in) == 1 &&
                EVP_DecryptUpdate(c, (uint8_t *)out, &got, in + NONCE, n) == 1 &&
                EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG, in + NONCE + n) == 1 &&
                EVP_DecryptFinal_ex(c, (uint8_t *)out + got, &rest) == 1;
    OPENSSL_cleanse(key, sizeof key);
    if (!fine)
        return fail(E_BROKEN, "a kept secret was sealed with another key: set it anew");
    *ret = out;
    return OK;
}
