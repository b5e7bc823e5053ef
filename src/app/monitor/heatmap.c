/* Where in the image objects are said to be. */
#include "app/deployment/deployment.h"
#include "app/monitor/monitor.h"
#include <math.h>

enum { SIDE = HEATMAP_SIDE };

/* Adds to each cell how much of it the box covers, 0 to 1; what has no area counts where it is. The box is in cells. */
static void cover(double *cells, double x0, double y0, double x1, double y1)
{
    if (x1 < 0 || y1 < 0)
        return;
    x0 = fmax(0, x0), y0 = fmax(0, y0), x1 = fmin(SIDE, x1), y1 = fmin(SIDE, y1);
    bool flat = x1 <= x0 || y1 <= y0;
    for (int y = (int)y0; y < SIDE && (y < y1 || y == (int)y0); y++)
        for (int x = (int)x0; x < SIDE && (x < x1 || x == (int)x0); x++)
            cells[y * SIDE + x] += flat ? 1 : (fmin(x1, x + 1) - fmax(x0, x)) * (fmin(y1, y + 1) - fmax(y0, y));
}

static void write_cells(struct out *o, const double *cells)
{
    out_int(o, "width", SIDE);
    out_int(o, "height", SIDE);
    out_array(o, "values");
    for (int i = 0; i < SIDE * SIDE; i++)
        out_number(o, NULL, round(cells[i] * 1000) / 1000);
    out_end_array(o);
}

/* Of the newest predictions of the range: images differ in size, so that all is told in parts of the image. */
static enum err heatmap(struct op *op)
{
    struct filter f;
    struct picked newest;
    double *cells = arena_new_array(op->arena, double, SIDE *SIDE);
    int64_t shapes = 0;
    TRY(filter_read(op, &f));
    TRY(filter_pick(op, &f, PICK_ALL, HEATMAP_IMAGES, &newest));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT h.x / d.width, h.y / d.height, (h.x + h.w) / d.width, (h.y + h.h) / d.height FROM listed i"
                 " CROSS JOIN predicted_asset a CROSS JOIN prediction p CROSS JOIN data d CROSS JOIN prediction_shape h"
                 " WHERE i.list = ?1 AND a.id = i.value AND p.predicted_asset_id = a.id AND p.is_shadow = ?2 AND d.id = a.data_id"
                 " AND h.prediction_id = p.id AND d.width > 0 AND d.height > 0 AND h.x IS NOT NULL AND (h.label_id = ?3"
                 " OR ?3 IS NULL)",
                 V(newest.ids), V(f.shadow), V(in_text(op, "label_id"))));
    for (; rows_next(r); shapes++)
        cover(cells, rows_real(r, 0) * SIDE, rows_real(r, 1) * SIDE, rows_real(r, 2) * SIDE, rows_real(r, 3) * SIDE);
    TRY(rows_error(r));
    out_object(&op->out, NULL);
    out_int(&op->out, "images", newest.n);
    out_int(&op->out, "shapes", shapes);
    write_cells(&op->out, cells);
    out_end_object(&op->out);
    return OK;
}

static const struct field in[] = { FILTER_IN, { "label_id", T_ID } };

DESCRIBED(heatmap_answer, "heatmap", { "images", T_INT }, { "shapes", T_INT }, { "width", T_INT }, { "height", T_INT },
          { "values", T_ARRAY, .of = &number_value });

static const struct route routes[] = {
    { "GET", "/api/deployment/{id}/heatmap", heatmap, MAY_READ, WORK_READ,
      "where objects are predicted: of each cell of the image, row by row, how many cover it, in the newest thousand images",
      FIELDS(in), .on = &deployment_resource, .answers = &heatmap_answer },
};

const struct resource heatmap_resource = { .name = "heatmap", .routes = routes, .n_routes = COUNT_OF(routes) };
