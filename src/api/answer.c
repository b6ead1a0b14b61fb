#include "api/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/media.h"
#include "core/text.h"
#include "json/json.h"

struct buf *answer_begin(struct http_request *r, int status, const char *type)
{
    r->answer.status = status;
    r->answer.type = type;
    buf_clear(&r->answer.body);
    return &r->answer.body;
}

void answer_broken(struct http_request *r)
{
    (void)answer_begin(r, 500, NULL);
}

void answer_header(struct http_request *r, const char *name, struct slice value)
{
    struct http_answer *a = &r->answer;
    struct slice copy;

    if (a->n_headers < HTTP_HEADERS_MAX &&
        arena_copy(&r->arena, value, &copy, NULL) == 0) {
        a->headers[a->n_headers].name = name;
        a->headers[a->n_headers++].value = copy.ptr;
    }
}

void answer_text(struct http_request *r, int status, const char *type,
                 const char *text)
{
    if (buf_puts(answer_begin(r, status, type), text, NULL) != 0) {
        answer_broken(r);
    }
}

/* Names that clients sent may be in the words, whatever their bytes. */
void answer_utf8(char *text)
{
    size_t bad;

    while (!text_utf8_valid(slice_of(text), &bad)) {
        text[bad] = '?';
    }
}

/* AWS's name of what the other contracts say with a number. */
static const char *kinesis_type(int code)
{
    static const struct {
        int code;
        const char *type;
    } types[] = {
        {400, "SerializationException"},
        {401, "MissingAuthenticationTokenException"},
        {403, "AccessDeniedException"},
        {404, "UnknownOperationException"},
        {405, "UnknownOperationException"},
        {413, "ValidationException"},
        {422, "InvalidArgumentException"},
        {40101, "MissingAuthenticationTokenException"},
        {40301, "AccessDeniedException"},
        {40401, "ResourceNotFoundException"},
        {42901, "ProvisionedThroughputExceededException"},
    };

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].code == code) {
            return types[i].type;
        }
    }
    return "InternalFailure";
}

static bool is_kinesis(enum family f)
{
    return f == FAMILY_KINESIS || f == FAMILY_GATEWAY;
}

static const char *type_of(enum family f)
{
    if (f == FAMILY_KINESIS) {
        return "application/x-amz-json-1.1";
    }
    return f == FAMILY_KAFKA ? MEDIA_KAFKA : MEDIA_JSON;
}

/* Databricks names its errors. */
static const char *databricks_name(int status)
{
    static const struct {
        int status;
        const char *name;
    } names[] = {
        {400, "INVALID_PARAMETER_VALUE"}, {401, "UNAUTHENTICATED"},
        {403, "PERMISSION_DENIED"},       {404, "RESOURCE_DOES_NOT_EXIST"},
        {413, "INVALID_PARAMETER_VALUE"}, {422, "INVALID_PARAMETER_VALUE"},
        {429, "RESOURCE_EXHAUSTED"},      {503, "TEMPORARILY_UNAVAILABLE"},
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i].status == status) {
            return names[i].name;
        }
    }
    return "INTERNAL_ERROR";
}

static int put_named(struct buf *b, int status, const char *text)
{
    return buf_putf(b, NULL, "{\"error_code\":\"%s\",\"message\":",
                    databricks_name(status)) != 0 ||
                   json_print_text(b, slice_of(text), NULL) != 0 ||
                   buf_putc(b, '}', NULL) != 0
               ? -1
               : 0;
}

static int put_error(struct buf *b, enum family f, int code, const char *text)
{
    if (is_kinesis(f)) {
        return buf_putf(b, NULL, "{\"__type\":\"%s\",\"message\":",
                        kinesis_type(code)) != 0 ||
                       json_print_text(b, slice_of(text), NULL) != 0 ||
                       buf_putc(b, '}', NULL) != 0
                   ? -1
                   : 0;
    }
    if (f == FAMILY_FASTAPI) {
        return buf_puts(b, "{\"detail\":", NULL) != 0 ||
                       json_print_text(b, slice_of(text), NULL) != 0 ||
                       buf_putc(b, '}', NULL) != 0
                   ? -1
                   : 0;
    }
    return buf_putf(b, NULL, "{\"error_code\":%d,\"message\":", code) != 0 ||
                   json_print_text(b, slice_of(text), NULL) != 0 ||
                   buf_putc(b, '}', NULL) != 0
               ? -1
               : 0;
}

void answer_error(struct http_request *r, enum family f, int status, int code,
                  const char *fmt, ...)
{
    char text[600];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    answer_utf8(text);
    if (f == FAMILY_DATABRICKS) {
        status = status == 422 ? 400 : status;
        if (put_named(answer_begin(r, status, MEDIA_JSON), status, text) != 0) {
            answer_broken(r);
        }
        return;
    }
    if (is_kinesis(f) && status < 500) {
        status = 400;
    }
    if (put_error(answer_begin(r, status, type_of(f)), f, code, text) != 0) {
        answer_broken(r);
    }
}

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } reasons[] = {
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {406, "Not Acceptable"},
        {413, "Request Entity Too Large"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Entity"},
        {429, "Too Many Requests"},
        {503, "Service Unavailable"},
    };

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (reasons[i].status == status) {
            return reasons[i].text;
        }
    }
    return "Internal Server Error";
}

void answer_status(struct http_request *r, enum family f, int status)
{
    if (f == FAMILY_FASTAPI) {
        answer_error(r, f, status, status, "%s", reason(status));
    } else {
        answer_error(r, f, status, status, "HTTP %d %s", status,
                     reason(status));
    }
}

/* What a code of ours is in the contract (CONTRACTS 1.3). */
static int http_of(enum err_code code, int *ret_code)
{
    static const struct {
        enum err_code code;
        int status, error_code;
    } map[] = {
        {ERR_INVALID, 422, 422},   {ERR_MALFORMED, 400, 400},
        {ERR_LIMIT, 413, 413},     {ERR_NOTFOUND, 404, 40401},
        {ERR_DENIED, 403, 40301},  {ERR_CONFLICT, 422, 422},
        {ERR_BUSY, 429, 42901},    {ERR_FENCED, 503, 50302},
        {ERR_CORRUPT, 500, 50002},
    };

    for (size_t i = 0; i < ARRAY_LEN(map); i++) {
        if (map[i].code == code) {
            *ret_code = map[i].error_code;
            return map[i].status;
        }
    }
    *ret_code = err_retriable(code) ? 50003 : 50002;
    return 500;
}

void answer_err(struct http_request *r, enum family f, const struct err *e)
{
    int code;
    int status = http_of(e->code, &code);

    answer_error(r, f, status, code, "%s", e->msg);
}

void answer_fault(struct http_request *r, enum family f,
                  const struct produce_fault *fault)
{
    answer_error(r, f, fault->status, fault->code, "%s", fault->text);
}

bool answer_accepts(struct http_request *r, enum family f)
{
    struct slice accept;

    if (server_header(r, "Accept", &accept) && !media_accepts(accept)) {
        answer_status(r, f, 406);
        return false;
    }
    return true;
}
