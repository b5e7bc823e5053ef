/* Answers that handlers of several areas write. */
#include "api/resource.h"

#define OF(name_, says, ...)                                                                                                       \
    static const struct field name_##_fields[] = { __VA_ARGS__ };                                                                  \
    const struct resource name_ = { .name = says, .fields = name_##_fields, .n_fields = COUNT_OF(name_##_fields) };

OF(count_answer, "count", { "count", T_INT })
OF(id_answer, "id", { "*", T_ID })
OF(link_answer, "link", { "presigned_url", T_TEXT })
OF(job_short, "short job", { "id", T_ID }, { "status", T_TEXT })
OF(job_answer, "started job", { "job", T_PART, .of = &job_short })

OF(text_value, "text", { "*", T_TEXT })
OF(number_value, "number", { "*", T_NUMBER })
static const struct field xy_fields[] = { { "x", T_NUMBER }, { "y", T_NUMBER } };
static const struct resource xy = { .name = "coordinates", .fields = xy_fields, .n_fields = 2 };
OF(point_value, "point", { "*", T_TUPLE, .of = &xy })

const struct resource free_answer = { .name = "any object" };
