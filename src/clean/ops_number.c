#include <math.h>

#include "clean/op_int.h"
#include "clean/parse.h"

static struct slice trimmed(yyjson_val *v)
{
    struct slice s = {yyjson_get_str(v), yyjson_get_len(v)};

    return slice_trim(s);
}

/* A JSON number without a fraction that fits. */
static bool json_whole(yyjson_val *j, int64_t min, int64_t max, int64_t *ret)
{
    if (yyjson_is_uint(j)) {
        uint64_t u = yyjson_get_uint(j);

        if (u > (uint64_t)max) {
            return false;
        }
        *ret = (int64_t)u;
        return true;
    }
    if (yyjson_is_sint(j)) {
        *ret = yyjson_get_sint(j);
        return *ret >= min && *ret <= max;
    }
    if (yyjson_is_real(j)) {
        const double two63 = 9223372036854775808.0;
        double d = yyjson_get_real(j);

        if (floor(d) < d || d <= -two63 || d >= two63) {
            return false;
        }
        *ret = (int64_t)d;
        return *ret >= min && *ret <= max;
    }
    return false;
}

static void whole(struct op_value *v, int64_t min, int64_t max)
{
    bool good;

    if (yyjson_is_num(v->json)) {
        good = json_whole(v->json, min, max, &v->i);
    } else if (yyjson_is_str(v->json)) {
        good = parse_int(trimmed(v->json), min, max, &v->i);
    } else {
        v->why = CLEAN_TYPE;
        return;
    }
    if (!good) {
        v->why = CLEAN_VALUE;
    }
}

void ops_number_int(const struct op_part *p, struct op_value *v)
{
    (void)p;
    whole(v, INT32_MIN, INT32_MAX);
}

void ops_number_bigint(const struct op_part *p, struct op_value *v)
{
    (void)p;
    whole(v, INT64_MIN, INT64_MAX);
}

void ops_number_count(const struct op_part *p, struct op_value *v)
{
    int32_t count = 0;
    bool good;

    (void)p;
    if (yyjson_is_str(v->json)) {
        good = parse_count(trimmed(v->json), &count);
        v->i = count;
    } else if (yyjson_is_int(v->json)) {
        good = json_whole(v->json, 0, INT32_MAX, &v->i);
    } else {
        v->why = yyjson_is_real(v->json) ? CLEAN_VALUE : CLEAN_TYPE;
        return;
    }
    if (!good) {
        v->why = CLEAN_VALUE;
    }
}

void ops_number_double(const struct op_part *p, struct op_value *v)
{
    (void)p;
    if (yyjson_is_num(v->json)) {
        v->d = yyjson_get_num(v->json) + 0.0; /* never -0.0 */
    } else if (!yyjson_is_str(v->json)) {
        v->why = CLEAN_TYPE;
    } else if (!parse_double(trimmed(v->json), &v->d)) {
        v->why = CLEAN_VALUE;
    }
}

void ops_number_time(const struct op_part *p, struct op_value *v)
{
    int64_t epoch;
    bool good;

    (void)p;
    if (yyjson_is_str(v->json)) {
        good = parse_time(trimmed(v->json), &v->i);
    } else if (yyjson_is_int(v->json)) {
        good = json_whole(v->json, INT64_MIN, INT64_MAX, &epoch) &&
               parse_epoch(epoch, &v->i);
    } else {
        v->why = yyjson_is_real(v->json) ? CLEAN_VALUE : CLEAN_TYPE;
        return;
    }
    if (!good) {
        v->why = CLEAN_VALUE;
    }
}

void ops_number_range(const struct op_part *p, struct op_value *v)
{
    const struct spec_range *r = &p->col->range[p->index];
    bool real = p->col->type == SPEC_DOUBLE || p->col->type == SPEC_DOUBLES ||
                p->col->type == SPEC_POINT;
    bool inside;

    if (!r->set) {
        return;
    }
    if (real) {
        inside = v->d >= r->low && v->d <= r->high;
    } else {
        inside = v->i >= (int64_t)r->low && v->i <= (int64_t)r->high;
    }
    if (!inside) {
        v->why = CLEAN_RANGE;
    }
}
