/* A preloaded program runs under valgrind, with Eddy's malloc left in place.
 * SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <fcntl.h>

#include "standard.h"

static const char *self;

/* Under valgrind: every kind of block, more than one region's worth of small ones. */
static int use_blocks(void) {
    static void *blocks[5000];
    for (unsigned i = 0; i < LENGTH(blocks); i++) {
        size_t size = i % 500 == 0 ? 3 * MIB : i % 50 == 0 ? 100 * KIB : i % 2000;
        blocks[i] = malloc(size);
        if (blocks[i] == NULL) return EXIT_FAILURE;
        memset(blocks[i], 1, size);
    }
    for (unsigned i = 0; i < LENGTH(blocks); i++) free(blocks[i]);
    return live_blocks() < LENGTH(blocks) ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void run_under_valgrind(const char *program, const char *argument) {
    Dl_info library;
    assert_true(dladdr(dlsym(RTLD_DEFAULT, "eddy_version"), &library) != 0);
    pid_t child = fork();
    if (child == 0) {
        setenv("LD_PRELOAD", library.dli_fname, 1);
        execlp("valgrind", "valgrind", "--quiet", "--error-exitcode=9", "--trace-children=no",
               "--soname-synonyms=somalloc=nouserintercepts", program, argument, (char *)NULL);
        _exit(EXIT_FAILURE);
    }
    assert_int_equal(wait_for(child), 0);
}

static void a_program_of_every_kind_of_block_runs(void **state) {
    (void)state;
    run_under_valgrind(self, "use-blocks");
}

static void a_system_program_runs(void **state) {
    (void)state;
    run_under_valgrind("/bin/true", NULL);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_of_every_kind_of_block_runs),
        cmocka_unit_test(a_system_program_runs),
    };
    if (argc == 2) return use_blocks();
    self = argv[0];
    if (system("valgrind --version > /dev/null 2>&1") != 0) {
        fprintf(stderr, "skipped: no valgrind\n");
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
