#include "clean/op_int.h"

/*
 * Patterns are whole: regexp_full_match in DuckDB, \A...\z in Spark, whose
 * string literals want each backslash twice.  Native casts are only given what
 * a pattern has let through, and TRY_CAST all the same, since an engine may
 * look at rows that a CASE leaves out.
 */
#define D_BLANK    "[\\t\\n\\x0B\\f\\r ]"
#define S_BLANK    "[\\\\t\\\\n\\\\x0B\\\\f\\\\r ]"
#define D_IS(x, p) "regexp_full_match(" x ", '" p "')"
#define S_IS(x, p) x " RLIKE '\\\\A(?:" p ")\\\\z'"

#define P_WHOLE  "[+-]?[0-9]+"
#define P_DIGITS "[0-9]+"
#define P_REAL   "[+-]?[0-9]+([.][0-9]+)?([eE][+-]?[0-9]+)?"
#define P_COUNT(blank) \
    "([0-9]+|[0-9]{1,3}(,[0-9]{3})+)([.][0-9]+)?" blank "*[kKmMbB]?"
#define P_CLOCK "[0-9]{2}:[0-9]{2}:[0-9]{2}"
#define P_ISO                                                \
    "[0-9]{4}-[0-9]{2}-[0-9]{2}([T ]" P_CLOCK "([.][0-9]+)?" \
    "(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
#define P_COLONS   "[0-9]{4}:[0-9]{2}:[0-9]{2} " P_CLOCK
#define P_AMERICAN "[0-9]{2}/[0-9]{2}/[0-9]{4}, " P_CLOCK

/* A JSON number (a double's text) without a fraction, as digits. */
#define D_FLOAT "TRY_CAST({x} AS DOUBLE)"
#define S_FLOAT "CAST({x} AS DOUBLE)"
#define D_WHOLE                                                                     \
    "CASE WHEN {x} IS NULL THEN NULL WHEN {k} = 'int' OR ({k} = 'string' "          \
    "AND " D_IS(                                                                    \
        "{t}",                                                                      \
        P_WHOLE) ") THEN regexp_replace({t}, "                                      \
                 "'^[+]?(-?)0*([0-9])', '\\1\\2') WHEN {k} = 'number' AND " D_FLOAT \
                 " = floor(" D_FLOAT ") AND abs(" D_FLOAT                           \
                 ") < 9223372036854775808.0 "                                       \
                 "THEN CAST(TRY_CAST(" D_FLOAT " AS BIGINT) AS VARCHAR) END"
#define S_WHOLE                                                                   \
    "CASE WHEN {x} IS NULL THEN NULL WHEN {k} = 'int' OR ({k} = 'string' "        \
    "AND " S_IS(                                                                  \
        "{t}",                                                                    \
        P_WHOLE) ") THEN regexp_replace({t}, "                                    \
                 "'^[+]?(-?)0*([0-9])', '$1$2') WHEN {k} = 'number' AND " S_FLOAT \
                 " = floor(" S_FLOAT ") AND abs(" S_FLOAT                         \
                 ") < 9223372036854775808D "                                      \
                 "THEN CAST(CAST(" S_FLOAT " AS BIGINT) AS STRING) END"

/* Digits, fraction and suffix k, m, b; then digits alone; then the number. */
#define SCALED(zeros)                             \
    " THEN regexp_extract({x}, '^[0-9]+', 0) || " \
    "rpad(regexp_extract({x}, '[.]([0-9]+)', 1), " zeros ", '0')"
#define COUNT_DIGITS                                              \
    "CASE right({x}, 1) WHEN 'k'" SCALED("3") " WHEN 'm'" SCALED( \
        "6") " WHEN 'b'" SCALED("9") " ELSE regexp_extract({x}, '^[0-9]+', 0) END"

/* YYYYMMDDhhmmssffffff+hhmm, or E and an epoch number. */
#define CLOCK_AT(h, m, s) \
    "substr({t}, " h ", 2) || substr({t}, " m ", 2) || substr({t}, " s ", 2)"
#define FRACTION "rpad(regexp_extract({t}, '[.]([0-9]+)', 1), 6, '0')"
#define ZONE                                                            \
    "CASE WHEN regexp_extract({t}, '[+-][0-9]{2}:?[0-9]{2}$', 0) = '' " \
    "THEN '+0000' ELSE replace(regexp_extract({t}, "                    \
    "'[+-][0-9]{2}:?[0-9]{2}$', 0), ':', '') END"
#define DATE_AT(y, m, d) \
    "substr({t}, " y ", 4) || substr({t}, " m ", 2) || substr({t}, " d ", 2)"
#define TIME_FORM(WHOLE, ISO, COLONS, AMERICAN, GROUPS)                           \
    "CASE WHEN {x} IS NULL THEN NULL WHEN {k} = 'int' OR ({k} = 'string' "        \
    "AND " WHOLE ") THEN 'E' || regexp_replace({t}, "                             \
    "'^[+]?(-?)0*([0-9])', '" GROUPS "') WHEN {k} <> 'string' THEN NULL "         \
    "WHEN " ISO " THEN " DATE_AT(                                                 \
        "1", "6",                                                                 \
        "9") " || CASE WHEN length({t}) "                                         \
             "> 10 THEN " CLOCK_AT(                                               \
                 "12", "15",                                                      \
                 "18") " ELSE '000000' END || " FRACTION " || " ZONE              \
                       " WHEN " COLONS                                            \
                       " THEN " DATE_AT("1", "6", "9") " || " CLOCK_AT(           \
                           "12", "15",                                            \
                           "18") " || '000000+0000' WHEN " AMERICAN               \
                                 " THEN " DATE_AT("7", "1", "4") " || " CLOCK_AT( \
                                     "13", "16", "19") " || '000000+0000' END"

#define D_PART(at, n) "TRY_CAST(substr({x}, " at ", " n ") AS BIGINT)"
#define S_PART(at, n) "CAST(substr({x}, " at ", " n ") AS BIGINT)"
#define ISO_DAY \
    "substr({x}, 1, 4) || '-' || substr({x}, 5, 2) || '-' || substr({x}, 7, 2)"
#define D_DAYS \
    "date_diff('day', DATE '1970-01-01', TRY_CAST(" ISO_DAY " AS DATE))"
#define S_DAYS "datediff(CAST(" ISO_DAY " AS DATE), DATE '1970-01-01')"
#define TIME_US(PART, DAYS)                                                                                                                                                        \
    "CASE WHEN {x} IS NULL THEN NULL WHEN substr({x}, 1, 1) = 'E' THEN CASE "                                                                                                      \
    "WHEN length({x}) > 18 THEN NULL WHEN abs(" PART("2", "17") ") < 100000000000 THEN " PART("2", "17") " * 1000000 WHEN abs(" PART("2", "17") ") < 1000000000000000 THEN " PART( \
        "2",                                                                                                                                                                       \
        "17") " * 1000 END WHEN substr({x}, 1, 4) > '0000' AND substr({x}, 9, 2) < "                                                                                               \
              "'24' AND substr({x}, 11, 2) < '60' AND substr({x}, 13, 2) < '60' AND "                                                                                              \
              "substr({x}, 22, 2) < '24' AND substr({x}, 24, 2) < '60' THEN (" DAYS                                                                                                \
              " * CAST(86400 AS BIGINT) + " PART("9", "2") " * 3600 + " PART("11", "2") " * 60 + " PART(                                                                           \
                  "13",                                                                                                                                                            \
                  "2") " - CASE substr({x}, 21, 1) WHEN '-' THEN -1 "                                                                                                              \
                       "ELSE 1 END * (" PART("22", "2") " * 3600 + " PART(                                                                                                         \
                           "24", "2") " * 60)) * 1000000 + " PART("15",                                                                                                            \
                                                                  "6") " END"
#define IN_CALENDAR \
    "CASE WHEN {x} BETWEEN -62135596800000000 AND 253402300799999999 THEN "

#define TEXT_KINDS(NUL, LONG)                                             \
    "CASE WHEN {k} = 'string' AND instr({x}, " NUL ") = 0 THEN {x} WHEN " \
    "{k} = 'int' AND " LONG " IS NOT NULL THEN {x} END"
#define REAL_KINDS(FLOAT, SHAPE, UNSIGNED)                                      \
    "CASE WHEN {x} IS NULL THEN NULL WHEN {k} IN ('int', 'number') THEN " FLOAT \
    " WHEN {k} = 'string' AND " SHAPE " THEN " UNSIGNED " END"
#define REAL_VALUE                              \
    "CASE WHEN {x} = 0 THEN CAST(0 AS DOUBLE) " \
    "WHEN abs({x}) <= 1.7976931348623157e308 THEN {x} END"
#define COUNT_KINDS(DIGITS, SHAPE)                                 \
    "CASE WHEN {x} IS NULL THEN NULL WHEN {k} = 'int' AND " DIGITS \
    " THEN {t} WHEN {k} = 'string' AND " SHAPE                     \
    " THEN lower(replace({t}, ',', '')) END"

/* In the order of enum op_id. */
static const struct op ops[OPS] = {
    {"ascii",
     ops_text_ascii,
     OP_NO_ARGS,
     {"regexp_replace({x}, '[^\\x00-\\x7F]', '', 'g')"},
     {"regexp_replace({x}, '[^\\\\x00-\\\\x7F]', '')"}},
    {"bigint",
     ops_number_bigint,
     OP_NO_ARGS,
     {D_WHOLE, "CASE WHEN length({x}) <= 20 THEN TRY_CAST({x} AS BIGINT) END"},
     {S_WHOLE, "CASE WHEN length({x}) <= 20 THEN CAST({x} AS BIGINT) END"}},
    {"blank",
     ops_text_blank,
     OP_NO_ARGS,
     {"CASE WHEN " D_IS("{x}", D_BLANK "*") " THEN NULL ELSE {x} END"},
     {"CASE WHEN " S_IS("{x}", S_BLANK "*") " THEN NULL ELSE {x} END"}},
    {"count",
     ops_number_count,
     OP_NO_ARGS,
     {COUNT_KINDS(D_IS("{t}", P_DIGITS), D_IS("{t}", P_COUNT(D_BLANK))),
      COUNT_DIGITS,
      "CASE WHEN length(regexp_replace({x}, '^0+', '')) <= 10 THEN "
      "TRY_CAST(regexp_replace({x}, '^0+([0-9])', '\\1') AS INTEGER) END"},
     {COUNT_KINDS(S_IS("{t}", P_DIGITS), S_IS("{t}", P_COUNT(S_BLANK))),
      COUNT_DIGITS,
      "CASE WHEN length(regexp_replace({x}, '^0+', '')) <= 10 THEN "
      "CAST(regexp_replace({x}, '^0+([0-9])', '$1') AS INT) END"}},
    {"double",
     ops_number_double,
     OP_NO_ARGS,
     {REAL_KINDS(D_FLOAT, D_IS("{t}", P_REAL),
                 "TRY_CAST(regexp_replace({t}, '^[+]', '') AS DOUBLE)"),
      REAL_VALUE},
     {REAL_KINDS(S_FLOAT, S_IS("{t}", P_REAL),
                 "CAST(regexp_replace({t}, '^[+]', '') AS DOUBLE)"),
      REAL_VALUE}},
    {"int",
     ops_number_int,
     OP_NO_ARGS,
     {D_WHOLE, "CASE WHEN length({x}) <= 11 THEN TRY_CAST({x} AS INTEGER) END"},
     {S_WHOLE, "CASE WHEN length({x}) <= 11 THEN CAST({x} AS INT) END"}},
    {"join_letters",
     ops_text_join_letters,
     OP_NO_ARGS,
     {"CASE WHEN " D_IS(
         "{x}",
         "(?s).(,.)+") " THEN regexp_replace({x}, '(?s)(.),', '\\1', 'g') ELSE {x} END"},
     {"CASE WHEN " S_IS(
         "{x}",
         "(?s).(,.)+") " THEN regexp_replace({x}, '(?s)(.),', '$1') ELSE {x} END"}},
    {"null",
     ops_text_null,
     OP_TEXTS,
     {"CASE WHEN {k} = 'string' AND {t} IN ({a}) THEN NULL ELSE {x} END"},
     {"CASE WHEN {k} = 'string' AND {t} IN ({a}) THEN NULL ELSE {x} END"}},
    {"range",
     ops_number_range,
     OP_LIMITS,
     {"CASE WHEN {x} BETWEEN {a} THEN {x} END"},
     {"CASE WHEN {x} BETWEEN {a} THEN {x} END"}},
    {"split",
     ops_text_split,
     OP_ITEMS,
     {"string_split({x}, {a})"},
     {"split({x}, concat('[', {a}, ']'), -1)"}},
    {"strip_each",
     ops_text_strip_each,
     OP_SIGN,
     {"regexp_replace({x}, {a}, '\\1', 'g')"},
     {"regexp_replace({x}, {a}, '$1')"}},
    {"strip_prefix",
     ops_text_strip_prefix,
     OP_EACH,
     {"CASE {a} ELSE {x} END",
      "WHEN starts_with({x}, {q}) THEN regexp_replace(substr({x}, "
      "length({q}) + 1), '^" D_BLANK "', '') "},
     {"CASE {a} ELSE {x} END",
      "WHEN startswith({x}, {q}) THEN regexp_replace(substr({x}, "
      "length({q}) + 1), '^" S_BLANK "', '') "}},
    {"text",
     ops_text,
     OP_NO_ARGS,
     {TEXT_KINDS("chr(0)", "TRY_CAST({x} AS BIGINT)")},
     {TEXT_KINDS("char(0)", "CAST({x} AS BIGINT)")}},
    {"timestamp",
     ops_number_time,
     OP_NO_ARGS,
     {TIME_FORM(D_IS("{t}", P_WHOLE), D_IS("{t}", P_ISO), D_IS("{t}", P_COLONS),
                D_IS("{t}", P_AMERICAN), "\\1\\2"),
      TIME_US(D_PART, D_DAYS), IN_CALENDAR "make_timestamp({x}) END"},
     {TIME_FORM(S_IS("{t}", P_WHOLE), S_IS("{t}", P_ISO), S_IS("{t}", P_COLONS),
                S_IS("{t}", P_AMERICAN), "$1$2"),
      TIME_US(S_PART, S_DAYS), IN_CALENDAR "timestamp_micros({x}) END"}},
};

const struct op *op_get(enum op_id id)
{
    return &ops[id];
}

static enum op_id convert(enum spec_type t)
{
    switch (t) {
    case SPEC_INT:
        return OP_INT;
    case SPEC_BIGINT:
        return OP_BIGINT;
    case SPEC_COUNT:
        return OP_COUNT;
    case SPEC_TIMESTAMP:
        return OP_TIMESTAMP;
    case SPEC_DOUBLE:
    case SPEC_DOUBLES:
    case SPEC_POINT:
        return OP_DOUBLE;
    case SPEC_TEXT:
    case SPEC_TEXTS:
    case SPEC_TYPES:
    default:
        return OP_TEXT;
    }
}

/*
 * Placeholders and blanks first, then the conversion.  What is made shorter
 * may become blank, and blank text is never a value: it is looked for again.
 */
size_t op_list(const struct spec_column *c, enum op_id ids[OPS_MAX])
{
    bool text = convert(c->type) == OP_TEXT;
    size_t n = 0, before;

    if (c->nulls.n > 0 && !text) {
        ids[n++] = OP_NULL;
    }
    ids[n++] = convert(c->type);
    if (!text) {
        ids[n++] = OP_RANGE;
        return n;
    }
    if (c->nulls.n > 0) {
        ids[n++] = OP_NULL;
    }
    ids[n++] = OP_BLANK;
    before = n;
    if (c->strip_prefix.n > 0) {
        ids[n++] = OP_STRIP_PREFIX;
    }
    if (c->join_letters) {
        ids[n++] = OP_JOIN_LETTERS;
    }
    if (c->strip_each.len > 0) {
        ids[n++] = OP_STRIP_EACH;
    }
    if (c->ascii) {
        ids[n++] = OP_ASCII;
    }
    if (n > before) {
        ids[n++] = OP_BLANK;
    }
    if (c->type == SPEC_TEXTS) {
        ids[n++] = OP_SPLIT;
    }
    return n;
}
