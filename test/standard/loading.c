/* What the library brings into a C program, and what happens when C++ arrives later.
 * SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <link.h>
#include <signal.h>

#include "standard.h"

static const char cxx_runtime[] = "libstdc++.so.6";

static int count_if_named(struct dl_phdr_info *info, size_t size, void *argument) {
    (void)size;
    const char *const *name = argument;
    return strstr(info->dlpi_name, *name) != NULL;
}

static bool is_loaded(const char *name) { return dl_iterate_phdr(count_if_named, &name) != 0; }

static void a_c_program_loads_no_cxx_library(void **state) {
    (void)state;
    assert_true(is_loaded("libeddy.so"));
    assert_false(is_loaded("libstdc++"));
    assert_false(is_loaded("libc++"));
    assert_false(is_loaded("libgcc_s"));
    assert_false(is_loaded("libunwind"));
}

static void the_malloc_family_is_eddys(void **state) {
    (void)state;
    static const char *const names[] = {
        "malloc",
        "calloc",
        "realloc",
        "free",
        "reallocarray",
        "aligned_alloc",
        "posix_memalign",
        "memalign",
        "valloc",
        "pvalloc",
        "cfree",
        "free_sized",
        "free_aligned_sized",
        "malloc_usable_size",
        "malloc_trim",
        "mallinfo",
        "mallinfo2",
        "malloc_info",
        "malloc_stats",
        "mallopt",
        "_Znwm",
        "_ZdlPv",
    };
    for (size_t i = 0; i < LENGTH(names); i++) {
        Dl_info where;
        void *function = dlsym(RTLD_DEFAULT, names[i]);
        assert_non_null(function);
        assert_true(dladdr(function, &where) != 0);
        assert_non_null(strstr(where.dli_fname, "libeddy.so"));
    }
}

static void closing_the_library_leaves_it_loaded(void **state) {
    (void)state;
    Dl_info where;
    assert_true(dladdr(dlsym(RTLD_DEFAULT, "eddy_version"), &where) != 0);
    void *library = dlopen(where.dli_fname, RTLD_NOW);
    assert_non_null(library);
    dlclose(library);
    dlclose(library);
    free(must(malloc(100)));
}

/* ---- operator new in a C program ---- */

void *_Znwm(size_t size);
void *_ZnwmRKSt9nothrow_t(size_t size, const void *tag);

static void fail_new_without_a_runtime(void) {
    check(freopen("/dev/null", "w", stderr) != NULL);
    _Znwm(opaque(SIZE_MAX));
}

static void operator_new_aborts_where_nothing_can_throw(void **state) {
    (void)state;
    int status = status_in_child(fail_new_without_a_runtime);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* As an interpreter loads an extension: its symbols are local. libstdc++ allocates in a constructor
 * of its own. */
static void *load_cxx_runtime(void) { return dlopen(cxx_runtime, RTLD_NOW | RTLD_LOCAL); }

static void a_library_that_allocates_as_it_is_loaded_works(void **state) {
    (void)state;
    size_t before = live_blocks();
    if (load_cxx_runtime() == NULL) skip();
    assert_true(live_blocks() > before);
}

static void end_well(void) { _exit(EXIT_SUCCESS); }

/* A thrown exception that no one catches calls the terminate handler; abort would not. */
static void throw_after_late_loading(void) {
    void *runtime = load_cxx_runtime();
    check(runtime != NULL);
    void (*(*set_terminate)(void (*)(void)))(void);
    *(void **)&set_terminate = dlsym(runtime, "_ZSt13set_terminatePFvvE");
    check(set_terminate != NULL);
    set_terminate(end_well);
    _Znwm(opaque(SIZE_MAX));
    check(false);
}

static void operator_new_throws_when_cxx_was_loaded_later(void **state) {
    (void)state;
    if (load_cxx_runtime() == NULL) skip();
    assert_in_child(throw_after_late_loading);
}

static void nothrow_new_gives_null_when_cxx_was_loaded_later(void **state) {
    (void)state;
    if (load_cxx_runtime() == NULL) skip();
    assert_null(_ZnwmRKSt9nothrow_t(opaque(SIZE_MAX), NULL));
    free(must(_ZnwmRKSt9nothrow_t(100, NULL)));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_c_program_loads_no_cxx_library),
        cmocka_unit_test(the_malloc_family_is_eddys),
        cmocka_unit_test(closing_the_library_leaves_it_loaded),
        cmocka_unit_test(operator_new_aborts_where_nothing_can_throw),
        cmocka_unit_test(a_library_that_allocates_as_it_is_loaded_works),
        cmocka_unit_test(operator_new_throws_when_cxx_was_loaded_later),
        cmocka_unit_test(nothrow_new_gives_null_when_cxx_was_loaded_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
