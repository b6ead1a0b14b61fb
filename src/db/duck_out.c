#include "db/duck_out_int.h"

/* XX(DuckDB's type, ours): the ones that need no more thought. */
#define PLAIN_MAP(XX)           \
    XX(SQLNULL, INT32)          \
    XX(BOOLEAN, BOOL)           \
    XX(TINYINT, INT32)          \
    XX(SMALLINT, INT32)         \
    XX(INTEGER, INT32)          \
    XX(UTINYINT, INT32)         \
    XX(USMALLINT, INT32)        \
    XX(BIGINT, INT64)           \
    XX(UINTEGER, INT64)         \
    XX(UBIGINT, INT64)          \
    XX(HUGEINT, INT64)          \
    XX(FLOAT, DOUBLE)           \
    XX(DOUBLE, DOUBLE)          \
    XX(VARCHAR, TEXT)           \
    XX(DATE, TEXT)              \
    XX(TIMESTAMP, TIMESTAMP)    \
    XX(TIMESTAMP_S, TIMESTAMP)  \
    XX(TIMESTAMP_MS, TIMESTAMP) \
    XX(TIMESTAMP_NS, TIMESTAMP) \
    XX(TIMESTAMP_TZ, TIMESTAMP)

static bool plain_type(duckdb_type from, enum duck_type *ret)
{
    static const struct {
        duckdb_type from;
        enum duck_type to;
    } plain[] = {
#define XX(from, to) {DUCKDB_TYPE_##from, DUCK_##to},
        PLAIN_MAP(XX)
#undef XX
    };

    for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
        if (plain[i].from == from) {
            *ret = plain[i].to;
            return true;
        }
    }
    return false;
}

static duckdb_type child_id(const struct duck_api *api, duckdb_logical_type t)
{
    duckdb_type id = api->get_type_id(t);

    api->destroy_logical_type(&t);
    return id;
}

static bool list_type(const struct duck_api *api, struct duck_out *o)
{
    o->inner = child_id(api, api->list_type_child_type(o->logical));
    switch ((int)o->inner) {
    case DUCKDB_TYPE_VARCHAR:
        o->c.type = DUCK_TEXT_LIST;
        return true;
    case DUCKDB_TYPE_DOUBLE:
    case DUCKDB_TYPE_FLOAT:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
        o->c.type = DUCK_DOUBLE_LIST;
        return true;
    default:
        return false;
    }
}

static bool point_type(const struct duck_api *api, struct duck_out *o)
{
    if (api->struct_type_child_count(o->logical) != 2) {
        return false;
    }
    for (idx_t i = 0; i < 2; i++) {
        if (child_id(api, api->struct_type_child_type(o->logical, i)) !=
            DUCKDB_TYPE_DOUBLE) {
            return false;
        }
        o->field[i] = api->struct_type_child_name(o->logical, i);
        o->c.fields[i] = o->field[i];
    }
    o->c.type = DUCK_POINT;
    return true;
}

bool duck_out_find_type(const struct duck_api *api, struct duck_out *o)
{
    o->from = api->get_type_id(o->logical);
    if (plain_type(o->from, &o->c.type)) {
        return true;
    }
    switch ((int)o->from) {
    case DUCKDB_TYPE_DECIMAL:
        o->inner = api->decimal_internal_type(o->logical);
        o->scale = api->decimal_scale(o->logical);
        o->c.type = o->scale == 0 ? DUCK_INT64 : DUCK_DOUBLE;
        return true;
    case DUCKDB_TYPE_ENUM:
        o->inner = api->enum_internal_type(o->logical);
        o->c.type = DUCK_TEXT;
        return true;
    case DUCKDB_TYPE_LIST:
        return list_type(api, o);
    case DUCKDB_TYPE_STRUCT:
        return point_type(api, o);
    default:
        return false;
    }
}
