/* account.h - who there is and who may what: organizations, persons and the organizations they belong to, access to single things,
 * API tokens, browser sessions.
 *
 * A person belongs to organizations with a role in each; the one that made the account, `home`, manages it (password, tokens,
 * removal) and is the one they are in unless they choose another. Access gives a role on one thing and what is below it, to members
 * whose role is lower and to persons of other organizations.
 *
 * Secrets (passwords, tokens, cookies) are shown once and stored only as hashes: passwords by Argon2id, the others, which are 256
 * random bits, by SHA-256. */
#pragma once
#include "api/dispatch.h"

extern const struct resource organization_resource, user_resource, access_resource, view_resource, token_resource, session_resource,
    job_resource, webhook_resource, delivery_resource, mail_resource;

/* The name of a user, as a column; id is an SQL expression. */
#define USER_NAME(id) "(SELECT u.username FROM person u WHERE u.id = " id ")"

/* The role's word: "viewer", "annotator", "member", "admin", "owner"; and back, ROLE_NONE for any other. */
extern const char *const role_words[];
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
MUST_USE enum err account_by_token_id(struct sql *, struct arena *, const char *id, struct identity *ret);
MUST_USE enum err account_by_session(struct sql *, struct arena *, const char *cookie, struct identity *ret);
MUST_USE enum err account_reach(struct sql *, const char *user_id, const char *org, const char *root, struct reach *ret);
#define ACCOUNT_GIVEN "SELECT g.thing_id FROM access g WHERE g.person_id ="

/* When tokens were used last is noted in memory and written by a thread, so that no read writes on its way. stop() writes the rest.
 */
MUST_USE enum err account_uses_start(struct sql_pool *);
void account_uses_stop(void);
void account_note_use(const char *token_id);

/* For the routes and the commands. Hashing takes long: it belongs before the transaction that the others are called in. */
MUST_USE enum err account_hash(struct arena *, const char *password, const char **ret);
/* E_CONFLICT: the name is taken. */
MUST_USE enum err account_add_user(struct sql *, struct arena *, const char *org, const char *username, const char *hash, enum role,
                                   const char **ret_id);
/* Ends the user's sessions, and on demand their API tokens. */
MUST_USE enum err account_set_password(struct sql *, const char *user_id, const char *hash, bool revoke_tokens);
/* An organization with its storage connector and datalake. E_CONFLICT: the name is taken. */
MUST_USE enum err account_add_organization(struct sql *, struct arena *, const char *name, const char **ret_id);
MUST_USE enum err account_add_member(struct sql *, const char *person_id, const char *org, enum role);
/* expires_at: milliseconds, 0: never. role: ROLE_NONE: the user's own. */
MUST_USE enum err account_add_token(struct sql *, struct arena *, const char *user_id, const char *name, int64_t expires_at,
                                    enum role, const char **ret_token, const char **ret_id);
/* The same for one thing alone (a deployment), where it may predict. */
MUST_USE enum err account_add_token_on(struct sql *, struct arena *, const char *user_id, const char *name, int64_t expires_at,
                                       const char *thing_id, const char **ret_token, const char **ret_id);
MUST_USE enum err account_drop_token(struct sql *, const char *id);
/* For routes that make a token with `name` and `expires_at`: reads when it ends, and writes it with its secret as the answer. */
MUST_USE enum err token_expiry(struct op *, int64_t *ret);
void token_write(struct op *, const char *id, enum role, int64_t expires_at, const char *token);
extern const struct resource new_token_answer;
/* The tokens of a program that has ended: of that user and name; none is fine. */
MUST_USE enum err account_drop_tokens(struct sql *, const char *user_id, const char *name);
/* E_INVALID says what a password must be like. */
MUST_USE enum err password_check(const char *password, const char *username);
MUST_USE enum err role_check_gift(struct op *, enum role); /* E_FORBIDDEN: nobody gives more than they have */

/* Who may use what a route is on, and giving and taking it: the rows that a resource's routes[] have for it. The handlers know the
 * kind from route->on. */
MUST_USE enum err access_list(struct op *);
MUST_USE enum err access_give(struct op *);
MUST_USE enum err access_take(struct op *);
enum { ACCESS_GIVE_FIELDS = 2, ACCESS_TAKE_FIELDS = 1 };
extern const struct field access_give_in[ACCESS_GIVE_FIELDS], access_take_in[ACCESS_TAKE_FIELDS];
#define ACCESS_ROUTES(kind, resource)                                                                                              \
    { "GET",                                                                                                                       \
      "/api/access/" kind "/{id}/users",                                                                                           \
      access_list,                                                                                                                 \
      MAY_READ,                                                                                                                    \
      WORK_READ,                                                                                                                   \
      "who may use it",                                                                                                            \
      .answers = &users_answer,                                                                                                    \
      .on = resource },                                                                                                            \
        { "POST",                                                                                                                  \
          "/api/access/" kind "/{id}/users",                                                                                       \
          access_give,                                                                                                             \
          MAY_ADMIN,                                                                                                               \
          WORK_WRITE,                                                                                                              \
          "gives somebody a role on it, whatever their role in the organization",                                                  \
          access_give_in,                                                                                                          \
          ACCESS_GIVE_FIELDS,                                                                                                      \
          .answers = &users_answer,                                                                                                \
          .on = resource },                                                                                                        \
    {                                                                                                                              \
        "DELETE", "/api/access/" kind "/{id}/users", access_take, MAY_ADMIN, WORK_WRITE, "takes that back", access_take_in,        \
            ACCESS_TAKE_FIELDS, .answers = &users_answer, .on = resource                                                           \
    }
extern const struct resource users_answer;
MUST_USE enum err access_forget(struct sql *, const char *thing_id); /* the thing is deleted: access and tokens go with it */

/* Something happened that the organization's webhooks may want to know: a delivery for each that does, inside the transaction of
 * what happened. data: a JSON object's text. */
MUST_USE enum err webhooks_tell(struct sql *, struct arena *, const char *org, const char *event, const char *data);
/* A letter to one address, likewise. */
MUST_USE enum err mail_tell(struct sql *, struct arena *, const char *org, const char *to, const char *event, const char *subject,
                            const char *text);
/* The mail server of who runs this one: "smtps://user@host:465", "smtp://…" (STARTTLS), "smtp-plain://…"; NULL: none. The password
 * is the file's first line, or the environment's SACCADE_SMTP_PASSWORD. Once at the start; the texts must stay. */
MUST_USE enum err mail_use(struct arena *, const char *url, const char *sender, const char *password_file);
/* The worker's side: sends one delivery that is due, if there is one, and writes down what came of it. For at most COURIERS
 * threads, each with its connection. */
enum { COURIERS = 8 };
MUST_USE enum err courier_turn(struct sql *, const struct services *, bool *ret_sent);
int64_t courier_pause_ms(int64_t failures);
MUST_USE enum err told_sweep(struct sql *);

MUST_USE enum err address_check(const char *email); /* E_INVALID: it is no e-mail address */

/* The default organization's id, for commands without a login. */
MUST_USE enum err account_default_org(struct sql *, struct arena *, const char **ret);

/* Logins, counted as failed before the password is looked at, per name and address (10 in 15 minutes) and per address (100):
 * E_TOO_MANY. One that succeeded is taken back. In memory: a restart forgets. */
MUST_USE enum err login_begins(const char *username, const char *address);
void login_succeeded(const char *username, const char *address);
