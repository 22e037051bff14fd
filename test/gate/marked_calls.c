/* Calls malloc between marks that a tracer sees: writes of one letter to a file that is not there.
 *
 *     marked_calls first        the first malloc of all
 *     marked_calls more         as much as may be reason to look at the control group
 *     marked_calls failing      mallocs that fail for good, of all kinds of sizes
 *
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FAILING_ROUNDS = 3 };

static void mark(void) {
    if (write(-1, "|", 1) >= 0) abort();
}

/* A malloc between two marks; whether there was memory. */
static int marked(size_t size) {
    mark();
    void *block = malloc(size);
    mark();
    free(block);
    return block != NULL;
}

static int use_up_and_fail(void) {
    static const size_t sizes[] = {(size_t)1 << 30, 1 << 20, 70000, 9000, 1000, 16};
    struct rlimit limit = {64 << 20, 64 << 20};
    if (!marked(1) || setrlimit(RLIMIT_DATA, &limit) != 0) return 1;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        while (malloc(sizes[i]) != NULL) continue;
        for (int round = 0; round < FAILING_ROUNDS; round++) {
            if (marked(sizes[i])) return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    const char *what = argc == 2 ? argv[1] : "";
    if (strcmp(what, "first") == 0) return !marked(100);
    if (strcmp(what, "more") == 0) return !marked(64 << 20);
    if (strcmp(what, "failing") == 0) return use_up_and_fail();
    return 2;
}
