/* The road from every released schema to today's: how to add a step is told in docs/howto.md. A row that was released never
 * changes. */
#include "api/schema.h"
#include "app/annotation/annotation.h"

const struct migration migrations[] = {
    { 1, "the first release" },
    { 2, "the database says its version by a number", "ALTER TABLE schema_of ADD COLUMN version INTEGER NOT NULL DEFAULT 1" },
    { 3, "a prediction keeps the custom metadata that came with its image",
      "ALTER TABLE predicted_asset ADD COLUMN custom_metadata TEXT" },
    { 4, "jobs run in named lanes, and count their tries anew when they came further",
      "DROP INDEX job_waiting;"
      "ALTER TABLE job ADD COLUMN lane TEXT NOT NULL DEFAULT 'quick';"
      "ALTER TABLE job ADD COLUMN furthest REAL NOT NULL DEFAULT 0;"
      "UPDATE job SET lane = CASE kind WHEN 'train' THEN 'training' WHEN 'import_annotations' THEN 'files' ELSE 'quick' END;"
      "ALTER TABLE job DROP COLUMN slow;"
      "CREATE INDEX job_waiting ON job (lane, created_at) WHERE status IN ('PENDING', 'RUNNING')" },
    { 5, "imports write annotations in short steps and show them at once", .run = batch_migrate, .rebuilds = true },
    { 6, "large things are deleted at once for everybody, and emptied later",
      "CREATE TABLE gone (id TEXT PRIMARY KEY, within TEXT NOT NULL) STRICT, WITHOUT ROWID" },
    { 7, "a new label asks for the last position of its version only",
      "CREATE INDEX label_of_version ON label (dataset_version_id, position)" },
    { 0 },
};
