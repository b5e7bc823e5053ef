/* saccade user add NAME [--role ROLE] [--organization NAME], saccade user password NAME [--revoke-tokens], saccade token new USER:
 * for whoever may read the data folder. */
#include "app/account/account.h"
#include "blob/sign.h"
#include "cli/cli.h"
#include "cli/folder.h"
#include "cli/options.h"
#include <stdio.h>
#include <string.h>

struct wish {
    const char *data, *role, *organization, *words[2];
    const char *password, *hash; /* a new one, made before the transaction */
    bool revoke;
    struct sql *db;
    struct arena *arena;
};

static enum err user_called(struct wish *w, const char *name, const char **ret_id)
{
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(w->db, &r, "SELECT id FROM person WHERE lower(username) = lower(?1)", V(name));
    if (e == E_NOT_FOUND)
        return fail(E_NOT_FOUND, "there is no user %s", name);
    TRY(e);
    *ret_id = arena_str(w->arena, rows_text(r, 0));
    return OK;
}

static enum err organization_called(struct wish *w, const char **ret_id)
{
    if (!w->organization)
        return account_default_org(w->db, w->arena, ret_id);
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(w->db, &r, "SELECT id FROM organization WHERE name = ?1", V(w->organization));
    if (e == E_NOT_FOUND)
        return fail(E_NOT_FOUND, "there is no organization %s", w->organization);
    TRY(e);
    *ret_id = arena_str(w->arena, rows_text(r, 0));
    return OK;
}

static enum err add_user(struct wish *w)
{
    const char *org, *id;
    enum role role = role_of(w->role ? w->role : "member");
    if (role == ROLE_NONE)
        return fail(E_INVALID, "--role must be viewer, annotator, member, admin or owner");
    TRY(organization_called(w, &org));
    TRY(account_add_user(w->db, w->arena, org, w->words[1], w->hash, role, &id));
    printf("%s may log in with the password  %s\n", w->words[1], w->password);
    return OK;
}

static enum err new_password(struct wish *w)
{
    const char *id;
    TRY(user_called(w, w->words[1], &id));
    TRY(account_set_password(w->db, id, w->hash, w->revoke));
    printf("the new password of %s is  %s\n", w->words[1], w->password);
    return OK;
}

static enum err new_token(struct wish *w)
{
    const char *id, *token, *token_id;
    TRY(user_called(w, w->words[1], &id));
    TRY(account_add_token(w->db, w->arena, id, "command line", 0, ROLE_NONE, &token, &token_id));
    printf("%s\n", token);
    return OK;
}

static enum err in_transaction(struct wish *w, enum err (*work)(struct wish *))
{
    TRY(folder_open(w->data, &w->db));
    w->password = secret_new(w->arena, "", 12);
    TRY(account_hash(w->arena, w->password, &w->hash));
    TRY(sql_begin(w->db));
    return sql_end(w->db, work(w));
}

static const struct {
    const char *noun, *verb;
    enum err (*work)(struct wish *);
} verbs[] = { { "user", "add", add_user }, { "user", "password", new_password }, { "token", "new", new_token } };

static enum err dispatch(struct wish *w, const char *noun)
{
    for (size_t i = 0; i < COUNT_OF(verbs); i++)
        if (strcmp(noun, verbs[i].noun) == 0 && w->words[0] && strcmp(w->words[0], verbs[i].verb) == 0)
            return w->words[1] ? in_transaction(w, verbs[i].work)
                               : fail(E_INVALID, "%s %s needs the name of a user", noun, verbs[i].verb);
    return fail(E_INVALID, "%s", strcmp(noun, "user") == 0 ? "say: user add NAME, or user password NAME" : "say: token new USER");
}

int user_main(int argc, char **argv)
{
    AUTO(arena) struct arena *a = arena_new();
    struct wish w = { .data = "data", .arena = a };
    const struct option_row options[] = { { "--data", &w.data },
                                          { "--role", &w.role },
                                          { "--organization", &w.organization },
                                          { "--revoke-tokens", .flag = &w.revoke } };
    enum err e = options_read(argc, argv, options, COUNT_OF(options), w.words, COUNT_OF(w.words), NULL);
    if (e == OK)
        e = dispatch(&w, argv[0]);
    sql_close(w.db);
    return e == OK ? 0 : command_failed(argv[0]);
}
