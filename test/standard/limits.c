/* Resource limits, from the start and set by the program itself: a refusal is NULL and ENOMEM, and
 * what was freed can be had again.
 * SPDX-License-Identifier: MIT */
#include <pthread.h>
#include <sys/resource.h>

#include "standard.h"

static void set_limit(int resource, size_t bytes) {
    struct rlimit limit = {bytes, bytes};
    check(setrlimit(resource, &limit) == 0);
}

static size_t address_space_used(void) {
    size_t pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    check(statm != NULL && fscanf(statm, "%zu", &pages) == 1);
    fclose(statm);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* ---- until nothing is left ---- */

/* Every block holds the address of the one before. */
static void **allocate_until_refused(size_t size, size_t enough, size_t *bytes) {
    void **last = NULL;
    for (*bytes = 0; *bytes < enough; *bytes += size) {
        errno = 0;
        void **block = malloc(size);
        if (block == NULL) {
            check(errno == ENOMEM);
            break;
        }
        memset(block, 0x5a, size);
        *block = last;
        last = block;
    }
    return last;
}

static void free_all(void **last) {
    while (last != NULL) {
        void **before = *last;
        free(last);
        last = before;
    }
}

/* That at least `expected` bytes can be had in blocks of every kind, and again after they were
 * freed. */
static void exhaust(size_t expected) {
    static const size_t sizes[] = {64, 1000, 8 * KIB, 100 * KIB, MIB};
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        size_t bytes;
        free_all(allocate_until_refused(sizes[i], GIB, &bytes));
        check(bytes >= expected);
        void *whole = malloc(expected / 2);
        check(whole != NULL);
        free(whole);
    }
}

/* ---- limits from the start ---- */

typedef struct scenario {
    const char *name;
    int resource;
    size_t limit, expected;
} scenario_t;

static const scenario_t scenarios[] = {
    {"as-32", RLIMIT_AS, 32 * MIB, 12 * MIB},    {"as-48", RLIMIT_AS, 48 * MIB, 20 * MIB},
    {"as-128", RLIMIT_AS, 128 * MIB, 60 * MIB},  {"as-1024", RLIMIT_AS, GIB, 512 * MIB},
    {"data-16", RLIMIT_DATA, 16 * MIB, 8 * MIB}, {"data-64", RLIMIT_DATA, 64 * MIB, 40 * MIB},
};

/* This program again, under the limit from its first instruction on. */
static void run_again(const scenario_t *scenario) {
    pid_t child = fork();
    if (child == 0) {
        set_limit(scenario->resource, scenario->limit);
        alarm(60);
        execl("/proc/self/exe", "limits", scenario->name, (char *)NULL);
        _exit(EXIT_FAILURE);
    }
    assert_int_equal(wait_for(child), 0);
}

static int run_scenario(const char *name) {
    for (size_t i = 0; i < LENGTH(scenarios); i++) {
        if (strcmp(name, scenarios[i].name) == 0) {
            exhaust(scenarios[i].expected);
            return EXIT_SUCCESS;
        }
    }
    return EXIT_FAILURE;
}

static void programs_started_under_a_limit_run(void **state) {
    (void)state;
    for (size_t i = 0; i < LENGTH(scenarios); i++) run_again(&scenarios[i]);
}

/* ---- limits lowered after the start ---- */

static void lower_address_space_a_little(void) {
    set_limit(RLIMIT_AS, address_space_used() + 32 * MIB);
    exhaust(8 * MIB);
}

static void lower_data(void) {
    set_limit(RLIMIT_DATA, 64 * MIB);
    exhaust(16 * MIB);
}

/* From here on the kernel refuses every mapping. */
static void lower_address_space_to_nothing(void) {
    void *blocks[100];
    for (unsigned i = 0; i < LENGTH(blocks); i++) {
        check((blocks[i] = malloc(1000)) != NULL);
        fill(blocks[i], 1000, i);
    }
    set_limit(RLIMIT_AS, 0);
    errno = 0;
    check(malloc(opaque((size_t)1 << 46)) == NULL && errno == ENOMEM);
    for (size_t size = 1; size <= GIB; size *= 2) {
        errno = 0;
        void *block = malloc(size);
        check(block != NULL || errno == ENOMEM);
        if (block != NULL) memset(block, 1, size < MIB ? size : MIB);
        free(block);
    }
    for (unsigned i = 0; i < LENGTH(blocks); i++) {
        check(is_filled(blocks[i], 1000, i));
        free(blocks[i]);
    }
    free(malloc(1000));
}

/* No program expects to fail as it gives memory up. */
static void shrink_when_exhausted(void) {
    size_t bytes;
    unsigned char *small = malloc(5000), *large = malloc(4 * MIB);
    check(small != NULL && large != NULL);
    fill(small, 5000, 1);
    fill(large, 4 * MIB, 2);
    set_limit(RLIMIT_DATA, 64 * MIB);
    static const size_t sizes[] = {MIB, 8 * KIB, 100, 16};
    for (size_t i = 0; i < LENGTH(sizes); i++) allocate_until_refused(sizes[i], GIB, &bytes);
    check((small = realloc(small, 100)) != NULL && is_filled(small, 100, 1));
    check((large = realloc(large, 3000)) != NULL && is_filled(large, 3000, 2));
}

static pthread_barrier_t nothing_is_left;

static void *allocate_in_thread(void *unused) {
    size_t bytes;
    pthread_barrier_wait(&nothing_is_left);
    free_all(allocate_until_refused(1000, 16 * MIB, &bytes));
    return unused;
}

static void first_blocks_of_threads_when_exhausted(void) {
    size_t bytes;
    pthread_t threads[4];
    pthread_barrier_init(&nothing_is_left, NULL, LENGTH(threads) + 1);
    for (size_t i = 0; i < LENGTH(threads); i++) {
        check(pthread_create(&threads[i], NULL, allocate_in_thread, NULL) == 0);
    }
    set_limit(RLIMIT_DATA, 128 * MIB);
    void **blocks = allocate_until_refused(8 * KIB, GIB, &bytes);
    pthread_barrier_wait(&nothing_is_left);
    for (size_t i = 0; i < LENGTH(threads); i++) {
        check(pthread_join(threads[i], NULL) == 0);
    }
    free_all(blocks);
}

static void the_program_may_lower_its_address_space(void **state) {
    (void)state;
    assert_in_child(lower_address_space_a_little);
}

static void the_program_may_lower_its_data(void **state) {
    (void)state;
    assert_in_child(lower_data);
}

static void a_kernel_that_refuses_everything_is_survived(void **state) {
    (void)state;
    assert_in_child(lower_address_space_to_nothing);
}

static void shrinking_succeeds_when_nothing_is_left(void **state) {
    (void)state;
    assert_in_child(shrink_when_exhausted);
}

static void a_thread_may_find_nothing_left(void **state) {
    (void)state;
    assert_in_child(first_blocks_of_threads_when_exhausted);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_started_under_a_limit_run),
        cmocka_unit_test(the_program_may_lower_its_address_space),
        cmocka_unit_test(the_program_may_lower_its_data),
        cmocka_unit_test(a_kernel_that_refuses_everything_is_survived),
        cmocka_unit_test(shrinking_succeeds_when_nothing_is_left),
        cmocka_unit_test(a_thread_may_find_nothing_left),
    };
    if (argc == 2) return run_scenario(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
