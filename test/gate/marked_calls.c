/* Calls malloc between marks that a tracer sees: writes of one letter to a file that is not there.
 *
 *     marked_calls first        the first malloc of all
 *     marked_calls more         as much as may be reason to look at the control group
 *     marked_calls failing      mallocs that fail for good, of all kinds of sizes
 *     marked_calls starved      the same where not even the first one succeeded
 *     marked_calls crowded      the same in threads that there is no record for
 *     marked_calls due          mallocs that fail while the scavenger is to be started, then one
 *                               that succeeds and starts it
 *
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "eddy.h"

/* Starting it costs more. */
const char *eddy_options = "scavenger=never";

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

static int fail_from_the_start(void) {
    static const size_t sizes[] = {16, 9000, 70000, (size_t)1 << 30};
    struct rlimit nothing = {0, 0};
    if (setrlimit(RLIMIT_AS, &nothing) != 0 || malloc(1) != NULL) return 1;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (marked(sizes[i])) return 1;
    }
    return 0;
}

enum { CROWD = 120, STACK_BYTES = 64 << 10 };

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

/* The first malloc of the thread asks for a record, the second does without. */
static void *fail_in_turn(void *unused) {
    static int failed;
    pthread_mutex_lock(&turn);
    if (malloc(16) != NULL || marked(16)) _exit(1);
    if (++failed == CROWD) _exit(0);
    pthread_mutex_unlock(&turn);
    for (;;) pause();
    return unused;
}

/* All of them have their stacks before the memory is used up. */
static int fail_in_a_crowd(void) {
    struct rlimit limit = {64 << 20, 64 << 20};
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK_BYTES);
    pthread_mutex_lock(&turn);
    for (int i = 0; i < CROWD; i++) {
        pthread_t thread;
        if (pthread_create(&thread, &small, fail_in_turn, NULL) != 0) return 1;
    }
    if (setrlimit(RLIMIT_DATA, &limit) != 0) return 1;
    for (size_t size = 1 << 20; size >= 16; size /= 2) {
        while (malloc(size) != NULL) continue;
    }
    pthread_mutex_unlock(&turn);
    for (;;) pause();
}

static int fail_while_the_scavenger_is_due(void) {
    struct rlimit limit = {64 << 20, 64 << 20};
    if (malloc(1) == NULL || setrlimit(RLIMIT_DATA, &limit) != 0) return 1;
    if (eddy_option_set(EDDY_OPTION_SCAVENGER, 2) != 0) return 1;
    for (int round = 0; round < FAILING_ROUNDS; round++) {
        if (marked((size_t)1 << 30)) return 1;
    }
    return !marked(1 << 20);
}

int main(int argc, char **argv) {
    const char *what = argc == 2 ? argv[1] : "";
    if (strcmp(what, "first") == 0) return !marked(100);
    if (strcmp(what, "more") == 0) return !marked(64 << 20);
    if (strcmp(what, "failing") == 0) return use_up_and_fail();
    if (strcmp(what, "starved") == 0) return fail_from_the_start();
    if (strcmp(what, "crowded") == 0) return fail_in_a_crowd();
    if (strcmp(what, "due") == 0) return fail_while_the_scavenger_is_due();
    return 2;
}
