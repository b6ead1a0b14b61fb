#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/fs.h"
#include "core/secret.h"
#include "net/url.h"
#include "store/s3_int.h"

enum {
    FILE_BYTES_MAX = 1 << 16,
    DEFAULT_PART_BYTES = 25 << 20,
    DEFAULT_RETRIES = 5
};

/* Settings that are not set are "". */
static const char *given(const char *text)
{
    return text != NULL && *text != '\0' ? text : NULL;
}

static const char *env(const char *name)
{
    return given(getenv(name));
}

static int keep(struct s3 *s, struct slice text, const char **ret,
                struct err *e)
{
    struct slice copy;

    if (arena_copy(&s->arena, text, &copy, e) < 0) {
        return -1;
    }
    *ret = copy.ptr; /* arena_copy() puts a NUL behind it */
    return 0;
}

/* --- ~/.aws/credentials and ~/.aws/config ----------------------------------------- */

/* The value of a key in a [section]; false when it is not there. */
static bool ini_value(struct slice text, const char *section, const char *key,
                      struct slice *ret)
{
    bool inside = false;

    while (text.len > 0) {
        struct slice line;
        struct slice name;

        (void)slice_cut(&text, '\n', &line);
        line = slice_trim(line);
        if (line.len > 1 && line.ptr[0] == '[') {
            struct slice title = {line.ptr + 1, line.len - 2};

            inside = slice_is(slice_trim(title), section);
            continue;
        }
        if (!inside || line.len == 0 || line.ptr[0] == '#' ||
            line.ptr[0] == ';' || !slice_cut(&line, '=', &name)) {
            continue;
        }
        if (slice_is(slice_trim(name), key)) {
            *ret = slice_trim(line);
            return ret->len > 0;
        }
    }
    return false;
}

/* ~/.aws/NAME, or what the variable says. */
static int aws_path(char path[FS_PATH_MAX], const char *variable,
                    const char *name, bool *ret_any, struct err *e)
{
    const char *set = env(variable);
    const char *home = env("HOME");
    char dir[FS_PATH_MAX];

    *ret_any = false;
    if (set != NULL) {
        if (strlen(set) >= FS_PATH_MAX) {
            return err_set(e, ERR_LIMIT, "%s is too long", variable);
        }
        memcpy(path, set, strlen(set) + 1);
    } else if (home == NULL) {
        return 0;
    } else if (fs_join(dir, home, ".aws", e) < 0 ||
               fs_join(path, dir, name, e) < 0) {
        return -1;
    }
    *ret_any = fs_exists(path);
    return 0;
}

struct wanted {
    const char *key;
    const char **field; /* filled when NULL */
};

static int from_text(struct s3 *s, struct slice text, const char *section,
                     const struct wanted *wanted, struct err *e)
{
    for (; wanted->key != NULL; wanted++) {
        struct slice value;

        if (*wanted->field == NULL &&
            ini_value(text, section, wanted->key, &value) &&
            keep(s, value, wanted->field, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int from_file(struct s3 *s, const char *path, bool is_secret,
                     const char *section, const struct wanted *wanted,
                     struct err *e)
{
    struct buf b;
    int rc;

    buf_init(&b, FILE_BYTES_MAX);
    rc = is_secret ? secret_read(path, &b, e) : fs_read(path, &b, e);
    if (rc == 0) {
        rc = from_text(s, buf_slice(&b), section, wanted, e);
    }
    if (b.len > 0) {
        secret_wipe(b.ptr, b.len);
    }
    buf_release(&b);
    return rc;
}

static const char *profile_name(const struct store_conf *conf)
{
    const char *name = given(conf->profile);

    name = name != NULL ? name : env("AWS_PROFILE");
    return name != NULL ? name : "default";
}

static int read_credentials_file(struct s3 *s, const struct store_conf *conf,
                                 struct err *e)
{
    const struct wanted wanted[] = {{"aws_access_key_id", &s->access_key},
                                    {"aws_secret_access_key", &s->secret},
                                    {"aws_session_token", &s->token},
                                    {NULL, NULL}};
    char path[FS_PATH_MAX];
    bool any;

    if (given(conf->credentials_file) != NULL) {
        return from_file(s, conf->credentials_file, true, profile_name(conf),
                         wanted, e);
    }
    if (aws_path(path, "AWS_SHARED_CREDENTIALS_FILE", "credentials", &any, e) <
        0) {
        return -1;
    }
    return any ? from_file(s, path, true, profile_name(conf), wanted, e) : 0;
}

static int read_config_file(struct s3 *s, const struct store_conf *conf,
                            const char **endpoint, struct err *e)
{
    const struct wanted wanted[] = {
        {"region", &s->region}, {"endpoint_url", endpoint}, {NULL, NULL}};
    const char *section = profile_name(conf);
    char path[FS_PATH_MAX];
    bool any;

    if (strcmp(section, "default") != 0) {
        section = arena_printf(&s->arena, e, "profile %s", section);
        if (section == NULL) {
            return -1;
        }
    }
    if (aws_path(path, "AWS_CONFIG_FILE", "config", &any, e) < 0) {
        return -1;
    }
    return any ? from_file(s, path, false, section, wanted, e) : 0;
}

/* --- who asks -------------------------------------------------------------------- */

/* Key and secret are of one origin; a token of another would not fit. */
static int find_credentials(struct s3 *s, const struct store_conf *conf,
                            struct err *e)
{
    const char *key = given(conf->access_key);
    const char *secret = given(conf->secret_key);
    const char *token = given(conf->session_token);

    if ((key == NULL || secret == NULL) &&
        given(conf->credentials_file) == NULL && given(conf->profile) == NULL) {
        key = env("AWS_ACCESS_KEY_ID");
        secret = env("AWS_SECRET_ACCESS_KEY");
        token = env("AWS_SESSION_TOKEN");
    }
    if (key != NULL && secret != NULL) {
        if (keep(s, slice_of(key), &s->access_key, e) < 0 ||
            keep(s, slice_of(secret), &s->secret, e) < 0 ||
            (token != NULL && keep(s, slice_of(token), &s->token, e) < 0)) {
            return -1;
        }
    } else if (read_credentials_file(s, conf, e) < 0) {
        return -1;
    }
    if (s->access_key == NULL || s->secret == NULL) {
        return err_set(e, ERR_DENIED,
                       "no credentials for S3: set AWS_ACCESS_KEY_ID and "
                       "AWS_SECRET_ACCESS_KEY, or the profile \"%s\" in "
                       "~/.aws/credentials (AWS_PROFILE names another)",
                       profile_name(conf));
    }
    if (secret_register(slice_of(s->secret), e) < 0) {
        return -1;
    }
    return s->token == NULL ? 0 : secret_register(slice_of(s->token), e);
}

/* --- where it is ----------------------------------------------------------------- */

static bool is_bucket(struct slice name)
{
    if (name.len < 3 || name.len > 63) {
        return false;
    }
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              (c >= 'A' && c <= 'Z') || c == '-' || c == '.' || c == '_')) {
            return false;
        }
    }
    return true;
}

static int read_address(struct s3 *s, const char *rest, struct err *e)
{
    struct slice prefix = slice_of(rest);
    struct slice bucket;

    if (!slice_starts(prefix, SLICE("//"))) {
        return err_set(e, ERR_INVALID, "write it as s3://BUCKET/PREFIX");
    }
    prefix = slice_from(prefix, 2);
    (void)slice_cut(&prefix, '/', &bucket);
    if (!is_bucket(bucket)) {
        return err_set(e, ERR_INVALID,
                       "\"%.*s\" is no name of a bucket (3 to 63 letters, "
                       "digits, dots and dashes); write s3://BUCKET/PREFIX",
                       bucket.len > 80 ? 80 : SLICE_FMT(bucket));
    }
    while (prefix.len > 0 && prefix.ptr[prefix.len - 1] == '/') {
        prefix.len--;
    }
    if (prefix.len > STORE_KEY_MAX / 2) {
        return err_set(e, ERR_LIMIT, "the prefix is over %d bytes",
                       STORE_KEY_MAX / 2);
    }
    if (keep(s, bucket, &s->bucket, e) < 0) {
        return -1;
    }
    s->prefix = arena_printf(&s->arena, e, "%.*s%s", SLICE_FMT(prefix),
                             prefix.len > 0 ? "/" : "");
    return s->prefix == NULL ? -1 : 0;
}

/* base and host; a port that goes without saying is left out, as clients and
 * servers do. */
static int place(struct s3 *s, const char *endpoint, struct err *e)
{
    const char *bucket = s->host_style ? s->bucket : "";
    const char *dot = s->host_style ? "." : "";
    char port[8] = "";
    struct url u;

    if (url_parse(&u, slice_of(endpoint), e) < 0) {
        return err_wrap(e, "endpoint");
    }
    if (u.user.len > 0 || u.path.len > 1 || u.has_query ||
        (!slice_is(u.scheme, "http") && !slice_is(u.scheme, "https"))) {
        return err_set(e, ERR_INVALID,
                       "endpoint \"%.*s\" is not of the form "
                       "https://HOST:PORT",
                       SLICE_FMT(u.host));
    }
    if (u.has_port && u.port != (slice_is(u.scheme, "https") ? 443 : 80)) {
        (void)snprintf(port, sizeof(port), ":%u", (unsigned)u.port);
    }
    s->host = arena_printf(&s->arena, e, "%s%s%s%.*s%s%s", bucket, dot,
                           u.ipv6 ? "[" : "", SLICE_FMT(u.host),
                           u.ipv6 ? "]" : "", port);
    if (s->host == NULL) {
        return -1;
    }
    s->base =
        arena_printf(&s->arena, e, "%.*s://%s", SLICE_FMT(u.scheme), s->host);
    return s->base == NULL ? -1 : 0;
}

static int find_endpoint(struct s3 *s, const struct store_conf *conf,
                         struct err *e)
{
    const char *endpoint = given(conf->endpoint);
    const char *in_file = NULL;

    s->region = given(conf->region) != NULL ? conf->region
                : env("AWS_REGION") != NULL ? env("AWS_REGION")
                                            : env("AWS_DEFAULT_REGION");
    if (s->region != NULL && keep(s, slice_of(s->region), &s->region, e) < 0) {
        return -1;
    }
    if (read_config_file(s, conf, &in_file, e) < 0) {
        return -1;
    }
    if (s->region == NULL) {
        s->region = "us-east-1";
    }
    endpoint = endpoint != NULL                     ? endpoint
               : env("AWS_ENDPOINT_URL_S3") != NULL ? env("AWS_ENDPOINT_URL_S3")
               : env("AWS_ENDPOINT_URL") != NULL    ? env("AWS_ENDPOINT_URL")
                                                    : in_file;
    s->host_style = conf->host_style;
    if (endpoint == NULL) {
        /* certificates of AWS hold one name in front: no dots in it */
        s->host_style = strchr(s->bucket, '.') == NULL;
        endpoint = arena_printf(&s->arena, e, "https://s3.%s.amazonaws.com",
                                s->region);
    }
    return endpoint == NULL ? -1 : place(s, endpoint, e);
}

int s3_configure(struct s3 *s, const char *rest, const struct store_conf *conf,
                 struct err *e)
{
    if (read_address(s, rest, e) < 0 || find_endpoint(s, conf, e) < 0 ||
        find_credentials(s, conf, e) < 0) {
        return -1;
    }
    s->part_bytes =
        conf->part_bytes > 0 ? conf->part_bytes : DEFAULT_PART_BYTES;
    if (s->part_bytes < S3_PART_MIN) {
        s->part_bytes = S3_PART_MIN;
    }
    s->clock_offset_us = conf->clock_offset_us;
    s->retry.attempts =
        1 + (unsigned)(conf->retries > 0 ? conf->retries : DEFAULT_RETRIES);
    return 0;
}
