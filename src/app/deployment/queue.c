/* The review queue: which image a reviewer gets next. What teaches most comes first (what the champion is unsure of, what champion
 * and shadow disagree on, what is unlike the training images), and among it a share that nothing but chance chose, so that figures
 * from reviews say how the models do on all images and not on the hard ones. Whether an image is one of those is drawn when it
 * comes, and no other order takes it.
 *
 * Who is given an image has it for a while (review_lease), so that two reviewers do not look at the same one. */
#include "app/deployment/queue.h"
#include "base/clock.h"
#include <string.h>

enum { LEASE_MS = 15 * 60 * 1000, AT_ONCE = 50, TRIES = 5, COUNTED = 10000 };

#define WAITS "a.deployment_id = ?1 AND a.status = 'TO_REVIEW' AND "
#define IS_FREE " AND NOT EXISTS (SELECT 1 FROM review_lease y WHERE y.predicted_asset_id = a.id AND y.until > ?2)"
#define COUNT(condition, order)                                                                                                    \
    "SELECT count(*) FROM (SELECT 1 FROM predicted_asset a WHERE " WAITS condition " ORDER BY " order " LIMIT ?2) waiting"
#define ORDER(name_, condition_, order_)                                                                                           \
    {                                                                                                                              \
        name_, WAITS condition_ IS_FREE, COUNT(condition_, order_), order_                                                         \
    }

/* How a single image comes to be chosen. Each condition is that of an index (table below), so that no order is computed when it is
 * asked for. A further figure that tells what teaches is a row here, a column of the predicted asset and its index. */
static const struct pick {
    const char *name, *condition, *count, *order;
} picks[] = {
    ORDER("RANDOM", "a.skipped = 0 AND a.reserved = 1", "a.draw"),
    ORDER("UNCERTAIN", "a.skipped = 0 AND a.reserved = 0", "a.uncertainty DESC"),
    ORDER("DISAGREE", "a.skipped = 0 AND a.reserved = 0 AND a.disagreement > 0", "a.disagreement DESC"),
    ORDER("OUTLYING", "a.skipped = 0 AND a.reserved = 0 AND a.outlier_score > 0", "a.outlier_score DESC"),
    ORDER("SKIPPED", "a.skipped > 0", "a.skipped DESC"),
};
enum { PICK_RANDOM, PICK_FIRST, PICK_SKIPPED = COUNT_OF(picks) - 1, PICKS = COUNT_OF(picks) };

static const char table[] =
    "CREATE INDEX predicted_asset_drawn ON predicted_asset (deployment_id, draw, id) WHERE status = 'TO_REVIEW' AND skipped = 0"
    " AND reserved = 1;"
    "CREATE INDEX predicted_asset_uncertain ON predicted_asset (deployment_id, uncertainty, id) WHERE status = 'TO_REVIEW' AND "
    "skipped = 0 AND reserved = 0;"
    "CREATE INDEX predicted_asset_disputed ON predicted_asset (deployment_id, disagreement, id) WHERE status = 'TO_REVIEW' AND "
    "skipped = 0 AND reserved = 0 AND disagreement > 0;"
    "CREATE INDEX predicted_asset_outlying ON predicted_asset (deployment_id, outlier_score, id) WHERE status = 'TO_REVIEW' AND "
    "skipped = 0 AND reserved = 0 AND outlier_score > 0;"
    "CREATE INDEX predicted_asset_skipped ON predicted_asset (deployment_id, skipped, id) WHERE status = 'TO_REVIEW' AND skipped "
    "> 0;"
    "CREATE TABLE review_lease (predicted_asset_id TEXT PRIMARY KEY REFERENCES predicted_asset(id) ON DELETE CASCADE, id TEXT NOT "
    "NULL UNIQUE, deployment_id TEXT NOT NULL, person_id TEXT NOT NULL, chosen TEXT NOT NULL, until INTEGER NOT NULL) STRICT;"
    "CREATE INDEX review_lease_of ON review_lease (deployment_id, person_id, id);"
    "CREATE INDEX review_lease_until ON review_lease (deployment_id, until)";

const char *const review_choices[] = { "RANDOM", "UNCERTAIN", "DISAGREE", "OUTLYING", "BY_HAND", NULL };
static const char *const orders[] = { "MIXED", "RANDOM", "UNCERTAIN", "DISAGREE", "OUTLYING", "SKIPPED", NULL };

static const struct field fields[] = {
    { "chosen", T_TEXT, 0, "y.chosen", .words = review_choices },
    { "until", T_TIME, 0, "y.until" },
    { "prediction", T_ONE, 0, "y.predicted_asset_id", .of = &predicted_asset_resource, .by = "a.id" },
};
static const struct resource lease = {
    .name = "image of the review queue",
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "review_lease y JOIN deployment o ON o.id = y.deployment_id",
    .key = "y.id",
    .org = "o.org",
    .root = "o.id",
    .order = "y.id",
};

double chance(void)
{
    uint32_t r;
    random_bytes(&r, sizeof r);
    return r / 4294967296.0;
}

/* ---- choosing */

struct taking {
    struct op *op;
    const char *q;
    double share;      /* of those that chance chooses */
    int wanted[PICKS]; /* of each, of this try */
    const char **ids[PICKS];
    size_t n[PICKS];
    bool dry[PICKS]; /* it has no more */
    const char *taken[AT_ONCE];
    size_t n_taken, n_before; /* before: when this try began */
    int64_t now;
};

/* The next of those that teach, in turns. */
static int next_in_turn(const struct taking *t, int *turn)
{
    for (int i = PICK_FIRST; i < PICK_SKIPPED; i++) {
        *turn = *turn + 1 < PICK_SKIPPED ? *turn + 1 : PICK_FIRST;
        if (!t->dry[*turn])
            return *turn;
    }
    return -1;
}

/* How many of each, of so many in all. */
static void share_out(struct taking *t, int order, size_t n)
{
    int turn = PICK_SKIPPED;
    memset(t->wanted, 0, sizeof t->wanted);
    for (size_t i = 0; i < n; i++) {
        bool drawn = !t->dry[PICK_RANDOM] && chance() < t->share;
        int which = order > 0 ? order - 1 : drawn ? PICK_RANDOM : next_in_turn(t, &turn);
        if (which < 0) /* nothing is left but those */
            which = PICK_RANDOM;
        t->wanted[which]++;
    }
}

static enum err find(struct taking *t)
{
    for (int i = 0; i < PICKS; i++) {
        t->n[i] = 0;
        if (!t->wanted[i])
            continue;
        TRY(resource_first(t->op, &predicted_asset_resource, t->q, picks[i].order, t->wanted[i], picks[i].condition,
                           VALUES(V(t->op->id), V(t->now)), &t->ids[i], &t->n[i]));
        t->dry[i] = t->n[i] < (size_t)t->wanted[i];
    }
    return OK;
}

/* What of a skipped one was drawn by chance still is. */
static enum err why(struct sql *db, const char *asset, int pick, const char **ret)
{
    int64_t reserved = 0;
    if (pick == PICK_SKIPPED)
        TRY(sql_int(db, &reserved, "SELECT reserved FROM predicted_asset WHERE id = ?1", V(asset)));
    *ret = reserved ? picks[PICK_RANDOM].name : pick == PICK_SKIPPED ? picks[PICK_FIRST].name : picks[pick].name;
    return OK;
}

/* Nothing if it was reviewed, or given to another, meanwhile. */
static enum err take_one(struct taking *t, const char *asset, int pick)
{
    struct op *op = t->op;
    const char *chosen;
    TRY(why(op->db, asset, pick, &chosen));
    TRY(sql_run(op->db,
                "INSERT INTO review_lease (predicted_asset_id, id, deployment_id, person_id, chosen, until) SELECT a.id, ?2,"
                " a.deployment_id, ?3, ?4, ?5 FROM predicted_asset a WHERE a.id = ?1 AND a.status = 'TO_REVIEW' AND NOT EXISTS"
                " (SELECT 1 FROM review_lease y WHERE y.predicted_asset_id = a.id)",
                V(asset), V(id_new(op->arena)), V(op->user_id), V(chosen), V(t->now + LEASE_MS)));
    if (sql_changes(op->db))
        t->taken[t->n_taken++] = asset;
    return OK;
}

static enum err take_found(struct op *op)
{
    struct taking *t = op->state;
    size_t at[PICKS] = { 0 };
    bool any = true;
    t->n_taken = t->n_before; /* what was written may have been undone, to be written anew */
    TRY(sql_run(op->db, "DELETE FROM review_lease WHERE deployment_id = ?1 AND until <= ?2", V(op->id), V(t->now)));
    TRY(sql_run(op->db, "UPDATE review_lease SET until = ?3 WHERE deployment_id = ?1 AND person_id = ?2", V(op->id), V(op->user_id),
                V(t->now + LEASE_MS)));
    while (any) { /* in turns, so that none of the orders comes all at once */
        any = false;
        for (int i = 0; i < PICKS; i++)
            if (at[i] < t->n[i]) {
                any = true;
                TRY(take_one(t, t->ids[i][at[i]++], i));
            }
    }
    return OK;
}

static enum err give_all_back(struct op *op)
{
    return sql_run(op->db, "DELETE FROM review_lease WHERE deployment_id = ?1 AND person_id = ?2", V(op->id), V(op->user_id));
}

static int order_of(struct op *op)
{
    const char *name = in_text(op, "order");
    for (int i = 0; name && orders[i]; i++)
        if (strcmp(orders[i], name) == 0)
            return i;
    return 0;
}

static enum err read_share(struct op *op)
{
    struct taking *t = op->state;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT review_share FROM deployment WHERE id = ?1", V(op->id)));
    t->share = rows_real(r, 0);
    return OK;
}

static enum err find_in_view(struct op *op)
{
    return find(op->state);
}

static enum err reply(struct op *op)
{
    struct taking *t = op->state;
    struct value ids;
    TRY(sql_list(op->db, t->taken, t->n_taken, &ids));
    return reply_rows(op, NULL, &lease, "y.deployment_id = ?1 AND y.predicted_asset_id IN " LISTED("?2"), V(op->id), V(ids));
}

static bool ran_dry(const struct taking *t, int order)
{
    int turn = PICK_FIRST;
    return order ? t->dry[order - 1] : t->dry[PICK_RANDOM] && next_in_turn(t, &turn) < 0;
}

/* Looking for them takes no lock; who is slower by that moment than another reviewer looks again. */
static enum err next(struct op *op)
{
    struct taking *t = arena_take(op->arena, sizeof *t);
    int order = order_of(op);
    size_t n = (size_t)in_int(op, "limit", 20);
    *t = (struct taking){ .op = op, .q = in_text(op, "q") };
    op->state = t;
    if (in_bool(op, "anew", false))
        TRY(op_write(op, give_all_back));
    TRY(op_read(op, read_share));
    for (int i = 0; i < TRIES && t->n_taken < n; i++) {
        t->now = clock_now_ms();
        share_out(t, order, n - t->n_taken);
        TRY(op_read(op, find_in_view));
        t->n_before = t->n_taken;
        TRY(op_write(op, take_found));
        if (ran_dry(t, order))
            break;
    }
    return op_read(op, reply);
}

/* ---- how many wait */

static enum err counts(struct op *op)
{
    struct out *o = &op->out;
    out_object(o, NULL);
    out_array(o, "orders");
    for (const struct pick *p = picks; p < picks + PICKS; p++) {
        int64_t n = 0;
        TRY(sql_int_text(op->db, &n, p->count, VALUES(V(op->id), V((int64_t)COUNTED + 1))));
        out_object(o, NULL);
        out_text(o, "order", p->name);
        out_int(o, "count", n > COUNTED ? COUNTED : n);
        out_bool(o, "count_exact", n <= COUNTED);
        out_end_object(o);
    }
    out_end_array(o);
    out_end_object(o);
    return OK;
}

/* ---- skipping: it leaves every order but that of skipped ones */

static enum err set_skipped(struct op *op, bool on)
{
    TRY(sql_run(op->db, "UPDATE predicted_asset SET skipped = ?2 WHERE id = ?1 AND status = 'TO_REVIEW'", V(op->id),
                V(on ? clock_now_ms() : 0)));
    if (!sql_changes(op->db))
        return fail(E_CONFLICT, "the image has been reviewed already");
    TRY(sql_run(op->db, "DELETE FROM review_lease WHERE predicted_asset_id = ?1", V(op->id)));
    return reply_one(op, &predicted_asset_resource, op->id);
}

static enum err skip(struct op *op)
{
    return set_skipped(op, true);
}

static enum err skip_not(struct op *op)
{
    return set_skipped(op, false);
}

/* ---- for reviews */

enum err lease_end(struct sql *db, struct arena *a, const char *predicted_asset_id, const char *person_id, const char **ret_chosen)
{
    AUTO(rows) struct rows *r = NULL;
    *ret_chosen = "BY_HAND";
    TRY(sql_rows(db, &r, "SELECT chosen FROM review_lease WHERE predicted_asset_id = ?1 AND person_id = ?2", V(predicted_asset_id),
                 V(person_id)));
    if (rows_next(r))
        *ret_chosen = arena_str(a, rows_text(r, 0));
    TRY(rows_error(r));
    return sql_run(db, "DELETE FROM review_lease WHERE predicted_asset_id = ?1", V(predicted_asset_id));
}

/* Once nothing waits any more all that came until now is reviewed: what of it was chosen first, and why, matters no longer. One
 * that is taken back ends that before it. */
enum err reviewed_until_keep(struct sql *db, const char *deployment_id)
{
    return sql_run(db, "UPDATE deployment SET reviewed_until = ?2 WHERE id = ?1 AND n_to_review = 0", V(deployment_id),
                   V(clock_now_ms()));
}

enum err reviewed_until_end(struct sql *db, const char *predicted_asset_id)
{
    return sql_run(db,
                   "UPDATE deployment SET reviewed_until = (SELECT a.created_at - 1 FROM predicted_asset a WHERE a.id = ?1)"
                   " WHERE id = (SELECT a.deployment_id FROM predicted_asset a WHERE a.id = ?1) AND reviewed_until >="
                   " (SELECT a.created_at FROM predicted_asset a WHERE a.id = ?1)",
                   V(predicted_asset_id));
}

enum err lease_again(struct sql *db, struct arena *a, const char *predicted_asset_id, const char *person_id, const char *chosen)
{
    if (strcmp(chosen, "BY_HAND") == 0)
        return OK;
    return sql_run(db,
                   "INSERT INTO review_lease (predicted_asset_id, id, deployment_id, person_id, chosen, until) SELECT a.id, ?2,"
                   " a.deployment_id, ?3, ?4, ?5 FROM predicted_asset a WHERE a.id = ?1",
                   V(predicted_asset_id), V(id_new(a)), V(person_id), V(chosen), V(clock_now_ms() + LEASE_MS));
}

static const struct field next_in[] = {
    { "order", T_TEXT, F_NULL, .words = orders },
    { "limit", T_INT, F_NULL, .min = 0, .max = AT_ONCE },
    { "q", T_TEXT, F_NULL, .max = 4000 },
    { "anew", T_BOOL, F_NULL },
};

DESCRIBED(order_answer, "order of the review queue", { "order", T_TEXT, .words = orders }, { "count", T_INT },
          { "count_exact", T_BOOL });
DESCRIBED(queue_answer, "review queue", { "orders", T_MANY, .of = &order_answer });

static const struct route routes[] = {
    { "GET", "/api/deployment/{id}/review-queue", counts, MAY_READ, WORK_READ, "how many images wait for a review in each order",
      .on = &deployment_resource, .answers = &queue_answer },
    { "POST", "/api/deployment/{id}/review-queue", next, MAY_ANNOTATE, WORK_FREE,
      "the next images for who asks, and for a quarter of an hour for nobody else; anew: those had so far are given back first",
      FIELDS(next_in), .on = &deployment_resource, .answers = &lease, .gives = GIVES_ROWS },
    { "POST", "/api/predicted/asset/{id}/skip", skip, MAY_ANNOTATE, WORK_WRITE, "the image is not reviewed: it leaves the queue",
      .on = &predicted_asset_resource, .answers = &predicted_asset_resource },
    { "DELETE", "/api/predicted/asset/{id}/skip", skip_not, MAY_ANNOTATE, WORK_WRITE, "the image comes back to the queue",
      .on = &predicted_asset_resource, .answers = &predicted_asset_resource },
};

const struct resource review_queue_resource = {
    .name = "review queue", .table = table, .routes = routes, .n_routes = COUNT_OF(routes)
};
