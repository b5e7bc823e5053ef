/* The road from every released schema to today's: how to add a step is told in docs/howto.md. A row that was released never
 * changes. */
#include "api/schema.h"

const struct migration migrations[] = {
    { 1, "the first release" },
    { 2, "the database says its version by a number", "ALTER TABLE schema_of ADD COLUMN version INTEGER NOT NULL DEFAULT 1" },
    { 3, "a prediction keeps the custom metadata that came with its image",
      "ALTER TABLE predicted_asset ADD COLUMN custom_metadata TEXT" },
    { 0 },
};
