/* openapi.c - GET /openapi.json and GET /docs, from the table of routes. */
#include <stdio.h>
#include <string.h>

#include "api/api_int.h"
#include "core/embed.h"
#include "json/json.h"

extern const struct embed_file api_web[];

enum {
    DOC_MAX = 4 << 20,
    NAME_MAX_LEN = 120,
};

#define PLACE "@DATA@"

/* What is being written; the first failure ends all writing. */
struct doc {
    struct api *a;
    struct buf *b;
    struct err *e;
    yyjson_val *root; /* web/shapes.json */
    bool failed;
};

static void put(struct doc *d, const char *text)
{
    d->failed = d->failed || buf_puts(d->b, text, d->e) != 0;
}

static void put_text(struct doc *d, struct slice text)
{
    d->failed = d->failed || json_print_text(d->b, text, d->e) != 0;
}

static void put_value(struct doc *d, yyjson_val *v)
{
    d->failed = d->failed || json_print(d->b, v, 0, d->e) != 0;
}

/* "key": */
static void put_key(struct doc *d, struct slice key)
{
    put_text(d, key);
    put(d, ":");
}

/* A comma, unless it is the first. */
static void next(struct doc *d, bool *first)
{
    put(d, *first ? "" : ",");
    *first = false;
}

static yyjson_val *look(struct doc *d, const char *part, struct slice name)
{
    return yyjson_obj_getn(yyjson_obj_get(d->root, part), name.ptr, name.len);
}

/* ---- schemas of tables ---- */

static void put_field(struct doc *d, const struct api_field *f)
{
    static const char *const types[] = {
        [API_INT] = "\"integer\"",
        [API_FLOAT] = "\"number\"",
        [API_TEXT] = "\"string\"",
        [API_ANY] = NULL,
    };

    put_key(d, slice_of(f->name));
    if (types[f->type] == NULL) {
        put(d, "{}");
        return;
    }
    put(d, "{\"type\":");
    put(d, f->optional ? "[" : "");
    put(d, types[f->type]);
    put(d, f->optional ? ",\"null\"]}" : "}");
}

static void put_model(struct doc *d, const struct api_model *m)
{
    bool first = true;

    put(d, "{\"type\":\"object\",\"properties\":{");
    for (size_t i = 0; i < m->n_fields; i++) {
        next(d, &first);
        put_field(d, &m->fields[i]);
    }
    put(d, "},\"required\":[");
    first = true;
    for (size_t i = 0; i < m->n_fields; i++) {
        if (!m->fields[i].optional) {
            next(d, &first);
            put_text(d, slice_of(m->fields[i].name));
        }
    }
    put(d, "]}");
}

static void put_example(struct doc *d, const struct api_model *m)
{
    static const char *const values[] = {
        [API_INT] = "7528",
        [API_FLOAT] = "0.5",
        [API_TEXT] = "\"text\"",
        [API_ANY] = "\"any\"",
    };
    bool first = true;

    put(d, "{");
    for (size_t i = 0; i < m->n_fields; i++) {
        next(d, &first);
        put_key(d, slice_of(m->fields[i].name));
        put(d, values[m->fields[i].type]);
    }
    put(d, "}");
}

/* ---- one operation ---- */

/* One route, under the name of a table where its pattern asks for one. */
struct op {
    const struct route *route;
    const struct api_model *model;
    const char *path;
};

static void put_type(struct doc *d, const struct op *op, struct slice type,
                     struct slice shape)
{
    yyjson_val *example = yyjson_obj_get(look(d, "shapes", shape), "example");
    bool row = op->model != NULL && slice_is(shape, "{model}");

    put_key(d, type);
    put(d, "{\"schema\":{\"$ref\":\"#/components/schemas/");
    put(d, row ? op->model->name : shape.ptr);
    put(d, "\"}");
    if (example != NULL) {
        put(d, ",\"example\":");
        put_value(d, example);
    } else if (row) {
        put(d, ",\"example\":");
        put_example(d, op->model);
    }
    put(d, "}");
}

/* "content":{...} of a shape; part is "shapes" or "errors". */
static void put_content(struct doc *d, const struct op *op, const char *part,
                        const char *shape)
{
    yyjson_val *types = yyjson_obj_get(look(d, part, slice_of(shape)), "types");
    bool first = true;

    put(d, "\"content\":{");
    for (size_t i = 0; i < yyjson_arr_size(types); i++) {
        next(d, &first);
        put_type(d, op, slice_of(yyjson_get_str(yyjson_arr_get(types, i))),
                 slice_of(shape));
    }
    if (first) { /* a row of a table */
        put_type(d, op, SLICE(MEDIA_JSON), slice_of(shape));
    }
    put(d, "}");
}

static void put_parameter(struct doc *d, struct slice name, const char *in,
                          bool required)
{
    yyjson_val *known = look(d, "parameters", name);
    yyjson_obj_iter it = yyjson_obj_iter_with(known);
    yyjson_val *key;

    put(d, "{\"name\":");
    put_text(d, name);
    put(d, ",\"in\":\"");
    put(d, in);
    put(d, required ? "\",\"required\":true" : "\"");
    if (known == NULL) {
        put(d, ",\"schema\":{\"type\":\"string\"}");
    }
    while ((key = yyjson_obj_iter_next(&it)) != NULL) {
        put(d, ",");
        put_value(d, key);
        put(d, ":");
        put_value(d, yyjson_obj_iter_get_val(key));
    }
    put(d, "}");
}

static void put_parameters(struct doc *d, const struct op *op)
{
    struct slice path = slice_of(op->path);
    struct slice query =
        slice_of(op->route->query != NULL ? op->route->query : "");
    struct slice head;
    bool first = true;

    put(d, "\"parameters\":[");
    while (slice_cut(&path, '{', &head)) {
        (void)slice_cut(&path, '}', &head);
        next(d, &first);
        put_parameter(d, head, "path", true);
    }
    while (query.len > 0) {
        bool must;

        (void)slice_cut(&query, ' ', &head);
        must = slice_ends(head, SLICE("!"));
        head.len -= must ? 1 : 0;
        next(d, &first);
        put_parameter(d, head,
                      head.ptr[0] >= 'A' && head.ptr[0] <= 'Z' ? "header"
                                                               : "query",
                      must);
    }
    put(d, "],");
}

static const char *error_of(enum family f)
{
    switch (f) {
    case FAMILY_FASTAPI:
        return "ValidationError";
    case FAMILY_GATEWAY:
        return "GatewayError";
    case FAMILY_KINESIS:
        return "KinesisError";
    case FAMILY_KAFKA:
        return "KafkaError";
    case FAMILY_DATABRICKS:
        return "DatabricksError";
    case FAMILY_PLAIN:
        break;
    }
    return "PlainError";
}

/* The status of `gives`; *ret_shape is NULL where there is no body. */
static struct slice status_of(const char *gives, const char **ret_shape)
{
    *ret_shape = gives;
    if (gives == NULL || gives[0] < '0' || gives[0] > '9') {
        return SLICE("200");
    }
    *ret_shape = gives[3] == '\0' ? NULL : gives + 4;
    return (struct slice){gives, 3};
}

static void put_responses(struct doc *d, const struct op *op)
{
    const char *error = error_of(op->route->family);
    const char *shape;
    struct slice status = status_of(op->route->gives, &shape);
    yyjson_val *words =
        yyjson_obj_get(look(d, "errors", slice_of(error)), "description");

    put(d, "\"responses\":{");
    put_key(d, status);
    put(d, "{\"description\":\"Done.\"");
    if (shape != NULL) {
        put(d, ",");
        put_content(d, op, "shapes", shape);
    }
    put(d, "},\"default\":{\"description\":");
    put_value(d, words);
    put(d, ",");
    put_content(d, &(struct op){.route = op->route, .path = op->path}, "errors",
                error);
    put(d, "}}");
}

/* "get_topics_topic" */
static void put_id(struct doc *d, const char *method, const char *path)
{
    put(d, "\"operationId\":\"");
    put(d, method);
    for (bool word = false; *path != '\0'; path++) {
        bool letter = (*path >= 'a' && *path <= 'z') ||
                      (*path >= 'A' && *path <= 'Z') ||
                      (*path >= '0' && *path <= '9');

        if (letter) {
            char text[3] = {'_', *path, '\0'};

            put(d, word ? text + 1 : text);
        }
        word = letter;
    }
    put(d, "\",");
}

static void put_op(struct doc *d, const struct op *op)
{
    static const char *const names[] = {
        [HTTP_GET] = "get",         [HTTP_HEAD] = "head",
        [HTTP_POST] = "post",       [HTTP_PUT] = "put",
        [HTTP_DELETE] = "delete",   [HTTP_PATCH] = "patch",
        [HTTP_OPTIONS] = "options",
    };
    const struct route *r = op->route;

    put_key(d, slice_of(names[r->method]));
    put(d, "{\"tags\":[");
    put_text(d, slice_of(r->tag));
    put(d, "],\"summary\":");
    put_text(d, slice_of(r->summary));
    put(d, ",");
    put_id(d, names[r->method], op->path);
    put_parameters(d, op);
    if (r->takes != NULL) {
        put(d, "\"requestBody\":{\"required\":true,");
        put_content(d, op, "shapes", r->takes);
        put(d, "},");
    }
    if ((r->flags & ROUTE_OPEN) != 0 ||
        ((r->flags & ROUTE_METRICS) != 0 && d->a->conf.open_metrics)) {
        put(d, "\"security\":[],");
    }
    put_responses(d, op);
    put(d, "}");
}

/* ---- the document ---- */

static bool shown(const struct api *a, const struct route *r)
{
    return (r->flags & a->router.without) == 0;
}

/* Every method of the path of row i. */
static void put_path(struct doc *d, size_t i, const struct api_model *m)
{
    char path[NAME_MAX_LEN * 2];
    bool first = true;

    (void)snprintf(path, sizeof(path), "%s", api_routes[i].pattern);
    if (m != NULL) {
        (void)snprintf(path, sizeof(path), "/%s/", m->name);
    }
    put_key(d, slice_of(path));
    put(d, "{");
    for (size_t k = i; k < api_n_routes; k++) {
        if (shown(d->a, &api_routes[k]) &&
            strcmp(api_routes[k].pattern, api_routes[i].pattern) == 0) {
            next(d, &first);
            put_op(d, &(struct op){&api_routes[k], m, path});
        }
    }
    put(d, "}");
}

static bool is_repeated(size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (strcmp(api_routes[k].pattern, api_routes[i].pattern) == 0) {
            return true;
        }
    }
    return false;
}

static void put_paths(struct doc *d)
{
    bool first = true;

    for (size_t i = 0; i < api_n_routes; i++) {
        bool models = strstr(api_routes[i].pattern, "{model}") != NULL;

        for (size_t k = 0; models && k < d->a->conf.n_models; k++) {
            next(d, &first);
            put_path(d, i, &d->a->conf.models[k]);
        }
        if (!models && shown(d->a, &api_routes[i]) && !is_repeated(i)) {
            next(d, &first);
            put_path(d, i, NULL);
        }
    }
}

static void put_schemas(struct doc *d, const char *part, bool *first)
{
    yyjson_obj_iter it = yyjson_obj_iter_with(yyjson_obj_get(d->root, part));
    yyjson_val *key;

    while ((key = yyjson_obj_iter_next(&it)) != NULL) {
        next(d, first);
        put_value(d, key);
        put(d, ":");
        put_value(d, yyjson_obj_get(yyjson_obj_iter_get_val(key), "schema"));
    }
}

static void put_components(struct doc *d)
{
    bool first = true;

    put(d, "\"components\":{");
    if (d->a->auth.n > 0) {
        put(d, "\"securitySchemes\":{\"bearer\":{\"type\":\"http\","
               "\"scheme\":\"bearer\"}},");
    }
    put(d, "\"schemas\":{");
    put_schemas(d, "errors", &first);
    put_schemas(d, "shapes", &first);
    for (size_t i = 0; i < d->a->conf.n_models; i++) {
        next(d, &first);
        put_key(d, slice_of(d->a->conf.models[i].name));
        put_model(d, &d->a->conf.models[i]);
    }
    put(d, "}}");
}

static int print_doc(struct api *a, struct buf *b, struct err *e)
{
    struct doc d = {.a = a, .b = b, .e = e};
    struct json_doc shapes;
    struct slice text = {NULL, 0};

    (void)embed_find(api_web, "shapes.json", &text);
    if (json_parse(&shapes, text, 0, NULL, e) != 0) {
        return -1;
    }
    d.root = shapes.root;
    put(&d, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"pinline\","
            "\"version\":\"" PINLINE_VERSION "\",\"description\":");
    put_value(&d, yyjson_obj_get(d.root, "info"));
    put(&d, "},\"tags\":");
    put_value(&d, yyjson_obj_get(d.root, "tags"));
    put(&d, a->auth.n > 0 ? ",\"security\":[{\"bearer\":[]}]" : "");
    put(&d, ",\"paths\":{");
    put_paths(&d);
    put(&d, "},");
    put_components(&d);
    put(&d, "}");
    json_release(&shapes);
    return d.failed ? -1 : 0;
}

void api_openapi(struct api *a, struct http_request *r)
{
    struct err e = {.code = ERR_NONE};

    if (print_doc(a, answer_begin(r, 200, MEDIA_JSON), &e) != 0) {
        answer_err(r, FAMILY_PLAIN, &e);
    }
}

/* '<' cannot end the element that the text is put into. */
static int put_safe(struct buf *b, struct slice text, struct err *e)
{
    struct slice part;
    bool more = true;

    while (more) {
        more = slice_cut(&text, '<', &part);
        if (buf_append(b, part, e) != 0 ||
            (more && buf_puts(b, "\\u003c", e) != 0)) {
            return -1;
        }
    }
    return 0;
}

void api_docs(struct api *a, struct http_request *r)
{
    struct err e = {.code = ERR_NONE};
    struct slice page = {NULL, 0};
    struct slice place = SLICE(PLACE);
    const char *at;
    struct buf doc;
    struct buf *b;
    size_t head;

    buf_init(&doc, DOC_MAX);
    (void)embed_find(api_web, "docs.html", &page);
    at = page.ptr == NULL ? NULL : strstr(page.ptr, PLACE);
    head = at == NULL ? page.len : (size_t)(at - page.ptr);
    b = answer_begin(r, 200, "text/html; charset=utf-8");
    if (print_doc(a, &doc, &e) != 0 ||
        buf_append(b, (struct slice){page.ptr, head}, &e) != 0 ||
        put_safe(b, buf_slice(&doc), &e) != 0 ||
        (at != NULL &&
         buf_append(b, slice_from(page, head + place.len), &e) != 0)) {
        answer_err(r, FAMILY_PLAIN, &e);
    }
    buf_release(&doc);
}
