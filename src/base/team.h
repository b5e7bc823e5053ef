/* team.h - a fixed number of threads that do the parts of one thing together. */
#pragma once

struct team;
struct team *team_new(int threads); /* the caller is one of them; at least 1, at most 64; fewer if the machine gives no more */
void team_free(struct team *);
int team_size(const struct team *);
/* part(with, i, thread) for i = 0 … n - 1, part i by thread i % team_size() always, so that what a thread keeps is its own. Returns
 * when all are done. */
void team_run(struct team *, int n, void (*part)(void *with, int i, int thread), void *with);
