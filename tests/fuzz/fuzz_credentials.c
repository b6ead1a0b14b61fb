/* ~/.aws/credentials and ~/.aws/config as any tool left them: what is taken
 * are whole words of one line. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"
#include "store/s3_int.h"

static void check_word(const char *text)
{
    struct slice s = slice_of(text);

    require(s.len > 0 && slice_eq(slice_trim(s), s) &&
            strchr(text, '\n') == NULL);
}

/* A file without a name, that both variables point at. */
static int scratch(void)
{
    static FILE *f;
    char path[64];

    if (f == NULL) {
        f = tmpfile();
        require(f != NULL);
        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(f));
        require(setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1) == 0);
        require(setenv("AWS_CONFIG_FILE", path, 1) == 0);
        require(unsetenv("AWS_ACCESS_KEY_ID") == 0);
    }
    return fileno(f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct store_conf conf = {.profile = "p"};
    struct s3 s = {0};
    struct err e = {0};
    int fd = scratch();

    require(ftruncate(fd, 0) == 0 &&
            pwrite(fd, data, size, 0) == (ssize_t)size);
    arena_init(&s.arena, 1 << 20);
    if (s3_configure(&s, "//bucket/prefix", &conf, &e) == 0) {
        check_word(s.access_key);
        check_word(s.secret);
        check_word(s.region);
        require(strncmp(s.base, "http", 4) == 0);
    } else {
        require(e.msg[0] != '\0');
    }
    arena_release(&s.arena);
    return 0;
}
