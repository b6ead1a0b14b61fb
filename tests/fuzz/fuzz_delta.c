/* The state that log lines make, printed as lines and applied again, is the
 * same state: checkpoints lose nothing.  No file lies outside the folder. */
#include <string.h>

#include "fuzz.h"
#include "lake/delta_handle_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice lines = {(const char *)data, size};
    struct delta_state s;
    struct delta_state again;
    struct buf one;
    struct buf two;
    struct err e;

    buf_init(&one, 1 << 26);
    buf_init(&two, 1 << 26);
    delta_state_init(&s);
    delta_state_init(&again);
    if (delta_state_apply(&s, lines, "fuzz", &e) == 0 && s.id != NULL &&
        s.schema != NULL) {
        require(delta_state_lines(&s, &one, &e) == 0);
        require(delta_state_apply(&again, buf_slice(&one), "again", &e) == 0);
        require(delta_state_lines(&again, &two, &e) == 0);
        require(slice_eq(buf_slice(&one), buf_slice(&two)));
        require(again.nfiles == s.nfiles && again.napps == s.napps);
        for (size_t i = 0; i < s.nfiles; i++) {
            char key[STORE_KEY_MAX + 1];

            require(again.files[i].rows == s.files[i].rows);
            delta_key_of(s.files[i].path, key);
            require(key[0] != '/' && strncmp(key, "../", 3) != 0 &&
                    strstr(key, "/../") == NULL);
        }
    }
    delta_state_release(&s);
    delta_state_release(&again);
    buf_release(&one);
    buf_release(&two);
    return 0;
}
