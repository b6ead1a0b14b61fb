/*
 * model.h - one row of a table, checked as pydantic 2 does it.
 *
 * Numbers in strings become numbers, 1.0 becomes 1 where an int is wanted;
 * numbers keep their digits otherwise.  Fields that the table does not have
 * are dropped and counted.
 */
#ifndef API_MODEL_H
#define API_MODEL_H

#include "api/api.h"
#include "json/json.h"

struct model_result {
    size_t faults;  /* 0: the row is good */
    size_t dropped; /* fields that were left out */
};

/*
 * Check `body`, an object: the row is appended to `row` as compact JSON in
 * the table's order, and each fault to `detail` as one JSON object, with
 * commas between them.  -1 only when memory is short.
 */
int model_check(const struct api_model *m, yyjson_val *body, struct buf *row,
                struct buf *detail, struct model_result *ret,
                struct err *e) MUST_USE;

/* One fault {"type","loc":["body"(,field)],"msg","input"}; input may be NULL
 * for null.  field may be empty; where is "body" or "query". */
struct model_fault {
    const char *type, *words;
    const char *where;
    struct slice field;
    yyjson_val *input;
};
int model_fault(struct buf *detail, const struct model_fault *f,
                struct err *e) MUST_USE;

#endif
