#include "api/model.h"

#include <math.h>
#include <string.h>

#include "core/num.h"

static const struct api_field pin_fields[] = {
    {"category", API_TEXT, false},          {"index", API_INT, false},
    {"unique_id", API_TEXT, false},         {"title", API_TEXT, false},
    {"description", API_TEXT, false},       {"poster_name", API_TEXT, true},
    {"follower_count", API_TEXT, false},    {"tag_list", API_TEXT, false},
    {"is_image_or_video", API_TEXT, false}, {"image_src", API_TEXT, false},
    {"downloaded", API_INT, false},         {"save_location", API_TEXT, false},
};

static const struct api_field geo_fields[] = {
    {"ind", API_INT, false},        {"timestamp", API_TEXT, false},
    {"latitude", API_FLOAT, false}, {"longitude", API_FLOAT, false},
    {"country", API_TEXT, false},
};

static const struct api_field user_fields[] = {
    {"ind", API_INT, false},          {"first_name", API_TEXT, false},
    {"last_name", API_TEXT, false},   {"age", API_INT, false},
    {"date_joined", API_TEXT, false},
};

static const struct api_model models[] = {
    {"pin", "pin", pin_fields, ARRAY_LEN(pin_fields)},
    {"geo", "geo", geo_fields, ARRAY_LEN(geo_fields)},
    {"user", "user", user_fields, ARRAY_LEN(user_fields)},
};

const struct api_model *api_models(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(models);
    return models;
}

int model_fault(struct buf *detail, const struct model_fault *f, struct err *e)
{
    if ((detail->len > 0 && buf_putc(detail, ',', e) != 0) ||
        buf_putf(detail, e, "{\"type\":\"%s\",\"loc\":[\"%s\"", f->type,
                 f->where) != 0) {
        return -1;
    }
    if (f->field.len > 0 && (buf_putc(detail, ',', e) != 0 ||
                             json_print_text(detail, f->field, e) != 0)) {
        return -1;
    }
    if (buf_putf(detail, e, "],\"msg\":\"%s\",\"input\":", f->words) != 0 ||
        (f->input == NULL ? buf_puts(detail, "null", e)
                          : json_print(detail, f->input, 0, e)) != 0) {
        return -1;
    }
    return buf_putc(detail, '}', e);
}

enum verdict {
    GOOD,
    BAD_TYPE,
    BAD_TEXT,
    FRACTION,
    NOT_FINITE,
};

struct words {
    const char *type, *words;
};

static const struct words faults[][5] = {
    [API_INT] = {[BAD_TYPE] = {"int_type", "Input should be a valid integer"},
                 [BAD_TEXT] = {"int_parsing",
                               "Input should be a valid integer, unable to "
                               "parse string as an integer"},
                 [FRACTION] = {"int_from_float",
                               "Input should be a valid integer, got a number "
                               "with a fractional part"},
                 [NOT_FINITE] = {"finite_number",
                                 "Input should be a finite number"}},
    [API_FLOAT] = {[BAD_TYPE] = {"float_type",
                                 "Input should be a valid number"},
                   [BAD_TEXT] = {"float_parsing",
                                 "Input should be a valid number, unable to "
                                 "parse string as a number"},
                   [NOT_FINITE] = {"finite_number",
                                   "Input should be a finite number"}},
    [API_TEXT] = {[BAD_TYPE] = {"string_type",
                                "Input should be a valid string"}},
};

/* The text of a string or of a raw number. */
static struct slice text_of(yyjson_val *v)
{
    return (struct slice){yyjson_is_raw(v) ? yyjson_get_raw(v)
                                           : yyjson_get_str(v),
                          yyjson_get_len(v)};
}

/* Digits, with an underline between two digits at most, to out (as long as
 * s); false when s is anything else. */
static bool plain_digits(struct slice s, char *out, size_t *ret_len)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '_') {
            if (i == 0 || i + 1 == s.len || s.ptr[i - 1] == '_') {
                return false;
            }
        } else if (s.ptr[i] < '0' || s.ptr[i] > '9') {
            return false;
        } else if (n > 0 || s.ptr[i] != '0') {
            out[n++] = s.ptr[i];
        }
    }
    if (n == 0 && s.len > 0) {
        out[n++] = '0';
    }
    *ret_len = n;
    return s.len > 0;
}

static enum verdict put_int_text(struct buf *row, struct slice s, struct err *e)
{
    bool minus;
    size_t n = 0;
    char *out;

    s = slice_trim(s);
    minus = s.len > 0 && s.ptr[0] == '-';
    if (s.len > 0 && (minus || s.ptr[0] == '+')) {
        s = slice_from(s, 1);
    }
    for (size_t dot = 0; dot + 1 < s.len; dot++) { /* "1.00" is 1 */
        if (s.ptr[dot] == '.' && dot > 0 &&
            strspn(s.ptr + dot + 1, "0") >= s.len - dot - 1) {
            s.len = dot;
        }
    }
    if (s.len > 4300 || buf_reserve(row, s.len + 1, e) != 0) {
        return BAD_TEXT;
    }
    out = row->ptr + row->len;
    if (!plain_digits(s, out + 1, &n)) {
        return BAD_TEXT;
    }
    if (minus && out[1] != '0') {
        out[0] = '-';
        row->len += n + 1;
    } else {
        memmove(out, out + 1, n);
        row->len += n;
    }
    return GOOD;
}

static enum verdict put_int(struct buf *row, yyjson_val *v, struct err *e)
{
    struct slice s;
    double d;

    if (yyjson_is_bool(v)) {
        return buf_putc(row, yyjson_is_true(v) ? '1' : '0', e) == 0 ? GOOD
                                                                    : BAD_TEXT;
    }
    if (!yyjson_is_raw(v) && !yyjson_is_str(v)) {
        return BAD_TYPE;
    }
    s = text_of(v);
    if (yyjson_is_str(v) || (memchr(s.ptr, '.', s.len) == NULL &&
                             memchr(s.ptr, 'e', s.len) == NULL &&
                             memchr(s.ptr, 'E', s.len) == NULL)) {
        return put_int_text(row, s, e);
    }
    if (!num_double(s, &d)) {
        return NOT_FINITE;
    }
    if (d != floor(d) || fabs(d) >= 9007199254740992.0) {
        return FRACTION;
    }
    return buf_putf(row, e, "%lld", (long long)d) == 0 ? GOOD : BAD_TEXT;
}

static enum verdict put_float(struct buf *row, yyjson_val *v, struct err *e)
{
    struct slice s;
    double d;

    if (yyjson_is_bool(v)) {
        return buf_puts(row, yyjson_is_true(v) ? "1.0" : "0.0", e) == 0
                   ? GOOD
                   : BAD_TEXT;
    }
    if (yyjson_is_raw(v)) {
        s = text_of(v);
        return !num_double(s, &d)           ? NOT_FINITE
               : buf_append(row, s, e) == 0 ? GOOD
                                            : BAD_TEXT;
    }
    if (!yyjson_is_str(v)) {
        return BAD_TYPE;
    }
    s = slice_trim(text_of(v));
    if (!num_double(s, &d)) {
        return BAD_TEXT;
    }
    return json_print_double(row, d, e) == 0 ? GOOD : BAD_TEXT;
}

static enum verdict put_value(struct buf *row, const struct api_field *f,
                              yyjson_val *v, struct err *e)
{
    if (f->optional && yyjson_is_null(v)) {
        return buf_puts(row, "null", e) == 0 ? GOOD : BAD_TEXT;
    }
    if (f->type == API_INT) {
        return put_int(row, v, e);
    }
    if (f->type == API_FLOAT) {
        return put_float(row, v, e);
    }
    if (f->type == API_TEXT && !yyjson_is_str(v)) {
        return BAD_TYPE;
    }
    return json_print(row, v, 0, e) == 0 ? GOOD : BAD_TEXT;
}

/* The last member of that name, as Python keeps it; *n counts them all. */
static yyjson_val *last(yyjson_val *o, struct slice name, size_t *n)
{
    yyjson_obj_iter it = yyjson_obj_iter_with(o);
    yyjson_val *found = NULL;
    yyjson_val *key;

    while ((key = yyjson_obj_iter_next(&it)) != NULL) {
        if (yyjson_equals_strn(key, name.ptr, name.len)) {
            found = yyjson_obj_iter_get_val(key);
            (*n)++;
        }
    }
    return found;
}

static int put_name(struct buf *row, struct slice name, struct err *e)
{
    return buf_puts(row, row->len > 1 ? ",\"" : "\"", e) != 0 ||
                   buf_append(row, name, e) != 0 || buf_puts(row, "\":", e) != 0
               ? -1
               : 0;
}

static int check_field(const struct api_field *f, yyjson_val *body,
                       struct buf *row, struct buf *detail,
                       struct model_result *res, struct err *e)
{
    struct slice name = slice_of(f->name);
    size_t members = 0;
    yyjson_val *v = last(body, name, &members);
    struct model_fault fault = {.where = "body", .field = name, .input = v};
    struct err why = {.code = ERR_NONE};
    size_t before = row->len;
    enum verdict verdict;

    res->dropped -= members;
    if (v == NULL) {
        if (f->optional) {
            return 0;
        }
        fault.type = "missing";
        fault.words = "Field required";
        fault.input = body;
        res->faults++;
        return model_fault(detail, &fault, e);
    }
    if (put_name(row, name, e) != 0) {
        return -1;
    }
    verdict = put_value(row, f, v, &why);
    if (why.code == ERR_NOMEM) {
        return err_set(e, ERR_NOMEM, "%s", why.msg);
    }
    if (verdict == GOOD) {
        return 0;
    }
    row->len = before;
    res->faults++;
    fault.type = faults[f->type][verdict].type;
    fault.words = faults[f->type][verdict].words;
    return model_fault(detail, &fault, e);
}

int model_check(const struct api_model *m, yyjson_val *body, struct buf *row,
                struct buf *detail, struct model_result *ret, struct err *e)
{
    struct model_result res = {.dropped = yyjson_obj_size(body)};

    buf_clear(row);
    if (buf_putc(row, '{', e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < m->n_fields; i++) {
        if (check_field(&m->fields[i], body, row, detail, &res, e) != 0) {
            return -1;
        }
    }
    if (buf_putc(row, '}', e) != 0) {
        return -1;
    }
    *ret = res;
    return 0;
}
