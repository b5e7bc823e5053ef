/* Names for deployments that were given none: an adjective and a noun. */
#include "app/deployment/deployment.h"
#include "base/clock.h"

static const char *const adjectives[] = {
    "agile",   "amber",  "ample",  "ancient", "apt",    "arctic",   "bold",   "brave",  "bright", "brisk",   "calm",   "candid",
    "clear",   "clever", "coral",  "cosmic",  "crisp",  "daring",   "deft",   "eager",  "early",  "even",    "fair",   "fleet",
    "fluent",  "frank",  "gentle", "golden",  "grand",  "hardy",    "hazel",  "honest", "humble", "ivory",   "jolly",  "keen",
    "kind",    "lively", "lucid",  "lunar",   "mellow", "merry",    "mighty", "misty",  "modest", "nimble",  "noble",  "olive",
    "patient", "placid", "polar",  "prime",   "proud",  "quick",    "quiet",  "rapid",  "rare",   "rosy",    "royal",  "rustic",
    "sage",    "sharp",  "silent", "silver",  "smooth", "snowy",    "solar",  "solid",  "sound",  "stable",  "steady", "still",
    "subtle",  "sunny",  "swift",  "tidy",    "timely", "tranquil", "true",   "upbeat", "urban",  "valiant", "vast",   "velvet",
    "vivid",   "warm",   "wise",   "witty",   "young",  "zesty",
};
static const char *const nouns[] = {
    "anchor", "arch",    "aspen", "badger", "beacon",  "birch",  "bison",  "breeze", "bridge",  "brook",   "canyon",
    "cedar",  "cliff",   "cloud", "comet",  "condor",  "coast",  "crane",  "creek",  "delta",   "dune",    "eagle",
    "ember",  "falcon",  "fern",  "field",  "finch",   "fjord",  "forest", "fox",    "garden",  "glacier", "glade",
    "grove",  "harbor",  "hawk",  "heron",  "hill",    "island", "ivy",    "jay",    "kestrel", "lagoon",  "lake",
    "lark",   "lemur",   "lynx",  "maple",  "marsh",   "meadow", "mesa",   "moon",   "moss",    "oasis",   "orchid",
    "osprey", "otter",   "owl",   "peak",   "pebble",  "pine",   "plain",  "pond",   "prairie", "quail",   "raven",
    "reef",   "ridge",   "river", "robin",  "sequoia", "shore",  "spruce", "star",   "stone",   "stream",  "summit",
    "swan",   "thicket", "tide",  "trail",  "tundra",  "valley", "vista",  "wave",   "willow",  "wolf",    "wren",
};

enum err deployment_name_make(struct sql *db, struct arena *a, const char *org, const char **ret)
{
    for (int tries = 0; tries < 50; tries++) {
        uint32_t r[2];
        random_bytes(r, sizeof r);
        const char *name = arena_fmt(a, "%s-%s", adjectives[r[0] % COUNT_OF(adjectives)], nouns[r[1] % COUNT_OF(nouns)]);
        int64_t taken = 0;
        TRY(sql_int(db, &taken, "SELECT count(*) FROM deployment WHERE org = ?1 AND name = ?2", V(org), V(name)));
        *ret = name;
        if (!taken)
            return OK;
    }
    *ret = arena_fmt(a, "%s-%.8s", *ret, id_new(a) + 28); /* many deployments: a random end makes it unique */
    return OK;
}
