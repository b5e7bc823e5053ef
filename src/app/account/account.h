/* account.h - who there is: organizations, users, API tokens, browser sessions.
 *
 * Secrets (passwords, tokens, cookies) are shown once and stored only as hashes: passwords by Argon2id, the others, which are 256
 * random bits, by SHA-256. */
#pragma once
#include "api/dispatch.h"

extern const struct resource organization_resource, user_resource, token_resource, session_resource, job_resource;

/* The name of a user, as a column; id is an SQL expression. */
#define USER_NAME(id) "(SELECT u.username FROM user u WHERE u.id = " id ")"

/* The role's word: "viewer", "member", "admin", "owner"; and back, ROLE_NONE for any other. */
const char *role_word(enum role);
enum role role_of(const char *word);

struct first_start {
    bool made;                               /* false: there is an organization already, the rest is NULL */
    const char *username, *password, *token; /* of the owner; kept nowhere else */
};
/* Makes the organization "default", its storage connector and datalake, and the user "admin". In a transaction of its own. */
MUST_USE enum err account_first_start(struct sql *, struct arena *, struct first_start *ret);

/* For the dispatcher (struct api_hooks). */
MUST_USE enum err account_by_token(struct sql *, struct arena *, const char *token, struct identity *ret);
MUST_USE enum err account_by_session(struct sql *, struct arena *, const char *cookie, struct identity *ret);

/* For the routes and the commands; inside the caller's transaction. E_CONFLICT: the name is taken. */
MUST_USE enum err account_add_user(struct sql *, struct arena *, const char *org, const char *username, const char *password,
                                   enum role, const char **ret_id);
MUST_USE enum err account_set_password(struct sql *, const char *user_id, const char *password); /* ends the user's sessions */
/* expires_at: milliseconds, 0: never. role: ROLE_NONE: the user's own. */
MUST_USE enum err account_add_token(struct sql *, struct arena *, const char *user_id, const char *name, int64_t expires_at,
                                    enum role, const char **ret_token, const char **ret_id);
/* The tokens of a program that has ended: of that user and name; none is fine. */
MUST_USE enum err account_drop_tokens(struct sql *, const char *user_id, const char *name);
/* E_INVALID says what a password must be like. */
MUST_USE enum err password_check(const char *password, const char *username);

/* {"users":[…]} of the organization, all or the one of that name. */
MUST_USE enum err account_list_users(struct op *, const char *username);

/* The default organization's id, for commands without a login. */
MUST_USE enum err account_default_org(struct sql *, struct arena *, const char **ret);

/* Failed logins, counted per name and address (10 in 15 minutes) and per address (100). E_TOO_MANY. In memory: a restart forgets.
 */
MUST_USE enum err login_allowed(const char *username, const char *address);
void login_failed(const char *username, const char *address);
void login_succeeded(const char *username, const char *address);
