/* What an e-mail address may look like here: one mailbox in ASCII, nothing that could end a header or name a second one. */
#include "app/account/account.h"
#include <string.h>

enum { ADDRESS_MOST = 254 };

enum err address_check(const char *s)
{
    static const char others[] = ".!#$%&'*+/=?^_`{|}~-@";
    size_t n = strlen(s), letters = 0;
    const char *at = strchr(s, '@');
    for (const char *c = s; *c; c++)
        letters += (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || strchr(others, *c);
    if (letters != n || n > ADDRESS_MOST || !at || at == s || strchr(at + 1, '@') || !at[1] || at[1] == '.' || s[n - 1] == '.' ||
        strstr(s, ".."))
        return fail(E_INVALID, "\"%.60s\" is no e-mail address", s);
    return OK;
}
