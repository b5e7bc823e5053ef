/* Keys of a role that the server's administrator keeps in a file (serve --credentials), so that no page and no database has them:
 *     [name]
 *     aws_access_key_id = …
 *     aws_secret_access_key = …
 *     aws_session_token = …
 * It is read at each use: whoever renews such keys writes it anew. */
#include "app/datalake/bucket.h"
#include "app/datalake/datalake.h"
#include "base/file.h"
#include <string.h>

enum { FILE_MOST = 1 << 20 };

static const char *path;

void buckets_credentials(const char *file)
{
    path = file;
}

static char *trimmed(char *s)
{
    s += strspn(s, " \t");
    for (size_t n = strlen(s); n && strchr(" \t\r", s[n - 1]);)
        s[--n] = 0;
    return s;
}

static void take(struct profile *p, const char *name, const char *value)
{
    const struct {
        const char *name, **ret;
    } known[] = { { "aws_access_key_id", &p->access_key },
                  { "aws_secret_access_key", &p->secret },
                  { "aws_session_token", &p->token } };
    for (size_t i = 0; i < COUNT_OF(known); i++)
        if (strcmp(known[i].name, name) == 0 && *value)
            *known[i].ret = value;
}

enum err profile_parse(struct arena *a, const char *text, const char *name, struct profile *ret)
{
    struct profile p = { 0 };
    const char *head = arena_fmt(a, "[%s]", name);
    bool within = false;
    char *rest = arena_str(a, text);
    for (char *line; (line = strsep(&rest, "\n"));) {
        char *value = trimmed(line);
        if (*value == '[') {
            within = strcmp(value, head) == 0;
        } else if (within && *value != '#' && *value != ';' && strchr(value, '=')) {
            const char *key = trimmed(strsep(&value, "="));
            take(&p, key, trimmed(value));
        }
    }
    if (!p.access_key || !p.secret)
        return fail(E_NOT_FOUND, "the server's file of credentials has no profile '%.100s' with a key and its secret", name);
    *ret = p;
    return OK;
}

enum err profile_read(struct arena *a, const char *name, struct profile *ret)
{
    char *text;
    size_t n;
    if (!path)
        return fail(E_NOT_FOUND, "profile: this server was started without a file of credentials (serve --credentials FILE)");
    if (file_read(a, path, FILE_MOST, &text, &n) != OK)
        return fail(E_NOT_FOUND, "profile: the server cannot read its file of credentials");
    return profile_parse(a, text, name, ret);
}
