#include "cli/cli.h"
#include <stddef.h>

const char saccade_version[] = "0.1.0";

const struct command commands[] = {
    { "serve",
      "serve [--data DIR] [--listen ADDR:PORT] [--public-url URL] [--host NAMES] [--quota BYTES] [--first-secrets FILE] "
      "[--log info|quiet|debug]",
      "the server; the first start makes the folder and shows the login once", serve_main },
    { "demo",
      "demo --token T [--host URL] [--images DIR --annotations DIR|FILE] [--steps N] [--image-size N]"
      " [--model FILE [--labels a,b] [--onnx JSON]]",
      "the whole loop against a running server, one line a step", demo_main },
    { "user", "user add|password NAME [--role ROLE] [--data DIR]", "adds a user, or gives a new password", user_main },
    { "token", "token new USER [--data DIR]", "an API token", user_main },
    { "fsck", "fsck [--data DIR]", "reads all that is stored and names what is missing or changed", fsck_main },
    { "train", "train --host URL --token T --experiment ID [--work DIR] [--threads N]", "trains an experiment, here or anywhere",
      train_main },
    { "train", "train --images DIR [--annotations DIR|FILE] [--model NAME] [--set \"steps=400\"]",
      "trains from a folder, without a server; without annotations: of a folder of images for each label", train_main },
    { "evaluate", "evaluate --truth FILE --predictions FILE [--json]", "COCO metrics of detections in a file", evaluate_main },
    { "drift", "drift --samples|--points|--rows FILE", "the statistics of drift monitoring on numbers of one's own", drift_main },
    { "model", "model look FILE [--labels cat,dog] [--type OBJECT_DETECTION] [--onnx JSON] [--json]",
      "what is in an ONNX file: what it is taken for, and what must be told about it", model_main },
    { "model",
      "model describe FILE --images DIR --annotations DIR|FILE [--labels cat,dog] [--type CLASSIFICATION] [--onnx JSON] [--threads "
      "N] [--json]",
      "finds out by some twenty annotated images how an ONNX file must be described", model_main },
    { "generate", "generate --out DIR [--count N] [--seed N]", "made-up images of cells with annotations, to try things out",
      generate_main },
    { "backup", "backup FOLDER [--data DIR]", "a complete copy, also while the server runs", backup_main },
    { "restore", "restore FOLDER [--data DIR]", "makes a data folder from a backup", backup_main },
    { "move", "move --from DIR --to postgres://… | --from postgres://… --to DIR",
      "carries a folder's database over to a PostgreSQL server, or back; no server may run", move_main },
    { "migrate", "migrate [--check] [--data DIR]",
      "brings an older folder to this version, as serve does at its start; --check only "
      "says what would be done",
      migrate_main },
    { "describe", "describe", "prints the description of the API (OpenAPI 3.1)", describe_main },
    { "worker", NULL, NULL, worker_main },
    { "infer", "infer --deployment URL --store DIR [--images DIR|-] [--token T] [--source NAME] [--cap BYTES]",
      "predicts with a deployment's champion on this machine, with or without the server, and delivers what was predicted",
      edge_main },
    { NULL, NULL, NULL, NULL },
};
